package io.github.evercred.jdbc;

import io.github.evercred.FailureKind;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.sql.Driver;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What is peculiar to MySQL and its driver, Connector/J. */
final class MySql implements Dialect {
  private static final String SRV = "mysql+srv";
  private static final String DEFAULT_HOST = "localhost";
  private static final String DEFAULT_PORT = "3306";

  /** {@code loadbalance:} and the like. */
  private static final Pattern MODE = Pattern.compile("(?:[A-Za-z-]+:)?");

  static Engine row() {
    return row("mysql");
  }

  /** The hosts come from DNS. */
  static Engine srvRow() {
    return row(SRV);
  }

  private static Engine row(String name) {
    return new Engine(
        name,
        List.of("com.mysql.cj.jdbc.Driver", "com.mysql.jdbc.Driver"),
        "com.mysql:mysql-connector-j",
        "com.mysql.cj.jdbc.MysqlXADataSource",
        Syntax.QUERY,
        3306,
        // Measured with 26.10.0 against a socket that accepts and is silent: connectTimeout=1500
        // still waits after 12 s, it bounds the TCP connect alone; socketTimeout=1500 ends after
        // 1.5 s. Each host of a list has its own time.
        new LoginTime("connectTimeout", LoginTime.Unit.MILLISECONDS, false, "socketTimeout"),
        new MySql());
  }

  /**
   * Reads the hosts as the driver does. Where the URL leaves a host or a port out, the parameters
   * {@code host} and {@code port} say it, in any case; a property wins over the URL.
   */
  @Override
  public List<String> hosts(JdbcUrl url, Properties properties) {
    String host = named("host", url, properties, DEFAULT_HOST);
    String port = named("port", url, properties, DEFAULT_PORT);
    List<String> hosts = new ArrayList<>();
    for (Map<String, String> keys : HostList.read(authority(url), HostList.Form.CONNECTOR_J)) {
      String name = orElse(keys.get("host"), host);
      String ownPort = orElse(keys.get("port"), port);
      if ("pipe".equalsIgnoreCase(keys.get("protocol"))) {
        hosts.add("pipe " + keys.getOrDefault("path", ""));
      } else if (url.engine().name().equals(SRV)) {
        hosts.add(name.toLowerCase(Locale.ROOT));
      } else {
        hosts.add(HostList.hostAndPort(name, ownPort));
      }
    }
    return hosts;
  }

  /** Lists, modes and reconnecting open connections later by the same settings. */
  @Override
  public boolean isOneConnection(JdbcUrl url, Properties properties) {
    boolean reconnects =
        named("autoReconnect", url, properties, "").equalsIgnoreCase("true")
            || named("autoReconnectForPools", url, properties, "").equalsIgnoreCase("true");
    return !reconnects
        && url.address().startsWith("/")
        && !url.engine().name().equals(SRV)
        && hosts(url, properties).size() == 1;
  }

  /** Returns what stands between {@code //} and the database; empty if there is nothing. */
  static String authority(JdbcUrl url) {
    String address = url.address();
    int start = address.indexOf("//");
    if (start < 0) {
      if (address.isEmpty() || address.startsWith("/")) {
        return "";
      }
    } else if (MODE.matcher(address.substring(0, start)).matches()) {
      return HostList.authority(address.substring(start + 2));
    }
    throw new IllegalArgumentException("write //host:port/database");
  }

  private static String orElse(@Nullable String text, String otherwise) {
    return text == null || text.isEmpty() ? otherwise : text;
  }

  private static String named(String name, JdbcUrl url, Properties properties, String otherwise) {
    for (String property : properties.stringPropertyNames()) {
      if (property.equalsIgnoreCase(name)) {
        return orElse(properties.getProperty(property), otherwise);
      }
    }
    for (var parameter : url.parameters().entrySet()) {
      if (parameter.getKey().equalsIgnoreCase(name)) {
        return orElse(parameter.getValue(), otherwise);
      }
    }
    return otherwise;
  }

  @Override
  public boolean isPlacedElsewhere(JdbcUrl url, Properties properties) {
    return !named("host", url, properties, "").isEmpty();
  }

  /** The driver decodes the database. */
  @Override
  public String address(HostPort place, @Nullable String database, boolean tls) {
    String name = database == null ? "" : URLEncoder.encode(database, StandardCharsets.UTF_8);
    return "//%s:%d/%s".formatted(place.bracketed(), place.port(), name.replace("+", "%20"));
  }

  /**
   * Asks for {@code sslMode=REQUIRED} in place of the default {@code PREFERRED}. Names count as
   * they are written: to the driver {@code sslmode} is nothing. Its older names mean VERIFY_CA and
   * more, and a property of ours would win over the URL, so what they leave open is all that is
   * set.
   */
  @Override
  public void raiseTls(JdbcUrl url, Properties properties, Driver driver) {
    String driverClass = driver.getClass().getName();
    if (driverClass.startsWith("org.mariadb.")) { // It takes this URL if it is told to.
      MariaDb.raise(url, properties, driver);
      return;
    }
    String use = given("useSSL", url, properties);
    if (given("sslMode", url, properties) != null
        || given("requireSSL", url, properties) != null
        || "false".equalsIgnoreCase(use)
        || "no".equalsIgnoreCase(use)) {
      return;
    }
    if (use != null || given("verifyServerCertificate", url, properties) != null) {
      properties.setProperty("requireSSL", "true");
    } else if (driverClass.startsWith("com.mysql.jdbc.") && driver.getMajorVersion() < 8) {
      properties.setProperty("useSSL", "true");
      properties.setProperty("requireSSL", "true");
      properties.setProperty("verifyServerCertificate", "false"); // As REQUIRED; else it is true.
    } else {
      properties.setProperty("sslMode", "REQUIRED");
    }
  }

  private static @Nullable String given(String name, JdbcUrl url, Properties properties) {
    return properties.getProperty(name, url.parameters().get(name));
  }

  @Override
  public @Nullable FailureKind sort(SQLException failure) {
    return sortByCode(failure);
  }

  /**
   * Sorts by the server's code, whichever driver talks to whichever server. MySQL: <a
   * href="https://dev.mysql.com/doc/mysql-errors/en/server-error-reference.html">server error
   * reference</a>; MariaDB: <a href="https://mariadb.com/kb/en/mariadb-error-code-reference/">error
   * codes</a>.
   */
  static @Nullable FailureKind sortByCode(SQLException failure) {
    return switch (failure.getErrorCode()) {
      // 1045: wrong password, unknown user, and RDS Proxy until it has read the secret anew.
      // 1698 says that this account takes no password. But MariaDB treats an unknown user as one
      // of the accounts that it has, lest names be guessed, so it may mean that as well.
      // 1820, 1862: the password has expired. It was right, so it is for another user's version or
      // a rotation to mend.
      case 1045, 1698, 1820, 1862 -> FailureKind.CREDENTIAL;
      // This host is blocked (1129) or not allowed (1130); the account is locked (3118, MariaDB's
      // 4151) or blocked after too many wrong passwords (3955, MariaDB's 4150).
      case 1129, 1130, 3118, 3955, 4150, 4151 -> FailureKind.LOCKED_OR_DENIED;
      // Too many connections, in three ways; no such database, or not for this user; a client
      // that is too old or has not the plug-in; TLS is required.
      case 1040, 1203, 1226, 1044, 1049, 1251, 1524, 3159 -> FailureKind.OTHER;
      default -> sortByState(failure);
    };
  }

  private static @Nullable FailureKind sortByState(SQLException failure) {
    if ("28000".equals(failure.getSQLState())) {
      return FailureKind.CREDENTIAL;
    }
    // Without TLS, caching_sha2_password is answered in full only if the server's cache does not
    // hold this very password. After a rotation it holds the new one, which the rotation itself
    // has logged in with: the old one ends here, and the new one works.
    String text = Objects.requireNonNullElse(failure.getMessage(), "");
    return text.contains("Public Key Retrieval is not allowed")
            || text.contains("RSA public key is not available client side")
        ? FailureKind.CREDENTIAL
        : null;
  }
}
