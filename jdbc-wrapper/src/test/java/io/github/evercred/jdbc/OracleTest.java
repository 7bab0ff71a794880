package io.github.evercred.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.github.evercred.FailureKind;
import java.lang.reflect.Method;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.sql.SQLException;
import java.sql.SQLNonTransientConnectionException;
import java.time.Duration;
import java.util.Properties;
import oracle.jdbc.OracleDriver;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The real driver, without a server: nothing but Oracle speaks its protocol. Refusals are made by
 * the driver's own table of errors, as it makes them when a server sends the number.
 */
@Timeout(60)
class OracleTest {
  private static final Oracle DIALECT = new Oracle();

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "-",
      textBlock =
          """
          thin:@//h:1/SVC                                   | h:1               | svc
          thin:@//H.Example.COM/orcl.example.com            | h.example.com:1521 | orcl.example.com
          thin:@h:1/svc                                     | h:1               | svc
          thin:@h/svc                                       | h:1521            | svc
          thin:@h:1:ORCL                                    | h:1               | orcl
          thin:@h:1                                         | h:1               | -
          thin:@//h                                         | h:1521            | -
          thin:@[::1]:1:ORCL                                | [::1]:1           | orcl
          thin:@//[FE80::1]:1/svc                           | [fe80::1]:1       | svc
          thin:@tcp://h:1/svc                               | h:1               | svc
          thin:@tcps://h:2484/svc?wallet_location=/w&user=s | h:2484            | svc
          thin:@//h/svc:dedicated/inst1                     | h:1521            | svc
          thin:@//h/svc/inst1                               | h:1521            | svc
          thin:@//h1,h2:7/svc                               | h1:7,h2:7         | svc
          thin:@tcp://h1,h2;h3,[::1]:5/svc                  | h1:1521,h2:1521,h3:5,[::1]:5 | svc
          thin:@(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=H)(PORT=7))(CONNECT_DATA=(SERVICE_NAME=Svc))) | h:7 | svc
          thin:@(description = (address_list=(address=(host=h1)(port=7))(address=(port=8)(protocol=tcp)(host="::1")))(connect_data=(sid = X))) | h1:7,[::1]:8 | x
          thin:@(DESCRIPTION=(ADDRESS=(PROTOCOL=IPC)(KEY=x))(CONNECT_DATA=(SERVICE_NAME=s))) | local | s
          thin:@ALIAS                                       | alias             | -
          thin:@alias_high?TNS_ADMIN=/w                     | alias_high        | -
          thin:@ldap://l:389/svc                            | ldap://l:389/svc  | -
          oci:@//h:1/svc                                    | h:1               | svc
          oci:@alias                                        | alias             | -
          thin:@//h:1/svc?database=//k:2/other              | k:2               | other
          """)
  void hosts_anyForm_readAsTheDriverDoes(String rest, String hosts, @Nullable String database)
      throws SQLException {
    JdbcUrl url = JdbcUrl.parse("jdbc:oracle:" + rest);
    assertThat(DIALECT.hosts(url, new Properties())).containsExactly(hosts.split(","));
    assertThat(DIALECT.database(url, new Properties())).isEqualTo(database);
  }

  /** The driver goes by these rather than by the URL. */
  @Test
  void hosts_placedByProperties_found() throws SQLException {
    JdbcUrl url = JdbcUrl.parse("jdbc:oracle:thin:@//h:1/svc");
    for (String name : new String[] {"database", "server"}) {
      Properties properties = properties(name, "k");
      assertThat(DIALECT.hosts(url, properties)).containsExactly("k");
      assertThat(DIALECT.isPlacedElsewhere(url, properties)).isTrue();
    }
    assertThat(DIALECT.isPlacedElsewhere(url, new Properties())).isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "thin:scott/marker@//h:1/svc",
        "thin:scott/marker@h:1:x",
        "thin:/@h:1:x",
        "thin:scott@h:1:x",
        "thin:@scott/marker@h:1/x",
        "thin:@//scott/marker@h:1/x",
        "thin:@marker@alias",
        "thin:@h:1:x:marker",
        "thin:@//h:x/svc",
        "thin:@//h:0/svc",
        "thin:@//h:65536/svc",
        "thin:@//::1/svc",
        "thin:@//h:1/s vc",
        "thin:@//h:1/x)(ADDRESS=(HOST=marker))",
        "thin:@(DESCRIPTION=(ADDRESS=(HOST=h)(PORT=marker)))",
        "kprb:marker",
      })
  void hosts_malformed_refusedWithoutQuoting(String rest) {
    assertThatThrownBy(() -> Plan.of("jdbc:evercred:oracle:" + rest, null))
        .isInstanceOf(SQLException.class)
        .hasMessageStartingWith("The URL cannot be read: ")
        .hasMessageNotContaining("marker");
  }

  private static Properties properties(String name, String value) {
    var properties = new Properties();
    properties.setProperty(name, value);
    return properties;
  }

  private static SQLException refused(String rest) {
    Properties properties = properties("user", "app");
    properties.setProperty("password", "p");
    return catchThrowableOfType(
        SQLException.class,
        () -> new OracleDriver().connect("jdbc:oracle:" + rest, properties).close());
  }

  private static int freePort() throws Exception {
    try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          127.0.0.1 | false | thin:@//127.0.0.1:%d/orcl.example.com
          127.0.0.1 | true  | thin:@tcps://127.0.0.1:%d/orcl.example.com
          ::1       | false | thin:@//[::1]:%d/orcl.example.com
          ::1       | true  | thin:@tcps://[::1]:%d/orcl.example.com
          """)
  void address_anyHost_isWhereTheDriverGoes(String host, boolean tls, String expected)
      throws Exception {
    int port = freePort();

    String address = DIALECT.address(HostPort.of(host, port), "orcl.example.com", tls);

    assertThat(address).isEqualTo(expected.formatted(port));
    assertThat((Throwable) refused(address))
        .hasMessageContaining("No listener at host " + host + " port " + port);
    JdbcUrl url = JdbcUrl.parse("jdbc:oracle:" + address);
    assertThat(DIALECT.hosts(url, new Properties()))
        .containsExactly(HostPort.of(host, port).toString());
    assertThat(DIALECT.database(url, new Properties())).isEqualTo("orcl.example.com");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "x)(ADDRESS=(PROTOCOL=TCP)(HOST=evil)(PORT=1))",
        "x?oracle.net.wallet_location=/w",
        "x:shared",
        "x/inst",
        "x;y",
        "x,y",
        "x y",
        "x@y",
        "x\ny",
        "x\"y",
        "x&y=z",
        "x%3Fy",
      })
  void address_hostileDatabase_refusedWithoutQuoting(String database) {
    assertThatThrownBy(() -> DIALECT.address(HostPort.of("h", 1), database, true))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("dbname must be the name of a service: letters, digits and _ # $ . - alone");
  }

  @Test
  void address_noDatabase_refused() {
    assertThatThrownBy(() -> DIALECT.address(HostPort.of("h", 1), null, true))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("dbname is missing: it names the service");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "thin:@tcps://h:1/svc",
        "thin:@TCPS://h:1/svc?wallet_location=/w",
        "thin:@(DESCRIPTION=(ADDRESS=(PROTOCOL=tcps)(HOST=h))(ADDRESS=(HOST=k)(PROTOCOL=TCPS)))",
        "thin:@alias",
        "thin:@ldaps://l/svc",
        "thin:@config-https://c/x",
      })
  void raiseTls_tlsOrNotToBeSeen_left(String rest) throws SQLException {
    var properties = new Properties();
    JdbcUrl url = JdbcUrl.parse("jdbc:oracle:" + rest);
    assertThatCode(() -> DIALECT.raiseTls(url, properties, new OracleDriver()))
        .doesNotThrowAnyException();
    assertThat(properties).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "thin:@//h:1/svc",
        "thin:@tcp://h:1/svc",
        "thin:@h:1:sid",
        "thin:@h/svc",
        "thin:@(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=h)))",
        "thin:@(DESCRIPTION=(ADDRESS=(PROTOCOL=TCPS)(HOST=h))(ADDRESS=(PROTOCOL=TCP)(HOST=k)))",
      })
  void raiseTls_noTls_refusedWithAdvice(String rest) throws SQLException {
    JdbcUrl url = JdbcUrl.parse("jdbc:oracle:" + rest);
    assertThatThrownBy(() -> DIALECT.raiseTls(url, new Properties(), new OracleDriver()))
        .isInstanceOf(SQLNonTransientConnectionException.class)
        .hasMessageContaining("write a tcps URL")
        .hasMessageContaining("take ssl out of the secret");
  }

  /** As the driver makes it of a number that a server sends. */
  private static SQLException failure(int code) throws ReflectiveOperationException {
    Class<?> errors = Class.forName("oracle.jdbc.driver.DatabaseError");
    Method make =
        errors.getMethod(
            "newSQLException",
            Class.forName("oracle.jdbc.internal.OracleConnection"),
            String.class,
            int.class);
    make.setAccessible(true);
    return (SQLException) make.invoke(null, null, "ORA-" + code, code);
  }

  @ParameterizedTest
  @CsvSource({
    "1017, 72000, CREDENTIAL",
    "9911, 60000, CREDENTIAL",
    "17079, 08000, CREDENTIAL",
    "28001, 99999, CREDENTIAL",
    "28000, 99999, LOCKED_OR_DENIED",
    "28051, 99999, LOCKED_OR_DENIED",
    "1045, 72000, LOCKED_OR_DENIED",
    "1005, 72000, OTHER",
    "1040, 72000, OTHER",
    "28003, 99999, OTHER",
    "28040, 99999, OTHER",
    "28030, 99999, OTHER",
    "28273, 99999, OTHER",
    "2391, 61000, OTHER",
    "12514, 08006, OTHER",
    "12505, 66000, OTHER",
    "1033, 08006, OTHER",
    "1034, 08006, OTHER",
    "17002, 08006, OTHER",
  })
  void sort_serversError_byItsNumber(int code, String state, FailureKind expected)
      throws ReflectiveOperationException {
    SQLException failure = failure(code);

    assertThat(failure.getErrorCode()).isEqualTo(code);
    assertThat(failure.getSQLState()).isEqualTo(state);
    assertThat(Failures.sort(failure, DIALECT::sort)).isEqualTo(expected);
  }

  @Test
  void sort_refusedPort_isOther() throws Exception {
    SQLException failure = refused("thin:@//127.0.0.1:" + freePort() + "/svc");
    assertThat(failure.getErrorCode()).isEqualTo(12541);
    assertThat(failure.getSQLState()).isEqualTo("66000");
    assertThat(Failures.sort(failure, DIALECT::sort)).isEqualTo(FailureKind.OTHER);
  }

  @Test
  @Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void loginTime_silentServer_endsTheLogin() throws Exception {
    try (var silent = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      LoginTime time = Oracle.row().time();
      String second = time.written(Duration.ofSeconds(1));
      Properties properties = properties(String.valueOf(time.property()), second);
      properties.setProperty(String.valueOf(time.read()), second);
      properties.setProperty("user", "app");
      properties.setProperty("password", "p");
      long start = System.nanoTime();
      assertThatThrownBy(
              () ->
                  new OracleDriver()
                      .connect(
                          "jdbc:oracle:thin:@//127.0.0.1:" + silent.getLocalPort() + "/svc",
                          properties))
          .isInstanceOf(SQLException.class)
          .hasMessageContaining("17002");
      assertThat(Duration.ofNanos(System.nanoTime() - start).toSeconds()).isLessThan(8);
    }
  }
}
