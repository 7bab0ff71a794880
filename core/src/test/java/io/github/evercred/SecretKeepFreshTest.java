package io.github.evercred;

import static io.github.evercred.CacheFixture.ID;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.SecretException.Reason;
import java.time.Duration;
import java.util.logging.Level;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Secrets that are refreshed unread, and labels that are taken off. */
@Timeout(60)
class SecretKeepFreshTest {
  private static final Duration STEP = Duration.ofSeconds(5);

  private static void passUnread(CacheFixture f, Duration span) {
    f.passReading(span, STEP, () -> {});
  }

  @Test
  void keptFresh_unread_isRefreshedEachPeriod() {
    try (var f = new CacheFixture(o -> o.keepFresh(ID, "never read"))) {
      f.read();
      f.source.put("other", 1, "x", "AWSCURRENT");
      f.cache.get("other");

      passUnread(f, Duration.ofHours(1));

      assertThat(f.source.calls(ID)).isBetween(12L, 14L);
      assertThat(f.source.calls("other")).as("unread").isEqualTo(1);
      assertThat(f.source.calls("never read")).isZero();
      f.rotate(2, "two");
      passUnread(f, Duration.ofMinutes(6));
      f.source.hold();
      assertThat(f.read()).as("without waiting").isEqualTo("two");
    }
  }

  @Test
  void keptFresh_fromItsPrefetchOn() {
    try (var f = new CacheFixture(o -> o.keepFresh(ID))) {
      f.source.batchSize(20);
      assertThat(f.cache.prefetch(ID).isComplete()).isTrue();

      passUnread(f, Duration.ofHours(1));

      assertThat(f.source.calls(ID)).isBetween(11L, 14L);
    }
  }

  @Test
  void keptFresh_throughAnOutage_backsOffAndRecovers() {
    try (var f = new CacheFixture(o -> o.keepFresh(ID))) {
      f.read();
      f.source.failing(Reason.UNAVAILABLE);
      passUnread(f, Duration.ofHours(1));
      assertThat(f.source.calls())
          .as("no more than health costs, and the first tries")
          .isLessThan(30);
      f.source.healthy();
      f.rotate(2, "two");

      passUnread(f, Duration.ofMinutes(6));

      assertThat(f.read()).isEqualTo("two");
      assertThat(f.cache.statistics().misses()).isEqualTo(1);
    }
  }

  @Test
  void keptFresh_otherLabelsOfIt_areNot() {
    try (var f = new CacheFixture(o -> o.keepFresh(ID))) {
      f.source.put(ID, 2, "two", "AWSPENDING");
      f.cache.get(ID, VersionSelector.PENDING);

      passUnread(f, Duration.ofHours(1));

      assertThat(f.source.calls(VersionSelector.PENDING)).isEqualTo(1);
    }
  }

  @Test
  void label_takenOff_isDroppedAtOnceAndRememberedAsNotFound() {
    try (var f = new CacheFixture()) {
      f.source.put(ID, 2, "two", "AWSPENDING");
      f.cache.get(ID, VersionSelector.PENDING);
      f.cache.get(ID, VersionSelector.PENDING);
      f.read();
      f.source.unlabel(ID, "AWSPENDING");

      var pending = new Key(ID, VersionSelector.PENDING);
      for (int second = 0; second < 301 && f.cache.entry(pending) != null; second++) {
        f.time.advance(Duration.ofSeconds(1));
        f.rest();
      }

      assertThat(f.cache.entry(pending)).isNull();
      long calls = f.source.calls(VersionSelector.PENDING);
      assertThat(calls).isEqualTo(2);
      for (int i = 0; i < 100; i++) {
        assertThat(Crew.of(1, () -> f.cache.get(ID, VersionSelector.PENDING)).failure().reason())
            .isEqualTo(Reason.NOT_FOUND);
      }
      assertThat(f.source.calls(VersionSelector.PENDING)).isEqualTo(calls);
      assertThat(f.read()).as("AWSCURRENT").isEqualTo("one");
      f.source.put(ID, 3, "three", "AWSPENDING");
      f.time.advance(Duration.ofSeconds(2));
      assertThat(f.cache.get(ID, VersionSelector.PENDING).asString()).isEqualTo("three");
    }
  }

  @Test
  void label_takenOffAfterAnOutage_isNothingToWarnOf() {
    try (var log = new CapturedLog();
        var f = new CacheFixture()) {
      f.source.put(ID, 2, "two", "AWSPENDING");
      f.cache.get(ID, VersionSelector.PENDING);
      f.source.failing(Reason.UNAVAILABLE);
      f.time.advance(Duration.ofMinutes(16));
      f.drive(() -> f.cache.get(ID, VersionSelector.PENDING));
      f.source.healthy();
      f.source.unlabel(ID, "AWSPENDING");

      var pending = new Key(ID, VersionSelector.PENDING);
      for (int second = 0; second < 301 && f.cache.entry(pending) != null; second++) {
        f.time.advance(Duration.ofSeconds(1));
        f.rest();
        if (f.cache.entry(pending) != null) {
          f.drive(() -> f.cache.get(ID, VersionSelector.PENDING));
        }
      }

      assertThat(f.cache.entry(pending)).isNull();
      assertThat(log.ours(Level.WARNING)).isEmpty();
    }
  }

  @Test
  void label_thatCannotBeReadForAnotherReason_isServedOn() {
    try (var f = new CacheFixture()) {
      f.source.put(ID, 2, "two", "AWSPENDING");
      f.cache.get(ID, VersionSelector.PENDING);
      f.source.failing(Reason.ACCESS_DENIED);
      f.time.advance(Duration.ofMinutes(16));

      assertThat(f.cache.get(ID, VersionSelector.PENDING).asString()).isEqualTo("two");
    }
  }

  @Test
  void current_notFound_isServedOnAsDenied() {
    try (var f = new CacheFixture()) {
      f.read();
      f.source.failing(Reason.NOT_FOUND);
      f.time.advance(Duration.ofMinutes(16));

      assertThat(f.read()).isEqualTo("one");
    }
  }
}
