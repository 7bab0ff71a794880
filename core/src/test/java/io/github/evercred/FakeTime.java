package io.github.evercred;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Delayed;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.RunnableScheduledFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * Time that moves only when a test says so: the clock, the timers and the waits. {@link #advance}
 * runs what comes due, in its order, in the test's own thread, and ends the waits whose time has
 * come.
 */
final class FakeTime extends Time {
  private volatile long now = 1_000_000_000_000L;
  private Instant wall = Instant.parse("2026-01-01T00:00:00Z");
  private long sequence;
  private final TreeSet<Task<?>> tasks = new TreeSet<>();
  private final Scheduler scheduler = new Scheduler();
  private final boolean inCallersThread;
  private final LongAdder looks = new LongAdder();
  private final List<ThreadPoolExecutor> pools = new CopyOnWriteArrayList<>();
  private int waiting;

  FakeTime() {
    this(false);
  }

  private FakeTime(boolean inCallersThread) {
    this.inCallersThread = inCallersThread;
  }

  /**
   * Time in which a fetch runs in the thread that asks for it, so that nothing is ever under way
   * when {@link #advance} returns: days of many secrets pass in seconds, each time the same.
   */
  static FakeTime inCallersThread() {
    return new FakeTime(true);
  }

  @Override
  ExecutorService threads(String name, int most, long idleMillis) {
    if (inCallersThread) {
      return new Inline();
    }
    ExecutorService threads = super.threads(name, most, idleMillis);
    if (threads instanceof ThreadPoolExecutor pool) {
      pools.add(pool);
    }
    return threads;
  }

  /** How many of our tasks run. */
  int busy() {
    return pools.stream().mapToInt(ThreadPoolExecutor::getActiveCount).sum();
  }

  /** How many of our tasks wait for a thread. */
  int queued() {
    return pools.stream().mapToInt(pool -> pool.getQueue().size()).sum();
  }

  /** How often anybody has asked for the time, by either clock. */
  long looks() {
    return looks.sum();
  }

  /** Takes no lock, so that readers who ask for the time do not wait for each other. */
  @Override
  long nanos() {
    looks.increment();
    return now;
  }

  @Override
  synchronized Instant wall() {
    looks.increment();
    return wall;
  }

  @Override
  long wallNanos() {
    Instant now = wall();
    return TimeUnit.SECONDS.toNanos(now.getEpochSecond()) + now.getNano();
  }

  @Override
  ScheduledExecutorService scheduler() {
    return scheduler;
  }

  /** Sets the wall clock on or back. Nothing runs. */
  synchronized void setWall(Duration by) {
    wall = wall.plus(by);
  }

  /** Moves the monotonic clock alone on, and no timer has run yet. */
  synchronized void jump(Duration by) {
    now += by.toNanos();
  }

  /** Moves time on. Whatever a task schedules within the span runs too. */
  void advance(Duration span) {
    long end = now + span.toNanos();
    while (true) {
      Task<?> next;
      synchronized (this) {
        next = tasks.isEmpty() ? null : tasks.first();
        if (next == null || next.at - end > 0) {
          wall = wall.plusNanos(end - now);
          now = end;
          return;
        }
        tasks.remove(next);
        if (next.at - now > 0) {
          wall = wall.plusNanos(next.at - now);
          now = next.at;
        }
      }
      next.run();
    }
  }

  /** How many threads wait in {@link #await}. */
  synchronized int waiting() {
    return waiting;
  }

  /** Waits, in real time but bounded, until so many threads wait in fake time. */
  void awaitWaiting(int count) {
    Eventually.until(() -> waiting() >= count, () -> waiting() + " of " + count + " wait");
  }

  /** How long it is until the next task, if there is one. */
  synchronized Optional<Duration> untilNext() {
    return tasks.stream().findFirst().map(next -> Duration.ofNanos(Math.max(0, next.at - now)));
  }

  synchronized int scheduled() {
    return tasks.size();
  }

  @Override
  boolean await(CompletableFuture<?> future, long nanos) throws InterruptedException {
    if (future.isDone() || nanos <= 0) {
      return future.isDone();
    }
    var wake = new CompletableFuture<@Nullable Void>();
    var unused = future.whenComplete((value, failure) -> wake.complete(null));
    ScheduledFuture<?> limit =
        scheduler.schedule(() -> wake.complete(null), nanos, TimeUnit.NANOSECONDS);
    synchronized (this) {
      waiting++;
    }
    try {
      wake.get(60, TimeUnit.SECONDS); // Real: a test that forgets to advance must not hang.
    } catch (java.util.concurrent.ExecutionException | java.util.concurrent.TimeoutException e) {
      throw new AssertionError("Nobody moved the time on", e);
    } finally {
      limit.cancel(false);
      synchronized (this) {
        waiting--;
      }
    }
    return future.isDone();
  }

  @Override
  public void close() {
    scheduler.shutdownNow();
  }

  private final class Task<V> extends FutureTask<V> implements RunnableScheduledFuture<V> {
    private final long at;
    private final long order;

    Task(Callable<V> call, long at, long order) {
      super(call);
      this.at = at;
      this.order = order;
    }

    @Override
    protected void done() {
      if (isCancelled()) {
        synchronized (FakeTime.this) {
          tasks.remove(this);
        }
      }
    }

    @Override
    public boolean isPeriodic() {
      return false;
    }

    @Override
    public long getDelay(TimeUnit unit) {
      return unit.convert(at - nanos(), TimeUnit.NANOSECONDS);
    }

    @Override
    public int compareTo(Delayed other) {
      Task<?> that = (Task<?>) other;
      return Comparator.<Task<?>>comparingLong(t -> t.at)
          .thenComparingLong(t -> t.order)
          .compare(this, that);
    }

    @Override
    public boolean equals(Object other) {
      return this == other;
    }

    @Override
    public int hashCode() {
      return System.identityHashCode(this);
    }
  }

  private static final class Inline extends AbstractExecutorService {
    private volatile boolean shut;

    @Override
    public void execute(Runnable command) {
      if (shut) {
        throw new RejectedExecutionException("closed");
      }
      command.run();
    }

    @Override
    public void shutdown() {
      shut = true;
    }

    @Override
    public List<Runnable> shutdownNow() {
      shut = true;
      return List.of();
    }

    @Override
    public boolean isShutdown() {
      return shut;
    }

    @Override
    public boolean isTerminated() {
      return shut;
    }

    @Override
    public boolean awaitTermination(long timeout, TimeUnit unit) {
      return shut;
    }
  }

  private final class Scheduler extends AbstractExecutorService
      implements ScheduledExecutorService {
    private boolean shut;

    @Override
    public ScheduledFuture<?> schedule(Runnable command, long delay, TimeUnit unit) {
      return schedule(
          () -> {
            command.run();
            return true;
          },
          delay,
          unit);
    }

    @Override
    public <V> ScheduledFuture<V> schedule(Callable<V> callable, long delay, TimeUnit unit) {
      synchronized (FakeTime.this) {
        if (shut) {
          throw new RejectedExecutionException("closed");
        }
        Task<V> task = new Task<>(callable, now + Math.max(0, unit.toNanos(delay)), ++sequence);
        tasks.add(task);
        return task;
      }
    }

    @Override
    public ScheduledFuture<?> scheduleAtFixedRate(
        Runnable command, long initialDelay, long period, TimeUnit unit) {
      throw new UnsupportedOperationException("nothing here is periodic");
    }

    @Override
    public ScheduledFuture<?> scheduleWithFixedDelay(
        Runnable command, long initialDelay, long delay, TimeUnit unit) {
      throw new UnsupportedOperationException("nothing here is periodic");
    }

    @Override
    public void execute(Runnable command) {
      ScheduledFuture<?> unused = schedule(command, 0, TimeUnit.NANOSECONDS);
    }

    @Override
    public void shutdown() {
      shutdownNow();
    }

    @Override
    public List<Runnable> shutdownNow() {
      synchronized (FakeTime.this) {
        shut = true;
        List<Runnable> left = new ArrayList<>(tasks);
        tasks.clear();
        return left;
      }
    }

    @Override
    public boolean isShutdown() {
      synchronized (FakeTime.this) {
        return shut;
      }
    }

    @Override
    public boolean isTerminated() {
      return isShutdown();
    }

    @Override
    public boolean awaitTermination(long timeout, TimeUnit unit) {
      return isShutdown();
    }
  }
}
