package io.github.evercred;

import static io.github.evercred.CacheFixture.ID;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.Entry.Snapshot;
import io.github.evercred.Entry.State;
import io.github.evercred.SecretException.Reason;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Unlucky orders of events, in which a value could be served that must not be. */
@Timeout(60)
class SecretCacheHostileTest {
  private static final Key KEY = new Key(ID, VersionSelector.CURRENT);
  private static final String ANOTHER = FakeSource.version(9);

  private static CacheFixture freezing() {
    return new CacheFixture(options -> options.processMayFreeze(true));
  }

  private static Snapshot snapshot(CacheFixture f, String id) {
    Entry entry = f.cache.entry(new Key(id, VersionSelector.CURRENT));
    assertThat(entry).as("what is cached of %s", id).isNotNull();
    if (entry == null) {
      throw new AssertionError();
    }
    return entry.snapshot();
  }

  /** Calls from now on hang until this is completed, whoever interrupts them. */
  private static CompletableFuture<SecretValue> hang(CacheFixture f) {
    var answer = new CompletableFuture<SecretValue>();
    f.source.script(request -> answer.join());
    return answer;
  }

  /** Gives the answer that is late, and waits until the cache has done with it. */
  private static void answer(
      CacheFixture f, CompletableFuture<SecretValue> late, SecretValue value) {
    assertThat(f.time.busy()).as("calls that hang").isPositive();
    late.complete(value);
    Eventually.until(() -> f.time.busy() == 0, () -> f.time.busy() + " at work");
  }

  private static String[] ids(CacheFixture f, int count) {
    return IntStream.range(0, count)
        .mapToObj(
            i -> {
              f.source.put("secret" + i, 1, "value", "AWSCURRENT");
              return "secret" + i;
            })
        .toArray(String[]::new);
  }

  @Test
  void answer_readAfterAFreeze_isNotFresh() {
    try (var f = freezing()) {
      f.read();
      SecretValue old = f.source.value(ID, 1);
      f.time.jump(Duration.ofMinutes(6));
      CompletableFuture<SecretValue> late = hang(f);
      assertThat(f.read()).as("due, and a refresh starts").isEqualTo("one");
      f.awaitCalls(2);
      f.rotate(2, "two");
      f.source.healthy();

      f.time.setWall(Duration.ofHours(3));
      answer(f, late, old);

      assertThat(f.cache.statistics().refreshed()).as("it is published").isEqualTo(1);
      assertThat(f.read()).isEqualTo("two");
    }
  }

  @Test
  void lateAnswer_afterADenial_isNotCached() {
    try (var f = new CacheFixture()) {
      CompletableFuture<SecretValue> late = hang(f);
      CompletableFuture<SecretValue> first = f.cache.getAsync(ID);
      f.awaitCalls(1);
      f.time.advance(Duration.ofSeconds(60));
      assertThat(first).failsWithin(Duration.ofSeconds(20));
      f.source.failing(Reason.NOT_FOUND);
      assertThat(f.reasonOfRead()).isEqualTo(Reason.NOT_FOUND);
      f.source.healthy();

      answer(f, late, f.source.value(ID, 1));

      assertThat(f.cache.size()).isZero();
      assertThat(f.reasonOfRead()).as("still remembered").isEqualTo(Reason.NOT_FOUND);
      assertThat(f.source.calls()).isEqualTo(2);
    }
  }

  @Test
  void lateAnswer_afterADenialOfARefresh_doesNotEndTheDenial() {
    try (var f = new CacheFixture()) {
      f.read();
      f.rest();
      CompletableFuture<SecretValue> late = hang(f);
      f.time.advance(Duration.ofSeconds(60));
      var second = Crew.of(1, () -> f.cache.refresh(ID));
      f.awaitCalls(2);
      f.time.awaitWaiting(1);
      f.time.advance(Duration.ofSeconds(60));
      assertThat(second.failure().reason()).isEqualTo(Reason.UNAVAILABLE);
      f.source.failing(Reason.ACCESS_DENIED);
      assertThat(Crew.of(1, () -> f.cache.refresh(ID)).failure().reason())
          .isEqualTo(Reason.ACCESS_DENIED);
      Moment since = snapshot(f, ID).deniedSince();
      assertThat(since).isNotNull();

      answer(f, late, f.source.value(ID, 1));

      assertThat(snapshot(f, ID).deniedSince()).isEqualTo(since);
    }
  }

  @Test
  void lateAnswerForTheArn_afterInvalidateByName_isNotCached() {
    try (var f = new CacheFixture()) {
      String arn = f.source.arn(ID);
      SecretValue old =
          f.source.answer(new SecretRequest(arn, VersionSelector.CURRENT, Duration.ofSeconds(1)));
      CompletableFuture<SecretValue> late = hang(f);
      CompletableFuture<SecretValue> first = f.cache.getAsync(arn);
      f.awaitCalls(1);
      f.time.advance(Duration.ofSeconds(60));
      assertThat(first).failsWithin(Duration.ofSeconds(20));
      f.source.healthy();
      f.read();
      f.rotate(2, "two");

      f.cache.invalidate(ID);
      answer(f, late, old);

      assertThat(f.cache.size()).isZero();
      assertThat(f.cache.get(arn).asString()).isEqualTo("two");
    }
  }

  @Test
  void refreshUnless_lapsed_fetches() {
    try (var f = new CacheFixture()) {
      f.read();
      f.time.advance(Duration.ofMinutes(5));
      f.rest();
      f.time.advance(Duration.ofHours(20));
      assertThat(snapshot(f, ID).state()).isEqualTo(State.LAPSED);
      f.rotate(2, "two");

      assertThat(f.cache.refreshUnless(ID, ANOTHER).asString()).isEqualTo("two");
    }
  }

  @Test
  void refreshUnless_expiredInAFreeze_fetches() {
    try (var f = freezing()) {
      f.read();
      f.rotate(2, "two");

      f.time.setWall(Duration.ofDays(2));

      assertThat(f.cache.refreshUnless(ID, ANOTHER).asString()).isEqualTo("two");
    }
  }

  @Test
  void refreshUnless_lapsedInAFreeze_fetches() {
    try (var f = freezing()) {
      f.read();
      f.rotate(2, "two");

      f.time.setWall(Duration.ofHours(1));

      assertThat(f.cache.refreshUnless(ID, ANOTHER).asString()).isEqualTo("two");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 48})
  void handle_afterAFreeze_fetches(int hours) {
    try (var f = freezing()) {
      SecretHandle handle = f.cache.handle(ID);
      handle.get();
      f.rotate(2, "two");

      f.time.setWall(Duration.ofHours(hours));

      assertThat(handle.get().asString()).isEqualTo("two");
    }
  }

  /** A reader looks, another brings a new value, and the reader goes on with what it saw. */
  @Test
  void expiry_ofWhatHasBeenReplaced_dropsNothing() {
    try (var f = new CacheFixture(o -> o.processMayFreeze(true).minimumInterval(Duration.ZERO))) {
      f.read();
      Entry entry = f.cache.entry(KEY);
      assertThat(entry).isNotNull();
      if (entry == null) {
        return;
      }
      Snapshot seen = entry.snapshot();
      f.time.setWall(Duration.ofHours(25));
      f.rotate(2, "two");
      f.cache.refresh(ID);

      assertThat(f.cache.entries.state(entry, seen)).isEqualTo(State.GONE);

      assertThat(f.cache.size()).isEqualTo(1);
      assertThat(snapshot(f, ID).value().asString()).isEqualTo("two");
    }
  }

  /** An identity policy may name one id of a secret and not the other. */
  @Test
  void adoption_nameIsDenied_arnIsTriedForItself() {
    try (var f = new CacheFixture()) {
      String arn = f.source.arn(ID);
      f.read();
      f.read();
      f.source.script(
          request -> {
            if (request.secretId().equals(ID)) {
              throw new SecretException(Reason.ACCESS_DENIED, "as the test says", null);
            }
            return null;
          });
      f.comeDue();
      f.rest();
      assertThat(snapshot(f, ID).deniedSince()).isNotNull();
      f.rotate(2, "two");
      int calls = f.source.calls();

      assertThat(f.cache.get(arn).asString()).isEqualTo("one");

      assertThat(snapshot(f, arn).deniedSince()).isNull();
      Eventually.until(() -> f.cache.get(arn).asString().equals("two"), () -> "not tried");
      assertThat(f.source.calls()).isEqualTo(calls + 1);
    }
  }

  @Test
  void hungSource_flightsGivenUp_leaveNothingInTheQueue() {
    try (var f = new CacheFixture()) {
      CompletableFuture<SecretValue> never = hang(f);
      for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 500; i++) {
          CompletableFuture<SecretValue> unused = f.cache.getAsync("secret" + i);
        }
        assertThat(f.time.queued()).isBetween(400, 500);

        f.time.advance(Duration.ofSeconds(45)); // Neither is any failure remembered then.

        assertThat(f.time.queued()).isZero();
      }
      never.completeExceptionally(new SecretException(Reason.UNAVAILABLE, "at last", null));
    }
  }

  @Test
  void minimumInterval_moreThanAThousandKeys_holdsForEach() {
    UnaryOperator<SecretCacheBuilder> large = options -> options.maximumSecrets(10_000);
    try (var f = new CacheFixture(large)) {
      f.source.script(
          request ->
              SecretValue.builder(request.secretId(), FakeSource.version(1))
                  .labels(List.of("AWSCURRENT"))
                  .text("value"));
      IntStream.range(0, 3_000).forEach(i -> f.cache.get("secret" + i));

      IntStream.range(0, 3_000).forEach(i -> f.cache.refresh("secret" + i)); // No time passes.

      assertThat(f.source.calls()).isEqualTo(3_000);
    }
  }

  @Test
  void prefetch_loadedWhileItWaited_isNotFetchedAgain() {
    try (var f = new CacheFixture()) {
      String[] ids = ids(f, 40);
      var first = new CompletableFuture<Boolean>();
      f.source.script(
          request -> {
            if (request.secretId().equals(ids[0])) {
              first.join();
            }
            return null;
          });
      CompletableFuture<PrefetchReport> all = f.cache.prefetchAsync(ids);
      f.awaitCalls(1);

      f.cache.get(ids[39]);
      first.complete(true);

      assertThat(all)
          .succeedsWithin(Duration.ofSeconds(20))
          .satisfies(report -> assertThat(report.loaded()).containsExactlyInAnyOrder(ids));
      assertThat(f.source.calls(ids[39])).isEqualTo(1);
    }
  }

  /** All threads of the common pool, each in a task that ends when this is closed. */
  private static final class CommonPoolBlocked implements AutoCloseable {
    private final CountDownLatch released = new CountDownLatch(1);
    private final AtomicInteger blocked = new AtomicInteger();

    CommonPoolBlocked() {
      int threads = ForkJoinPool.getCommonPoolParallelism();
      for (int i = 0; i < 2 * threads + 4; i++) { // More, should it have made up for waiting ones.
        ForkJoinPool.commonPool().execute(this::block);
      }
      try {
        Eventually.until(() -> blocked.get() >= threads, () -> blocked + " of " + threads);
      } catch (AssertionError e) {
        close();
        throw e;
      }
    }

    private void block() {
      blocked.incrementAndGet();
      try {
        assertThat(released.await(60, TimeUnit.SECONDS)).isTrue();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    @Override
    public void close() {
      released.countDown();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void prefetch_commonPoolBlocked_ends(int batchSize) {
    try (var f = new CacheFixture();
        var pool = new CommonPoolBlocked()) {
      f.source.batchSize(batchSize);
      String[] ids = ids(f, 40);

      Crew<PrefetchReport> prefetch = f.drive(() -> f.cache.prefetch(ids));

      assertThat(prefetch.value().loaded()).containsExactlyInAnyOrder(ids);
      assertThat(pool.released.getCount()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void prefetch_commonPoolBlockedAndClosed_endsWithClosed(int batchSize) {
    try (var f = new CacheFixture();
        var pool = new CommonPoolBlocked()) {
      f.source.batchSize(batchSize);
      String[] ids = ids(f, 40);
      f.source.hold();
      Crew<PrefetchReport> prefetch = Crew.of(1, () -> f.cache.prefetch(ids));
      f.source.awaitHeld(1);
      f.time.awaitWaiting(1);

      f.cache.close();

      Eventually.until(prefetch::isDone, () -> "still waiting");
      assertThat(prefetch.failure().reason()).isEqualTo(Reason.CLOSED);
      assertThat(pool.released.getCount()).isEqualTo(1);
    }
  }
}
