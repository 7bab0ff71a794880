package io.github.evercred.examples.client;

import io.github.evercred.SecretCache;
import io.github.evercred.SecretException;
import io.github.evercred.SecretValue;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Optional;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/** Messages signed with HMAC-SHA256, such as webhooks; a header names the version of the key. */
final class Webhooks {

  /**
   * What goes into two headers.
   *
   * @param keyId the version of the key
   * @param hex the signature
   */
  record Signature(String keyId, String hex) {}

  private Webhooks() {}

  // recipe: hmac
  static SecretKeySpec key(SecretValue secret) {
    return new SecretKeySpec(VersionedKey.bytes(secret), "HmacSHA256");
  }

  private static byte[] mac(SecretKeySpec key, byte[] message) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256"); // Not thread-safe; the key is.
      mac.init(key);
      return mac.doFinal(message);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("HmacSHA256 is in every JDK", e);
    }
  }

  /** Signs. Thread-safe. */
  static final class Signer {
    private final SigningKey<SecretKeySpec> keys;

    Signer(SigningKey<SecretKeySpec> keys) {
      this.keys = keys;
    }

    Signer(SecretCache cache, String secretId) {
      this(new SigningKey<>(cache, secretId, Webhooks::key));
    }

    Signature sign(byte[] message) {
      VersionedKey<SecretKeySpec> key = keys.get();
      return new Signature(key.versionId(), HexFormat.of().formatHex(mac(key.key(), message)));
    }
  }

  /** Verifies. Thread-safe. */
  static final class Verifier {
    private final AcceptedKeys<SecretKeySpec> keys;

    Verifier(SecretCache cache, String secretId) {
      this.keys = new AcceptedKeys<>(cache, secretId, Webhooks::key);
    }

    /**
     * Tells whether a message is signed with a key that counts now.
     *
     * @param keyId the version that the sender names; null if it names none
     * @throws SecretException if there is no saying
     */
    boolean verify(byte[] message, @Nullable String keyId, String hex) {
      byte[] claimed;
      try {
        claimed = HexFormat.of().parseHex(hex);
      } catch (IllegalArgumentException e) {
        return false;
      }
      return keys.find(
              keyId,
              key ->
                  MessageDigest.isEqual(mac(key, message), claimed)
                      ? Optional.of(true)
                      : Optional.empty())
          .isPresent();
    }
  }
  // end
}
