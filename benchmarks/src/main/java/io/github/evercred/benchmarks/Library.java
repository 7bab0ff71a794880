package io.github.evercred.benchmarks;

import com.amazonaws.secretsmanager.caching.SecretCacheConfiguration;
import io.github.evercred.AwsSecretSource;
import io.github.evercred.SecretCache;
import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.lambda.powertools.parameters.cache.CacheManager;
import software.amazon.lambda.powertools.parameters.secrets.SecretsProvider;

/** By what an application reads its secrets. */
enum Library {
  /** No library at all: what was read once is read from a map. The floor. */
  MAP("ConcurrentHashMap") {
    @Override
    Reader open(SecretsManagerClient client, Duration age, int secrets) {
      Map<String, String> values = new ConcurrentHashMap<>(secrets);
      return id -> {
        String value = values.get(id);
        return value != null ? value : values.computeIfAbsent(id, its -> fetch(client, its));
      };
    }
  },

  /** A call for each read. */
  BARE_SDK("bare SDK") {
    @Override
    Reader open(SecretsManagerClient client, Duration age, int secrets) {
      return id -> fetch(client, id);
    }
  },

  EVERCRED("Evercred") {
    @Override
    Reader open(SecretsManagerClient client, Duration age, int secrets) {
      return reader(
          SecretCache.builder()
              .source(AwsSecretSource.of(client))
              .refreshAfter(age)
              .maximumSecrets(secrets)
              .build());
    }
  },

  /** Where nobody has read for so long that a read waits for a refresh. */
  EVERCRED_IDLE("Evercred, past revalidateAfter") {
    @Override
    Reader open(SecretsManagerClient client, Duration age, int secrets) {
      return reader(
          SecretCache.builder()
              .source(AwsSecretSource.of(client))
              .refreshAfter(age)
              .revalidateAfter(age.multipliedBy(3).dividedBy(2))
              .maximumSecrets(secrets)
              .build());
    }
  },

  AWS_CACHING("AWS caching library") {
    @Override
    Reader open(SecretsManagerClient client, Duration age, int secrets) {
      var cache =
          new com.amazonaws.secretsmanager.caching.SecretCache(
              new SecretCacheConfiguration()
                  .withClient(client)
                  .withCacheItemTTL(age.toMillis())
                  .withMaxCacheSize(secrets));
      return cache::getSecretString;
    }
  },

  /** With a client that gives up in time, as the SDK's documentation advises. */
  AWS_CACHING_TIMED("AWS caching library, client with time-outs") {
    @Override
    Reader open(SecretsManagerClient client, Duration age, int secrets) {
      return AWS_CACHING.open(client, age, secrets);
    }
  },

  POWERTOOLS("Powertools") {
    @Override
    Reader open(SecretsManagerClient client, Duration age, int secrets) {
      var cache = new CacheManager();
      cache.setDefaultExpirationTime(age);
      return SecretsProvider.builder().withClient(client).withCacheManager(cache).build()::get;
    }
  },

  POWERTOOLS_TIMED("Powertools, client with time-outs") {
    @Override
    Reader open(SecretsManagerClient client, Duration age, int secrets) {
      return POWERTOOLS.open(client, age, secrets);
    }
  };

  final String title;

  Library(String title) {
    this.title = title;
  }

  /** Reads a secret, from memory if it can. */
  interface Reader {
    String read(String id);
  }

  /**
   * Opens it as its documentation says.
   *
   * @param client by which it reads
   * @param age after which what is cached is due
   * @param secrets that it must be able to hold
   */
  abstract Reader open(SecretsManagerClient client, Duration age, int secrets);

  private static Reader reader(SecretCache cache) {
    return id -> cache.get(id).asString();
  }

  private static String fetch(SecretsManagerClient client, String id) {
    return client.getSecretValue(request -> request.secretId(id)).secretString();
  }

  /** A client with the SDK's defaults, but for the HTTP client, which is the same for all. */
  SecretsManagerClient client(URI endpoint) {
    boolean timed = this == AWS_CACHING_TIMED || this == POWERTOOLS_TIMED;
    var builder =
        SecretsManagerClient.builder()
            .httpClientBuilder(UrlConnectionHttpClient.builder())
            .endpointOverride(endpoint)
            .region(Region.of("eu-west-1"))
            .credentialsProvider(
                StaticCredentialsProvider.create(AwsBasicCredentials.create("local", "local")));
    if (timed) {
      builder.overrideConfiguration(
          limits ->
              limits
                  .apiCallAttemptTimeout(Duration.ofMillis(500))
                  .apiCallTimeout(Duration.ofSeconds(1)));
    }
    return builder.build();
  }
}
