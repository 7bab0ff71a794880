package io.github.evercred.integration;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.postgresql.PGConnection;

/** Drivers between ours and PostgreSQL's; how they fare in a rotation, {@link PoolTest} tests. */
@ExtendWith(Servers.class)
@Timeout(60)
class LayersTest {

  @Test
  void p6spy_itsConnection_isWhatThePoolGets(Servers.Running servers) throws Exception {
    assertThat(classOf(Pool.P6SPY, servers.application("layer_p6spy")))
        .isEqualTo(com.p6spy.engine.wrapper.ConnectionWrapper.class);
  }

  @Test
  void awsWrapper_itsConnection_isWhatThePoolGets(Servers.Running servers) throws Exception {
    assertThat(classOf(Pool.AWS_WRAPPER, servers.application("layer_aws_wrapper")))
        .isEqualTo(software.amazon.jdbc.wrapper.ConnectionWrapper.class);
  }

  private static Class<?> classOf(Pool pool, Application application) throws Exception {
    try (Pool.Running running = pool.start(application, Form.EVERCRED);
        Connection connection = running.dataSource().getConnection()) {
      assertThat(connection.unwrap(PGConnection.class)).isNotNull();
      for (Class<?> type :
          new Class<?>[] {
            com.p6spy.engine.wrapper.ConnectionWrapper.class,
            software.amazon.jdbc.wrapper.ConnectionWrapper.class
          }) {
        if (connection.isWrapperFor(type)) {
          return type;
        }
      }
      return connection.getClass();
    }
  }
}
