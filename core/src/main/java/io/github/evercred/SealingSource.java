package io.github.evercred;

import io.github.evercred.SecretException.Reason;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Seals what a source brings before the cache sees it. The key is had first, so that no value waits
 * in clear text for it.
 */
final class SealingSource implements SecretSource {
  private final SecretSource source;
  private final Sealer sealer;
  private final long rememberNanos;
  private final Time time;
  private volatile @Nullable Refused refused;

  /** No key, for a while. */
  private record Refused(SecretException why, long until) {}

  /**
   * As the source, sealed.
   *
   * @param rememberNanos how long a definitive failure to get a key is told again
   */
  SealingSource(SecretSource source, Sealer sealer, long rememberNanos, Time time) {
    this.source = source;
    this.sealer = sealer;
    this.rememberNanos = rememberNanos;
    this.time = time;
  }

  /** A definitive answer of KMS's is not asked for again by each secret at once. */
  private SealingKey key(Duration timeout) {
    Refused last = refused;
    if (last != null && last.until() - time.nanos() > 0) {
      throw last.why().again("");
    }
    try {
      return sealer.key(timeout);
    } catch (SecretException e) {
      if (!e.reason().isTransient()) {
        refused = new Refused(e, time.in(rememberNanos));
      }
      throw e;
    }
  }

  @Override
  public SecretValue fetch(SecretRequest request) {
    long end = time.in(request.timeout().toNanos());
    SealingKey key = key(request.timeout());
    SecretValue value =
        source.fetch(
            new SecretRequest(
                request.secretId(),
                request.version(),
                left(end, request.timeout()),
                request.fresh()));
    return sealer.seal(key, value, request.version());
  }

  @Override
  public SecretBatch fetchBatch(List<String> secretIds, Duration timeout) {
    long end = time.in(timeout.toNanos());
    SealingKey key = key(timeout);
    SecretBatch batch = source.fetchBatch(secretIds, left(end, timeout));
    Map<String, SecretValue> sealed = new HashMap<>();
    batch
        .values()
        .forEach((id, value) -> sealed.put(id, sealer.seal(key, value, VersionSelector.CURRENT)));
    return new SecretBatch(sealed, batch.failures());
  }

  private Duration left(long end, Duration timeout) {
    long left = end - time.nanos();
    if (left <= 0) {
      throw new SecretException(
          Reason.UNAVAILABLE,
          "making the key to seal with took all of the attempt's " + timeout,
          null);
    }
    return Duration.ofNanos(left);
  }

  @Override
  public int batchSize() {
    return source.batchSize();
  }

  @Override
  public boolean hasCache() {
    return source.hasCache();
  }

  @Override
  public List<RegionReport> regions() {
    return source.regions();
  }

  @Override
  public void beforeCheckpoint() {
    refused = null; // Time may stand still or jump from here on.
    source.beforeCheckpoint();
  }

  /** Called only where the cache owns the source. */
  @Override
  public void close() {
    source.close();
  }

  @Override
  public String description() {
    return source.description();
  }
}
