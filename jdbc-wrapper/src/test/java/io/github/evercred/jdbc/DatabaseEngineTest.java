package io.github.evercred.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.evercred.FailureKind;
import io.github.evercred.SecretCache;
import io.github.evercred.SecretValue;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class DatabaseEngineTest {
  private final List<DatabaseEngine> registered = new ArrayList<>();

  @AfterEach
  void deregister() {
    registered.forEach(DatabaseEngine::deregister);
  }

  private void register(DatabaseEngine.Builder builder) {
    DatabaseEngine engine = builder.build();
    engine.register();
    registered.add(engine);
  }

  private static Properties user() {
    var properties = new Properties();
    properties.setProperty("user", "s");
    return properties;
  }

  /** As Snowflake reports a wrong password: by its own code and SQLSTATE 08001. */
  private static ScriptedDriver refusingByItsOwnCode(String password) throws SQLException {
    return ScriptedDriver.registered(
        properties -> {
          if (properties.getProperty("password").equals(password)) {
            return ScriptedDriver.connection();
          }
          throw new SQLException("no", "08001", 390100);
        });
  }

  private static FakeSecrets rotating() {
    return new FakeSecrets()
        .put("s", FakeSecrets.login("app", "p1"))
        .put("s", "AWSPENDING", "v2", FakeSecrets.login("app", "p2"));
  }

  @Test
  void failures_unknownEngine_refusalIsBridgedOnceItIsKnown() throws SQLException {
    try (SecretCache cache = rotating().cache();
        ScriptedDriver database = refusingByItsOwnCode("p2")) {
      var driver = new PlainUrlDriver(cache);
      assertThatThrownBy(() -> driver.connect("jdbc:scripted://h/db", user()))
          .isInstanceOf(SQLException.class)
          .hasMessage("no");

      register(
          DatabaseEngine.named("scripted")
              .failures(e -> e.getErrorCode() == 390100 ? FailureKind.CREDENTIAL : null));
      Connection connection = driver.connect("jdbc:scripted://h/db", user());

      assertThat(connection).isNotNull();
      assertThat(database.calls)
          .extracting(call -> call.properties().getProperty("password"))
          .containsExactly("p1", "p1", "p2");
    }
  }

  @Test
  void failures_optionAlone_doesTheSame() throws SQLException {
    try (SecretCache cache = rotating().cache();
        ScriptedDriver database = refusingByItsOwnCode("p2")) {
      Properties given = user();
      given.setProperty("evercred.failures", "390100=credential");
      Connection connection = new PlainUrlDriver(cache).connect("jdbc:scripted://h/db", given);
      assertThat(connection).isNotNull();
      assertThat(database.calls).hasSize(2);
    }
  }

  @Test
  void build_allOfIt_used() throws Exception {
    register(
        DatabaseEngine.named("made")
            .driverClass("org.example.Driver")
            .xaDataSourceClass("org.example.Xa")
            .parametersAfterSemicolons()
            .loginTimeout("patience", true)
            .addressFromSecret("//{host}:{port};db={dbname}", 77)
            .tls("secure", "yes"));
    Plan plan = Plan.of("jdbc:evercred:made:;a={x;y};patience=1500", null);
    SecretValue value =
        SecretValue.builder("s", "v1").text("{\"host\":\"h\",\"dbname\":\"d\",\"ssl\":true}");

    assertThat(plan.limit(0)).hasMillis(1500);
    JdbcUrl url = plan.at(value).url();
    assertThat(url.text()).isEqualTo("jdbc:made://h:77;db=d;a={x;y}");
    assertThat(url.engine().drivers()).containsExactly("org.example.Driver");
    assertThat(url.engine().xaDataSource()).isEqualTo("org.example.Xa");
    Properties properties = new Properties();
    url.engine().dialect().raiseTls(url, properties, new PlainUrlDriver());
    assertThat(properties).containsEntry("secure", "yes");
    properties.setProperty("secure", "strict");
    url.engine().dialect().raiseTls(url, properties, new PlainUrlDriver());
    assertThat(properties).containsEntry("secure", "strict");
    SecretValue hostile =
        SecretValue.builder("s", "v1").text("{\"host\":\"h\",\"dbname\":\"d;a=marker\"}");
    assertThatThrownBy(() -> plan.at(hostile))
        .isInstanceOf(SQLException.class)
        .hasMessageContaining("dbname")
        .hasMessageNotContaining("marker");
  }

  @Test
  void register_knownEngine_restStaysAsItIsKnown() throws SQLException {
    register(DatabaseEngine.named("postgresql").driverClass("org.example.Driver"));
    Engine engine = JdbcUrl.parse("jdbc:evercred:postgresql://h/d").engine();
    assertThat(engine.drivers()).containsExactly("org.example.Driver");
    assertThat(engine.defaultPort()).isEqualTo(5432);
    assertThat(Failures.sort(new SQLException("x", "28P01"), engine.dialect()::sort))
        .isEqualTo(FailureKind.CREDENTIAL);
    deregister();
    assertThat(JdbcUrl.parse("jdbc:evercred:postgresql://h/d").engine().drivers())
        .containsExactly("org.postgresql.Driver");
  }

  @Test
  void builder_senseless_refused() {
    for (String name : List.of("", "a:b", "jdbc", "evercred", "1a")) {
      assertThatThrownBy(() -> DatabaseEngine.named(name))
          .isInstanceOf(IllegalArgumentException.class);
    }
    var builder = DatabaseEngine.named("made");
    assertThatThrownBy(() -> builder.addressFromSecret("//{port}", 1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> builder.addressFromSecret("//{host}", 0))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
