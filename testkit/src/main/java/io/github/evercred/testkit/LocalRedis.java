package io.github.evercred.testkit;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * A real Redis 6.2 on 127.0.0.1 for tests, with users and passwords (ACL): an old password is
 * refused as in production, and the server itself says how many logins it refused.
 *
 * <p>It starts in a fraction of a second, with no user but its administrator, whom the test kit
 * keeps for itself; {@code default} is off until {@link #setUser} turns it on. Its data is new at
 * each start and removed by {@link #close}. When the JVM ends without that, even after {@code kill
 * -9}, the server stops and its data goes all the same. Tests may run as root or not. The server
 * has no TLS.
 *
 * <p>An artifact must be on the tests' class path, which the test kit does not bring: the server
 * ({@code com.github.codemonstur:embedded-redis:1.4.4}, 27 MB; all its dependencies may be
 * excluded). It has programs for Linux and macOS, on x86_64 and arm64; {@link #unavailable} tells.
 * That for Linux on x86_64, the one that the test kit is tested with, needs the GNU C library 2.34
 * or later and OpenSSL 3 ({@code libssl.so.3}).
 *
 * <p><b>Threads.</b> Instances are thread-safe. <b>Blocking.</b> Every method that talks to the
 * server waits for it, at most 30 seconds for each answer. <b>Errors.</b> What the server refuses,
 * and anything else, is an {@link IllegalStateException}, with the server's words or the end of its
 * log. No argument may be null. Passwords are in no message and printed by no {@code toString}.
 */
public final class LocalRedis implements AutoCloseable {
  private static final String WRONG_PASSWORD = "errorstat_WRONGPASS:count=";

  private final ServerProcess process;
  private final RedisControl control;
  private volatile boolean closed;

  private LocalRedis(ServerProcess process, String password) {
    this.process = process;
    this.control =
        new RedisControl(new InetSocketAddress(host(), port()), RedisProgram.ADMIN, password);
  }

  /**
   * Starts a server with the default settings.
   *
   * @return a running server; close it
   * @throws IllegalStateException if it does not start; the message says why
   */
  public static LocalRedis start() {
    return builder().start();
  }

  /**
   * Returns a builder, to start a server with other settings.
   *
   * @return a new builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Says why no server can be started here, so that a test can be skipped by that name: another
   * platform, or an artifact that is missing. Does not block. A shared library that is missing
   * shows when a server is started.
   *
   * @return the reason; empty if {@link #start} has all that it needs
   */
  public static Optional<String> unavailable() {
    return new RedisProgram(new ServerSettings()).unavailable();
  }

  /**
   * Returns the host to connect to.
   *
   * @return {@code 127.0.0.1}
   */
  public String host() {
    return "127.0.0.1";
  }

  /**
   * Returns the port to connect to.
   *
   * @return a port that was free at the start
   */
  public int port() {
    return process.port();
  }

  /**
   * Returns where the server is, without user and password.
   *
   * @return such as {@code redis://127.0.0.1:40123}
   */
  public URI uri() {
    return URI.create("redis://%s:%d".formatted(host(), port()));
  }

  /**
   * Creates a user, or gives one this password and no other. Without rules a new user may do
   * nothing and a known one what he may already. Sessions that are open stay.
   *
   * @param user the name; {@code default} is who logs in without one
   * @param password the password
   * @param rules as those of {@code ACL SETUSER}, such as {@code ~*}, {@code &*} and {@code +@all}
   * @throws IllegalStateException if the server refuses
   */
  public void setUser(String user, String password, String... rules) {
    List<String> command = new ArrayList<>(List.of("ACL", "SETUSER", user, "on", "resetpass"));
    command.add(">" + Objects.requireNonNull(password, "password"));
    command.addAll(List.of(rules));
    execute(command.toArray(String[]::new));
  }

  /**
   * Logs in once and leaves, as a rotation tests a password. A refusal counts as any other.
   *
   * @param user the name
   * @param password the password
   * @throws IllegalStateException if the server refuses
   */
  public void login(String user, String password) {
    Objects.requireNonNull(user, "user");
    Objects.requireNonNull(password, "password");
    talk(
        "AUTH",
        () -> {
          control.login(user, password);
          return "";
        });
  }

  /**
   * Drops all connections of a user.
   *
   * @param user the name
   * @throws IllegalStateException if there is no such user
   */
  public void dropConnections(String user) {
    execute("CLIENT", "KILL", "USER", user);
  }

  /**
   * Returns how many logins the server has refused since it started or {@code CONFIG RESETSTAT} was
   * executed, by its own statistics ({@code WRONGPASS}): wrong password, unknown user, or one that
   * is off. Exact: every refusal that its client has seen is counted. Redis does not count by user.
   *
   * @return the number of refused logins
   */
  public long refusedLogins() {
    return execute("INFO", "errorstats")
        .lines()
        .filter(line -> line.startsWith(WRONG_PASSWORD))
        .mapToLong(line -> Long.parseLong(line.substring(WRONG_PASSWORD.length()).trim()))
        .sum();
  }

  /**
   * Executes a command as administrator, on a connection that is kept: it is in {@code CLIENT
   * LIST}, it counts for {@code maxclients}, and it is made anew when it has been killed. Not for
   * commands that change what a connection is, such as {@code SUBSCRIBE}, {@code MONITOR} and
   * {@code MULTI}.
   *
   * @param command the command and its arguments, each a word of its own
   * @return the reply as text: that of an array has one line per element; empty for a null
   * @throws IllegalStateException if the server refuses
   */
  public String execute(String... command) {
    List<String> words = List.of(command);
    return talk(words.get(0), () -> control.execute(command));
  }

  private interface Talk {
    String with() throws IOException;
  }

  private String talk(String command, Talk talk) {
    if (closed) {
      throw new IllegalStateException("This server is closed: " + this);
    }
    try {
      return talk.with();
    } catch (RedisControl.Refused e) {
      throw new IllegalStateException("Redis refuses %s: %s".formatted(command, e.getMessage()), e);
    } catch (IOException e) {
      throw new IllegalStateException(
          "Redis does not answer %s: %s. Its last output was:%n%s"
              .formatted(command, e.getMessage(), process.log().tail()),
          e);
    }
  }

  /** Stops the server and removes its data. Does nothing the second time. */
  @Override
  public void close() {
    closed = true;
    process.close();
    control.close();
  }

  @Override
  public String toString() {
    return "LocalRedis[%s:%d]".formatted(host(), port());
  }

  /** For tests: the process and directory that must not outlive the JVM. */
  ServerProcess process() {
    return process;
  }

  /** Settings of a {@link LocalRedis}. Not thread-safe. */
  public static final class Builder {
    private static final Pattern NAME = Pattern.compile("[a-z]+(-[a-z]+)*");
    private static final Set<String> OURS =
        Set.of(
            "port",
            "bind",
            "unixsocket",
            "dir",
            "pidfile",
            "user",
            "aclfile",
            "requirepass",
            "rename-command",
            "include",
            "daemonize",
            "supervised",
            "logfile",
            "loglevel",
            "syslog-enabled");

    private final ServerSettings settings = new ServerSettings();

    private Builder() {}

    /**
     * Sets how long {@link #start} may take, unpacking excepted. The default is 60 seconds.
     *
     * @param timeout 1 second to 10 minutes
     * @return this builder
     * @throws IllegalArgumentException if it is out of range
     */
    public Builder startTimeout(Duration timeout) {
      settings.startTimeout(timeout);
      return this;
    }

    /**
     * Sets one of the server's own settings. Those that the test kit depends on cannot be set: the
     * port, the address, the directory, the users and everything about the log.
     *
     * @param name such as {@code cluster-enabled}
     * @param value as in {@code redis.conf}, on one line
     * @return this builder
     * @throws IllegalArgumentException if the test kit depends on that setting, or the value has
     *     more than one line
     */
    public Builder setting(String name, String value) {
      if (value.lines().count() > 1) {
        throw new IllegalArgumentException("The value of '%s' must be one line".formatted(name));
      }
      settings.put(NAME, OURS.contains(name.toLowerCase(Locale.ROOT)), name, value);
      return this;
    }

    /**
     * Starts the server.
     *
     * @return a running server; close it
     * @throws IllegalStateException if it does not start; the message says why
     */
    public LocalRedis start() {
      RedisProgram program = new RedisProgram(settings);
      program
          .unavailable()
          .ifPresent(
              reason -> {
                throw new IllegalStateException(reason);
              });
      String password = ServerProcess.randomPassword();
      return new LocalRedis(
          ServerProcess.start(program, password, settings.startTimeout()), password);
    }
  }
}
