package io.github.evercred;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * One flight per key: however many want a fetch at once, one runs and all get its end.
 *
 * <p>A flight ends when its last attempt does, or when it is given up at twice {@code loadTimeout};
 * then a new one may start. Flights are numbered as they start, and the cache publishes a value
 * only over that of an earlier flight. A probe may not trust a flight that began before the refusal
 * it looks into, so it may start a second one beside it; from then on all join that one.
 *
 * <p>Threads are daemons, few, begun at need, and end when idle. Probes have their own, so that
 * they never wait behind refreshes that hang.
 */
final class Flights implements AutoCloseable {

  /** Where a flight ends. Called in the flight's thread or the timer's; must not block. */
  interface Landing {
    /** A flight is about to call the source. */
    void begins(Flight flight);

    void fetched(Flight flight, SecretValue value);

    /** Returns what the waiters get to see. */
    SecretException failed(Flight flight, SecretException failure);
  }

  /** Looks, once no other flight can land, for what spares this one: see {@link #join}. */
  @FunctionalInterface
  interface Meanwhile {
    /**
     * Returns the value that has landed, or null if none has.
     *
     * @throws SecretException if a failure has
     */
    @Nullable SecretValue landed();
  }

  /** Why a fetch is made, which decides its attempts and its threads. */
  enum Purpose {
    /** Nothing is cached, or what is cached has lapsed, and somebody waits. */
    LOAD(3),
    /** In the background. */
    REFRESH(1),
    /** For a login that was refused. */
    PROBE(3);

    private final int attempts;

    Purpose(int attempts) {
      this.attempts = attempts;
    }
  }

  /** One fetch under way. */
  static final class Flight {
    final Key key;
    final Purpose purpose;
    final long number;
    final long begun;
    final CompletableFuture<SecretValue> end = new CompletableFuture<>();
    private final CallPolicy.Call call;
    private final AtomicBoolean landed = new AtomicBoolean();
    private volatile @Nullable Future<?> limit;

    private Flight(Flights flights, Key key, Purpose purpose) {
      this.key = key;
      this.purpose = purpose;
      this.number = flights.numbers.incrementAndGet();
      this.begun = flights.time.nanos();
      this.call =
          new CallPolicy.Call(
              flights.source,
              new SecretRequest(
                  key.secretId(), key.version(), Duration.ofNanos(flights.attemptNanos)),
              purpose == Purpose.PROBE ? flights.probes : flights.loads,
              begun + flights.loadNanos,
              flights.attemptNanos,
              value -> flights.landing.fetched(this, value));
    }

    int attempts() {
      return call.attempts.get();
    }
  }

  private static final AtomicInteger THREADS = new AtomicInteger();

  private final Time time;
  private final SecretSource source;
  private final Landing landing;
  private final CallPolicy policy;
  private final long loadNanos;
  private final long attemptNanos;
  private final AtomicLong numbers = new AtomicLong();
  private final ConcurrentHashMap<Key, Flight> running = new ConcurrentHashMap<>();

  /** All that have not landed, also those whose place in {@code running} a probe has taken. */
  private final Set<Flight> aloft = ConcurrentHashMap.newKeySet();

  private final ThreadPoolExecutor loads = threads("evercred-fetch-", 8);
  private final ThreadPoolExecutor probes = threads("evercred-probe-", 4);
  private volatile boolean closed;

  Flights(Time time, SecretSource source, long loadNanos, long attemptNanos, Landing landing) {
    this.time = time;
    this.source = source;
    this.loadNanos = loadNanos;
    this.attemptNanos = attemptNanos;
    this.landing = landing;
    this.policy = new CallPolicy(time);
  }

  private static ThreadPoolExecutor threads(String name, int most) {
    var threads =
        new ThreadPoolExecutor(
            most,
            most,
            10,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            task -> Time.daemon(task, name + THREADS.incrementAndGet()));
    threads.allowCoreThreadTimeOut(true);
    return threads;
  }

  /**
   * Returns the flight that runs for this key, or starts one, unless another has landed between the
   * caller's own look and this start.
   */
  Flight join(Key key, Purpose purpose, Meanwhile meanwhile) {
    Flight other = running.get(key);
    if (other != null) {
      return other;
    }
    Flight mine = new Flight(this, key, purpose);
    other = running.putIfAbsent(key, mine);
    if (other != null) {
      return other;
    }
    try {
      SecretValue landed = meanwhile.landed();
      if (landed == null) {
        return launch(mine);
      }
      running.remove(key, mine);
      mine.end.complete(landed);
    } catch (SecretException e) {
      running.remove(key, mine);
      mine.end.completeExceptionally(e);
    }
    return mine;
  }

  /** Returns a flight that began no earlier than the given time, or starts one. */
  Flight joinBegunAfter(Key key, long notBefore) {
    while (true) {
      Flight other = running.get(key);
      if (other != null && other.begun - notBefore >= 0) {
        return other;
      }
      Flight mine = new Flight(this, key, Purpose.PROBE);
      if (other == null
          ? running.putIfAbsent(key, mine) == null
          : running.replace(key, other, mine)) {
        return launch(mine);
      }
    }
  }

  @Nullable Flight running(Key key) {
    return running.get(key);
  }

  private Flight launch(Flight flight) {
    aloft.add(flight);
    if (closed) {
      land(flight, closedFailure());
      return flight;
    }
    try {
      flight.limit =
          time.scheduler().schedule(() -> giveUp(flight), 2 * loadNanos, TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException e) {
      land(flight, closedFailure());
      return flight;
    }
    landing.begins(flight);
    policy
        .start(flight.call, flight.purpose.attempts)
        .whenComplete((value, failure) -> land(flight, value != null ? value : failure));
    if (closed) {
      land(flight, closedFailure()); // close() may have missed it.
    }
    return flight;
  }

  private void giveUp(Flight flight) {
    var why =
        new SecretException(
            SecretException.Reason.UNAVAILABLE,
            "no answer within %s, twice loadTimeout".formatted(Duration.ofNanos(2 * loadNanos)),
            null);
    land(flight, why);
    flight.call.giveUp(why);
  }

  /** Ends a flight once: first the cache, then the next flight, then the waiters. */
  private void land(Flight flight, @Nullable Object end) {
    if (!flight.landed.compareAndSet(false, true)) {
      return;
    }
    if (end instanceof SecretValue value) {
      running.remove(flight.key, flight);
      flight.end.complete(value);
    } else {
      SecretException failure = failure((Throwable) end);
      try {
        failure = landing.failed(flight, failure);
      } catch (RuntimeException | Error e) {
        failure.addSuppressed(e); // Whatever it was, the flight must end.
      }
      running.remove(flight.key, flight);
      flight.end.completeExceptionally(failure);
    }
    aloft.remove(flight);
    Future<?> limit = flight.limit;
    if (limit != null) {
      limit.cancel(false);
    }
  }

  private static SecretException failure(@Nullable Throwable thrown) {
    Throwable cause = thrown instanceof CompletionException ? thrown.getCause() : thrown;
    if (cause instanceof SecretException failure) {
      return failure;
    }
    return new SecretException(
        SecretException.Reason.UNAVAILABLE,
        "the source failed with " + (cause == null ? "nothing" : cause.getClass().getName()),
        cause);
  }

  static SecretException closedFailure() {
    return new SecretException(SecretException.Reason.CLOSED, "The cache is closed.", null);
  }

  /**
   * Ends every flight with <em>closed</em>, interrupts the threads, and waits a second for them.
   */
  @Override
  public void close() {
    closed = true;
    for (Flight flight : aloft) {
      land(flight, closedFailure());
      flight.call.giveUp(closedFailure());
    }
    loads.shutdownNow();
    probes.shutdownNow();
    try {
      long limit = TimeUnit.SECONDS.toNanos(1);
      long begun = System.nanoTime();
      loads.awaitTermination(limit, TimeUnit.NANOSECONDS);
      probes.awaitTermination(limit - (System.nanoTime() - begun), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
