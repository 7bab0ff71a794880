# Every task of the project, over the Maven wrapper. `make help` lists them; CI calls nothing else.
MVN ?= ./mvnw
FLAGS := -B -ntp

FUZZ := $(notdir $(basename $(wildcard core/src/test/java/io/github/evercred/*FuzzTest.java)))
FUZZ_TIME := 60
FUZZ_INSTRUMENT := io.github.evercred.**,com.grack.nanojson.**,software.amazon.awssdk.protocols.**,software.amazon.awssdk.thirdparty.jackson.**

.DEFAULT_GOAL := help
.PHONY: help check test verify docs examples faults it-full demo format fuzz mutation stress bench bench-full bench-check bench-record bench-query bench-connect bench-cold canary repro ci clean

help: ## List these tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

check: ## Check the format and compile everything, tests included, under every checker
	$(MVN) $(FLAGS) test-compile

test: ## Run all tests, those with a real PostgreSQL included
	$(MVN) $(FLAGS) test

verify: ## Do all that a change must pass: checks, tests, jars, Javadoc, coverage report
	$(MVN) $(FLAGS) verify

docs: ## Build the Javadoc of the published modules, warnings as errors
	$(MVN) $(FLAGS) package -DskipTests -pl core,testkit,jdbc-wrapper,clients

examples: ## Build the examples with the modules they use, and run their tests
	$(MVN) $(FLAGS) verify -DskipDocs -pl examples/rotation-demo,examples/migration,examples/lambda,examples/any-client -am

faults: ## Measure what faults do to a reader, and rewrite docs/faults.md
	$(MVN) $(FLAGS) test -DskipDocs -pl testkit,core -Dtest=FaultMatrixTest -Dsurefire.failIfNoSpecifiedTests=false -Devercred.docs.update=true

it-full: ## Rotate real databases in every way under load, a quarter of an hour, and record it in docs/rotation.md
	$(MVN) $(FLAGS) test -DskipDocs -pl testkit,core,jdbc-wrapper,integration -P mariadb -DexcludedGroups= -Dgroups='full|mariadb' -DforkCount=1 -Djacoco.skip -Dsurefire.timeout=1800 -Devercred.docs.update=true

demo: ## Run the rotation demo, with options in ARGS: make demo ARGS="--rotations 2"
	./examples/rotation-demo/run $(ARGS)

format: ## Format all Java files in place
	$(MVN) $(FLAGS) spotless:apply

fuzz: ## Fuzz each target, a minute each by default: make fuzz FUZZ_TIME=600 FUZZ=JsonFuzzTest
	@for target in $(FUZZ); do \
	  test -f core/src/test/java/io/github/evercred/$$target.java \
	    || { echo "There is no fuzz target $$target in core/src/test/java/io/github/evercred." >&2; exit 1; }; \
	  echo "== $$target for $(FUZZ_TIME) s"; \
	  JAZZER_FUZZ=1 $(MVN) $(FLAGS) -q test -pl testkit,core -Djacoco.skip -Dsurefire.timeout=0 \
	    -Dsurefire.failIfNoSpecifiedTests=false \
	    -Djunit.jupiter.execution.timeout.mode=disabled -Dtest=$$target \
	    -Dtest.jvm.args=-Xmx1g -Djazzer.hooks=true \
	    -Djazzer.max_duration=$(FUZZ_TIME)s -Djazzer.instrument=$(FUZZ_INSTRUMENT) \
	    || exit 1; \
	done

canary: ## Prove that Error Prone, NullAway, -Werror and the format check break the build
	MVN="$(MVN)" .ci/canary

mutation: ## Report which planted changes of the core's code no test notices: make mutation MUTATE=io.github.evercred.Entry
	$(MVN) $(FLAGS) -P mutation -pl testkit,core -DskipDocs process-test-classes $(if $(MUTATE),-Dmutate='$(MUTATE)')

stress: ## Play the cache's races at length with jcstress, an hour or less: make stress RACES=TwoMisses
	$(MVN) $(FLAGS) test -DskipDocs -pl testkit,core,stress -Dtest=StressTest -Dsurefire.failIfNoSpecifiedTests=false -Dsurefire.timeout=0 -Dstress.mode=default $(if $(RACES),-Dstress.races=$(RACES))

bench: ## Measure everything beside its peers, in ten minutes, and write docs/benchmarks.md
	$(call bench,short)

bench-full: ## The same with every window, engine and strategy, an hour and a half
	$(call bench,full,-P mariadb)

bench-check: ## Compare the latest run with the one that is recorded: a loss of a quarter fails
	$(call in-benchmarks,Check)

bench-record: ## Record the latest run as what later ones are compared with
	$(call in-benchmarks,Check,record)

bench-query: ## Compare a query through a pool with and without Evercred, in four minutes
	$(call bench,full,,query)

bench-connect: ## Compare a login with and without Evercred, in four minutes
	$(call bench,full,,connect)

bench-cold: ## Compare how long a process takes to its first secret, in a minute
	$(call bench,full,,cold-start)

# A form, options of Maven, benchmarks. Into brings goes what a user of a module gets, for its size.
define bench
	rm -rf benchmarks/target/lib core/target/brings jdbc-wrapper/target/brings $(if $(3),,benchmarks/target/results)
	$(MVN) $(FLAGS) -q package dependency:copy-dependencies -pl benchmarks -am $(2) -DincludeScope=runtime -DoutputDirectory=target/brings -Dmaven.test.skip=true -DskipDocs -Denforcer.skip -Dspotless.check.skip -Djacoco.skip
	$(call in-benchmarks,Bench,$(1) $(3))
endef

define in-benchmarks
	$(if $(JAVA_HOME),$(JAVA_HOME)/bin/)java -Djava.awt.headless=true -cp "$$(ls benchmarks/target/evercred-benchmarks-*.jar):benchmarks/target/lib/*" io.github.evercred.benchmarks.$(1) $(2)
endef

repro: ## Build twice in different places and compare the published jars byte for byte
	MVN="$(MVN)" .ci/repro

ci: ## Do what a clean checkout must pass: verify, canary, demo, and verify again on JDK 25
	.ci/run

clean: ## Delete everything that was built
	$(MVN) $(FLAGS) clean
