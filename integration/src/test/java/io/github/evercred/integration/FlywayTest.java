package io.github.evercred.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Properties;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Flyway's open edition. */
@ExtendWith(Servers.class)
@Timeout(60)
class FlywayTest {

  private static Flyway flyway(Properties configuration, String target) {
    return Flyway.configure().configuration(configuration).target(target).load();
  }

  @Test
  void migrate_acrossARotation_works(Servers.Running servers) throws Exception {
    Application application = servers.application("flyway");
    Properties configuration = application.properties("flyway.conf", Form.EVERCRED);

    assertThat(flyway(configuration, "1").migrate().migrationsExecuted).isEqualTo(1);
    application.openWindow();
    assertThat(flyway(configuration, "2").migrate().migrationsExecuted).isEqualTo(1);
    assertThat(application.refused()).isEqualTo(1);
    application.closeWindow();
    assertThat(flyway(configuration, "2").migrate().migrationsExecuted).isZero();
    assertThat(application.refused()).isEqualTo(1);
    Eventually.until(() -> application.sessions() == 0);
  }

  /** Flyway knows a database by its URL, and AWS's prefix only in its paid editions. */
  @ParameterizedTest
  @CsvSource({
    "jdbc:evercred:, No Flyway database plugin found to handle jdbc:evercred:",
    "jdbc-secretsmanager:, jdbc-secretsmanager is not supported by OSS"
  })
  void migrate_prefixedUrl_isRefusedByFlyway(String prefix, String said, Servers.Running servers)
      throws Exception {
    Application application = servers.application("flyway_" + prefix.replaceAll("\\W", ""));
    Properties configuration = application.properties("flyway.conf", Form.EVERCRED);
    configuration.setProperty(
        "flyway.url", configuration.getProperty("flyway.url").replaceFirst("jdbc:", prefix));

    assertThatThrownBy(() -> flyway(configuration, "1").migrate()).hasMessageContaining(said);
    assertThat(application.logins()).isZero();
  }
}
