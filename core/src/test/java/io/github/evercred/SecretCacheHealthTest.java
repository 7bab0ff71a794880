package io.github.evercred;

import static io.github.evercred.CacheFixture.ID;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.SecretCacheHealth.Breaker;
import io.github.evercred.SecretCacheHealth.Condition;
import io.github.evercred.SecretCacheHealth.Status;
import io.github.evercred.SecretCacheHealth.Trouble;
import io.github.evercred.SecretException.Reason;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a cache says of itself: its health in each state, and its diagnosis. */
@Timeout(60)
class SecretCacheHealthTest {
  private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

  private static Trouble only(SecretCacheHealth health) {
    assertThat(health.troubles()).hasSize(1);
    return health.troubles().get(0);
  }

  @Test
  void unusedCache_isUpAndHasHadNoSuccess() {
    try (var f = new CacheFixture()) {
      assertThat(f.cache.health())
          .isEqualTo(new SecretCacheHealth(Status.UP, Breaker.CLOSED, null, List.of()));
    }
  }

  @Test
  void outage_goesFromUpOverStaleToDownAndBack() {
    try (var o = new Observed(options -> options)) {
      o.f.read();
      assertThat(o.f.cache.health())
          .isEqualTo(new SecretCacheHealth(Status.UP, Breaker.CLOSED, START, List.of()));

      o.f.time.advance(Duration.ofSeconds(20));
      o.fail(Reason.UNAVAILABLE);
      SecretCacheHealth stale = o.f.cache.health();
      assertThat(stale.status()).isEqualTo(Status.STALE);
      assertThat(stale.lastSuccess()).isEqualTo(START);
      assertThat(only(stale).condition()).isEqualTo(Condition.STALE);
      assertThat(only(stale).versionId()).isEqualTo(FakeSource.version(1));
      assertThat(only(stale).reason()).isEqualTo(Reason.UNAVAILABLE);
      Instant since = only(stale).since();
      assertThat(since).isBetween(START.plusSeconds(20), START.plusSeconds(21));

      o.fail(Reason.ACCESS_DENIED);
      assertThat(only(o.f.cache.health()))
          .as("the first failure's time, the last one's reason")
          .isEqualTo(
              new Trouble(
                  ID,
                  VersionSelector.CURRENT,
                  Condition.STALE,
                  since,
                  Reason.ACCESS_DENIED,
                  FakeSource.version(1)));

      o.expire();
      SecretCacheHealth down = o.f.cache.health();
      assertThat(down.status()).isEqualTo(Status.DOWN);
      assertThat(only(down).condition()).isEqualTo(Condition.EXPIRED);
      assertThat(only(down).since()).isEqualTo(since);
      assertThat(only(down).versionId()).isEqualTo(FakeSource.version(1));

      o.recover();
      assertThat(o.f.cache.health().status()).isEqualTo(Status.UP);
      assertThat(o.f.cache.health().lastSuccess()).isAfter(START.plus(Duration.ofMinutes(10)));
      assertThat(o.f.cache.health().troubles()).isEmpty();

      Instant again = o.f.time.wall();
      o.fail(Reason.THROTTLED);
      assertThat(only(o.f.cache.health()).since()).isAfterOrEqualTo(again);
    }
  }

  @Test
  void secretThatCannotBeHad_isFailing_untilNobodyAsksAnyMore() {
    try (var f = new CacheFixture()) {
      f.read();
      assertThat(f.reason("absent")).isEqualTo(Reason.NOT_FOUND);

      assertThat(f.cache.health().status()).isEqualTo(Status.DOWN);
      assertThat(only(f.cache.health()))
          .isEqualTo(
              new Trouble(
                  "absent",
                  VersionSelector.CURRENT,
                  Condition.FAILING,
                  START,
                  Reason.NOT_FOUND,
                  null));
      f.time.advance(Duration.ofMinutes(9));
      assertThat(f.reason("absent")).isEqualTo(Reason.NOT_FOUND);
      f.time.advance(Duration.ofMinutes(9));
      f.rest();
      assertThat(only(f.cache.health()).since()).isEqualTo(START);
      f.time.advance(Duration.ofMinutes(1));
      f.rest();
      assertThat(f.cache.health().status()).isEqualTo(Status.UP);
    }
  }

  @Test
  void labelThatIsOff_isNoTrouble() {
    try (var f = new CacheFixture()) {
      f.read();
      try {
        f.cache.get(ID, VersionSelector.PENDING);
        throw new AssertionError("there is none");
      } catch (SecretException e) {
        assertThat(e.reason()).isEqualTo(Reason.NOT_FOUND);
      }

      assertThat(f.cache.health().status()).isEqualTo(Status.UP);
    }
  }

  @Test
  void invalidate_forgetsTheTrouble() {
    try (var o = new Observed(options -> options)) {
      o.f.read();
      o.fail(Reason.UNAVAILABLE);
      o.f.cache.invalidate(ID);

      assertThat(o.f.cache.health().status()).isEqualTo(Status.UP);
    }
  }

  @Test
  void breaker_isToldInEachState() {
    try (var o = new Observed(options -> options)) {
      o.f.read();
      for (int i = 0; i < 4; i++) {
        o.fail(Reason.UNAVAILABLE);
      }
      assertThat(o.f.cache.health().breaker()).isEqualTo(Breaker.OPEN);

      o.f.source.healthy();
      o.f.source.hold();
      o.f.time.jump(Duration.ofSeconds(3));
      Crew<SecretValue> reader = Crew.of(1, () -> o.f.cache.refresh(ID));
      o.f.source.awaitHeld(1);
      assertThat(o.f.cache.health().breaker()).isEqualTo(Breaker.HALF_OPEN);
      o.f.source.release();
      assertThat(reader.value()).isNotNull();
      assertThat(o.f.cache.health().breaker()).isEqualTo(Breaker.CLOSED);
      assertThat(o.f.cache.health().status()).isEqualTo(Status.UP);
    }
  }

  @Test
  void closedCache_isDown() {
    try (var f = new CacheFixture()) {
      f.read();
      f.cache.close();

      assertThat(f.cache.health().status()).isEqualTo(Status.DOWN);
      assertThat(f.cache.health().troubles()).isEmpty();
      assertThat(f.cache.diagnose()).contains("cache: closed");
    }
  }

  @Test
  void cacheThatIsBeingCheckpointed_isDownUntilItIsRestored() {
    try (var o = new Observed(options -> options)) {
      o.f.read();
      o.fail(Reason.UNAVAILABLE);
      o.f.cache.beforeCheckpoint();

      assertThat(o.f.cache.health().status()).isEqualTo(Status.DOWN);
      assertThat(o.f.cache.health().troubles()).isEmpty();
      assertThat(o.f.cache.diagnose()).contains("cache: being checkpointed");
      o.f.source.healthy();
      o.f.cache.afterRestore(0);
      assertThat(o.f.cache.health().status()).isEqualTo(Status.UP);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void healthAndDiagnosis_showNoValue(boolean sealed) throws Exception {
    try (var o = new Observed(options -> sealed ? options.sealed() : options)) {
      var said = new java.util.ArrayList<String>();
      Runnable ask =
          () -> {
            said.add(o.f.cache.health().toString());
            said.add(o.f.cache.diagnose());
            said.add(o.f.cache.statistics().toString());
          };
      ask.run();
      o.rotate();
      o.f.cache.versions(ID);
      ask.run();
      o.fail(Reason.UNAVAILABLE);
      ask.run();
      // As a source of the user's own may say, which knows the value.
      o.f.source.script(
          request -> {
            throw new SecretException(Reason.UNAVAILABLE, "bad: " + Observed.MARKER, null);
          });
      assertThat(o.f.drive(() -> o.f.cache.get("cold")).failure()).hasMessageContaining("MaRkEr");
      ask.run();
      o.recover(); // Or the breaker would keep the denial from being heard.
      o.expire();
      ask.run();

      assertThat(said).noneMatch(text -> text.contains(Observed.MARKER.substring(0, 6)));
      assertThat(said)
          .anyMatch(text -> text.contains("labels [AWSCURRENT, AWSPENDING]"))
          .anyMatch(text -> text.contains("'cold' (AWSCURRENT): UNAVAILABLE"))
          .anyMatch(text -> text.contains("condition=EXPIRED"));
    }
  }

  @Test
  void diagnosis_saysWhereEachOptionCameFrom() {
    var system = new Properties();
    system.setProperty("evercred.minimumInterval", "2s");
    system.setProperty("evercred.role", "arn:aws:iam::111122223333:role/reader");
    system.setProperty("evercred.externalId", Observed.MARKER);
    try (SecretCache cache =
        new SecretCacheBuilder(
                system, Map.of("EVERCRED_SERVE_STALE_FOR", "2h", "EVERCRED_LOCAL_AGENT", "never"))
            .refreshAfter(Duration.ofMinutes(10))
            .listener(new SecretCacheListener() {})
            .build(new FakeTime())) {
      system.setProperty("evercred.minimumInterval", "9s"); // Later: it does not count.

      assertThat(cache.diagnose().lines())
          .contains(
              "cache: open",
              "health: UP",
              "breaker: CLOSED",
              "last success: none",
              "  refreshAfter = PT10M, set in code",
              "  revalidateAfter = PT30M, default",
              "  serveStaleFor = PT2H, environment variable EVERCRED_SERVE_STALE_FOR",
              "  minimumInterval = PT2S, system property evercred.minimumInterval",
              "  maximumSecrets = 1000, default",
              "  localAgent = never, environment variable EVERCRED_LOCAL_AGENT",
              "  externalId = (not shown), system property evercred.externalId",
              "listeners (1):",
              "held, at most 1000 (0):");
      assertThat(cache.diagnose()).doesNotContain(Observed.MARKER);
    }
  }

  @Test
  void diagnosis_showsWhatIsHeldUnderWayAndWhichThreadsThereAre() {
    try (var f = new CacheFixture()) {
      f.read();
      f.time.advance(Duration.ofSeconds(3));
      f.source.hold();
      Crew<String> reader = Crew.of(1, () -> f.cache.get("other").asString());
      f.source.awaitHeld(1);

      assertThat(f.cache.diagnose().lines())
          .contains(
              "  '%s' (AWSCURRENT): version %s, labels [AWSCURRENT], fetched PT3S ago, FRESH, 0 failures in a row"
                  .formatted(ID, FakeSource.version(1)),
              "  'other' (AWSCURRENT): LOAD for PT0S, 1 attempts")
          .anyMatch(line -> line.startsWith("  evercred-fetch-"));
      f.source.release();
      assertThat(reader.failure()).isNotNull();
    }
  }

  @Test
  void page_namesEachFieldAndState() throws Exception {
    String page = Files.readString(Path.of("../docs/observability.md"));
    for (Class<? extends Enum<?>> type : List.of(Status.class, Breaker.class, Condition.class)) {
      for (Enum<?> one : type.getEnumConstants()) {
        assertThat(page).contains("`" + one.name() + "`");
      }
    }
    Stream.of(SecretCacheHealth.class, Trouble.class)
        .flatMap(type -> Stream.of(type.getRecordComponents()))
        .forEach(field -> assertThat(page).contains("`" + field.getName() + "`"));
  }
}
