package io.github.evercred.examples.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.auth0.jwt.JWT;
import com.auth0.jwt.algorithms.Algorithm;
import com.auth0.jwt.exceptions.JWTVerificationException;
import com.auth0.jwt.exceptions.TokenExpiredException;
import io.github.evercred.SecretCache;
import io.github.evercred.SecretException;
import io.github.evercred.SecretException.Reason;
import io.github.evercred.SecretValue;
import io.github.evercred.testkit.Fault;
import io.github.evercred.testkit.LocalSecretsManager;
import io.github.evercred.testkit.Rotation;
import io.github.evercred.testkit.RotationTarget;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What one process signs and another verifies, each with a cache of its own. */
@Timeout(60)
class SignaturesTest {
  private static final String ID = "prod/tokens/key";
  private static final byte[] BODY = "{\"paid\":true}".getBytes(StandardCharsets.UTF_8);

  private final LocalSecretsManager secrets = LocalSecretsManager.start();
  private final Caches caches = new Caches(secrets);
  private int keys;

  @BeforeEach
  void createSecret() {
    secrets.createSecret(ID, json(key(0)));
  }

  @AfterEach
  void stop() {
    caches.close();
    secrets.close();
  }

  private static byte[] key(int number) {
    byte[] key = new byte[32];
    Arrays.fill(key, (byte) (number + 1));
    return key;
  }

  private static String json(byte[] key) {
    return "{\"key\":\"" + Base64.getEncoder().encodeToString(key) + "\"}";
  }

  private Rotation rotation() {
    return Rotation.of(
        secrets,
        ID,
        new RotationTarget() {
          @Override
          public String newValue(String current) {
            return json(key(++keys));
          }

          @Override
          public void set(String current, String pending) {}
        });
  }

  /** A cache whose every forced fetch is made. */
  private SecretCache eager() {
    return caches.open(options -> options.minimumInterval(Duration.ZERO));
  }

  private static JwtTokens.Signer atOnce(SecretCache cache) {
    return new JwtTokens.Signer(
        new SigningKey<>(
            cache,
            ID,
            secret -> Algorithm.HMAC256(VersionedKey.bytes(secret)),
            Duration.ZERO,
            System::nanoTime));
  }

  private static String token(JwtTokens.Signer signer) {
    return signer.sign(JWT.create().withSubject("orders"));
  }

  private static boolean accepts(JwtTokens.Verifier verifier, String token) {
    try {
      return verifier.verify(token).getSubject().equals("orders");
    } catch (JWTVerificationException e) {
      return false;
    }
  }

  private int calls() {
    return secrets.calls("GetSecretValue");
  }

  /**
   * Four threads sign and verify all the time. After each rotation the signer's cache is refreshed
   * at once, and the verifier's is left to find out by the tokens.
   */
  @Test
  void tokens_whileKeysRotate_areAllAccepted() throws Exception {
    int rotations = 4;
    Duration interval = Duration.ofMillis(50);
    Duration settlesIn = Duration.ofSeconds(1);
    try (SecretCache signers = caches.open(o -> o.minimumInterval(interval));
        SecretCache verifiers = caches.open(o -> o.minimumInterval(interval))) {
      var tokens =
          new JwtTokens.Signer(
              new SigningKey<>(
                  signers,
                  ID,
                  secret -> Algorithm.HMAC256(VersionedKey.bytes(secret)),
                  settlesIn,
                  System::nanoTime));
      var verifier = new JwtTokens.Verifier(verifiers, ID);
      var webhooks =
          new Webhooks.Signer(
              new SigningKey<>(signers, ID, Webhooks::key, settlesIn, System::nanoTime));
      var receiver = new Webhooks.Verifier(verifiers, ID);
      Map<String, CountDownLatch> seen = new ConcurrentHashMap<>();
      var refused = new AtomicInteger();
      var verified = new AtomicLong();
      var failure = new AtomicReference<@Nullable Throwable>();
      var over = new AtomicBoolean();
      var threads = new Thread[4];
      for (int i = 0; i < threads.length; i++) {
        threads[i] =
            new Thread(
                () -> {
                  try {
                    while (!over.get()) {
                      String token = token(tokens);
                      var signature = webhooks.sign(BODY);
                      if (!accepts(verifier, token)
                          || !receiver.verify(BODY, signature.keyId(), signature.hex())
                          || !receiver.verify(BODY, null, signature.hex())) {
                        refused.incrementAndGet();
                      }
                      verified.addAndGet(3);
                      seen.computeIfAbsent(
                              JWT.decode(token).getKeyId(), id -> new CountDownLatch(1))
                          .countDown();
                    }
                  } catch (RuntimeException | Error e) {
                    failure.set(e);
                  }
                },
                "signs-and-verifies-" + i);
        threads[i].setDaemon(true);
        threads[i].start();
      }
      try {
        String first = secrets.versionId(ID, "AWSCURRENT").orElseThrow();
        assertThat(isSeen(seen, first)).isTrue();
        Rotation rotation = rotation();
        for (int i = 0; i < rotations; i++) {
          String version = rotation.createSecret();
          rotation.setSecret();
          rotation.testSecret();
          rotation.finishSecret();
          while (!signers.refreshVersions(ID).current().versionId().equals(version)) {
            LockSupport.parkNanos(1_000_000); // Within minimumInterval of the last.
          }
          assertThat(isSeen(seen, version)).as("a token of rotation %d is verified", i).isTrue();
        }
      } finally {
        over.set(true);
        for (Thread thread : threads) {
          thread.join(10_000);
        }
      }

      assertThat(failure.get()).isNull();
      assertThat(refused).hasValue(0);
      assertThat(seen).hasSize(rotations + 1);
      assertThat(verified.get()).isGreaterThan(100);
      // Three at first and for each rotation, by the signer and by the verifier; twice that where
      // the labels moved meanwhile, and again where the verifier's own view caught up.
      assertThat(calls()).isBetween(6 * (rotations + 1), 6 + (12 + 9) * rotations);
    }
  }

  private static boolean isSeen(Map<String, CountDownLatch> seen, String version)
      throws InterruptedException {
    return seen.computeIfAbsent(version, id -> new CountDownLatch(1)).await(20, TimeUnit.SECONDS);
  }

  @Test
  void tokenOfThePreviousKey_isAcceptedUntilTheVerifierSeesTheNextRotation() throws Exception {
    try (SecretCache signers = eager();
        SecretCache verifiers = eager()) {
      var signer = atOnce(signers);
      var verifier = new JwtTokens.Verifier(verifiers, ID);
      String first = token(signer);
      assertThat(accepts(verifier, first)).isTrue();

      rotation().rotate();
      assertThat(signers.refreshVersions(ID).current().versionId())
          .isNotEqualTo(JWT.decode(first).getKeyId());
      String second = token(signer);
      secrets.resetCalls();
      assertThat(accepts(verifier, second)).as("of a version that it has not seen").isTrue();
      assertThat(calls()).isEqualTo(3);
      assertThat(accepts(verifier, first)).as("after finishSecret").isTrue();
      assertThat(calls()).as("from memory").isEqualTo(3);

      rotation().rotate();
      assertThat(accepts(verifier, first)).as("before the verifier has looked").isTrue();
      assertThat(accepts(verifier, second)).isTrue();
      assertThat(calls()).isEqualTo(3);
      assertThat(verifiers.refreshVersions(ID).previous().map(SecretValue::versionId))
          .contains(JWT.decode(second).getKeyId());

      assertThat(accepts(verifier, first)).as("once it has").isFalse();
      assertThat(accepts(verifier, second)).isTrue();
    }
  }

  @Test
  void tokenOfAKeyThatTheVerifierHasMissed_isAcceptedAsThePrevious() throws Exception {
    try (SecretCache signers = eager();
        SecretCache verifiers = eager()) {
      var signer = atOnce(signers);
      var verifier = new JwtTokens.Verifier(verifiers, ID);
      assertThat(accepts(verifier, token(signer))).isTrue();
      rotation().rotate();
      signers.refreshVersions(ID);
      String between = token(signer);
      rotation().rotate();

      assertThat(accepts(verifier, between)).isTrue();
    }
  }

  @Test
  void token_whileTheVerifierHasLookedAMomentAgo_isOfTheKeyBefore() throws Exception {
    try (SecretCache signers = eager();
        SecretCache verifiers = caches.open(o -> o.minimumInterval(Duration.ofMinutes(1)))) {
      var signer = new JwtTokens.Signer(signers, ID);
      var verifier = new JwtTokens.Verifier(verifiers, ID);
      assertThat(accepts(verifier, token(signer))).isTrue();
      rotation().rotate();
      signers.refreshVersions(ID);

      assertThat(accepts(verifier, token(signer))).as("it may not look again now").isTrue();
    }
  }

  @Test
  void tokenOfThePendingKey_isRefusedUntilItIsCurrent() throws Exception {
    try (SecretCache verifiers = eager()) {
      var verifier = new JwtTokens.Verifier(verifiers, ID);
      Rotation rotation = rotation();
      String version = rotation.createSecret();
      String early =
          JWT.create().withSubject("orders").withKeyId(version).sign(Algorithm.HMAC256(key(1)));

      assertThat(accepts(verifier, early)).isFalse();
      rotation.setSecret();
      rotation.testSecret();
      assertThat(accepts(verifier, early)).isFalse();
      assertThat(verifiers.versions(ID).pending()).isPresent();
      rotation.finishSecret();

      assertThat(accepts(verifier, early)).isTrue();
    }
  }

  @Test
  void tokenOfAWrongKey_isRefusedWithoutACall() {
    try (SecretCache signers = eager();
        SecretCache verifiers = eager()) {
      var verifier = new JwtTokens.Verifier(verifiers, ID);
      String good = token(atOnce(signers));
      assertThat(accepts(verifier, good)).isTrue();
      String kid = JWT.decode(good).getKeyId();
      var claims = JWT.create().withSubject("orders").withKeyId(kid);
      secrets.resetCalls();

      assertThat(accepts(verifier, claims.sign(Algorithm.HMAC256(key(77))))).isFalse();
      assertThat(accepts(verifier, claims.sign(Algorithm.none()))).isFalse();
      assertThat(accepts(verifier, claims.sign(Algorithm.HMAC512(key(0))))).isFalse();
      assertThat(accepts(verifier, good.substring(0, good.length() - 4) + "AAAA")).isFalse();
      assertThat(accepts(verifier, "no.token.atall")).isFalse();
      assertThatThrownBy(
              () ->
                  verifier.verify(
                      claims.withExpiresAt(Instant.EPOCH).sign(Algorithm.HMAC256(key(0)))))
          .isInstanceOf(TokenExpiredException.class);

      assertThat(calls()).isZero();
    }
  }

  @Test
  void tokenWithoutKid_isTriedWithBothKeysAndAfterALook() throws Exception {
    try (SecretCache verifiers = eager()) {
      var verifier = new JwtTokens.Verifier(verifiers, ID);
      rotation().rotate();
      assertThat(accepts(verifier, unnamed(1))).as("current").isTrue();
      assertThat(accepts(verifier, unnamed(0))).as("previous").isTrue();
      assertThat(calls()).isEqualTo(3);
      rotation().rotate();

      assertThat(accepts(verifier, unnamed(2))).as("of a version that it has not seen").isTrue();
      assertThat(calls()).isEqualTo(6);
      assertThat(accepts(verifier, unnamed(0))).as("previous no more").isFalse();
    }
  }

  private static String unnamed(int number) {
    return JWT.create().withSubject("orders").sign(Algorithm.HMAC256(key(number)));
  }

  @Test
  void forgedTokens_tenThousandMadeUpVersions_costWhatMinimumIntervalAllows() {
    Duration interval = Duration.ofMillis(100);
    try (SecretCache signers = eager();
        SecretCache verifiers = caches.open(o -> o.minimumInterval(interval))) {
      var verifier = new JwtTokens.Verifier(verifiers, ID);
      String good = token(atOnce(signers));
      secrets.resetCalls();
      long begun = System.nanoTime();

      for (int i = 0; i < 10_000; i++) {
        String forged =
            JWT.create()
                .withSubject("orders")
                .withKeyId(UUID.randomUUID().toString())
                .sign(Algorithm.HMAC256(key(77)));
        assertThat(accepts(verifier, forged)).isFalse();
      }

      long intervals = (System.nanoTime() - begun) / interval.toNanos() + 1;
      assertThat((long) calls()).isBetween(3L, 3 * (intervals + 1));
      assertThat(accepts(verifier, good)).isTrue();
    }
  }

  @Test
  void forgedTokens_withinOneInterval_costNoCall() {
    try (SecretCache verifiers = caches.open(o -> o.minimumInterval(Duration.ofMinutes(1)))) {
      var receiver = new Webhooks.Verifier(verifiers, ID);
      for (int i = 0; i < 10_000; i++) {
        assertThat(receiver.verify(BODY, "made up " + i, "ab".repeat(32))).isFalse();
      }

      assertThat(calls()).as("the first read").isEqualTo(3);
    }
  }

  @Test
  void secretsManagerAway_knownKeysAreVerifiedAndOfOthersThereIsNoSaying() {
    try (SecretCache signers = eager();
        SecretCache verifiers = eager()) {
      var verifier = new JwtTokens.Verifier(verifiers, ID);
      String good = token(atOnce(signers));
      assertThat(accepts(verifier, good)).isTrue();
      secrets.inject(Fault.serverError());
      String unknown =
          JWT.create().withKeyId(UUID.randomUUID().toString()).sign(Algorithm.HMAC256(key(1)));

      assertThatThrownBy(() -> verifier.verify(unknown))
          .isInstanceOfSatisfying(
              SecretException.class, e -> assertThat(e.reason()).isEqualTo(Reason.UNAVAILABLE));
      assertThat(accepts(verifier, good)).isTrue();
    }
  }

  @Test
  void keys_areMadeOncePerVersion() throws Exception {
    Map<String, Integer> made = new HashMap<>();
    try (SecretCache signers = eager();
        SecretCache verifiers = eager()) {
      var signing =
          new SigningKey<String>(signers, ID, s -> count(made, s), Duration.ZERO, () -> 0);
      var accepted = new AcceptedKeys<String>(verifiers, ID, s -> count(made, s));
      for (int rotation = 0; rotation < 5; rotation++) {
        for (int i = 0; i < 100; i++) {
          VersionedKey<String> key = signing.get();
          assertThat(accepted.find(key.versionId(), Optional::of)).contains(key.key());
        }
        rotation().rotate();
        signers.refreshVersions(ID);
      }
    }

    assertThat(made).hasSize(5);
    assertThat(made.values()).as("by each of the two").containsOnly(2);
  }

  private static String count(Map<String, Integer> made, SecretValue secret) {
    made.merge(secret.versionId(), 1, Integer::sum);
    return secret.versionId();
  }

  @Test
  void signingKey_changed_isUsedOnceItHasSettled() throws Exception {
    var now = new AtomicLong();
    try (SecretCache signers = eager()) {
      var signing =
          new SigningKey<>(signers, ID, VersionedKey::bytes, Duration.ofSeconds(5), now::get);
      assertThat(signing.get().key()).as("at the start").isEqualTo(key(0));
      rotation().rotate();
      assertThat(signing.get().key()).isEqualTo(key(0));
      signers.refreshVersions(ID);
      assertThat(signing.get().key()).as("seen to have changed").isEqualTo(key(0));
      now.addAndGet(Duration.ofSeconds(4).toNanos());
      assertThat(signing.get().key()).isEqualTo(key(0));
      now.addAndGet(Duration.ofSeconds(1).toNanos());

      assertThat(signing.get().key()).isEqualTo(key(1));
      assertThat(signing.get()).hasToString("VersionedKey[" + signing.get().versionId() + "]");
    }
  }

  @Test
  void signingKey_rotatedTwiceBeforeItSettles_isAlwaysOneThatCounts() throws Exception {
    try (SecretCache signers = eager()) {
      var signing =
          new SigningKey<>(signers, ID, VersionedKey::bytes, Duration.ofSeconds(5), () -> 0);
      assertThat(signing.get().key()).isEqualTo(key(0));
      for (int i = 1; i <= 3; i++) {
        rotation().rotate();
        signers.refreshVersions(ID);
        assertThat(signing.get().key()).as("AWSPREVIOUS").isEqualTo(key(i - 1));
      }
    }
  }

  @Test
  void signingKey_twoRotationsBetweenTwoSignatures_isOneThatCounts() throws Exception {
    var now = new AtomicLong();
    try (SecretCache signers = eager();
        SecretCache verifiers = eager()) {
      var signing = new SigningKey<>(signers, ID, Webhooks::key, Duration.ofSeconds(5), now::get);
      var signer = new Webhooks.Signer(signing);
      var verifier = new Webhooks.Verifier(verifiers, ID);
      var before = signer.sign(BODY);
      rotation().rotate();
      rotation().rotate();
      signers.refreshVersions(ID);

      var after = signer.sign(BODY);
      assertThat(verifier.verify(BODY, after.keyId(), after.hex())).isTrue();
      assertThat(after.keyId()).isEqualTo(secrets.versionId(ID, "AWSPREVIOUS").orElseThrow());
      assertThat(verifier.verify(BODY, before.keyId(), before.hex())).isFalse();

      now.addAndGet(Duration.ofSeconds(5).toNanos());
      assertThat(signer.sign(BODY).keyId())
          .isEqualTo(secrets.versionId(ID, "AWSCURRENT").orElseThrow());
    }
  }

  @Test
  void binarySecret_signsAndVerifies() {
    secrets.createSecret("binary", key(5));
    try (SecretCache cache = eager()) {
      Webhooks.Signature signature = new Webhooks.Signer(cache, "binary").sign(BODY);
      var receiver = new Webhooks.Verifier(cache, "binary");

      assertThat(receiver.verify(BODY, signature.keyId(), signature.hex())).isTrue();
      assertThat(receiver.verify(new byte[0], signature.keyId(), signature.hex())).isFalse();
      assertThat(receiver.verify(BODY, signature.keyId(), "no hex")).isFalse();
      assertThat(
              new JwtTokens.Verifier(cache, "binary")
                  .verify(token(new JwtTokens.Signer(cache, "binary")))
                  .getKeyId())
          .isEqualTo(signature.keyId());
    }
  }

  @Test
  void keyThatIsNone_isToldWithoutIt() {
    secrets.createSecret("not-base64", "{\"key\":\"MaRkEr-MaRkEr-MaRkEr\"}");
    secrets.createSecret("short", json("MaRkEr".getBytes(StandardCharsets.UTF_8)));
    secrets.createSecret("no-key", "{\"other\":\"MaRkEr\"}");
    try (SecretCache cache = eager()) {
      assertUnusable(cache, "not-base64", Reason.MALFORMED, "is not Base64");
      assertUnusable(cache, "short", Reason.MALFORMED, "fewer than 32 bytes");
      assertUnusable(cache, "no-key", Reason.MISSING_FIELD, "no field 'key'");
    }
  }

  private static void assertUnusable(SecretCache cache, String id, Reason reason, String why) {
    assertThatThrownBy(() -> new Webhooks.Signer(cache, id).sign(BODY))
        .isInstanceOfSatisfying(
            SecretException.class,
            e -> {
              assertThat(e.reason()).isEqualTo(reason);
              assertThat(e).hasMessageContaining(why).hasNoCause();
              assertThat(e.toString()).doesNotContain("MaRkEr");
            });
  }
}
