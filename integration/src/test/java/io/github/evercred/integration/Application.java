package io.github.evercred.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.testkit.LocalPostgres;
import io.github.evercred.testkit.Rotation;
import java.io.IOException;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Locale;
import java.util.Objects;
import java.util.Properties;

/** A user of the database, its schema, its secret and a rotation of it. */
final class Application {
  /** What the files of docs/tools.md name. */
  private static final String ADDRESS = "db.example.com:5432/orders";

  private static final String SECRET = "prod/orders/db";

  private final String user;
  private final String secretId;
  private final Servers.Running servers;
  private final Rotation rotation;

  Application(String name, Servers.Running servers) throws SQLException {
    this.user = name.toLowerCase(Locale.ROOT);
    this.secretId = SECRET + "-" + user;
    this.servers = servers;
    LocalPostgres postgres = servers.postgres();
    postgres.createUser(user, "first-" + user);
    postgres.execute("CREATE SCHEMA AUTHORIZATION \"" + user + "\"");
    servers
        .secrets()
        .createSecret(
            secretId, "{\"username\":\"%s\",\"password\":\"first-%s\"}".formatted(user, user));
    rotation =
        Rotation.singleUser(servers.secrets(), secretId, postgres::adminConnection)
            .jdbcUrl(postgres.jdbcUrl("postgres"));
  }

  /** A file of docs/tools.md, with this database, this secret and this Secrets Manager in it. */
  String file(String name) {
    String and = name.endsWith(".xml") ? "&amp;" : "&";
    return in(Example.file(name), and);
  }

  /** The same for a text that is neither XML nor anything else with its own escapes. */
  String text(String text) {
    return in(text, "&");
  }

  private String in(String text, String and) {
    LocalPostgres postgres = servers.postgres();
    String address = postgres.host() + ":" + postgres.port() + "/postgres";
    String options =
        "evercred.region=eu-west-1" + and + "evercred.endpoint=" + servers.secrets().endpoint();
    return text.replace(ADDRESS + "?", address + "?" + options + and)
        .replace(ADDRESS, address + "?" + options)
        .replace(SECRET, secretId);
  }

  Properties properties(String name, Form form) {
    return parsed(form.in(file(name)));
  }

  static Properties parsed(String text) {
    try {
      var properties = new Properties();
      properties.load(new StringReader(text));
      return properties;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Path written(String name, Form form, Path directory) throws IOException {
    Path file = directory.resolve(name);
    Files.createDirectories(Objects.requireNonNull(file.getParent()));
    return Files.writeString(
        file, form.in(file(Objects.requireNonNull(file.getFileName()).toString())));
  }

  /** AWSCURRENT is refused from now on. */
  void openWindow() throws SQLException {
    rotation.createSecret();
    rotation.setSecret();
  }

  void closeWindow() throws SQLException {
    rotation.testSecret();
    rotation.finishSecret();
  }

  /** Fails unless the connection is a session of this user. */
  void check(Connection connection) throws SQLException {
    assertThat(asked(connection, "SELECT session_user")).isEqualTo(user);
  }

  static String asked(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      assertThat(row.next()).isTrue();
      return Objects.toString(row.getString(1));
    }
  }

  String user() {
    return user;
  }

  String secretId() {
    return secretId;
  }

  int sessions() throws SQLException {
    return servers.postgres().sessions(user);
  }

  long logins() throws SQLException {
    return servers.postgres().successfulLogins(user);
  }

  long refused() throws SQLException {
    return servers.postgres().refusedLogins(user);
  }
}
