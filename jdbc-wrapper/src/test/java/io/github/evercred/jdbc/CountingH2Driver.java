package io.github.evercred.jdbc;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import org.h2.Driver;
import org.h2.api.ErrorCode;

/** H2's driver, which counts logins by user: H2 logs none. */
public final class CountingH2Driver extends Driver {
  private static final Map<String, LongAdder> REFUSED = new ConcurrentHashMap<>();
  private static final Map<String, LongAdder> ACCEPTED = new ConcurrentHashMap<>();

  /** Made by name. */
  public CountingH2Driver() {}

  @Override
  public Connection connect(String url, Properties info) throws SQLException {
    String user = info.getProperty("user", "");
    try {
      Connection connection = super.connect(url, info);
      count(ACCEPTED, user).increment();
      return connection;
    } catch (SQLException e) {
      if (e.getErrorCode() == ErrorCode.WRONG_USER_OR_PASSWORD) {
        count(REFUSED, user).increment();
      }
      throw e;
    }
  }

  static long refused(String user) {
    return count(REFUSED, user).sum();
  }

  static long accepted(String user) {
    return count(ACCEPTED, user).sum();
  }

  private static LongAdder count(Map<String, LongAdder> counts, String user) {
    return counts.computeIfAbsent(user.toUpperCase(Locale.ROOT), name -> new LongAdder());
  }
}
