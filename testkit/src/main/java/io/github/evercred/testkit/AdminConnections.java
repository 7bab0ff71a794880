package io.github.evercred.testkit;

import java.sql.Connection;
import java.sql.SQLException;

/**
 * Opens connections of a database administrator, for a {@link Rotation}: {@code
 * postgres::adminConnection}, or one to a database of one's own. The rotation closes each.
 */
@FunctionalInterface
public interface AdminConnections {
  /**
   * Opens a connection whose user may create users and change passwords.
   *
   * @return a new connection
   * @throws SQLException if the database refuses or cannot be reached
   */
  Connection open() throws SQLException;
}
