package io.github.evercred.clients;

import io.github.evercred.FailureKind;
import io.github.evercred.LoginFailure;
import io.github.evercred.SecretException;
import io.r2dbc.spi.R2dbcException;
import io.r2dbc.spi.R2dbcNonTransientResourceException;
import io.r2dbc.spi.R2dbcPermissionDeniedException;
import io.r2dbc.spi.R2dbcTimeoutException;
import io.r2dbc.spi.R2dbcTransientResourceException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Sorts the exceptions of R2DBC drivers, and makes our own. */
final class R2dbcFailures {
  /** Client unable to establish a connection. */
  static final String UNABLE_TO_CONNECT = "08001";

  private static final String INVALID_AUTHORIZATION = "28000";
  private static final int LONGEST_CHAIN = 100;

  private R2dbcFailures() {}

  /**
   * Sorts a failure by the first exception in its chain of causes that tells: a driver may wrap
   * what the server said.
   *
   * @param sort sorts one; null means that it does not tell
   */
  static FailureKind sort(Throwable failure, Function<R2dbcException, @Nullable FailureKind> sort) {
    Throwable next = failure;
    for (int i = 0; next != null && i < LONGEST_CHAIN; i++) {
      FailureKind kind = next instanceof R2dbcException said ? sort.apply(said) : null;
      if (kind != null) {
        return kind;
      }
      next = next.getCause();
    }
    return FailureKind.OTHER;
  }

  /** Makes the exception for a login that ended without one of the driver's. */
  static R2dbcException of(LoginFailure failure) {
    String message = failure.message();
    Exception refusal = failure.lastRefusal();
    SecretException secret = failure.secretFailure();
    Exception cause = refusal != null ? refusal : secret;
    R2dbcException made =
        switch (failure.kind()) {
          case REFUSED, LOCKED -> {
            R2dbcException said = refusal instanceof R2dbcException r2dbc ? r2dbc : null;
            String state = said == null ? null : said.getSqlState();
            yield new R2dbcPermissionDeniedException(
                message,
                state == null ? INVALID_AUTHORIZATION : state,
                said == null ? 0 : said.getErrorCode(),
                cause);
          }
          case NO_SECRET ->
              secret == null || secret.reason().isTransient()
                  ? new R2dbcTransientResourceException(message, UNABLE_TO_CONNECT, cause)
                  : new R2dbcNonTransientResourceException(message, UNABLE_TO_CONNECT, cause);
          case TIMED_OUT -> new R2dbcTimeoutException(message, UNABLE_TO_CONNECT, cause);
          case INTERRUPTED ->
              new R2dbcTransientResourceException(message, UNABLE_TO_CONNECT, cause);
          case CLOSED -> new R2dbcNonTransientResourceException(message, UNABLE_TO_CONNECT, cause);
        };
    if (cause != secret && secret != null) {
      made.addSuppressed(secret);
    }
    return made;
  }
}
