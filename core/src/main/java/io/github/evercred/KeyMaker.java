package io.github.evercred;

import org.jspecify.annotations.Nullable;

/**
 * Makes the data keys that values are sealed under, and opens again those it has made.
 *
 * <p>Thread-safe. Both methods may block, for a bounded time, in the caller's thread. They fail
 * with a {@link SecretException}, whose reason says whether trying again may help; no message holds
 * any part of a key. No argument may be null.
 */
interface KeyMaker extends AutoCloseable {

  /** The length of every data key, in bytes: AES-256. */
  int KEY_BYTES = 32;

  /** A data key. No record, which would compare and show its arrays. */
  final class NewKey {
    private final byte[] plain;
    private final byte @Nullable [] encrypted;

    NewKey(byte[] plain, byte @Nullable [] encrypted) {
      this.plain = plain;
      this.encrypted = encrypted;
    }

    /** The key itself, not a copy; the one who gets it wipes it. */
    byte[] plain() {
      return plain;
    }

    /** What {@link KeyMaker#decrypt} makes the same key of; null if nothing does. */
    byte @Nullable [] encrypted() {
      return encrypted;
    }

    /** Shows nothing of either. */
    @Override
    public String toString() {
      return "NewKey[...]";
    }
  }

  /** Makes a new data key, which has never been used. */
  NewKey make();

  /**
   * Opens a data key that {@link #make} gave.
   *
   * @param encrypted its encrypted form; neither changed nor kept
   * @return the key itself; the caller wipes it
   */
  byte[] decrypt(byte[] encrypted);

  /** Closes what was built for the calls; the next one builds it anew. */
  default void beforeCheckpoint() {}

  /** Closes what was built for the calls. Later calls fail. Does nothing when called twice. */
  @Override
  void close();
}
