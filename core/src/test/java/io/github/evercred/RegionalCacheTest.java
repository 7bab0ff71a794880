package io.github.evercred;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.testkit.Fault;
import io.github.evercred.testkit.LocalSecretsManager;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A cache, the real SDK, and two regions over HTTP, one of which fails. */
@Timeout(60)
class RegionalCacheTest {
  private static final Path SELF =
      Path.of("src/test/java/io/github/evercred/RegionalCacheTest.java");
  private static final Path MANUAL = Path.of("../docs/regions.md");
  private static final String ID = CacheFixture.ID;
  private static final Map<String, @Nullable String> BEFORE = new HashMap<>();

  /** Half of an attempt is what a region that hangs costs this test, in real time. */
  private static final Duration ATTEMPT = Duration.ofSeconds(4);

  private final FakeTime time = new FakeTime();
  private final LocalSecretsManager west =
      LocalSecretsManager.builder().region("eu-west-1").start();
  private final LocalSecretsManager central =
      LocalSecretsManager.builder().region("eu-central-1").start();
  private final RegionalSource source = source(west.endpoint());

  @BeforeEach
  void create() {
    west.createSecret(ID, "none");
    central.createSecret(ID, "none");
  }

  @BeforeAll
  static void credentials() {
    for (String name : List.of("aws.accessKeyId", "aws.secretAccessKey")) {
      BEFORE.put(name, System.getProperty(name));
      System.setProperty(name, "example");
    }
  }

  @AfterAll
  static void restore() {
    BEFORE.forEach(
        (name, value) -> {
          if (value == null) {
            System.clearProperty(name);
          } else {
            System.setProperty(name, value);
          }
        });
  }

  private RegionalSource source(URI primary) {
    return RegionalSource.builder()
        .primary("eu-west-1", AwsSecretSource.create("eu-west-1", primary))
        .replica("eu-central-1", AwsSecretSource.create("eu-central-1", central.endpoint()))
        .build(time);
  }

  private SecretCacheBuilder options(SecretSource from) {
    return SecretCache.builder()
        .source(from)
        .loadTimeout(Duration.ofSeconds(20), ATTEMPT)
        .minimumInterval(Duration.ZERO);
  }

  private void rotate(int version, LocalSecretsManager... regions) {
    for (LocalSecretsManager region : regions) {
      region.putSecretValue(ID, FakeSource.version(version), "v" + version);
    }
  }

  @AfterEach
  void close() {
    source.close();
    west.close();
    central.close();
  }

  static Stream<Fault> faults() {
    return Stream.of(
        Fault.hang(),
        Fault.connectionReset(),
        Fault.serverError(),
        Fault.serviceUnavailable(),
        Fault.throttling());
  }

  @ParameterizedTest
  @MethodSource("faults")
  void primary_away_readsGoOnFromTheReplicaInTheSameAttemptAndReturn(Fault fault) {
    rotate(1, west, central);
    try (SecretCache cache = options(source).build(time)) {
      assertThat(cache.get(ID).asString()).isEqualTo("v1");
      rotate(2, west, central);
      west.inject(fault);

      assertThat(cache.refresh(ID).asString()).isEqualTo("v2");

      assertThat(cache.statistics().calls()).as("attempts").isEqualTo(2);
      assertThat(cache.regions())
          .containsExactly(
              new RegionReport("eu-west-1", 1, 1, Duration.ofSeconds(2)),
              new RegionReport("eu-central-1", 1, 0, Duration.ZERO));
      assertThat(cache.refresh(ID).asString()).isEqualTo("v2");
      assertThat(west.calls("GetSecretValue")).as("asked while it is away").isEqualTo(2);

      west.clearFaults();
      time.advance(Duration.ofSeconds(2));
      rotate(3, west, central);
      assertThat(cache.refresh(ID).asString()).isEqualTo("v3");

      assertThat(cache.statistics().failures()).isEmpty();
      assertThat(cache.regions())
          .containsExactly(
              new RegionReport("eu-west-1", 2, 1, Duration.ZERO),
              new RegionReport("eu-central-1", 2, 0, Duration.ZERO));
    }
  }

  @Test
  void primary_refusesConnections_firstReadIsTheReplicas() {
    rotate(1, central);
    URI gone = west.endpoint();
    west.close();
    try (RegionalSource refused = source(gone);
        SecretCache cache = options(refused).build(time)) {
      String partialArn = "arn:aws:secretsmanager:eu-west-1:" + account() + ":secret:" + ID;

      assertThat(cache.get(ID).asString()).isEqualTo("v1");
      assertThat(cache.get(partialArn).asString()).as("by the primary's ARN").isEqualTo("v1");

      assertThat(cache.get(ID).arn()).contains(central.arn(ID).replace("central", "west"));
      assertThat(cache.statistics().calls()).isEqualTo(2);
    }
  }

  private String account() {
    return central.arn(ID).split(":", -1)[4];
  }

  @Test
  void replica_lags_cannotTakeBackWhatThePrimaryHasSaidAndThePrimaryCan() {
    rotate(1, west, central);
    try (SecretCache cache = options(source).build(time)) {
      rotate(2, west);
      assertThat(cache.get(ID).asString()).isEqualTo("v2");
      west.inject(Fault.throttling());

      CacheFixture.drive(time, Crew.of(1, () -> cache.refresh(ID)));

      assertThat(cache.get(ID).asString()).isEqualTo("v2");
      assertThat(central.calls("GetSecretValue")).isPositive();
      assertThat(cache.regions().get(1).answers()).isZero();

      west.clearFaults();
      west.moveLabel(ID, "AWSCURRENT", FakeSource.version(1)); // An operator's rollback.
      Crew<SecretValue> reader = Crew.of(1, () -> cache.refresh(ID));
      CacheFixture.drive(time, reader);
      assertThat(reader.value().asString()).isEqualTo("v1");
    }
  }

  @Test
  void primary_saysNo_isTheAnswer() {
    rotate(1, west, central);
    west.inject(Fault.accessDenied());
    try (SecretCache cache = options(source).build(time)) {
      SecretException failure = Crew.of(1, () -> cache.get(ID)).failure();

      assertThat(failure.reason()).isEqualTo(SecretException.Reason.ACCESS_DENIED);
      assertThat(central.calls("GetSecretValue")).isZero();
    }
  }

  @Test
  void prefetch_primaryAway_isTheReplicas() {
    rotate(1, central);
    central.createSecret("prod/other", "other");
    west.inject(Fault.serverError());
    try (SecretCache cache = options(source).build(time)) {
      cache.prefetch(ID, "prod/other").orThrow();

      assertThat(cache.get("prod/other").asString()).isEqualTo("other");
      assertThat(central.calls()).containsOnlyKeys("BatchGetSecretValue");
    }
  }

  @Test
  void sealedCache_primaryAway_isTheReplicasAndSealed() {
    rotate(1, central);
    west.inject(Fault.connectionReset());
    try (SecretCache cache = options(source).sealed().build(time)) {
      SecretValue value = cache.get(ID);

      assertThat(value.isSealed()).isTrue();
      assertThat(value.asString()).isEqualTo("v1");
      assertThat(cache.regions().get(1).answers()).isEqualTo(1);
    }
  }

  // begin
  /** Reads secrets that begin with a prefix from one source, and all others from another. */
  record ByPrefix(String prefix, SecretSource its, SecretSource others) implements SecretSource {
    @Override
    public SecretValue fetch(SecretRequest request) {
      return (request.secretId().startsWith(prefix) ? its : others).fetch(request);
    }

    @Override
    public void beforeCheckpoint() { // For SnapStart and CRaC.
      its.beforeCheckpoint();
      others.beforeCheckpoint();
    }
  }

  // end

  @Test
  void manual_prefixes_areReadAsItSays() throws Exception {
    west.createSecret("billing/db", "west");
    central.createSecret("orders/db", "central");
    try (var one = AwsSecretSource.create("eu-west-1", west.endpoint());
        var other = AwsSecretSource.create("eu-central-1", central.endpoint());
        SecretCache cache = options(new ByPrefix("billing/", one, other)).build(time)) {
      assertThat(cache.get("billing/db").asString()).isEqualTo("west");
      assertThat(cache.get("orders/db").asString()).isEqualTo("central");
      cache.beforeCheckpoint();
      cache.afterRestore(0);
    }
    var block =
        Pattern.compile("  // begin\n(.*?)\n  // end\n", Pattern.DOTALL)
            .matcher(Files.readString(SELF));
    assertThat(block.find()).isTrue();
    assertThat(Files.readString(MANUAL)).contains("```java\n" + block.group(1).indent(-2) + "```");
  }
}
