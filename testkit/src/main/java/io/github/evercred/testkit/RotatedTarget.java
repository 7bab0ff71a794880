package io.github.evercred.testkit;

import java.util.Objects;

/** What a user of the test kit rotates, with its values looked up. */
final class RotatedTarget implements Rotation.Rotated {
  private final LocalSecretsManager secrets;
  private final String secretId;
  private final RotationTarget target;

  RotatedTarget(LocalSecretsManager secrets, String secretId, RotationTarget target) {
    this.secrets = secrets;
    this.secretId = secretId;
    this.target = Objects.requireNonNull(target, "target");
  }

  @Override
  public String newValue(String current) {
    return Objects.requireNonNull(target.newValue(value(current)), "the target's new value");
  }

  @Override
  public void set(String current, String pending) {
    target.set(value(current), value(pending));
  }

  @Override
  public void test(String pending) {
    target.test(value(pending));
  }

  @Override
  public void setBack(String from, String to) {
    target.set(value(from), value(to));
  }

  private String value(String version) {
    String value = secrets.valueOfVersion(secretId, version);
    if (value == null) {
      throw new IllegalStateException(
          "Version %s of secret '%s' cannot be rotated: it is binary".formatted(version, secretId));
    }
    return value;
  }

  /** Not the target's own: it may name a value. */
  @Override
  public String toString() {
    return target.getClass().getName();
  }
}
