package io.github.evercred.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.evercred.testkit.EvercredExtension;
import io.github.evercred.testkit.LocalPostgres;
import io.github.evercred.testkit.LocalSecretsManager;
import io.github.evercred.testkit.Rotation;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Properties;
import javax.sql.XAConnection;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(EvercredExtension.class)
@Timeout(60)
class EvercredXADataSourceTest {

  private static EvercredXADataSource dataSource(
      String user, LocalSecretsManager secrets, LocalPostgres postgres) {
    var dataSource = new EvercredXADataSource();
    dataSource.setUrl(postgres.jdbcUrl("postgres") + "?sslmode=disable");
    dataSource.setSecretId(user);
    dataSource.setEndpoint(secrets.endpoint().toString());
    return dataSource;
  }

  private static String ask(XAConnection xa, String question) throws SQLException {
    try (Connection connection = xa.getConnection();
        Statement statement = connection.createStatement();
        ResultSet answer = statement.executeQuery(question)) {
      answer.next();
      return answer.getString(1);
    } finally {
      xa.close();
    }
  }

  @Test
  void getXaConnection_inTheWindow_logsInWithPending(
      LocalSecretsManager secrets, LocalPostgres postgres) throws SQLException {
    postgres.createUser("xa", "first");
    secrets.createSecret("xa", FakeSecrets.login("xa", "first"));
    EvercredXADataSource dataSource = dataSource("xa", secrets, postgres);
    Properties properties = new Properties();
    properties.setProperty("ApplicationName", "x & y");
    dataSource.setProperties(properties);
    assertThat(ask(dataSource.getXAConnection(), "show application_name")).isEqualTo("x & y");

    Rotation rotation = Rotation.singleUser(secrets, "xa", postgres::adminConnection);
    rotation.createSecret();
    rotation.setSecret();

    XAConnection xa = dataSource.getXAConnection();
    assertThat(xa.getClass().getName()).startsWith("org.postgresql.");
    assertThat(xa.getXAResource()).isNotNull();
    assertThat(ask(xa, "select current_user")).isEqualTo("xa");
    assertThat(ask(dataSource.getXAConnection("xa", ""), "select 1")).isEqualTo("1");
    assertThat(postgres.refusedLogins("xa")).isEqualTo(1);
  }

  @Test
  void getXaConnection_passwordGiven_refused(LocalSecretsManager secrets, LocalPostgres postgres) {
    EvercredXADataSource dataSource = dataSource("xa_password", secrets, postgres);
    assertThatThrownBy(() -> dataSource.getXAConnection("s", "marker"))
        .isInstanceOf(SQLException.class)
        .hasMessageContaining("leave the password out")
        .hasMessageNotContaining("marker");
  }

  @Test
  void getXaConnection_driverWithoutXa_saysSo(LocalSecretsManager secrets) throws SQLException {
    secrets.createSecret("xa_none", FakeSecrets.login("app", "p1"));
    var dataSource = new EvercredXADataSource();
    dataSource.setUrl("jdbc:scripted://h/db");
    dataSource.setUser("xa_none");
    dataSource.setPassword("");
    dataSource.setOptions("endpoint=" + secrets.endpoint() + "; rotationWait = 3s ;");
    try (ScriptedDriver database = ScriptedDriver.accepting("p1")) {
      assertThatThrownBy(dataSource::getXAConnection)
          .isInstanceOf(SQLException.class)
          .hasMessageContaining("no XADataSource");
      assertThat(database.calls).isEmpty();
    }
    assertThat(dataSource).asString().startsWith("EvercredXADataSource[secret xa_none at scripted");
  }

  @Test
  void setters_valuesThatMakeNoSense_refusedAtOnce() {
    var dataSource = new EvercredXADataSource();
    assertThatThrownBy(() -> dataSource.setPassword("marker"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageNotContaining("marker");
    assertThatThrownBy(() -> dataSource.setOptions("nonsense=1"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("evercred.refreshAfter");
    assertThatThrownBy(() -> dataSource.setOptions("refreshAfter"))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> dataSource.setOptions("refreshAfter=never"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("refreshAfter must be");
    assertThatThrownBy(() -> dataSource.setRole("admin"))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(dataSource::getXAConnection)
        .isInstanceOf(SQLException.class)
        .hasMessageContaining("no url");
  }
}
