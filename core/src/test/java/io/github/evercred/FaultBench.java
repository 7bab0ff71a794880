package io.github.evercred;

import io.github.evercred.SecretException.Reason;
import io.github.evercred.testkit.Hold;
import io.github.evercred.testkit.LocalSecretsManager;
import io.github.evercred.testkit.Requests;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.exception.ApiCallAttemptTimeoutException;
import software.amazon.awssdk.core.exception.ApiCallTimeoutException;

/**
 * A cache with default options that reads from a local Secrets Manager: HTTP and the SDK's client
 * are real, the cache's time is not. The SDK's limit of an attempt is real, too, but another one:
 * short where the fault is that nothing comes in time, ample where something does, so that no
 * outcome depends on how fast this machine is. When it passes, the cache's time moves on by what
 * the cache had asked for.
 */
final class FaultBench implements AutoCloseable {
  static final String ID = CacheFixture.ID;
  private static final Duration SHORT = Duration.ofMillis(500);

  private static final String OPERATION = "GetSecretValue";

  /** For a request that was sent to be read by the server's thread. */
  private static final Duration ARRIVAL = Duration.ofSeconds(2);

  private static final Duration AMPLE = Duration.ofSeconds(20);

  /** Between two attempts: 200 ms, and up to half as much again. No other timer is that near. */
  private static final Duration LONGEST_PAUSE = Duration.ofMillis(300);

  final LocalSecretsManager secrets = LocalSecretsManager.start();
  final FakeTime time = new FakeTime();
  final SecretCache cache;
  private final FaultScenario fault;
  private final Attempts attempts = new Attempts();
  private Duration late = Duration.ZERO;
  private String filled = "";

  /**
   * What became of one read.
   *
   * @param got the value, or null
   * @param failed why there is none, or null
   * @param waited whether its thread had to wait while no call had been answered
   * @param took the cache's time until it ended
   * @param calls requests that arrived for it and for what it set off
   */
  record Outcome(
      @Nullable String got, @Nullable Reason failed, boolean waited, Duration took, int calls) {}

  private record End(@Nullable String got, @Nullable Reason failed, long at) {}

  FaultBench(FaultScenario fault) {
    this.fault = fault;
    secrets.createSecret(ID, "old");
    cache = SecretCache.builder().source(attempts).build(time);
  }

  /** The SDK's calls, and the passing of the time that they take. */
  private final class Attempts implements SecretSource {
    private final AwsSecretSource aws =
        AwsSecretSource.create(secrets.region(), secrets.endpoint());
    private final AtomicInteger made = new AtomicInteger();
    private final AtomicInteger underWay = new AtomicInteger();
    private volatile boolean hasty;
    private volatile @Nullable Long endsAt;

    private final Set<Thread> threads = ConcurrentHashMap.newKeySet();

    @Override
    public SecretValue fetch(SecretRequest request) {
      threads.add(Thread.currentThread());
      underWay.incrementAndGet();
      made.incrementAndGet();
      long end = time.nanos() + request.timeout().toNanos();
      try {
        return hasty ? inShort(request) : within(AMPLE, request);
      } catch (SecretException e) {
        if (isTimeout(e)) {
          endsAt = end;
          Eventually.until(() -> time.nanos() - end >= 0, () -> "time did not move");
          endsAt = null;
        }
        throw e;
      } finally {
        underWay.decrementAndGet();
      }
    }

    private SecretValue within(Duration limit, SecretRequest request) {
      return aws.fetch(new SecretRequest(request.secretId(), request.version(), limit));
    }

    /** On a busy machine the limit may pass before anything is sent. That is no attempt. */
    private SecretValue inShort(SecretRequest request) {
      int before = secrets.calls(OPERATION);
      while (true) {
        try {
          return within(SHORT, request);
        } catch (SecretException e) {
          if (!isTimeout(e) || hasArrived(before + 1)) {
            throw e;
          }
        }
      }
    }

    private boolean isTimeout(SecretException e) {
      return e.getCause() instanceof ApiCallTimeoutException
          || e.getCause() instanceof ApiCallAttemptTimeoutException;
    }

    private boolean hasArrived(int calls) {
      long end = System.nanoTime() + ARRIVAL.toNanos();
      while (secrets.calls(OPERATION) < calls) {
        if (System.nanoTime() - end > 0) {
          return false;
        }
        LockSupport.parkNanos(100_000);
      }
      return true;
    }

    /** Whether all threads have come back from their calls, and from what follows, too. */
    boolean areIdle() {
      return underWay.get() == 0
          && threads.stream()
              .map(Thread::getState)
              .noneMatch(state -> state == Thread.State.RUNNABLE || state == Thread.State.BLOCKED);
    }

    @Override
    public String description() {
      return aws.description();
    }
  }

  /** Fills the cache while all is well. */
  void fill() {
    Outcome filling = read();
    if (!"old".equals(filling.got())) {
      throw new AssertionError("Could not fill the cache: " + filling);
    }
    filled = secrets.versionId(ID, "AWSCURRENT").orElseThrow();
  }

  void rotate() {
    secrets.putSecretValue(ID, FakeSource.version(2), "new", "AWSCURRENT");
  }

  void beginFault() {
    fault.begin(secrets, ID);
    attempts.hasty = fault.outlastsAttempts();
    late = fault.late();
  }

  void endFault(String current) {
    fault.end(secrets, ID, current);
    attempts.hasty = false;
    late = Duration.ZERO;
  }

  /** Lets a span pass, and what it sets off come to its end. */
  void pass(Duration span) {
    time.advance(span);
    awaitRest(() -> true);
  }

  /** Reads the current version. */
  Outcome read() {
    return read(hold(), () -> cache.get(ID));
  }

  /** Asks for another version than the one that was cached when all was well. */
  Outcome force() {
    return read(hold(), () -> cache.refreshUnless(ID, filled));
  }

  /**
   * Reads when the timer has just started a refresh: at most {@code refreshAfter} from now, for a
   * value that has just been fetched, and read since.
   */
  Outcome readWhenDue() {
    Hold hold = hold();
    time.advance(Duration.ofSeconds(269));
    for (int i = 0; i < 31 && hold.held() == 0; i++) {
      time.advance(Duration.ofSeconds(1));
      Eventually.until(() -> isAtRest() || hold.held() > 0, () -> "no end of a refresh");
    }
    return read(hold, () -> cache.get(ID));
  }

  private Hold hold() {
    return secrets.hold(Requests.all());
  }

  /** Reads while calls are held back, then lets them go and waits until nothing is under way. */
  private Outcome read(Hold hold, Callable<SecretValue> read) {
    int before = attempts.made.get() - attempts.underWay.get();
    long begun = time.nanos();
    Crew<End> reader = Crew.of(1, () -> end(read));
    Eventually.until(() -> reader.isDone() || time.waiting() > 0, () -> "neither waits nor ends");
    boolean waited = !reader.isDone();
    time.advance(late);
    hold.release();
    awaitRest(reader::isDone);
    End end = reader.value();
    return new Outcome(
        end.got(), end.failed(), waited, Duration.ofNanos(end.at() - begun), arrived() - before);
  }

  private End end(Callable<SecretValue> read) throws Exception {
    String got = null;
    Reason failed = null;
    try {
      got = read.call().asString();
    } catch (SecretException e) {
      failed = e.reason();
    }
    return new End(got, failed, time.nanos());
  }

  /** Lets time pass over attempts and the pauses between them, until nothing is under way. */
  private void awaitRest(BooleanSupplier readers) {
    Eventually.until(
        () -> {
          Long end = attempts.endsAt;
          if (end != null) {
            time.advance(Duration.ofNanos(Math.max(0, end - time.nanos())));
          } else if (readers.getAsBoolean() && isAtRest()) {
            return true;
          } else {
            time.untilNext()
                .filter(next -> next.compareTo(LONGEST_PAUSE) <= 0)
                .ifPresent(time::advance);
          }
          return false;
        },
        () -> "still at work, next in " + time.untilNext());
  }

  /**
   * Whether no flight is under way: then all that is scheduled is the timer of what is cached. A
   * thread that is about to end a flight may look like that for a moment, while it replaces a timer
   * by another, so the threads must be idle, too.
   */
  private boolean isAtRest() {
    return isAllScheduled() && attempts.areIdle() && isAllScheduled();
  }

  private boolean isAllScheduled() {
    return time.scheduled() == cache.size();
  }

  /** The requests that have arrived, once those of all attempts have. */
  private int arrived() {
    Eventually.until(
        () -> secrets.calls(OPERATION) >= attempts.made.get(),
        () -> secrets.calls() + " for " + attempts.made + " attempts");
    if (!Set.of(OPERATION).containsAll(secrets.calls().keySet())) {
      throw new AssertionError("Other calls than " + OPERATION + ": " + secrets.calls());
    }
    return secrets.calls(OPERATION);
  }

  @Override
  public void close() {
    secrets.close();
    cache.close();
    attempts.aws.close();
  }
}
