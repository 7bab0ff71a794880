package io.github.evercred;

import io.github.evercred.Entry.Snapshot;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A secret of a {@link SecretCache}, to be kept where it is read often: a read of a fresh value
 * costs one volatile read, with no map and no clock. Otherwise it behaves as {@link
 * SecretCache#get(String, VersionSelector)} does: it refreshes, waits and fails as that.
 *
 * <p>What it returns is moved on by timers. After a process was frozen (AWS Lambda between two
 * invocations, a restored snapshot, a suspended machine) the first reads can come before any timer,
 * and get the value from before, however old; so with {@code processMayFreeze}, which is the
 * default on AWS Lambda, each read asks the clocks, too, and costs as much as they do.
 *
 * <p>Instances are thread-safe and cheap to make. Where the cache no longer holds a value, a handle
 * does not hold it either.
 */
public final class SecretHandle implements Supplier<SecretValue> {
  private final SecretCache cache;
  private final Key key;

  /** Not volatile: any entry that was ever this key's will do, for one that is gone says so. */
  private @Nullable Entry entry;

  SecretHandle(SecretCache cache, Key key) {
    this.cache = cache;
    this.key = key;
  }

  /**
   * Returns the value. Waits, for {@code loadTimeout} at most, only where nothing usable is cached
   * or nobody has tried to refresh it for {@code revalidateAfter}. After a freeze of the process
   * this may be the value from before it; a read through {@link SecretCache#get(String) the cache}
   * can avoid that.
   *
   * @return the value
   * @throws SecretException if nothing usable is cached and none can be had
   */
  @Override
  public SecretValue get() {
    Entry known = entry;
    if (known != null) {
      Snapshot snapshot = known.snapshot();
      if (cache.isFresh(known, snapshot)) {
        known.markRead();
        return snapshot.value();
      }
    }
    SecretValue value = cache.read(key, Time.FOREVER);
    entry = cache.entry(key);
    return value;
  }

  /**
   * Returns what a function makes of the value, made once for each version and not for each read:
   * {@code handle.map(value -> value.field("apiKey"))}, or a parser of one's own. In a {@linkplain
   * SecretCacheBuilder#sealed() sealed} cache it is made at each read, and not kept.
   *
   * @param <T> what is made
   * @param maker makes it; must not return null. When a version is new, threads that read at the
   *     same moment may each call it. What it throws reaches the reader, and it is called again by
   *     the next
   * @return a supplier that is thread-safe; what it returns is shared, so it should be immutable
   */
  public <T> Supplier<T> map(Function<? super SecretValue, ? extends T> maker) {
    var mapped = new Mapped<T>(this, Objects.requireNonNull(maker, "maker"));
    cache.keeps(mapped, Mapped::forget);
    return mapped;
  }

  private static final class Mapped<T> implements Supplier<T> {
    private final SecretHandle handle;
    private final Function<? super SecretValue, ? extends T> maker;
    private volatile @Nullable Made<T> made;

    private record Made<T>(SecretValue from, T what) {}

    Mapped(SecretHandle handle, Function<? super SecretValue, ? extends T> maker) {
      this.handle = handle;
      this.maker = maker;
    }

    @Override
    public T get() {
      SecretValue value = handle.get();
      if (value.isSealed()) {
        return Objects.requireNonNull(maker.apply(value), "what a mapped handle makes");
      }
      Made<T> known = made;
      if (known == null || known.from() != value) {
        T what =
            known != null && known.from().isSameVersionAs(value)
                ? known.what()
                : Objects.requireNonNull(maker.apply(value), "what a mapped handle makes");
        known = new Made<>(value, what);
        made = known;
        if (handle.cache.isSuspended()) {
          forget();
        }
      }
      return known.what();
    }

    void forget() {
      made = null;
    }

    @Override
    public String toString() {
      return handle + ", mapped";
    }
  }

  /** Names the secret; never the value. */
  @Override
  public String toString() {
    return "SecretHandle[" + key + "]";
  }
}
