package io.github.evercred.testkit;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PasswordUtil;

/**
 * PostgreSQL: the statements of AWS's rotation functions, with every name and password quoted by
 * the server's own {@code format}.
 */
final class PostgresDialect implements Dialect {
  static final PostgresDialect INSTANCE = new PostgresDialect();

  private PostgresDialect() {}

  @Override
  public Set<String> engines() {
    return Set.of("postgres", "aurora-postgresql");
  }

  @Override
  public String productName() {
    return "PostgreSQL";
  }

  @Override
  public boolean isOf(DatabaseMetaData database) throws SQLException {
    return database.getDatabaseProductName().equals(productName());
  }

  @Override
  public int maxUserName() {
    return 63;
  }

  @Override
  public void createUser(Connection admin, String user, String password) throws SQLException {
    execute(admin, "CREATE ROLE %I WITH LOGIN PASSWORD %L", user, verifier(user, password));
  }

  @Override
  public void setPassword(Connection admin, String user, String password) throws SQLException {
    execute(admin, "ALTER USER %I WITH PASSWORD %L", user, verifier(user, password));
  }

  /**
   * What the server stores of a password, computed here as psql's {@code \password} does, so that
   * neither the driver's trace nor the server's log of statements can show the password.
   */
  private static String verifier(String user, String password) throws SQLException {
    return PasswordUtil.encodePassword(user, password.toCharArray(), "scram-sha-256");
  }

  @Override
  public boolean userExists(Connection admin, String user) throws SQLException {
    try (PreparedStatement query =
        admin.prepareStatement("SELECT 1 FROM pg_roles WHERE rolname = ?")) {
      query.setString(1, user);
      try (ResultSet result = query.executeQuery()) {
        return result.next();
      }
    }
  }

  @Override
  public void grantRights(Connection admin, String from, String to) throws SQLException {
    execute(admin, "GRANT %I TO %I", from, to);
  }

  @Override
  public String testQuery() {
    return "SELECT now()";
  }

  @Override
  public String jdbcUrl(Map<String, ? extends @Nullable Object> secret) {
    Object port = secret.get("port");
    Object database = secret.get("dbname");
    return "jdbc:postgresql://%s:%s/%s"
        .formatted(
            Dialect.host(secret),
            port == null ? "5432" : port.toString(),
            URLEncoder.encode(
                database == null ? "postgres" : database.toString(), StandardCharsets.UTF_8));
  }

  private static void execute(Connection admin, String format, String first, String second)
      throws SQLException {
    String sql;
    try (PreparedStatement query = admin.prepareStatement("SELECT format(?, ?, ?)")) {
      query.setString(1, format);
      query.setString(2, first);
      query.setString(3, second);
      try (ResultSet result = query.executeQuery()) {
        result.next();
        sql = result.getString(1);
      }
    }
    try (Statement statement = admin.createStatement()) {
      statement.execute(sql);
    }
    if (!admin.getAutoCommit()) {
      admin.commit();
    }
  }
}
