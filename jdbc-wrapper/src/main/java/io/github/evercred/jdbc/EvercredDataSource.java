package io.github.evercred.jdbc;

import io.github.evercred.RotationListener;
import io.github.evercred.SecretCache;
import java.io.PrintWriter;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.logging.Logger;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * A data source that logs in with a secret from AWS Secrets Manager and goes on doing so while the
 * secret rotates. Each call opens a new connection, the real driver's own: put a pool before it.
 *
 * <p>A bean: at least {@link #setUrl} and {@link #setSecretId}, or the user of {@link
 * #getConnection(String, String)}, must be given. A setter checks its value at once; once a
 * connection has been asked for, it throws {@link IllegalStateException}, but for {@link
 * #setLoginTimeout} and {@link #setLogWriter}. What the URL says wins over properties, and setters
 * win over {@link #setProperties}. Options, secret and failures are those of {@link
 * EvercredDriver}.
 *
 * <p><b>Threads.</b> Set it up in one thread; after that instances are thread-safe. A login blocks
 * for {@code rotationWait} at most, or for the login time-out where that is shorter.
 *
 * <p><b>Sharing.</b> All data sources of one cache, and all drivers, share what they know of a
 * database: which version of the secret works there costs one probe, not one each. Without a cache
 * of one's own that is the cache that {@link EvercredDriver} has for the region and endpoint. This
 * class closes no cache that it was given.
 */
public final class EvercredDataSource implements DataSource {

  private final Object lock = new Object();
  private final Map<Option, String> options = new EnumMap<>(Option.class);
  private Properties properties = new Properties();
  private @Nullable String url;
  private @Nullable SecretCache cache;
  private @Nullable RotationListener listener;
  private @Nullable Logins ownLogins;

  /** Set once; what was set up until then holds from then on. */
  private volatile @Nullable Plan plan;

  private volatile int loginTimeout;
  private volatile @Nullable PrintWriter logWriter;

  /** Makes a data source that still has to be told its URL and secret. */
  public EvercredDataSource() {}

  /**
   * Sets where the database is.
   *
   * @param url the real driver's own URL, such as {@code jdbc:postgresql://db:5432/orders}, or one
   *     with a prefix of {@link EvercredDriver}
   * @throws IllegalStateException if this data source is in use
   */
  public void setUrl(String url) {
    Objects.requireNonNull(url, "url");
    change(() -> this.url = url);
  }

  /**
   * Sets the secret to log in with.
   *
   * @param secretId name or ARN
   * @throws IllegalArgumentException if it is blank or longer than 2048 characters
   * @throws IllegalStateException if this data source is in use
   */
  public void setSecretId(String secretId) {
    set(Option.SECRET_ID, "secretId", secretId);
  }

  /**
   * Sets how long one login may bridge a rotation.
   *
   * @param wait 0 to 10 min, as {@code 20s}, {@code 500ms}, {@code 2m} or {@code PT20S}; the
   *     default is 20 s
   * @throws IllegalArgumentException if it is out of range
   * @throws IllegalStateException if this data source is in use
   */
  public void setRotationWait(String wait) {
    set(Option.ROTATION_WAIT, "rotationWait", wait);
  }

  /**
   * Sets how long one login may hold up the others while it looks for the version that works.
   *
   * @param timeout 1 s to 1 min, written as {@link #setRotationWait} says; the default is 5 s
   * @throws IllegalArgumentException if it is out of range
   * @throws IllegalStateException if this data source is in use
   */
  public void setProbeTimeout(String timeout) {
    set(Option.PROBE_TIMEOUT, "probeTimeout", timeout);
  }

  /**
   * Sets how many logins may be under way at once, per target and user name.
   *
   * @param count 1 or more; the default is unlimited
   * @throws IllegalArgumentException if it is out of range
   * @throws IllegalStateException if this data source is in use
   */
  public void setLoginsAtOnce(int count) {
    set(Option.LOGINS_AT_ONCE, "loginsAtOnce", Integer.toString(count));
  }

  /**
   * Sets how many refused logins probes may cost within a minute, per target and user name.
   *
   * @param count 1 or more; the default is 5
   * @throws IllegalArgumentException if it is out of range
   * @throws IllegalStateException if this data source is in use
   */
  public void setRefusedLoginsPerMinute(int count) {
    set(Option.REFUSED_LOGINS_PER_MINUTE, "refusedLoginsPerMinute", Integer.toString(count));
  }

  /**
   * Sets whether another version than AWSCURRENT is never tried.
   *
   * @param only true to wait for AWSCURRENT to move instead; the default is false
   * @throws IllegalStateException if this data source is in use
   */
  public void setCurrentOnly(boolean only) {
    set(Option.CURRENT_ONLY, "currentOnly", Boolean.toString(only));
  }

  /**
   * Sets the AWS region of the secret.
   *
   * @param region such as {@code eu-west-1}; the default is that of the secret's ARN, else the
   *     SDK's
   * @throws IllegalArgumentException if it does not look like a region
   * @throws IllegalStateException if this data source is in use
   */
  public void setRegion(String region) {
    set(Option.REGION, "region", region);
  }

  /**
   * Sets where Secrets Manager is.
   *
   * @param endpoint an http or https URL, such as that of a VPC endpoint; the default is the
   *     region's own
   * @throws IllegalArgumentException if it is no such URL
   * @throws IllegalStateException if this data source is in use
   */
  public void setEndpoint(String endpoint) {
    set(Option.ENDPOINT, "endpoint", endpoint);
  }

  /**
   * Sets what the real driver is given beside the URL. Our own options may be among them.
   *
   * @param properties copied with all their defaults
   * @throws IllegalStateException if this data source is in use
   */
  public void setProperties(Properties properties) {
    Properties copy = Plan.copy(Objects.requireNonNull(properties, "properties"));
    change(() -> this.properties = copy);
  }

  /**
   * Sets the cache to read the secret from. Region and endpoint are then the cache's business and
   * may not be set here.
   *
   * @param cache goes on belonging to the caller
   * @throws IllegalStateException if this data source is in use
   */
  public void setCache(SecretCache cache) {
    Objects.requireNonNull(cache, "cache");
    change(() -> this.cache = cache);
  }

  /**
   * Sets who is told about rotations. A listener hears everything that is learned by whoever shares
   * this data source's cache, other data sources and drivers included, and each event once, however
   * many of them it is set on. It is told from the first connection on, and as long as this data
   * source is in use.
   *
   * @param listener is told in the thread that logs in
   * @throws IllegalStateException if this data source is in use
   */
  public void setRotationListener(RotationListener listener) {
    Objects.requireNonNull(listener, "listener");
    change(() -> this.listener = listener);
  }

  private void set(Option option, String name, String value) {
    String valid = option.valid(name, Objects.requireNonNull(value, name));
    change(() -> options.put(option, valid));
  }

  private void change(Runnable setter) {
    synchronized (lock) {
      if (plan != null) {
        throw new IllegalStateException(
            "This data source is in use: set it up before the first connection");
      }
      setter.run();
    }
  }

  /** What is set up is read once. Nothing that takes time happens under the lock. */
  private Plan plan() throws SQLException {
    Plan known = plan;
    if (known != null) {
      return known;
    }
    synchronized (lock) {
      if (plan == null) {
        if (url == null) {
          throw Failures.configuration("This data source has no url");
        }
        Properties all = Plan.copy(properties);
        options.forEach((option, value) -> all.setProperty(option.key(), value));
        Plan made = Plan.of(url, all);
        if (cache != null) {
          if (made.choosesCache()) {
            throw Failures.configuration(
                "Region and endpoint belong to the cache that this data source was given: leave"
                    + " them out");
          }
          ownLogins = Logins.of(cache);
        }
        plan = made;
      }
      return plan;
    }
  }

  /**
   * Logs in with the secret that was set.
   *
   * @return a new connection, the real driver's own
   * @throws SQLException if there is no login, or what was set makes no sense
   */
  @Override
  public Connection getConnection() throws SQLException {
    return connect(plan());
  }

  /**
   * Logs in with the secret that a caller names, which wins over the one that was set.
   *
   * @param user name or ARN of a secret; null or blank means the one that was set
   * @param password null or blank; the secret holds it
   * @return a new connection, the real driver's own
   * @throws SQLException if a password is given, if there is no login, or what was set makes no
   *     sense
   */
  @Override
  public Connection getConnection(@Nullable String user, @Nullable String password)
      throws SQLException {
    if (password != null && !password.isBlank()) {
      throw Failures.configuration(
          "A password is given beside a secret id: leave the password out, the secret holds it");
    }
    return connect(user == null || user.isBlank() ? plan() : plan().with(user));
  }

  private Connection connect(Plan way) throws SQLException {
    way.requireSecretId();
    Logins own = ownLogins;
    Logins logins = own != null ? own : Logins.shared(way.region(), way.endpoint());
    RotationListener heard = listener;
    if (heard != null) {
      logins.add(heard);
    }
    return way.connect(logins.login, loginTimeout);
  }

  /**
   * Sets the longest that a login may take. May be changed at any time.
   *
   * @param seconds zero means no limit but {@code rotationWait}
   * @throws SQLException if it is negative
   */
  @Override
  public void setLoginTimeout(int seconds) throws SQLException {
    if (seconds < 0) {
      throw Failures.configuration(
          "The login time-out must be 0 (none) or more seconds, not " + seconds);
    }
    loginTimeout = seconds;
  }

  /**
   * Returns the longest that a login may take.
   *
   * @return seconds; zero means no limit but {@code rotationWait}
   */
  @Override
  public int getLoginTimeout() {
    return loginTimeout;
  }

  /**
   * Returns what was set; nothing is written to it.
   *
   * @return the writer, or null
   */
  @Override
  public @Nullable PrintWriter getLogWriter() {
    return logWriter;
  }

  /**
   * Keeps a writer. Nothing is written to it: what is logged goes to {@link #getParentLogger}.
   *
   * @param out the writer, or null
   */
  @Override
  public void setLogWriter(@Nullable PrintWriter out) {
    logWriter = out;
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

  /**
   * Returns this data source as one of its own types.
   *
   * @param <T> the type
   * @param type this class or one of its supertypes
   * @return this data source
   * @throws SQLException if it is neither
   */
  @Override
  public <T> T unwrap(Class<T> type) throws SQLException {
    if (type.isInstance(this)) {
      return type.cast(this);
    }
    throw new SQLException("EvercredDataSource is no " + type.getName());
  }

  /**
   * Tells whether {@link #unwrap} takes a type.
   *
   * @param type any type
   * @return true for this class and its supertypes
   */
  @Override
  public boolean isWrapperFor(Class<?> type) {
    return type.isInstance(this);
  }

  /** Names the secret and, once it is in use, the database; no other part of URL and properties. */
  @Override
  public String toString() {
    Plan known = plan;
    if (known != null) {
      return "EvercredDataSource[secret %s at %s]"
          .formatted(known.value(Option.SECRET_ID), known.target());
    }
    synchronized (lock) {
      return "EvercredDataSource[secret %s, not used yet]".formatted(options.get(Option.SECRET_ID));
    }
  }
}
