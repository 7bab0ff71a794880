package io.github.evercred.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.evercred.RotationListener;
import io.github.evercred.SecretCache;
import io.github.evercred.Target;
import io.github.evercred.testkit.EvercredExtension;
import io.github.evercred.testkit.LocalSecretsManager;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.sql.SQLException;
import java.sql.SQLNonTransientConnectionException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import javax.sql.CommonDataSource;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@ExtendWith(EvercredExtension.class)
@Timeout(60)
class EvercredDataSourceTest {
  private final FakeSecrets secrets = new FakeSecrets().put("s", FakeSecrets.login("app", "p1"));
  private final SecretCache cache = secrets.cache();

  @AfterEach
  void closeCache() {
    cache.close();
  }

  private EvercredDataSource dataSource() {
    var dataSource = new EvercredDataSource();
    dataSource.setUrl("jdbc:scripted://h/db");
    dataSource.setSecretId("s");
    dataSource.setCache(cache);
    return dataSource;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "jdbc:scripted://h/db?x=1",
        "jdbc:evercred:scripted://h/db?x=1",
        "jdbc-secretsmanager:scripted://h/db?x=1"
      })
  void getConnection_anyFormOfUrl_logsIn(String url) throws SQLException {
    EvercredDataSource dataSource = dataSource();
    dataSource.setUrl(url);
    try (ScriptedDriver database = ScriptedDriver.accepting("p1")) {
      assertThat(dataSource.getConnection()).isNotNull();
      assertThat(database.only().url()).isEqualTo("jdbc:scripted://h/db?x=1");
    }
  }

  @Test
  void getConnection_properties_passedOnAndCopied() throws SQLException {
    var given = new Properties();
    given.setProperty("colour", "red");
    given.setProperty("evercred.rotationWait", "1s");
    EvercredDataSource dataSource = dataSource();
    dataSource.setProperties(given);
    given.setProperty("colour", "blue");
    try (ScriptedDriver database = ScriptedDriver.accepting("p1")) {
      assertThat(dataSource.getConnection()).isNotNull();
      assertThat(database.only().properties())
          .containsOnlyKeys("user", "password", "colour")
          .containsEntry("colour", "red");
    }
  }

  @Test
  void getConnection_userNamesAnotherSecret_itWins() throws SQLException {
    secrets.put("t", FakeSecrets.login("other", "p2"));
    EvercredDataSource dataSource = dataSource();
    try (ScriptedDriver database = ScriptedDriver.accepting("p1", "p2")) {
      assertThat(dataSource.getConnection("t", null)).isNotNull();
      assertThat(dataSource.getConnection("s", "")).isNotNull();
      assertThat(dataSource.getConnection(null, null)).isNotNull();
      assertThat(dataSource.getConnection(" ", " ")).isNotNull();
      assertThat(database.calls)
          .extracting(call -> call.properties().getProperty("user"))
          .containsExactly("other", "app", "app", "app");
    }
  }

  @Test
  void getConnection_passwordGiven_refusedWithoutQuotingIt() throws SQLException {
    try (ScriptedDriver database = ScriptedDriver.accepting("p1")) {
      assertThatThrownBy(() -> dataSource().getConnection("s", "marker"))
          .isInstanceOf(SQLNonTransientConnectionException.class)
          .hasMessageContaining("leave the password out")
          .hasMessageNotContaining("marker");
      assertThat(database.calls).isEmpty();
    }
  }

  @Test
  void getConnection_notSetUp_saysWhatIsMissing() {
    var dataSource = new EvercredDataSource();
    assertThatThrownBy(dataSource::getConnection)
        .isInstanceOf(SQLException.class)
        .hasMessageContaining("no url");
    dataSource.setUrl("jdbc:scripted:x"); // What failed may be mended.
    assertThatThrownBy(dataSource::getConnection)
        .isInstanceOf(SQLException.class)
        .hasMessageContaining("no secret");
  }

  @Test
  void setters_whileInUse_refused() throws SQLException {
    EvercredDataSource used = dataSource();
    try (ScriptedDriver database = ScriptedDriver.accepting("p1")) {
      assertThat(used.getConnection()).isNotNull();
      assertThat(database.calls).hasSize(1);
    }
    List<Runnable> setters =
        List.of(
            () -> used.setUrl("x"),
            () -> used.setSecretId("x"),
            () -> used.setRotationWait("1s"),
            () -> used.setProbeTimeout("1s"),
            () -> used.setLoginsAtOnce(1),
            () -> used.setRefusedLoginsPerMinute(1),
            () -> used.setCurrentOnly(true),
            () -> used.setRegion("eu-west-1"),
            () -> used.setEndpoint("http://h"),
            () -> used.setProperties(new Properties()),
            () -> used.setCache(cache),
            () -> used.setRotationListener(new RotationListener() {}));
    for (Runnable setter : setters) {
      assertThatThrownBy(setter::run)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("in use");
    }
    used.setLoginTimeout(3);
    assertThat(used.getLoginTimeout()).isEqualTo(3);
  }

  @Test
  void setters_wrongValue_refusedAtOnceByName() {
    EvercredDataSource dataSource = dataSource();
    assertThatThrownBy(() -> dataSource.setRotationWait("11m"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("rotationWait must be 0 to 10m")
        .hasMessageContaining("'11m'");
    assertThatThrownBy(() -> dataSource.setProbeTimeout("0"))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> dataSource.setLoginsAtOnce(0))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> dataSource.setRefusedLoginsPerMinute(-1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> dataSource.setRegion("")).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> dataSource.setEndpoint("x"))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> dataSource.setSecretId(" "))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> dataSource.setLoginTimeout(-1)).isInstanceOf(SQLException.class);
  }

  @Test
  void getConnection_ownCacheAndRegion_refused() {
    EvercredDataSource dataSource = dataSource();
    dataSource.setRegion("eu-west-1");
    assertThatThrownBy(dataSource::getConnection)
        .isInstanceOf(SQLException.class)
        .hasMessageContaining("region belongs to the cache");
  }

  @Test
  void getConnection_noCacheOfItsOwn_sharesTheDrivers(LocalSecretsManager local)
      throws SQLException {
    local.createSecret("source/shared", FakeSecrets.login("app", "p1"));
    try (ScriptedDriver database = ScriptedDriver.accepting("p1")) {
      for (int i = 0; i < 3; i++) {
        var dataSource = new EvercredDataSource();
        dataSource.setUrl("jdbc:scripted://h/db");
        dataSource.setSecretId("source/shared");
        dataSource.setEndpoint(local.endpoint().toString());
        assertThat(dataSource.getConnection()).isNotNull();
      }
      var properties = new Properties();
      properties.setProperty("evercred.endpoint", local.endpoint().toString());
      properties.setProperty("user", "source/shared");
      assertThat(new EvercredDriver().connect("jdbc:evercred:scripted://h/db", properties))
          .isNotNull();
      assertThat(database.calls).hasSize(4);
    }
    assertThat(local.calls("GetSecretValue", "source/shared")).isEqualTo(1);
  }

  @Test
  void getConnection_cacheClosed_lastingFailure() throws SQLException {
    EvercredDataSource dataSource = dataSource();
    try (ScriptedDriver database = ScriptedDriver.accepting("p1")) {
      assertThat(dataSource.getConnection()).isNotNull();
      cache.close();
      assertThatThrownBy(dataSource::getConnection)
          .isInstanceOf(SQLNonTransientConnectionException.class);
      assertThat(database.calls).hasSize(1);
    }
  }

  @Test
  void getConnection_twoHundredDataSourcesInTheWindow_costOneProbe() throws Exception {
    secrets.put("s", "AWSPENDING", "v2", FakeSecrets.login("app", "p2"));
    int count = 200;
    List<EvercredDataSource> sources = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      sources.add(dataSource());
    }
    try (ScriptedDriver database = ScriptedDriver.accepting("p2")) {
      for (EvercredDataSource source : sources) {
        assertThat(source.getConnection()).isNotNull();
      }
      assertThat(database.calls).hasSize(count + 1);
    }
    assertThat(Logins.of(cache).login.statistics().probes()).isEqualTo(1);
  }

  @Test
  void getConnection_manyThreadsFirstUse_oneIsMade() throws Exception {
    EvercredDataSource dataSource = dataSource();
    int count = 16;
    var together = new CyclicBarrier(count);
    var threads = Executors.newFixedThreadPool(count);
    try (ScriptedDriver database = ScriptedDriver.accepting("p1")) {
      List<Future<?>> logins = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        logins.add(
            threads.submit(
                () -> {
                  together.await(20, TimeUnit.SECONDS);
                  return dataSource.getConnection();
                }));
      }
      for (Future<?> login : logins) {
        assertThat(login.get(20, TimeUnit.SECONDS)).isNotNull();
      }
      assertThat(database.calls).hasSize(count);
    } finally {
      threads.shutdownNow();
    }
    assertThat(secrets.calls).hasValue(1);
  }

  /** Keeps what it hears. */
  private static final class Heard implements RotationListener {
    final List<String> events = new CopyOnWriteArrayList<>();

    @Override
    public void refused(Target target, String secretId, String versionId) {
      events.add("refused " + secretId + " " + versionId);
    }

    @Override
    public void rotationIncomplete(
        Target target, String secretId, String label, String versionId, Duration since) {
      events.add("incomplete " + label + " " + versionId);
    }
  }

  @Test
  void listener_severalDataSources_eachEventOnceAlsoBesideOneThatFails() throws SQLException {
    secrets.put("s", "AWSPENDING", "v2", FakeSecrets.login("app", "p2"));
    var heard = new Heard();
    EvercredDataSource failing = dataSource();
    failing.setRotationListener(
        new RotationListener() {
          @Override
          public void refused(Target target, String secretId, String versionId) {
            throw new IllegalStateException("a listener's own");
          }
        });
    EvercredDataSource first = dataSource();
    EvercredDataSource second = dataSource();
    first.setRotationListener(heard);
    second.setRotationListener(heard);
    try (ScriptedDriver database = ScriptedDriver.accepting("p1", "p2")) {
      for (EvercredDataSource source : List.of(failing, first, second)) {
        assertThat(source.getConnection()).isNotNull();
      }
      assertThat(database.calls).hasSize(3);
    }
    try (ScriptedDriver database = ScriptedDriver.accepting("p2")) {
      assertThat(dataSource().getConnection()).isNotNull();
      assertThat(database.calls).hasSize(2);
    }

    assertThat(heard.events).containsExactly("refused s v1", "incomplete AWSPENDING v2");
    assertThat(List.of(failing, first, second)).hasSize(3); // Listeners live as long as these.
  }

  @Test
  void logins_dataSourceGone_listenerIsForgotten() {
    Logins logins = Logins.of(cache);
    var kept = new Heard();
    logins.add(kept);
    addAndForget(logins);
    for (int i = 0; i < 50 && logins.listening() > 1; i++) {
      System.gc();
    }
    assertThat(logins.listening()).isEqualTo(1);
    assertThat(kept.events).isEmpty();
  }

  private static void addAndForget(Logins logins) {
    logins.add(new Heard());
  }

  @Test
  void logins_ofOneCache_areOneEvenAfterACollection() {
    int before = System.identityHashCode(Logins.of(cache));
    System.gc();
    assertThat(System.identityHashCode(Logins.of(cache))).isEqualTo(before);
    try (SecretCache other = secrets.cache()) {
      assertThat(Logins.of(other)).isNotSameAs(Logins.of(cache));
    }
  }

  @Test
  void unwrap_ownTypesOnly() throws SQLException {
    EvercredDataSource dataSource = dataSource();
    assertThat(dataSource.unwrap(EvercredDataSource.class)).isSameAs(dataSource);
    assertThat(dataSource.unwrap(CommonDataSource.class)).isSameAs(dataSource);
    assertThat(dataSource.isWrapperFor(DataSource.class)).isTrue();
    assertThat(dataSource.isWrapperFor(String.class)).isFalse();
    assertThatThrownBy(() -> dataSource.unwrap(String.class)).isInstanceOf(SQLException.class);
  }

  @Test
  void logWriter_set_keptAndNotWrittenTo() {
    EvercredDataSource dataSource = dataSource();
    assertThat(dataSource.getLogWriter()).isNull();
    var out = new StringWriter();
    var writer = new PrintWriter(out);
    dataSource.setLogWriter(writer);
    assertThat(dataSource.getLogWriter()).isSameAs(writer);
    assertThat(out.toString()).isEmpty();
    assertThat(dataSource.getParentLogger().getName()).isEqualTo("io.github.evercred");
  }

  @Test
  void toString_anyTime_noUrlNoProperties() throws SQLException {
    EvercredDataSource dataSource = dataSource();
    dataSource.setUrl("jdbc:scripted://h:7/db?sslpassword=marker");
    assertThat(dataSource).hasToString("EvercredDataSource[secret s, not used yet]");
    try (ScriptedDriver database = ScriptedDriver.accepting("p1")) {
      assertThat(dataSource.getConnection()).isNotNull();
      assertThat(database.calls).hasSize(1);
    }
    assertThat(dataSource).hasToString("EvercredDataSource[secret s at scripted h:7]");
  }
}
