package io.github.evercred.jdbc;

import io.github.evercred.RotationAwareLogin;
import io.github.evercred.SecretCache;
import java.sql.Connection;
import java.sql.Driver;
import java.sql.DriverManager;
import java.sql.DriverPropertyInfo;
import java.sql.SQLException;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * A JDBC driver that logs in with a secret from AWS Secrets Manager and goes on doing so while the
 * secret rotates. It finds the database's own driver and returns that driver's connections as they
 * are, so that nothing is paid per query.
 *
 * <p><b>URL.</b> {@code jdbc:evercred:<rest of a JDBC URL>}, or {@code jdbc-secretsmanager:<rest>}
 * as AWS's driver has it: {@code jdbc:evercred:postgresql://db:5432/orders?sslmode=require}.
 * Without an address ({@code jdbc:evercred:postgresql:}) the secret's {@code host}, {@code port}
 * and {@code dbname} say where; without an engine ({@code jdbc:evercred:}) its {@code engine} says
 * what. For plain URLs there is {@link PlainUrlDriver}. Drivers that stand before another one
 * ({@code jdbc:evercred:aws-wrapper:postgresql://...}) stay where they are.
 *
 * <p><b>Secret.</b> Its name or ARN is the {@code user}, or the option {@code evercred.secretId}.
 * There is no password: one beside a secret is refused, a blank one counts as absent, and a login
 * without a secret is refused. The secret is a JSON object with {@code username} and {@code
 * password}; {@code ssl} true asks for TLS where the caller has said nothing about it, and never
 * lowers it.
 *
 * <p><b>Options</b> stand, the first that has one counts: in the URL, in the properties, as a
 * system property, as an environment variable ({@code EVERCRED_ROTATION_WAIT}), in the file {@code
 * secretsmanager.properties} on the class path. The last three know the names of AWS's driver, too
 * ({@code drivers.region}, {@code AWS_SECRET_JDBC_REGION} and so on). The real driver does not see
 * them. Anything else reaches it unchanged, and the caller's properties are not touched. A wrong
 * value is an error, and so is an unknown name in the URL or the properties.
 *
 * <table>
 * <caption>Options of a login</caption>
 * <tr><th>name</th><th>default</th><th>meaning</th></tr>
 * <tr><td>{@code evercred.secretId}</td><td>the user</td><td>name or ARN of the secret</td></tr>
 * <tr><td>{@code evercred.username}</td><td>none</td><td>user name for a secret that is a password
 * and nothing else, or JSON without a user name</td></tr>
 * <tr><td>{@code evercred.usernameKey}, {@code passwordKey}, {@code hostKey}, {@code portKey},
 * {@code dbnameKey}</td><td>{@code username}, {@code password}, {@code host}, {@code port}, {@code
 * dbname}</td><td>which keys of the JSON object hold these</td></tr>
 * <tr><td>{@code evercred.driverClass}</td><td>the usual one</td><td>the real driver's class</td>
 * </tr>
 * <tr><td>{@code evercred.failures}</td><td>none</td><td>what codes of a failed login mean, such as
 * {@code 390100=credential,28000=locked}; see {@link DatabaseEngine}</td></tr>
 * <tr><td>{@code evercred.rotationWait}</td><td>20s</td><td>how long one login may bridge a
 * rotation, 0 to 10m; written 20s, 500ms, 2m or PT20S</td></tr>
 * <tr><td>{@code evercred.probeTimeout}</td><td>5s</td><td>how long one login may hold up the
 * others while it looks for the version that works, 1s to 1m</td></tr>
 * <tr><td>{@code evercred.loginsAtOnce}</td><td>unlimited</td><td>simultaneous logins per target
 * and user name, from 1</td></tr>
 * <tr><td>{@code evercred.refusedLoginsPerMinute}</td><td>5</td><td>refused logins that probes may
 * cost within a minute, per target and user name, from 1</td></tr>
 * <tr><td>{@code evercred.currentOnly}</td><td>false</td><td>never try another version than
 * AWSCURRENT, but wait for it to move, as RDS Proxy needs it</td></tr>
 * </table>
 *
 * <p>All options of a cache may stand beside them, each as {@code evercred.<name>}: those that
 * {@link io.github.evercred.SecretCacheBuilder#optionNames} tells, {@code region}, {@code
 * endpoint}, {@code role}, {@code profile} and the periods among them. The region is by default
 * that of the secret's ARN, which also comes before one that is said for the whole JVM.
 *
 * <p><b>Time.</b> A login blocks for {@code rotationWait} at most, or for the caller's own login
 * time-out where that is shorter: the real driver's property where it bounds a whole login ({@code
 * loginTimeout} of PostgreSQL, for one) and {@link DriverManager#getLoginTimeout}; zero means none.
 * Each real login gets what remains. A pool may set DriverManager's: HikariCP does, to its {@code
 * connectionTimeout}.
 *
 * <p><b>Failure.</b> What no other version of the secret mends (an unknown database, no free
 * connection, no network) leaves as the real driver threw it. A login that was refused to the end
 * is a {@link java.sql.SQLInvalidAuthorizationSpecException} with the real driver's SQLState, error
 * code and exception. A secret that cannot be had is a {@link
 * java.sql.SQLTransientConnectionException} where trying again may help, else a {@link
 * java.sql.SQLNonTransientConnectionException}. No message holds a value.
 *
 * <p><b>Several hosts.</b> Most drivers try each host of a URL, and PostgreSQL's tries some
 * refusals again without TLS ({@code sslmode=prefer}): these are logins that the server counts.
 *
 * <p><b>Threads and memory.</b> Instances are thread-safe and share one cache for all that have the
 * same settings for it, which starts no thread and makes no call before the first login. Loading
 * this class registers one instance with DriverManager and touches neither AWS nor a database;
 * deregistering it closes the caches, and whoever logs in after that gets new ones. So a web
 * application that is undeployed leaves nothing behind if its pools, and the caches it made itself,
 * are closed first, and its drivers deregistered then; servlet containers such as Tomcat do the
 * latter.
 */
public final class EvercredDriver implements Driver {

  static {
    try {
      DriverManager.registerDriver(new EvercredDriver(), Logins::closeShared);
    } catch (SQLException e) {
      System.getLogger("io.github.evercred")
          .log(System.Logger.Level.WARNING, "Not registered with DriverManager", e);
    }
  }

  static final int MAJOR = 0;
  static final int MINOR = 1;

  private final @Nullable SecretCache cache;

  /** Makes a driver. All that are made so share caches and what they know. */
  public EvercredDriver() {
    this.cache = null;
  }

  /**
   * Makes a driver that reads from a cache of the caller's. It is not registered with
   * DriverManager; region, endpoint and all other options of a cache are the cache's business, and
   * an error in its URLs and properties.
   *
   * @param cache goes on belonging to the caller
   */
  public EvercredDriver(SecretCache cache) {
    this.cache = Objects.requireNonNull(cache, "cache");
  }

  /**
   * Returns what logs in, by the cache that it reads from, for measuring: the caches that drivers
   * and data sources have made by their settings, and those that were handed to them. A cache is
   * among them from the first login that asked for it. {@code EvercredMetrics.of(cache,
   * name).logins(login)} and {@link RotationAwareLogin#statistics} take it from there; none of it
   * calls AWS or a database.
   *
   * @return a snapshot; holds what is in it. A cache that its owner has closed stays in later ones
   *     until it is collected
   */
  public static Map<SecretCache, RotationAwareLogin> logins() {
    return Logins.all();
  }

  /**
   * Logs in to a URL of ours.
   *
   * @param url the URL
   * @param info properties, not changed; null means none
   * @return the real driver's connection, or null if the URL is not ours
   * @throws SQLException if there is no login, or what is given makes no sense, a null URL included
   */
  @Override
  public @Nullable Connection connect(@Nullable String url, @Nullable Properties info)
      throws SQLException {
    if (url == null) {
      throw Failures.configuration("The URL is null");
    }
    return acceptsURL(url) ? login(Plan.of(url, info), cache) : null;
  }

  static Connection login(Plan plan, @Nullable SecretCache cache) throws SQLException {
    plan.requireSecretId();
    return plan.connect(Logins.of(plan, cache), DriverManager.getLoginTimeout());
  }

  /**
   * Tells whether a URL has a prefix of ours.
   *
   * @param url the URL, or null
   * @return true if so
   */
  @Override
  public boolean acceptsURL(@Nullable String url) {
    return JdbcUrl.isOurs(url);
  }

  /**
   * Describes our options, then the real driver's properties. Passwords are left out.
   *
   * @param url the URL; of one that is not ours or not complete, only our options are described
   * @param info properties; null means none
   * @return a new array
   */
  @Override
  public DriverPropertyInfo[] getPropertyInfo(String url, @Nullable Properties info) {
    return PropertyInfos.of(() -> Plan.of(url, info), info);
  }

  /**
   * Returns this driver's major version.
   *
   * @return the number before the first dot
   */
  @Override
  public int getMajorVersion() {
    return MAJOR;
  }

  /**
   * Returns this driver's minor version.
   *
   * @return the number after the first dot
   */
  @Override
  public int getMinorVersion() {
    return MINOR;
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
