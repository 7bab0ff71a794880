package io.github.evercred.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.evercred.EvercredMetrics;
import io.github.evercred.RotationAwareLogin;
import io.github.evercred.SecretCache;
import io.github.evercred.testkit.EvercredExtension;
import io.github.evercred.testkit.Fault;
import io.github.evercred.testkit.LocalSecretsManager;
import io.github.evercred.testkit.Requests;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.sql.Driver;
import java.sql.DriverManager;
import java.sql.DriverPropertyInfo;
import java.sql.SQLException;
import java.sql.SQLNonTransientConnectionException;
import java.sql.SQLTransientConnectionException;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.ServiceLoader;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@ExtendWith(EvercredExtension.class)
@Timeout(60)
class EvercredDriverTest {
  private static final String URL = "jdbc:evercred:scripted://h/db";

  private final EvercredDriver driver = new EvercredDriver();

  /** Loads the SDK, which can take longer than some limits here. */
  @BeforeAll
  static void loadSdk(LocalSecretsManager secrets) throws SQLException {
    secrets.createSecret("driver/first", FakeSecrets.login("app", "p1"));
    try (ScriptedDriver database = ScriptedDriver.accepting("p1")) {
      assertThat(DriverManager.getConnection(URL, properties(secrets, "driver/first"))).isNotNull();
      assertThat(database.calls).hasSize(1);
    }
  }

  private static Properties properties(LocalSecretsManager secrets, String secretId) {
    var properties = new Properties();
    properties.setProperty("user", secretId);
    properties.setProperty("evercred.endpoint", secrets.endpoint().toString());
    return properties;
  }

  private static Logins shared(LocalSecretsManager secrets) throws SQLException {
    return Logins.shared(
        Map.of("endpoint", new Settings.Found(secrets.endpoint().toString(), "a test", true)));
  }

  @ParameterizedTest
  @CsvSource(
      nullValues = "-",
      value = {
        "jdbc:evercred:postgresql://h/db, true",
        "jdbc:evercred:, true",
        "jdbc:evercred:anything at all, true",
        "jdbc-secretsmanager:postgresql://h/db, true",
        "jdbc-secretsmanager:, true",
        "jdbc:evercred, false",
        "jdbc:evercredpostgresql://h/db, false",
        "JDBC:EVERCRED:postgresql://h/db, false",
        "jdbc-secretsmanager, false",
        "' jdbc:evercred:x', false",
        "jdbc:postgresql://h/db, false",
        "jdbc:aws-wrapper:postgresql://h/db, false",
        "prod/orders/db, false",
        "'', false",
        "-, false"
      })
  void acceptsUrl_byPrefix_exactly(@Nullable String url, boolean expected) throws SQLException {
    assertThat(driver.acceptsURL(url)).isEqualTo(expected);
    if (!expected && url != null) {
      assertThat(driver.connect(url, new Properties())).isNull();
    }
  }

  @Test
  void connect_nullUrl_isAnSqlException() {
    assertThatThrownBy(() -> driver.connect(null, null)).isInstanceOf(SQLException.class);
  }

  @Test
  void connect_noSecretId_refused() {
    assertThatThrownBy(() -> driver.connect("jdbc:evercred:postgresql://h/db", null))
        .isInstanceOf(SQLNonTransientConnectionException.class)
        .hasMessageContaining("no secret to log in with");
  }

  @Test
  void driverManager_serviceFile_findsUs() throws SQLException {
    assertThat(DriverManager.getDriver(URL)).isInstanceOf(EvercredDriver.class);
    assertThat(DriverManager.getDriver("jdbc-secretsmanager:postgresql://h/db"))
        .isInstanceOf(EvercredDriver.class);
    assertThat(DriverManager.drivers().filter(d -> d instanceof EvercredDriver)).hasSize(1);
    assertThat(ServiceLoader.load(Driver.class)).anyMatch(found -> found instanceof EvercredDriver);
  }

  @Test
  void driverManager_endpointInProperties_logsInByPartialAndFullName(LocalSecretsManager secrets)
      throws SQLException {
    String arn = secrets.createSecret("driver/arn", FakeSecrets.login("app", "p1"));
    try (ScriptedDriver database = ScriptedDriver.accepting("p1")) {
      for (String id : new String[] {"driver/arn", arn}) {
        assertThat(DriverManager.getConnection(URL, properties(secrets, id))).isNotNull();
      }
      assertThat(database.calls)
          .hasSize(2)
          .allSatisfy(call -> assertThat(call.properties()).containsOnlyKeys("user", "password"));
    }
  }

  @Test
  void driverManager_everythingInUrl_logsIn(LocalSecretsManager secrets) throws SQLException {
    secrets.createSecret("driver/url", FakeSecrets.login("app", "p1"));
    try (ScriptedDriver database = ScriptedDriver.accepting("p1")) {
      String url =
          URL
              + "?a=b&evercred.secretId=driver%2Furl&evercred.region=eu-west-1&evercred.endpoint="
              + secrets.endpoint();
      assertThat(DriverManager.getConnection(url)).isNotNull();
      assertThat(database.only().url()).isEqualTo("jdbc:scripted://h/db?a=b");
    }
  }

  @Test
  void connect_twice_asksSecretsManagerOnce(LocalSecretsManager secrets) throws SQLException {
    secrets.createSecret("driver/once", FakeSecrets.login("app", "p1"));
    try (ScriptedDriver database = ScriptedDriver.accepting("p1")) {
      assertThat(driver.connect(URL, properties(secrets, "driver/once"))).isNotNull();
      assertThat(new EvercredDriver().connect(URL, properties(secrets, "driver/once"))).isNotNull();
      assertThat(database.calls).hasSize(2);
    }
    assertThat(secrets.calls("GetSecretValue", "driver/once")).isEqualTo(1);
  }

  @Test
  void connect_otherFailure_leavesUntouched(LocalSecretsManager secrets) throws SQLException {
    secrets.createSecret("driver/other", FakeSecrets.login("app", "p1"));
    var full = new SQLException("full", "53300", 5);
    try (ScriptedDriver database =
        ScriptedDriver.registered(
            properties -> {
              throw full;
            })) {
      assertThatThrownBy(() -> driver.connect(URL, properties(secrets, "driver/other")))
          .isSameAs(full);
      assertThat(database.calls).hasSize(1);
    }
  }

  @Test
  void connect_refusedToTheEnd_saysSoWithTheDriversOwnSigns(LocalSecretsManager secrets)
      throws SQLException {
    secrets.createSecret("driver/refused", FakeSecrets.login("app", "marker"));
    Properties given = properties(secrets, "driver/refused");
    given.setProperty("evercred.rotationWait", "700ms");
    try (ScriptedDriver database = ScriptedDriver.accepting()) {
      assertThatThrownBy(() -> driver.connect(URL, given))
          .isInstanceOf(java.sql.SQLInvalidAuthorizationSpecException.class)
          .hasMessageContaining("driver/refused")
          .hasMessageContaining("rotationWait")
          .hasMessageNotContaining("marker")
          .hasRootCauseMessage("refused")
          .satisfies(
              e -> {
                assertThat(((SQLException) e).getSQLState()).isEqualTo("28000");
                assertThat(((SQLException) e).getErrorCode()).isEqualTo(7);
              });
      assertThat(database.calls).hasSizeBetween(1, 2);
    }
  }

  @Test
  void connect_noSuchSecret_lastingFailure(LocalSecretsManager secrets) throws SQLException {
    try (ScriptedDriver database = ScriptedDriver.accepting("p1")) {
      assertThatThrownBy(() -> driver.connect(URL, properties(secrets, "driver/nowhere")))
          .isInstanceOf(SQLNonTransientConnectionException.class)
          .hasMessageContaining("driver/nowhere")
          .hasCauseInstanceOf(io.github.evercred.SecretException.class);
      assertThat(database.calls).isEmpty();
    }
  }

  @Test
  void connect_secretsManagerAway_passingFailure(LocalSecretsManager secrets) throws SQLException {
    secrets.createSecret("driver/away", FakeSecrets.login("app", "p1"));
    secrets.inject(Fault.serverError(), Requests.all().secret("driver/away"));
    try (ScriptedDriver database = ScriptedDriver.accepting("p1")) {
      assertThatThrownBy(() -> driver.connect(URL, properties(secrets, "driver/away")))
          .isInstanceOf(SQLTransientConnectionException.class)
          .hasMessageContaining("driver/away");
      assertThat(database.calls).isEmpty();
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          driver/nouser | {"password":"marker"}                      | 'username'
          driver/nopass | {"username":"app","secret":"marker"}       | 'password'
          driver/nojson | marker                                     | not a JSON object
          driver/object | {"username":"app","password":{"x":"marker"}} | 'password'
          """)
  void connect_secretOfAnotherShape_namesTheField(
      String id, String value, String expected, LocalSecretsManager secrets) throws SQLException {
    secrets.createSecret(id, value);
    try (ScriptedDriver database = ScriptedDriver.accepting("p1")) {
      assertThatThrownBy(() -> driver.connect(URL, properties(secrets, id)))
          .isInstanceOf(SQLException.class)
          .hasMessageContaining(id)
          .hasMessageContaining(expected)
          .hasMessageNotContaining("marker");
      assertThat(database.calls).isEmpty();
    }
  }

  @Test
  void deregister_closesTheCaches_laterLoginsGetNewOnes(LocalSecretsManager secrets)
      throws SQLException {
    secrets.createSecret("driver/closed", FakeSecrets.login("app", "p1"));
    Driver registered = DriverManager.getDriver(URL);
    try (ScriptedDriver database = ScriptedDriver.accepting("p1")) {
      assertThat(driver.connect(URL, properties(secrets, "driver/closed"))).isNotNull();
      Logins before = shared(secrets);
      DriverManager.deregisterDriver(registered);
      try {
        assertThat(shared(secrets)).isNotSameAs(before);
        assertThat(driver.connect(URL, properties(secrets, "driver/closed"))).isNotNull();
      } finally {
        DriverManager.registerDriver(registered, Logins::closeShared);
      }
      assertThat(database.calls).hasSize(2);
    }
    assertThat(secrets.calls("GetSecretValue", "driver/closed")).isEqualTo(2);
  }

  @Test
  void logins_ofSharedAndHandedInCaches_canBeMeasured(LocalSecretsManager secrets)
      throws SQLException {
    secrets.createSecret("driver/measured", FakeSecrets.login("app", "p1"));
    Logins.closeShared();
    try (ScriptedDriver database = ScriptedDriver.accepting("p1");
        SecretCache own = new FakeSecrets().put("own", FakeSecrets.login("app", "p1")).cache()) {
      assertThat(driver.connect(URL, properties(secrets, "driver/measured"))).isNotNull();
      SecretCache made = shared(secrets).cache;
      var data = new EvercredDataSource();
      data.setCache(own);
      data.setUrl("jdbc:scripted://h/db");
      data.setSecretId("own");
      assertThat(data.getConnection()).isNotNull();
      assertThat(data.getConnection()).isNotNull();
      assertThat(database.calls).hasSize(3);

      Map<SecretCache, RotationAwareLogin> logins = EvercredDriver.logins();
      assertThat(logins).containsKeys(made, own);
      var registry = new SimpleMeterRegistry();
      logins.forEach(
          (cache, login) ->
              EvercredMetrics.of(cache, cache == own ? "own" : "c" + System.identityHashCode(cache))
                  .logins(login)
                  .bindTo(registry));
      assertThat(
              registry
                  .get("evercred.logins")
                  .tags("cache", "own", "result", "succeeded")
                  .functionCounter()
                  .count())
          .isEqualTo(2);
      assertThat(Objects.requireNonNull(logins.get(made)).statistics().succeeded()).isEqualTo(1);

      Logins.closeShared();
      assertThat(EvercredDriver.logins()).doesNotContainKey(made).containsKey(own);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          evercred.refreshAfter   | 10 minutes
          evercred.attemptTimeout | 30s
          """)
  void connect_systemPropertyOfTheCacheMakesNoSense_saysWhichAsSqlException(
      String property, String value, LocalSecretsManager secrets) throws SQLException {
    secrets.createSecret("driver/" + property, FakeSecrets.login("app", "p1"));
    Properties given = properties(secrets, "driver/" + property);
    Logins.closeShared();
    try (ScriptedDriver database = ScriptedDriver.accepting("p1")) {
      System.setProperty(property, value);
      try {
        assertThatThrownBy(() -> driver.connect(URL, given))
            .isInstanceOf(SQLNonTransientConnectionException.class)
            .hasMessageContaining("system property " + property)
            .hasCauseInstanceOf(RuntimeException.class);
      } finally {
        System.clearProperty(property);
      }
      assertThat(database.calls).isEmpty();
      assertThat(driver.connect(URL, given)).as("once it is corrected").isNotNull();
    }
  }

  @Test
  void connect_endpointInSystemPropertyAlone_readsThere(LocalSecretsManager secrets)
      throws SQLException {
    secrets.createSecret("driver/system", FakeSecrets.login("app", "p1"));
    var given = new Properties();
    given.setProperty("user", "driver/system");
    Logins.closeShared();
    System.setProperty("evercred.endpoint", secrets.endpoint().toString());
    try (ScriptedDriver database = ScriptedDriver.accepting("p1")) {
      assertThat(driver.connect(URL, given)).isNotNull();
      Logins.closeShared();
      assertThat(driver.connect(URL, given)).as("after the shared caches were closed").isNotNull();
      assertThat(database.calls).hasSize(2);
    } finally {
      System.clearProperty("evercred.endpoint");
      Logins.closeShared();
    }
    assertThat(secrets.calls("GetSecretValue", "driver/system")).isEqualTo(2);
  }

  @Test
  void getPropertyInfo_ours_describesOursAndTheRealOnesWithoutSecrets() throws SQLException {
    var given = new Properties();
    given.setProperty("user", "s");
    given.setProperty("colour", "red");
    given.setProperty("trustStorePassword", "marker");
    try (ScriptedDriver database = ScriptedDriver.accepting()) {
      DriverPropertyInfo[] infos = driver.getPropertyInfo(URL + "?evercred.rotationWait=3s", given);

      assertThat(infos)
          .extracting(info -> info.name + "=" + info.value)
          .startsWith(
              "evercred.secretId=s",
              "evercred.username=null",
              "evercred.usernameKey=username",
              "evercred.passwordKey=password",
              "evercred.hostKey=host",
              "evercred.portKey=port",
              "evercred.dbnameKey=dbname",
              "evercred.driverClass=null",
              "evercred.failures=null",
              "evercred.rotationWait=3s",
              "evercred.probeTimeout=5s",
              "evercred.loginsAtOnce=unlimited",
              "evercred.refusedLoginsPerMinute=5",
              "evercred.currentOnly=false")
          .contains("evercred.refreshAfter=null", "evercred.region=null")
          .endsWith("trustStorePassword=null", "colour=red")
          .hasSize(Option.values().length + CacheOptions.names().size() + 2);
      assertThat(infos).filteredOn(info -> info.required).hasSize(1);
      assertThat(infos)
          .filteredOn(info -> info.name.startsWith("evercred."))
          .allSatisfy(info -> assertThat(info.description).isNotBlank());
      assertThat(database.calls).isEmpty();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "jdbc:foreign:x",
    "jdbc:evercred:",
    "jdbc:evercred:postgresql://h",
    "jdbc:evercred:nobody:x",
    "jdbc:evercred:postgresql://h/db?evercred.rotationWait=x"
  })
  void getPropertyInfo_incomplete_describesOurs(String url) {
    assertThat(driver.getPropertyInfo(url, null))
        .hasSize(Option.values().length + CacheOptions.names().size());
  }

  @Test
  void getPropertyInfo_valueInTheWrongPlace_notShown() {
    var given = new Properties();
    given.setProperty("evercred.endpoint", "http://u:marker@h");
    given.setProperty("evercred.probeTimeout", "7s");
    assertThat(driver.getPropertyInfo("jdbc:evercred:postgresql://h/db", given))
        .extracting(info -> info.name + "=" + info.value)
        .contains("evercred.probeTimeout=7s", "evercred.endpoint=null");
  }

  @Test
  void getPropertyInfo_postgres_listsItsProperties() {
    assertThat(driver.getPropertyInfo("jdbc:evercred:postgresql://h/db", null))
        .extracting(info -> info.name)
        .contains("evercred.secretId", "sslmode", "ApplicationName")
        .doesNotContain("user", "password");
  }

  @Test
  void figures_always_toldWithoutTheRealDriver() {
    assertThat(driver.getMajorVersion()).isZero();
    assertThat(driver.getMinorVersion()).isEqualTo(1);
    assertThat(driver.jdbcCompliant()).isFalse();
    assertThat(driver.getParentLogger().getName()).isEqualTo("io.github.evercred");
  }
}
