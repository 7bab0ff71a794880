package io.github.evercred.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.testkit.EvercredExtension;
import io.github.evercred.testkit.LocalMariaDb;
import io.github.evercred.testkit.LocalMySql;
import io.github.evercred.testkit.LocalSecretsManager;
import io.github.evercred.testkit.Rotation;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Set;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Accounts that lock after three wrong passwords, under 32 threads that log in all the time. With
 * two logins at once a rotation costs two refusals at most, so no number of rotations locks them.
 * Without that limit the first one does, which shows that the accounts lock.
 */
@ExtendWith(EvercredExtension.class)
@Timeout(120)
class LockoutTest {
  private static final int THREADS = 32;
  private static final int BORNE = 3;
  private static final Duration WINDOW = Duration.ofMillis(200);

  private static final Logger LOG = Logger.getLogger("io.github.evercred");

  /** Of a locked account: MySQL's 3955 and 3118, MariaDB's 4150 and 4151. */
  private static final Set<Integer> LOCKED = Set.of(3955, 3118, 4150, 4151);

  @BeforeAll
  static void beQuiet() {
    LOG.setLevel(Level.WARNING); // Two lines for each rotation say what happens in it.
  }

  @AfterAll
  static void beAsBefore() {
    LOG.setLevel(null);
  }

  /** An account, with a secret of the same name. */
  private record Account(
      String user,
      String url,
      MatrixDatabase.Admin admin,
      MatrixDatabase.Count refused,
      LocalSecretsManager secrets) {

    Rotation rotation() {
      return Rotation.singleUser(secrets, user, admin::open).jdbcUrl(url);
    }

    EvercredDataSource source(int loginsAtOnce) throws SQLException {
      var source = new EvercredDataSource();
      source.setUrl(url);
      source.setSecretId(user);
      source.setEndpoint(secrets.endpoint().toString());
      if (loginsAtOnce > 0) {
        source.setLoginsAtOnce(loginsAtOnce);
      }
      return source;
    }
  }

  private static Account mySql(String user, LocalMySql mysql, LocalSecretsManager secrets)
      throws SQLException {
    mysql.execute(
        "CREATE USER %s IDENTIFIED BY 'first' FAILED_LOGIN_ATTEMPTS %d PASSWORD_LOCK_TIME 1"
            .formatted(user, BORNE));
    secrets.createSecret(user, FakeSecrets.login(user, "first"));
    return new Account(
        user, mysql.jdbcUrl(""), mysql::adminConnection, mysql::refusedLogins, secrets);
  }

  private static Account mariaDb(String user, LocalMariaDb mariadb, LocalSecretsManager secrets)
      throws SQLException {
    mariadb.createUser(user, "first");
    secrets.createSecret(user, FakeSecrets.login(user, "first"));
    return new Account(
        user, mariadb.jdbcUrl(""), mariadb::adminConnection, mariadb::refusedLogins, secrets);
  }

  @Test
  void mySql_twoLoginsAtOnce_isNeverLocked(LocalSecretsManager secrets) throws Exception {
    MatrixDatabase.assumeAvailable(LocalMySql.unavailable());
    try (LocalMySql mysql = LocalMySql.start()) {
      isNeverLocked(mySql("careful_my", mysql, secrets), 20);
    }
  }

  @Test
  void mySql_anyLoginsAtOnce_isLocked(LocalSecretsManager secrets) throws Exception {
    MatrixDatabase.assumeAvailable(LocalMySql.unavailable());
    try (LocalMySql mysql = LocalMySql.start()) {
      isLocked(mySql("careless_my", mysql, secrets));
    }
  }

  @Tag("mariadb")
  @Test
  void mariaDb_twoLoginsAtOnce_isNeverLocked(LocalSecretsManager secrets) throws Exception {
    MatrixDatabase.assumeAvailable(LocalMariaDb.unavailable());
    try (LocalMariaDb mariadb = strictMariaDb()) {
      isNeverLocked(mariaDb("careful_maria", mariadb, secrets), 20);
    }
  }

  @Tag("mariadb")
  @Test
  void mariaDb_anyLoginsAtOnce_isLocked(LocalSecretsManager secrets) throws Exception {
    MatrixDatabase.assumeAvailable(LocalMariaDb.unavailable());
    try (LocalMariaDb mariadb = strictMariaDb()) {
      isLocked(mariaDb("careless_maria", mariadb, secrets));
    }
  }

  private static LocalMariaDb strictMariaDb() {
    return LocalMariaDb.builder().setting("max_password_errors", String.valueOf(BORNE)).start();
  }

  private static void isNeverLocked(Account account, int rotations) throws Exception {
    try (var load = new LoginLoad(account.source(2), "SELECT 1", THREADS, false)) {
      load.more(THREADS);
      load.beginTiming();
      for (int i = 0; i < rotations && load.failed() == 0; i++) {
        long before = account.refused().of(account.user());
        rotate(account, load);
        assertThat(account.refused().of(account.user()) - before)
            .as("refused by the server in rotation %d", i)
            .isBetween(1L, 2L);
      }
      load.stop();
      assertThat(load.failures()).isEmpty();
    }
    try (Connection connection = account.source(2).getConnection()) {
      assertThat(connection.isValid(5)).isTrue();
    }
  }

  /** Up to five times: a rotation in which few logins are in flight may do no harm. */
  private static void isLocked(Account account) throws Exception {
    try (var load = new LoginLoad(account.source(0), "SELECT 1", THREADS, false)) {
      load.more(THREADS);
      for (int i = 0; i < 5 && load.failed() == 0; i++) {
        rotate(account, load);
      }
      load.stop();
      assertThat(load.failures()).anyMatch(failure -> LOCKED.contains(code(failure)));
    }
  }

  private static int code(Throwable failure) {
    return failure instanceof SQLException sql ? sql.getErrorCode() : 0;
  }

  private static void rotate(Account account, LoginLoad load) throws Exception {
    Rotation rotation = account.rotation();
    rotation.createSecret();
    load.more(THREADS);
    rotation.setSecret();
    long opened = System.nanoTime();
    Eventually.until(() -> load.failed() > 0 || System.nanoTime() - opened >= WINDOW.toNanos());
    if (load.failed() == 0) {
      rotation.testSecret();
      rotation.finishSecret();
      load.more(THREADS);
    }
  }
}
