package io.github.evercred.examples.client;

import io.github.evercred.SecretCache;
import io.github.evercred.SecretValue;
import io.github.evercred.SecretVersions;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The key to sign with: that of AWSCURRENT, but for a while after it was seen to have changed. Then
 * it is that of AWSPREVIOUS, which every verifier accepts. By the time that the new one is used, no
 * verifier has looked before the change and yet so lately that it may not look again; and Secrets
 * Manager, which is eventually consistent, has come to rest. At first, when nothing was seen to
 * change, it is that of AWSCURRENT at once.
 *
 * <p>Thread-safe. A key is made when its version is first seen. Two are kept, in clear text.
 */
final class SigningKey<K> implements Supplier<VersionedKey<K>> {

  /** Longer than a verifier's {@code minimumInterval} and a fetch. */
  static final Duration SETTLES_IN = Duration.ofSeconds(5);

  private final long settlesIn;
  private final LongSupplier nanos;

  // recipe: signing-key
  private record Turn<K>(VersionedKey<K> newest, VersionedKey<K> before, long since) {}

  private final SecretCache cache;
  private final String secretId;
  private final Function<SecretValue, K> maker;
  private final AtomicReference<@Nullable Turn<K>> turn = new AtomicReference<>();

  SigningKey(
      SecretCache cache,
      String secretId,
      Function<SecretValue, K> maker,
      Duration settlesIn,
      LongSupplier nanos) {
    this.cache = cache;
    this.secretId = secretId;
    this.maker = maker;
    this.settlesIn = settlesIn.toNanos();
    this.nanos = nanos;
  }

  @Override
  public VersionedKey<K> get() {
    Turn<K> known = turn.get(); // First: what is read after it is no older.
    SecretVersions versions = cache.versions(secretId);
    if (known != null && known.newest().versionId().equals(versions.current().versionId())) {
      return nanos.getAsLong() - known.since() < settlesIn ? known.before() : known.newest();
    }
    if (known != null && known.before().versionId().equals(versions.current().versionId())) {
      return known.before(); // Rolled back, or an answer that came late: it is accepted either way.
    }
    VersionedKey<K> newest = key(versions.current(), known);
    // Not simply the one known so far: it may be two rotations old, and refused.
    VersionedKey<K> before =
        known == null
            ? newest
            : versions.previous().map(previous -> key(previous, known)).orElse(newest);
    var unused = turn.compareAndSet(known, new Turn<>(newest, before, nanos.getAsLong()));
    return get(); // If not this thread, another one has moved it on.
  }

  private VersionedKey<K> key(SecretValue version, @Nullable Turn<K> known) {
    return known != null && known.newest().versionId().equals(version.versionId())
        ? known.newest()
        : new VersionedKey<>(version.versionId(), maker.apply(version));
  }

  // end

  SigningKey(SecretCache cache, String secretId, Function<SecretValue, K> maker) {
    this(cache, secretId, maker, SETTLES_IN, System::nanoTime);
  }
}
