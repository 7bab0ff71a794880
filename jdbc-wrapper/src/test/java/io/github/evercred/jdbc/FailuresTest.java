package io.github.evercred.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.FailureKind;
import io.github.evercred.LoginFailure;
import io.github.evercred.LoginFailure.Kind;
import io.github.evercred.SecretException;
import io.github.evercred.SecretException.Reason;
import java.io.IOException;
import java.sql.SQLException;
import java.sql.SQLInvalidAuthorizationSpecException;
import java.sql.SQLNonTransientConnectionException;
import java.sql.SQLTimeoutException;
import java.sql.SQLTransientConnectionException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(20)
class FailuresTest {

  private static SQLException refused() {
    return new SQLException("no", "28P01", 3);
  }

  @Test
  void sort_refusalDeepInCauses_found() {
    var outer = new SQLException("x", "08001", new IOException(new RuntimeException(refused())));
    assertThat(Failures.sort(outer, new Postgres()::sort)).isEqualTo(FailureKind.CREDENTIAL);
  }

  @Test
  void sort_refusalAsNextException_found() {
    var first = new SQLException("x", "08001");
    var second = new SQLException("y");
    first.setNextException(second);
    second.setNextException(new SQLException("no", "28P01"));
    assertThat(Failures.sort(new RuntimeException(first), new Postgres()::sort))
        .isEqualTo(FailureKind.CREDENTIAL);
  }

  @Test
  void sort_circle_ends() {
    var first = new SQLException("x", "08001");
    var second = new SQLException("y", "08001", first);
    first.initCause(second);
    first.setNextException(second);
    assertThat(Failures.sort(first, new Postgres()::sort)).isEqualTo(FailureKind.OTHER);
  }

  @Test
  void sort_endlessChain_bounded() {
    SQLException last = new SQLException("no", "28P01");
    for (int i = 0; i < 1_000; i++) {
      last = new SQLException("x", "08001", last);
    }
    assertThat(Failures.sort(last, new Postgres()::sort)).isEqualTo(FailureKind.OTHER);
  }

  @Test
  void sort_noSqlException_isOther() {
    assertThat(Failures.sort(new IllegalStateException(), new Postgres()::sort))
        .isEqualTo(FailureKind.OTHER);
  }

  record Row(
      Kind kind,
      @Nullable Exception refusal,
      @Nullable SecretException secret,
      Class<? extends SQLException> type,
      String state,
      int code) {}

  static Stream<Row> rows() {
    var missing = new SecretException(Reason.NOT_FOUND, "gone", null);
    var away = new SecretException(Reason.UNAVAILABLE, "away", null);
    var field = new SecretException(Reason.MISSING_FIELD, "no field", null);
    Class<SQLInvalidAuthorizationSpecException> refused =
        SQLInvalidAuthorizationSpecException.class;
    Class<SQLTransientConnectionException> passing = SQLTransientConnectionException.class;
    Class<SQLNonTransientConnectionException> lasting = SQLNonTransientConnectionException.class;
    return Stream.of(
        new Row(Kind.REFUSED, refused(), null, refused, "28P01", 3),
        new Row(Kind.REFUSED, refused(), away, refused, "28P01", 3),
        new Row(Kind.REFUSED, new SQLException("x"), null, refused, "28000", 0),
        new Row(Kind.REFUSED, new IOException(), null, refused, "28000", 0),
        new Row(Kind.REFUSED, null, null, refused, "28000", 0),
        new Row(Kind.LOCKED, new SQLException("x", "28000", 9), null, refused, "28000", 9),
        new Row(Kind.NO_SECRET, null, away, passing, "08001", 0),
        new Row(Kind.NO_SECRET, null, missing, lasting, "08001", 0),
        new Row(Kind.NO_SECRET, null, field, lasting, "08001", 0),
        new Row(Kind.NO_SECRET, null, null, passing, "08001", 0),
        new Row(Kind.TIMED_OUT, null, null, SQLTimeoutException.class, "08001", 0),
        new Row(Kind.TIMED_OUT, null, away, SQLTimeoutException.class, "08001", 0),
        new Row(Kind.INTERRUPTED, refused(), null, passing, "08001", 0),
        new Row(Kind.CLOSED, null, away, lasting, "08001", 0));
  }

  @ParameterizedTest
  @MethodSource("rows")
  void of_loginFailure_typeStateCodeAndCauseFit(Row row) {
    SQLException made =
        Failures.of(new LoginFailure(row.kind(), "what happened", row.refusal(), row.secret()));

    assertThat((Throwable) made).isExactlyInstanceOf(row.type()).hasMessage("what happened");
    assertThat(made.getSQLState()).isEqualTo(row.state());
    assertThat(made.getErrorCode()).isEqualTo(row.code());
    assertThat(made.getCause()).isSameAs(row.refusal() != null ? row.refusal() : row.secret());
    if (row.refusal() != null && row.secret() != null) {
      assertThat(made.getSuppressed()).containsExactly(row.secret());
    }
  }

  @Test
  void of_secretException_closedOrNot() {
    assertThat((Throwable) Failures.of(new SecretException(Reason.CLOSED, "closed", null)))
        .isInstanceOf(SQLNonTransientConnectionException.class);
    assertThat((Throwable) Failures.of(new SecretException(Reason.THROTTLED, "slow", null)))
        .isInstanceOf(SQLTransientConnectionException.class);
  }
}
