package io.github.evercred;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.github.evercred.SecretException.Reason;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is sealed across a checkpoint: with keys of the process, and with keys of KMS. */
@Timeout(60)
class SealedCheckpointTest {
  private static final String ID = CacheFixture.ID;

  /** Numbers its keys, as KMS would hand them out again. */
  private static final class Kms implements KeyMaker {
    final AtomicInteger made = new AtomicInteger();
    final AtomicInteger decrypted = new AtomicInteger();
    final AtomicInteger checkpoints = new AtomicInteger();
    final AtomicInteger stumbles = new AtomicInteger();
    final CountDownLatch gate = new CountDownLatch(1);
    volatile boolean failing;
    volatile boolean hanging;

    private static byte[] plain(int number) {
      byte[] plain = new byte[KEY_BYTES];
      plain[0] = (byte) number;
      return plain;
    }

    @Override
    public NewKey make() {
      int number = made.incrementAndGet();
      return new NewKey(plain(number), new byte[] {(byte) number});
    }

    @Override
    public byte[] decrypt(byte[] encrypted) {
      decrypted.incrementAndGet();
      if (stumbles.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
        throw new SecretException(Reason.THROTTLED, "KMS says not now", null);
      }
      if (failing) {
        throw new SecretException(Reason.KMS_DENIED, "KMS says no", null);
      }
      if (hanging) {
        try {
          assertThat(gate.await(30, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
      }
      return plain(encrypted[0]);
    }

    @Override
    public void beforeCheckpoint() {
      checkpoints.incrementAndGet();
    }

    @Override
    public void close() {}
  }

  private final FakeTime time = new FakeTime();
  private final FakeSource source = new FakeSource();
  private final Kms kms = new Kms();

  private SecretCache sealed(Sealer sealer) {
    source.put(ID, 1, "one", "AWSCURRENT");
    Settings settings = SecretCache.builder().source(source).settings();
    return new SecretCache(settings, source, false, sealer, time);
  }

  @AfterEach
  void release() {
    kms.gate.countDown();
    source.release();
  }

  private static SealingKey key(SecretValue value) {
    return Objects.requireNonNull(value.sealedWith());
  }

  private static SecretException failure(org.assertj.core.api.ThrowableAssert.ThrowingCallable c) {
    return Objects.requireNonNull(catchThrowableOfType(SecretException.class, c));
  }

  @Test
  void keyOfTheProcess_isGoneWithAllThatItSealed() {
    try (SecretCache cache = sealed(new Sealer())) {
      SecretValue held = cache.get(ID);
      SecretHandle handle = cache.handle(ID);
      assertThat(handle.get().asString()).isEqualTo("one");

      cache.beforeCheckpoint();

      assertThat(key(held).isWiped()).isTrue();
      assertThat(cache.size()).isZero();
      SecretException told = failure(held::asString);
      assertThat(told.reason()).isEqualTo(Reason.UNAVAILABLE);
      assertThat(told).hasMessageContaining("Read the secret from the cache again");

      source.put(ID, 2, "two", "AWSCURRENT");
      cache.afterRestore(0);

      assertThat(cache.get(ID).asString()).isEqualTo("two");
      assertThat(handle.get().asString()).isEqualTo("two");
      assertThat(key(cache.get(ID))).isNotSameAs(key(held));
      assertThat(failure(held::asString).reason()).isEqualTo(Reason.UNAVAILABLE);
    }
  }

  /** Secrets Manager hangs: what is read after the restore can only be what has stayed. */
  @Test
  void keyOfKms_oneDecryptMakesWhatHasStayedUsable() {
    try (SecretCache cache = sealed(new Sealer(kms))) {
      source.put("other", 1, "more", "AWSCURRENT");
      SecretValue held = cache.get(ID);
      assertThat(cache.get("other").asString()).isEqualTo("more");
      assertThat(cache.versions(ID).all()).hasSize(1);

      cache.beforeCheckpoint();

      assertThat(key(held).isWiped()).isTrue();
      assertThat(kms.checkpoints).hasValue(1);
      assertThat(failure(() -> cache.get(ID)).reason()).isEqualTo(Reason.UNAVAILABLE);
      source.put(ID, 2, "two", "AWSCURRENT");
      source.hold();

      cache.afterRestore(0);

      assertThat(kms.decrypted).hasValue(1);
      assertThat(cache.get(ID).asString()).isEqualTo("one");
      assertThat(cache.get("other").asString()).isEqualTo("more");
      assertThat(cache.versions(ID).current().asString()).isEqualTo("one");
      assertThat(held.asString()).isEqualTo("one");

      source.release(); // Each is revalidated in the background.

      Eventually.until(
          () -> cache.get(ID).asString().equals("two"), () -> "not refreshed after the restore");
      assertThat(key(cache.get(ID))).isNotSameAs(key(held));
      assertThat(kms.made).hasValue(2);
    }
  }

  /** As after any other freeze: what nobody has tried to refresh for so long is refreshed first. */
  @Test
  void longInTheSnapshot_firstReadIsTheNewValue() {
    try (SecretCache cache = sealed(new Sealer(kms))) {
      cache.get(ID);
      cache.get(ID, VersionSelector.versionId(FakeSource.version(1)));
      cache.beforeCheckpoint();
      source.put(ID, 2, "two", "AWSCURRENT");
      time.advance(Duration.ofMinutes(16));

      cache.afterRestore(0);

      assertThat(cache.get(ID).asString()).isEqualTo("two");
      assertThat(cache.get(ID, VersionSelector.versionId(FakeSource.version(1))).asString())
          .isEqualTo("one");
      assertThat(source.calls()).isEqualTo(3);
    }
  }

  @Test
  void longInTheSnapshot_secretsManagerIsAway_servesWhatHasStayed() {
    try (SecretCache cache = sealed(new Sealer(kms))) {
      cache.get(ID);
      cache.beforeCheckpoint();
      source.failing(Reason.ACCESS_DENIED);
      time.advance(Duration.ofMinutes(16));

      cache.afterRestore(0);

      assertThat(cache.get(ID).asString()).isEqualTo("one");
    }
  }

  @Test
  void tooLongInTheSnapshot_isNeverServed() {
    try (SecretCache cache = sealed(new Sealer(kms))) {
      cache.get(ID);
      cache.beforeCheckpoint();
      source.failing(Reason.ACCESS_DENIED);
      time.advance(Duration.ofHours(25));

      cache.afterRestore(0);

      assertThat(failure(() -> cache.get(ID)).reason()).isEqualTo(Reason.ACCESS_DENIED);
    }
  }

  @Test
  void keyOfKms_refused_allIsLoadedAnew() {
    try (SecretCache cache = sealed(new Sealer(kms));
        var log = new CapturedLog()) {
      SecretValue held = cache.get(ID);
      cache.beforeCheckpoint();
      kms.failing = true;

      cache.afterRestore(0);

      assertThat(cache.get(ID).asString()).isEqualTo("one");
      assertThat(source.calls()).isEqualTo(2);
      assertThat(key(cache.get(ID))).isNotSameAs(key(held));
      assertThat(log.text()).contains("cannot be opened after it", "KMS says no");
    }
  }

  @Test
  void keyOfKms_hanging_isWaitedForNoLongerThanTold() {
    try (SecretCache cache = sealed(new Sealer(kms))) {
      cache.get(ID);
      cache.beforeCheckpoint();
      kms.hanging = true;
      Crew<Boolean> restoring =
          Crew.of(
              1,
              () -> {
                cache.afterRestore(0);
                return true;
              });
      Eventually.until(() -> kms.decrypted.get() == 1, () -> "no call to KMS");
      time.awaitWaiting(1);

      assertThat(cache.get(ID).asString()).isEqualTo("one"); // Loaded by its reader.
      assertThat(source.calls()).isEqualTo(2);
      time.advance(Duration.ofSeconds(3));

      assertThat(restoring.value()).isTrue();
    }
  }

  /** What comes late does not replace what was loaded meanwhile. */
  @Test
  void keyOfKms_late_bringsNothingOldBack() {
    try (SecretCache cache = sealed(new Sealer(kms))) {
      SecretValue held = cache.get(ID);
      cache.beforeCheckpoint();
      kms.hanging = true;
      source.put(ID, 2, "two", "AWSCURRENT");
      Crew<Boolean> restoring =
          Crew.of(
              1,
              () -> {
                cache.afterRestore(0);
                return true;
              });
      Eventually.until(() -> kms.decrypted.get() == 1, () -> "no call to KMS");
      assertThat(cache.get(ID).asString()).isEqualTo("two");

      kms.gate.countDown();

      assertThat(restoring.value()).isTrue();
      assertThat(held.asString()).isEqualTo("one");
      assertThat(cache.get(ID).asString()).isEqualTo("two");
    }
  }

  /** As two processes do that were restored from one snapshot. */
  @Test
  void keyOfKms_restoredTwice_sealsWithAnotherKeyEachTime() {
    try (SecretCache cache = sealed(new Sealer(kms))) {
      SecretValue first = cache.get(ID);
      cache.beforeCheckpoint();
      cache.afterRestore(0);
      Eventually.until(
          () -> key(cache.get(ID)) != key(first), () -> "still sealed with the first key");
      SecretValue second = cache.get(ID);

      cache.beforeCheckpoint();
      assertThat(key(first).isWiped() && key(second).isWiped()).isTrue();
      cache.afterRestore(0);
      Eventually.until(
          () -> key(cache.get(ID)) != key(second), () -> "still sealed with the second key");

      assertThat(key(cache.get(ID))).isNotSameAs(key(first));
      assertThat(kms.made).hasValue(3);
      assertThat(second.asString()).isEqualTo("one");
    }
  }

  /** Else the key would come into the second snapshot. */
  @Test
  void keyOfKms_stillOnItsWay_stopsTheNextCheckpoint() {
    try (SecretCache cache = sealed(new Sealer(kms))) {
      SecretValue held = cache.get(ID);
      cache.beforeCheckpoint();
      kms.hanging = true;
      Crew<Boolean> restoring =
          Crew.of(
              1,
              () -> {
                cache.afterRestore(0);
                return true;
              });
      Eventually.until(() -> kms.decrypted.get() == 1, () -> "no call to KMS");
      time.awaitWaiting(1);
      time.advance(Duration.ofSeconds(3));
      assertThat(restoring.value()).isTrue();

      Crew<String> again =
          Crew.of(
              1,
              () -> {
                try {
                  cache.beforeCheckpoint();
                  return "done";
                } catch (IllegalStateException e) {
                  return String.valueOf(e.getMessage());
                }
              });
      time.awaitWaiting(1);
      time.advance(Duration.ofSeconds(5));
      assertThat(again.value()).contains("would be in the snapshot");

      kms.gate.countDown();
      Eventually.until(() -> key(held).isWiped(), () -> "the key is in the snapshot");
      cache.afterRestore(0);
      assertThat(cache.get(ID).asString()).isEqualTo("one");
    }
  }

  @Test
  void keyOfKms_failsOnce_isAskedForAgain() {
    try (SecretCache cache = sealed(new Sealer(kms))) {
      SecretValue held = cache.get(ID);
      cache.beforeCheckpoint();
      kms.stumbles.set(2);
      source.hold();

      cache.afterRestore(0);

      assertThat(kms.decrypted).hasValue(3);
      assertThat(cache.get(ID).asString()).isEqualTo("one");
      assertThat(held.asString()).isEqualTo("one");
    }
  }

  /** A value that the program has no use for any more does not come back. */
  @Test
  void invalidate_beforeTheKeyIsBack_holdsForWhatHasStayed() {
    try (SecretCache cache = sealed(new Sealer(kms))) {
      cache.get(ID);
      cache.beforeCheckpoint();
      kms.hanging = true;
      Crew<Boolean> restoring =
          Crew.of(
              1,
              () -> {
                cache.afterRestore(0);
                return true;
              });
      Eventually.until(() -> kms.decrypted.get() == 1, () -> "no call to KMS");

      cache.invalidate(ID);
      source.put(ID, 2, "two", "AWSCURRENT");
      kms.gate.countDown();

      assertThat(restoring.value()).isTrue();
      assertThat(cache.get(ID).asString()).isEqualTo("two");
    }
  }

  @Test
  void keyOfKms_closedWhileItIsBroughtBack_isWiped() {
    SecretCache cache = sealed(new Sealer(kms));
    SecretValue held = cache.get(ID);
    cache.beforeCheckpoint();
    kms.hanging = true;
    Crew<Boolean> restoring =
        Crew.of(
            1,
            () -> {
              cache.afterRestore(0);
              return true;
            });
    Eventually.until(() -> kms.decrypted.get() == 1, () -> "no call to KMS");

    cache.close();
    kms.gate.countDown();

    assertThat(restoring.value()).isTrue();
    Eventually.until(() -> key(held).isWiped(), () -> "the key is still there");
    assertThat(failure(held::asString).reason()).isEqualTo(Reason.CLOSED);
  }
}
