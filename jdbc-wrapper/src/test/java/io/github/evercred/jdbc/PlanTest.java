package io.github.evercred.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.evercred.FailureKind;
import io.github.evercred.SecretCache;
import io.github.evercred.SecretValue;
import io.github.evercred.Target;
import java.sql.Connection;
import java.sql.Driver;
import java.sql.SQLException;
import java.sql.SQLNonTransientConnectionException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Properties;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(30)
class PlanTest {
  private static final String URL = "jdbc:evercred:scripted://h/db";

  private final FakeSecrets secrets = new FakeSecrets().put("s", FakeSecrets.login("app", "p1"));

  private Connection connect(String url, Properties properties) throws SQLException {
    try (SecretCache cache = secrets.cache()) {
      return Plan.of(url, properties).connect(Logins.of(cache), 0);
    }
  }

  private static Properties properties(Object... keysAndValues) {
    var properties = new Properties();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      properties.put(keysAndValues[i], keysAndValues[i + 1]);
    }
    return properties;
  }

  @Test
  void connect_callersProperties_reachTheDriverFlatAndStayUnchanged() throws SQLException {
    Object key = new Object();
    var given = new Properties(properties("colour", "red", "shape", "round"));
    given.setProperty("user", "s");
    given.setProperty("colour", "blue");
    given.setProperty("evercred.rotationWait", "3s");
    given.put("number", 5);
    given.put(key, "value");
    Properties before = (Properties) given.clone();

    try (ScriptedDriver driver = ScriptedDriver.accepting("p1")) {
      connect(URL, given);

      assertThat(driver.only().url()).isEqualTo("jdbc:scripted://h/db");
      assertThat(driver.only().properties().entrySet())
          .containsExactlyInAnyOrderElementsOf(
              properties(
                      "user",
                      "app",
                      "password",
                      "p1",
                      "colour",
                      "blue",
                      "shape",
                      "round",
                      "number",
                      5,
                      key,
                      "value")
                  .entrySet());
    }
    assertThat(given).isEqualTo(before);
    assertThat(given.getProperty("shape")).isEqualTo("round");
  }

  @Test
  void connect_realConnection_returnedAsItIs() throws SQLException {
    Connection connection = ScriptedDriver.connection();
    try (ScriptedDriver driver = ScriptedDriver.registered(properties -> connection)) {
      assertThat(connect(URL, properties("user", "s"))).isSameAs(connection);
      assertThat(driver.calls).hasSize(1);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "-",
      textBlock =
          """
          ?user=s                        | -     | -
          ?evercred.secretId=s           | -     | -
          ?user=s                        | other | -
          ?evercred.secretId=s           | -     | other
          ?evercred.secretId=s           | s     | -
          ?evercred.secretId=s&user=s    | -     | -
          ''                             | s     | -
          ''                             | -     | s
          ''                             | s     | s
          ''                             | ' '   | s
          """)
  void plan_secretIdSomewhere_found(String query, @Nullable String user, @Nullable String property)
      throws SQLException {
    var given = new Properties();
    if (user != null) {
      given.setProperty("user", user);
    }
    if (property != null) {
      given.setProperty("evercred.secretId", property);
    }

    assertThat(Plan.of(URL + query, given).requireSecretId()).isEqualTo("s");
  }

  @Test
  void plan_secretIdsThatDiffer_refused() {
    assertThatThrownBy(() -> Plan.of(URL + "?evercred.secretId=s", properties("user", "t")))
        .isInstanceOf(SQLNonTransientConnectionException.class)
        .hasMessageContaining("differ");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "?user=", "?user=%20"})
  void connect_noSecretId_refusedBeforeAnyLogin(String query) throws SQLException {
    try (ScriptedDriver driver = ScriptedDriver.accepting("p1")) {
      assertThatThrownBy(() -> connect(URL + query, new Properties()))
          .isInstanceOf(SQLNonTransientConnectionException.class)
          .hasMessageContaining("no secret to log in with");
      assertThat(driver.calls).isEmpty();
    }
    assertThat(secrets.calls).hasValue(0);
  }

  @Test
  void plan_passwordBesideSecret_refusedWithoutQuotingIt() {
    for (Object password : List.of("marker", "marker".toCharArray())) {
      assertThatThrownBy(() -> Plan.of(URL, properties("user", "s", "password", password)))
          .isInstanceOf(SQLNonTransientConnectionException.class)
          .hasMessageContaining("leave the password out")
          .hasMessageNotContaining("marker");
    }
    assertThatThrownBy(() -> Plan.of(URL + "?user=s&password=marker", null))
        .isInstanceOf(SQLNonTransientConnectionException.class)
        .hasMessageContaining("leave the password out")
        .hasMessageNotContaining("marker");
  }

  @Test
  void connect_blankPassword_countsAsAbsent() throws SQLException {
    try (ScriptedDriver driver = ScriptedDriver.accepting("p1")) {
      connect(URL + "?password=", properties("user", "s", "password", " "));
      assertThat(driver.only().properties().getProperty("password")).isEqualTo("p1");
    }
  }

  @Test
  void plan_optionInUrlAndProperty_urlWins() throws SQLException {
    Plan plan =
        Plan.of(URL + "?evercred.rotationWait=7s", properties("evercred.rotationWait", "x"));
    assertThat(plan.value(Option.ROTATION_WAIT)).isEqualTo("7s");
    assertThat(plan.properties()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "-",
      textBlock =
          """
          arn:aws:secretsmanager:eu-west-1:123456789012:secret:a-AbCdEf            | -         | eu-west-1
          arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:a-AbCdEf        | -         | cn-north-1
          arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:x/y-AbCd | -         | us-gov-west-1
          arn:aws:secretsmanager:eu-west-1:123456789012:secret:a-AbCdEf            | us-east-1 | us-east-1
          arn:aws:rds:eu-west-1:123456789012:db:x                                  | -         | -
          name                                                                     | -         | -
          name                                                                     | us-east-1 | us-east-1
          """)
  void region_toldOrByArn_found(String secretId, @Nullable String told, @Nullable String expected)
      throws SQLException {
    Properties given = properties("evercred.secretId", secretId);
    if (told != null) {
      given.setProperty("evercred.region", told);
    }
    Settings.Found region = Plan.of(URL, given).cacheSettings().get("region");
    assertThat(region == null ? null : region.text()).isEqualTo(expected);
  }

  @Test
  void endpoint_told_found() throws SQLException {
    Plan plan = Plan.of(URL + "?evercred.endpoint=http://127.0.0.1:8080", null);
    assertThat(plan.cacheSettings().get("endpoint"))
        .isEqualTo(new Settings.Found("http://127.0.0.1:8080", "evercred.endpoint", true));
    assertThat(Plan.of(URL, null).cacheSettings()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"mem:x;a=b, mem:x", "//H:1/db?a=b, h:1", "thin:@h:1521:sid, h:1521:sid"})
  void target_unknownEngine_addressWithoutUserAndPath(String rest, String expected)
      throws SQLException {
    Plan plan = Plan.of("jdbc:evercred:unknown:" + rest, null);
    assertThat(plan.target()).isEqualTo(new Target("unknown", List.of(expected), null));
    assertThat(plan.toString()).doesNotContain("marker");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "unknown://user:marker@H:1/db",
        "unknown:thin:scott/marker@//h:1521/x",
        "databricks://h:443/default;UID=token;PWD=marker",
        "informix-sqli://h:9088/db:user=a;password=marker",
        "unknown://h/db;Password1 = marker"
      })
  void plan_userOrPasswordHiddenInTheUrl_refusedWithoutQuotingIt(String url) {
    assertThatThrownBy(() -> Plan.of("jdbc:evercred:" + url, properties("user", "s")))
        .isInstanceOf(SQLNonTransientConnectionException.class)
        .hasMessageNotContaining("marker");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          mariadb://h/db?credentialType=ENV               | credentialType
          mariadb://h/db?CREDENTIALTYPE=AWS-IAM           | CREDENTIALTYPE
          postgresql://h/db?authenticationPluginClassName=x.Y | authenticationPluginClassName
          sqlserver://h;integratedSecurity=true           | integratedSecurity
          sqlserver://h;authentication=ActiveDirectoryMSI | authentication
          oracle:thin:@//h/x?oracle.jdbc.tokenAuthentication=OCI_TOKEN | oracle.jdbc.tokenAuthentication
          db2://h:1/db:apiKey=marker;                     | apiKey
          """)
  void plan_driverWouldLogInWithSomethingElse_refused(String url, String setting) {
    assertThatThrownBy(() -> Plan.of("jdbc:evercred:" + url, properties("user", "s")))
        .isInstanceOf(SQLNonTransientConnectionException.class)
        .hasMessageContaining(setting)
        .hasMessageContaining("something else than the secret")
        .hasMessageNotContaining("marker");
  }

  @Test
  void plan_settingsThatTurnNothingOn_taken() throws SQLException {
    assertThat(
            Plan.of(
                "jdbc:evercred:sqlserver://h;integratedSecurity=false", properties("user", "s")))
        .isNotNull();
    assertThat(
            Plan.of(
                "jdbc:evercred:sqlserver://h",
                properties("user", "s", "authentication", "SqlPassword")))
        .isNotNull();
  }

  @Test
  void plan_userThatIsNoString_readAsTextOrRefused() throws SQLException {
    assertThat(Plan.of(URL, properties("user", java.nio.CharBuffer.wrap("s"))).requireSecretId())
        .isEqualTo("s");
    assertThatThrownBy(() -> Plan.of(URL, properties("user", 5)))
        .isInstanceOf(SQLNonTransientConnectionException.class)
        .hasMessageContaining("must be text");
  }

  @Test
  void target_sameHostsOtherParameters_isOneTarget() throws SQLException {
    assertThat(Plan.of("jdbc:evercred:postgresql://H/a?sslmode=require", null).target())
        .isEqualTo(Plan.of("jdbc-secretsmanager:postgresql://h:5432/b?user=s", null).target());
  }

  @ParameterizedTest
  @CsvSource(
      nullValues = "-",
      value = {
        "19999ms,19.999",
        "20s,20.000",
        "1ms,0.010",
        "PT0.0000001S,0.010",
        "PT23H59M59.999S,86399.999",
        "PT24H,-",
        "PT8760H,-"
      })
  void use_remainingTime_givenToTheDriver(String remaining, @Nullable String expected)
      throws Exception {
    Locale standard = Locale.getDefault();
    Locale.setDefault(Locale.GERMANY);
    try {
      assertThat(login("{\"username\":\"a\",\"password\":\"b\"}", remaining)).isEqualTo(expected);
    } finally {
      Locale.setDefault(standard);
    }
  }

  /** Logs in with a PostgreSQL row whose driver is scripted, and returns the time-out it got. */
  private static @Nullable String login(String json, String remaining) throws SQLException {
    Properties given = properties("loginTimeout", "77", "user", "s");
    try (ScriptedDriver driver = ScriptedDriver.accepting("b")) {
      Plan plan = Plan.of("jdbc:evercred:scripted://h/db", given);
      Plan timed = plan.as(timedRow());
      SecretValue value = SecretValue.builder("s", "v1").text(json);
      use(timed, value, Option.duration(remaining));
      return driver.only().properties().getProperty("limit");
    }
  }

  private static void use(Plan plan, SecretValue value, Duration remaining) throws SQLException {
    try (SecretCache cache = new FakeSecrets().cache()) {
      Connection unused =
          new RealLogin<>(
                  plan, Objects.requireNonNull(plan.target()), RealLogin::connect, Logins.of(cache))
              .use(value, remaining);
    }
  }

  private static Engine timedRow() {
    return row(
        List.of(),
        new LoginTime("limit", LoginTime.Unit.FRACTIONAL_SECONDS, true, null),
        new AnyDatabase());
  }

  private static Engine row(List<String> drivers, LoginTime time, Dialect dialect) {
    return new Engine("scripted", drivers, "group:artifact", null, Syntax.QUERY, 0, time, dialect);
  }

  /** Like any database, but it knows how to ask for TLS. */
  private static final class WithTls implements Dialect {
    private final AnyDatabase any = new AnyDatabase();

    @Override
    public List<String> hosts(JdbcUrl url, Properties properties) {
      return any.hosts(url, properties);
    }

    @Override
    public String address(HostPort place, @Nullable String database, boolean tls) {
      return any.address(place, database, tls);
    }

    @Override
    public void raiseTls(JdbcUrl url, Properties properties, Driver driver) {
      properties.setProperty("tls", "yes");
    }

    @Override
    public @Nullable FailureKind sort(SQLException failure) {
      return any.sort(failure);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"-1", "abc", "", "1e1", "1000000000", "1E-2147483647", "5."})
  void plan_loginTimeoutSenseless_refused(String value) {
    assertThatThrownBy(
            () -> Plan.of("jdbc:evercred:postgresql://h/db", properties("loginTimeout", value)))
        .isInstanceOf(SQLNonTransientConnectionException.class)
        .hasMessageStartingWith("loginTimeout must be ");
  }

  @ParameterizedTest
  @CsvSource({
    "'',0,0,PT0S",
    "'',5,0,PT5S",
    "'',5,3,PT3S",
    "'',0,3,PT3S",
    "'',0.0000000000001,0,PT0.000000001S",
    "'',999999999,0,PT277777H46M39S",
    "'',5,-1,PT5S",
    "'?loginTimeout=2.5',5,0,PT2.5S",
    "'?loginTimeout=2.5',5,1,PT1S",
    "'?loginTimeout=0',5,0,PT0S",
  })
  void limit_severalGiven_smallestHolds(
      String query, String property, int caller, Duration expected) throws SQLException {
    Properties given = properties("loginTimeout", property);
    Plan plan = Plan.of("jdbc:evercred:postgresql://h/db" + query, given);
    assertThat(plan.limit(caller)).isEqualTo(expected);
    assertThat(plan.properties()).isEmpty();
  }

  @Test
  void connect_secretAsksForTls_onlyWhereTrue() throws SQLException {
    var asked = new java.util.ArrayList<String>();
    for (String ssl : List.of("true", "\"TRUE\"", "false", "\"no\"", "null")) {
      try (ScriptedDriver driver = ScriptedDriver.accepting("b")) {
        Plan plan =
            Plan.of(URL, properties("user", "s"))
                .as(row(List.of(), LoginTime.UNKNOWN, new WithTls()));
        use(
            plan,
            SecretValue.builder("s", "v1")
                .text("{\"username\":\"a\",\"password\":\"b\",\"ssl\":" + ssl + "}"),
            Duration.ofSeconds(1));
        asked.add(ssl + " " + driver.only().properties().getProperty("tls"));
      }
    }
    assertThat(asked)
        .containsExactly("true yes", "\"TRUE\" yes", "false null", "\"no\" null", "null null");
  }

  @Test
  void realDriver_missing_saysWhatToAdd() {
    Engine row = row(List.of("no.such.Driver"), LoginTime.UNKNOWN, new AnyDatabase());
    assertThatThrownBy(() -> row.realDriver("jdbc:scripted:x"))
        .isInstanceOf(SQLNonTransientConnectionException.class)
        .hasMessageContaining("no.such.Driver")
        .hasMessageContaining("add group:artifact")
        .hasCauseInstanceOf(ClassNotFoundException.class);
  }

  @Test
  void realDriver_noDriverAtAll_clear() {
    Engine row = row(List.of("java.lang.String"), LoginTime.UNKNOWN, new AnyDatabase());
    assertThatThrownBy(() -> row.realDriver("jdbc:scripted:x"))
        .isInstanceOf(SQLNonTransientConnectionException.class)
        .hasMessageContaining("cannot be used");
  }

  @Test
  void realDriver_otherContextClassLoader_foundByOurOwn() throws SQLException {
    Thread current = Thread.currentThread();
    ClassLoader context = current.getContextClassLoader();
    try {
      for (ClassLoader loader : new ClassLoader[] {null, ClassLoader.getPlatformClassLoader()}) {
        current.setContextClassLoader(loader);
        assertThat(Engine.of("postgresql").realDriver("jdbc:postgresql:x"))
            .isInstanceOf(org.postgresql.Driver.class);
      }
    } finally {
      current.setContextClassLoader(context);
    }
  }

  @Test
  void connect_unknownSubProtocol_failsBeforeTheSecretIsFetched() {
    assertThatThrownBy(() -> connect("jdbc:evercred:nobody:x", properties("user", "s")))
        .isInstanceOf(SQLNonTransientConnectionException.class)
        .hasMessageContaining("jdbc:nobody:");
    assertThat(secrets.calls).hasValue(0);
  }

  @Test
  void use_driverReturnsNothing_clearFailure() throws SQLException {
    try (ScriptedDriver driver = ScriptedDriver.registered(properties -> null)) {
      assertThatThrownBy(() -> connect(URL, properties("user", "s")))
          .isInstanceOf(SQLNonTransientConnectionException.class)
          .hasMessageContaining("does not take this URL");
      assertThat(driver.calls).hasSize(1);
    }
  }
}
