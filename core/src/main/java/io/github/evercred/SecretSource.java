package io.github.evercred;

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
   * Says where this source reads, for messages: a region, for instance.
   *
   * @return a short text without secrets
   */
  default String description() {
    return getClass().getSimpleName();
  }

  /** Frees what this source itself has built. Does nothing unless overridden. */
  @Override
  default void close() {}
}
