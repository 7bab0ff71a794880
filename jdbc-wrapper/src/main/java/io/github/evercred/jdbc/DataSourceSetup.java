package io.github.evercred.jdbc;

import io.github.evercred.RotationListener;
import io.github.evercred.SecretCache;
import io.github.evercred.SecretCacheBuilder;
import java.io.PrintWriter;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.logging.Logger;
import javax.sql.CommonDataSource;
import org.jspecify.annotations.Nullable;

/** What is set on a data source, whatever it hands out. */
abstract class DataSourceSetup implements CommonDataSource {

  private final Object lock = new Object();
  private final Map<String, String> options = new HashMap<>();
  private Properties properties = new Properties();
  private @Nullable String url;
  private @Nullable SecretCache cache;
  private @Nullable RotationListener listener;

  /** Set once; what was set up until then holds from then on. */
  private volatile @Nullable Plan plan;

  private volatile int loginTimeout;
  private volatile @Nullable PrintWriter logWriter;

  DataSourceSetup() {}

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
   * Sets the secret to log in with, by the name that pools and containers have for it.
   *
   * @param user name or ARN of the secret
   * @throws IllegalArgumentException if it is blank or longer than 2048 characters
   * @throws IllegalStateException if this data source is in use
   */
  public void setUser(String user) {
    setSecretId(user);
  }

  /**
   * Takes no password: the secret holds it. For pools and containers that set an empty one.
   *
   * @param password null or blank
   * @throws IllegalArgumentException if it is anything else
   */
  public void setPassword(@Nullable String password) {
    if (password != null && !password.isBlank()) {
      throw new IllegalArgumentException(
          "A password is given beside a secret id: leave the password out, the secret holds it");
    }
  }

  /**
   * Sets the secret to log in with.
   *
   * @param secretId name or ARN
   * @throws IllegalArgumentException if it is no such thing
   * @throws IllegalStateException if this data source is in use
   */
  public void setSecretId(String secretId) {
    set(Option.SECRET_ID, secretId);
  }

  /**
   * Sets the user name for a secret that is a password and nothing else, or JSON without a user
   * name. Where the secret names a user, that one logs in.
   *
   * @param username 1 to 128 characters
   * @throws IllegalArgumentException if it is no such thing
   * @throws IllegalStateException if this data source is in use
   */
  public void setUsername(String username) {
    set(Option.USERNAME, username);
  }

  /**
   * Sets which JSON key of the secret holds the user name.
   *
   * @param key the key; the default is {@code username}
   * @throws IllegalArgumentException if it is no such thing
   * @throws IllegalStateException if this data source is in use
   */
  public void setUsernameKey(String key) {
    set(Option.USERNAME_KEY, key);
  }

  /**
   * Sets which JSON key of the secret holds the password.
   *
   * @param key the key; the default is {@code password}
   * @throws IllegalArgumentException if it is no such thing
   * @throws IllegalStateException if this data source is in use
   */
  public void setPasswordKey(String key) {
    set(Option.PASSWORD_KEY, key);
  }

  /**
   * Sets which JSON key of the secret holds the host, where the URL names none.
   *
   * @param key the key; the default is {@code host}
   * @throws IllegalArgumentException if it is no such thing
   * @throws IllegalStateException if this data source is in use
   */
  public void setHostKey(String key) {
    set(Option.HOST_KEY, key);
  }

  /**
   * Sets which JSON key of the secret holds the port, where the URL names no host.
   *
   * @param key the key; the default is {@code port}
   * @throws IllegalArgumentException if it is no such thing
   * @throws IllegalStateException if this data source is in use
   */
  public void setPortKey(String key) {
    set(Option.PORT_KEY, key);
  }

  /**
   * Sets which JSON key of the secret holds the database, where the URL names no host.
   *
   * @param key the key; the default is {@code dbname}
   * @throws IllegalArgumentException if it is no such thing
   * @throws IllegalStateException if this data source is in use
   */
  public void setDbnameKey(String key) {
    set(Option.DBNAME_KEY, key);
  }

  /**
   * Sets the real driver's class, where it is not the usual one of the database.
   *
   * @param className the name of a class that is a {@code java.sql.Driver}
   * @throws IllegalArgumentException if it is no such thing
   * @throws IllegalStateException if this data source is in use
   */
  public void setDriverClass(String className) {
    set(Option.DRIVER_CLASS, className);
  }

  /**
   * Sets what codes of a failed login mean, before what is known of the database.
   *
   * @param codes pairs such as {@code 390100=credential,28000=locked}: vendor codes or SQLSTATEs,
   *     each with {@code credential}, {@code locked}, {@code uncertain} or {@code other}
   * @throws IllegalArgumentException if it is no such thing
   * @throws IllegalStateException if this data source is in use
   */
  public void setFailures(String codes) {
    set(Option.FAILURES, codes);
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
    set(Option.ROTATION_WAIT, wait);
  }

  /**
   * Sets how long one login may hold up the others while it looks for the version that works.
   *
   * @param timeout 1 s to 1 min, written as {@link #setRotationWait} says; the default is 5 s
   * @throws IllegalArgumentException if it is out of range
   * @throws IllegalStateException if this data source is in use
   */
  public void setProbeTimeout(String timeout) {
    set(Option.PROBE_TIMEOUT, timeout);
  }

  /**
   * Sets how many logins may be under way at once, per target and user name.
   *
   * @param count 1 or more; the default is unlimited
   * @throws IllegalArgumentException if it is out of range
   * @throws IllegalStateException if this data source is in use
   */
  public void setLoginsAtOnce(int count) {
    set(Option.LOGINS_AT_ONCE, Integer.toString(count));
  }

  /**
   * Sets how many refused logins probes may cost within a minute, per target and user name.
   *
   * @param count 1 or more; the default is 5
   * @throws IllegalArgumentException if it is out of range
   * @throws IllegalStateException if this data source is in use
   */
  public void setRefusedLoginsPerMinute(int count) {
    set(Option.REFUSED_LOGINS_PER_MINUTE, Integer.toString(count));
  }

  /**
   * Sets whether another version than AWSCURRENT is never tried.
   *
   * @param only true to wait for AWSCURRENT to move instead; the default is false
   * @throws IllegalStateException if this data source is in use
   */
  public void setCurrentOnly(boolean only) {
    set(Option.CURRENT_ONLY, Boolean.toString(only));
  }

  /**
   * Sets the AWS region of the secret.
   *
   * @param region such as {@code eu-west-1}; the default is that of the secret's ARN, else the
   *     SDK's
   * @throws IllegalArgumentException if it is no such thing
   * @throws IllegalStateException if this data source is in use
   */
  public void setRegion(String region) {
    setOfCache("region", region);
  }

  /**
   * Sets where Secrets Manager is.
   *
   * @param endpoint an http or https URL, such as that of a VPC endpoint; the default is the
   *     region's own
   * @throws IllegalArgumentException if it is no such thing
   * @throws IllegalStateException if this data source is in use
   */
  public void setEndpoint(String endpoint) {
    setOfCache("endpoint", endpoint);
  }

  /**
   * Sets the profile of the shared AWS configuration to take credentials from.
   *
   * @param profile its name; the default is the SDK's
   * @throws IllegalArgumentException if it is no such thing
   * @throws IllegalStateException if this data source is in use
   */
  public void setProfile(String profile) {
    setOfCache("profile", profile);
  }

  /**
   * Sets the IAM role to assume before the secret is read.
   *
   * @param role its ARN; the default is none
   * @throws IllegalArgumentException if it is no such thing
   * @throws IllegalStateException if this data source is in use
   */
  public void setRole(String role) {
    setOfCache("role", role);
  }

  /**
   * Sets the external id that assuming the role takes.
   *
   * @param externalId as the owner of the role says; the default is none
   * @throws IllegalArgumentException if it is no such thing
   * @throws IllegalStateException if this data source is in use
   */
  public void setExternalId(String externalId) {
    setOfCache("externalId", externalId);
  }

  /**
   * Sets any of the options that {@link EvercredDriver} has, those of the cache among them, by one
   * text: for configurations that can only set texts.
   *
   * @param text such as {@code refreshAfter=1m;serveStaleFor=2h}, names without prefix
   * @throws IllegalArgumentException if it is not written so, or names or holds what there is not
   * @throws IllegalStateException if this data source is in use
   */
  public void setOptions(String text) {
    for (String pair : text.split(";", -1)) {
      if (!pair.isBlank()) {
        setOption(pair);
      }
    }
  }

  private void setOption(String pair) {
    int equals = pair.indexOf('=');
    String name = equals < 0 ? "" : pair.substring(0, equals).strip();
    String value = pair.substring(equals + 1).strip();
    Option option = Option.of(Option.PREFIX + name);
    if (option != null) {
      set(option, value);
    } else if (CacheOptions.names().contains(name)) {
      setOfCache(name, value);
    } else {
      throw new IllegalArgumentException(
          "options must be written name=value;name=value, with names of %s, each without its prefix"
              .formatted(CacheOptions.allNames()));
    }
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
   * Sets the cache to read the secret from. Region, endpoint and all other options of a cache are
   * then the cache's business and may not be set here.
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

  private void set(Option option, String value) {
    String name = option.bareName();
    String valid = option.valid(name, Objects.requireNonNull(value, name));
    change(() -> options.put(name, valid));
  }

  private void setOfCache(String name, String value) {
    SecretCacheBuilder.requireOption(name, Objects.requireNonNull(value, name));
    change(() -> options.put(name, value));
  }

  final void change(Runnable setter) {
    synchronized (lock) {
      if (plan != null) {
        throw new IllegalStateException(
            "This data source is in use: set it up before the first connection");
      }
      setter.run();
    }
  }

  /** What is set up is read once. Nothing that takes time happens under the lock. */
  final Plan plan() throws SQLException {
    Plan known = plan;
    if (known != null) {
      return known;
    }
    Settings.Surroundings surroundings = Settings.Surroundings.here();
    synchronized (lock) {
      if (plan == null) {
        if (url == null) {
          throw Failures.configuration("This data source has no url");
        }
        plan = Plan.of(JdbcUrl.parse(url), properties, Map.copyOf(options), surroundings);
      }
      return plan;
    }
  }

  /**
   * What is set up, with the secret that a caller names, which wins over the one that was set.
   *
   * @param user null or blank means the one that was set
   * @param password null or blank
   */
  final Plan plan(@Nullable String user, @Nullable String password) throws SQLException {
    if (password != null && !password.isBlank()) {
      throw Failures.configuration(
          "A password is given beside a secret id: leave the password out, the secret holds it");
    }
    return user == null || user.isBlank() ? plan() : plan().with(user);
  }

  /** Logs in. */
  final <T> T login(Plan way, RealLogin.Opener<T> opener) throws SQLException {
    return way.login(logins(way), loginTimeout, opener);
  }

  /** User name and password of the version that logins use now. */
  final EvercredDataSource.Pair pairInUse() throws SQLException {
    Plan way = plan();
    return way.pairInUse(logins(way), loginTimeout);
  }

  /** Whose logins these are. */
  final Logins logins(Plan way) throws SQLException {
    way.requireSecretId();
    Logins logins = Logins.of(way, cache);
    RotationListener heard = listener;
    if (heard != null) {
      logins.add(heard);
    }
    return logins;
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

  /** Names the secret and, once it is in use, the database; no other part of URL and properties. */
  @Override
  public String toString() {
    String name = getClass().getSimpleName();
    Plan known = plan;
    if (known != null) {
      return "%s[secret %s at %s]"
          .formatted(
              name,
              known.value(Option.SECRET_ID),
              known.target() == null ? "the place that it names" : known.target());
    }
    synchronized (lock) {
      return "%s[secret %s, not used yet]"
          .formatted(name, options.get(Option.SECRET_ID.bareName()));
    }
  }
}
