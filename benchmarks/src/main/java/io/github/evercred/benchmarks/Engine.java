package io.github.evercred.benchmarks;

import io.github.evercred.testkit.AdminConnections;
import io.github.evercred.testkit.LocalMariaDb;
import io.github.evercred.testkit.LocalMySql;
import io.github.evercred.testkit.LocalPostgres;
import java.sql.SQLException;
import java.util.Optional;

/** A real database whose passwords rotate. */
enum Engine {
  POSTGRESQL("PostgreSQL", "org.postgresql.Driver") {
    @Override
    Running start() {
      LocalPostgres server = LocalPostgres.builder().maxConnections(CONNECTIONS).start();
      return new Running(
          server.jdbcUrl("postgres"),
          server::createUser,
          server::refusedLogins,
          server::adminConnection,
          server::close);
    }
  },
  MYSQL("MySQL", "com.mysql.cj.jdbc.Driver") {
    @Override
    Running start() {
      LocalMySql server = LocalMySql.builder().maxConnections(CONNECTIONS).start();
      return new Running(
          server.jdbcUrl(""),
          server::createUser,
          server::refusedLogins,
          server::adminConnection,
          server::close);
    }

    @Override
    Optional<String> unavailable() {
      return LocalMySql.unavailable();
    }
  },
  MARIADB("MariaDB", "org.mariadb.jdbc.Driver") {
    @Override
    Running start() {
      LocalMariaDb server = LocalMariaDb.builder().maxConnections(CONNECTIONS).start();
      return new Running(
          server.jdbcUrl(""),
          server::createUser,
          server::refusedLogins,
          server::adminConnection,
          server::close);
    }

    @Override
    Optional<String> unavailable() {
      return LocalMariaDb.unavailable();
    }
  };

  private static final int CONNECTIONS = 300;

  final String title;
  final String driverClass;

  Engine(String title, String driverClass) {
    this.title = title;
    this.driverClass = driverClass;
  }

  abstract Running start();

  /** Why it cannot be started here. */
  Optional<String> unavailable() {
    return Optional.empty();
  }

  /** Makes a user. */
  interface Users {
    void create(String user, String password) throws SQLException;
  }

  /** Counts. */
  interface Refusals {
    long of(String user) throws SQLException;
  }

  /** A server that runs. */
  record Running(String url, Users users, Refusals refused, AdminConnections admin, Runnable end)
      implements AutoCloseable {
    @Override
    public void close() {
      end.run();
    }
  }
}
