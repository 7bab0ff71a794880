package io.github.evercred;

import static io.github.evercred.CacheFixture.ID;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.SecretException.Reason;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What closing ends, what it leaves alone, and that no thread remains. */
@Timeout(60)
class SecretCacheCloseTest {

  /** Hangs like a call that nobody answers, until it is interrupted; counts its closings. */
  private static final class HangingSource implements SecretSource {
    final AtomicInteger calls = new AtomicInteger();
    final AtomicInteger closed = new AtomicInteger();

    @Override
    public SecretValue fetch(SecretRequest request) {
      calls.incrementAndGet();
      try {
        synchronized (this) {
          while (true) {
            wait(30_000);
          }
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new SecretException(Reason.UNAVAILABLE, "interrupted", e);
      }
    }

    @Override
    public void close() {
      closed.incrementAndGet();
    }
  }

  private static Set<Thread> ours() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("evercred-"))
        .collect(Collectors.toSet());
  }

  private static void assertClosed(SecretException failure) {
    assertThat(failure.reason()).isEqualTo(Reason.CLOSED);
    assertThat(failure).hasMessageContaining("closed");
  }

  @Test
  void close_cached_forgetsAndLaterReadsAreClosed() {
    try (var f = new CacheFixture()) {
      VersionSelector version = VersionSelector.versionId(FakeSource.version(1));
      f.read();
      f.cache.get(ID, version);
      f.cache.close();

      assertThat(f.cache.size()).isZero();
      assertThat(f.time.scheduled()).isZero();
      assertClosed(Crew.of(1, f::read).failure());
      assertClosed(Crew.of(1, () -> f.cache.get(ID, version)).failure());
      assertClosed(Crew.of(1, () -> f.cache.get("never asked")).failure());
      assertClosed(Crew.of(1, () -> f.cache.refresh(ID)).failure());
      assertClosed(Crew.of(1, () -> f.cache.refreshUnless(ID, "x")).failure());
      assertClosed(Crew.of(1, () -> f.cache.refreshVersions(ID)).failure());
      assertThat(f.source.calls()).isEqualTo(2);
    }
  }

  @Test
  void close_failureRemembered_isClosedNotTheFailure() {
    try (var f = new CacheFixture()) {
      assertThat(Crew.of(1, () -> f.cache.get("absent")).failure().reason())
          .isEqualTo(Reason.NOT_FOUND);
      f.cache.close();

      assertClosed(Crew.of(1, () -> f.cache.get("absent")).failure());
    }
  }

  @Test
  void close_twice_doesNothingMore() {
    var source = new HangingSource();
    SecretCache cache = SecretCache.builder().source(source).build();

    cache.close();
    cache.close();

    assertThat(source.closed).hasValue(0);
  }

  @Test
  void close_readersWait_endsTheirWaitsAndInterruptsTheCalls() {
    var source = new HangingSource();
    SecretCache cache = SecretCache.builder().source(source).build();
    var cold = Crew.of(20, () -> cache.get(ID));
    var other = Crew.of(20, () -> cache.get("other"));
    Eventually.until(() -> source.calls.get() == 2, () -> source.calls + " calls");

    cache.close();

    assertThat(cold.failures()).hasSize(20).allSatisfy(SecretCacheCloseTest::assertClosed);
    assertThat(other.failures()).hasSize(20).allSatisfy(SecretCacheCloseTest::assertClosed);
    assertThat(source.closed).as("a source that was handed in").hasValue(0);
  }

  /** The probe's flight takes the place of the reader's, whose wait must end all the same. */
  @Test
  void close_flightOvertakenByAProbe_endsItsWaitsToo() {
    try (var f = new CacheFixture(o -> o.minimumInterval(Duration.ZERO))) {
      f.source.hold();
      var reader = Crew.of(1, f::read);
      f.source.awaitHeld(1);
      f.time.awaitWaiting(1);
      f.time.advance(Duration.ofMillis(10));
      long refused = f.time.nanos();
      var probe =
          Crew.of(
              1,
              () ->
                  f.cache.fetchAnew(ID, VersionSelector.CURRENT, refused, f.time.in(Time.FOREVER)));
      f.source.awaitHeld(2);
      f.time.awaitWaiting(2);

      f.cache.close();

      assertClosed(probe.failure());
      assertClosed(reader.failure());
    }
  }

  @Test
  void close_ownSource_isClosedOnce() {
    var source = new HangingSource();
    SecretCache cache =
        new SecretCache(
            new Settings(
                new Freshness(1L << 40, 1L << 41, 1L << 42, 1L << 42),
                1L << 32,
                1L << 31,
                0,
                0,
                0,
                10,
                false,
                false,
                0,
                Set.of(),
                null,
                List.of()),
            source,
            true,
            new FakeTime());

    cache.close();
    cache.close();

    assertThat(source.closed).hasValue(1);
  }

  @Test
  void threads_unusedCache_areNone() {
    Set<Thread> before = ours();
    try (SecretCache cache = SecretCache.create();
        SecretCache other = SecretCache.builder().source(new HangingSource()).build()) {
      assertThat(cache).isNotSameAs(other);
      assertThat(ours()).isSubsetOf(before);
    }
  }

  @Test
  void threads_usedAndClosed_areDaemonsNamedAndGone() {
    Set<Thread> before = ours();
    var source = new FakeSource();
    source.put(ID, 1, "one", "AWSCURRENT");
    SecretCache cache = SecretCache.builder().source(source).build();
    for (int i = 0; i < 30; i++) {
      source.put("secret" + i, 1, "value", "AWSCURRENT");
      cache.get("secret" + i);
    }
    cache.fetchAnew(ID, VersionSelector.CURRENT, System.nanoTime(), System.nanoTime() + (1L << 33));

    List<Thread> used = ours().stream().filter(thread -> !before.contains(thread)).toList();
    assertThat(used).hasSizeBetween(3, 8 + 4 + 1).allMatch(Thread::isDaemon);
    assertThat(used.stream().map(thread -> thread.getName().replaceAll("[0-9]+$", "")))
        .contains("evercred-fetch-", "evercred-probe-", "evercred-timer-");
    cache.close();

    Eventually.until(() -> used.stream().noneMatch(Thread::isAlive), () -> "alive of " + used);
  }

  @Test
  void close_callsThatHang_leavesNoThread() {
    Set<Thread> before = ours();
    SecretCache cache = SecretCache.builder().source(new HangingSource()).build();
    var readers = Crew.of(3, () -> cache.get(ID + Thread.currentThread().getName()));
    Eventually.until(() -> ours().size() >= before.size() + 3, () -> "threads " + ours());
    List<Thread> used = ours().stream().filter(thread -> !before.contains(thread)).toList();

    cache.close();

    assertThat(readers.failures()).allSatisfy(SecretCacheCloseTest::assertClosed);
    Eventually.until(() -> used.stream().noneMatch(Thread::isAlive), () -> "alive of " + used);
  }

  @Test
  void close_interrupted_staysInterrupted() {
    SecretCache cache = SecretCache.builder().source(new HangingSource()).build();
    var reader = Crew.of(1, () -> cache.get(ID));
    var closer =
        Crew.of(
            1,
            () -> {
              Thread.currentThread().interrupt();
              cache.close();
              return Thread.currentThread().isInterrupted();
            });

    assertThat(closer.value()).isTrue();
    assertClosed(reader.failure());
  }

  @Test
  void close_racesReadsAndRefreshes_throwsNothingButClosed() {
    Queue<Throwable> stray = new ConcurrentLinkedQueue<>();
    Thread.UncaughtExceptionHandler before = Thread.getDefaultUncaughtExceptionHandler();
    Thread.setDefaultUncaughtExceptionHandler((thread, e) -> stray.add(e));
    try {
      for (int round = 0; round < 100; round++) {
        var source = new FakeSource();
        for (int i = 0; i < 4; i++) {
          source.put("secret" + i, 1, "value", "AWSCURRENT");
        }
        if (round % 2 == 1) {
          source.failing(Reason.UNAVAILABLE); // Retries are under way when it closes.
        }
        SecretCache cache =
            SecretCache.builder().source(source).minimumInterval(Duration.ZERO).build();
        var closed = new AtomicBoolean();
        var next = new AtomicInteger();
        var crew =
            Crew.of(
                8,
                () -> {
                  int number = next.getAndIncrement();
                  while (true) {
                    boolean wasClosed = closed.get();
                    try {
                      String id = "secret" + number % 4;
                      SecretValue value = number < 4 ? cache.get(id) : cache.refresh(id);
                      assertThat(wasClosed).as("read after close: %s", value).isFalse();
                    } catch (SecretException e) {
                      if (e.reason() == Reason.CLOSED) {
                        return true;
                      }
                      assertThat(e.reason()).isEqualTo(Reason.UNAVAILABLE);
                      assertThat(wasClosed).isFalse();
                    }
                  }
                });
        Eventually.until(() -> source.calls() > 4, () -> "calls");
        cache.close();
        closed.set(true);
        assertThat(crew.values()).hasSize(8).containsOnly(true);
        assertThat(cache.size()).isZero();
      }
    } finally {
      Thread.setDefaultUncaughtExceptionHandler(before);
    }
    assertThat(stray).isEmpty();
  }

  @Test
  void close_sourceHandedIn_isStillUsable() {
    var source = new FakeSource();
    source.put(ID, 1, "one", "AWSCURRENT");
    SecretCache.builder().source(source).build().close();

    try (SecretCache cache = SecretCache.builder().source(source).build()) {
      assertThat(cache.get(ID).asString()).isEqualTo("one");
    }
  }
}
