package io.github.evercred;

import static io.github.evercred.CacheFixture.ID;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.evercred.SecretException.Reason;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A handle behaves as get does, and a mapped one makes its thing once for each version. */
@Timeout(60)
class SecretHandleTest {

  @Test
  void handle_ofNothingYet_makesNoCallAndThenLoads() {
    try (var f = new CacheFixture()) {
      SecretHandle handle = f.cache.handle(ID);
      assertThat(f.source.calls()).isZero();

      assertThat(handle.get().asString()).isEqualTo("one");
      assertThat(handle.get()).isSameAs(handle.get()).isSameAs(f.cache.get(ID));
      assertThat(f.source.calls()).isEqualTo(1);
      assertThat(handle.toString()).contains(ID).doesNotContain("one");
    }
  }

  @Test
  void handle_ofALabel_readsThat() {
    try (var f = new CacheFixture()) {
      f.source.put(ID, 2, "two", "AWSPENDING");
      Supplier<SecretValue> handle = f.cache.handle(ID, VersionSelector.PENDING);

      assertThat(handle.get().asString()).isEqualTo("two");
    }
  }

  @Test
  void due_isServedAtOnceWhileOneRefreshRuns() {
    try (var f = new CacheFixture()) {
      SecretHandle handle = f.cache.handle(ID);
      handle.get();
      handle.get();
      f.rotate(2, "two");
      f.source.hold();
      f.comeDue();
      f.source.awaitHeld(1);

      assertThat(handle.get().asString()).isEqualTo("one");
      f.source.release();
      f.rest();

      assertThat(handle.get().asString()).isEqualTo("two");
      assertThat(f.source.calls()).isEqualTo(2);
    }
  }

  @Test
  void dueAndUnread_isServedAtOnceAndRefreshed() {
    try (var f = new CacheFixture()) {
      SecretHandle handle = f.cache.handle(ID);
      handle.get();
      f.rotate(2, "two");
      f.time.advance(Duration.ofMinutes(10));
      f.source.hold();

      assertThat(handle.get().asString()).isEqualTo("one");
      f.source.awaitHeld(1);
      f.source.release();
      f.rest();

      assertThat(handle.get().asString()).isEqualTo("two");
    }
  }

  @Test
  void readThroughTheHandleAlone_keepsItRefreshed() {
    try (var f = new CacheFixture()) {
      SecretHandle handle = f.cache.handle(ID);
      handle.get();

      f.passReading(Duration.ofHours(1), Duration.ofSeconds(1), handle::get);

      assertThat(f.source.calls()).isBetween(12, 15);
    }
  }

  @Test
  void lapsed_isRefreshedFirstAndServedIfThatFails() {
    try (var f = new CacheFixture()) {
      SecretHandle handle = f.cache.handle(ID);
      handle.get();
      f.rotate(2, "two");
      f.time.advance(Duration.ofMinutes(16));
      assertThat(handle.get().asString()).isEqualTo("two");

      f.rotate(3, "three");
      f.source.failing(Reason.ACCESS_DENIED);
      f.time.advance(Duration.ofMinutes(16));
      assertThat(handle.get().asString()).isEqualTo("two");
    }
  }

  @Test
  void expired_isNotServed() {
    try (var f = new CacheFixture(o -> o.serveStaleFor(Duration.ofHours(1)))) {
      SecretHandle handle = f.cache.handle(ID);
      handle.get();
      handle.get();
      f.source.failing(Reason.UNAVAILABLE);
      f.time.advance(Duration.ofMinutes(61));

      assertThat(f.drive(handle::get).failure().reason()).isEqualTo(Reason.UNAVAILABLE);
      f.source.healthy();
      f.time.advance(Duration.ofMinutes(1));
      assertThat(handle.get().asString()).isEqualTo("one");
    }
  }

  @Test
  void evicted_isLoadedAnew() {
    try (var f = new CacheFixture(o -> o.maximumSecrets(1))) {
      SecretHandle handle = f.cache.handle(ID);
      handle.get();
      Entry entry =
          Objects.requireNonNull(f.cache.entry(new Key(ID, VersionSelector.CURRENT)), "entry");
      for (int i = 0; i < 30 && entry.snapshot().state() != Entry.State.GONE; i++) {
        f.source.put("other" + i, 1, "x", "AWSCURRENT");
        f.cache.get("other" + i);
        f.cache.get("other" + i);
        assertThat(f.cache.size()).isEqualTo(1);
      }
      assertThat(entry.snapshot().state()).isEqualTo(Entry.State.GONE);
      f.rotate(2, "two");

      assertThat(handle.get().asString()).isEqualTo("two");
    }
  }

  @Test
  void refreshed_byForce_isSeenAtOnce() {
    try (var f = new CacheFixture(o -> o.minimumInterval(Duration.ZERO))) {
      SecretHandle handle = f.cache.handle(ID);
      SecretHandle other = f.cache.handle(ID);
      SecretHandle byArn = f.cache.handle(f.source.arn(ID));
      handle.get();
      other.get();
      byArn.get();
      f.rotate(2, "two");
      f.cache.refresh(ID);

      assertThat(handle.get().asString()).isEqualTo("two");
      assertThat(other.get()).isSameAs(handle.get());
      assertThat(byArn.get().asString()).isEqualTo("two");
    }
  }

  @Test
  void closed_failsWithClosed() {
    try (var f = new CacheFixture()) {
      SecretHandle handle = f.cache.handle(ID);
      Supplier<String> mapped = handle.map(SecretValue::asString);
      handle.get();
      Object unused = mapped.get();
      f.cache.close();

      assertThat(Crew.of(1, handle::get).failure().reason()).isEqualTo(Reason.CLOSED);
      assertThat(Crew.of(1, mapped::get).failure().reason()).isEqualTo(Reason.CLOSED);
    }
  }

  @Test
  void missing_failsAsGetDoesAndIsRememberedAndThenFound() {
    try (var f = new CacheFixture()) {
      SecretHandle handle = f.cache.handle("absent");

      assertThat(Crew.of(1, handle::get).failure().reason()).isEqualTo(Reason.NOT_FOUND);
      assertThat(Crew.of(1, handle::get).failure().reason()).isEqualTo(Reason.NOT_FOUND);
      assertThat(f.source.calls()).isEqualTo(1);
      f.source.put("absent", 1, "here", "AWSCURRENT");
      f.time.advance(Duration.ofSeconds(2));

      assertThat(handle.get().asString()).isEqualTo("here");
    }
  }

  @Test
  void wrongIds_areErrorsAtOnce() {
    try (var f = new CacheFixture()) {
      assertThatThrownBy(() -> f.cache.handle(" ")).isInstanceOf(IllegalArgumentException.class);
    }
  }

  /** Counts what it makes. */
  private static final class Maker {
    final AtomicInteger made = new AtomicInteger();

    Object make(SecretValue value) {
      return value.asString() + " #" + made.incrementAndGet();
    }
  }

  @Test
  void map_readOften_makesOncePerVersionAlsoOverRefreshes() {
    try (var f = new CacheFixture(o -> o.minimumInterval(Duration.ZERO))) {
      var maker = new Maker();
      Supplier<Object> mapped = f.cache.handle(ID).map(maker::make);

      assertThat(mapped.get()).isSameAs(mapped.get()).isEqualTo("one #1");
      for (int i = 0; i < 10; i++) {
        f.cache.refresh(ID);
        assertThat(mapped.get()).isEqualTo("one #1");
      }
      f.source.put(ID, 1, "one", "AWSCURRENT", "custom");
      f.cache.refresh(ID);
      assertThat(mapped.get()).isEqualTo("one #1");
      f.rotate(2, "two");
      f.cache.refresh(ID);
      assertThat(mapped.get()).isSameAs(mapped.get()).isEqualTo("two #2");
      assertThat(mapped.toString()).contains(ID).doesNotContain("two");
    }
  }

  @Test
  void map_droppedAndLoadedAgain_isNotMadeAgainForTheSameVersion() {
    try (var f = new CacheFixture()) {
      var maker = new Maker();
      Supplier<Object> mapped = f.cache.handle(ID).map(maker::make);
      Object made = mapped.get();

      f.cache.invalidate(ID);

      assertThat(mapped.get()).isSameAs(made);
    }
  }

  @Test
  void map_versionIdThatASourceReuses_isMadeAgain() {
    try (var f = new CacheFixture(o -> o.minimumInterval(Duration.ZERO))) {
      Supplier<Object> mapped = f.cache.handle(ID).map(new Maker()::make);
      Object unused = mapped.get();
      f.source.put(ID, 1, "changed", "AWSCURRENT");
      f.cache.refresh(ID);

      assertThat(mapped.get()).isEqualTo("changed #2");
    }
  }

  @Test
  void map_twoVersionsOfOneText_areMadeEach() {
    try (var f = new CacheFixture(o -> o.minimumInterval(Duration.ZERO))) {
      Supplier<Object> mapped = f.cache.handle(ID).map(SecretValue::versionId);
      Object unused = mapped.get();
      f.rotate(2, "one");
      f.cache.refresh(ID);

      assertThat(mapped.get()).isEqualTo(FakeSource.version(2));
    }
  }

  @Test
  void map_makerThatFails_failsTheReaderAndIsCalledAgain() {
    try (var f = new CacheFixture()) {
      var calls = new AtomicInteger();
      Supplier<String> mapped =
          f.cache
              .handle(ID)
              .map(
                  value -> {
                    if (calls.incrementAndGet() < 3) {
                      throw new IllegalStateException("not yet");
                    }
                    return "made";
                  });

      assertThatThrownBy(mapped::get).isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(mapped::get).isInstanceOf(IllegalStateException.class);
      assertThat(mapped.get()).isEqualTo("made");
      assertThat(mapped.get()).isEqualTo("made");
      assertThat(calls).hasValue(3);
    }
  }

  @Test
  void map_byManyThreadsWhileVersionsChange_neverGivesAnOldOneForANew() {
    var source = new FakeSource();
    source.put(ID, 1, "1", "AWSCURRENT");
    try (SecretCache cache =
        SecretCache.builder().source(source).minimumInterval(Duration.ZERO).build()) {
      Supplier<Integer> mapped = cache.handle(ID).map(value -> Integer.parseInt(value.asString()));
      var published = new AtomicInteger(1);
      var readers =
          Crew.of(
              8,
              () -> {
                while (published.get() < 100) {
                  int least = published.get();
                  assertThat(mapped.get()).isGreaterThanOrEqualTo(least);
                }
                return true;
              });
      for (int i = 2; i <= 100; i++) {
        source.put(ID, i, "" + i, "AWSCURRENT");
        cache.refresh(ID);
        published.set(i);
      }
      assertThat(readers.values()).hasSize(8);
      assertThat(mapped.get()).isEqualTo(100);
    }
  }
}
