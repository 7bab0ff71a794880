package io.github.evercred.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.amazonaws.secretsmanager.sql.AWSSecretsManagerDriver;
import com.amazonaws.secretsmanager.sql.AWSSecretsManagerMySQLDriver;
import com.amazonaws.secretsmanager.sql.AWSSecretsManagerOracleDriver;
import com.amazonaws.secretsmanager.sql.AWSSecretsManagerPostgreSQLDriver;
import io.github.evercred.jdbc.EvercredDriver;
import java.sql.Connection;
import java.sql.Driver;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;
import java.util.Objects;
import java.util.Properties;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** AWS's own driver on the same class path, as during a migration. */
@ExtendWith(Servers.class)
@Timeout(60)
class AwsDriverTest {
  private static final String ADDRESS = "postgresql://db.example.com:5432/orders";

  /** AWS's drivers register themselves when their class is loaded, and again when one is made. */
  @AfterEach
  void deregisterTheirs() throws SQLException {
    for (Driver driver : registered(AWSSecretsManagerDriver.class)) {
      DriverManager.deregisterDriver(driver);
    }
  }

  private static List<Driver> registered(Class<? extends Driver> type) {
    return DriverManager.drivers().filter(type::isInstance).toList();
  }

  private static Properties properties(Application application) {
    var properties = new Properties();
    properties.setProperty("user", application.secretId());
    return properties;
  }

  private static void connect(String url, Application application) throws SQLException {
    try (Connection connection = new EvercredDriver().connect(url, properties(application))) {
      application.check(Objects.requireNonNull(connection));
    }
  }

  /** As when theirs was loaded before DriverManager looked for drivers. */
  private static void theirsFirst(Driver theirs) throws SQLException {
    DriverManager.registerDriver(theirs);
    for (Driver driver : registered(EvercredDriver.class)) {
      DriverManager.deregisterDriver(driver);
    }
    DriverManager.registerDriver(new EvercredDriver());
  }

  @Test
  void driverManager_oursIsFirst_givesUsBothPrefixes(Servers.Running servers) throws Exception {
    Application application = servers.application("aws_second");
    DriverManager.registerDriver(new AWSSecretsManagerPostgreSQLDriver());
    DriverManager.registerDriver(new AWSSecretsManagerMySQLDriver());

    for (String prefix : List.of("jdbc:evercred:", "jdbc-secretsmanager:")) {
      String url = application.text(prefix + ADDRESS);
      assertThat(DriverManager.getDriver(url)).isInstanceOf(EvercredDriver.class);
      try (Connection connection = DriverManager.getConnection(url, properties(application))) {
        application.check(connection);
      }
    }
  }

  @Test
  void driverManager_theirsIsFirst_givesThemTheirPrefix(Servers.Running servers) throws Exception {
    Application application = servers.application("aws_first");
    theirsFirst(new AWSSecretsManagerPostgreSQLDriver());

    assertThat(DriverManager.getDriver(application.text("jdbc-secretsmanager:" + ADDRESS)))
        .isInstanceOf(AWSSecretsManagerPostgreSQLDriver.class);
    try (Connection connection =
        DriverManager.getConnection(
            application.text("jdbc:evercred:" + ADDRESS), properties(application))) {
      application.check(connection);
    }
  }

  @Test
  void namedDriver_theirsIsFirstAndThrows_isNotHarmed(Servers.Running servers) throws Exception {
    Application application = servers.application("aws_throws");
    String url = application.text("jdbc-secretsmanager:" + ADDRESS);
    theirsFirst(new AWSSecretsManagerOracleDriver()); // Its real driver is not here.

    assertThatThrownBy(() -> DriverManager.getConnection(url, properties(application)))
        .isInstanceOf(IllegalStateException.class);
    assertThat(DriverManager.getDriver(application.text("jdbc:evercred:" + ADDRESS)))
        .isInstanceOf(EvercredDriver.class);
    connect(url, application);
    application.openWindow();
    connect(url, application);
    assertThat(application.refused()).isEqualTo(1);
    application.closeWindow();
  }
}
