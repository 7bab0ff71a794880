package io.github.evercred.integration;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import javax.sql.DataSource;
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
    Application application = servers.application((pool + "_" + form).toLowerCase(Locale.ROOT));
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
    // Agroal closes what it was told to flush in the background.
    Eventually.until(
        () -> {
          useAll(pool.dataSource(), application);
          return application.logins() - before >= Pool.SIZE;
        });
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
}
