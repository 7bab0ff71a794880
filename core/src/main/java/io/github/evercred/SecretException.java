package io.github.evercred;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Says why a secret could not be had, and what to do about it.
 *
 * <p>The message names the secret, the version asked for, where it was looked for, the attempts and
 * the time they took, what is cached, and the next step. The cause is kept, except where its own
 * message could quote the value. No message ever holds a value.
 */
public final class SecretException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Why a secret could not be had. */
  public enum Reason {
    /** No such secret, version or staging label, or a label on a version without a value. */
    NOT_FOUND(
        false,
        "Check the name, the region and the account; a staging label without a value counts as not found"),
    /**
     * Not found where it was looked for, and the ARN's region is another than the client's; or the
     * client's endpoint is of another region than it signs for. The region is wrong, or the account
     * with it.
     */
    WRONG_REGION(
        false, "Read with a client of the secret's region and account, or correct the secret id"),
    /** An IAM, resource, organisation or VPC endpoint policy denies the call. */
    ACCESS_DENIED(
        false, "Allow secretsmanager:GetSecretValue on this secret, with this VersionStage"),
    /** The KMS key's policy denies {@code kms:Decrypt} to the caller. */
    KMS_DENIED(false, "Allow kms:Decrypt on the secret's KMS key to this caller"),
    /** The KMS key is disabled, deleted or otherwise unusable. */
    KEY_UNUSABLE(
        false,
        "Look at the state of the secret's KMS key: it must be enabled and not pending deletion"),
    /** The secret is scheduled for deletion. */
    MARKED_FOR_DELETION(false, "Restore the secret (RestoreSecret) or remove it from this service"),
    /** AWS did not accept the request as it is, or refused it with a code that is not known. */
    INVALID_REQUEST(
        false, "Correct the secret id, label or version id as Secrets Manager's answer says"),
    /** Secrets Manager asked to slow down. */
    THROTTLED(true, "Nothing to do unless it persists; then look for other heavy callers"),
    /** Time-out, network failure or a fault of the service. */
    UNAVAILABLE(true, "Nothing to do unless it persists; then check the network path to AWS"),
    /**
     * The AWS credentials are missing, expired or not accepted, or a role cannot be assumed.
     * Counted as transient: credentials are renewed without this process.
     */
    AWS_CREDENTIALS(
        true, "Check how this process gets its AWS credentials, and whether they are still valid"),
    /** This machine's clock is too far from AWS's. */
    CLOCK_SKEW(true, "Set this machine's clock, and keep it set (NTP)"),
    /** No region, or a needed library is missing. */
    CONFIGURATION(false, "Complete the configuration as the message says"),
    /**
     * An answer or a secret that cannot be read as what it should be. Tried again, as what stands
     * between may have cut it short; but an answer, so that one broken secret keeps nobody from
     * reading the others.
     */
    MALFORMED(true, "Look at what is stored, or at what stands between here and AWS"),
    /** A JSON field that is not in the secret. */
    MISSING_FIELD(false, "Add the field to the secret or ask for another"),
    /** The caller's own deadline passed first. */
    TIMED_OUT(true, "Give it more time, or prefetch the secret"),
    /** The waiting thread was interrupted; its interrupt flag is set again. */
    INTERRUPTED(true, "Nothing to do"),
    /** The cache, or the source it reads from, has been closed. */
    CLOSED(false, "Close the cache after everything that reads from it");

    /** Whether trying again may help. */
    private final boolean transientFailure;

    /** What a message tells the reader to do. */
    private final String nextStep;

    Reason(boolean transientFailure, String nextStep) {
      this.transientFailure = transientFailure;
      this.nextStep = nextStep;
    }

    /**
     * Tells whether trying again may help without anybody changing anything. A definitive failure
     * is an answer; a transient one is the lack of an answer.
     *
     * @return true for a transient failure
     */
    public boolean isTransient() {
      return transientFailure;
    }

    String nextStep() {
      return nextStep;
    }
  }

  /** Why the secret could not be had. */
  private final Reason reason;

  /** AWS's id of the request that failed. */
  private final @Nullable String requestId;

  /**
   * Makes an exception.
   *
   * @param reason why
   * @param message what happened; without any value
   * @param cause the cause, or null
   */
  public SecretException(Reason reason, String message, @Nullable Throwable cause) {
    this(reason, message, null, cause);
  }

  /**
   * Makes an exception that knows the request id of AWS's answer.
   *
   * @param reason why
   * @param message what happened; without any value
   * @param requestId the request id, or null
   * @param cause the cause, or null
   */
  public SecretException(
      Reason reason, String message, @Nullable String requestId, @Nullable Throwable cause) {
    super(message, cause);
    this.reason = Objects.requireNonNull(reason, "reason");
    this.requestId = requestId;
  }

  /** Whether the source is well all the same: it has answered, and not with this secret. */
  private boolean fromASourceThatAnswers;

  /** To be said before it is thrown. */
  SecretException fromASourceThatAnswers() {
    fromASourceThatAnswers = true;
    return this;
  }

  /** Whether it says nothing of the source, and is not mended by asking again at once. */
  boolean isFromASourceThatAnswers() {
    return fromASourceThatAnswers;
  }

  /** Every waiter throws an instance of its own, with its own stack, and the first as its cause. */
  SecretException again(String because) {
    return new SecretException(
        reason, because.isEmpty() ? getMessage() : getMessage() + " " + because, requestId, this);
  }

  /**
   * Returns why the secret could not be had.
   *
   * @return the reason
   */
  public Reason reason() {
    return reason;
  }

  /**
   * Returns the id of the request that failed, for a support case with AWS.
   *
   * @return the request id, or null if there was no answer
   */
  public @Nullable String requestId() {
    return requestId;
  }

  @Override
  public String getMessage() {
    return Objects.requireNonNullElse(super.getMessage(), reason.name());
  }

  /** Returns the type, the reason and the message. */
  @Override
  public String toString() {
    return "SecretException [" + reason + "]: " + getMessage();
  }
}
