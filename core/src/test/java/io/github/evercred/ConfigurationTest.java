package io.github.evercred;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.logging.Level;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Where options come from that are not set in code, and what is said about those that are wrong.
 */
@Timeout(60)
class ConfigurationTest {
  private final Properties system = new Properties();
  private final Map<String, String> environment = new HashMap<>();
  private final Properties handed = new Properties();

  private SecretCacheBuilder builder() {
    return new SecretCacheBuilder(system, environment);
  }

  private Settings settings() {
    return builder().properties(handed).settings();
  }

  private static Duration refreshAfter(Settings settings) {
    return Duration.ofNanos(settings.freshness().refreshAfter());
  }

  @Test
  void option_setInAllPlaces_isTakenFromTheFirst() {
    environment.put("EVERCRED_REFRESH_AFTER", "4s");
    assertThat(refreshAfter(settings())).isEqualTo(Duration.ofSeconds(4));

    system.setProperty("evercred.refreshAfter", "3s");
    assertThat(refreshAfter(settings())).isEqualTo(Duration.ofSeconds(3));

    handed.setProperty("evercred.refreshAfter", "2s");
    assertThat(refreshAfter(settings())).isEqualTo(Duration.ofSeconds(2));

    assertThat(
            refreshAfter(
                builder().properties(handed).refreshAfter(Duration.ofSeconds(1)).settings()))
        .isEqualTo(Duration.ofSeconds(1));
  }

  @Test
  void option_setNowhere_hasItsDefault() {
    assertThat(settings())
        .isEqualTo(
            new Settings(
                new Freshness(
                    Duration.ofMinutes(5).toNanos(),
                    Duration.ofMinutes(15).toNanos(),
                    Duration.ofHours(24).toNanos(),
                    Duration.ofHours(1).toNanos()),
                Duration.ofSeconds(5).toNanos(),
                Duration.ofSeconds(2).toNanos(),
                Duration.ofSeconds(1).toNanos(),
                Duration.ofSeconds(1).toNanos(),
                Duration.ofSeconds(30).toNanos(),
                1_000,
                SecretCacheBuilder.mayFreeze(
                    Map.of(), name -> ModuleLayer.boot().findModule(name).isPresent()),
                false,
                Duration.ofSeconds(3).toNanos(),
                Set.of(),
                null,
                List.of()));
  }

  /** Each field from another place and none like its default: no two can be mixed up. */
  @Test
  void everyOption_configured_reachesItsField() {
    handed.setProperty("evercred.refreshAfter", "11s");
    handed.setProperty("evercred.revalidateAfter", "2m");
    handed.setProperty("evercred.serveStaleFor", "unlimited");
    handed.setProperty("evercred.serveStaleWhenDeniedFor", "2d");
    system.setProperty("evercred.loadTimeout", "PT7S");
    system.setProperty("evercred.attemptTimeout", "750ms");
    system.setProperty("evercred.minimumInterval", "0");
    system.setProperty("evercred.rememberFailureFor", "13s");
    system.setProperty("evercred.rememberFailureAtMost", "PT4M");
    environment.put("EVERCRED_MAXIMUM_SECRETS", "17");
    environment.put("EVERCRED_KEEP_FRESH", "prod/a, prod/b");
    environment.put("EVERCRED_PROCESS_MAY_FREEZE", "TRUE");
    environment.put("EVERCRED_COUNT_HITS", "true");
    environment.put("EVERCRED_SEALED_BY_KMS_KEY", "alias/secrets");
    environment.put("EVERCRED_APPLICATION", "orders");
    environment.put("EVERCRED_RESTORE_TIMEOUT", "1500ms");

    assertThat(settings())
        .isEqualTo(
            new Settings(
                new Freshness(
                    Duration.ofSeconds(11).toNanos(),
                    Duration.ofMinutes(2).toNanos(),
                    CacheOption.UNLIMITED.toNanos(),
                    Duration.ofDays(2).toNanos()),
                Duration.ofSeconds(7).toNanos(),
                Duration.ofMillis(750).toNanos(),
                0,
                Duration.ofSeconds(13).toNanos(),
                Duration.ofMinutes(4).toNanos(),
                17,
                true,
                true,
                Duration.ofMillis(1500).toNanos(),
                Set.of("prod/a", "prod/b"),
                new Settings.Sealing("alias/secrets", "orders"),
                List.of()));
  }

  @Test
  void everyOption_setInCode_reachesItsField() {
    var first = new SecretCacheListener() {};
    var second = new SecretCacheListener() {};
    environment.put("AWS_LAMBDA_FUNCTION_NAME", "orders");

    Settings settings =
        builder()
            .keepFresh("a", "b")
            .processMayFreeze(false)
            .countHits(true)
            .listener(first)
            .listener(second)
            .listener(first)
            .settings();

    assertThat(settings.keptFresh()).containsExactlyInAnyOrder("a", "b");
    assertThat(settings.mayFreeze()).as("code is asked before detection").isFalse();
    assertThat(settings.countHits()).isTrue();
    assertThat(settings.listeners()).containsExactly(first, second, first);
  }

  @Test
  void processMayFreeze_onLambda_isDetectedUnlessConfigured() {
    environment.put("AWS_LAMBDA_FUNCTION_NAME", "orders");
    assertThat(settings().mayFreeze()).isTrue();

    system.setProperty("evercred.processMayFreeze", "false");
    assertThat(settings().mayFreeze()).isFalse();
  }

  @Test
  void pair_setInCode_hidesBothOfItsOptions() {
    system.setProperty("evercred.loadTimeout", "9s");
    system.setProperty("evercred.attemptTimeout", "8s");

    Settings settings =
        builder().loadTimeout(Duration.ofSeconds(4), Duration.ofSeconds(3)).settings();

    assertThat(settings.load()).isEqualTo(Duration.ofSeconds(4).toNanos());
    assertThat(settings.attempt()).isEqualTo(Duration.ofSeconds(3).toNanos());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", "\t\n"})
  void value_blank_countsAsAbsent(String blank) {
    handed.setProperty("evercred.refreshAfter", blank);
    system.setProperty("evercred.refreshAfter", blank);
    environment.put("EVERCRED_REFRESH_AFTER", "4s");
    assertThat(refreshAfter(settings())).isEqualTo(Duration.ofSeconds(4));

    environment.put("EVERCRED_REFRESH_AFTER", blank);
    assertThat(refreshAfter(settings())).isEqualTo(Duration.ofMinutes(5));
  }

  @ParameterizedTest
  @CsvSource({
    "250ms,      PT0.25S",
    "30s,        PT30S",
    "5m,         PT5M",
    "24h,        PT24H",
    "2d,         PT48H",
    "0,          PT0S",
    "PT5M,       PT5M",
    "pt1.5s,     PT1.5S",
    "P1DT1H,     PT25H",
    "5M,         PT5M",
    "'  7s\t',   PT7S",
  })
  void lengthOfTime_anyForm_isRead(String text, Duration meant) {
    system.setProperty("evercred.serveStaleFor", text);

    assertThat(settings().freshness().serveStaleFor()).isEqualTo(meant.toNanos());
  }

  @ParameterizedTest
  @ValueSource(strings = {"P100000D", "999999999d", "PT9223372036854775807S", "UNLIMITED"})
  void lengthOfTime_veryLong_isUnlimited(String text) {
    system.setProperty("evercred.revalidateAfter", text);

    assertThat(settings().freshness().revalidateAfter()).isEqualTo(CacheOption.UNLIMITED.toNanos());
  }

  @ParameterizedTest
  @CsvSource({
    "refreshAfter, 10 minutes, PT1S to PT24H",
    "refreshAfter, 5,          PT1S to PT24H",
    "refreshAfter, 5min,       PT1S to PT24H",
    "refreshAfter, 1h30m,      PT1S to PT24H",
    "refreshAfter, -5m,        PT1S to PT24H",
    "refreshAfter, unlimited,  PT1S to PT24H",
    "refreshAfter, 2d,         PT1S to PT24H",
    "refreshAfter, 999ms,      PT1S to PT24H",
    "serveStaleFor, -PT1S,     PT0S to unlimited",
    "serveStaleFor, never,     PT0S to unlimited",
    "revalidateAfter, 9999999999s, PT1S to unlimited",
    "attemptTimeout, 0,        PT0.05S to PT1M",
    "rememberFailureAtMost, 6m, PT0S to PT5M",
    "maximumSecrets, 0,        1 to 1000000 entries",
    "maximumSecrets, 1e3,      1 to 1000000 entries",
    "maximumSecrets, 99999999999999999999, 1 to 1000000 entries",
    "countHits, yes,           true or false",
    "processMayFreeze, 1,      true or false",
    "region, EU West,          a region's id",
    "region, eu,               a region's id",
    "replicaRegions, eu,       regions' ids",
    "replicaRegions, eu-west-1;eu-west-2, regions' ids",
    "endpoint, localhost:4566, an http or https URL",
    "endpoint, ftp://host,     an http or https URL",
    "endpoint, https://h#f,    an http or https URL",
    "endpoint, https:///path,  an http or https URL",
    "profile, a b,             a profile's name",
    "role, admin,              an IAM role's ARN",
    "role, arn:aws:iam::111122223333:user/a, an IAM role's ARN",
    "roleSessionName, x,       2 to 64 letters",
    "roleSessionName, a b,     2 to 64 letters",
  })
  void value_wrong_isToldWithOptionRangeAndPlace(String option, String text, String range) {
    String property = "evercred." + option;
    String variable = Configuration.environmentName(option);

    environment.put(variable, text);
    assertRejected(option, text, range, "environment variable " + variable);

    system.setProperty(property, text);
    assertRejected(option, text, range, "system property " + property);

    handed.setProperty(property, text);
    assertRejected(option, text, range, "property " + property + " handed to the builder");
  }

  private void assertRejected(String option, String text, String range, String where) {
    assertThatThrownBy(() -> builder().properties(handed).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(option + " must be ")
        .hasMessageContainingAll(range, "not '" + text + "'", "(" + where + ")");
  }

  @ParameterizedTest
  @CsvSource({"'a,,b', a blank one", "'a,', a blank one", "',', a blank one"})
  void keepFresh_blankId_isToldWithPlace(String text, String said) {
    system.setProperty("evercred.keepFresh", text);

    assertThatThrownBy(this::settings)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("keepFresh", said, "system property evercred.keepFresh", "commas");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"https://me:hunter2@host", "me:hunter2@host", "https://host/?token=hunter2"})
  void endpoint_withPassword_isNeverRepeated(String text) {
    system.setProperty("evercred.endpoint", text);

    assertThatThrownBy(() -> builder().build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("user or a query")
        .hasStackTraceContaining("evercred.endpoint")
        .satisfies(
            e -> {
              for (Throwable t = e; t != null; t = t.getCause()) {
                assertThat(t.toString()).doesNotContain("hunter2");
              }
            });
  }

  @Test
  void pair_fromTwoPlaces_isToldWithBoth() {
    environment.put("EVERCRED_LOAD_TIMEOUT", "1s");
    system.setProperty("evercred.attemptTimeout", "PT3S");
    assertThatThrownBy(() -> builder().build())
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(
            "attemptTimeout (PT3S, system property evercred.attemptTimeout) must be not longer"
                + " than loadTimeout (PT1S, environment variable EVERCRED_LOAD_TIMEOUT)");
  }

  @Test
  void pair_oneFromADefault_saysSo() {
    handed.setProperty("evercred.rememberFailureFor", "1m");
    assertThatThrownBy(() -> builder().properties(handed).build())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("rememberFailureFor (PT1M, property evercred.rememberFailureFor")
        .hasMessageContaining("rememberFailureAtMost (PT30S, default)");
  }

  @Test
  void keepFresh_moreThanAreHeld_isToldWithBoth() {
    environment.put("EVERCRED_MAXIMUM_SECRETS", "1");
    assertThatCode(() -> builder().keepFresh("a", "a").settings()).doesNotThrowAnyException();
    assertThatThrownBy(() -> builder().keepFresh("a", "b").build())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContainingAll(
            "keepFresh (2 ids, set in code)",
            "maximumSecrets (1, environment variable EVERCRED_MAXIMUM_SECRETS)");
  }

  @Test
  void value_overridden_isNotLookedAt() {
    environment.put("EVERCRED_REFRESH_AFTER", "nonsense");
    system.setProperty("evercred.refreshAfter", "3s");
    assertThat(refreshAfter(settings())).isEqualTo(Duration.ofSeconds(3));
  }

  @Test
  void values_areReadAtBuild_onceAndNotBefore() {
    SecretCacheBuilder builder = builder().source(request -> value());
    system.setProperty("evercred.maximumSecrets", "3");
    try (SecretCache cache = builder.build(new FakeTime())) {
      system.setProperty("evercred.maximumSecrets", "nonsense");
      for (String id : List.of("a", "b", "c", "d", "e")) {
        cache.get(id);
      }
      assertThat(cache.size()).isEqualTo(3);
    }
  }

  private static SecretValue value() {
    return SecretValue.builder("x", FakeSource.version(1)).text("value");
  }

  @Test
  void place_configured_isWhereTheOwnSourceReads() {
    environment.put("EVERCRED_REGION", "eu-west-3");
    try (SecretCache cache = builder().build()) {
      assertThat(cache).hasToString("SecretCache[eu-west-3, 0 held]");
    }
    system.setProperty("evercred.endpoint", "http://localhost:4566");
    try (SecretCache cache = builder().build()) {
      assertThat(cache).hasToString("SecretCache[http://localhost:4566, 0 held]");
    }
  }

  @Test
  void replicaRegions_configured_areReadByTheOwnSource() {
    environment.put("EVERCRED_REGION", "eu-west-3");
    environment.put("EVERCRED_REPLICA_REGIONS", "eu-central-1, eu-north-1");
    for (SecretCacheBuilder each : List.of(builder(), builder().sealed())) {
      try (SecretCache cache = each.build()) {
        assertThat(cache)
            .hasToString("SecretCache[eu-west-3, else eu-central-1, else eu-north-1, 0 held]");
        assertThat(cache.regions())
            .extracting(RegionReport::region)
            .containsExactly("eu-west-3", "eu-central-1", "eu-north-1");
      }
    }
    try (SecretCache cache = builder().source(new FakeSource()).build()) {
      assertThat(cache.regions()).isEmpty();
    }
  }

  @Test
  void replicaRegions_withEndpointAndIdentity_haveTheirOwnEndpointAndTheSameIdentity() {
    environment.put("EVERCRED_REPLICA_REGIONS", "eu-central-1");
    environment.put("EVERCRED_ENDPOINT", "https://vpce-1.example.com");
    environment.put("EVERCRED_PROFILE", "orders");
    assertMade(
        "https://vpce-1.example.com with profile orders, else eu-central-1 with profile orders");
  }

  @Test
  void replicaRegions_withoutAnotherRegion_areToldWithPlace() {
    system.setProperty("evercred.replicaRegions", "eu-central-1,eu-north-1");
    assertThatThrownBy(() -> builder().build())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContainingAll(
            "replicaRegions ([eu-central-1, eu-north-1], system property evercred.replicaRegions)",
            "region is not set");

    environment.put("EVERCRED_REGION", "eu-north-1");
    assertThatThrownBy(() -> builder().build())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContainingAll(
            "has the region itself (eu-north-1, environment variable EVERCRED_REGION)");

    system.setProperty("evercred.replicaRegions", "eu-central-1,eu-central-1");
    assertThatThrownBy(() -> builder().build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("each once");
  }

  @Test
  void externalId_wrong_isToldWithPlaceAndNotRepeated() {
    environment.put("EVERCRED_ROLE", "arn:aws:iam::111122223333:role/a");
    environment.put("EVERCRED_EXTERNAL_ID", "hunter2 hunter2");

    assertThatThrownBy(() -> builder().build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("externalId must be 2 to 1224 letters")
        .hasMessageContaining("(environment variable EVERCRED_EXTERNAL_ID)")
        .hasMessageNotContaining("hunter2");
  }

  @ParameterizedTest
  @ValueSource(strings = {"externalId", "roleSessionName"})
  void partOfARole_withoutOne_isToldWithPlace(String option) {
    system.setProperty("evercred." + option, "orders");

    assertThatThrownBy(() -> builder().build())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContainingAll(
            option + " (system property evercred." + option + ")", "role is not set");
  }

  @Test
  void role_inAllPlaces_isTakenFromTheFirst() {
    String role = "arn:aws:iam::111122223333:role/";
    environment.put("EVERCRED_ROLE", role + "environment");
    environment.put("EVERCRED_PROFILE", "orders");
    assertMade("eu-west-3 with profile orders as " + role + "environment");

    system.setProperty("evercred.role", role + "system");
    assertMade("eu-west-3 with profile orders as " + role + "system");

    handed.setProperty("evercred.role", role + "handed");
    assertMade("eu-west-3 with profile orders as " + role + "handed");
  }

  private void assertMade(String description) {
    environment.put("EVERCRED_REGION", "eu-west-3");
    try (SecretCache cache = builder().properties(handed).build()) {
      assertThat(cache).hasToString("SecretCache[" + description + ", 0 held]");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "region, eu-west-1",
    "replicaRegions, eu-central-1",
    "endpoint, http://localhost:4566",
    "profile, orders",
    "role, arn:aws:iam::111122223333:role/a",
    "externalId, orders",
    "roleSessionName, orders",
  })
  void place_besideASourceSetInCode_isRejectedOnlyIfHandedIn(String option, String text) {
    system.setProperty("evercred." + option, "not even valid");
    environment.put(Configuration.environmentName(option), text);
    try (SecretCache cache = builder().source(new FakeSource()).build()) {
      assertThat(cache.size()).isZero();
    }

    handed.setProperty("evercred." + option, text);
    assertThatThrownBy(() -> builder().properties(handed).source(new FakeSource()).build())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContainingAll(
            option, "evercred." + option + " handed to the builder", "source was set in code");
  }

  @Test
  void sealing_contradicted_isRejected() {
    environment.put("EVERCRED_SEALED_BY_KMS_KEY", "alias/secrets");
    system.setProperty("evercred.sealed", "false");

    assertThatThrownBy(this::settings)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContainingAll(
            "sealedByKmsKey (environment variable EVERCRED_SEALED_BY_KMS_KEY)",
            "sealed is false, system property evercred.sealed");
  }

  @Test
  void application_withoutAKmsKey_isRejected() {
    assertThatThrownBy(() -> builder().sealed().application("orders").settings())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContainingAll("application (set in code)", "sealedByKmsKey, which is not set");
  }

  @Test
  void application_onLambda_isTheFunctionsName() {
    environment.put("AWS_LAMBDA_FUNCTION_NAME", "orders");

    assertThat(builder().sealedByKmsKey("alias/secrets").settings().sealing())
        .isEqualTo(new Settings.Sealing("alias/secrets", "orders"));
    assertThat(builder().sealedByKmsKey("a").application("mine").settings().sealing())
        .isEqualTo(new Settings.Sealing("a", "mine"));
    assertThat(builder().sealed().settings().sealing())
        .isEqualTo(new Settings.Sealing(null, "orders"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a b", "key\n"})
  void sealedByKmsKey_noKey_isRejected(String key) {
    assertThatThrownBy(() -> builder().sealedByKmsKey(key))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("sealedByKmsKey must be a KMS key's id or ARN");
  }

  @ParameterizedTest
  @CsvSource({
    "evercred.refreshAftr,   did you mean evercred.refreshAfter?",
    "evercred.refresh-after, did you mean evercred.refreshAfter?",
    "evercred.REFRESHAFTER,  did you mean evercred.refreshAfter?",
    "Evercred.refreshAfter,  did you mean evercred.refreshAfter?",
    "EVERCRED_REFRESH_AFTER, did you mean evercred.refreshAfter?",
    "evercred.timeout,       'there are evercred.application, evercred.attemptTimeout'",
    "evercred.,              'there are evercred.application, evercred.attemptTimeout'",
  })
  void handed_unknownName_isRejectedWithTheNearest(String name, String said) {
    handed.setProperty(name, "5m");
    assertThatThrownBy(() -> builder().properties(handed))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("There is no property " + name + ";", said);
  }

  @Test
  void handed_severalNear_areToldNearestFirst() {
    handed.setProperty("evercred.rememberFailuresFor", "5m");
    assertThatThrownBy(() -> builder().properties(handed))
        .hasMessageContaining("did you mean evercred.rememberFailureFor or ");
  }

  @Test
  void handed_othersNames_areLeftAlone() {
    for (String name :
        List.of(
            "secretId",
            "username",
            "usernameKey",
            "passwordKey",
            "hostKey",
            "portKey",
            "dbnameKey",
            "driverClass",
            "failures",
            "rotationWait",
            "probeTimeout",
            "loginsAtOnce",
            "refusedLoginsPerMinute",
            "currentOnly")) {
      handed.setProperty("evercred." + name, "whatever");
    }
    handed.setProperty("user", "me");
    handed.put("ssl", true);
    handed.put(17, 18);
    assertThatCode(this::settings).doesNotThrowAnyException();
  }

  @Test
  void handed_notText_isRejected() {
    handed.put("evercred.refreshAfter", Duration.ofSeconds(5));
    assertThatThrownBy(() -> builder().properties(handed))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("evercred.refreshAfter", "text", "java.time.Duration");
  }

  @Test
  void handed_withDefaults_isCopiedWithThem() {
    handed.setProperty("evercred.refreshAfter", "7s");
    var outer = new Properties(handed);
    SecretCacheBuilder builder = builder().properties(outer);
    handed.setProperty("evercred.refreshAfter", "8s");
    assertThat(refreshAfter(builder.settings())).isEqualTo(Duration.ofSeconds(7));
  }

  @Test
  void handed_twice_isRejected() {
    SecretCacheBuilder builder = builder().properties(handed);
    assertThatThrownBy(() -> builder.properties(handed))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("properties was already set");
  }

  @Test
  void names_almostRight_areWarnedOfOnceInAJvm() {
    system.setProperty("evercred.refresh-After", "SECRETIVE");
    system.setProperty("evercred.refreshAfter", "5m");
    system.setProperty("evercred.unheardOf", "x");
    system.setProperty("evercred.rotation-wait", "x");
    environment.put("evercred_Refresh.After", "5m");
    environment.put("EVERCRED_REFRESH_AFTER", "5m");
    environment.put("EVERCRED_HOME", "/opt");
    try (var log = new CapturedLog()) {
      for (int i = 0; i < 3; i++) {
        builder().source(new FakeSource()).build().close();
      }
      assertThat(log.ours(Level.INFO))
          .containsExactlyInAnyOrder(
              "System property evercred.refresh-After is not read; did you mean"
                  + " evercred.refreshAfter?",
              "Environment variable evercred_Refresh.After is not read; did you mean"
                  + " EVERCRED_REFRESH_AFTER?");
      assertThat(log.text()).doesNotContain("SECRETIVE");
    }
  }
}
