package io.github.evercred;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.testkit.LocalSecretsManager;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.Random;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/**
 * Sixteen read the versions of a secret that one rotates all the time. Values are numbers: whatever
 * is current, the previous one must be the number before, and the pending one the number after.
 */
@Timeout(60)
class TornPairTest {
  private static final String ID = "numbers";
  private static final int READERS = 16;
  private static final int READS_A_REFRESH = 20;

  /** Stores a number as a new version, and moves both labels on to it. */
  private interface Rotating {
    void to(int number);
  }

  /**
   * Reads until each reader has seen so many views. The writer gets a turn at one call in four, so
   * that it is at work within most fetches of the three and yet some of them come through.
   */
  private static void readWhileRotating(SecretSource source, Rotating rotating, int views) {
    var turns = new Semaphore(0);
    var random = new Random(42);
    var over = new AtomicBoolean();
    SecretSource paced =
        request -> {
          if (random.nextInt(4) == 0) {
            turns.release();
          }
          return source.fetch(request);
        };
    try (SecretCache cache =
        SecretCache.builder().source(paced).minimumInterval(Duration.ZERO).build()) {
      var writer =
          Crew.of(
              1,
              () -> {
                int number = 2;
                while (!over.get()) {
                  if (turns.tryAcquire(10, TimeUnit.MILLISECONDS)) {
                    rotating.to(++number);
                  }
                }
                return number;
              });
      try {
        assertThat(Crew.of(READERS, () -> read(cache, views)).values()).containsOnly(views);
      } finally {
        over.set(true);
      }
      assertThat(writer.value()).as("rotations").isGreaterThan(views);
    }
  }

  private static int read(SecretCache cache, int views) {
    var seen = new HashSet<Integer>();
    int last = 0;
    while (seen.size() < views) {
      for (int i = 0; i < READS_A_REFRESH && seen.size() < views; i++) {
        SecretVersions all;
        try {
          all = cache.versions(ID);
        } catch (SecretException e) {
          assertThat(e).hasMessageContaining("kept moving");
          break;
        }
        int current = number(all.current());
        assertThat(all.previous().map(TornPairTest::number)).contains(current - 1);
        assertThat(all.pending().map(TornPairTest::number).orElse(current + 1))
            .isEqualTo(current + 1);
        assertThat(current).as("no view is older than the last").isGreaterThanOrEqualTo(last);
        last = current;
        seen.add(current);
      }
      try {
        SecretVersions unused = cache.refreshVersions(ID);
      } catch (SecretException e) {
        assertThat(e).hasMessageContaining("kept moving");
      }
    }
    return seen.size();
  }

  private static int number(SecretValue value) {
    return Integer.parseInt(value.asString());
  }

  @Test
  void pair_fromAFakeSource_isNeverTorn() {
    var source = new FakeSource();
    IntStream.rangeClosed(1, 10_000)
        .forEach(number -> source.createdAt(number, Instant.EPOCH.plusSeconds(number)));
    source.put(ID, 1, "1", "AWSCURRENT");
    source.put(ID, 2, "2", "AWSCURRENT");
    readWhileRotating(
        source,
        number -> {
          source.put(ID, number, "" + number, "AWSPENDING");
          source.move(ID, "AWSCURRENT", number);
        },
        50);
  }

  @Test
  void pair_fromALocalSecretsManager_isNeverTorn() {
    var time = new AtomicLong(Instant.now().toEpochMilli());
    try (var local =
            LocalSecretsManager.builder()
                .clock(() -> Instant.ofEpochMilli(time.incrementAndGet())) // No two at one time.
                .start();
        SecretsManagerClient client =
            SecretsManagerClient.builder()
                .endpointOverride(local.endpoint())
                .region(Region.of(local.region()))
                .credentialsProvider(
                    StaticCredentialsProvider.create(
                        AwsBasicCredentials.create("AKIDEXAMPLE", "example")))
                .build()) {
      local.createSecret(ID, "1");
      String second = local.putSecretValue(ID, null, "2");
      assertThat(local.versionId(ID, "AWSCURRENT")).contains(second);
      readWhileRotating(
          AwsSecretSource.of(client),
          number -> {
            String version = local.startRotation(ID);
            String unused = local.putSecretValue(ID, version, "" + number, "AWSPENDING");
            local.moveLabel(ID, "AWSCURRENT", version);
          },
          10);
    }
  }
}
