package io.github.evercred.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import io.github.evercred.FailureKind;
import java.io.IOException;
import java.sql.Driver;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.mariadb.jdbc.Configuration;

@Timeout(60)
class MariaDbTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          //h                                                  | h:3306
          //H:1/db                                             | h:1
          //:8/db                                              | localhost:8
          //[::1]:5/db                                         | [::1]:5
          //[::1]/db                                           | [::1]:3306
          //h1:1,h2/db                                         | h1:1;h2:3306
          //address=(host=h1)(port=7)(type=primary),address=(host=h2)/db | h1:7;h2:3306
          //address=(host=::1)(port=3)/db                      | [::1]:3
          sequential://h1,h2/db                                | h1:3306;h2:3306
          loadbalance://h1,h2:4/db                             | h1:3306;h2:4
          replication://h1,address=(host=h2)(port=5)(type=replica)/db | h1:3306;h2:5
          load-balance-read://h1/db                            | h1:3306
          //address=(localSocket=/tmp/y)/db                    | localSocket /tmp/y
          //h/db?localSocket=/tmp/x                            | localSocket /tmp/x
          //h/db?PIPE=x                                        | pipe x
          """)
  void hosts_anyForm_asTheDriverReads(String rest, String expected) throws SQLException {
    assertThat(hosts(rest)).containsExactly(expected.split(";"));

    Configuration real = Configuration.parse("jdbc:mariadb:" + rest, new Properties());
    List<String> addresses =
        real.addresses().stream()
            .map(
                a ->
                    a.localSocket != null
                        ? "localSocket " + a.localSocket
                        : a.pipe != null
                            ? "pipe " + a.pipe
                            : HostPort.of(a.host.isEmpty() ? "localhost" : a.host, a.port)
                                .toString())
            .toList();
    assertThat(addresses).containsExactly(expected.split(";"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "//", "///db", "///"})
  void hosts_none_isLocalhost(String rest) throws SQLException {
    assertThat(hosts(rest)).containsExactly("localhost:3306");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "db",
        "//marker@h/db",
        "//user:marker@h/db",
        "//h%31/db",
        "//(host=h1,port=7)/db",
        "//[h1,h2]/db",
        "//ADDRESS=(host=h)/db",
        "//h:x/db",
        "//h:0/db",
        "//h:3:4/db",
        "//::1/db",
        "//h#x/db",
        "//h;x=y/db",
      })
  void hosts_malformedOrWithUser_refusedWithoutQuoting(String rest) {
    assertThatThrownBy(() -> Plan.of("jdbc:evercred:mariadb:" + rest, null))
        .isInstanceOf(SQLException.class)
        .hasMessageStartingWith("The URL cannot be read: ")
        .hasMessageNotContaining("marker");
  }

  @Test
  void isPlacedElsewhere_socketGivenOrNot_told() throws SQLException {
    var properties = new Properties();
    JdbcUrl url = JdbcUrl.parse("jdbc:mariadb:///db");
    assertThat(new MariaDb().isPlacedElsewhere(url, properties)).isFalse();

    properties.setProperty("localsocket", "/tmp/x");
    assertThat(new MariaDb().isPlacedElsewhere(url, properties)).isTrue();
  }

  private static List<String> hosts(String rest) throws SQLException {
    return new MariaDb().hosts(JdbcUrl.parse("jdbc:mariadb:" + rest), new Properties());
  }

  @ParameterizedTest
  @ValueSource(strings = {"app", "app_1.x-y$z~", "äöü", ".."})
  void address_plainDatabase_arrivesAsItsName(String database) throws SQLException {
    String address = new MariaDb().address(new HostPort("::1", 7), database, false);

    Configuration real =
        Configuration.parse("jdbc:mariadb:" + address + "?user=x", new Properties());
    assertThat(real.database()).isEqualTo(database);
    assertThat(real.addresses()).hasSize(1);
    assertThat(real.addresses().get(0).host).isEqualTo("::1");
    assertThat(real.addresses().get(0).port).isEqualTo(7);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "marker?socketFactory=evil",
        "marker/../y",
        "marker&allowLocalInfile=true",
        "marker&x",
        "marker;x",
        "marker%20",
        "marker b",
        "marker#",
        "",
      })
  void address_otherDatabase_refusedWithoutQuoting(String database) {
    assertThatThrownBy(() -> new MariaDb().address(new HostPort("h", 7), database, false))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("dbname")
        .hasMessageNotContaining("marker");
  }

  @Test
  void address_noDatabase_isServersOwn() {
    assertThat(new MariaDb().address(new HostPort("h", 3306), null, true)).isEqualTo("//h:3306/");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "-",
      textBlock =
          """
          ''               | -       | -          | VERIFY_FULL
          ?SSLMODE=disable | -       | -          | DISABLE
          ?sslMode=trust   | -       | -          | TRUST
          ''               | sslmode | verify-ca  | VERIFY_CA
          ?useSsl=false    | -       | -          | DISABLE
          """)
  void raiseTls_version4_defaultVerifiesAndStays(
      String query, @Nullable String name, @Nullable String value, String expected)
      throws SQLException {
    var properties = properties(name, value);
    String url = "jdbc:mariadb://h/db" + query;

    new MariaDb().raiseTls(JdbcUrl.parse(url), properties, new org.mariadb.jdbc.Driver());

    assertThat(properties).isEqualTo(properties(name, value));
    assertThat(Configuration.parse(url, properties).sslMode()).hasToString(expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "-",
      textBlock =
          """
          3 | ''                            | {sslMode=trust}
          3 | ?sslMode=disable              | {}
          3 | ?useSSL=true                  | {}
          3 | ?sslMode=                     | {sslMode=trust}
          2 | ?trustServerCertificate=false | {useSsl=true}
          """)
  void raiseTls_olderVersion_asksForIt(int version, String query, String expected)
      throws SQLException {
    Driver driver = mock(org.mariadb.jdbc.Driver.class);
    when(driver.getMajorVersion()).thenReturn(version);
    var properties = new Properties();

    new MariaDb().raiseTls(JdbcUrl.parse("jdbc:mariadb://h/db" + query), properties, driver);

    assertThat(properties).hasToString(expected);
  }

  @Test
  void raiseTls_behindAnotherDriver_lowersNeitherVersion() throws SQLException {
    var properties = new Properties();
    Driver layer = mock(Driver.class);
    when(layer.getMajorVersion()).thenReturn(3);

    new MariaDb().raiseTls(JdbcUrl.parse("jdbc:mariadb://h/db"), properties, layer);

    assertThat(properties).hasToString("{sslMode=verify-full}");
  }

  private static Properties properties(@Nullable String name, @Nullable String value) {
    var properties = new Properties();
    if (name != null && value != null) {
      properties.setProperty(name, value);
    }
    return properties;
  }

  @Test
  void time_silentServer_propertyEndsTheLogin() throws IOException {
    LoginTime time = MariaDb.row().time();
    try (ScriptedServer server = ScriptedServer.silent()) {
      var properties =
          properties(String.valueOf(time.property()), time.written(Duration.ofMillis(300)));

      Throwable failure =
          catchThrowable(
              () ->
                  new org.mariadb.jdbc.Driver()
                      .connect("jdbc:mariadb://" + server.address() + "/db", properties));

      assertThat(failure).isInstanceOf(SQLException.class);
      assertThat(Failures.sort(failure, new MariaDb()::sort)).isEqualTo(FailureKind.OTHER);
    }
  }
}
