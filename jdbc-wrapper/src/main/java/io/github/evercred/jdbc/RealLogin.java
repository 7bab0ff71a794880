package io.github.evercred.jdbc;

import io.github.evercred.CredentialUse;
import io.github.evercred.FailureKind;
import io.github.evercred.LoginFailure;
import io.github.evercred.SecretValue;
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
  }

  private final Plan plan;
  private final Opener<T> opener;
  private final Logins logins;

  /** Of the URL used last: a secret may say which it is. */
  private Dialect dialect;

  RealLogin(Plan plan, Opener<T> opener, Logins logins) {
    this.plan = plan;
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
    LoginTime time = url.engine().time();
    Driver driver = url.engine().realDriver(url.text());
    Properties full = plan.properties();
    full.setProperty("user", plan.credential().userName(version));
    full.setProperty("password", plan.credential().password(version));
    Duration each = plan.each(remaining);
    boolean limited = each.compareTo(NO_LIMIT) < 0;
    String property = time.property();
    if (property != null && limited) {
      full.setProperty(property, time.written(each));
    }
    String read = time.read();
    boolean boundsReads = read != null && limited && !plan.readIsTheCallers();
    if (boundsReads && read != null) {
      full.setProperty(read, time.written(remaining));
    }
    if (plan.credential().asksForTls(version)) {
      dialect.raiseTls(url, full, driver);
    }
    T opened = opener.open(url, driver, full, remaining);
    if (boundsReads) {
      unbound(opened);
    }
    if (opened instanceof Connection connection) {
      logins.opened(connection, place.target(), plan.options(), version);
    }
    return opened;
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

  /** Reads the password too, so that a secret that lacks it is found out before any login. */
  @Override
  public String userName(SecretValue version) {
    String unused = plan.credential().password(version);
    return plan.credential().userName(version);
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
