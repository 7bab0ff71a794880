package io.github.evercred;

import java.time.Duration;

/**
 * Hears what a {@link SecretCache} does; never a value. What has just been loaded can be read from
 * the cache, which does not wait for it.
 *
 * <p>A listener is told of the events of its cache one after the other, in their order, in a daemon
 * thread of its own, so one that blocks holds up no read, no refresh and no other listener, but the
 * events behind its own. When a thousand are waiting for it, further ones are dropped for it and
 * {@linkplain SecretCacheStatistics counted}. What a listener throws is logged and otherwise
 * ignored. Two listeners may hear of one event at the same time, or one before the other. All
 * methods do nothing by default; no argument is null.
 */
public interface SecretCacheListener {

  /**
   * A value that was not cached has been fetched.
   *
   * @param secretId name or ARN, as the caller wrote it
   * @param version what was asked for
   * @param versionId the version that was found
   */
  default void loaded(String secretId, VersionSelector version, String versionId) {}

  /**
   * A refresh has found the version that was cached already.
   *
   * @param secretId name or ARN, as the caller wrote it
   * @param version what was asked for
   * @param versionId the version
   */
  default void refreshed(String secretId, VersionSelector version, String versionId) {}

  /**
   * A refresh has found another version than was cached: the secret was rotated, changed by hand or
   * rolled back.
   *
   * @param secretId name or ARN, as the caller wrote it
   * @param version what was asked for
   * @param oldVersionId the version that was cached
   * @param newVersionId the version that is cached now
   */
  default void rotated(
      String secretId, VersionSelector version, String oldVersionId, String newVersionId) {}

  /**
   * A fetch has failed, after all of its attempts, and nothing is cached: its callers got this
   * failure.
   *
   * @param secretId name or ARN, as the caller wrote it
   * @param version what was asked for
   * @param failure why
   */
  default void failed(String secretId, VersionSelector version, SecretException failure) {}

  /**
   * A fetch has failed, after all of its attempts, and what is cached is served on. Told for each
   * such failure; the next {@link #refreshed} or {@link #rotated} ends it.
   *
   * @param secretId name or ARN, as the caller wrote it
   * @param version what was asked for
   * @param versionId the version that is served
   * @param age how long ago it was fetched
   * @param failure why there is no newer one
   */
  default void servingStale(
      String secretId,
      VersionSelector version,
      String versionId,
      Duration age,
      SecretException failure) {}

  /**
   * A value has been dropped because it may be served no longer: see {@code serveStaleFor} and
   * {@code serveStaleWhenDeniedFor}. Also told of a version whose staging label (any but
   * AWSCURRENT) has been taken off.
   *
   * @param secretId name or ARN, as the caller wrote it
   * @param version what was asked for
   * @param versionId the version that was dropped
   * @param age how long ago it was fetched
   */
  default void expired(String secretId, VersionSelector version, String versionId, Duration age) {}

  /**
   * A value has been dropped because more than {@code maximumSecrets} were held.
   *
   * @param secretId name or ARN, as the caller wrote it
   * @param version what was asked for
   * @param versionId the version that was dropped
   */
  default void evicted(String secretId, VersionSelector version, String versionId) {}
}
