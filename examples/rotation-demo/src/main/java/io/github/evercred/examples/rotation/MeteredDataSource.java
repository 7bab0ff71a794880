package io.github.evercred.examples.rotation;

import java.io.PrintWriter;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.util.logging.Logger;
import javax.sql.DataSource;

/**
 * Tells of every real login that a data source makes. It stands between the pool and the data
 * source that it logs in with, so it sees what happens behind the pool's back.
 */
final class MeteredDataSource implements DataSource {

  /** Hears of logins, in the threads that make them. */
  @FunctionalInterface
  interface Meter {
    /** A login has succeeded; both times are {@link System#nanoTime}. */
    void loggedIn(long begun, long ended);
  }

  private final DataSource real;
  private final Meter meter;

  MeteredDataSource(DataSource real, Meter meter) {
    this.real = real;
    this.meter = meter;
  }

  @Override
  public Connection getConnection() throws SQLException {
    long begun = System.nanoTime();
    Connection connection = real.getConnection();
    meter.loggedIn(begun, System.nanoTime());
    return connection;
  }

  @Override
  public Connection getConnection(String user, String password) throws SQLException {
    throw new SQLFeatureNotSupportedException("The credential is the data source's business");
  }

  // HikariCP sets its connectionTimeout here, and so it becomes the limit of each login.
  @Override
  public void setLoginTimeout(int seconds) throws SQLException {
    real.setLoginTimeout(seconds);
  }

  @Override
  public int getLoginTimeout() throws SQLException {
    return real.getLoginTimeout();
  }

  @Override
  public PrintWriter getLogWriter() throws SQLException {
    return real.getLogWriter();
  }

  @Override
  public void setLogWriter(PrintWriter writer) throws SQLException {
    real.setLogWriter(writer);
  }

  @Override
  public Logger getParentLogger() throws SQLFeatureNotSupportedException {
    return real.getParentLogger();
  }

  @Override
  public <T> T unwrap(Class<T> type) throws SQLException {
    return real.unwrap(type);
  }

  @Override
  public boolean isWrapperFor(Class<?> type) throws SQLException {
    return real.isWrapperFor(type);
  }
}
