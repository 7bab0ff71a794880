package io.github.evercred.clients;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.FailureKind;
import io.github.evercred.LoginFailure;
import io.github.evercred.LoginFailure.Kind;
import io.github.evercred.SecretException;
import io.r2dbc.postgresql.api.ErrorDetails;
import io.r2dbc.postgresql.api.PostgresqlException;
import io.r2dbc.postgresql.message.backend.Field;
import io.r2dbc.spi.R2dbcException;
import io.r2dbc.spi.R2dbcNonTransientResourceException;
import io.r2dbc.spi.R2dbcPermissionDeniedException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What failures of R2DBC drivers mean. */
class R2dbcEngineTest {

  private static FailureKind sort(String driver, Throwable failure) {
    return R2dbcFailures.sort(failure, R2dbcEngine.of(driver)::sort);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "-",
      textBlock =
          """
          postgresql | 28P01 | 0     | password authentication failed  | CREDENTIAL
          postgres   | 28P01 | 0     | -                               | CREDENTIAL
          postgresql | 28000 | 0     | no pg_hba.conf entry for host   | OTHER
          postgresql | 28000 | 0     | role is not permitted to log in | LOCKED_OR_DENIED
          postgresql | 28000 | 0     | RDS proxy has no credentials for the role | CREDENTIAL
          postgresql | 28000 | 0     | -                               | CREDENTIAL
          postgresql | 08P01 | 0     | SASL authentication failed      | CREDENTIAL
          postgresql | 08P01 | 0     | no such user: app               | CREDENTIAL
          postgresql | 08P01 | 0     | server login has been failing, try again later (server_login_retry) | UNCERTAIN
          postgresql | 08P01 | 0     | server login has been failing, cached error: auth failed | UNCERTAIN
          postgresql | 08P01 | 0     | server login has been failing, cached error: connect failed | OTHER
          postgresql | 08P01 | 0     | invalid message format          | OTHER
          postgresql | 53300 | 0     | too many connections            | OTHER
          postgresql | 3D000 | 0     | no such database                | OTHER
          postgresql | -     | 1045  | of another engine               | OTHER
          mysql      | 28000 | 1045  | Access denied                   | CREDENTIAL
          mariadb    | HY000 | 1862  | expired                         | CREDENTIAL
          mariadb    | HY000 | 4151  | locked                          | LOCKED_OR_DENIED
          mysql      | HY000 | 3118  | locked                          | LOCKED_OR_DENIED
          mysql      | HY000 | 1129  | host is blocked                 | LOCKED_OR_DENIED
          mysql      | 28000 | 0     | -                               | CREDENTIAL
          mysql      | 42000 | 1044  | Access denied to database       | OTHER
          sqlserver  | S0001 | 18456 | Login failed                    | CREDENTIAL
          mssql      | S0001 | 18488 | must be changed                 | CREDENTIAL
          sqlserver  | S0001 | 18486 | locked out                      | LOCKED_OR_DENIED
          sqlserver  | S0001 | 4060  | no such database                | OTHER
          oracle     | 72000 | 1017  | ORA-01017                       | CREDENTIAL
          oracle     | 99999 | 28000 | ORA-28000                       | LOCKED_OR_DENIED
          oracle     | 72000 | 1045  | ORA-01045                       | LOCKED_OR_DENIED
          oracle     | 08006 | 12514 | ORA-12514                       | OTHER
          h2         | 28000 | 28000 | Wrong user name or password     | CREDENTIAL
          h2         | 90146 | 90146 | Database not found              | OTHER
          snowflake  | 28000 | 0     | -                               | CREDENTIAL
          snowflake  | 08001 | 0     | -                               | OTHER
          """)
  void sort_codeOfAnEngine_isKnown(
      String driver, @Nullable String state, int code, @Nullable String text, FailureKind kind) {
    var failure = new R2dbcPermissionDeniedException(text, state, code);

    assertThat(sort(driver, failure)).isEqualTo(kind);
    assertThat(sort(driver, new R2dbcNonTransientResourceException("wrapped", failure)))
        .isEqualTo(kind);
    assertThat(sort(driver, new IllegalStateException(failure))).isEqualTo(kind);
  }

  @Test
  void sort_noExceptionOfADriver_isOther() {
    assertThat(sort("postgresql", new IllegalStateException("28P01"))).isEqualTo(FailureKind.OTHER);
    var first = new IllegalStateException("one");
    first.initCause(new IllegalStateException("two", first));
    assertThat(sort("postgresql", first)).isEqualTo(FailureKind.OTHER);
  }

  /** Like the driver's own: of a class that is not public. */
  private static final class Said extends R2dbcPermissionDeniedException
      implements PostgresqlException {
    private static final long serialVersionUID = 1;
    private final transient ErrorDetails details;

    Said(String text, String routine) {
      super(text, "28000");
      var fields = new ArrayList<Field>();
      fields.add(new Field(Field.FieldType.ROUTINE, routine));
      details = new ErrorDetails(fields);
    }

    @Override
    public ErrorDetails getErrorDetails() {
      return details;
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          ClientAuthentication    | kein Eintrag             | OTHER
          InitializeSessionUserId | darf sich nicht anmelden | LOCKED_OR_DENIED
          InitializeSessionUserId | role "x" does not exist  | CREDENTIAL
          auth_failed             | PAM ist gescheitert      | CREDENTIAL
          """)
  void sort_routineOfTheServer_tellsInAnyLanguage(String routine, String text, FailureKind kind) {
    assertThat(sort("postgresql", new Said(text, routine))).isEqualTo(kind);
  }

  @Test
  void failure_ofEachKind_hasACauseACodeAndAClass() {
    var refusal = new R2dbcPermissionDeniedException("no", "28P01", 7);
    var secret = new SecretException(SecretException.Reason.UNAVAILABLE, "away", null);
    var states = new ArrayList<String>();
    for (Kind kind : Kind.values()) {
      R2dbcException made = R2dbcFailures.of(new LoginFailure(kind, "text", refusal, secret));
      assertThat(made).hasMessage("text").hasCause(refusal);
      assertThat(made.getSuppressed()).containsExactly(secret);
      states.add(kind + " " + made.getClass().getSimpleName() + " " + made.getSqlState());
    }
    assertThat(states)
        .isEqualTo(
            List.of(
                "REFUSED R2dbcPermissionDeniedException 28P01",
                "LOCKED R2dbcPermissionDeniedException 28P01",
                "TIMED_OUT R2dbcTimeoutException 08001",
                "NO_SECRET R2dbcTransientResourceException 08001",
                "INTERRUPTED R2dbcTransientResourceException 08001",
                "CLOSED R2dbcNonTransientResourceException 08001"));
    assertThat(
            R2dbcFailures.of(
                new LoginFailure(
                    Kind.NO_SECRET,
                    "text",
                    null,
                    new SecretException(SecretException.Reason.NOT_FOUND, "none", null))))
        .isInstanceOf(R2dbcNonTransientResourceException.class);
    assertThat(R2dbcFailures.of(new LoginFailure(Kind.REFUSED, "text", null, null)).getSqlState())
        .isEqualTo("28000");
  }
}
