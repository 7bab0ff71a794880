# Every task of the project, over the Maven wrapper. `make help` lists them; CI calls nothing else.
MVN ?= ./mvnw
FLAGS := -B -ntp

.DEFAULT_GOAL := help
.PHONY: help check test verify docs examples demo format canary repro ci clean

help: ## List these tasks
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

check: ## Check the format and compile everything, tests included, under every checker
	$(MVN) $(FLAGS) test-compile

test: ## Run all tests, those with a real PostgreSQL included
	$(MVN) $(FLAGS) test

verify: ## Do all that a change must pass: checks, tests, jars, Javadoc, coverage report
	$(MVN) $(FLAGS) verify

docs: ## Build the Javadoc of the published modules, warnings as errors
	$(MVN) $(FLAGS) package -DskipTests -pl core,testkit,jdbc-wrapper

examples: ## Build the examples with the modules they use, and run their tests
	$(MVN) $(FLAGS) verify -DskipDocs -pl examples/rotation-demo,examples/migration -am

demo: ## Run the rotation demo, with options in ARGS: make demo ARGS="--rotations 2"
	./examples/rotation-demo/run $(ARGS)

format: ## Format all Java files in place
	$(MVN) $(FLAGS) spotless:apply

canary: ## Prove that Error Prone, NullAway, -Werror and the format check break the build
	MVN="$(MVN)" .ci/canary

repro: ## Build twice in different places and compare the published jars byte for byte
	MVN="$(MVN)" .ci/repro

ci: ## Do what a clean checkout must pass: verify, canary, demo, and verify again on JDK 25
	.ci/run

clean: ## Delete everything that was built
	$(MVN) $(FLAGS) clean
