package io.github.evercred.jdbc;

import io.github.evercred.CredentialUse;
import io.github.evercred.FailureKind;
import io.github.evercred.LoginFailure;
import io.github.evercred.SecretException;
import io.github.evercred.SecretValue;
import io.github.evercred.Target;
import java.sql.Connection;
import java.sql.Driver;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Properties;
import javax.sql.PooledConnection;

/**
 * How one version of a secret is used at a database: by its own driver. One for each login, in its
 * thread.
 *
 * @param <T> what a login gives
 */
final class RealLogin<T> implements CredentialUse<T, SQLException> {
  private static final Duration NO_LIMIT = Duration.ofDays(1);

  /** Opens what a login gives. */
  interface Opener<T> {
    /**
     * Logs in once.
     *
     * @param properties user and password among them; may be changed
     * @param remaining how long it may take; a day or more means no limit
     */
    T open(JdbcUrl url, Driver driver, Properties properties, Duration remaining)
        throws SQLException;

    /** Whether properties reach what is opened, so that time-outs among them are worth setting. */
    default boolean takesProperties() {
      return true;
    }
  }

  private final Plan plan;
  private final Opener<T> opener;
  private final Logins logins;
  private final Target target;

  /** Of the URL used last: a secret may say which it is. */
  private Dialect dialect;

  /**
   * Makes a login.
   *
   * @param target where it is to end, whatever versions say
   */
  RealLogin(Plan plan, Target target, Opener<T> opener, Logins logins) {
    this.plan = plan;
    this.target = target;
    this.opener = opener;
    this.logins = logins;
    this.dialect = plan.url().engine().dialect();
  }

  /** Opens a connection of the real driver. */
  static Connection connect(JdbcUrl url, Driver driver, Properties properties, Duration remaining)
      throws SQLException {
    Connection connection = driver.connect(url.text(), properties);
    if (connection == null) {
      throw Failures.configuration(
          "The driver of %s does not take this URL".formatted(url.engine().name()));
    }
    return connection;
  }

  @Override
  public T use(SecretValue version, Duration remaining) throws SQLException {
    Plan.Place place = plan.at(version);
    JdbcUrl url = place.url();
    dialect = url.engine().dialect();
    Driver driver = url.engine().realDriver(url.text());
    Properties full = plan.properties();
    full.setProperty("user", plan.credential().userName(version));
    full.setProperty("password", plan.credential().password(version));
    boolean boundsReads = bound(full, url, remaining);
    if (plan.credential().asksForTls(version)) {
      dialect.raiseTls(url, full, driver);
    }
    T opened = opener.open(url, driver, full, remaining);
    if (boundsReads) {
      unbound(opened);
    }
    if (opened instanceof Connection connection) {
      logins.opened(connection, target, plan.options(), version);
    }
    return opened;
  }

  /** Sets the time-outs of one try. Returns whether one of them has to be taken back after it. */
  private boolean bound(Properties full, JdbcUrl url, Duration remaining) {
    LoginTime time = url.engine().time();
    String property = time.property();
    boolean lasts = !time.whole() && (url.isBehindAnother() || !dialect.isOneConnection(url, full));
    if (property == null || !opener.takesProperties()) {
      return false;
    }
    Duration each = lasts ? plan.each() : plan.each(remaining);
    if (!each.isZero() && each.compareTo(NO_LIMIT) < 0) {
      full.setProperty(property, time.written(each));
    }
    String read = time.read();
    if (read == null || lasts || plan.readIsTheCallers() || remaining.compareTo(NO_LIMIT) >= 0) {
      return false;
    }
    full.setProperty(read, time.written(remaining));
    return true;
  }

  /** Takes the bound of reads back: it was the login's, and queries have none of it. */
  private static void unbound(Object opened) throws SQLException {
    try {
      if (opened instanceof Connection connection) {
        connection.setNetworkTimeout(Runnable::run, 0);
      } else if (opened instanceof PooledConnection pooled) {
        try (Connection handle = pooled.getConnection()) {
          handle.setNetworkTimeout(Runnable::run, 0);
        }
      }
    } catch (SQLException | RuntimeException | LinkageError e) {
      try {
        close(opened);
      } catch (SQLException again) {
        e.addSuppressed(again);
      }
      throw e;
    }
  }

  private static void close(Object opened) throws SQLException {
    if (opened instanceof Connection connection) {
      connection.close();
    } else if (opened instanceof PooledConnection pooled) {
      pooled.close();
    }
  }

  @Override
  public FailureKind sort(Exception failure) {
    Dialect its = dialect;
    return Failures.sort(
        failure,
        said -> {
          FailureKind told = plan.credential().told(said);
          return told != null ? told : its.sort(said);
        });
  }

  /**
   * Reads the password too, so that a secret that lacks it is found out before any login. A version
   * that names another place is none for this one: a login that was meant for one database must not
   * end at another.
   */
  @Override
  public String userName(SecretValue version) {
    if (plan.target() == null) {
      requireSamePlace(version);
    }
    String unused = plan.credential().password(version);
    return plan.credential().userName(version);
  }

  private void requireSamePlace(SecretValue version) {
    Target its;
    try {
      its = plan.at(version).target();
    } catch (SQLException e) {
      throw new SecretException(
          SecretException.Reason.MALFORMED, String.valueOf(e.getMessage()), e);
    }
    if (!its.equals(target)) {
      throw new SecretException(
          SecretException.Reason.MALFORMED,
          "Version %s of secret '%s' is for %s, and this login is for %s."
              .formatted(version.versionId(), version.secretId(), its, target),
          null);
    }
  }

  @Override
  public SQLException failure(LoginFailure failure) {
    return Failures.of(failure);
  }

  @Override
  public String toString() {
    return "RealLogin[" + plan + "]";
  }
}
