package io.github.evercred.jdbc;

import io.github.evercred.FailureKind;
import java.sql.Driver;
import java.sql.SQLException;
import java.util.List;
import java.util.Locale;
import java.util.Properties;
import org.jspecify.annotations.Nullable;

/** What the SQL standard and the look of most URLs say of a database that has no row. */
final class AnyDatabase implements Dialect {

  /** All that can be said without knowing the syntax: the address, without a user and a path. */
  @Override
  public List<String> hosts(JdbcUrl url, Properties properties) {
    String address = url.address();
    int end = address.indexOf(';');
    address = end < 0 ? address : address.substring(0, end);
    int at = address.lastIndexOf('@');
    if (at > 0 && address.charAt(at - 1) != ':') {
      throw new IllegalArgumentException(
          "a user stands beside the host: leave it out, the secret holds it");
    }
    boolean hasPath = address.contains("//");
    address = address.substring(address.lastIndexOf('@') + 1);
    if (hasPath) {
      int start = address.indexOf("//") < 0 ? 0 : address.indexOf("//") + 2;
      int path = address.indexOf('/', start);
      address = address.substring(start, path < 0 ? address.length() : path);
    }
    return List.of(address.toLowerCase(Locale.ROOT));
  }

  @Override
  public String address(HostPort place, @Nullable String database, boolean tls) {
    throw new IllegalArgumentException(
        "how a URL of this database is written is not known: write host and database in the URL");
  }

  /** It is not known how: what the URL says is what the driver does. */
  @Override
  public void raiseTls(JdbcUrl url, Properties properties, Driver driver) {}

  /** SQLSTATE class 28 is "invalid authorization specification". */
  @Override
  public @Nullable FailureKind sort(SQLException failure) {
    String state = failure.getSQLState();
    return state != null && state.startsWith("28") ? FailureKind.CREDENTIAL : null;
  }
}
