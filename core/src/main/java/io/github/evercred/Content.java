package io.github.evercred;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What a version holds: text or bytes. Knows no secret id, so aliases share it. Immutable and
 * thread-safe.
 */
abstract class Content {

  /** What is left of one that has been forgotten. */
  static final Content NOTHING = of("", null);

  abstract boolean isBinary();

  /** Returns the key that this is sealed with; null if it is not sealed. */
  @Nullable SealingKey key() {
    return null;
  }

  /** Returns the text; null if it is binary. */
  abstract @Nullable String text();

  /** Returns the text in a new array, or null if it is binary. */
  abstract char @Nullable [] chars();

  /** Returns the bytes, or the text in UTF-8, in a new array. */
  abstract byte[] bytes();

  /** Returns the fields of a JSON object, or null if the text is anything else. */
  abstract @Nullable Map<String, Object> fields();

  /** Returns what a function makes of this for a type. */
  abstract Object as(Class<?> type, Function<Class<?>, Object> maker);

  abstract boolean holdsTheSameAs(Content other);

  static Content of(@Nullable String text, byte @Nullable [] bytes) {
    return new Plain(text, bytes);
  }

  /** In clear text, with all that has been made of it. */
  private static final class Plain extends Content {
    private final @Nullable String text;
    private final byte @Nullable [] bytes;
    private volatile @Nullable Map<String, Object> fields;
    private final Map<Class<?>, Object> made = new ConcurrentHashMap<>(0);

    Plain(@Nullable String text, byte @Nullable [] bytes) {
      this.text = text;
      this.bytes = bytes;
    }

    @Override
    boolean isBinary() {
      return bytes != null;
    }

    @Override
    @Nullable String text() {
      return text;
    }

    @Override
    char @Nullable [] chars() {
      return text == null ? null : text.toCharArray();
    }

    @Override
    byte[] bytes() {
      return bytes == null
          ? Objects.requireNonNull(text).getBytes(StandardCharsets.UTF_8)
          : bytes.clone();
    }

    @Override
    @Nullable Map<String, Object> fields() {
      Map<String, Object> parsed = fields;
      if (parsed == null && text != null) {
        parsed = JsonFields.parse(text);
        fields = parsed;
      }
      return parsed;
    }

    @Override
    Object as(Class<?> type, Function<Class<?>, Object> maker) {
      Object known = made.get(type);
      if (known == null) {
        Object mine = maker.apply(type);
        Object others = made.putIfAbsent(type, mine);
        known = others == null ? mine : others;
      }
      return known;
    }

    @Override
    boolean holdsTheSameAs(Content other) {
      return other instanceof Plain plain
          && Objects.equals(text, plain.text)
          && Arrays.equals(bytes, plain.bytes);
    }
  }

  /** Encrypted; opened anew for each reader, and nothing that was opened is kept. */
  private static final class Sealed extends Content {

    /** How what is sealed is to be read: each as one byte at its front. */
    private static final byte BYTES = 0;

    private static final byte LATIN1 = 1;
    private static final byte UTF16 = 2;

    private final SealingKey key;
    private final byte[] associated;
    private final byte[] sealed;
    private final boolean binary;

    private Sealed(SealingKey key, byte[] associated, byte[] sealed, boolean binary) {
      this.key = key;
      this.associated = associated;
      this.sealed = sealed;
      this.binary = binary;
    }

    @Override
    SealingKey key() {
      return key;
    }

    @Override
    boolean isBinary() {
      return binary;
    }

    @Override
    @Nullable String text() {
      char[] chars = chars();
      if (chars == null) {
        return null;
      }
      String text = new String(chars);
      Arrays.fill(chars, '\0');
      return text;
    }

    @Override
    char @Nullable [] chars() {
      if (binary) {
        return null;
      }
      byte[] plain = key.open(associated, sealed);
      try {
        return chars(plain);
      } finally {
        Arrays.fill(plain, (byte) 0);
      }
    }

    private static char[] chars(byte[] plain) {
      boolean isLatin1 = plain[0] == LATIN1;
      char[] chars = new char[isLatin1 ? plain.length - 1 : (plain.length - 1) / 2];
      for (int i = 0; i < chars.length; i++) {
        chars[i] =
            isLatin1
                ? (char) (plain[1 + i] & 0xFF)
                : (char) (plain[1 + 2 * i] << 8 | (plain[2 + 2 * i] & 0xFF));
      }
      return chars;
    }

    @Override
    byte[] bytes() {
      byte[] plain = key.open(associated, sealed);
      try {
        if (binary) {
          return Arrays.copyOfRange(plain, 1, plain.length);
        }
        char[] chars = chars(plain);
        try {
          return utf8(chars);
        } finally {
          Arrays.fill(chars, '\0');
        }
      } finally {
        Arrays.fill(plain, (byte) 0);
      }
    }

    @Override
    @Nullable Map<String, Object> fields() {
      String text = text();
      return text == null ? null : JsonFields.parse(text);
    }

    @Override
    Object as(Class<?> type, Function<Class<?>, Object> maker) {
      return maker.apply(type);
    }

    /** Only under one key: so that what is fetched anew after a restore goes under the new one. */
    @Override
    boolean holdsTheSameAs(Content other) {
      if (!(other instanceof Sealed that) || key != that.key || key.isShut()) {
        return false;
      }
      byte[] mine = key.open(associated, sealed);
      try {
        byte[] its = that.key.open(that.associated, that.sealed);
        boolean same = MessageDigest.isEqual(mine, its);
        Arrays.fill(its, (byte) 0);
        return same;
      } finally {
        Arrays.fill(mine, (byte) 0);
      }
    }
  }

  /** Encodes as {@link String#getBytes} does, without a string. */
  static byte[] utf8(char[] chars) {
    byte[] room = new byte[3 * chars.length]; // No char needs more.
    ByteBuffer encoded = ByteBuffer.wrap(room);
    CoderResult unused =
        StandardCharsets.UTF_8
            .newEncoder()
            .onMalformedInput(CodingErrorAction.REPLACE)
            .encode(CharBuffer.wrap(chars), encoded, true);
    byte[] bytes = Arrays.copyOf(room, encoded.position());
    Arrays.fill(room, (byte) 0);
    return bytes;
  }

  /** Returns the same, sealed. What it is made of is the source's and cannot be wiped. */
  Content seal(SealingKey key, byte[] nonce, byte[] associated) {
    byte[] plain = packed();
    try {
      byte[] secret = key.seal(nonce, associated, plain);
      byte[] sealed = Arrays.copyOf(nonce, nonce.length + secret.length);
      System.arraycopy(secret, 0, sealed, nonce.length, secret.length);
      return new Sealed(key, associated, sealed, isBinary());
    } finally {
      Arrays.fill(plain, (byte) 0);
    }
  }

  private byte[] packed() {
    char[] chars = chars();
    if (chars == null) {
      byte[] bytes = bytes();
      byte[] packed = new byte[1 + bytes.length];
      packed[0] = Sealed.BYTES;
      System.arraycopy(bytes, 0, packed, 1, bytes.length);
      Arrays.fill(bytes, (byte) 0);
      return packed;
    }
    int all = 0;
    for (char c : chars) {
      all |= c;
    }
    boolean isLatin1 = all < 0x100;
    byte[] packed = new byte[1 + (isLatin1 ? chars.length : 2 * chars.length)];
    packed[0] = isLatin1 ? Sealed.LATIN1 : Sealed.UTF16;
    for (int i = 0; i < chars.length; i++) {
      if (isLatin1) {
        packed[1 + i] = (byte) chars[i];
      } else {
        packed[1 + 2 * i] = (byte) (chars[i] >> 8);
        packed[2 + 2 * i] = (byte) chars[i];
      }
    }
    Arrays.fill(chars, '\0');
    return packed;
  }
}
