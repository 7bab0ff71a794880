package io.github.evercred.jdbc;

import io.github.evercred.SecretCache;
import java.sql.Connection;
import java.sql.Driver;
import java.sql.DriverPropertyInfo;
import java.sql.SQLException;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * {@link EvercredDriver} for plain JDBC URLs: only the driver class in a configuration changes, and
 * the URL stays {@code jdbc:postgresql://db:5432/orders}, so that tools which go by the URL
 * (Flyway's open edition, Spring Boot, Liquibase, OpenTelemetry) still know the database. The
 * secret's name or ARN stands where the user stood, and there is no password.
 *
 * <p>It is never registered with DriverManager, so it takes no URL from anybody else: whoever names
 * this class means it. It takes any URL that begins with {@code jdbc:}, those with a prefix of
 * {@link EvercredDriver} among them. Anything else that is not blank is the name or ARN of a secret
 * that says all, as AWS's driver has it: {@code engine}, {@code host}, {@code port} and {@code
 * dbname}.
 *
 * <p>Options, time-outs, failures and everything else are those of {@link EvercredDriver}.
 * Thread-safe.
 */
public final class PlainUrlDriver implements Driver {
  private final @Nullable SecretCache cache;

  /** Makes a driver. It shares caches, and what they know, with {@link EvercredDriver}. */
  public PlainUrlDriver() {
    this.cache = null;
  }

  /**
   * Makes a driver that reads from a cache of the caller's, as {@link
   * EvercredDriver#EvercredDriver(SecretCache)} does.
   *
   * @param cache goes on belonging to the caller
   */
  public PlainUrlDriver(SecretCache cache) {
    this.cache = Objects.requireNonNull(cache, "cache");
  }

  private static Plan plan(String url, @Nullable Properties info) throws SQLException {
    JdbcUrl read =
        url.startsWith("jdbc:") || JdbcUrl.isOurs(url) ? JdbcUrl.parse(url) : JdbcUrl.ofSecret(url);
    return Plan.of(read, info, Map.of(), Settings.Surroundings.here());
  }

  /**
   * Logs in.
   *
   * @param url a JDBC URL, or the name or ARN of a secret
   * @param info properties, not changed; null means none
   * @return the real driver's connection, or null if the URL is blank
   * @throws SQLException if there is no login, or what is given makes no sense, a null URL included
   */
  @Override
  public @Nullable Connection connect(@Nullable String url, @Nullable Properties info)
      throws SQLException {
    if (url == null) {
      throw Failures.configuration("The URL is null");
    }
    return acceptsURL(url) ? EvercredDriver.login(plan(url, info), cache) : null;
  }

  /**
   * Tells whether there is a URL at all: this driver is only asked where it was named.
   *
   * @param url the URL, or null
   * @return false for null and for blanks
   */
  @Override
  public boolean acceptsURL(@Nullable String url) {
    return url != null && !url.isBlank();
  }

  /**
   * Describes our options, then the real driver's properties. Passwords are left out.
   *
   * @param url the URL; of one that is not complete, only our options are described
   * @param info properties; null means none
   * @return a new array
   */
  @Override
  public DriverPropertyInfo[] getPropertyInfo(String url, @Nullable Properties info) {
    return PropertyInfos.of(() -> plan(url, info), info);
  }

  /**
   * Returns this driver's major version.
   *
   * @return the number before the first dot
   */
  @Override
  public int getMajorVersion() {
    return EvercredDriver.MAJOR;
  }

  /**
   * Returns this driver's minor version.
   *
   * @return the number after the first dot
   */
  @Override
  public int getMinorVersion() {
    return EvercredDriver.MINOR;
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
    return Logger.getLogger("io.github.evercred");
  }
}
