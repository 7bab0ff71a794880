package io.github.evercred.jdbc;

import io.github.evercred.FailureKind;
import java.sql.Driver;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What is peculiar to Microsoft SQL Server, Azure SQL Database and their driver. */
final class SqlServer implements Dialect {
  private static final int DEFAULT_PORT = 1433;

  /** Host, instance, port. The driver knows no brackets here. */
  private static final Pattern AUTHORITY = Pattern.compile("([^:\\\\]*)(?:\\\\([^:]*))?(?::(.*))?");

  private static final Pattern HOST =
      Pattern.compile("\\[?([0-9A-Fa-f]*:[0-9A-Fa-f:.]+)\\]?|[^\\s:@/?#\\[\\],=(){}]+");

  /** Other names of the same. */
  private static final Map<String, String> SYNONYMS =
      Map.of("server", "servername", "port", "portnumber");

  /**
   * Measured with mssql-jdbc 13.6 against a port that accepts and then is silent, or falls silent
   * after its first answer: a login ends when its {@code loginTimeout} does.
   */
  static Engine row() {
    return new Engine(
        "sqlserver",
        List.of("com.microsoft.sqlserver.jdbc.SQLServerDriver"),
        "com.microsoft.sqlserver:mssql-jdbc",
        "com.microsoft.sqlserver.jdbc.SQLServerXADataSource",
        Syntax.BRACES,
        DEFAULT_PORT,
        new LoginTime("loginTimeout", LoginTime.Unit.SECONDS, true, null),
        new SqlServer());
  }

  /** A server's only port, and without one the instance's name, which a service on it resolves. */
  @Override
  public List<String> hosts(JdbcUrl url, Properties properties) {
    Map<String, String> settings = settings(url, properties);
    String instance = settings.get("instancename");
    String port = settings.get("portnumber");
    List<String> hosts = new ArrayList<>();
    hosts.add(host(settings.getOrDefault("servername", ""), instance, port));
    String partner = settings.get("failoverpartner");
    if (partner != null && !partner.isBlank()) {
      hosts.add(host(partner, null, null));
    }
    return hosts;
  }

  private static String host(String name, @Nullable String instance, @Nullable String port) {
    String bare = name.strip();
    String of = instance;
    int backslash = bare.indexOf('\\');
    if (backslash >= 0) {
      of = bare.substring(backslash + 1);
      bare = bare.substring(0, backslash);
    }
    bare = bare.isEmpty() ? "localhost" : bare;
    Matcher matcher = HOST.matcher(bare);
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "the host cannot be read: write //host:1433, //host\\instance or //;serverName=::1;portNumber=1433");
    }
    bare = matcher.group(1) == null ? bare : "[" + matcher.group(1) + "]";
    String where =
        port != null
            ? ":" + HostPort.port(port)
            : of != null && !of.isBlank() ? "\\" + of.strip() : ":" + DEFAULT_PORT;
    return (bare + where).toLowerCase(Locale.ROOT);
  }

  /** By lower-case name. As the driver has it: the last one in the URL, and properties win. */
  private static Map<String, String> settings(JdbcUrl url, Properties properties) {
    Map<String, String> settings = new TreeMap<>();
    String address = url.address();
    if (!address.startsWith("//")) {
      throw new IllegalArgumentException("write //host:1433;databaseName=name");
    }
    List<String> parts = Syntax.BRACES.split(address.substring(2));
    Matcher authority = AUTHORITY.matcher(parts.get(0));
    if (!authority.matches()) {
      throw new IllegalArgumentException("the host cannot be read");
    }
    put(settings, "servername", Objects.requireNonNull(authority.group(1)));
    put(settings, "instancename", authority.group(2));
    put(settings, "portnumber", authority.group(3));
    for (String token : parts.subList(1, parts.size())) {
      int equals = token.indexOf('=');
      if (equals >= 0) { // What stands for a place that a secret has named.
        put(
            settings,
            token.substring(0, equals),
            Syntax.BRACES.decoded(token.substring(equals + 1)));
      }
    }
    url.parameters().forEach((name, value) -> put(settings, name, value));
    for (String name : properties.stringPropertyNames()) {
      put(settings, name, properties.getProperty(name));
    }
    return settings;
  }

  private static void put(Map<String, String> settings, String name, @Nullable String value) {
    String lower = name.strip().toLowerCase(Locale.ROOT);
    if (value != null) {
      settings.put(SYNONYMS.getOrDefault(lower, lower), value.strip());
    }
  }

  /** Windows and Entra logins. {@code SqlPassword} and {@code NotSpecified} are what we do. */
  @Override
  public Set<String> otherCredentials() {
    return Set.of(
        "integratedsecurity",
        "accesstoken",
        "accesstokencallbackclass",
        "authentication",
        "gsscredential");
  }

  @Override
  public boolean isPlacedElsewhere(JdbcUrl url, Properties properties) {
    for (String name : new String[] {"servername", "server"}) {
      if (isGiven(name, url, properties)) {
        return true;
      }
    }
    return false;
  }

  private static boolean isGiven(String name, JdbcUrl url, Properties properties) {
    return url.parameters().keySet().stream().anyMatch(name::equalsIgnoreCase)
        || properties.stringPropertyNames().stream().anyMatch(name::equalsIgnoreCase);
  }

  /** Before the host, the driver takes no IPv6 address, and after it no bracket in a port. */
  @Override
  public String address(HostPort place, @Nullable String database, boolean tls) {
    boolean ipv6 = place.host().indexOf(':') >= 0;
    String host =
        ipv6
            ? "//;serverName=%s;portNumber=%d".formatted(place.host(), place.port())
            : "//%s:%d".formatted(place.host(), place.port());
    return database == null ? host : host + ";databaseName=" + Syntax.BRACES.encoded(database);
  }

  /** Asks for TLS where nobody has said anything. Driver 10.2 and later do so themselves. */
  @Override
  public void raiseTls(JdbcUrl url, Properties properties, Driver driver) {
    if (!isGiven("encrypt", url, properties)) {
      properties.setProperty("encrypt", "true");
    }
  }

  /**
   * The server says first what is wrong, and then that the login failed: of a database that it
   * cannot open (4060, 4064) it sends 18456 as well, which is the next exception. So any number is
   * an answer. 18456 is also what a disabled login says whose password was wrong.
   */
  @Override
  public @Nullable FailureKind sort(SQLException failure) {
    return switch (failure.getErrorCode()) {
      case 0 -> null; // The driver's own.
      case 18456, // Login failed.
          18487, // Expired: a rotation sets a new password.
          18488 -> // Must be changed: the same.
          FailureKind.CREDENTIAL;
      case 15113, // Locked out.
          18486, // Locked out.
          18470 -> // Disabled.
          FailureKind.LOCKED_OR_DENIED;
      default -> FailureKind.OTHER;
    };
  }
}
