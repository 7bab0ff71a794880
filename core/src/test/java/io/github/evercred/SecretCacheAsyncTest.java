package io.github.evercred;

import static io.github.evercred.CacheFixture.ID;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.evercred.SecretException.Reason;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Reads that never block their caller. */
@Timeout(60)
class SecretCacheAsyncTest {

  private static SecretException failure(CompletableFuture<?> future) {
    Eventually.until(future::isDone, () -> "no end");
    try {
      Object value = future.get();
      throw new AssertionError("not expected: " + value);
    } catch (ExecutionException e) {
      assertThat(e.getCause()).isInstanceOf(SecretException.class);
      return SecretCache.failure(Objects.requireNonNull(e.getCause()));
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private static String end(CompletableFuture<SecretValue> future) {
    Eventually.until(future::isDone, () -> "no end");
    return future.join().asString();
  }

  @Test
  void hit_isDoneAlready() {
    try (var f = new CacheFixture()) {
      f.read();
      f.source.hold();

      CompletableFuture<SecretValue> hit = f.cache.getAsync(ID);

      assertThat(hit).isCompleted();
      assertThat(hit.join()).isSameAs(f.cache.get(ID));
      f.time.advance(Duration.ofMinutes(10));
      assertThat(f.cache.getAsync(ID)).as("due").isCompleted();
    }
  }

  @Test
  void miss_endsWithTheValueAndSharesTheFetch() {
    try (var f = new CacheFixture()) {
      f.source.hold();
      List<CompletableFuture<SecretValue>> futures =
          Stream.generate(() -> f.cache.getAsync(ID)).limit(20).toList();
      var reader = Crew.of(1, f::read);
      f.source.awaitHeld(1);
      f.time.awaitWaiting(1);
      assertThat(futures).noneMatch(CompletableFuture::isDone);
      f.source.release();

      assertThat(futures).allSatisfy(future -> assertThat(end(future)).isEqualTo("one"));
      assertThat(reader.value()).isEqualTo("one");
      assertThat(f.source.calls()).isEqualTo(1);
      f.rest(); // No limit of theirs is left.
    }
  }

  @Test
  void label_isRead() {
    try (var f = new CacheFixture()) {
      f.source.put(ID, 2, "two", "AWSPENDING");

      assertThat(end(f.cache.getAsync(ID, VersionSelector.PENDING))).isEqualTo("two");
    }
  }

  @Test
  void failure_isTheOneOfGetAndEachCallersOwn() {
    try (var f = new CacheFixture()) {
      f.source.failing(Reason.ACCESS_DENIED);
      f.source.hold();
      List<CompletableFuture<SecretValue>> futures =
          Stream.generate(() -> f.cache.getAsync(ID)).limit(10).toList();
      f.source.release();

      List<SecretException> failures = futures.stream().map(SecretCacheAsyncTest::failure).toList();

      assertThat(failures).doesNotHaveDuplicates();
      assertThat(failures)
          .allSatisfy(
              failure ->
                  assertThat(failure)
                      .hasMessageContaining(ID)
                      .extracting(SecretException::reason)
                      .isEqualTo(Reason.ACCESS_DENIED));
      SecretException again = failure(f.cache.getAsync(ID));
      assertThat(again).hasMessageContaining("without a call");
      assertThat(f.source.calls()).isEqualTo(1);
    }
  }

  @Test
  void source_hangs_failsAfterLoadTimeout() {
    try (var f = new CacheFixture()) {
      f.source.hold();
      CompletableFuture<SecretValue> future = f.cache.getAsync(ID);
      f.source.awaitHeld(1);
      f.time.advance(Duration.ofMillis(4_999));
      assertThat(future).isNotDone();
      f.time.advance(Duration.ofMillis(1));

      assertThat(failure(future).reason()).isEqualTo(Reason.UNAVAILABLE);
      assertThat(failure(future)).hasMessageContaining("loadTimeout");
    }
  }

  @Test
  void lapsed_isRefreshedFirst() {
    try (var f = new CacheFixture()) {
      f.read();
      f.rotate(2, "two");
      f.time.advance(Duration.ofMinutes(16));

      assertThat(end(f.cache.getAsync(ID))).isEqualTo("two");
    }
  }

  @Test
  void lapsed_denied_servesWhatIsCached() {
    try (var f = new CacheFixture()) {
      f.read();
      f.source.failing(Reason.ACCESS_DENIED);
      f.time.advance(Duration.ofMinutes(16));

      assertThat(end(f.cache.getAsync(ID))).isEqualTo("one");
    }
  }

  @Test
  void lapsed_sourceHangs_servesWhatIsCachedAfterLoadTimeoutAndThenAtOnce() {
    try (var f = new CacheFixture()) {
      f.read();
      f.time.advance(Duration.ofMinutes(16));
      f.source.hold();
      CompletableFuture<SecretValue> future = f.cache.getAsync(ID);
      f.source.awaitHeld(1);
      assertThat(future).isNotDone();
      f.time.advance(Duration.ofSeconds(5));

      assertThat(end(future)).isEqualTo("one");
      assertThat(f.cache.getAsync(ID)).isCompleted();
    }
  }

  @Test
  void dependentStages_thatBlock_holdUpNoFetch() {
    try (var f = new CacheFixture()) {
      f.source.hold();
      var go = new CompletableFuture<String>();
      var stages = new ArrayList<CompletableFuture<String>>();
      var threads = java.util.concurrent.ConcurrentHashMap.<String>newKeySet();
      for (int i = 0; i < 20; i++) { // More than there are threads of ours.
        f.source.put("secret" + i, 1, "x", "AWSCURRENT");
        stages.add(
            f.cache
                .getAsync("secret" + i)
                .thenApply(
                    value -> {
                      threads.add(Thread.currentThread().getName());
                      return go.join();
                    }));
      }
      f.source.release();

      Eventually.until(() -> f.cache.size() == 20, () -> f.cache.size() + " held");
      assertThat(f.read()).isEqualTo("one");
      go.complete("go");
      Eventually.until(() -> stages.stream().allMatch(CompletableFuture::isDone), () -> "stages");
      assertThat(threads).isNotEmpty().noneMatch(name -> name.startsWith("evercred-"));
    }
  }

  @Test
  void dependentStages_ofAFailureAndOfALimit_runOutsideOfOurThreads() {
    try (var f = new CacheFixture()) {
      var threads = java.util.concurrent.ConcurrentHashMap.<String>newKeySet();
      f.source.failing(Reason.ACCESS_DENIED);
      f.source.hold();
      CompletableFuture<?> failed =
          f.cache
              .getAsync(ID)
              .whenComplete((value, failure) -> threads.add(Thread.currentThread().getName()));
      f.source.awaitHeld(1);
      f.source.release();
      assertThat(failure(failed)).isNotNull();
      f.source.hold();
      CompletableFuture<?> late =
          f.cache
              .getAsync("other")
              .whenComplete((value, failure) -> threads.add(Thread.currentThread().getName()));
      f.source.awaitHeld(1);
      f.time.advance(Duration.ofSeconds(5)); // Timers run in this thread here.
      assertThat(failure(late)).isNotNull();

      assertThat(threads)
          .isNotEmpty()
          .noneMatch(name -> name.startsWith("evercred-"))
          .doesNotContain(Thread.currentThread().getName());
    }
  }

  @Test
  void cancel_leavesTheFetchToTheOthers() {
    try (var f = new CacheFixture()) {
      f.source.hold();
      CompletableFuture<SecretValue> cancelled = f.cache.getAsync(ID);
      CompletableFuture<SecretValue> other = f.cache.getAsync(ID);
      f.source.awaitHeld(1);

      assertThat(cancelled.cancel(true)).isTrue();
      assertThat(f.cache.getAsync(ID).complete(f.source.value(ID, 1))).isTrue();
      f.source.release();

      assertThat(end(other)).isEqualTo("one");
      assertThat(f.source.calls()).isEqualTo(1);
      assertThat(f.read()).isEqualTo("one");
    }
  }

  @Test
  void close_meanwhile_failsWithClosed() {
    try (var f = new CacheFixture()) {
      f.source.put("lapsed", 1, "old", "AWSCURRENT");
      f.cache.get("lapsed");
      f.time.advance(Duration.ofMinutes(16));
      f.source.hold();
      CompletableFuture<SecretValue> cold = f.cache.getAsync(ID);
      CompletableFuture<SecretValue> lapsed = f.cache.getAsync("lapsed");
      f.source.awaitHeld(2);

      f.cache.close();

      assertThat(failure(cold).reason()).isEqualTo(Reason.CLOSED);
      assertThat(failure(lapsed).reason()).isEqualTo(Reason.CLOSED);
      assertThat(failure(f.cache.getAsync(ID)).reason()).isEqualTo(Reason.CLOSED);
    }
  }

  @Test
  void wrongIds_areErrorsAtOnce() {
    try (var f = new CacheFixture()) {
      assertThatThrownBy(() -> f.cache.getAsync("")).isInstanceOf(IllegalArgumentException.class);
    }
  }
}
