package io.github.evercred.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Locale;
import org.h2.tools.Server;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A rotation on an H2 server. */
class H2RotationTest extends RotationContract {
  private static final String DATABASE = "mem:rotation";

  private Server server;
  private Connection keepsItOpen;

  H2RotationTest() {
    super("h2", 28000);
  }

  @BeforeAll
  void start() throws SQLException {
    server = Server.createTcpServer("-tcpPort", "0", "-ifNotExists").start();
    keepsItOpen = admin();
    execute(
        "CREATE SCHEMA \"sh\"\"op\"",
        "CREATE TABLE \"sh\"\"op\".orders (id INT)",
        "INSERT INTO \"sh\"\"op\".orders VALUES (7)");
  }

  @AfterAll
  void stop() throws SQLException {
    keepsItOpen.close();
    server.stop();
  }

  @Override
  Connection admin() throws SQLException {
    return DriverManager.getConnection(url(), "sa", "boss");
  }

  @Override
  String host() {
    return "127.0.0.1";
  }

  @Override
  int port() {
    return server.getPort();
  }

  @Override
  String database() {
    return DATABASE;
  }

  @Override
  String url() {
    return "jdbc:h2:tcp://127.0.0.1:%d/%s".formatted(port(), DATABASE);
  }

  @Override
  void createUser(String user, String password) throws SQLException {
    try (Connection admin = admin()) {
      H2Dialect.INSTANCE.createUser(admin, user, password);
    }
  }

  @Override
  void grant(String user) throws SQLException {
    execute(
        "GRANT SELECT, UPDATE ON \"sh\"\"op\".orders TO \"%s\""
            .formatted(user.toUpperCase(Locale.ENGLISH).replace("\"", "\"\"")));
  }

  @Override
  String protectedRow() {
    return "SELECT id FROM \"sh\"\"op\".orders";
  }

  @Test
  void grantRights_roleSchemaAndDatabase_areCopied() throws Exception {
    String secret = newSecret("roles");
    execute(
        "CREATE ROLE \"re'ader\"",
        "GRANT SELECT ON \"sh\"\"op\".orders TO \"re'ader\"",
        "GRANT \"re'ader\" TO roles",
        "CREATE SCHEMA other",
        "CREATE TABLE other.t AS SELECT 8 AS id",
        "GRANT SELECT ON SCHEMA other TO roles",
        "GRANT ALTER ANY SCHEMA TO roles");
    alternating(secret).rotate();
    try (Connection clone = login(secret, "AWSCURRENT")) {
      assertThat(ask(clone, protectedRow())).isEqualTo("7");
      assertThat(ask(clone, "SELECT id FROM other.t")).isEqualTo("8");
      clone.createStatement().execute("CREATE SCHEMA made_by_clone");
    }
  }

  @Test
  void grantRights_administrator_isCopied() throws Exception {
    String secret = newSecret("chief");
    execute("ALTER USER chief ADMIN TRUE");
    alternating(secret).rotate();
    try (Connection clone = login(secret, "AWSCURRENT")) {
      clone.createStatement().execute("CREATE USER made_by_chief PASSWORD 'x'");
    }
  }

  @Test
  void createUser_whoExists_failsWithoutShowingThePassword() throws Exception {
    createUser("twice", "planted-pw-4711");
    assertThatThrownBy(() -> createUser("twice", "planted-pw-4711"))
        .isInstanceOf(SQLException.class)
        .hasMessageContaining("TWICE")
        .hasMessageNotContaining("4711");
  }
}
