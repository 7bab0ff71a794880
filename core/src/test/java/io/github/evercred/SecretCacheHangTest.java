package io.github.evercred;

import static io.github.evercred.CacheFixture.ID;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.SecretException.Reason;
import java.lang.management.ManagementFactory;
import java.lang.management.MonitorInfo;
import java.lang.management.ThreadInfo;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Locks and threads, for each way to make the cache call its source, while that hangs. */
@Timeout(110)
class SecretCacheHangTest {
  private static final String VERSION = FakeSource.version(9);

  /** Every way in that leads to a call. */
  enum WayIn {
    GET,
    GET_ASYNC,
    VERSIONS,
    REFRESH,
    REFRESH_UNTIL,
    PREFETCH,
    HANDLE,
    PROBE;

    private Object go(SecretCache cache) {
      return switch (this) {
        case GET -> cache.get(ID);
        case GET_ASYNC -> cache.getAsync(ID).join();
        case VERSIONS -> cache.versions(ID);
        case REFRESH -> cache.refresh(ID);
        case REFRESH_UNTIL -> cache.refreshUntil(ID, VERSION, Duration.ofSeconds(2)).join();
        case PREFETCH -> cache.prefetch(ID);
        case HANDLE -> cache.handle(ID).get();
        case PROBE ->
            cache.fetchAnew(
                ID,
                VersionSelector.CURRENT,
                cache.time().nanos(),
                cache.time().in(Duration.ofSeconds(20).toNanos()));
      };
    }
  }

  /** Hangs in a call of one secret, or of a batch, until it is interrupted or released. */
  private static class Hanging implements SecretSource {
    final CountDownLatch released = new CountDownLatch(1);
    final AtomicInteger hang = new AtomicInteger();
    final FakeSource answers = new FakeSource();

    Hanging() {
      answers.put(ID, 1, "one", "AWSCURRENT");
      answers.put("cached", 1, "cached", "AWSCURRENT");
    }

    void hang() {
      hang.incrementAndGet();
      try {
        assertThat(released.await(60, TimeUnit.SECONDS)).isTrue();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new SecretException(Reason.UNAVAILABLE, "interrupted", e);
      }
    }

    @Override
    public SecretValue fetch(SecretRequest request) {
      if (!request.secretId().equals("cached")) {
        hang();
      }
      return answers.fetch(request);
    }

    @Override
    public int batchSize() {
      return 20;
    }

    @Override
    public SecretBatch fetchBatch(List<String> secretIds, Duration timeout) {
      hang();
      return new SecretBatch(Map.of(ID, answers.value(ID, 1)), Map.of());
    }
  }

  private static SecretException failureOf(Throwable thrown) {
    return SecretCache.failure(thrown);
  }

  /** Goes a way in, in a thread of its own, to whatever end. */
  private static Thread go(WayIn way, SecretCache cache, Queue<Object> ends) {
    Thread thread =
        new Thread(
            () -> {
              try {
                ends.add(way.go(cache));
              } catch (SecretException | CompletionException e) {
                ends.add(failureOf(e).reason());
              }
            },
            "way-in");
    thread.setDaemon(true);
    thread.start();
    return thread;
  }

  /** Frames of one thread are ours if they are of the cache, and not of its tests. */
  private static boolean isOurs(StackTraceElement frame) {
    String name = frame.getClassName();
    return name.startsWith("io.github.evercred.")
        && !name.contains("Test")
        && !name.contains("Fake")
        && !name.contains("Crew");
  }

  /** What is held in a call to the source, and who is kept waiting by a lock in our code. */
  private static List<String> locksHeld() {
    var held = new ArrayList<String>();
    for (ThreadInfo thread :
        ManagementFactory.getThreadMXBean().dumpAllThreads(true, true, Integer.MAX_VALUE)) {
      List<StackTraceElement> stack = Arrays.asList(thread.getStackTrace());
      if (stack.stream().noneMatch(SecretCacheHangTest::isOurs)) {
        continue;
      }
      for (MonitorInfo monitor : thread.getLockedMonitors()) {
        held.add(thread.getThreadName() + " holds " + monitor);
      }
      Arrays.stream(thread.getLockedSynchronizers())
          // Which says no more than that a thread of a pool is at work.
          .filter(lock -> !lock.getClassName().endsWith("ThreadPoolExecutor$Worker"))
          .forEach(lock -> held.add(thread.getThreadName() + " holds " + lock));
      if (thread.getThreadState() == Thread.State.BLOCKED) {
        held.add(thread.getThreadName() + " is blocked by " + thread.getLockOwnerName());
      }
    }
    return held;
  }

  @ParameterizedTest
  @EnumSource
  void call_hangs_noLockIsHeldAndNobodyIsBlocked(WayIn way) throws InterruptedException {
    var source = new Hanging();
    var ends = new ConcurrentLinkedQueue<>();
    try (SecretCache cache = SecretCache.builder().source(source).build()) {
      cache.get("cached");
      var ways = new ArrayList<Thread>();
      for (int i = 0; i < 3; i++) {
        ways.add(go(way, cache, ends));
      }
      Eventually.until(() -> source.hang.get() > 0, () -> "no call");

      assertThat(locksHeld()).isEmpty();
      assertThat(Crew.of(8, () -> cache.get("cached").asString()).values()).containsOnly("cached");
      assertThat(locksHeld()).isEmpty();
      cache.invalidate(ID);
      assertThat(cache.statistics().calls()).isPositive();
      assertThat(cache.toString()).contains("1 held");
      assertThat(locksHeld()).isEmpty();

      source.released.countDown();
      for (Thread thread : ways) {
        thread.join(TimeUnit.SECONDS.toMillis(30));
        assertThat(thread.isAlive()).isFalse();
      }
      assertThat(ends).hasSize(3);
    }
  }

  /** That the search finds what it looks for. */
  @Test
  void call_insideAMonitor_isFound() {
    Object monitor = new Object();
    var source =
        new Hanging() {
          @Override
          void hang() {
            synchronized (monitor) {
              super.hang();
            }
          }
        };
    try (SecretCache cache = SecretCache.builder().source(source).build()) {
      go(WayIn.GET, cache, new ConcurrentLinkedQueue<>());
      Eventually.until(() -> source.hang.get() > 0, () -> "no call");

      assertThat(locksHeld()).anyMatch(what -> what.contains(" holds java.lang.Object"));

      Crew.of(1, () -> cache.get("another"));
      Eventually.until(
          () -> locksHeld().stream().anyMatch(what -> what.contains("is blocked by")),
          () -> "not found: " + locksHeld());
      source.released.countDown();
    }
  }

  @ParameterizedTest
  @EnumSource
  void close_callHangs_endsTheWaitAndLeavesNoThread(WayIn way) throws InterruptedException {
    Set<Thread> before = CacheThreads.now("evercred-");
    var source = new Hanging();
    var ends = new ConcurrentLinkedQueue<>();
    var told = new CountDownLatch(1);
    var never = new CountDownLatch(1);
    SecretCacheListener listener =
        new SecretCacheListener() {
          @Override
          public void loaded(String secretId, VersionSelector version, String versionId) {
            told.countDown();
            try {
              assertThat(never.await(60, TimeUnit.SECONDS)).isTrue();
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
          }
        };
    SecretCache cache = SecretCache.builder().source(source).listener(listener).build();
    cache.get("cached");
    assertThat(told.await(30, TimeUnit.SECONDS)).as("the listener hangs").isTrue();
    Thread thread = go(way, cache, ends);
    Eventually.until(() -> source.hang.get() > 0, () -> "no call");
    var used = new ArrayList<>(CacheThreads.now("evercred-"));
    used.removeAll(before);
    assertThat(used.stream().map(t -> t.getName().replaceAll("[0-9]+$", "")))
        .contains("evercred-listener-", "evercred-timer-");

    cache.close();

    thread.join(TimeUnit.SECONDS.toMillis(30));
    assertThat(ends).hasSize(1);
    assertThat(ends).containsExactly(Reason.CLOSED);
    Eventually.atMost(
        Duration.ofSeconds(8), // An idle thread ends after ten anyway.
        () -> used.stream().noneMatch(Thread::isAlive),
        () -> "alive of " + used);
  }

  /** Everything at once, on a cache that holds two of the four secrets that are read. */
  @Test
  void everything_atOnce_throwsNothingStrayAndNothingIsServedAfterClose() {
    Queue<Throwable> stray = new ConcurrentLinkedQueue<>();
    Thread.UncaughtExceptionHandler before = Thread.getDefaultUncaughtExceptionHandler();
    Thread.setDefaultUncaughtExceptionHandler((thread, e) -> stray.add(e));
    try {
      int rounds = 2_000;
      var caches = new SecretCache[rounds];
      var closed = new AtomicBoolean[rounds];
      for (int round = 0; round < rounds; round++) {
        closed[round] = new AtomicBoolean();
      }
      var source = new FakeSource();
      for (int i = 0; i < 4; i++) {
        source.put("secret" + i, 1, "value", "AWSCURRENT");
      }
      var next = new AtomicInteger();
      var barrier =
          new CyclicBarrier(
              5,
              () -> {
                int round = next.getAndIncrement();
                source.forgetCalls();
                if (round % 4 == 3) {
                  source.failing(Reason.UNAVAILABLE);
                } else {
                  source.healthy();
                }
                if (round < rounds) {
                  caches[round] =
                      SecretCache.builder()
                          .source(source)
                          .maximumSecrets(2)
                          .minimumInterval(Duration.ZERO)
                          .listener(new SecretCacheListener() {})
                          .build();
                }
              });
      var workers = new AtomicInteger();
      var crew =
          Crew.of(
              5,
              () -> {
                int worker = workers.getAndIncrement();
                for (int round = 0; round < rounds; round++) {
                  barrier.await(60, TimeUnit.SECONDS);
                  work(worker, round, caches[round], closed[round]);
                }
                return true;
              });

      Eventually.atMost(Duration.ofSeconds(100), crew::isDone, () -> "in round " + next);
      assertThat(crew.values()).containsOnly(true);
    } finally {
      Thread.setDefaultUncaughtExceptionHandler(before);
    }
    assertThat(stray).isEmpty();
  }

  private static void work(int worker, int round, SecretCache cache, AtomicBoolean closed) {
    for (int i = 0; ; i++) {
      String id = "secret" + (i + worker) % 4;
      boolean wasClosed = closed.get();
      try {
        switch (worker) {
          case 0 -> {
            if (i >= round % 20) {
              cache.close();
              closed.set(true);
              assertThat(cache.size()).isZero();
              return;
            }
            cache.invalidate(id);
          }
          case 1 -> {
            cache.refresh(id);
            assertThat(wasClosed).as("refreshed after close").isFalse();
          }
          case 2 -> {
            PrefetchReport report = cache.prefetch("secret0", id);
            assertThat(wasClosed && !report.loaded().isEmpty()).as("after close").isFalse();
            if (report.failed().values().stream().anyMatch(e -> e.reason() == Reason.CLOSED)) {
              return;
            }
          }
          case 3 -> {
            cache.getAsync(id).join();
            assertThat(wasClosed).as("read after close").isFalse();
          }
          default -> {
            cache.get(id);
            assertThat(wasClosed).as("read after close").isFalse();
          }
        }
      } catch (SecretException | CompletionException e) {
        Reason reason = failureOf(e).reason();
        if (reason == Reason.CLOSED) {
          return;
        }
        assertThat(reason).isEqualTo(Reason.UNAVAILABLE);
        assertThat(wasClosed).as("%s after close", reason).isFalse();
      }
    }
  }

  /** Virtual threads where this JVM has them, and platform threads anyway. */
  static Stream<Arguments> kinds() throws ReflectiveOperationException {
    ThreadFactory platform = task -> Time.daemon(task, "reader");
    Stream<Arguments> kinds = Stream.of(Arguments.of("platform threads", platform, 1_000));
    if (Runtime.version().feature() < 21) {
      return kinds;
    }
    Object builder = Thread.class.getMethod("ofVirtual").invoke(null);
    Object virtual = Class.forName("java.lang.Thread$Builder").getMethod("factory").invoke(builder);
    return Stream.concat(kinds, Stream.of(Arguments.of("virtual threads", virtual, 10_000)));
  }

  @ParameterizedTest(name = "{2} {0}")
  @MethodSource("kinds")
  void coldKey_manyReaders_makeOneCall(String kind, ThreadFactory threads, int readers)
      throws InterruptedException {
    try (var f = new CacheFixture()) {
      f.source.hold();
      var ends = new ConcurrentLinkedQueue<Object>();
      var done = new CountDownLatch(readers);
      for (int i = 0; i < readers; i++) {
        threads
            .newThread(
                () -> {
                  try {
                    ends.add(f.cache.get(ID));
                  } catch (RuntimeException | Error e) {
                    ends.add(e);
                  } finally {
                    done.countDown();
                  }
                })
            .start();
      }
      f.time.awaitWaiting(readers);
      f.source.release();

      assertThat(done.await(60, TimeUnit.SECONDS)).as(kind).isTrue();
      assertThat(ends).hasSize(readers).allMatch(end -> end == ends.element());
      assertThat(ends.element()).isInstanceOf(SecretValue.class);
      assertThat(f.source.calls()).isEqualTo(1);
    }
  }

  /** An Error of the kinds that are not mere exceptions in disguise. */
  private static final class Broken extends Error {
    private static final long serialVersionUID = 1L;

    Broken() {
      super("as the test says");
    }
  }

  @Test
  void listener_throwsErrors_theNextIsToldAndReadsGoOn() {
    var told = new AtomicInteger();
    var stray = new ConcurrentLinkedQueue<Throwable>();
    Thread.UncaughtExceptionHandler before = Thread.getDefaultUncaughtExceptionHandler();
    Thread.setDefaultUncaughtExceptionHandler((thread, e) -> stray.add(e));
    SecretCacheListener broken =
        new SecretCacheListener() {
          @Override
          public void loaded(String secretId, VersionSelector version, String versionId) {
            if (secretId.endsWith("1")) {
              throw new StackOverflowError();
            }
            throw new Broken();
          }
        };
    SecretCacheListener sound =
        new SecretCacheListener() {
          @Override
          public void loaded(String secretId, VersionSelector version, String versionId) {
            told.incrementAndGet();
          }
        };
    try (var log = new CapturedLog();
        var f = new CacheFixture(o -> o.listener(broken).listener(sound))) {
      for (int i = 0; i < 20; i++) {
        f.source.put("secret" + i, 1, "value", "AWSCURRENT");
        assertThat(f.cache.get("secret" + i).asString()).isEqualTo("value");
      }

      Eventually.until(() -> told.get() == 20, () -> told + " of 20 told");
      Eventually.until(
          () -> log.ours(java.util.logging.Level.WARNING).size() == 20, () -> log.text());
    } finally {
      Thread.setDefaultUncaughtExceptionHandler(before);
    }
    assertThat(stray).isEmpty();
  }

  @SuppressWarnings("NullAway") // What the test is about.
  private static SecretBatch noBatch() {
    return null;
  }

  /** How a source can misbehave. */
  enum Misbehaviour {
    THROWS_ERRORS,
    RETURNS_NULL,
    THROWS_UNCHECKED
  }

  @SuppressWarnings("NullAway") // What the test is about.
  private static SecretValue misbehave(Misbehaviour how) {
    return switch (how) {
      case THROWS_ERRORS -> throw new Broken();
      case RETURNS_NULL -> null;
      case THROWS_UNCHECKED -> throw new IllegalStateException("as the test says");
    };
  }

  @ParameterizedTest
  @EnumSource
  void source_misbehaves_everyWayInEndsAndNoFlightIsStuck(Misbehaviour how)
      throws InterruptedException {
    Thread.UncaughtExceptionHandler before = Thread.getDefaultUncaughtExceptionHandler();
    Thread.setDefaultUncaughtExceptionHandler((thread, e) -> {}); // It is told of the Errors.
    var sick = new AtomicBoolean(true);
    var answers = new Hanging().answers;
    var source =
        new SecretSource() {
          @Override
          public SecretValue fetch(SecretRequest request) {
            return sick.get() ? misbehave(how) : answers.fetch(request);
          }

          @Override
          public int batchSize() {
            return 20;
          }

          @Override
          public SecretBatch fetchBatch(List<String> secretIds, Duration timeout) {
            if (sick.get()) {
              SecretValue unused = misbehave(how);
              return noBatch();
            }
            return new SecretBatch(Map.of(), Map.of());
          }
        };
    try {
      for (WayIn way : WayIn.values()) {
        var ends = new ConcurrentLinkedQueue<>();
        sick.set(true);
        try (SecretCache cache =
            SecretCache.builder()
                .source(source)
                .minimumInterval(Duration.ZERO)
                .rememberFailureFor(Duration.ZERO, Duration.ZERO)
                .build()) {
          Thread thread = go(way, cache, ends);
          thread.join(TimeUnit.SECONDS.toMillis(30));
          assertThat(ends).as(way.name()).hasSize(1);
          if (ends.element() instanceof PrefetchReport report) {
            assertThat(report.failed()).containsOnlyKeys(ID);
          } else {
            assertThat(ends).as(way.name()).containsExactly(Reason.UNAVAILABLE);
          }
          assertThat(cache.size()).isZero();
          sick.set(false);
          Eventually.until(
              () -> {
                try {
                  return cache.get(ID).asString().equals("one");
                } catch (SecretException e) {
                  return false; // The breaker is open for two seconds more.
                }
              },
              () -> way + ": no recovery");
          Eventually.until(() -> cache.flights.size() == 0, () -> way + ": a flight is stuck");
        }
      }
    } finally {
      Thread.setDefaultUncaughtExceptionHandler(before);
    }
  }
}
