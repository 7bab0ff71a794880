package io.github.evercred.jdbc;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.github.evercred.SecretCache;
import java.sql.Connection;
import java.sql.Driver;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.ServiceLoader;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/**
 * What a web application does with Evercred. {@link RedeployTest} loads it, with Evercred and all
 * its libraries, by a class loader for each deployment, and knows it by types of the JDK alone.
 */
final class WebApplication implements Callable<Integer>, AutoCloseable {
  private final String url;
  private final String endpoint;
  private final int round;
  private final @Nullable SecretCache ownCache;
  private @Nullable HikariDataSource pool;
  private EvercredHikari.@Nullable Retirement retirement;

  /**
   * Registers the driver, as a web application must: DriverManager looks for drivers once, when the
   * JVM starts, where it does not see those of an application.
   *
   * @param set {@code url} of the database, {@code endpoint} of Secrets Manager, {@code round}
   */
  WebApplication(Map<String, String> set) {
    url = Objects.requireNonNull(set.get("url"));
    endpoint = Objects.requireNonNull(set.get("endpoint"));
    round = Integer.parseInt(Objects.requireNonNull(set.get("round")));
    ownCache = round % 2 == 0 ? null : SecretCache.builder().properties(ofCache()).build();
    ServiceLoader.load(Driver.class).stream()
        .filter(found -> found.type() == EvercredDriver.class)
        .forEach(ServiceLoader.Provider::get);
  }

  private Properties ofCache() {
    var properties = new Properties();
    properties.setProperty("evercred.endpoint", endpoint);
    return properties;
  }

  private EvercredDataSource source(String secretId) {
    var source = new EvercredDataSource();
    source.setUrl(url);
    source.setSecretId(secretId);
    if (ownCache == null) {
      source.setEndpoint(endpoint);
    } else {
      source.setCache(ownCache);
    }
    return source;
  }

  /** Serves requests. Returns how many logins there were, a refused one among them. */
  @Override
  public Integer call() throws Exception {
    int logins = 0;
    Properties properties = ofCache();
    properties.setProperty("user", "redeploy");
    try (Connection connection =
        DriverManager.getConnection(url.replace("jdbc:", "jdbc:evercred:"), properties)) {
      logins += query(connection);
    }
    try (Connection connection = source("redeploy/rotating").getConnection()) {
      logins += query(connection);
    }
    var refused = source("redeploy/refused");
    refused.setRotationWait("0");
    try (Connection connection = refused.getConnection()) {
      throw new AssertionError("Not refused: " + connection);
    } catch (SQLException e) {
      if (!"28P01".equals(e.getSQLState())) {
        throw e;
      }
      logins++;
    }
    return round % 5 < 2 ? logins + servePooled() : logins;
  }

  private int servePooled() throws SQLException {
    var config = new HikariConfig();
    config.setDataSource(source("redeploy"));
    config.setMaximumPoolSize(2);
    var its = new HikariDataSource(config);
    pool = its;
    if (round % 5 == 0) {
      retirement = EvercredHikari.retireAfterRotation(its, Duration.ofSeconds(1));
    }
    try (Connection one = its.getConnection();
        Connection other = its.getConnection()) {
      return query(one) + query(other);
    }
  }

  private static int query(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet answer = statement.executeQuery("select 1")) {
      answer.next();
      return answer.getInt(1);
    }
  }

  /** Logs in where no version works, for as long as a rotation may take. */
  void logInPatiently() throws SQLException {
    source("redeploy/refused").getConnection().close();
  }

  /** Is undeployed: closes what is its own. The retirement may end by itself with its pool. */
  @Override
  public void close() {
    if (pool != null) {
      pool.close();
    }
    if (retirement != null && round % 2 == 0) {
      retirement.close();
    }
    if (ownCache != null) {
      ownCache.close();
    }
  }

  /**
   * Does what Tomcat does after that with each application, by a class that it loads by the
   * application's loader, as only such a class may deregister them (<a
   * href="https://github.com/apache/tomcat/blob/main/java/org/apache/catalina/loader/JdbcLeakPrevention.java">
   * JdbcLeakPrevention</a>).
   *
   * @return the names of the drivers that were registered
   */
  static List<String> clearJdbcDriverRegistrations() throws SQLException {
    List<String> deregistered = new ArrayList<>();
    for (Driver driver : Collections.list(DriverManager.getDrivers())) {
      if (driver.getClass().getClassLoader() == WebApplication.class.getClassLoader()) {
        DriverManager.deregisterDriver(driver);
        deregistered.add(driver.getClass().getName());
      }
    }
    return deregistered;
  }
}
