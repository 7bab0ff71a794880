package io.github.evercred.examples.migration;

import io.github.evercred.testkit.LocalSecretsManager;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/** The client that all of them share here: one attempt a call, so that calls can be counted. */
final class Clients {
  private Clients() {}

  static SecretsManagerClient of(LocalSecretsManager secrets) {
    return SecretsManagerClient.builder()
        .endpointOverride(secrets.endpoint())
        .region(Region.of(secrets.region()))
        .credentialsProvider(
            StaticCredentialsProvider.create(AwsBasicCredentials.create("AKIDEXAMPLE", "example")))
        .httpClientBuilder(UrlConnectionHttpClient.builder())
        .overrideConfiguration(o -> o.retryStrategy(AwsRetryStrategy.doNotRetry()))
        .build();
  }
}
