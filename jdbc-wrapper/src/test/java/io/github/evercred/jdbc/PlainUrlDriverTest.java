package io.github.evercred.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.evercred.SecretCache;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.SQLNonTransientConnectionException;
import java.util.Properties;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(30)
class PlainUrlDriverTest {
  private final SecretCache cache =
      new FakeSecrets().put("s", FakeSecrets.login("app", "p1")).cache();
  private final PlainUrlDriver driver = new PlainUrlDriver(cache);

  @AfterEach
  void close() {
    cache.close();
  }

  private static Properties user(String secretId) {
    var properties = new Properties();
    properties.setProperty("user", secretId);
    return properties;
  }

  @ParameterizedTest
  @CsvSource({
    "jdbc:scripted://h/db?a=b",
    "jdbc:evercred:scripted://h/db?a=b",
    "jdbc-secretsmanager:scripted://h/db?a=b"
  })
  void connect_anyForm_realDriverGetsItsOwnUrl(String url) throws SQLException {
    try (ScriptedDriver database = ScriptedDriver.accepting("p1")) {
      Connection connection = driver.connect(url, user("s"));
      assertThat(connection).isNotNull();
      assertThat(database.only().url()).isEqualTo("jdbc:scripted://h/db?a=b");
    }
  }

  @Test
  void connect_noSecretId_neverALoginWithoutOne() throws SQLException {
    try (ScriptedDriver database = ScriptedDriver.accepting("p1")) {
      assertThatThrownBy(() -> driver.connect("jdbc:scripted://h/db", null))
          .isInstanceOf(SQLNonTransientConnectionException.class)
          .hasMessageContaining("no secret to log in with");
      assertThat(database.calls).isEmpty();
    }
  }

  @Test
  void connect_passwordBesideIt_refused() {
    Properties given = user("app");
    given.setProperty("password", "marker");
    assertThatThrownBy(() -> driver.connect("jdbc:scripted://h/db", given))
        .isInstanceOf(SQLNonTransientConnectionException.class)
        .hasMessageContaining("leave the password out")
        .hasMessageNotContaining("marker");
  }

  @Test
  void connect_secretIdInPlaceOfTheUrl_secretSaysAll() throws SQLException {
    try (SecretCache all =
        new FakeSecrets()
            .put("a/b", "{\"username\":\"u\",\"password\":\"p\",\"engine\":\"nosuch\"}")
            .cache()) {
      assertThatThrownBy(() -> new PlainUrlDriver(all).connect("a/b", null))
          .isInstanceOf(SQLException.class)
          .hasMessageContaining("no field 'engine' that is known");
      assertThatThrownBy(() -> new PlainUrlDriver(all).connect("a/b", user("other")))
          .isInstanceOf(SQLException.class)
          .hasMessageContaining("differ");
    }
  }

  @ParameterizedTest
  @CsvSource(
      nullValues = "-",
      value = {"-, false", "'', false", "' ', false", "jdbc:x:y, true"})
  void acceptsUrl_anythingButNothing(@Nullable String url, boolean expected) throws SQLException {
    assertThat(driver.acceptsURL(url)).isEqualTo(expected);
    if (!expected && url != null) {
      assertThat(driver.connect(url, null)).isNull();
    }
  }

  @Test
  void connect_nullUrl_isAnSqlException() {
    assertThatThrownBy(() -> driver.connect(null, null)).isInstanceOf(SQLException.class);
  }

  @Test
  void driverManager_neverKnowsIt() throws ClassNotFoundException {
    Class.forName(PlainUrlDriver.class.getName());
    assertThat(DriverManager.drivers().filter(d -> d instanceof PlainUrlDriver)).isEmpty();
    assertThatThrownBy(() -> DriverManager.getConnection("jdbc:scripted://h/db", "s", ""))
        .isInstanceOf(SQLException.class)
        .hasMessageContaining("No suitable driver");
  }

  @Test
  void getPropertyInfo_plainUrl_describesOursAndTheRealOnes() {
    assertThat(driver.getPropertyInfo("jdbc:postgresql://h/db", null))
        .extracting(info -> info.name)
        .contains("evercred.secretId", "evercred.refreshAfter", "sslmode")
        .doesNotContain("user", "password");
    assertThat(driver.getPropertyInfo("", null))
        .extracting(info -> info.name)
        .hasSizeGreaterThan(9);
  }
}
