package io.github.evercred;

import java.time.Duration;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.core.exception.AbortedException;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.services.sts.StsClient;
import software.amazon.awssdk.services.sts.auth.StsAssumeRoleCredentialsProvider;
import software.amazon.awssdk.services.sts.model.AssumeRoleRequest;

/**
 * The credentials of an IAM role, assumed when they are first needed and again before they expire,
 * in the thread that needs them. Apart from {@link AwsCalls}, so that without a role the {@code
 * sts} artifact is never looked for.
 *
 * <p>Thread-safe. While they are renewed (in their last five minutes) and that fails, the old ones
 * are used until their last minute.
 */
final class AssumedRole implements AwsCredentialsProvider, AutoCloseable {

  private final String role;

  /**
   * How long the call may take that a thread makes for its fetch. The limit of the call for the
   * secret does not hold for it: that begins when there are credentials.
   */
  private final ThreadLocal<Duration> limit = ThreadLocal.withInitial(() -> Duration.ofSeconds(2));

  private final StsClient sts;
  private final StsAssumeRoleCredentialsProvider credentials;

  /**
   * Makes no call.
   *
   * @param from the credentials that assume it; null means the SDK's default chain
   */
  AssumedRole(Place place, String role, @Nullable AwsCredentialsProvider from) {
    this.role = role;
    this.sts = AwsCalls.lean(StsClient.builder(), place, from).build();
    this.credentials =
        StsAssumeRoleCredentialsProvider.builder()
            .stsClient(sts)
            .asyncCredentialUpdateEnabled(false)
            .refreshRequest(() -> request(place))
            .build();
  }

  private AssumeRoleRequest request(Place place) {
    return AssumeRoleRequest.builder()
        .roleArn(role)
        .roleSessionName(place.roleSessionName())
        .externalId(place.externalId().orElse(null))
        .overrideConfiguration(o -> AwsCalls.limit(o, limit.get()))
        .build();
  }

  /**
   * Makes a call that may need these credentials first, which may take as long as it may itself.
   */
  <T> T within(Duration timeout, Supplier<T> call) {
    limit.set(timeout);
    try {
      return call.get();
    } finally {
      limit.remove();
    }
  }

  /** What STS answers leaves as it came; all else is said to be about this role. */
  @Override
  public AwsCredentials resolveCredentials() {
    try {
      return credentials.resolveCredentials();
    } catch (AbortedException e) {
      throw e;
    } catch (SdkClientException e) {
      // What cannot be read is quoted by the SDK, and may be the credentials.
      throw AwsCalls.isUnreadable(e)
          ? none("the answer cannot be read", null)
          : none(e.getMessage(), e);
    } catch (NullPointerException | IllegalStateException e) {
      if (e.getCause() instanceof InterruptedException) { // While another thread was renewing them.
        throw AbortedException.create("The wait for credentials was stopped", e);
      }
      throw none("the answer lacks a part of them", null); // No field of it is required.
    }
  }

  private SdkClientException none(@Nullable String why, @Nullable Throwable cause) {
    return SdkClientException.create(
        "No credentials of role %s from STS: %s".formatted(role, why), cause);
  }

  @Override
  public void close() {
    credentials.close();
    sts.close();
  }

  @Override
  public String toString() {
    return "AssumedRole[%s]".formatted(role);
  }
}
