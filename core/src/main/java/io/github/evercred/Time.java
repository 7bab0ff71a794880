package io.github.evercred;

import java.security.SecureRandom;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The time that everything here runs on: one clock, one timer, one way to wait, and the threads.
 * Tests drive another one by hand.
 */
abstract class Time implements AutoCloseable {

  /** Longer than anybody waits, and short enough to be added to any {@code nanoTime}. */
  static final long FOREVER = Long.MAX_VALUE >> 2;

  private static final AtomicInteger COUNT = new AtomicInteger();

  /** Monotonic nanoseconds. Compare them by difference. */
  abstract long nanos();

  /** The wall clock: for comparing with times that AWS tells, never for measuring. */
  abstract Instant wall();

  /** The wall clock in nanoseconds since the epoch. */
  abstract long wallNanos();

  /** Both clocks. */
  final Moment now() {
    return new Moment(nanos(), wallNanos());
  }

  private Moment looked = new Moment(0, 0);
  private long elapsed = -1;

  /**
   * Time that passes by whichever clock went further since the last look, so it never stands still
   * and never goes back. For what is looked at seldom.
   */
  final synchronized long elapsed() {
    Moment now = now();
    elapsed += elapsed < 0 ? 1 : Math.max(0, now.since(looked));
    looked = now;
    return elapsed;
  }

  private volatile double shift;

  /** At random, 0 to 1, so that not all processes do the same at the same time. */
  final double jitter() {
    double random = ThreadLocalRandom.current().nextDouble() + shift;
    return random < 1 ? random : random - 1;
  }

  /**
   * What has been restored from one snapshot would go on with the same random numbers everywhere.
   */
  final void reseed() {
    shift = new SecureRandom().nextDouble();
  }

  /** Runs timers, and the pauses between attempts. Tasks must be short and must not block. */
  abstract ScheduledExecutorService scheduler();

  /**
   * Waits until the future is done, in whatever way, or the time has passed.
   *
   * @return whether the future is done
   */
  abstract boolean await(CompletableFuture<?> future, long nanos) throws InterruptedException;

  /**
   * Makes the threads of one kind of work: daemons, begun at need, no more than told. What comes
   * meanwhile waits.
   *
   * @param idleMillis after how long without work they end; positive
   */
  ExecutorService threads(String name, int most, long idleMillis) {
    var threads =
        new ThreadPoolExecutor(
            most,
            most,
            idleMillis,
            TimeUnit.MILLISECONDS,
            new LinkedBlockingQueue<>(),
            task -> daemon(task, name + COUNT.incrementAndGet()));
    threads.allowCoreThreadTimeOut(true);
    return threads;
  }

  @Override
  public abstract void close();

  /** Returns {@code nanos() + delay} for any delay up to {@link #FOREVER}. */
  final long in(long delay) {
    return nanos() + Math.min(Math.max(delay, 0), FOREVER);
  }

  static Time system() {
    return new SystemTime();
  }

  private static final class SystemTime extends Time {
    private final InstantSource wall = InstantSource.system();

    // No thread before the first task, and one at most.
    private final ScheduledThreadPoolExecutor scheduler =
        new ScheduledThreadPoolExecutor(
            1, task -> daemon(task, "evercred-timer-" + COUNT.incrementAndGet()));

    SystemTime() {
      scheduler.setRemoveOnCancelPolicy(true);
      scheduler.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    }

    @Override
    long nanos() {
      return System.nanoTime();
    }

    @Override
    Instant wall() {
      return wall.instant();
    }

    @Override
    long wallNanos() {
      return TimeUnit.MILLISECONDS.toNanos(wall.millis());
    }

    @Override
    ScheduledExecutorService scheduler() {
      return scheduler;
    }

    @Override
    boolean await(CompletableFuture<?> future, long nanos) throws InterruptedException {
      if (nanos <= 0) {
        return future.isDone();
      }
      try {
        future.get(nanos, TimeUnit.NANOSECONDS);
      } catch (ExecutionException | java.util.concurrent.CancellationException e) {
        return true; // Done: whoever needs the failure reads it from the future.
      } catch (TimeoutException e) {
        return false;
      }
      return true;
    }

    @Override
    public void close() {
      scheduler.shutdownNow();
    }
  }

  static Thread daemon(Runnable task, String name) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    return thread;
  }
}
