package io.github.evercred.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

/** What MySQL and MariaDB must both do. */
@Timeout(90)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class MySqlFamilyContract {
  private final String engine;
  private final Optional<String> unavailable;
  TestDatabase server;

  MySqlFamilyContract(String engine, Optional<String> unavailable) {
    this.engine = engine;
    this.unavailable = unavailable;
  }

  /** Skips by the name of the platform, and by nothing else. */
  static void assumeAvailable(Optional<String> unavailable) {
    String reason = unavailable.orElse("");
    assumeTrue(!reason.contains("for this platform") && !reason.contains("musl"), reason);
    assertThat(unavailable).isEmpty();
  }

  /** A server of as few connections as it can have. */
  abstract TestDatabase small();

  abstract int fewest();

  @BeforeAll
  void start() {
    assumeAvailable(unavailable);
    server = TestDatabase.start(engine);
  }

  @AfterAll
  void stop() {
    if (server != null) {
      server.close();
    }
  }

  final void assertRefused(int code, String user, String password) {
    assertThatThrownBy(() -> server.login(user, password).close())
        .isInstanceOfSatisfying(
            SQLException.class, e -> assertThat(e.getErrorCode()).isEqualTo(code));
  }

  static String ask(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(sql)) {
      result.next();
      return result.getString(1);
    }
  }

  @Test
  void login_wrongPassword_isRefusedAndCounted() throws SQLException {
    server.createUser("wrong", "right-password");
    server.login("wrong", "right-password").close();
    assertRefused(1045, "wrong", "another");
    assertRefused(1045, "wrong", "a third");
    assertRefused(1045, "wrong", "");

    assertThat(server.refused("wrong")).isEqualTo(3);
    assertThat(server.successful("wrong")).isEqualTo(1);
  }

  @Test
  void login_oldPasswordAfterAChange_isRefusedAtOnce() throws SQLException {
    server.createUser("changed", "p1");
    server.login("changed", "p1").close(); // MySQL's cache knows it now
    try (Connection admin = server.admin()) {
      dialect().setPassword(admin, "changed", "p2");
    }
    assertRefused(1045, "changed", "p1");
    server.login("changed", "p2").close();
    assertThat(server.refused("changed")).isEqualTo(1);
    assertThat(server.successful("changed")).isEqualTo(2);
  }

  abstract MySqlDialect dialect();

  @Test
  void login_unknownUser_isRefusedAndCounted() throws SQLException {
    assertRefused(1045, "nobody at all", "x");
    assertThat(server.refused("nobody at all")).isEqualTo(1);
    assertThat(server.successful("nobody at all")).isZero();
  }

  @Test
  void login_unknownDatabase_isNeitherRefusedNorSuccessful() throws SQLException {
    server.createUser("lost", "p");
    assertThatThrownBy(
            () -> DriverManager.getConnection(server.url("no/such db"), "lost", "p").close())
        .isInstanceOfSatisfying(
            SQLException.class, e -> assertThat(e.getErrorCode()).isEqualTo(1044))
        .hasMessageContaining("no/such db");
    assertThat(server.refused("lost")).isZero();
    assertThat(server.successful("lost")).isZero();
  }

  @Test
  void login_manyAtOnce_areAllCounted() throws Exception {
    server.createUser("many", "p");
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try {
      List<Future<?>> logins = new ArrayList<>();
      for (int i = 0; i < 40; i++) {
        boolean right = i % 2 == 0;
        logins.add(
            threads.submit(
                () -> {
                  if (right) {
                    server.login("many", "p").close();
                  } else {
                    assertRefused(1045, "many", "wrong");
                  }
                  return null;
                }));
      }
      for (Future<?> one : logins) {
        one.get(30, TimeUnit.SECONDS);
      }
    } finally {
      threads.shutdownNow();
    }
    assertThat(server.refused("many")).isEqualTo(20);
    assertThat(server.successful("many")).isEqualTo(20);
  }

  @Test
  void createUser_awkwardNameAndPassword_canLogIn() throws SQLException {
    String user = "O'Neil \"{1}\" `%I\\ ?; @`%` Öß";
    String password = "it's \"a\" \\ %L $$ ? `{d}` pässword";
    server.createUser(user, password);
    try (Connection connection = server.login(user, password)) {
      assertThat(ask(connection, "SELECT user()")).isEqualTo(user + "@127.0.0.1");
    }
    assertRefused(1045, user, "wrong");
    assertThat(server.refused(user)).isEqualTo(1);
    assertThat(server.successful(user)).isEqualTo(1);
  }

  @Test
  void createUser_otherSqlModes_quotesAllTheSame() throws SQLException {
    try (Connection admin = server.admin();
        Statement statement = admin.createStatement()) {
      statement.execute("SET SESSION sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'");
      dialect().createUser(admin, "mode\\'`\"", "pw\\'\"");
      dialect().setPassword(admin, "mode\\'`\"", "pw2\\'\"");
    }
    server.login("mode\\'`\"", "pw2\\'\"").close();
  }

  @Test
  void execute_severalStatements_executesAllAndReportsALaterError() throws SQLException {
    server.execute("CREATE DATABASE several; CREATE TABLE several.t (id int)");
    server.execute("INSERT INTO several.t VALUES (1); SELECT 1; INSERT INTO several.t VALUES (2)");
    assertThatThrownBy(
            () -> server.execute("INSERT INTO several.t VALUES (3); SELECT * FROM several.none"))
        .isInstanceOf(SQLException.class);
    try (Connection admin = server.admin()) {
      assertThat(ask(admin, "SELECT SUM(id) FROM several.t")).isEqualTo("6");
    }
  }

  @Test
  void accounts_afterStart_haveNoAnonymousAndOneAdministrator() throws SQLException {
    try (Connection admin = server.admin()) {
      assertThat(
              ask(
                  admin,
                  "SELECT group_concat(concat(User, '@', Host)) FROM mysql.user WHERE User IN ('', 'root')"))
          .isEqualTo("root@127.0.0.1");
    }
    assertRefused(1045, "root", "");
    assertRefused(1045, "", "");
  }

  private static void kill(Connection admin, String id) throws SQLException {
    try (Statement statement = admin.createStatement()) {
      statement.execute("KILL " + id);
    } catch (SQLException e) {
      assertThat(e.getErrorCode()).as("no such thread").isEqualTo(1094); // it was ending by itself
    }
  }

  @Test
  void counts_controlConnectionKilled_goOnCounting() throws SQLException {
    server.createUser("killer", "p");
    assertRefused(1045, "killer", "x");
    long before = server.successful("root");
    try (Connection admin = server.admin()) {
      String others =
          ask(
              admin,
              "SELECT group_concat(id) FROM information_schema.processlist WHERE user = 'root' AND id <> connection_id()");
      for (String id : others.split(",", -1)) {
        kill(admin, id);
      }
    }
    assertThat(server.successful("root")).isEqualTo(before + 1);
    long admins = server.successful("root");
    assertThat(server.refused("killer")).isEqualTo(1);
    assertThat(server.successful("root")).isEqualTo(admins);
    server.admin().close();
    assertThat(server.successful("root")).isEqualTo(admins + 1);
  }

  @Test
  void execute_brokenStatement_leavesNoPasswordInTheLog() throws SQLException {
    String marker = "planted-pw-4711";
    assertThatThrownBy(() -> server.execute("ALTER USER nosuchuser IDENTIFIED BY '" + marker + "'"))
        .isInstanceOf(SQLException.class);
    server.createUser("logged", marker);
    assertRefused(1045, "logged", marker + "x");
    assertThat(server.refused("logged")).isEqualTo(1);
    assertThat(server.process().log().tail()).contains("'logged'").doesNotContain(marker);
    assertThat(server.toString()).doesNotContain(marker);
  }

  @Test
  void directory_afterStart_isPrivateAndHasNoFileWithThePassword() throws Exception {
    Path work = server.process().directory();
    try (Stream<Path> files = Files.list(work)) {
      assertThat(files)
          .extracting(file -> String.valueOf(file.getFileName()))
          .contains("data", "pid")
          .allMatch(name -> name.matches("data|pid|#?[A-Za-z]{1,2}[-_#].*|ib.*|MY.*|MLdata"));
    }
    assertThat(Files.getPosixFilePermissions(work)).noneMatch(p -> !p.name().startsWith("OWNER"));
  }

  @Test
  void close_openSessions_stopsTheServerAndRemovesItsData() throws Exception {
    TestDatabase other = small();
    Path work = other.process().directory();
    long pid = other.process().pid();
    assertThat(ProcessHandle.of(pid)).isPresent();
    Connection open = other.admin();

    other.close();
    other.close();

    assertThat(work).doesNotExist();
    assertThat(ProcessHandle.of(pid)).isEmpty();
    assertThatThrownBy(other::admin).hasMessageContaining("closed");
    assertThatCode(open::close).doesNotThrowAnyException();
  }

  @Test
  void maxConnections_allTaken_refusesOrdinaryUsersWhileCountsStillWork() throws SQLException {
    try (TestDatabase small = small()) {
      small.createUser("app", "p");
      List<Connection> taken = new ArrayList<>();
      try {
        for (int i = 0; i < fewest(); i++) {
          taken.add(small.login("app", "p"));
        }
        assertThatThrownBy(() -> small.login("app", "p").close())
            .isInstanceOfSatisfying(
                SQLException.class, e -> assertThat(e.getErrorCode()).isEqualTo(1040));
        assertThatThrownBy(() -> small.login("app", "wrong").close())
            .isInstanceOfSatisfying(
                SQLException.class, e -> assertThat(e.getErrorCode()).isEqualTo(1045));
        assertThat(small.refused("app")).isEqualTo(1);
        adminOnceRefusedOnesHaveLeft(small).close();
      } finally {
        for (Connection one : taken) {
          one.close();
        }
      }
    }
  }

  /** The server counts a login that it has refused for a moment longer than its client does. */
  private static Connection adminOnceRefusedOnesHaveLeft(TestDatabase small) throws SQLException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (true) {
      try {
        return small.admin();
      } catch (SQLException e) {
        if (e.getErrorCode() != 1040 || System.nanoTime() > end) {
          throw e;
        }
        Thread.onSpinWait();
      }
    }
  }
}
