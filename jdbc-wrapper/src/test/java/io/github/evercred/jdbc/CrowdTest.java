package io.github.evercred.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.github.evercred.testkit.EvercredExtension;
import io.github.evercred.testkit.Hold;
import io.github.evercred.testkit.LocalPostgres;
import io.github.evercred.testkit.LocalSecretsManager;
import io.github.evercred.testkit.Requests;
import io.github.evercred.testkit.Rotation;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Many callers at one server that rotates. */
@ExtendWith(EvercredExtension.class)
@Timeout(120)
class CrowdTest {
  private static final int POOL = 100;

  private static LocalPostgres postgres;
  private final ExecutorService threads = Executors.newCachedThreadPool();

  @BeforeAll
  static void start() {
    postgres = LocalPostgres.builder().maxConnections(POOL + 20).start();
  }

  @AfterAll
  static void stop() {
    postgres.close();
  }

  @AfterEach
  void stopThreads() {
    threads.shutdownNow();
  }

  /** Without a pool each use is a login, so as many are in flight as there are threads. */
  @ParameterizedTest
  @ValueSource(ints = {32, 4})
  void unpooled_thirtyTwoThreadsThroughTwoRotations_noLoginFails(
      int loginsAtOnce, LocalSecretsManager secrets) throws Exception {
    int count = 32;
    try (var account = new Account("unpooled_" + loginsAtOnce, secrets, postgres)) {
      var stop = new AtomicBoolean();
      var done = new AtomicInteger();
      List<Future<?>> workers = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        workers.add(
            threads.submit(
                () -> {
                  while (!stop.get()) {
                    account.connect("evercred.loginsAtOnce", "" + loginsAtOnce).close();
                    done.incrementAndGet();
                  }
                  return null;
                }));
      }
      try {
        Rotation rotation = account.singleUser();
        more(done, count);
        for (int turn = 1; turn <= 2; turn++) {
          int callsBefore = account.calls();
          long refusedBefore = account.refused();
          rotation.createSecret();
          more(done, count);
          rotation.setSecret();
          more(done, count);
          rotation.testSecret();
          rotation.finishSecret();
          more(done, count);
          assertThat(account.refused() - refusedBefore)
              .as("those in flight and two more")
              .isBetween(1L, loginsAtOnce + 2L);
          assertThat(account.calls() - callsBefore).isBetween(2, 4);
        }
      } finally {
        stop.set(true);
      }
      for (Future<?> worker : workers) {
        worker.get(30, TimeUnit.SECONDS);
      }
      assertThat(account.successful()).as("a test each").isEqualTo(done.get() + 2L);
      assertThat(account.statistics().gaveUp()).isZero();
    }
  }

  private static void more(AtomicInteger done, int count) throws Exception {
    int enough = done.get() + count;
    Eventually.until(() -> done.get() >= enough);
  }

  @Test
  void pool_ofAHundredReopensInTheWindow_noBorrowFails(LocalSecretsManager secrets)
      throws Exception {
    try (var account = new Account("hundred", secrets, postgres)) {
      var config = new HikariConfig();
      config.setDataSource(account.dataSource());
      config.setMaximumPoolSize(POOL);
      config.setConnectionTimeout(60_000);
      try (var pool = new HikariDataSource(config)) {
        openAll(pool::getConnection);
        assertThat(pool.getHikariPoolMXBean().getTotalConnections()).isEqualTo(POOL);
        Rotation rotation = account.singleUser();
        rotation.createSecret();
        rotation.setSecret();
        int calls = account.calls();
        long logins = account.successful();

        pool.getHikariPoolMXBean().softEvictConnections();
        openAll(pool::getConnection);

        assertThat(account.refused()).as("one thread opens them all").isEqualTo(1);
        assertThat(account.successful() - logins).isEqualTo(POOL);
        assertThat(account.calls() - calls).isEqualTo(2);
      }
    }
  }

  @Test
  void unpooled_aHundredAtOnceInTheWindow_noLoginFails(LocalSecretsManager secrets)
      throws Exception {
    try (var account = new Account("at_once", secrets, postgres)) {
      Rotation rotation = account.singleUser();
      rotation.createSecret();
      rotation.setSecret();

      openAll(account::connect);

      assertThat(account.refused()).as("those in flight").isBetween(1L, POOL + 0L);
      assertThat(account.successful()).isEqualTo(POOL);
      assertThat(account.calls()).isEqualTo(2);
      assertThat(account.statistics().probes()).isEqualTo(1);
    }
  }

  /** All at once, each holding what it has until all have one. */
  private void openAll(Callable<Connection> open) throws Exception {
    var together = new CyclicBarrier(POOL);
    List<Future<?>> borrowers = new ArrayList<>();
    for (int i = 0; i < POOL; i++) {
      borrowers.add(
          threads.submit(
              () -> {
                together.await(30, TimeUnit.SECONDS);
                try (Connection connection = open.call()) {
                  together.await(60, TimeUnit.SECONDS);
                  assertThat(connection.isClosed()).isFalse();
                }
                return null;
              }));
    }
    for (Future<?> borrower : borrowers) {
      borrower.get(90, TimeUnit.SECONDS);
    }
  }

  /** How a login in a thread of its own has ended. */
  private record End(@Nullable SQLException failure, boolean interrupted) {}

  private static Thread login(Account account, CompletableFuture<End> end) {
    var thread =
        new Thread(
            () -> {
              SQLException failure = null;
              try {
                account.connect().close();
              } catch (SQLException e) {
                failure = e;
              }
              end.complete(new End(failure, Thread.currentThread().isInterrupted()));
            });
    thread.setDaemon(true);
    thread.start();
    return thread;
  }

  /** The first to be refused asks Secrets Manager, the others wait for it. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void interrupted_oneOfManyThatWait_endsAloneWithItsFlagSet(
      boolean theOneThatProbes, LocalSecretsManager secrets) throws Exception {
    String name = theOneThatProbes ? "interrupted_prober" : "interrupted_waiter";
    int count = 8;
    try (var account = new Account(name, secrets, postgres)) {
      Rotation rotation = account.singleUser();
      rotation.createSecret();
      rotation.setSecret();
      var proberEnds = new CompletableFuture<End>();
      var waiterEnds = new CompletableFuture<End>();
      List<Future<String>> others = new ArrayList<>();
      try (Hold hold = secrets.hold(Requests.of("GetSecretValue").secret(name))) {
        Thread prober = login(account, proberEnds);
        hold.awaitArrival(1, Duration.ofSeconds(20));
        Thread waiter = login(account, waiterEnds);
        for (int i = 0; i < count; i++) {
          others.add(threads.submit(account::loggedInAs));
        }
        Eventually.until(() -> waiter.getState() == Thread.State.TIMED_WAITING);

        (theOneThatProbes ? prober : waiter).interrupt();

        End end = (theOneThatProbes ? proberEnds : waiterEnds).get(20, TimeUnit.SECONDS);
        assertThat((Throwable) end.failure())
            .isInstanceOf(SQLTransientConnectionException.class)
            .hasFieldOrPropertyWithValue("SQLState", "08001");
        assertThat(end.interrupted()).as("the thread's flag").isTrue();
        assertThat(others).noneMatch(Future::isDone);
      }
      End unharmed = (theOneThatProbes ? waiterEnds : proberEnds).get(30, TimeUnit.SECONDS);
      assertThat(unharmed).isEqualTo(new End(null, false));
      for (Future<String> other : others) {
        assertThat(other.get(30, TimeUnit.SECONDS)).isEqualTo(name);
      }
      assertThat(account.refused()).isEqualTo(1);
      assertThat(account.successful()).isEqualTo(count + 1L);
      assertThat(account.calls()).isEqualTo(2);
      assertThat(account.statistics().gaveUp()).isEqualTo(1);
    }
  }
}
