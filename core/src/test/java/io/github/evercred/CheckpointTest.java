package io.github.evercred;

import static io.github.evercred.CacheFixture.ID;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.evercred.SecretException.Reason;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.model.GetSecretValueRequest;
import software.amazon.awssdk.services.secretsmanager.model.GetSecretValueResponse;

/** What a cache does before a checkpoint of the process, and after its restore. */
@Timeout(60)
class CheckpointTest {
  private static final Duration LOAD = Duration.ofSeconds(5);
  private static final Duration RESTORE = Duration.ofSeconds(3);
  private static final Target TARGET = new Target("fake", List.of("db:1"), null);

  private static void assertSuspended(ThrowingCallable read) {
    assertThatThrownBy(read)
        .isInstanceOfSatisfying(
            SecretException.class, e -> assertThat(e.reason()).isEqualTo(Reason.UNAVAILABLE))
        .hasMessageContaining("is being checkpointed");
  }

  private static void assertSuspended(CompletableFuture<?> read) {
    assertThatThrownBy(() -> read.get(10, TimeUnit.SECONDS))
        .isInstanceOf(ExecutionException.class)
        .cause()
        .isInstanceOfSatisfying(
            SecretException.class, e -> assertThat(e.reason()).isEqualTo(Reason.UNAVAILABLE))
        .hasMessageContaining("is being checkpointed");
  }

  private static void assertCollected(WeakReference<?> value) {
    Eventually.until(
        () -> {
          System.gc();
          return value.refersTo(null);
        },
        () -> "somebody holds a value");
  }

  /** Restores a cache in which nothing hangs, in this thread. */
  private static void restore(CacheFixture f) {
    f.cache.afterRestore(0);
  }

  @Test
  void checkpointed_anyRead_isUnavailableAndMakesNoCall() {
    try (var f = new CacheFixture()) {
      f.source.put(ID, 2, "pending", "AWSPENDING");
      SecretHandle handle = f.cache.handle(ID);
      var login = new RotationAwareLogin(f.cache);
      var server = new FakeTarget();
      server.accept("one");
      f.read();
      handle.get();
      f.cache.versions(ID);
      int calls = f.source.calls();

      f.cache.beforeCheckpoint();

      assertSuspended(() -> f.cache.get(ID));
      assertSuspended(() -> f.cache.get("never read"));
      assertSuspended(() -> f.cache.get(ID, VersionSelector.PENDING));
      assertSuspended(() -> f.cache.get(ID, VersionSelector.CURRENT, Duration.ZERO));
      assertSuspended(() -> f.cache.versions(ID));
      assertSuspended(() -> f.cache.refresh(ID));
      assertSuspended(() -> f.cache.refreshUnless(ID, FakeSource.version(1)));
      assertSuspended(() -> f.cache.refreshVersions(ID));
      assertSuspended(() -> f.cache.prefetch(ID));
      assertSuspended(handle::get);
      assertSuspended(f.cache.getAsync(ID));
      assertSuspended(f.cache.prefetchAsync(ID));
      assertSuspended(f.cache.refreshUntil(ID, FakeSource.version(9), Duration.ofSeconds(9)));
      assertThatThrownBy(
              () -> login.login(TARGET, ID, LoginOptions.DEFAULTS, Optional.empty(), server))
          .hasMessageContaining("is being checkpointed");
      f.time.advance(Duration.ofHours(1));
      assertThat(f.source.calls()).isEqualTo(calls);
      assertThat(f.time.scheduled()).as("timers").isZero();
      assertThat(f.cache.size()).isZero();
      assertThat(f.cache.groups()).isZero();
    }
  }

  @Test
  void restored_secretsThatWereHeld_areLoadedBeforeTheirReaders() {
    try (var f = new CacheFixture()) {
      f.source.put(ID, 2, "pending", "AWSPENDING");
      f.source.put("other", 1, "other one", "AWSCURRENT");
      f.source.put("unread", 1, "unread", "AWSCURRENT");
      f.read();
      f.cache.get("other");
      f.cache.get(ID, VersionSelector.PENDING);
      f.cache.versions(ID);
      f.cache.beforeCheckpoint();
      f.source.put(ID, 2, "two", "AWSCURRENT");
      f.source.unlabel(ID, "AWSPENDING");
      f.source.put(ID, 3, "next", "AWSPENDING");
      f.source.put("other", 2, "other two", "AWSCURRENT");
      f.source.forgetCalls();

      var restoring = Crew.of(1, () -> done(() -> restore(f)));
      assertThat(f.drive(restoring).value()).isTrue();

      int calls = f.source.calls();
      assertThat(f.read()).isEqualTo("two");
      assertThat(f.cache.get("other").asString()).isEqualTo("other two");
      assertThat(f.cache.get(ID, VersionSelector.PENDING).asString()).isEqualTo("next");
      assertThat(f.cache.versions(ID).previous().orElseThrow().asString()).isEqualTo("one");
      assertThat(f.source.calls()).as("calls of readers").isEqualTo(calls);
      assertThat(f.source.calls("unread")).isZero();
      assertThat(f.cache.statistics().held()).isEqualTo(4);
    }
  }

  private static String loggedIn(RotationAwareLogin login, FakeTarget server) throws Exception {
    return login.login(TARGET, ID, LoginOptions.DEFAULTS, Optional.empty(), server);
  }

  private static boolean done(Runnable work) {
    work.run();
    return true;
  }

  @Test
  void restored_batches_areUsed() {
    try (var f = new CacheFixture()) {
      f.source.batchSize(20);
      f.source.put("other", 1, "other", "AWSCURRENT");
      f.read();
      f.cache.get("other");
      f.cache.beforeCheckpoint();
      f.source.forgetCalls();

      restore(f);

      assertThat(f.source.batches()).hasSize(1);
      assertThat(f.source.calls()).isZero();
      f.rest();
    }
  }

  @Test
  void restored_sourceHangs_waitsNoLongerThanTold() {
    try (var f = new CacheFixture()) {
      f.read();
      f.cache.beforeCheckpoint();
      f.source.hold();

      var restoring = Crew.of(1, () -> done(() -> restore(f)));
      f.time.awaitWaiting(1);
      f.source.awaitHeld(1);
      f.time.advance(RESTORE.minusMillis(1));
      assertThat(restoring.isDone()).isFalse();
      f.time.advance(Duration.ofMillis(1));

      assertThat(restoring.value()).isTrue();
      f.source.release();
      f.rest();
      assertThat(f.source.calls()).as("it went on behind").isEqualTo(2);
      assertThat(f.read()).isEqualTo("one");
    }
  }

  @Test
  void restored_othersHaveUsedTheTime_waitsForTheRestOfIt() {
    try (var f = new CacheFixture()) {
      f.read();
      f.cache.beforeCheckpoint();
      f.source.hold();

      var restoring = Crew.of(1, () -> done(() -> f.cache.afterRestore(RESTORE.toNanos())));

      assertThat(restoring.value()).as("without time passing").isTrue();
      f.source.awaitHeld(1);
    }
  }

  @Test
  void restored_timeoutZero_doesNotWait() {
    try (var f = new CacheFixture(o -> o.restoreTimeout(Duration.ZERO))) {
      f.read();
      f.cache.beforeCheckpoint();
      f.source.hold();

      restore(f);

      f.source.awaitHeld(1);
      f.source.release();
      f.rest();
      assertThat(f.source.calls()).isEqualTo(2);
    }
  }

  @Test
  void restored_loadingFails_isLoggedAndToldByTheNextRead() {
    try (var f = new CacheFixture();
        var log = new CapturedLog()) {
      f.source.put(ID, 2, "pending", "AWSPENDING");
      f.read();
      f.cache.get(ID, VersionSelector.PENDING);
      f.cache.beforeCheckpoint();
      f.source.failing(Reason.ACCESS_DENIED);

      restore(f);

      Eventually.until(
          () -> log.ours(Level.WARNING).size() == 2, () -> log.ours(Level.WARNING).toString());
      assertThat(log.ours(Level.WARNING))
          .allSatisfy(text -> assertThat(text).contains(ID, "ACCESS_DENIED", "next read"));
      assertThat(f.reasonOfRead()).isEqualTo(Reason.ACCESS_DENIED);
      f.source.healthy();
      f.time.advance(Duration.ofSeconds(1));
      assertThat(f.read()).isEqualTo("one");
    }
  }

  @Test
  void restored_interrupted_keepsTheInterruptAndThrowsNothing() {
    try (var f = new CacheFixture()) {
      f.read();
      f.cache.beforeCheckpoint();
      f.source.hold();

      Thread.currentThread().interrupt();
      restore(f);

      assertThat(Thread.interrupted()).isTrue();
      f.source.release();
      f.rest();
      assertThat(f.read()).isEqualTo("one");
    }
  }

  @Test
  void restored_breakerWasOpenAndFailuresRemembered_isAsNew() {
    try (var f =
        new CacheFixture(o -> o.rememberFailureFor(Duration.ofMinutes(5), Duration.ofMinutes(5)))) {
      f.source.failing(Reason.UNAVAILABLE);
      for (int i = 0; i < 4; i++) {
        String id = "missing" + i;
        assertThat(f.drive(() -> f.cache.get(id)).failure()).isNotNull();
      }
      assertThat(f.drive(f::read).failure()).hasMessageContaining("not called");
      f.cache.beforeCheckpoint();
      f.source.healthy();

      restore(f);

      assertThat(f.read()).isEqualTo("one");
    }
  }

  /**
   * A restored process runs on another machine, whose clocks have nothing to do with this one's.
   */
  @Test
  void restored_monotonicClockBackAndWallClockOn_valuesAgeAsEver() {
    try (var f = new CacheFixture(o -> o.processMayFreeze(true))) {
      f.read();
      f.cache.beforeCheckpoint();
      f.rotate(2, "two");
      f.time.jump(Duration.ofMinutes(-15));
      f.time.setWall(Duration.ofDays(40));

      restore(f);
      f.rest();

      assertThat(f.read()).isEqualTo("two");
      f.rotate(3, "three");
      f.comeDue();
      assertThat(f.read()).isEqualTo("three");
    }
  }

  @Test
  void checkpointed_handlesMapsAndListeners_holdNoValue() throws Exception {
    var stuck = new CountDownLatch(1);
    var listener =
        new SecretCacheListener() {
          @Override
          public void loaded(String secretId, VersionSelector version, String versionId) {
            try {
              stuck.await(30, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
          }
        };
    try (var f = new CacheFixture(o -> o.listener(listener))) {
      SecretHandle handle = f.cache.handle(ID);
      Supplier<Object> mapped = handle.map(value -> new Object());
      CompletableFuture<SecretValue> expected =
          f.cache.refreshUntil(ID, FakeSource.version(9), Duration.ofMinutes(1));
      var values = new ArrayList<WeakReference<?>>();
      values.add(new WeakReference<>(handle.get()));
      values.add(new WeakReference<>(mapped.get()));
      values.add(new WeakReference<>(f.cache.get(ID)));
      f.source.put("other", 1, "x", "AWSCURRENT");
      values.add(new WeakReference<>(f.cache.get("other")));
      f.cache.versions(ID);

      f.cache.beforeCheckpoint();

      assertThatThrownBy(() -> handle.get()).isInstanceOf(SecretException.class);
      expected.handle((value, thrown) -> null).get(10, TimeUnit.SECONDS);
      values.forEach(CheckpointTest::assertCollected);
      assertThat(handle.toString() + mapped).contains(ID);
      stuck.countDown();
    }
  }

  @Test
  void checkpointed_login_holdsNoVersionAndForgetsWhatStoodAgainstIt() throws Exception {
    try (var f = new CacheFixture()) {
      var server = new FakeTarget();
      var login = new RotationAwareLogin(f.cache);
      f.source.put(ID, 1, "{\"username\":\"app\",\"password\":\"one\"}");
      f.source.put(ID, 2, "{\"username\":\"app\",\"password\":\"two\"}", "AWSPENDING");
      server.accept("two");
      assertThat(f.drive(() -> loggedIn(login, server)).value()).contains(FakeSource.version(2));
      var believed =
          new WeakReference<>(
              login.versionInUse(TARGET, ID, LoginOptions.DEFAULTS).orElseThrow().value());
      assertThat(Objects.requireNonNull(believed.get()).field("password")).isEqualTo("two");

      f.cache.beforeCheckpoint();

      assertThat(login.versionInUse(TARGET, ID, LoginOptions.DEFAULTS)).isEmpty();
      assertCollected(believed);
      f.source.move(ID, "AWSCURRENT", 2);
      restore(f);
      long refused = server.refused();
      assertThat(f.drive(() -> loggedIn(login, server)).value()).contains(FakeSource.version(2));
      assertThat(server.refused()).isEqualTo(refused);
    }
  }

  @Test
  void flightInTheAir_endsInTime_servesItsWaiterAndIsNotCached() {
    try (var f = new CacheFixture()) {
      f.source.hold();
      var waiter = Crew.of(1, f::read);
      f.source.awaitHeld(1);
      var checkpoint = Crew.of(1, () -> done(f.cache::beforeCheckpoint));
      f.time.awaitWaiting(2);

      assertSuspended(() -> f.cache.get(ID));
      f.source.release();

      assertThat(waiter.value()).isEqualTo("one");
      assertThat(checkpoint.value()).isTrue();
      assertThat(f.cache.size()).isZero();
      f.rotate(2, "two");
      restore(f);
      assertThat(f.source.calls()).as("it was wanted, so it is loaded").isEqualTo(2);
      assertThat(f.read()).isEqualTo("two");
    }
  }

  @Test
  void flightInTheAir_hangs_isStoppedAfterLoadTimeout() {
    try (var f = new CacheFixture()) {
      f.source.hold(); // Heeds the interrupt.
      CompletableFuture<String> waiter =
          f.cache.getAsync(ID).handle((value, thrown) -> String.valueOf(thrown));
      f.source.awaitHeld(1);
      var checkpoint = Crew.of(1, () -> done(f.cache::beforeCheckpoint));
      f.time.awaitWaiting(1);

      f.time.advance(LOAD);

      assertThat(checkpoint.value()).isTrue();
      assertThat(f.time.busy()).isZero();
      assertThat(f.time.scheduled()).isZero();
      assertThat(waiter.join()).as("its own limit was the same").contains("UNAVAILABLE");
      f.source.release();
      restore(f);
      assertThat(f.read()).isEqualTo("one");
    }
  }

  @Test
  void flightInTheAir_heedsNoInterrupt_stopsTheCheckpointAndIsNeverCached() {
    try (var f = new CacheFixture()) {
      var late = new CompletableFuture<SecretValue>();
      f.source.script(request -> late.join());
      var waiter = Crew.of(1, f::read);
      f.awaitCalls(1);
      f.time.awaitWaiting(1);
      var failed = new AtomicBoolean();
      var checkpoint =
          Crew.of(
              1,
              () -> {
                assertThatThrownBy(f.cache::beforeCheckpoint)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("goes on")
                    .hasMessageContaining("eu-west-1");
                return failed.compareAndSet(false, true);
              });
      f.time.awaitWaiting(2);

      f.time.advance(LOAD);
      assertThat(waiter.failure().reason()).isEqualTo(Reason.UNAVAILABLE);

      assertThat(checkpoint.value()).isTrue();
      assertSuspended(() -> f.cache.get(ID));
      f.source.healthy();
      f.rotate(2, "two");
      restore(f);
      f.rest();
      late.complete(f.source.value(ID, 1));
      Eventually.until(() -> f.time.busy() == 0, () -> "a call goes on");
      assertThat(f.read()).isEqualTo("two");
    }
  }

  @Test
  void flightGivenUpBefore_answersAfterTheRestore_isNeverCached() {
    try (var f = new CacheFixture()) {
      var late = new CompletableFuture<SecretValue>();
      f.source.script(request -> late.join()); // Heeds no interrupt.
      CompletableFuture<Object> waiter = f.cache.getAsync(ID).handle((value, thrown) -> thrown);
      f.awaitCalls(1);
      f.time.advance(LOAD.multipliedBy(2));
      assertThat(waiter.join()).asString().contains("UNAVAILABLE");
      assertThat(f.cache.flying()).isZero();

      Thread.currentThread().interrupt(); // In a hurry.
      assertThatThrownBy(f.cache::beforeCheckpoint).isInstanceOf(IllegalStateException.class);
      assertThat(Thread.interrupted()).isTrue();
      f.source.healthy();
      restore(f);
      f.rest();
      assertThat(f.cache.size()).isZero();
      late.complete(f.source.value(ID, 1));

      Eventually.until(() -> f.time.busy() == 0, () -> "a call goes on");
      assertThat(f.cache.size()).isZero();
    }
  }

  @Test
  void checkpoint_interrupted_stopsFlightsAtOnceAndKeepsTheInterrupt() {
    try (var f = new CacheFixture()) {
      f.source.hold();
      var waiter = Crew.of(1, f::read);
      f.source.awaitHeld(1);

      Thread.currentThread().interrupt();
      f.cache.beforeCheckpoint();

      assertThat(Thread.interrupted()).isTrue();
      assertThat(waiter.failure()).hasMessageContaining("is being checkpointed");
      assertThat(f.cache.statistics().failures()).as("of no secret").isEmpty();
    }
  }

  @Test
  void prefetchUnderWay_checkpoint_allOfItIsLoadedAfterTheRestore() throws Exception {
    try (var f = new CacheFixture()) {
      List<String> ids = IntStream.range(0, 30).mapToObj(i -> "secret" + i).toList();
      ids.forEach(id -> f.source.put(id, 1, "x", "AWSCURRENT"));
      f.source.hold();
      CompletableFuture<PrefetchReport> report = f.cache.prefetchAsync(ids.toArray(String[]::new));
      f.source.awaitHeld(1);

      Thread.currentThread().interrupt(); // In a hurry.
      f.cache.beforeCheckpoint();
      assertThat(Thread.interrupted()).isTrue();
      assertSuspended(report);
      f.source.release();
      f.source.forgetCalls();
      restore(f);

      assertThat(f.source.calls()).isEqualTo(30);
      assertThat(f.cache.size()).isEqualTo(30);
    }
  }

  @Test
  void readersAndCheckpoints_manyAtOnce_getAValueOrAreToldAndNothingStays() {
    try (var f = new CacheFixture(o -> o.restoreTimeout(Duration.ZERO))) {
      var stop = new AtomicBoolean();
      var told = new AtomicInteger();
      SecretHandle handle = f.cache.handle(ID);
      Supplier<String> mapped = handle.map(SecretValue::asString);
      var readers =
          Crew.of(
              4,
              () -> {
                int served = 0;
                while (!stop.get()) {
                  try {
                    assertThat(served % 2 == 0 ? f.read() : mapped.get()).isEqualTo("one");
                    served++;
                  } catch (SecretException e) {
                    assertThat(e).hasMessageContaining("is being checkpointed");
                    told.incrementAndGet();
                  }
                }
                return served;
              });

      for (int i = 0; i < 100; i++) {
        f.cache.beforeCheckpoint();
        assertThat(f.cache.size()).isZero();
        assertThat(f.cache.flying()).isZero();
        Eventually.until(() -> f.time.scheduled() == 0, () -> f.time.scheduled() + " timers");
        int before = told.get();
        Eventually.until(() -> told.get() > before + 4, () -> "nobody is told");
        assertThat(f.cache.size()).isZero();
        restore(f);
        f.read();
      }
      stop.set(true);

      assertThat(readers.values()).allSatisfy(served -> assertThat(served).isPositive());
    }
  }

  @Test
  void checkpoint_twiceBeforeTheRestore_keepsWhatWasHeld() {
    try (var f = new CacheFixture()) {
      f.read();

      f.cache.beforeCheckpoint();
      f.cache.beforeCheckpoint();
      restore(f);

      assertThat(f.source.calls()).isEqualTo(2);
      restore(f); // Not before a checkpoint: does nothing.
      assertThat(f.source.calls()).isEqualTo(2);
      assertThat(f.read()).isEqualTo("one");
    }
  }

  @Test
  void checkpointAndRestore_twice_workTwice() {
    try (var f = new CacheFixture()) {
      for (int i = 2; i < 4; i++) {
        f.read();
        f.cache.beforeCheckpoint();
        assertSuspended(() -> f.cache.get(ID));
        f.rotate(i, "value " + i);
        restore(f);
        assertThat(f.read()).isEqualTo("value " + i);
        f.rest();
      }
    }
  }

  @Test
  void close_duringACheckpoint_endsItAndStaysClosed() {
    try (var f = new CacheFixture()) {
      f.source.hold();
      var waiter = Crew.of(1, f::read);
      f.source.awaitHeld(1);
      f.time.awaitWaiting(1);
      var checkpoint = Crew.of(1, () -> done(f.cache::beforeCheckpoint));
      f.time.awaitWaiting(2);

      f.cache.close();

      assertThat(checkpoint.value()).isTrue();
      assertThat(waiter.failure().reason()).isEqualTo(Reason.CLOSED);
      restore(f);
      assertThat(f.reasonOfRead()).isEqualTo(Reason.CLOSED);
      f.cache.beforeCheckpoint();
      restore(f);
      assertThat(f.reasonOfRead()).isEqualTo(Reason.CLOSED);
      assertThat(f.source.calls()).isEqualTo(1);
    }
  }

  @Test
  void close_betweenCheckpointAndRestore_staysClosed() {
    try (var f = new CacheFixture()) {
      f.read();
      f.cache.beforeCheckpoint();

      f.cache.close();

      assertThat(f.reasonOfRead()).isEqualTo(Reason.CLOSED);
      restore(f);
      assertThat(f.reasonOfRead()).isEqualTo(Reason.CLOSED);
      assertThat(f.source.calls()).isEqualTo(1);
    }
  }

  /**
   * It may have read the value, which would be on its stack; and who is restored hears nothing old.
   */
  @Test
  void listenerAtWork_endsBeforeTheCheckpoint() {
    var begun = new CountDownLatch(1);
    var ended = new CountDownLatch(1);
    var told = new AtomicInteger();
    SecretCacheListener slow =
        new SecretCacheListener() {
          @Override
          public void loaded(String secretId, VersionSelector version, String versionId) {
            if (told.incrementAndGet() > 1) {
              return;
            }
            begun.countDown();
            try {
              assertThat(ended.await(30, TimeUnit.SECONDS)).isFalse();
            } catch (InterruptedException e) {
              ended.countDown();
            }
          }
        };
    try (var f = new CacheFixture(o -> o.listener(slow))) {
      f.source.put("other", 1, "more", "AWSCURRENT");
      f.read();
      Eventually.until(() -> begun.getCount() == 0, () -> "not told");
      f.cache.get("other"); // This waits behind the first.

      f.cache.beforeCheckpoint();

      assertThat(ended.getCount()).isZero();
      assertThat(told).hasValue(1);
      restore(f);
      f.cache.get("other");
      Eventually.until(() -> told.get() > 1, () -> "listeners hear nothing after the restore");
    }
  }

  @Test
  void source_throwsBeforeACheckpoint_stopsIt() {
    var source =
        new SecretSource() {
          @Override
          public SecretValue fetch(SecretRequest request) {
            return SecretValue.builder(request.secretId(), "1").text("x");
          }

          @Override
          public void beforeCheckpoint() {
            throw new IllegalStateException("not now");
          }
        };
    try (SecretCache cache = SecretCache.builder().source(source).build(new FakeTime())) {
      cache.get(ID);

      assertThatThrownBy(cache::beforeCheckpoint).hasMessage("not now");

      assertThat(cache.size()).isZero();
      cache.afterRestore(0);
      assertThat(cache.get(ID).asString()).isEqualTo("x");
    }
  }

  /** A client that counts, and answers one secret. */
  private static final class Client implements SecretsManagerClient {
    private final AtomicInteger closed;

    Client(AtomicInteger closed) {
      this.closed = closed;
    }

    @Override
    public GetSecretValueResponse getSecretValue(GetSecretValueRequest request) {
      return GetSecretValueResponse.builder().versionId("1").secretString("x").build();
    }

    @Override
    public String serviceName() {
      return SERVICE_NAME;
    }

    @Override
    public void close() {
      closed.incrementAndGet();
    }
  }

  @Test
  void ownClient_isClosedBeforeAndBuiltAnewAfter() {
    var built = new AtomicInteger();
    var closed = new AtomicInteger();
    try (var source =
            new AwsSecretSource(
                () -> {
                  built.incrementAndGet();
                  return new Client(closed);
                },
                "here",
                true);
        SecretCache cache = SecretCache.builder().source(source).build(new FakeTime())) {
      cache.get(ID);

      cache.beforeCheckpoint();

      assertThat(closed).hasValue(1);
      assertThat(built).hasValue(1);
      cache.afterRestore(0);
      assertThat(cache.get(ID).asString()).isEqualTo("x");
      assertThat(built).hasValue(2);
    }
    assertThat(closed).hasValue(2);
  }

  /** Another cache, say, is not suspended yet. */
  @Test
  void ownClient_beingBuiltDuringACheckpoint_isClosedAndNotUsed() throws Exception {
    var building = new CountDownLatch(1);
    var go = new CountDownLatch(1);
    var closed = new AtomicInteger();
    try (var source =
        new AwsSecretSource(
            () -> {
              building.countDown();
              try {
                go.await(30, TimeUnit.SECONDS);
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
              return new Client(closed);
            },
            "here",
            true)) {
      var request = new SecretRequest(ID, VersionSelector.CURRENT, LOAD);
      var fetch = Crew.of(1, () -> source.fetch(request));
      building.await(30, TimeUnit.SECONDS);

      source.beforeCheckpoint();
      go.countDown();

      assertThat(fetch.failure()).hasMessageContaining("is being checkpointed");
      assertThat(closed).hasValue(1);
      assertThat(source.fetch(request).asString()).isEqualTo("x");
    }
  }

  @Test
  void handedInClient_isLeftAlone() {
    var closed = new AtomicInteger();
    try (var client = new Client(closed);
        SecretCache cache =
            SecretCache.builder().source(AwsSecretSource.of(client)).build(new FakeTime())) {
      cache.get(ID);

      cache.beforeCheckpoint();

      assertThat(closed).hasValue(0);
      cache.afterRestore(0);
      assertThat(cache.get(ID).asString()).isEqualTo("x");
    }
  }

  @Test
  void closedOwnSource_beforeCheckpoint_doesNothing() {
    var source = AwsSecretSource.create("eu-west-1", null);
    source.close();

    source.beforeCheckpoint();

    assertThatThrownBy(() -> source.fetch(new SecretRequest(ID, VersionSelector.CURRENT, LOAD)))
        .isInstanceOf(SecretException.class)
        .hasMessageContaining("closed");
  }

  @Test
  void localAgentsFallback_hearsOfCheckpoints() {
    var heard = new AtomicInteger();
    var fallback =
        new SecretSource() {
          @Override
          public SecretValue fetch(SecretRequest request) {
            return SecretValue.builder(request.secretId(), "1").text("x");
          }

          @Override
          public void beforeCheckpoint() {
            heard.incrementAndGet();
          }
        };
    try (var agent =
        LocalAgentSource.builder().port(1).token(() -> "token").fallback(fallback).build()) {
      agent.beforeCheckpoint();
      assertThat(heard).as("it has not been needed").hasValue(0);
      agent.fetch(new SecretRequest(ID, VersionSelector.CURRENT, LOAD));

      agent.beforeCheckpoint();

      assertThat(heard).hasValue(1);
    }
  }

  @Test
  void ordinaryProcess_isToldOfNoCheckpoints() {
    assertThat(Checkpoints.mayCome()).isFalse();
    assertThat(Checkpoints.isAhead()).isFalse();
    try (var f = new CacheFixture()) {
      assertThat(Checkpoints.tell(f.cache)).isNull();
    }
  }

  @Test
  void jitter_reseeded_staysBetweenZeroAndOneAndEven() {
    var time = new FakeTime();
    for (int i = 0; i < 20; i++) {
      time.reseed();
      var all = IntStream.range(0, 1_000).mapToDouble(n -> time.jitter()).summaryStatistics();
      assertThat(all.getMin()).isBetween(0.0, 0.1);
      assertThat(all.getMax()).isBetween(0.9, Math.nextDown(1.0));
      assertThat(all.getAverage()).isBetween(0.4, 0.6);
    }
  }
}
