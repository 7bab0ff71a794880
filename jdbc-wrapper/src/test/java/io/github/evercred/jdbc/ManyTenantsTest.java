package io.github.evercred.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.Target;
import io.github.evercred.testkit.EvercredExtension;
import io.github.evercred.testkit.LocalPostgres;
import io.github.evercred.testkit.LocalSecretsManager;
import io.github.evercred.testkit.Rotation;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** A URL for each tenant, one database server and one secret. */
@ExtendWith(EvercredExtension.class)
@Timeout(90)
class ManyTenantsTest {
  private static final int TENANTS = 500;
  private static final int THREADS = 4;

  private static LocalPostgres postgres;

  @BeforeAll
  static void start(LocalPostgres server) {
    postgres = server;
  }

  /** The URL of a tenant, who has a name and a schema, in either of the two forms of a URL. */
  private static String url(int tenant) {
    String prefix = tenant % 2 == 0 ? "jdbc:evercred:" : "jdbc-secretsmanager:";
    return postgres.jdbcUrl(tenant % 5 == 0 ? "template1" : "postgres").replace("jdbc:", prefix)
        + "?sslmode=disable&ApplicationName=tenant%d&currentSchema=schema%d"
            .formatted(tenant, tenant);
  }

  @Test
  void tenants_urlsThatDifferInParameters_costOneProbeEachRotation(LocalSecretsManager secrets)
      throws Exception {
    try (var account = new Account("tenants", secrets, postgres)) {
      Rotation rotation = account.singleUser();
      rotation.createSecret();
      rotation.setSecret();
      connectAll(account, 0, TENANTS);

      assertThat(account.statistics().probes()).isEqualTo(1);
      assertThat(account.refused()).as("those in flight").isBetween(1L, THREADS + 0L);
      assertThat(account.successful()).isEqualTo(TENANTS);
      assertThat(account.calls()).isEqualTo(2);

      rotation.testSecret();
      rotation.finishSecret();
      rotation.createSecret();
      rotation.setSecret();
      connectAll(account, TENANTS, 200); // Of tenants who have never logged in.

      assertThat(account.statistics().probes()).isEqualTo(2);
      assertThat(account.refused()).isBetween(2L, 2L * THREADS);
      assertThat(account.calls()).isEqualTo(4);
    }
  }

  private static void connectAll(Account account, int first, int count) throws Exception {
    var threads = Executors.newFixedThreadPool(THREADS);
    try {
      List<Future<?>> logins = new ArrayList<>();
      for (int i = first; i < first + count; i++) {
        int tenant = i;
        logins.add(
            threads.submit(
                () -> {
                  try (Connection connection = account.connectToUrl(url(tenant))) {
                    assertThat(schema(connection)).isEqualTo("schema" + tenant);
                  }
                  return null;
                }));
      }
      for (Future<?> login : logins) {
        login.get(60, TimeUnit.SECONDS);
      }
    } finally {
      threads.shutdownNow();
    }
  }

  private static String schema(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("SHOW search_path")) {
      row.next();
      return row.getString(1);
    }
  }

  @Test
  void tenants_ofOneServer_areOneTargetAndOneCache(LocalSecretsManager secrets)
      throws SQLException {
    postgres.createUser("shared", "first");
    secrets.createSecret("shared", FakeSecrets.login("shared", "first"));
    var properties = new Properties();
    properties.setProperty("user", "shared");
    properties.setProperty("evercred.endpoint", secrets.endpoint().toString());
    Set<Target> targets = new HashSet<>();
    Set<Logins> logins = new HashSet<>();

    for (int i = 0; i < TENANTS; i++) {
      Plan plan = Plan.of(url(i), properties);
      targets.add(plan.target());
      logins.add(Logins.of(plan, null));
    }
    for (int i = 0; i < 20; i++) {
      DriverManager.getConnection(url(i), properties).close();
    }

    assertThat(targets).hasSize(1);
    assertThat(logins).hasSize(1);
    assertThat(secrets.calls("GetSecretValue", "shared")).isEqualTo(1);
    assertThat(postgres.successfulLogins("shared")).isEqualTo(20);
    assertThat(postgres.refusedLogins("shared")).isZero();
  }
}
