package io.github.evercred.jdbc;

import io.github.evercred.FailureKind;
import java.sql.Driver;
import java.sql.SQLException;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What is peculiar to one engine beyond the names in its row of the table. Stateless. */
interface Dialect {

  /**
   * Returns {@code host:port} of each host that a URL leads to, in the URL's order and in lower
   * case. What cannot be told apart from outside (a service name, a file) may stand in for it.
   *
   * @throws IllegalArgumentException if they cannot be read; the message does not quote them
   */
  List<String> hosts(JdbcUrl url, Properties properties);

  /** Returns the database, only where logins belong to a database and not to the server. */
  default @Nullable String database(JdbcUrl url, Properties properties) {
    return null;
  }

  /**
   * Whether one login opens one connection that stays what it is: then time-outs that a driver
   * keeps for the connection can be set for its login and taken back. Not where it opens others by
   * the same settings later, at replicas or after a failure.
   */
  default boolean isOneConnection(JdbcUrl url, Properties properties) {
    return true;
  }

  /** Settings, in lower case, by which the driver logs in as somebody else than it is told. */
  default Set<String> otherCredentials() {
    return Set.of();
  }

  /** Whether parameters or properties name a host although the URL's address does not. */
  default boolean isPlacedElsewhere(JdbcUrl url, Properties properties) {
    return false;
  }

  /**
   * Returns what stands between sub-protocol and parameters for the place that a secret names.
   *
   * @param database checked by nobody yet; null if the secret has none
   * @param tls whether the secret asks for TLS
   * @throws IllegalArgumentException if the database cannot be written in a URL of this engine, or
   *     is missing where it must not; the message does not quote it
   */
  String address(HostPort place, @Nullable String database, boolean tls);

  /**
   * Asks for TLS where nothing in the URL or the properties says otherwise. Never lowers it.
   *
   * @param properties what the driver is given; may be changed
   * @param driver the real driver, whose version may decide
   * @throws SQLException if TLS cannot be had by a property, and the URL does not ask for it
   */
  void raiseTls(JdbcUrl url, Properties properties, Driver driver) throws SQLException;

  /**
   * Sorts one exception, without its causes. Null means that this one says nothing and the next in
   * its chains may; {@link FailureKind#OTHER} is an answer, and the chains are not looked at.
   */
  @Nullable FailureKind sort(SQLException failure);
}
