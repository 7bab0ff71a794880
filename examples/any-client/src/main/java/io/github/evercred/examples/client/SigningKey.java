package io.github.evercred.examples.client;

import io.github.evercred.SecretCache;
import io.github.evercred.SecretValue;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The key to sign with: that of AWSCURRENT, but for a while after it has changed. Then the one
 * before goes on, which every verifier accepts as AWSPREVIOUS. By the time that the new one is
 * used, no verifier has looked before the change and yet so lately that it may not look again; and
 * Secrets Manager, which is eventually consistent, has come to rest.
 *
 * <p>Thread-safe. A key is made once for each version. Two are kept, in clear text.
 */
final class SigningKey<K> implements Supplier<VersionedKey<K>> {

  /** Longer than a verifier's {@code minimumInterval} and a fetch. */
  static final Duration SETTLES_IN = Duration.ofSeconds(5);

  private final long settlesIn;
  private final LongSupplier nanos;

  // recipe: signing-key
  private record Turn<K>(VersionedKey<K> newest, VersionedKey<K> before, long since) {}

  private final Supplier<VersionedKey<K>> current;
  private final AtomicReference<@Nullable Turn<K>> turn = new AtomicReference<>();

  SigningKey(
      SecretCache cache,
      String secretId,
      Function<SecretValue, K> maker,
      Duration settlesIn,
      LongSupplier nanos) {
    this.current =
        cache
            .handle(secretId)
            .map(secret -> new VersionedKey<>(secret.versionId(), maker.apply(secret)));
    this.settlesIn = settlesIn.toNanos();
    this.nanos = nanos;
  }

  @Override
  public VersionedKey<K> get() {
    Turn<K> known = turn.get(); // First: what is read after it is no older.
    VersionedKey<K> newest = current.get();
    if (known != null && known.newest().versionId().equals(newest.versionId())) {
      return nanos.getAsLong() - known.since() < settlesIn ? known.before() : known.newest();
    }
    VersionedKey<K> before = known == null ? newest : known.newest();
    var unused = turn.compareAndSet(known, new Turn<>(newest, before, nanos.getAsLong()));
    return get(); // If not this thread, another one has moved it on.
  }

  // end

  SigningKey(SecretCache cache, String secretId, Function<SecretValue, K> maker) {
    this(cache, secretId, maker, SETTLES_IN, System::nanoTime);
  }
}
