package io.github.evercred.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.github.evercred.testkit.EvercredExtension;
import io.github.evercred.testkit.Fault;
import io.github.evercred.testkit.LocalPostgres;
import io.github.evercred.testkit.LocalSecretsManager;
import io.github.evercred.testkit.Requests;
import io.github.evercred.testkit.Rotation;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLInvalidAuthorizationSpecException;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * One secret for two servers, of which one lags behind; and Secrets Manager, which is away at the
 * worst moment.
 */
@ExtendWith(EvercredExtension.class)
@Timeout(90)
class TwoServersTest {
  private static LocalPostgres replica;
  private final ExecutorService threads = Executors.newCachedThreadPool();

  @BeforeAll
  static void start() {
    replica = LocalPostgres.start();
  }

  @AfterAll
  static void stop() {
    replica.close();
  }

  @AfterEach
  void stopThreads() {
    threads.shutdownNow();
  }

  private static Account account(String name, LocalSecretsManager secrets, LocalPostgres primary)
      throws SQLException {
    replica.createUser(name, "first");
    var account = new Account(name, secrets, primary);
    account.connectTo(replica).close();
    return account;
  }

  /** What the primary knows of a user reaches the replica. */
  private static void replicate(Account account) throws SQLException {
    try (Connection admin = account.postgres.adminConnection();
        Statement statement = admin.createStatement();
        ResultSet row =
            statement.executeQuery(
                "SELECT rolpassword FROM pg_authid WHERE rolname = '" + account.name + "'")) {
      row.next();
      replica.execute("ALTER ROLE " + account.name + " PASSWORD '" + row.getString(1) + "'");
    }
  }

  private static void connectToReplica(Account account) throws SQLException {
    for (int i = 0; i < 3; i++) {
      account.connectTo(replica).close();
    }
  }

  @Test
  void replica_thatLagsBehind_goesOnByItsOwnVersionAndComesRight(
      LocalSecretsManager secrets, LocalPostgres primary) throws SQLException {
    try (Account account = account("lags", secrets, primary)) {
      String old = account.cache.get("lags").versionId();
      Rotation rotation = account.singleUser();
      String version = rotation.createSecret();
      rotation.setSecret();

      account.connectTimes(3);
      connectToReplica(account);
      assertThat(account.refused()).as("by AWSPENDING").isEqualTo(1);
      assertThat(replica.refusedLogins("lags")).as("by AWSCURRENT").isZero();
      assertThat(account.calls()).isEqualTo(2);

      rotation.testSecret();
      rotation.finishSecret();
      account.seesCurrent();
      assertThat(account.calls()).isEqualTo(3);
      account.connectTimes(3);
      connectToReplica(account);
      assertThat(account.refused()).as("by AWSCURRENT").isEqualTo(1);
      assertThat(replica.refusedLogins("lags")).as("by AWSPREVIOUS").isEqualTo(1);
      assertThat(account.calls()).as("AWSCURRENT, AWSPENDING, AWSPREVIOUS").isEqualTo(6);

      replicate(account);
      connectToReplica(account);
      account.connectTimes(3);
      assertThat(account.refused()).isEqualTo(1);
      assertThat(replica.refusedLogins("lags")).as("by AWSCURRENT").isEqualTo(2);
      assertThat(replica.successfulLogins("lags")).isEqualTo(1 + 3 * 3);
      assertThat(account.calls()).isEqualTo(7);
      assertThat(account.heard)
          .containsExactly(
              "incomplete AWSPENDING " + version,
              "complete " + version,
              "incomplete AWSPREVIOUS " + old,
              "complete " + version);
      assertThat(account.statistics().probes()).isEqualTo(3);
    }
  }

  @Test
  void replica_passwordArrivesInTheWindow_eachServerIsATargetOfItsOwn(
      LocalSecretsManager secrets, LocalPostgres primary) throws SQLException {
    try (Account account = account("arrives", secrets, primary)) {
      Rotation rotation = account.singleUser();
      rotation.createSecret();
      rotation.setSecret();
      account.connectTimes(3);
      connectToReplica(account);
      assertThat(replica.refusedLogins("arrives")).isZero();

      replicate(account);
      connectToReplica(account);
      account.connectTimes(3);

      assertThat(account.refused()).isEqualTo(1);
      assertThat(replica.refusedLogins("arrives")).isEqualTo(1);
      assertThat(account.calls()).as("two for each target").isEqualTo(4);
    }
  }

  private static void befall(LocalSecretsManager secrets, boolean hangs, String secretId) {
    secrets.inject(
        hangs ? Fault.hang() : Fault.serverError(), Requests.of("GetSecretValue").secret(secretId));
  }

  /** An account whose fetches give up sooner, so that what hangs is over sooner. */
  private static Account impatient(String name, LocalSecretsManager secrets, LocalPostgres primary)
      throws SQLException {
    replica.createUser(name, "first");
    var account = new Account(name, secrets, primary, Duration.ofSeconds(4));
    account.connectTo(replica).close();
    return account;
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void secretsManager_awayAfterSetSecret_loginsWaitUntilItIsBack(
      boolean hangs, LocalSecretsManager secrets, LocalPostgres primary) throws Exception {
    String name = hangs ? "hangs" : "down";
    try (Account account = impatient(name, secrets, primary)) {
      Rotation rotation = account.singleUser();
      rotation.createSecret();
      rotation.setSecret();
      befall(secrets, hangs, name);

      Future<String> first = threads.submit(account::loggedInAs);
      Future<String> second = threads.submit(account::loggedInAs);
      Eventually.until(() -> account.refused() >= 1 && account.calls() >= 1);
      long begun = System.nanoTime();
      connectToReplica(account);
      assertThat(Duration.ofNanos(System.nanoTime() - begun))
          .as("where the old version is valid nobody waits")
          .isLessThan(Duration.ofSeconds(4));
      assertThat(first).isNotDone();
      assertThat(second).isNotDone();
      secrets.clearFaults();

      assertThat(first.get(25, TimeUnit.SECONDS)).isEqualTo(name);
      assertThat(second.get(25, TimeUnit.SECONDS)).isEqualTo(name);
      // Both may have been in flight; AWSCURRENT as cached is tried again while nothing is known.
      assertThat(account.refused()).isBetween(1L, 7L);
      assertThat(replica.refusedLogins(name)).isZero();
      assertThat(account.statistics().gaveUp()).isZero();
      assertThat(account.calls()).isLessThan(30);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void secretsManager_awayForLonger_loginEndsInTimeByTheServersWord(
      boolean hangs, LocalSecretsManager secrets, LocalPostgres primary) throws SQLException {
    String name = hangs ? "hangs_on" : "stays_down";
    try (Account account = impatient(name, secrets, primary)) {
      Rotation rotation = account.singleUser();
      rotation.createSecret();
      rotation.setSecret();
      befall(secrets, hangs, name);

      long begun = System.nanoTime();
      Throwable failure =
          catchThrowable(() -> account.connect("evercred.rotationWait", "2s").close());

      assertThat(Duration.ofNanos(System.nanoTime() - begun))
          .isBetween(Duration.ofMillis(1900), Duration.ofSeconds(8));
      assertThat(failure)
          .isInstanceOf(SQLInvalidAuthorizationSpecException.class)
          .hasFieldOrPropertyWithValue("SQLState", "28P01")
          .hasMessageContaining(name);
      assertThat(account.refused()).isBetween(1L, 3L);
      assertThat(account.calls()).isBetween(1, 15);
      connectToReplica(account);
      assertThat(replica.refusedLogins(name)).isZero();
      secrets.clearFaults();
    }
  }
}
