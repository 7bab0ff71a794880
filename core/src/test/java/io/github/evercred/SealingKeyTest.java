package io.github.evercred;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.github.evercred.SecretException.Reason;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class SealingKeyTest {
  private static final byte[] PLAIN = "hünter2".getBytes(StandardCharsets.UTF_8);
  private static final byte[] ABOUT = {1, 2, 3};

  private static byte[] bytes(int first) {
    byte[] bytes = new byte[KeyMaker.KEY_BYTES];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (first + i);
    }
    return bytes;
  }

  private static SealingKey key() {
    return new SealingKey(new KeyMaker.NewKey(bytes(40), null));
  }

  private static byte[] sealed(SealingKey key, int nonce) {
    byte[] chosen = new byte[SealingKey.NONCE_BYTES];
    chosen[0] = (byte) nonce;
    byte[] secret = key.seal(chosen, ABOUT, PLAIN);
    byte[] all = Arrays.copyOf(chosen, chosen.length + secret.length);
    System.arraycopy(secret, 0, all, chosen.length, secret.length);
    return all;
  }

  private static SecretException closed() {
    return new SecretException(Reason.CLOSED, "it is closed", null);
  }

  @Test
  void newKey_whatWasHandedIn_isWiped() {
    byte[] plain = bytes(40);

    assertThat(new SealingKey(new KeyMaker.NewKey(plain, null)).toString()).contains("hidden");

    assertThat(plain).containsOnly(0);
  }

  @Test
  void newKey_ofAnotherLength_isRejected() {
    assertThatThrownBy(() -> new SealingKey(new KeyMaker.NewKey(new byte[16], null)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("A key has 32 bytes, not 16");
  }

  @Test
  void open_whatWasSealed_isThePlainText() {
    SealingKey key = key();

    assertThat(key.open(ABOUT, sealed(key, 1))).isEqualTo(PLAIN);
    assertThat(key.open(ABOUT, sealed(key, 2))).isEqualTo(PLAIN);
    assertThat(sealed(key, 1)).isNotEqualTo(sealed(key, 2));
    assertThat(key.seals()).isEqualTo(4);
  }

  @Test
  void open_changedOrElsewhere_fails() {
    SealingKey key = key();
    byte[] changed = sealed(key, 1);
    changed[changed.length - 20] ^= 1;

    assertThatThrownBy(() -> key.open(ABOUT, changed)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> key.open(new byte[] {1, 2, 4}, sealed(key, 1)))
        .isInstanceOf(IllegalStateException.class);
    SealingKey other = new SealingKey(new KeyMaker.NewKey(bytes(41), null));
    assertThatThrownBy(() -> other.open(ABOUT, sealed(key, 1)))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void shut_noUseUnderWay_isWipedAtOnceAndTold() {
    SealingKey key = key();
    byte[] sealed = sealed(key, 1);

    key.shut(closed());
    key.shut(closed());

    assertThat(key.isWiped()).isTrue();
    SecretException told =
        catchThrowableOfType(SecretException.class, () -> key.open(ABOUT, sealed));
    assertThat(told.reason()).isEqualTo(Reason.CLOSED);
    assertThat(told).hasMessageStartingWith("it is closed");
  }

  @Test
  void reopen_withTheSameKey_opensAgain() {
    SealingKey key = key();
    byte[] sealed = sealed(key, 1);
    key.shut(closed());

    byte[] plain = bytes(40);
    assertThat(key.reopen(plain)).isTrue();

    assertThat(plain).containsOnly(0);
    assertThat(key.open(ABOUT, sealed)).isEqualTo(PLAIN);
  }

  @Test
  void reopen_notWiped_changesNothing() {
    SealingKey key = key();
    byte[] sealed = sealed(key, 1);
    byte[] plain = bytes(1);

    assertThat(key.reopen(plain)).isFalse();

    assertThat(plain).containsOnly(0);
    assertThat(key.open(ABOUT, sealed)).isEqualTo(PLAIN);
  }

  @Test
  void reopen_byMany_isOnesAndKeepsTheCountOfUses() {
    SealingKey key = key();
    byte[] sealed = sealed(key, 1);
    for (int round = 0; round < 100; round++) {
      key.shut(closed());
      Crew<Boolean> crew = Crew.of(3, () -> key.reopen(bytes(40)));

      assertThat(crew.values()).containsOnlyOnce(true);
      assertThat(key.open(ABOUT, sealed)).isEqualTo(PLAIN);
    }
    key.shut(closed());
    assertThat(key.isWiped()).isTrue();
  }

  /** What each reader gets is the text or the refusal, whatever moment the key is shut at. */
  @Test
  void shut_underReaders_neverShowsThemAnotherText() throws Exception {
    for (int round = 0; round < 200; round++) {
      SealingKey key = key();
      byte[] sealed = sealed(key, 1);
      var begun = new CountDownLatch(3);
      var read = new AtomicInteger();
      Crew<Integer> readers =
          Crew.of(
              3,
              () -> {
                begun.countDown();
                while (true) {
                  try {
                    assertThat(key.open(ABOUT, sealed)).isEqualTo(PLAIN);
                    read.incrementAndGet();
                  } catch (SecretException e) {
                    return 1;
                  }
                }
              });
      begun.await();
      Eventually.until(() -> read.get() > 10, () -> "no reads");

      key.shut(closed());

      assertThat(readers.values()).containsExactly(1, 1, 1);
      assertThat(key.isWiped()).isTrue();
    }
  }
}
