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

/** What is peculiar to Oracle Database and its driver. */
final class Oracle implements Dialect {
  private static final int DEFAULT_PORT = 1521;

  /** What stands before the address, and nothing between it and the sign: no user, no password. */
  private static final Pattern PREFIX = Pattern.compile("(?i)(?:thin|oci8?):@");

  private static final Pattern SCHEME = Pattern.compile("(?i)([a-z][a-z0-9-]*)://.*");

  /** One item of a descriptor whose value is no list. */
  private static final Pattern ITEM =
      Pattern.compile("\\(\\s*([A-Za-z_]+)\\s*=\\s*(?:\"([^\"]*)\"|([^()\"]*))");

  /** A name or an IPv6 address in brackets, and a port. */
  private static final Pattern HOST =
      Pattern.compile("(\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9_][A-Za-z0-9._-]*)(?::(\\d{1,5}))?");

  /** A SID or a service, as the driver's own pattern has it, and less: it is put into a URL. */
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_#$.-]{0,249}");

  /**
   * Measured with ojdbc against a port that accepts and then is silent: {@code CONNECT_TIMEOUT}
   * alone hangs, {@code ReadTimeout} ends each read in time. {@code oracle.jdbc.loginTimeout}
   * bounds a whole login, in seconds, but 19.28 does not know it; 21.24 and 23.26 do.
   */
  static Engine row() {
    return new Engine(
        "oracle",
        List.of("oracle.jdbc.OracleDriver", "oracle.jdbc.driver.OracleDriver"),
        "com.oracle.database.jdbc:ojdbc11",
        "oracle.jdbc.xa.client.OracleXADataSource",
        Syntax.QUERY,
        DEFAULT_PORT,
        new LoginTime(
            "oracle.net.CONNECT_TIMEOUT",
            LoginTime.Unit.MILLISECONDS,
            false,
            "oracle.jdbc.ReadTimeout"),
        new Oracle());
  }

  /**
   * Where a URL leads.
   *
   * @param name the service or SID; null if it cannot be seen
   * @param secure whether all of it is TLS; null if it cannot be seen
   */
  private record Place(List<String> hosts, @Nullable String name, @Nullable Boolean secure) {}

  @Override
  public List<String> hosts(JdbcUrl url, Properties properties) {
    return place(url, properties).hosts();
  }

  /** Users belong to a pluggable database, which a service names. */
  @Override
  public @Nullable String database(JdbcUrl url, Properties properties) {
    return place(url, properties).name();
  }

  /** Logins by a token. */
  @Override
  public Set<String> otherCredentials() {
    return Set.of("oracle.jdbc.tokenauthentication", "oracle.jdbc.accesstoken", "token_auth");
  }

  /** The driver goes by these two properties rather than by the address in the URL. */
  @Override
  public boolean isPlacedElsewhere(JdbcUrl url, Properties properties) {
    return setting("database", url, properties) != null
        || setting("server", url, properties) != null;
  }

  private static @Nullable String setting(String name, JdbcUrl url, Properties properties) {
    String parameter = url.parameters().get(name);
    return parameter == null ? properties.getProperty(name) : parameter;
  }

  private static Place place(JdbcUrl url, Properties properties) {
    String database = setting("database", url, properties);
    String server = setting("server", url, properties);
    String address = database == null ? server : database;
    if (address == null) {
      Matcher prefix = PREFIX.matcher(url.address());
      if (!prefix.lookingAt() || prefix.end() == url.address().length()) {
        throw new IllegalArgumentException(
            "write thin:@//host:1521/service, with nothing before the sign: no user and no password");
      }
      address = url.address().substring(prefix.end());
    }
    address = address.strip();
    if (address.startsWith("(")) {
      return descriptor(address);
    }
    Matcher scheme = SCHEME.matcher(address);
    String protocol = scheme.matches() ? scheme.group(1).toLowerCase(Locale.ROOT) : null;
    if (protocol != null && !protocol.equals("tcp") && !protocol.equals("tcps")) {
      return opaque(address); // A directory or a provider says where it is.
    }
    boolean slashes = protocol != null || address.startsWith("//");
    String rest = slashes ? address.substring(address.indexOf("//") + 2) : address;
    if (!slashes && rest.indexOf('/') < 0 && rest.indexOf(':') < 0) {
      return opaque(rest); // An alias of tnsnames.ora, or a host.
    }
    return easyConnect(rest, slashes, "tcps".equals(protocol));
  }

  private static Place opaque(String address) {
    if (address.indexOf('@') >= 0) {
      throw unreadable();
    }
    return new Place(List.of(address.toLowerCase(Locale.ROOT)), null, null);
  }

  /** {@code host:port:sid}, or {@code host,host:port;host:port/service:mode/instance}. */
  private static Place easyConnect(String text, boolean slashes, boolean secure) {
    int slash = text.indexOf('/');
    String authority = slash < 0 ? text : text.substring(0, slash);
    String name = slash < 0 ? "" : text.substring(slash + 1);
    int colon = authority.indexOf(':', authority.indexOf(']') + 1);
    int sid = colon < 0 ? -1 : authority.indexOf(':', colon + 1);
    if (!slashes && slash < 0 && sid >= 0 && authority.indexOf(',') < 0) {
      name = authority.substring(sid + 1);
      authority = authority.substring(0, sid);
    } else {
      name = name.split("[:/]", 2)[0];
    }
    if (!name.isEmpty() && !NAME.matcher(name).matches()) {
      throw unreadable();
    }
    List<String> hosts = new ArrayList<>();
    for (String group : authority.split(";", -1)) {
      List<String> names = new ArrayList<>();
      List<@Nullable String> ports = new ArrayList<>();
      for (String part : group.split(",", -1)) {
        Matcher host = HOST.matcher(part);
        if (!host.matches()) {
          throw unreadable();
        }
        names.add(Objects.requireNonNull(host.group(1)));
        ports.add(host.group(2));
      }
      String last = ports.get(ports.size() - 1); // It counts for those before it that have none.
      for (int i = 0; i < names.size(); i++) {
        String port = ports.get(i) == null ? last : ports.get(i);
        hosts.add(host(names.get(i), port));
      }
    }
    return new Place(hosts, name.isEmpty() ? null : name.toLowerCase(Locale.ROOT), secure);
  }

  private static String host(String name, @Nullable String port) {
    String bare = name.toLowerCase(Locale.ROOT);
    boolean bracket = bare.indexOf(':') >= 0 && !bare.startsWith("[");
    return (bracket ? "[" + bare + "]" : bare)
        + ":"
        + (port == null ? DEFAULT_PORT : HostPort.port(port));
  }

  /** {@code (DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=h)(PORT=1))(CONNECT_DATA=...))} */
  private static Place descriptor(String text) {
    List<String> hosts = new ArrayList<>();
    String name = null;
    String protocol = "";
    String host = null;
    String port = null;
    boolean secure = true;
    Matcher item = ITEM.matcher(text);
    while (true) {
      boolean found = item.find();
      String key = found ? Objects.requireNonNull(item.group(1)).toUpperCase(Locale.ROOT) : "END";
      if (key.equals("ADDRESS") || key.equals("END")) {
        if (host != null) {
          hosts.add(host(host, port));
          secure &= protocol.equalsIgnoreCase("tcps");
        }
        host = null;
        port = null;
        protocol = "";
      }
      if (!found) {
        break;
      }
      String value = Objects.requireNonNull(item.group(2) == null ? item.group(3) : item.group(2));
      switch (key) {
        case "HOST" -> host = value.strip();
        case "PORT" -> port = value.strip();
        case "PROTOCOL" -> protocol = value.strip();
        case "SERVICE_NAME", "SID" ->
            name = name == null ? value.strip().toLowerCase(Locale.ROOT) : name;
        default -> {}
      }
    }
    if (hosts.isEmpty()) {
      return new Place(List.of("local"), name, null); // IPC or BEQ: another process here.
    }
    return new Place(hosts, name, secure);
  }

  private static IllegalArgumentException unreadable() {
    return new IllegalArgumentException(
        "write thin:@//host:1521/service, thin:@host:1521:SID or thin:@tcps://host:2484/service, an IPv6 address in brackets, and no user");
  }

  @Override
  public String address(HostPort place, @Nullable String database, boolean tls) {
    if (database == null) {
      throw new IllegalArgumentException("dbname is missing: it names the service");
    }
    if (!NAME.matcher(database).matches()) {
      throw new IllegalArgumentException(
          "dbname must be the name of a service: letters, digits and _ # $ . - alone");
    }
    return "thin:@%s//%s:%d/%s"
        .formatted(tls ? "tcps:" : "", place.bracketed(), place.port(), database);
  }

  /** The protocol in the address alone decides; what an alias stands for cannot be seen. */
  @Override
  public void raiseTls(JdbcUrl url, Properties properties, Driver driver) throws SQLException {
    if (Boolean.FALSE.equals(place(url, properties).secure())) {
      throw Failures.configuration(
          "The secret asks for TLS and the URL does not: Oracle has no property for it, so write a tcps URL such as thin:@tcps://host:2484/service, or take ssl out of the secret");
    }
  }

  @Override
  public @Nullable FailureKind sort(SQLException failure) {
    return switch (failure.getErrorCode()) {
      case 1017, // Invalid user name or password.
          9911, // Incorrect user password.
          17079, // Not the credentials of the session at hand.
          28001 -> // Expired: this password is of no use any more, and a rotation sets a new one.
          FailureKind.CREDENTIAL;
      case 1045, // No CREATE SESSION.
          28000, // Locked.
          28051 -> // The same of an enterprise user.
          FailureKind.LOCKED_OR_DENIED;
      default -> null;
    };
  }
}
