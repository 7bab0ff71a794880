package io.github.evercred;

import java.time.Duration;
import java.util.function.BiFunction;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

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

  /**
   * Makes a use of a call that can be refused or fail, and that names no user: for what is not
   * logged in to but called, such as an API with a key. Where a target tells more of its failures,
   * or versions log in as different users, implement this interface instead.
   *
   * @param <T> what the call gives
   * @param <X> the type of its failures
   * @param call makes the call once, with one version of the secret
   * @param refused whether a failure of the call means that the target rejects this credential; any
   *     other is {@link FailureKind#OTHER}
   * @param failure makes the exception for a login that ends without a failure of its own, from a
   *     message and a cause, which may be null: {@code IOException::new}, for instance
   * @return the use; as thread-safe as what it is made of
   */
  static <T, X extends Exception> CredentialUse<T, X> of(
      Call<? extends T, ? extends X> call,
      Predicate<? super Exception> refused,
      BiFunction<? super String, ? super @Nullable Exception, ? extends X> failure) {
    return new UseOfCall<>(call, refused, failure);
  }

  /**
   * A call with a credential.
   *
   * @param <T> what it gives
   * @param <X> the type of its failures
   */
  @FunctionalInterface
  interface Call<T, X extends Exception> {

    /**
     * Makes the call once, as {@link CredentialUse#use} does.
     *
     * @param credential one version of the secret
     * @param remaining what is left of the time; positive; a day or more means no limit
     * @return what came of it; not null
     * @throws X the target's own failure
     */
    T call(SecretValue credential, Duration remaining) throws X;
  }
}
