package io.github.evercred.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.mchange.v2.c3p0.ComboPooledDataSource;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every pool in every form, across a rotation. */
@ExtendWith(Servers.class)
@Timeout(60)
class PoolTest {

  static Stream<Arguments> pools() {
    return Stream.of(Pool.values())
        .flatMap(pool -> pool.forms().stream().map(form -> Arguments.of(pool, form)));
  }

  @ParameterizedTest
  @MethodSource("pools")
  void pool_acrossARotation_neverFailsAndCostsFewRefusedLogins(
      Pool pool, Form form, Servers.Running servers) throws Exception {
    Application application = servers.application(pool + "_" + form);
    try (Pool.Running running = pool.start(application, form)) {
      useAll(running.dataSource(), application);
      assertThat(application.refused()).isZero();

      application.openWindow();
      useAll(running.dataSource(), application); // As they are: PostgreSQL keeps sessions.
      assertThat(application.refused()).isZero();
      renew(running, application);
      renew(running, application);
      long inTheWindow = application.refused();
      assertThat(inTheWindow).isBetween(1L, (long) Pool.SIZE);

      application.closeWindow();
      renew(running, application);
      assertThat(application.refused()).isEqualTo(inTheWindow);
    }
    Eventually.until(() -> application.sessions() == 0);
  }

  private static void renew(Pool.Running pool, Application application) throws Exception {
    long before = application.logins();
    pool.flush().run();
    useAll(pool.dataSource(), application);
    assertThat(application.logins() - before).isGreaterThanOrEqualTo(Pool.SIZE);
  }

  /** Holds all connections of the pool at once. */
  private static void useAll(DataSource pool, Application application) throws Exception {
    List<Connection> held = new ArrayList<>();
    try {
      for (int i = 0; i < Pool.SIZE; i++) {
        held.add(pool.getConnection());
      }
      for (Connection connection : held) {
        application.check(connection);
      }
      Eventually.until(() -> application.sessions() == Pool.SIZE);
    } finally {
      close(held);
    }
  }

  private static void close(List<Connection> connections) throws SQLException {
    for (Connection connection : connections) {
      connection.close();
    }
  }

  /** DriverManager finds PostgreSQL's own driver, which takes the secret's id for a user. */
  @Test
  void c3p0_plainUrlWithoutForce_asksAnotherDriver(Servers.Running servers) throws Exception {
    Application application = servers.application("c3p0_without_force");
    var pool = new ComboPooledDataSource();
    try {
      pool.setJdbcUrl(application.text("jdbc:postgresql://db.example.com:5432/orders"));
      pool.setDriverClass("io.github.evercred.jdbc.PlainUrlDriver");
      pool.setForceUseNamedDriverClass(false);
      pool.setUser(application.secretId());
      pool.setInitialPoolSize(1);
      pool.setMinPoolSize(1);
      pool.setAcquireRetryAttempts(1);

      assertThatThrownBy(pool::getConnection).isInstanceOf(SQLException.class);
    } finally {
      pool.close();
    }
    assertThat(application.logins()).isZero();
  }

  @Test
  void hikari_start_limitsTheLoginsOfTheWholeProcess(Servers.Running servers) throws Exception {
    Application application = servers.application("hikari_login_timeout");
    DriverManager.setLoginTimeout(0);
    try (Pool.Running pool = Pool.HIKARI.start(application, Form.EVERCRED)) {
      assertThat(pool.dataSource()).isNotNull();
      assertThat(DriverManager.getLoginTimeout()).isEqualTo(30);
    }
    assertThat(DriverManager.getLoginTimeout()).as("it stays").isEqualTo(30);
  }
}
