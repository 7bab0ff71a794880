package io.github.evercred.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.ibm.db2.jcc.DB2Driver;
import io.github.evercred.FailureKind;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import org.apache.derby.drda.NetworkServerControl;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The real driver, against Derby's server, which speaks Db2's protocol far enough to refuse a
 * password and not far enough to accept one. Other refusals are written as the driver writes them.
 */
@Timeout(90)
class Db2Test {
  private static final Db2 DIALECT = new Db2();

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "-",
      textBlock =
          """
          //h:1/db                                     | -          | - | h:1
          //H.Example.COM:1/db:a=b;                    | -          | - | h.example.com:1
          //h/db                                       | -          | - | h:446
          //[FE80::1]:5/db                             | -          | - | [fe80::1]:5
          //h:1/db:serverName=k;portNumber=2;          | -          | - | k:2
          //h:1/db                                     | serverName | k | k:1
          //h:1/db                                     | serverName | ::1 | [::1]:1
          //h:1/db:clientRerouteAlternateServerName=p, q;clientRerouteAlternatePortNumber=2,3; | - | - | h:1,p:2,q:3
          //h:1/db                                     | clientRerouteAlternateServerName | p | h:1,p:446
          SAMPLE                                       | -          | - | sample
          SAMPLE:a=b;                                  | -          | - | sample
          ///DB:dsdriverConfigFile=x;                  | -          | - | dsdriver db
          """)
  void hosts_anyForm_readAsTheDriverDoes(
      String rest, @Nullable String name, @Nullable String value, String expected)
      throws SQLException {
    assertThat(DIALECT.hosts(JdbcUrl.parse("jdbc:db2:" + rest), properties(name, value)))
        .containsExactly(expected.split(","));
  }

  private static Properties properties(@Nullable String name, @Nullable String value) {
    var properties = new Properties();
    if (name != null && value != null) {
      properties.setProperty(name, value);
    }
    return properties;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "//h:1",
        "//h",
        "//::1/db",
        "//h:x/db",
        "//h:0/db",
        "//h:65536/db",
        "//marker@h:1/db",
        "//h:1,k:2/db",
        "//h:1/a/marker",
        "//h:1/db;a=marker",
        "/db",
      })
  void hosts_malformed_refusedWithoutQuoting(String rest) {
    assertThatThrownBy(() -> Plan.of("jdbc:evercred:db2:" + rest, null))
        .isInstanceOf(SQLException.class)
        .hasMessageStartingWith("The URL cannot be read: ")
        .hasMessageNotContaining("marker");
  }

  @Test
  void address_anyHost_isWhereTheDriverGoes() throws Exception {
    int port = freePort();
    for (String host : List.of("127.0.0.1", "localhost")) {
      String address = DIALECT.address(HostPort.of(host, port), "ORDERS", true);

      assertThat(address).isEqualTo("//" + host + ":" + port + "/ORDERS");
      assertThatThrownBy(() -> new DB2Driver().connect("jdbc:db2:" + address, user("p")))
          .message() // Where a port is written as numbers are.
          .matches(
              text -> text.replaceAll("(?<=\\d)[.,](?=\\d{3}\\b)", "").contains("port " + port));
    }
    assertThat(DIALECT.address(HostPort.of("::1", 5), "a", false)).isEqualTo("//[::1]:5/a");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "db:sslConnection=false;", "db;a", "a/b", "a b", "a?b", "d\nb", "db:", "d\"b"})
  void address_hostileDatabase_refusedWithoutQuoting(String database) {
    assertThatThrownBy(() -> DIALECT.address(HostPort.of("h", 1), database, true))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("dbname must be the name of a database: letters, digits and _ @ # $ - alone");
  }

  @Test
  void address_noDatabase_refused() {
    assertThatThrownBy(() -> DIALECT.address(HostPort.of("h", 1), null, true))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("dbname is missing");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "-",
      textBlock =
          """
          //h:1/db                      | -             | -     | true
          //h:1/db:sslConnection=false; | -             | -     | -
          //h:1/db:sslConnection=true;  | -             | -     | -
          //h:1/db                      | sslConnection | false | false
          //h:1/db                      | sslConnection | true  | true
          """)
  void raiseTls_callerSaidOrNot_neverLowered(
      String rest, @Nullable String name, @Nullable String value, @Nullable String expected)
      throws SQLException {
    Properties properties = properties(name, value);
    DIALECT.raiseTls(JdbcUrl.parse("jdbc:db2:" + rest), properties, new DB2Driver());
    assertThat(properties.getProperty("sslConnection")).isEqualTo(expected);
  }

  @Test
  void isPlacedElsewhere_serverOrFileNamed_told() throws SQLException {
    JdbcUrl none = JdbcUrl.parse("jdbc:db2:");
    assertThat(DIALECT.isPlacedElsewhere(none, new Properties())).isFalse();
    assertThat(DIALECT.isPlacedElsewhere(none, properties("serverName", "h"))).isTrue();
    assertThat(
            DIALECT.isPlacedElsewhere(
                JdbcUrl.parse("jdbc:db2:///:dsdriverConfigFile=x;"), new Properties()))
        .isTrue();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          -4214  | 28000 | [jcc][t4][2012][11248][4.38.7] ... Reason: Password expired.             | CREDENTIAL
          -4214  | 28000 | [jcc][t4][2013][11249][4.38.7] ... Reason: User ID or Password invalid.  | CREDENTIAL
          -4214  | 28000 | [jcc][t4][2013][11249][4.38.7] ... Ursache: Kennwort ungültig.           | CREDENTIAL
          -4214  | 28000 | [ibm][db2][jcc][t4][2013][11249] ... Reason: User ID or Password invalid | CREDENTIAL
          -4214  | 28000 | [jcc][t4][2016][11252][4.38.7] ... Reason: User ID invalid.              | CREDENTIAL
          -4214  | 28000 | [jcc][t4][2022][11258][4.38.7] ... Reason: not specified.                | CREDENTIAL
          -4214  | 28000 | no number at all                                                         | CREDENTIAL
          -4214  | 28000 | [jcc][t4][2017][11253][4.38.7] ... Reason: User ID revoked.              | LOCKED_OR_DENIED
          -4214  | 28000 | [jcc][t4][201][11237][4.38.7] ... Reason: Security mechanism not supp... | OTHER
          -4214  | 28000 | [jcc][t4][2014][11250][4.38.7] ... Reason: Password missing.             | OTHER
          -4214  | 28000 | [jcc][t4][2019][11255][4.38.7] ... connectivity restrictions             | OTHER
          -4214  | 28000 | [jcc][t4][20132][12621][4.38.7] ... Encryption Algorithm is not supp...  | OTHER
          -30082 | 08001 | DB2 SQL Error: SQLCODE=-30082, SQLSTATE=08001, SQLERRMC=24;USERNAME A... | CREDENTIAL
          -30082 | 08001 | DB2 SQL Error: SQLCODE=-30082, SQLSTATE=08001, SQLERRMC=1;PASSWORD EX... | CREDENTIAL
          -30082 | 08001 | SQL30082N  Security processing failed with reason "2" ("PASSWORD INVA... | CREDENTIAL
          -30082 | 08001 | SQL30082N  Security processing failed with reason "15" ("PROCESSING F... | CREDENTIAL
          -30082 | 08001 | SQL30082N  Security processing failed with reason "6" ("USERID INVALI... | CREDENTIAL
          -30082 | 08001 | no number at all                                                         | CREDENTIAL
          -30082 | 08001 | SQL30082N  Security processing failed with reason "7" ("USERID REVOKE... | LOCKED_OR_DENIED
          -30082 | 08001 | SQL30082N  Security processing failed with reason "19" ("USERID DISAB... | LOCKED_OR_DENIED
          -30082 | 08001 | SQL30082N  Security processing failed with reason "17" ("UNSUPPORTED ... | OTHER
          -30082 | 08001 | SQL30082N  Security processing failed with reason "3" ("PASSWORD MISS... | OTHER
          -1403  | 08004 | The username and/or password supplied is incorrect.                      | CREDENTIAL
          -1060  | 08004 | User does not have the CONNECT privilege: a matter of this database.     | OTHER
          -4499  | 08004 | [jcc][t4][2057][11264][4.38.7] The application server rejected ...       | OTHER
          -4499  | 08001 | [jcc][t4][2043][11550][4.38.7] Connection refused.                       | OTHER
          -1224  | 55032 | The database manager is not able to accept new requests.                 | OTHER
          """)
  void sort_refusal_byNumbersAlone(int code, String state, String text, FailureKind expected) {
    SQLException failure = new SQLException(text, state, code);
    assertThat(Failures.sort(failure, DIALECT::sort)).isEqualTo(expected);
  }

  private static Properties user(String password) {
    Properties properties = properties("password", password);
    properties.setProperty("user", "app");
    return properties;
  }

  private static SQLException refused(int port, String password) {
    String url = "jdbc:db2://127.0.0.1:" + port + "/sample:securityMechanism=3;";
    return catchThrowableOfType(
        SQLException.class, () -> new DB2Driver().connect(url, user(password)).close());
  }

  private static int freePort() throws Exception {
    try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  @Test
  void sort_realDriversRefusal_isACredentials(@TempDir Path home) throws Exception {
    System.setProperty("derby.system.home", home.toString());
    System.setProperty("derby.stream.error.file", home.resolve("derby.log").toString());
    System.setProperty("derby.connection.requireAuthentication", "true");
    System.setProperty("derby.authentication.provider", "BUILTIN");
    System.setProperty("derby.user.app", "right");
    DriverManager.getConnection("jdbc:derby:sample;create=true", user("right")).close();
    int port = freePort();
    var server = new NetworkServerControl(InetAddress.getLoopbackAddress(), port, "app", "right");
    server.start(null);
    try {
      Eventually.until(() -> isUp(server));
      SQLException wrong = refused(port, "wrong");
      assertThat(wrong.getErrorCode()).isEqualTo(-4214);
      assertThat(wrong.getSQLState()).isEqualTo("28000");
      assertThat((Throwable) wrong).hasMessageContaining("[t4][20");
      assertThat(Failures.sort(wrong, DIALECT::sort)).isEqualTo(FailureKind.CREDENTIAL);

      SQLException right = refused(port, "right"); // Accepted; what comes then Derby does not know.
      assertThat(right.getErrorCode()).isEqualTo(-4499);
      assertThat(Failures.sort(right, DIALECT::sort)).isEqualTo(FailureKind.OTHER);
    } finally {
      server.shutdown();
      assertThatThrownBy(
              () -> DriverManager.getConnection("jdbc:derby:;shutdown=true", user("right")))
          .isInstanceOf(SQLException.class);
    }
  }

  private static boolean isUp(NetworkServerControl server) {
    try {
      server.ping();
      return true;
    } catch (Exception e) {
      return false;
    }
  }

  @Test
  @Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void loginTime_silentServer_endsTheLogin() throws Exception {
    try (var silent = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      LoginTime time = Db2.row().time();
      Properties properties = user("p");
      properties.setProperty(String.valueOf(time.property()), time.written(Duration.ofSeconds(1)));
      long start = System.nanoTime();
      assertThatThrownBy(
              () ->
                  new DB2Driver()
                      .connect("jdbc:db2://127.0.0.1:" + silent.getLocalPort() + "/x", properties))
          .isInstanceOf(SQLException.class);
      assertThat(Duration.ofNanos(System.nanoTime() - start).toSeconds()).isLessThan(8);
    }
  }
}
