package io.github.evercred.jdbc;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.sql.Driver;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Properties;
import javax.sql.XAConnection;
import javax.sql.XADataSource;
import org.jspecify.annotations.Nullable;

/** Opens XA connections by the real driver's own data source, which is known by name alone. */
final class XaLogin {
  private static final Duration NO_LIMIT = Duration.ofDays(1);

  private XaLogin() {}

  static XAConnection open(JdbcUrl url, Driver driver, Properties properties, Duration remaining)
      throws SQLException {
    String user = String.valueOf(properties.remove("user"));
    String password = String.valueOf(properties.remove("password"));
    XADataSource real = real(url.engine(), driver);
    Method setUrl = setter(real, "url");
    if (setUrl != null) {
      set(real, setUrl, "url", withProperties(url, properties).text());
    } else {
      place(real, url, properties);
    }
    if (remaining.compareTo(NO_LIMIT) < 0) {
      real.setLoginTimeout((int) Math.max(1, (remaining.toMillis() + 999) / 1000));
    }
    return real.getXAConnection(user, password);
  }

  private static XADataSource real(Engine engine, Driver driver) throws SQLException {
    String name = engine.xaDataSource();
    if (name == null) {
      throw Failures.configuration(
          "The driver of %s has no XADataSource: use EvercredDataSource".formatted(engine));
    }
    try {
      return Class.forName(name, true, driver.getClass().getClassLoader())
          .asSubclass(XADataSource.class)
          .getDeclaredConstructor()
          .newInstance();
    } catch (ReflectiveOperationException | ClassCastException | LinkageError e) {
      throw Failures.configuration("The class %s cannot be used".formatted(name), e);
    }
  }

  /** Properties as parameters of the URL, but for those that it has. */
  private static JdbcUrl withProperties(JdbcUrl url, Properties properties) {
    List<String> kept = new ArrayList<>(url.kept());
    for (String name : new java.util.TreeSet<>(properties.stringPropertyNames())) {
      if (!url.parameters().containsKey(name)) {
        kept.add(name + "=" + url.engine().syntax().encoded(properties.getProperty(name)));
      }
    }
    kept.removeIf(String::isEmpty);
    return new JdbcUrl(
        url.engine(), url.head(), url.address(), kept, url.parameters(), url.taken());
  }

  /** For Db2, whose data source takes no URL: host, port and database by setters of their own. */
  private static void place(XADataSource real, JdbcUrl url, Properties properties)
      throws SQLException {
    String host = url.engine().dialect().hosts(url, properties).get(0);
    int colon = host.lastIndexOf(':');
    int slash = url.address().lastIndexOf('/');
    if (colon < 0 || slash < 0) {
      throw Failures.configuration(
          "An XA login of %s needs host, port and database in its URL".formatted(url.engine()));
    }
    String bare = host.substring(0, colon);
    boolean brackets = bare.startsWith("[") && bare.endsWith("]");
    require(real, "serverName", brackets ? bare.substring(1, bare.length() - 1) : bare);
    require(real, "portNumber", host.substring(colon + 1));
    require(real, "databaseName", url.address().substring(slash + 1));
    Method type = setter(real, "driverType");
    if (type != null) {
      set(real, type, "driverType", "4");
    }
    var all = new Properties();
    url.parameters().forEach(all::setProperty);
    for (String name : properties.stringPropertyNames()) {
      all.setProperty(name, Objects.requireNonNull(properties.getProperty(name)));
    }
    for (String name : all.stringPropertyNames()) {
      if (!name.isEmpty()) {
        require(real, name, Objects.requireNonNull(all.getProperty(name)));
      }
    }
  }

  private static void require(XADataSource real, String name, String value) throws SQLException {
    Method setter = setter(real, name);
    if (setter == null) {
      throw Failures.configuration(
          "%s has no setter for %s: leave it out".formatted(real.getClass().getName(), name));
    }
    set(real, setter, name, value);
  }

  /** A setter with one parameter of a type that a text can be made into. */
  private static @Nullable Method setter(XADataSource real, String name) {
    String wanted = "set" + name;
    for (Method method : real.getClass().getMethods()) {
      if (method.getName().toLowerCase(Locale.ROOT).equals(wanted.toLowerCase(Locale.ROOT))
          && method.getParameterCount() == 1
          && List.of(String.class, int.class, boolean.class, short.class)
              .contains(method.getParameterTypes()[0])) {
        return method;
      }
    }
    return null;
  }

  private static void set(XADataSource real, Method setter, String name, String value)
      throws SQLException {
    Class<?> type = setter.getParameterTypes()[0];
    try {
      Object typed =
          type == String.class
              ? value
              : type == boolean.class
                  ? (Object) Boolean.valueOf(value)
                  : type == short.class ? (Object) Short.valueOf(value) : Integer.valueOf(value);
      setter.invoke(real, typed);
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof SQLException said) {
        throw said;
      }
      throw Failures.configuration("%s was not accepted".formatted(name), e.getCause());
    } catch (NumberFormatException e) {
      throw Failures.configuration("%s must be a number".formatted(name)); // The cause quotes it.
    } catch (IllegalAccessException e) {
      throw Failures.configuration("%s cannot be set".formatted(name), e);
    }
  }
}
