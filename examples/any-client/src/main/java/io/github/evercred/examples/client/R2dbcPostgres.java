package io.github.evercred.examples.client;

import io.github.evercred.RotationAwareLogin;
import io.github.evercred.RotationListener;
import io.github.evercred.SecretCache;
import io.github.evercred.clients.EvercredConnectionFactory;
import io.github.evercred.testkit.LocalPostgres;
import io.github.evercred.testkit.LocalSecretsManager;
import io.github.evercred.testkit.Rotation;
import io.github.evercred.testkit.RotationTarget;
import io.r2dbc.pool.ConnectionPool;
import io.r2dbc.pool.ConnectionPoolConfiguration;
import io.r2dbc.spi.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.function.Supplier;
import reactor.core.publisher.Mono;

/** PostgreSQL by R2DBC: a pool whose connections last so short that it logs in all the time. */
final class R2dbcPostgres implements Scenario {
  private static final String USER = "orders";
  private static final int MAX_SIZE = 8;
  private static final Duration LIFETIME = Duration.ofMillis(100);
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final LocalPostgres postgres;

  private R2dbcPostgres(LocalPostgres postgres) {
    this.postgres = postgres;
  }

  static R2dbcPostgres start() throws SQLException {
    LocalPostgres postgres = LocalPostgres.start();
    try {
      postgres.createUser(USER, "first");
      return new R2dbcPostgres(postgres);
    } catch (SQLException | RuntimeException e) {
      postgres.close();
      throw e;
    }
  }

  @Override
  public String name() {
    return "R2DBC PostgreSQL";
  }

  @Override
  public String secretId() {
    return "prod/orders/r2dbc";
  }

  @Override
  public String firstValue() {
    return "{\"username\":\"%s\",\"password\":\"first\"}".formatted(USER);
  }

  @Override
  public RotationTarget target() {
    throw new UnsupportedOperationException("A database is rotated as a database");
  }

  @Override
  public Rotation rotation(LocalSecretsManager secrets) {
    return Rotation.singleUser(secrets, secretId(), postgres::adminConnection)
        .jdbcUrl(postgres.jdbcUrl("postgres"));
  }

  @Override
  public Calls open(Supplier<SecretCache> caches, RotationListener listener) {
    String url = "r2dbc:postgresql://%s:%d/postgres".formatted(postgres.host(), postgres.port());
    ConnectionPool pool = pool(caches.get(), listener, url);
    return new Calls() {
      @Override
      public void call() {
        String user =
            Mono.usingWhen(pool.create(), R2dbcPostgres::user, Connection::close).block(PATIENCE);
        if (!USER.equals(user)) {
          throw new IllegalStateException("Logged in as " + user);
        }
      }

      @Override
      public void close() {
        pool.disposeLater().block(PATIENCE);
      }
    };
  }

  private static ConnectionPool pool(SecretCache secrets, RotationListener listener, String url) {
    // recipe: r2dbc
    var login = new RotationAwareLogin(secrets, listener);
    var database = EvercredConnectionFactory.builder(login, "prod/orders/r2dbc", url).build();
    var pool =
        new ConnectionPool(
            ConnectionPoolConfiguration.builder(database)
                .maxSize(MAX_SIZE)
                .maxLifeTime(LIFETIME)
                .maxAcquireTime(PATIENCE)
                .build());
    // end
    return pool;
  }

  private static Mono<String> user(Connection connection) {
    return Mono.from(connection.createStatement("SELECT current_user").execute())
        .flatMap(result -> Mono.from(result.map(row -> row.get(0, String.class))));
  }

  @Override
  public long refused() {
    try {
      return postgres.refusedLogins(USER);
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    postgres.close();
  }
}
