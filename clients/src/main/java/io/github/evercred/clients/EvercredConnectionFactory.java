package io.github.evercred.clients;

import io.github.evercred.FailureKind;
import io.github.evercred.LoginOptions;
import io.github.evercred.LoginStatistics;
import io.github.evercred.RotationAwareLogin;
import io.r2dbc.spi.Connection;
import io.r2dbc.spi.ConnectionFactory;
import io.r2dbc.spi.ConnectionFactoryMetadata;
import io.r2dbc.spi.ConnectionFactoryOptions;
import io.r2dbc.spi.R2dbcException;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;

/**
 * An R2DBC connection factory that logs in with a cached secret, and goes on doing so while the
 * secret rotates: each {@link #create} uses the version that works at that moment. Stands below a
 * pool:
 *
 * <pre>{@code
 * var login = new RotationAwareLogin(cache);
 * ConnectionFactory database =
 *     EvercredConnectionFactory.builder(login, "prod/orders/db", "r2dbc:postgresql://db:5432/orders")
 *         .build();
 * var pool = new ConnectionPool(ConnectionPoolConfiguration.builder(database).build());
 * }</pre>
 *
 * <p>The secret is a JSON object with {@code username} and {@code password}; the options say the
 * rest, and hold neither. The driver's own connection is handed out, so a query costs nothing more.
 * The driver's own connection factory, which keeps the password that it is made with, is made for
 * each connection and not kept. That costs well under a millisecond with PostgreSQL's driver, which
 * then knows nothing of what another connection learned of its hosts. What a driver's connection
 * keeps of its password is the driver's business.
 *
 * <p><b>Threads.</b> Instances are thread-safe. Nothing blocks its caller: a login, which may have
 * to wait for a rotation, is followed by a thread of this factory's own. Those are daemons named
 * {@code evercred-r2dbc-}, {@link Builder#threads} at most, and end after 10 s without work. A
 * subscriber hears its signals on one of them and must not block it.
 *
 * <p><b>Cost.</b> A login occupies its thread from its start to its end, mostly waiting for the
 * network. With 16 threads, 64 subscribers at once are served in four turns; the first has its
 * connection as soon as without this factory, the last after four logins. While a rotation is being
 * bridged all threads may wait for the one that finds out which version works; it has a thread of
 * its own by then.
 *
 * <p><b>Limits.</b> A subscriber gets its connection or an error within {@link
 * Builder#loginTimeout}, waiting for a thread included. One that cancels frees its thread, and a
 * connection that arrives after that is closed. A driver that blocks whoever subscribes to it keeps
 * its thread for as long as it does so. Whether the socket of a login that has been given up is
 * closed at once is the driver's to say: PostgreSQL's 1.1.3 keeps it until the server answers or
 * hangs up.
 *
 * <p><b>Failure.</b> Failures of the driver's that no credential mends, and refusals where nothing
 * is bridged, are signalled as they came; else it is an {@link R2dbcException} that says what was
 * tried and what to do, with the driver's SQLSTATE and code. With {@code sslMode=allow} or {@code
 * prefer} PostgreSQL's driver tries each password twice, and so is refused twice.
 *
 * <p>There is nothing to close. Once the cache is closed, each login fails. No argument may be
 * null.
 */
public final class EvercredConnectionFactory implements ConnectionFactory {
  private static final AtomicInteger THREADS = new AtomicInteger();
  private static final long IDLE_SECONDS = 10;

  private final RotationAwareLogin login;
  private final R2dbcLogin use;
  private final Duration loginTimeout;
  private final ThreadPoolExecutor threads;

  private EvercredConnectionFactory(Builder builder, R2dbcLogin use) {
    this.login = builder.login;
    this.use = use;
    this.loginTimeout = builder.loginTimeout;
    this.threads =
        new ThreadPoolExecutor(
            builder.threads,
            builder.threads,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            EvercredConnectionFactory::newThread);
    threads.allowCoreThreadTimeOut(true);
  }

  private static Thread newThread(Runnable work) {
    Thread thread = new Thread(work, "evercred-r2dbc-" + THREADS.incrementAndGet());
    thread.setDaemon(true);
    return thread;
  }

  /**
   * Starts a connection factory for a database.
   *
   * @param login logs in with the secrets of a cache; share one among all that use the cache
   * @param secretId name or ARN of the secret
   * @param options the driver's own, without user and password
   * @return a builder
   * @throws IllegalArgumentException if they hold a user or a password, name no driver, or name
   *     r2dbc-pool or r2dbc-proxy as driver: they belong on top
   */
  public static Builder builder(
      RotationAwareLogin login, String secretId, ConnectionFactoryOptions options) {
    return new Builder(login, secretId, R2dbcLogin.checked(options, secretId));
  }

  /**
   * Starts a connection factory for a database.
   *
   * @param login logs in with the secrets of a cache; share one among all that use the cache
   * @param secretId name or ARN of the secret
   * @param url such as {@code r2dbc:postgresql://db:5432/orders}, without user and password
   * @return a builder
   * @throws IllegalArgumentException if it cannot be read, or says what {@link
   *     #builder(RotationAwareLogin, String, ConnectionFactoryOptions) options} must not; the
   *     message does not quote it
   */
  public static Builder builder(RotationAwareLogin login, String secretId, String url) {
    return builder(login, secretId, R2dbcLogin.parse(url));
  }

  /**
   * Returns a publisher that logs in once for each subscriber, when that requests a connection.
   *
   * @return the driver's own connection, or an error
   */
  @Override
  public Publisher<? extends Connection> create() {
    return subscriber -> R2dbcCreation.begin(subscriber, threads, this::logIn);
  }

  private Connection logIn(long begun) throws Exception {
    return use.logIn(login, loginTimeout, Duration.ofNanos(System.nanoTime() - begun));
  }

  /** Returns the driver's own metadata. */
  @Override
  public ConnectionFactoryMetadata getMetadata() {
    return use.metadata();
  }

  /**
   * Returns what logins have come to: all those of the {@link RotationAwareLogin} that this factory
   * was made with.
   *
   * @return a snapshot
   */
  public LoginStatistics statistics() {
    return login.statistics();
  }

  /** Names the secret and the target. */
  @Override
  public String toString() {
    return "EvercredConnectionFactory[" + use + "]";
  }

  /** Settings of an {@link EvercredConnectionFactory}. Not thread-safe. No argument may be null. */
  public static final class Builder {
    private static final Duration LONGEST = Duration.ofMinutes(10);
    private static final int MOST_THREADS = 1_000;

    private final RotationAwareLogin login;
    private final String secretId;
    private final ConnectionFactoryOptions options;
    private LoginOptions loginOptions = LoginOptions.DEFAULTS;
    private Duration loginTimeout = Duration.ofSeconds(30);
    private int threads = 16;
    private Function<R2dbcException, @Nullable FailureKind> failures = failure -> null;

    private Builder(RotationAwareLogin login, String secretId, ConnectionFactoryOptions options) {
      this.login = Objects.requireNonNull(login, "login");
      this.secretId = Objects.requireNonNull(secretId, "secretId");
      this.options = options;
    }

    /**
     * Sets how a login bridges a rotation. Where several connection factories log in to one server
     * with one secret, each should have the same.
     *
     * @param how the default is {@link LoginOptions#DEFAULTS}
     * @return this builder
     */
    public Builder loginOptions(LoginOptions how) {
      loginOptions = Objects.requireNonNull(how, "loginOptions");
      return this;
    }

    /**
     * Sets how long a subscriber waits for its connection at most, for a thread included. Where
     * {@code rotationWait} is smaller, that holds from the moment that there is a thread.
     *
     * @param timeout 100 ms to 10 min; the default is 30 s
     * @return this builder
     * @throws IllegalArgumentException if it is out of range
     */
    public Builder loginTimeout(Duration timeout) {
      Objects.requireNonNull(timeout, "loginTimeout");
      if (timeout.compareTo(Duration.ofMillis(100)) < 0 || timeout.compareTo(LONGEST) > 0) {
        throw new IllegalArgumentException(
            "loginTimeout must be 100 ms to 10 min, not " + timeout + ".");
      }
      loginTimeout = timeout;
      return this;
    }

    /**
     * Sets how many threads follow logins, and so how many are under way at once. They are started
     * when they are needed. A pool's maximum size is more than enough.
     *
     * @param count 1 to 1,000; the default is 16
     * @return this builder
     * @throws IllegalArgumentException if it is out of range
     */
    public Builder threads(int count) {
      if (count < 1 || count > MOST_THREADS) {
        throw new IllegalArgumentException(
            "threads must be 1 to %d, not %d.".formatted(MOST_THREADS, count));
      }
      threads = count;
      return this;
    }

    /**
     * Says what failures of the driver mean, for one that is not known or to put right what is
     * known. PostgreSQL, MySQL, MariaDB, SQL Server, Oracle and H2 are known by their codes; with
     * any other driver SQLSTATE class 28 means that a login is refused.
     *
     * @param sort is asked first, in several threads and for each exception in the chain of causes;
     *     null means that it does not know. Must not throw or block
     * @return this builder
     */
    public Builder failures(Function<R2dbcException, @Nullable FailureKind> sort) {
      failures = Objects.requireNonNull(sort, "failures");
      return this;
    }

    /**
     * Makes the connection factory. Neither the database nor AWS is asked.
     *
     * @return a connection factory
     * @throws RuntimeException the driver's own, if it does not take these options, or {@link
     *     IllegalStateException} if it is not on the class path
     */
    public EvercredConnectionFactory build() {
      return new EvercredConnectionFactory(
          this, new R2dbcLogin(secretId, options, loginOptions, failures));
    }
  }
}
