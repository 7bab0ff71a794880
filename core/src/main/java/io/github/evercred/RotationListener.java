package io.github.evercred;

import java.time.Duration;

/**
 * Hears what logins learn about rotations; never a value. Methods are called in the thread that
 * logs in and must not block; what they throw is logged and otherwise ignored. All do nothing by
 * default.
 */
public interface RotationListener {

  /**
   * A target refused a version that it was believed to accept, and a probe begins.
   *
   * @param target where
   * @param secretId name or ARN
   * @param versionId the version that was refused
   */
  default void refused(Target target, String secretId, String versionId) {}

  /**
   * A target accepts a version that is not AWSCURRENT: a rotation is under way, or stuck. Told when
   * it is found, and again once when it has lasted five minutes and a login still sees it.
   *
   * @param target where
   * @param secretId name or ARN
   * @param label AWSPENDING or AWSPREVIOUS
   * @param versionId the version in use
   * @param since how long ago this was found
   */
  default void rotationIncomplete(
      Target target, String secretId, String label, String versionId, Duration since) {}

  /**
   * AWSCURRENT has caught up with what the target accepts.
   *
   * @param target where
   * @param secretId name or ARN
   * @param versionId the version that is AWSCURRENT now
   */
  default void rotationComplete(Target target, String secretId, String versionId) {}
}
