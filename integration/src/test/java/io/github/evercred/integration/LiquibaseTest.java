package io.github.evercred.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.OutputStream;
import java.util.Properties;
import liquibase.command.CommandScope;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Liquibase by its commands, as its command line and its Maven plugin call them. */
@ExtendWith(Servers.class)
@Timeout(60)
class LiquibaseTest {

  /** The file's names are those of the command's arguments. */
  private static void run(String command, Properties file, Object... more) throws Exception {
    var scope = new CommandScope(command).setOutput(OutputStream.nullOutputStream());
    for (String name : file.stringPropertyNames()) {
      scope.addArgumentValue(name, file.getProperty(name));
    }
    for (int i = 0; i < more.length; i += 2) {
      scope.addArgumentValue((String) more[i], more[i + 1]);
    }
    scope.execute();
  }

  @ParameterizedTest
  @EnumSource
  void update_acrossARotation_works(Form form, Servers.Running servers) throws Exception {
    Application application = servers.application("liquibase_" + form);
    Properties file = application.properties("liquibase.properties", form);

    run("updateCount", file, "count", 1);
    application.openWindow();
    run("update", file);
    assertThat(application.refused()).isEqualTo(1);
    application.closeWindow();
    run("status", file);
    assertThat(application.refused()).isEqualTo(1);
    Eventually.until(() -> application.sessions() == 0);
  }

  @ParameterizedTest
  @CsvSource({
    "EVERCRED, Driver class was not specified and could not be determined",
    "AWS, Driver class was not specified and could not be determined",
    "PLAIN, no password was provided"
  })
  void update_withoutDriver_fails(Form form, String said, Servers.Running servers)
      throws Exception {
    Application application = servers.application("liquibase_without_driver_" + form);
    Properties file = application.properties("liquibase.properties", form);
    file.remove("driver");

    assertThatThrownBy(() -> run("update", file)).hasStackTraceContaining(said);
    assertThat(application.logins()).isZero();
  }
}
