package io.github.evercred;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The versions of a secret that count during a rotation, as they stood together at one time: for
 * whoever must accept two of them, such as a verifier of signatures.
 *
 * <p>Immutable and thread-safe. {@code toString} shows no value.
 *
 * @param current the version that carries AWSCURRENT
 * @param previous the version that carries AWSPREVIOUS, if there is one
 * @param pending the version that carries AWSPENDING, if there is one with a value that may be read
 *     and that is not the current one (where a rotation leaves the label when it is over)
 */
public record SecretVersions(
    SecretValue current, Optional<SecretValue> previous, Optional<SecretValue> pending) {

  /**
   * Checks that nothing is null.
   *
   * @param current the version that carries AWSCURRENT
   * @param previous the version that carries AWSPREVIOUS
   * @param pending the version that carries AWSPENDING
   */
  public SecretVersions {
    Objects.requireNonNull(current, "current");
    Objects.requireNonNull(previous, "previous");
    Objects.requireNonNull(pending, "pending");
  }

  /**
   * Returns each version once: the current one first, then the previous, then the pending one.
   *
   * @return one to three versions; unmodifiable
   */
  public List<SecretValue> all() {
    var all = new LinkedHashMap<String, SecretValue>();
    all.put(current.versionId(), current);
    previous.ifPresent(value -> all.putIfAbsent(value.versionId(), value));
    pending.ifPresent(value -> all.putIfAbsent(value.versionId(), value));
    return List.copyOf(all.values());
  }

  /**
   * Finds a version by its id, as a signed token may name it.
   *
   * @param versionId the version id
   * @return the version, if it is one of these
   */
  public Optional<SecretValue> find(String versionId) {
    return all().stream().filter(value -> value.versionId().equals(versionId)).findAny();
  }

  SecretVersions under(String secretId) {
    return new SecretVersions(
        current.under(secretId),
        previous.map(value -> value.under(secretId)),
        pending.map(value -> value.under(secretId)));
  }

  /** Returns these versions with the older ones' content where that is the same. */
  SecretVersions sharing(@Nullable SecretVersions older) {
    return older == null
        ? this
        : new SecretVersions(
            sharing(current, older),
            previous.map(value -> sharing(value, older)),
            pending.map(value -> sharing(value, older)));
  }

  private static SecretValue sharing(SecretValue value, SecretVersions older) {
    return older.find(value.versionId()).map(value::sharing).orElse(value);
  }

  /** Whether this answer about AWSPENDING means that there is nothing pending to be used. */
  static boolean isAbsent(SecretException failure) {
    return !failure.reason().isTransient() && failure.reason() != SecretException.Reason.CLOSED;
  }

  /**
   * Whether a label may have moved while the three were read, in this order: pending, current,
   * previous. Each comes with the labels that it carried at its time, and those must fit together.
   * They come in the order of their age, too, unless more than one rotation ended between two reads
   * or one was rolled back. Doubt is no proof: the same answers twice in a row are the truth.
   */
  static boolean areDoubtful(
      SecretValue current, Optional<SecretValue> previous, Optional<SecretValue> pending) {
    return previous.filter(value -> doubtPrevious(value, current)).isPresent()
        || pending.filter(value -> doubtPending(value, current, previous)).isPresent();
  }

  private static boolean doubtPrevious(SecretValue previous, SecretValue current) {
    return isYounger(previous, current)
        || (isSame(previous, current)
            ? !carries(current, VersionSelector.PREVIOUS)
            : carries(previous, VersionSelector.CURRENT));
  }

  private static boolean doubtPending(
      SecretValue pending, SecretValue current, Optional<SecretValue> previous) {
    boolean isPrevious = previous.filter(value -> isSame(value, pending)).isPresent();
    return !isSame(pending, current)
        && (carries(pending, VersionSelector.CURRENT)
            || carries(current, VersionSelector.PENDING)
            || isYounger(current, pending)
            || carries(pending, VersionSelector.PREVIOUS) != isPrevious);
  }

  private static boolean isYounger(SecretValue one, SecretValue other) {
    return one.createdAt().isPresent()
        && other.createdAt().filter(one.createdAt().get()::isAfter).isPresent();
  }

  private static boolean carries(SecretValue value, VersionSelector label) {
    return value.labels().contains(label.text());
  }

  /** Whether these are the same versions in the same places. */
  boolean areSameAs(@Nullable SecretVersions other) {
    return other != null
        && isSame(current, other.current)
        && previous.map(SecretValue::versionId).equals(other.previous.map(SecretValue::versionId))
        && pending.map(SecretValue::versionId).equals(other.pending.map(SecretValue::versionId));
  }

  private static boolean isSame(SecretValue one, SecretValue other) {
    return one.versionId().equals(other.versionId());
  }

  static SecretException keptMoving() {
    return new SecretException(
        SecretException.Reason.UNAVAILABLE, "its labels kept moving while they were read", null);
  }

  /** Returns the current version, standing for all of them. */
  SecretValue standing() {
    return current.among(this);
  }

  /** Returns the versions as they were read, each once. */
  static SecretVersions of(
      SecretValue current, Optional<SecretValue> previous, Optional<SecretValue> pending) {
    return new SecretVersions(
        current,
        previous.filter(value -> !isSame(value, current)),
        pending.filter(value -> !isSame(value, current)));
  }
}
