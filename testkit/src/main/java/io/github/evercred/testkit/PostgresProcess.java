package io.github.evercred.testkit;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * One PostgreSQL server with a data directory of its own, which does not outlive this JVM.
 *
 * <p>The server is a child of a small shell script, and the script's standard input is a pipe from
 * this JVM. When the pipe ends, because {@link #close} closed it or because the JVM is gone, even
 * after {@code kill -9}, the script stops the server and removes its directory. The superuser's
 * password goes down the same pipe; {@code initdb} reads it from a file in the private directory,
 * which the script removes at once, so it is never on a command line. PostgreSQL refuses to run as
 * root, so root runs the script as an unprivileged user, by {@code setpriv} or else {@code su}.
 */
final class PostgresProcess implements AutoCloseable {
  static final String ADMIN = "postgres";

  private static final int UNPRIVILEGED = 65534;
  private static final int PORTS_TRIED = 5;
  private static final Duration STOP_TIME = Duration.ofSeconds(20);
  private static final String SCRIPT =
      """
      trap '' HUP INT TERM
      exec 3<&0 </dev/null
      work=%1$s
      cd "$work" || exit 1
      umask 077
      IFS= read -r password <&3 || { rm -rf "$work" 2>/dev/null; exit 1; }
      printf '%%s\\n' "$password" >"$work/password"
      unset password
      %2$s/bin/initdb -D "$work/data" -U %3$s -A scram-sha-256 --pwfile="$work/password" \\
        -E UTF8 --no-locale --no-sync --no-instructions 3<&- 2>&1
      status=$?
      rm -f "$work/password"
      if [ $status -eq 0 ]; then
        %2$s/bin/postgres -D "$work/data" %4$s 3<&- 2>&1 &
        server=$!
        { read -r nothing <&3; kill -QUIT $server; } >/dev/null 2>&1 &
        watch=$!
        exec 3<&-
        wait $server
        status=$?
        kill -KILL $watch 2>/dev/null
      fi
      cd /
      rm -rf "$work" 2>/dev/null
      exit $status
      """;

  private final Process process;
  private final Path work;
  private final int port;
  private final PostgresLog log;

  private PostgresProcess(Process process, Path work, int port, PostgresLog log) {
    this.process = process;
    this.work = work;
    this.port = port;
    this.log = log;
  }

  /** Starts a server that accepts connections when this returns. */
  static PostgresProcess start(String password, Map<String, String> settings, Duration atMost)
      throws IOException, InterruptedException {
    long deadline = System.nanoTime() + atMost.toNanos();
    for (int attempt = 1; ; attempt++) {
      Duration left = Duration.ofNanos(deadline - System.nanoTime());
      PostgresProcess server = launch(password, settings);
      boolean ready = false;
      boolean ended = true;
      try {
        ready = server.log.awaitReady(left);
        ended = server.log.isEnded();
      } finally {
        if (!ready) {
          server.close();
        }
      }
      if (ready) {
        return server;
      }
      if (!server.log.isPortTaken() || attempt == PORTS_TRIED) {
        throw new IllegalStateException(
            "PostgreSQL did not start: %s. Its last output was:%n%s"
                .formatted(
                    ended ? "it ended by itself" : "it was not ready after " + atMost,
                    server.log.tail()));
      }
    }
  }

  private static PostgresProcess launch(String password, Map<String, String> settings)
      throws IOException, InterruptedException {
    Path work = Files.createTempDirectory("evercred-postgres-data-").toAbsolutePath();
    boolean launched = false;
    try {
      int uid = (Integer) Files.getAttribute(work, "unix:uid");
      Path home = PostgresBinaries.unpacked(uid);
      int port = freePort();
      String script =
          SCRIPT.formatted(
              quoted(work.toString()), quoted(home.toString()), ADMIN, options(port, settings));
      List<String> command =
          uid == 0 ? asUnprivileged(script, work) : List.of("/bin/sh", "-c", script);
      ProcessBuilder builder =
          new ProcessBuilder(command).redirectErrorStream(true).directory(work.toFile());
      if (uid == 0) {
        builder.directory(null);
      }
      builder.environment().keySet().removeIf(name -> name.startsWith("PG"));
      builder.environment().put("LC_ALL", "C");
      Process process = builder.start();
      launched = true;
      PostgresLog log = new PostgresLog();
      log.read(process.getInputStream());
      try {
        OutputStream pipe = process.getOutputStream();
        pipe.write((password + "\n").getBytes(StandardCharsets.UTF_8));
        pipe.flush();
      } catch (IOException e) {
        log.take("(the launching script ended at once: " + e + ")");
      }
      return new PostgresProcess(process, work, port, log);
    } finally {
      if (!launched) {
        PostgresBinaries.deleteTree(work);
      }
    }
  }

  private static String options(int port, Map<String, String> settings) {
    return "-p "
        + port
        + settings.entrySet().stream()
            .map(setting -> " -c " + quoted(setting.getKey() + "=" + setting.getValue()))
            .collect(Collectors.joining());
  }

  /** A word for the shell. */
  private static String quoted(String text) {
    return "'" + text.replace("'", "'\\''") + "'";
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket =
        new ServerSocket(0, 1, InetAddress.getByAddress(new byte[] {127, 0, 0, 1}))) {
      return socket.getLocalPort();
    }
  }

  /** The command that lets root run a script as someone else, who then owns the directory. */
  private static List<String> asUnprivileged(String script, Path work)
      throws IOException, InterruptedException {
    List<String> setpriv =
        List.of("setpriv", "--reuid=" + UNPRIVILEGED, "--regid=" + UNPRIVILEGED, "--clear-groups");
    List<String> failures = new ArrayList<>();
    if (works(with(setpriv, "/bin/sh", "-c", canEnter(work)), failures)) {
      Files.setAttribute(work, "unix:uid", UNPRIVILEGED);
      Files.setAttribute(work, "unix:gid", UNPRIVILEGED);
      return with(setpriv, "/bin/sh", "-c", script);
    }
    if (works(List.of("su", "-s", "/bin/sh", "-c", canEnter(work), "nobody"), failures)) {
      Files.setOwner(
          work,
          work.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName("nobody"));
      return List.of("su", "-s", "/bin/sh", "-c", script, "nobody");
    }
    throw new IllegalStateException(
        "PostgreSQL refuses to run as root, and no way was found to run it as another user: %s. Install setpriv (util-linux), let others enter %s, or run the tests as an ordinary user."
            .formatted(failures, work.getParent()));
  }

  private static String canEnter(Path work) {
    return "cd " + quoted(String.valueOf(work.getParent()));
  }

  private static List<String> with(List<String> command, String... more) {
    List<String> all = new ArrayList<>(command);
    all.addAll(List.of(more));
    return all;
  }

  private static boolean works(List<String> command, List<String> failures)
      throws InterruptedException {
    Process process;
    try {
      process = new ProcessBuilder(command).redirectErrorStream(true).start();
      process.getOutputStream().close();
    } catch (IOException e) {
      failures.add(String.valueOf(e.getMessage()));
      return false;
    }
    if (!process.waitFor(10, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      failures.add(command.get(0) + " did not end within 10 s");
      return false;
    }
    if (process.exitValue() != 0) {
      failures.add(command.get(0) + " ended with status " + process.exitValue());
      return false;
    }
    return true;
  }

  int port() {
    return port;
  }

  PostgresLog log() {
    return log;
  }

  /** The server's first process, as its pid file names it. */
  long pid() throws IOException {
    return Long.parseLong(Files.readAllLines(work.resolve("data/postmaster.pid")).get(0).trim());
  }

  Path directory() {
    return work;
  }

  /** Stops the server, whatever its clients do, and removes its data. */
  @Override
  public void close() {
    boolean interrupted = false;
    try {
      process.getOutputStream().close();
    } catch (IOException e) {
      log.take("(the script's input did not close: " + e + ")");
    }
    try {
      if (!process.waitFor(STOP_TIME.toSeconds(), TimeUnit.SECONDS)) {
        ProcessHandle.of(pid()).ifPresent(ProcessHandle::destroyForcibly);
        process.waitFor(STOP_TIME.toSeconds(), TimeUnit.SECONDS);
      }
    } catch (InterruptedException e) {
      interrupted = true; // the script goes on without us
    } catch (IOException e) {
      log.take("(no pid file: " + e + ")");
    } finally {
      process.destroyForcibly();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
      return;
    }
    try {
      PostgresBinaries.deleteTree(work);
    } catch (IOException e) {
      throw new IllegalStateException(
          "PostgreSQL's directory %s could not be removed; remove it by hand. Its last output was:%n%s"
              .formatted(work, log.tail()),
          e);
    }
  }
}
