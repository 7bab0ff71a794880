package io.github.evercred.testkit;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;

/**
 * A real PostgreSQL 18 on 127.0.0.1 for tests, with {@code scram-sha-256} for everyone: an old
 * password is refused as in production, and the server itself says how many logins it refused.
 *
 * <p>It starts in about a second, three more when its programs are unpacked for the first time. Its
 * data is new at each start and removed by {@link #close}. When the JVM ends without that, even
 * after {@code kill -9}, the server stops and its data goes all the same. Tests may run as root:
 * the server is then run as an unprivileged user. Linux and macOS; not Windows.
 *
 * <p>PostgreSQL's driver must be on the class path.
 *
 * <p><b>Threads.</b> Instances are thread-safe. <b>Blocking.</b> Every method that talks to the
 * server waits for it, at most 30 seconds unless it says otherwise. <b>Errors.</b> SQL errors are
 * thrown as the driver's {@link SQLException}; anything else is an {@link IllegalStateException}
 * with the end of the server's log. No argument may be null. Passwords are printed by no {@code
 * toString}, and the server logs no statement.
 */
public final class LocalPostgres implements AutoCloseable {
  private static final int RESERVED = 3;

  private final ServerProcess server;
  private final String password;
  private final ControlConnection control = new ControlConnection(this::adminConnection);
  private volatile boolean closed;

  private LocalPostgres(ServerProcess server, String password) {
    this.server = server;
    this.password = password;
  }

  /**
   * Starts a server with the default settings.
   *
   * @return a running server; close it
   * @throws IllegalStateException if it does not start; the message says why
   */
  public static LocalPostgres start() {
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
    return server.port();
  }

  /**
   * Returns a JDBC URL without user and password.
   *
   * @param database such as {@code postgres}, which always exists
   * @return such as {@code jdbc:postgresql://127.0.0.1:40123/postgres}
   */
  public String jdbcUrl(String database) {
    return "jdbc:postgresql://%s:%d/%s"
        .formatted(host(), port(), URLEncoder.encode(database, StandardCharsets.UTF_8));
  }

  /**
   * Returns the superuser's name.
   *
   * @return {@code postgres}
   */
  public String adminUser() {
    return PostgresProgram.ADMIN;
  }

  /**
   * Opens a connection as superuser to the database {@code postgres}.
   *
   * @return a new connection; close it
   * @throws SQLException if the driver cannot connect
   */
  public Connection adminConnection() throws SQLException {
    if (closed) {
      throw new IllegalStateException("This PostgreSQL is closed: " + this);
    }
    Properties properties = new Properties();
    properties.setProperty("user", adminUser());
    properties.setProperty("password", password);
    properties.setProperty("loginTimeout", String.valueOf(ControlConnection.PATIENCE.toSeconds()));
    properties.setProperty("sslmode", "disable");
    properties.setProperty("ApplicationName", "evercred-testkit");
    return DriverManager.getConnection(jdbcUrl("postgres"), properties);
  }

  /**
   * Creates a user who may log in.
   *
   * @param user the name, taken as it is, upper and lower case included
   * @param password the password
   * @throws SQLException if the server refuses
   */
  public void createUser(String user, String password) throws SQLException {
    try (Connection connection = adminConnection()) {
      PostgresDialect.INSTANCE.createUser(connection, user, password);
    }
  }

  /**
   * Executes SQL as superuser in the database {@code postgres}.
   *
   * @param sql one or more statements
   * @throws SQLException if the server refuses
   */
  public void execute(String sql) throws SQLException {
    try (Connection connection = adminConnection();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  /**
   * Returns how many logins the server has refused since it started, by its own log: wrong
   * password, unknown user, expired password ({@code 28P01}), a user who may not log in, or one
   * whom {@code pg_hba.conf} does not admit ({@code 28000}). Exact: every refusal that its client
   * has seen is counted.
   *
   * @param user the name with which the logins were tried
   * @return the number of refused logins
   * @throws SQLException if the server cannot be asked
   */
  public long refusedLogins(String user) throws SQLException {
    catchUp();
    return server.log().refused(user);
  }

  /**
   * Returns how many logins have succeeded since the server started, by its own log. Exact: every
   * login that its client has seen succeed is counted. For the superuser this includes the
   * connections of {@link #adminConnection}, {@link #createUser} and {@link #execute}.
   *
   * @param user the name with which the logins were made
   * @return the number of logins
   * @throws SQLException if the server cannot be asked
   */
  public long successfulLogins(String user) throws SQLException {
    catchUp();
    long own = user.equals(adminUser()) ? control.logins() : 0;
    return server.log().successful(user) - own;
  }

  /**
   * Returns how many sessions a user has now, as {@code pg_stat_activity} tells.
   *
   * @param user the name
   * @return the number of open sessions
   * @throws SQLException if the server cannot be asked
   */
  public int sessions(String user) throws SQLException {
    return control.ask(
        connection -> {
          try (PreparedStatement query =
              connection.prepareStatement(
                  "SELECT count(*) FROM pg_stat_activity WHERE usename = ? AND pid <> pg_backend_pid()")) {
            query.setString(1, user);
            try (ResultSet result = query.executeQuery()) {
              result.next();
              return result.getInt(1);
            }
          }
        });
  }

  /** Stops the server and removes its data. Does nothing the second time. */
  @Override
  public void close() {
    closed = true;
    if (control.close(server.log())) {
      server.close();
    }
  }

  @Override
  public String toString() {
    return "LocalPostgres[%s:%d]".formatted(host(), port());
  }

  /** For tests: the process and directory that must not outlive the JVM. */
  ServerProcess process() {
    return server;
  }

  /** Returns once the log has been read up to now. */
  private void catchUp() throws SQLException {
    String marker = server.log().newMarker();
    control.ask(
        connection -> {
          try (Statement statement = connection.createStatement()) {
            return statement.execute("DO $$ BEGIN RAISE LOG '" + marker + "'; END $$");
          }
        });
    server.log().requireMarker(marker, ControlConnection.PATIENCE);
  }

  /** Settings of a {@link LocalPostgres}. Not thread-safe. */
  public static final class Builder {
    private final ServerSettings settings = new ServerSettings();

    private Builder() {}

    /**
     * Sets how many sessions ordinary users may have at once. The default is 100. The server takes
     * four more, kept for the superuser, of which one is the test kit's own.
     *
     * @param connections 1 to 1,000
     * @return this builder
     * @throws IllegalArgumentException if it is out of range
     */
    public Builder maxConnections(int connections) {
      settings.maxConnections(connections);
      return this;
    }

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
     * Sets one of PostgreSQL's own settings. The test kit sets those that make a short-lived server
     * quick; these can be set to something else. Those that it depends on cannot: the port, the
     * addresses, the directories, the numbers of connections and everything about the log.
     *
     * @param name such as {@code authentication_timeout}
     * @param value as in {@code postgresql.conf}, without quotes
     * @return this builder
     * @throws IllegalArgumentException if the test kit depends on that setting
     */
    public Builder setting(String name, String value) {
      String lower = name.toLowerCase(Locale.ROOT);
      boolean ours =
          lower.startsWith("log_")
              || lower.startsWith("logging_")
              || lower.startsWith("lc_")
              || lower.startsWith("unix_socket_")
              || lower.endsWith("_file")
              || lower.endsWith("_directory")
              || lower.equals("port")
              || lower.equals("listen_addresses")
              || lower.endsWith("_connections");
      settings.put(ours, name, value);
      return this;
    }

    /**
     * Starts the server.
     *
     * @return a running server; close it
     * @throws IllegalStateException if it does not start; the message says why
     */
    public LocalPostgres start() {
      if (System.getProperty("os.name", "").toLowerCase(Locale.ROOT).startsWith("windows")) {
        throw new IllegalStateException(
            "LocalPostgres does not run on Windows. Run these tests in WSL 2 or in a Linux container, or give Rotation a PostgreSQL server of your own.");
      }
      Map<String, String> all = new LinkedHashMap<>();
      all.put("fsync", "off");
      all.put("synchronous_commit", "off");
      all.put("full_page_writes", "off");
      all.put("wal_level", "minimal");
      all.put("max_wal_senders", "0");
      all.put("shared_buffers", "16MB");
      all.put("dynamic_shared_memory_type", "mmap");
      settings.addTo(all);
      all.put("max_connections", String.valueOf(settings.maxConnections() + RESERVED + 1));
      all.put("superuser_reserved_connections", String.valueOf(RESERVED));
      all.put("listen_addresses", "127.0.0.1");
      all.put("unix_socket_directories", "");
      all.put("logging_collector", "off");
      all.put("log_destination", "stderr");
      all.put("log_connections", "setup_durations");
      all.put("log_line_prefix", PostgresLog.PREFIX);
      all.put("log_min_error_statement", "panic"); // no statement, hence no password, in the log
      String password = ServerProcess.randomPassword();
      ServerProcess process =
          ServerProcess.start(new PostgresProgram(all), password, settings.startTimeout());
      return connected(new LocalPostgres(process, password));
    }

    private static LocalPostgres connected(LocalPostgres postgres) {
      try {
        postgres.catchUp();
        return postgres;
      } catch (SQLException | RuntimeException e) {
        String tail = postgres.server.log().tail();
        postgres.close();
        throw new IllegalStateException(
            "PostgreSQL started but does not answer. Is its driver (org.postgresql:postgresql) on the class path? Its last output was:%n%s"
                .formatted(tail),
            e);
      }
    }
  }
}
