package io.github.evercred.examples.migration;

import com.amazonaws.secretsmanager.caching.SecretCache;
import com.amazonaws.secretsmanager.caching.SecretCacheConfiguration;
import com.amazonaws.secretsmanager.caching.SecretCacheHook;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Predicate;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.model.ResourceNotFoundException;

/** An application on AWS's caching library, as its users write it. */
final class AwsCachingBefore {
  private final SecretCache cache;

  AwsCachingBefore(SecretCache cache) {
    this.cache = cache;
  }

  static SecretCache configured(SecretsManagerClient client) {
    // begin: configured-before
    SecretCache cache =
        new SecretCache(
            new SecretCacheConfiguration()
                .withClient(client)
                .withCacheItemTTL(TimeUnit.MINUTES.toMillis(10))
                .withMaxCacheSize(500));
    // end
    return cache;
  }

  String text() {
    // begin: text-before
    String key = cache.getSecretString("prod/payment/api");
    // end
    return key;
  }

  ByteBuffer binary() {
    // begin: binary-before
    ByteBuffer keystore = cache.getSecretBinary("prod/payment/keystore");
    // end
    return keystore;
  }

  // begin: login-before
  boolean logIn(String secretId, Predicate<String> server) throws InterruptedException {
    if (server.test(cache.getSecretString(secretId))) {
      return true;
    }
    return cache.refreshNow(secretId) && server.test(cache.getSecretString(secretId));
  }

  // end

  // begin: missing-before
  String secretOr(String secretId, String fallback) {
    try {
      return cache.getSecretString(secretId);
    } catch (ResourceNotFoundException e) {
      return fallback;
    }
  }

  // end

  static String previous(SecretsManagerClient client) {
    // begin: label-before
    SecretCache previousOnes =
        new SecretCache(
            new SecretCacheConfiguration().withClient(client).withVersionStage("AWSPREVIOUS"));
    String previous = previousOnes.getSecretString("prod/tokens/signing-key");
    // end
    previousOnes.close();
    return previous;
  }

  // begin: hook-before
  static final class CountingHook implements SecretCacheHook {
    final LongAdder stored = new LongAdder();

    @Override
    public Object put(Object awsResponse) {
      stored.increment();
      return awsResponse;
    }

    @Override
    public Object get(Object stored) {
      return stored;
    }
  }
  // end
}
