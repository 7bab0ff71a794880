package io.github.evercred.jdbc;

import java.lang.ref.WeakReference;
import java.sql.Connection;
import java.sql.Driver;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Objects;
import java.util.Properties;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * A data source that logs in with a secret from AWS Secrets Manager and goes on doing so while the
 * secret rotates. Each call opens a new connection, the real driver's own: put a pool before it.
 *
 * <p>A bean: at least {@link #setUrl} and {@link #setSecretId}, or the user of {@link
 * #getConnection(String, String)}, must be given. A setter of an option checks its value at once,
 * URL and properties are read at the first connection; once a connection has been asked for, it
 * throws {@link IllegalStateException}, but for {@link #setLoginTimeout} and {@link #setLogWriter}.
 * What the URL says wins over {@link #setProperties}, and they win over setters. Options, secret
 * and failures are those of {@link EvercredDriver}.
 *
 * <p><b>Threads.</b> Set it up in one thread; after that instances are thread-safe. A login blocks
 * for {@code rotationWait} at most, or for the login time-out where that is shorter.
 *
 * <p><b>Sharing.</b> All data sources of one cache, and all drivers, share what they know of a
 * database: which version of the secret works there costs one probe, not one each. Without a cache
 * of one's own that is the cache that {@link EvercredDriver} has for the same settings of a cache.
 * This class closes no cache that it was given.
 */
public final class EvercredDataSource extends DataSourceSetup implements DataSource {

  /** What {@link EvercredHikari} has handed out last, which may come back once or twice. */
  private static final int REMEMBERED = 4;

  private final Deque<HandedOut> handedOut = new ArrayDeque<>();
  private volatile @Nullable DataSource real;

  /** A user name and its password, of one version. */
  record Pair(String user, String password) {

    @Override
    public String toString() {
      return "Pair[hidden]";
    }
  }

  /**
   * What a pair is known by when it comes back. The password is whoever's it was handed to, and
   * gone when they have let go of it: nothing of it stays here, nor in a snapshot of the process.
   */
  private record HandedOut(String user, WeakReference<String> password) {
    boolean is(String otherUser, String otherPassword) {
      return user.equals(otherUser) && otherPassword.equals(password.get());
    }
  }

  /** Makes a data source that still has to be told its URL and secret. */
  public EvercredDataSource() {}

  /**
   * Sets a data source to log in by, instead of the driver: each login is its {@code
   * getConnection(user, password)} with what the secret says. For what a driver's URL cannot say.
   * The URL must still be set, for it tells engine and hosts; nothing else of it, no property and
   * no time-out reaches this data source, so bound its logins by its own settings.
   *
   * @param dataSource the real driver's, without a pool
   * @throws IllegalStateException if this data source is in use
   */
  public void setDataSource(DataSource dataSource) {
    Objects.requireNonNull(dataSource, "dataSource");
    change(() -> this.real = dataSource);
  }

  private RealLogin.Opener<Connection> opener() {
    DataSource other = real;
    return other == null ? RealLogin::connect : new ByDataSource(other);
  }

  /** Logs in by a data source of the caller's, which has its own properties and time-outs. */
  private record ByDataSource(DataSource real) implements RealLogin.Opener<Connection> {

    @Override
    public Connection open(JdbcUrl url, Driver driver, Properties properties, Duration remaining)
        throws SQLException {
      return real.getConnection(properties.getProperty("user"), properties.getProperty("password"));
    }

    @Override
    public boolean takesProperties() {
      return false;
    }
  }

  /** User name and password of the version that logins use now, and remembers them. */
  Pair handOut() throws SQLException {
    Pair pair = pairInUse();
    synchronized (handedOut) {
      handedOut.removeIf(
          earlier -> earlier.password().refersTo(null) || earlier.is(pair.user(), pair.password()));
      handedOut.addFirst(new HandedOut(pair.user(), new WeakReference<>(pair.password())));
      while (handedOut.size() > REMEMBERED) {
        handedOut.removeLast();
      }
    }
    return pair;
  }

  private boolean isHandedOut(@Nullable String user, String password) {
    synchronized (handedOut) {
      return user != null && handedOut.stream().anyMatch(pair -> pair.is(user, password));
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
    return login(plan(), opener());
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
    boolean own = password != null && isHandedOut(user, password);
    return login(own ? plan() : plan(user, password), opener());
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
}
