package io.github.evercred;

import java.time.Duration;
import java.util.Objects;

/**
 * What a {@link SecretSource} is asked for: one version of one secret, within a time.
 *
 * @param secretId name or ARN, as the caller wrote it
 * @param version the staging label or version id
 * @param timeout how long the source may take; positive
 */
public record SecretRequest(String secretId, VersionSelector version, Duration timeout) {

  /**
   * Checks that nothing is null.
   *
   * @param secretId name or ARN
   * @param version the staging label or version id
   * @param timeout how long the source may take
   */
  public SecretRequest {
    Objects.requireNonNull(secretId, "secretId");
    Objects.requireNonNull(version, "version");
    Objects.requireNonNull(timeout, "timeout");
  }
}
