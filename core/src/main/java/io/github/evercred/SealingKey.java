package io.github.evercred;

import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import javax.crypto.Cipher;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * A key of AES-256-GCM in memory outside the Java heap, where no heap dump finds it.
 *
 * <p>The JDK's cipher takes its keys from the heap. So one use brings the key there for some
 * microseconds, and overwrites it before it returns: the arrays handed to the cipher, and what the
 * cipher has made of them, by giving it another key. That is what the JDK's own provider does with
 * it; another one's was not looked into, and a collector that moves an array may leave a copy.
 *
 * <p>Thread-safe, without a lock. {@link #shut} lets uses that have begun end, and the last of them
 * wipes the key.
 */
final class SealingKey {
  private static final String CIPHER = "AES/GCM/NoPadding";
  private static final int TAG_BITS = 128;
  static final int NONCE_BYTES = 12;

  /** Added to the count of uses under way when no new one may begin. */
  private static final int SHUT = 1 << 30;

  private static final int WIPED = 2 * (SHUT - 1);

  /** Somebody is putting the key back. */
  private static final int OPENING = WIPED + 1;

  private static final SecretKey OTHER = new SecretKeySpec(new byte[KeyMaker.KEY_BYTES], "AES");

  private final ByteBuffer memory = ByteBuffer.allocateDirect(KeyMaker.KEY_BYTES);
  private final byte @Nullable [] encrypted;
  private final AtomicInteger uses = new AtomicInteger();
  private final AtomicLong seals = new AtomicLong();

  /** Why it is shut, to be told to who comes too late. */
  private volatile SecretException why = Flights.closedFailure();

  /** Takes a key over and wipes what is handed in. */
  SealingKey(KeyMaker.NewKey made) {
    this.encrypted = made.encrypted();
    put(made.plain());
  }

  private void put(byte[] plain) {
    if (plain.length != KeyMaker.KEY_BYTES) {
      throw new IllegalArgumentException(
          "A key has %d bytes, not %d".formatted(KeyMaker.KEY_BYTES, plain.length));
    }
    memory.put(0, plain);
    Arrays.fill(plain, (byte) 0);
  }

  /** As {@link KeyMaker#decrypt} takes it; null if it cannot be had again once it is shut. */
  byte @Nullable [] encrypted() {
    return encrypted;
  }

  /** How often it has been used to seal. With random nonces that must not be too often. */
  long seals() {
    return seals.get();
  }

  /**
   * Encrypts.
   *
   * @param nonce 12 random bytes, new for each call
   * @return the ciphertext with its tag
   * @throws SecretException if it is shut
   */
  byte[] seal(byte[] nonce, byte[] associated, byte[] plain) {
    seals.incrementAndGet();
    try {
      return use(Cipher.ENCRYPT_MODE, nonce, associated, plain, 0);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("This JVM has no usable " + CIPHER, e);
    }
  }

  /**
   * Decrypts.
   *
   * @param sealed the nonce, the ciphertext and its tag, one behind the other
   * @return a new array, to be wiped by the caller
   * @throws SecretException if it is shut
   */
  byte[] open(byte[] associated, byte[] sealed) {
    try {
      return use(Cipher.DECRYPT_MODE, sealed, associated, sealed, NONCE_BYTES);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(
          "What was sealed in memory cannot be opened: it was changed, or belongs elsewhere", e);
    }
  }

  /** The nonce is what its array begins with. */
  private byte[] use(int mode, byte[] nonce, byte[] associated, byte[] text, int from)
      throws GeneralSecurityException {
    enter();
    try {
      Cipher cipher = Cipher.getInstance(CIPHER);
      var key = new OnHeap();
      try {
        cipher.init(mode, key, new GCMParameterSpec(TAG_BITS, nonce, 0, NONCE_BYTES));
        cipher.updateAAD(associated);
        return cipher.doFinal(text, from, text.length - from);
      } finally {
        key.wipe();
        cipher.init(
            Cipher.DECRYPT_MODE, OTHER, new GCMParameterSpec(TAG_BITS, new byte[NONCE_BYTES]));
      }
    } finally {
      leave();
    }
  }

  private void enter() {
    int now;
    do {
      now = uses.get();
      if (now >= SHUT) {
        throw why.again("");
      }
    } while (!uses.compareAndSet(now, now + 1));
  }

  private void leave() {
    if (uses.decrementAndGet() == SHUT) {
      wipe();
    }
  }

  /** Once for each time that it is shut: nobody enters until it is open again. */
  private void wipe() {
    memory.put(0, new byte[KeyMaker.KEY_BYTES]);
    uses.set(WIPED);
  }

  /**
   * Lets no further use begin. The key is wiped when those under way have ended, at once if there
   * is none. Shutting twice changes what is told.
   *
   * @param why what later uses throw
   */
  void shut(SecretException why) {
    this.why = why;
    while (true) {
      int now = uses.get();
      if (now >= SHUT) {
        return;
      }
      if (uses.compareAndSet(now, now + SHUT)) {
        if (now == 0) {
          wipe();
        }
        return;
      }
    }
  }

  /** Whether it is shut and wiped. */
  boolean isWiped() {
    return uses.get() == WIPED;
  }

  /** Whether no use may begin. */
  boolean isShut() {
    return uses.get() >= SHUT;
  }

  /**
   * Opens it again with the key that it had, if it is wiped.
   *
   * @param plain the key; wiped
   * @return whether it has been opened by this call
   */
  boolean reopen(byte[] plain) {
    try {
      if (!uses.compareAndSet(WIPED, OPENING)) {
        return false;
      }
      put(plain);
      uses.set(0);
      return true;
    } finally {
      Arrays.fill(plain, (byte) 0);
    }
  }

  /** Hands out copies of the key, and remembers them. */
  private final class OnHeap implements SecretKey {
    private static final long serialVersionUID = 1;

    private final transient List<byte[]> copies = new ArrayList<>(4);

    @Override
    public String getAlgorithm() {
      return "AES";
    }

    @Override
    public String getFormat() {
      return "RAW";
    }

    @Override
    public byte[] getEncoded() {
      byte[] copy = new byte[KeyMaker.KEY_BYTES];
      memory.get(0, copy);
      copies.add(copy);
      return copy;
    }

    void wipe() {
      copies.forEach(copy -> Arrays.fill(copy, (byte) 0));
    }
  }

  /** Says nothing of the key. */
  @Override
  public String toString() {
    return "SealingKey[hidden]";
  }
}
