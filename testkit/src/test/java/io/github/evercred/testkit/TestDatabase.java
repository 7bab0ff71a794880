package io.github.evercred.testkit;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;

/** One of the real servers, for tests that all of them must pass. */
interface TestDatabase extends AutoCloseable {
  String host();

  int port();

  String url(String database);

  Connection admin() throws SQLException;

  void createUser(String user, String password) throws SQLException;

  void execute(String sql) throws SQLException;

  long refused(String user) throws SQLException;

  long successful(String user) throws SQLException;

  ServerProcess process();

  @Override
  void close();

  default Connection login(String user, String password) throws SQLException {
    return DriverManager.getConnection(url(""), user, password);
  }

  /** Starts a server by its name in a secret. */
  static TestDatabase start(String engine) {
    return switch (engine) {
      case "postgres" -> new Postgres(LocalPostgres.start());
      case "mysql" -> new MySql(LocalMySql.start());
      case "mariadb" -> new MariaDb(LocalMariaDb.start());
      default -> throw new IllegalArgumentException(engine);
    };
  }

  record Postgres(LocalPostgres server) implements TestDatabase {
    @Override
    public String host() {
      return server.host();
    }

    @Override
    public int port() {
      return server.port();
    }

    @Override
    public String url(String database) {
      return server.jdbcUrl(database.isEmpty() ? "postgres" : database);
    }

    @Override
    public Connection admin() throws SQLException {
      return server.adminConnection();
    }

    @Override
    public void createUser(String user, String password) throws SQLException {
      server.createUser(user, password);
    }

    @Override
    public void execute(String sql) throws SQLException {
      server.execute(sql);
    }

    @Override
    public long refused(String user) throws SQLException {
      return server.refusedLogins(user);
    }

    @Override
    public long successful(String user) throws SQLException {
      return server.successfulLogins(user);
    }

    @Override
    public ServerProcess process() {
      return server.process();
    }

    @Override
    public void close() {
      server.close();
    }
  }

  record MySql(LocalMySql server) implements TestDatabase {
    @Override
    public String host() {
      return server.host();
    }

    @Override
    public int port() {
      return server.port();
    }

    @Override
    public String url(String database) {
      return server.jdbcUrl(database);
    }

    @Override
    public Connection admin() throws SQLException {
      return server.adminConnection();
    }

    @Override
    public void createUser(String user, String password) throws SQLException {
      server.createUser(user, password);
    }

    @Override
    public void execute(String sql) throws SQLException {
      server.execute(sql);
    }

    @Override
    public long refused(String user) throws SQLException {
      return server.refusedLogins(user);
    }

    @Override
    public long successful(String user) throws SQLException {
      return server.successfulLogins(user);
    }

    @Override
    public ServerProcess process() {
      return server.process();
    }

    @Override
    public void close() {
      server.close();
    }
  }

  record MariaDb(LocalMariaDb server) implements TestDatabase {
    @Override
    public String host() {
      return server.host();
    }

    @Override
    public int port() {
      return server.port();
    }

    @Override
    public String url(String database) {
      return server.jdbcUrl(database);
    }

    @Override
    public Connection admin() throws SQLException {
      return server.adminConnection();
    }

    @Override
    public void createUser(String user, String password) throws SQLException {
      server.createUser(user, password);
    }

    @Override
    public void execute(String sql) throws SQLException {
      server.execute(sql);
    }

    @Override
    public long refused(String user) throws SQLException {
      return server.refusedLogins(user);
    }

    @Override
    public long successful(String user) throws SQLException {
      return server.successfulLogins(user);
    }

    @Override
    public ServerProcess process() {
      return server.process();
    }

    @Override
    public void close() {
      server.close();
    }
  }
}
