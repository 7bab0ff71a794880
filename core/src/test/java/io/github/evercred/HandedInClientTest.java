package io.github.evercred;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.SecretException.Reason;
import io.github.evercred.testkit.Fault;
import io.github.evercred.testkit.Hold;
import io.github.evercred.testkit.LocalSecretsManager;
import io.github.evercred.testkit.Requests;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import software.amazon.awssdk.auth.credentials.AnonymousCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/**
 * A cache on a client as many applications have one: built by hand, with the SDK's own retries and
 * without any time-out. Everything here is real, time too.
 */
@Timeout(60)
class HandedInClientTest {
  private static final String ID = CacheFixture.ID;
  private static final Duration LOAD = Duration.ofSeconds(3);
  private static final Duration ATTEMPT = Duration.ofSeconds(1);
  private static final int ATTEMPTS = 3;

  /** For a machine that is busy with other things. */
  private static final Duration SLACK = Duration.ofSeconds(10);

  private static SecretsManagerClient withoutTimeouts(LocalSecretsManager secrets) {
    return SecretsManagerClient.builder()
        .httpClient(UrlConnectionHttpClient.builder().build())
        .region(Region.of(secrets.region()))
        .endpointOverride(secrets.endpoint())
        .credentialsProvider(AnonymousCredentialsProvider.create())
        .build();
  }

  @Test
  void clientWithoutTimeouts_neverAnswered_isUnavailableThenRecovers() throws Exception {
    try (var secrets = LocalSecretsManager.start();
        var client = withoutTimeouts(secrets);
        var cache =
            SecretCache.builder()
                .source(AwsSecretSource.of(client))
                .loadTimeout(LOAD, ATTEMPT)
                .build()) {
      secrets.createSecret(ID, "one");
      client.listSecretVersionIds(r -> r.secretId(ID)); // Loads the SDK's classes.
      secrets.inject(Fault.hang());
      Hold arrivals = secrets.hold(Requests.of("GetSecretValue"));

      long begun = System.nanoTime();
      var reader = Crew.of(1, () -> cache.get(ID));
      arrivals.awaitArrival(1, Duration.ofSeconds(20));
      SecretException failure = reader.failure(); // Nothing has been answered, nor will be.

      assertThat(failure.reason()).isEqualTo(Reason.UNAVAILABLE);
      assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(LOAD.plus(SLACK));
      // The first attempt has ended by its own limit, or there would be no second one.
      Eventually.until(() -> calls(secrets) >= 2, () -> calls(secrets) + " calls");
      assertThat(calls(secrets)).isLessThanOrEqualTo(ATTEMPTS);

      secrets.clearFaults();
      arrivals.release();
      Eventually.until(() -> read(cache).equals("one"), () -> "not recovered: " + read(cache));
      assertThat(calls(secrets)).isLessThanOrEqualTo(2 * ATTEMPTS);
    }
  }

  private static int calls(LocalSecretsManager secrets) {
    return secrets.calls("GetSecretValue");
  }

  private static String read(SecretCache cache) {
    try {
      return cache.get(ID).asString();
    } catch (SecretException e) {
      return e.toString();
    }
  }
}
