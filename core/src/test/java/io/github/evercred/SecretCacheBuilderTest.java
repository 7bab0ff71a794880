package io.github.evercred;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What the builder rejects, one row each, and what it does if nothing is set. */
@Timeout(60)
class SecretCacheBuilderTest {
  private static final Duration SECOND = Duration.ofSeconds(1);

  private static Arguments row(String what, Consumer<SecretCacheBuilder> set, String... said) {
    return Arguments.of(what, set, said);
  }

  static Stream<Arguments> outOfRange() {
    return Stream.of(
        row(
            "refreshAfter, too short",
            b -> b.refreshAfter(Duration.ofMillis(999)),
            "refreshAfter",
            "PT1S",
            "PT24H",
            "PT0.999S"),
        row(
            "refreshAfter, too long",
            b -> b.refreshAfter(Duration.ofDays(1).plusMillis(1)),
            "refreshAfter",
            "PT1S",
            "PT24H",
            "PT24H0.001S"),
        row(
            "refreshAfter, negative",
            b -> b.refreshAfter(SECOND.negated()),
            "refreshAfter",
            "PT-1S"),
        row(
            "revalidateAfter, too short",
            b -> b.revalidateAfter(Duration.ofMillis(999)),
            "revalidateAfter",
            "PT1S",
            "unlimited",
            "PT0.999S"),
        row(
            "serveStaleFor, negative",
            b -> b.serveStaleFor(Duration.ofNanos(-1)),
            "serveStaleFor",
            "PT0S",
            "unlimited",
            "PT-0.000000001S"),
        row(
            "serveStaleWhenDeniedFor, negative",
            b -> b.serveStaleWhenDeniedFor(Duration.ofNanos(-1)),
            "serveStaleWhenDeniedFor",
            "PT0S",
            "unlimited",
            "PT-0.000000001S"),
        row(
            "loadTimeout, too short",
            b -> b.loadTimeout(Duration.ofMillis(49), Duration.ofMillis(50)),
            "loadTimeout",
            "PT0.05S",
            "PT1M",
            "PT0.049S"),
        row(
            "loadTimeout, too long",
            b -> b.loadTimeout(Duration.ofSeconds(61), SECOND),
            "loadTimeout",
            "PT0.05S",
            "PT1M",
            "PT1M1S"),
        row(
            "attemptTimeout, too short",
            b -> b.loadTimeout(SECOND, Duration.ofMillis(49)),
            "attemptTimeout",
            "PT0.05S",
            "PT1M",
            "PT0.049S"),
        row(
            "attemptTimeout, too long",
            b -> b.loadTimeout(SECOND, Duration.ofSeconds(61)),
            "attemptTimeout",
            "PT0.05S",
            "PT1M",
            "PT1M1S"),
        row(
            "minimumInterval, negative",
            b -> b.minimumInterval(Duration.ofNanos(-1)),
            "minimumInterval",
            "PT0S",
            "PT1M",
            "PT-0.000000001S"),
        row(
            "minimumInterval, too long",
            b -> b.minimumInterval(Duration.ofSeconds(61)),
            "minimumInterval",
            "PT0S",
            "PT1M",
            "PT1M1S"),
        row(
            "rememberFailureFor, negative",
            b -> b.rememberFailureFor(Duration.ofNanos(-1), SECOND),
            "rememberFailureFor",
            "PT0S",
            "PT5M",
            "PT-0.000000001S"),
        row(
            "rememberFailureFor, too long",
            b -> b.rememberFailureFor(Duration.ofSeconds(301), SECOND),
            "rememberFailureFor",
            "PT0S",
            "PT5M",
            "PT5M1S"),
        row(
            "rememberFailureAtMost, too long",
            b -> b.rememberFailureFor(SECOND, Duration.ofSeconds(301)),
            "rememberFailureAtMost",
            "PT0S",
            "PT5M",
            "PT5M1S"),
        row(
            "maximumSecrets, none",
            b -> b.maximumSecrets(0),
            "maximumSecrets",
            "1 to 1000000",
            "0"),
        row(
            "maximumSecrets, negative",
            b -> b.maximumSecrets(-5),
            "maximumSecrets",
            "1 to 1000000",
            "-5"),
        row(
            "maximumSecrets, too many",
            b -> b.maximumSecrets(1_000_001),
            "maximumSecrets",
            "1 to 1000000",
            "1000001"),
        row("keepFresh, empty", b -> b.keepFresh("a", ""), "keepFresh", "1 to 2048", "a blank one"),
        row("keepFresh, blank", b -> b.keepFresh("   "), "keepFresh", "none blank", "a blank one"),
        row(
            "keepFresh, too long",
            b -> b.keepFresh("x".repeat(2049)),
            "keepFresh",
            "1 to 2048",
            "one of 2049 characters"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("outOfRange")
  void set_outOfRange_namesTheOptionItsRangeAndTheValue(
      String what, Consumer<SecretCacheBuilder> set, String... said) {
    assertThatThrownBy(() -> set.accept(SecretCache.builder()))
        .as(what)
        .isInstanceOf(IllegalArgumentException.class)
        .satisfies(e -> assertThat(e.getMessage()).contains(said));
  }

  static Stream<Arguments> edges() {
    return Stream.of(
        row("refreshAfter", b -> b.refreshAfter(SECOND)),
        row("refreshAfter", b -> b.refreshAfter(Duration.ofDays(1))),
        row("revalidateAfter", b -> b.revalidateAfter(Duration.ofSeconds(Long.MAX_VALUE))),
        row("serveStaleFor", b -> b.serveStaleFor(Duration.ZERO)),
        row("serveStaleFor", b -> b.serveStaleFor(Duration.ofSeconds(Long.MAX_VALUE))),
        row("serveStaleWhenDeniedFor", b -> b.serveStaleWhenDeniedFor(Duration.ZERO)),
        row(
            "serveStaleWhenDeniedFor",
            b -> b.serveStaleWhenDeniedFor(Duration.ofSeconds(Long.MAX_VALUE))),
        row("loadTimeout", b -> b.loadTimeout(Duration.ofMillis(50), Duration.ofMillis(50))),
        row("loadTimeout", b -> b.loadTimeout(Duration.ofMinutes(1), Duration.ofMinutes(1))),
        row("minimumInterval", b -> b.minimumInterval(Duration.ZERO)),
        row("minimumInterval", b -> b.minimumInterval(Duration.ofMinutes(1))),
        row("rememberFailureFor", b -> b.rememberFailureFor(Duration.ZERO, Duration.ZERO)),
        row(
            "rememberFailureFor",
            b -> b.rememberFailureFor(Duration.ofMinutes(5), Duration.ofMinutes(5))),
        row("maximumSecrets", b -> b.maximumSecrets(1)),
        row("maximumSecrets", b -> b.maximumSecrets(1_000_000)),
        row("keepFresh", b -> b.keepFresh()),
        row("keepFresh", b -> b.keepFresh("x", "x", "y".repeat(2048))));
  }

  @ParameterizedTest(name = "{0} {index}")
  @MethodSource("edges")
  void set_edgeOfTheRange_isAccepted(
      String what, Consumer<SecretCacheBuilder> set, String... unused) {
    assertThat(unused).isEmpty();
    SecretCacheBuilder builder = SecretCache.builder().source(request -> value());

    set.accept(builder);

    try (SecretCache cache = builder.build()) {
      assertThat(cache.get("x").asString()).as(what).isEqualTo("value");
    }
  }

  private static SecretValue value() {
    return SecretValue.builder("x", FakeSource.version(1)).text("value");
  }

  static Stream<Arguments> all() {
    return Stream.of(
        row("refreshAfter", b -> b.refreshAfter(SECOND)),
        row("revalidateAfter", b -> b.revalidateAfter(SECOND)),
        row("serveStaleFor", b -> b.serveStaleFor(SECOND)),
        row("serveStaleWhenDeniedFor", b -> b.serveStaleWhenDeniedFor(SECOND)),
        row("loadTimeout", b -> b.loadTimeout(SECOND, SECOND)),
        row("minimumInterval", b -> b.minimumInterval(SECOND)),
        row("rememberFailureFor", b -> b.rememberFailureFor(SECOND, SECOND)),
        row("maximumSecrets", b -> b.maximumSecrets(7)),
        row("keepFresh", b -> b.keepFresh()),
        row("processMayFreeze", b -> b.processMayFreeze(false)),
        row("countHits", b -> b.countHits(false)),
        row("source", b -> b.source(new FakeSource())));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("all")
  void set_twice_isRejectedByName(
      String option, Consumer<SecretCacheBuilder> set, String... unused) {
    assertThat(unused).isEmpty();
    SecretCacheBuilder builder = SecretCache.builder();
    set.accept(builder);

    assertThatThrownBy(() -> set.accept(builder))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining(option + " was already set");
  }

  @Test
  void set_secondOfTwoOutOfRange_setsNeither() {
    SecretCacheBuilder builder = SecretCache.builder();
    assertThatThrownBy(() -> builder.loadTimeout(SECOND, Duration.ofDays(1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("attemptTimeout");
    assertThatThrownBy(() -> builder.loadTimeout(Duration.ofDays(1), SECOND))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("loadTimeout");
    assertThatThrownBy(() -> builder.rememberFailureFor(SECOND, Duration.ofDays(1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("rememberFailureAtMost");
    assertThatThrownBy(() -> builder.rememberFailureFor(Duration.ofDays(1), SECOND))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("rememberFailureFor");

    builder.loadTimeout(SECOND, SECOND).rememberFailureFor(SECOND, SECOND);

    Settings settings = builder.settings();
    assertThat(settings.load()).isEqualTo(SECOND.toNanos());
    assertThat(settings.rememberFirst()).isEqualTo(SECOND.toNanos());
  }

  static Stream<Arguments> pairs() {
    return Stream.of(
        row(
            "refreshAfter as long as revalidateAfter",
            b -> b.refreshAfter(Duration.ofMinutes(5)).revalidateAfter(Duration.ofMinutes(5)),
            "refreshAfter (PT5M, set in code)",
            "shorter",
            "revalidateAfter (PT5M, set in code)"),
        row(
            "default refreshAfter longer than revalidateAfter",
            b -> b.revalidateAfter(Duration.ofMinutes(1)),
            "refreshAfter (PT5M, default)",
            "shorter",
            "revalidateAfter (PT1M, set in code)"),
        row(
            "attemptTimeout longer than loadTimeout",
            b -> b.loadTimeout(SECOND, Duration.ofSeconds(2)),
            "attemptTimeout (PT2S, set in code)",
            "not longer",
            "loadTimeout (PT1S, set in code)"),
        row(
            "rememberFailureFor longer than its most",
            b -> b.rememberFailureFor(Duration.ofSeconds(2), SECOND),
            "rememberFailureFor (PT2S, set in code)",
            "not longer",
            "rememberFailureAtMost (PT1S, set in code)"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("pairs")
  void build_optionsDoNotFit_namesBothAndTheirValues(
      String what, Consumer<SecretCacheBuilder> set, String... said) {
    SecretCacheBuilder builder = SecretCache.builder();
    set.accept(builder);

    assertThatThrownBy(builder::build)
        .as(what)
        .isInstanceOf(IllegalStateException.class)
        .satisfies(e -> assertThat(e.getMessage()).contains(said));
  }

  @Test
  void mayFreeze_lambdaOrCrac_isDetected() {
    assertThat(SecretCacheBuilder.mayFreeze(Map.of(), module -> false)).isFalse();
    assertThat(
            SecretCacheBuilder.mayFreeze(
                Map.of("AWS_LAMBDA_FUNCTION_NAME", "orders"), module -> false))
        .isTrue();
    assertThat(SecretCacheBuilder.mayFreeze(Map.of(), "jdk.crac"::equals)).isTrue();
  }

  @Test
  void build_longRefreshAfterAlone_revalidatesAfterThreeTimesThat() {
    try (var f = new CacheFixture(o -> o.refreshAfter(Duration.ofHours(1)))) {
      f.read();
      f.rotate(2, "two");
      f.time.advance(Duration.ofHours(3).minusSeconds(1));
      f.source.hold(); // What does not wait does not see the new value.
      assertThat(f.read()).as("due, not lapsed").isEqualTo("one");
    }
    try (var f = new CacheFixture(o -> o.refreshAfter(Duration.ofHours(1)))) {
      f.read();
      f.rotate(2, "two");
      f.time.advance(Duration.ofHours(3));
      assertThat(f.read()).as("lapsed").isEqualTo("two");
    }
  }

  @Test
  void build_nothingSet_lapsesAfter15Minutes() {
    try (var f = new CacheFixture()) {
      f.read();
      f.rotate(2, "two");
      f.time.advance(Duration.ofMinutes(15).minusSeconds(1));
      f.source.hold();
      assertThat(f.read()).isEqualTo("one");
    }
    try (var f = new CacheFixture()) {
      f.read();
      f.rotate(2, "two");
      f.time.advance(Duration.ofMinutes(15));
      assertThat(f.read()).isEqualTo("two");
    }
  }

  @Test
  void build_nothingSet_asksWithin2sAndHoldsAThousand() {
    var asked = new AtomicReference<SecretRequest>();
    var time = new FakeTime();
    try (SecretCache cache =
        SecretCache.builder()
            .source(
                request -> {
                  asked.set(request);
                  return SecretValue.builder(request.secretId(), FakeSource.version(1)).text("x");
                })
            .build(time)) {
      for (int i = 0; i < 1_100; i++) {
        cache.get("secret" + i);
      }
      assertThat(asked.get()).extracting(SecretRequest::timeout).isEqualTo(Duration.ofSeconds(2));
      assertThat(cache.size()).isEqualTo(1_000);
    }
  }

  @Test
  void build_nothingSet_dropsAfter24Hours() {
    try (var f = new CacheFixture()) {
      f.read();
      f.time.advance(Duration.ofHours(24).minusSeconds(1));
      assertThat(f.cache.size()).isEqualTo(1);
      f.time.advance(SECOND);
      assertThat(f.cache.size()).isZero();
    }
  }
}
