package io.github.evercred.examples.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static software.amazon.lambda.powertools.parameters.transform.Transformer.json;

import io.github.evercred.AwsSecretSource;
import io.github.evercred.SecretCache;
import io.github.evercred.SecretException;
import io.github.evercred.testkit.Fault;
import io.github.evercred.testkit.LocalSecretsManager;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.model.SecretsManagerException;
import software.amazon.lambda.powertools.parameters.secrets.SecretsProvider;

/** What the guide says of Powertools' parameters and of Evercred, shown on one Secrets Manager. */
@Timeout(30)
class PowertoolsTest {
  private static final String API = "prod/payment/api";
  private static final String DATABASE = "prod/orders/db";

  private final LocalSecretsManager secrets = LocalSecretsManager.start();
  private final SecretsManagerClient client = Clients.of(secrets);
  private final SecretsProvider before = PowertoolsBefore.configured(client);
  private final SecretCache after =
      SecretCache.builder()
          .source(AwsSecretSource.of(client))
          .minimumInterval(Duration.ZERO)
          .build();

  @BeforeEach
  void createSecrets() {
    secrets.createSecret(API, "key");
    secrets.createSecret(DATABASE, "{\"username\":\"app\",\"password\":\"pw\"}");
  }

  @AfterEach
  void close() {
    after.close();
    client.close();
    secrets.close();
  }

  @Test
  void get_both_readTheSameText() {
    assertThat(new PowertoolsBefore(before).text()).isEqualTo(after.get(API).asString());
    assertThat(secrets.calls()).isEqualTo(Map.of("GetSecretValue", 2));
  }

  @Test
  void configured_after_reads() {
    try (SecretCache cache = PowertoolsAfter.configured(client)) {
      assertThat(cache.get(API).asString()).isEqualTo("key");
    }
  }

  @Test
  void json_both_makeTheSame_evercredOncePerVersion() {
    var evercred = new PowertoolsAfter(after);

    assertThat(evercred.login())
        .isEqualTo(new PowertoolsBefore(before).login())
        .isSameAs(evercred.login());
    secrets.putSecretValue(DATABASE, null, "{\"username\":\"app\",\"password\":\"new\"}");
    after.refresh(DATABASE);
    assertThat(evercred.login().password()).isEqualTo("new");
  }

  @Test
  void sameSecretAsTextAndAsObject_powertoolsConfusesThem_evercredDoesNot() {
    before.get(DATABASE);

    assertThatExceptionOfType(ClassCastException.class)
        .isThrownBy(() -> new PowertoolsBefore(before).login().username());
    assertThat(after.get(DATABASE).asString()).startsWith("{");
    assertThat(new PowertoolsAfter(after).login().username()).isEqualTo("app");
  }

  @Test
  void expiredInAnOutage_powertoolsThrows_evercredServes() {
    before.withMaxAge(-1, ChronoUnit.SECONDS).get(API); // Expired from the start.
    after.get(API);
    secrets.inject(Fault.serverError());

    assertThatExceptionOfType(SecretsManagerException.class).isThrownBy(() -> before.get(API));
    assertThatExceptionOfType(SecretException.class).isThrownBy(() -> after.refresh(API));
    assertThat(after.get(API).asString()).isEqualTo("key");
  }

  @Test
  void maxAge_powertoolsCannotPassACachedValue_evercredRefreshes() {
    before.get(API);
    after.get(API);
    secrets.putSecretValue(API, null, "new");

    assertThat(before.withMaxAge(-1, ChronoUnit.SECONDS).get(API)).isEqualTo("key");
    assertThat(after.refresh(API).asString()).isEqualTo("new");
  }

  @Test
  void binary_powertoolsDecodesItAgain_evercredGivesItAsStored() {
    byte[] stored = {0, 1, -1, 127};
    secrets.createSecret("binary", stored);

    assertThatThrownBy(() -> before.get("binary")).isInstanceOf(IllegalArgumentException.class);
    assertThat(secrets.calls("GetSecretValue", "binary")).isEqualTo(2);
    assertThat(after.get("binary").asBytes()).isEqualTo(stored);
  }

  @Test
  void many_powertoolsCannot_evercredLoadsThemBeforeTheyAreRead() {
    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(() -> before.getMultiple("prod"));

    new PowertoolsAfter(after).prefetch();
    assertThat(secrets.calls()).isNotEmpty();
    secrets.resetCalls();
    assertThat(after.get(API).asString()).isEqualTo("key");
    assertThat(after.get(DATABASE).field("username")).isEqualTo("app");
    assertThat(secrets.calls()).isEmpty();
  }

  @Test
  void field_annotatedButNotWoven_isNull_evercredNeedsNoWeaving() {
    assertThat(new PowertoolsBefore.Handler().apiKey).isNull();
    assertThat(new PowertoolsAfter.Handler(after).handle()).isEqualTo("key");
  }

  @Test
  void transformation_powertools_isForgottenAfterOneCall() {
    before.withTransformation(json).get(DATABASE, Login.class);

    assertThat(before.get(API)).isEqualTo("key");
  }
}
