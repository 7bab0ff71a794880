package io.github.evercred.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.github.evercred.FailureKind;
import io.github.evercred.SecretCache;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLInvalidAuthorizationSpecException;
import java.sql.SQLNonTransientConnectionException;
import java.sql.Statement;
import java.util.Properties;
import org.h2.Driver;
import org.h2.api.ErrorCode;
import org.h2.engine.ConnectionInfo;
import org.h2.message.DbException;
import org.h2.tools.Server;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class H2Test {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          mem:t                    | mem              | t
          mem:                     | mem              | ''
          .                        | mem              | .
          file:~/t                 | file             | ~/t
          ~/t                      | file             | ~/t
          ./t;IFEXISTS=TRUE        | file             | ./t
          zip:~/a.zip!/t           | file             | zip:~/a.zip!/t
          tcp://H:1/db             | h:1              | db
          tcp://h/mem:db           | h:9092           | mem:db
          tcp:h/db                 | h:9092           | db
          tcp://h1:1,h2/~/x;X=1    | h1:1,h2:9092     | ~/x
          tcp://[::1]:5/db         | [::1]:5          | db
          ssl://h/db               | h:9092           | db
          ssl:h:4/db               | h:4              | db
          """)
  void target_anyForm_hostsAndDatabase(String rest, String hosts, String database)
      throws SQLException {
    JdbcUrl url = JdbcUrl.parse("jdbc:h2:" + rest);
    assertThat(new H2().hosts(url, new Properties())).containsExactly(hosts.split(","));
    assertThat(new H2().database(url, new Properties())).isEqualTo(database);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "tcp://h",
        "tcp:",
        "tcp:///db",
        "tcp://h:x/db",
        "tcp://h:0/db",
        "tcp://::1/db",
        "tcp://[::1/db",
        "tcp://h1,/db",
        "tcp://h h/db",
        "ssl://user:marker@h/db",
      })
  void target_malformed_refusedWithoutQuoting(String rest) {
    assertThatThrownBy(() -> Plan.of("jdbc:evercred:h2:" + rest, null))
        .isInstanceOf(SQLException.class)
        .hasMessageStartingWith("The URL cannot be read: ")
        .hasMessageNotContaining("marker");
  }

  @Test
  void parse_parametersInAnyCase_takenOrKept() throws SQLException {
    JdbcUrl url =
        JdbcUrl.parse("jdbc:evercred:h2:mem:t;user=s;INIT=create schema a\\;b;evercred.region=x");
    assertThat(url.text()).isEqualTo("jdbc:h2:mem:t;INIT=create schema a\\;b");
    assertThat(url.taken()).containsEntry("user", "s").containsEntry("evercred.region", "x");
  }

  @ParameterizedTest
  @ValueSource(strings = {"app", "mem:app", "~/app", "file:/data/a_b-c.d", "/data/app"})
  void address_plainDatabase_arrivesAsItsName(String database) throws SQLException {
    for (boolean tls : new boolean[] {false, true}) {
      String address = new H2().address(new HostPort("::1", 7), database, tls);

      assertThat(address).startsWith(tls ? "ssl://" : "tcp://");
      var real = new ConnectionInfo("jdbc:h2:" + address + ";IFEXISTS=TRUE", null, null, null);
      assertThat(real.isRemote()).isTrue();
      assertThat(real.getName()).isEqualTo("//[::1]:7/" + database);
      JdbcUrl url = JdbcUrl.parse("jdbc:h2:" + address);
      assertThat(new H2().hosts(url, new Properties())).containsExactly("[::1]:7");
      assertThat(new H2().database(url, new Properties())).isEqualTo(database);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "marker;INIT=RUNSCRIPT",
        "marker\\;x",
        "../marker",
        "marker/../y",
        "marker/..",
        "mem:../marker",
        "zip:marker",
        "marker?x=y",
        "marker&x",
        "marker,h",
        "",
      })
  void address_otherDatabase_refusedWithoutQuoting(String database) {
    assertThatThrownBy(() -> new H2().address(new HostPort("h", 7), database, false))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("dbname")
        .hasMessageNotContaining("marker");
  }

  @Test
  void address_noDatabase_refused() {
    assertThatThrownBy(() -> new H2().address(new HostPort("h", 7), null, false))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("dbname");
  }

  @Test
  void raiseTls_onlyTcpNeedsAnotherUrl() throws SQLException {
    for (String rest : new String[] {"mem:t", "~/t", "ssl://h/db"}) {
      var properties = new Properties();
      new H2().raiseTls(JdbcUrl.parse("jdbc:h2:" + rest), properties, new Driver());
      assertThat(properties).isEmpty();
    }
    JdbcUrl tcp = JdbcUrl.parse("jdbc:h2:tcp://h/db");
    assertThatThrownBy(() -> new H2().raiseTls(tcp, new Properties(), new Driver()))
        .isInstanceOf(SQLNonTransientConnectionException.class)
        .hasMessageContaining("ssl://");
  }

  @ParameterizedTest
  @CsvSource({
    ErrorCode.WRONG_USER_OR_PASSWORD + ", CREDENTIAL",
    ErrorCode.DATABASE_NOT_FOUND_WITH_IF_EXISTS_1 + ", OTHER",
    ErrorCode.REMOTE_DATABASE_NOT_FOUND_1 + ", OTHER",
    ErrorCode.CONNECTION_BROKEN_1 + ", OTHER",
    ErrorCode.DATABASE_ALREADY_OPEN_1 + ", OTHER",
    ErrorCode.ADMIN_RIGHTS_REQUIRED + ", OTHER",
  })
  void sort_byH2sCode(int code, FailureKind expected) {
    SQLException failure = DbException.get(code, "x").getSQLException();
    assertThat(failure.getErrorCode()).isEqualTo(code);
    assertThat(Failures.sort(failure, new H2()::sort)).isEqualTo(expected);
    assertThat(Failures.sort(new SQLException("x", failure), new H2()::sort)).isEqualTo(expected);
  }

  @Test
  void connect_inMemory_realPasswordsAndARotation() throws SQLException {
    String real = "jdbc:h2:mem:evercred;DB_CLOSE_DELAY=-1";
    try (Connection admin = new Driver().connect(real, login("sa", "admin"))) {
      rotates(admin, "jdbc:evercred:h2:mem:evercred;user=s");
    }
  }

  @Test
  void connect_server_realPasswordsAndARotation() throws SQLException {
    Server server = Server.createTcpServer("-tcpPort", "0", "-ifNotExists").start();
    try (Connection admin = new Driver().connect("jdbc:h2:mem:served", login("sa", "admin"))) {
      String url = "jdbc:evercred:h2:tcp://localhost:" + server.getPort() + "/mem:served";
      rotates(admin, url + ";user=s");
    } finally {
      server.stop();
    }
  }

  private static void rotates(Connection admin, String url) throws SQLException {
    try (Statement statement = admin.createStatement()) {
      statement.execute("create user app password 'p1'");
      var secrets = new FakeSecrets().put("s", FakeSecrets.login("app", "p1"));
      try (SecretCache cache = secrets.cache()) {
        var source = new EvercredDataSource();
        source.setUrl(url);
        source.setCache(cache);
        try (Connection connection = source.getConnection()) {
          assertThat(connection).isInstanceOf(org.h2.jdbc.JdbcConnection.class);
          assertThat(connection.getMetaData().getUserName()).isEqualTo("APP");
        }

        statement.execute("alter user app set password 'p2'");
        secrets.put("s", "AWSPENDING", "v2", FakeSecrets.login("app", "p2"));
        try (Connection connection = source.getConnection()) {
          assertThat(connection.isValid(1)).isTrue();
        }

        statement.execute("alter user app set password 'p3'");
        var impatient = new EvercredDataSource();
        impatient.setUrl(url + ";evercred.rotationWait=0");
        impatient.setCache(cache);
        Throwable refused = catchThrowable(impatient::getConnection);
        assertThat(refused).isInstanceOf(SQLInvalidAuthorizationSpecException.class);
        assertThat(((SQLException) refused).getErrorCode()).isEqualTo(28_000);
      }
    }
  }

  private static Properties login(String user, String password) {
    var properties = new Properties();
    properties.setProperty("user", user);
    properties.setProperty("password", password);
    return properties;
  }
}
