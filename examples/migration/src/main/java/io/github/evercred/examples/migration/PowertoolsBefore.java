package io.github.evercred.examples.migration;

import static software.amazon.lambda.powertools.parameters.transform.Transformer.json;

import java.time.Duration;
import java.time.temporal.ChronoUnit;
import org.jspecify.annotations.NullUnmarked;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.lambda.powertools.parameters.cache.CacheManager;
import software.amazon.lambda.powertools.parameters.secrets.SecretsParam;
import software.amazon.lambda.powertools.parameters.secrets.SecretsProvider;

/** A function on Powertools for AWS Lambda. */
final class PowertoolsBefore {
  private final SecretsProvider provider;

  PowertoolsBefore(SecretsProvider provider) {
    this.provider = provider;
  }

  static SecretsProvider configured(SecretsManagerClient client) {
    // begin: powertools-configured-before
    CacheManager ages = new CacheManager();
    ages.setDefaultExpirationTime(Duration.ofMinutes(10));
    SecretsProvider provider =
        SecretsProvider.builder().withClient(client).withCacheManager(ages).build();
    // end
    return provider;
  }

  String text() {
    // begin: powertools-text-before
    String key = provider.withMaxAge(10, ChronoUnit.MINUTES).get("prod/payment/api");
    // end
    return key;
  }

  Login login() {
    // begin: powertools-json-before
    Login login = provider.withTransformation(json).get("prod/orders/db", Login.class);
    // end
    return login;
  }

  /** Without AspectJ's weaving, as here, nothing fills the field. */
  @NullUnmarked
  static final class Handler {
    // begin: powertools-field-before
    @SecretsParam(key = "prod/payment/api")
    String apiKey;
    // end
  }
}
