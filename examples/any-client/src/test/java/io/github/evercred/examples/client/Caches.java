package io.github.evercred.examples.client;

import io.github.evercred.AwsSecretSource;
import io.github.evercred.SecretCache;
import io.github.evercred.SecretCacheBuilder;
import io.github.evercred.SecretSource;
import io.github.evercred.testkit.LocalSecretsManager;
import java.util.function.UnaryOperator;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/** Caches of processes that read from one local Secrets Manager. */
final class Caches implements AutoCloseable {
  private final SecretsManagerClient client;

  Caches(LocalSecretsManager secrets) {
    this.client =
        SecretsManagerClient.builder()
            .endpointOverride(secrets.endpoint())
            .region(Region.of(secrets.region()))
            .credentialsProvider(
                StaticCredentialsProvider.create(
                    AwsBasicCredentials.create("AKIDEXAMPLE", "example")))
            .build();
  }

  SecretSource source() {
    return AwsSecretSource.of(client);
  }

  SecretCache open() {
    return open(options -> options);
  }

  SecretCache open(UnaryOperator<SecretCacheBuilder> options) {
    return options.apply(SecretCache.builder().source(source())).build();
  }

  @Override
  public void close() {
    client.close();
  }
}
