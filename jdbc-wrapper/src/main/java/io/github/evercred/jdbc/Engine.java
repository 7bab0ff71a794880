package io.github.evercred.jdbc;

import java.sql.Driver;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * What differs from database to database: one row of the table.
 *
 * @param name the URL's sub-protocol
 * @param drivers the classes of its driver, the one to try first first; none means that
 *     DriverManager is asked
 * @param artifact the Maven artifact that brings the driver; empty if we know none
 * @param xaDataSource the driver's {@link javax.sql.XADataSource}; null if it has none
 * @param syntax how its URL carries parameters
 * @param defaultPort the port where a secret names none
 * @param time how its driver is told how long a login may take
 * @param dialect the rest
 */
record Engine(
    String name,
    List<String> drivers,
    String artifact,
    @Nullable String xaDataSource,
    Syntax syntax,
    int defaultPort,
    LoginTime time,
    Dialect dialect) {

  private static final Map<String, Engine> TABLE = new LinkedHashMap<>();

  static {
    row(
        new Engine(
            "postgresql",
            List.of("org.postgresql.Driver"),
            "org.postgresql:postgresql",
            "org.postgresql.xa.PGXADataSource",
            Syntax.QUERY,
            5432,
            new LoginTime("loginTimeout", LoginTime.Unit.FRACTIONAL_SECONDS, true, null),
            new Postgres()));
    row(MySql.row());
    row(MySql.srvRow());
    row(MariaDb.row());
    row(Redshift.row());
    row(H2.row());
    row(Oracle.row());
    row(SqlServer.row());
    row(Db2.row());
  }

  private static void row(Engine engine) {
    TABLE.put(engine.name(), engine);
  }

  /** What users have added or put in the place of a row. */
  private static final Map<String, Engine> ADDED = new ConcurrentHashMap<>();

  /** In a URL, or among properties, these would win over what the secret says. */
  private static final Set<String> USER = Set.of("user", "username", "uid");

  private static final Set<String> PASSWORD = Set.of("password", "password1", "pwd");

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

  static void add(Engine engine) {
    ADDED.put(engine.name(), engine);
  }

  static void remove(Engine engine) {
    ADDED.remove(engine.name(), engine);
  }

  /** Returns a row of the table or one that a user has added, or null. */
  static @Nullable Engine known(String name) {
    Engine added = ADDED.get(name);
    return added != null ? added : TABLE.get(name);
  }

  /** Returns what is known of an engine, or a row that goes by the SQL standard alone. */
  static Engine of(String name) {
    Engine known = known(name);
    return known != null ? known : generic(name);
  }

  private static Engine generic(String name) {
    return new Engine(
        name, List.of(), "", null, Syntax.QUERY, 0, LoginTime.UNKNOWN, new AnyDatabase());
  }

  /** Where a URL leaves the engine to the secret. Only its syntax counts. */
  static final Engine ANY =
      new Engine("", List.of(), "", null, Syntax.QUERY, 0, LoginTime.UNKNOWN, new AnyDatabase());

  /** What the {@code engine} of a secret may begin with, and the row that is meant. */
  private static final Map<String, String> OF_SECRET =
      Map.of(
          "postgres", "postgresql",
          "mysql", "mysql",
          "mariadb", "mariadb",
          "oracle", "oracle",
          "sqlserver", "sqlserver",
          "db2", "db2",
          "redshift", "redshift",
          "h2", "h2");

  /** Returns the row that a secret's {@code engine} means, such as aurora-postgresql, or null. */
  static @Nullable Engine ofSecret(String engine) {
    String bare = engine.startsWith("aurora-") ? engine.substring("aurora-".length()) : engine;
    for (var row : OF_SECRET.entrySet()) {
      if (bare.startsWith(row.getKey())) {
        return known(row.getValue());
      }
    }
    return bare.isEmpty() ? null : known(bare);
  }

  static String secretNames() {
    return String.join(", ", OF_SECRET.keySet().stream().sorted().toList());
  }

  /** MySQL's and MariaDB's drivers each serve both servers. */
  boolean isLike(Engine other) {
    return family(name).equals(family(other.name));
  }

  private static String family(String name) {
    return name.startsWith("mysql") || name.equals("mariadb") ? "mysql" : name;
  }

  /** All rows, for the test of the manual. */
  static List<Engine> table() {
    return List.copyOf(TABLE.values());
  }

  /** The same row with another driver. */
  Engine withDriver(String className) {
    return new Engine(
        name, List.of(className), "", xaDataSource, syntax, defaultPort, time, dialect);
  }

  static boolean isUser(String parameter) {
    return USER.contains(parameter.toLowerCase(Locale.ROOT));
  }

  static boolean isPassword(String parameter) {
    return PASSWORD.contains(parameter.toLowerCase(Locale.ROOT));
  }

  boolean isTime(String parameter) {
    return parameter.equalsIgnoreCase(time.property());
  }

  /**
   * Finds the real driver: by its class, whatever DriverManager's order is, and only now, so that
   * our own driver can be loaded without it.
   */
  Driver realDriver(String url) throws SQLException {
    if (drivers.isEmpty()) {
      return registeredDriver(url);
    }
    Throwable missing = null;
    for (String className : drivers) {
      for (ClassLoader loader : loaders()) {
        try {
          return DRIVERS.get(Class.forName(className, true, loader));
        } catch (ClassNotFoundException e) {
          missing = e;
        } catch (IllegalStateException | LinkageError e) {
          throw Failures.configuration(
              "The driver %s cannot be used: %s"
                  .formatted(className, Objects.requireNonNullElse(e.getCause(), e)),
              e);
        }
      }
    }
    throw Failures.configuration(
        "The driver %s is not on the class path%s"
            .formatted(drivers.get(0), artifact.isEmpty() ? "" : ": add " + artifact),
        missing);
  }

  /** Where a class of a driver may be. */
  static List<ClassLoader> loaders() {
    ClassLoader context = Thread.currentThread().getContextClassLoader();
    ClassLoader own = Engine.class.getClassLoader();
    return context == null || context.equals(own) ? List.of(own) : List.of(context, own);
  }

  /** As DriverManager finds it, but other drivers that fail when asked do not hide it. */
  private Driver registeredDriver(String url) throws SQLException {
    Throwable failed = null;
    for (Driver driver : DriverManager.drivers().toList()) {
      try {
        if (driver.acceptsURL(url)) {
          return driver;
        }
      } catch (SQLException | RuntimeException e) {
        failed = e; // AWS's own driver throws where its real driver is missing.
      }
    }
    throw Failures.configuration(
        "No driver for jdbc:%s: is registered with DriverManager: add the one of this database to the class path, or name its class as %s"
            .formatted(name, Option.DRIVER_CLASS.key()),
        failed);
  }

  @Override
  public String toString() {
    return name;
  }
}
