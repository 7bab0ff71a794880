package io.github.evercred.integration;

import static org.assertj.core.api.Assertions.assertThat;

import org.jooq.CloseableDSLContext;
import org.jooq.SQLDialect;
import org.jooq.impl.DSL;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** jOOQ with the connection that it makes itself. */
@ExtendWith(Servers.class)
@Timeout(60)
class JooqTest {

  /** What docs/tools.md shows, for another database. */
  private static CloseableDSLContext connect(Form form, Application application) {
    String[] arguments = Example.region("jooq").split("\"", -1);
    return DSL.using(
        form.in(application.text(arguments[1])), application.text(arguments[3]), arguments[5]);
  }

  @SuppressWarnings("unused") // Compiled, and taken to pieces above.
  private static void example() {
    // begin: jooq
    try (CloseableDSLContext orders =
        DSL.using("jdbc:evercred:postgresql://db.example.com:5432/orders", "prod/orders/db", "")) {
      orders.fetch("SELECT 1");
    }
    // end
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "PLAIN")
  void connection_acrossARotation_works(Form form, Servers.Running servers) throws Exception {
    Application application = servers.application("jooq_" + form);
    check(form, application);
    application.openWindow();
    check(form, application);
    check(form, application);
    assertThat(application.refused()).isEqualTo(1);
    application.closeWindow();
    check(form, application);
    assertThat(application.refused()).isEqualTo(1);
    assertThat(application.logins()).isEqualTo(5); // One of them the rotation's own.
    Eventually.until(() -> application.sessions() == 0);
  }

  private static void check(Form form, Application application) {
    try (CloseableDSLContext orders = connect(form, application)) {
      assertThat(orders.dialect()).isEqualTo(SQLDialect.POSTGRES);
      assertThat(orders.fetchValue("SELECT session_user")).isEqualTo(application.user());
    }
  }
}
