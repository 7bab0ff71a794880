package io.github.evercred.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class LocalMySqlTest extends MySqlFamilyContract {
  LocalMySqlTest() {
    super("mysql", LocalMySql.unavailable());
  }

  @Override
  TestDatabase small() {
    return TestDatabase.of(LocalMySql.builder().maxConnections(fewest()).start());
  }

  @Override
  int fewest() {
    return 2;
  }

  @Override
  MySqlDialect dialect() {
    return MySqlDialect.MYSQL;
  }

  private LocalMySql mysql() {
    return (LocalMySql) server.server();
  }

  @Test
  void server_default_isMySql8WithItsDefaultPlugin() throws SQLException {
    server.createUser("plain", "p");
    try (Connection admin = server.admin()) {
      assertThat(ask(admin, "SELECT @@version")).startsWith("8.0.");
      assertThat(ask(admin, "SELECT plugin FROM mysql.user WHERE User = 'plain'"))
          .isEqualTo("caching_sha2_password");
      assertThat(admin.getMetaData().getDriverName()).contains("MySQL Connector/J");
    }
    assertThat(mysql()).asString().matches("LocalMySql\\[127\\.0\\.0\\.1:\\d+]");
  }

  @Test
  void sessions_openAndClosed_areCounted() throws SQLException {
    server.createUser("busy", "p");
    assertThat(mysql().sessions("busy")).isZero();
    try (Connection one = server.login("busy", "p");
        Connection two = server.login("busy", "p")) {
      assertThat(mysql().sessions("busy")).isEqualTo(2);
      assertThat(one.isClosed() || two.isClosed()).isFalse();
    }
    try (Connection admin = server.admin()) {
      assertThat(mysql().sessions(mysql().adminUser())).isEqualTo(1);
      assertThat(admin.isClosed()).isFalse();
    }
  }

  @Test
  void login_lockedExpiredOrBlockedAccount_isCountedOnceEach() throws SQLException {
    server.createUser("locked", "p");
    server.createUser("expired", "p");
    server.createUser("blocked", "p");
    server.execute(
        "ALTER USER locked ACCOUNT LOCK; ALTER USER expired PASSWORD EXPIRE;"
            + " ALTER USER blocked FAILED_LOGIN_ATTEMPTS 1 PASSWORD_LOCK_TIME 1");
    assertRefused(3118, "locked", "p");
    assertRefused(1862, "expired", "p");
    assertRefused(3955, "blocked", "x");
    assertRefused(3955, "blocked", "p");
    assertThat(server.refused("locked")).isEqualTo(1);
    assertThat(server.refused("expired")).isEqualTo(1);
    assertThat(server.refused("blocked")).isEqualTo(2);
    assertThat(server.successful("blocked")).isZero();
  }

  @Test
  void login_nameLongerThanTheLogsField_isCounted() throws SQLException {
    String name = "ö".repeat(32);
    server.createUser(name, "p");
    assertRefused(1045, name, "x");
    assertThat(server.refused(name)).isEqualTo(1);
  }

  @Test
  void start_settingThatTheServerRefuses_failsWithTheServersWords() {
    LocalMySql.Builder builder = LocalMySql.builder().setting("no_such_variable", "1");
    assertThatThrownBy(builder::start)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("did not start")
        .hasMessageContaining("unknown variable 'no_such_variable=1'");
  }

  @Test
  void setting_ofTheServer_isInForce() throws SQLException {
    try (LocalMySql other = LocalMySql.builder().setting("wait_timeout", "77").start();
        Connection admin = other.adminConnection()) {
      assertThat(ask(admin, "SELECT @@GLOBAL.wait_timeout")).isEqualTo("77");
      assertThat(other.port()).isNotEqualTo(server.port());
    }
  }

  @Test
  void builder_valuesOutOfRange_areRefused() {
    LocalMySql.Builder builder = LocalMySql.builder();
    assertThatIllegalArgumentException().isThrownBy(() -> builder.maxConnections(0));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder.startTimeout(Duration.ofMillis(999)));
    for (String name : List.of("port", "log_error", "general_log", "Bind_Address", "a b")) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> builder.setting(name, "1"))
          .withMessageContaining(name);
    }
  }
}
