package io.github.evercred.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.testkit.EvercredExtension;
import io.github.evercred.testkit.Fault;
import io.github.evercred.testkit.LocalPostgres;
import io.github.evercred.testkit.LocalSecretsManager;
import io.github.evercred.testkit.Requests;
import io.github.evercred.testkit.Rotation;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Rotations that do not simply go through, at a real server: what they cost in refused logins and
 * in calls to Secrets Manager.
 */
@ExtendWith(EvercredExtension.class)
@Timeout(90)
class RotationScenariosTest {

  @Test
  void alternatingUsers_eachTurnSeen_noLoginIsRefused(
      LocalSecretsManager secrets, LocalPostgres postgres) throws SQLException {
    try (var account = new Account("turns", secrets, postgres)) {
      Rotation rotation = alternating(account);
      rotation.createSecret();
      rotation.setSecret();
      rotation.testSecret();
      assertThat(account.loggedInAs()).as("before the label moves").isEqualTo("turns");
      assertThat(account.calls()).isZero();
      rotation.finishSecret();
      account.seesCurrent();
      assertThat(account.loggedInAs()).isEqualTo("turns_clone");

      rotation.createSecret();
      rotation.setSecret(); // The first user has another password now; nobody logs in as it.
      assertThat(account.loggedInAs()).isEqualTo("turns_clone");
      rotation.testSecret();
      rotation.finishSecret();
      account.seesCurrent();
      assertThat(account.loggedInAs()).isEqualTo("turns");

      assertThat(account.refused()).isZero();
      assertThat(postgres.refusedLogins("turns_clone")).isZero();
      assertThat(account.calls()).as("one for each turn").isEqualTo(2);
      assertThat(account.statistics().probes()).isZero();
    }
  }

  @Test
  void alternatingUsers_noTurnSeen_oneRefusalFindsTheOtherUser(
      LocalSecretsManager secrets, LocalPostgres postgres) throws SQLException {
    try (var account = new Account("unseen", secrets, postgres)) {
      Rotation rotation = alternating(account);
      rotation.rotate();
      assertThat(account.loggedInAs()).as("still good for one turn").isEqualTo("unseen");
      assertThat(account.calls()).isZero();
      rotation.createSecret();
      rotation.setSecret();

      assertThat(account.loggedInAs()).isEqualTo("unseen_clone");
      assertThat(account.loggedInAs()).isEqualTo("unseen_clone");

      assertThat(account.refused()).isEqualTo(1);
      assertThat(postgres.refusedLogins("unseen_clone")).isZero();
      assertThat(account.calls()).isEqualTo(1);
      assertThat(account.heard).as("what works is AWSCURRENT").isEmpty();
    }
  }

  private static Rotation alternating(Account account) {
    return Rotation.alternatingUsers(
            account.secrets, account.name, account.postgres::adminConnection)
        .jdbcUrl(account.postgres.jdbcUrl("postgres"));
  }

  /** Sealed or not: a login decrypts what it needs, and nothing else differs. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void rotationStuck_afterSetSecret_loginsGoOnByPendingUntilItIsFinished(
      boolean sealed, LocalSecretsManager secrets, LocalPostgres postgres) throws SQLException {
    String name = sealed ? "stuck_set_sealed" : "stuck_set";
    try (var account = new Account(name, secrets, postgres, Duration.ofSeconds(30), sealed)) {
      Rotation rotation = account.singleUser();
      String version = rotation.createSecret();
      rotation.setSecret();

      account.connectTimes(3);

      assertThat(account.successful()).isEqualTo(3);
      assertThat(account.refused()).isEqualTo(1);
      assertThat(account.calls()).as("AWSCURRENT and AWSPENDING").isEqualTo(2);
      assertThat(account.heard).containsExactly("incomplete AWSPENDING " + version);

      rotation.testSecret();
      rotation.finishSecret();
      account.seesCurrent();
      account.connectTimes(3);

      assertThat(account.refused()).isEqualTo(1);
      assertThat(account.calls()).isEqualTo(3);
      assertThat(account.heard)
          .containsExactly("incomplete AWSPENDING " + version, "complete " + version);
    }
  }

  @Test
  void rotationStuck_afterCreateSecret_nobodyTriesWhatTheServerDoesNotKnow(
      LocalSecretsManager secrets, LocalPostgres postgres) throws SQLException {
    try (var account = new Account("stuck_create", secrets, postgres)) {
      Rotation rotation = account.singleUser();
      rotation.createSecret();

      account.connectTimes(3);
      account.seesCurrent(); // However fresh: AWSPENDING is not asked for.
      account.connectTimes(3);

      assertThat(account.successful()).isEqualTo(6);
      assertThat(account.refused()).isZero();
      assertThat(account.calls()).isEqualTo(1);
      assertThat(account.calls("AWSPENDING")).isZero();
      assertThat(account.statistics().probes()).isZero();

      rotation.rotate(); // Tried again from where it was, and this time it goes through.
      account.connectTimes(3);

      assertThat(account.refused()).isEqualTo(1);
      assertThat(account.calls()).isEqualTo(2);
      assertThat(account.calls("AWSPENDING")).isZero();
    }
  }

  @Test
  void rolledBack_afterSetSecret_oneRefusalEachWay(
      LocalSecretsManager secrets, LocalPostgres postgres) throws SQLException {
    try (var account = new Account("back_set", secrets, postgres)) {
      Rotation rotation = account.singleUser();
      for (int turn = 1; turn <= 2; turn++) {
        rotation.createSecret();
        rotation.setSecret();
        account.connectTimes(2);
        assertThat(account.refused()).as("into turn %d", turn).isEqualTo(2L * turn - 1);
        rotation.rollback();
        account.connectTimes(2);
        assertThat(account.refused()).as("out of turn %d", turn).isEqualTo(2L * turn);
      }
      assertThat(account.calls()).as("two into each turn, one out of it").isEqualTo(6);
    }
  }

  @Test
  void rolledBack_afterFinishSecret_oneRefusalEachWay(
      LocalSecretsManager secrets, LocalPostgres postgres) throws SQLException {
    try (var account = new Account("back_finish", secrets, postgres)) {
      Rotation rotation = account.singleUser();
      for (int turn = 1; turn <= 2; turn++) {
        rotation.rotate();
        account.connectTimes(2);
        assertThat(account.refused()).as("into turn %d", turn).isEqualTo(2L * turn - 1);
        rotation.rollback();
        account.connectTimes(2);
        assertThat(account.refused()).as("out of turn %d", turn).isEqualTo(2L * turn);
      }
      assertThat(account.calls()).as("one each way").isEqualTo(4);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void rolledBack_twiceWithoutALoginBetween_nothingIsLost(
      boolean finished, LocalSecretsManager secrets, LocalPostgres postgres) throws SQLException {
    try (var account = new Account(finished ? "twice_finish" : "twice_set", secrets, postgres)) {
      Rotation rotation = account.singleUser();
      for (int turn = 1; turn <= 2; turn++) {
        into(rotation, finished);
        rotation.rollback();
      }
      account.connectTimes(2);
      assertThat(account.refused()).as("what was known is right again").isZero();
      assertThat(account.calls()).isZero();

      into(rotation, finished);
      account.connectTimes(2); // By a version that the next roll-backs leave behind.
      assertThat(account.refused()).isEqualTo(1);
      rotation.rollback();
      into(rotation, finished);
      rotation.rollback();
      account.connectTimes(2);
      assertThat(account.refused()).isEqualTo(2);
      assertThat(account.calls()).isLessThanOrEqualTo(3);
    }
  }

  private static void into(Rotation rotation, boolean finished) throws SQLException {
    rotation.createSecret();
    rotation.setSecret();
    if (finished) {
      rotation.testSecret();
      rotation.finishSecret();
    }
  }

  @Test
  void pendingDenied_inTheWindow_loginsWaitForThePromotion(
      LocalSecretsManager secrets, LocalPostgres postgres) throws Exception {
    try (var account = new Account("denied", secrets, postgres)) {
      secrets.inject(
          Fault.accessDenied(),
          Requests.of("GetSecretValue").secret(account.name).label("AWSPENDING"));
      Rotation rotation = account.singleUser();
      var threads = Executors.newSingleThreadExecutor();
      try {
        for (int turn = 1; turn <= 2; turn++) {
          long before = account.refused();
          rotation.createSecret();
          rotation.setSecret();
          Future<String> login = threads.submit(account::loggedInAs);
          Eventually.until(() -> account.refused() > before);
          assertThat(login.isDone()).isFalse();
          rotation.testSecret();
          rotation.finishSecret();
          assertThat(login.get(30, TimeUnit.SECONDS)).isEqualTo(account.name);
          account.connectTimes(2);
        }
      } finally {
        threads.shutdownNow();
      }
      assertThat(account.calls("AWSPENDING")).as("not asked again within five minutes").isOne();
      // One for each turn, AWSPREVIOUS once, and more where a turn takes longer than a second.
      assertThat(account.refused()).isBetween(3L, 7L);
      assertThat(account.heard).isEmpty();
    }
  }
}
