package io.github.evercred.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.evercred.LoginOptions;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class OptionTest {

  @ParameterizedTest
  @CsvSource({
    "0,PT0S",
    "0s,PT0S",
    "20s,PT20S",
    "500ms,PT0.5S",
    "2m,PT2M",
    "1h,PT1H",
    "PT20S,PT20S",
    "pt1.5s,PT1.5S",
    "' 3S ',PT3S",
    "10M,PT10M"
  })
  void duration_anyForm_read(String text, Duration expected) {
    assertThat(Option.duration(text)).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          evercred.secretId               | x
          evercred.rotationWait           | 0
          evercred.rotationWait           | 10m
          evercred.probeTimeout           | 1s
          evercred.probeTimeout           | 1m
          evercred.loginsAtOnce           | 1
          evercred.loginsAtOnce           | 2147483647
          evercred.loginsAtOnce           | Unlimited
          evercred.refusedLoginsPerMinute | 1
          evercred.refusedLoginsPerMinute | unlimited
          evercred.currentOnly            | TRUE
          evercred.currentOnly            | false
          evercred.usernameKey            | u
          evercred.username               | app
          evercred.driverClass            | org.example.Driver$Inner
          evercred.failures               | -4214=credential, 08P01 = LOCKED,x=uncertain,1=other
          """)
  void plan_valueAtItsEdge_taken(String name, String value) throws SQLException {
    Option option = Objects.requireNonNull(Option.of(name));
    assertThat(plan(name, value).value(option)).isEqualTo(value);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          evercred.rotationWait           | -1s
          evercred.rotationWait           | 600001ms
          evercred.rotationWait           | 20
          evercred.rotationWait           | 1d
          evercred.rotationWait           | PT99999999999999H
          evercred.probeTimeout           | 999ms
          evercred.probeTimeout           | 61s
          evercred.loginsAtOnce           | 0
          evercred.loginsAtOnce           | 2147483648
          evercred.loginsAtOnce           | many
          evercred.refusedLoginsPerMinute | 0
          evercred.refusedLoginsPerMinute | -1
          evercred.currentOnly            | yes
          evercred.driverClass            | org.example.
          evercred.driverClass            | a b
          evercred.failures               | 1017
          evercred.failures               | 1017=maybe
          evercred.failures               | 1017=credential,
          evercred.refreshAfter           | 999ms
          evercred.refreshAfter           | soon
          evercred.maximumSecrets         | 0
          evercred.region                 | Europe
          evercred.region                 | eu west
          evercred.endpoint               | 127.0.0.1:8080
          evercred.endpoint               | ftp://h
          evercred.endpoint               | https://
          """)
  void plan_valueBeyondItsEdge_refusedByNameValueAndRange(String name, String value) {
    assertThatThrownBy(() -> plan(name, value))
        .isInstanceOf(SQLException.class)
        .hasMessageStartingWith(name + " must be ")
        .hasMessageContaining("'" + value + "'");
  }

  @Test
  void plan_secretIdTooLong_refusedWithoutQuotingAllOfIt() throws SQLException {
    assertThat(plan("evercred.secretId", "x".repeat(2048)).requireSecretId()).hasSize(2048);
    assertThatThrownBy(() -> plan("evercred.secretId", "x".repeat(2049)))
        .isInstanceOf(SQLException.class)
        .message()
        .hasSizeLessThan(200);
  }

  @Test
  void plan_endpointWithUserOrQuery_refusedWithoutQuotingIt() {
    for (String endpoint : List.of("https://me:marker@h", "https://h?x=marker")) {
      assertThatThrownBy(() -> plan("evercred.endpoint", endpoint))
          .isInstanceOf(SQLException.class)
          .hasMessageStartingWith("evercred.endpoint must be ")
          .hasMessageNotContaining("marker");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "region, us-gov-west-1",
    "endpoint, http://127.0.0.1:8080",
    "endpoint, https://vpce-1.secretsmanager.eu-west-1.vpce.amazonaws.com/",
    "refreshAfter, 1s",
    "serveStaleFor, unlimited",
    "keepFresh, 'a,b'",
    "countHits, true"
  })
  void plan_optionOfTheCache_handedOn(String name, String value) throws SQLException {
    assertThat(plan("evercred." + name, value).cacheSettings())
        .containsExactly(Map.entry(name, new Settings.Found(value, "evercred." + name, true)));
  }

  @Test
  void help_optionsOfTheCache_isThereForEach() {
    assertThat(CacheOptions.described()).containsAll(CacheOptions.names());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "evercred.",
        "evercred.password",
        "evercred.rotationwait",
        "Evercred.region",
        "evercred.x"
      })
  void plan_unknownName_refusedAndNamedWithoutItsValue(String name) {
    assertThatThrownBy(() -> plan(name, "marker"))
        .isInstanceOf(SQLException.class)
        .hasMessageContaining("no option " + name + ";")
        .hasMessageContaining("evercred.rotationWait")
        .hasMessageNotContaining("marker");
    assertThatThrownBy(() -> Plan.of("jdbc:evercred:other:x?" + name + "=marker", null))
        .isInstanceOf(SQLException.class)
        .hasMessageContaining("no option " + name + ";")
        .hasMessageNotContaining("marker");
  }

  @Test
  void plan_valuesThatAreNoText_understood() throws SQLException {
    var properties = new Properties();
    properties.put("evercred.rotationWait", Duration.ofSeconds(7));
    properties.put("evercred.loginsAtOnce", 3);
    properties.put("evercred.currentOnly", true);

    Plan plan = Plan.of("jdbc:evercred:other:x", properties);

    assertThat(plan.value(Option.ROTATION_WAIT)).isEqualTo("PT7S");
    assertThat(plan.value(Option.LOGINS_AT_ONCE)).isEqualTo("3");
    assertThat(plan.value(Option.CURRENT_ONLY)).isEqualTo("true");
    assertThat(plan.properties()).isEmpty();
  }

  @Test
  void loginOptions_allSet_allApplied() {
    LoginOptions options =
        Option.loginOptions(
            Map.of(
                Option.ROTATION_WAIT, "1m",
                Option.PROBE_TIMEOUT, "2s",
                Option.LOGINS_AT_ONCE, "3",
                Option.REFUSED_LOGINS_PER_MINUTE, "4",
                Option.CURRENT_ONLY, "true"));

    assertThat(options.rotationWait()).isEqualTo(Duration.ofMinutes(1));
    assertThat(options.probeTimeout()).isEqualTo(Duration.ofSeconds(2));
    assertThat(options.loginsAtOnce()).isEqualTo(3);
    assertThat(options.refusedLoginsPerMinute()).isEqualTo(4);
    assertThat(options.currentOnly()).isTrue();
  }

  @ParameterizedTest
  @EnumSource
  void standard_ofEachOption_isWhatCoreHas(Option option) {
    if (option.standard != null && !option.bareName().endsWith("Key")) {
      LoginOptions standard = option.apply(LoginOptions.DEFAULTS, option.standard);
      assertThat(standard).usingRecursiveComparison().isEqualTo(LoginOptions.DEFAULTS);
    }
    assertThat(option.help).isNotBlank();
  }

  private static Plan plan(String name, String value) throws SQLException {
    var properties = new Properties();
    properties.setProperty(name, value);
    return Plan.of("jdbc:evercred:other:x", properties);
  }
}
