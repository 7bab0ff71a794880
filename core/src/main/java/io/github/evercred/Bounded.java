package io.github.evercred;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A map with a bound: the one place that knows Caffeine. Values are made inside the map, so making
 * one must not block.
 */
final class Bounded<K, V> {
  private final Cache<K, V> cache;

  private Bounded(Cache<K, V> cache) {
    this.cache = cache;
  }

  /** Bounded by size alone: a read then looks at no clock. */
  static <K, V> Bounded<K, V> bySize(long most, Consumer<V> whenEvicted) {
    return new Bounded<>(
        Caffeine.newBuilder()
            .maximumSize(most)
            .executor(Runnable::run)
            .<K, V>evictionListener(
                (key, value, cause) -> {
                  if (value != null) {
                    whenEvicted.accept(value);
                  }
                })
            .build());
  }

  /** Bounded by size and by the time since the last use. */
  static <K, V> Bounded<K, V> bySizeAndUse(long most, long unusedNanos, LongSupplier nanos) {
    return new Bounded<>(
        Caffeine.newBuilder()
            .maximumSize(most)
            .expireAfterAccess(unusedNanos, TimeUnit.NANOSECONDS)
            .ticker(nanos::getAsLong)
            .executor(Runnable::run)
            .build());
  }

  @Nullable V get(K key) {
    return cache.getIfPresent(key);
  }

  V get(K key, Function<K, V> maker) {
    return cache.get(key, maker);
  }

  void put(K key, V value) {
    cache.put(key, value);
  }

  void remove(K key) {
    cache.invalidate(key);
  }

  /** Returns whether it was there. */
  boolean remove(K key, V value) {
    return cache.asMap().remove(key, value);
  }

  void clear() {
    cache.invalidateAll();
  }

  /** Evicts at once what is over the bound, then shows what is held. */
  Map<K, V> view() {
    cache.cleanUp();
    return cache.asMap();
  }
}
