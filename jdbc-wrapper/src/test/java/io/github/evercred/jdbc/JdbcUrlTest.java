package io.github.evercred.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JdbcUrlTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          jdbc:evercred:postgresql://h:1/db              | jdbc:postgresql://h:1/db
          jdbc-secretsmanager:postgresql://h:1/db        | jdbc:postgresql://h:1/db
          jdbc:postgresql://h:1/db                       | jdbc:postgresql://h:1/db
          jdbc:evercred:postgresql://h/db?               | jdbc:postgresql://h/db?
          jdbc:evercred:postgresql://h/db?a=1&&b         | jdbc:postgresql://h/db?a=1&&b
          jdbc:evercred:postgresql://h/db?a=%41&b=x=y    | jdbc:postgresql://h/db?a=%41&b=x=y
          jdbc:evercred:postgresql://h/db?user=s         | jdbc:postgresql://h/db
          jdbc:evercred:postgresql://h/db?a=1&user=s&b=2 | jdbc:postgresql://h/db?a=1&b=2
          jdbc:evercred:postgresql://h/db?password=&a=1  | jdbc:postgresql://h/db?a=1
          jdbc:evercred:postgresql://h/?loginTimeout=3   | jdbc:postgresql://h/
          jdbc:evercred:postgresql:db?evercred.region=a-b| jdbc:postgresql:db
          jdbc:evercred:other:x?loginTimeout=3&user=s    | jdbc:other:x?loginTimeout=3
          jdbc:evercred:postgresql://h,evercred.io/db    | jdbc:postgresql://h,evercred.io/db
          jdbc:evercred:other:x;a=b                      | jdbc:other:x;a=b
          jdbc:evercred:aws-wrapper:postgresql://h/d?user=s | jdbc:aws-wrapper:postgresql://h/d
          jdbc-secretsmanager:p6spy:postgresql://h/d     | jdbc:p6spy:postgresql://h/d
          jdbc:evercred:otel:p6spy:postgresql:d          | jdbc:otel:p6spy:postgresql:d
          jdbc:evercred:mine:postgresql:d                | jdbc:mine:postgresql:d
          """)
  void parse_anyForm_realDriverSeesItsOwn(String url, String expected) throws SQLException {
    assertThat(JdbcUrl.parse(url).text()).isEqualTo(expected);
  }

  @Test
  void parse_parameters_takenAndKeptApart() throws SQLException {
    JdbcUrl url =
        JdbcUrl.parse(
            "jdbc:evercred:postgresql://h/db?sslmode=require&user=prod%2Fdb+a&evercred.rotationWait=5s&x");

    assertThat(url.taken()).isEqualTo(Map.of("user", "prod/db+a", "evercred.rotationWait", "5s"));
    assertThat(url.parameters()).isEqualTo(Map.of("sslmode", "require", "x", ""));
    assertThat(url.address()).isEqualTo("//h/db");
    assertThat(url.engine().name()).isEqualTo("postgresql");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "jdbc:evercred://h/db",
        "jdbc:evercred:jdbc:postgresql://h/db",
        "jdbc:evercred:evercred:postgresql://h/db",
        "prod/orders/db",
        "jdbc:evercred:postgresql",
        "jdbc:evercred:postgresql://h/db?user=a&user=b",
        "jdbc:evercred:postgresql://h/db?user=%zz",
        "jdbc:evercred:postgresql://h/db?evercred.region=%",
        "jdbc:evercred:other://h;evercred.region=eu-west-1",
        "jdbc:evercred:other://h; Password = marker",
        "jdbc:evercred:other://h;user=x",
      })
  void parse_senseless_refusedClearly(String url) {
    assertThatThrownBy(() -> JdbcUrl.parse(url))
        .isInstanceOf(SQLException.class)
        .hasMessageEndingWith(".")
        .hasMessageNotContaining("marker")
        .extracting(e -> ((SQLException) e).getSQLState())
        .isEqualTo("08001");
  }

  @Test
  void parse_driversInBetween_engineIsTheLastOne() throws SQLException {
    JdbcUrl url = JdbcUrl.parse("jdbc:evercred:aws-wrapper:postgresql://h/d?x=1");
    assertThat(url.engine().name()).isEqualTo("postgresql");
    assertThat(url.engine().drivers()).containsExactly("software.amazon.jdbc.Driver");
    assertThat(url.address()).isEqualTo("//h/d");
    assertThat(JdbcUrl.parse("jdbc:mine:postgresql:d").engine().drivers()).isEmpty();
    assertThat(JdbcUrl.parse("jdbc:nobody:other:d").engine().name()).isEqualTo("nobody");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "jdbc:evercred:",
        "jdbc:evercred:?a=b",
        "jdbc:evercred:postgresql:",
        "jdbc:evercred:oracle:",
        "jdbc:evercred:oracle:thin:@",
        "jdbc:evercred:db2://:sslConnection=true;",
        "jdbc:evercred:sqlserver://;encrypt=true",
        "jdbc:evercred:mysql://?a=b",
        "jdbc:evercred:postgresql://",
        "jdbc:evercred:postgresql:///?a=b"
      })
  void parse_noAddress_theSecretHasIt(String url) throws SQLException {
    assertThat(JdbcUrl.parse(url).hasNoAddress()).isTrue();
    assertThat(JdbcUrl.parse(url).isOfAnyEngine())
        .isEqualTo(url.matches("jdbc:evercred:[?]?(a=b)?"));
  }

  @Test
  void toString_always_namesTheEngineOnly() throws SQLException {
    assertThat(JdbcUrl.parse("jdbc:evercred:postgresql://h/db?sslpassword=marker"))
        .hasToString("jdbc:postgresql:...");
  }

  /** AWS's wrapper reads loginTimeout itself, as a whole number. */
  @Test
  void time_behindAnotherDriver_isWrittenInWholeSeconds() throws SQLException {
    LoginTime behind = JdbcUrl.parse("jdbc:evercred:aws-wrapper:postgresql://h/d").engine().time();
    LoginTime alone = JdbcUrl.parse("jdbc:evercred:postgresql://h/d").engine().time();

    assertThat(behind.property()).isEqualTo("loginTimeout");
    assertThat(behind.written(Duration.ofMillis(19_978))).isEqualTo("20");
    assertThat(alone.written(Duration.ofMillis(19_978))).isEqualTo("19.978");
  }
}
