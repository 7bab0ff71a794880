package io.github.evercred.jdbc;

import java.sql.Connection;
import java.sql.Driver;
import java.sql.DriverPropertyInfo;
import java.sql.SQLException;
import java.util.Properties;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * {@link EvercredDriver} for a plain URL such as {@code jdbc:postgresql://db:5432/orders}: for
 * tools that must recognise the database by its URL, and are told the driver's class. It is never
 * registered with DriverManager, where it would take the URLs of every driver. URLs with a prefix
 * of EvercredDriver do as well.
 *
 * <p>Instances are thread-safe.
 */
public final class PlainUrlDriver implements Driver {
  private static final String PLAIN = "jdbc:";

  private final EvercredDriver driver = new EvercredDriver();

  /** Makes a driver. All share what they know. */
  public PlainUrlDriver() {}

  private static @Nullable String prefixed(@Nullable String url) {
    return url == null || JdbcUrl.isOurs(url) || !url.startsWith(PLAIN)
        ? url
        : "jdbc:evercred:" + url.substring(PLAIN.length());
  }

  /**
   * Logs in.
   *
   * @param url a JDBC URL, with or without a prefix of ours
   * @param info properties, not changed; null means none
   * @return the real driver's connection, or null if the URL is null or no JDBC URL
   * @throws SQLException as {@link EvercredDriver#connect} does
   */
  @Override
  public @Nullable Connection connect(@Nullable String url, @Nullable Properties info)
      throws SQLException {
    return url == null ? null : driver.connect(prefixed(url), info);
  }

  /**
   * Tells whether this is a JDBC URL.
   *
   * @param url the URL, or null
   * @return true if so
   */
  @Override
  public boolean acceptsURL(@Nullable String url) {
    return driver.acceptsURL(prefixed(url));
  }

  /**
   * Describes what {@link EvercredDriver#getPropertyInfo} does.
   *
   * @param url the URL
   * @param info properties; null means none
   * @return a new array
   */
  @Override
  public DriverPropertyInfo[] getPropertyInfo(String url, @Nullable Properties info) {
    String prefixed = prefixed(url);
    return driver.getPropertyInfo(prefixed == null ? "" : prefixed, info);
  }

  /**
   * Returns this driver's major version.
   *
   * @return the number before the first dot
   */
  @Override
  public int getMajorVersion() {
    return driver.getMajorVersion();
  }

  /**
   * Returns this driver's minor version.
   *
   * @return the number after the first dot
   */
  @Override
  public int getMinorVersion() {
    return driver.getMinorVersion();
  }

  /**
   * Tells that this is no JDBC compliant driver of its own: that depends on the real one.
   *
   * @return false
   */
  @Override
  public boolean jdbcCompliant() {
    return false;
  }

  /**
   * Returns the logger that all of Evercred logs to.
   *
   * @return the logger
   */
  @Override
  public Logger getParentLogger() {
    return driver.getParentLogger();
  }
}
