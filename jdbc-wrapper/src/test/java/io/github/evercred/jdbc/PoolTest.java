package io.github.evercred.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.github.evercred.testkit.EvercredExtension;
import io.github.evercred.testkit.LocalPostgres;
import io.github.evercred.testkit.LocalSecretsManager;
import io.github.evercred.testkit.Rotation;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Properties;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** HikariCP before the driver and before the data source, across a rotation. */
@ExtendWith(EvercredExtension.class)
@Timeout(90)
class PoolTest {

  enum Way {
    DRIVER_CLASS,
    DATA_SOURCE,
    DATA_SOURCE_CLASS
  }

  private static final int THREADS = 8;

  private static HikariConfig config(
      Way way, String secretId, LocalSecretsManager secrets, LocalPostgres postgres)
      throws SQLException {
    var config = new HikariConfig();
    config.setMaximumPoolSize(THREADS);
    config.setConnectionTimeout(10_000);
    String url = postgres.jdbcUrl("postgres");
    switch (way) {
      case DRIVER_CLASS -> {
        config.setDriverClassName("io.github.evercred.jdbc.EvercredDriver");
        config.setJdbcUrl(url.replace("jdbc:", "jdbc-secretsmanager:") + "?sslmode=disable");
        config.setUsername(secretId);
        config.addDataSourceProperty("evercred.endpoint", secrets.endpoint().toString());
        config.addDataSourceProperty("ApplicationName", "pool");
      }
      case DATA_SOURCE -> {
        var properties = new Properties();
        properties.setProperty("sslmode", "disable");
        var dataSource = new EvercredDataSource();
        dataSource.setUrl(url);
        dataSource.setSecretId(secretId);
        dataSource.setEndpoint(secrets.endpoint().toString());
        dataSource.setProperties(properties);
        config.setDataSource(dataSource);
      }
      case DATA_SOURCE_CLASS -> {
        config.setDataSourceClassName("io.github.evercred.jdbc.EvercredDataSource");
        config.setUsername(secretId);
        config.addDataSourceProperty("url", url + "?sslmode=disable");
        config.addDataSourceProperty("endpoint", secrets.endpoint().toString());
        config.addDataSourceProperty("rotationWait", "15s");
        config.addDataSourceProperty("loginsAtOnce", "8");
        config.addDataSourceProperty("currentOnly", "false");
      }
    }
    return config;
  }

  @ParameterizedTest
  @EnumSource
  void pool_acrossARotation_noBorrowFails(
      Way way, LocalSecretsManager secrets, LocalPostgres postgres) throws Exception {
    String user = "pool_" + way.name().toLowerCase(Locale.ROOT);
    postgres.createUser(user, "first");
    secrets.createSecret(user, FakeSecrets.login(user, "first"));
    Rotation rotation =
        Rotation.singleUser(secrets, user, postgres::adminConnection)
            .jdbcUrl(postgres.jdbcUrl("postgres"));
    var stop = new AtomicBoolean();
    var borrowed = new AtomicInteger();
    var threads = Executors.newFixedThreadPool(THREADS);
    try (var pool = new HikariDataSource(config(way, user, secrets, postgres))) {
      List<Future<?>> workers = new ArrayList<>();
      for (int i = 0; i < THREADS; i++) {
        workers.add(
            threads.submit(
                () -> {
                  while (!stop.get()) {
                    try (Connection connection = pool.getConnection()) {
                      assertThat(connection.isValid(5)).isTrue();
                      pool.evictConnection(connection); // Every borrow is a login.
                    }
                    borrowed.incrementAndGet();
                  }
                  return null;
                }));
      }
      more(borrowed);
      rotation.createSecret();
      more(borrowed);
      rotation.setSecret();
      more(borrowed);
      rotation.testSecret();
      more(borrowed);
      rotation.finishSecret();
      more(borrowed);
      stop.set(true);
      for (Future<?> worker : workers) {
        worker.get(30, TimeUnit.SECONDS);
      }
    } finally {
      stop.set(true);
      threads.shutdownNow();
    }
    // Those in flight when the password changed, at most one for each connection of the pool.
    assertThat(postgres.refusedLogins(user)).isBetween(1L, (long) THREADS + 1);
  }

  private static void more(AtomicInteger borrowed) throws Exception {
    int enough = borrowed.get() + 3 * THREADS;
    Eventually.until(() -> borrowed.get() >= enough);
  }
}
