package io.github.evercred.examples.migration;

import io.github.evercred.AwsSecretSource;
import io.github.evercred.SecretCache;
import io.github.evercred.SecretCacheListener;
import io.github.evercred.SecretException;
import io.github.evercred.SecretHandle;
import io.github.evercred.SecretValue;
import io.github.evercred.SecretVersions;
import io.github.evercred.VersionSelector;
import java.time.Duration;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Predicate;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/** The same application on Evercred. */
final class EvercredAfter {
  private final SecretCache cache;

  EvercredAfter(SecretCache cache) {
    this.cache = cache;
  }

  static SecretCache configured(SecretsManagerClient client) {
    // begin: configured-after
    SecretCache cache =
        SecretCache.builder()
            .source(AwsSecretSource.of(client))
            .refreshAfter(Duration.ofMinutes(10))
            .maximumSecrets(500)
            .build();
    // end
    return cache;
  }

  String text() {
    // begin: text-after
    String key = cache.get("prod/payment/api").asString();
    // end
    return key;
  }

  byte[] binary() {
    // begin: binary-after
    byte[] keystore = cache.get("prod/payment/keystore").asBytes();
    // end
    return keystore;
  }

  String fields() {
    // begin: fields-after
    SecretValue login = cache.get("prod/orders/db");
    String user = login.field("username");
    String password = login.field("password"); // Of the same version as the user, always.
    // end
    return user + "/" + password;
  }

  // begin: login-after
  boolean logIn(String secretId, Predicate<String> server) {
    SecretValue tried = cache.get(secretId);
    if (server.test(tried.asString())) {
      return true;
    }
    SecretValue now = cache.refreshUnless(secretId, tried.versionId());
    return !now.versionId().equals(tried.versionId()) && server.test(now.asString());
  }

  // end

  // begin: missing-after
  String secretOr(String secretId, String fallback) {
    try {
      return cache.get(secretId).asString();
    } catch (SecretException e) {
      return switch (e.reason()) {
        case NOT_FOUND, WRONG_REGION -> fallback;
        default -> throw e;
      };
    }
  }

  // end

  String previous() {
    // begin: label-after
    SecretValue previous = cache.get("prod/tokens/signing-key", VersionSelector.PREVIOUS);
    SecretVersions all = cache.versions("prod/tokens/signing-key"); // As they stood together.
    // end
    return previous.asString() + all.previous().map(SecretValue::asString).orElse("");
  }

  // begin: listener-after
  static final class RotationLog implements SecretCacheListener {
    final LongAdder rotations = new LongAdder();
    final LongAdder stale = new LongAdder();

    @Override
    public void rotated(String id, VersionSelector version, String oldVersion, String newVersion) {
      rotations.increment();
    }

    @Override
    public void servingStale(
        String id, VersionSelector version, String versionId, Duration age, SecretException why) {
      stale.increment(); // The message of "why" holds no value: it may be logged.
    }
  }

  // end

  String handle() {
    // begin: handle-after
    SecretHandle key = cache.handle("prod/payment/api"); // Once; then, at each use:
    String value = key.get().asString();
    // end
    return value;
  }
}
