package io.github.evercred;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The value of a secret, open for a short use. Everything that it hands out is an array that {@link
 * #close} overwrites with zeros; nothing of it is ever made a {@code String}. So use what is
 * returned, or copy it, before closing:
 *
 * <pre>{@code
 * try (OpenSecret secret = cache.get("prod/keystore").open()) {
 *   keyStore.load(in, secret.field("password"));
 * }
 * }</pre>
 *
 * <p>The garbage collector may have moved an array before it is overwritten, and left a copy where
 * nothing refers to it: what was opened has been on the heap.
 *
 * <p>Not thread-safe; each reader opens its own. No method blocks. No argument may be null.
 */
public final class OpenSecret implements AutoCloseable {
  private final SecretValue value;
  private final char @Nullable [] chars;
  private byte @Nullable [] bytes;
  private final List<char[]> fields = new ArrayList<>(2);
  private boolean closed;

  /** Takes the arrays over; one of them is there. */
  OpenSecret(SecretValue value, char @Nullable [] chars, byte @Nullable [] bytes) {
    this.value = value;
    this.chars = chars;
    this.bytes = bytes;
  }

  /**
   * Returns the id of the version that this is the value of.
   *
   * @return the version id
   */
  public String versionId() {
    return value.versionId();
  }

  /**
   * Returns the value as text.
   *
   * @return the text, in the same array at each call
   * @throws SecretException with {@link SecretException.Reason#MALFORMED} if the secret is binary
   * @throws IllegalStateException if this is closed
   */
  public char[] chars() {
    requireOpen();
    if (chars == null) {
      throw value.isBytes();
    }
    return chars;
  }

  /**
   * Returns the value as bytes; a text in UTF-8.
   *
   * @return the bytes, in the same array at each call
   * @throws IllegalStateException if this is closed
   */
  public byte[] bytes() {
    requireOpen();
    if (bytes == null) {
      bytes = Content.utf8(Objects.requireNonNull(chars));
    }
    return bytes;
  }

  /**
   * Returns a top-level field of a JSON object, as {@link SecretValue#field} does.
   *
   * @param name the field's name; case counts
   * @return the field's text, in a new array that is wiped with the others
   * @throws SecretException with {@link SecretException.Reason#MISSING_FIELD} if there is no such
   *     field or it is null, with {@link SecretException.Reason#MALFORMED} if the secret is not a
   *     JSON object or the field is itself an object or array. The message never holds the value
   * @throws IllegalStateException if this is closed
   */
  public char[] field(String name) {
    Optional<char[]> field = optionalField(name);
    if (field.isEmpty()) {
      List<String> names = JsonScanner.names(chars());
      throw value.missing(name, names == null ? List.of() : names);
    }
    return field.get();
  }

  /**
   * Returns a top-level field of a JSON object, if it is there and not null.
   *
   * @param name the field's name; case counts
   * @return the field's text, in a new array that is wiped with the others
   * @throws SecretException with {@link SecretException.Reason#MALFORMED} as {@link #field} does
   * @throws IllegalStateException if this is closed
   */
  public Optional<char[]> optionalField(String name) {
    JsonScanner.Found found = JsonScanner.find(chars(), Objects.requireNonNull(name, "name"));
    switch (found.kind) {
      case NOT_AN_OBJECT -> throw value.isNoObject();
      case COMPOSITE -> throw value.isComposite(name);
      case ABSENT -> {
        return Optional.empty();
      }
      case TEXT -> {
        char[] text = found.text;
        fields.add(text);
        return Optional.of(text);
      }
    }
    throw new AssertionError(found.kind);
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException(
          "This secret is closed, and its arrays are wiped. Open it again where it is needed.");
    }
  }

  /** Overwrites every array that was handed out. Closing twice does nothing more. */
  @Override
  public void close() {
    closed = true;
    if (chars != null) {
      Arrays.fill(chars, '\0');
    }
    if (bytes != null) {
      Arrays.fill(bytes, (byte) 0);
    }
    fields.forEach(field -> Arrays.fill(field, '\0'));
  }

  /** Names the secret and its version; never the value. */
  @Override
  public String toString() {
    return "OpenSecret[%s, version %s, value hidden]"
        .formatted(value.secretId(), value.versionId());
  }
}
