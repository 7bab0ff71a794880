package io.github.evercred;

import static io.github.evercred.CacheFixture.ID;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.SecretException.Reason;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What listeners hear, that they disturb nothing, and what is counted. */
@Timeout(60)
class SecretCacheListenerTest {
  private static final String MARKER = "MaRkEr5b21";
  private static final String ONE = FakeSource.version(1);
  private static final String TWO = FakeSource.version(2);

  /** Writes down what it hears. */
  private static class Diary implements SecretCacheListener {
    final List<String> heard = new CopyOnWriteArrayList<>();
    final List<SecretException> failures = new CopyOnWriteArrayList<>();
    final Set<Thread> threads = java.util.concurrent.ConcurrentHashMap.newKeySet();

    private void hear(String what, String secretId, VersionSelector version, Object... more) {
      threads.add(Thread.currentThread());
      heard.add(what + " " + secretId + " " + version + " " + List.of(more));
    }

    @Override
    public void loaded(String secretId, VersionSelector version, String versionId) {
      hear("loaded", secretId, version, versionId);
    }

    @Override
    public void refreshed(String secretId, VersionSelector version, String versionId) {
      hear("refreshed", secretId, version, versionId);
    }

    @Override
    public void rotated(String secretId, VersionSelector version, String was, String is) {
      hear("rotated", secretId, version, was, is);
    }

    @Override
    public void failed(String secretId, VersionSelector version, SecretException failure) {
      failures.add(failure);
      hear("failed", secretId, version, failure.reason());
    }

    @Override
    public void servingStale(
        String secretId,
        VersionSelector version,
        String versionId,
        Duration age,
        SecretException failure) {
      failures.add(failure);
      hear("servingStale", secretId, version, versionId, age, failure.reason());
    }

    @Override
    public void expired(String secretId, VersionSelector version, String versionId, Duration age) {
      hear("expired", secretId, version, versionId, age);
    }

    @Override
    public void evicted(String secretId, VersionSelector version, String versionId) {
      hear("evicted", secretId, version, versionId);
    }

    void await(int count) {
      Eventually.until(() -> heard.size() >= count, () -> "heard " + heard);
    }

    void assertHeard(String... events) {
      await(events.length);
      assertThat(heard).containsExactly(events);
    }
  }

  private static String event(String what, String more) {
    return what + " " + ID + " AWSCURRENT [" + more + "]";
  }

  @Test
  void everyEvent_isToldInItsOrder() {
    var diary = new Diary();
    try (var f =
        new CacheFixture(
            o ->
                o.listener(diary)
                    .minimumInterval(Duration.ZERO)
                    .serveStaleWhenDeniedFor(Duration.ofMinutes(10)))) {
      f.read();
      f.time.advance(Duration.ofSeconds(10));
      f.cache.refresh(ID);
      f.rotate(2, "two");
      f.cache.refresh(ID);
      f.time.advance(Duration.ofSeconds(7));
      f.source.failing(Reason.ACCESS_DENIED);
      assertThat(Crew.of(1, () -> f.cache.refresh(ID)).failure()).isNotNull();
      f.time.advance(Duration.ofMinutes(10));
      f.rest();
      assertThat(f.reasonOfRead()).isEqualTo(Reason.ACCESS_DENIED);
      assertThat(f.reasonOfRead()).as("told from memory: no event").isNotNull();
      f.source.healthy();
      f.time.advance(Duration.ofSeconds(2));
      f.read();

      diary.await(7);
      assertThat(diary.heard.get(3))
          .isEqualTo(event("servingStale", TWO + ", PT7S, ACCESS_DENIED"));
      assertThat(diary.heard.stream().map(e -> e.replaceAll("PT[^],]*", "age")))
          .containsExactly(
              event("loaded", ONE),
              event("refreshed", ONE),
              event("rotated", ONE + ", " + TWO),
              event("servingStale", TWO + ", age, ACCESS_DENIED"),
              event("expired", TWO + ", age"),
              event("failed", "ACCESS_DENIED"),
              event("loaded", TWO));
      assertThat(diary.threads).hasSize(1);
    }
  }

  @Test
  void eviction_isToldAndCounted() {
    var diary = new Diary();
    try (var f = new CacheFixture(o -> o.listener(diary).maximumSecrets(1))) {
      f.read();
      f.source.put("other", 1, "x", "AWSCURRENT");
      f.cache.get("other");
      assertThat(f.cache.size()).isEqualTo(1);

      diary.await(3);
      assertThat(diary.heard.stream().filter(event -> event.startsWith("evicted"))).hasSize(1);
      assertThat(f.cache.statistics().evicted()).isEqualTo(1);
      assertThat(f.cache.statistics().expired()).isZero();
    }
  }

  @Test
  void otherIds_areToldOfWhatReachesThem() {
    var diary = new Diary();
    try (var f = new CacheFixture(o -> o.listener(diary).minimumInterval(Duration.ZERO))) {
      String partial = FakeSource.partialArn(ID);
      f.read();
      f.cache.get(partial);
      f.rotate(2, "two");
      f.cache.refresh(partial);

      diary.await(5);
      assertThat(diary.heard)
          .contains(
              "rotated " + partial + " AWSCURRENT [" + ONE + ", " + TWO + "]",
              event("rotated", ONE + ", " + TWO));
      assertThat(f.cache.statistics().rotated()).as("fetches").isEqualTo(1);
    }
  }

  @Test
  void label_takenOff_isToldAsDroppedAndAsFailed() {
    var diary = new Diary();
    try (var f = new CacheFixture(o -> o.listener(diary))) {
      f.source.put(ID, 2, "two", "AWSPENDING");
      f.cache.get(ID, VersionSelector.PENDING);
      f.source.unlabel(ID, "AWSPENDING");
      f.time.advance(Duration.ofMinutes(16));
      assertThat(Crew.of(1, () -> f.cache.get(ID, VersionSelector.PENDING)).failure().reason())
          .isEqualTo(Reason.NOT_FOUND);

      diary.assertHeard(
          "loaded " + ID + " AWSPENDING [" + TWO + "]",
          "expired " + ID + " AWSPENDING [" + TWO + ", PT16M]",
          "failed " + ID + " AWSPENDING [NOT_FOUND]");
    }
  }

  @Test
  void loaded_whenItIsTold_canBeReadWithoutACall() {
    var read = new CompletableFuture<String>();
    var cache = new CompletableFuture<SecretCache>();
    SecretCacheListener listener =
        new SecretCacheListener() {
          @Override
          public void loaded(String secretId, VersionSelector version, String versionId) {
            read.complete(cache.join().get(secretId).asString());
          }
        };
    try (var f = new CacheFixture(o -> o.listener(listener))) {
      cache.complete(f.cache);
      f.read();
      Eventually.until(read::isDone, () -> "nothing read");

      assertThat(read.join()).isEqualTo("one");
      assertThat(f.source.calls()).isEqualTo(1);
    }
  }

  private static final class NotImplemented extends Error {
    private static final long serialVersionUID = 1L;
  }

  @Test
  void oneThatThrows_isLoggedAndTheOthersHearAll() {
    var before = new Diary();
    var after = new Diary();
    SecretCacheListener bad =
        new SecretCacheListener() {
          @Override
          public void loaded(String secretId, VersionSelector version, String versionId) {
            if (secretId.equals(ID)) {
              throw new IllegalStateException("as the test says");
            }
            throw new NotImplemented();
          }
        };
    Thread.UncaughtExceptionHandler handler = Thread.getDefaultUncaughtExceptionHandler();
    var stray = new CopyOnWriteArrayList<Throwable>();
    Thread.setDefaultUncaughtExceptionHandler((thread, e) -> stray.add(e));
    try (var log = new CapturedLog();
        var f = new CacheFixture(o -> o.listener(before).listener(bad).listener(after))) {
      f.source.put("other", 1, "x", "AWSCURRENT");
      f.read();
      f.cache.get("other");

      before.await(2);
      after.await(2);
      assertThat(after.heard).isEqualTo(before.heard);
      Eventually.until(
          () -> log.ours(java.util.logging.Level.WARNING).size() == 2,
          () -> "logged " + log.ours(java.util.logging.Level.WARNING));
      assertThat(stray).isEmpty();
      assertThat(after.threads).hasSize(1);
    } finally {
      Thread.setDefaultUncaughtExceptionHandler(handler);
    }
  }

  /** Blocks in its first event until released, whatever interrupts it. */
  private static final class Blocking implements SecretCacheListener {
    final CountDownLatch entered = new CountDownLatch(1);
    final CountDownLatch go = new CountDownLatch(1);
    final AtomicInteger heard = new AtomicInteger();

    void await(int count) {
      Eventually.until(() -> heard.get() == count, () -> "heard " + heard);
    }

    @Override
    public void refreshed(String secretId, VersionSelector version, String versionId) {
      heard.incrementAndGet();
    }

    @Override
    public void rotated(String secretId, VersionSelector version, String was, String is) {
      heard.incrementAndGet();
    }

    @Override
    public void loaded(String secretId, VersionSelector version, String versionId) {
      heard.incrementAndGet();
      entered.countDown();
      try {
        assertThat(go.await(30, TimeUnit.SECONDS)).isTrue();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @Test
  void oneThatBlocks_holdsUpNoReadNoRefreshAndNoOther_andOverflowIsCounted() throws Exception {
    var blocking = new Blocking();
    var diary = new Diary();
    try (var f =
        new CacheFixture(
            o -> o.listener(blocking).listener(diary).minimumInterval(Duration.ZERO))) {
      f.read();
      assertThat(blocking.entered.await(20, TimeUnit.SECONDS)).isTrue();
      f.rotate(2, "two");
      for (int i = 0; i < 1_500; i++) {
        f.cache.refresh(ID);
        assertThat(f.read()).isEqualTo("two");
        diary.await(2 + i);
      }

      assertThat(f.cache.statistics().eventsDropped()).isEqualTo(500);
      diary.await(1_501); // The other has heard all, in its order, meanwhile.
      assertThat(diary.heard.get(1)).isEqualTo(event("rotated", ONE + ", " + TWO));
      assertThat(blocking.heard).hasValue(1);
      blocking.go.countDown();
      blocking.await(1_001);
      f.cache.refresh(ID);
      blocking.await(1_002);
      assertThat(f.cache.statistics().eventsDropped()).isEqualTo(500);
    }
  }

  @Test
  void noEvent_holdsAValue() {
    var diary = new Diary();
    try (var f =
        new CacheFixture(
            o ->
                o.listener(diary)
                    .minimumInterval(Duration.ZERO)
                    .serveStaleFor(Duration.ofMinutes(6)))) {
      f.rotate(2, MARKER);
      f.read();
      f.cache.versions(ID);
      f.rotate(3, MARKER + "3");
      f.cache.refresh(ID);
      for (Reason reason : Reason.values()) {
        f.source.failing(reason);
        assertThat(f.drive(() -> f.cache.refresh(ID)).failure()).isNotNull();
        assertThat(f.drive(() -> f.cache.get("cold" + reason)).failure()).isNotNull();
        f.time.advance(Duration.ofMillis(100));
      }
      f.time.advance(Duration.ofMinutes(7));
      diary.await(30);
      Eventually.until(
          () -> diary.heard.stream().anyMatch(event -> event.startsWith("expired")),
          () -> "heard " + diary.heard);

      assertThat(diary.heard).noneMatch(event -> event.contains("MaRk"));
      assertThat(diary.failures)
          .isNotEmpty()
          .noneMatch(failure -> LeakTest.everythingSaidBy(failure).contains("MaRk"));
      assertThat(f.cache.statistics().toString()).doesNotContain("MaRk");
    }
  }

  private static List<Thread> listenerThreads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("evercred-listener-"))
        .collect(Collectors.toList());
  }

  @Test
  void thread_isADaemonStartedAtNeedAndGoneAfterClose() throws Exception {
    List<Thread> others = listenerThreads();
    var blocking = new Blocking();
    try (var f = new CacheFixture(o -> o.listener(blocking))) {
      assertThat(listenerThreads()).isSubsetOf(others);
      f.read();
      assertThat(blocking.entered.await(20, TimeUnit.SECONDS)).isTrue();
      List<Thread> ours = listenerThreads();
      ours.removeAll(others);
      assertThat(ours).hasSize(1).allMatch(Thread::isDaemon);

      f.cache.close();

      Eventually.until(() -> ours.stream().noneMatch(Thread::isAlive), () -> "alive: " + ours);
    }
  }

  @Test
  void cacheWithoutListeners_hasNoSuchThread() {
    List<Thread> others = listenerThreads();
    try (var f = new CacheFixture()) {
      f.read();

      assertThat(listenerThreads()).isSubsetOf(others);
    }
  }

  @Test
  void close_fromAListener_ends() {
    var cache = new CompletableFuture<SecretCache>();
    var ended = new CompletableFuture<Boolean>();
    SecretCacheListener closer =
        new SecretCacheListener() {
          @Override
          public void loaded(String secretId, VersionSelector version, String versionId) {
            cache.join().close();
            ended.complete(true);
          }
        };
    try (var f = new CacheFixture(o -> o.listener(closer))) {
      cache.complete(f.cache);
      f.readOrFail(); // Its value, or closed already.

      Eventually.until(ended::isDone, () -> "not closed");
      assertThat(f.reasonOfRead()).isEqualTo(Reason.CLOSED);
    }
  }

  @Test
  void statistics_ofAnUnusedCache_areZero() {
    try (var f = new CacheFixture()) {
      assertThat(f.cache.statistics())
          .isEqualTo(
              new SecretCacheStatistics(0, 0, 0, 0, 0, 0, Map.of(), 0, 0, 0, 0, 0, Duration.ZERO));
    }
  }

  @Test
  void statistics_countEachThing() {
    try (var f =
        new CacheFixture(
            o ->
                o.countHits(true)
                    .minimumInterval(Duration.ZERO)
                    .serveStaleWhenDeniedFor(Duration.ofMinutes(10)))) {
      f.read(); // Miss, call, loaded.
      f.read(); // Hit.
      f.cache.getAsync(ID).join(); // Hit.
      f.cache.handle(ID).get(); // Hit: its first look goes through the cache.
      f.cache.refresh(ID); // Call, refreshed.
      f.rotate(2, "two");
      f.cache.refresh(ID); // Call, rotated.
      assertThat(f.reason("absent")).isEqualTo(Reason.NOT_FOUND); // Miss, call, failure.
      assertThat(f.reason("absent")).isEqualTo(Reason.NOT_FOUND); // From memory: none of them.
      f.source.failing(Reason.UNAVAILABLE);
      assertThat(f.drive(() -> f.cache.refresh(ID)).failure()).isNotNull(); // Three calls.

      assertThat(f.cache.statistics())
          .isEqualTo(
              new SecretCacheStatistics(
                  3,
                  2,
                  7,
                  1,
                  1,
                  1,
                  Map.of(Reason.NOT_FOUND, 1L, Reason.UNAVAILABLE, 1L),
                  0,
                  0,
                  0,
                  1,
                  1,
                  f.cache.statistics().oldest()));
      f.source.failing(Reason.ACCESS_DENIED);
      assertThat(f.drive(() -> f.cache.refresh(ID)).failure()).isNotNull();
      f.time.advance(Duration.ofMinutes(11));

      SecretCacheStatistics end = f.cache.statistics();
      assertThat(end.expired()).isEqualTo(1);
      assertThat(end.held()).isZero();
      assertThat(end.stale()).isZero();
    }
  }

  @Test
  void statistics_ofAllVersions_countOneLoad() {
    try (var f = new CacheFixture()) {
      f.cache.versions(ID);
      f.time.advance(Duration.ofMinutes(16));
      f.rotate(2, "two");
      f.cache.versions(ID);

      SecretCacheStatistics seen = f.cache.statistics();
      assertThat(seen.loaded()).isEqualTo(1);
      assertThat(seen.rotated()).isEqualTo(1);
      assertThat(seen.refreshed()).isZero();
      assertThat(seen.calls()).isEqualTo(6);
      assertThat(seen.held()).isEqualTo(2);
    }
  }

  @Test
  void statistics_withoutCountHits_countNone() {
    try (var f = new CacheFixture(o -> o.processMayFreeze(true))) {
      f.read();
      f.read();

      assertThat(f.cache.statistics().hits()).isZero();
      assertThat(f.cache.statistics().misses()).isEqualTo(1);
    }
  }

  @Test
  void statistics_ofAClosedCache_canBeRead() {
    try (var f = new CacheFixture()) {
      f.read();
      f.cache.close();

      assertThat(f.cache.statistics().held()).isZero();
      assertThat(f.cache.statistics().loaded()).isEqualTo(1);
    }
  }
}
