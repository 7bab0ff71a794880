package io.github.evercred.examples.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.SecretCache;
import io.github.evercred.testkit.LocalSecretsManager;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whatever takes a {@code Supplier<String>} follows a rotation. */
@Timeout(60)
class SupplierRecipeTest {

  private static Supplier<String> supplier(SecretCache secrets) {
    // recipe: supplier
    Supplier<String> apiKey =
        secrets.handle("prod/payment/api").map(secret -> secret.field("apiKey"));
    // end
    return apiKey;
  }

  @Test
  void supplier_rotatedAndRefreshed_returnsTheNewKeyAndCostsNoCallItself() {
    try (var local = LocalSecretsManager.start();
        var caches = new Caches(local);
        SecretCache secrets = caches.open()) {
      local.createSecret("prod/payment/api", "{\"apiKey\":\"k1\"}");
      Supplier<String> apiKey = supplier(secrets);
      assertThat(apiKey.get()).isEqualTo("k1").isSameAs(apiKey.get());
      local.putSecretValue("prod/payment/api", null, "{\"apiKey\":\"k2\"}");
      assertThat(apiKey.get()).isEqualTo("k1");
      assertThat(local.calls("GetSecretValue")).isEqualTo(1);

      secrets.invalidate("prod/payment/api");

      assertThat(apiKey.get()).isEqualTo("k2");
      assertThat(local.calls("GetSecretValue")).isEqualTo(2);
    }
  }
}
