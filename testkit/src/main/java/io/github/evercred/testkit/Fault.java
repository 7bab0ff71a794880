package io.github.evercred.testkit;

import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link LocalSecretsManager} does instead of answering as it should. Immutable and
 * thread-safe. Codes, statuses and texts are those of the service as its clients have recorded
 * them.
 */
public final class Fault {
  enum Kind {
    NONE,
    ERROR,
    ACCESS_DENIED,
    NOT_JSON,
    MALFORMED,
    HANG,
    RESET
  }

  private final Kind kind;
  private final int status;
  private final String code;
  private final String message;
  private final Duration delay;

  private Fault(Kind kind, int status, String code, String message, Duration delay) {
    this.kind = kind;
    this.status = status;
    this.code = code;
    this.message = message;
    this.delay = delay;
  }

  private static Fault of(Kind kind) {
    return new Fault(kind, 0, "", "", Duration.ZERO);
  }

  /**
   * The right answer, late.
   *
   * @param delay how late, zero or more
   * @return the fault
   * @throws IllegalArgumentException if {@code delay} is negative
   */
  public static Fault latency(Duration delay) {
    return of(Kind.NONE).after(delay);
  }

  /**
   * {@code ThrottlingException}, status 400, which the SDK retries.
   *
   * @return the fault
   */
  public static Fault throttling() {
    return error(400, "ThrottlingException", "Rate exceeded");
  }

  /**
   * {@code InternalServiceError}, status 500, which the SDK retries.
   *
   * @return the fault
   */
  public static Fault serverError() {
    return error(500, "InternalServiceError", "An error occurred on the server side.");
  }

  /**
   * Status 503 with a body that is not JSON, as a load balancer sends it. The SDK retries it and
   * reports no error code.
   *
   * @return the fault
   */
  public static Fault serviceUnavailable() {
    return new Fault(Kind.NOT_JSON, 503, "", "Service Unavailable", Duration.ZERO);
  }

  /**
   * No answer at all: the request is accepted, and its connection stays open until the client gives
   * up or the server is closed.
   *
   * @return the fault
   */
  public static Fault hang() {
    return of(Kind.HANG);
  }

  /**
   * The connection is reset (TCP RST) once the request has been read.
   *
   * @return the fault
   */
  public static Fault connectionReset() {
    return of(Kind.RESET);
  }

  /**
   * {@code AccessDeniedException}, status 400, in the words of an identity policy that lacks the
   * action; it names the operation, and the secret as the caller wrote it, or the ARN of the KMS
   * key.
   *
   * @return the fault
   */
  public static Fault accessDenied() {
    return of(Kind.ACCESS_DENIED);
  }

  /**
   * {@code AccessDeniedException}, status 400, with the text of a secret whose KMS key the caller
   * may not use: {@code Access to KMS is not allowed}.
   *
   * @return the fault
   */
  public static Fault accessDeniedByKms() {
    return error(400, "AccessDeniedException", "Access to KMS is not allowed");
  }

  /**
   * {@code DecryptionFailure}, status 400.
   *
   * @return the fault
   */
  public static Fault decryptionFailure() {
    return error(
        400,
        "DecryptionFailure",
        "Secrets Manager can't decrypt the protected secret text using the provided KMS key.");
  }

  /**
   * Status 200 with a body that breaks off in the middle of a JSON string.
   *
   * @return the fault
   */
  public static Fault malformedBody() {
    return of(Kind.MALFORMED);
  }

  /**
   * An error answer.
   *
   * @param status HTTP status, 400 to 599
   * @param code the value of {@code __type}, such as {@code ExpiredTokenException}
   * @param message the error's text
   * @return the fault
   * @throws IllegalArgumentException if the status is out of range
   */
  public static Fault error(int status, String code, String message) {
    if (status < 400 || status > 599) {
      throw new IllegalArgumentException("status of an error must be 400 to 599: " + status);
    }
    return new Fault(
        Kind.ERROR,
        status,
        Objects.requireNonNull(code, "code"),
        Objects.requireNonNull(message, "message"),
        Duration.ZERO);
  }

  /**
   * Returns the same fault, some time after the request arrived.
   *
   * @param delay zero or more
   * @return the delayed fault
   * @throws IllegalArgumentException if {@code delay} is negative
   */
  public Fault after(Duration delay) {
    if (delay.isNegative()) {
      throw new IllegalArgumentException("delay must not be negative: " + delay);
    }
    return new Fault(kind, status, code, message, delay);
  }

  Kind kind() {
    return kind;
  }

  Duration delay() {
    return delay;
  }

  /** The text of a body that is not JSON. */
  String message() {
    return message;
  }

  int status() {
    return status;
  }

  /** Whether it can stand in the error list of a batch. */
  boolean isServiceError() {
    return kind == Kind.ERROR || kind == Kind.ACCESS_DENIED;
  }

  /** The error answer to a request for {@code operation} on {@code secretId} (null: none named). */
  ServiceError serviceError(String operation, @Nullable String secretId, String account) {
    if (kind == Kind.ACCESS_DENIED) {
      String action = (LocalKms.NAMES.contains(operation) ? "kms:" : "secretsmanager:") + operation;
      String text =
          "User: arn:aws:sts::%1$s:assumed-role/evercred-testkit/local is not authorized to perform: %2$s on resource: %3$s because no identity-based policy allows the %2$s action"
              .formatted(account, action, secretId == null ? "*" : secretId);
      return new ServiceError(400, "AccessDeniedException", text);
    }
    return new ServiceError(status, code, message);
  }

  @Override
  public String toString() {
    return "Fault[%s%s%s]"
        .formatted(
            kind,
            status == 0 ? "" : ", " + status + " " + code,
            delay.isZero() ? "" : ", after " + delay);
  }
}
