package io.github.evercred;

import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.github.resilience4j.core.IntervalFunction;
import io.github.resilience4j.retry.Retry;
import io.github.resilience4j.retry.RetryConfig;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * How often a source is called: the attempts of one fetch, and a breaker over all of them. The one
 * place that knows Resilience4j.
 *
 * <p>The breaker opens when 5 of the last 10 calls failed transiently and lets one call through
 * after 2 s, doubling to 30 s. A definitive failure is an answer, and so is one that cannot be
 * read: both count as a success, so that no secret keeps others from being read. An attempt that
 * never returns is settled as a failure when its fetch is given up; without that, the one call that
 * a half-open breaker lets through could hold it half-open for ever.
 *
 * <p>Neither the breaker nor a retry is made before a call has failed, since loading them takes a
 * good part of the time to the first secret of a process. What succeeded before counts all the
 * same.
 */
final class CallPolicy {
  /** As many of the last calls as the breaker looks at. */
  private static final int WINDOW = 10;

  private final Time time;
  private volatile @Nullable SecretException lastFailure;

  /** Made for the first failure. */
  private volatile @Nullable CircuitBreaker breaker;

  /** Calls that succeeded before it was made, {@link #WINDOW} at most. */
  private int successes;

  /** Calls to the source that have not returned. */
  private final Set<Attempt> underWay = ConcurrentHashMap.newKeySet();

  /** Calls made, each attempt counted. */
  final LongAdder calls = new LongAdder();

  CallPolicy(Time time) {
    this.time = time;
  }

  private synchronized CircuitBreaker breaker() {
    CircuitBreaker made = breaker;
    if (made == null) {
      made = closedBreaker();
      for (int i = 0; i < successes; i++) {
        made.onSuccess(0, TimeUnit.NANOSECONDS);
      }
      breaker = made;
    }
    return made;
  }

  /** Returns whether there is no breaker yet, and none is needed. */
  private synchronized boolean isJustCounted() {
    if (breaker != null) {
      return false;
    }
    successes = Math.min(WINDOW, successes + 1);
    return true;
  }

  /** What the breaker lets through now. */
  SecretCacheHealth.Breaker breakerState() {
    CircuitBreaker made = breaker;
    if (made == null) {
      return SecretCacheHealth.Breaker.CLOSED;
    }
    return switch (made.getState()) {
      case OPEN, FORCED_OPEN -> SecretCacheHealth.Breaker.OPEN;
      case HALF_OPEN -> SecretCacheHealth.Breaker.HALF_OPEN;
      default -> SecretCacheHealth.Breaker.CLOSED;
    };
  }

  /** Forgets what calls have come to. */
  synchronized void reset() {
    breaker = null;
    successes = 0;
    lastFailure = null;
  }

  /** For each call to the source that has not returned, what is done when it has. */
  Stream<CompletableFuture<Void>> underWay() {
    return underWay.stream().map(attempt -> attempt.over);
  }

  private CircuitBreaker closedBreaker() {
    return CircuitBreaker.of(
        "evercred",
        CircuitBreakerConfig.custom()
            .slidingWindowType(CircuitBreakerConfig.SlidingWindowType.COUNT_BASED)
            .slidingWindowSize(WINDOW)
            .minimumNumberOfCalls(WINDOW)
            .failureRateThreshold(50)
            .permittedNumberOfCallsInHalfOpenState(1)
            .waitIntervalFunctionInOpenState(
                IntervalFunction.ofExponentialBackoff(
                    Duration.ofSeconds(2), 2, Duration.ofSeconds(30)))
            .currentTimestampFunction(clock -> time.elapsed(), TimeUnit.NANOSECONDS)
            .clock(new ElapsedClock(time))
            .build());
  }

  /** One fetch: up to {@code attempts} calls, none begun after {@code deadline}. */
  static final class Call<T> {
    private final Function<Duration, T> work;
    private final Executor threads;
    private final long deadline;
    private final long attemptNanos;
    final AtomicInteger attempts = new AtomicInteger();
    private final CompletableFuture<SecretException> givenUp = new CompletableFuture<>();
    private final Consumer<T> whenFetched;
    private volatile boolean over;
    private volatile boolean heldBack;
    private volatile @Nullable SecretException failed;

    /**
     * Describes a fetch.
     *
     * @param work calls the source, for as long as told at most
     * @param threads where it is called
     * @param deadline when no further attempt begins
     * @param attemptNanos the longest that one attempt may take
     * @param whenFetched hears of an answer, also of one that comes after the fetch was given up
     */
    Call(
        Function<Duration, T> work,
        Executor threads,
        long deadline,
        long attemptNanos,
        Consumer<T> whenFetched) {
      this.work = work;
      this.threads = threads;
      this.deadline = deadline;
      this.attemptNanos = attemptNanos;
      this.whenFetched = whenFetched;
    }

    /**
     * Makes the failure of a fetch whose source is not called, nor would be by another attempt.
     * What an attempt has come to says more than that there is no other.
     */
    private SecretException over(SecretException otherwise) {
      over = true;
      SecretException before = failed;
      return before != null ? before : otherwise;
    }

    /** Whether the breaker let none of its calls through. */
    boolean wasHeldBack() {
      return heldBack && attempts.get() == 0;
    }

    /** Ends the attempt that is under way, if one is, and begins no other. */
    void giveUp(SecretException why) {
      givenUp.complete(why);
    }
  }

  /**
   * Starts a fetch. The stage fails with a {@link SecretException} or an {@link Error}, or with one
   * of them as the cause of a {@code CompletionException}.
   */
  <T> CompletionStage<T> start(Call<T> call, int attempts) {
    CompletableFuture<T> first = attempt(call);
    return attempts == 1
        ? first
        : first
            .handle(
                (value, thrown) ->
                    thrown != null && mayBeTriedAgain(call, thrown)
                        ? tryAgain(call, attempts, first)
                        : first)
            .thenCompose(stage -> stage);
  }

  private static boolean mayBeTriedAgain(Call<?> call, Throwable thrown) {
    return !call.over
        && !call.givenUp.isDone()
        && thrown instanceof SecretException f
        && f.reason().isTransient()
        && !f.isFromASourceThatAnswers();
  }

  /** The failed attempt is the first of those that are counted. */
  private <T> CompletionStage<T> tryAgain(Call<T> call, int attempts, CompletableFuture<T> failed) {
    var first = new AtomicBoolean(true);
    RetryConfig config =
        RetryConfig.custom()
            .maxAttempts(attempts)
            .retryOnException(thrown -> mayBeTriedAgain(call, thrown))
            .intervalFunction(attempt -> (long) ((50 << attempt) * (0.5 + time.jitter())))
            .build();
    return Retry.of("evercred", config)
        .executeCompletionStage(
            time.scheduler(), () -> first.getAndSet(false) ? failed : attempt(call));
  }

  /** Every throw becomes a failed stage: one from a re-attempt would die in the scheduler. */
  private <T> CompletableFuture<T> attempt(Call<T> call) {
    var result = new CompletableFuture<T>();
    Runnable task = () -> run(call, result);
    try {
      call.threads.execute(task);
      CompletableFuture<Void> unused =
          call.givenUp.thenAccept(
              why -> {
                // Else a source that hangs would leave more and more in the queue.
                if (call.threads instanceof ThreadPoolExecutor pool && pool.remove(task)) {
                  result.completeExceptionally(why);
                }
              });
    } catch (RejectedExecutionException e) {
      result.completeExceptionally(
          call.over(new SecretException(SecretException.Reason.CLOSED, "the cache is closed", e)));
    }
    return result;
  }

  private <T> void run(Call<T> call, CompletableFuture<T> result) {
    long left = call.deadline - time.nanos();
    if (call.givenUp.isDone() || left <= 0) {
      result.completeExceptionally(
          call.over(
              new SecretException(
                  SecretException.Reason.UNAVAILABLE, "the time for it had passed", null)));
      return;
    }
    CircuitBreaker made = breaker;
    if (made != null && !made.tryAcquirePermission()) {
      call.heldBack = true;
      result.completeExceptionally(call.over(notCalled()));
      return;
    }
    call.attempts.incrementAndGet();
    calls.increment();
    Attempt attempt = new Attempt(time.nanos());
    underWay.add(attempt);
    CompletableFuture<Void> unused =
        call.givenUp.thenAccept(
            why -> {
              settle(attempt, why);
              result.completeExceptionally(why);
              attempt.interrupt();
            });
    try {
      Duration timeout = Duration.ofNanos(Math.min(left, call.attemptNanos));
      T value = Objects.requireNonNull(call.work.apply(timeout), "the source returned null");
      settle(attempt, null);
      call.whenFetched.accept(value); // Even when given up: a late answer may be the newest.
      result.complete(value);
    } catch (SecretException e) {
      settle(attempt, e);
      call.failed = e;
      result.completeExceptionally(e);
    } catch (Exception e) { // Also checked ones: Kotlin and Lombok throw them undeclared.
      var failed =
          new SecretException(
              SecretException.Reason.UNAVAILABLE,
              "the source failed with " + e.getClass().getName(),
              e);
      settle(attempt, failed);
      call.failed = failed;
      result.completeExceptionally(failed);
    } catch (Error e) {
      settle(attempt, e);
      result.completeExceptionally(e);
      throw e;
    } finally {
      attempt.end();
      underWay.remove(attempt);
      attempt.over.complete(null);
    }
  }

  /** The breaker is open, and the failure that holds it open is what must be known. */
  private SecretException notCalled() {
    SecretException last = lastFailure;
    String message = "not called, because its last calls failed; it is tried again in 30 s at most";
    return last == null
        ? new SecretException(SecretException.Reason.UNAVAILABLE, message, null)
        : new SecretException(
            last.reason(), message + ". The last failed with: " + last.getMessage(), last);
  }

  private void settle(Attempt attempt, @Nullable Throwable failure) {
    if (attempt.settled.compareAndSet(false, true)) {
      long took = time.nanos() - attempt.begun;
      if (failure == null || isAnswer(failure)) {
        if (!isJustCounted()) {
          breaker().onSuccess(took, TimeUnit.NANOSECONDS);
        }
      } else {
        if (failure instanceof SecretException e) {
          lastFailure = e;
        }
        breaker().onError(took, TimeUnit.NANOSECONDS, failure);
      }
    }
  }

  private static boolean isAnswer(Throwable failure) {
    return failure instanceof SecretException e
        && (!e.reason().isTransient()
            || e.reason() == SecretException.Reason.MALFORMED
            || e.isFromASourceThatAnswers());
  }

  /** One call in one thread, which may be interrupted as long as it lasts and no longer. */
  private static final class Attempt {
    final long begun;
    final AtomicBoolean settled = new AtomicBoolean();
    final CompletableFuture<Void> over = new CompletableFuture<>();
    private final Thread thread = Thread.currentThread();
    private boolean ended;

    Attempt(long begun) {
      this.begun = begun;
    }

    synchronized void interrupt() {
      if (!ended) {
        thread.interrupt();
      }
    }

    synchronized void end() {
      ended = true;
      Thread.interrupted(); // It was meant for this call, not for the thread's next one.
    }
  }

  /** Time as it passes, also while the process is frozen, in the form that the breaker asks for. */
  private static final class ElapsedClock extends Clock {
    private final Time time;

    ElapsedClock(Time time) {
      this.time = time;
    }

    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      return this;
    }

    @Override
    public Instant instant() {
      return Instant.EPOCH.plusNanos(time.elapsed());
    }
  }
}
