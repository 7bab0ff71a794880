package io.github.evercred;

import static io.github.evercred.CacheFixture.ID;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.SecretException.Reason;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.logging.Level;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is served while refreshing fails, for how long, and what an outage costs. */
@Timeout(60)
class SecretCacheOutageTest {
  private static final Duration SECOND = Duration.ofSeconds(1);

  private static Duration since(CacheFixture f, long begin) {
    return Duration.ofNanos(f.time.nanos() - begin);
  }

  @Test
  void transientFailure_servesToServeStaleForThenUnavailable() {
    try (var f = new CacheFixture(o -> o.serveStaleFor(Duration.ofHours(1)))) {
      f.read();
      f.source.failing(Reason.UNAVAILABLE);

      f.passReading(Duration.ofSeconds(3_599), SECOND, () -> assertThat(f.read()).isEqualTo("one"));
      f.time.advance(SECOND);

      assertThat(f.cache.size()).isZero();
      SecretException failure = f.drive(f::read).failure();
      assertThat(failure.reason()).isEqualTo(Reason.UNAVAILABLE);
      assertThat(failure).hasMessageContaining("Nothing is cached");
    }
  }

  @Test
  void outage_over_isServedAgain() {
    try (var f = new CacheFixture(o -> o.serveStaleFor(Duration.ofMinutes(10)))) {
      f.read();
      f.source.failing(Reason.UNAVAILABLE);
      f.passReading(Duration.ofMinutes(9), SECOND, f::read);
      f.time.advance(Duration.ofMinutes(2));
      assertThat(f.drive(f::read).failure().reason()).isEqualTo(Reason.UNAVAILABLE);

      f.source.healthy();
      f.rotate(2, "two");
      f.time.advance(Duration.ofSeconds(31)); // Memory and breaker hold 30 s at most.

      assertThat(f.read()).isEqualTo("two");
    }
  }

  @Test
  void outage_longRefreshedAgain_startsTheBoundAnew() {
    try (var f = new CacheFixture(o -> o.serveStaleFor(Duration.ofMinutes(10)))) {
      f.read();
      for (int i = 0; i < 4; i++) {
        f.source.failing(Reason.UNAVAILABLE);
        f.passReading(Duration.ofMinutes(9), SECOND, f::read);
        f.source.healthy();
        int calls = f.source.calls();
        // The back-off is as long as refreshAfter by now, at most.
        for (int s = 0; s < 59 && f.source.calls() == calls; s++) {
          f.passReading(SECOND, SECOND, f::read);
        }
        f.cache.refresh(ID);
      }
      assertThat(f.read()).isEqualTo("one");
    }
  }

  @Test
  void denied_servesToServeStaleWhenDeniedForFromTheFirstDenial() {
    try (var f = new CacheFixture(o -> o.serveStaleWhenDeniedFor(Duration.ofMinutes(10)))) {
      f.read();
      f.read();
      f.source.failing(Reason.ACCESS_DENIED);
      f.comeDue();
      assertThat(f.source.calls()).isEqualTo(2);

      f.passReading(Duration.ofSeconds(598), SECOND, () -> assertThat(f.read()).isEqualTo("one"));
      assertThat(f.source.calls()).as("denied again and again").isGreaterThan(5);
      f.time.advance(Duration.ofSeconds(2));
      f.rest();

      assertThat(f.reasonOfRead()).isEqualTo(Reason.ACCESS_DENIED);
    }
  }

  @Test
  void denied_afterAThreeHourOutage_isServedAnotherHour() {
    try (var f = new CacheFixture()) {
      f.read();
      f.source.failing(Reason.UNAVAILABLE);
      f.passReading(Duration.ofHours(3), Duration.ofSeconds(4), f::read);
      f.source.failing(Reason.ACCESS_DENIED);
      int calls = f.source.calls();
      while (f.source.calls() == calls) {
        f.passReading(SECOND, SECOND, f::read);
      }
      long first = f.time.nanos();

      f.passReading(Duration.ofSeconds(3_598), SECOND, () -> assertThat(f.read()).isEqualTo("one"));
      assertThat(since(f, first)).isLessThan(Duration.ofHours(1));
      f.time.advance(Duration.ofSeconds(2));
      f.rest();

      assertThat(f.reasonOfRead()).isEqualTo(Reason.ACCESS_DENIED);
    }
  }

  @Test
  void denied_thenAllowed_forgetsTheDenial() {
    try (var f = new CacheFixture(o -> o.serveStaleWhenDeniedFor(Duration.ofMinutes(10)))) {
      f.read();
      f.read();
      f.source.failing(Reason.ACCESS_DENIED);
      f.comeDue();
      f.passReading(Duration.ofMinutes(4), SECOND, f::read);
      f.source.healthy();
      f.time.advance(
          SECOND); // A refresh may just have been tried, and no other begins within a second.
      f.rest();
      f.cache.refresh(ID);
      f.source.failing(Reason.UNAVAILABLE);

      f.passReading(Duration.ofHours(1), SECOND, () -> assertThat(f.read()).isEqualTo("one"));
    }
  }

  @Test
  void serveStaleFor0_refreshFails_isDroppedAtRefreshAfter() {
    try (var f = new CacheFixture(o -> o.serveStaleFor(Duration.ZERO))) {
      f.read();
      f.read();
      f.source.failing(Reason.UNAVAILABLE);

      f.time.advance(Duration.ofSeconds(299));
      f.rest();
      assertThat(f.read()).isEqualTo("one");
      f.time.advance(SECOND);

      assertThat(f.drive(f::read).failure().reason()).isEqualTo(Reason.UNAVAILABLE);
    }
  }

  @Test
  void serveStaleFor0_healthy_servesOn() {
    try (var f = new CacheFixture(o -> o.serveStaleFor(Duration.ZERO))) {
      f.read();

      f.passReading(Duration.ofHours(1), SECOND, () -> assertThat(f.read()).isEqualTo("one"));
    }
  }

  @Test
  void expired_refreshingFailed_isWarnedOfOnce() {
    try (var log = new CapturedLog();
        var f = new CacheFixture(o -> o.serveStaleFor(Duration.ofMinutes(10)))) {
      f.read();
      f.source.failing(Reason.UNAVAILABLE);
      f.passReading(Duration.ofMinutes(9), SECOND, f::read);
      f.time.advance(Duration.ofMinutes(1));

      assertThat(log.ours(Level.WARNING))
          .singleElement()
          .asString()
          .contains("'" + ID + "'")
          .contains("dropped");
    }
  }

  @Test
  void expired_nobodyAskedForIt_isNoWarning() {
    try (var log = new CapturedLog();
        var f = new CacheFixture()) {
      f.read();
      f.time.advance(Duration.ofDays(2));

      assertThat(f.cache.size()).isZero();
      assertThat(log.ours(Level.INFO)).isEmpty();
    }
  }

  @Test
  void unlimited_yearsOfOutage_servesOn() {
    Duration unlimited = Duration.ofSeconds(Long.MAX_VALUE);
    try (var f =
        new CacheFixture(o -> o.serveStaleFor(unlimited).serveStaleWhenDeniedFor(unlimited))) {
      f.read();
      f.source.failing(Reason.ACCESS_DENIED);
      for (int year = 0; year < 50; year++) {
        f.time.advance(Duration.ofDays(365));
        f.rest();
        assertThat(f.read()).isEqualTo("one");
        f.rest();
      }
    }
  }

  @Test
  void missingSecret_thousandReaders_makeOneCall() {
    try (var f = new CacheFixture()) {
      f.source.hold();
      var crew = Crew.of(50, () -> f.cache.get("absent"));
      f.time.awaitWaiting(50);
      f.source.release();
      List<SecretException> failures = new ArrayList<>(crew.failures());
      for (int i = 0; i < 950; i++) {
        failures.add(Crew.of(1, () -> f.cache.get("absent")).failure());
      }

      assertThat(failures).doesNotHaveDuplicates(); // Each throws an instance of its own.
      assertThat(failures).allMatch(e -> e.reason() == Reason.NOT_FOUND);
      assertThat(f.source.calls()).isEqualTo(1);
    }
  }

  @Test
  void missingSecret_askedOn_isAskedForAfter1sDoublingTo30s() {
    try (var f = new CacheFixture()) {
      List<Long> calls = new ArrayList<>();
      long begin = f.time.nanos();
      for (int i = 0; i < 1_500; i++) {
        int before = f.source.calls();
        assertThat(Crew.of(1, () -> f.cache.get("absent")).failure().reason())
            .isEqualTo(Reason.NOT_FOUND);
        if (f.source.calls() > before) {
          calls.add(since(f, begin).toMillis());
        }
        f.time.advance(Duration.ofMillis(100));
      }

      assertThat(calls)
          .containsExactly(
              0L, 1_000L, 3_000L, 7_000L, 15_000L, 31_000L, 61_000L, 91_000L, 121_000L);
    }
  }

  @Test
  void missingSecret_hasAppeared_beginsAt1sAgain() {
    try (var f = new CacheFixture(o -> o.serveStaleWhenDeniedFor(Duration.ZERO))) {
      for (int i = 0; i < 5; i++) {
        assertThat(Crew.of(1, () -> f.cache.get("late")).failure()).isNotNull();
        f.time.advance(Duration.ofSeconds(30));
      }
      f.source.put("late", 1, "here", "AWSCURRENT");
      assertThat(f.cache.get("late").asString()).isEqualTo("here");

      f.source.unlabel("late", "AWSCURRENT");
      f.time.advance(Duration.ofHours(25));
      f.rest();
      assertThat(Crew.of(1, () -> f.cache.get("late")).failure()).isNotNull();
      f.source.forgetCalls();
      f.time.advance(Duration.ofMillis(999));
      assertThat(Crew.of(1, () -> f.cache.get("late")).failure()).isNotNull();
      assertThat(f.source.calls()).isZero();
      f.time.advance(Duration.ofMillis(1));
      assertThat(Crew.of(1, () -> f.cache.get("late")).failure()).isNotNull();
      assertThat(f.source.calls()).isEqualTo(1);
    }
  }

  @Test
  void missingSecret_rememberFailureFor0_isAskedForEachTime() {
    try (var f =
        new CacheFixture(o -> o.rememberFailureFor(Duration.ZERO, Duration.ofSeconds(30)))) {
      for (int i = 0; i < 10; i++) {
        assertThat(Crew.of(1, () -> f.cache.get("absent")).failure()).isNotNull();
      }
      assertThat(f.source.calls()).isEqualTo(10);
    }
  }

  @Test
  void load_transientFailures_makesThreeAttemptsWithPauses() {
    try (var f = new CacheFixture()) {
      var calls = new ArrayList<Long>();
      f.source.script(
          request -> {
            calls.add(f.time.nanos());
            throw new SecretException(Reason.THROTTLED, "slow down", null);
          });

      SecretException failure = f.drive(f::read).failure();

      assertThat(failure.reason()).isEqualTo(Reason.THROTTLED);
      assertThat(failure).hasMessageContaining("3 attempts");
      assertThat(calls).hasSize(3);
      assertThat(calls.get(1) - calls.get(0)).isGreaterThanOrEqualTo(50_000_000L);
      assertThat(calls.get(2) - calls.get(1)).isGreaterThanOrEqualTo(100_000_000L);
    }
  }

  @Test
  void load_thirdAttemptSucceeds_returnsTheValue() {
    try (var f = new CacheFixture()) {
      f.source.script(
          request -> {
            if (f.source.calls() < 3) {
              throw new SecretException(Reason.UNAVAILABLE, "not yet", null);
            }
            return null;
          });

      assertThat(f.drive(f::read).value()).isEqualTo("one");
      assertThat(f.source.calls()).isEqualTo(3);
    }
  }

  @Test
  void load_definitiveFailure_makesOneAttempt() {
    try (var f = new CacheFixture()) {
      f.source.failing(Reason.KMS_DENIED);

      assertThat(f.reasonOfRead()).isEqualTo(Reason.KMS_DENIED);
      assertThat(f.source.calls()).isEqualTo(1);
    }
  }

  @Test
  void load_timePassedWhileItWaitedForAThread_makesNoCall() {
    try (var f = new CacheFixture()) {
      f.source.hold();
      var hanging = new ArrayList<Crew<SecretValue>>();
      for (int i = 0; i < 8; i++) {
        String id = "hangs" + i;
        hanging.add(Crew.of(1, () -> f.cache.get(id)));
      }
      f.source.awaitHeld(8);
      var queued = Crew.of(1, f::read);
      f.time.awaitWaiting(9);
      f.time.advance(Duration.ofSeconds(6));
      assertThat(queued.failure().reason()).isEqualTo(Reason.UNAVAILABLE);

      f.source.release();
      f.rest();

      assertThat(f.source.calls()).isEqualTo(8);
      assertThat(hanging).allSatisfy(c -> assertThat(c.failure()).isNotNull());
    }
  }

  @Test
  void flight_noAnswerFor2xLoadTimeout_isAbandonedAndANewOneStarts() {
    try (var f = new CacheFixture()) {
      f.source.hold();
      var first = Crew.of(1, f::read);
      f.source.awaitHeld(1);
      f.time.awaitWaiting(1);
      f.time.advance(Duration.ofSeconds(5));
      assertThat(first.failure()).hasMessageContaining("within PT5S (loadTimeout)");

      var joined = Crew.of(1, f::read);
      f.time.awaitWaiting(1);
      f.time.advance(Duration.ofMillis(4_999));
      assertThat(joined.isDone()).isFalse();
      f.time.advance(Duration.ofMillis(1));
      SecretException abandoned = joined.failure();
      assertThat(abandoned.reason()).isEqualTo(Reason.UNAVAILABLE);
      assertThat(abandoned).hasMessageContaining("twice loadTimeout");

      f.source.release();
      f.time.advance(SECOND); // The failure is remembered.
      assertThat(f.read()).isEqualTo("one");
      assertThat(f.source.calls()).isEqualTo(2);
    }
  }

  /** A source that heeds no interrupt, so that its answer can come after all. */
  private static final class Stubborn implements SecretSource {
    private final List<CompletableFuture<SecretValue>> answers = new ArrayList<>();

    @Override
    public SecretValue fetch(SecretRequest request) {
      var answer = new CompletableFuture<SecretValue>();
      synchronized (this) {
        answers.add(answer);
      }
      return answer.join(); // Not interruptible.
    }

    synchronized int calls() {
      return answers.size();
    }

    synchronized void answer(int call, int version) {
      answers
          .get(call)
          .complete(SecretValue.builder(ID, FakeSource.version(version)).text("v" + version));
    }
  }

  @Test
  void lateAnswer_nothingElseFetched_isPublished() {
    var time = new FakeTime();
    var source = new Stubborn();
    try (SecretCache cache = SecretCache.builder().source(source).build(time)) {
      var reader = Crew.of(1, () -> cache.get(ID));
      time.awaitWaiting(1);
      Eventually.until(() -> source.calls() == 1, () -> "no call");
      time.advance(Duration.ofSeconds(10));
      assertThat(reader.failure().reason()).isEqualTo(Reason.UNAVAILABLE);

      source.answer(0, 1);
      Eventually.until(() -> cache.size() == 1, () -> "not published");

      assertThat(cache.get(ID).asString()).isEqualTo("v1");
      assertThat(source.calls()).isEqualTo(1);
    }
  }

  @Test
  void lateAnswer_laterFlightHasAnswered_isNotPublished() {
    var time = new FakeTime();
    var source = new Stubborn();
    try (SecretCache cache = SecretCache.builder().source(source).build(time)) {
      var first = Crew.of(1, () -> cache.get(ID));
      time.awaitWaiting(1);
      Eventually.until(() -> source.calls() == 1, () -> "no call");
      time.advance(Duration.ofSeconds(10));
      assertThat(first.failure().reason()).isEqualTo(Reason.UNAVAILABLE);
      time.advance(SECOND);
      var second = Crew.of(1, () -> cache.get(ID));
      Eventually.until(() -> source.calls() == 2, () -> "no second call");
      source.answer(1, 2);
      assertThat(second.value().asString()).isEqualTo("v2");

      source.answer(0, 1);
      // The late one has been dealt with once its thread takes another task; eight take eight.
      var ended = new ArrayList<Crew<SecretValue>>();
      for (int i = 0; i < 8; i++) {
        String id = "other" + i;
        ended.add(Crew.of(1, () -> cache.get(id)));
      }
      Eventually.until(() -> source.calls() == 10, () -> source.calls() + " calls");

      assertThat(cache.get(ID).asString()).isEqualTo("v2");
      for (int i = 2; i < 10; i++) {
        source.answer(i, 1);
      }
      assertThat(ended).allSatisfy(crew -> assertThat(crew.value()).isNotNull());
    }
  }

  /** A background refresh makes one attempt, so that no retries blur what is counted. */
  private static int callsOfARefresh(CacheFixture f) {
    int before = f.source.calls();
    f.cache.refreshInBackground("bad");
    f.rest();
    return f.source.calls() - before;
  }

  @Test
  void breaker_fiveOfTenCallsFailed_opensAndLetsOneThroughAfter2sDoubling() {
    try (var f =
        new CacheFixture(
            o ->
                o.rememberFailureFor(Duration.ZERO, Duration.ZERO)
                    .minimumInterval(Duration.ZERO)
                    .refreshAfter(Duration.ofHours(1)))) {
      for (int i = 0; i < 5; i++) {
        f.source.put("good", 1, "value", "label" + i);
        f.cache.get("good", VersionSelector.label("label" + i));
      }
      f.source.failing(Reason.UNAVAILABLE);
      for (int i = 0; i < 5; i++) {
        assertThat(callsOfARefresh(f)).as("the fifth failure of ten calls opens it").isEqualTo(1);
      }
      long opened = f.time.nanos();

      SecretException refused = Crew.of(1, () -> f.cache.get("bad")).failure();
      assertThat(refused.reason()).isEqualTo(Reason.UNAVAILABLE);
      assertThat(refused).hasMessageContaining("not called").hasMessageContaining("0 attempts");

      var let = new ArrayList<Long>();
      while (since(f, opened).compareTo(Duration.ofSeconds(125)) < 0) {
        if (callsOfARefresh(f) > 0) {
          let.add(since(f, opened).toSeconds());
        }
        f.time.advance(Duration.ofMillis(50));
      }
      assertThat(let).containsExactly(2L, 6L, 14L, 30L, 60L, 90L, 120L);
    }
  }

  @Test
  void breaker_halfOpenCallSucceeds_closes() {
    try (var f = new CacheFixture(o -> o.rememberFailureFor(Duration.ZERO, Duration.ZERO))) {
      f.source.failing(Reason.UNAVAILABLE);
      for (int i = 0; i < 4; i++) {
        assertThat(f.drive(f::read).failure()).isNotNull();
      }
      assertThat(f.source.calls()).isEqualTo(10);

      f.source.healthy();
      f.time.advance(Duration.ofSeconds(2));
      assertThat(f.read()).isEqualTo("one");
      f.source.put("other", 1, "value", "AWSCURRENT");
      assertThat(f.cache.get("other").asString()).isEqualTo("value");
    }
  }

  @Test
  void breaker_halfOpenCallHangs_isNotWedged() {
    try (var f = new CacheFixture(o -> o.rememberFailureFor(Duration.ZERO, Duration.ZERO))) {
      f.source.failing(Reason.UNAVAILABLE);
      for (int i = 0; i < 4; i++) {
        assertThat(f.drive(f::read).failure()).isNotNull();
      }
      f.time.advance(Duration.ofSeconds(2));
      var never = new CompletableFuture<SecretValue>();
      f.source.script(request -> never.join()); // Heeds no interrupt.
      int calls = f.source.calls();
      var hanging = Crew.of(1, f::read);
      f.awaitCalls(calls + 1);
      f.time.awaitWaiting(1);
      f.time.advance(Duration.ofSeconds(10)); // Given up: a failure, so open again, for 4 s.
      assertThat(hanging.failure()).isNotNull();

      f.source.healthy();
      f.time.advance(Duration.ofMillis(4_001));

      assertThat(f.read()).isEqualTo("one");
      never.complete(f.source.value(ID, 1));
    }
  }

  @Test
  void breaker_definitiveFailures_doNotOpenIt() {
    try (var f = new CacheFixture()) {
      for (int i = 0; i < 100; i++) {
        String id = "absent" + i;
        assertThat(Crew.of(1, () -> f.cache.get(id)).failure().reason())
            .isEqualTo(Reason.NOT_FOUND);
      }

      assertThat(f.read()).isEqualTo("one");
    }
  }

  @Test
  void outage_anHourLong_costsFewCalls() {
    try (var f = new CacheFixture()) {
      f.read();
      f.source.failing(Reason.UNAVAILABLE);

      f.passReading(Duration.ofHours(1), SECOND, () -> assertThat(f.read()).isEqualTo("one"));

      assertThat(f.source.calls()).as("12 in health").isLessThan(30);
    }
  }
}
