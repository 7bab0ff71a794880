package io.github.evercred.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.ConnectException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(90)
class LocalPostgresTest {
  private static LocalPostgres postgres;

  @BeforeAll
  static void start() {
    postgres = LocalPostgres.start();
  }

  @AfterAll
  static void stop() {
    postgres.close();
  }

  private static Connection login(String user, String password) throws SQLException {
    return DriverManager.getConnection(postgres.jdbcUrl("postgres"), user, password);
  }

  private static void assertRefused(String state, String user, String password) {
    assertThatThrownBy(() -> login(user, password).close())
        .isInstanceOfSatisfying(
            SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo(state));
  }

  private static String ask(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(sql)) {
      result.next();
      return result.getString(1);
    }
  }

  @Test
  void login_wrongPassword_isRefusedAndCounted() throws SQLException {
    postgres.createUser("wrong", "right-password");
    login("wrong", "right-password").close();
    assertRefused("28P01", "wrong", "another");
    assertRefused("28P01", "wrong", "a third");

    assertThat(postgres.refusedLogins("wrong")).isEqualTo(2);
    assertThat(postgres.successfulLogins("wrong")).isEqualTo(1);
  }

  @Test
  void login_unknownUser_isRefusedAndCounted() throws SQLException {
    assertRefused("28P01", "nobody at all", "x");
    assertThat(postgres.refusedLogins("nobody at all")).isEqualTo(1);
    assertThat(postgres.successfulLogins("nobody at all")).isZero();
  }

  @Test
  void login_userWithoutLogin_isRefusedAndNotCountedAsSuccess() throws SQLException {
    postgres.createUser("locked", "p");
    postgres.execute("ALTER ROLE locked NOLOGIN");
    assertRefused("28000", "locked", "p");
    assertThat(postgres.refusedLogins("locked")).isEqualTo(1);
    assertThat(postgres.successfulLogins("locked")).isZero();
  }

  @Test
  void login_unknownDatabase_isNeitherRefusedNorSuccessful() throws SQLException {
    postgres.createUser("lost", "p");
    assertThatThrownBy(
            () -> DriverManager.getConnection(postgres.jdbcUrl("no/such db"), "lost", "p").close())
        .isInstanceOf(SQLException.class)
        .hasMessageContaining("\"no/such db\" does not exist");
    assertThat(postgres.refusedLogins("lost")).isZero();
    assertThat(postgres.successfulLogins("lost")).isZero();
  }

  @Test
  void login_manyAtOnce_areAllCounted() throws Exception {
    postgres.createUser("many", "p");
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try {
      List<Future<?>> logins = new ArrayList<>();
      for (int i = 0; i < 40; i++) {
        boolean right = i % 2 == 0;
        logins.add(
            threads.submit(
                () -> {
                  if (right) {
                    login("many", "p").close();
                  } else {
                    assertRefused("28P01", "many", "wrong");
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
    assertThat(postgres.refusedLogins("many")).isEqualTo(20);
    assertThat(postgres.successfulLogins("many")).isEqualTo(20);
  }

  @Test
  void createUser_awkwardNameAndPassword_canLogIn() throws SQLException {
    String user = "O'Neil \"the\" {1} %I Öß";
    String password = "it's \"a\" \\ %L $$ ? pässword";
    postgres.createUser(user, password);
    try (Connection connection = login(user, password)) {
      assertThat(ask(connection, "SELECT current_user")).isEqualTo(user);
    }
    assertThat(postgres.successfulLogins(user)).isEqualTo(1);
  }

  @Test
  void sessions_openAndClosed_areCounted() throws SQLException {
    postgres.createUser("busy", "p");
    assertThat(postgres.sessions("busy")).isZero();
    try (Connection one = login("busy", "p");
        Connection two = login("busy", "p")) {
      assertThat(postgres.sessions("busy")).isEqualTo(2);
      assertThat(one.isClosed() || two.isClosed()).isFalse();
    }
  }

  @Test
  void passwords_everyone_areScram() throws SQLException {
    postgres.createUser("scram", "p");
    try (Connection connection = postgres.adminConnection()) {
      assertThat(
              ask(
                  connection,
                  "SELECT count(*) FROM pg_authid WHERE rolpassword NOT LIKE 'SCRAM-SHA-256$%'"))
          .isEqualTo("0");
      assertThat(
              ask(
                  connection,
                  "SELECT string_agg(DISTINCT auth_method, ' ') FROM pg_hba_file_rules"))
          .isEqualTo("scram-sha-256");
      assertThat(ask(connection, "SHOW server_version")).startsWith("18.");
    }
    assertRefused("28P01", postgres.adminUser(), "postgres");
  }

  @Test
  void counts_controlConnectionKilled_goOnCounting() throws SQLException {
    postgres.createUser("killer", "p");
    assertRefused("28P01", "killer", "x");
    try (Connection connection = postgres.adminConnection();
        Statement statement = connection.createStatement()) {
      statement.execute(
          "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'postgres' AND pid <> pg_backend_pid()");
    }
    long admins = postgres.successfulLogins(postgres.adminUser());
    assertThat(postgres.refusedLogins("killer")).isEqualTo(1);
    assertThat(postgres.successfulLogins(postgres.adminUser())).isEqualTo(admins);
    postgres.adminConnection().close();
    assertThat(postgres.successfulLogins(postgres.adminUser())).isEqualTo(admins + 1);
  }

  @Test
  void execute_brokenStatement_leavesNoPasswordInTheLog() throws SQLException {
    String marker = "planted-pw-4711";
    assertThatThrownBy(() -> postgres.execute("ALTER USER nosuchuser PASSWORD '" + marker + "'"))
        .isInstanceOf(SQLException.class);
    postgres.refusedLogins("nosuchuser");
    assertThat(postgres.process().log().tail())
        .contains("role \"nosuchuser\" does not exist")
        .doesNotContain(marker);
    assertThat(postgres.toString()).matches("LocalPostgres\\[127\\.0\\.0\\.1:\\d+]");
  }

  @Test
  void password_afterStart_isNeitherInAFileNorOnACommandLine() throws Exception {
    Path work = postgres.process().directory();
    try (var files = Files.list(work)) {
      assertThat(files).extracting(Path::getFileName).containsExactly(Path.of("data"));
    }
    assertThat(Files.getPosixFilePermissions(work)).noneMatch(p -> !p.name().startsWith("OWNER"));
  }

  @Test
  void start_twoServers_areIndependent() throws SQLException {
    try (LocalPostgres other = LocalPostgres.builder().maxConnections(20).start();
        Connection connection = other.adminConnection()) {
      assertThat(other.port()).isNotEqualTo(postgres.port());
      assertThat(ask(connection, "SHOW max_connections")).isEqualTo("24");
    }
  }

  @Test
  void close_openSessions_stopsTheServerAndRemovesItsData() throws Exception {
    LocalPostgres other = LocalPostgres.start();
    Path work = other.process().directory();
    long pid = other.process().pid();
    Connection open = other.adminConnection();

    other.close();
    other.close();

    assertThat(work).doesNotExist();
    assertThat(ProcessHandle.of(pid)).isEmpty();
    assertThatThrownBy(() -> new Socket(InetAddress.getLoopbackAddress(), other.port()).close())
        .isInstanceOf(ConnectException.class);
    assertThatThrownBy(other::adminConnection).hasMessageContaining("closed");
    assertThatCode(open::close).doesNotThrowAnyException();
  }

  @Test
  void start_settingThatTheServerRefuses_failsWithTheServersWords() {
    LocalPostgres.Builder builder = LocalPostgres.builder().setting("work_mem", "nonsense");
    assertThatThrownBy(builder::start)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("did not start")
        .hasMessageContaining("invalid value for parameter \"work_mem\": \"nonsense\"");
  }

  @Test
  void builder_valuesOutOfRange_areRefused() {
    LocalPostgres.Builder builder = LocalPostgres.builder();
    assertThatIllegalArgumentException().isThrownBy(() -> builder.maxConnections(0));
    assertThatIllegalArgumentException().isThrownBy(() -> builder.maxConnections(1001));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder.startTimeout(Duration.ofMillis(999)));
    for (String name : List.of("port", "log_destination", "hba_file", "Listen_Addresses", "a b")) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> builder.setting(name, "1"))
          .withMessageContaining(name);
    }
  }

  @Test
  void maxConnections_allTaken_refusesOrdinaryUsersWhileCountsStillWork() throws SQLException {
    try (LocalPostgres small = LocalPostgres.builder().maxConnections(2).start()) {
      small.createUser("app", "p");
      String url = small.jdbcUrl("postgres");
      try (Connection one = DriverManager.getConnection(url, "app", "p");
          Connection two = DriverManager.getConnection(url, "app", "p")) {
        assertThatThrownBy(() -> DriverManager.getConnection(url, "app", "p").close())
            .isInstanceOfSatisfying(
                SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("53300"));
        assertThat(small.successfulLogins("app")).isEqualTo(2);
        assertThat(small.sessions("app")).isEqualTo(2);
        assertThat(one.isClosed() || two.isClosed()).isFalse();
      }
    }
  }
}
