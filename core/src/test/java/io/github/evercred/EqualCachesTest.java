package io.github.evercred;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.ref.WeakReference;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.function.UnaryOperator;
import java.util.logging.Level;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Caches that are made again instead of shared. */
@Timeout(60)
class EqualCachesTest {
  private final EqualCaches others = new EqualCaches();
  private final Map<String, String> environment = new HashMap<>();
  private final FakeSource source = new FakeSource();
  private final CapturedLog log = new CapturedLog();
  private final List<SecretCache> made = new ArrayList<>();

  @AfterEach
  void closeAll() {
    made.forEach(SecretCache::close);
    log.close();
  }

  private SecretCacheBuilder builder() {
    return new SecretCacheBuilder(new Properties(), environment);
  }

  private SecretCache make(UnaryOperator<SecretCacheBuilder> options) {
    SecretCache cache = options.apply(builder()).build(new FakeTime(), others);
    made.add(cache);
    return cache;
  }

  private SecretCache make() {
    return make(b -> b.source(source));
  }

  private List<String> warnings() {
    return log.ours(Level.INFO);
  }

  @Test
  void secondCache_equal_isWarnedOfOnce() {
    make();
    assertThat(warnings()).isEmpty();

    make();
    assertThat(warnings())
        .singleElement()
        .asString()
        .contains("2 caches", "(eu-west-1)", "copies, threads and calls", "share it");

    make();
    make().close();
    make();
    assertThat(warnings()).hasSize(1);
  }

  @Test
  void secondCache_ofOwnSourceInTheSamePlace_isWarnedOf() {
    make(b -> b);
    environment.put("EVERCRED_REGION", "eu-west-1");
    make(b -> b);
    environment.put("EVERCRED_ENDPOINT", "http://localhost:1");
    make(b -> b);
    assertThat(warnings()).isEmpty();

    make(b -> b);
    assertThat(warnings()).singleElement().asString().contains("http://localhost:1");

    environment.clear();
    make(b -> b);
    assertThat(warnings()).as("another kind").hasSize(2);
  }

  @Test
  void secondCache_ofAnotherIdentity_isNotEqual() {
    make(b -> b);
    environment.put("EVERCRED_PROFILE", "orders");
    make(b -> b);
    environment.put("EVERCRED_ROLE", "arn:aws:iam::111122223333:role/a");
    make(b -> b);
    environment.put("EVERCRED_EXTERNAL_ID", "one");
    make(b -> b);
    environment.put("EVERCRED_EXTERNAL_ID", "idOther");
    make(b -> b);
    environment.put("EVERCRED_ROLE_SESSION_NAME", "orders");
    make(b -> b);
    assertThat(warnings()).isEmpty();

    make(b -> b);
    assertThat(warnings()).singleElement().asString().contains("role/a").doesNotContain("idOther");
  }

  @Test
  void secondCache_byTheBuildOfUsers_isWarnedOf() {
    try (SecretCache one = builder().source(source).build();
        SecretCache two = builder().source(source).build()) {
      assertThat(one).isNotSameAs(two);
      assertThat(warnings()).hasSize(1);
    }
  }

  @Test
  void secondCache_differentInAnything_isNot() {
    make();
    make(b -> b.source(new FakeSource()));
    make(b -> b);
    make(b -> b.source(AwsSecretSource.create("eu-west-1", URI.create("http://localhost:1"))));
    make(b -> b.source(source).refreshAfter(Duration.ofSeconds(7)));
    make(b -> b.source(source).maximumSecrets(7));
    make(b -> b.source(source).keepFresh("a"));
    make(b -> b.source(source).countHits(true));
    assertThat(warnings()).isEmpty();
  }

  @Test
  void secondCache_withOtherListeners_isEqual() {
    make(b -> b.source(source).listener(new SecretCacheListener() {}));
    make(b -> b.source(source).listener(new SecretCacheListener() {}));
    assertThat(warnings()).hasSize(1);
  }

  @Test
  void secondCache_sameOptionsFromElsewhere_isEqual() {
    make(b -> b.source(source).maximumSecrets(7));
    environment.put("EVERCRED_MAXIMUM_SECRETS", "7");
    make();
    assertThat(warnings()).hasSize(1);
  }

  @Test
  void closedCache_doesNotCount() {
    for (int i = 0; i < 10; i++) {
      make().close();
    }
    assertThat(warnings()).isEmpty();
    make();
    assertThat(warnings()).isEmpty();
    make();
    assertThat(warnings()).hasSize(1);
  }

  @Test
  void forgottenCache_doesNotCount() {
    awaitCollected(List.of(forgotten(source)));

    make();

    assertThat(warnings()).isEmpty();
  }

  private WeakReference<SecretCache> forgotten(SecretSource from) {
    return new WeakReference<>(builder().source(from).build(new FakeTime(), others));
  }

  @Test
  void everything_forgotten_isHeldByNothing() {
    List<WeakReference<?>> pair = forgottenPair();
    assertThat(warnings()).hasSize(1);

    awaitCollected(pair);
    make(b -> b.source(source).maximumSecrets(7));

    assertThat(others.size()).as("the last one alone").isEqualTo(1);
  }

  private List<WeakReference<?>> forgottenPair() {
    var own = new FakeSource();
    var listener = new SecretCacheListener() {};
    UnaryOperator<SecretCacheBuilder> options = b -> b.source(own).listener(listener);
    return List.of(
        new WeakReference<>(options.apply(builder()).build(new FakeTime(), others)),
        new WeakReference<>(options.apply(builder()).build(new FakeTime(), others)),
        new WeakReference<>(own),
        new WeakReference<>(listener));
  }

  private static void awaitCollected(List<WeakReference<?>> references) {
    Eventually.until(
        () -> {
          System.gc();
          return references.stream().allMatch(reference -> reference.refersTo(null));
        },
        () -> "still held");
  }

  @Test
  void kinds_beyondTheBound_areNotHeld() {
    SecretCache cache = make();
    for (int i = 0; i < 1_100; i++) {
      Settings settings = builder().maximumSecrets(i + 1).settings();
      others.made(cache, settings, null, source);
    }
    assertThat(others.size()).isEqualTo(1_000);
  }

  @Test
  void caches_madeAtOnce_areWarnedOfOnceForEachKind() {
    SecretCache cache = builder().source(source).build(new FakeTime());
    made.add(cache);
    List<Settings> kinds =
        IntStream.rangeClosed(1, 40).mapToObj(i -> builder().maximumSecrets(i).settings()).toList();

    var unused =
        Crew.of(
                8,
                () -> {
                  kinds.forEach(settings -> others.made(cache, settings, null, source));
                  return cache;
                })
            .values();

    assertThat(warnings()).hasSize(40);
    assertThat(others.size()).isEqualTo(40);
  }
}
