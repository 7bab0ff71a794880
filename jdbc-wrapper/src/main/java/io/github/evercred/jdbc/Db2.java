package io.github.evercred.jdbc;

import io.github.evercred.FailureKind;
import java.sql.Driver;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Properties;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What is peculiar to IBM Db2 and its driver, JCC. */
final class Db2 implements Dialect {
  /** What the driver takes where a URL names none. */
  private static final String DEFAULT_PORT = "446";

  private static final Pattern AUTHORITY =
      Pattern.compile("//(\\[[0-9A-Fa-f:.]+\\]|[^\\s:@/?#\\[\\];,]+)(?::(\\d{1,5}))?/([^/;]*)");

  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_@#$-]{1,128}");

  /** The number of a text of the driver's, whatever its language. */
  private static final Pattern MESSAGE = Pattern.compile("\\[t4\\]\\[(\\d+)\\]");

  private static final Pattern REASON =
      Pattern.compile("SQLERRMC[=:]\\s*(\\d+)|SQL30082N\\D+(\\d+)");

  /**
   * Measured with JCC 12.1 against a port that accepts and then is silent, or sends a byte now and
   * then: {@code connectionTimeout} ends a login in time, {@code loginTimeout} ends each read.
   */
  static Engine row() {
    return new Engine(
        "db2",
        List.of("com.ibm.db2.jcc.DB2Driver"),
        "com.ibm.db2:jcc",
        "com.ibm.db2.jcc.DB2XADataSource",
        Syntax.COLON,
        50_000,
        new LoginTime("connectionTimeout", LoginTime.Unit.SECONDS, true, null),
        new Db2());
  }

  @Override
  public List<String> hosts(JdbcUrl url, Properties properties) {
    String address = url.address();
    String server = setting("serverName", url, properties);
    String port = setting("portNumber", url, properties);
    List<String> hosts = new ArrayList<>();
    if (address.startsWith("///") && server == null) {
      hosts.add("dsdriver " + address.substring(3).toLowerCase(Locale.ROOT)); // A file says where.
    } else if (address.startsWith("//")) {
      Matcher authority = AUTHORITY.matcher(address);
      if (!authority.matches()) {
        throw new IllegalArgumentException(
            "write //host:50000/database:name=value; with an IPv6 address in brackets and no user");
      }
      String name = server == null ? Objects.requireNonNull(authority.group(1)) : server;
      String at = port == null ? authority.group(2) : port;
      hosts.add(host(name, Objects.requireNonNullElse(at, DEFAULT_PORT)));
    } else if (!address.isEmpty() && NAME.matcher(address).matches()) {
      hosts.add(address.toLowerCase(Locale.ROOT)); // An alias in the local catalog.
    } else {
      throw new IllegalArgumentException("write //host:50000/database");
    }
    String others = setting("clientRerouteAlternateServerName", url, properties);
    String otherPorts = setting("clientRerouteAlternatePortNumber", url, properties);
    if (others != null) {
      String[] names = others.split(",", -1);
      String[] ports = otherPorts == null ? new String[] {DEFAULT_PORT} : otherPorts.split(",", -1);
      for (int i = 0; i < names.length; i++) {
        hosts.add(host(names[i].strip(), ports[Math.min(i, ports.length - 1)]));
      }
    }
    return hosts;
  }

  private static String host(String name, String port) {
    boolean bracket = name.indexOf(':') >= 0 && !name.startsWith("[");
    return (bracket ? "[" + name + "]" : name).toLowerCase(Locale.ROOT) + ":" + HostPort.port(port);
  }

  private static @Nullable String setting(String name, JdbcUrl url, Properties properties) {
    String parameter = url.parameters().get(name);
    return parameter == null ? properties.getProperty(name) : parameter;
  }

  /** Logins by a key or a token. */
  @Override
  public Set<String> otherCredentials() {
    return Set.of("apikey", "accesstoken");
  }

  @Override
  public boolean isPlacedElsewhere(JdbcUrl url, Properties properties) {
    return setting("serverName", url, properties) != null
        || setting("dsdriverConfigFile", url, properties) != null;
  }

  @Override
  public String address(HostPort place, @Nullable String database, boolean tls) {
    if (database == null) {
      throw new IllegalArgumentException("dbname is missing");
    }
    if (!NAME.matcher(database).matches()) {
      throw new IllegalArgumentException(
          "dbname must be the name of a database: letters, digits and _ @ # $ - alone");
    }
    return "//%s:%d/%s".formatted(place.bracketed(), place.port(), database);
  }

  /** Asks for TLS where nobody has said anything. The driver refuses what is given twice. */
  @Override
  public void raiseTls(JdbcUrl url, Properties properties, Driver driver) {
    if (setting("sslConnection", url, properties) == null) {
      properties.setProperty("sslConnection", "true");
    }
  }

  @Override
  public @Nullable FailureKind sort(SQLException failure) {
    return switch (failure.getErrorCode()) {
      case -4214 -> sortRefusal(failure);
      case -30082 -> sortSecurityFailure(failure);
      case -1403 -> FailureKind.CREDENTIAL; // User name or password incorrect.
      default -> null;
    };
  }

  /** The driver translates its texts; their numbers are the same in all languages. */
  private static FailureKind sortRefusal(SQLException failure) {
    String message = number(MESSAGE, failure);
    return switch (message) {
      case "2012", // Password expired: a rotation sets a new one.
          "2013", // User or password invalid.
          "2016", // User invalid.
          "2022", // Not said why.
          "" ->
          FailureKind.CREDENTIAL;
      case "2017" -> FailureKind.LOCKED_OR_DENIED; // User revoked.
      default -> FailureKind.OTHER; // A mechanism, an algorithm, a ticket, a plug-in.
    };
  }

  private static FailureKind sortSecurityFailure(SQLException failure) {
    String reason = number(REASON, failure);
    return switch (reason) {
      case "1", // Password expired.
          "2", // Password invalid.
          "6", // User invalid.
          "15", // Authentication failed at the server.
          "24", // User or password invalid.
          "" ->
          FailureKind.CREDENTIAL;
      case "7", // User revoked.
          "19" -> // User disabled or restricted.
          FailureKind.LOCKED_OR_DENIED;
      default -> FailureKind.OTHER;
    };
  }

  /** The first number that fits, or an empty text. */
  private static String number(Pattern pattern, SQLException failure) {
    Matcher matcher = pattern.matcher(Objects.requireNonNullElse(failure.getMessage(), ""));
    if (!matcher.find()) {
      return "";
    }
    String first = matcher.group(1);
    return first != null || matcher.groupCount() < 2
        ? Objects.requireNonNullElse(first, "")
        : Objects.requireNonNullElse(matcher.group(2), "");
  }
}
