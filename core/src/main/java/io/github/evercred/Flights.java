package io.github.evercred;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Stream;
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

  private static final long IDLE_MILLIS = 10_000;

  /** Where a flight ends. Called in the flight's thread or the timer's; must not block. */
  interface Landing {
    /** A flight is about to call the source. */
    void begins(Flight flight);

    void fetched(Flight flight, SecretValue value);

    /** Returns the versions of a secret as they were seen last, if they are held. */
    @Nullable SecretVersions known(Key key);

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
    /** Somebody wants to know what is current now, whatever is cached anywhere. */
    FORCED(3),
    /** For a login that was refused. */
    PROBE(3);

    private final int attempts;

    Purpose(int attempts) {
      this.attempts = attempts;
    }

    /** Whether an answer out of a cache that the source has will not do. */
    boolean wantsFresh() {
      return this == FORCED || this == PROBE;
    }
  }

  /** One fetch under way. */
  static final class Flight {
    final Key key;
    final Purpose purpose;
    final long number;
    final long begun;
    final CompletableFuture<SecretValue> end = new CompletableFuture<>();
    final Moment began;
    private final AtomicBoolean landed = new AtomicBoolean();
    private CallPolicy.@Nullable Call<?> call;
    private int earlierAttempts;
    private volatile boolean forgotten;
    private volatile boolean lost;
    private volatile boolean grounded;
    private volatile @Nullable Future<?> limit;

    private Flight(Flights flights, Key key, Purpose purpose) {
      this.key = key;
      this.purpose = purpose;
      this.number = flights.numbers.incrementAndGet();
      this.began = flights.time.now();
      this.begun = began.mono();
    }

    /** Whether what it brings must not be cached, because the secret was invalidated meanwhile. */
    boolean isForgotten() {
      return forgotten;
    }

    /**
     * Whether it was given up so late that the process must have been frozen. That its calls came
     * to nothing then says nothing of the source.
     */
    boolean isLost() {
      return lost;
    }

    /** Whether it was ended by a checkpoint, which says nothing of the secret. */
    boolean isGrounded() {
      return grounded;
    }

    synchronized int attempts() {
      return earlierAttempts + (call == null ? 0 : call.attempts.get());
    }

    /** Whether it ended without a call, because the breaker let none through. */
    synchronized boolean wasHeldBack() {
      return earlierAttempts == 0 && call != null && call.wasHeldBack();
    }

    /** Returns whether this call may be made: not once the flight has been given up. */
    private synchronized boolean goesOnWith(CallPolicy.Call<?> next) {
      if (landed.get()) {
        return false;
      }
      earlierAttempts = attempts();
      call = next;
      return true;
    }

    private void stop(SecretException why) {
      CallPolicy.Call<?> last;
      synchronized (this) {
        last = call;
      }
      if (last != null) {
        last.giveUp(why);
      }
    }
  }

  private final Time time;
  private final SecretSource source;
  private final Landing landing;
  private final CallPolicy policy;
  private static final int OVERLAP_ROUNDS = 3;

  private final long loadNanos;
  private final long attemptNanos;
  private final AtomicLong numbers = new AtomicLong();
  private final ConcurrentHashMap<Key, Flight> running = new ConcurrentHashMap<>();

  /** All that have not landed, also those whose place in {@code running} a probe has taken. */
  private final Set<Flight> aloft = ConcurrentHashMap.newKeySet();

  private final long idleMillis;
  private volatile ExecutorService loads;
  private volatile ExecutorService probes;
  private volatile @Nullable Moment lookedForOverdue;
  private volatile boolean closed;

  /** While the process is being checkpointed. */
  private volatile boolean grounded;

  /** What was wanted then, and is not to be had. */
  private final Set<Key> missed = ConcurrentHashMap.newKeySet();

  /**
   * Starts nothing yet.
   *
   * @param threadsEndAtOnce whether threads end with their work: the SDK keeps what it has read in
   *     buffers that belong to its thread
   */
  Flights(
      Time time,
      SecretSource source,
      long loadNanos,
      long attemptNanos,
      boolean threadsEndAtOnce,
      Landing landing) {
    this.time = time;
    this.source = source;
    this.loadNanos = loadNanos;
    this.attemptNanos = attemptNanos;
    this.landing = landing;
    this.policy = new CallPolicy(time);
    this.idleMillis = threadsEndAtOnce ? 1 : IDLE_MILLIS;
    this.loads = loadThreads();
    this.probes = probeThreads();
  }

  private ExecutorService loadThreads() {
    return time.threads("evercred-fetch-", 8, idleMillis);
  }

  private ExecutorService probeThreads() {
    return time.threads("evercred-probe-", 4, idleMillis);
  }

  /**
   * Returns the flight that runs for this key, or starts one, unless another has landed between the
   * caller's own look and this start.
   */
  Flight join(Key key, Purpose purpose, Meanwhile meanwhile) {
    while (true) {
      Flight other = joinable(key);
      if (other != null && isEnough(other, purpose)) {
        return other;
      }
      giveUpOverdue();
      Flight mine = new Flight(this, key, purpose);
      if (other == null
          ? running.putIfAbsent(key, mine) != null
          : !running.replace(key, other, mine)) {
        continue;
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
  }

  /** Whether what a flight brings will do: not if it may be a copy that the source has. */
  boolean isEnough(Flight other, Purpose purpose) {
    return !purpose.wantsFresh() || other.purpose.wantsFresh() || !source.hasCache();
  }

  /**
   * After a freeze the calls that were under way are dead, and may hold all threads. Their timers
   * see to that otherwise; so it is enough to look now and then.
   */
  private void giveUpOverdue() {
    Moment now = time.now();
    Moment last = lookedForOverdue;
    if (last != null && now.since(last) < loadNanos) {
      return;
    }
    lookedForOverdue = now;
    for (Flight flight : aloft) {
      if (now.since(flight.began) >= 2 * loadNanos) {
        giveUp(flight);
        running.remove(flight.key, flight);
      }
    }
  }

  /** The one that runs, if its time is not over: after a freeze its own timer may come late. */
  private @Nullable Flight joinable(Key key) {
    Flight other = running.get(key);
    if (other != null && time.now().since(other.began) >= 2 * loadNanos) {
      giveUp(other);
      running.remove(key, other);
      return null;
    }
    return other;
  }

  /** Returns a flight that began no earlier than the given time, or starts one. */
  Flight joinBegunAfter(Key key, long notBefore) {
    while (true) {
      Flight other = running.get(key);
      if (other != null && other.begun - notBefore >= 0 && isEnough(other, Purpose.PROBE)) {
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

  /** The number of the last that has begun. */
  long last() {
    return numbers.get();
  }

  /** How many have not landed. */
  int aloft() {
    return aloft.size();
  }

  /** Calls made, each attempt counted. */
  long calls() {
    return policy.calls.sum();
  }

  /** What the breaker over those lets through now. */
  SecretCacheHealth.Breaker breaker() {
    return policy.breakerState();
  }

  /** Describes what is under way, a line each. */
  List<String> describe() {
    long now = time.nanos();
    return aloft.stream()
        .map(
            flight ->
                "%s: %s for %s, %d attempts"
                    .formatted(
                        flight.key,
                        flight.purpose,
                        Duration.ofNanos(now - flight.begun),
                        flight.attempts()))
        .sorted()
        .toList();
  }

  /** How many fetches are under way. */
  int size() {
    return Math.max(running.size(), aloft.size());
  }

  @Nullable Flight running(Key key) {
    return running.get(key);
  }

  /**
   * Fetches several in one call. Those for which a flight runs already are left to that; those that
   * the batch leaves out, or fails in a way that may pass, are fetched on their own.
   *
   * @param singly whether to fetch each on its own from the start
   * @return a flight for each key, which ends as any other
   */
  List<Flight> batch(List<Key> keys, boolean singly, Consumer<SecretException> whenRefused) {
    var all = new ArrayList<Flight>();
    var mine = new LinkedHashMap<String, Flight>();
    for (Key key : keys) {
      Flight other = joinable(key);
      Flight flight = other == null ? new Flight(this, key, Purpose.LOAD) : other;
      other = other == null ? running.putIfAbsent(key, flight) : other;
      all.add(other == null ? flight : other);
      if (other == null) {
        if (singly) {
          launch(flight);
        } else if (takesOff(flight)) {
          mine.put(key.secretId(), flight);
        }
      }
    }
    if (!mine.isEmpty()) {
      var call =
          new CallPolicy.Call<SecretBatch>(
              timeout -> source.fetchBatch(List.copyOf(mine.keySet()), timeout),
              loads,
              time.nanos() + loadNanos,
              attemptNanos,
              batch -> {});
      mine.values().forEach(flight -> flight.goesOnWith(call));
      CompletionStage<SecretBatch> unused =
          policy
              .start(call, Purpose.LOAD.attempts)
              .whenComplete((batch, thrown) -> arrive(mine, batch, thrown, whenRefused));
    }
    return all;
  }

  private void arrive(
      Map<String, Flight> flights,
      @Nullable SecretBatch batch,
      @Nullable Throwable thrown,
      Consumer<SecretException> whenRefused) {
    SecretException whole = batch == null ? failure(thrown) : null;
    // What need not stand against each of its secrets: a policy without BatchGetSecretValue, its
    // smaller quota, a stand-in for AWS that does not know it; one secret that spoils the others.
    boolean singly =
        whole != null
            && switch (whole.reason()) {
              case UNAVAILABLE, AWS_CREDENTIALS, CLOCK_SKEW, CONFIGURATION, CLOSED -> false;
              default -> true;
            };
    if (singly) {
      whenRefused.accept(whole);
    }
    flights.forEach(
        (id, flight) -> {
          SecretValue value = batch == null ? null : batch.values().get(id);
          SecretException failed = batch == null ? whole : batch.failures().get(id);
          if (value != null) {
            landing.fetched(flight, value);
            land(flight, value);
          } else if (failed != null
              && !singly
              && (batch == null || !failed.reason().isTransient())) {
            land(flight, failed);
          } else {
            start(flight);
          }
        });
  }

  /**
   * Keeps what is under way for these keys from being cached, and others from joining it.
   *
   * @return the number of the last flight that has begun
   */
  long forget(Predicate<Key> which) {
    long last = numbers.get();
    Stream.concat(aloft.stream(), running.values().stream())
        .filter(flight -> which.test(flight.key))
        .forEach(
            flight -> {
              flight.forgotten = true;
              running.remove(flight.key, flight);
            });
    return last;
  }

  private Flight launch(Flight flight) {
    if (takesOff(flight)) {
      start(flight);
      if (closed) {
        land(flight, closedFailure()); // close() may have missed it.
      }
    }
    return flight;
  }

  private boolean takesOff(Flight flight) {
    aloft.add(flight);
    if (closed) {
      land(flight, closedFailure());
      return false;
    }
    if (grounded) {
      ground(flight);
      return false;
    }
    try {
      flight.limit =
          time.scheduler().schedule(() -> giveUp(flight), 2 * loadNanos, TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException e) {
      land(flight, closedFailure());
      return false;
    }
    landing.begins(flight);
    return true;
  }

  private void start(Flight flight) {
    long deadline = time.nanos() + loadNanos;
    CompletionStage<SecretValue> end =
        flight.key.version().equals(VersionSelector.ALL)
            ? overlap(flight, deadline, OVERLAP_ROUNDS, landing.known(flight.key))
                .whenComplete(
                    (value, failure) -> {
                      if (value != null) {
                        landing.fetched(flight, value);
                      }
                    })
            : call(flight, flight.key.version(), deadline, value -> landing.fetched(flight, value));
    CompletionStage<SecretValue> unused =
        end.whenComplete((value, failure) -> land(flight, value != null ? value : failure));
  }

  private CompletionStage<SecretValue> call(
      Flight flight, VersionSelector version, long deadline, Consumer<SecretValue> whenFetched) {
    var call =
        new CallPolicy.Call<SecretValue>(
            timeout ->
                source.fetch(
                    new SecretRequest(
                        flight.key.secretId(), version, timeout, flight.purpose.wantsFresh())),
            flight.purpose == Purpose.PROBE ? probes : loads,
            deadline,
            attemptNanos,
            whenFetched);
    return flight.goesOnWith(call)
        ? policy.start(call, flight.purpose.attempts)
        : CompletableFuture.failedFuture(closedFailure());
  }

  /**
   * Reads the three labels of one secret so that they belong together: AWSPENDING, then AWSCURRENT,
   * then AWSPREVIOUS. A rotation that ends in between shows, because the version that was current
   * then comes as the previous one; a version that was pending and is current now comes as both.
   * Where there is doubt they are read again: two equal rounds are one state.
   */
  private CompletionStage<SecretValue> overlap(
      Flight flight, long deadline, int rounds, @Nullable SecretVersions last) {
    return ifAny(
            call(flight, VersionSelector.PENDING, deadline, value -> {}), SecretVersions::isAbsent)
        .thenCompose(
            pending ->
                call(flight, VersionSelector.CURRENT, deadline, value -> {})
                    .thenCompose(
                        current ->
                            ifAny(
                                    call(flight, VersionSelector.PREVIOUS, deadline, value -> {}),
                                    failure -> failure.reason() == SecretException.Reason.NOT_FOUND)
                                .thenCompose(
                                    previous -> {
                                      var all = SecretVersions.of(current, previous, pending);
                                      if (all.areSameAs(last)
                                          || !SecretVersions.areDoubtful(
                                              current, previous, pending)) {
                                        return CompletableFuture.completedFuture(all.standing());
                                      }
                                      return rounds > 1
                                          ? overlap(flight, deadline, rounds - 1, all)
                                          : CompletableFuture.failedFuture(
                                              SecretVersions.keptMoving());
                                    })));
  }

  private static CompletionStage<Optional<SecretValue>> ifAny(
      CompletionStage<SecretValue> fetched, Predicate<SecretException> isAbsent) {
    return fetched
        .handle(
            (value, thrown) -> {
              if (value != null) {
                return CompletableFuture.completedFuture(Optional.of(value));
              }
              SecretException failure = failure(thrown);
              return isAbsent.test(failure)
                  ? CompletableFuture.completedFuture(Optional.<SecretValue>empty())
                  : CompletableFuture.<Optional<SecretValue>>failedFuture(failure);
            })
        .thenCompose(stage -> stage);
  }

  private void giveUp(Flight flight) {
    flight.lost = time.now().since(flight.began) >= 4 * loadNanos;
    var why =
        new SecretException(
            SecretException.Reason.UNAVAILABLE,
            "no answer within %s, twice loadTimeout".formatted(Duration.ofNanos(2 * loadNanos)),
            null);
    land(flight, why);
    flight.stop(why);
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

  /**
   * Lets no flight start any more, and those in the air go on for a while: what they bring is for
   * their waiters alone. Then ends what is left of them, interrupts the calls, and ends all
   * threads: the SDK leaves what it has read in buffers that belong to its thread.
   *
   * @param patience how long they may go on
   * @return whether no thread is left
   */
  boolean ground(long patience) {
    grounded = true;
    long unused = forget(key -> true);
    aloft.forEach(this::miss);
    boolean interrupted = false;
    try {
      quiet(patience);
    } catch (InterruptedException e) {
      interrupted = true; // Whoever checkpoints is in a hurry.
    }
    aloft.forEach(this::ground);
    boolean ended = endThreads();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return ended;
  }

  /** Interrupts the threads and waits a second for them; returns whether they have ended. */
  private boolean endThreads() {
    loads.shutdownNow();
    probes.shutdownNow();
    try {
      long limit = TimeUnit.SECONDS.toNanos(1);
      long begun = System.nanoTime();
      return loads.awaitTermination(limit, TimeUnit.NANOSECONDS)
          && probes.awaitTermination(limit - (System.nanoTime() - begun), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return loads.isTerminated() && probes.isTerminated();
    }
  }

  private void miss(Flight flight) {
    if (flight.purpose != Purpose.PROBE) {
      missed.add(flight.key);
    }
  }

  private void ground(Flight flight) {
    miss(flight);
    flight.grounded = true;
    land(flight, checkpointFailure());
    flight.stop(checkpointFailure());
  }

  /** Waits until no flight is in the air and no call is under way; one may follow another. */
  private void quiet(long patience) throws InterruptedException {
    long end = time.in(patience);
    while (true) {
      var ends = new ArrayList<CompletableFuture<?>>(policy.underWay().toList());
      aloft.forEach(flight -> ends.add(flight.end));
      if (ends.isEmpty()) {
        return;
      }
      var all = CompletableFuture.allOf(ends.toArray(CompletableFuture<?>[]::new));
      if (!time.await(all, end - time.nanos())) {
        return;
      }
    }
  }

  /**
   * Lets flights start again, as if none had been before.
   *
   * @return the keys that were wanted meanwhile, or were being fetched when it began
   */
  Set<Key> resume() {
    policy.reset();
    lookedForOverdue = null;
    loads = loadThreads();
    probes = probeThreads();
    grounded = false;
    if (closed) { // It may have missed them.
      loads.shutdownNow();
      probes.shutdownNow();
    }
    var wanted = new HashSet<>(missed);
    missed.clear();
    return wanted;
  }

  static SecretException checkpointFailure() {
    return new SecretException(
        SecretException.Reason.UNAVAILABLE,
        "The process is being checkpointed (AWS Lambda SnapStart, CRaC): no secret can be read before"
            + " it has been restored. Read it before the checkpoint, or after the restore.",
        null);
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
      flight.stop(closedFailure());
    }
    boolean unused = endThreads();
  }
}
