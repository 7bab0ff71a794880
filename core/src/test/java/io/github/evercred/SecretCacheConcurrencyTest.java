package io.github.evercred;

import static io.github.evercred.CacheFixture.ID;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.lang.management.ThreadMXBean;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the cache promises to many threads at once. */
@Timeout(60)
class SecretCacheConcurrencyTest {
  private static final int READERS = 64;
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  /** Whether a thread waits, for a lock or a future, in a call that came through our code. */
  static boolean waitsInOurCode(ThreadInfo thread) {
    return switch (thread.getThreadState()) {
      case BLOCKED, WAITING, TIMED_WAITING ->
          Arrays.stream(thread.getStackTrace())
              .map(StackTraceElement::getClassName)
              .anyMatch(
                  name ->
                      name.startsWith("io.github.evercred.")
                          && !name.startsWith(Crew.class.getName())
                          && !name.startsWith(SecretCacheConcurrencyTest.class.getName()));
      default -> false;
    };
  }

  @Test
  void get_sourceHangsAndEntryIsDue_noReaderEverWaits() throws InterruptedException {
    try (var f = new CacheFixture()) {
      f.read();
      f.time.advance(Duration.ofMinutes(6)); // Unread: the first of the readers starts it.
      f.source.hold();
      var begin = new CountDownLatch(1);
      var hanging = new CountDownLatch(1);
      var passes = new AtomicInteger();
      var readers =
          Crew.of(
              READERS,
              () -> {
                begin.await();
                int reads = 0;
                while (reads < 1_000 || passes.get() < 20) {
                  if (++reads == 500) {
                    hanging.await(); // The rest of the reads come while the call hangs.
                  }
                  assertThat(f.cache.get(ID).asString()).isEqualTo("one");
                }
                return reads;
              });
      var waits = new ConcurrentLinkedQueue<String>();
      long[] ids = readers.threads().stream().mapToLong(Thread::getId).toArray();
      Thread sampler =
          new Thread(
              () -> {
                while (readers.threads().stream().anyMatch(Thread::isAlive)) {
                  for (ThreadInfo thread : THREADS.getThreadInfo(ids, 100)) {
                    if (thread != null && waitsInOurCode(thread)) {
                      waits.add(thread.toString());
                    }
                  }
                  passes.incrementAndGet();
                }
              },
              "sampler");
      sampler.start();
      begin.countDown();
      f.source.awaitHeld(1);
      hanging.countDown();

      assertThat(readers.values()).hasSize(READERS).allMatch(reads -> reads >= 1_000);
      sampler.join(TimeUnit.SECONDS.toMillis(30));
      assertThat(waits).isEmpty();
      assertThat(passes.get()).isGreaterThanOrEqualTo(20);
      assertThat(f.source.held()).as("the call hangs still").isEqualTo(1);
      assertThat(f.source.calls()).isEqualTo(2);
    }
  }

  /** That the sampler above sees what it looks for. */
  @Test
  void sampler_aReaderThatWaits_isFound() {
    try (var f = new CacheFixture()) {
      f.source.hold();
      var reader = Crew.of(1, f::read); // Nothing is cached: it has to wait.
      f.time.awaitWaiting(1);
      long id = reader.threads().get(0).getId();

      Eventually.until(
          () -> waitsInOurCode(THREADS.getThreadInfo(id, 100)),
          () -> "not seen: " + THREADS.getThreadInfo(id, 100));
      f.source.release();
      assertThat(reader.value()).isEqualTo("one");
    }
  }

  @RepeatedTest(20)
  void get_coldKeyMissedBy64Threads_isFetchedOnce() {
    try (var f = new CacheFixture()) {
      f.source.hold();
      var readers = Crew.of(READERS, () -> f.cache.get(ID));
      f.time.awaitWaiting(READERS);
      f.source.release();

      List<SecretValue> values = readers.values();
      assertThat(values).hasSize(READERS).allMatch(value -> value == values.get(0));
      assertThat(f.source.calls()).isEqualTo(1);
    }
  }

  /** The same without holding the call: readers come before, while and after it runs. */
  @RepeatedTest(50)
  void get_coldKeyMissedAtAnyMoment_isFetchedOnce() {
    try (var f = new CacheFixture()) {
      var readers = Crew.of(16, () -> f.cache.get(ID));

      assertThat(readers.values()).hasSize(16).allMatch(value -> value.asString().equals("one"));
      assertThat(f.source.calls()).isEqualTo(1);
    }
  }

  /** No reader of one key waits for another key, however many calls hang. */
  @Test
  void get_otherKeysHang_cachedOnesAreRead() {
    try (var f = new CacheFixture()) {
      f.read();
      f.source.hold();
      var cold = new ArrayList<Crew<SecretValue>>();
      for (int i = 0; i < 30; i++) {
        String id = "cold" + i;
        cold.add(Crew.of(1, () -> f.cache.get(id)));
      }
      f.source.awaitHeld(8);
      f.time.awaitWaiting(30);

      assertThat(Crew.of(READERS, f::read).values()).containsOnly("one");

      f.time.advance(Duration.ofSeconds(5));
      assertThat(cold).allSatisfy(crew -> assertThat(crew.failure()).isNotNull());
    }
  }

  /** A probe has threads of its own. */
  @Test
  void fetchAnew_allFetchThreadsHang_isServed() {
    try (var f = new CacheFixture(o -> o.minimumInterval(Duration.ZERO))) {
      f.source.put("hangs", 1, "value", "AWSCURRENT");
      var hang = new CountDownLatch(1);
      f.source.script(
          request -> {
            if (request.secretId().startsWith("hangs")) {
              Eventually.until(() -> hang.getCount() == 0, () -> "never released");
            }
            return null;
          });
      for (int i = 0; i < 8; i++) {
        String id = "hangs" + i;
        assertThat(Crew.of(1, () -> f.cache.get(id)).threads()).hasSize(1);
      }
      f.awaitCalls(8);

      SecretValue value =
          f.cache.fetchAnew(ID, VersionSelector.CURRENT, f.time.nanos(), f.time.in(Time.FOREVER));

      assertThat(value.asString()).isEqualTo("one");
      hang.countDown();
    }
  }

  /** Readers, refreshes and rotations at once: what is read only ever moves on. */
  @Test
  void get_whileVersionsRotate_neverGoesBack() {
    try (var f = new CacheFixture(o -> o.minimumInterval(Duration.ZERO))) {
      f.read();
      var done = new CountDownLatch(1);
      var readers =
          Crew.of(
              4,
              () -> {
                String last = "";
                while (done.getCount() > 0) {
                  String version = f.cache.get(ID).versionId();
                  assertThat(version).isGreaterThanOrEqualTo(last);
                  last = version;
                }
                return true;
              });
      var refreshers =
          Crew.of(
              4,
              () -> {
                while (done.getCount() > 0) {
                  f.cache.refresh(ID);
                }
                return true;
              });
      for (int version = 2; version < 300; version++) {
        f.rotate(version, "v" + version);
        LockSupport.parkNanos(200_000);
      }
      done.countDown();

      assertThat(readers.values()).containsOnly(true);
      assertThat(refreshers.values()).containsOnly(true);
      assertThat(f.cache.refresh(ID).asString()).isEqualTo("v299");
    }
  }
}
