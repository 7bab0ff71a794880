package io.github.evercred.examples.migration;

import io.github.evercred.AwsSecretSource;
import io.github.evercred.SecretCache;
import java.util.function.Predicate;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/** Both caches in one process, for as long as the move takes. */
// begin: side-by-side
final class SideBySide implements AutoCloseable {
  private final com.amazonaws.secretsmanager.caching.SecretCache before;
  private final SecretCache after;
  private final Predicate<String> moved;

  SideBySide(SecretsManagerClient client, Predicate<String> moved) {
    this.before = new com.amazonaws.secretsmanager.caching.SecretCache(client);
    this.after = SecretCache.builder().source(AwsSecretSource.of(client)).build();
    this.moved = moved;
  }

  String secret(String secretId) {
    return moved.test(secretId) ? after.get(secretId).asString() : before.getSecretString(secretId);
  }

  /** Tells whether both hold the same. Log the answer, never the values. */
  boolean agree(String secretId) {
    return after.get(secretId).asString().equals(before.getSecretString(secretId));
  }

  @Override
  public void close() { // Neither closes the client: who built it closes it.
    before.close();
    after.close();
  }
}
// end
