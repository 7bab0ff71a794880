package io.github.evercred.examples.client;

import io.github.evercred.SecretException;
import io.github.evercred.SecretException.Reason;
import io.github.evercred.SecretValue;
import java.util.Base64;

/**
 * A key made of one version of a secret.
 *
 * @param <K> what a library needs as a key
 * @param versionId the version, which a signature names
 * @param key the key
 */
record VersionedKey<K>(String versionId, K key) {
  private static final int LEAST_BYTES = 32;

  /**
   * Returns the bytes of a key for HMAC with SHA-256: a binary secret, or the field {@code key} of
   * a JSON secret in Base64. Fewer than 32 are refused, as by RFC 7518, section 3.2.
   */
  // recipe: key-bytes
  static byte[] bytes(SecretValue secret) {
    byte[] key;
    try {
      key = secret.isBinary() ? secret.asBytes() : Base64.getDecoder().decode(secret.field("key"));
    } catch (IllegalArgumentException e) {
      throw unusable(secret, "is not Base64"); // Its message would quote the key.
    }
    if (key.length < LEAST_BYTES) {
      throw unusable(secret, "has fewer than 32 bytes");
    }
    return key;
  }

  // end

  private static SecretException unusable(SecretValue secret, String what) {
    return new SecretException(
        Reason.MALFORMED,
        "The key in secret '%s' (version %s) %s. Store one of 32 random bytes."
            .formatted(secret.secretId(), secret.versionId(), what),
        null);
  }

  /** Names the version; never the key. */
  @Override
  public String toString() {
    return "VersionedKey[" + versionId + "]";
  }
}
