package io.github.evercred.testkit;

import java.io.IOException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What MySQL and MariaDB have in common. Making a data directory takes seconds, so one is made as a
 * template when the programs are unpacked, and each server gets a copy. It sets the administrator's
 * password itself, by statements that it reads from a pipe before it accepts connections, so that
 * the password is in no file.
 */
abstract class MySqlFamilyProgram implements ServerProgram {
  static final String ADMIN = "root";

  private static final String TEMPLATE = "template";
  private static final int MINUTES_TO_PREPARE = 5;

  private final ServerSettings settings;

  MySqlFamilyProgram(ServerSettings settings) {
    this.settings = settings;
  }

  /** The artifact that carries the programs. */
  abstract String carrier();

  /** The entry of the class path that tells whether the programs are there. */
  abstract String resource();

  /** The program that is the server. */
  abstract String executable();

  /** The driver's class, and the artifact that has it. */
  abstract Map.Entry<String, String> driver();

  /** Unpacks the programs. */
  abstract void unpack(URL archive, Path directory) throws IOException;

  /** Makes the template. */
  abstract void initialise(Path home, Path template, List<String> command) throws IOException;

  /** Statements that set the password, with {@code $password} in them. */
  abstract List<String> setPassword();

  /** Options of one of the two alone. */
  abstract Map<String, String> ownOptions();

  /** Why no server can be started here. */
  final Optional<String> unavailable() {
    String platform =
        "%s %s".formatted(System.getProperty("os.name", ""), System.getProperty("os.arch", ""));
    if (!platform.toLowerCase(Locale.ROOT).matches("linux (amd64|x86_64)")) {
      return Optional.of(
          "There is no %s for this platform (%s): %s has one for Linux on x86_64. Run these tests there, or give Rotation a server of your own."
              .formatted(name(), platform, carrier()));
    }
    if (!Files.exists(Path.of("/lib64/ld-linux-x86-64.so.2"))) {
      return Optional.of(
          "%s needs the GNU C library, which this Linux does not have (Alpine has musl)"
              .formatted(name()));
    }
    if (getClass().getResource(resource()) == null) {
      return Optional.of(
          "The class path has no %s (%s). Add %s to the tests' class path."
              .formatted(name(), resource(), carrier()));
    }
    try {
      Class.forName(driver().getKey());
      return Optional.empty();
    } catch (ClassNotFoundException e) {
      return Optional.of(
          "The class path has no driver for %s. Add %s to the tests' class path."
              .formatted(name(), driver().getValue()));
    }
  }

  @Override
  public final String directoryPrefix() {
    return "evercred-%s-data-".formatted(executable());
  }

  @Override
  public final Path unpacked(int uid) throws IOException {
    URL archive = getClass().getResource(resource());
    if (archive == null) {
      throw new IllegalStateException(unavailable().orElse("The class path has changed"));
    }
    return UnpackedServer.of(
        executable(),
        archive,
        uid,
        directory -> {
          unpack(archive, directory);
          Path template = directory.resolve(TEMPLATE);
          List<String> command = new ArrayList<>();
          command.add(directory.resolve("bin").resolve(executable()).toString());
          command.add("--no-defaults");
          command.add("--basedir=" + directory);
          command.add("--lc-messages-dir=" + directory.resolve("share"));
          command.add("--datadir=" + template);
          command.add("--skip-log-bin");
          if (uid == 0) {
            command.add("--user=root");
          }
          quickOptions().forEach((name, value) -> command.add("--" + name + "=" + value));
          initialise(directory, template, command);
        });
  }

  /** Runs a program to its end and returns what it said; fails if it fails. */
  final String run(List<String> command, @Nullable Path input) throws IOException {
    Path output = Files.createTempFile("evercred-", ".log");
    try {
      ProcessBuilder builder =
          new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile());
      if (input != null) {
        builder.redirectInput(input.toFile());
      }
      builder.environment().keySet().removeIf(name -> name.startsWith(environmentPrefix()));
      Process process = builder.start();
      if (input == null) {
        process.getOutputStream().close();
      }
      boolean ended = false;
      try {
        ended = process.waitFor(MINUTES_TO_PREPARE, TimeUnit.MINUTES);
      } finally {
        if (!ended) {
          process.destroyForcibly();
        }
      }
      String said = Files.readString(output, StandardCharsets.ISO_8859_1);
      if (!ended || process.exitValue() != 0) {
        throw new IllegalStateException(
            "%s could not be prepared: %s %s. Its last output was:%n%s"
                .formatted(
                    name(),
                    command.get(0),
                    ended ? "ended with status " + process.exitValue() : "did not end",
                    said.substring(Math.max(0, said.length() - 4000))));
      }
      return said;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while %s was unpacked".formatted(name()), e);
    } finally {
      Files.delete(output);
    }
  }

  /** Options that make a short-lived server quick and small. */
  private Map<String, String> quickOptions() {
    Map<String, String> options = new LinkedHashMap<>();
    options.put("innodb_flush_method", "nosync");
    options.put("innodb_flush_log_at_trx_commit", "0");
    options.put("innodb_doublewrite", "0");
    options.put("innodb_buffer_pool_size", "32M");
    options.putAll(ownOptions());
    return options;
  }

  @Override
  public final boolean refusesRoot() {
    return false; // given --user=root
  }

  @Override
  public final String environmentPrefix() {
    return "MYSQL";
  }

  @Override
  public final String preparation() {
    return """
        cp -r "$home/%s" "$work/data"
        status=$?
        [ "$(id -u)" = 0 ] && as=--user=root || as=
        """
        .formatted(TEMPLATE);
  }

  @Override
  public final String command(int port) {
    Map<String, String> all = new LinkedHashMap<>(quickOptions());
    all.put("skip_name_resolve", "1"); // the host's resolver does not matter
    all.put("performance_schema_instrument", "%=OFF");
    all.put("performance_schema_max_digest_length", "0");
    for (String size : List.of("digests_size", "events_statements_history_long_size")) {
      all.put("performance_schema_" + size, "0");
    }
    for (String what : List.of("mutex", "rwlock", "cond", "file", "stage", "statement")) {
      all.put("performance_schema_max_%s_classes".formatted(what), "0");
    }
    settings.addTo(all);
    all.put("performance_schema", "ON");
    all.put("bind_address", "127.0.0.1");
    all.put("port", String.valueOf(port));
    all.put("max_connections", String.valueOf(settings.maxConnections() + 1));
    all.put("socket", "socket"); // below data, however long that path is
    all.put("init_file", "/dev/stdin");
    return """
        printf '%%s\\n' %s | "$home/bin/%s" --no-defaults $as \
        --basedir="$home" --lc-messages-dir="$home/share" --datadir="$work/data" \
        --tmpdir="$work" --pid-file="$work/pid" --skip-log-bin --skip-ssl%s"""
        .formatted(
            setPassword().stream().map(sql -> '"' + sql + '"').collect(Collectors.joining(" ")),
            executable(),
            ServerProcess.options("--", all));
  }

  @Override
  public final String stopSignal() {
    return "KILL"; // its data goes with it
  }

  @Override
  public final String pidFile() {
    return "pid";
  }
}
