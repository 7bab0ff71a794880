package io.github.evercred.testkit;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * One server with a data directory of its own, which does not outlive this JVM.
 *
 * <p>The server is a child of a small shell script, and the script's standard input is a pipe from
 * this JVM. When the pipe ends, because {@link #close} closed it or because the JVM is gone, even
 * after {@code kill -9}, the script stops the server and removes its directory. The administrator's
 * password goes down the same pipe, into a variable of the script, so it is never on a command
 * line. A server that refuses to run as root is run by root as an unprivileged user, by {@code
 * setpriv} or else {@code su}.
 */
final class ServerProcess implements AutoCloseable {
  private static final String ALPHABET =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  private static final int UNPRIVILEGED = 65534;
  private static final int PORTS_TRIED = 5;
  private static final Duration STOP_TIME = Duration.ofSeconds(20);
  private static final String SCRIPT =
      """
      trap '' HUP INT TERM
      exec 3<&0 </dev/null
      work=%1$s
      home=%2$s
      cd "$work" || exit 1
      umask 077
      IFS= read -r password <&3 || { rm -rf "$work" 2>/dev/null; exit 1; }
      %3$s
      if [ $status -eq 0 ]; then
        %4$s 3<&- 2>&1 &
        server=$!
        unset password
        { read -r nothing <&3; kill -%5$s $server; } >/dev/null 2>&1 &
        watch=$!
        exec 3<&- >/dev/null 2>&1 # a word about the end would go to a JVM that may be gone
        wait $server
        status=$?
        kill -KILL $watch 2>/dev/null
      fi
      cd /
      rm -rf "$work" 2>/dev/null
      exit $status
      """;

  private final ServerProgram program;
  private final Process process;
  private final Path work;
  private final int port;
  private final ServerLog log;

  private ServerProcess(
      ServerProgram program, Process process, Path work, int port, ServerLog log) {
    this.program = program;
    this.process = process;
    this.work = work;
    this.port = port;
    this.log = log;
  }

  /** A new password for an administrator: letters and digits, which need no quoting anywhere. */
  static String randomPassword() {
    SecureRandom random = new SecureRandom();
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 32; i++) {
      text.append(ALPHABET.charAt(random.nextInt(ALPHABET.length())));
    }
    return text.toString();
  }

  /** Starts a server that accepts connections when this returns. */
  static ServerProcess start(ServerProgram program, String password, Duration atMost) {
    try {
      return tryPorts(program, password, atMost);
    } catch (IOException e) {
      throw new UncheckedIOException(
          "%s could not be launched: %s".formatted(program.name(), e.getMessage()), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(
          "Interrupted while %s was starting".formatted(program.name()), e);
    }
  }

  private static ServerProcess tryPorts(ServerProgram program, String password, Duration atMost)
      throws IOException, InterruptedException {
    long deadline = System.nanoTime() + atMost.toNanos();
    for (int attempt = 1; ; attempt++) {
      Duration left = Duration.ofNanos(deadline - System.nanoTime());
      ServerProcess server = launch(program, password);
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
            "%s did not start: %s. Its last output was:%n%s"
                .formatted(
                    program.name(),
                    ended ? "it ended by itself" : "it was not ready after " + atMost,
                    server.log.tail()));
      }
    }
  }

  private static ServerProcess launch(ServerProgram program, String password)
      throws IOException, InterruptedException {
    Path work = Files.createTempDirectory(program.directoryPrefix()).toAbsolutePath();
    boolean launched = false;
    try {
      int uid = (Integer) Files.getAttribute(work, "unix:uid");
      Path home = program.unpacked(uid);
      int port = freePort();
      String script =
          SCRIPT.formatted(
              quoted(work.toString()),
              quoted(home.toString()),
              program.preparation(),
              program.command(port),
              program.stopSignal());
      List<String> command =
          uid == 0 && program.refusesRoot()
              ? asUnprivileged(program, script, work)
              : List.of("/bin/sh", "-c", script);
      ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
      if (uid != 0) {
        builder.directory(work.toFile());
      }
      builder.environment().keySet().removeIf(name -> name.startsWith(program.environmentPrefix()));
      builder.environment().put("LC_ALL", "C");
      Process process = builder.start();
      launched = true;
      ServerLog log = program.newLog();
      log.read(process.getInputStream());
      try {
        OutputStream pipe = process.getOutputStream();
        pipe.write((password + "\n").getBytes(StandardCharsets.UTF_8));
        pipe.flush();
      } catch (IOException e) {
        log.take("(the launching script ended at once: " + e + ")");
      }
      return new ServerProcess(program, process, work, port, log);
    } finally {
      if (!launched) {
        UnpackedServer.deleteTree(work);
      }
    }
  }

  /** Options of a command line for the shell, such as {@code -c 'name=value'}. */
  static String options(String before, Map<String, String> settings) {
    return settings.entrySet().stream()
        .map(setting -> " " + before + quoted(setting.getKey() + "=" + setting.getValue()))
        .collect(Collectors.joining());
  }

  /** A word for the shell. */
  static String quoted(String text) {
    return "'" + text.replace("'", "'\\''") + "'";
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket =
        new ServerSocket(0, 1, InetAddress.getByAddress(new byte[] {127, 0, 0, 1}))) {
      return socket.getLocalPort();
    }
  }

  /** The command that lets root run a script as someone else, who then owns the directory. */
  private static List<String> asUnprivileged(ServerProgram program, String script, Path work)
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
        "%s refuses to run as root, and no way was found to run it as another user: %s. Install setpriv (util-linux), let others enter %s, or run the tests as an ordinary user."
            .formatted(program.name(), failures, work.getParent()));
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

  ServerLog log() {
    return log;
  }

  /** The server's first process, as its pid file names it. */
  long pid() throws IOException {
    return Long.parseLong(Files.readAllLines(work.resolve(program.pidFile())).get(0).trim());
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
      UnpackedServer.deleteTree(work);
    } catch (IOException e) {
      throw new IllegalStateException(
          "%s's directory %s could not be removed; remove it by hand. Its last output was:%n%s"
              .formatted(program.name(), work, log.tail()),
          e);
    }
  }
}
