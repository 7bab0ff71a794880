package io.github.evercred;

import java.util.Objects;

/**
 * The version of a secret that logins at one target use, at one moment.
 *
 * @param value the version; {@code toString} does not show what it holds
 * @param currentVersionId the version that was cached as AWSCURRENT then; during a rotation it may
 *     be another than is used
 */
public record VersionInUse(SecretValue value, String currentVersionId) {

  /**
   * Checks that nothing is null.
   *
   * @param value the version
   * @param currentVersionId the version that is cached as AWSCURRENT
   */
  public VersionInUse {
    Objects.requireNonNull(value, "value");
    Objects.requireNonNull(currentVersionId, "currentVersionId");
  }

  /**
   * Tells whether a version has been replaced at the target: it is neither what logins use nor
   * AWSCURRENT. What was opened with it may go on for now, but is better opened anew.
   *
   * @param versionId a version of the same secret
   * @return true if it has been replaced
   */
  public boolean supersedes(String versionId) {
    return !versionId.equals(value.versionId()) && !versionId.equals(currentVersionId);
  }
}
