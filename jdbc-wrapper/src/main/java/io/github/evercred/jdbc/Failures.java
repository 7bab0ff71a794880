package io.github.evercred.jdbc;

import io.github.evercred.FailureKind;
import io.github.evercred.LoginFailure;
import io.github.evercred.SecretException;
import java.sql.SQLException;
import java.sql.SQLInvalidAuthorizationSpecException;
import java.sql.SQLNonTransientConnectionException;
import java.sql.SQLTimeoutException;
import java.sql.SQLTransientConnectionException;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Sorts the exceptions of real drivers, and makes our own. */
final class Failures {
  /** Client unable to establish a connection. */
  private static final String UNABLE_TO_CONNECT = "08001";

  private static final String INVALID_AUTHORIZATION = "28000";
  private static final int LONGEST_CHAIN = 100;

  private Failures() {}

  /** Connector/J's own exceptions are no {@code SQLException}, and may carry the only true code. */
  private static final String CONNECTOR_J = "com.mysql.cj.exceptions.";

  /**
   * Sorts a failure by the first exception in its chains that tells: drivers hang the one that
   * matters on one that does not, as a cause or as the next exception.
   *
   * @param sort sorts one; null means that it does not tell
   */
  static FailureKind sort(Throwable failure, Function<SQLException, @Nullable FailureKind> sort) {
    Set<Throwable> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    Deque<Throwable> left = new ArrayDeque<>();
    left.add(failure);
    while (!left.isEmpty() && seen.size() < LONGEST_CHAIN) {
      Throwable next = left.remove();
      if (!seen.add(next)) {
        continue;
      }
      if (next instanceof Misconfigured) {
        return FailureKind.OTHER;
      }
      SQLException said = next instanceof SQLException sql ? sql : connectorJ(next);
      FailureKind kind = said == null ? null : sort.apply(said);
      if (kind != null) {
        return kind;
      }
      if (said != null && said.getNextException() != null) {
        left.add(said.getNextException());
      }
      if (next.getCause() != null) {
        left.add(next.getCause());
      }
    }
    return FailureKind.OTHER;
  }

  /** What an exception of Connector/J's own says, or null. Its type is not on our class path. */
  private static @Nullable SQLException connectorJ(Throwable failure) {
    if (!failure.getClass().getName().startsWith(CONNECTOR_J)) {
      return null;
    }
    try {
      Object state = failure.getClass().getMethod("getSQLState").invoke(failure);
      Object code = failure.getClass().getMethod("getVendorCode").invoke(failure);
      return new SQLException(
          failure.getMessage(), (String) state, code instanceof Integer number ? number : 0);
    } catch (ReflectiveOperationException | ClassCastException e) {
      return null; // Another version's: it says nothing to us.
    }
  }

  /** Makes the exception for a login that ended without one of the real driver's. */
  static SQLException of(LoginFailure failure) {
    String message = failure.message();
    Exception refusal = failure.lastRefusal();
    SecretException secret = failure.secretFailure();
    Exception cause = refusal != null ? refusal : secret;
    SQLException made =
        switch (failure.kind()) {
          case REFUSED, LOCKED -> {
            SQLException said = refusal instanceof SQLException sql ? sql : new SQLException();
            yield new SQLInvalidAuthorizationSpecException(
                message,
                Objects.requireNonNullElse(said.getSQLState(), INVALID_AUTHORIZATION),
                said.getErrorCode(),
                cause);
          }
          case NO_SECRET ->
              secret == null || secret.reason().isTransient()
                  ? new SQLTransientConnectionException(message, UNABLE_TO_CONNECT, cause)
                  : new SQLNonTransientConnectionException(message, UNABLE_TO_CONNECT, cause);
          case TIMED_OUT -> new SQLTimeoutException(message, UNABLE_TO_CONNECT, cause);
          case INTERRUPTED ->
              new SQLTransientConnectionException(message, UNABLE_TO_CONNECT, cause);
          case CLOSED -> new SQLNonTransientConnectionException(message, UNABLE_TO_CONNECT, cause);
        };
    if (cause != secret && secret != null) {
      made.addSuppressed(secret);
    }
    return made;
  }

  static SQLException of(SecretException failure) {
    LoginFailure.Kind kind =
        failure.reason() == SecretException.Reason.CLOSED
            ? LoginFailure.Kind.CLOSED
            : LoginFailure.Kind.NO_SECRET;
    return of(new LoginFailure(kind, failure.getMessage(), null, failure));
  }

  static SQLException configuration(String message) {
    return configuration(message, null);
  }

  /** Trying again does not help, and pools should know. */
  static SQLException configuration(String message, @Nullable Throwable cause) {
    return new Misconfigured(message + ".", cause);
  }

  /** Our own, which no table of codes may take for a database's. */
  private static final class Misconfigured extends SQLNonTransientConnectionException {
    private static final long serialVersionUID = 1;

    Misconfigured(String message, @Nullable Throwable cause) {
      super(message, UNABLE_TO_CONNECT, cause);
    }
  }
}
