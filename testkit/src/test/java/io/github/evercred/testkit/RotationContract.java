package io.github.evercred.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

/** What a rotation must do on any database; RotationTest has what does not depend on it. */
@Timeout(90)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class RotationContract {
  /** Quotes of every kind, and what drivers and formats take for their own. */
  static final String HOSTILE = "o'n\"e`il\\ {d ?} %s;@`%`";

  private final String engine;
  private final int refusal;
  private LocalSecretsManager secrets;

  /**
   * @param engine as in a secret
   * @param refusal the driver's code for a wrong password
   */
  RotationContract(String engine, int refusal) {
    this.engine = engine;
    this.refusal = refusal;
  }

  @BeforeAll
  void startSecrets() {
    secrets = LocalSecretsManager.start();
  }

  @AfterAll
  void stopSecrets() {
    secrets.close();
  }

  abstract Connection admin() throws SQLException;

  abstract String host();

  abstract int port();

  abstract String database();

  /** The URL for an application. */
  abstract String url();

  abstract void createUser(String user, String password) throws SQLException;

  private static void execute(Connection connection, String... statements) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.setEscapeProcessing(false);
      for (String sql : statements) {
        statement.execute(sql);
      }
    }
  }

  final void execute(String... statements) throws SQLException {
    try (Connection connection = admin()) {
      execute(connection, statements);
    }
  }

  /** Makes a user and its secret of the same name. */
  final String newSecret(String user) throws SQLException {
    createUser(user, "p1");
    Map<String, Object> members = new LinkedHashMap<>();
    members.put("engine", engine);
    members.put("host", host());
    members.put("port", port());
    members.put("dbname", database());
    members.put("username", user);
    members.put("password", "p1");
    secrets.createSecret("s-" + Integer.toHexString(user.hashCode()), Json.write(members));
    return "s-" + Integer.toHexString(user.hashCode());
  }

  final Connection login(String secret, String label) throws SQLException {
    Map<String, @Nullable Object> members = Json.parse(secrets.value(secret, label));
    return DriverManager.getConnection(
        url(), String.valueOf(members.get("username")), String.valueOf(members.get("password")));
  }

  private void assertAccepted(String secret, String label) throws SQLException {
    login(secret, label).close();
  }

  private void assertRefused(String secret, String label) {
    assertThatThrownBy(() -> login(secret, label).close())
        .isInstanceOfSatisfying(
            SQLException.class,
            e -> {
              assertThat(e.getErrorCode()).isEqualTo(refusal);
              assertThat(e.getSQLState()).isEqualTo("28000");
            });
  }

  final Rotation single(String secret) {
    return Rotation.singleUser(secrets, secret, this::admin);
  }

  final Rotation alternating(String secret) {
    return Rotation.alternatingUsers(secrets, secret, this::admin);
  }

  final String currentUser(String secret) {
    return String.valueOf(Json.parse(secrets.value(secret, "AWSCURRENT")).get("username"));
  }

  static String ask(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(sql)) {
      assertThat(result.next()).isTrue();
      return result.getString(1);
    }
  }

  @Test
  void singleUser_betweenSetAndFinish_onlyPendingIsAcceptedWhileCurrentIsOld() throws Exception {
    String secret = newSecret("window");
    String v1 = secrets.versionId(secret, "AWSCURRENT").orElseThrow();
    Rotation rotation = single(secret);

    String v2 = rotation.createSecret();
    assertAccepted(secret, "AWSCURRENT");
    assertRefused(secret, "AWSPENDING");

    rotation.setSecret();
    assertThat(secrets.versionId(secret, "AWSCURRENT")).contains(v1);
    assertRefused(secret, "AWSCURRENT");
    assertAccepted(secret, "AWSPENDING");

    rotation.testSecret();
    rotation.finishSecret();
    assertThat(secrets.versionId(secret, "AWSCURRENT")).contains(v2);
    assertAccepted(secret, "AWSCURRENT");
    assertRefused(secret, "AWSPREVIOUS");
  }

  @Test
  void singleUser_openConnection_livesThroughTheRotation() throws Exception {
    String secret = newSecret("session");
    try (Connection open = login(secret, "AWSCURRENT")) {
      single(secret).rotate();
      assertThat(ask(open, "SELECT 1")).isEqualTo("1");
    }
  }

  @Test
  void singleUser_hostileName_rotates() throws Exception {
    String secret = newSecret(HOSTILE);
    Rotation rotation = single(secret);
    rotation.rotate();
    assertRefused(secret, "AWSPREVIOUS");
    rotation.rotate();
    assertAccepted(secret, "AWSCURRENT");
    assertThat(currentUser(secret)).isEqualTo(HOSTILE);
  }

  @Test
  void cancel_afterSet_leavesNoLabelOnTheValidPassword() throws Exception {
    String secret = newSecret("cancelled");
    Rotation rotation = single(secret);
    rotation.createSecret();
    rotation.setSecret();
    rotation.cancel();
    assertThat(secrets.versionId(secret, "AWSPENDING")).isEmpty();
    assertRefused(secret, "AWSCURRENT");
    rotation.rotate(); // the next one mends it
    assertAccepted(secret, "AWSCURRENT");
  }

  @Test
  void rollback_afterFinish_makesTheOldVersionWorkAgain() throws Exception {
    String secret = newSecret("rolled");
    String v1 = secrets.versionId(secret, "AWSCURRENT").orElseThrow();
    Rotation rotation = single(secret);
    rotation.rotate();
    rotation.rollback();
    assertThat(secrets.versionId(secret, "AWSCURRENT")).contains(v1);
    assertAccepted(secret, "AWSCURRENT");
    assertRefused(secret, "AWSPREVIOUS");
  }

  /** Gives a user the right to read {@link #protectedRow()}, and whatever else is to be copied. */
  abstract void grant(String user) throws SQLException;

  abstract String protectedRow();

  @Test
  void alternatingUsers_threeRotations_keepRightsAndThePreviousUser() throws Exception {
    String secret = newSecret("alternate");
    grant("alternate");
    Rotation rotation = alternating(secret);

    rotation.createSecret();
    rotation.setSecret();
    assertAccepted(secret, "AWSCURRENT");
    assertAccepted(secret, "AWSPENDING");
    rotation.testSecret();
    rotation.finishSecret();
    assertThat(currentUser(secret)).isEqualTo("alternate_clone");
    assertAccepted(secret, "AWSPREVIOUS");
    try (Connection clone = login(secret, "AWSCURRENT")) {
      assertThat(ask(clone, protectedRow())).isEqualTo("7");
    }

    rotation.rotate();
    assertThat(currentUser(secret)).isEqualTo("alternate");
    assertAccepted(secret, "AWSCURRENT");
    assertAccepted(secret, "AWSPREVIOUS");

    rotation.createSecret();
    rotation.setSecret(); // the clone, which is AWSPREVIOUS, gets a new password
    assertAccepted(secret, "AWSCURRENT");
    assertRefused(secret, "AWSPREVIOUS");
    try (Connection clone = login(secret, "AWSPENDING")) {
      assertThat(ask(clone, protectedRow())).isEqualTo("7");
    }
  }

  @Test
  void alternatingUsers_hostileName_getsItsRights() throws Exception {
    String user = "x" + HOSTILE;
    String secret = newSecret(user);
    grant(user);
    alternating(secret).rotate();
    assertThat(currentUser(secret)).isEqualTo(user + "_clone");
    try (Connection clone = login(secret, "AWSCURRENT")) {
      assertThat(ask(clone, protectedRow())).isEqualTo("7");
    }
    assertAccepted(secret, "AWSPREVIOUS");
  }

  @Test
  void alternatingUsers_rightsOfAnotherUser_areNotGiven() throws Exception {
    String secret = newSecret("without");
    alternating(secret).rotate();
    try (Connection clone = login(secret, "AWSCURRENT")) {
      assertThatThrownBy(() -> ask(clone, protectedRow())).isInstanceOf(SQLException.class);
    }
  }

  @Test
  void setSecret_secretOfAnotherEngine_isRefused() throws Exception {
    secrets.createSecret("other", "{\"engine\":\"oracle\",\"username\":\"u\",\"password\":\"p\"}");
    Rotation rotation = single("other");
    rotation.createSecret();
    assertThatIllegalStateException()
        .isThrownBy(rotation::setSecret)
        .withMessageContaining("engine 'oracle'");
  }

  @Test
  void setSecret_userWhoIsGone_failsWithoutShowingThePassword() throws Exception {
    secrets.createSecret("gone", "{\"username\":\"never_was\",\"password\":\"p\"}");
    Rotation rotation = single("gone");
    rotation.createSecret();
    String password =
        String.valueOf(Json.parse(secrets.value("gone", "AWSPENDING")).get("password"));
    assertThatThrownBy(rotation::setSecret)
        .isInstanceOf(SQLException.class)
        .hasMessageNotContaining(password);
    assertThat(rotation.step()).isEqualTo(Rotation.Step.CREATED);
  }
}
