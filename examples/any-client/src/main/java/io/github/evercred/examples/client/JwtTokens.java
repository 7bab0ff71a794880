package io.github.evercred.examples.client;

import com.auth0.jwt.JWT;
import com.auth0.jwt.JWTCreator;
import com.auth0.jwt.JWTVerifier;
import com.auth0.jwt.algorithms.Algorithm;
import com.auth0.jwt.exceptions.JWTVerificationException;
import com.auth0.jwt.exceptions.SignatureVerificationException;
import com.auth0.jwt.interfaces.DecodedJWT;
import io.github.evercred.SecretCache;
import io.github.evercred.SecretException;
import java.util.Optional;

/** JSON Web Tokens signed with HS256, which name the version of their key as {@code kid}. */
final class JwtTokens {
  private JwtTokens() {}

  // recipe: jwt
  /** Signs. Thread-safe. */
  static final class Signer {
    private final SigningKey<Algorithm> keys;

    Signer(SigningKey<Algorithm> keys) {
      this.keys = keys;
    }

    Signer(SecretCache cache, String secretId) {
      this(
          new SigningKey<>(
              cache, secretId, secret -> Algorithm.HMAC256(VersionedKey.bytes(secret))));
    }

    String sign(JWTCreator.Builder claims) {
      VersionedKey<Algorithm> key = keys.get();
      return claims.withKeyId(key.versionId()).sign(key.key());
    }
  }

  /** Verifies. Thread-safe. */
  static final class Verifier {
    private final AcceptedKeys<JWTVerifier> keys;

    Verifier(SecretCache cache, String secretId) {
      this.keys =
          new AcceptedKeys<>(
              cache,
              secretId,
              secret -> JWT.require(Algorithm.HMAC256(VersionedKey.bytes(secret))).build());
    }

    /**
     * Returns what a token says, if it is signed with a key that counts now.
     *
     * @throws JWTVerificationException if it is not, or if it has expired or is no token
     * @throws SecretException if there is no saying
     */
    DecodedJWT verify(String token) {
      DecodedJWT claimed = JWT.decode(token);
      return keys.find(claimed.getKeyId(), key -> signedWith(key, claimed))
          .orElseThrow(() -> new JWTVerificationException("Not signed with a key that counts."));
    }

    private static Optional<DecodedJWT> signedWith(JWTVerifier key, DecodedJWT claimed) {
      try {
        return Optional.of(key.verify(claimed));
      } catch (SignatureVerificationException e) {
        return Optional.empty();
      }
    }
  }
  // end
}
