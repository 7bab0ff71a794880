package io.github.evercred.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.evercred.SecretCache;
import io.github.evercred.SecretValue;
import java.lang.reflect.Proxy;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.sql.Connection;
import java.sql.Driver;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Properties;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How a real login is bounded in time, and what of that is left on the connection. */
@Timeout(60)
class RealLoginTest {
  private static final LoginTime CONNECT_AND_READ =
      new LoginTime("connectTimeout", LoginTime.Unit.MILLISECONDS, false, "socketTimeout");

  private final SecretCache cache =
      new FakeSecrets().put("s", FakeSecrets.login("app", "p1")).cache();
  private final List<String> called = new ArrayList<>();

  @AfterEach
  void close() {
    cache.close();
  }

  /** A connection that notes what is done to it. */
  private Connection noting(boolean fails) {
    return (Connection)
        Proxy.newProxyInstance(
            RealLoginTest.class.getClassLoader(),
            new Class<?>[] {Connection.class},
            (proxy, method, arguments) -> {
              called.add(
                  method.getName()
                      + (arguments == null ? "" : " " + arguments[arguments.length - 1]));
              if (fails && method.getName().equals("setNetworkTimeout")) {
                throw new SQLException("not supported");
              }
              return method.getName().equals("hashCode") ? (Object) 1 : null;
            });
  }

  private static Plan plan(String... namesAndValues) throws SQLException {
    var given = new Properties();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      given.setProperty(namesAndValues[i], namesAndValues[i + 1]);
    }
    Engine timed =
        new Engine(
            "scripted", List.of(), "", null, Syntax.QUERY, 0, CONNECT_AND_READ, new AnyDatabase());
    Engine.add(timed);
    try {
      return Plan.of("jdbc:evercred:scripted://h/db?user=s", given);
    } finally {
      Engine.remove(timed);
    }
  }

  private Connection use(Plan plan, Duration remaining) throws SQLException {
    return new RealLogin<>(
            plan, Objects.requireNonNull(plan.target()), RealLogin::connect, Logins.of(cache))
        .use(
            SecretValue.builder("s", "v1").text("{\"username\":\"app\",\"password\":\"p1\"}"),
            remaining);
  }

  @ParameterizedTest
  @CsvSource({"'', 3000, 3000", "500, 500, 3000", "9000, 3000, 3000", "0, 3000, 3000"})
  void use_connectTimeoutOfTheDriver_isTheCallersOrWhatIsLeft(
      String callers, String connect, String read) throws SQLException {
    Plan plan = callers.isEmpty() ? plan() : plan("connectTimeout", callers);
    try (ScriptedDriver driver = ScriptedDriver.registered(properties -> noting(false))) {
      Connection unused = use(plan, Duration.ofSeconds(3));
      assertThat(driver.only().properties())
          .containsEntry("connectTimeout", connect)
          .containsEntry("socketTimeout", read);
    }
    assertThat(plan.limit(0)).as("it bounds one try, not the login").isZero();
    assertThat(called).contains("setNetworkTimeout 0");
  }

  @Test
  void use_readTimeoutOfTheCallers_isLeftAlone() throws SQLException {
    try (ScriptedDriver driver = ScriptedDriver.registered(properties -> noting(false))) {
      Connection unused = use(plan("socketTimeout", "70000"), Duration.ofSeconds(3));
      assertThat(driver.only().properties()).containsEntry("socketTimeout", "70000");
    }
    assertThat(called).noneMatch(name -> name.startsWith("setNetworkTimeout"));
  }

  @Test
  void use_timeOutsInAnotherCase_areTheSame() throws SQLException {
    try (ScriptedDriver driver = ScriptedDriver.registered(properties -> noting(false))) {
      Connection unused =
          use(plan("CONNECTTIMEOUT", "500", "SocketTimeout", "70000"), Duration.ofSeconds(3));
      assertThat(driver.only().properties())
          .containsEntry("connectTimeout", "500")
          .containsEntry("SocketTimeout", "70000")
          .doesNotContainKeys("CONNECTTIMEOUT", "socketTimeout");
    }
    assertThat(called).noneMatch(name -> name.startsWith("setNetworkTimeout"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "mysql://a,b/db",
        "mysql:replication://a,b/db",
        "mysql://a/db?autoReconnect=true",
        "mysql://(host=a,port=1,socketTimeout=60000)/db",
        "mysql+srv://a/db"
      })
  void use_connectionsThatDriversOpenLater_doNotInheritTheLoginsTime(String url)
      throws SQLException {
    Plan plan =
        Plan.of(
            "jdbc:evercred:" + url + (url.contains("?") ? "&" : "?") + "user=s&connectTimeout=7000",
            null);
    Properties seen = new Properties();
    RealLogin.Opener<Connection> opener =
        (real, driver, properties, remaining) -> {
          seen.putAll(properties);
          return noting(false);
        };
    Connection unused =
        new RealLogin<>(plan, Objects.requireNonNull(plan.target()), opener, Logins.of(cache))
            .use(
                SecretValue.builder("s", "v1").text("{\"username\":\"app\",\"password\":\"p1\"}"),
                Duration.ofMillis(1500));
    assertThat(seen).doesNotContainKey("socketTimeout");
    assertThat(seen.getProperty("connectTimeout"))
        .isEqualTo(url.contains("(host") ? "1500" : "7000");
    assertThat(called).noneMatch(name -> name.startsWith("setNetworkTimeout"));
  }

  @Test
  void use_dataSourceOfTheCallers_itsTimesAreItsOwn() throws SQLException {
    Plan plan = plan();
    var opener =
        new RealLogin.Opener<Connection>() {
          @Override
          public Connection open(
              JdbcUrl url, Driver driver, Properties properties, Duration remaining) {
            assertThat(properties).containsOnlyKeys("user", "password");
            return noting(false);
          }

          @Override
          public boolean takesProperties() {
            return false;
          }
        };
    try (ScriptedDriver driver = ScriptedDriver.accepting("p1")) {
      Connection unused =
          new RealLogin<>(plan, Objects.requireNonNull(plan.target()), opener, Logins.of(cache))
              .use(
                  SecretValue.builder("s", "v1").text("{\"username\":\"app\",\"password\":\"p1\"}"),
                  Duration.ofSeconds(3));
      assertThat(driver.calls).isEmpty();
    }
    assertThat(called).noneMatch(name -> name.startsWith("setNetworkTimeout"));
  }

  @Test
  void use_noLimit_nothingIsSet() throws SQLException {
    try (ScriptedDriver driver = ScriptedDriver.registered(properties -> noting(false))) {
      Connection unused = use(plan(), Duration.ofDays(1));
      assertThat(driver.only().properties()).containsOnlyKeys("user", "password");
    }
    assertThat(called).noneMatch(name -> name.startsWith("setNetworkTimeout"));
  }

  @Test
  void use_boundOfReadsCannotBeTakenBack_connectionIsClosed() throws SQLException {
    try (ScriptedDriver driver = ScriptedDriver.registered(properties -> noting(true))) {
      assertThatThrownBy(() -> use(plan(), Duration.ofSeconds(3)))
          .isInstanceOf(SQLException.class)
          .hasMessage("not supported");
      assertThat(driver.calls).hasSize(1);
    }
    assertThat(called).contains("close");
  }

  /** The real drivers against a server that accepts and then says nothing. */
  @ParameterizedTest
  @CsvSource({
    "jdbc:mysql://127.0.0.1:{port}/db",
    "jdbc:mariadb://127.0.0.1:{port}/db",
    "jdbc:postgresql://127.0.0.1:{port}/db",
    "jdbc:redshift://127.0.0.1:{port}/db",
    "jdbc:oracle:thin:@//127.0.0.1:{port}/db",
    "'jdbc:sqlserver://127.0.0.1:{port};databaseName=db'",
    "jdbc:db2://127.0.0.1:{port}/db"
  })
  void connect_silentServer_endsInTime(String url) throws Exception {
    try (var silent =
        new ServerSocket(0, 50, InetAddress.getByAddress(new byte[] {127, 0, 0, 1}))) {
      var given = new Properties();
      given.setProperty("user", "s");
      given.setProperty("evercred.rotationWait", "2s");
      String place = url.replace("{port}", Integer.toString(silent.getLocalPort()));
      long begun = System.nanoTime();
      assertThatThrownBy(() -> new PlainUrlDriver(cache).connect(place, given))
          .isInstanceOf(SQLException.class);
      assertThat(Duration.ofNanos(System.nanoTime() - begun))
          .isBetween(Duration.ofMillis(900), Duration.ofSeconds(12));
    }
  }
}
