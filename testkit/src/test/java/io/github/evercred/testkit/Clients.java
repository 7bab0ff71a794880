package io.github.evercred.testkit;

import java.time.Duration;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.retry.RetryMode;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.retries.DefaultRetryStrategy;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/** The unmodified SDK's client of a local Secrets Manager, one attempt a call. */
final class Clients {
  private Clients() {}

  static SecretsManagerClient of(LocalSecretsManager secrets) {
    return of(secrets, Duration.ofSeconds(20));
  }

  static SecretsManagerClient of(LocalSecretsManager secrets, Duration socketTimeout) {
    return SecretsManagerClient.builder()
        .endpointOverride(secrets.endpoint())
        .region(Region.of(secrets.region()))
        .credentialsProvider(
            StaticCredentialsProvider.create(AwsBasicCredentials.create("AKIDEXAMPLE", "example")))
        .httpClientBuilder(UrlConnectionHttpClient.builder().socketTimeout(socketTimeout))
        .overrideConfiguration(o -> o.retryStrategy(DefaultRetryStrategy.doNotRetry()))
        .build();
  }

  /** A client with the SDK's own retries. */
  static SecretsManagerClient retrying(LocalSecretsManager secrets) {
    return SecretsManagerClient.builder()
        .endpointOverride(secrets.endpoint())
        .region(Region.of(secrets.region()))
        .credentialsProvider(
            StaticCredentialsProvider.create(AwsBasicCredentials.create("AKIDEXAMPLE", "example")))
        .httpClientBuilder(UrlConnectionHttpClient.builder())
        .overrideConfiguration(o -> o.retryStrategy(RetryMode.STANDARD))
        .build();
  }
}
