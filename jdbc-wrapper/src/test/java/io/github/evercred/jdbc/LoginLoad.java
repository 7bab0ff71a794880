package io.github.evercred.jdbc;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * An application that logs in all the time: threads that connect, ask and close, or that borrow
 * from a pool and mostly throw away what they borrowed. Nothing is tried again, and whatever fails,
 * a login that only the pool sees included, is kept.
 */
final class LoginLoad implements AutoCloseable {

  /** As fast as it goes, so that as much as possible is in flight. */
  static final Duration HARD = Duration.ofMillis(2);

  /** Some ten logins a second for each thread. */
  static final Duration STEADY = Duration.ofMillis(100);

  private static final Duration POOL_TIMEOUT = Duration.ofSeconds(10);
  private static final int REMEMBERED = 20;

  private final @Nullable HikariDataSource pool;
  private final DataSource source;
  private final String query;
  private final List<Thread> threads = new ArrayList<>();
  private final AtomicLong connects = new AtomicLong();
  private final AtomicLong failed = new AtomicLong();
  private final AtomicLong slowest = new AtomicLong();
  private final AtomicInteger underWay = new AtomicInteger();
  private final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
  private volatile Duration pause = HARD;
  private volatile boolean stopped;

  /** Starts at once. With a pool, its first login is the caller's. */
  LoginLoad(DataSource real, String query, int count, boolean pooled) {
    this.query = query;
    DataSource metered = metered(real);
    if (pooled) {
      var config = new HikariConfig();
      config.setDataSource(metered);
      config.setMaximumPoolSize(count);
      config.setConnectionTimeout(POOL_TIMEOUT.toMillis());
      pool = new HikariDataSource(config);
      source = pool;
    } else {
      pool = null;
      source = metered;
    }
    for (int i = 0; i < count; i++) {
      boolean keeps = i % 4 == 0;
      var thread = new Thread(() -> work(keeps), "load " + i);
      thread.setDaemon(true);
      threads.add(thread);
      thread.start();
    }
  }

  private DataSource metered(DataSource real) {
    return (DataSource)
        Proxy.newProxyInstance(
            LoginLoad.class.getClassLoader(),
            new Class<?>[] {DataSource.class},
            (proxy, method, arguments) -> {
              boolean connects = method.getName().equals("getConnection");
              long begun = System.nanoTime();
              if (connects) {
                underWay.incrementAndGet();
              }
              try {
                Object result = method.invoke(real, arguments);
                if (connects) {
                  slowest.accumulateAndGet(System.nanoTime() - begun, Math::max);
                  this.connects.incrementAndGet();
                }
                return result;
              } catch (InvocationTargetException e) {
                Throwable failure = Objects.requireNonNull(e.getCause());
                if (connects) {
                  fail(failure);
                }
                throw failure;
              } finally {
                if (connects) {
                  underWay.decrementAndGet();
                }
              }
            });
  }

  private void work(boolean keeps) {
    while (!stopped) {
      try (Connection connection = source.getConnection();
          Statement statement = connection.createStatement();
          ResultSet row = statement.executeQuery(query)) {
        row.next();
        if (pool != null && !keeps) {
          pool.evictConnection(connection);
        }
      } catch (SQLException | RuntimeException | Error e) {
        fail(e);
      }
      long longest = 2 * pause.toNanos();
      LockSupport.parkNanos(ThreadLocalRandom.current().nextLong(longest));
    }
  }

  private void fail(Throwable failure) {
    if (!stopped || pool == null) {
      failed.incrementAndGet();
      if (failures.size() < REMEMBERED && !failures.contains(failure)) {
        failures.add(failure);
      }
    }
  }

  void pace(Duration between) {
    pause = between;
  }

  /** Forgets how long logins took so far, classes being loaded. */
  void beginTiming() {
    slowest.set(0);
  }

  /** Waits until so many more have logged in, or something has failed. */
  void more(int count) throws Exception {
    long enough = connects.get() + count;
    Eventually.until(() -> connects.get() >= enough || failed.get() > 0);
  }

  long connects() {
    return connects.get();
  }

  int underWay() {
    return underWay.get();
  }

  long failed() {
    return failed.get();
  }

  /** The first of them. */
  List<Throwable> failures() {
    return List.copyOf(failures);
  }

  Duration slowest() {
    return Duration.ofNanos(slowest.get());
  }

  /** Lets what is under way end; a login that does not is a failure. */
  void stop() throws InterruptedException {
    stopped = true;
    for (Thread thread : threads) {
      thread.join(Duration.ofSeconds(30).toMillis());
      if (thread.isAlive()) {
        fail(new AssertionError("A thread hangs: " + List.of(thread.getStackTrace())));
      }
    }
  }

  @Override
  public void close() {
    stopped = true;
    threads.forEach(Thread::interrupt);
    if (pool != null) {
      pool.close();
    }
  }
}
