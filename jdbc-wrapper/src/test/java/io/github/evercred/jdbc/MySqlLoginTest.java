package io.github.evercred.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.evercred.testkit.LocalMySql;
import io.github.evercred.testkit.LocalSecretsManager;
import io.github.evercred.testkit.Rotation;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;
import javax.sql.XAConnection;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.opentest4j.TestAbortedException;

/** Single logins to a real MySQL, what its real driver says, and what a login leaves behind. */
@Timeout(60)
class MySqlLoginTest {
  private static LocalSecretsManager secrets;
  private static LocalMySql mysql;

  @BeforeAll
  static void start() {
    Optional<String> unavailable = LocalMySql.unavailable();
    if (unavailable.isPresent()) {
      throw new TestAbortedException(unavailable.get());
    }
    secrets = LocalSecretsManager.start();
    mysql = LocalMySql.start();
  }

  @AfterAll
  static void stop() {
    if (mysql != null) {
      mysql.close();
      secrets.close();
    }
  }

  private static Rotation user(String name) throws SQLException {
    mysql.createUser(name, "first");
    secrets.createSecret(
        name,
        "{\"username\":\"%s\",\"password\":\"first\",\"engine\":\"mysql\",\"host\":\"%s\",\"port\":\"%d\"}"
            .formatted(name, mysql.host(), mysql.port()));
    return Rotation.singleUser(secrets, name, mysql::adminConnection);
  }

  private static Properties properties(String secretId) {
    var properties = new Properties();
    properties.setProperty("user", secretId);
    properties.setProperty("evercred.endpoint", secrets.endpoint().toString());
    return properties;
  }

  private static Connection connect(String url, Properties properties) throws SQLException {
    return Objects.requireNonNull(new PlainUrlDriver().connect(url, properties));
  }

  private static String ask(Connection connection, String question) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet answer = statement.executeQuery(question)) {
      answer.next();
      return answer.getString(1);
    }
  }

  @Test
  void connect_inTheWindow_costsOneRefusedLogin() throws SQLException {
    Rotation rotation = user("my_window");
    String url = mysql.jdbcUrl("");
    connect(url, properties("my_window")).close();
    rotation.createSecret();
    rotation.setSecret();

    connect(url, properties("my_window")).close();
    connect(url, properties("my_window")).close();
    rotation.testSecret();
    rotation.finishSecret();
    connect(url, properties("my_window")).close();

    assertThat(mysql.refusedLogins("my_window")).isEqualTo(1);
  }

  /** A login is bounded by the 1.5 s that it may take, and a query is not. */
  @Test
  void connect_readsAreBoundedForTheLogin_queriesTakeTheirTime() throws SQLException {
    user("my_reads");
    Properties given = properties("my_reads");
    given.setProperty("evercred.rotationWait", "1500ms");
    connect(mysql.jdbcUrl(""), properties("my_reads")).close(); // The SDK is loaded by now.
    try (Connection connection = connect(mysql.jdbcUrl(""), given)) {
      assertThat(connection.getNetworkTimeout()).isZero();
      assertThat(ask(connection, "select sleep(2)")).isEqualTo("0");
    }
    given.setProperty("socketTimeout", "60000");
    try (Connection connection = connect(mysql.jdbcUrl(""), given)) {
      assertThat(connection.getNetworkTimeout()).as("the caller's own").isEqualTo(60_000);
    }
  }

  @Test
  void getXaConnection_readsAreBoundedForTheLogin_queriesTakeTheirTime() throws SQLException {
    user("my_xa");
    var dataSource = new EvercredXADataSource();
    dataSource.setUrl(mysql.jdbcUrl(""));
    dataSource.setSecretId("my_xa");
    dataSource.setEndpoint(secrets.endpoint().toString());
    XAConnection xa = dataSource.getXAConnection();
    try (Connection connection = xa.getConnection()) {
      assertThat(connection.getNetworkTimeout()).isZero();
      assertThat(ask(connection, "select current_user()")).startsWith("my_xa@");
      assertThat(xa.getXAResource()).isNotNull();
    } finally {
      xa.close();
    }
  }

  @Test
  void connect_placeAndEngineInTheSecret_logsInThere() throws SQLException {
    user("my_place");
    String local = mysql.jdbcUrl("");
    String parameters = local.contains("?") ? local.substring(local.indexOf('?')) : "";
    try (Connection connection = connect("jdbc:evercred:" + parameters, properties("my_place"))) {
      assertThat(ask(connection, "select current_user()")).startsWith("my_place@");
    }
  }

  @Test
  void connect_lockedAccount_toldAndNotTriedAgain() throws SQLException {
    user("my_locked");
    connect(mysql.jdbcUrl(""), properties("my_locked")).close();
    mysql.execute("ALTER USER 'my_locked' ACCOUNT LOCK");
    assertThatThrownBy(() -> connect(mysql.jdbcUrl(""), properties("my_locked")))
        .isInstanceOf(SQLException.class)
        .satisfies(e -> assertThat(((SQLException) e).getErrorCode()).isEqualTo(3118));
    long tried = mysql.refusedLogins("my_locked");
    assertThatThrownBy(() -> connect(mysql.jdbcUrl(""), properties("my_locked")))
        .isInstanceOf(java.sql.SQLInvalidAuthorizationSpecException.class)
        .hasMessageContaining("locked or denied");
    assertThat(mysql.refusedLogins("my_locked")).isEqualTo(tried);
  }

  @Test
  void connect_unknownDatabase_isNoMatterOfThePassword() throws SQLException {
    user("my_database");
    assertThatThrownBy(() -> connect(mysql.jdbcUrl("nowhere"), properties("my_database")))
        .isInstanceOf(SQLException.class)
        .satisfies(e -> assertThat(((SQLException) e).getErrorCode()).isIn(1044, 1049));
    connect(mysql.jdbcUrl(""), properties("my_database")).close();
    assertThat(mysql.refusedLogins("my_database")).isZero();
  }
}
