package io.github.evercred.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.amazonaws.secretsmanager.sql.AWSSecretsManagerDriver;
import com.amazonaws.secretsmanager.sql.AWSSecretsManagerMariaDBDriver;
import com.amazonaws.secretsmanager.sql.AWSSecretsManagerMySQLDriver;
import io.github.evercred.testkit.AdminConnections;
import io.github.evercred.testkit.EvercredExtension;
import io.github.evercred.testkit.LocalMariaDb;
import io.github.evercred.testkit.LocalMySql;
import io.github.evercred.testkit.LocalSecretsManager;
import io.github.evercred.testkit.Rotation;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * AWS's own driver where three wrong passwords lock an account, under 32 threads that log in all
 * the time: what Evercred's loginsAtOnce is for.
 */
@ExtendWith(EvercredExtension.class)
@Timeout(90)
class AwsLockoutTest {
  private static final int THREADS = 32;
  private static final int BORNE = 3;
  private static final int ROTATIONS = 3;
  private static final Duration WINDOW = Duration.ofMillis(200);
  private static final String ENDPOINT = "drivers.vpcEndpointUrl";
  private static final String REGION = "drivers.vpcEndpointRegion";

  /** Of a locked account: MySQL's 3955 and 3118, MariaDB's 4150 and 4151. */
  private static final Set<Integer> LOCKED = Set.of(3955, 3118, 4150, 4151);

  @Test
  void mySql_awsDriver_locksTheAccount(LocalSecretsManager secrets) throws Exception {
    assumeAvailable(LocalMySql.unavailable());
    try (LocalMySql mysql = LocalMySql.start()) {
      mysql.execute(
          "CREATE USER aws_my IDENTIFIED BY 'first' FAILED_LOGIN_ATTEMPTS %d PASSWORD_LOCK_TIME 1"
              .formatted(BORNE));
      Rotation rotation = rotation("aws_my", secrets, mysql.jdbcUrl(""), mysql::adminConnection);

      rotateUntilLocked(
          theirs(secrets, AWSSecretsManagerMySQLDriver::new),
          mysql.jdbcUrl(""),
          "aws_my",
          rotation);
      assertThat(mysql.refusedLogins("aws_my")).isGreaterThan(BORNE);
    }
  }

  @Tag("mariadb")
  @Test
  void mariaDb_awsDriver_locksTheAccount(LocalSecretsManager secrets) throws Exception {
    assumeAvailable(LocalMariaDb.unavailable());
    try (LocalMariaDb mariadb =
        LocalMariaDb.builder().setting("max_password_errors", String.valueOf(BORNE)).start()) {
      mariadb.createUser("aws_maria", "first");
      Rotation rotation =
          rotation("aws_maria", secrets, mariadb.jdbcUrl(""), mariadb::adminConnection);

      rotateUntilLocked(
          theirs(secrets, AWSSecretsManagerMariaDBDriver::new),
          mariadb.jdbcUrl(""),
          "aws_maria",
          rotation);
      assertThat(mariadb.refusedLogins("aws_maria")).isGreaterThanOrEqualTo(BORNE);
    }
  }

  /** Skips by the name of the platform, and by nothing else. */
  private static void assumeAvailable(Optional<String> unavailable) {
    String reason = unavailable.orElse("");
    assumeTrue(!reason.contains("for this platform") && !reason.contains("musl"), reason);
    assertThat(unavailable).isEmpty();
  }

  private static Rotation rotation(
      String user, LocalSecretsManager secrets, String url, AdminConnections admin) {
    secrets.createSecret(user, "{\"username\":\"%s\",\"password\":\"first\"}".formatted(user));
    return Rotation.singleUser(secrets, user, admin).jdbcUrl(url);
  }

  /** A driver reads where Secrets Manager is when it is made, and registers itself. */
  private static AWSSecretsManagerDriver theirs(
      LocalSecretsManager secrets, Supplier<? extends AWSSecretsManagerDriver> made)
      throws SQLException {
    System.setProperty(ENDPOINT, secrets.endpoint().toString());
    System.setProperty(REGION, secrets.region());
    try {
      AWSSecretsManagerDriver driver = made.get();
      for (var registered :
          DriverManager.drivers().filter(AWSSecretsManagerDriver.class::isInstance).toList()) {
        DriverManager.deregisterDriver(registered);
      }
      return driver;
    } finally {
      System.clearProperty(ENDPOINT);
      System.clearProperty(REGION);
    }
  }

  private static void rotateUntilLocked(
      AWSSecretsManagerDriver driver, String url, String user, Rotation rotation) throws Exception {
    var properties = new Properties();
    properties.setProperty("user", user);
    var stopped = new AtomicBoolean();
    var logins = new AtomicLong();
    Queue<Exception> failures = new ConcurrentLinkedQueue<>();
    List<Thread> threads = new ArrayList<>();
    try {
      for (int i = 0; i < THREADS; i++) {
        Thread thread =
            new Thread(
                () -> {
                  while (!stopped.get() && failures.isEmpty()) {
                    try {
                      driver
                          .connect(url.replace("jdbc:", "jdbc-secretsmanager:"), properties)
                          .close();
                      logins.incrementAndGet();
                    } catch (SQLException | RuntimeException e) {
                      failures.add(e);
                    }
                  }
                },
                "aws " + i);
        thread.setDaemon(true);
        threads.add(thread);
        thread.start();
      }
      for (int i = 0; i < ROTATIONS && failures.isEmpty(); i++) {
        rotation.createSecret();
        long enough = logins.get() + THREADS;
        Eventually.until(() -> logins.get() >= enough || !failures.isEmpty());
        assertThat(failures).as("before the password changes").isEmpty();
        rotation.setSecret();
        long opened = System.nanoTime();
        Eventually.until(
            () -> !failures.isEmpty() || System.nanoTime() - opened >= WINDOW.toNanos());
        if (failures.isEmpty()) {
          rotation.testSecret();
          rotation.finishSecret();
        }
      }
      Eventually.until(() -> !failures.isEmpty());
    } finally {
      stopped.set(true);
      for (Thread thread : threads) {
        thread.join(Duration.ofSeconds(10).toMillis());
      }
    }
    assertThat(failures).anyMatch(failure -> LOCKED.contains(code(failure)));
  }

  private static int code(Exception failure) {
    return failure instanceof SQLException sql ? sql.getErrorCode() : 0;
  }
}
