package io.github.evercred.jdbc;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.github.evercred.testkit.EvercredExtension;
import io.github.evercred.testkit.LocalPostgres;
import io.github.evercred.testkit.LocalSecretsManager;
import io.github.evercred.testkit.Rotation;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLInvalidAuthorizationSpecException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Properties;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.postgresql.PGConnection;
import org.postgresql.util.PSQLException;

/** A real server, a real driver, a local Secrets Manager. */
@ExtendWith(EvercredExtension.class)
@Timeout(90)
class PostgresLoginTest {
  private static LocalSecretsManager secrets;
  private static LocalPostgres postgres;

  @BeforeAll
  static void start(LocalSecretsManager secretsManager, LocalPostgres server) throws SQLException {
    secrets = secretsManager;
    postgres = server;
    user("login_first");
    connect("login_first").close(); // Loads the SDK, which can take longer than some limits here.
  }

  /** A user with a secret of the same name. */
  private static void user(String name) throws SQLException {
    postgres.createUser(name, "first-" + name);
    secrets.createSecret(name, FakeSecrets.login(name, "first-" + name));
  }

  private static String url(String database, String parameters) {
    return postgres.jdbcUrl(database).replace("jdbc:", "jdbc:evercred:")
        + "?sslmode=disable"
        + parameters;
  }

  private static Properties properties(String secretId, String... more) {
    var properties = new Properties();
    properties.setProperty("user", secretId);
    properties.setProperty("evercred.endpoint", secrets.endpoint().toString());
    for (int i = 0; i < more.length; i += 2) {
      properties.setProperty(more[i], more[i + 1]);
    }
    return properties;
  }

  private static Connection connect(String secretId, String... more) throws SQLException {
    return DriverManager.getConnection(url("postgres", ""), properties(secretId, more));
  }

  private static String ask(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      row.next();
      return Objects.toString(row.getString(1));
    }
  }

  private static String state(Throwable failure) {
    return ((SQLException) failure).getSQLState();
  }

  @Test
  void connect_callersProperties_reachTheServerAndStayUnchanged() throws SQLException {
    user("login_properties");
    Properties given = new Properties(properties("login_properties"));
    given.setProperty("ApplicationName", "orders");
    Properties before = (Properties) given.clone();

    try (Connection connection =
        DriverManager.getConnection(url("postgres", "&options=-c%20search_path=a"), given)) {
      assertThat(ask(connection, "SHOW application_name")).isEqualTo("orders");
      assertThat(ask(connection, "SHOW search_path")).isEqualTo("a");
      assertThat(ask(connection, "SELECT current_user")).isEqualTo("login_properties");
      assertThat(connection).isInstanceOf(PGConnection.class);
      assertThat(connection.getClass().getName()).startsWith("org.postgresql.");
    }
    assertThat(given).isEqualTo(before);
    assertThat(given.getProperty("user")).isEqualTo("login_properties");
  }

  @Test
  void connect_inTheWindow_worksAndCostsOneRefusedLogin() throws SQLException {
    user("login_window");
    connect("login_window").close();
    Rotation rotation = rotation("login_window");
    rotation.createSecret();
    connect("login_window").close();
    rotation.setSecret();

    for (int i = 0; i < 5; i++) {
      connect("login_window").close();
    }
    assertThat(postgres.refusedLogins("login_window")).isEqualTo(1);

    rotation.testSecret();
    rotation.finishSecret();
    connect("login_window").close();
    assertThat(postgres.refusedLogins("login_window")).isEqualTo(1);
  }

  @Test
  void connect_manyThreadsInTheWindow_worksAndCostsOneRefusedLogin() throws Exception {
    user("login_threads");
    Rotation rotation = rotation("login_threads");
    rotation.createSecret();
    rotation.setSecret();

    int count = 16;
    var together = new CyclicBarrier(count);
    var threads = Executors.newFixedThreadPool(count);
    try {
      List<Future<?>> logins = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        logins.add(
            threads.submit(
                () -> {
                  together.await(20, TimeUnit.SECONDS);
                  connect("login_threads", "evercred.loginsAtOnce", "1").close();
                  return null;
                }));
      }
      for (Future<?> login : logins) {
        login.get(60, TimeUnit.SECONDS);
      }
    } finally {
      threads.shutdownNow();
    }
    assertThat(postgres.refusedLogins("login_threads")).isEqualTo(1);
    assertThat(postgres.successfulLogins("login_threads")).isEqualTo(count);
  }

  @Test
  void connect_currentOnly_waitsForThePromotion() throws Exception {
    user("login_current");
    Rotation rotation = rotation("login_current");
    rotation.createSecret();
    rotation.setSecret();
    var thread = Executors.newSingleThreadExecutor();
    try {
      Future<Connection> login =
          thread.submit(() -> connect("login_current", "evercred.currentOnly", "true"));
      Eventually.until(() -> postgres.refusedLogins("login_current") == 1);
      rotation.testSecret();
      rotation.finishSecret();
      login.get(30, TimeUnit.SECONDS).close();
    } finally {
      thread.shutdownNow();
    }
  }

  @Test
  void connect_wrongPassword_sortedByTheServersWordAndGivenUp() throws SQLException {
    user("login_wrong");
    postgres.execute("ALTER ROLE login_wrong PASSWORD 'somewhere else'");

    Throwable failure =
        catchThrowable(() -> connect("login_wrong", "evercred.rotationWait", "500ms"));

    assertThat(failure)
        .isInstanceOf(SQLInvalidAuthorizationSpecException.class)
        .hasCauseInstanceOf(PSQLException.class)
        .hasMessageContaining("login_wrong")
        .hasMessageContaining("AWSCURRENT");
    assertThat(state(failure)).isEqualTo("28P01");
    assertThat(routine(failure)).isEqualTo("auth_failed");
    assertThat(postgres.refusedLogins("login_wrong")).isBetween(1L, 2L);
  }

  @Test
  void connect_rotationWaitZero_driversOwnRefusalAtOnce() throws SQLException {
    user("login_final");
    postgres.execute("ALTER ROLE login_final PASSWORD 'somewhere else'");

    Throwable failure = catchThrowable(() -> connect("login_final", "evercred.rotationWait", "0"));

    assertThat(failure).isInstanceOf(PSQLException.class);
    assertThat(state(failure)).isEqualTo("28P01");
    assertThat(postgres.refusedLogins("login_final")).isEqualTo(1);
  }

  private static String routine(Throwable failure) {
    var server =
        ((PSQLException) Objects.requireNonNull(failure.getCause())).getServerErrorMessage();
    return Objects.toString(Objects.requireNonNull(server).getRoutine());
  }

  @Test
  void connect_noLogin_ownFailureThenHeldBack() throws SQLException {
    user("login_denied");
    postgres.execute("ALTER ROLE login_denied NOLOGIN");

    Throwable first = catchThrowable(() -> connect("login_denied"));
    Throwable second = catchThrowable(() -> connect("login_denied"));

    assertThat(first).isInstanceOf(PSQLException.class);
    assertThat(state(first)).isEqualTo("28000");
    assertThat(second)
        .isInstanceOf(SQLInvalidAuthorizationSpecException.class)
        .hasCauseInstanceOf(PSQLException.class)
        .hasMessageContaining("locked or denied");
    assertThat(state(second)).isEqualTo("28000");
    assertThat(routine(second)).isEqualTo("InitializeSessionUserId");
  }

  @Test
  void connect_noEntryInPgHba_isRethrownAndHoldsNobodyUp() throws SQLException {
    user("login_hba");
    admit(false, "login_hba");
    try {
      Throwable first = catchThrowable(() -> connect("login_hba"));
      Throwable second = catchThrowable(() -> connect("login_hba"));

      assertThat(first).isInstanceOf(PSQLException.class);
      assertThat(state(first)).isEqualTo("28000");
      assertThat(second).isInstanceOf(PSQLException.class);
      admit(true, "login_hba"); // What failed was the connection's matter, not the account's.
      connect("login_hba").close();
    } finally {
      admit(true, "login_hba");
    }
  }

  /** Lets the server write its own pg_hba.conf, which may belong to another user than ours. */
  private static void admit(boolean admitted, String user) throws SQLException {
    try (Connection admin = postgres.adminConnection()) {
      String rule = "host all " + user + " all reject";
      String file = ask(admin, "SHOW hba_file");
      List<String> lines = new ArrayList<>();
      if (!admitted) {
        lines.add(rule);
      }
      ask(admin, "SELECT pg_read_file('" + file + "')")
          .lines()
          .map(line -> line.replaceAll("#.*", "").replaceAll("\\s+", " ").strip())
          .filter(line -> !line.isEmpty() && !line.equals(rule))
          .forEach(lines::add);
      String quoted =
          lines.stream().map(line -> "('" + line.replace("'", "''") + "')").collect(joining(","));
      postgres.execute("COPY (SELECT * FROM (VALUES " + quoted + ") AS t) TO '" + file + "'");
      String written = ask(admin, "SELECT clock_timestamp()");
      ask(admin, "SELECT pg_reload_conf()");
      Eventually.until(
          () -> {
            try (Connection later = postgres.adminConnection()) {
              return ask(later, "SELECT pg_conf_load_time() > '" + written + "'").equals("t");
            }
          });
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void connect_noSuchDatabase_leavesUntouched() throws SQLException {
    user("login_database");
    assertThatThrownBy(
            () -> DriverManager.getConnection(url("nowhere", ""), properties("login_database")))
        .isInstanceOf(PSQLException.class)
        .satisfies(e -> assertThat(state(e)).isEqualTo("3D000"));
    assertThat(secrets.calls("GetSecretValue", "login_database")).isEqualTo(1);
  }

  @Test
  void connect_connectionLimit_leavesUntouched() throws SQLException {
    user("login_limit");
    postgres.execute("ALTER ROLE login_limit CONNECTION LIMIT 0");
    assertThatThrownBy(() -> connect("login_limit"))
        .isInstanceOf(PSQLException.class)
        .satisfies(e -> assertThat(state(e)).isEqualTo("53300"));
    postgres.execute("ALTER ROLE login_limit CONNECTION LIMIT 1");
    connect("login_limit").close();
  }

  @Test
  void connect_portRefused_leavesUntouched() throws Exception {
    user("login_port");
    int port;
    try (var free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    assertThatThrownBy(
            () ->
                DriverManager.getConnection(
                    "jdbc:evercred:postgresql://127.0.0.1:" + port + "/db",
                    properties("login_port")))
        .isInstanceOf(PSQLException.class)
        .satisfies(e -> assertThat(state(e)).isEqualTo("08001"));
  }

  @Test
  void connect_severalHosts_theOneThatAnswersIsUsed() throws Exception {
    user("login_hosts");
    int port;
    try (var free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    String url =
        "jdbc:evercred:postgresql://127.0.0.1:%d,127.0.0.1:%d/postgres"
            .formatted(port, postgres.port());
    try (Connection connection = DriverManager.getConnection(url, properties("login_hosts"))) {
      assertThat(ask(connection, "SELECT current_user")).isEqualTo("login_hosts");
    }
  }

  @Test
  void connect_secretAsksForTls_serverWithoutItIsRefused() throws SQLException {
    postgres.createUser("login_tls", "p");
    secrets.createSecret(
        "login_tls", "{\"username\":\"login_tls\",\"password\":\"p\",\"ssl\":true}");
    String plain = postgres.jdbcUrl("postgres").replace("jdbc:", "jdbc:evercred:");

    assertThatThrownBy(() -> DriverManager.getConnection(plain, properties("login_tls")))
        .isInstanceOf(PSQLException.class)
        .satisfies(e -> assertThat(state(e)).isEqualTo("08004"));
    connect("login_tls").close(); // The caller said sslmode=disable.
  }

  @Test
  void connect_silentServer_endsByTheCallersLimit() throws Exception {
    user("login_silent");
    try (var silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      for (String way : List.of("url", "property", "driverManager", "dataSource", "rotationWait")) {
        long begun = System.nanoTime();
        assertThatThrownBy(() -> connectToSilent(silent.getLocalPort(), way))
            .as(way)
            .isInstanceOf(SQLException.class);
        assertThat(Duration.ofNanos(System.nanoTime() - begun))
            .as(way)
            .isBetween(Duration.ofMillis(900), Duration.ofSeconds(6));
      }
    }
  }

  private static Connection connectToSilent(int port, String way) throws IOException, SQLException {
    String url = "jdbc:evercred:postgresql://127.0.0.1:" + port + "/db";
    return switch (way) {
      case "url" ->
          DriverManager.getConnection(url + "?loginTimeout=1", properties("login_silent"));
      case "property" ->
          DriverManager.getConnection(url, properties("login_silent", "loginTimeout", "1.0"));
      case "rotationWait" ->
          DriverManager.getConnection(
              url, properties("login_silent", "evercred.rotationWait", "1s"));
      case "driverManager" -> {
        int before = DriverManager.getLoginTimeout();
        DriverManager.setLoginTimeout(1);
        try {
          yield DriverManager.getConnection(url, properties("login_silent"));
        } finally {
          DriverManager.setLoginTimeout(before);
        }
      }
      default -> {
        var dataSource = new EvercredDataSource();
        dataSource.setUrl("jdbc:postgresql://127.0.0.1:" + port + "/db");
        dataSource.setProperties(properties("login_silent"));
        dataSource.setLoginTimeout(1);
        yield dataSource.getConnection();
      }
    };
  }

  private static Rotation rotation(String secretId) {
    return Rotation.singleUser(secrets, secretId, postgres::adminConnection)
        .jdbcUrl(postgres.jdbcUrl("postgres"));
  }
}
