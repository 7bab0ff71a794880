package io.github.evercred;

import java.time.Duration;
import java.util.Objects;

/**
 * What a {@link SecretSource} is asked for: one version of one secret, within a time.
 *
 * @param secretId name or ARN, as the caller wrote it
 * @param version the staging label or version id
 * @param timeout how long the source may take; positive
 * @param fresh whether the answer must come from Secrets Manager itself, now, and not out of a
 *     cache that a source has of its own: a credential was refused, or somebody forces a refresh
 */
public record SecretRequest(
    String secretId, VersionSelector version, Duration timeout, boolean fresh) {

  /**
   * Checks that nothing is null.
   *
   * @param secretId name or ARN
   * @param version the staging label or version id
   * @param timeout how long the source may take
   * @param fresh whether an answer out of a source's own cache will not do
   */
  public SecretRequest {
    Objects.requireNonNull(secretId, "secretId");
    Objects.requireNonNull(version, "version");
    Objects.requireNonNull(timeout, "timeout");
  }

  /**
   * Asks for what a source may also have in a cache of its own.
   *
   * @param secretId name or ARN
   * @param version the staging label or version id
   * @param timeout how long the source may take
   */
  public SecretRequest(String secretId, VersionSelector version, Duration timeout) {
    this(secretId, version, timeout, false);
  }
}
