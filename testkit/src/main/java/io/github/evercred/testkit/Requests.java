package io.github.evercred.testkit;

import java.util.Objects;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Says which requests a {@link Fault} or a {@link Hold} is for. Immutable and thread-safe: each
 * method returns a new instance.
 *
 * <pre>{@code
 * secrets.inject(Fault.hang(), Requests.of("GetSecretValue").label("AWSPENDING").times(1));
 * }</pre>
 */
public final class Requests {
  private static final Requests ALL = new Requests(null, null, null, Integer.MAX_VALUE);

  private final @Nullable String operation;
  private final @Nullable String secretId;
  private final @Nullable String label;
  private final int times;

  private Requests(
      @Nullable String operation, @Nullable String secretId, @Nullable String label, int times) {
    this.operation = operation;
    this.secretId = secretId;
    this.label = label;
    this.times = times;
  }

  /**
   * Returns a selection of every request.
   *
   * @return every request, without limit
   */
  public static Requests all() {
    return ALL;
  }

  /**
   * Returns a selection of the next {@code n} requests of any kind.
   *
   * @param n at least 1
   * @return the next {@code n} requests
   * @throws IllegalArgumentException if {@code n} is less than 1
   */
  public static Requests next(int n) {
    return ALL.times(n);
  }

  /**
   * Returns a selection of the requests for one operation.
   *
   * @param operation such as {@code GetSecretValue}, one that {@link LocalSecretsManager} speaks
   * @return requests for that operation, without limit
   * @throws IllegalArgumentException if there is no such operation: it would never match
   */
  public static Requests of(String operation) {
    Objects.requireNonNull(operation, "operation");
    if (!Operations.NAMES.contains(operation) && !LocalKms.NAMES.contains(operation)) {
      throw new IllegalArgumentException(
          "LocalSecretsManager has no operation '%s'; it has %s, and of KMS %s"
              .formatted(operation, Operations.NAMES, new TreeSet<>(LocalKms.NAMES)));
    }
    return new Requests(operation, null, null, Integer.MAX_VALUE);
  }

  /**
   * Narrows the selection to one secret.
   *
   * <p>A {@code BatchGetSecretValue} request matches if it names the secret. A fault that is an
   * error answer then becomes that secret's entry in the batch's error list, as the service does
   * it; any other fault befalls the whole request.
   *
   * @param secretId name or ARN; a request that writes it the other way matches too
   * @return a narrower selection
   */
  public Requests secret(String secretId) {
    return new Requests(operation, Objects.requireNonNull(secretId, "secretId"), label, times);
  }

  /**
   * Narrows the selection to one staging label. A {@code GetSecretValue} request without a label
   * and a version id asks for {@code AWSCURRENT} and matches that.
   *
   * @param label such as {@code AWSPENDING}
   * @return a narrower selection
   */
  public Requests label(String label) {
    return new Requests(operation, secretId, Objects.requireNonNull(label, "label"), times);
  }

  /**
   * Limits the selection to the first {@code n} requests that match.
   *
   * @param n at least 1
   * @return a limited selection
   * @throws IllegalArgumentException if {@code n} is less than 1
   */
  public Requests times(int n) {
    if (n < 1) {
      throw new IllegalArgumentException("times must be at least 1: " + n);
    }
    return new Requests(operation, secretId, label, n);
  }

  @Nullable String operation() {
    return operation;
  }

  @Nullable String secretId() {
    return secretId;
  }

  @Nullable String label() {
    return label;
  }

  int limit() {
    return times;
  }

  @Override
  public String toString() {
    return "Requests[operation=%s, secret=%s, label=%s, times=%s]"
        .formatted(
            operation == null ? "any" : operation,
            secretId == null ? "any" : secretId,
            label == null ? "any" : label,
            times == Integer.MAX_VALUE ? "unlimited" : String.valueOf(times));
  }
}
