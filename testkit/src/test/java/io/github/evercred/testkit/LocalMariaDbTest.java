package io.github.evercred.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("mariadb")
class LocalMariaDbTest extends MySqlFamilyContract {
  LocalMariaDbTest() {
    super("mariadb", LocalMariaDb.unavailable());
  }

  @Override
  TestDatabase small() {
    return TestDatabase.of(LocalMariaDb.builder().maxConnections(fewest()).start());
  }

  @Override
  int fewest() {
    return 9;
  }

  @Override
  MySqlDialect dialect() {
    return MySqlDialect.MARIADB;
  }

  @Test
  void server_default_isMariaDb11WithItsDefaultPlugin() throws SQLException {
    server.createUser("plain", "p");
    try (Connection admin = server.admin()) {
      assertThat(ask(admin, "SELECT @@version")).startsWith("11.4.");
      assertThat(ask(admin, "SELECT plugin FROM mysql.user WHERE User = 'plain'"))
          .isEqualTo("mysql_native_password");
      assertThat(admin.getMetaData().getDriverName()).contains("MariaDB");
    }
  }

  @Test
  void url_forConnectorJ_logsInToo() throws SQLException {
    server.createUser("other-driver", "p");
    String url = "jdbc:mysql://127.0.0.1:%d/?sslMode=DISABLED".formatted(server.port());
    DriverManager.getConnection(url, "other-driver", "p").close();
    assertThat(server.successful("other-driver")).isEqualTo(1);
  }

  @Test
  void sessions_openAndClosed_areCounted() throws SQLException {
    LocalMariaDb mariaDb = (LocalMariaDb) server.server();
    server.createUser("busy", "p");
    try (Connection one = server.login("busy", "p")) {
      assertThat(mariaDb.sessions("busy")).isEqualTo(1);
      assertThat(one.isClosed()).isFalse();
    }
    assertThat(mariaDb).asString().matches("LocalMariaDb\\[127\\.0\\.0\\.1:\\d+]");
  }

  @Test
  void builder_fewerConnectionsThanMariaDbTakes_areRefused() {
    LocalMariaDb.Builder builder = LocalMariaDb.builder();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder.maxConnections(8))
        .withMessageContaining("9");
  }
}
