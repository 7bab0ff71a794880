package io.github.evercred.examples.rotation;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.HikariPoolMXBean;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * An application under load: workers that borrow from a HikariCP pool, and workers that open a
 * connection of their own for each request. Each request is one small query; whatever it throws is
 * a failed request, and nothing is tried again here. Knows nothing of secrets.
 */
final class Load implements AutoCloseable {

  /**
   * HikariCP gives this to the data source as the limit of one login, too. It is no longer than
   * Evercred's rotationWait (20 s), so it decides how long a pooled login may bridge a rotation.
   */
  static final Duration CONNECTION_TIMEOUT = Duration.ofSeconds(10);

  private static final Duration POOLED_PAUSE = Duration.ofMillis(20);

  /** A login costs far more than a borrowed connection: about 40 a second, however many workers. */
  private static final Duration UNPOOLED_PAUSE = Duration.ofMillis(25);

  private static final int UNPOOLED_WORKERS_AT_LEAST = 8;

  private static final Duration INTERRUPTED_WITHIN = Duration.ofSeconds(5);

  /** How a request comes by its connection. */
  enum Kind {
    POOLED,
    UNPOOLED;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** What came of one kind of worker. */
  static final class Tally {
    final LongAdder requests = new LongAdder();
    final LongAdder failed = new LongAdder();
    final LongAdder logins = new LongAdder();
  }

  /** Logins from beginning to end between setSecret and finishSecret. */
  static final class Window {
    final long opened = System.nanoTime();
    final LongAdder pooledLogins = new LongAdder();
    final LongAdder unpooledLogins = new LongAdder();
  }

  final String name;
  final Tally pooled = new Tally();
  final Tally unpooled = new Tally();
  final Latencies requestTimes = new Latencies();
  final Latencies loginTimes = new Latencies();
  final Failures failures = new Failures();

  private final long started = System.nanoTime();
  private final int pooledWorkers;
  private final int unpooledWorkers;
  private final HikariDataSource pool;
  private final DataSource direct;
  private final ExecutorService workers;
  private final AtomicInteger underWay = new AtomicInteger();
  private volatile @Nullable Window window;
  private volatile boolean timing;
  private volatile boolean stopping;
  private volatile boolean abandoning;

  /**
   * Opens the pool, which fails at once if nobody can log in.
   *
   * @param forPool what the pool logs in with; it sets a login time-out on it
   * @param direct what the workers without a pool log in with
   */
  Load(String name, DataSource forPool, DataSource direct, int pooledWorkers, int unpooledWorkers) {
    this.name = name;
    this.pooledWorkers = pooledWorkers;
    this.unpooledWorkers = unpooledWorkers;
    this.direct =
        new MeteredDataSource(direct, (begun, ended) -> loggedIn(Kind.UNPOOLED, begun, ended));
    HikariConfig config = new HikariConfig();
    config.setPoolName(name);
    config.setDataSource(
        new MeteredDataSource(forPool, (begun, ended) -> loggedIn(Kind.POOLED, begun, ended)));
    config.setMaximumPoolSize(pooledWorkers);
    config.setConnectionTimeout(CONNECTION_TIMEOUT.toMillis());
    this.pool = new HikariDataSource(config);
    AtomicInteger number = new AtomicInteger();
    this.workers =
        Executors.newFixedThreadPool(
            pooledWorkers + unpooledWorkers,
            task -> {
              Thread thread = new Thread(task, name + " worker " + number.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
  }

  void start() {
    for (int i = 0; i < pooledWorkers; i++) {
      workers.execute(() -> work(Kind.POOLED, pool, POOLED_PAUSE));
    }
    Duration unpooledPause =
        UNPOOLED_PAUSE.multipliedBy(Math.max(UNPOOLED_WORKERS_AT_LEAST, unpooledWorkers));
    for (int i = 0; i < unpooledWorkers; i++) {
      workers.execute(() -> work(Kind.UNPOOLED, direct, unpooledPause));
    }
  }

  /**
   * Retires every connection of the pool: idle ones now, borrowed ones when they come back. Called
   * every half second, it does what maxLifetime does to a pool over hours. Setting maxLifetime to
   * seconds would not: HikariCP takes 30 seconds at least, and replaces less by 30 minutes.
   */
  void recyclePool() {
    HikariPoolMXBean bean = pool.getHikariPoolMXBean();
    if (bean != null) {
      bean.softEvictConnections();
    }
  }

  /** Times count from now on, which is when the JVM is warm; everything else always does. */
  void beginTiming() {
    timing = true;
  }

  void openWindow() {
    window = new Window();
  }

  Window closeWindow() {
    Window closed = window;
    window = null;
    if (closed == null) {
      throw new IllegalStateException("No window is open");
    }
    return closed;
  }

  private void loggedIn(Kind kind, long begun, long ended) {
    (kind == Kind.POOLED ? pooled : unpooled).logins.increment();
    if (timing) {
      loginTimes.record(ended - begun);
    }
    Window open = window;
    if (open != null && begun - open.opened >= 0) {
      (kind == Kind.POOLED ? open.pooledLogins : open.unpooledLogins).increment();
    }
  }

  private void work(Kind kind, DataSource source, Duration pause) {
    while (true) {
      // Also after a failure, so that nobody hammers; jittered, so that nobody moves in step.
      LockSupport.parkNanos((long) (pause.toNanos() * ThreadLocalRandom.current().nextDouble(2)));
      if (stopping) {
        return;
      }
      underWay.incrementAndGet();
      try {
        request(kind, source);
      } finally {
        underWay.decrementAndGet();
      }
    }
  }

  private void request(Kind kind, DataSource source) {
    Tally tally = kind == Kind.POOLED ? pooled : unpooled;
    long begun = System.nanoTime();
    try (Connection connection = source.getConnection();
        Statement statement = connection.createStatement();
        ResultSet orders = statement.executeQuery("SELECT count(*) FROM orders WHERE open")) {
      orders.next();
    } catch (SQLException | RuntimeException | Error e) {
      if (!abandoning) {
        tally.requests.increment();
        tally.failed.increment();
        double after = (System.nanoTime() - started) / 1e9;
        failures.add(kind.toString(), String.format(Locale.ROOT, "after %.1f s", after), e);
      }
      return;
    }
    tally.requests.increment();
    if (timing) {
      requestTimes.record(System.nanoTime() - begun);
    }
  }

  long requests() {
    return pooled.requests.sum() + unpooled.requests.sum();
  }

  long failed() {
    return pooled.failed.sum() + unpooled.failed.sum();
  }

  /** No new requests; those under way go on. */
  void beginStop() {
    stopping = true;
    workers.shutdown();
  }

  /**
   * Waits for the requests under way, then gives up on those left.
   *
   * @return how many had to be given up
   */
  int awaitStop(Duration patience) throws InterruptedException {
    int unanswered = 0;
    if (!workers.awaitTermination(patience.toNanos(), TimeUnit.NANOSECONDS)) {
      abandoning = true;
      unanswered = underWay.get();
      workers.shutdownNow();
      workers.awaitTermination(INTERRUPTED_WITHIN.toNanos(), TimeUnit.NANOSECONDS);
    }
    return unanswered;
  }

  @Override
  public void close() {
    abandoning = true;
    beginStop();
    workers.shutdownNow();
    pool.close();
  }
}
