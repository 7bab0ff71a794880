package io.github.evercred;

import static io.github.evercred.CacheFixture.ID;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.github.evercred.SecretException.Reason;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.lang.ref.WeakReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** That each metric moves with what it stands for, and that none shows a value. */
@Timeout(60)
class EvercredMetricsTest {
  private final SimpleMeterRegistry registry = new SimpleMeterRegistry();

  /** All meters, as name and tags with their value. */
  private Map<String, Double> scrape() {
    var all = new TreeMap<String, Double>();
    for (Meter meter : registry.getMeters()) {
      String tags =
          meter.getId().getTags().stream()
              .filter(tag -> !tag.getKey().equals("cache"))
              .map(tag -> tag.getKey() + "=" + tag.getValue())
              .collect(Collectors.joining(","));
      meter
          .measure()
          .forEach(m -> all.put(meter.getId().getName() + "{" + tags + "}", m.getValue()));
    }
    return all;
  }

  /** What differs from the scrape before, with its value now. */
  private static Map<String, Double> moved(Map<String, Double> before, Map<String, Double> now) {
    var moved = new TreeMap<String, Double>(now);
    moved.entrySet().removeAll(before.entrySet());
    return moved;
  }

  private EvercredMetrics metrics(Observed o) {
    return EvercredMetrics.of(o.f.cache, "orders").logins(o.login).secrets(ID);
  }

  @Test
  void eachMetric_inARotationAndAnOutage_movesAsItShould() throws Exception {
    try (var o = new Observed(options -> options.countHits(true))) {
      metrics(o).bindTo(registry);
      var start = scrape();
      assertThat(start.remove("evercred.named.age{secret=" + ID + "}")).isNaN();
      assertThat(start.values()).containsOnly(0.0);

      o.logIn();
      var loaded = scrape();
      start.put("evercred.named.age{secret=" + ID + "}", 0.0);
      assertThat(moved(start, loaded))
          .isEqualTo(
              new TreeMap<>(
                  Map.of(
                      "evercred.gets{result=miss}", 1.0,
                      "evercred.size{}", 1.0,
                      "evercred.calls{}", 1.0,
                      "evercred.loads{}", 1.0,
                      "evercred.logins{result=succeeded}", 1.0)));

      o.rotate();
      var rotated = scrape();
      var byRotation = moved(loaded, rotated);
      assertThat(byRotation.remove("evercred.gets{result=hit}")).isPositive();
      // AWSCURRENT and AWSPENDING for the probe, AWSCURRENT once it has moved.
      assertThat(byRotation)
          .isEqualTo(
              new TreeMap<>(
                  Map.of(
                      "evercred.calls{}", 4.0,
                      "evercred.refreshes{}", 1.0,
                      "evercred.rotations{}", 1.0,
                      "evercred.logins{result=succeeded}", 4.0,
                      "evercred.logins{result=refused}", 1.0,
                      "evercred.probes{}", 1.0,
                      "evercred.rotations.incomplete{}", 1.0)));

      o.f.time.advance(Duration.ofSeconds(40));
      assertThat(o.fail(Reason.UNAVAILABLE)).isNotNull();
      var out = moved(rotated, scrape());
      assertThat(out.remove("evercred.secret.age{}")).isBetween(40.0, 42.0);
      assertThat(out.remove("evercred.named.age{secret=" + ID + "}")).isBetween(40.0, 42.0);
      assertThat(out)
          .isEqualTo(
              new TreeMap<>(
                  Map.of(
                      "evercred.calls{}",
                      7.0,
                      "evercred.failures{reason=unavailable}",
                      1.0,
                      "evercred.stale{}",
                      1.0,
                      "evercred.named.stale{secret=" + ID + "}",
                      1.0)));

      var stale = scrape();
      o.expire();
      var gone = moved(stale, scrape());
      assertThat(gone)
          .containsEntry("evercred.expirations{}", 1.0)
          .containsEntry("evercred.size{}", 0.0)
          .containsEntry("evercred.stale{}", 0.0)
          .containsEntry("evercred.secret.age{}", 0.0);
      assertThat(gone.get("evercred.failures{reason=access_denied}")).isGreaterThanOrEqualTo(2);

      o.recover();
      assertThat(scrape()).containsEntry("evercred.logins{result=gave_up}", 0.0);
      assertThat(scrape())
          .containsEntry("evercred.loads{}", 2.0)
          .containsEntry("evercred.size{}", 1.0)
          .containsEntry("evercred.stale{}", 0.0);
      o.f.cache.close();
      assertThat(catchThrowable(o::logIn)).isInstanceOf(FakeTarget.Failed.class);
      assertThat(scrape()).containsEntry("evercred.logins{result=gave_up}", 1.0);
    }
  }

  @Test
  void droppedEvents_areCounted() {
    var go = new CountDownLatch(1);
    SecretCacheListener blocking =
        new SecretCacheListener() {
          @Override
          public void loaded(String secretId, VersionSelector version, String versionId) {
            try {
              assertThat(go.await(30, TimeUnit.SECONDS)).isTrue();
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
          }
        };
    try (var f = new CacheFixture(o -> o.listener(blocking).minimumInterval(Duration.ZERO))) {
      EvercredMetrics.of(f.cache, "blocked").bindTo(registry);
      for (int i = 0; i < 1_100; i++) {
        f.cache.refresh(ID);
      }

      assertThat(scrape().get("evercred.events.dropped{}")).isBetween(99.0, 100.0);
      go.countDown();
    }
  }

  @Test
  void eviction_isCounted() {
    try (var f = new CacheFixture(o -> o.maximumSecrets(1))) {
      EvercredMetrics.of(f.cache, "small").bindTo(registry);
      f.read();
      f.source.put("other", 1, "x", "AWSCURRENT");
      f.cache.get("other");
      assertThat(f.cache.size()).isEqualTo(1);

      assertThat(scrape()).containsEntry("evercred.evictions{}", 1.0);
    }
  }

  @Test
  void hits_thatNobodyCounts_haveNoMeter() {
    try (var f = new CacheFixture()) {
      EvercredMetrics.of(f.cache, "a").bindTo(registry);

      assertThat(scrape()).containsKey("evercred.gets{result=miss}");
      assertThat(scrape()).doesNotContainKey("evercred.gets{result=hit}");
    }
  }

  @Test
  void versionAskedForById_doesNotAge() {
    try (var f = new CacheFixture()) {
      f.cache.get(ID, VersionSelector.versionId(FakeSource.version(1)));
      f.time.advance(Duration.ofDays(3));

      assertThat(f.cache.statistics().held()).isEqualTo(1);
      assertThat(f.cache.statistics().oldest()).isZero();
    }
  }

  /** Some registries, that of Prometheus among them, take no two meters of a name otherwise. */
  @Test
  void metersOfOneName_haveTheSameTags() {
    try (var o = new Observed(options -> options.countHits(true))) {
      metrics(o).bindTo(registry);
      EvercredMetrics.of(o.f.cache, "second").bindTo(registry);

      var keys = new HashMap<String, Set<String>>();
      for (Meter meter : registry.getMeters()) {
        Set<String> its =
            meter.getId().getTags().stream().map(Tag::getKey).collect(Collectors.toSet());
        assertThat(keys.computeIfAbsent(meter.getId().getName(), name -> its)).isEqualTo(its);
        assertThat(its).contains("cache");
      }
      assertThat(keys).hasSizeGreaterThan(15);
    }
  }

  @Test
  void secretIds_areNoTagsUnlessAskedFor() throws Exception {
    try (var o = new Observed(options -> options)) {
      EvercredMetrics.of(o.f.cache, "orders").logins(o.login).bindTo(registry);
      o.rotate();

      assertThat(scrape().keySet()).noneMatch(meter -> meter.contains(ID));
    }
  }

  private static WeakReference<SecretCache> bound(SimpleMeterRegistry registry) {
    SecretCache cache = SecretCache.builder().source(new FakeSource()).build(new FakeTime());
    EvercredMetrics.of(cache, "gone")
        .logins(new RotationAwareLogin(cache))
        .secrets(ID)
        .bindTo(registry);
    return new WeakReference<>(cache);
  }

  @Test
  void registry_holdsNoCache() {
    WeakReference<SecretCache> cache = bound(registry);

    Eventually.until(
        () -> {
          System.gc();
          return cache.refersTo(null);
        },
        () -> "the cache is still held");
    assertThat(scrape().get("evercred.size{}")).isNaN();
  }

  /** As the page shows it: without fractions, and without what is 0. */
  @Test
  void page_showsAScrapeOfAnOutageAfterARotation() throws Exception {
    String page = Files.readString(Path.of("../docs/observability.md"));
    try (var o = new Observed(options -> options.countHits(true))) {
      metrics(o).bindTo(registry);
      o.rotate();
      o.f.time.advance(Duration.ofSeconds(40));
      o.fail(Reason.UNAVAILABLE);

      String text =
          scrape().entrySet().stream()
              .filter(one -> one.getValue() != 0)
              .map(one -> one.getKey() + " " + one.getValue().longValue())
              .collect(Collectors.joining("\n", "```\n", "\n```"));
      assertThat(text).contains("evercred.stale{} 1").doesNotContain("MaRk");
      assertThat(page).contains(text);
    }
  }

  @Test
  void page_namesEachMetric() throws Exception {
    String page = Files.readString(Path.of("../docs/observability.md"));
    try (var o = new Observed(options -> options.countHits(true))) {
      metrics(o).bindTo(registry);

      assertThat(registry.getMeters())
          .allSatisfy(meter -> assertThat(page).contains("`" + meter.getId().getName() + "`"));
    }
  }
}
