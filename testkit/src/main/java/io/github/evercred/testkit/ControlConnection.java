package io.github.evercred.testkit;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * An administrator's connection for a server's own questions, kept open so that they count as no
 * login. Thread-safe: one question at a time.
 */
final class ControlConnection {
  /** How long the server may take to answer. */
  static final Duration PATIENCE = Duration.ofSeconds(30);

  /** A question to the server. */
  @FunctionalInterface
  interface Question<T> {
    T ask(Connection connection) throws SQLException;
  }

  private final AdminConnections admin;
  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable Connection open;
  private long logins;
  private boolean closed;

  ControlConnection(AdminConnections admin) {
    this.admin = admin;
  }

  /** Asks with the open connection, or with a new one if that has died. */
  <T> T ask(Question<T> question) throws SQLException {
    lock.lock();
    try {
      return question.ask(connection());
    } finally {
      lock.unlock();
    }
  }

  private Connection connection() throws SQLException {
    Connection known = open;
    if (known != null && !known.isClosed() && known.isValid((int) PATIENCE.toSeconds())) {
      return known;
    }
    Connection fresh = admin.open();
    fresh.setNetworkTimeout(Runnable::run, (int) PATIENCE.toMillis());
    logins++;
    open = fresh;
    return fresh;
  }

  /** How many of the administrator's logins were this connection's; call it in a question. */
  long logins() {
    lock.lock();
    try {
      return logins;
    } finally {
      lock.unlock();
    }
  }

  /** Closes it; false if it was closed before. */
  boolean close(ServerLog log) {
    lock.lock();
    try {
      if (closed) {
        return false;
      }
      closed = true;
      if (open != null) {
        open.close();
      }
    } catch (SQLException e) {
      log.take("(the control connection did not close cleanly: " + e + ")");
    } finally {
      lock.unlock();
    }
    return true;
  }
}
