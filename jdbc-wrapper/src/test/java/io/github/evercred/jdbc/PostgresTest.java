package io.github.evercred.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.evercred.FailureKind;
import java.sql.SQLException;
import java.util.List;
import java.util.Properties;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

class PostgresTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          //h:1/db                    | h:1
          //h/db                      | h:5432
          //H.Example.COM/db          | h.example.com:5432
          //h/                        | h:5432
          ///db                       | localhost:5432
          //                          | localhost:5432
          db                          | localhost:5432
          //[::1]:5/db                | [::1]:5
          //[FE80::1%eth0]/db         | [fe80::1%eth0]:5432
          //h1,h2:7/db                | h1:5432,h2:7
          //[::1],h2:7,[::2]:9/       | [::1]:5432,h2:7,[::2]:9
          //h:65535/db                | h:65535
          //h/db?host=x&port=7        | x:7
          //h/db?PGHOST=x,y&PGPORT=7,8| x:7,y:8
          //h:9/db?host=x             | x:9
          //h:9/db?port=7             | h:7
          db?service=prod             | localhost:5432,service prod:5432
          """)
  void hosts_anyForm_readAsTheDriverDoes(String rest, String expected) throws SQLException {
    assertThat(hosts(rest, new Properties())).containsExactly(expected.split(","));
  }

  @Test
  void hosts_propertiesGiven_usedOnlyWithoutAuthority() throws SQLException {
    var properties = new Properties();
    properties.setProperty("PGHOST", "P");
    properties.setProperty("PGPORT", "99");

    assertThat(hosts("db", properties)).containsExactly("p:99");
    assertThat(hosts("//h/db", properties)).containsExactly("h:5432");
    assertThat(hosts("///db", properties)).containsExactly("localhost:5432");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "//h",
        "//h:1",
        "//h:/db",
        "//h:abc/db",
        "//h:0/db",
        "//h:65536/db",
        "//h:123456/db",
        "//user:marker@h/db",
        "//marker@h:1/db",
        "//::1/db",
        "//[::1/db",
        "//h:1:2/db",
        "//h h/db",
        "//h/db?port=x",
      })
  void hosts_malformed_refusedWithoutQuoting(String rest) {
    assertThatThrownBy(() -> Plan.of("jdbc:evercred:postgresql:" + rest, null))
        .isInstanceOf(SQLException.class)
        .hasMessageStartingWith("The URL cannot be read: ")
        .hasMessageNotContaining("marker");
  }

  private static List<String> hosts(String rest, Properties properties) throws SQLException {
    return new Postgres().hosts(JdbcUrl.parse("jdbc:postgresql:" + rest), properties);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "-",
      textBlock =
          """
          28P01 | auth_failed             | password authentication failed     | CREDENTIAL
          28P01 | -                       | password authentication failed     | CREDENTIAL
          28000 | ClientAuthentication    | kein Eintrag                       | OTHER
          28000 | InitializeSessionUserId | darf sich nicht anmelden           | LOCKED_OR_DENIED
          28000 | InitializeSessionUserId | role "x" does not exist            | CREDENTIAL
          28000 | auth_failed             | PAM authentication failed          | CREDENTIAL
          28000 | -                       | no pg_hba.conf entry for host      | OTHER
          28000 | -                       | role is not permitted to log in    | LOCKED_OR_DENIED
          28000 | -                       | RDS proxy has no credentials for the role | CREDENTIAL
          28000 | -                       | anything else                      | CREDENTIAL
          08P01 | -                       | password authentication failed     | CREDENTIAL
          08P01 | -                       | SASL authentication failed         | CREDENTIAL
          08P01 | -                       | auth failed                        | CREDENTIAL
          08P01 | -                       | no such user: app                  | CREDENTIAL
          08P01 | -                       | server login has been failing, try again later (server_login_retry) | UNCERTAIN
          08P01 | -                       | server login has been failing, cached error: password authentication failed (server_login_retry) | UNCERTAIN
          08P01 | -                       | server login has been failing, cached error: connect failed (server_login_retry) | OTHER
          08P01 | -                       | invalid message format             | OTHER
          08P01 | -                       | query_wait_timeout                 | OTHER
          53300 | InitializeSessionUserId | too many connections for role      | OTHER
          3D000 | InitPostgres            | no such database                   | OTHER
          42501 | CheckMyDatabase         | permission denied                  | OTHER
          57P03 | -                       | the database system is starting up | OTHER
          08001 | -                       | Connection refused                 | OTHER
          08004 | -                       | no password was provided           | OTHER
          08006 | -                       | I/O error                          | OTHER
          """)
  void sort_failureOfServerOrProxy_byItsSigns(
      String state, @Nullable String routine, String text, FailureKind expected) {
    String fields =
        "SFATAL\0C" + state + "\0M" + text + "\0" + (routine == null ? "" : "R" + routine + "\0");

    assertThat(sort(new PSQLException(new ServerErrorMessage(fields)))).isEqualTo(expected);
    if (routine == null) {
      assertThat(sort(new SQLException(text, state))).isEqualTo(expected);
    }
  }

  @Test
  void sort_nothingTold_isOther() {
    assertThat(sort(new SQLException())).isEqualTo(FailureKind.OTHER);
    assertThat(sort(new SQLException(null, "08P01"))).isEqualTo(FailureKind.OTHER);
    assertThat(sort(new SQLException(null, "28000"))).isEqualTo(FailureKind.CREDENTIAL);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "-",
      textBlock =
          """
          //h/db                   | -           | -      | require
          //h/db?sslmode=disable   | -           | -      | -
          //h/db?sslmode=verify-ca | -           | -      | -
          //h/db                   | sslmode     | prefer | prefer
          //h/db?ssl=true          | -           | -      | -
          //h/db?ssl               | -           | -      | -
          //h/db                   | ssl         | TRUE   | -
          //h/db                   | ssl         | false  | require
          //h/db?service=x         | -           | -      | -
          """)
  void raiseTls_callerSaidOrNot_neverLowered(
      String rest, @Nullable String name, @Nullable String value, @Nullable String expected)
      throws SQLException {
    var properties = new Properties();
    if (name != null && value != null) {
      properties.setProperty(name, value);
    }

    new Postgres()
        .raiseTls(
            JdbcUrl.parse("jdbc:postgresql:" + rest), properties, new org.postgresql.Driver());

    assertThat(properties.getProperty("sslmode")).isEqualTo(expected);
  }

  private static FailureKind sort(SQLException failure) {
    return Failures.sort(failure, new Postgres()::sort);
  }
}
