package io.github.evercred;

import java.time.Duration;
import java.util.List;

/**
 * Where secrets come from: the one seam between the cache and AWS Secrets Manager.
 *
 * <p>{@link AwsSecretSource} is the source that calls AWS. An implementation must be thread-safe.
 * It is called from few threads of the cache's own and may block for as long as the request says;
 * it should return early when its thread is interrupted. It must not retry: the cache does, and
 * knows when not to.
 */
@FunctionalInterface
public interface SecretSource extends AutoCloseable {

  /**
   * Fetches one version of one secret, now.
   *
   * @param request what is asked for
   * @return the value
   * @throws SecretException if there is no value, with the {@linkplain SecretException#reason()
   *     reason} that decides whether the cache tries again. Anything else that is thrown counts as
   *     {@link SecretException.Reason#UNAVAILABLE}
   */
  SecretValue fetch(SecretRequest request);

  /**
   * Tells how many secrets {@link #fetchBatch} takes at once.
   *
   * @return 0, which is the default, if this source fetches secrets one by one only
   */
  default int batchSize() {
    return 0;
  }

  /**
   * Fetches the AWSCURRENT versions of several secrets at once, now. Called only where {@link
   * #batchSize()} is not 0.
   *
   * @param secretIds names and ARNs, as the caller wrote them; {@link #batchSize()} at most, each
   *     once
   * @param timeout how long all of it may take; positive
   * @return what was found and what failed, each on its own
   * @throws SecretException if the batch failed as a whole, with the reason that decides whether it
   *     is tried again and whether the secrets are then fetched one by one
   */
  default SecretBatch fetchBatch(List<String> secretIds, Duration timeout) {
    throw new UnsupportedOperationException("fetchBatch");
  }

  /**
   * Tells whether this source may answer out of a cache of its own, unless it is asked for a
   * {@linkplain SecretRequest#fresh fresh} answer. Whoever forces a refresh then does not make do
   * with a fetch under way that was not asked for one.
   *
   * @return false, which is the default, if every fetch reaches Secrets Manager
   */
  default boolean hasCache() {
    return false;
  }

  /**
   * Says where this source reads, for messages: a region, for instance.
   *
   * @return a short text without secrets
   */
  default String description() {
    return getClass().getSimpleName();
  }

  /**
   * Tells which regions answer, where this source reads from several.
   *
   * @return a snapshot, in the order in which they are asked; empty, which is the default, if there
   *     is nothing to choose from
   */
  default List<RegionReport> regions() {
    return List.of();
  }

  /**
   * Closes connections and forgets what was read, because the process is about to be checkpointed
   * (AWS Lambda SnapStart, CRaC): what is in memory goes into a snapshot, from which many processes
   * may be restored. Later fetches work as ever, and open anew what they need. Called by the cache
   * when its own fetches have ended, also where it does not own the source; only where {@code
   * org.crac:crac} is on the class path. Does nothing unless overridden; a source that wraps
   * another passes it on. What it throws stops the checkpoint.
   */
  default void beforeCheckpoint() {}

  /** Frees what this source itself has built. Does nothing unless overridden. */
  @Override
  default void close() {}
}
