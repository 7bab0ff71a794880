package io.github.evercred.jdbc;

import io.github.evercred.FailureKind;
import java.sql.Driver;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What differs from database to database: one row of the table.
 *
 * @param name the URL's sub-protocol
 * @param driver where its driver is; null means that DriverManager is asked
 * @param hosts finds the hosts of a URL, each with its port
 * @param loginTimeout the driver's property for a login's time-out in seconds, fractions allowed;
 *     null if it has none that we know
 * @param tls asks for TLS in the properties, where nothing in them or in the URL says otherwise
 * @param sort sorts one exception; the chains that hang on it are walked elsewhere
 */
record Engine(
    String name,
    @Nullable DriverName driver,
    Hosts hosts,
    @Nullable String loginTimeout,
    Tls tls,
    Function<SQLException, FailureKind> sort) {

  /**
   * A driver that is looked for by its class.
   *
   * @param className the class
   * @param artifact the Maven artifact that brings it
   */
  record DriverName(String className, String artifact) {}

  /** Finds the hosts of a URL. */
  interface Hosts {
    /**
     * Returns {@code host:port} of each host, in the URL's order.
     *
     * @throws IllegalArgumentException if they cannot be read; the message does not quote them
     */
    List<String> of(JdbcUrl url, Properties properties);
  }

  /** Raises a login's TLS, never lowers it. */
  interface Tls {
    void raise(JdbcUrl url, Properties properties);
  }

  private static final Map<String, Engine> TABLE =
      Stream.of(
              new Engine(
                  "postgresql",
                  new DriverName("org.postgresql.Driver", "org.postgresql:postgresql"),
                  Postgres::hosts,
                  "loginTimeout",
                  Postgres::raiseTls,
                  Postgres::sort))
          .collect(Collectors.toUnmodifiableMap(Engine::name, Function.identity()));

  /** In a URL these would win over what the secret says, or over the time that is left. */
  private static final Set<String> TAKEN = Set.of("user", "password");

  private static final ClassValue<Driver> DRIVERS =
      new ClassValue<>() {
        @Override
        protected Driver computeValue(Class<?> type) {
          try {
            return (Driver) type.getDeclaredConstructor().newInstance();
          } catch (ReflectiveOperationException | ClassCastException e) {
            throw new IllegalStateException(e);
          }
        }
      };

  /** Returns a row of the table, or one that goes by the SQL standard alone. */
  static Engine of(String name) {
    Engine known = TABLE.get(name);
    return known != null
        ? known
        : new Engine(name, null, Engine::anyHosts, null, (url, properties) -> {}, Engine::standard);
  }

  boolean takes(String parameter) {
    return TAKEN.contains(parameter) || parameter.equals(loginTimeout);
  }

  /**
   * Finds the real driver: by its class, whatever DriverManager's order is, and only now, so that
   * our own driver can be loaded without it.
   */
  Driver realDriver(String url) throws SQLException {
    if (driver == null) {
      try {
        return DriverManager.getDriver(url);
      } catch (SQLException e) {
        throw Failures.configuration(
            "No driver for jdbc:%s: is registered with DriverManager: add the one of this database to the class path"
                .formatted(name),
            e);
      }
    }
    Throwable missing = null;
    for (ClassLoader loader :
        new ClassLoader[] {
          Thread.currentThread().getContextClassLoader(), Engine.class.getClassLoader()
        }) {
      if (loader == null) {
        continue;
      }
      try {
        return DRIVERS.get(Class.forName(driver.className(), true, loader));
      } catch (ClassNotFoundException e) {
        missing = e;
      } catch (IllegalStateException | LinkageError e) {
        throw Failures.configuration(
            "The driver %s cannot be used: %s"
                .formatted(driver.className(), Objects.requireNonNullElse(e.getCause(), e)),
            e);
      }
    }
    throw Failures.configuration(
        "The driver %s is not on the class path: add %s"
            .formatted(driver.className(), driver.artifact()),
        missing);
  }

  /** All that can be said without knowing the syntax: the address, without a user and a path. */
  private static List<String> anyHosts(JdbcUrl url, Properties properties) {
    String address = url.address();
    int end = address.indexOf(';');
    address = end < 0 ? address : address.substring(0, end);
    boolean hasPath = address.contains("//");
    address = address.substring(address.lastIndexOf('@') + 1);
    if (hasPath) {
      int start = address.indexOf("//") < 0 ? 0 : address.indexOf("//") + 2;
      int path = address.indexOf('/', start);
      address = address.substring(start, path < 0 ? address.length() : path);
    }
    return List.of(address.toLowerCase(java.util.Locale.ROOT));
  }

  /** SQLSTATE class 28 is "invalid authorization specification". */
  private static FailureKind standard(SQLException failure) {
    String state = failure.getSQLState();
    return state != null && state.startsWith("28") ? FailureKind.CREDENTIAL : FailureKind.OTHER;
  }

  @Override
  public String toString() {
    return name;
  }
}
