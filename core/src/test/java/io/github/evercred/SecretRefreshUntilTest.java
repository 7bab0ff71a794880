package io.github.evercred;

import static io.github.evercred.CacheFixture.ID;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.evercred.SecretException.Reason;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** An event has named the version that is to become current. */
@Timeout(60)
class SecretRefreshUntilTest {
  private static final String TWO = FakeSource.version(2);
  private static final Duration LONG = Duration.ofMinutes(1);

  private static CacheFixture fixture() {
    return new CacheFixture(o -> o.minimumInterval(Duration.ZERO));
  }

  private static CompletableFuture<SecretValue> until(CacheFixture f, Duration atMost) {
    return f.cache.refreshUntil(ID, TWO, atMost);
  }

  private static SecretValue end(CompletableFuture<SecretValue> future) {
    Eventually.until(future::isDone, () -> "no end");
    return future.join();
  }

  private static SecretException failure(CompletableFuture<?> future) {
    Eventually.until(future::isDone, () -> "no end");
    try {
      Object value = future.join();
      throw new AssertionError("not expected: " + value);
    } catch (CompletionException e) {
      return SecretCache.failure(e);
    }
  }

  /** Waits until so many calls have been made and the next look is all that is to come. */
  private static void awaitCalls(CacheFixture f, int calls) {
    f.awaitCalls(calls);
    awaitLooks(f, 1);
  }

  private static void awaitLooks(CacheFixture f, int callers) {
    Eventually.until(
        () -> f.cache.flying() == 0 && f.time.scheduled() == f.cache.size() + 2 * callers,
        () -> f.cache.flying() + " flights, " + f.time.scheduled() + " tasks");
  }

  @Test
  void version_alreadyCached_isReturnedWithoutACall() {
    try (var f = fixture()) {
      f.rotate(2, "two");
      f.read();

      assertThat(end(until(f, LONG)).asString()).isEqualTo("two");
      assertThat(f.source.calls()).isEqualTo(1);
      f.rest();
    }
  }

  @Test
  void version_seenAtOnce_costsOneCallAndIsCached() {
    try (var f = fixture()) {
      f.read();
      f.rotate(2, "two");

      assertThat(end(until(f, LONG)).asString()).isEqualTo("two");

      assertThat(f.read()).isEqualTo("two");
      assertThat(f.source.calls()).isEqualTo(2);
      f.rest(); // Neither a look nor a limit is left.
    }
  }

  @Test
  void version_seenLate_isLookedForAfterPausesThatDouble() {
    try (var f = fixture()) {
      f.read();
      CompletableFuture<SecretValue> end = until(f, LONG);
      awaitCalls(f, 2);
      var pauses = new ArrayList<Long>();
      for (int calls = 3; calls <= 9; calls++) {
        long before = f.time.nanos();
        while (f.source.calls() < calls) {
          f.time.advance(Duration.ofMillis(50));
          awaitLooks(f, 1);
        }
        pauses.add(Duration.ofNanos(f.time.nanos() - before).toMillis());
        awaitCalls(f, calls);
      }
      f.rotate(2, "two");
      assertThat(f.read()).as("readers do not wait").isEqualTo("one");
      assertThat(end).isNotDone();
      f.time.advance(Duration.ofSeconds(4));

      assertThat(end(end).asString()).isEqualTo("two");
      assertThat(f.read()).isEqualTo("two");
      assertThat(pauses).isEqualTo(List.of(250L, 500L, 1000L, 2000L, 4000L, 4000L, 4000L));
      f.rest();
    }
  }

  @Test
  void version_withinMinimumInterval_isLookedForAfterIt() {
    try (var f = new CacheFixture(o -> o.minimumInterval(Duration.ofSeconds(10)))) {
      f.read();
      f.rotate(2, "two");

      CompletableFuture<SecretValue> end = until(f, LONG);
      f.time.advance(Duration.ofMillis(9_999));
      assertThat(f.source.calls()).isEqualTo(1);
      assertThat(end).isNotDone();
      f.time.advance(Duration.ofMillis(1));

      assertThat(end(end).asString()).isEqualTo("two");
      assertThat(f.source.calls()).isEqualTo(2);
    }
  }

  @Test
  void version_neverSeen_endsInTimeWithTheOneFetchedLast() {
    try (var f = fixture()) {
      f.read();
      CompletableFuture<SecretValue> end = until(f, Duration.ofSeconds(1));
      awaitCalls(f, 2);
      f.rotate(3, "three");
      f.time.advance(Duration.ofMillis(250));
      awaitCalls(f, 3);
      assertThat(end).isNotDone();
      f.time.advance(Duration.ofMillis(750));

      assertThat(end(end).asString()).isEqualTo("three");
      int calls = f.source.calls();
      f.time.advance(Duration.ofSeconds(30));
      f.rest();
      assertThat(f.source.calls()).as("it has ended").isEqualTo(calls);
    }
  }

  @Test
  void event_outOfOrder_endsWithTheNewerVersion() {
    try (var f = fixture()) {
      f.rotate(2, "two");
      f.rotate(3, "three");
      f.read();

      CompletableFuture<SecretValue> end = until(f, Duration.ofSeconds(10));
      Eventually.until(
          () -> {
            f.time.advance(Duration.ofMillis(250));
            return end.isDone();
          },
          () -> "no end");

      assertThat(end.join().asString()).isEqualTo("three");
      assertThat(f.read()).isEqualTo("three");
      assertThat(f.source.calls()).isLessThanOrEqualTo(8);
    }
  }

  @Test
  void fetches_allFail_endInTimeWithTheirReasonAndWhatIsCachedStays() {
    try (var f = fixture()) {
      f.read();
      f.source.failing(Reason.ACCESS_DENIED);

      CompletableFuture<SecretValue> end = until(f, Duration.ofSeconds(1));
      awaitCalls(f, 2);
      f.time.advance(Duration.ofSeconds(1));

      assertThat(failure(end).reason()).isEqualTo(Reason.ACCESS_DENIED);
      assertThat(f.read()).isEqualTo("one");
    }
  }

  @Test
  void fetch_failsOnce_isLookedForAgain() {
    try (var f = fixture()) {
      f.read();
      f.rotate(2, "two");
      f.source.failing(Reason.ACCESS_DENIED);
      CompletableFuture<SecretValue> end = until(f, LONG);
      awaitCalls(f, 2);
      f.source.healthy();
      f.time.advance(Duration.ofMillis(250));

      assertThat(end(end).asString()).isEqualTo("two");
    }
  }

  @Test
  void source_hangs_endsInTime() {
    try (var f = fixture()) {
      f.read();
      f.source.hold();

      CompletableFuture<SecretValue> end = until(f, Duration.ofSeconds(1));
      f.source.awaitHeld(1);
      f.time.advance(Duration.ofSeconds(1));

      assertThat(failure(end).reason()).isEqualTo(Reason.TIMED_OUT);
      assertThat(f.read()).isEqualTo("one");
    }
  }

  @Test
  void close_meanwhile_endsItWithClosed() {
    try (var f = fixture()) {
      f.read();
      CompletableFuture<SecretValue> looked = until(f, LONG);
      awaitCalls(f, 2);
      f.source.hold();
      f.time.advance(Duration.ofMillis(250));
      f.source.awaitHeld(1);
      CompletableFuture<SecretValue> waiting = f.cache.refreshUntil(ID, "another version", LONG);

      f.cache.close();

      assertThat(failure(looked).reason()).isEqualTo(Reason.CLOSED);
      assertThat(failure(waiting).reason()).isEqualTo(Reason.CLOSED);
      assertThat(failure(until(f, LONG)).reason()).isEqualTo(Reason.CLOSED);
    }
  }

  @Test
  void manyCallers_ofOneEvent_shareTheLooks() {
    try (var f = new CacheFixture()) {
      f.read();
      f.time.advance(Duration.ofSeconds(1));
      var ends = new ArrayList<CompletableFuture<SecretValue>>();
      f.source.hold();
      for (int i = 0; i < 100; i++) {
        ends.add(until(f, LONG));
      }
      f.source.awaitHeld(1);
      assertThat(f.source.calls()).isEqualTo(2);
      f.source.release();
      awaitLooks(f, 100);
      while (f.source.calls() < 5) {
        f.time.advance(Duration.ofMillis(50));
        awaitLooks(f, 100);
      }
      f.rotate(2, "two");
      Eventually.until(
          () -> {
            if (f.cache.flying() == 0) {
              f.time.advance(Duration.ofMillis(50));
            }
            return ends.stream().allMatch(CompletableFuture::isDone);
          },
          () -> f.source.calls() + " calls, " + f.time.scheduled());

      assertThat(ends).allSatisfy(end -> assertThat(end.join().asString()).isEqualTo("two"));
      assertThat(f.source.calls()).isBetween(6, 7);
      f.rest();
    }
  }

  @Test
  void cancel_stopsTheLooksAndNobodyElses() {
    try (var f = fixture()) {
      f.read();
      CompletableFuture<SecretValue> cancelled = until(f, LONG);
      awaitCalls(f, 2);
      assertThat(cancelled.cancel(true)).isTrue();
      f.time.advance(Duration.ofSeconds(10));

      f.rest();
      assertThat(f.source.calls()).as("no look after it").isEqualTo(2);
      f.rotate(2, "two");
      assertThat(end(until(f, LONG)).asString()).isEqualTo("two");
    }
  }

  @Test
  void arguments_outOfRange_areErrors() {
    try (var f = fixture()) {
      assertThatThrownBy(() -> until(f, Duration.ZERO))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> until(f, Duration.ofSeconds(-1)))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> f.cache.refreshUntil(" ", TWO, LONG))
          .isInstanceOf(IllegalArgumentException.class);
      assertThat(end(f.cache.refreshUntil(ID, FakeSource.version(1), Duration.ofDays(1 << 20))))
          .isNotNull();
    }
  }

  @Test
  void dependentStages_thatBlock_holdUpNoFetch() {
    try (var f = fixture()) {
      f.read();
      f.rotate(2, "two");
      f.source.hold();
      var go = new CompletableFuture<String>();
      var stages = new ArrayList<CompletableFuture<String>>();
      for (int i = 0; i < 12; i++) {
        stages.add(until(f, LONG).thenApply(value -> go.join()));
      }
      f.source.release();
      f.source.put("other", 1, "x", "AWSCURRENT");
      f.awaitCalls(2);

      assertThat(f.cache.get("other").asString()).isEqualTo("x");
      go.complete("go");
      Eventually.until(
          () -> stages.stream().allMatch(CompletableFuture::isDone), () -> "stages not done");
    }
  }
}
