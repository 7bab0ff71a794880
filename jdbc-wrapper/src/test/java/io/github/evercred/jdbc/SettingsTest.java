package io.github.evercred.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SettingsTest {
  private static final String URL = "jdbc:evercred:other:x";
  private static final String ARN =
      "arn:aws:secretsmanager:eu-central-1:123456789012:secret:a-AbCdEf";

  private final Map<String, String> setters = new HashMap<>();
  private final Properties properties = new Properties();
  private final Properties system = new Properties();
  private final Map<String, String> environment = new HashMap<>();
  private final Properties file = new Properties();

  private Plan plan(String query) throws SQLException {
    return Plan.of(
        JdbcUrl.parse(URL + query),
        properties,
        setters,
        new Settings.Surroundings(system, environment, file));
  }

  private @Nullable String cache(String name) throws SQLException {
    Settings.Found found = plan("").cacheSettings().get(name);
    return found == null ? null : found.text();
  }

  @Test
  void option_inAllPlaces_foundInTheOrderOfTheManual() throws SQLException {
    String url = "?evercred.rotationWait=1s&evercred.refreshAfter=1s";
    properties.setProperty("evercred.rotationWait", "2s");
    properties.setProperty("evercred.refreshAfter", "2s");
    setters.put("rotationWait", "3s");
    setters.put("refreshAfter", "3s");
    system.setProperty("evercred.rotationWait", "4s");
    system.setProperty("evercred.refreshAfter", "4s");
    environment.put("EVERCRED_ROTATION_WAIT", "5s");
    environment.put("EVERCRED_REFRESH_AFTER", "5s");
    file.setProperty("evercred.rotationWait", "6s");
    file.setProperty("evercred.refreshAfter", "6s");

    List<String> seen = new ArrayList<>();
    List<Runnable> removals =
        List.of(
            () -> {},
            properties::clear,
            setters::clear,
            system::clear,
            environment::clear,
            file::clear);
    seen.add(both(url));
    for (Runnable removal : removals) {
      removal.run();
      seen.add(both(""));
    }
    assertThat(seen)
        .containsExactly("1s 1s", "2s 2s", "3s 3s", "4s 4s", "5s 5s", "6s 6s", "null null");
  }

  private String both(String query) throws SQLException {
    Plan plan = plan(query);
    Settings.Found found = plan.cacheSettings().get("refreshAfter");
    return plan.value(Option.ROTATION_WAIT) + " " + (found == null ? null : found.text());
  }

  @Test
  void option_blank_nextPlaceDecides() throws SQLException {
    properties.setProperty("evercred.rotationWait", " ");
    setters.put("rotationWait", "");
    environment.put("EVERCRED_ROTATION_WAIT", "5s");
    assertThat(plan("?evercred.rotationWait=").value(Option.ROTATION_WAIT)).isEqualTo("5s");
  }

  @Test
  void secretId_inSystemProperty_onlyWhereNoneIsNearer() throws SQLException {
    system.setProperty("evercred.secretId", "around");
    assertThat(plan("").requireSecretId()).isEqualTo("around");
    assertThat(plan("?user=near").requireSecretId()).isEqualTo("near");
    properties.setProperty("user", "property");
    assertThat(plan("").requireSecretId()).isEqualTo("property");
  }

  @Test
  void awsNames_inAllPlaces_comeAfterOurOwnInTheSamePlace() throws SQLException {
    file.setProperty("drivers.region", "eu-west-6");
    assertThat(cache("region")).isEqualTo("eu-west-6");
    file.setProperty("evercred.region", "eu-west-5");
    assertThat(cache("region")).isEqualTo("eu-west-5");
    environment.put("AWS_SECRET_JDBC_REGION", "eu-west-4");
    assertThat(cache("region")).isEqualTo("eu-west-4");
    environment.put("EVERCRED_REGION", "eu-west-3");
    assertThat(cache("region")).isEqualTo("eu-west-3");
    system.setProperty("drivers.region", "eu-west-2");
    assertThat(cache("region")).isEqualTo("eu-west-2");
    system.setProperty("evercred.region", "eu-west-1");
    assertThat(cache("region")).isEqualTo("eu-west-1");
  }

  @Test
  void awsNames_vpcEndpoint_itsRegionGoesWithIt() throws SQLException {
    file.setProperty("drivers.region", "eu-west-1");
    file.setProperty("drivers.vpcEndpointUrl", "https://vpce.example.com");
    assertThat(cache("endpoint")).isEqualTo("https://vpce.example.com");
    assertThat(cache("region")).isEqualTo("eu-west-1");
    file.setProperty("drivers.vpcEndpointRegion", "us-east-1");
    assertThat(cache("region")).isEqualTo("us-east-1");
  }

  @Test
  void awsNames_realDriverClass_countsForItsEngineAlone() throws SQLException {
    system.setProperty("drivers.other.realDriverClass", "org.example.Other");
    file.setProperty("drivers.other.realDriverClass", "org.example.File");
    assertThat(plan("").url().engine().drivers()).containsExactly("org.example.Other");
    system.clear();
    assertThat(plan("").url().engine().drivers()).containsExactly("org.example.File");
    assertThat(plan("?evercred.driverClass=org.example.Mine").url().engine().drivers())
        .containsExactly("org.example.Mine");
    file.clear();
    file.setProperty("drivers.mysql.realDriverClass", "org.example.MySql");
    assertThat(plan("").url().engine().drivers()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void awsNames_postQuantumTls_refusedOnlyWhereItIsOn(boolean inSystem) throws SQLException {
    (inSystem ? system : file).setProperty("drivers.postQuantumTlsEnabled", "TRUE");
    assertThatThrownBy(() -> Logins.of(plan(""), null))
        .isInstanceOf(SQLException.class)
        .hasMessageContaining("postQuantumTlsEnabled");
    try (var cache = new FakeSecrets().cache()) {
      assertThat(Logins.of(plan(""), cache)).as("whose client is the caller's").isNotNull();
    }
    (inSystem ? system : file).setProperty("drivers.postQuantumTlsEnabled", "false");
    assertThat(Logins.of(plan(""), null)).isNotNull();
  }

  @ParameterizedTest
  @CsvSource(
      nullValues = "-",
      value = {
        "-, -, eu-central-1",
        "us-east-1, -, us-east-1",
        "-, us-east-1, eu-central-1",
        "us-east-1, us-east-2, us-east-1"
      })
  void region_arnAsSecretId_winsOverWhatIsSaidForTheWholeJvm(
      @Nullable String near, @Nullable String around, String expected) throws SQLException {
    properties.setProperty("user", ARN);
    if (near != null) {
      properties.setProperty("evercred.region", near);
    }
    if (around != null) {
      system.setProperty("drivers.region", around);
    }
    assertThat(cache("region")).isEqualTo(expected);
    Settings.Found ofName = plan("").with("name").cacheSettings().get("region");
    assertThat(ofName == null ? null : ofName.text()).isEqualTo(near != null ? near : around);
  }

  @Test
  void region_arnAsSecretIdReadByTheAgent_isTheAgents() throws SQLException {
    properties.setProperty("user", ARN);
    properties.setProperty("evercred.localAgent", "Always");
    assertThat(plan("").cacheSettings()).doesNotContainKey("region");
    assertThat(Logins.of(plan(""), null)).as("a cache can be made").isNotNull();
    properties.setProperty("evercred.localAgent", "auto");
    assertThat(cache("region")).isEqualTo("eu-central-1");
  }

  @Test
  void sharedCache_settingsOfTheJvmMakeNoSense_saysWhereTheyStand() throws SQLException {
    environment.put("EVERCRED_REFRESH_AFTER", "marker soon");
    assertThatThrownBy(() -> Logins.of(plan(""), null))
        .isInstanceOf(SQLException.class)
        .hasMessageContaining("environment variable EVERCRED_REFRESH_AFTER")
        .hasMessageNotContaining("handed to the builder");
  }

  @Test
  void ownCache_optionsOfACacheBesideIt_refusedUnlessTheyAreTheJvms() throws SQLException {
    environment.put("EVERCRED_REFRESH_AFTER", "1m");
    try (var cache = new FakeSecrets().cache()) {
      assertThat(Logins.of(plan(""), cache)).isNotNull();
      assertThatThrownBy(() -> Logins.of(plan("?evercred.refreshAfter=1m"), cache))
          .isInstanceOf(SQLException.class)
          .hasMessageContaining("evercred.refreshAfter belongs to the cache");
    }
  }

  @Test
  void file_onTheClassPath_readByTheContextClassLoaderFirst(@TempDir Path directory)
      throws IOException, SQLException {
    Files.writeString(directory.resolve("secretsmanager.properties"), "drivers.region=eu-west-9");
    Thread current = Thread.currentThread();
    ClassLoader before = current.getContextClassLoader();
    try (var loader = new URLClassLoader(new java.net.URL[] {directory.toUri().toURL()}, before)) {
      current.setContextClassLoader(loader);
      assertThat(Plan.of(URL, null).cacheSettings().get("region"))
          .extracting(found -> found == null ? null : found.text())
          .isEqualTo("eu-west-9");
    } finally {
      current.setContextClassLoader(before);
    }
    assertThat(Plan.of(URL, null).cacheSettings()).doesNotContainKey("region");
  }

  @Test
  void file_unreadable_saysSo(@TempDir Path directory) throws IOException {
    Files.writeString(directory.resolve("secretsmanager.properties"), "drivers.region=\\u00zz");
    Thread current = Thread.currentThread();
    ClassLoader before = current.getContextClassLoader();
    try (var loader = new URLClassLoader(new java.net.URL[] {directory.toUri().toURL()}, before)) {
      current.setContextClassLoader(loader);
      assertThatThrownBy(() -> Plan.of(URL, null))
          .isInstanceOf(SQLException.class)
          .hasMessageContaining("secretsmanager.properties");
    } finally {
      current.setContextClassLoader(before);
    }
  }
}
