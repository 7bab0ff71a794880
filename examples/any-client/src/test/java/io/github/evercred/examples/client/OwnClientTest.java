package io.github.evercred.examples.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.evercred.RotationAwareLogin;
import io.github.evercred.RotationListener;
import io.github.evercred.SecretCache;
import io.github.evercred.SecretCacheListener;
import io.github.evercred.SecretException;
import io.github.evercred.SecretSource;
import io.github.evercred.Target;
import io.github.evercred.VersionSelector;
import io.github.evercred.testkit.LocalSecretsManager;
import io.github.evercred.testkit.Rotation;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A client of one's own tells a refusal from other failures, and hears of changes. */
@Timeout(60)
class OwnClientTest {
  private final LocalSecretsManager secrets = LocalSecretsManager.start();
  private final Caches caches = new Caches(secrets);
  private final OwnClientScenario server = new OwnClientScenario();
  private final BlockingQueue<String> heard = new LinkedBlockingQueue<>();

  @AfterEach
  void stop() {
    caches.close();
    secrets.close();
  }

  private void tell(String what) {
    heard.add(what);
  }

  private record Listening(SecretCache cache, RotationAwareLogin login) {}

  private Listening listening(SecretSource source) {
    // recipe: listeners
    SecretCache cache =
        SecretCache.builder()
            .source(source)
            .listener(
                new SecretCacheListener() {
                  @Override
                  public void rotated(
                      String secretId, VersionSelector version, String oldId, String newId) {
                    tell(version + " of " + secretId + " is " + newId);
                  }
                })
            .build();
    var login =
        new RotationAwareLogin(
            cache,
            new RotationListener() {
              @Override
              public void rotationIncomplete(
                  Target at, String secretId, String label, String id, Duration since) {
                tell(at + " accepts " + label + " of " + secretId);
              }

              @Override
              public void rotationComplete(Target at, String secretId, String id) {
                tell("the rotation of " + secretId + " at " + at + " is complete");
              }
            });
    // end
    return new Listening(cache, login);
  }

  @Test
  void rotation_isBridgedAndHeardOf() throws Exception {
    secrets.createSecret(server.secretId(), server.firstValue());
    Listening made = listening(caches.source());
    try (SecretCache cache = made.cache()) {
      var client = new OwnClient(made.login(), server, OwnClientScenario.TARGET, server.secretId());
      Rotation rotation = Rotation.of(secrets, server.secretId(), server);
      assertThat(client.balance()).isEqualTo("12.50");
      String version = rotation.createSecret();
      rotation.setSecret();
      assertThat(client.balance()).isEqualTo("12.50");
      assertThat(server.refused()).isEqualTo(1);
      assertThat(heard.poll(10, TimeUnit.SECONDS))
          .isEqualTo("ledger ledger.example.com:4711 accepts AWSPENDING of prod/ledger");
      rotation.testSecret();
      rotation.finishSecret();
      cache.invalidate(server.secretId());
      assertThat(client.balance()).isEqualTo("12.50");
      assertThat(heard.poll(10, TimeUnit.SECONDS))
          .isEqualTo("the rotation of prod/ledger at ledger ledger.example.com:4711 is complete");
      assertThat(version).isEqualTo(cache.get(server.secretId()).versionId());
      assertThat(server.refused()).isEqualTo(1);
    }
  }

  @Test
  void changeOfTheSecret_isHeardOf() throws Exception {
    secrets.createSecret(server.secretId(), server.firstValue());
    try (SecretCache cache = listening(caches.source()).cache()) {
      cache.get(server.secretId());
      String changed = secrets.putSecretValue(server.secretId(), null, server.newValue(""));
      while (!cache.refresh(server.secretId()).versionId().equals(changed)) {
        assertThat(heard.poll(100, TimeUnit.MILLISECONDS)).as("nothing to tell yet").isNull();
      }

      assertThat(heard.poll(10, TimeUnit.SECONDS))
          .contains("AWSCURRENT")
          .endsWith(" of prod/ledger is " + changed);
    }
  }

  @Test
  void otherFailures_leaveAsTheyCameAtOnce() {
    secrets.createSecret(server.secretId(), server.firstValue());
    try (SecretCache cache = caches.open()) {
      var login = new RotationAwareLogin(cache);
      var calls = new AtomicInteger();
      for (String code : new String[] {"no-such-account", "locked"}) {
        var failure = new Ledger.Failure(code);
        Ledger failing =
            (user, password, atMost) -> {
              calls.incrementAndGet();
              throw failure;
            };
        var client = new OwnClient(login, failing, OwnClientScenario.TARGET, server.secretId());
        assertThatThrownBy(client::balance).isSameAs(failure);
      }
      assertThat(calls).as("no second try").hasValue(2);
      assertThat(login.statistics().refused()).isZero();
    }
  }

  @Test
  void secretThatIsMissing_isTheCause() {
    try (SecretCache cache = caches.open()) {
      var client =
          new OwnClient(
              new RotationAwareLogin(cache), server, OwnClientScenario.TARGET, server.secretId());

      assertThatThrownBy(client::balance)
          .isInstanceOf(IOException.class)
          .hasMessageContaining("prod/ledger")
          .hasCauseInstanceOf(SecretException.class);
    }
  }
}
