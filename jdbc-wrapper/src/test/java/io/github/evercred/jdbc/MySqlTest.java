package io.github.evercred.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.entry;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import com.mysql.cj.conf.ConnectionUrl;
import com.mysql.cj.conf.HostInfo;
import com.mysql.cj.conf.PropertyKey;
import com.mysql.cj.jdbc.JdbcPropertySetImpl;
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

@Timeout(60)
class MySqlTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          ''                                                  | localhost:3306
          //                                                  | localhost:3306
          ///db                                               | localhost:3306
          /db                                                 | localhost:3306
          //h                                                 | h:3306
          //h/db                                              | h:3306
          //H.Example.COM:1/db                                | h.example.com:1
          //h:/db                                             | h:3306
          //:8/db                                             | localhost:8
          //[::1]:5/db                                        | [::1]:5
          //[FE80::1%25eth0]/db                               | [fe80::1%eth0]:3306
          //h1:1,h2:2/db                                      | h1:1;h2:2
          //h1,,h2/db                                         | h1:3306;localhost:3306;h2:3306
          //[h1:1,h2]/db                                      | h1:1;h2:3306
          //[h1,[::1]:4]/db                                   | h1:3306;[::1]:4
          //[h1]/db                                           | h1:3306
          //h%31/db                                           | h1:3306
          //address=(host=h1)(port=7)(type=source),address=(host=h2)/db | h1:7;h2:3306
          //(host=h1,port=7),(HOST = h2 , sslMode=DISABLED)/db| h1:7;h2:3306
          //h0,(host=h1,port=7),address=(host=h2)(port=8)/db  | h0:3306;h1:7;h2:8
          //(host=[::1],port=3)/db                            | [::1]:3
          //(port=3)/db                                       | localhost:3
          //()/db                                             | localhost:3306
          loadbalance://h1,h2:4/db                            | h1:3306;h2:4
          replication://h1,h2/db                              | h1:3306;h2:3306
          ///db?host=x&port=7                                 | x:7
          ///db?HOST=x                                        | x:3306
          //h/db?host=x&port=7                                | h:7
          """)
  void hosts_anyForm_asTheDriverReads(String rest, String expected) throws SQLException {
    assertThat(hosts("mysql:" + rest, new Properties())).containsExactly(expected.split(";"));

    ConnectionUrl real = ConnectionUrl.getConnectionUrlInstance("jdbc:mysql:" + rest, null);
    assertThat(real.getHostsList().stream().map(HostInfo::getHostPortPair))
        .usingElementComparator(String.CASE_INSENSITIVE_ORDER)
        .containsExactly(expected.split(";"));
  }

  @Test
  void hosts_notOnTheNetworkOrFromDns_standIn() throws SQLException {
    assertThat(hosts("mysql://(protocol=pipe,path=x)/db", new Properties()))
        .containsExactly("pipe x");
    assertThat(hosts("mysql://(host=::1,port=3)/db", new Properties())).containsExactly("[::1]:3");
    assertThat(hosts("mysql+srv://Svc.example.com/db", new Properties()))
        .containsExactly("svc.example.com");
    assertThat(hosts("mysql+srv:loadbalance://svc/db", new Properties())).containsExactly("svc");
    assertThat(Plan.of("jdbc:evercred:mysql+srv://svc/db", null).url().engine().name())
        .isEqualTo("mysql+srv");
  }

  @Test
  void hosts_propertyGiven_winsOverTheUrl() throws SQLException {
    var properties = new Properties();
    properties.setProperty("Port", "8");

    assertThat(hosts("mysql://h/db?port=7", properties)).containsExactly("h:8");
    ConnectionUrl real =
        ConnectionUrl.getConnectionUrlInstance("jdbc:mysql://h/db?port=7", properties);
    assertThat(real.getMainHost().getPort()).isEqualTo(8);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          ///db        | host | true
          ///db        | Host | true
          ///db        | x    | false
          ///db?HOST=h | x    | true
          """)
  void isPlacedElsewhere_hostGivenOrNot_told(String rest, String property, boolean expected)
      throws SQLException {
    var properties = new Properties();
    properties.setProperty(property, "y");

    assertThat(new MySql().isPlacedElsewhere(JdbcUrl.parse("jdbc:mysql:" + rest), properties))
        .isEqualTo(expected);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "db",
        "h:1/db",
        "//marker@h/db",
        "//user:marker@h/db",
        "//user:marker@[h1,h2]/db",
        "//h1,user:marker@h2/db",
        "//h%40marker/db",
        "//(host=h,%75ser=marker)/db",
        "//(host=h,pass%77ord=marker)/db",
        "//h:x/db",
        "//h:0/db",
        "//h:65536/db",
        "//::1/db",
        "//h1:1:2/db",
        "//h h/db",
        "//h#x/db",
        "//h%/db",
        "//h;x=y/db",
        "//(host=a)b)/db",
        "//(host=h)(port=3)/db",
        "//address=(host=h,port=3)/db",
        "//ADDRESS=(host=h)/db",
        "//(host)/db",
        "//h/db?port=x",
      })
  void hosts_malformedOrWithUser_refusedWithoutQuoting(String rest) {
    assertThatThrownBy(() -> Plan.of("jdbc:evercred:mysql:" + rest, null))
        .isInstanceOf(SQLException.class)
        .hasMessageStartingWith("The URL cannot be read: ")
        .hasMessageNotContaining("marker");
  }

  @ParameterizedTest
  @ValueSource(strings = {"//(host=h,user=marker)/db", "//address=(host=h)(password=marker)/db"})
  void hosts_userAmongKeys_refusedWithoutQuoting(String rest) {
    assertThatThrownBy(() -> Plan.of("jdbc:evercred:mysql:" + rest, null))
        .isInstanceOf(SQLException.class)
        .hasMessageNotContaining("marker");
  }

  private static List<String> hosts(String url, Properties properties) throws SQLException {
    return new MySql().hosts(JdbcUrl.parse("jdbc:" + url), properties);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "app",
        "db?socketFactory=evil",
        "x/../y",
        "a&allowLoadLocalInfile=true",
        "a#b",
        "a b+c%20",
        "äöü;x",
        "//evil:1/x",
      })
  void address_anyDatabase_arrivesAsItsName(String database) throws SQLException {
    String address = new MySql().address(new HostPort("::1", 7), database, false);

    ConnectionUrl real =
        ConnectionUrl.getConnectionUrlInstance("jdbc:mysql:" + address + "?connectTimeout=5", null);
    assertThat(real.getMainHost().getHost()).isEqualTo("[::1]");
    assertThat(real.getMainHost().getPort()).isEqualTo(7);
    assertThat(real.getMainHost().getDatabase()).isEqualTo(database);
    assertThat(real.getMainHost().getHostProperties()).containsOnlyKeys("dbname", "connectTimeout");
    assertThat(hosts("mysql:" + address, new Properties())).containsExactly("[::1]:7");
  }

  @Test
  void address_noDatabase_isServersOwn() {
    assertThat(new MySql().address(new HostPort("h", 3306), null, true)).isEqualTo("//h:3306/");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "-",
      textBlock =
          """
          ''                                         | -                       | -           | REQUIRED
          ?sslMode=DISABLED                          | -                       | -           | DISABLED
          ?sslMode=VERIFY_CA                         | -                       | -           | VERIFY_CA
          ?sslmode=DISABLED                          | -                       | -           | REQUIRED
          ''                                         | sslMode                 | PREFERRED   | PREFERRED
          ?useSSL=false                              | -                       | -           | DISABLED
          ?useSSL=no                                 | -                       | -           | DISABLED
          ?useSSL=true                               | -                       | -           | REQUIRED
          ?useSSL=true&requireSSL=false              | -                       | -           | PREFERRED
          ?requireSSL=true                           | -                       | -           | REQUIRED
          ?useSSL=true&verifyServerCertificate=true  | -                       | -           | VERIFY_CA
          ''                                         | verifyServerCertificate | true        | VERIFY_CA
          """)
  void raiseTls_callerSaidOrNot_neverLowered(
      String query, @Nullable String name, @Nullable String value, String expected)
      throws SQLException {
    var properties = new Properties();
    if (name != null && value != null) {
      properties.setProperty(name, value);
    }
    String url = "jdbc:mysql://h/db" + query;

    new MySql().raiseTls(JdbcUrl.parse(url), properties, new com.mysql.cj.jdbc.Driver());

    var set = new JdbcPropertySetImpl();
    set.initializeProperties(
        ConnectionUrl.getConnectionUrlInstance(url, properties).getMainHost().exposeAsProperties());
    assertThat(set.getEnumProperty(PropertyKey.sslMode).getValue()).hasToString(expected);
  }

  @Test
  void raiseTls_version5_itsOwnNames() throws SQLException {
    Driver driver = mock(com.mysql.jdbc.Driver.class);
    when(driver.getMajorVersion()).thenReturn(5);
    var properties = new Properties();

    new MySql().raiseTls(JdbcUrl.parse("jdbc:mysql://h/db"), properties, driver);

    assertThat(properties)
        .containsOnly(
            entry("useSSL", "true"),
            entry("requireSSL", "true"),
            entry("verifyServerCertificate", "false"));
  }

  @Test
  void raiseTls_mariaDbsDriver_itsOwnWay() throws SQLException {
    var properties = new Properties();
    new MySql()
        .raiseTls(
            JdbcUrl.parse("jdbc:mysql://h/db?permitMysqlScheme"),
            properties,
            new org.mariadb.jdbc.Driver());
    assertThat(properties).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "1045, 28000, CREDENTIAL",
    "1698, 28000, CREDENTIAL",
    "1862, HY000, CREDENTIAL",
    "1820, HY000, CREDENTIAL",
    "9999, 28000, CREDENTIAL",
    "3118, HY000, LOCKED_OR_DENIED",
    "4151, HY000, LOCKED_OR_DENIED",
    "3955, HY000, LOCKED_OR_DENIED",
    "4150, HY000, LOCKED_OR_DENIED",
    "1129, HY000, LOCKED_OR_DENIED",
    "1130, HY000, LOCKED_OR_DENIED",
    "1044, 42000, OTHER",
    "1049, 42000, OTHER",
    "1040, 08004, OTHER",
    "1203, 42000, OTHER",
    "1226, 42000, OTHER",
    "3159, HY000, OTHER",
    "1251, 08004, OTHER",
    "1524, HY000, OTHER",
    "1105, HY000, OTHER",
  })
  void sort_serverRefuses_byItsCodeWithEitherDriver(int code, String state, FailureKind expected)
      throws IOException, SQLException {
    try (ScriptedServer server = ScriptedServer.mySql(code, state)) {
      SQLException mySql =
          refusal(new com.mysql.cj.jdbc.Driver(), "jdbc:mysql://" + server.address() + "/db");
      SQLException mariaDb =
          refusal(
              new org.mariadb.jdbc.Driver(),
              "jdbc:mariadb://" + server.address() + "/db?sslMode=disable");

      assertThat(mySql.getErrorCode()).isEqualTo(code);
      assertThat(mariaDb.getErrorCode()).isEqualTo(code);
      assertThat(Failures.sort(mySql, new MySql()::sort)).isEqualTo(expected);
      assertThat(Failures.sort(mariaDb, new MariaDb()::sort)).isEqualTo(expected);
    }
  }

  @ParameterizedTest
  @CsvSource({"1045, 28000, CREDENTIAL", "3118, HY000, LOCKED_OR_DENIED", "1049, 42000, OTHER"})
  void sort_autoReconnectHidesTheCode_foundInTheDriversOwnCause(
      int code, String state, FailureKind expected) throws IOException, SQLException {
    try (ScriptedServer server = ScriptedServer.mySql(code, state)) {
      SQLException failure =
          refusal(
              new com.mysql.cj.jdbc.Driver(),
              "jdbc:mysql://" + server.address() + "/db?autoReconnect=true&initialTimeout=1");

      assertThat(failure.getErrorCode()).isZero();
      assertThat(failure.getSQLState()).isEqualTo("08001");
      assertThat(Failures.sort(failure, new MySql()::sort)).isEqualTo(expected);
      assertThat(server.logins).hasValueGreaterThan(1);
    }
  }

  @Test
  void sort_fullAuthenticationWithoutTls_isCredential() throws IOException, SQLException {
    try (ScriptedServer server = ScriptedServer.mySqlFullAuthentication()) {
      SQLException mySql =
          refusal(
              new com.mysql.cj.jdbc.Driver(),
              "jdbc:mysql://" + server.address() + "/db?sslMode=DISABLED");
      SQLException mariaDb =
          refusal(
              new org.mariadb.jdbc.Driver(),
              "jdbc:mariadb://" + server.address() + "/db?sslMode=disable");

      assertThat(mySql.getMessage()).contains("Public Key Retrieval is not allowed");
      assertThat(Failures.sort(mySql, new MySql()::sort)).isEqualTo(FailureKind.CREDENTIAL);
      assertThat(mariaDb.getMessage()).contains("RSA public key is not available");
      assertThat(Failures.sort(mariaDb, new MariaDb()::sort)).isEqualTo(FailureKind.CREDENTIAL);
    }
  }

  @Test
  void sort_nothingTold_isOther() {
    assertThat(Failures.sort(new SQLException(), new MySql()::sort)).isEqualTo(FailureKind.OTHER);
    assertThat(Failures.sort(new SQLException(null, "08S01"), new MySql()::sort))
        .isEqualTo(FailureKind.OTHER);
  }

  @Test
  void time_silentServer_readPropertyEndsTheLogin() throws IOException {
    LoginTime time = MySql.row().time();
    try (ScriptedServer server = ScriptedServer.silent()) {
      var properties = new Properties();
      properties.setProperty(String.valueOf(time.read()), time.written(Duration.ofMillis(300)));

      Throwable failure =
          catchThrowable(
              () ->
                  new com.mysql.cj.jdbc.Driver()
                      .connect("jdbc:mysql://" + server.address() + "/db", properties));

      assertThat(failure).isInstanceOf(SQLException.class);
      assertThat(Failures.sort(failure, new MySql()::sort)).isEqualTo(FailureKind.OTHER);
    }
  }

  static SQLException refusal(Driver driver, String url) {
    var properties = new Properties();
    properties.setProperty("user", "app");
    properties.setProperty("password", "p1");
    Throwable failure = catchThrowable(() -> driver.connect(url, properties));
    assertThat(failure).isInstanceOf(SQLException.class);
    return (SQLException) failure;
  }
}
