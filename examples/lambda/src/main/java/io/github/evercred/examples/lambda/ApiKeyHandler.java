package io.github.evercred.examples.lambda;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import io.github.evercred.PrefetchReport;
import io.github.evercred.SecretCache;
import io.github.evercred.SecretValue;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/**
 * A function that signs an order with an API key, which it reads anew at each invocation: from
 * memory, unless it was frozen for longer than {@code revalidateAfter}.
 */
public final class ApiKeyHandler
    implements RequestHandler<Map<String, String>, Map<String, String>> {
  private static final String SECRET_ID = Variables.required("SECRET_ID");

  /** One for all invocations of an environment, and all options from its variables. */
  private static final SecretCache SECRETS = SecretCache.create();

  static {
    // Nobody waits for it here: it runs while the rest initialises, and the first read joins it. If
    // it fails, that read tries again and says why.
    CompletableFuture<PrefetchReport> unused = SECRETS.prefetchAsync(SECRET_ID);
  }

  /** Made by Lambda, once per environment. */
  public ApiKeyHandler() {
    // The first use of the cryptography is slow, so it is made here, beside the fetch.
    Signature.of("", "none");
  }

  /**
   * Signs an order.
   *
   * @param event has {@code order}, a text
   * @return {@code signature} in hexadecimal digits, and {@code version}, the version of the secret
   *     that it was made with
   */
  @Override
  public Map<String, String> handleRequest(Map<String, String> event, Context context) {
    SecretValue secret = SECRETS.get(SECRET_ID);
    // Field and version id are of one and the same version.
    return Map.of(
        "signature", Signature.of(event.getOrDefault("order", ""), secret.field("key")),
        "version", secret.versionId());
  }
}
