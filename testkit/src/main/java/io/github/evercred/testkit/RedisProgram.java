package io.github.evercred.testkit;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Redis: one program, which needs no preparation. It reads its configuration from a pipe, with the
 * administrator's password in it, so that the password is in no file.
 */
final class RedisProgram implements ServerProgram {
  static final String ADMIN = "admin";

  private static final String CARRIER = "com.github.codemonstur:embedded-redis:1.4.4";
  private static final String EXECUTABLE = "redis-server";

  private final ServerSettings settings;

  RedisProgram(ServerSettings settings) {
    this.settings = settings;
  }

  @Override
  public String name() {
    return "Redis";
  }

  /** Why no server can be started here. */
  Optional<String> unavailable() {
    String resource = resource();
    if (resource == null) {
      return Optional.of(
          "There is no Redis for this platform (%s %s): %s has one for Linux and macOS on x86_64 and arm64. Run these tests there, or give Rotation a target of your own."
              .formatted(
                  System.getProperty("os.name", ""), System.getProperty("os.arch", ""), CARRIER));
    }
    if (resource.endsWith("linux-amd64") && !Files.exists(Path.of("/lib64/ld-linux-x86-64.so.2"))) {
      return Optional.of(
          "Redis needs the GNU C library, which this Linux does not have (Alpine has musl)");
    }
    if (RedisProgram.class.getResource(resource) == null) {
      return Optional.of(
          "The class path has no Redis (%s). Add %s to the tests' class path."
              .formatted(resource, CARRIER));
    }
    return Optional.empty();
  }

  /** As the carrier names it. */
  private static @Nullable String resource() {
    String os = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
    String arch =
        switch (System.getProperty("os.arch", "").toLowerCase(Locale.ROOT)) {
          case "amd64", "x86_64" -> "amd64";
          case "aarch64", "arm64" -> "arm64";
          default -> "other";
        };
    return switch ((os.startsWith("mac") ? "darwin" : os) + "-" + arch) {
      case "linux-amd64" -> "/redis-server-6.2.6-v5-linux-amd64";
      case "linux-arm64" -> "/redis-server-6.2.7-linux-arm64";
      case "darwin-amd64" -> "/redis-server-6.2.6-v5-darwin-amd64";
      case "darwin-arm64" -> "/redis-server-6.2.6-v5-darwin-arm64";
      default -> null;
    };
  }

  @Override
  public String directoryPrefix() {
    return "evercred-redis-data-";
  }

  @Override
  public Path unpacked(int uid) throws IOException {
    String resource = resource();
    URL program = resource == null ? null : RedisProgram.class.getResource(resource);
    if (program == null) {
      throw new IllegalStateException(unavailable().orElse("The class path has changed"));
    }
    return UnpackedServer.of(
        "redis",
        program,
        uid,
        directory -> {
          try (InputStream in = program.openStream()) {
            Archive.write(in, directory.resolve(EXECUTABLE), true);
          }
        });
  }

  @Override
  public boolean refusesRoot() {
    return false;
  }

  @Override
  public String environmentPrefix() {
    return "REDIS";
  }

  /** Only sees whether the program can be loaded: 127 is the loader's word that it cannot. */
  @Override
  public String preparation() {
    return """
        "$home/%s" --version 3<&- 2>&1
        status=$?
        [ $status -ne 127 ] || echo "This Redis needs OpenSSL 3 (libssl.so.3 and libcrypto.so.3: \
        Debian's package libssl3, Fedora's openssl-libs) and on x86_64 glibc 2.34 or later."
        """
        .formatted(EXECUTABLE);
  }

  @Override
  public String command(int port) {
    Map<String, String> own = new LinkedHashMap<>();
    own.put("save", "\"\"");
    settings.addTo(own);
    return """
        printf '%%s\\n' %s \
        "bind 127.0.0.1" "port %d" "dir ." "pidfile %s" "user default off" \
        "user %s on >$password ~* &* +@all" | "$home/%s" -"""
        .formatted(
            own.entrySet().stream()
                .map(one -> ServerProcess.quoted(one.getKey() + " " + one.getValue()))
                .collect(Collectors.joining(" ")),
            port,
            pidFile(),
            ADMIN,
            EXECUTABLE);
  }

  @Override
  public String stopSignal() {
    return "KILL"; // its data goes with it
  }

  @Override
  public String pidFile() {
    return "pid";
  }

  @Override
  public ServerLog newLog() {
    return new ServerLog() {
      @Override
      void understand(String line) {
        if (line.contains("Ready to accept connections")) {
          ready();
        } else if (line.contains("Could not create server TCP listening socket")
            || line.contains("Redis port number too high")) { // a cluster's bus is 10,000 above it
          portTaken();
        }
      }
    };
  }
}
