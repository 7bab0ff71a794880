package io.github.evercred.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.extension.ExtendWith;

@Timeout(60)
@ExtendWith(EvercredExtension.class)
class EvercredExtensionTest {
  private static @Nullable LocalSecretsManager shared;
  private static @Nullable LocalSecretsManager inBeforeAll;
  private @Nullable LocalSecretsManager field;
  private @Nullable LocalPostgres postgres;
  private @Nullable LocalSecretsManager inBeforeEach;

  @BeforeAll
  static void all(LocalSecretsManager secrets) {
    inBeforeAll = secrets;
  }

  @BeforeEach
  void each(LocalSecretsManager secrets) {
    inBeforeEach = secrets;
  }

  @Test
  void secretsManager_fieldsAndParameters_areOneAndTheSame(LocalSecretsManager parameter) {
    assertThat(parameter).isNotNull();
    assertThat(field).isSameAs(parameter);
    assertThat(shared).isSameAs(parameter);
    assertThat(inBeforeAll).isSameAs(parameter);
    assertThat(inBeforeEach).isSameAs(parameter);
  }

  @Test
  void postgres_fieldAndParameter_areOneAndTheSame(LocalPostgres parameter) {
    assertThat(postgres).isSameAs(parameter);
  }

  @Test
  @EnabledOnOs(value = OS.LINUX, architectures = "amd64")
  void mySql_parameters_areOneAndTheSame(LocalMySql first, LocalMySql second) {
    assertThat(first).isSameAs(second);
  }

  @Test
  @Tag("mariadb")
  @EnabledOnOs(value = OS.LINUX, architectures = "amd64")
  void mariaDb_parameters_areOneAndTheSame(LocalMariaDb first, LocalMariaDb second) {
    assertThat(first).isSameAs(second);
  }

  @Nested
  class Inner {
    private @Nullable LocalSecretsManager nested;

    @Test
    void nestedClass_ofATopLevelClass_sharesItsServers(LocalPostgres parameter) {
      assertThat(nested).isSameAs(shared);
      assertThat(parameter).isSameAs(postgres);
    }
  }
}
