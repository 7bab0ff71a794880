package io.github.evercred.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A rotation on MySQL or MariaDB. */
abstract class MySqlFamilyRotationContract extends RotationContract {
  private final String engine;
  private final Optional<String> unavailable;
  TestDatabase server;

  MySqlFamilyRotationContract(String engine, Optional<String> unavailable) {
    super(engine, 1045);
    this.engine = engine;
    this.unavailable = unavailable;
  }

  @BeforeAll
  void start() throws SQLException {
    MySqlFamilyContract.assumeAvailable(unavailable);
    server = TestDatabase.start(engine);
    execute(
        "CREATE DATABASE `sh``op`",
        "CREATE TABLE `sh``op`.orders (id INT)",
        "INSERT INTO `sh``op`.orders VALUES (7)");
  }

  @AfterAll
  void stop() {
    if (server != null) {
      server.close();
    }
  }

  @Override
  final Connection admin() throws SQLException {
    return server.admin();
  }

  @Override
  final String host() {
    return "127.0.0.1";
  }

  @Override
  final int port() {
    return server.port();
  }

  @Override
  final String database() {
    return "";
  }

  @Override
  final String url() {
    return server.url("");
  }

  @Override
  final void createUser(String user, String password) throws SQLException {
    server.createUser(user, password);
  }

  static String account(String user) {
    return "`%s`@`%%`".formatted(user.replace("`", "``"));
  }

  @Override
  void grant(String user) throws SQLException {
    execute("GRANT SELECT, UPDATE (id) ON `sh``op`.orders TO " + account(user));
  }

  @Override
  final String protectedRow() {
    return "SELECT id FROM `sh``op`.orders";
  }

  @Test
  void rotate_whole_causesNoRefusedLoginAndOneLogin() throws Exception {
    String secret = newSecret("no-refusal");
    Rotation rotation = single(secret);
    rotation.rotate();
    rotation.rotate();
    assertThat(server.refused("no-refusal")).isZero();
    assertThat(server.successful("no-refusal")).isEqualTo(2);
  }

  @Test
  void singleUser_accountForOneHost_isChangedToo() throws Exception {
    String secret = newSecret("hosted");
    execute("RENAME USER hosted TO hosted@'127.0.0.1'");
    single(secret).rotate();
    login(secret, "AWSCURRENT").close();
  }

  @Test
  void alternatingUsers_nameTooLongForAClone_isRefused() throws Exception {
    String secret = newSecret("x".repeat(longest()));
    Rotation rotation = alternating(secret);
    rotation.createSecret();
    assertThatIllegalStateException()
        .isThrownBy(rotation::setSecret)
        .withMessageContaining("%d bytes".formatted(longest() + 6));
  }

  abstract int longest();

  abstract void defaultRole(String role, String user) throws SQLException;

  @Test
  void alternatingUsers_defaultRole_isThatOfTheCloneToo() throws Exception {
    String secret = newSecret("with-role");
    execute(
        "CREATE ROLE `re'ader`",
        "GRANT SELECT ON `sh``op`.orders TO `re'ader`",
        "GRANT `re'ader` TO `with-role`");
    defaultRole("`re'ader`", "`with-role`");
    alternating(secret).rotate();
    try (Connection clone = login(secret, "AWSCURRENT")) {
      assertThat(ask(clone, protectedRow())).isEqualTo("7");
    }
  }

  @Test
  void grantRights_tlsAndGrantOption_areCopied() throws Exception {
    createUser("tls", "p1");
    createUser("tls_clone", "p2");
    execute(
        "ALTER USER tls REQUIRE SUBJECT '/CN=it''s' AND ISSUER '/CN=ca'",
        "GRANT SELECT ON `sh``op`.* TO tls WITH GRANT OPTION");
    try (Connection admin = admin()) {
      MySqlDialect dialect = longest() == 32 ? MySqlDialect.MYSQL : MySqlDialect.MARIADB;
      dialect.grantRights(admin, "tls", "tls_clone");
      assertThat(
              ask(
                  admin,
                  "SELECT concat_ws(' ', ssl_type, x509_subject, x509_issuer) FROM mysql.user WHERE User = 'tls_clone'"))
          .isEqualTo("SPECIFIED /CN=it's /CN=ca");
      assertThat(ask(admin, "SELECT Grant_priv FROM mysql.db WHERE User = 'tls_clone'"))
          .isEqualTo("Y");
      execute("ALTER USER tls_clone REQUIRE NONE");
    }
    server.login("tls_clone", "p2").close(); // and not with the password of the first
  }

  @Test
  void grantRights_ansiQuotes_areCopied() throws Exception {
    createUser("ansi", "p1");
    createUser("ansi_clone", "p2");
    grant("ansi");
    try (Connection admin = admin()) {
      admin.createStatement().execute("SET SESSION sql_mode = 'ANSI_QUOTES'");
      MySqlDialect dialect = longest() == 32 ? MySqlDialect.MYSQL : MySqlDialect.MARIADB;
      dialect.grantRights(admin, "ansi", "ansi_clone");
    }
    try (Connection clone = server.login("ansi_clone", "p2")) {
      assertThat(ask(clone, protectedRow())).isEqualTo("7");
    }
  }
}
