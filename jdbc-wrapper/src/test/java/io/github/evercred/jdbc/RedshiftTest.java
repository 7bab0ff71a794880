package io.github.evercred.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import com.amazon.redshift.Driver;
import com.amazon.redshift.jdbc.SslMode;
import com.amazon.redshift.util.RedshiftException;
import io.github.evercred.FailureKind;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class RedshiftTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          //h/db              | h:5439
          //H:1/db            | h:1
          //[::1]:5/db        | [::1]:5
          //h1:1,h2/db        | h1:1,h2:5439
          db                  | localhost:5439
          //h/db;a=b;c=d      | h:5439
          //h/db?a=b&c=d      | h:5439
          //h/db;host=x;PORT=7| x:7
          //h/db;PGHOST=x     | h:5439
          db?HOST=x           | x:5439
          """)
  void hosts_anyForm_asTheDriverReads(String rest, String expected) throws SQLException {
    assertThat(hosts(rest, new Properties())).containsExactly(expected.split(","));

    Properties real = Driver.parseURL("jdbc:redshift:" + rest, null);
    String[] names = real.getProperty("host").split(",", -1);
    String[] ports = real.getProperty("port").split(",", -1);
    List<String> pairs = new ArrayList<>();
    for (int i = 0; i < names.length; i++) {
      pairs.add(names[i] + ":" + ports[i]);
    }
    assertThat(pairs)
        .usingElementComparator(String.CASE_INSENSITIVE_ORDER)
        .containsExactly(expected.split(","));
  }

  @Test
  void hosts_propertiesGiven_usedOnlyWithoutAuthority() throws SQLException {
    var properties = new Properties();
    properties.setProperty("Host", "P");
    properties.setProperty("port", "99");

    assertThat(hosts("db", properties)).containsExactly("p:99");
    assertThat(hosts("//h/db", properties)).containsExactly("h:5439");
    assertThat(hosts("//h/db;port=1", properties)).containsExactly("h:1");
    JdbcUrl url = JdbcUrl.parse("jdbc:redshift:db");
    assertThat(new Redshift().isPlacedElsewhere(url, properties)).isTrue();
    assertThat(new Redshift().isPlacedElsewhere(url, new Properties())).isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "//h",
        "//h:x/db",
        "//user:marker@h/db",
        "//::1/db",
        "iam://h/db",
        "iam://marker:us-east-1/db",
        "//h/db;IamAuth=TRUE",
      })
  void hosts_malformedOrIam_refusedWithoutQuoting(String rest) {
    assertThatThrownBy(() -> Plan.of("jdbc:evercred:redshift:" + rest, null))
        .isInstanceOf(SQLException.class)
        .hasMessageStartingWith("The URL cannot be read: ")
        .hasMessageNotContaining("marker");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          //h/db;UID=s;a=b            | jdbc:redshift://h/db?a=b
          //h/db;a=b;UID=s;c=d        | jdbc:redshift://h/db?a=b&c=d
          //h/db?a=b;user=s&c=d       | jdbc:redshift://h/db?a=b&c=d
          //h/db;loginTimeout=3;user=s| jdbc:redshift://h/db
          """)
  void parse_eitherSign_sameToTheDriver(String rest, String expected) throws SQLException {
    JdbcUrl url = JdbcUrl.parse("jdbc:evercred:redshift:" + rest);

    assertThat(url.text()).isEqualTo(expected);
    assertThat(url.taken()).containsEntry("user", "s");
    assertThat(Driver.parseURL(url.text(), null).stringPropertyNames())
        .containsAll(url.parameters().keySet());
  }

  @Test
  void parse_passwordInAnyForm_refusedWithoutQuoting() {
    for (String rest : new String[] {"//h/db;UID=s;PWD=marker", "//h/db?user=s;password=marker"}) {
      assertThatThrownBy(() -> Plan.of("jdbc:evercred:redshift:" + rest, null))
          .isInstanceOf(SQLException.class)
          .hasMessageNotContaining("marker");
    }
  }

  private static List<String> hosts(String rest, Properties properties) throws SQLException {
    return new Redshift().hosts(JdbcUrl.parse("jdbc:redshift:" + rest), properties);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "dev",
        "db?socketFactory=evil",
        "x/../y",
        "db;ssl=false",
        "a&b=c",
        "a b+c%20",
        "ä"
      })
  void address_anyDatabase_arrivesAsItsName(String database) throws SQLException {
    String address = new Redshift().address(new HostPort("::1", 7), database, true);

    Properties real = Driver.parseURL("jdbc:redshift:" + address + "?a=b", null);
    assertThat(real.getProperty("dbname")).isEqualTo(database);
    assertThat(real.getProperty("host")).isEqualTo("[::1]");
    assertThat(real.stringPropertyNames())
        .containsExactlyInAnyOrder("dbname", "host", "port", "iamauth", "a");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          //h/db                  | VERIFY_FULL
          //h/db;ssl=false        | DISABLE
          //h/db;SSL=true         | VERIFY_FULL
          //h/db;sslmode=verify-ca| VERIFY_CA
          //h/db;AuthMech=REQUIRE | REQUIRE
          """)
  void raiseTls_callerSaidOrNot_driversDefaultVerifiesAndStays(String rest, String expected)
      throws SQLException {
    var properties = new Properties();
    String url = "jdbc:redshift:" + rest;

    new Redshift().raiseTls(JdbcUrl.parse(url), properties, new Driver());

    assertThat(properties).isEmpty();
    assertThat(SslMode.of(Driver.parseURL(url, null))).hasToString(expected);
  }

  @Test
  void raiseTls_version1_asksForIt() throws SQLException {
    java.sql.Driver driver = mock(java.sql.Driver.class);
    when(driver.getMajorVersion()).thenReturn(1);
    var properties = new Properties();

    new Redshift().raiseTls(JdbcUrl.parse("jdbc:redshift://h/db"), properties, driver);
    assertThat(properties).hasToString("{ssl=true}");

    properties.setProperty("ssl", "false");
    new Redshift().raiseTls(JdbcUrl.parse("jdbc:redshift://h/db"), properties, driver);
    assertThat(properties).hasToString("{ssl=false}");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          28000 | password authentication failed for user "x" | CREDENTIAL
          28P01 | password authentication failed for user "x" | CREDENTIAL
          28000 | no pg_hba.conf entry for host               | OTHER
          3D000 | database "x" does not exist                 | OTHER
          53300 | connection limit exceeded                   | OTHER
          """)
  void sort_serverRefuses_byItsState(String state, String text, FailureKind expected)
      throws IOException {
    try (ScriptedServer server = ScriptedServer.postgres(state, text)) {
      SQLException failure =
          MySqlTest.refusal(new Driver(), "jdbc:redshift://" + server.address() + "/db;ssl=false");

      assertThat(failure.getSQLState()).isEqualTo(state);
      assertThat(failure.getErrorCode()).isZero();
      assertThat(Failures.sort(failure, new Redshift()::sort)).isEqualTo(expected);
    }
  }

  @Test
  void sort_noState_saysNothing() {
    var nothing = new RedshiftException("no state");
    assertThat(nothing.getSQLState()).isNullOrEmpty();
    assertThat(new Redshift().sort(nothing)).isNull();
    assertThat(new Redshift().sort(new SQLException("no state"))).isNull();
    assertThat(
            Failures.sort(
                new RedshiftException("x", new SQLException("y", "28000")), new Redshift()::sort))
        .isEqualTo(FailureKind.CREDENTIAL);
  }

  @Test
  void time_silentServer_propertyEndsTheLogin() throws IOException {
    LoginTime time = Redshift.row().time();
    try (ScriptedServer server = ScriptedServer.silent()) {
      var properties = new Properties();
      properties.setProperty("user", "app");
      properties.setProperty(String.valueOf(time.property()), time.written(Duration.ofMillis(300)));

      Throwable failure =
          catchThrowable(
              () ->
                  new Driver().connect("jdbc:redshift://" + server.address() + "/db", properties));

      assertThat(failure).isInstanceOf(SQLException.class);
      assertThat(Failures.sort(failure, new Redshift()::sort)).isEqualTo(FailureKind.OTHER);
    }
  }

  @Test
  void row_driver_isTheRealOne() throws SQLException {
    java.sql.Driver driver = Redshift.row().realDriver("jdbc:redshift://h/db");
    assertThat(driver).isInstanceOf(Driver.class);
  }
}
