package io.github.evercred;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.TimeGauge;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * Shows the figures of a cache, and of logins with its secrets, to Micrometer: {@code
 * EvercredMetrics.of(cache, "orders").bindTo(registry)}. Needs {@code
 * io.micrometer:micrometer-core} on the class path; nothing else here does.
 *
 * <p>Figures are read when the registry asks for them, so they cost nothing between. The registry
 * holds cache and logins weakly: once they are collected, counters stay and gauges are NaN. Every
 * meter has the tag {@code cache}; ids of secrets are tags only for those that {@link #secrets}
 * names. No value of a secret is ever shown.
 *
 * <p>Instances are immutable and thread-safe. No argument may be null.
 */
public final class EvercredMetrics implements MeterBinder {
  private final SecretCache cache;
  private final String name;
  private final @Nullable RotationAwareLogin logins;
  private final List<String> secretIds;

  private EvercredMetrics(
      SecretCache cache, String name, @Nullable RotationAwareLogin logins, List<String> secretIds) {
    this.cache = Objects.requireNonNull(cache, "cache");
    this.name = Objects.requireNonNull(name, "name");
    this.logins = logins;
    this.secretIds = secretIds;
  }

  /**
   * Shows the figures of a cache.
   *
   * @param cache the cache
   * @param name the value of the tag {@code cache}, another one for each cache of a registry
   * @return what can be bound to registries
   */
  public static EvercredMetrics of(SecretCache cache, String name) {
    return new EvercredMetrics(cache, name, null, List.of());
  }

  /**
   * Shows the figures of logins, too.
   *
   * @param used logins with the cache's secrets
   * @return with these logins, instead of others
   */
  public EvercredMetrics logins(RotationAwareLogin used) {
    return new EvercredMetrics(cache, name, Objects.requireNonNull(used, "used"), secretIds);
  }

  /**
   * Shows age and staleness of each of these secrets, with the tag {@code secret}.
   *
   * @param ids names or ARNs, as the program reads them
   * @return with these ids, instead of others
   */
  public EvercredMetrics secrets(String... ids) {
    return new EvercredMetrics(cache, name, logins, List.of(ids));
  }

  @Override
  public void bindTo(MeterRegistry registry) {
    Tags all = Tags.of("cache", name);
    var of = new Meters(registry);
    if (cache.countsHits()) { // Else nobody knows them, and 0 would be read as none.
      of.cache("evercred.gets", all.and("result", "hit"), SecretCacheStatistics::hits);
    }
    of.cache("evercred.gets", all.and("result", "miss"), SecretCacheStatistics::misses);
    of.cache("evercred.evictions", all, SecretCacheStatistics::evicted);
    of.gauge("evercred.size", all, SecretCache::size);
    of.cache("evercred.calls", all, SecretCacheStatistics::calls);
    of.cache("evercred.loads", all, SecretCacheStatistics::loaded);
    of.cache("evercred.refreshes", all, SecretCacheStatistics::refreshed);
    of.cache("evercred.rotations", all, SecretCacheStatistics::rotated);
    of.cache("evercred.expirations", all, SecretCacheStatistics::expired);
    of.cache("evercred.events.dropped", all, SecretCacheStatistics::eventsDropped);
    for (SecretException.Reason reason : SecretException.Reason.values()) {
      of.cache(
          "evercred.failures",
          all.and("reason", reason.name().toLowerCase(Locale.ROOT)),
          figures -> figures.failures().getOrDefault(reason, 0L));
    }
    of.gauge("evercred.stale", all, held -> held.statistics().stale());
    of.age("evercred.secret.age", all, held -> held.statistics().oldest().toNanos() / 1e9);
    for (String id : secretIds) {
      Tags one = all.and("secret", id);
      of.age("evercred.named.age", one, held -> held.ageInSeconds(id));
      of.gauge("evercred.named.stale", one, held -> held.isStale(id) ? 1 : 0);
    }
    if (logins != null) {
      of.logins("evercred.logins", all.and("result", "succeeded"), LoginStatistics::succeeded);
      of.logins("evercred.logins", all.and("result", "refused"), LoginStatistics::refused);
      of.logins("evercred.logins", all.and("result", "gave_up"), LoginStatistics::gaveUp);
      of.logins("evercred.probes", all, LoginStatistics::probes);
      of.logins("evercred.probes.deposed", all, LoginStatistics::deposed);
      of.logins("evercred.rotations.incomplete", all, LoginStatistics::incomplete);
    }
  }

  /** Registers meters, each of which holds weakly what it reads from. */
  private final class Meters {
    private final MeterRegistry registry;

    Meters(MeterRegistry registry) {
      this.registry = registry;
    }

    void cache(String meter, Tags tags, ToLongFunction<SecretCacheStatistics> figure) {
      FunctionCounter.builder(meter, cache, held -> figure.applyAsLong(held.statistics()))
          .tags(tags)
          .register(registry);
    }

    void logins(String meter, Tags tags, ToLongFunction<LoginStatistics> figure) {
      if (logins != null) {
        FunctionCounter.builder(meter, logins, held -> figure.applyAsLong(held.statistics()))
            .tags(tags)
            .register(registry);
      }
    }

    void gauge(String meter, Tags tags, ToDoubleFunction<SecretCache> figure) {
      Gauge.builder(meter, cache, figure).tags(tags).register(registry);
    }

    void age(String meter, Tags tags, ToDoubleFunction<SecretCache> seconds) {
      TimeGauge.builder(meter, cache, TimeUnit.SECONDS, seconds).tags(tags).register(registry);
    }
  }
}
