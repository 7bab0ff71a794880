package io.github.evercred;

import io.github.evercred.SecretException.Reason;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Seals the values of one cache, under a key of its own that is made when the first one comes.
 *
 * <p>Thread-safe. No lock is held while a key is made, which may be a call to AWS.
 */
final class Sealer {

  /**
   * With random nonces of 96 bits a key is good for 2^32 messages (NIST SP 800-38D, section 8.3: <a
   * href="https://doi.org/10.6028/NIST.SP.800-38D">Recommendation for GCM</a>).
   */
  private static final long SEALS_OF_A_KEY = 1L << 31;

  /** How long a reader takes at most, if it is not kept from going on. */
  private static final long READER_NANOS = 20_000;

  /** How often a key is asked for that is to be had again. */
  private static final int ATTEMPTS = 3;

  private final KeyMaker maker;
  private final long sealsOfKey;
  private final SecureRandom random = new SecureRandom();
  private final AtomicReference<@Nullable FutureTask<SealingKey>> current = new AtomicReference<>();

  /** All that values may be sealed under; they are few, for each is good for very many. */
  private final List<SealingKey> keys = new CopyOnWriteArrayList<>();

  private final AtomicLong checkpoints = new AtomicLong();
  private volatile boolean closed;

  Sealer(KeyMaker maker) {
    this(maker, SEALS_OF_A_KEY);
  }

  /** With keys of this process alone, which nobody can make again. */
  Sealer() {
    this(new OwnKeys());
  }

  Sealer(KeyMaker maker, long sealsOfKey) {
    this.maker = maker;
    this.sealsOfKey = sealsOfKey;
  }

  /**
   * Returns the key that new values are sealed with; makes it where there is none.
   *
   * @param atMost how long to wait where another thread makes it
   * @throws SecretException if it cannot be had
   */
  SealingKey key(Duration atMost) {
    FutureTask<SealingKey> mine = new FutureTask<>(this::make);
    FutureTask<SealingKey> making =
        current.updateAndGet(other -> other == null || isUsedUp(other) ? mine : other);
    if (making == mine) {
      mine.run();
    }
    try {
      return making.get(atMost.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new SecretException(
          Reason.UNAVAILABLE, "interrupted while the key to seal with was made", e);
    } catch (TimeoutException e) {
      throw new SecretException(
          Reason.UNAVAILABLE, "no key to seal with was made within " + atMost, e);
    } catch (ExecutionException e) {
      current.compareAndSet(making, null); // The next one tries again.
      throw e.getCause() instanceof SecretException failure
          ? failure.again("")
          : new SecretException(Reason.CONFIGURATION, "no key to seal with could be made", e);
    }
  }

  private boolean isUsedUp(FutureTask<SealingKey> made) {
    if (!made.isDone()) {
      return false;
    }
    try {
      return made.get().seals() >= sealsOfKey;
    } catch (InterruptedException | ExecutionException e) {
      return false; // It failed; whoever waited for it puts it away.
    }
  }

  private SealingKey make() {
    if (closed) {
      throw Flights.closedFailure();
    }
    var key = new SealingKey(maker.make());
    keys.add(key);
    if (closed) { // Meanwhile.
      key.shut(Flights.closedFailure());
    }
    return key;
  }

  /** Returns the same value with its content sealed. */
  SecretValue seal(SealingKey key, SecretValue value, VersionSelector version) {
    return value.sealed(
        content ->
            content.seal(key, nonce(), associated(value.secretId(), version, value.versionId())));
  }

  private byte[] nonce() {
    byte[] nonce = new byte[SealingKey.NONCE_BYTES];
    random.nextBytes(nonce);
    return nonce;
  }

  /** A zero stands in none of the three. */
  private static byte[] associated(String secretId, VersionSelector version, String versionId) {
    return (secretId + '\0' + version.text() + '\0' + versionId).getBytes(StandardCharsets.UTF_8);
  }

  /**
   * Whether a value may be in a snapshot of the process: its key can be had again. All versions, if
   * it stands for them.
   */
  static boolean mayStay(SecretValue value) {
    SecretVersions versions = value.versions();
    return canBeHadAgain(value)
        && (versions == null || versions.all().stream().allMatch(Sealer::canBeHadAgain));
  }

  private static boolean canBeHadAgain(SecretValue value) {
    SealingKey key = value.sealedWith();
    return key != null && key.encrypted() != null;
  }

  /**
   * Wipes every key, because the process is being checkpointed. What is sealed later gets another,
   * since what is restored from one snapshot shares these.
   *
   * @param patience how long readers may take to end
   * @return whether no key is left in memory
   */
  boolean beforeCheckpoint(long patience, Time time) {
    checkpoints.incrementAndGet();
    current.set(null);
    keys.forEach(key -> key.shut(sealedBeforeCheckpoint()));
    long end = time.in(patience);
    boolean wiped = true;
    boolean interrupted = Thread.interrupted(); // It would keep this from pausing.
    for (SealingKey key : keys) {
      while (!key.isWiped() && wiped) {
        LockSupport.parkNanos(READER_NANOS);
        interrupted |= Thread.interrupted();
        wiped = end - time.nanos() > 0 || key.isWiped();
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    maker.beforeCheckpoint();
    return wiped;
  }

  /**
   * Brings back the keys of these values. Blocks, for a call to AWS for each key; there is mostly
   * one.
   *
   * @throws SecretException if one cannot be had, with the reason
   */
  void reopen(Collection<SecretValue> values) {
    keys.removeIf(key -> key.isWiped() && key.encrypted() == null); // Nobody can read by them.
    long checkpoint = checkpoints.get();
    for (SecretValue value : values) {
      SealingKey key = value.sealedWith();
      if (key == null || !key.isShut()) {
        continue;
      }
      if (!key.isWiped()) {
        throw new SecretException(
            Reason.UNAVAILABLE, "a reader from before the checkpoint still has the key", null);
      }
      boolean mine = key.reopen(decrypt(Objects.requireNonNull(key.encrypted())));
      if (mine && closed) { // Meanwhile.
        key.shut(Flights.closedFailure());
      } else if (mine && checkpoints.get() != checkpoint) {
        key.shut(sealedBeforeCheckpoint());
      }
    }
  }

  /** Nobody else tries again what may pass. */
  private byte[] decrypt(byte[] encrypted) {
    for (int attempt = 1; true; attempt++) {
      try {
        return maker.decrypt(encrypted);
      } catch (SecretException e) {
        if (attempt == ATTEMPTS || !e.reason().isTransient()) {
          throw e;
        }
      }
    }
  }

  private static SecretException sealedBeforeCheckpoint() {
    return new SecretException(
        Reason.UNAVAILABLE,
        "This value was sealed before a checkpoint of the process, and its key is not in memory."
            + " Read the secret from the cache again.",
        null);
  }

  private static final class OwnKeys implements KeyMaker {
    private final SecureRandom random = new SecureRandom();

    @Override
    public NewKey make() {
      byte[] plain = new byte[KEY_BYTES];
      random.nextBytes(plain);
      return new NewKey(plain, null);
    }

    @Override
    public byte[] decrypt(byte[] encrypted) {
      throw new IllegalStateException("A key of this process has no encrypted form");
    }

    @Override
    public void close() {}
  }

  /** Wipes every key, each when its last use has ended. What is sealed is lost. */
  void close() {
    closed = true;
    keys.forEach(key -> key.shut(Flights.closedFailure()));
    maker.close();
  }
}
