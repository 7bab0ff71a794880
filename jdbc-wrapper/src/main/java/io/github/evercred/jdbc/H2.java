package io.github.evercred.jdbc;

import io.github.evercred.FailureKind;
import java.sql.Driver;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What is peculiar to H2. Its users live in a database. */
final class H2 implements Dialect {
  private static final String MEMORY = "mem:";
  private static final String FILE = "file:";
  private static final String TCP = "tcp:";
  private static final String SSL = "ssl:";

  /** What a server takes for the name of a database and not for a file system or a setting. */
  private static final Pattern DATABASE = Pattern.compile("(?:mem:|file:)?[\\p{L}\\p{N}_.~/-]+");

  /** Wrong user name or password. */
  private static final int WRONG_USER_OR_PASSWORD = 28_000;

  private static final int FIRST_OF_ITS_OWN = 90_000;

  static Engine row() {
    return new Engine(
        "h2",
        List.of("org.h2.Driver"),
        "com.h2database:h2",
        "org.h2.jdbcx.JdbcDataSource",
        Syntax.BACKSLASH,
        9092,
        // Measured with 2.5.252 against a socket that accepts and is silent: no login time-out
        // counts, DriverManager's neither. NETWORK_TIMEOUT does, and for each later read, too.
        LoginTime.UNKNOWN,
        new H2());
  }

  /** A database in memory or in files has no host: {@code mem} or {@code file} stands for it. */
  @Override
  public List<String> hosts(JdbcUrl url, Properties properties) {
    String name = url.address();
    if (!isRemote(name)) {
      return List.of(name.startsWith(MEMORY) || name.equals(".") ? "mem" : "file");
    }
    String servers = name.substring(afterSlashes(name), slash(name));
    if (servers.indexOf('@') >= 0) {
      throw new IllegalArgumentException("a user or a password does not belong beside the host");
    }
    List<String> hosts = new ArrayList<>();
    for (String server : servers.split(",", -1)) {
      int bracket = server.startsWith("[") ? server.indexOf(']') : 0;
      int colon = server.indexOf(':', Math.max(bracket, 0));
      String host = colon < 0 ? server : server.substring(0, colon);
      boolean plain = host.startsWith("[") ? HostList.IPV6.matcher(host).matches() : isName(host);
      if (!plain) {
        throw new IllegalArgumentException(
            "host %d cannot be read: write tcp://host:port/database and an IPv6 address in brackets"
                .formatted(hosts.size() + 1));
      }
      hosts.add(HostList.hostAndPort(host, colon < 0 ? "9092" : server.substring(colon + 1)));
    }
    return hosts;
  }

  private static boolean isRemote(String name) {
    return name.startsWith(TCP) || name.startsWith(SSL);
  }

  private static boolean isName(String host) {
    return !host.isEmpty() && host.chars().noneMatch(c -> c <= ' ' || "[]()=?#".indexOf(c) >= 0);
  }

  private static int afterSlashes(String name) {
    return name.startsWith("//", TCP.length()) ? TCP.length() + 2 : TCP.length();
  }

  private static int slash(String name) {
    int slash = name.indexOf('/', afterSlashes(name));
    if (slash < 0) {
      throw new IllegalArgumentException("write tcp://host:port/database");
    }
    return slash;
  }

  @Override
  public String database(JdbcUrl url, Properties properties) {
    String name = url.address();
    if (isRemote(name)) {
      return name.substring(slash(name) + 1);
    }
    return name.startsWith(MEMORY)
        ? name.substring(MEMORY.length())
        : name.startsWith(FILE) ? name.substring(FILE.length()) : name;
  }

  /** H2 decodes nothing, and a semicolon ends a name. */
  @Override
  public String address(HostPort place, @Nullable String database, boolean tls) {
    if (database == null || database.isEmpty()) {
      throw new IllegalArgumentException("a secret for H2 must name the database as dbname");
    }
    if (!DATABASE.matcher(database).matches()
        || List.of(database.split("[:/]", -1)).contains("..")) {
      throw new IllegalArgumentException(
          "dbname may have letters, digits, and any of _ . ~ / - for H2, mem: or file: before it, and no .. in it: write other names in the URL");
    }
    return "%s//%s:%d/%s".formatted(tls ? SSL : TCP, place.bracketed(), place.port(), database);
  }

  /** There is no property for it, and no network in between unless the URL says {@code tcp:}. */
  @Override
  public void raiseTls(JdbcUrl url, Properties properties, Driver driver) throws SQLException {
    if (url.address().startsWith(TCP)) {
      throw Failures.configuration(
          "The secret asks for TLS, which H2 has only by its URL: write ssl://host:port/database in place of tcp:");
    }
  }

  /** By H2's own codes: https://h2database.com/javadoc/org/h2/api/ErrorCode.html */
  @Override
  public @Nullable FailureKind sort(SQLException failure) {
    int code = failure.getErrorCode();
    if (code == WRONG_USER_OR_PASSWORD) {
      return FailureKind.CREDENTIAL;
    }
    return code >= FIRST_OF_ITS_OWN ? FailureKind.OTHER : null;
  }
}
