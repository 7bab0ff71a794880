package io.github.evercred;

import io.github.evercred.SecretException.Reason;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;

/**
 * Counts what a cache does, and tells its listeners: each in order, in a thread of its own that is
 * begun at need and ends when idle, so that none keeps another from hearing. Never waits for a
 * listener.
 */
final class Events implements AutoCloseable {
  private static final int MOST_WAITING = 1_000;
  private static final AtomicInteger THREADS = new AtomicInteger();

  /** Of what does not take time. */
  private static final long AT_ONCE = 0;

  private final List<Teller> tellers;
  private final Map<Reason, LongAdder> failures = new EnumMap<>(Reason.class);
  final LongAdder hits = new LongAdder();
  final LongAdder misses = new LongAdder();
  final LongAdder loaded = new LongAdder();
  final LongAdder refreshed = new LongAdder();
  final LongAdder rotated = new LongAdder();
  final LongAdder evicted = new LongAdder();
  final LongAdder expired = new LongAdder();
  final LongAdder dropped = new LongAdder();

  Events(List<SecretCacheListener> listeners) {
    for (Reason reason : Reason.values()) {
      failures.put(reason, new LongAdder());
    }
    var all = new ArrayList<Teller>(listeners.size());
    for (SecretCacheListener listener : listeners) {
      all.add(new Teller(listener));
    }
    tellers = all;
  }

  void failed(Reason reason) {
    Objects.requireNonNull(failures.get(reason)).increment();
  }

  Map<Reason, Long> failures() {
    var counts = new EnumMap<Reason, Long>(Reason.class);
    failures.forEach(
        (reason, count) -> {
          if (count.sum() > 0) {
            counts.put(reason, count.sum());
          }
        });
    return counts;
  }

  void tell(Consumer<SecretCacheListener> event) {
    tell(AT_ONCE, event);
  }

  /**
   * Tells of an event.
   *
   * @param took how long it lasted, in nanoseconds
   */
  void tell(long took, Consumer<SecretCacheListener> event) {
    for (Teller teller : tellers) {
      if (!teller.tell(took, event)) {
        dropped.increment(); // Too many are waiting, or the cache is closed.
      }
    }
  }

  /**
   * Ends the threads of the listeners, because the process is being checkpointed: one may be at
   * work with a value that it has read. What has not been told is dropped.
   *
   * @return whether none is at work any more, after a second at most
   */
  boolean beforeCheckpoint() {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(1);
    boolean quiet = true;
    for (Teller teller : tellers) {
      ThreadPoolExecutor before = teller.thread;
      teller.thread = Teller.thread();
      dropped.add(before.shutdownNow().size());
      try {
        quiet &= before.awaitTermination(end - System.nanoTime(), TimeUnit.NANOSECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        quiet &= before.isTerminated();
      }
    }
    return quiet;
  }

  /** Drops what has not been told, and interrupts the listeners that are at work. */
  @Override
  public void close() {
    for (Teller teller : tellers) {
      teller.thread.shutdownNow();
    }
  }

  /** Tells one listener. */
  private static final class Teller {
    private final SecretCacheListener listener;
    private volatile ThreadPoolExecutor thread = thread();

    Teller(SecretCacheListener listener) {
      this.listener = listener;
    }

    private static ThreadPoolExecutor thread() {
      var thread =
          new ThreadPoolExecutor(
              1,
              1,
              10,
              TimeUnit.SECONDS,
              new LinkedBlockingQueue<>(MOST_WAITING),
              task -> Time.daemon(task, "evercred-listener-" + THREADS.incrementAndGet()));
      thread.allowCoreThreadTimeOut(true);
      return thread;
    }

    boolean tell(long took, Consumer<SecretCacheListener> event) {
      try {
        thread.execute(() -> now(took, event));
        return true;
      } catch (RejectedExecutionException e) {
        return false;
      }
    }

    private void now(long took, Consumer<SecretCacheListener> event) {
      try {
        event.accept(listener instanceof JfrEvents.Cache jfr ? jfr.lasting(took) : listener);
      } catch (Throwable e) { // Such as Kotlin's errors, too: the next event is told all the same.
        Log.EVERCRED.log(
            System.Logger.Level.WARNING, "A listener of a secret cache failed: mend it", e);
      }
    }
  }
}
