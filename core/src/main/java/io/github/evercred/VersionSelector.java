package io.github.evercred;

import java.util.Objects;

/**
 * Which version of a secret is meant: the one that carries a staging label, or one version id.
 *
 * <p>A staging label moves from version to version while a secret rotates, so a value read by label
 * is refreshed. A version is immutable (<a
 * href="https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html">
 * PutSecretValue</a>: "you can't modify an existing version"), so a value read by version id never
 * goes stale.
 *
 * <p>Instances are immutable and thread-safe. No argument may be null.
 */
public final class VersionSelector {

  /** The version that applications use: staging label {@code AWSCURRENT}. */
  public static final VersionSelector CURRENT = label("AWSCURRENT");

  /** The version that a rotation is bringing in: staging label {@code AWSPENDING}. */
  public static final VersionSelector PENDING = label("AWSPENDING");

  /** The version that was current before: staging label {@code AWSPREVIOUS}. */
  public static final VersionSelector PREVIOUS = label("AWSPREVIOUS");

  /** The versions that carry these three labels, together: what {@code versions(id)} reads. */
  static final VersionSelector ALL = new VersionSelector(true, "");

  private final boolean byLabel;
  private final String text;

  private VersionSelector(boolean byLabel, String text) {
    this.byLabel = byLabel;
    this.text = text;
  }

  /**
   * Selects the version that carries a staging label.
   *
   * @param label 1 to 256 characters
   * @return the selector
   * @throws IllegalArgumentException if the label is empty or longer than 256 characters
   */
  public static VersionSelector label(String label) {
    return new VersionSelector(true, checkLength("staging label", label, 1, 256));
  }

  /**
   * Selects one version by its id.
   *
   * @param versionId 32 to 64 characters
   * @return the selector
   * @throws IllegalArgumentException if the id is shorter than 32 or longer than 64 characters
   */
  public static VersionSelector versionId(String versionId) {
    return new VersionSelector(false, checkLength("version id", versionId, 32, 64));
  }

  // Limits: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
  private static String checkLength(String what, String text, int least, int most) {
    Objects.requireNonNull(text, what);
    if (text.length() < least || text.length() > most) {
      throw new IllegalArgumentException(
          "A %s has %d to %d characters, this one has %d: '%s'"
              .formatted(what, least, most, text.length(), text));
    }
    return text;
  }

  /**
   * Tells whether this selects by staging label.
   *
   * @return true for a staging label, false for a version id
   */
  public boolean isLabel() {
    return byLabel;
  }

  /**
   * Returns the staging label or version id.
   *
   * @return the staging label or version id
   */
  public String text() {
    return text;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof VersionSelector that
        && byLabel == that.byLabel
        && text.equals(that.text);
  }

  @Override
  public int hashCode() {
    return text.hashCode();
  }

  /** Returns the label as it is, a version id with {@code version} before it. */
  @Override
  public String toString() {
    return text.isEmpty()
        ? "AWSCURRENT, AWSPREVIOUS and AWSPENDING"
        : byLabel ? text : "version " + text;
  }
}
