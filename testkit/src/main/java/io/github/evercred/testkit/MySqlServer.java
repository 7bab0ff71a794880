package io.github.evercred.testkit;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Locale;
import java.util.Properties;
import java.util.Set;

/**
 * A running MySQL or MariaDB, behind {@link LocalMySql} and {@link LocalMariaDb}. Thread-safe.
 *
 * <p>Refused logins are counted from the error log, the successful ones by the performance schema,
 * which counts a login before the client learns of it.
 */
final class MySqlServer {
  private static final int ACCESS_DENIED = 1045;
  private static final int TOO_MANY_CONNECTIONS = 1040;
  private static final Set<String> OURS =
      Set.of(
          "port",
          "bind_address",
          "socket",
          "user",
          "basedir",
          "datadir",
          "tmpdir",
          "plugin_dir",
          "pid_file",
          "max_connections",
          "character_set_server",
          "performance_schema",
          "skip_networking",
          "skip_grant_tables",
          "innodb_use_native_aio",
          "innodb_read_only",
          "read_only",
          "super_read_only",
          "bootstrap",
          "help",
          "version");

  private final ServerProcess process;
  private final MySqlDialect dialect;
  private final String parameters;
  private final String password;
  private final ControlConnection control = new ControlConnection(this::adminConnection);
  private volatile boolean closed;

  private MySqlServer(
      ServerProcess process, MySqlDialect dialect, String parameters, String password) {
    this.process = process;
    this.dialect = dialect;
    this.parameters = parameters;
    this.password = password;
  }

  /**
   * Starts a server.
   *
   * @param parameters of a URL, such that any user can log in without TLS
   */
  static MySqlServer start(
      MySqlFamilyProgram program,
      ServerSettings settings,
      MySqlDialect dialect,
      String parameters) {
    program
        .unavailable()
        .ifPresent(
            reason -> {
              throw new IllegalStateException(reason);
            });
    String password = ServerProcess.randomPassword();
    ServerProcess process = ServerProcess.start(program, password, settings.startTimeout());
    MySqlServer server = new MySqlServer(process, dialect, parameters, password);
    try {
      server.catchUp();
      return server;
    } catch (SQLException | RuntimeException e) {
      String tail = process.log().tail();
      server.close();
      throw new IllegalStateException(
          "%s started but does not answer. Its last output was:%n%s"
              .formatted(program.name(), tail),
          e);
    }
  }

  /** Takes a setting unless the test kit depends on it. */
  static void put(ServerSettings settings, String name, String value) {
    String lower = name.toLowerCase(Locale.ROOT);
    boolean ours =
        OURS.contains(lower)
            || lower.startsWith("log_")
            || lower.startsWith("general_log")
            || lower.startsWith("slow_query_log")
            || lower.startsWith("lc_")
            || lower.startsWith("init_file")
            || lower.startsWith("skip_log");
    settings.put(ours, name, value);
  }

  String host() {
    return "127.0.0.1";
  }

  ServerProcess process() {
    return process;
  }

  String jdbcUrl(String database) {
    return dialect.url(host(), String.valueOf(process.port()), database, parameters);
  }

  Connection adminConnection() throws SQLException {
    return connect(MySqlFamilyProgram.ADMIN, password, false);
  }

  private Connection connect(String user, String with, boolean severalStatements)
      throws SQLException {
    if (closed) {
      throw new IllegalStateException("This server is closed: " + this);
    }
    Properties properties = new Properties();
    properties.setProperty("user", user);
    properties.setProperty("password", with);
    properties.setProperty("connectTimeout", String.valueOf(ControlConnection.PATIENCE.toMillis()));
    properties.setProperty("allowMultiQueries", String.valueOf(severalStatements));
    return DriverManager.getConnection(jdbcUrl(""), properties);
  }

  void createUser(String user, String newPassword) throws SQLException {
    try (Connection connection = adminConnection()) {
      dialect.createUser(connection, user, newPassword);
    }
  }

  void execute(String sql) throws SQLException {
    try (Connection connection = connect(MySqlFamilyProgram.ADMIN, password, true);
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
      while (statement.getMoreResults() || statement.getUpdateCount() != -1) {
        // an error of a later statement comes with its result
      }
    }
  }

  long refusedLogins(String user) throws SQLException {
    catchUp();
    return process.log().refused(user);
  }

  long successfulLogins(String user) throws SQLException {
    return count("TOTAL_CONNECTIONS", user)
        - (user.equals(MySqlFamilyProgram.ADMIN) ? control.logins() : 0);
  }

  int sessions(String user) throws SQLException {
    return (int) count("CURRENT_CONNECTIONS", user)
        - (user.equals(MySqlFamilyProgram.ADMIN) ? 1 : 0);
  }

  private long count(String column, String user) throws SQLException {
    return control.ask(
        connection -> {
          try (PreparedStatement query =
              connection.prepareStatement(
                  "SELECT %s FROM performance_schema.users WHERE USER = ?".formatted(column))) {
            query.setString(1, user);
            try (ResultSet result = query.executeQuery()) {
              return result.next() ? result.getLong(1) : 0L;
            }
          }
        });
  }

  /** Returns once the log has been read up to now. */
  private void catchUp() throws SQLException {
    control.ask(connection -> true); // it must be there when all others are taken
    String marker = process.log().newMarker();
    long deadline = System.nanoTime() + ControlConnection.PATIENCE.toNanos();
    while (true) {
      try (Connection accepted = connect(marker, "none", false)) {
        throw new IllegalStateException(
            "The server accepts a user who does not exist: " + accepted.getClass());
      } catch (SQLException e) {
        if (e.getErrorCode() == ACCESS_DENIED) {
          break;
        }
        if (e.getErrorCode() != TOO_MANY_CONNECTIONS || System.nanoTime() - deadline > 0) {
          throw e;
        }
        pause();
      }
    }
    process.log().requireMarker(marker, ControlConnection.PATIENCE);
  }

  /** Another login is taking the last place, which it cannot keep. */
  private void pause() {
    try {
      process.log().awaitMarker("a moment", Duration.ofMillis(20));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while waiting for a free connection", e);
    }
  }

  void close() {
    closed = true;
    if (control.close(process.log())) {
      process.close();
    }
  }

  @Override
  public String toString() {
    return "%s:%d".formatted(host(), process.port());
  }
}
