package io.github.evercred.jdbc;

import java.sql.SQLException;
import javax.sql.XAConnection;
import javax.sql.XADataSource;
import org.jspecify.annotations.Nullable;

/**
 * An XA data source that logs in with a secret from AWS Secrets Manager, for transaction managers.
 * It hands out the connections of the real driver's own {@link XADataSource}, as they are.
 *
 * <p>Everything that is set here, all options and failures, and how it is used by threads, are as
 * with {@link EvercredDataSource}. Each login makes a new data source of the real driver; what
 * {@link #setProperties} holds becomes part of its URL, or is set on it by setters of these names
 * where it takes no URL (Db2).
 *
 * <p>All engines that Evercred knows have one, but none behind another driver.
 */
public final class EvercredXADataSource extends DataSourceSetup implements XADataSource {

  /** Makes a data source that still has to be told its URL and secret. */
  public EvercredXADataSource() {}

  /**
   * Logs in with the secret that was set.
   *
   * @return a new connection, the real driver's own
   * @throws SQLException if there is no login, what was set makes no sense, or the driver has no
   *     {@code XADataSource}
   */
  @Override
  public XAConnection getXAConnection() throws SQLException {
    return login(plan(), XaLogin::open);
  }

  /**
   * Logs in with the secret that a caller names, which wins over the one that was set.
   *
   * @param user name or ARN of a secret; null or blank means the one that was set
   * @param password null or blank; the secret holds it
   * @return a new connection, the real driver's own
   * @throws SQLException if a password is given, if there is no login, what was set makes no sense,
   *     or the driver has no {@code XADataSource}
   */
  @Override
  public XAConnection getXAConnection(@Nullable String user, @Nullable String password)
      throws SQLException {
    return login(plan(user, password), XaLogin::open);
  }
}
