package io.github.evercred;

import java.time.Duration;
import java.util.Objects;
import java.util.function.BiFunction;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** What {@link CredentialUse#of} makes of functions. */
record UseOfCall<T, X extends Exception>(
    CredentialUse.Call<? extends T, ? extends X> call,
    Predicate<? super Exception> refused,
    BiFunction<? super String, ? super @Nullable Exception, ? extends X> maker)
    implements CredentialUse<T, X> {

  UseOfCall {
    Objects.requireNonNull(call, "call");
    Objects.requireNonNull(refused, "refused");
    Objects.requireNonNull(maker, "failure");
  }

  @Override
  public T use(SecretValue credential, Duration remaining) throws X {
    return call.call(credential, remaining);
  }

  @Override
  public FailureKind sort(Exception failure) {
    return refused.test(failure) ? FailureKind.CREDENTIAL : FailureKind.OTHER;
  }

  @Override
  public String userName(SecretValue credential) {
    return "";
  }

  @Override
  public X failure(LoginFailure failure) {
    Exception refusal = failure.lastRefusal();
    Exception secret = failure.secretFailure();
    X made = maker.apply(failure.message(), refusal == null ? secret : refusal);
    if (refusal != null && secret != null) {
      made.addSuppressed(secret);
    }
    return made;
  }
}
