package io.github.evercred;

import io.github.evercred.SecretException.Reason;
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
 * Counts what a cache does, and tells its listeners: one after the other, in order, in a thread of
 * their own that is begun at need and ends when idle. Never waits for a listener.
 */
final class Events implements AutoCloseable {
  private static final int MOST_WAITING = 1_000;
  private static final AtomicInteger THREADS = new AtomicInteger();

  private final List<SecretCacheListener> listeners;
  private final ThreadPoolExecutor thread;
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
    this.listeners = listeners;
    for (Reason reason : Reason.values()) {
      failures.put(reason, new LongAdder());
    }
    thread =
        new ThreadPoolExecutor(
            1,
            1,
            10,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(MOST_WAITING),
            task -> Time.daemon(task, "evercred-listener-" + THREADS.incrementAndGet()));
    thread.allowCoreThreadTimeOut(true);
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
    if (listeners.isEmpty()) {
      return;
    }
    try {
      thread.execute(
          () -> {
            for (SecretCacheListener listener : listeners) {
              tell(listener, event);
            }
          });
    } catch (RejectedExecutionException e) {
      dropped.increment(); // Too many are waiting, or the cache is closed.
    }
  }

  private static void tell(SecretCacheListener listener, Consumer<SecretCacheListener> event) {
    try {
      event.accept(listener);
    } catch (Throwable e) { // Such as Kotlin's errors, too: the next is told all the same.
      Log.EVERCRED.log(
          System.Logger.Level.WARNING, "A listener of a secret cache failed: mend it", e);
    }
  }

  /** Drops what has not been told, and interrupts a listener that is at work. */
  @Override
  public void close() {
    thread.shutdownNow();
  }
}
