package io.github.evercred.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.evercred.SecretCache;
import io.github.evercred.SecretException;
import io.github.evercred.SecretValue;
import io.github.evercred.Target;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a secret says beside user name and password, and what it may not. */
@Timeout(30)
class SecretPlaceTest {

  private static Plan.Place place(String url, String json) throws SQLException {
    return Plan.of(url, null).at(SecretValue.builder("s", "v1").text(json));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          jdbc:evercred:postgresql:              | {"host":"h","port":1,"dbname":"d"}      | jdbc:postgresql://h:1/d
          jdbc:evercred:postgresql:              | {"host":"h","port":"1","dbname":"d"}    | jdbc:postgresql://h:1/d
          jdbc-secretsmanager:postgresql://      | {"host":"h"}                            | jdbc:postgresql://h:5432/
          jdbc:evercred:postgresql:?sslmode=require | {"host":"h","dbname":"d"}            | jdbc:postgresql://h:5432/d?sslmode=require
          jdbc:evercred:postgresql:              | {"host":"::1","dbname":"d"}             | jdbc:postgresql://[::1]:5432/d
          jdbc:evercred:postgresql:              | {"host":"[fe80::1]","port":" 7 "}       | jdbc:postgresql://[fe80::1]:7/
          jdbc:evercred:postgresql:              | {"host":"h","dbname":"d?socketFactory=x&a=b"} | jdbc:postgresql://h:5432/d%3FsocketFactory%3Dx%26a%3Db
          jdbc:evercred:postgresql:              | {"host":"h","dbname":"a b/c"}           | jdbc:postgresql://h:5432/a%20b%2Fc
          jdbc:evercred:                         | {"engine":"postgres","host":"h"}        | jdbc:postgresql://h:5432/
          jdbc:evercred:?a=b                     | {"engine":"Aurora-PostgreSQL","host":"h"} | jdbc:postgresql://h:5432/?a=b
          jdbc:evercred:p6spy:postgresql:        | {"host":"h"}                            | jdbc:p6spy:postgresql://h:5432/
          jdbc:evercred:postgresql://mine:2/d    | {"host":"h","port":1,"dbname":"other"}  | jdbc:postgresql://mine:2/d
          """)
  void place_secretSaysWhere_standsInTheUrl(String url, String json, String expected)
      throws SQLException {
    Plan.Place place = place(url, json);
    assertThat(place.url().text()).isEqualTo(expected);
    assertThat(place.target().engine()).isEqualTo("postgresql");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "h?socketFactory=marker",
        "h/db",
        "h:1",
        "h,marker",
        "h marker",
        "",
        " ",
        "h#",
        "-h",
        "[::1]:5",
        "marker@h",
        "h;x",
        "h\\nmarker",
        "[::1",
        "::1%25eth0",
        "(marker)"
      })
  void place_hostIsNoHost_refusedWithoutQuotingIt(String host) {
    assertThatThrownBy(
            () ->
                place("jdbc:evercred:postgresql:", "{\"host\":\"" + host + "\",\"dbname\":\"d\"}"))
        .isInstanceOf(SQLException.class)
        .hasMessageContaining("Secret 's' (version v1) does not say where the database is")
        .hasMessageNotContaining("marker");
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "65536", "-1", "\"x\"", "1.5", "\"5432/marker\"", "true"})
  void place_portIsNoPort_refusedWithoutQuotingIt(String port) {
    assertThatThrownBy(
            () -> place("jdbc:evercred:postgresql:", "{\"host\":\"h\",\"port\":" + port + "}"))
        .isInstanceOf(SQLException.class)
        .hasMessageContaining("1 to 65535")
        .hasMessageNotContaining("marker");
  }

  @Test
  void place_secretThatRdsManages_saysThatTheUrlMustHaveTheHost() {
    assertThatThrownBy(
            () ->
                place(
                    "jdbc:evercred:postgresql:", "{\"username\":\"app\",\"password\":\"marker\"}"))
        .isInstanceOf(SecretException.class)
        .hasMessageContaining("'host'")
        .hasMessageContaining("RDS manages")
        .hasMessageContaining("://host:port/database")
        .hasMessageNotContaining("marker");
  }

  @Test
  void place_engineUnknownOrAnother_refused() {
    assertThatThrownBy(() -> place("jdbc:evercred:", "{\"host\":\"h\"}"))
        .isInstanceOf(SQLException.class)
        .hasMessageContaining("no field 'engine'");
    assertThatThrownBy(() -> place("jdbc:evercred:", "{\"engine\":\"mongo\",\"host\":\"h\"}"))
        .isInstanceOf(SQLException.class)
        .hasMessageContaining("known here");
  }

  @Test
  void place_keysRenamed_readUnderTheirNames() throws SQLException {
    var given = new Properties();
    given.setProperty("evercred.hostKey", "endpoint");
    given.setProperty("evercred.portKey", "p");
    given.setProperty("evercred.dbnameKey", "database");
    given.setProperty("evercred.usernameKey", "db-user");
    given.setProperty("evercred.passwordKey", "db-pass");
    Plan plan = Plan.of("jdbc:evercred:postgresql:", given);
    SecretValue value =
        SecretValue.builder("s", "v1")
            .text(
                "{\"endpoint\":\"h\",\"p\":7,\"database\":\"d\",\"db-user\":\"u\",\"db-pass\":\"w\"}");

    assertThat(plan.at(value).url().text()).isEqualTo("jdbc:postgresql://h:7/d");
    assertThat(plan.credential().userName(value)).isEqualTo("u");
    assertThat(plan.credential().password(value)).isEqualTo("w");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          p@ss word                              | app   | p@ss word
          {not json                              | app   | {not json
          [1]                                    | app   | [1]
          {"password":"p"}                       | app   | p
          {"username":"own","password":"p"}      | own   | p
          """)
  void credential_userNameGiven_plainTextIsThePassword(String text, String user, String password)
      throws SQLException {
    Credential credential =
        Plan.of("jdbc:evercred:other:x?evercred.username=app", null).credential();
    SecretValue value = SecretValue.builder("s", "v1").text(text);
    assertThat(credential.userName(value)).isEqualTo(user);
    assertThat(credential.password(value)).isEqualTo(password);
    assertThat(credential.asksForTls(value)).isFalse();
  }

  @Test
  void credential_jsonWithoutPasswordThoughUserNameGiven_refused() throws SQLException {
    Credential credential =
        Plan.of("jdbc:evercred:other:x?evercred.username=app", null).credential();
    SecretValue value = SecretValue.builder("s", "v1").text("{\"key\":\"marker\"}");
    assertThatThrownBy(() -> credential.password(value))
        .isInstanceOf(SecretException.class)
        .hasMessageContaining("evercred.passwordKey")
        .hasMessageNotContaining("marker");
  }

  @Test
  void connect_placeInTheSecret_targetIsTheResolvedOne() throws SQLException {
    var secrets =
        new FakeSecrets()
            .put(
                "s",
                "{\"username\":\"u\",\"password\":\"p1\",\"engine\":\"postgres\",\"host\":\"H\"}");
    try (SecretCache cache = secrets.cache();
        ScriptedDriver driver = ScriptedDriver.accepting("p1")) {
      Properties given = new Properties();
      given.setProperty("evercred.driverClass", "no.such.Driver");
      Plan plan = Plan.of("jdbc:evercred:?user=s", given);
      assertThat(plan.target()).isNull();
      assertThat(plan.at(cache.get("s")).target())
          .isEqualTo(new Target("postgresql", List.of("h:5432"), null));
      assertThatThrownBy(() -> plan.connect(Logins.of(cache), 0))
          .isInstanceOf(SQLException.class)
          .hasMessageContaining("no.such.Driver");
      assertThat(driver.calls).isEmpty();
    }
  }

  private static String at(String host, String password) {
    return "{\"username\":\"app\",\"password\":\"%s\",\"host\":\"%s\"}".formatted(password, host);
  }

  private static DatabaseEngine placed() {
    return DatabaseEngine.named("scripted").addressFromSecret("//{host}:{port}/db", 7).build();
  }

  @Test
  void connect_anotherVersionNamesAnotherHost_isNeverLoggedInTo() throws SQLException {
    var secrets =
        new FakeSecrets()
            .put("s", "AWSCURRENT", "v2", at("new-db", "new"))
            .put("s", "AWSPREVIOUS", "v1", at("old-db", "old"))
            .put("s", "AWSPENDING", "v3", at("next-db", "next"));
    DatabaseEngine engine = placed();
    engine.register();
    try (SecretCache cache = secrets.cache();
        ScriptedDriver database = ScriptedDriver.accepting("old", "next")) {
      Plan plan = Plan.of("jdbc:evercred:scripted:?user=s&evercred.rotationWait=1500ms", null);
      assertThatThrownBy(() -> plan.connect(Logins.of(cache), 0))
          .isInstanceOf(java.sql.SQLInvalidAuthorizationSpecException.class)
          .hasMessageContaining("AWSPENDING cannot be used");
      assertThat(database.calls)
          .isNotEmpty()
          .allSatisfy(call -> assertThat(call.url()).isEqualTo("jdbc:scripted://new-db:7/db"));
    } finally {
      engine.deregister();
    }
  }

  @Test
  void connect_oldHostIsGoneAndTheSecretNamesAnother_goesThereInTheSameLogin() throws SQLException {
    var secrets = new FakeSecrets().put("s", "AWSCURRENT", "v1", at("old-db", "p"));
    DatabaseEngine engine = placed();
    engine.register();
    List<String> urls = new ArrayList<>();
    try (SecretCache cache = secrets.cache();
        ScriptedDriver database =
            ScriptedDriver.registered(
                properties -> {
                  if (urls.size() == 1) {
                    throw new SQLException("no route", "08001");
                  }
                  return ScriptedDriver.connection();
                })) {
      cache.get("s");
      secrets.put("s", "AWSCURRENT", "v2", at("new-db", "p"));
      Plan plan = Plan.of("jdbc:evercred:scripted:?user=s", null);
      urls.add("first");
      assertThat(connectOnceGone(plan, cache, urls)).isNotNull();
      assertThat(database.calls)
          .extracting(ScriptedDriver.Call::url)
          .containsExactly("jdbc:scripted://old-db:7/db", "jdbc:scripted://new-db:7/db");
      assertThat(secrets.calls).hasValue(2);
    } finally {
      engine.deregister();
    }
  }

  private static Connection connectOnceGone(Plan plan, SecretCache cache, List<String> urls)
      throws SQLException {
    return plan.login(
        Logins.of(cache),
        0,
        (url, driver, properties, remaining) -> {
          try {
            return RealLogin.connect(url, driver, properties, remaining);
          } finally {
            urls.add(url.text());
          }
        });
  }

  @Test
  void connect_ownErrorUnderACodeThatWasTold_isNoRefusal() throws SQLException {
    try (SecretCache cache = new FakeSecrets().put("s", FakeSecrets.login("a", "b")).cache();
        ScriptedDriver database = ScriptedDriver.registered(properties -> null)) {
      Plan plan =
          Plan.of(
              "jdbc:evercred:scripted://h/db?user=s&evercred.failures=08001%3Dcredential", null);
      assertThatThrownBy(() -> plan.connect(Logins.of(cache), 0))
          .isInstanceOf(java.sql.SQLNonTransientConnectionException.class)
          .hasMessageContaining("does not take this URL");
      assertThat(database.calls).hasSize(1);
    }
  }

  @Test
  void place_postgresPropertyHost_isNothingToTheDriver() throws SQLException {
    var given = new Properties();
    given.setProperty("host", "db1");
    assertThat(Plan.of("jdbc:evercred:postgresql:", given).target()).isNull();
    given.setProperty("PGHOST", "db1");
    assertThat(Plan.of("jdbc:evercred:postgresql:", given).target())
        .isEqualTo(new Target("postgresql", List.of("db1:5432"), null));
  }

  @Test
  void told_codesOfFailures_comeBeforeTheEngine() throws SQLException {
    Credential credential =
        Plan.of(
                "jdbc:evercred:other:x?evercred.failures=390100%3Dcredential,28000%3Dother,08p01%3Dlocked",
                null)
            .credential();
    assertThat(credential.told(new SQLException("x", "08001", 390100)))
        .isEqualTo(io.github.evercred.FailureKind.CREDENTIAL);
    assertThat(credential.told(new SQLException("x", "28000", 1)))
        .isEqualTo(io.github.evercred.FailureKind.OTHER);
    assertThat(credential.told(new SQLException("x", "08P01", 1)))
        .isEqualTo(io.github.evercred.FailureKind.LOCKED_OR_DENIED);
    assertThat(credential.told(new SQLException("x"))).isNull();
  }
}
