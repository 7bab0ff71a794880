package io.github.evercred.jdbc;

import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.Driver;
import java.sql.DriverManager;
import java.sql.DriverPropertyInfo;
import java.sql.SQLException;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/** A database that does what a test says, behind {@code jdbc:scripted:}. */
final class ScriptedDriver implements Driver, AutoCloseable {

  /** What comes of one login. */
  interface Script {
    @Nullable Connection connect(Properties properties) throws SQLException;
  }

  record Call(String url, Properties properties) {}

  final List<Call> calls = new CopyOnWriteArrayList<>();
  private final Script script;

  private ScriptedDriver(Script script) {
    this.script = script;
  }

  static ScriptedDriver registered(Script script) throws SQLException {
    var driver = new ScriptedDriver(script);
    DriverManager.registerDriver(driver);
    return driver;
  }

  /** Accepts these passwords, and refuses all others by 28000. */
  static ScriptedDriver accepting(String... passwords) throws SQLException {
    return registered(
        properties -> {
          if (List.of(passwords).contains(properties.getProperty("password"))) {
            return connection();
          }
          throw new SQLException("refused", "28000", 7);
        });
  }

  static Connection connection() {
    return (Connection)
        Proxy.newProxyInstance(
            ScriptedDriver.class.getClassLoader(),
            new Class<?>[] {Connection.class},
            (proxy, method, arguments) ->
                switch (method.getName()) {
                  case "equals" -> proxy == arguments[0];
                  case "hashCode" -> System.identityHashCode(proxy);
                  case "toString" -> "scripted connection";
                  default -> null;
                });
  }

  Call only() {
    if (calls.size() != 1) {
      throw new AssertionError(calls.size() + " calls");
    }
    return calls.get(0);
  }

  @Override
  public @Nullable Connection connect(String url, Properties info) throws SQLException {
    if (!acceptsURL(url)) {
      return null;
    }
    calls.add(new Call(url, info));
    return script.connect(info);
  }

  @Override
  public boolean acceptsURL(String url) {
    return url.startsWith("jdbc:scripted:");
  }

  @Override
  public DriverPropertyInfo[] getPropertyInfo(String url, Properties info) {
    return new DriverPropertyInfo[] {
      new DriverPropertyInfo("user", info.getProperty("user")),
      new DriverPropertyInfo("password", info.getProperty("password")),
      new DriverPropertyInfo("trustStorePassword", info.getProperty("trustStorePassword")),
      new DriverPropertyInfo("colour", info.getProperty("colour"))
    };
  }

  @Override
  public int getMajorVersion() {
    return 1;
  }

  @Override
  public int getMinorVersion() {
    return 0;
  }

  @Override
  public boolean jdbcCompliant() {
    return false;
  }

  @Override
  public Logger getParentLogger() {
    return Logger.getLogger("scripted");
  }

  @Override
  public void close() throws SQLException {
    DriverManager.deregisterDriver(this);
  }
}
