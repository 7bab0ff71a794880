package io.github.evercred.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.evercred.testkit.LocalMariaDb;
import io.github.evercred.testkit.LocalMySql;
import io.github.evercred.testkit.LocalPostgres;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Optional;
import org.h2.tools.Server;
import org.jspecify.annotations.Nullable;

/** A running server of the matrix. */
record MatrixDatabase(
    String url, @Nullable String driverClass, Admin admin, Users users, Counts counts, Stop stop)
    implements AutoCloseable {

  /** Which server. */
  enum Kind {
    POSTGRESQL("PostgreSQL"),
    MYSQL("MySQL"),
    MARIADB("MariaDB"),
    H2("H2");

    private final String title;

    Kind(String title) {
      this.title = title;
    }

    @Override
    public String toString() {
      return title;
    }

    /** Starts one. Without the programs for this platform the test is skipped by that name. */
    MatrixDatabase start() throws SQLException {
      return switch (this) {
        case POSTGRESQL -> {
          LocalPostgres server = LocalPostgres.start();
          yield new MatrixDatabase(
              server.jdbcUrl("postgres") + "?sslmode=disable",
              null,
              server::adminConnection,
              server::createUser,
              new Counts(server::refusedLogins, server::successfulLogins),
              server::close);
        }
        case MYSQL -> {
          assumeAvailable(LocalMySql.unavailable());
          LocalMySql server = LocalMySql.start();
          yield new MatrixDatabase(
              server.jdbcUrl(""),
              null,
              server::adminConnection,
              server::createUser,
              new Counts(server::refusedLogins, server::successfulLogins),
              server::close);
        }
        case MARIADB -> {
          assumeAvailable(LocalMariaDb.unavailable());
          LocalMariaDb server = LocalMariaDb.start();
          yield new MatrixDatabase(
              server.jdbcUrl(""),
              null,
              server::adminConnection,
              server::createUser,
              new Counts(server::refusedLogins, server::successfulLogins),
              server::close);
        }
        case H2 -> {
          Server server = Server.createTcpServer("-tcpPort", "0", "-ifNotExists").start();
          String url = "jdbc:h2:tcp://127.0.0.1:" + server.getPort() + "/mem:matrix";
          Connection keeper = DriverManager.getConnection(url, "boss", "b");
          Admin admin = () -> DriverManager.getConnection(url, "boss", "b");
          yield new MatrixDatabase(
              url,
              CountingH2Driver.class.getName(),
              admin,
              (user, password) -> {
                try (Connection connection = admin.open();
                    Statement statement = connection.createStatement()) {
                  statement.execute("CREATE USER " + user + " PASSWORD '" + password + "'");
                }
              },
              new Counts(CountingH2Driver::refused, CountingH2Driver::accepted),
              () -> {
                keeper.close();
                server.stop();
              });
        }
      };
    }
  }

  /** Opens an administrator's connection. */
  @FunctionalInterface
  interface Admin {
    Connection open() throws SQLException;
  }

  /** Creates a user. */
  @FunctionalInterface
  interface Users {
    void create(String user, String password) throws SQLException;
  }

  /** Tells how many logins of a user there were. */
  @FunctionalInterface
  interface Count {
    long of(String user) throws SQLException;
  }

  /** What the server has counted; with H2 its driver. */
  record Counts(Count refused, Count accepted) {}

  /** Ends the server. */
  @FunctionalInterface
  interface Stop {
    void run() throws SQLException;
  }

  /** Skips by the name of the platform, and by nothing else. */
  static void assumeAvailable(Optional<String> unavailable) {
    String reason = unavailable.orElse("");
    assumeTrue(!reason.contains("for this platform") && !reason.contains("musl"), reason);
    assertThat(unavailable).isEmpty();
  }

  String version() throws SQLException {
    try (Connection connection = admin.open()) {
      return connection.getMetaData().getDatabaseProductVersion().replaceAll("[ -].*", "");
    }
  }

  @Override
  public void close() throws SQLException {
    stop.run();
  }
}
