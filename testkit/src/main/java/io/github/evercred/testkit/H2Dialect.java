package io.github.evercred.testkit;

import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * H2, for which AWS has no rotation function. H2 turns the name of a login into upper case, so the
 * users are named so.
 */
final class H2Dialect implements Dialect {
  static final H2Dialect INSTANCE = new H2Dialect();

  /** Keeps H2 from repeating a statement, and the password in it, in an error or a trace file. */
  private static final String HIDE = " --hide--";

  private H2Dialect() {}

  @Override
  public Set<String> engines() {
    return Set.of("h2");
  }

  @Override
  public String productName() {
    return "H2";
  }

  @Override
  public boolean isOf(DatabaseMetaData database) throws SQLException {
    return database.getDatabaseProductName().equals("H2");
  }

  @Override
  public int maxUserName() {
    return 256;
  }

  @Override
  public void createUser(Connection admin, String user, String password) throws SQLException {
    execute(admin, "CREATE USER " + name(user) + " PASSWORD " + quoted(password, "'") + HIDE);
  }

  @Override
  public void setPassword(Connection admin, String user, String password) throws SQLException {
    execute(admin, "ALTER USER " + name(user) + " SET PASSWORD " + quoted(password, "'") + HIDE);
  }

  @Override
  public boolean userExists(Connection admin, String user) throws SQLException {
    return isAdministrator(admin, user) != null;
  }

  private static @Nullable Boolean isAdministrator(Connection admin, String user)
      throws SQLException {
    try (PreparedStatement query =
        admin.prepareStatement(
            "SELECT IS_ADMIN FROM INFORMATION_SCHEMA.USERS WHERE USER_NAME = ?")) {
      query.setString(1, upper(user));
      try (ResultSet result = query.executeQuery()) {
        return result.next() ? result.getBoolean(1) : null;
      }
    }
  }

  @Override
  public void grantRights(Connection admin, String from, String to) throws SQLException {
    if (Boolean.TRUE.equals(isAdministrator(admin, from))) {
      execute(admin, "ALTER USER " + name(to) + " ADMIN TRUE");
    }
    List<String> rights = new ArrayList<>();
    try (PreparedStatement query =
        admin.prepareStatement(
            "SELECT GRANTEDROLE, RIGHTS, TABLE_SCHEMA, TABLE_NAME FROM INFORMATION_SCHEMA.RIGHTS WHERE GRANTEETYPE = 'USER' AND GRANTEE = ?")) {
      query.setString(1, upper(from));
      try (ResultSet result = query.executeQuery()) {
        while (result.next()) {
          rights.add(
              right(
                  result.getString(1),
                  result.getString(2),
                  result.getString(3),
                  result.getString(4)));
        }
      }
    }
    for (String right : rights) {
      execute(admin, "GRANT " + right + " TO " + name(to));
    }
  }

  private static String right(
      @Nullable String role,
      @Nullable String rights,
      @Nullable String schema,
      @Nullable String table) {
    if (role != null) {
      return quoted(role, "\"");
    }
    if (schema == null || schema.isEmpty()) {
      return String.valueOf(rights); // on the database
    }
    if (table == null || table.isEmpty()) {
      return rights + " ON SCHEMA " + quoted(schema, "\"");
    }
    return rights + " ON " + quoted(schema, "\"") + "." + quoted(table, "\"");
  }

  @Override
  public String testQuery() {
    return "SELECT CURRENT_TIMESTAMP";
  }

  @Override
  public String jdbcUrl(Map<String, ? extends @Nullable Object> secret) {
    Object port = secret.get("port");
    Object database = secret.get("dbname");
    if (database == null) {
      throw new IllegalStateException(
          "The secret has no dbname, and H2 no default one: call jdbcUrl(...) on the rotation with the URL of its database");
    }
    return "jdbc:h2:tcp://%s:%s/%s"
        .formatted(Dialect.host(secret), port == null ? "9092" : port.toString(), database);
  }

  private static String upper(String user) {
    return user.toUpperCase(Locale.ENGLISH);
  }

  private static String name(String user) {
    return quoted(upper(user), "\"");
  }

  private static String quoted(String text, String quote) {
    return quote + text.replace(quote, quote + quote) + quote;
  }

  private static void execute(Connection admin, String sql) throws SQLException {
    try (Statement statement = admin.createStatement()) {
      statement.setEscapeProcessing(false); // braces are not JDBC's here
      statement.execute(sql);
    }
  }
}
