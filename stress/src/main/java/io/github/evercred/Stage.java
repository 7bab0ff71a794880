package io.github.evercred;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Delayed;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** What the races need: values, an entry, a cache whose timers never run. */
final class Stage {
  static final String NAME = "prod/orders/db";
  static final String ARN =
      "arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/orders/db-AbCdEf";
  static final Key KEY = new Key(NAME, VersionSelector.CURRENT);
  static final Freshness FRESHNESS = new Freshness(1L << 40, 1L << 41, 1L << 42, 1L << 42);
  static final Moment NOW = new Moment(0, 0);

  private Stage() {}

  static SecretValue value(String secretId, int version) {
    return SecretValue.builder(secretId, "00000000-0000-0000-0000-%012d".formatted(version))
        .arn(ARN)
        .text(Integer.toString(version));
  }

  static Entry.Snapshot snapshot(int number) {
    return FRESHNESS.fetched(value(NAME, number), number, NOW, 0);
  }

  static SecretCache cache(SecretSource source) {
    var settings =
        new Settings(
            FRESHNESS, 1L << 33, 1L << 32, 0, 0, 0, 10, false, false, 0, Set.of(), null, List.of());
    return new SecretCache(settings, source, false, new StillTime());
  }

  /** Time that does not pass for timers; waits are real and bounded. */
  private static final class StillTime extends Time {
    private static final ScheduledExecutorService NEVER =
        new ScheduledThreadPoolExecutor(1) {
          @Override
          public ScheduledFuture<?> schedule(Runnable task, long delay, TimeUnit unit) {
            return new Never();
          }
        };

    @Override
    long nanos() {
      return 0;
    }

    @Override
    Instant wall() {
      return Instant.EPOCH;
    }

    @Override
    long wallNanos() {
      return 0;
    }

    @Override
    ScheduledExecutorService scheduler() {
      return NEVER;
    }

    @Override
    boolean await(CompletableFuture<?> future, long nanos) throws InterruptedException {
      try {
        future.get(Duration.ofSeconds(10).toNanos(), TimeUnit.NANOSECONDS);
      } catch (ExecutionException | java.util.concurrent.CancellationException e) {
        return true;
      } catch (TimeoutException e) {
        return false;
      }
      return true;
    }

    @Override
    public void close() {}
  }

  private static final class Never extends FutureTask<Boolean> implements ScheduledFuture<Boolean> {
    Never() {
      super(() -> true);
    }

    @Override
    public long getDelay(TimeUnit unit) {
      return Long.MAX_VALUE;
    }

    @Override
    public int compareTo(Delayed other) {
      return 0;
    }
  }
}
