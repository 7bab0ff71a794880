package io.github.evercred.testkit;

import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.SQLException;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What a rotation must know of one database engine. Stateless. */
interface Dialect {
  /** The values of a secret's {@code engine} that mean this engine. */
  Set<String> engines();

  /** What messages call it. */
  String productName();

  /** Whether a database is of this engine. */
  boolean isOf(DatabaseMetaData database) throws SQLException;

  /** The longest user name in bytes. */
  int maxUserName();

  void createUser(Connection admin, String user, String password) throws SQLException;

  void setPassword(Connection admin, String user, String password) throws SQLException;

  boolean userExists(Connection admin, String user) throws SQLException;

  /** Gives one user all rights of another. */
  void grantRights(Connection admin, String from, String to) throws SQLException;

  /** A statement that any user may execute. */
  String testQuery();

  /** The URL of a secret's host, port and database. */
  String jdbcUrl(Map<String, ? extends @Nullable Object> secret);

  /** The host in a secret. */
  static String host(Map<String, ? extends @Nullable Object> secret) {
    if (secret.get("host") instanceof String host && !host.isEmpty()) {
      return host;
    }
    throw new IllegalStateException(
        "The secret has no host: call jdbcUrl(...) on the rotation with the URL of its database");
  }
}
