package io.github.evercred;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A map with a bound: the one place that knows Caffeine. Values are made inside the map, so making
 * one must not block.
 *
 * <p>As long as few are held, which for most programs is always, a plain map does: loading Caffeine
 * takes a good part of the time to the first secret of a process. Readers take no lock; those that
 * change something take one, so that nothing is lost when Caffeine takes over.
 */
final class Bounded<K, V> {
  private static final int FEW = 64;

  /** Held for changes in memory alone. */
  private final Object lock = new Object();

  private final long few;
  private final Supplier<ConcurrentMap<K, V>> bounded;
  private final Runnable cleanUp;
  private volatile ConcurrentMap<K, V> map;

  private Bounded(long few, Bounds<K, V> bounds) {
    this.few = few;
    this.bounded = bounds::map;
    this.cleanUp = bounds::cleanUp;
    this.map = few > 0 ? new ConcurrentHashMap<>() : bounds.map();
  }

  /** Caffeine, once it is needed. In a class of its own, that is not loaded before. */
  private abstract static class Bounds<K, V> {
    /** Set under the lock, and read without it. */
    private volatile @Nullable Cache<K, V> cache;

    abstract Cache<K, V> make();

    final ConcurrentMap<K, V> map() {
      var made = make();
      cache = made;
      return made.asMap();
    }

    final void cleanUp() {
      var made = cache;
      if (made != null) {
        made.cleanUp();
      }
    }
  }

  /** Bounded by size alone: a read then looks at no clock. */
  static <K, V> Bounded<K, V> bySize(long most, Consumer<V> whenEvicted) {
    return new Bounded<>(
        Math.min(FEW, most),
        new Bounds<K, V>() {
          @Override
          Cache<K, V> make() {
            return Caffeine.newBuilder()
                .maximumSize(most)
                .executor(Runnable::run)
                .<K, V>evictionListener(
                    (key, value, cause) -> {
                      if (value != null) {
                        whenEvicted.accept(value);
                      }
                    })
                .build();
          }
        });
  }

  /** Bounded by size and by the time since the last use. */
  static <K, V> Bounded<K, V> bySizeAndUse(long most, long unusedNanos, LongSupplier nanos) {
    return new Bounded<>(
        0,
        new Bounds<K, V>() {
          @Override
          Cache<K, V> make() {
            return Caffeine.newBuilder()
                .maximumSize(most)
                .expireAfterAccess(unusedNanos, TimeUnit.NANOSECONDS)
                .ticker(nanos::getAsLong)
                .executor(Runnable::run)
                .build();
          }
        });
  }

  @Nullable V get(K key) {
    return map.get(key);
  }

  V get(K key, Function<K, V> maker) {
    V there = map.get(key);
    if (there != null) {
      return there;
    }
    synchronized (lock) {
      V made = map.computeIfAbsent(key, maker);
      boundIfMany();
      return made;
    }
  }

  void put(K key, V value) {
    synchronized (lock) {
      map.put(key, value);
      boundIfMany();
    }
  }

  private void boundIfMany() {
    if (map instanceof ConcurrentHashMap && map.size() > few) {
      ConcurrentMap<K, V> next = bounded.get();
      next.putAll(map);
      map = next;
    }
  }

  void remove(K key) {
    synchronized (lock) {
      map.remove(key);
    }
  }

  /** Returns whether it was there. */
  boolean remove(K key, V value) {
    synchronized (lock) {
      return map.remove(key, value);
    }
  }

  void removeIf(Predicate<K> which) {
    synchronized (lock) {
      map.keySet().removeIf(which);
    }
  }

  void clear() {
    synchronized (lock) {
      map.clear();
    }
  }

  /** Evicts at once what is over the bound, then shows what is held; to be read only. */
  Map<K, V> view() {
    cleanUp.run();
    return map;
  }
}
