package io.github.evercred.examples.rotation;

import io.github.evercred.AwsSecretSource;
import io.github.evercred.RotationListener;
import io.github.evercred.SecretCache;
import io.github.evercred.Target;
import io.github.evercred.jdbc.EvercredDataSource;
import java.time.Duration;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/**
 * An application's database with Evercred, everything at its default: one cache, and data sources
 * that ask it at each login. This is the part to copy.
 *
 * <p>In AWS a {@code SecretCache.create()} will do for a cache; and where the URL and the secret's
 * name are all that there is to say, {@code setUrl} and {@code setSecretId} on a data source are
 * all that is needed.
 */
final class WithEvercred implements AutoCloseable {
  private final SecretCache cache;
  private final String jdbcUrl;
  private final String secretId;
  private volatile @Nullable String ahead;

  WithEvercred(SecretsManagerClient client, String secretId, String jdbcUrl) {
    this.cache = SecretCache.builder().source(AwsSecretSource.of(client)).build();
    this.secretId = secretId;
    this.jdbcUrl = jdbcUrl;
  }

  /** Makes a data source, for a pool or to be used as it is. It has neither user nor password. */
  DataSource dataSource() {
    EvercredDataSource dataSource = new EvercredDataSource();
    dataSource.setUrl(jdbcUrl);
    dataSource.setSecretId(secretId);
    dataSource.setCache(cache);
    dataSource.setRotationListener(listener);
    return dataSource;
  }

  @Override
  public void close() {
    cache.close();
  }

  // An application needs none of what follows: the demo shows it in its live line.

  private final RotationListener listener =
      new RotationListener() {
        @Override
        public void rotationIncomplete(
            Target target, String secret, String label, String versionId, Duration since) {
          ahead = versionId;
        }

        @Override
        public void rotationComplete(Target target, String secret, String versionId) {
          ahead = null;
        }
      };

  /** Returns the version of the secret that logins use: AWSCURRENT, or one that is ahead of it. */
  String versionInUse() {
    String found = ahead;
    return found == null ? cache.get(secretId).versionId() : found;
  }
}
