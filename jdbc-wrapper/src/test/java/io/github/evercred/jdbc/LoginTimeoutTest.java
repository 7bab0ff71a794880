package io.github.evercred.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.github.evercred.testkit.EvercredExtension;
import io.github.evercred.testkit.Fault;
import io.github.evercred.testkit.LocalPostgres;
import io.github.evercred.testkit.LocalSecretsManager;
import io.github.evercred.testkit.Requests;
import io.github.evercred.testkit.Rotation;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.SQLInvalidAuthorizationSpecException;
import java.sql.SQLTransientConnectionException;
import java.time.Duration;
import java.util.Locale;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.postgresql.util.PSQLException;

/**
 * A caller whose own limit is shorter than {@code rotationWait}, in a window in which nothing
 * works: AWSPENDING may not be read.
 */
@ExtendWith(EvercredExtension.class)
@Timeout(60)
class LoginTimeoutTest {
  private final int before = DriverManager.getLoginTimeout();

  @AfterEach
  void restore() {
    DriverManager.setLoginTimeout(before);
  }

  /** How a caller says that a login may take one second. */
  enum Way {
    DRIVER_MANAGER {
      @Override
      Connection connect(Account account) throws SQLException {
        DriverManager.setLoginTimeout(1);
        return account.connect();
      }
    },
    PROPERTY {
      @Override
      Connection connect(Account account) throws SQLException {
        return account.connect("loginTimeout", "1");
      }
    },
    URL {
      @Override
      Connection connect(Account account) throws SQLException {
        return account.connectToUrl(Account.url(account.postgres) + "&loginTimeout=1");
      }
    },
    DATA_SOURCE {
      @Override
      Connection connect(Account account) throws SQLException {
        EvercredDataSource dataSource = account.dataSource();
        dataSource.setLoginTimeout(1);
        return dataSource.getConnection();
      }
    };

    abstract Connection connect(Account account) throws SQLException;
  }

  private static void openWindow(Account account, Rotation rotation) throws SQLException {
    account.secrets.inject(
        Fault.accessDenied(),
        Requests.of("GetSecretValue").secret(account.name).label("AWSPENDING"));
    rotation.createSecret();
    rotation.setSecret();
  }

  @ParameterizedTest
  @EnumSource
  void connect_limitShorterThanTheWindow_endsByThenByTheServersWord(
      Way way, LocalSecretsManager secrets, LocalPostgres postgres) throws SQLException {
    String name = "limit_" + way.name().toLowerCase(Locale.ROOT);
    try (var account = new Account(name, secrets, postgres)) {
      openWindow(account, account.singleUser());

      long begun = System.nanoTime();
      Throwable failure = catchThrowable(() -> way.connect(account).close());

      assertThat(Duration.ofNanos(System.nanoTime() - begun))
          .isBetween(Duration.ofMillis(950), Duration.ofSeconds(6));
      assertThat(failure)
          .isInstanceOf(SQLInvalidAuthorizationSpecException.class)
          .hasFieldOrPropertyWithValue("SQLState", "28P01")
          .hasCauseInstanceOf(PSQLException.class)
          .hasMessageContaining("within PT1S");
      assertThat(account.refused()).isBetween(1L, 2L);
      assertThat(account.calls("AWSPENDING")).isEqualTo(1);
      assertThat(account.statistics().gaveUp()).isEqualTo(1);
    }
  }

  @Test
  void pool_connectionTimeoutOfASecond_recoversAfterThePromotion(
      LocalSecretsManager secrets, LocalPostgres postgres) throws Exception {
    try (var account = new Account("impatient_pool", secrets, postgres)) {
      var config = new HikariConfig();
      config.setDataSource(account.dataSource());
      config.setMaximumPoolSize(4);
      config.setConnectionTimeout(1_000);
      Rotation rotation = account.singleUser();
      try (var pool = new HikariDataSource(config)) {
        assertThat(pool.getDataSource().getLoginTimeout()).as("HikariCP sets it").isEqualTo(1);
        Eventually.until(() -> pool.getHikariPoolMXBean().getIdleConnections() == 4);
        openWindow(account, rotation);
        pool.getHikariPoolMXBean().softEvictConnections();

        // HikariCP passes on what its last try of a connection came to, once there is one.
        Eventually.until(() -> borrowed(pool).equals("28P01"));
        long refused = account.refused();
        assertThat(refused).as("after 0, 1, 3 and 7 s").isBetween(1L, 4L);
        rotation.testSecret();
        rotation.finishSecret();

        Eventually.until(() -> borrowed(pool).equals("valid"));
        Eventually.until(() -> pool.getHikariPoolMXBean().getTotalConnections() == 4);
        assertThat(account.refused()).isLessThanOrEqualTo(refused + 1);
        assertThat(account.calls("AWSPENDING")).isEqualTo(1);
      }
    }
  }

  /** What comes of a borrow: a valid connection, or which SQLState. */
  private static String borrowed(HikariDataSource pool) throws SQLException {
    try (Connection connection = pool.getConnection()) {
      return connection.isValid(5) ? "valid" : "not valid";
    } catch (SQLTransientConnectionException e) {
      return String.valueOf(e.getSQLState());
    }
  }
}
