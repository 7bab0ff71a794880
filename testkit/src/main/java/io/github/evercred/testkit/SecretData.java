package io.github.evercred.testkit;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A secret's value: a string or bytes, at most 65,536 bytes. Immutable; never printed. */
final class SecretData {
  static final int MAX_BYTES = 65_536;

  private final @Nullable String string;
  private final byte @Nullable [] binary;

  private SecretData(@Nullable String string, byte @Nullable [] binary) {
    this.string = string;
    this.binary = binary;
  }

  static SecretData of(String value) {
    requireSize(value.getBytes(StandardCharsets.UTF_8).length, "secretString");
    return new SecretData(value, null);
  }

  static SecretData of(byte[] value) {
    requireSize(value.length, "secretBinary");
    return new SecretData(null, value.clone());
  }

  private static void requireSize(int bytes, String member) {
    if (bytes < 1 || bytes > MAX_BYTES) {
      throw ServiceError.validation(
          "1 validation error detected: Value at '%s' failed to satisfy constraint: Member must have length between 1 and %d, inclusive"
              .formatted(member, MAX_BYTES));
    }
  }

  /** The string, or null if the value is binary. */
  @Nullable String string() {
    return string;
  }

  /** Adds {@code SecretString} or {@code SecretBinary} (base64, as on the wire). */
  void writeTo(Map<String, Object> answer) {
    if (string != null) {
      answer.put("SecretString", string);
    } else {
      answer.put(
          "SecretBinary", Base64.getEncoder().encodeToString(Objects.requireNonNull(binary)));
    }
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof SecretData that
        && Objects.equals(string, that.string)
        && Arrays.equals(binary, that.binary);
  }

  @Override
  public int hashCode() {
    return 31 * Objects.hashCode(string) + Arrays.hashCode(binary);
  }

  @Override
  public String toString() {
    return "SecretData[redacted]";
  }
}
