package io.github.evercred.testkit;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * MySQL and MariaDB: the statements of AWS's rotation functions. They know only accounts for any
 * host ({@code '%'}); here a password is changed for every host that the user has.
 *
 * <p>Names are quoted by backticks, within which no SQL mode gives another character a meaning;
 * passwords as the session's SQL mode says. The statements that set one are those of which both
 * servers keep the password out of their logs.
 */
final class MySqlDialect implements Dialect {
  static final MySqlDialect MYSQL = new MySqlDialect(false);
  static final MySqlDialect MARIADB = new MySqlDialect(true);

  private static final String ANY_HOST = "%";

  /**
   * What may follow the user in a line of SHOW GRANTS. MariaDB's has the password's hash, and the
   * requirements of TLS without escapes in them.
   */
  private static final Pattern AFTER_USER =
      Pattern.compile("(?: IDENTIFIED .*?)?(?: REQUIRE .*?)?( WITH .*)?");

  private final boolean mariaDb;

  private MySqlDialect(boolean mariaDb) {
    this.mariaDb = mariaDb;
  }

  @Override
  public Set<String> engines() {
    return mariaDb ? Set.of("mariadb") : Set.of("mysql", "aurora-mysql");
  }

  @Override
  public String productName() {
    return mariaDb ? "MariaDB" : "MySQL";
  }

  /** Connector/J calls a MariaDB MySQL, but knows its version. */
  @Override
  public boolean isOf(DatabaseMetaData database) throws SQLException {
    String product = database.getDatabaseProductName();
    boolean isMariaDb =
        product.equals("MariaDB") || database.getDatabaseProductVersion().contains("MariaDB");
    return mariaDb ? isMariaDb : product.equals("MySQL") && !isMariaDb;
  }

  @Override
  public int maxUserName() {
    return mariaDb ? 80 : 32;
  }

  @Override
  public void createUser(Connection admin, String user, String password) throws SQLException {
    execute(
        admin,
        "CREATE USER %s IDENTIFIED BY %s"
            .formatted(account(user, ANY_HOST), literal(admin, password)));
  }

  @Override
  public void setPassword(Connection admin, String user, String password) throws SQLException {
    String format = mariaDb ? "SET PASSWORD FOR %s = PASSWORD(%s)" : "SET PASSWORD FOR %s = %s";
    List<String> hosts = hosts(admin, user);
    for (String host : hosts.isEmpty() ? List.of(ANY_HOST) : hosts) {
      execute(admin, format.formatted(account(user, host), literal(admin, password)));
    }
  }

  @Override
  public boolean userExists(Connection admin, String user) throws SQLException {
    return !hosts(admin, user).isEmpty();
  }

  @Override
  public void grantRights(Connection admin, String from, String to) throws SQLException {
    for (String host : hosts(admin, from)) {
      String account = account(from, host);
      for (String grant : column(admin, "SHOW GRANTS FOR " + account)) {
        execute(admin, forAnother(grant, from, host, account(to, ANY_HOST)));
      }
      copyTlsRequirement(admin, from, host, to);
      if (!mariaDb) { // MariaDB has them among the grants
        copyDefaultRoles(admin, from, host, to);
      }
    }
  }

  /** A line of SHOW GRANTS with another user in it, and without a password's hash. */
  private static String forAnother(String grant, String from, String host, String to) {
    for (String quote : List.of("`", "\"", "'")) { // the second if sql_mode has ANSI_QUOTES
      String user = quoted(from, quote) + "@" + quoted(host, quote);
      for (String before : List.of(" TO ", " FROM ", " FOR ")) {
        int at = grant.lastIndexOf(before + user);
        if (at >= 0) {
          String rest = grant.substring(at + before.length() + user.length());
          Matcher after = AFTER_USER.matcher(rest);
          if (after.matches()) {
            String kept = after.group(1) == null ? "" : after.group(1);
            return grant.substring(0, at) + before + to + kept;
          }
        }
      }
    }
    throw new IllegalStateException(
        "The rights of user '%s' cannot be copied: SHOW GRANTS has a line that the test kit does not understand. Create the other user yourself."
            .formatted(from));
  }

  private static void copyTlsRequirement(Connection admin, String from, String host, String to)
      throws SQLException {
    List<String> requirements = new ArrayList<>();
    try (PreparedStatement query =
        admin.prepareStatement(
            "SELECT ssl_type, x509_issuer, x509_subject, ssl_cipher FROM mysql.user WHERE User = ? AND Host = ?")) {
      query.setString(1, from);
      query.setString(2, host);
      try (ResultSet result = query.executeQuery()) {
        result.next();
        switch (result.getString(1)) {
          case "ANY" -> requirements.add("SSL");
          case "X509" -> requirements.add("X509");
          case "SPECIFIED" -> {
            List<String> names = List.of("ISSUER", "SUBJECT", "CIPHER");
            for (int i = 0; i < names.size(); i++) {
              byte[] value = result.getBytes(i + 2);
              if (value != null && value.length > 0) {
                String text = new String(value, StandardCharsets.UTF_8);
                requirements.add(names.get(i) + " " + literal(admin, text));
              }
            }
          }
          default -> requirements.clear();
        }
      }
    }
    if (!requirements.isEmpty()) {
      execute(
          admin,
          "ALTER USER %s REQUIRE %s"
              .formatted(account(to, ANY_HOST), String.join(" AND ", requirements)));
    }
  }

  private static void copyDefaultRoles(Connection admin, String from, String host, String to)
      throws SQLException {
    List<String> roles = new ArrayList<>();
    try (PreparedStatement query =
        admin.prepareStatement(
            "SELECT DEFAULT_ROLE_USER, DEFAULT_ROLE_HOST FROM mysql.default_roles WHERE USER = ? AND HOST = ?")) {
      query.setString(1, from);
      query.setString(2, host);
      try (ResultSet result = query.executeQuery()) {
        while (result.next()) {
          roles.add(account(result.getString(1), result.getString(2)));
        }
      }
    }
    if (!roles.isEmpty()) {
      execute(
          admin,
          "ALTER USER %s DEFAULT ROLE %s"
              .formatted(account(to, ANY_HOST), String.join(", ", roles)));
    }
  }

  @Override
  public String testQuery() {
    return "SELECT NOW()";
  }

  @Override
  public String jdbcUrl(Map<String, ? extends @Nullable Object> secret) {
    Object port = secret.get("port");
    Object database = secret.get("dbname");
    return url(
        Dialect.host(secret),
        port == null ? "3306" : port.toString(),
        database == null ? "" : database.toString(),
        mariaDb ? "sslMode=disable" : "sslMode=PREFERRED&allowPublicKeyRetrieval=true");
  }

  /** A URL for the engine's own driver; MariaDB's takes the database's name as it stands. */
  String url(String host, String port, String database, String parameters) {
    return mariaDb
        ? "jdbc:mariadb://%s:%s/%s?%s".formatted(host, port, database, parameters)
        : "jdbc:mysql://%s:%s/%s?%s"
            .formatted(
                host,
                port,
                URLEncoder.encode(database, StandardCharsets.UTF_8).replace("+", "%20"),
                parameters);
  }

  /** The hosts of a user's accounts; a role of MariaDB is no account. */
  private List<String> hosts(Connection admin, String user) throws SQLException {
    List<String> hosts = new ArrayList<>();
    try (PreparedStatement query =
        admin.prepareStatement("SELECT Host FROM mysql.user WHERE BINARY User = ?")) {
      query.setString(1, user);
      try (ResultSet result = query.executeQuery()) {
        while (result.next()) {
          if (!mariaDb || !result.getString(1).isEmpty()) {
            hosts.add(result.getString(1));
          }
        }
      }
    }
    return hosts;
  }

  private static String account(String user, String host) {
    return quoted(user, "`") + "@" + quoted(host, "`");
  }

  private static String quoted(String name, String quote) {
    return quote + name.replace(quote, quote + quote) + quote;
  }

  private static String literal(Connection admin, String text) throws SQLException {
    boolean backslashIsPlain =
        column(admin, "SELECT @@SESSION.sql_mode").get(0).contains("NO_BACKSLASH_ESCAPES");
    return quoted(backslashIsPlain ? text : text.replace("\\", "\\\\"), "'");
  }

  private static List<String> column(Connection admin, String sql) throws SQLException {
    List<String> values = new ArrayList<>();
    try (Statement statement = admin.createStatement()) {
      statement.setEscapeProcessing(false);
      try (ResultSet result = statement.executeQuery(sql)) {
        while (result.next()) {
          values.add(result.getString(1));
        }
      }
    }
    return values;
  }

  private static void execute(Connection admin, String sql) throws SQLException {
    try (Statement statement = admin.createStatement()) {
      statement.setEscapeProcessing(false); // braces are not JDBC's here
      statement.execute(sql);
    }
  }
}
