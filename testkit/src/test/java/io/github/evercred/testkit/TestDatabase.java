package io.github.evercred.testkit;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.function.UnaryOperator;

/** One of the real servers, for tests that all of them must pass. */
record TestDatabase(
    AutoCloseable server,
    Runnable stop,
    ServerProcess process,
    UnaryOperator<String> urls,
    AdminConnections admins,
    UserMaker users,
    Statements statements,
    LoginCounter refusals,
    LoginCounter successes)
    implements AutoCloseable {
  @FunctionalInterface
  interface UserMaker {
    void create(String user, String password) throws SQLException;
  }

  @FunctionalInterface
  interface Statements {
    void execute(String sql) throws SQLException;
  }

  @FunctionalInterface
  interface LoginCounter {
    long of(String user) throws SQLException;
  }

  /** Starts a server by its name in a secret. */
  static TestDatabase start(String engine) {
    return switch (engine) {
      case "postgres" -> of(LocalPostgres.start());
      case "mysql" -> of(LocalMySql.start());
      case "mariadb" -> of(LocalMariaDb.start());
      default -> throw new IllegalArgumentException(engine);
    };
  }

  static TestDatabase of(LocalPostgres s) {
    return new TestDatabase(
        s,
        s::close,
        s.process(),
        name -> s.jdbcUrl(name.isEmpty() ? "postgres" : name),
        s::adminConnection,
        s::createUser,
        s::execute,
        s::refusedLogins,
        s::successfulLogins);
  }

  static TestDatabase of(LocalMySql s) {
    return new TestDatabase(
        s,
        s::close,
        s.process(),
        s::jdbcUrl,
        s::adminConnection,
        s::createUser,
        s::execute,
        s::refusedLogins,
        s::successfulLogins);
  }

  static TestDatabase of(LocalMariaDb s) {
    return new TestDatabase(
        s,
        s::close,
        s.process(),
        s::jdbcUrl,
        s::adminConnection,
        s::createUser,
        s::execute,
        s::refusedLogins,
        s::successfulLogins);
  }

  int port() {
    return process.port();
  }

  String url(String database) {
    return urls.apply(database);
  }

  Connection admin() throws SQLException {
    return admins.open();
  }

  Connection login(String user, String password) throws SQLException {
    return DriverManager.getConnection(url(""), user, password);
  }

  void createUser(String user, String password) throws SQLException {
    users.create(user, password);
  }

  void execute(String sql) throws SQLException {
    statements.execute(sql);
  }

  long refused(String user) throws SQLException {
    return refusals.of(user);
  }

  long successful(String user) throws SQLException {
    return successes.of(user);
  }

  @Override
  public void close() {
    stop.run();
  }
}
