package io.github.evercred;

import static io.github.evercred.CacheFixture.ID;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.SecretException.Reason;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Due, lapsed, and refreshed by force. */
@Timeout(60)
class SecretCacheRefreshTest {
  private static final Duration LAPSED = Duration.ofMinutes(16);
  private static final Duration LOAD = Duration.ofSeconds(5);

  @Test
  void due_readSinceTheLastFetch_refreshesOnceWhileReadersKeepTheOldValue() {
    try (var f = new CacheFixture()) {
      f.read();
      f.read();
      f.rotate(2, "two");
      f.source.hold();

      f.comeDue();
      f.source.awaitHeld(1);
      for (int i = 0; i < 1_000; i++) {
        assertThat(f.read()).isEqualTo("one");
      }
      f.source.release();
      f.rest();

      assertThat(f.read()).isEqualTo("two");
      assertThat(f.source.calls()).isEqualTo(2);
    }
  }

  @Test
  void due_notYet_makesNoCall() {
    try (var f = new CacheFixture()) {
      f.read();
      f.read();

      f.time.advance(Duration.ofSeconds(269)); // A tenth before refreshAfter, less a second.
      f.rest();

      assertThat(f.source.calls()).isEqualTo(1);
    }
  }

  @Test
  void due_unread_waitsForTheNextReadAndThenMakesOneCall() {
    try (var f = new CacheFixture()) {
      f.read();
      f.rotate(2, "two");

      f.time.advance(Duration.ofMinutes(14));
      f.rest();
      assertThat(f.source.calls()).as("nobody read it").isEqualTo(1);

      f.source.hold();
      for (int i = 0; i < 100; i++) {
        assertThat(f.read()).isEqualTo("one");
      }
      f.source.awaitHeld(1);
      f.source.release();
      f.rest();

      assertThat(f.read()).isEqualTo("two");
      assertThat(f.source.calls()).isEqualTo(2);
    }
  }

  @Test
  void due_readAllTheTime_costsOneCallAPeriod() {
    try (var f = new CacheFixture()) {
      f.read();

      f.passReading(Duration.ofHours(1), Duration.ofSeconds(1), f::read);

      assertThat(f.source.calls()).isBetween(1 + 12, 1 + 14);
    }
  }

  @Test
  void lapsed_read_waitsAndGetsTheNewValue() {
    try (var f = new CacheFixture()) {
      f.read();
      f.rotate(2, "two");
      f.time.advance(LAPSED);

      assertThat(f.read()).isEqualTo("two");
      assertThat(f.source.calls()).isEqualTo(2);
    }
  }

  @Test
  void lapsed_manyReaders_shareOneFetch() {
    try (var f = new CacheFixture()) {
      f.read();
      f.rotate(2, "two");
      f.time.advance(LAPSED);
      f.source.hold();

      var readers = Crew.of(50, f::read);
      f.time.awaitWaiting(50);
      f.source.release();

      assertThat(readers.values()).containsOnly("two");
      assertThat(f.source.calls()).isEqualTo(2);
    }
  }

  @Test
  void lapsed_denied_servesTheOldValueAndTheNextReadersDoNotWait() {
    try (var f = new CacheFixture()) {
      f.read();
      f.time.advance(LAPSED);
      f.source.failing(Reason.ACCESS_DENIED);

      assertThat(f.read()).isEqualTo("one");
      f.rest();
      f.source.hold();
      for (int i = 0; i < 100; i++) {
        assertThat(f.read()).isEqualTo("one");
      }

      assertThat(f.source.calls()).isEqualTo(2);
    }
  }

  @Test
  void lapsed_outage_servesTheOldValueAfterThreeAttempts() {
    try (var f = new CacheFixture()) {
      f.read();
      f.time.advance(LAPSED);
      f.source.failing(Reason.UNAVAILABLE);

      assertThat(f.drive(f::read).value()).isEqualTo("one");
      f.rest();
      assertThat(f.read()).isEqualTo("one");

      assertThat(f.source.calls()).isEqualTo(1 + 3);
    }
  }

  @Test
  void lapsed_sourceHangs_servesTheOldValueAfterLoadTimeoutAndTheNextReadersDoNotWait() {
    try (var f = new CacheFixture()) {
      f.read();
      f.time.advance(LAPSED);
      f.source.hold();

      var reader = Crew.of(1, f::read);
      f.source.awaitHeld(1);
      f.time.awaitWaiting(1);
      f.time.advance(LOAD.minusMillis(1));
      assertThat(reader.isDone()).isFalse();
      f.time.advance(Duration.ofMillis(1));

      assertThat(reader.value()).isEqualTo("one");
      for (int i = 0; i < 100; i++) {
        assertThat(f.read()).isEqualTo("one"); // Nobody moves the time on.
      }
      assertThat(f.source.calls()).isEqualTo(2);
    }
  }

  @Test
  void lapsed_callerInAHurry_getsTheOldValueInTimeAndLaterTheNewOne() {
    try (var f = new CacheFixture()) {
      f.read();
      f.rotate(2, "two");
      f.time.advance(LAPSED);
      f.source.hold();

      var reader =
          Crew.of(1, () -> f.cache.get(ID, VersionSelector.CURRENT, Duration.ofMillis(300)));
      f.time.awaitWaiting(1);
      f.time.advance(Duration.ofMillis(300));
      assertThat(reader.value().asString()).isEqualTo("one");
      f.source.release();
      f.rest();

      assertThat(f.read()).isEqualTo("two");
      assertThat(f.source.calls()).isEqualTo(2);
    }
  }

  @Test
  void failedRefresh_readAllTheTime_backsOffAndRecovers() {
    try (var f = new CacheFixture()) {
      f.read();
      f.read();
      f.rotate(2, "two");
      f.source.failing(Reason.ACCESS_DENIED); // No retries, no breaker: the back-off alone.

      f.comeDue();
      assertThat(f.source.calls()).isEqualTo(2);
      f.passReading(Duration.ofSeconds(64), Duration.ofMillis(250), f::read);
      assertThat(f.source.calls()).as("after 1, 2, 4, 8, 16, 32 s, less a quarter").isBetween(8, 9);

      f.source.healthy();
      f.passReading(Duration.ofSeconds(65), Duration.ofMillis(250), f::read);
      assertThat(f.read()).isEqualTo("two");
    }
  }

  @Test
  void backgroundRefresh_transientFailure_makesOneAttempt() {
    try (var f = new CacheFixture()) {
      f.read();
      f.read();
      f.source.failing(Reason.UNAVAILABLE);

      f.comeDue();

      assertThat(f.source.calls()).isEqualTo(2);
    }
  }

  @Test
  void refresh_cached_fetchesAndPublishes() {
    try (var f = new CacheFixture()) {
      f.read();
      f.time.advance(Duration.ofSeconds(2));
      f.rotate(2, "two");

      assertThat(f.cache.refresh(ID).asString()).isEqualTo("two");
      assertThat(f.read()).isEqualTo("two");
      assertThat(f.source.calls()).isEqualTo(2);
    }
  }

  @Test
  void refresh_nothingCached_loads() {
    try (var f = new CacheFixture()) {
      assertThat(f.cache.refresh(ID).asString()).isEqualTo("one");
      assertThat(f.source.calls()).isEqualTo(1);
    }
  }

  @Test
  void refresh_withinMinimumInterval_returnsWhatIsCachedAtOnce() {
    try (var f = new CacheFixture(o -> o.minimumInterval(Duration.ofSeconds(10)))) {
      f.read();
      f.rotate(2, "two");

      f.time.advance(Duration.ofMillis(9_999));
      assertThat(f.cache.refresh(ID).asString()).isEqualTo("one");
      assertThat(f.source.calls()).isEqualTo(1);

      f.time.advance(Duration.ofMillis(1));
      assertThat(f.cache.refresh(ID).asString()).isEqualTo("two");
      assertThat(f.source.calls()).isEqualTo(2);
    }
  }

  @Test
  void refresh_noMinimumInterval_fetchesEveryTime() {
    try (var f = new CacheFixture(o -> o.minimumInterval(Duration.ZERO))) {
      for (int i = 0; i < 10; i++) {
        f.cache.refresh(ID);
      }
      assertThat(f.source.calls()).isEqualTo(10);
    }
  }

  @Test
  void refresh_fails_throwsAndKeepsWhatIsCached() {
    try (var f = new CacheFixture()) {
      f.read();
      f.time.advance(Duration.ofSeconds(2));
      f.source.failing(Reason.ACCESS_DENIED);

      SecretException failure = Crew.of(1, () -> f.cache.refresh(ID)).failure();

      assertThat(failure.reason()).isEqualTo(Reason.ACCESS_DENIED);
      assertThat(failure).hasMessageContaining("Version " + FakeSource.version(1) + " is cached");
      assertThat(f.read()).isEqualTo("one");
    }
  }

  @Test
  void refreshUnless_otherVersionCached_returnsItWithoutACall() {
    try (var f = new CacheFixture()) {
      f.read();
      f.time.advance(Duration.ofMinutes(1));
      f.rotate(2, "two");

      assertThat(f.cache.refreshUnless(ID, FakeSource.version(9)).asString()).isEqualTo("one");
      assertThat(f.source.calls()).isEqualTo(1);
    }
  }

  @Test
  void refreshUnless_failedVersionCached_fetches() {
    try (var f = new CacheFixture()) {
      f.read();
      f.time.advance(Duration.ofMinutes(1));
      f.rotate(2, "two");

      assertThat(f.cache.refreshUnless(ID, FakeSource.version(1)).asString()).isEqualTo("two");
      assertThat(f.cache.refreshUnless(ID, FakeSource.version(1)).asString()).isEqualTo("two");
      assertThat(f.source.calls()).isEqualTo(2);
    }
  }

  @Test
  void refreshUnless_nothingNewer_returnsTheOneThatFailed() {
    try (var f = new CacheFixture()) {
      f.read();
      f.time.advance(Duration.ofMinutes(1));

      assertThat(f.cache.refreshUnless(ID, FakeSource.version(1)).versionId())
          .isEqualTo(FakeSource.version(1));
      assertThat(f.source.calls()).isEqualTo(2);
    }
  }

  @Test
  void refreshUnless_fiftyThreads_fetchOnce() {
    try (var f = new CacheFixture()) {
      f.read();
      f.time.advance(Duration.ofMinutes(1));
      f.rotate(2, "two");
      f.source.hold();

      var callers = Crew.of(50, () -> f.cache.refreshUnless(ID, FakeSource.version(1)));
      f.time.awaitWaiting(50);
      f.source.release();

      List<SecretValue> values = callers.values();
      assertThat(values).hasSize(50).allMatch(value -> value == values.get(0));
      assertThat(values.get(0).asString()).isEqualTo("two");
      assertThat(f.source.calls()).isEqualTo(2);
    }
  }

  /** Nothing is held here: callers come while the flight starts, flies and lands. */
  @Test
  void refreshUnless_fiftyThreadsAtAnyMoment_fetchOnce() {
    for (int round = 0; round < 200; round++) {
      try (var f = new CacheFixture(o -> o.minimumInterval(Duration.ZERO))) {
        f.read();
        f.rotate(2, "two");

        var callers = Crew.of(8, () -> f.cache.refreshUnless(ID, FakeSource.version(1)));

        assertThat(callers.values()).allMatch(value -> value.asString().equals("two"));
        assertThat(f.source.calls()).as("round %d", round).isEqualTo(2);
      }
    }
  }

  @Test
  void refresh_flightUnderWayWithinMinimumInterval_joinsIt() {
    try (var f = new CacheFixture()) {
      f.read();
      f.time.advance(Duration.ofMinutes(1));
      f.rotate(2, "two");
      f.source.hold();
      var first = Crew.of(1, () -> f.cache.refresh(ID));
      f.source.awaitHeld(1);

      var second = Crew.of(1, () -> f.cache.refresh(ID));
      f.time.awaitWaiting(2);
      f.source.release();

      assertThat(first.value()).isSameAs(second.value());
      assertThat(second.value().asString()).isEqualTo("two");
      assertThat(f.source.calls()).isEqualTo(2);
    }
  }
}
