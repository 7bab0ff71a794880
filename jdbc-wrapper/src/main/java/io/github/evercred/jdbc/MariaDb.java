package io.github.evercred.jdbc;

import io.github.evercred.FailureKind;
import java.sql.Driver;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What is peculiar to MariaDB's driver. The servers' codes are sorted as MySQL's. */
final class MariaDb implements Dialect {

  /** The driver does not decode the database, so there is no way to write the rest. */
  private static final Pattern DATABASE = Pattern.compile("[\\p{L}\\p{N}_$.~-]+");

  static Engine row() {
    return new Engine(
        "mariadb",
        List.of("org.mariadb.jdbc.Driver"),
        "org.mariadb.jdbc:mariadb-java-client",
        "org.mariadb.jdbc.MariaDbDataSource",
        Syntax.QUERY,
        3306,
        // Measured with 3.5.11 and 4.0.0 against a socket that accepts and is silent:
        // connectTimeout=1500 ends after 1.5 s, with two hosts after 3 s; socketTimeout does not
        // count before the login is over. It is a limit of each read, not of their sum.
        new LoginTime("connectTimeout", LoginTime.Unit.MILLISECONDS, false, null),
        new MariaDb());
  }

  /** A socket or a pipe wins over all hosts. */
  @Override
  public List<String> hosts(JdbcUrl url, Properties properties) {
    List<Map<String, String>> list = HostList.read(MySql.authority(url), HostList.Form.MARIADB);
    String everywhere = local(name -> given(name, url, properties));
    if (everywhere != null) {
      return List.of(everywhere);
    }
    List<String> hosts = new ArrayList<>();
    for (Map<String, String> keys : list) {
      String local = local(keys::get);
      String host = keys.getOrDefault("host", "");
      String port = keys.getOrDefault("port", "");
      hosts.add(
          local != null
              ? local
              : HostList.hostAndPort(
                  host.isEmpty() ? "localhost" : host, port.isEmpty() ? "3306" : port));
    }
    return hosts;
  }

  private interface Keys {
    @Nullable String get(String name);
  }

  private static @Nullable String local(Keys keys) {
    for (String name : new String[] {"localSocket", "pipe"}) {
      String value = keys.get(name);
      if (value != null && !value.isEmpty()) {
        return name + " " + value;
      }
    }
    return null;
  }

  /** The driver reads names in any case. */
  private static @Nullable String given(String name, JdbcUrl url, Properties properties) {
    for (var parameter : url.parameters().entrySet()) {
      if (parameter.getKey().equalsIgnoreCase(name)) {
        return parameter.getValue();
      }
    }
    for (String property : properties.stringPropertyNames()) {
      if (property.equalsIgnoreCase(name)) {
        return properties.getProperty(property);
      }
    }
    return null;
  }

  /** Lists and modes open connections later by the same settings. */
  @Override
  public boolean isOneConnection(JdbcUrl url, Properties properties) {
    return url.address().startsWith("//") && hosts(url, properties).size() == 1;
  }

  /** A plug-in that says user and password instead. */
  @Override
  public Set<String> otherCredentials() {
    return Set.of("credentialtype");
  }

  @Override
  public boolean isPlacedElsewhere(JdbcUrl url, Properties properties) {
    return local(name -> given(name, url, properties)) != null;
  }

  @Override
  public String address(HostPort place, @Nullable String database, boolean tls) {
    if (database != null && !DATABASE.matcher(database).matches()) {
      throw new IllegalArgumentException(
          "dbname may have letters, digits, and any of _ $ . ~ - for MariaDB's driver: write other names in the URL");
    }
    return "//%s:%d/%s"
        .formatted(place.bracketed(), place.port(), database == null ? "" : database);
  }

  @Override
  public void raiseTls(JdbcUrl url, Properties properties, Driver driver) {
    raise(url, properties, driver);
  }

  /**
   * Asks for TLS where nobody has. Up to version 3 the driver's default is none; since 4 it is
   * {@code verify-full}, which {@code trust} would lower. Behind another driver the version cannot
   * be seen, and only {@code verify-full} lowers neither.
   */
  static void raise(JdbcUrl url, Properties properties, Driver driver) {
    for (String name : new String[] {"sslMode", "useSsl"}) {
      String value = given(name, url, properties);
      if (value != null && !value.isEmpty()) {
        return;
      }
    }
    if (!driver.getClass().getName().startsWith("org.mariadb.")) {
      properties.setProperty("sslMode", "verify-full");
    } else if (driver.getMajorVersion() == 3) {
      properties.setProperty("sslMode", "trust");
    } else if (driver.getMajorVersion() < 3) {
      properties.setProperty("useSsl", "true");
      if (given("trustServerCertificate", url, properties) == null) {
        properties.setProperty("trustServerCertificate", "true");
      }
    }
  }

  @Override
  public @Nullable FailureKind sort(SQLException failure) {
    return MySql.sortByCode(failure);
  }
}
