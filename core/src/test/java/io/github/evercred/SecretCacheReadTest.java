package io.github.evercred;

import static io.github.evercred.CacheFixture.ID;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.evercred.SecretException.Reason;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is read, under which key, and how much is held. */
@Timeout(60)
class SecretCacheReadTest {

  @Test
  void get_cached_returnsTheSameValueWithoutACall() {
    try (var f = new CacheFixture()) {
      SecretValue first = f.cache.get(ID);

      for (int i = 0; i < 1_000; i++) {
        assertThat(f.cache.get(ID)).isSameAs(first);
      }

      assertThat(first.asString()).isEqualTo("one");
      assertThat(f.source.calls()).isEqualTo(1);
    }
  }

  @Test
  void get_missing_asksForTheLabelWithinTheAttemptTimeout() {
    try (var f =
        new CacheFixture(o -> o.loadTimeout(Duration.ofSeconds(3), Duration.ofSeconds(1)))) {
      var asked = new AtomicReference<SecretRequest>();
      f.source.script(
          request -> {
            asked.set(request);
            return f.source.answer(request);
          });

      f.cache.get(ID);

      assertThat(asked.get())
          .isEqualTo(new SecretRequest(ID, VersionSelector.CURRENT, Duration.ofSeconds(1)));
    }
  }

  @Test
  void get_labelsAndVersions_haveKeysOfTheirOwn() {
    try (var f = new CacheFixture()) {
      f.rotate(2, "two"); // AWSPREVIOUS is on 1 now.
      f.source.put(ID, 3, "three", "AWSPENDING", "blue");
      VersionSelector byId = VersionSelector.versionId(FakeSource.version(3));

      for (int i = 0; i < 2; i++) {
        assertThat(f.cache.get(ID).asString()).isEqualTo("two");
        assertThat(f.cache.get(ID, VersionSelector.PREVIOUS).asString()).isEqualTo("one");
        assertThat(f.cache.get(ID, VersionSelector.PENDING).asString()).isEqualTo("three");
        assertThat(f.cache.get(ID, VersionSelector.label("blue")).asString()).isEqualTo("three");
        assertThat(f.cache.get(ID, byId).asString()).isEqualTo("three");
      }

      assertThat(f.source.calls()).as("one for each key").isEqualTo(5);
      assertThat(f.cache.size()).isEqualTo(5);
    }
  }

  @Test
  void get_currentByLabel_sharesTheEntryOfGet() {
    try (var f = new CacheFixture()) {
      SecretValue value = f.cache.get(ID);

      assertThat(f.cache.get(ID, VersionSelector.label("AWSCURRENT"))).isSameAs(value);
      assertThat(f.cache.get(ID, VersionSelector.CURRENT, Duration.ZERO)).isSameAs(value);
      assertThat(f.source.calls()).isEqualTo(1);
    }
  }

  @Test
  void get_versionId_isNeverRefreshed() {
    try (var f = new CacheFixture()) {
      VersionSelector one = VersionSelector.versionId(FakeSource.version(1));
      SecretValue value = f.cache.get(ID, one);

      for (int day = 0; day < 60; day++) {
        f.time.advance(Duration.ofDays(1));
        assertThat(f.cache.get(ID, one)).isSameAs(value);
      }

      assertThat(f.source.calls()).isEqualTo(1);
      f.awaitScheduled(0);
    }
  }

  @Test
  void get_otherLabels_areRefreshedToo() {
    try (var f = new CacheFixture()) {
      f.source.put(ID, 2, "two", "AWSPENDING");
      f.cache.get(ID, VersionSelector.PENDING);
      f.cache.get(ID, VersionSelector.PENDING);
      f.source.put(ID, 3, "three", "AWSPENDING");

      f.comeDue();

      assertThat(f.cache.get(ID, VersionSelector.PENDING).asString()).isEqualTo("three");
      assertThat(f.source.calls()).isEqualTo(2);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "  "})
  void get_blankId_isRejectedWithoutACall(String id) {
    try (var f = new CacheFixture()) {
      assertThatThrownBy(() -> f.cache.get(id))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("1 to 2048");
      assertThat(f.source.calls()).isZero();
    }
  }

  @Test
  void get_idTooLong_isRejectedWithoutACall() {
    try (var f = new CacheFixture()) {
      assertThatThrownBy(() -> f.cache.get("x".repeat(2049)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("2049");
      assertThat(f.source.calls()).isZero();
    }
  }

  @Test
  void maximumSecrets_moreRead_holdsNoMoreAndDropsTheirTimers() {
    try (var f = new CacheFixture(o -> o.maximumSecrets(10))) {
      for (int i = 0; i < 200; i++) {
        f.source.put("secret" + i, 1, "value" + i, "AWSCURRENT");
        assertThat(f.cache.get("secret" + i).asString()).isEqualTo("value" + i);
      }

      assertThat(f.cache.size()).isEqualTo(10);
      f.awaitScheduled(10);
    }
  }

  @Test
  void get_evicted_isFetchedAgain() {
    try (var f = new CacheFixture(o -> o.maximumSecrets(1))) {
      f.source.put("other", 1, "value", "AWSCURRENT");
      for (int i = 0; i < 20; i++) {
        assertThat(f.read()).isEqualTo("one");
        assertThat(f.cache.get("other").asString()).isEqualTo("value");
      }
      assertThat(f.cache.size()).isEqualTo(1);
    }
  }

  @Test
  void get_manyWrongIds_pushesOutNoGoodEntry() {
    try (var f = new CacheFixture(o -> o.maximumSecrets(3))) {
      for (int i = 0; i < 3; i++) {
        f.source.put("good" + i, 1, "value" + i, "AWSCURRENT");
        f.cache.get("good" + i);
      }
      for (int i = 0; i < 3_000; i++) {
        String wrong = "wrong" + i;
        assertThatThrownBy(() -> f.cache.get(wrong)).isInstanceOf(SecretException.class);
      }
      f.source.forgetCalls();

      for (int i = 0; i < 3; i++) {
        assertThat(f.cache.get("good" + i).asString()).isEqualTo("value" + i);
      }
      assertThat(f.source.calls()).isZero();
      assertThat(f.cache.size()).isEqualTo(3);
    }
  }

  @Test
  void get_otherLabelFails_leavesCurrentAlone() {
    try (var f = new CacheFixture()) {
      f.cache.get(ID);

      assertThatThrownBy(() -> f.cache.get(ID, VersionSelector.PENDING))
          .isInstanceOfSatisfying(
              SecretException.class, e -> assertThat(e.reason()).isEqualTo(Reason.NOT_FOUND));

      assertThat(f.read()).isEqualTo("one");
      assertThat(f.source.calls()).isEqualTo(2);
    }
  }

  @Test
  void toString_inUse_tellsWhatIsHeldButNoValue() {
    try (var f = new CacheFixture()) {
      f.cache.get(ID);

      assertThat(f.cache).hasToString("SecretCache[eu-west-1, 1 held]");
      f.cache.close();
      assertThat(f.cache).hasToString("SecretCache[eu-west-1, 0 held, closed]");
    }
  }
}
