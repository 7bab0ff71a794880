package io.github.evercred.jdbc;

import io.github.evercred.FailureKind;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
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
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What is peculiar to PostgreSQL, its driver and the proxies that stand before it. */
final class Postgres implements Dialect {
  private static final String DEFAULT_HOST = "localhost";
  private static final String DEFAULT_PORT = "5432";

  /** A name or an IPv6 address in brackets, and a port. */
  private static final Pattern HOST =
      Pattern.compile("(\\[[0-9A-Fa-f:.]+(?:%[^\\]\\s]+)?\\]|[^\\s:@/?#\\[\\]]*)(?::(\\d{1,5}))?");

  /**
   * Reads the hosts as the driver does: from the part after {@code //}, else from the properties;
   * URL parameters win over both.
   */
  @Override
  public List<String> hosts(JdbcUrl url, Properties properties) {
    String address = url.address();
    List<String> names = new ArrayList<>();
    List<String> ports = new ArrayList<>();
    if (!readAuthority(address, DEFAULT_PORT, names, ports)) {
      names = list(properties.getProperty("PGHOST"), DEFAULT_HOST);
      ports = list(properties.getProperty("PGPORT"), DEFAULT_PORT);
      String service = properties.getProperty("service", url.parameters().get("service"));
      if (service != null) {
        names = new ArrayList<>(names);
        names.add("service " + service); // A file says where that is.
      }
    }
    names = override(names, url, "PGHOST", "host");
    ports = override(ports, url, "PGPORT", "port");
    return join(names, ports);
  }

  /**
   * Reads hosts and ports from the part after {@code //}. Where there is none, adds what the driver
   * then takes and returns false.
   */
  static boolean readAuthority(
      String address, String defaultPort, List<String> names, List<String> ports) {
    if (!address.startsWith("//")) {
      names.add(DEFAULT_HOST);
      ports.add(defaultPort);
      return false;
    }
    int slash = address.indexOf('/', 2);
    if (slash < 0 && address.length() > 2) {
      throw new IllegalArgumentException(
          "the host must be followed by a slash, as in //host:%s/database".formatted(defaultPort));
    }
    String authority = slash < 0 ? "" : address.substring(2, slash);
    for (String part : authority.split(",", -1)) {
      Matcher host = HOST.matcher(part);
      if (!host.matches()) {
        throw new IllegalArgumentException(
            "host %d cannot be read: write //host:port/database, an IPv6 address in brackets, and no user"
                .formatted(names.size() + 1));
      }
      names.add(Objects.requireNonNull(host.group(1)));
      ports.add(Objects.requireNonNullElse(host.group(2), defaultPort));
    }
    return true;
  }

  /** Joins each host and its port; the last port is for all the hosts that have none. */
  static List<String> join(List<String> names, List<String> ports) {
    List<String> hosts = new ArrayList<>();
    for (int i = 0; i < names.size(); i++) {
      String name = names.get(i).isEmpty() ? DEFAULT_HOST : names.get(i);
      int port = HostPort.port(ports.get(Math.min(i, ports.size() - 1)));
      hosts.add(name.toLowerCase(Locale.ROOT) + ":" + port);
    }
    return hosts;
  }

  private static List<String> override(List<String> old, JdbcUrl url, String... names) {
    for (String name : names) {
      String value = url.parameters().get(name);
      if (value != null) {
        return list(value, "");
      }
    }
    return old;
  }

  private static List<String> list(@Nullable String text, String otherwise) {
    return text == null ? List.of(otherwise) : List.of(text.split(",", -1));
  }

  @Override
  public Set<String> otherCredentials() {
    return Set.of("authenticationpluginclassname");
  }

  @Override
  public boolean isPlacedElsewhere(JdbcUrl url, Properties properties) {
    // Of a property "host" the driver takes no notice.
    return url.parameters().containsKey("host")
        || Stream.of("PGHOST", "service")
            .anyMatch(n -> url.parameters().containsKey(n) || properties.containsKey(n));
  }

  @Override
  public String address(HostPort place, @Nullable String database, boolean tls) {
    String name = database == null ? "" : URLEncoder.encode(database, StandardCharsets.UTF_8);
    return "//%s:%d/%s".formatted(place.bracketed(), place.port(), name.replace("+", "%20"));
  }

  /**
   * Asks for TLS where nobody has. {@code ssl=true} alone means {@code verify-full} to the driver
   * and so must not be touched; what a service file says cannot be seen from here.
   */
  @Override
  public void raiseTls(JdbcUrl url, Properties properties, Driver driver) {
    for (String name : new String[] {"sslmode", "service"}) {
      if (url.parameters().containsKey(name) || properties.containsKey(name)) {
        return;
      }
    }
    String ssl = url.parameters().getOrDefault("ssl", properties.getProperty("ssl", "false"));
    if (!ssl.isEmpty() && !ssl.equalsIgnoreCase("true")) {
      properties.setProperty("sslmode", "require");
    }
  }

  @Override
  public @Nullable FailureKind sort(SQLException failure) {
    String state = failure.getSQLState();
    if (state == null) {
      return null;
    }
    return switch (state) {
      case "28P01" -> FailureKind.CREDENTIAL;
      case "28000" -> sortInvalidAuthorization(failure);
      case "08P01" -> sortProtocolViolation(failure);
      default -> null;
    };
  }

  /** 28000 is what any authentication but by password says, and what has nothing to do with one. */
  private static FailureKind sortInvalidAuthorization(SQLException failure) {
    String routine = Routine.in(failure.getClass()).of(failure);
    String text = Objects.requireNonNullElse(failure.getMessage(), "");
    if (routine != null) {
      return switch (routine) {
        // No entry in pg_hba.conf for this database, address or TLS: a matter of this connection,
        // and
        // no other login of the user must suffer for it.
        case "ClientAuthentication" -> FailureKind.OTHER;
        case "InitializeSessionUserId" -> // NOLOGIN, or no such role, where no password is asked.
            text.contains("does not exist") ? FailureKind.CREDENTIAL : FailureKind.LOCKED_OR_DENIED;
        default -> FailureKind.CREDENTIAL;
      };
    }
    // Not from the server itself, or a driver that does not tell. RDS Proxy says "no credentials
    // for the role" until it has read AWSCURRENT anew, and that is a matter of the credential.
    if (text.contains("no pg_hba.conf entry")) {
      return FailureKind.OTHER;
    }
    return text.contains("is not permitted to log in")
        ? FailureKind.LOCKED_OR_DENIED
        : FailureKind.CREDENTIAL;
  }

  /**
   * PgBouncer says everything by 08P01: that it refuses a login itself, and that it repeats a
   * refusal of its server's for {@code server_login_retry}, which may be old. Only its texts, which
   * are never translated, tell.
   */
  private static FailureKind sortProtocolViolation(SQLException failure) {
    String text = Objects.requireNonNullElse(failure.getMessage(), "").toLowerCase(Locale.ROOT);
    boolean login =
        text.contains("authentication failed")
            || text.contains("auth failed")
            || text.contains("no such user");
    if (text.contains("server login has been failing")) {
      return login || !text.contains("cached error:") ? FailureKind.UNCERTAIN : FailureKind.OTHER;
    }
    return login ? FailureKind.CREDENTIAL : FailureKind.OTHER;
  }

  /**
   * Reads the server's routine, the one sign that is not translated, without the driver's types.
   */
  private record Routine(@Nullable Method serverError, @Nullable Method routine) {

    static Routine in(Class<?> type) {
      try {
        Method serverError = type.getMethod("getServerErrorMessage");
        return new Routine(serverError, serverError.getReturnType().getMethod("getRoutine"));
      } catch (NoSuchMethodException e) {
        return new Routine(null, null);
      }
    }

    @Nullable String of(SQLException failure) {
      try {
        Object error = serverError == null ? null : serverError.invoke(failure);
        return error == null || routine == null ? null : (String) routine.invoke(error);
      } catch (IllegalAccessException | InvocationTargetException | ClassCastException e) {
        return null;
      }
    }
  }
}
