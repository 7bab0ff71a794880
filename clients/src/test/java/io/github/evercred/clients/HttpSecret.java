package io.github.evercred.clients;

import io.github.evercred.AwsSecretSource;
import io.github.evercred.LoginStatistics;
import io.github.evercred.RotationAwareLogin;
import io.github.evercred.SecretCache;
import io.github.evercred.testkit.LocalSecretsManager;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/** A secret that an HTTP server accepts, its cache, and the steps of its rotation. */
final class HttpSecret implements AutoCloseable {
  static final String ID = "prod/payment/api";

  final LocalSecretsManager manager = LocalSecretsManager.start();
  private final SecretsManagerClient client =
      SecretsManagerClient.builder()
          .endpointOverride(manager.endpoint())
          .region(Region.of(manager.region()))
          .credentialsProvider(
              StaticCredentialsProvider.create(AwsBasicCredentials.create("local", "local")))
          .build();
  final SecretCache cache = SecretCache.builder().source(AwsSecretSource.of(client)).build();
  final RotationAwareLogin login = new RotationAwareLogin(cache);

  HttpSecret(String firstKey) {
    manager.createSecret(ID, json(firstKey));
  }

  private static String json(String key) {
    return "{\"username\":\"app\",\"password\":\"" + key + "\",\"key\":\"" + key + "\"}";
  }

  LoginStatistics statistics() {
    return login.statistics();
  }

  /** The first step. The second is the server's. */
  void pending(String key) {
    pending(ID, key);
  }

  void pending(String id, String key) {
    manager.putSecretValue(id, manager.startRotation(id), json(key), "AWSPENDING");
  }

  /** The first step, by somebody who does not know what the secret looks like. */
  void pendingMalformed(String text) {
    manager.putSecretValue(ID, manager.startRotation(ID), text, "AWSPENDING");
  }

  /** The last step. */
  void promote() {
    promote(ID);
  }

  void promote(String id) {
    manager.moveLabel(id, "AWSCURRENT", manager.versionId(id, "AWSPENDING").orElseThrow());
  }

  String version(String label) {
    return manager.versionId(ID, label).orElseThrow();
  }

  @Override
  public void close() {
    cache.close();
    client.close();
    manager.close();
  }
}
