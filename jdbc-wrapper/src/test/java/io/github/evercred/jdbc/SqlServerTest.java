package io.github.evercred.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.microsoft.sqlserver.jdbc.SQLServerDriver;
import io.github.evercred.FailureKind;
import io.github.evercred.SecretCache;
import java.lang.reflect.Method;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The real driver, against a {@linkplain TdsStub protocol stub}: there is no SQL Server here. */
@Timeout(60)
class SqlServerTest {
  private static final SqlServer DIALECT = new SqlServer();

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "-",
      textBlock =
          """
          //h:1;databaseName=x                     | -          | -    | h:1
          //H.Example.COM                          | -          | -    | h.example.com:1433
          //                                       | -          | -    | localhost:1433
          //;encrypt=true                          | -          | -    | localhost:1433
          //h\\Inst                                | -          | -    | h\\inst
          //h\\inst:5                              | -          | -    | h:5
          //h;instanceName=i                       | -          | -    | h\\i
          //;serverName=h\\i                       | -          | -    | h\\i
          //;serverName=::1;portNumber=5           | -          | -    | [::1]:5
          //;serverName={[::1]};portNumber={5}     | -          | -    | [::1]:5
          //h:1;SERVER=k; port = 7                 | -          | -    | k:7
          //h:1;failoverPartner=p                  | -          | -    | h:1,p:1433
          //h:1;failoverPartner=p\\i;databaseName=x | -         | -    | h:1,p\\i
          //h:1                                    | portNumber | 9    | h:9
          //h:1;serverName=k                       | SERVERNAME | Q    | q:1
          //h                                      | port       | 9    | h:9
          """)
  void hosts_anyForm_readAsTheDriverDoes(
      String rest, @Nullable String name, @Nullable String value, String expected)
      throws SQLException {
    var properties = new Properties();
    if (name != null && value != null) {
      properties.setProperty(name, value);
    }
    assertThat(DIALECT.hosts(JdbcUrl.parse("jdbc:sqlserver:" + rest), properties))
        .containsExactly(expected.split(","));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "//[::1]:5",
        "//::1",
        "//marker@h:1",
        "//h:0",
        "//h:65536",
        "//h:x",
        "//h:5/db",
        "//h,5",
        "//h h",
        "h:1",
        "//h;portNumber=x",
      })
  void hosts_malformed_refusedWithoutQuoting(String rest) {
    assertThatThrownBy(() -> Plan.of("jdbc:evercred:sqlserver:" + rest, null))
        .isInstanceOf(SQLException.class)
        .hasMessageStartingWith("The URL cannot be read: ")
        .hasMessageNotContaining("marker");
  }

  /** What the driver's own parser finds in a URL. */
  private static Properties parsed(String url) throws ReflectiveOperationException {
    Method parse =
        Class.forName("com.microsoft.sqlserver.jdbc.Util")
            .getDeclaredMethod("parseUrl", String.class, Logger.class);
    parse.setAccessible(true);
    return (Properties) parse.invoke(null, url, Logger.getLogger("parse"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "orders",
        "x;encrypt=false",
        "x};encrypt=false",
        "x}};encrypt=false;y={",
        "};trustServerCertificate=true;z={",
        "{x}",
        "}",
        "a b=c",
        "x\n;encrypt=false",
      })
  void address_anyDatabase_arrivesAsALiteralName(String database) throws Exception {
    for (String host : List.of("h.example.com", "::1")) {
      String address = DIALECT.address(HostPort.of(host, 1444), database, true);
      JdbcUrl url = JdbcUrl.parse("jdbc:evercred:sqlserver://;encrypt=strict").withAddress(address);

      Properties parsed = parsed(url.text());

      assertThat(parsed)
          .hasSize(4)
          .containsEntry("serverName", host)
          .containsEntry("portNumber", "1444")
          .containsEntry("databaseName", database)
          .containsEntry("encrypt", "strict");
      assertThat(DIALECT.hosts(url, new Properties()))
          .containsExactly(HostPort.of(host, 1444).toString());
    }
  }

  @Test
  void address_noDatabase_leavesItToTheLogin() throws Exception {
    String address = DIALECT.address(HostPort.of("h", 1), null, false);
    assertThat(address).isEqualTo("//h:1");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "-",
      textBlock =
          """
          //h                         | -          | false
          //h;databaseName=serverName | -          | false
          //;ServerName=h             | -          | true
          //;server=h                 | -          | true
          //                          | SERVERNAME | true
          //                          | server     | true
          """)
  void isPlacedElsewhere_serverNamed_told(String rest, @Nullable String name, boolean expected)
      throws SQLException {
    var properties = new Properties();
    if (name != null) {
      properties.setProperty(name, "h");
    }
    assertThat(DIALECT.isPlacedElsewhere(JdbcUrl.parse("jdbc:sqlserver:" + rest), properties))
        .isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "-",
      textBlock =
          """
          //h                | -       | -      | true
          //h;Encrypt=false  | -       | -      | -
          //h;encrypt=strict | -       | -      | -
          //h                | encrypt | strict | strict
          //h                | ENCRYPT | false  | -
          """)
  void raiseTls_callerSaidOrNot_neverLowered(
      String rest, @Nullable String name, @Nullable String value, @Nullable String expected)
      throws SQLException {
    var properties = new Properties();
    if (name != null && value != null) {
      properties.setProperty(name, value);
    }
    DIALECT.raiseTls(JdbcUrl.parse("jdbc:sqlserver:" + rest), properties, new SQLServerDriver());
    assertThat(properties.getProperty("encrypt")).isEqualTo(expected);
  }

  private static SQLException refused(TdsStub stub, String... more) {
    return refused(stub.port(), more);
  }

  private static SQLException refused(int port, String... more) {
    var properties = new Properties();
    properties.setProperty("user", "app");
    properties.setProperty("password", "p");
    for (int i = 0; i < more.length; i += 2) {
      properties.setProperty(more[i], more[i + 1]);
    }
    String url = "jdbc:sqlserver://127.0.0.1:" + port + ";encrypt=false;connectRetryCount=0";
    return catchThrowableOfType(
        SQLException.class, () -> new SQLServerDriver().connect(url, properties).close());
  }

  @ParameterizedTest
  @CsvSource({
    "18456, CREDENTIAL",
    "18487, CREDENTIAL",
    "18488, CREDENTIAL",
    "18486, LOCKED_OR_DENIED",
    "18470, LOCKED_OR_DENIED",
    "15113, LOCKED_OR_DENIED",
    "18452, OTHER",
    "18461, OTHER",
    "17809, OTHER",
    "40615, OTHER",
  })
  void sort_serversError_byItsNumber(int number, FailureKind expected) throws Exception {
    try (var stub =
        new TdsStub(login -> List.of(new TdsStub.ServerError(number, 14, "Login failed.")))) {
      SQLException failure = refused(stub);

      assertThat(failure.getErrorCode()).isEqualTo(number);
      assertThat(Failures.sort(failure, DIALECT::sort)).isEqualTo(expected);
      SQLException xopen = refused(stub, "xopenStates", "true");
      assertThat(Failures.sort(xopen, DIALECT::sort)).isEqualTo(expected);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {4060, 4064})
  void sort_noSuchDatabase_isNoMatterOfTheCredential(int number) throws Exception {
    try (var stub =
        new TdsStub(
            login ->
                List.of(
                    new TdsStub.ServerError(number, 11, "Cannot open database."),
                    new TdsStub.ServerError(18456, 14, "Login failed for user 'app'.")))) {
      SQLException failure = refused(stub);

      assertThat(failure.getErrorCode()).isEqualTo(number);
      assertThat(failure.getNextException().getErrorCode()).isEqualTo(18456);
      assertThat(Failures.sort(failure, DIALECT::sort)).isEqualTo(FailureKind.OTHER);
    }
  }

  @Test
  void sort_refusedPort_isOther() {
    SQLException failure = refused(1); // No server of a test's can ever stand there.
    assertThat(failure.getErrorCode()).isZero();
    assertThat(Failures.sort(failure, DIALECT::sort)).isEqualTo(FailureKind.OTHER);
  }

  private static Connection connect(TdsStub stub, SecretCache cache) throws SQLException {
    var properties = new Properties();
    properties.setProperty("user", "s");
    properties.setProperty("applicationName", "orders");
    String url =
        "jdbc:evercred:sqlserver://127.0.0.1:" + stub.port() + ";encrypt=false;databaseName={a;b}";
    return Plan.of(url, properties).connect(Logins.of(cache), 10);
  }

  @Test
  void connect_inTheWindow_worksAndCostsOneRefusedLogin() throws Exception {
    var secrets =
        new FakeSecrets()
            .put("s", FakeSecrets.login("app", "first"))
            .put("s", "AWSPENDING", "v2", FakeSecrets.login("app", "second"));
    try (TdsStub stub = TdsStub.accepting("second");
        SecretCache cache = secrets.cache()) {
      for (int i = 0; i < 3; i++) {
        try (Connection connection = connect(stub, cache);
            Statement statement = connection.createStatement();
            ResultSet row = statement.executeQuery("SELECT 1")) {
          assertThat(connection.getClass().getName()).startsWith("com.microsoft.sqlserver.");
          assertThat(row.next()).isTrue();
          assertThat(row.getInt(1)).isEqualTo(1);
        }
      }
      assertThat(stub.logins)
          .containsExactly(
              new TdsStub.Login("app", "first", "a;b"),
              new TdsStub.Login("app", "second", "a;b"),
              new TdsStub.Login("app", "second", "a;b"),
              new TdsStub.Login("app", "second", "a;b"));
    }
  }

  @Test
  @Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void loginTime_serverSilentFromTheStart_endsTheLogin() throws Exception {
    try (var silent = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      assertThat(seconds(silent.getLocalPort())).isLessThan(8);
    }
  }

  @Test
  @Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void loginTime_serverSilentAfterItsFirstAnswer_endsTheLogin() throws Exception {
    try (var stub = new TdsStub(login -> null)) {
      assertThat(seconds(stub.port())).isLessThan(8);
      assertThat(stub.logins).hasSize(1);
    }
  }

  /** How long a login takes that is given one second. */
  private static long seconds(int port) {
    var properties = new Properties();
    properties.setProperty("user", "app");
    properties.setProperty("password", "p");
    LoginTime time = SqlServer.row().time();
    properties.setProperty(String.valueOf(time.property()), time.written(Duration.ofSeconds(1)));
    long start = System.nanoTime();
    assertThatThrownBy(
            () ->
                new SQLServerDriver()
                    .connect("jdbc:sqlserver://127.0.0.1:" + port + ";encrypt=false", properties))
        .isInstanceOf(SQLException.class);
    return Duration.ofNanos(System.nanoTime() - start).toSeconds();
  }
}
