package io.github.evercred;

import java.time.Duration;

/**
 * How a credential is used at a target: the part of a {@linkplain RotationAwareLogin login} that
 * knows the protocol. Called in the thread that logs in, several times if need be, and by several
 * threads at once if it is shared.
 *
 * @param <T> what a successful use gives, a connection for instance
 * @param <X> the type of the target's failures
 */
public interface CredentialUse<T, X extends Exception> {

  /**
   * Uses a credential once. May block, for {@code remaining} at most, and is responsible for that.
   *
   * @param credential one version of the secret
   * @param remaining what is left of this login's time; positive; a day or more means no limit
   * @return what came of it
   * @throws X the target's own failure. An unchecked exception is sorted, too; where no credential
   *     mends it, it leaves the login as it is
   */
  T use(SecretValue credential, Duration remaining) throws X;

  /**
   * Says what a failure means. Must not throw or block.
   *
   * @param failure what {@link #use} threw
   * @return its kind
   */
  FailureKind sort(Exception failure);

  /**
   * Returns the user that a version logs in as, or an empty text where there is none. Logins are
   * counted by it, and versions of one user are known to replace each other.
   *
   * @param credential one version of the secret
   * @return the user's name
   * @throws SecretException if the secret does not hold what it must
   */
  String userName(SecretValue credential);

  /**
   * Makes the exception for a login that ends without a use of its own that says why. It should
   * keep {@link LoginFailure#lastRefusal} or {@link LoginFailure#secretFailure} as its cause.
   *
   * @param failure why there is no login
   * @return the exception to throw, a new one each time
   */
  X failure(LoginFailure failure);
}
