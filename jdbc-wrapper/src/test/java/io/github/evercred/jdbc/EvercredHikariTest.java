package io.github.evercred.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.github.evercred.testkit.EvercredExtension;
import io.github.evercred.testkit.LocalPostgres;
import io.github.evercred.testkit.LocalSecretsManager;
import io.github.evercred.testkit.Rotation;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.ds.PGSimpleDataSource;

@ExtendWith(EvercredExtension.class)
@Timeout(90)
class EvercredHikariTest {
  private static final int SIZE = 6;

  private static EvercredDataSource source(
      String user, LocalSecretsManager secrets, LocalPostgres postgres) {
    var source = new EvercredDataSource();
    source.setUrl(postgres.jdbcUrl("postgres"));
    source.setSecretId(user);
    source.setEndpoint(secrets.endpoint().toString());
    source.setOptions("refreshAfter=1s");
    return source;
  }

  private static HikariConfig config(EvercredDataSource source) {
    var config = new HikariConfig();
    config.setDataSource(source);
    config.setMinimumIdle(SIZE);
    config.setMaximumPoolSize(SIZE);
    config.setConnectionTimeout(10_000);
    return config;
  }

  private static int pid(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet answer = statement.executeQuery("select pg_backend_pid()")) {
      answer.next();
      return answer.getInt(1);
    }
  }

  /** The processes of all connections of a full pool. */
  private static Set<Integer> pids(HikariDataSource pool) throws SQLException {
    List<Connection> borrowed = new ArrayList<>();
    Set<Integer> pids = new HashSet<>();
    try {
      for (int i = 0; i < SIZE; i++) {
        Connection connection = pool.getConnection();
        borrowed.add(connection);
        pids.add(pid(connection));
      }
    } finally {
      for (Connection connection : borrowed) {
        connection.close();
      }
    }
    return pids;
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void retire_afterARotation_oldSessionsEndOneByOne(
      boolean alternating, LocalSecretsManager secrets, LocalPostgres postgres) throws Exception {
    String user = alternating ? "retire_two" : "retire";
    postgres.createUser(user, "first");
    secrets.createSecret(user, FakeSecrets.login(user, "first"));
    Rotation rotation =
        alternating
            ? Rotation.alternatingUsers(secrets, user, postgres::adminConnection)
            : Rotation.singleUser(secrets, user, postgres::adminConnection);
    rotation.jdbcUrl(postgres.jdbcUrl("postgres"));
    try (var pool = new HikariDataSource(config(source(user, secrets, postgres)));
        var retirement = EvercredHikari.retireAfterRotation(pool, Duration.ofSeconds(1))) {
      assertThat(retirement).isNotNull(); // For the compiler.
      assertThat(threads()).isEqualTo(1);
      Eventually.until(() -> pool.getHikariPoolMXBean().getTotalConnections() == SIZE);
      Set<Integer> before = pids(pool);
      assertThat(before).hasSize(SIZE);
      try (Connection inUse = pool.getConnection()) {
        int held = pid(inUse);

        rotation.createSecret();
        rotation.setSecret();
        assertThat(pids(pool, SIZE - 1)).as("in the window").isSubsetOf(before);
        rotation.testSecret();
        rotation.finishSecret();

        Eventually.until(
            () -> {
              Set<Integer> now = sessions(postgres, user);
              now.retainAll(before);
              return now.equals(Set.of(held));
            });
        assertThat(inUse.isValid(5)).as("what is in use goes on").isTrue();
      }
      Eventually.until(
          () -> {
            Set<Integer> now = sessions(postgres, user);
            now.retainAll(before);
            return now.isEmpty();
          });
      Eventually.until(() -> pool.getHikariPoolMXBean().getTotalConnections() == SIZE);
      Set<Integer> after = pids(pool);
      assertThat(after).hasSize(SIZE).doesNotContainAnyElementsOf(before);
      String now = alternating ? user + "_clone" : user;
      Eventually.until(() -> postgres.sessions(now) == SIZE);
      assertThat(postgres.sessions(alternating ? user : "nobody")).isZero();
    }
    assertThat(postgres.refusedLogins(user)).isLessThanOrEqualTo(SIZE + 1L);
  }

  private static Set<Integer> pids(HikariDataSource pool, int count) throws SQLException {
    List<Connection> borrowed = new ArrayList<>();
    Set<Integer> pids = new HashSet<>();
    for (int i = 0; i < count; i++) {
      borrowed.add(pool.getConnection());
    }
    for (Connection connection : borrowed) {
      pids.add(pid(connection));
      connection.close();
    }
    return pids;
  }

  private static Set<Integer> sessions(LocalPostgres postgres, String user) throws SQLException {
    Set<Integer> pids = new HashSet<>();
    try (Connection admin = postgres.adminConnection();
        Statement statement = admin.createStatement();
        ResultSet answer =
            statement.executeQuery(
                "select pid from pg_stat_activity where usename like '" + user + "%'")) {
      while (answer.next()) {
        pids.add(answer.getInt(1));
      }
    }
    return pids;
  }

  @Test
  void credentials_provider_handsOutWhatLoginsUse(
      LocalSecretsManager secrets, LocalPostgres postgres) throws Exception {
    postgres.createUser("provided", "first");
    secrets.createSecret("provided", FakeSecrets.login("provided", "first"));
    EvercredDataSource source = source("provided", secrets, postgres);
    HikariConfig config = config(source);
    var provider = EvercredHikari.credentials(source);
    config.setCredentialsProvider(provider);
    Rotation rotation =
        Rotation.singleUser(secrets, "provided", postgres::adminConnection)
            .jdbcUrl(postgres.jdbcUrl("postgres"));
    try (var pool = new HikariDataSource(config)) {
      assertThat(provider.getCredentials().getUsername()).isEqualTo("provided");
      assertThat(provider.getCredentials().getPassword()).isEqualTo("first");
      Eventually.until(() -> pool.getHikariPoolMXBean().getTotalConnections() == SIZE);

      rotation.createSecret();
      rotation.setSecret();
      pool.getHikariPoolMXBean().softEvictConnections();
      assertThat(pids(pool)).hasSize(SIZE);

      assertThat(provider.getCredentials().getPassword()).as("AWSPENDING").isNotEqualTo("first");
      rotation.testSecret();
      rotation.finishSecret();
      pool.getHikariPoolMXBean().softEvictConnections();
      assertThat(pids(pool)).hasSize(SIZE);
    }
    assertThat(postgres.refusedLogins("provided")).isBetween(1L, 2L);
  }

  @Test
  void credentials_passwordThatWasNotHandedOut_refused(
      LocalSecretsManager secrets, LocalPostgres postgres) throws SQLException {
    postgres.createUser("stranger", "first");
    secrets.createSecret("stranger", FakeSecrets.login("stranger", "first"));
    EvercredDataSource source = source("stranger", secrets, postgres);
    assertThatThrownBy(() -> source.getConnection("stranger", "first"))
        .isInstanceOf(SQLException.class)
        .hasMessageContaining("leave the password out");
    var pair = EvercredHikari.credentials(source).getCredentials();
    source.getConnection(pair.getUsername(), pair.getPassword()).close();
    assertThatThrownBy(() -> source.getConnection("stranger", "second"))
        .isInstanceOf(SQLException.class);
  }

  @Test
  void credentials_noSuchSecret_causeTold(LocalSecretsManager secrets, LocalPostgres postgres) {
    var provider = EvercredHikari.credentials(source("nowhere", secrets, postgres));
    assertThatThrownBy(provider::getCredentials)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("nowhere")
        .hasCauseInstanceOf(SQLException.class);
  }

  @Test
  void dataSource_ofTheRealDriver_logsInByIt(LocalSecretsManager secrets, LocalPostgres postgres)
      throws SQLException {
    postgres.createUser("behind", "first");
    secrets.createSecret("behind", FakeSecrets.login("behind", "first"));
    var real = new PGSimpleDataSource();
    real.setUrl(postgres.jdbcUrl("postgres"));
    real.setApplicationName("behind us");
    EvercredDataSource source = source("behind", secrets, postgres);
    source.setDataSource(real);
    Rotation rotation = Rotation.singleUser(secrets, "behind", postgres::adminConnection);

    source.getConnection().close();
    rotation.createSecret();
    rotation.setSecret();
    try (Connection connection = source.getConnection()) {
      assertThat(connection.getClientInfo("ApplicationName")).isEqualTo("behind us");
    }
    assertThat(postgres.refusedLogins("behind")).isEqualTo(1);
  }

  private static long threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().equals("evercred-hikari-retirement"))
        .count();
  }

  @Test
  void retire_poolOrItselfClosed_threadEnds(LocalSecretsManager secrets, LocalPostgres postgres)
      throws Exception {
    postgres.createUser("ended", "first");
    secrets.createSecret("ended", FakeSecrets.login("ended", "first"));
    try (var pool = new HikariDataSource(config(source("ended", secrets, postgres)))) {
      EvercredHikari.retireAfterRotation(pool, Duration.ofHours(20));
      Eventually.until(() -> threads() == 1);
    }
    Eventually.until(() -> threads() == 0);
    try (var pool = new HikariDataSource(config(source("ended", secrets, postgres)))) {
      EvercredHikari.Retirement retirement =
          EvercredHikari.retireAfterRotation(pool, Duration.ofHours(20));
      Eventually.until(() -> threads() == 1);
      retirement.close();
      Eventually.until(() -> threads() == 0);
    }
  }

  /** The first idle connection is a good one, which must not hide the others. */
  @Test
  void retire_rolledBack_newerSessionsEndBehindTheOlder(
      LocalSecretsManager secrets, LocalPostgres postgres) throws Exception {
    postgres.createUser("behind_it", "first");
    secrets.createSecret("behind_it", FakeSecrets.login("behind_it", "first"));
    Rotation rotation =
        Rotation.alternatingUsers(secrets, "behind_it", postgres::adminConnection)
            .jdbcUrl(postgres.jdbcUrl("postgres"));
    HikariConfig config = config(source("behind_it", secrets, postgres));
    config.setMinimumIdle(2);
    config.setMaximumPoolSize(2);
    try (var pool = new HikariDataSource(config)) {
      Eventually.until(() -> pool.getHikariPoolMXBean().getIdleConnections() == 2);
      rotation.rotate();
      Eventually.until(
          () -> {
            try (Connection first = pool.getConnection();
                Connection second = pool.getConnection()) {
              assertThat(first.isValid(5)).isTrue();
              pool.evictConnection(second);
            }
            return postgres.sessions("behind_it_clone") == 1;
          });
      rotation.rollback();
      EvercredDataSource same = source("behind_it", secrets, postgres);
      Eventually.until(
          () -> {
            same.getConnection().close(); // Its reads notice the rollback.
            return postgres.sessions("behind_it_clone") == 1
                && sessionUser(same).equals("behind_it");
          });

      try (var retirement = EvercredHikari.retireAfterRotation(pool, Duration.ofSeconds(1))) {
        assertThat(retirement).isNotNull(); // For the compiler.
        Eventually.until(() -> postgres.sessions("behind_it_clone") == 0);
        assertThat(threads()).isEqualTo(1);
      }
    }
  }

  private static String sessionUser(EvercredDataSource source) throws SQLException {
    try (Connection connection = source.getConnection();
        Statement statement = connection.createStatement();
        ResultSet answer = statement.executeQuery("select current_user")) {
      answer.next();
      return answer.getString(1);
    }
  }

  @Test
  void retire_outOfRange_refused() {
    try (var pool = new HikariDataSource()) {
      for (Duration over : List.of(Duration.ofMillis(999), Duration.ofHours(25))) {
        assertThatThrownBy(() -> EvercredHikari.retireAfterRotation(pool, over))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("1 s to 1 day");
      }
    }
  }
}
