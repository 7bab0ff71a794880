package io.github.evercred.jdbc;

import com.zaxxer.hikari.HikariCredentialsProvider;
import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.HikariPoolMXBean;
import com.zaxxer.hikari.util.Credentials;
import io.github.evercred.SecretException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What HikariCP can be given beside a driver or a data source. HikariCP is an optional dependency:
 * only this class needs it.
 *
 * <p>Thread-safe. No argument may be null.
 */
public final class EvercredHikari {
  private static final System.Logger LOG = System.getLogger("io.github.evercred");
  private static final Duration LEAST_PAUSE = Duration.ofMillis(50);
  private static final Duration LONGEST_LOOK = Duration.ofSeconds(1);
  private static final Duration LONGEST_SLEEP = Duration.ofSeconds(1);

  private EvercredHikari() {}

  /**
   * Returns a credentials provider for a pool whose data source is the one given. HikariCP 7 asks
   * it before each new connection; it answers, from memory, with user name and password of the
   * version that logins there use now, which during a rotation is AWSPENDING as soon as the data
   * source has found that out. So HikariCP's idea of the user is the secret's own, also where users
   * alternate.
   *
   * <p>A provider alone would not hear of refused logins. This one's pool logs in by the data
   * source, which does: {@code config.setDataSource(source)} belongs to it. The data source takes
   * no other password than what this provider has handed out.
   *
   * @param source the pool's data source
   * @return a provider for HikariCP 7.0.2 or later. It throws {@link IllegalStateException} with
   *     the cause if the secret cannot be had; it then waits as a first login does
   */
  public static HikariCredentialsProvider credentials(EvercredDataSource source) {
    Objects.requireNonNull(source, "source");
    return () -> {
      try {
        EvercredDataSource.Pair pair = source.handOut();
        return Credentials.of(pair.user(), pair.password());
      } catch (SQLException e) {
        throw new IllegalStateException("No credentials for the pool: " + e.getMessage(), e);
      }
    };
  }

  /**
   * Retires a pool's connections that were opened with a version of the secret that has been
   * replaced, softly: only idle ones, at most one at a time, evenly over a time, each replaced by
   * the pool as it likes. Connections that are open go on working through a single-user rotation,
   * so this is for those who want no session to outlive its password for long, and for alternating
   * users, whose sessions must end before the rotation after next.
   *
   * <p>It looks a few times within {@code over} whether there is one, and reads the secret for it
   * as a login does, so it keeps the secret fresh; what is in use is met when it is idle again. A
   * version counts as replaced when neither AWSCURRENT nor what logins use is that version, so
   * nothing is retired in the midst of a rotation. The pool may have any data source or driver of
   * Evercred's behind it, directly, and one secret. Each connection looked at is borrowed for a
   * moment, for a second at most, which the pool's figures show.
   *
   * @param pool the pool
   * @param over how long a whole pool of connections takes to be retired, 1 s to 1 day; at least 50
   *     ms for each connection
   * @return ends it when closed; it ends by itself within a second of the pool
   * @throws IllegalArgumentException if {@code over} is out of range
   */
  public static Retirement retireAfterRotation(HikariDataSource pool, Duration over) {
    if (over.compareTo(Duration.ofSeconds(1)) < 0 || over.compareTo(Duration.ofDays(1)) > 0) {
      throw new IllegalArgumentException("over must be 1 s to 1 day, not " + over);
    }
    var retiring = new Retiring(Objects.requireNonNull(pool, "pool"), over);
    var thread = new Thread(retiring, "evercred-hikari-retirement");
    thread.setDaemon(true);
    thread.start();
    return retiring;
  }

  /** Connections being retired, until it is closed. */
  public interface Retirement extends AutoCloseable {

    /** Ends it; a connection that is being looked at goes back to the pool. */
    @Override
    void close();
  }

  /*
   * A thread that has returned connections to a HikariCP pool is given the same ones again first;
   * one that has not is given the first idle one of all, in the order in which they were opened. So
   * whoever looks for the oldest must be a new thread each time it has returned one.
   */
  private static final class Retiring implements Runnable, Retirement {
    private final HikariDataSource pool;
    private final Duration over;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition ended = lock.newCondition();
    private boolean closed;

    /** What the last look has come to; written by its thread, read after its end. */
    private volatile boolean found;

    /** How one of the pool's connections was opened, once one has been seen. */
    private volatile OpenConnections.@Nullable Opening its;

    Retiring(HikariDataSource pool, Duration over) {
      this.pool = pool;
      this.over = over;
    }

    @Override
    public void run() {
      try {
        long pause = pauseBetween();
        while (!pause(pause)) {
          pause = pauseBetween();
          HikariPoolMXBean figures = pool.getHikariPoolMXBean();
          if (figures != null && figures.getThreadsAwaitingConnection() == 0 && mayFind()) {
            var look = new Thread(() -> retireOldest(figures), "evercred-hikari-retirement-look");
            look.setDaemon(true);
            look.start();
            look.join(LONGEST_LOOK.toMillis());
            look.interrupt(); // It would be waiting for a connection while it holds others.
            look.join();
            if (!found) {
              pause = Math.max(pause, over.toNanos() / 4); // What is left is in use, or not ours.
            }
          }
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt(); // Nobody but the JVM's end would: it ends with that.
      }
    }

    /** Whether it is worth a look: at first, to see whose the pool is; then from memory. */
    private boolean mayFind() {
      OpenConnections.Opening known = its;
      if (known == null) {
        return true;
      }
      try {
        known.read();
      } catch (SecretException e) {
        LOG.log(System.Logger.Level.DEBUG, "What is cached decides what is old", e);
      }
      return OpenConnections.ALL.anySuperseded(known);
    }

    /**
     * Ends the oldest idle connection that is superseded. Those before it are held until it is
     * found, so as not to be met again.
     */
    private void retireOldest(HikariPoolMXBean figures) {
      found = false;
      List<Connection> held = new ArrayList<>();
      try {
        while (!found
            && figures.getIdleConnections() > 0
            && figures.getThreadsAwaitingConnection() == 0) {
          Connection borrowed = pool.getConnection();
          held.add(borrowed);
          Connection real = borrowed.unwrap(Connection.class);
          if (its == null) {
            its = OpenConnections.ALL.opening(real);
          }
          if (OpenConnections.ALL.isSuperseded(real)) {
            found = true;
            pool.evictConnection(borrowed);
          }
        }
      } catch (SQLException | RuntimeException e) {
        if (!pool.isClosed()) {
          LOG.log(System.Logger.Level.DEBUG, "Old connections could not be looked at yet", e);
        }
      } finally {
        held.forEach(this::giveBack);
      }
    }

    private void giveBack(Connection borrowed) {
      try {
        borrowed.close();
      } catch (SQLException | RuntimeException e) {
        LOG.log(System.Logger.Level.DEBUG, "A connection did not go back to its pool", e);
      }
    }

    private long pauseBetween() {
      int connections = Math.max(1, pool.getMaximumPoolSize());
      long pause = Math.max(LEAST_PAUSE.toNanos(), over.toNanos() / connections);
      return (long) (pause * (0.8 + 0.2 * ThreadLocalRandom.current().nextDouble()));
    }

    /** Returns true at the end, which it looks for every second. */
    private boolean pause(long pause) throws InterruptedException {
      long end = System.nanoTime() + pause;
      lock.lock();
      try {
        for (long left = pause;
            !closed && !pool.isClosed() && left > 0;
            left = end - System.nanoTime()) {
          long unused = ended.awaitNanos(Math.min(left, LONGEST_SLEEP.toNanos()));
        }
        return closed || pool.isClosed();
      } finally {
        lock.unlock();
      }
    }

    @Override
    public void close() {
      lock.lock();
      try {
        closed = true;
        ended.signalAll();
      } finally {
        lock.unlock();
      }
    }
  }
}
