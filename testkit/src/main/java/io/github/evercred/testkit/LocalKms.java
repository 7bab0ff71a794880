package io.github.evercred.testkit;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.regex.Pattern;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * The KMS keys of a {@link LocalSecretsManager}, whose endpoint answers {@code GenerateDataKey} and
 * {@code Decrypt}, too. Get it with {@link LocalSecretsManager#kms()} and give an unmodified SDK
 * {@code KmsClient} the same endpoint. Faults, holds and counts are those of the server; {@link
 * Requests#secret} selects a key as well.
 *
 * <p>Keys are symmetric and live in memory. What they encrypt is really encrypted (AES-256-GCM),
 * bound to its encryption context. No policy is looked at: inject {@link Fault#accessDenied()}.
 * Errors are those of <a
 * href="https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html">Decrypt</a> and <a
 * href="https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html">
 * GenerateDataKey</a>. A secret's own value has nothing to do with them.
 *
 * <p>Thread-safe. Wherever a key is asked for, its id, its ARN, {@code alias/<name>} and the
 * alias's ARN will do. No argument may be null.
 */
public final class LocalKms {
  /** The operations spoken here; none is one of Secrets Manager's. */
  static final Set<String> NAMES = Set.of("Decrypt", "GenerateDataKey");

  private static final Pattern ALIAS = Pattern.compile("alias/[a-zA-Z0-9/_-]{1,250}");
  private static final int ID_BYTES = 16;
  private static final int NONCE_BYTES = 12;

  private enum State {
    ENABLED,
    DISABLED,
    PENDING_DELETION
  }

  private static final class Key {
    final UUID id = UUID.randomUUID();
    final SecretKeySpec material = new SecretKeySpec(random(32), "AES");
    State state = State.ENABLED;
  }

  private static final SecureRandom RANDOM = new SecureRandom();

  private final String prefix;
  private final Map<UUID, Key> keys = new HashMap<>();
  private final Map<String, Key> aliases = new HashMap<>();

  LocalKms(String region, String account) {
    this.prefix = "arn:aws:kms:%s:%s:".formatted(region, account);
  }

  /**
   * Creates a symmetric key, enabled.
   *
   * @return its ARN
   */
  public synchronized String createKey() {
    Key key = new Key();
    keys.put(key.id, key);
    return arn(key);
  }

  /**
   * Gives a key a name, or moves the name to that key.
   *
   * @param alias such as {@code alias/evercred}
   * @param key the key
   * @return the alias's ARN
   * @throws IllegalArgumentException if there is no such key, or the alias is none
   */
  public synchronized String createAlias(String alias, String key) {
    if (!ALIAS.matcher(alias).matches()) {
      throw new IllegalArgumentException("not an alias, such as alias/evercred: '" + alias + "'");
    }
    aliases.put(alias, require(key));
    return prefix + alias;
  }

  /**
   * Makes every use of a key fail with {@code DisabledException}.
   *
   * @param key the key
   * @throws IllegalArgumentException if there is no such key
   */
  public void disableKey(String key) {
    set(key, State.DISABLED);
  }

  /**
   * Makes a key usable again that is disabled or pending deletion.
   *
   * @param key the key
   * @throws IllegalArgumentException if there is no such key
   */
  public void enableKey(String key) {
    set(key, State.ENABLED);
  }

  /**
   * Makes every use of a key fail with {@code KMSInvalidStateException}. It is never deleted.
   *
   * @param key the key
   * @throws IllegalArgumentException if there is no such key
   */
  public void scheduleKeyDeletion(String key) {
    set(key, State.PENDING_DELETION);
  }

  private synchronized void set(String key, State state) {
    require(key).state = state;
  }

  /** The key's ARN, or the text itself if it is no key's. */
  synchronized String canonicalId(String text) {
    Key key = find(text);
    return key == null ? text : arn(key);
  }

  /**
   * Carries out an operation.
   *
   * @throws ServiceError if the answer is an error
   */
  synchronized Map<String, Object> perform(String operation, Input input) {
    return operation.equals("Decrypt") ? decrypt(input) : generateDataKey(input);
  }

  private Map<String, Object> generateDataKey(Input input) {
    Key key = usable(require(input.required("KeyId", 1, 2048)));
    byte[] plain = random(length(input));
    byte[] nonce = random(NONCE_BYTES);
    byte[] sealed = crypt(Cipher.ENCRYPT_MODE, key, nonce, input, plain);
    ByteBuffer blob =
        ByteBuffer.allocate(ID_BYTES + NONCE_BYTES + sealed.length)
            .putLong(key.id.getMostSignificantBits())
            .putLong(key.id.getLeastSignificantBits())
            .put(nonce)
            .put(sealed);
    Map<String, Object> answer = answer(key, plain);
    answer.put("CiphertextBlob", Base64.getEncoder().encodeToString(blob.array()));
    return answer;
  }

  private static int length(Input input) {
    String spec = input.optional("KeySpec", 1, 64);
    if ((spec == null) != input.has("NumberOfBytes")) {
      throw ServiceError.validation("Please specify either number of bytes or key spec.");
    }
    if (spec == null) {
      return input.number("NumberOfBytes", 1, 1024);
    }
    return switch (spec) {
      case "AES_128" -> 16;
      case "AES_256" -> 32;
      default ->
          throw ServiceError.validation(
              "1 validation error detected: Value '%s' at 'keySpec' failed to satisfy constraint: Member must satisfy enum value set: [AES_256, AES_128]"
                  .formatted(spec));
    };
  }

  private Map<String, Object> decrypt(Input input) {
    byte[] blob = input.bytes("CiphertextBlob");
    String asked = input.optional("KeyId", 1, 2048);
    Key wanted = asked == null ? null : require(asked);
    if (blob.length < ID_BYTES + NONCE_BYTES) {
      throw invalidCiphertext();
    }
    ByteBuffer parts = ByteBuffer.wrap(blob);
    Key key = keys.get(new UUID(parts.getLong(), parts.getLong()));
    if (key == null) {
      throw invalidCiphertext();
    }
    if (wanted != null && wanted != key) {
      throw new ServiceError(
          400,
          "IncorrectKeyException",
          "The key ID in the request does not identify a CMK that can perform this operation.");
    }
    usable(key);
    byte[] nonce = new byte[NONCE_BYTES];
    parts.get(nonce);
    byte[] sealed = new byte[parts.remaining()];
    parts.get(sealed);
    Map<String, Object> answer = answer(key, crypt(Cipher.DECRYPT_MODE, key, nonce, input, sealed));
    answer.put("EncryptionAlgorithm", "SYMMETRIC_DEFAULT");
    return answer;
  }

  private Map<String, Object> answer(Key key, byte[] plain) {
    Map<String, Object> answer = new LinkedHashMap<>();
    answer.put("KeyId", arn(key));
    answer.put("Plaintext", Base64.getEncoder().encodeToString(plain));
    return answer;
  }

  private byte[] crypt(int mode, Key key, byte[] nonce, Input input, byte[] text) {
    try {
      Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
      cipher.init(mode, key.material, new GCMParameterSpec(128, nonce));
      Map<String, String> context = new TreeMap<>(input.texts("EncryptionContext"));
      cipher.updateAAD(Json.write(context).getBytes(StandardCharsets.UTF_8));
      return cipher.doFinal(text);
    } catch (AEADBadTagException e) {
      throw invalidCiphertext();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("AES-GCM is missing from this Java runtime", e);
    }
  }

  /** The service gives no text with it. */
  private static ServiceError invalidCiphertext() {
    return new ServiceError(400, "InvalidCiphertextException", "");
  }

  private Key usable(Key key) {
    return switch (key.state) {
      case ENABLED -> key;
      case DISABLED -> throw new ServiceError(400, "DisabledException", arn(key) + " is disabled.");
      case PENDING_DELETION ->
          throw new ServiceError(
              400, "KMSInvalidStateException", arn(key) + " is pending deletion.");
    };
  }

  private Key require(String text) {
    Key key = find(text);
    if (key == null) {
      boolean alias = text.contains("alias/");
      String arn = text.startsWith("arn:") ? text : prefix + (alias ? "" : "key/") + text;
      throw new ServiceError(
          400,
          "NotFoundException",
          (alias ? "Alias %s is not found." : "Key '%s' does not exist").formatted(arn));
    }
    return key;
  }

  private @Nullable Key find(String text) {
    String local = text.startsWith(prefix) ? text.substring(prefix.length()) : text;
    if (local.startsWith("alias/")) {
      return aliases.get(local);
    }
    boolean isArn = local.length() < text.length();
    for (Key key : keys.values()) {
      if (local.equals(isArn ? "key/" + key.id : key.id.toString())) {
        return key;
      }
    }
    return null;
  }

  private String arn(Key key) {
    return prefix + "key/" + key.id;
  }

  private static byte[] random(int length) {
    byte[] bytes = new byte[length];
    RANDOM.nextBytes(bytes);
    return bytes;
  }

  @Override
  public synchronized String toString() {
    return "LocalKms[%s keys]".formatted(keys.size());
  }
}
