package io.github.evercred;

import static io.github.evercred.CacheFixture.ID;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.Entry.Snapshot;
import io.github.evercred.Entry.State;
import io.github.evercred.SecretException.Reason;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** One secret under several ids: what they share, and what they do not. */
@Timeout(60)
class SecretIdentityTest {
  private static final String PARTIAL = FakeSource.partialArn(ID);
  private static final String ARN = PARTIAL + "-AbCdEf";
  private static final List<String> IDS = List.of(ID, PARTIAL, ARN);

  private static String read(CacheFixture f, String id) {
    return f.cache.get(id).asString();
  }

  private static void readAll(CacheFixture f) {
    IDS.forEach(f.cache::get);
  }

  /** Calls for some ids fail. */
  private static void failing(CacheFixture f, Reason reason, String... ids) {
    f.source.script(
        request -> {
          if (List.of(ids).contains(request.secretId())) {
            throw new SecretException(reason, "as the test says", null);
          }
          return null;
        });
  }

  @Test
  void threeIds_readForAnHour_costOneCallAPeriod() {
    try (var f = new CacheFixture()) {
      readAll(f);
      int first = f.source.calls();

      f.passReading(Duration.ofHours(1), Duration.ofSeconds(1), () -> readAll(f));

      assertThat(first).as("name and partial ARN; the ARN is known by then").isEqualTo(2);
      assertThat(f.source.calls() - first).isBetween(11, 14);
    }
  }

  @Test
  void refresh_underOneId_isSeenUnderTheOthers() {
    for (String refreshed : IDS) {
      try (var f = new CacheFixture()) {
        readAll(f);
        f.rotate(2, "two");
        f.time.advance(Duration.ofSeconds(2));
        int calls = f.source.calls();

        assertThat(f.cache.refresh(refreshed).asString()).isEqualTo("two");

        assertThat(IDS).allSatisfy(id -> assertThat(read(f, id)).isEqualTo("two"));
        assertThat(f.source.calls()).isEqualTo(calls + 1);
      }
    }
  }

  @Test
  void secretId_ofEveryValue_isAsItsCallerWroteIt() {
    try (var f = new CacheFixture()) {
      readAll(f);
      assertThat(IDS).allSatisfy(id -> assertThat(f.cache.get(id).secretId()).isEqualTo(id));

      f.rotate(2, "two");
      f.time.advance(Duration.ofSeconds(2));
      f.cache.refresh(PARTIAL);

      assertThat(IDS).allSatisfy(id -> assertThat(f.cache.get(id).secretId()).isEqualTo(id));
      assertThat(IDS)
          .allSatisfy(
              id ->
                  assertThat(f.cache.versions(id).all())
                      .allSatisfy(value -> assertThat(value.secretId()).isEqualTo(id)));
    }
  }

  @Test
  void everyFetch_asksWithTheIdOfItsCaller() {
    try (var f = new CacheFixture()) {
      f.cache.get(PARTIAL);
      f.cache.get(ID);

      assertThat(f.source.calls(PARTIAL)).isEqualTo(1);
      assertThat(f.source.calls(ID)).isEqualTo(1);
    }
  }

  @Test
  void arn_ofWhatIsCached_isServedWithoutACall() {
    try (var f = new CacheFixture()) {
      f.read();
      f.source.failing(Reason.UNAVAILABLE);

      assertThat(read(f, ARN)).isEqualTo("one");
      assertThat(f.cache.get(ARN).secretId()).isEqualTo(ARN);
      assertThat(f.source.calls()).isEqualTo(1);
    }
  }

  @Test
  void arn_ofAnotherLabel_isFetched() {
    try (var f = new CacheFixture()) {
      f.read();
      f.rotate(2, "two");

      assertThat(f.cache.get(ARN, VersionSelector.PREVIOUS).asString()).isEqualTo("one");
      assertThat(f.source.calls(ARN)).isEqualTo(1);
    }
  }

  @Test
  void arn_ofWhatHasLapsed_isFetched() {
    try (var f = new CacheFixture()) {
      f.read();
      f.rotate(2, "two");
      f.time.advance(Duration.ofMinutes(16));

      assertThat(read(f, ARN)).isEqualTo("two");
      assertThat(f.read()).as("and serves the name").isEqualTo("two");
      assertThat(f.source.calls()).isEqualTo(2);
    }
  }

  @Test
  void failure_ofOneId_isNotRememberedForTheOthers() {
    try (var f = new CacheFixture()) {
      failing(f, Reason.ACCESS_DENIED, ID);

      assertThat(f.reason(ID)).isEqualTo(Reason.ACCESS_DENIED);

      assertThat(read(f, PARTIAL)).isEqualTo("one");
      assertThat(read(f, ARN)).isEqualTo("one");
      assertThat(f.reason(ID)).isEqualTo(Reason.ACCESS_DENIED);
    }
  }

  @Test
  void denial_ofOneId_leavesTheBoundOfTheOthersAlone() {
    try (var f = new CacheFixture(o -> o.serveStaleWhenDeniedFor(Duration.ofMinutes(10)))) {
      f.read();
      f.cache.get(PARTIAL);
      failing(f, Reason.ACCESS_DENIED, ID);
      f.time.advance(Duration.ofSeconds(2));

      assertThat(f.drive(() -> f.cache.refresh(ID)).failure().reason())
          .isEqualTo(Reason.ACCESS_DENIED);
      f.source.failing(Reason.UNAVAILABLE); // From now on nobody gets an answer.
      f.passReading(
          Duration.ofMinutes(11),
          Duration.ofSeconds(1),
          () -> {
            f.drive(f::readOrFail);
            f.drive(() -> f.cache.get(PARTIAL));
          });

      assertThat(read(f, PARTIAL)).isEqualTo("one");
      assertThat(f.drive(f::read).failure()).as("denied for ten minutes").isNotNull();
    }
  }

  @Test
  void failures_ofOneId_doNotMakeTheOthersStale() {
    try (var f = new CacheFixture()) {
      f.read();
      f.cache.get(PARTIAL);
      failing(f, Reason.ACCESS_DENIED, ID);
      f.time.advance(Duration.ofSeconds(2));

      assertThat(f.drive(() -> f.cache.refresh(ID)).failure()).isNotNull();

      assertThat(f.cache.statistics().stale()).isEqualTo(1);
    }
  }

  @Test
  void recreated_byName_isTheNewSecretAndTheOldArnIsServedAsDeniedAndThenFails() {
    try (var f = new CacheFixture(o -> o.serveStaleWhenDeniedFor(Duration.ofMinutes(10)))) {
      readAll(f);
      f.source.recreate(ID, "XyZxYz", 7, "new");

      f.passReading(
          Duration.ofMinutes(6),
          Duration.ofSeconds(1),
          () -> {
            f.read();
            f.cache.get(ARN);
          });

      assertThat(f.read()).isEqualTo("new");
      assertThat(f.cache.get(ID).arn()).contains(PARTIAL + "-XyZxYz");
      assertThat(read(f, ARN)).as("denied, but not for long yet").isEqualTo("one");
      assertThat(read(f, PARTIAL + "-XyZxYz")).isEqualTo("new");

      f.passReading(
          Duration.ofMinutes(11),
          Duration.ofSeconds(1),
          () -> {
            f.read();
            f.drive(() -> f.cache.getAsync(ARN));
          });

      assertThat(f.read()).isEqualTo("new");
      assertThat(f.reason(ARN)).isEqualTo(Reason.NOT_FOUND);
    }
  }

  @Test
  void recreated_laterAnswers_doNotCrossOver() {
    try (var f = new CacheFixture()) {
      readAll(f);
      f.source.recreate(ID, "XyZxYz", 7, "new");
      f.time.advance(Duration.ofSeconds(2));
      f.cache.refresh(ID);
      SecretValue old =
          SecretValue.builder(ARN, FakeSource.version(3)).arn(ARN).labels(List.of()).text("three");
      f.source.script(request -> request.secretId().equals(ARN) ? old : null);
      f.time.advance(Duration.ofSeconds(2));

      assertThat(f.cache.refresh(ARN).asString()).isEqualTo("three");

      assertThat(f.read()).isEqualTo("new");
      assertThat(read(f, PARTIAL)).as("has not been told yet").isEqualTo("three");
    }
  }

  @Test
  void arn_deniedUntilItsBound_isNotTakenFromASiblingThatNobodyReads() {
    try (var f = new CacheFixture(o -> o.serveStaleWhenDeniedFor(Duration.ofMinutes(4)))) {
      readAll(f);
      failing(f, Reason.NOT_FOUND, ARN);
      f.time.advance(Duration.ofSeconds(2));
      assertThat(f.drive(() -> f.cache.refresh(ARN)).failure()).isNotNull();

      f.time.advance(Duration.ofSeconds(239));
      assertThat(read(f, ARN)).isEqualTo("one");
      f.time.advance(Duration.ofSeconds(2));

      assertThat(f.reason(ARN)).isEqualTo(Reason.NOT_FOUND);
      f.time.advance(Duration.ofMinutes(1));
      assertThat(f.reason(ARN)).isEqualTo(Reason.NOT_FOUND);
      assertThat(f.read()).isEqualTo("one");
    }
  }

  @Test
  void equalNames_inOtherAccountsAndRegions_neverMerge() {
    try (var f = new CacheFixture()) {
      String here = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:same-AbCdEf";
      String account = "arn:aws:secretsmanager:eu-west-1:999922223333:secret:same-AbCdEf";
      String region = "arn:aws:secretsmanager:us-east-1:111122223333:secret:same-AbCdEf";
      f.source.script(
          request -> {
            String arn = request.secretId().equals("same") ? here : request.secretId();
            return SecretValue.builder(request.secretId(), FakeSource.version(1))
                .arn(arn)
                .labels(List.of("AWSCURRENT"))
                .text("of " + arn);
          });

      assertThat(read(f, "same")).isEqualTo("of " + here);
      assertThat(read(f, account)).isEqualTo("of " + account);
      assertThat(read(f, region)).isEqualTo("of " + region);
      assertThat(read(f, here)).isEqualTo("of " + here);
      f.time.advance(Duration.ofSeconds(2));
      f.cache.refresh(region);

      assertThat(read(f, "same")).isEqualTo("of " + here);
      assertThat(read(f, account)).isEqualTo("of " + account);
      assertThat(f.source.calls()).isEqualTo(4);
    }
  }

  /** Ids whose answer has been made and is held. */
  private final Set<String> answered = ConcurrentHashMap.newKeySet();

  /** Holds the calls for one id, each at a gate of its own. */
  private Consumer<String> gates(CacheFixture f, CountDownLatch name, CountDownLatch arn) {
    f.source.script(
        request -> {
          SecretValue asked = f.source.answer(request);
          answered.add(request.secretId());
          CountDownLatch gate = request.secretId().equals(ID) ? name : arn;
          try {
            assertThat(gate.await(30, TimeUnit.SECONDS)).isTrue();
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
          return asked;
        });
    return id -> Eventually.until(() -> f.source.calls(id) >= 2, () -> "no second call for " + id);
  }

  @Test
  void lateAnswer_ofItsOwnEarlierFlight_losesToTheSiblingsLaterOne() {
    try (var f = new CacheFixture(o -> o.minimumInterval(Duration.ZERO))) {
      f.read();
      f.cache.get(ARN);
      f.source.forgetCalls();
      var name = new CountDownLatch(1);
      var arn = new CountDownLatch(1);
      gates(f, name, arn);
      Crew<SecretValue> own = Crew.of(1, () -> f.cache.refresh(ID));
      Eventually.until(() -> answered.contains(ID), () -> "first");
      f.source.put(ID, 2, "two", "AWSCURRENT");
      Crew<SecretValue> sibling = Crew.of(1, () -> f.cache.refresh(ARN));
      Eventually.until(() -> answered.contains(ARN), () -> "second");

      arn.countDown();
      assertThat(sibling.value().asString()).isEqualTo("two");
      assertThat(f.read()).isEqualTo("two");
      name.countDown();
      assertThat(own.value().asString()).as("what it fetched").isEqualTo("one");

      assertThat(f.read()).as("what is cached").isEqualTo("two");
      assertThat(read(f, ARN)).isEqualTo("two");
    }
  }

  @Test
  void lateAnswer_ofTheSiblingsEarlierFlight_losesToItsOwnLaterOne() {
    try (var f = new CacheFixture(o -> o.minimumInterval(Duration.ZERO))) {
      f.read();
      f.cache.get(ARN);
      f.source.forgetCalls();
      var name = new CountDownLatch(1);
      var arn = new CountDownLatch(1);
      gates(f, name, arn);
      Crew<SecretValue> sibling = Crew.of(1, () -> f.cache.refresh(ARN));
      Eventually.until(() -> answered.contains(ARN), () -> "first");
      f.source.put(ID, 2, "two", "AWSCURRENT");
      Crew<SecretValue> own = Crew.of(1, () -> f.cache.refresh(ID));
      Eventually.until(() -> answered.contains(ID), () -> "second");

      name.countDown();
      assertThat(own.value().asString()).isEqualTo("two");
      arn.countDown();
      assertThat(sibling.value().asString()).isEqualTo("one");

      assertThat(f.read()).isEqualTo("two");
      assertThat(read(f, ARN)).isEqualTo("two");
    }
  }

  @Test
  void publish_ofAnotherSecretsAnswer_isTakenFromItsOwnFlightOnly() {
    Freshness freshness = new Freshness(1L << 40, 1L << 41, 1L << 42, 1L << 42);
    Moment now = new Moment(0, 0);
    Snapshot held = freshness.fetched(named("old"), 5, now, 0);
    Snapshot another = freshness.fetched(named("new"), 7, now, 0);
    Entry entry = new Entry(new Key(ID, VersionSelector.CURRENT), held);

    assertThat(entry.publish(another, false)).as("it has just changed groups").isNull();
    assertThat(entry.snapshot().value()).isSameAs(held.value());
    assertThat(entry.publish(another, true)).isSameAs(held);
    assertThat(entry.snapshot().value()).isSameAs(another.value());
  }

  private static SecretValue named(String arn) {
    return SecretValue.builder(ID, "v").arn(arn).text(arn);
  }

  @Test
  void eviction_ofOneId_leavesTheOthers() {
    try (var f = new CacheFixture(o -> o.maximumSecrets(2))) {
      f.read();
      f.cache.get(ARN);
      for (int i = 0; i < 20; i++) {
        f.source.put("other" + i, 1, "x", "AWSCURRENT");
        f.cache.get("other" + i);
        f.cache.get(ARN);
      }
      f.rotate(2, "two");
      f.time.advance(Duration.ofSeconds(2));

      assertThat(f.cache.refresh(ARN).asString()).isEqualTo("two");
      assertThat(f.read()).isEqualTo("two");
      assertThat(f.cache.size()).isLessThanOrEqualTo(2);
    }
  }

  @Test
  void expiry_ofOneId_leavesTheOthers() {
    try (var f = new CacheFixture(o -> o.serveStaleWhenDeniedFor(Duration.ZERO))) {
      f.read();
      f.cache.get(PARTIAL);
      failing(f, Reason.ACCESS_DENIED, ID);
      f.time.advance(Duration.ofSeconds(2));

      assertThat(f.drive(() -> f.cache.refresh(ID)).failure()).isNotNull();

      assertThat(f.reason(ID)).isEqualTo(Reason.ACCESS_DENIED);
      assertThat(read(f, PARTIAL)).isEqualTo("one");
      assertThat(f.source.calls(PARTIAL)).isEqualTo(1);
      f.source.healthy();
      f.rotate(2, "two");
      f.time.advance(Duration.ofSeconds(2));
      f.cache.refresh(PARTIAL);
      assertThat(f.cache.entry(new Key(ID, VersionSelector.CURRENT))).isNull();
    }
  }

  @Test
  void groups_ofWhatIsNoLongerHeld_areForgotten() {
    try (var f = new CacheFixture(o -> o.maximumSecrets(50))) {
      for (int i = 0; i < 3_000; i++) {
        String name = "secret" + i;
        f.source.put(name, 1, "x", "AWSCURRENT");
        f.cache.get(name);
        f.cache.get(f.source.arn(name));
        f.source.recreate(name, "XyZxYz", 2, "y");
      }
      f.rest();

      assertThat(f.cache.size()).isLessThanOrEqualTo(50);
      assertThat(f.cache.groups()).isLessThanOrEqualTo(f.cache.size());
      f.cache.close();
      assertThat(f.cache.groups()).isZero();
    }
  }

  @Test
  void groups_ofASecretRecreatedOften_areThoseOfToday() {
    try (var f = new CacheFixture(o -> o.minimumInterval(Duration.ZERO))) {
      f.read();
      for (int i = 0; i < 500; i++) {
        f.source.recreate(ID, "s%05d".formatted(i), i + 2, "x");
        f.cache.refresh(ID);
      }

      assertThat(f.cache.groups()).isEqualTo(1);
      f.cache.invalidate(ID);
      assertThat(f.cache.groups()).isZero();
    }
  }

  @Test
  void wrongIds_byTheThousand_pushNothingOut() {
    try (var f = new CacheFixture(o -> o.maximumSecrets(10))) {
      f.read();
      for (int i = 0; i < 3_000; i++) {
        assertThat(f.reason("wrong" + i)).isEqualTo(Reason.NOT_FOUND);
      }
      f.source.failing(Reason.UNAVAILABLE);

      assertThat(f.read()).isEqualTo("one");
      assertThat(f.cache.size()).isEqualTo(1);
    }
  }

  @Test
  void due_whileASiblingIsFetched_startsNoCallOfItsOwnAndComesBackIfThatFails() {
    try (var f = new CacheFixture()) {
      f.read();
      f.cache.get(PARTIAL);
      f.time.advance(Duration.ofMinutes(10)); // Both due: nobody has read them.
      f.rest();
      f.source.failing(Reason.UNAVAILABLE);
      f.source.hold();
      f.read();
      f.source.awaitHeld(1);

      f.cache.get(PARTIAL);
      assertThat(f.source.calls()).isEqualTo(3);
      f.source.release();
      f.rest();
      f.source.healthy();
      f.rotate(2, "two");
      f.cache.get(PARTIAL);
      f.passReading(Duration.ofSeconds(25), Duration.ofSeconds(1), () -> f.cache.get(PARTIAL));

      assertThat(read(f, PARTIAL)).isEqualTo("two");
    }
  }

  @Test
  void close_whileOneIdIsHeldByAHandle_makesAllFail() {
    try (var f = new CacheFixture()) {
      SecretHandle handle = f.cache.handle(ARN);
      f.read();
      handle.get();
      Entry entry =
          Objects.requireNonNull(f.cache.entry(new Key(ARN, VersionSelector.CURRENT)), "entry");

      f.cache.close();

      assertThat(entry.snapshot().state()).isEqualTo(State.GONE);
      assertThat(f.reason(ID)).isEqualTo(Reason.CLOSED);
      assertThat(f.reason(ARN)).isEqualTo(Reason.CLOSED);
    }
  }
}
