package io.github.evercred.examples.migration;

import io.github.evercred.AwsSecretSource;
import io.github.evercred.SecretCache;
import io.github.evercred.SecretValue;
import java.time.Duration;
import java.util.function.Supplier;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/** The same function on Evercred. */
final class PowertoolsAfter {
  private final SecretCache cache;

  PowertoolsAfter(SecretCache cache) {
    this.cache = cache;
  }

  static SecretCache configured(SecretsManagerClient client) {
    // begin: powertools-configured-after
    SecretCache cache =
        SecretCache.builder()
            .source(AwsSecretSource.of(client))
            .refreshAfter(Duration.ofMinutes(10))
            .build();
    // end
    return cache;
  }

  Login login() {
    // begin: powertools-json-after
    Login login = cache.get("prod/orders/db").as(Login.class);
    // end
    return login;
  }

  void prefetch() {
    // begin: powertools-prefetch-after
    cache.prefetch("prod/payment/api", "prod/orders/db").orThrow();
    // end
  }

  // begin: powertools-field-after
  static final class Handler {
    private final Supplier<String> apiKey;

    Handler(SecretCache cache) {
      this.apiKey = cache.handle("prod/payment/api").map(SecretValue::asString);
    }

    String handle() {
      return apiKey.get(); // At each use: what is in a variable does not rotate.
    }
  }
  // end
}
