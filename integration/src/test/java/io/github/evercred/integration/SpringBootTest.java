package io.github.evercred.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.springframework.boot.Banner;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.autoconfigure.flyway.FlywayAutoConfiguration;
import org.springframework.boot.autoconfigure.jdbc.DataSourceAutoConfiguration;
import org.springframework.boot.autoconfigure.jdbc.JdbcTemplateAutoConfiguration;
import org.springframework.boot.autoconfigure.liquibase.LiquibaseAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ApplicationContext;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.jdbc.core.JdbcTemplate;

/** Spring Boot 3, with the HikariCP that it makes. */
@ExtendWith(Servers.class)
@Timeout(60)
class SpringBootTest {

  @ImportAutoConfiguration({DataSourceAutoConfiguration.class, JdbcTemplateAutoConfiguration.class})
  static class Orders {}

  @ImportAutoConfiguration(FlywayAutoConfiguration.class)
  static class OrdersWithFlyway extends Orders {}

  @ImportAutoConfiguration(LiquibaseAutoConfiguration.class)
  static class OrdersWithLiquibase extends Orders {}

  private static ConfigurableApplicationContext start(
      Class<?> application, Path directory, String... profiles) {
    return new SpringApplicationBuilder(application)
        .web(WebApplicationType.NONE)
        .bannerMode(Banner.Mode.OFF)
        .registerShutdownHook(false)
        .profiles(profiles)
        .run(
            "--spring.config.location=" + directory.toUri(),
            "--spring.flyway.locations=classpath:migrations",
            "--spring.liquibase.change-log=classpath:changes.sql");
  }

  @ParameterizedTest
  @EnumSource
  void jdbcTemplate_acrossARotation_works(
      Form form, Servers.Running servers, @TempDir Path directory) throws Exception {
    Application application = servers.application("boot_" + form);
    application.written("application.properties", form, directory);
    try (ConfigurableApplicationContext context = start(Orders.class, directory)) {
      var pool = context.getBean(HikariDataSource.class);
      var template = context.getBean(JdbcTemplate.class);
      check(template, application);
      application.openWindow();
      pool.getHikariPoolMXBean().softEvictConnections();
      check(template, application);
      Eventually.until(() -> application.refused() > 0); // The pool may still be filling itself.
      assertThat(application.refused()).isLessThanOrEqualTo(pool.getMaximumPoolSize());
      long inTheWindow = application.refused();
      application.closeWindow();
      pool.getHikariPoolMXBean().softEvictConnections();
      check(template, application);
      assertThat(application.refused()).isEqualTo(inTheWindow);
    }
    Eventually.until(() -> application.sessions() == 0);
  }

  private static void check(JdbcTemplate template, Application application) {
    assertThat(template.queryForObject("SELECT session_user", String.class))
        .isEqualTo(application.user());
  }

  @Test
  void start_userInsteadOfUsername_failsAndSaysThatTheSecretIsMissing(
      Servers.Running servers, @TempDir Path directory) throws Exception {
    Application application = servers.application("boot_user");
    Path file = application.written("application.properties", Form.EVERCRED, directory);
    Files.writeString(
        file, Files.readString(file).replace("datasource.username", "datasource.user"));
    try (ConfigurableApplicationContext context = start(Orders.class, directory)) {
      assertThatThrownBy(() -> check(context.getBean(JdbcTemplate.class), application))
          .hasStackTraceContaining("evercred.secretId");
    }
  }

  /** Flyway is handed a data source by Boot, so that it does not look at the URL's prefix. */
  @ParameterizedTest
  @EnumSource
  void migrations_onTheDataSourceOfTheApplication_areDone(
      Form form, Servers.Running servers, @TempDir Path directory) throws Exception {
    Application flyway = servers.application("boot_flyway_" + form);
    flyway.written("application.properties", form, directory);
    try (ConfigurableApplicationContext context = start(OrdersWithFlyway.class, directory)) {
      assertThat(context.getBean(Flyway.class).info().applied()).hasSize(2);
    }
    Application liquibase = servers.application("boot_liquibase_" + form);
    liquibase.written("application.properties", form, directory);
    try (ConfigurableApplicationContext context = start(OrdersWithLiquibase.class, directory)) {
      assertThat(columnsOfItem(context, liquibase)).isEqualTo(2);
    }
  }

  @ParameterizedTest
  @EnumSource
  void flyway_withASecretOfItsOwn_migratesInTheWindow(
      Form form, Servers.Running servers, @TempDir Path directory) throws Exception {
    Application orders = servers.application("boot_flyway_orders_" + form);
    Application owner = servers.application("boot_flyway_owner_" + form);
    orders.written("application.properties", form, directory);
    owner.written("application-flyway.properties", form, directory);
    owner.openWindow();
    try (ConfigurableApplicationContext context =
        start(OrdersWithFlyway.class, directory, "flyway")) {
      assertThat(context.getBean(Flyway.class).info().applied()).hasSize(2);
    }
    assertThat(owner.logins()).isPositive();
    assertThat(owner.refused()).isEqualTo(1);
    owner.closeWindow();
  }

  @ParameterizedTest
  @EnumSource
  void liquibase_withASecretOfItsOwn_updatesInTheWindow(
      Form form, Servers.Running servers, @TempDir Path directory) throws Exception {
    Application orders = servers.application("boot_liquibase_orders_" + form);
    Application owner = servers.application("boot_liquibase_owner_" + form);
    orders.written("application.properties", form, directory);
    owner.written("application-liquibase.properties", form, directory);
    owner.openWindow();
    try (ConfigurableApplicationContext context =
        start(OrdersWithLiquibase.class, directory, "liquibase")) {
      assertThat(context.getBean(JdbcTemplate.class)).isNotNull();
    }
    assertThat(owner.logins()).isPositive();
    assertThat(owner.refused()).isEqualTo(1);
    owner.closeWindow();
  }

  private static int columnsOfItem(ApplicationContext context, Application application) {
    Integer count =
        context
            .getBean(JdbcTemplate.class)
            .queryForObject(
                "SELECT count(*) FROM information_schema.columns"
                    + " WHERE table_schema = ? AND table_name = 'item'",
                Integer.class,
                application.user());
    return Objects.requireNonNull(count);
  }
}
