package io.github.evercred.examples.client;

import io.lettuce.core.AclSetuserArgs;
import io.lettuce.core.KillArgs;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.sync.RedisCommands;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import redis.embedded.core.ExecutableProvider;

/**
 * A Redis server that does not outlive this JVM. A small script reads the configuration from a pipe
 * of this JVM and passes it on by another, so that no password is on a command line or in a file.
 * When the first pipe ends, because this was closed or the JVM is gone, the script stops the server
 * and removes its directory.
 */
final class LocalRedis implements AutoCloseable {
  private static final int PORTS_TRIED = 5;
  private static final String SCRIPT =
      """
      trap '' HUP INT TERM
      config=
      while IFS= read -r line && [ -n "$line" ]; do
        config="$config$line
      "
      done
      printf '%s' "$config" | "$1" - 2>&1 &
      server=$!
      exec >/dev/null 2>&1
      cat
      kill $server
      wait $server
      rm -rf "$2"
      """;
  private static final Pattern REFUSALS = Pattern.compile("errorstat_WRONGPASS:count=(\\d+)");

  private final Process process;
  private final int port;
  private final RedisClient client;
  private final RedisCommands<String, String> admin;

  private LocalRedis(Process process, int port, String password) {
    this.process = process;
    this.port = port;
    this.client =
        RedisClient.create(
            RedisURI.builder(RedisURI.create(address()))
                .withAuthentication("admin", password)
                .build());
    this.admin = client.connect().sync();
  }

  /** Starts a server in which there is an administrator and nobody else. */
  static LocalRedis start() {
    try {
      for (int attempt = 1; attempt < PORTS_TRIED; attempt++) {
        try {
          return launch();
        } catch (IllegalStateException e) {
          // The port was taken in between, mostly; if it was anything else, the last try tells.
        }
      }
      return launch();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static LocalRedis launch() throws IOException {
    Path work = Files.createTempDirectory("evercred-redis-");
    String program =
        ExecutableProvider.newJarResourceProvider(work.toFile()).get().getAbsolutePath();
    Process process =
        new ProcessBuilder("/bin/sh", "-c", SCRIPT, "sh", program, work.toString())
            .redirectErrorStream(true)
            .start();
    try {
      String password = UUID.randomUUID().toString();
      int port = freePort();
      String config =
          """
          bind 127.0.0.1
          port %d
          dir "%s"
          save ""
          user admin on >%s ~* &* +@all
          user default off

          """
              .formatted(port, work, password);
      process.getOutputStream().write(config.getBytes(StandardCharsets.UTF_8));
      process.getOutputStream().flush();
      awaitReady(process);
      return new LocalRedis(process, port, password);
    } catch (IOException | RuntimeException e) {
      stop(process);
      throw e;
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  /** Reads what the server says, to its end, so that it never waits for a reader. */
  private static void awaitReady(Process process) {
    var ready = new CompletableFuture<Void>();
    var reader =
        new Thread(
            () -> {
              var said = new StringBuilder();
              try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                  said.append(line).append('\n');
                  if (line.contains("Ready to accept connections")) {
                    ready.complete(null);
                  }
                }
              } catch (IOException e) {
                said.append(e);
              }
              ready.completeExceptionally(
                  new IllegalStateException("Redis ended by itself. It said:\n" + said));
            },
            "redis-output");
    reader.setDaemon(true);
    reader.start();
    try {
      ready.orTimeout(20, TimeUnit.SECONDS).join();
    } catch (RuntimeException e) {
      throw new IllegalStateException("Redis did not start", e);
    }
  }

  /** Where it is. */
  String address() {
    return "redis://127.0.0.1:" + port;
  }

  /** Commands of the administrator. */
  RedisCommands<String, String> admin() {
    return admin;
  }

  /** Gives a user this password and no other; sessions that are open stay. */
  void setPassword(String user, String password) {
    admin.aclSetuser(
        user,
        AclSetuserArgs.Builder.on().resetpass().addPassword(password).allKeys().allCommands());
  }

  /** Logs in once, and throws if that is refused. */
  void login(String user, String password) {
    client
        .connect(
            RedisURI.builder(RedisURI.create(address())).withAuthentication(user, password).build())
        .close();
  }

  /** Drops all connections of a user. */
  void dropConnections(String user) {
    admin.clientKill(KillArgs.Builder.user(user));
  }

  /** How many logins it has refused. */
  long refused() {
    Matcher refusals = REFUSALS.matcher(admin.info("errorstats"));
    return refusals.find() ? Long.parseLong(refusals.group(1)) : 0;
  }

  /** Stops it, and waits until it and its directory are gone. */
  @Override
  public void close() {
    client.shutdown(0, 2, TimeUnit.SECONDS);
    stop(process);
  }

  private static void stop(Process process) {
    try {
      process.getOutputStream().close();
      if (!process.waitFor(20, TimeUnit.SECONDS)) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // The script goes on without us.
    }
  }
}
