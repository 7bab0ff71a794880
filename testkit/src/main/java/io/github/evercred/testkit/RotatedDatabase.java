package io.github.evercred.testkit;

import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A database as what a {@link Rotation} changes. The rotation calls one method at a time, under its
 * own lock.
 */
final class RotatedDatabase implements Rotation.Rotated {
  private static final String PASSWORD_CHARACTERS =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&()*+,-.;<=>?[]^_`{|}~";
  private static final int PASSWORD_LENGTH = 32;
  private static final String CLONE = "_clone";
  private static final List<Dialect> DIALECTS =
      List.of(
          PostgresDialect.INSTANCE, MySqlDialect.MYSQL, MySqlDialect.MARIADB, H2Dialect.INSTANCE);

  private final LocalSecretsManager secrets;
  private final String secretId;
  private final AdminConnections admin;
  private final boolean alternating;
  private final SecureRandom random = new SecureRandom();
  private @Nullable String jdbcUrl;

  RotatedDatabase(
      LocalSecretsManager secrets, String secretId, AdminConnections admin, boolean alternating) {
    this.secrets = secrets;
    this.secretId = secretId;
    this.admin = Objects.requireNonNull(admin, "admin");
    this.alternating = alternating;
  }

  void jdbcUrl(String url) {
    this.jdbcUrl = url;
  }

  @Override
  public String newValue(String current) {
    Map<String, @Nullable Object> members = credential(current);
    if (alternating) {
      members.put("username", otherUser(text(members, "username")));
    }
    members.put("password", newPassword());
    return Json.write(members);
  }

  @Override
  public void set(String current, String pending) throws SQLException {
    String currentUser = text(credential(current), "username");
    Map<String, @Nullable Object> wanted = credential(pending);
    String user = text(wanted, "username");
    if (!alternating && !user.equals(currentUser)) {
      throw new IllegalStateException(
          "AWSPENDING of '%s' names user '%s', but AWSCURRENT names '%s': use alternatingUsers, or remove AWSPENDING"
              .formatted(secretId, user, currentUser));
    }
    try (Connection connection = admin.open()) {
      Dialect dialect = dialect(connection, wanted);
      if (alternating && !dialect.userExists(connection, user)) {
        int length = user.getBytes(StandardCharsets.UTF_8).length;
        if (length > dialect.maxUserName()) {
          throw new IllegalStateException(
              "The user name '%s' has %d bytes, and %s allows %d"
                  .formatted(user, length, dialect.productName(), dialect.maxUserName()));
        }
        dialect.createUser(connection, user, text(wanted, "password"));
        dialect.grantRights(connection, currentUser, user);
      } else {
        dialect.setPassword(connection, user, text(wanted, "password"));
      }
    }
  }

  @Override
  public void test(String pending) throws SQLException {
    Map<String, @Nullable Object> members = credential(pending);
    Dialect dialect;
    try (Connection connection = admin.open()) {
      dialect = dialect(connection, members);
    }
    Properties properties = new Properties();
    properties.setProperty("user", text(members, "username"));
    properties.setProperty("password", text(members, "password"));
    String url = jdbcUrl == null ? dialect.jdbcUrl(members) : jdbcUrl;
    try (Connection connection = DriverManager.getConnection(url, properties);
        Statement statement = connection.createStatement()) {
      statement.execute(dialect.testQuery());
    }
  }

  @Override
  public void setBack(String from, String to) throws SQLException {
    Map<String, @Nullable Object> old = credential(to);
    try (Connection connection = admin.open()) {
      dialect(connection, old)
          .setPassword(connection, text(old, "username"), text(old, "password"));
    }
  }

  @Override
  public String toString() {
    return alternating ? "alternating users" : "single user";
  }

  /** A version's JSON, in a map of its own, with the members that a rotation needs. */
  private Map<String, @Nullable Object> credential(String version) {
    String value = secrets.valueOfVersion(secretId, version);
    if (value == null) {
      throw new IllegalStateException(
          "Version %s of secret '%s' cannot be rotated: it is binary".formatted(version, secretId));
    }
    Map<String, @Nullable Object> members;
    try {
      members = new LinkedHashMap<>(Json.parse(value));
    } catch (IllegalArgumentException e) {
      throw new IllegalStateException(
          "Version %s of secret '%s' cannot be rotated: it is %s"
              .formatted(version, secretId, e.getMessage()),
          e);
    }
    for (String member : List.of("username", "password")) {
      if (!(members.get(member) instanceof String)) {
        throw new IllegalStateException(
            "Version %s of secret '%s' cannot be rotated: its JSON has no string '%s'"
                .formatted(version, secretId, member));
      }
    }
    return members;
  }

  private static String text(Map<String, @Nullable Object> members, String member) {
    return Objects.toString(members.get(member));
  }

  private static String otherUser(String user) {
    return user.endsWith(CLONE) ? user.substring(0, user.length() - CLONE.length()) : user + CLONE;
  }

  private String newPassword() {
    StringBuilder password = new StringBuilder();
    for (int i = 0; i < PASSWORD_LENGTH; i++) {
      password.append(PASSWORD_CHARACTERS.charAt(random.nextInt(PASSWORD_CHARACTERS.length())));
    }
    return password.toString();
  }

  private Dialect dialect(Connection connection, Map<String, @Nullable Object> members)
      throws SQLException {
    DatabaseMetaData database = connection.getMetaData();
    Dialect dialect = null;
    for (Dialect candidate : DIALECTS) {
      if (candidate.isOf(database)) {
        dialect = candidate;
      }
    }
    if (dialect == null) {
      throw new IllegalStateException(
          "Rotation knows %s; the administrator's database is %s"
              .formatted(
                  DIALECTS.stream().map(Dialect::productName).collect(Collectors.joining(", ")),
                  database.getDatabaseProductName()));
    }
    Object engine = members.get("engine");
    if (engine != null && !dialect.engines().contains(engine.toString().toLowerCase(Locale.ROOT))) {
      throw new IllegalStateException(
          "Secret '%s' is for engine '%s', but the administrator's database is %s"
              .formatted(secretId, engine, dialect.productName()));
    }
    return dialect;
  }
}
