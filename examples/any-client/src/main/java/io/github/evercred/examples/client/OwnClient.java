package io.github.evercred.examples.client;

import io.github.evercred.CredentialUse;
import io.github.evercred.FailureKind;
import io.github.evercred.LoginFailure;
import io.github.evercred.LoginOptions;
import io.github.evercred.RotationAwareLogin;
import io.github.evercred.SecretValue;
import io.github.evercred.Target;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;

/** A client of a protocol that nothing here knows: it sends user and password with each call. */
final class OwnClient {
  private final RotationAwareLogin login;
  private final Ledger ledger;
  private final Target target;
  private final String secretId;

  /**
   * Calls a server.
   *
   * @param login shared by all clients of one cache, so that what one learns the others know
   */
  OwnClient(RotationAwareLogin login, Ledger ledger, Target target, String secretId) {
    this.login = login;
    this.ledger = ledger;
    this.target = target;
    this.secretId = secretId;
  }

  // recipe: own-client
  private final CredentialUse<String, IOException> use =
      new CredentialUse<>() {
        @Override
        public String use(SecretValue credential, Duration remaining) throws IOException {
          return ledger.balance(
              credential.field("username"), credential.field("password"), remaining);
        }

        @Override
        public FailureKind sort(Exception failure) {
          return failure instanceof Ledger.Failure answer
              ? switch (answer.code()) {
                case "wrong-password" -> FailureKind.CREDENTIAL; // Another version may do.
                case "locked" -> FailureKind.LOCKED_OR_DENIED; // More tries would do harm.
                default -> FailureKind.OTHER; // No credential mends it: rethrown as it is.
              }
              : FailureKind.OTHER;
        }

        @Override
        public String userName(SecretValue credential) {
          return credential.field("username");
        }

        @Override
        public IOException failure(LoginFailure failure) {
          return new IOException(
              failure.message(),
              failure.lastRefusal() != null ? failure.lastRefusal() : failure.secretFailure());
        }
      };

  String balance() throws IOException {
    return login.login(target, secretId, LoginOptions.DEFAULTS, Optional.empty(), use);
  }
  // end
}
