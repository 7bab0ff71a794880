package io.github.evercred;

import static io.github.evercred.CacheFixture.ID;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.SecretException.Reason;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What the first reads see after the process was frozen, or a clock was set: no timer has run. */
@Timeout(60)
class SecretCacheFrozenTest {
  private static final Duration HOUR = Duration.ofHours(1);
  private static final Duration LOAD = Duration.ofSeconds(5);

  /** Which clocks show the time that passed. */
  enum Clocks {
    /** The monotonic clock stood still, as that of a suspended machine does. */
    WALL,
    /** The wall clock has been set back by as much meanwhile. */
    MONOTONIC,
    BOTH,
    MONOTONIC_WITH_THE_WALL_BACK_A_YEAR;

    void pass(CacheFixture f, Duration by) {
      switch (this) {
        case WALL -> f.time.setWall(by);
        case MONOTONIC -> f.time.jump(by);
        case BOTH -> {
          f.time.setWall(by);
          f.time.jump(by);
        }
        case MONOTONIC_WITH_THE_WALL_BACK_A_YEAR -> {
          f.time.setWall(Duration.ofDays(-365));
          f.time.jump(by);
        }
      }
    }
  }

  private static CacheFixture checked() {
    return checked(options -> options);
  }

  private static CacheFixture checked(UnaryOperator<SecretCacheBuilder> more) {
    return new CacheFixture(options -> more.apply(options.processMayFreeze(true)));
  }

  private static SecretCacheBuilder forgetful(SecretCacheBuilder options) {
    return options.rememberFailureFor(Duration.ZERO, Duration.ZERO);
  }

  @ParameterizedTest
  @EnumSource
  void anHour_healthy_firstReadReturnsTheNewValue(Clocks clocks) {
    try (var f = checked()) {
      f.read();
      f.rotate(2, "two");

      clocks.pass(f, HOUR);

      assertThat(f.read()).isEqualTo("two");
      assertThat(f.read()).isEqualTo("two");
      assertThat(f.source.calls()).isEqualTo(2);
    }
  }

  /** Between refreshAfter and revalidateAfter. */
  @ParameterizedTest
  @EnumSource
  void tenMinutes_healthy_readsGoOnAndOneRefreshRuns(Clocks clocks) {
    try (var f = checked()) {
      f.read();
      f.rotate(2, "two");
      f.source.hold();

      clocks.pass(f, Duration.ofMinutes(10));

      for (int i = 0; i < 100; i++) {
        assertThat(f.read()).isEqualTo("one");
      }
      f.source.awaitHeld(1);
      f.source.release();
      Eventually.until(() -> f.read().equals("two"), () -> "not refreshed");
      assertThat(f.source.calls()).isEqualTo(2);
    }
  }

  @ParameterizedTest
  @EnumSource
  void anHour_everyWayToRead_returnsTheNewValue(Clocks clocks) {
    try (var f = checked()) {
      var pending = VersionSelector.PENDING;
      f.source.put(ID, 2, "two", "AWSPENDING");
      f.read();
      f.cache.get(ID, pending);
      f.source.put(ID, 3, "three", "AWSCURRENT");
      f.source.put(ID, 4, "four", "AWSPENDING");

      clocks.pass(f, HOUR);

      assertThat(f.cache.getAsync(ID).join().asString()).isEqualTo("three");
      assertThat(f.cache.get(ID, pending, LOAD).asString()).isEqualTo("four");
      clocks.pass(f, HOUR);
      f.source.put(ID, 5, "five", "AWSCURRENT");
      assertThat(f.cache.versions(ID).current().asString()).isEqualTo("five");
      clocks.pass(f, HOUR);
      f.source.put(ID, 6, "six", "AWSCURRENT");
      assertThat(f.cache.prefetch(ID).loaded()).contains(ID);
      assertThat(f.read()).isEqualTo("six");
    }
  }

  @ParameterizedTest
  @EnumSource
  void anHour_outage_servesTheOldValueAndTheNextReadersDoNotWait(Clocks clocks) {
    try (var f = checked()) {
      f.read();
      f.source.failing(Reason.UNAVAILABLE);

      clocks.pass(f, HOUR);

      assertThat(f.drive(f::read).value()).isEqualTo("one");
      assertThat(f.source.calls()).as("it was tried before").isEqualTo(1 + 3);
      f.source.hold();
      for (int i = 0; i < 100; i++) {
        assertThat(f.read()).isEqualTo("one");
      }
      assertThat(f.source.calls()).isEqualTo(1 + 3);
    }
  }

  @ParameterizedTest
  @EnumSource
  void anHour_sourceHangs_firstReadWaitsLoadTimeoutAndTheNextDoNot(Clocks clocks) {
    try (var f = checked()) {
      f.read();
      f.source.hold();

      clocks.pass(f, HOUR);

      var reader = Crew.of(1, f::read);
      f.source.awaitHeld(1);
      f.time.awaitWaiting(1);
      f.time.advance(LOAD.minusMillis(1));
      assertThat(reader.isDone()).isFalse();
      f.time.advance(Duration.ofMillis(1));
      assertThat(reader.value()).isEqualTo("one");
      for (int i = 0; i < 100; i++) {
        assertThat(f.read()).isEqualTo("one");
      }
      assertThat(f.source.calls()).isEqualTo(2);
      assertThat(f.cache.flights.running(new Key(ID, VersionSelector.CURRENT)))
          .as("the call hangs still")
          .isNotNull();
    }
  }

  @ParameterizedTest
  @EnumSource
  void beyondServeStaleFor_outage_isUnavailableAndNeverServed(Clocks clocks) {
    try (var f = checked()) {
      f.read();
      f.source.failing(Reason.UNAVAILABLE);

      clocks.pass(f, Duration.ofHours(24));

      SecretException failure = f.drive(f::read).failure();
      assertThat(failure.reason()).isEqualTo(Reason.UNAVAILABLE);
      assertThat(failure).hasMessageContaining("Nothing is cached");
      assertThat(f.cache.size()).isZero();
    }
  }

  @ParameterizedTest
  @EnumSource
  void beyondServeStaleFor_healthy_isLoaded(Clocks clocks) {
    try (var f = checked()) {
      f.read();
      f.rotate(2, "two");

      clocks.pass(f, Duration.ofDays(400));

      assertThat(f.read()).isEqualTo("two");
    }
  }

  @ParameterizedTest
  @EnumSource
  void beyondServeStaleFor_sourceHangs_isUnavailableAfterLoadTimeout(Clocks clocks) {
    try (var f = checked()) {
      f.read();
      f.source.hold();

      clocks.pass(f, Duration.ofHours(24));

      var reader = Crew.of(1, f::read);
      f.source.awaitHeld(1);
      f.time.awaitWaiting(1);
      f.time.advance(LOAD);
      assertThat(reader.failure().reason()).isEqualTo(Reason.UNAVAILABLE);
    }
  }

  @Test
  void wallBackAYear_isNoAgeAndDelaysNothing() {
    try (var f = checked()) {
      f.read();
      f.rotate(2, "two");
      f.time.setWall(Duration.ofDays(-365));

      assertThat(f.read()).isEqualTo("one");
      assertThat(f.source.calls()).isEqualTo(1);
      f.comeDue();
      assertThat(f.read()).isEqualTo("two");
      f.rotate(3, "three");
      f.time.jump(Duration.ofMinutes(15));
      assertThat(f.read()).isEqualTo("three");
    }
  }

  /** Fetched while the wall clock was an hour fast, then set right: an hour must not be lost. */
  @Test
  void wallWasFast_setRight_valueStillLapses() {
    try (var f = checked()) {
      f.time.setWall(HOUR);
      f.read();
      f.rotate(2, "two");
      f.time.setWall(HOUR.negated());

      f.time.jump(Duration.ofMinutes(15));

      assertThat(f.read()).isEqualTo("two");
    }
  }

  /** The socket of a call that was under way is dead: nothing will ever come of it. */
  @ParameterizedTest
  @EnumSource
  void anHour_refreshWasUnderWay_firstReadStartsANewOne(Clocks clocks) {
    try (var f = checked()) {
      var dead = new CompletableFuture<SecretValue>();
      f.read();
      f.read();
      f.source.script(request -> dead.join()); // Heeds no interrupt.
      f.rest();
      f.time.advance(f.time.untilNext().orElseThrow()); // It comes due.
      f.awaitCalls(2);
      f.source.healthy();
      f.rotate(2, "two");

      clocks.pass(f, HOUR);

      assertThat(f.read()).isEqualTo("two"); // Nobody moves the time on: it does not wait.
      assertThat(f.source.calls()).isEqualTo(3);
      dead.complete(f.source.value(ID, 1));
    }
  }

  @ParameterizedTest
  @EnumSource
  void anHour_loadWasUnderWay_itsWaiterAndTheNextReaderGetAnAnswer(Clocks clocks) {
    try (var f = checked()) {
      var dead = new CompletableFuture<SecretValue>();
      f.source.script(request -> dead.join());
      var waiter = Crew.of(1, f::read);
      f.awaitCalls(1);
      f.time.awaitWaiting(1);
      f.source.healthy();

      clocks.pass(f, HOUR);

      assertThat(f.read()).isEqualTo("one");
      assertThat(waiter.failure().reason()).as("given up").isEqualTo(Reason.UNAVAILABLE);
      assertThat(f.source.calls()).isEqualTo(2);
      dead.complete(f.source.value(ID, 1));
    }
  }

  /** All threads were calling for other secrets. */
  @ParameterizedTest
  @EnumSource
  void anHour_allThreadsWereCalling_firstReadDoesNotQueueBehindTheDead(Clocks clocks) {
    try (var f = checked()) {
      f.read();
      f.source.hold(); // Heeds interrupts, as a socket of the SDK does.
      List<String> ids = IntStream.range(0, 8).mapToObj(i -> "other" + i).toList();
      var waiters = new ArrayList<Crew<SecretValue>>();
      ids.forEach(id -> waiters.add(Crew.of(1, () -> f.cache.get(id))));
      f.source.awaitHeld(8);
      f.time.awaitWaiting(8);
      f.rotate(2, "two");
      clocks.pass(f, HOUR);

      var reader = Crew.of(1, f::read);

      f.source.awaitHeld(9);
      f.source.release();
      assertThat(reader.value()).isEqualTo("two");
      assertThat(waiters).allSatisfy(crew -> assertThat(crew.failure()).isNotNull());
    }
  }

  @ParameterizedTest
  @EnumSource
  void anHour_breakerWasOpen_firstReadMakesACall(Clocks clocks) {
    try (var f = checked(SecretCacheFrozenTest::forgetful)) {
      f.source.failing(Reason.UNAVAILABLE);
      for (int i = 0; i < 4; i++) {
        assertThat(f.drive(f::read).failure()).isNotNull();
      }
      assertThat(f.drive(f::read).failure()).hasMessageContaining("not called");
      f.source.healthy();

      clocks.pass(f, HOUR);

      assertThat(f.read()).isEqualTo("one");
    }
  }

  @ParameterizedTest
  @EnumSource
  void anHour_failureWasRemembered_firstReadMakesACall(Clocks clocks) {
    try (var f = checked()) {
      for (int i = 0; i < 3; i++) {
        assertThat(Crew.of(1, () -> f.cache.get("late")).failure()).isNotNull();
        f.time.advance(Duration.ofSeconds(30));
      }
      int calls = f.source.calls();
      assertThat(Crew.of(1, () -> f.cache.get("late")).failure()).isNotNull();
      assertThat(Crew.of(1, () -> f.cache.get("late")).failure()).hasMessageContaining("again");
      assertThat(f.source.calls()).isEqualTo(calls + 1);
      f.source.put("late", 1, "here", "AWSCURRENT");

      clocks.pass(f, HOUR);

      assertThat(f.cache.get("late").asString()).isEqualTo("here");
    }
  }

  @ParameterizedTest
  @EnumSource
  void anHour_forcedRefresh_isNotWithinMinimumInterval(Clocks clocks) {
    try (var f = checked(o -> o.minimumInterval(Duration.ofMinutes(1)))) {
      f.read();
      f.rotate(2, "two");

      clocks.pass(f, HOUR);

      assertThat(f.cache.refresh(ID).asString()).isEqualTo("two");
    }
  }

  private static long looksOf(CacheFixture f, Runnable read) {
    long before = f.time.looks();
    for (int i = 0; i < 100; i++) {
      read.run();
    }
    return f.time.looks() - before;
  }

  @Test
  void reads_processDoesNotFreeze_lookAtNoClock() {
    try (var f = new CacheFixture(o -> o.processMayFreeze(false))) {
      SecretHandle handle = f.cache.handle(ID);
      f.read();
      handle.get();
      f.cache.versions(ID);

      assertThat(looksOf(f, f::read)).isZero();
      assertThat(looksOf(f, handle::get)).isZero();
      assertThat(looksOf(f, () -> f.cache.get(ID, VersionSelector.CURRENT, LOAD))).isZero();
      assertThat(looksOf(f, () -> f.cache.getAsync(ID).join())).isZero();
      assertThat(looksOf(f, () -> f.cache.versions(ID))).isZero();
    }
  }

  @Test
  void reads_processMayFreeze_lookAtBothClocksOnce() {
    try (var f = checked()) {
      f.read();
      f.cache.versions(ID);

      assertThat(looksOf(f, f::read)).isEqualTo(200);
      assertThat(looksOf(f, () -> f.cache.getAsync(ID).join())).isEqualTo(200);
      assertThat(looksOf(f, () -> f.cache.versions(ID))).isEqualTo(200);
    }
  }

  /** What the check is for: without it the first reads after a freeze get what was. */
  @Test
  void anHour_processSaidNotToFreeze_readsGetWhatWas() {
    try (var f = new CacheFixture(o -> o.processMayFreeze(false))) {
      f.read();
      f.rotate(2, "two");

      f.time.setWall(HOUR);
      f.time.jump(HOUR);

      assertThat(f.read()).isEqualTo("one");
    }
  }
}
