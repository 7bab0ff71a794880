package io.github.evercred.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

@Timeout(60)
@ExtendWith(EvercredExtension.class)
class RotationTest {
  private final LocalSecretsManager secrets;
  private final LocalPostgres postgres;

  RotationTest(LocalSecretsManager secrets, LocalPostgres postgres) {
    this.secrets = secrets;
    this.postgres = postgres;
  }

  /** Makes a user and its secret of the same name. */
  private String newSecret(String user) throws SQLException {
    postgres.createUser(user, "p1");
    Map<String, Object> members = new LinkedHashMap<>();
    members.put("engine", "postgres");
    members.put("host", postgres.host());
    members.put("port", postgres.port());
    members.put("dbname", "postgres");
    members.put("username", user);
    members.put("password", "p1");
    members.put("custom", "kept");
    secrets.createSecret(user, Json.write(members));
    return user;
  }

  private Connection login(String secret, String label) throws SQLException {
    Map<String, @Nullable Object> members = Json.parse(secrets.value(secret, label));
    return DriverManager.getConnection(
        postgres.jdbcUrl("postgres"),
        String.valueOf(members.get("username")),
        String.valueOf(members.get("password")));
  }

  private void assertAccepted(String secret, String label) throws SQLException {
    login(secret, label).close();
  }

  private void assertRefused(String secret, String label) {
    assertThatThrownBy(() -> login(secret, label).close())
        .isInstanceOfSatisfying(
            SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("28P01"));
  }

  @Test
  void singleUser_betweenSetAndFinish_onlyPendingIsAcceptedWhileCurrentIsOld() throws Exception {
    String secret = newSecret("single-window");
    String v1 = secrets.versionId(secret, "AWSCURRENT").orElseThrow();
    Rotation rotation = Rotation.singleUser(secrets, secret, postgres::adminConnection);

    String v2 = rotation.createSecret();
    assertThat(rotation.step()).isEqualTo(Rotation.Step.CREATED);
    assertAccepted(secret, "AWSCURRENT");
    assertRefused(secret, "AWSPENDING");

    rotation.setSecret();
    assertThat(rotation.step()).isEqualTo(Rotation.Step.SET);
    assertThat(secrets.versionId(secret, "AWSCURRENT")).contains(v1);
    assertThat(secrets.versionId(secret, "AWSPENDING")).contains(v2);
    assertRefused(secret, "AWSCURRENT");
    assertAccepted(secret, "AWSPENDING");

    rotation.testSecret();
    assertThat(rotation.step()).isEqualTo(Rotation.Step.TESTED);
    assertThat(secrets.versionId(secret, "AWSCURRENT")).contains(v1);

    rotation.finishSecret();
    assertThat(rotation.step()).isEqualTo(Rotation.Step.FINISHED);
    assertThat(secrets.versionId(secret, "AWSCURRENT")).contains(v2);
    assertThat(secrets.versionId(secret, "AWSPREVIOUS")).contains(v1);
    assertThat(secrets.versionId(secret, "AWSPENDING")).isEmpty();
    assertAccepted(secret, "AWSCURRENT");
    assertRefused(secret, "AWSPREVIOUS");
    assertThat(rotation.versionId()).isEqualTo(v2);
  }

  @Test
  void singleUser_openConnection_livesThroughTheRotation() throws Exception {
    String secret = newSecret("single-session");
    try (Connection open = login(secret, "AWSCURRENT");
        Statement statement = open.createStatement()) {
      Rotation.singleUser(secrets, secret, postgres::adminConnection).rotate();
      statement.execute("SELECT 1");
    }
  }

  @Test
  void singleUser_newValue_keepsTheOtherMembersAndHasARandomPassword() throws Exception {
    String secret = newSecret("single-shape");
    Rotation rotation = Rotation.singleUser(secrets, secret, postgres::adminConnection);
    Set<String> passwords = new HashSet<>();
    for (int i = 0; i < 5; i++) {
      rotation.rotate();
      Map<String, @Nullable Object> members = Json.parse(secrets.value(secret, "AWSCURRENT"));
      assertThat(members)
          .containsEntry("custom", "kept")
          .containsEntry("port", postgres.port())
          .containsEntry("username", secret);
      String password = String.valueOf(members.get("password"));
      assertThat(password).hasSize(32).doesNotContainPattern("[:/@\"'\\\\]");
      passwords.add(password);
      assertAccepted(secret, "AWSCURRENT");
    }
    assertThat(passwords).hasSize(5);
  }

  @Test
  void rotate_whole_causesNoRefusedLogin() throws Exception {
    String secret = newSecret("no-refusal");
    Rotation rotation = Rotation.singleUser(secrets, secret, postgres::adminConnection);
    rotation.rotate();
    rotation.rotate();
    assertThat(postgres.refusedLogins("no-refusal")).isZero();
    assertThat(postgres.successfulLogins("no-refusal")).isEqualTo(2);
  }

  @Test
  void alternatingUsers_twoRotations_keepThePreviousUserValid() throws Exception {
    String secret = newSecret("alternate");
    postgres.execute(
        "CREATE TABLE alternate_orders(id int); INSERT INTO alternate_orders VALUES (7);"
            + " GRANT SELECT ON alternate_orders TO alternate");
    Rotation rotation = Rotation.alternatingUsers(secrets, secret, postgres::adminConnection);

    rotation.createSecret();
    rotation.setSecret();
    assertAccepted(secret, "AWSCURRENT");
    assertAccepted(secret, "AWSPENDING");
    rotation.testSecret();
    rotation.finishSecret();

    assertThat(Json.parse(secrets.value(secret, "AWSCURRENT")))
        .containsEntry("username", "alternate_clone");
    assertAccepted(secret, "AWSPREVIOUS");
    try (Connection clone = login(secret, "AWSCURRENT");
        Statement statement = clone.createStatement();
        ResultSet rows = statement.executeQuery("SELECT id FROM alternate_orders")) {
      rows.next();
      assertThat(rows.getInt(1)).isEqualTo(7);
    }

    rotation.rotate();
    assertThat(Json.parse(secrets.value(secret, "AWSCURRENT")))
        .containsEntry("username", "alternate");
    assertAccepted(secret, "AWSCURRENT");
    assertAccepted(secret, "AWSPREVIOUS");

    rotation.createSecret();
    rotation.setSecret(); // the clone, which is AWSPREVIOUS, gets a new password
    assertAccepted(secret, "AWSCURRENT");
    assertRefused(secret, "AWSPREVIOUS");
  }

  @Test
  void steps_outOfOrder_areRefusedByName() throws Exception {
    String secret = newSecret("order");
    Rotation rotation = Rotation.singleUser(secrets, secret, postgres::adminConnection);
    assertThatIllegalStateException().isThrownBy(rotation::versionId);
    assertThatIllegalStateException()
        .isThrownBy(rotation::setSecret)
        .withMessage(
            "setSecret() of 'order' comes after createSecret(), and the rotation is only NOT_STARTED");
    assertThatIllegalStateException().isThrownBy(rotation::rollback);
    assertThatIllegalStateException().isThrownBy(rotation::cancel);
    rotation.createSecret();
    assertThatIllegalStateException().isThrownBy(rotation::testSecret);
    assertThatIllegalStateException().isThrownBy(rotation::finishSecret);
    rotation.setSecret();
    assertThatIllegalStateException().isThrownBy(rotation::finishSecret);
  }

  @Test
  void steps_repeated_changeNothing() throws Exception {
    String secret = newSecret("again");
    Rotation rotation = Rotation.singleUser(secrets, secret, postgres::adminConnection);
    String v2 = rotation.createSecret();
    String value = secrets.value(secret, "AWSPENDING");
    assertThat(rotation.createSecret()).isEqualTo(v2);
    assertThat(secrets.value(secret, "AWSPENDING")).isEqualTo(value);
    rotation.setSecret();
    rotation.setSecret();
    rotation.testSecret();
    rotation.setSecret();
    assertThat(rotation.step()).isEqualTo(Rotation.Step.TESTED);
    rotation.testSecret();
    rotation.finishSecret();
    rotation.finishSecret();
    rotation.setSecret();
    rotation.testSecret();
    assertThat(rotation.step()).isEqualTo(Rotation.Step.FINISHED);
    assertThat(secrets.versionId(secret, "AWSCURRENT")).contains(v2);
    assertAccepted(secret, "AWSCURRENT");
  }

  @Test
  void createSecret_rotationAlreadyBegun_takesItUp() throws Exception {
    String secret = newSecret("resumed");
    String begun = secrets.startRotation(secret);
    assertThat(Rotation.singleUser(secrets, secret, postgres::adminConnection).createSecret())
        .isEqualTo(begun);
    String value = secrets.value(secret, "AWSPENDING");
    Rotation second = Rotation.singleUser(secrets, secret, postgres::adminConnection);
    assertThat(second.rotate()).isEqualTo(begun);
    assertThat(secrets.value(secret, "AWSCURRENT")).isEqualTo(value);
  }

  @Test
  void keepPendingLabel_finished_leavesItBesideCurrentAndRotatesAgain() throws Exception {
    String secret = newSecret("kept");
    Rotation rotation =
        Rotation.singleUser(secrets, secret, postgres::adminConnection).keepPendingLabel();
    String v2 = rotation.rotate();
    assertThat(secrets.versionId(secret, "AWSPENDING")).contains(v2);
    String v3 = rotation.rotate();
    assertThat(v3).isNotEqualTo(v2);
    assertThat(secrets.versionId(secret, "AWSPENDING")).contains(v3);
    assertThat(secrets.versionId(secret, "AWSCURRENT")).contains(v3);
  }

  @Test
  void cancel_afterSet_leavesNoLabelOnTheValidPassword() throws Exception {
    String secret = newSecret("cancelled");
    Rotation rotation = Rotation.singleUser(secrets, secret, postgres::adminConnection);
    rotation.createSecret();
    rotation.setSecret();
    rotation.cancel();
    assertThat(secrets.versionId(secret, "AWSPENDING")).isEmpty();
    assertRefused(secret, "AWSCURRENT");
    rotation.rotate(); // the next one mends it
    assertAccepted(secret, "AWSCURRENT");
  }

  @Test
  void rollback_fromEachStep_makesTheOldVersionWorkAgain() throws Exception {
    for (int steps = 1; steps <= 4; steps++) {
      String secret = newSecret("rollback" + steps);
      String v1 = secrets.versionId(secret, "AWSCURRENT").orElseThrow();
      Rotation rotation = Rotation.singleUser(secrets, secret, postgres::adminConnection);
      String v2 = rotation.createSecret();
      if (steps > 1) {
        rotation.setSecret();
      }
      if (steps > 2) {
        rotation.testSecret();
      }
      if (steps > 3) {
        rotation.finishSecret();
      }
      rotation.rollback();
      assertThat(secrets.versionId(secret, "AWSCURRENT")).contains(v1);
      assertThat(secrets.versionId(secret, "AWSPENDING")).isEmpty();
      if (steps > 3) {
        assertThat(secrets.versionId(secret, "AWSPREVIOUS")).contains(v2);
      }
      assertAccepted(secret, "AWSCURRENT");
      assertThat(rotation.step()).isEqualTo(Rotation.Step.NOT_STARTED);
      assertThat(rotation.rotate()).isNotIn(v1, v2);
      assertAccepted(secret, "AWSCURRENT");
    }
  }

  @Test
  void testSecret_passwordChangedBehindItsBack_failsAndStays() throws Exception {
    String secret = newSecret("behind");
    Rotation rotation = Rotation.singleUser(secrets, secret, postgres::adminConnection);
    rotation.createSecret();
    rotation.setSecret();
    postgres.execute("ALTER USER behind PASSWORD 'other'");
    assertThatThrownBy(rotation::testSecret)
        .isInstanceOfSatisfying(
            SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("28P01"));
    assertThat(rotation.step()).isEqualTo(Rotation.Step.SET);
    rotation.setSecret();
    rotation.testSecret();
  }

  @Test
  void testSecret_secretWithoutHost_asksForTheUrl() throws Exception {
    postgres.createUser("managed", "p1");
    secrets.createSecret("rds!db-1", "{\"username\":\"managed\",\"password\":\"p1\"}");
    Rotation rotation = Rotation.singleUser(secrets, "rds!db-1", postgres::adminConnection);
    rotation.createSecret();
    rotation.setSecret();
    assertThatIllegalStateException()
        .isThrownBy(rotation::testSecret)
        .withMessageContaining("jdbcUrl(");
    rotation.jdbcUrl(postgres.jdbcUrl("postgres")).testSecret();
    rotation.finishSecret();
    assertAccepted("rds!db-1", "AWSCURRENT");
  }

  @Test
  void secret_ofAnotherShape_isRefusedWithoutShowingIt() {
    secrets.createSecret("text", "planted-secret-4711");
    secrets.createSecret("half", "{\"username\":\"planted-secret-4711\"}");
    secrets.createSecret("bin", new byte[] {1, 2});
    assertThatIllegalStateException()
        .isThrownBy(Rotation.singleUser(secrets, "text", postgres::adminConnection)::createSecret)
        .withMessageContaining("not a JSON object")
        .withMessageNotContaining("4711");
    assertThatIllegalStateException()
        .isThrownBy(Rotation.singleUser(secrets, "half", postgres::adminConnection)::createSecret)
        .withMessageContaining("no string 'password'")
        .withMessageNotContaining("4711");
    assertThatIllegalStateException()
        .isThrownBy(Rotation.singleUser(secrets, "bin", postgres::adminConnection)::createSecret)
        .withMessageContaining("binary");
    assertThat(secrets.versionId("half", "AWSPENDING")).isEmpty();
  }

  @Test
  void setSecret_secretOfAnotherEngine_isRefused() {
    secrets.createSecret("mysql", "{\"engine\":\"mysql\",\"username\":\"u\",\"password\":\"p\"}");
    Rotation rotation = Rotation.singleUser(secrets, "mysql", postgres::adminConnection);
    rotation.createSecret();
    assertThatIllegalStateException()
        .isThrownBy(rotation::setSecret)
        .withMessageContaining("engine 'mysql'");
  }

  @Test
  void alternatingUsers_nameTooLongForAClone_isRefused() throws Exception {
    String secret = newSecret("x".repeat(60));
    Rotation rotation = Rotation.alternatingUsers(secrets, secret, postgres::adminConnection);
    rotation.createSecret();
    assertThatIllegalStateException()
        .isThrownBy(rotation::setSecret)
        .withMessageContaining("66 bytes");
  }

  @Test
  void toString_always_hasNoPassword() throws Exception {
    String secret = newSecret("printed");
    Rotation rotation = Rotation.singleUser(secrets, secret, postgres::adminConnection);
    rotation.createSecret();
    assertThat(rotation).hasToString("Rotation[printed, single user, CREATED]");
  }
}
