package io.github.evercred.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("mariadb")
class MariaDbRotationTest extends MySqlFamilyRotationContract {
  MariaDbRotationTest() {
    super("mariadb", LocalMariaDb.unavailable());
  }

  @Override
  int longest() {
    return 80;
  }

  @Override
  void defaultRole(String role, String user) throws SQLException {
    execute("SET DEFAULT ROLE %s FOR %s".formatted(role, user));
  }

  @Test
  void singleUser_administratorWithConnectorJ_isMariaDbAllTheSame() throws Exception {
    createUser("connector-j", "p1");
    createUser("boss", "b");
    execute("GRANT ALL ON *.* TO boss WITH GRANT OPTION");
    String url = "jdbc:mysql://127.0.0.1:%d/?sslMode=DISABLED".formatted(port());
    try (LocalSecretsManager other = LocalSecretsManager.start()) {
      other.createSecret(
          "cj",
          Json.write(
              Map.of(
                  "engine",
                  "mariadb",
                  "host",
                  host(),
                  "port",
                  port(),
                  "username",
                  "connector-j",
                  "password",
                  "p1")));
      Rotation.singleUser(other, "cj", () -> DriverManager.getConnection(url, "boss", "b"))
          .rotate();
      assertThat(other.value("cj", "AWSCURRENT")).doesNotContain("p1");
    }
    assertThat(server.successful("connector-j")).isEqualTo(1);
  }
}
