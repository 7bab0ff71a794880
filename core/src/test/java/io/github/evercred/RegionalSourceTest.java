package io.github.evercred;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.github.evercred.SecretException.Reason;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The choice between regions, with sources and time that do as the test says. */
@Timeout(60)
class RegionalSourceTest {
  private static final String ID = "prod/orders/db";
  private static final Duration ATTEMPT = Duration.ofSeconds(2);
  private static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");

  private final FakeTime time = new FakeTime();
  private final Place west = new Place("eu-west-1");
  private final Place central = new Place("eu-central-1");
  private final Place north = new Place("eu-north-1");
  private final RegionalSource source = of(west, central);

  private RegionalSource of(Place primary, Place... replicas) {
    var builder = RegionalSource.builder().primary(primary.region, primary);
    for (Place replica : replicas) {
      builder.replica(replica.region, replica);
    }
    return builder.build(time);
  }

  private static String arn(String region) {
    return "arn:aws:secretsmanager:" + region + ":111122223333:secret:" + ID + "-AbCdEf";
  }

  /** Secrets Manager in one region: one secret, whose version has a number. */
  private final class Place implements SecretSource {
    final String region;
    final List<SecretRequest> asked = new ArrayList<>();
    final List<List<String>> batches = new ArrayList<>();
    final Map<String, Reason> perSecret = new HashMap<>();
    int version = 1;
    Instant created = NOON;
    @Nullable Reason failure;
    @Nullable Runnable before;
    boolean hangs;
    int checkpoints;
    int closed;

    Place(String region) {
      this.region = region;
    }

    void has(int number, Instant createdAt) {
      version = number;
      created = createdAt;
    }

    private void enter(Duration timeout) {
      if (before != null) {
        before.run();
      }
      if (hangs) {
        time.advance(timeout);
        throw new SecretException(Reason.UNAVAILABLE, "no answer within " + timeout, null);
      }
      if (failure != null) {
        throw new SecretException(failure, "as the test says", null);
      }
    }

    @Override
    public SecretValue fetch(SecretRequest request) {
      asked.add(request);
      enter(request.timeout());
      return value(request.secretId());
    }

    private SecretValue value(String id) {
      return SecretValue.builder(id, FakeSource.version(version))
          .arn(arn(region))
          .createdAt(created)
          .labels(Set.of("AWSCURRENT"))
          .text(region + " " + version);
    }

    @Override
    public int batchSize() {
      return 20;
    }

    @Override
    public SecretBatch fetchBatch(List<String> ids, Duration timeout) {
      batches.add(ids);
      enter(timeout);
      var values = new HashMap<String, SecretValue>();
      var failures = new HashMap<String, SecretException>();
      for (String id : ids) {
        Reason reason = perSecret.get(id);
        if (reason == null) {
          values.put(id, value(id));
        } else {
          failures.put(id, new SecretException(reason, "as the test says", null));
        }
      }
      return new SecretBatch(values, failures);
    }

    @Override
    public void beforeCheckpoint() {
      checkpoints++;
    }

    @Override
    public void close() {
      closed++;
      if (failure != null) {
        throw new IllegalStateException(region);
      }
    }

    @Override
    public String description() {
      return region;
    }
  }

  private static SecretRequest request(String id) {
    return new SecretRequest(id, VersionSelector.CURRENT, ATTEMPT, false);
  }

  private String read() {
    return source.fetch(request(ID)).asString();
  }

  private Reason failure(RegionalSource from, String id) {
    return catchThrowableOfType(SecretException.class, () -> from.fetch(request(id))).reason();
  }

  private static Reason reason(SecretBatch batch, String id) {
    return Objects.requireNonNull(batch.failures().get(id)).reason();
  }

  @Test
  void primary_answers_isAskedAlone() {
    assertThat(read()).isEqualTo("eu-west-1 1");

    assertThat(central.asked).isEmpty();
    assertThat(source.regions())
        .containsExactly(
            new RegionReport("eu-west-1", 1, 0, Duration.ZERO),
            new RegionReport("eu-central-1", 0, 0, Duration.ZERO));
  }

  @Test
  void primary_hangs_leavesHalfOfTheAttemptToTheReplica() {
    west.hangs = true;

    assertThat(read()).isEqualTo("eu-central-1 1");

    assertThat(west.asked.get(0).timeout()).isEqualTo(Duration.ofSeconds(1));
    assertThat(central.asked.get(0).timeout()).isEqualTo(Duration.ofSeconds(1));
  }

  @Test
  void threeRegions_hang_haveHalfOfWhatIsLeftEach() {
    west.hangs = true;
    central.hangs = true;

    assertThat(of(west, central, north).fetch(request(ID)).asString()).isEqualTo("eu-north-1 1");

    assertThat(central.asked.get(0).timeout()).isEqualTo(Duration.ofMillis(500));
    assertThat(north.asked.get(0).timeout()).isEqualTo(Duration.ofMillis(500));
  }

  @ParameterizedTest
  @EnumSource(
      value = Reason.class,
      names = {"UNAVAILABLE", "THROTTLED", "AWS_CREDENTIALS"})
  void primary_givesNoAnswer_isLeftAloneForDoublingTimes(Reason reason) {
    west.failure = reason;

    int expected = 0;
    for (int seconds : new int[] {2, 4, 8, 16, 30, 30}) {
      assertThat(read()).isEqualTo("eu-central-1 1");
      assertThat(west.asked).hasSize(++expected);
      assertThat(source.regions().get(0).avoidedFor()).isEqualTo(Duration.ofSeconds(seconds));
      time.advance(Duration.ofSeconds(seconds).minusMillis(1));
      assertThat(read()).isEqualTo("eu-central-1 1");
      assertThat(west.asked).hasSize(expected);
      time.advance(Duration.ofMillis(1));
    }
    west.failure = null;
    assertThat(read()).isEqualTo("eu-west-1 1");
    assertThat(source.regions().get(0).avoidedFor()).isZero();

    west.failure = reason; // The next time begins with 2 s again.
    assertThat(read()).isEqualTo("eu-central-1 1");
    assertThat(source.regions().get(0).avoidedFor()).isEqualTo(Duration.ofSeconds(2));
  }

  @ParameterizedTest
  @EnumSource(
      value = Reason.class,
      mode = EnumSource.Mode.EXCLUDE,
      names = {"UNAVAILABLE", "THROTTLED", "AWS_CREDENTIALS"})
  void primary_saysNo_isTheAnswer(Reason reason) {
    west.failure = reason;

    assertThat(failure(source, ID)).isEqualTo(reason);

    assertThat(central.asked).isEmpty();
    assertThat(source.regions().get(0))
        .isEqualTo(new RegionReport("eu-west-1", 1, 0, Duration.ZERO));
  }

  @ParameterizedTest
  @EnumSource(
      value = Reason.class,
      names = {"NOT_FOUND", "ACCESS_DENIED", "KMS_DENIED", "MARKED_FOR_DELETION", "CONFIGURATION"})
  void replica_saysNo_isNoAnswer(Reason reason) {
    west.failure = Reason.THROTTLED;
    central.failure = reason;

    assertThatThrownBy(this::read)
        .isInstanceOf(SecretException.class)
        .hasMessageContainingAll("eu-west-1: as the test says", "eu-central-1: as the test says")
        .satisfies(e -> assertThat(e.getSuppressed()).hasSize(1))
        .satisfies(e -> assertThat(((SecretException) e).isFromASourceThatAnswers()).isTrue())
        .extracting(e -> ((SecretException) e).reason())
        .isEqualTo(Reason.THROTTLED);
    assertThat(source.regions().get(1))
        .isEqualTo(new RegionReport("eu-central-1", 0, 1, Duration.ZERO));
  }

  /** The cache's breaker is for a source that says nothing. */
  @Test
  void allRegions_away_areASourceThatDoesNotAnswer() {
    west.failure = Reason.UNAVAILABLE;
    central.failure = Reason.UNAVAILABLE;

    assertThatThrownBy(this::read)
        .isInstanceOfSatisfying(
            SecretException.class, e -> assertThat(e.isFromASourceThatAnswers()).isFalse());
  }

  /** Most secrets have no AWSPENDING most of the time, and a login must be able to know that. */
  @Test
  void replica_hasNoSuchLabel_isBelievedForOthersThanCurrent() {
    west.failure = Reason.UNAVAILABLE;
    central.failure = Reason.NOT_FOUND;
    var pending = new SecretRequest(ID, VersionSelector.PENDING, ATTEMPT, false);

    assertThat(catchThrowableOfType(SecretException.class, () -> source.fetch(pending)).reason())
        .isEqualTo(Reason.NOT_FOUND);
    assertThat(failure(source, ID)).isEqualTo(Reason.UNAVAILABLE);
  }

  @Test
  void rollbackOverTwoVersions_isNotUndoneByAReplica() {
    for (int version = 1; version <= 3; version++) {
      west.has(version, NOON.plusSeconds(version));
      assertThat(read()).isEqualTo("eu-west-1 " + version);
    }
    west.has(1, NOON.plusSeconds(1));
    assertThat(read()).isEqualTo("eu-west-1 1");
    west.failure = Reason.UNAVAILABLE;

    for (int version = 2; version <= 3; version++) {
      central.has(version, NOON.plusSeconds(version));
      assertThat(failure(source, ID)).isEqualTo(Reason.UNAVAILABLE);
    }
    central.has(1, NOON.plusSeconds(1));
    assertThat(read()).isEqualTo("eu-central-1 1");
  }

  @Test
  void batch_throttledByItsOwnQuota_doesNotLeaveThePrimaryAlone() {
    west.failure = Reason.THROTTLED;

    SecretBatch batch = source.fetchBatch(List.of("a"), ATTEMPT);

    assertThat(batch.values()).isEmpty();
    assertThat(batch.failures()).isEmpty();
    assertThat(central.batches).isEmpty();
    assertThat(source.regions().get(0).avoidedFor()).isZero();
  }

  /** Or a replica that may not be read would keep a primary that is back from being read. */
  @Test
  void primary_leftAlone_isAskedWhenTheReplicaHasNoAnswer() {
    west.failure = Reason.UNAVAILABLE;
    assertThat(read()).isEqualTo("eu-central-1 1");
    west.failure = null;
    central.failure = Reason.ACCESS_DENIED;

    assertThat(read()).isEqualTo("eu-west-1 1");

    assertThat(source.regions().get(0).avoidedFor()).isZero();
  }

  /** One fetch tries a region again; those that come meanwhile do not hang with it. */
  @Test
  void primary_triedAgain_isTriedByOne() throws Exception {
    west.failure = Reason.UNAVAILABLE;
    assertThat(read()).isEqualTo("eu-central-1 1");
    time.advance(Duration.ofSeconds(2));
    west.failure = null;
    var inside = new CountDownLatch(1);
    var go = new CountDownLatch(1);
    west.before =
        () -> {
          inside.countDown();
          try {
            assertThat(go.await(30, TimeUnit.SECONDS)).isTrue();
          } catch (InterruptedException e) {
            throw new AssertionError(e);
          }
        };
    Crew<String> trying = Crew.of(1, this::read);
    assertThat(inside.await(30, TimeUnit.SECONDS)).isTrue();

    assertThat(read()).isEqualTo("eu-central-1 1");

    assertThat(west.asked).hasSize(2);
    go.countDown();
    assertThat(trying.value()).isEqualTo("eu-west-1 1");
  }

  @Test
  void call_stopped_asksNoOtherRegionAndSaysNothingOfThisOne() {
    west.failure = Reason.UNAVAILABLE;
    west.before = () -> Thread.currentThread().interrupt();

    assertThat(failure(source, ID)).isEqualTo(Reason.UNAVAILABLE);

    assertThat(Thread.interrupted()).isTrue();
    assertThat(central.asked).isEmpty();
    assertThat(source.regions().get(0).avoidedFor()).isZero();
  }

  /** Its thread was interrupted because it did not heed its time-out. */
  @Test
  void call_stoppedAfterItsTime_leavesTheRegionAloneAndAsksNoOther() {
    west.hangs = true;
    west.before = () -> Thread.currentThread().interrupt();

    assertThat(failure(source, ID)).isEqualTo(Reason.UNAVAILABLE);

    assertThat(Thread.interrupted()).isTrue();
    assertThat(central.asked).isEmpty();
    assertThat(source.regions().get(0).avoidedFor()).isEqualTo(Duration.ofSeconds(2));
  }

  /** While the first call to the primary is under way. */
  private void during(Runnable what) {
    west.before =
        () -> {
          west.before = null;
          time.advance(Duration.ofMillis(1));
          what.run();
        };
  }

  @Test
  void failures_ofCallsUnderWayTogether_countOnce() {
    west.failure = Reason.UNAVAILABLE;
    during(this::read);

    assertThat(read()).isEqualTo("eu-central-1 1");

    assertThat(west.asked).hasSize(2);
    assertThat(source.regions().get(0).avoidedFor()).isEqualTo(Duration.ofSeconds(2));
  }

  @Test
  void answer_toACallFromBeforeAFailure_doesNotSayThatTheRegionIsBack() {
    west.failure = Reason.UNAVAILABLE;
    during(
        () -> {
          assertThat(read()).isEqualTo("eu-central-1 1");
          west.failure = null;
        });

    assertThat(read()).isEqualTo("eu-west-1 1");

    assertThat(source.regions().get(0).avoidedFor()).isEqualTo(Duration.ofSeconds(2));
  }

  @Test
  void answer_thatComesLate_doesNotCountAsTheLast() {
    during(
        () -> {
          west.has(2, NOON);
          assertThat(read()).isEqualTo("eu-west-1 2");
          west.has(1, NOON.minusSeconds(60));
        });
    assertThat(read()).isEqualTo("eu-west-1 1");
    west.failure = Reason.UNAVAILABLE;
    central.has(2, NOON);

    assertThat(read()).isEqualTo("eu-central-1 2");
  }

  @Test
  void primary_failsWithAnythingElse_isNoAnswer() {
    west.before =
        () -> {
          throw new IllegalStateException("broken");
        };

    assertThat(read()).isEqualTo("eu-central-1 1");
  }

  @Test
  void replica_olderThanWhatWasHad_isNotHeard() {
    west.has(2, NOON);
    assertThat(read()).isEqualTo("eu-west-1 2");
    west.failure = Reason.UNAVAILABLE;
    central.has(1, NOON.minusSeconds(60));

    assertThatThrownBy(this::read)
        .hasMessageContainingAll(
            FakeSource.version(1), "lags behind version " + FakeSource.version(2))
        .extracting(e -> ((SecretException) e).reason())
        .isEqualTo(Reason.UNAVAILABLE);

    central.has(2, NOON); // It has caught up.
    assertThat(read()).isEqualTo("eu-central-1 2");
    central.has(3, NOON.plusSeconds(60)); // Replicated before the primary fell.
    assertThat(read()).isEqualTo("eu-central-1 3");
  }

  @Test
  void replica_olderByAnotherIdOfTheSecret_isNotHeard() {
    west.has(2, NOON);
    assertThat(read()).isEqualTo("eu-west-1 2");
    west.failure = Reason.UNAVAILABLE;
    central.has(1, NOON.minusSeconds(60));

    assertThat(failure(source, arn("eu-west-1"))).isEqualTo(Reason.UNAVAILABLE);
    assertThat(failure(source, arn("eu-central-1"))).isEqualTo(Reason.UNAVAILABLE);
  }

  @Test
  void otherReplica_newEnough_isHeardInsteadOfOneThatLags() {
    RegionalSource three = of(west, central, north);
    west.has(2, NOON);
    assertThat(three.fetch(request(ID)).asString()).isEqualTo("eu-west-1 2");
    west.failure = Reason.UNAVAILABLE;
    north.has(2, NOON);

    assertThat(three.fetch(request(ID)).asString()).isEqualTo("eu-north-1 2");
  }

  @Test
  void primary_older_stands() {
    west.has(2, NOON);
    assertThat(read()).isEqualTo("eu-west-1 2");

    west.has(1, NOON.minusSeconds(60)); // An operator has taken the change back.
    assertThat(read()).isEqualTo("eu-west-1 1");

    west.failure = Reason.UNAVAILABLE;
    central.has(2, NOON); // The replica has not heard of it.
    assertThat(failure(source, ID)).isEqualTo(Reason.UNAVAILABLE);
    central.has(1, NOON.minusSeconds(60));
    assertThat(read()).isEqualTo("eu-central-1 1");
  }

  @Test
  void explicitVersion_ofAReplica_isAlwaysHeard() {
    west.has(2, NOON);
    assertThat(read()).isEqualTo("eu-west-1 2");
    west.failure = Reason.UNAVAILABLE;
    central.has(1, NOON.minusSeconds(60));

    SecretRequest first =
        new SecretRequest(ID, VersionSelector.versionId(FakeSource.version(1)), ATTEMPT);
    assertThat(source.fetch(first).asString()).isEqualTo("eu-central-1 1");
  }

  @Test
  void known_thousands_isBounded() {
    west.has(2, NOON);
    assertThat(read()).isEqualTo("eu-west-1 2");
    for (int i = 0; i < 20_000; i++) {
      source.fetch(request("other/" + i));
    }
    // The ARN is every secret's here, and just used; the name is forgotten, and nothing grows.
    assertThat(source)
        .extracting("known")
        .asInstanceOf(org.assertj.core.api.InstanceOfAssertFactories.MAP)
        .hasSize(10_000);
  }

  @Test
  void arn_ofARegion_isThatOfTheRegionAskedAndAnsweredAsThePrimarys() {
    SecretValue value = source.fetch(request(arn("eu-central-1")));
    assertThat(west.asked.get(0).secretId()).isEqualTo(arn("eu-west-1"));
    assertThat(value.secretId()).isEqualTo(arn("eu-central-1"));
    assertThat(value.arn()).contains(arn("eu-west-1"));

    west.failure = Reason.UNAVAILABLE;
    value = source.fetch(request(arn("eu-west-1")));
    assertThat(central.asked.get(0).secretId()).isEqualTo(arn("eu-central-1"));
    assertThat(value.secretId()).isEqualTo(arn("eu-west-1"));
    assertThat(value.arn()).contains(arn("eu-west-1"));
  }

  @Test
  void otherIds_areAskedAsTheyAre() {
    for (String id :
        List.of(
            "a/name",
            arn("us-east-1"), // Another secret may have that name here.
            "arn:aws:ssm:eu-west-1:111122223333:parameter/a",
            "arn:aws:secretsmanager:eu-west-1",
            "arn:")) {
      west.asked.clear();
      source.fetch(request(id));
      assertThat(west.asked.get(0).secretId()).isEqualTo(id);
    }
  }

  @Test
  void request_freshAndVersion_arePassedOn() {
    west.failure = Reason.UNAVAILABLE;
    var pending = VersionSelector.label("AWSPENDING");

    source.fetch(new SecretRequest(ID, pending, ATTEMPT, true));

    assertThat(central.asked.get(0).fresh()).isTrue();
    assertThat(central.asked.get(0).version()).isEqualTo(pending);
  }

  @Test
  void batch_primaryAway_isTheReplicasUnderTheIdsThatWereAsked() {
    west.failure = Reason.UNAVAILABLE;
    central.perSecret.put("b", Reason.NOT_FOUND);

    SecretBatch batch =
        source.fetchBatch(List.of("a", "b", arn("eu-west-1"), arn("eu-central-1")), ATTEMPT);

    assertThat(central.batches).containsExactly(List.of("a", "b", arn("eu-central-1")));
    assertThat(batch.values()).containsOnlyKeys("a", arn("eu-west-1"), arn("eu-central-1"));
    assertThat(batch.values().get(arn("eu-west-1")))
        .returns(arn("eu-west-1"), SecretValue::secretId)
        .returns("eu-central-1 1", SecretValue::asString);
    assertThat(batch.failures()).containsOnlyKeys("b");
    assertThat(reason(batch, "b")).isEqualTo(Reason.UNAVAILABLE);
  }

  @Test
  void batch_replicaLags_failsForThatSecret() {
    west.has(2, NOON);
    assertThat(source.fetchBatch(List.of(ID), ATTEMPT).values()).containsOnlyKeys(ID);
    west.failure = Reason.UNAVAILABLE;

    SecretBatch batch = source.fetchBatch(List.of(ID), ATTEMPT);

    assertThat(batch.values()).isEmpty();
    assertThat(batch.failures().get(ID))
        .hasMessageContaining("lags behind")
        .returns(Reason.UNAVAILABLE, SecretException::reason);
  }

  @Test
  void batch_replicaDeniesBatches_isFetchedOneByOne() {
    west.failure = Reason.UNAVAILABLE;
    central.failure = Reason.ACCESS_DENIED;

    SecretBatch batch = source.fetchBatch(List.of(ID), ATTEMPT);

    assertThat(batch.values()).isEmpty();
    assertThat(batch.failures()).isEmpty();
  }

  @Test
  void batch_primaryDeniesBatches_isToldSo() {
    west.failure = Reason.ACCESS_DENIED;

    assertThatThrownBy(() -> source.fetchBatch(List.of(ID), ATTEMPT))
        .extracting(e -> ((SecretException) e).reason())
        .isEqualTo(Reason.ACCESS_DENIED);
    west.failure = null;
    west.perSecret.put(ID, Reason.NOT_FOUND);
    assertThat(reason(source.fetchBatch(List.of(ID), ATTEMPT), ID)).isEqualTo(Reason.NOT_FOUND);
    assertThat(central.batches).isEmpty();
  }

  @Test
  void checkpointAndClose_arePassedOnToAllAndForgetWhoWasAway() {
    west.failure = Reason.UNAVAILABLE;
    assertThat(read()).isEqualTo("eu-central-1 1");

    source.beforeCheckpoint();
    assertThat(west.checkpoints + central.checkpoints).isEqualTo(2);
    assertThat(source.regions().get(0).avoidedFor()).isZero();

    assertThatThrownBy(source::close).hasMessage("eu-west-1");
    assertThat(west.closed + central.closed).isEqualTo(2);
  }

  @Test
  void builder_wrong_isRejected() {
    assertThatThrownBy(() -> RegionalSource.create("eu-west-1"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("at least one replica");
    assertThatThrownBy(() -> RegionalSource.create("eu-west-1", "eu-west-1"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("eu-west-1 is named twice");
    assertThatThrownBy(() -> RegionalSource.builder().replica("Ireland", west))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("a region's id");
    assertThatThrownBy(
            () -> RegionalSource.builder().primary("eu-west-1", west).primary("eu-west-2", west))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("already set to eu-west-1");
    try (RegionalSource made = RegionalSource.create("eu-west-1", "eu-central-1")) {
      assertThat(made.description()).isEqualTo("eu-west-1, else eu-central-1");
      assertThat(made.batchSize()).isEqualTo(20);
      assertThat(made.hasCache()).isFalse();
    }
  }
}
