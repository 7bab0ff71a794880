package io.github.evercred.clients;

import io.github.evercred.FailureKind;
import io.r2dbc.spi.R2dbcException;
import java.lang.reflect.InvocationTargetException;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What is to be known of a database engine. R2DBC drivers hand on the server's own codes, as JDBC
 * drivers do. Where a code is not here, SQLSTATE class 28, "invalid authorization specification",
 * means that a login is refused.
 */
enum R2dbcEngine {
  /** And what speaks its protocol, poolers and proxies included. */
  POSTGRESQL("5432") {
    @Override
    @Nullable FailureKind sortByCode(R2dbcException failure) {
      String state = Objects.requireNonNullElse(failure.getSqlState(), "");
      String text = Objects.requireNonNullElse(failure.getMessage(), "").toLowerCase(Locale.ROOT);
      return switch (state) {
        case "28000" -> sortInvalidAuthorization(failure, text);
        case "08P01" -> sortProtocolViolation(text);
        default -> null;
      };
    }
  },

  /**
   * And MariaDB: <a
   * href="https://dev.mysql.com/doc/mysql-errors/en/server-error-reference.html">MySQL's codes</a>,
   * <a href="https://mariadb.com/kb/en/mariadb-error-code-reference/">MariaDB's</a>.
   */
  MYSQL("3306") {
    @Override
    @Nullable FailureKind sortByCode(R2dbcException failure) {
      return switch (failure.getErrorCode()) {
        // Wrong password or user, twice; the password has expired, twice: a rotation mends it.
        case 1045, 1698, 1820, 1862 -> FailureKind.CREDENTIAL;
        // The host is blocked or not allowed; the account is locked or blocked, in both servers.
        case 1129, 1130, 3118, 3955, 4150, 4151 -> FailureKind.LOCKED_OR_DENIED;
        default -> null;
      };
    }
  },

  /** The driver's SQLSTATEs are made of the server's number and say no more. */
  SQLSERVER("1433") {
    @Override
    @Nullable FailureKind sortByCode(R2dbcException failure) {
      return switch (failure.getErrorCode()) {
        // Login failed; the password has expired or must be changed: a rotation mends it.
        case 18456, 18487, 18488 -> FailureKind.CREDENTIAL;
        // Locked out, twice; disabled.
        case 15113, 18486, 18470 -> FailureKind.LOCKED_OR_DENIED;
        default -> null;
      };
    }
  },

  /** Logins belong to a service. */
  ORACLE("1521") {
    @Override
    @Nullable FailureKind sortByCode(R2dbcException failure) {
      return switch (failure.getErrorCode()) {
        // Invalid user or password; incorrect password; another session's; expired.
        case 1017, 9911, 17079, 28001 -> FailureKind.CREDENTIAL;
        // No CREATE SESSION; locked; the same of an enterprise user.
        case 1045, 28000, 28051 -> FailureKind.LOCKED_OR_DENIED;
        default -> null;
      };
    }
  },

  /** Users belong to a database. */
  H2("9092"),

  /** Any other. */
  OTHER("");

  private final String defaultPort;

  R2dbcEngine(String defaultPort) {
    this.defaultPort = defaultPort;
  }

  static R2dbcEngine of(String driver) {
    return switch (driver.toLowerCase(Locale.ROOT)) {
      case "postgresql", "postgres" -> POSTGRESQL;
      case "mysql", "mariadb" -> MYSQL;
      case "sqlserver", "mssql" -> SQLSERVER;
      case "oracle" -> ORACLE;
      case "h2" -> H2;
      default -> OTHER;
    };
  }

  /** Returns the port where options name none; empty if it is not known. */
  String defaultPort() {
    return defaultPort;
  }

  boolean hasLoginsOfDatabases() {
    return this == ORACLE || this == H2;
  }

  /** Sorts one exception, without its causes; null means that it does not tell. */
  final @Nullable FailureKind sort(R2dbcException failure) {
    FailureKind kind = sortByCode(failure);
    String state = failure.getSqlState();
    return kind == null && state != null && state.startsWith("28") ? FailureKind.CREDENTIAL : kind;
  }

  @Nullable FailureKind sortByCode(R2dbcException failure) {
    return null;
  }

  /** 28000 is what any authentication but by password says, and what has nothing to do with one. */
  private static FailureKind sortInvalidAuthorization(R2dbcException failure, String text) {
    String routine = routine(failure);
    // No entry in pg_hba.conf for this database, address or TLS: no other login must suffer for it.
    if (routine.equals("ClientAuthentication") || text.contains("no pg_hba.conf entry")) {
      return FailureKind.OTHER;
    }
    // NOLOGIN, or no such role, where no password is asked for.
    boolean denied =
        routine.equals("InitializeSessionUserId")
            ? !text.contains("does not exist")
            : text.contains("is not permitted to log in");
    return denied ? FailureKind.LOCKED_OR_DENIED : FailureKind.CREDENTIAL;
  }

  /**
   * PgBouncer says everything by 08P01, its own refusal as well as one of its server's that it
   * repeats and that may be old. Only its texts tell, and they are never translated.
   */
  private static FailureKind sortProtocolViolation(String text) {
    boolean login =
        text.contains("authentication failed")
            || text.contains("auth failed")
            || text.contains("no such user");
    if (text.contains("server login has been failing")) {
      return login || !text.contains("cached error:") ? FailureKind.UNCERTAIN : FailureKind.OTHER;
    }
    return login ? FailureKind.CREDENTIAL : FailureKind.OTHER;
  }

  /** The server's routine, the one sign that is not translated, or an empty text. */
  private static String routine(R2dbcException failure) {
    try {
      // The exception's own class is not public, this interface of it is.
      Class<?> type =
          Class.forName(
              "io.r2dbc.postgresql.api.PostgresqlException",
              false,
              failure.getClass().getClassLoader());
      if (type.isInstance(failure)) {
        Object details = type.getMethod("getErrorDetails").invoke(failure);
        Object routine =
            details == null ? null : details.getClass().getMethod("getRoutine").invoke(details);
        if (routine instanceof Optional<?> some && some.orElse(null) instanceof String name) {
          return name;
        }
      }
    } catch (ClassNotFoundException
        | NoSuchMethodException
        | IllegalAccessException
        | InvocationTargetException e) {
      return ""; // Another driver's, or another version of this one.
    }
    return "";
  }
}
