package io.github.evercred.examples.lambda;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import io.github.evercred.SecretCache;
import io.github.evercred.SecretValue;
import java.util.Map;

/**
 * The function of {@link ApiKeyHandler} for SnapStart: Lambda initialises it once, when a version
 * is published, and restores each environment from the snapshot of that.
 *
 * <p>The cache looks after its secrets by itself. With a KMS key in {@code
 * EVERCRED_SEALED_BY_KMS_KEY} the secret is in the snapshot, but sealed, and one call to KMS makes
 * it usable again; without one the cache is empty there and loads the secret in the restore. No
 * field here holds a value, key or password, since that would be in the snapshot in clear text.
 */
public final class SnapStartHandler
    implements RequestHandler<Map<String, String>, Map<String, String>> {
  private static final String SECRET_ID = Variables.required("SECRET_ID");
  private static final SecretCache SECRETS = SecretCache.create();

  static {
    // Nobody waits for an invocation now, and a version that cannot read its secret is better not
    // published: so this waits, and fails the initialisation.
    SecretValue unused = SECRETS.get(SECRET_ID);
  }

  /** Made by Lambda, once per published version. */
  public SnapStartHandler() {
    // With its classes in the snapshot no environment pays for the first use of the cryptography.
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
    return Map.of(
        "signature", Signature.of(event.getOrDefault("order", ""), secret.field("key")),
        "version", secret.versionId());
  }
}
