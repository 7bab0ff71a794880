package io.github.evercred.examples.client;

import com.auth0.jwt.JWT;
import com.auth0.jwt.algorithms.Algorithm;
import com.auth0.jwt.exceptions.JWTVerificationException;
import io.github.evercred.RotationListener;
import io.github.evercred.SecretCache;
import io.github.evercred.testkit.RotationTarget;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Base64;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Tokens that one process signs and another verifies, each with a cache of its own. The signer
 * learns of a rotation when the next one begins, and the verifier by a token.
 */
final class SignatureScenario implements Scenario, RotationTarget {
  private static final Duration SETTLES_IN = Duration.ofMillis(500);

  private final LongAdder refused = new LongAdder();
  private volatile @Nullable SecretCache signersCache;

  @Override
  public String name() {
    return "JWT, HS256";
  }

  @Override
  public String secretId() {
    return "prod/tokens/key";
  }

  @Override
  public String firstValue() {
    byte[] key = new byte[32];
    new SecureRandom().nextBytes(key);
    return "{\"key\":\"" + Base64.getEncoder().encodeToString(key) + "\"}";
  }

  @Override
  public RotationTarget target() {
    return this;
  }

  /** A new key; by the time that another is made, the signer has seen the last one. */
  @Override
  public String newValue(String current) {
    SecretCache cache = signersCache;
    if (cache != null) {
      var unused = cache.refreshVersions(secretId());
    }
    return firstValue();
  }

  /** Nobody but the two has the key, and both have it from the secret. */
  @Override
  public void set(String current, String pending) {}

  @Override
  public Calls open(Supplier<SecretCache> caches, RotationListener listener) {
    SecretCache own = caches.get();
    signersCache = own;
    var signer =
        new JwtTokens.Signer(
            new SigningKey<>(
                own,
                secretId(),
                secret -> Algorithm.HMAC256(VersionedKey.bytes(secret)),
                SETTLES_IN,
                System::nanoTime));
    var verifier = new JwtTokens.Verifier(caches.get(), secretId());
    return new Calls() {
      @Override
      public void call() {
        try {
          var unused = verifier.verify(signer.sign(JWT.create().withSubject("orders")));
        } catch (JWTVerificationException e) {
          refused.increment();
          throw e;
        }
      }

      @Override
      public void close() {}
    };
  }

  @Override
  public long refused() {
    return refused.sum();
  }

  @Override
  public void close() {}
}
