# shellcheck shell=sh
# What the examples' ./run have in common; it is not run itself. The caller has set root and name.

# find_java: sets java, to that of JAVA_HOME, else the one on the PATH. 17 or newer, as a JDK.
find_java() {
  java=java
  if [ -n "${JAVA_HOME:-}" ]; then
    java=$JAVA_HOME/bin/java
  fi
  if ! command -v "$java" >/dev/null 2>&1; then
    echo "$name: no Java at '$java'. Install a JDK, 17 or newer, or set JAVA_HOME to one." >&2
    exit 1
  fi
}

# build FOLDER...: packs the example with the modules that it uses. Only what is needed to run:
# tests and checks are for those who change the code (make help). The folders, in which a former
# build has collected libraries, go first, so that no jar stands in two versions on the class path.
build() {
  for folder in "$@"; do
    rm -rf "${root:?}/examples/$name/target/$folder"
  done
  echo "Building (the first time downloads what the build needs, which takes a minute or two) ..." >&2
  (cd "$root" && exec ./mvnw -q -B -ntp -pl "examples/$name" -am \
    -Dmaven.test.skip=true -DskipDocs -Denforcer.skip -Dspotless.check.skip -Djacoco.skip \
    package) </dev/null >&2 || {
    echo "$name: the build failed; what it said is above." >&2
    exit 1
  }
}
