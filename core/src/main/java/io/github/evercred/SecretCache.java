package io.github.evercred;

import io.github.evercred.Entry.Snapshot;
import io.github.evercred.Entry.State;
import io.github.evercred.Flights.Flight;
import io.github.evercred.Flights.Purpose;
import io.github.evercred.SecretException.Reason;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * An in-memory copy of AWS Secrets Manager secrets that stays usable while secrets rotate and while
 * Secrets Manager is away.
 *
 * <p>A read is answered from memory. Once a copy is older than {@code refreshAfter} it is still
 * returned at once while one background fetch runs. A copy that nobody has tried to refresh for
 * {@code revalidateAfter} is refreshed before it is returned. While refreshing fails, the copy is
 * served up to {@code serveStaleFor} (up to {@code serveStaleWhenDeniedFor} where AWS says no), and
 * after that never.
 *
 * <p><b>Threads.</b> Instances are thread-safe. A hit takes no lock, looks at no clock and makes no
 * call. Concurrent misses of one secret share one fetch, and all of them get its value or an
 * exception with its reason, each its own. A waiting thread can be interrupted. The cache starts
 * its own daemon threads when it first needs them.
 *
 * <p><b>Failure.</b> {@code get} throws a {@link SecretException} where nothing usable is cached.
 * The failure is remembered ({@code rememberFailureFor}), so that an outage costs no more calls
 * than health does.
 *
 * <p><b>Memory.</b> At most {@code maximumSecrets} values are held, until evicted, expired or
 * {@linkplain #close closed}: in clear text on the Java heap, or encrypted if the cache is
 * {@linkplain SecretCacheBuilder#sealed() sealed}. They are never written to a log, a message, a
 * {@code toString} or a file. Nothing here accepts or returns null unless it says so.
 */
public final class SecretCache implements AutoCloseable {

  /*
   * A read finds an entry in a map that is bounded by size alone and returns its value. Age is not
   * the reader's business: looking at a clock costs more than the read. A timer, one per entry, moves
   * the entry's state: FRESH (return it), DUE (return it and start a refresh), LAPSED (refresh it
   * first). At the moment a refresh comes due the timer starts it itself if anybody has read the
   * entry since the last one; if nobody has, the entry becomes DUE and later LAPSED, and AWS is
   * spared until the next reader. Where the process may be frozen the timer can be late, and each
   * read asks both clocks what the state should be.
   *
   * An entry's snapshot is immutable and replaced by compare-and-set, so no reader sees half of a
   * change. What comes next is a pure function of the snapshot and the time (Freshness). Values come
   * from flights (Flights), one per key; a flight publishes (Entries) before it leaves the map of
   * running flights, and a starting flight looks for what has been published, so that no miss falls
   * between.
   */

  private static final long PROBE_INTERVAL = Duration.ofMillis(250).toNanos();
  private static final long FIRST_LOOK = Duration.ofMillis(250).toNanos();
  private static final long LONGEST_LOOK = Duration.ofSeconds(4).toNanos();

  private final Time time;
  private final SecretSource source;
  private final String where;
  private final boolean ownsSource;
  private final @Nullable Sealer sealer;
  private final Settings settings;
  private final Events events;
  final Entries entries;
  final Flights flights;
  private final Restoring restoring;
  private final boolean mayFreeze;
  private final boolean countHits;
  private final Set<Expected> expecting = ConcurrentHashMap.newKeySet();
  private final CompletableFuture<Void> closed = new CompletableFuture<>();

  /** What keeps values of this cache beside it, and how that is made to forget them. */
  private final Map<Object, Consumer<Object>> keepers = new WeakHashMap<>();

  /** What was held before a checkpoint. */
  private final Set<Key> heldBefore = ConcurrentHashMap.newKeySet();

  /** From a checkpoint to its restore. */
  private volatile boolean suspended;

  /** Its other holders hold it weakly. */
  @SuppressWarnings({"unused", "FieldCanBeLocal"})
  private final @Nullable Object hook;

  /** What its options were set to, and where. */
  private final List<CacheOption.Decided> options;

  SecretCache(Settings settings, SecretSource source, boolean ownsSource, Time time) {
    this(settings, source, ownsSource, null, time);
  }

  SecretCache(
      Settings settings,
      SecretSource source,
      boolean ownsSource,
      @Nullable Sealer sealer,
      Time time) {
    this(settings, List.of(), source, ownsSource, sealer, time);
  }

  /**
   * Holds nothing yet.
   *
   * @param options what its options were set to, and where
   * @param sealer seals what is held; closed with this; null if nothing is sealed
   */
  SecretCache(
      Settings settings,
      List<CacheOption.Decided> options,
      SecretSource source,
      boolean ownsSource,
      @Nullable Sealer sealer,
      Time time) {
    this.settings = settings;
    this.options = options;
    this.sealer = sealer;
    this.source =
        sealer == null ? source : new SealingSource(source, sealer, settings.rememberFirst(), time);
    this.where = source.description();
    this.ownsSource = ownsSource;
    this.time = time;
    this.mayFreeze = settings.mayFreeze();
    this.countHits = settings.countHits();
    this.events = new Events(settings.listeners());
    this.entries = new Entries(settings, where, time, events, this::startRefresh);
    this.flights =
        new Flights(
            time, this.source, settings.load(), settings.attempt(), sealer != null, entries);
    this.restoring = new Restoring(entries, flights, this.source, sealer, time, this::startRefresh);
    this.hook = Checkpoints.tell(this);
  }

  /**
   * Returns a cache with default options, unless system properties or the environment say otherwise
   * (see {@link SecretCacheBuilder}), that reads from AWS wherever the SDK's default region and
   * credentials work. Touches neither until the first read.
   *
   * @return a new cache
   */
  public static SecretCache create() {
    return builder().build();
  }

  /**
   * Starts a cache with options of one's own.
   *
   * @return a builder
   */
  public static SecretCacheBuilder builder() {
    return new SecretCacheBuilder();
  }

  /**
   * Returns the current version of a secret. Waits only where nothing usable is cached, for {@code
   * loadTimeout} at most.
   *
   * @param secretId name or ARN
   * @return the version that carries AWSCURRENT
   * @throws SecretException if nothing usable is cached and none can be had
   */
  public SecretValue get(String secretId) {
    Entry entry = entries.find(Objects.requireNonNull(secretId, "secretId"));
    if (entry != null) {
      Snapshot snapshot = entry.snapshot();
      if (isFresh(entry, snapshot)) {
        entry.markRead();
        if (countHits) {
          events.hits.increment();
        }
        return snapshot.value();
      }
    }
    return read(key(secretId, VersionSelector.CURRENT), Time.FOREVER);
  }

  /**
   * Returns any version of a secret. A version asked for by id is immutable and never refreshed.
   *
   * @param secretId name or ARN
   * @param version staging label or version id
   * @return that version
   * @throws SecretException as {@link #get(String)} does
   */
  public SecretValue get(String secretId, VersionSelector version) {
    return read(key(secretId, version), Time.FOREVER);
  }

  /**
   * Returns any version of a secret, waiting no longer than told.
   *
   * @param secretId name or ARN
   * @param version staging label or version id
   * @param atMost the longest wait; zero or less means not at all
   * @return that version
   * @throws SecretException as {@link #get(String)} does; with {@link Reason#TIMED_OUT} if the wait
   *     was cut short by {@code atMost}
   */
  public SecretValue get(String secretId, VersionSelector version, Duration atMost) {
    return read(key(secretId, version), nanos(atMost));
  }

  /**
   * Returns the current version of a secret without ever blocking the caller.
   *
   * @param secretId name or ARN
   * @return a future that is done already where {@link #get(String)} would not wait. It fails with
   *     the {@link SecretException} that {@code get} would throw, after {@code loadTimeout} at the
   *     latest. Stages that depend on it run in its {@linkplain CompletableFuture#defaultExecutor
   *     default executor} or in the caller's thread. Cancelling it stops no fetch, as others may
   *     wait for it
   */
  public CompletableFuture<SecretValue> getAsync(String secretId) {
    return getAsync(secretId, VersionSelector.CURRENT);
  }

  /**
   * Returns any version of a secret without ever blocking the caller.
   *
   * @param secretId name or ARN
   * @param version staging label or version id
   * @return as {@link #getAsync(String)}
   */
  public CompletableFuture<SecretValue> getAsync(String secretId, VersionSelector version) {
    return readAsync(key(secretId, version));
  }

  /**
   * Returns the current, the previous and the pending version as they stood together at one time:
   * for whoever must accept more than one during a rotation. The three are refreshed together, by
   * three calls (by six or nine if their labels may have moved meanwhile), and replaced at once;
   * while one of them cannot be had the last three are served, as for {@link #get(String)}. A
   * pending version that is created meanwhile may not be seen before the next refresh. A secret
   * without a previous or pending version is no failure, nor is a pending one that a policy keeps
   * from this caller.
   *
   * @param secretId name or ARN
   * @return the versions
   * @throws SecretException as {@link #get(String)} does
   */
  public SecretVersions versions(String secretId) {
    SecretValue current = read(key(secretId, VersionSelector.ALL), Time.FOREVER);
    return Objects.requireNonNull(current.versions());
  }

  /**
   * Returns a handle on the current version of a secret, for reads that must cost next to nothing.
   * Makes no call.
   *
   * @param secretId name or ARN
   * @return a handle, which holds for as long as this cache is open
   */
  public SecretHandle handle(String secretId) {
    return handle(secretId, VersionSelector.CURRENT);
  }

  /**
   * Returns a handle on any version of a secret.
   *
   * @param secretId name or ARN
   * @param version staging label or version id
   * @return a handle, which holds for as long as this cache is open
   */
  public SecretHandle handle(String secretId, VersionSelector version) {
    return new SecretHandle(this, key(secretId, version));
  }

  /**
   * Fetches the current version now, unless a fetch of it began within {@code minimumInterval}:
   * then the cached value is returned at once. Never sleeps; calls at the same moment share one
   * fetch.
   *
   * @param secretId name or ARN
   * @return the current version
   * @throws SecretException if the fetch fails; what is cached stays
   */
  public SecretValue refresh(String secretId) {
    return refresh(key(secretId, VersionSelector.CURRENT), null);
  }

  /**
   * Fetches the current version now, unless what is cached already differs from the version that
   * failed: that is returned at once. This is what a user of a credential calls when the credential
   * was refused. Otherwise as {@link #refresh(String)}.
   *
   * @param secretId name or ARN
   * @param failedVersionId the version that did not work
   * @return the current version, which may still be the one that failed
   * @throws SecretException if the fetch fails; what is cached stays
   */
  public SecretValue refreshUnless(String secretId, String failedVersionId) {
    return refresh(
        key(secretId, VersionSelector.CURRENT),
        Objects.requireNonNull(failedVersionId, "failedVersionId"));
  }

  /**
   * Fetches the current, the previous and the pending version now, as {@link #versions} reads them,
   * unless a fetch of the three began within {@code minimumInterval}: then the cached ones are
   * returned at once. This is what a verifier calls that meets the name of a version which is none
   * of those it knows; however many names are made up, it costs no more than that interval allows.
   * Never sleeps; calls at the same moment share one fetch.
   *
   * @param secretId name or ARN
   * @return the versions
   * @throws SecretException if the fetch fails; what is cached stays
   */
  public SecretVersions refreshVersions(String secretId) {
    SecretValue current = refresh(key(secretId, VersionSelector.ALL), null);
    return Objects.requireNonNull(current.versions());
  }

  /**
   * Fetches the current version until it is the one that is expected, because an event has named
   * it: Secrets Manager is eventually consistent, so the first answers after a change may still
   * show the version before (<a
   * href="https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html">
   * troubleshooting</a>). Looks at once where {@code minimumInterval} allows, then after 250 ms,
   * doubling to 4 s. Never blocks the caller; readers meanwhile get what is cached.
   *
   * @param secretId name or ARN
   * @param expectedVersionId the version that is to become current
   * @param atMost how long to look; positive
   * @return a future with the version that is current at the end: the expected one, or, if that was
   *     not seen in time, the one that was fetched last (events can come late, and out of order).
   *     It fails with a {@link SecretException} if no fetch succeeded
   */
  public CompletableFuture<SecretValue> refreshUntil(
      String secretId, String expectedVersionId, Duration atMost) {
    Objects.requireNonNull(expectedVersionId, "expectedVersionId");
    if (atMost.isNegative() || atMost.isZero()) {
      throw new IllegalArgumentException("atMost must be positive, not " + atMost);
    }
    var expected =
        new Expected(key(secretId, VersionSelector.CURRENT), expectedVersionId, nanos(atMost));
    expected.look();
    return expected.end;
  }

  /**
   * Forgets all versions of a secret under all of its ids, and what is remembered of failures; the
   * next read fetches anew and waits for it. What is under way is not cached. Where the secret may
   * still be of use if Secrets Manager is away, {@link #refresh(String)} is better.
   *
   * @param secretId name or ARN
   */
  public void invalidate(String secretId) {
    Key key = key(secretId, VersionSelector.CURRENT);
    entries.invalidate(key.secretId(), flights::forget);
  }

  /**
   * Loads the current versions of many secrets, 20 by one call of BatchGetSecretValue where the
   * source and the policy allow it, and else one by one, as is one alone. What is cached and usable
   * is left as it is. Readers that come meanwhile share the fetches. Waits until all have ended.
   *
   * @param secretIds names and ARNs; not more than {@code maximumSecrets}
   * @return which were loaded, and why the others were not
   * @throws IllegalArgumentException if there are more than {@code maximumSecrets}
   * @throws SecretException with {@link Reason#INTERRUPTED} or {@link Reason#CLOSED} if the wait
   *     ended before; the fetches go on after an interrupt
   */
  public PrefetchReport prefetch(String... secretIds) {
    CompletableFuture<PrefetchReport> report = startPrefetch(secretIds);
    try {
      time.await(report, Time.FOREVER);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new SecretException(Reason.INTERRUPTED, "Interrupted while prefetching secrets.", e);
    }
    requireOpen(); // Or it would tell of values that are gone.
    return ended(report);
  }

  /**
   * Loads many secrets as {@link #prefetch} does, without ever blocking the caller.
   *
   * @param secretIds names and ARNs; not more than {@code maximumSecrets}
   * @return a future that ends when all have ended. It fails with {@link Reason#CLOSED} if the
   *     cache was closed before
   * @throws IllegalArgumentException if there are more than {@code maximumSecrets}
   */
  public CompletableFuture<PrefetchReport> prefetchAsync(String... secretIds) {
    return startPrefetch(secretIds)
        .thenApplyAsync(
            report -> {
              requireOpen();
              return report;
            });
  }

  private CompletableFuture<PrefetchReport> startPrefetch(String... secretIds) {
    var keys = new LinkedHashSet<Key>();
    for (String secretId : secretIds) {
      keys.add(key(secretId, VersionSelector.CURRENT));
    }
    if (keys.size() > settings.maximumSecrets()) {
      throw new IllegalArgumentException(
          "%d secrets cannot be held at once: maximumSecrets is %d. Raise it, or prefetch fewer"
              .formatted(keys.size(), settings.maximumSecrets()));
    }
    if (closed.isDone()) {
      return CompletableFuture.failedFuture(Flights.closedFailure());
    }
    if (suspended) {
      return CompletableFuture.failedFuture(Flights.checkpointFailure());
    }
    return new Prefetch(entries, flights, source.batchSize()).start(keys);
  }

  /**
   * Tells which regions answer, where the source reads from several, as a {@link RegionalSource}
   * does.
   *
   * @return a snapshot, the primary first; empty if the source reads from one place alone
   */
  public List<RegionReport> regions() {
    return source.regions();
  }

  /**
   * Returns what this cache has done and holds.
   *
   * @return a snapshot
   */
  public SecretCacheStatistics statistics() {
    return new SecretCacheStatistics(
        events.hits.sum(),
        events.misses.sum(),
        flights.calls(),
        events.loaded.sum(),
        events.refreshed.sum(),
        events.rotated.sum(),
        events.failures(),
        events.evicted.sum(),
        events.expired.sum(),
        events.dropped.sum(),
        entries.size(),
        entries.stale(),
        entries.oldest());
  }

  /**
   * Tells how this cache is: whether what is read from it is kept fresh, and if not, since when and
   * why. Answers from memory; makes no call, never waits and holds no value.
   *
   * @return a snapshot
   */
  public SecretCacheHealth health() {
    List<SecretCacheHealth.Trouble> troubles = entries.troubles();
    SecretCacheHealth.Status status = SecretCacheHealth.Status.UP;
    for (SecretCacheHealth.Trouble trouble : troubles) {
      status =
          trouble.condition() != SecretCacheHealth.Condition.STALE
                  || status == SecretCacheHealth.Status.DOWN
              ? SecretCacheHealth.Status.DOWN
              : SecretCacheHealth.Status.STALE;
    }
    return new SecretCacheHealth(
        closed.isDone() || suspended ? SecretCacheHealth.Status.DOWN : status,
        flights.breaker(),
        entries.lastSuccess(),
        troubles);
  }

  /**
   * Describes this cache for whoever looks for a mistake: its options and where each was set, its
   * source, what it holds (ids, versions, labels, ages), what failed, what is under way, and the
   * threads of all caches in this JVM. Never a value, nor anything of one: it can go into a ticket.
   * The ids of secrets are in it. Meant for people: its form may change with every version. Takes
   * longer than {@link #health()}, as it looks at every entry and thread; makes no call.
   *
   * @return lines of text
   */
  public String diagnose() {
    return Diagnosis.of(
        time.wall(),
        where,
        closed.isDone() ? "closed" : suspended ? "being checkpointed" : "open",
        settings,
        options,
        this);
  }

  /** Whether reads that are answered from memory are counted. */
  boolean countsHits() {
    return countHits;
  }

  /** How long ago what is held as AWSCURRENT was fetched, in seconds; NaN if nothing is. */
  double ageInSeconds(String secretId) {
    Duration age = entries.age(key(secretId, VersionSelector.CURRENT));
    return age == null ? Double.NaN : age.toNanos() / 1e9;
  }

  /** Whether what is held as AWSCURRENT is served because refreshing it failed. */
  boolean isStale(String secretId) {
    return entries.isStale(key(secretId, VersionSelector.CURRENT));
  }

  private static long nanos(Duration duration) {
    if (duration.isNegative()) {
      return 0;
    }
    return duration.compareTo(Duration.ofNanos(Time.FOREVER)) > 0
        ? Time.FOREVER
        : duration.toNanos();
  }

  private static Key key(String secretId, VersionSelector version) {
    Objects.requireNonNull(secretId, "secretId");
    // Limit: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
    if (secretId.isBlank() || secretId.length() > 2048) {
      throw new IllegalArgumentException(
          "A secret id has 1 to 2048 characters and is not blank; this one has "
              + secretId.length());
    }
    return new Key(secretId, Objects.requireNonNull(version, "version"));
  }

  private SecretValue refresh(Key key, @Nullable String failedVersionId) {
    Entry entry = entries.findOrAdopt(key);
    if (entry == null) {
      return read(key, Time.FOREVER);
    }
    Snapshot seen = entry.snapshot();
    SecretValue cached = entries.usable(key);
    if (cached != null
        && ((failedVersionId != null && !cached.versionId().equals(failedVersionId))
            || (entries.sinceBegun(key) < settings.minimumInterval()
                && flights.running(key) == null))) {
      return cached;
    }
    return await(join(key, Purpose.FORCED, () -> entries.newer(key, seen)), Time.FOREVER);
  }

  /** What a reader that holds an entry may return at once. */
  boolean isFresh(Entry entry, Snapshot snapshot) {
    return snapshot.state() == State.FRESH
        && (!mayFreeze || entries.state(entry, snapshot) == State.FRESH);
  }

  @Nullable Entry entry(Key key) {
    return entries.find(key);
  }

  /** An answer to a reader: a value, or a flight to wait for. */
  private record Answer(
      @Nullable SecretValue value,
      @Nullable Flight flight,
      @Nullable Entry entry,
      @Nullable Snapshot lapsed) {}

  /**
   * Looks for a value, and starts what has to be fetched. An answer without a value names what a
   * reader must wait for; what has lapsed may still be served if that fails.
   */
  private Answer look(Key key) {
    Entry entry = entries.findOrAdopt(key);
    if (entry != null) {
      Snapshot snapshot = entry.snapshot();
      switch (entries.state(entry, snapshot)) {
        case FRESH -> {
          return hit(entry, snapshot);
        }
        case DUE -> {
          Answer answer = hit(entry, snapshot); // First, so that this read asks for one refresh.
          startRefresh(entry, snapshot);
          return answer;
        }
        case LAPSED -> {
          entry.markRead();
          return new Answer(null, miss(key, () -> entries.usable(key)), entry, snapshot);
        }
        case GONE -> {} // Expired or evicted this moment.
      }
    }
    requireOpen();
    entries.throwRemembered(key);
    Flight flight =
        miss(
            key,
            () -> {
              entries.throwRemembered(key);
              return entries.usable(key);
            });
    return new Answer(null, flight, null, null);
  }

  private Answer hit(Entry entry, Snapshot snapshot) {
    entry.markRead();
    if (countHits) {
      events.hits.increment();
    }
    return new Answer(snapshot.value(), null, null, null);
  }

  private Flight miss(Key key, Flights.Meanwhile meanwhile) {
    events.misses.increment();
    return join(key, Purpose.LOAD, meanwhile);
  }

  SecretValue read(Key key, long atMost) {
    Answer answer = look(key);
    Flight flight = answer.flight();
    if (flight == null) {
      return Objects.requireNonNull(answer.value());
    }
    try {
      return await(flight, atMost);
    } catch (SecretException e) {
      return orLapsed(answer, e);
    }
  }

  private CompletableFuture<SecretValue> readAsync(Key key) {
    Answer answer;
    try {
      answer = look(key);
    } catch (SecretException e) {
      return CompletableFuture.failedFuture(e);
    }
    Flight flight = answer.flight();
    if (flight == null) {
      return CompletableFuture.completedFuture(Objects.requireNonNull(answer.value()));
    }
    return whenEnded(flight).exceptionally(thrown -> orLapsed(answer, failure(thrown)));
  }

  /** A refresh has failed or is late: what has lapsed may still be served. */
  private SecretValue orLapsed(Answer answer, SecretException failure) {
    Entry entry = answer.entry();
    Snapshot lapsed = answer.lapsed();
    if (entry == null
        || lapsed == null
        || failure.reason() == Reason.CLOSED
        || failure.reason() == Reason.INTERRUPTED) {
      throw failure;
    }
    if (failure.reason() != Reason.TIMED_OUT) {
      // Late, if the flight has not ended: it goes on, and the next readers do not wait for it.
      // A timer may have said meanwhile what this reader saw by the clock.
      Snapshot untried = entry.snapshot();
      if (untried.attempted().equals(lapsed.attempted()) && untried.state() != State.GONE) {
        boolean unused = entries.refreshing(entry, untried);
      }
    }
    Snapshot now = entry.snapshot();
    if (now.state() == State.GONE) {
      throw failure;
    }
    Log.EVERCRED.log(System.Logger.Level.DEBUG, () -> "Serving what is cached. " + failure);
    return now.value();
  }

  /** One reader starts it; all go on with what they have. */
  private void startRefresh(Entry entry, Snapshot snapshot) {
    if (entries.refreshing(entry, snapshot)) {
      entry.takeRead();
      if (!entries.kinIsFetched(entry, key -> flights.running(key) != null)) {
        Flight unused = flights.join(entry.key, Purpose.REFRESH, () -> null);
      }
    }
  }

  private Flight join(Key key, Purpose purpose, Flights.Meanwhile meanwhile) {
    requireOpen();
    return flights.join(key, purpose, meanwhile);
  }

  private SecretValue await(Flight flight, long atMost) {
    long limit = Math.min(atMost, settings.load());
    try {
      if (!time.await(flight.end, limit)) {
        throw late(flight, limit, atMost < settings.load());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new SecretException(
          Reason.INTERRUPTED, "Interrupted while waiting for secret " + flight.key + ".", e);
    }
    return ended(flight.end);
  }

  private SecretException late(Flight flight, long limit, boolean callersOwn) {
    Reason reason = callersOwn ? Reason.TIMED_OUT : Reason.UNAVAILABLE;
    return new SecretException(
        reason,
        "No value of secret %s from %s within %s (%s). %s. %s."
            .formatted(
                flight.key,
                where,
                Duration.ofNanos(Math.max(limit, 0)),
                callersOwn ? "the caller's limit" : "loadTimeout",
                entries.cached(flight.key),
                reason.nextStep()),
        null);
  }

  /** Returns what a future that is done came to; every caller gets a failure of its own. */
  private static <T> T ended(CompletableFuture<T> future) {
    try {
      return future.join();
    } catch (CompletionException e) {
      throw failure(e).again("");
    }
  }

  static SecretException failure(Throwable thrown) {
    return (SecretException)
        Objects.requireNonNull(thrown instanceof CompletionException ? thrown.getCause() : thrown);
  }

  /** Completes outside of our threads, since what depends on it may block. */
  private static void completeLater(
      CompletableFuture<SecretValue> end, Supplier<SecretValue> outcome) {
    CompletableFuture<SecretValue> unused = end.completeAsync(outcome);
  }

  private CompletableFuture<SecretValue> whenEnded(Flight flight) {
    var end = new CompletableFuture<SecretValue>();
    long limit = settings.load();
    Future<?> timer;
    try {
      timer =
          time.scheduler()
              .schedule(
                  () -> completeLater(end, () -> thrown(late(flight, limit, false))),
                  limit,
                  TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException e) {
      return CompletableFuture.failedFuture(Flights.closedFailure());
    }
    CompletableFuture<SecretValue> unused =
        flight.end.whenComplete(
            (value, failure) -> {
              completeLater(end, () -> ended(flight.end));
              timer.cancel(false);
            });
    return end;
  }

  private static SecretValue thrown(SecretException failure) {
    throw failure;
  }

  /** One wait for a version to become current. */
  private final class Expected {
    final CompletableFuture<SecretValue> end = new CompletableFuture<>();
    private final Key key;
    private final String versionId;
    private final @Nullable Future<?> limit;
    private volatile @Nullable Future<?> next;
    private volatile long pause = FIRST_LOOK;
    private volatile @Nullable SecretValue last;
    private volatile @Nullable SecretException failure;

    Expected(Key key, String versionId, long atMost) {
      this.key = key;
      this.versionId = versionId;
      expecting.add(this);
      this.limit = in(atMost, this::finish);
      if (closed.isDone() || suspended) {
        finish();
      }
    }

    private @Nullable Future<?> in(long nanos, Runnable task) {
      try {
        return time.scheduler().schedule(task, nanos, TimeUnit.NANOSECONDS);
      } catch (RejectedExecutionException e) {
        failure = Flights.closedFailure();
        return null;
      }
    }

    void look() {
      if (!expecting.contains(this) || end.isDone() || closed.isDone() || suspended) {
        finish();
        return;
      }
      SecretValue cached = entries.usable(key);
      if (cached != null && cached.versionId().equals(versionId)) {
        last = cached;
        finish();
        return;
      }
      long tooSoon = settings.minimumInterval() - entries.sinceBegun(key);
      if (tooSoon > 0 && flights.running(key) == null) {
        lookIn(tooSoon);
        return;
      }
      CompletableFuture<SecretValue> unused =
          flights.join(key, Purpose.FORCED, () -> null).end.whenComplete(this::looked);
    }

    private void looked(@Nullable SecretValue value, @Nullable Throwable thrown) {
      if (!expecting.contains(this)) {
        return;
      }
      if (value == null) {
        failure = failure(Objects.requireNonNull(thrown));
      } else {
        last = value;
        if (value.versionId().equals(versionId)) {
          finish();
          return;
        }
      }
      lookIn(pause);
      pause = Math.min(LONGEST_LOOK, 2 * pause);
    }

    private void lookIn(long nanos) {
      next = in(nanos, this::look);
      if (!expecting.contains(this)) { // Has ended meanwhile: neither must stay.
        cancel(next);
        last = null;
      }
    }

    void finish() {
      if (!expecting.remove(this)) {
        return;
      }
      cancel(limit);
      cancel(next);
      SecretValue value = last;
      last = null; // A timer may still hold this.
      SecretException stopped =
          closed.isDone()
              ? Flights.closedFailure()
              : suspended ? Flights.checkpointFailure() : null;
      completeLater(
          end,
          () -> {
            if (value != null && (stopped == null || value.versionId().equals(versionId))) {
              return value;
            }
            SecretException why = stopped != null ? stopped : failure;
            throw why != null
                ? why.again("")
                : new SecretException(
                    Reason.TIMED_OUT, "No value of secret %s in time.".formatted(key), null);
          });
    }
  }

  private static void cancel(@Nullable Future<?> timer) {
    if (timer != null) {
      timer.cancel(false);
    }
  }

  /**
   * Fetches for a login that was refused: joins only a flight that began after the refusal, and
   * waits the interval between probes out instead of answering from the cache.
   */
  SecretValue fetchAnew(String secretId, VersionSelector version, long notBefore, long deadline) {
    Key key = key(secretId, version);
    while (true) {
      requireOpen();
      long left = deadline - time.nanos();
      Flight flight = flights.running(key);
      if (flight == null
          || flight.begun - notBefore < 0
          || !flights.isEnough(flight, Purpose.PROBE)) {
        long pause = Math.min(PROBE_INTERVAL, settings.minimumInterval()) - entries.sinceBegun(key);
        if (pause > 0) {
          pause(Math.min(pause, left));
          if (left <= pause) {
            throw new SecretException(
                Reason.TIMED_OUT, "No time left to fetch secret " + key + " anew.", null);
          }
          continue;
        }
        flight = flights.joinBegunAfter(key, notBefore);
      }
      return await(flight, left);
    }
  }

  /** What is held as AWSCURRENT, at once, without a trace that somebody looked. */
  @Nullable SecretValue held(String secretId) {
    return entries.held(key(secretId, VersionSelector.CURRENT));
  }

  /** Starts a fetch that nobody waits for. */
  void refreshInBackground(String secretId) {
    Key key = key(secretId, VersionSelector.CURRENT);
    if (entries.sinceBegun(key) >= settings.minimumInterval()) {
      join(key, Purpose.REFRESH, () -> null);
    }
  }

  private void pause(long nanos) {
    try {
      time.await(closed, nanos);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new SecretException(Reason.INTERRUPTED, "Interrupted while waiting.", e);
    }
  }

  Time time() {
    return time;
  }

  /** Done when this cache is closed. */
  CompletableFuture<Void> closing() {
    return closed;
  }

  private void requireOpen() {
    if (closed.isDone()) {
      throw Flights.closedFailure();
    }
    if (suspended) {
      throw Flights.checkpointFailure();
    }
  }

  /** Takes note, weakly, of what keeps values of this cache beside it. */
  <T> void keeps(T keeper, Consumer<? super T> forget) {
    synchronized (keepers) {
      @SuppressWarnings("unchecked") // It is only ever given its own keeper.
      Consumer<Object> its = (Consumer<Object>) forget;
      keepers.put(keeper, its);
    }
  }

  /**
   * Whether the process is being checkpointed. Who keeps a value asks after having put it away:
   * what comes later than the call to forget must go again.
   */
  boolean isSuspended() {
    return suspended;
  }

  private void forgetKept() {
    var all = new ArrayList<Map.Entry<Object, Consumer<Object>>>();
    synchronized (keepers) {
      keepers.forEach((keeper, forget) -> all.add(Map.entry(keeper, forget)));
    }
    all.forEach(one -> one.getValue().accept(one.getKey()));
  }

  /**
   * Prepares for a snapshot of the process. Reads fail from now on until {@link #afterRestore}.
   * Fetches under way may end, for {@code loadTimeout} at most, and are stopped then; nobody caches
   * what they bring. Whatever holds a value here forgets it, and the source closes what it has
   * open. Which secrets were held is kept, and their values if they are sealed with a key that can
   * be had again; every key is wiped.
   *
   * @throws IllegalStateException if a call to the source does not end, whose value would be in the
   *     snapshot, or a reader, who needs the key
   */
  void beforeCheckpoint() {
    if (closed.isDone()) {
      return;
    }
    suspended = true;
    heldBefore.addAll(entries.beforeCheckpoint(Sealer::mayStay));
    boolean grounded = flights.ground(settings.load());
    boolean quiet = restoring.hasKeys(settings.load()) && grounded;
    // Again, for who was between look and hold.
    heldBefore.addAll(entries.beforeCheckpoint(Sealer::mayStay));
    expecting.forEach(Expected::finish);
    boolean told = events.beforeCheckpoint();
    forgetKept();
    source.beforeCheckpoint();
    if (sealer != null && !sealer.beforeCheckpoint(settings.load(), time) && !closed.isDone()) {
      throw new IllegalStateException(
          "A reader of a sealed secret does not end, so its key is still in memory. Checkpoint again.");
    }
    if (!told && !closed.isDone()) {
      Log.EVERCRED.log(
          System.Logger.Level.WARNING,
          "A listener is still at work although it was interrupted for a checkpoint; what it has read"
              + " would be in the snapshot.");
    }
    if (!quiet && !closed.isDone()) {
      throw new IllegalStateException(
          "A call for a secret from "
              + where
              + " goes on although its time is over and it was interrupted, and what it brings would"
              + " be in the snapshot. Checkpoint again, or mend the source: it must heed the time-out"
              + " and the interrupt.");
    }
  }

  /**
   * Goes on after a restore, or after a checkpoint that failed: opens reads, and loads what was
   * held before. Never throws.
   *
   * @param waited how much of the time to wait others have used already
   */
  void afterRestore(long waited) {
    if (!suspended) {
      return;
    }
    long last = flights.last();
    Set<Key> wanted = flights.resume();
    wanted.addAll(heldBefore);
    heldBefore.clear();
    List<SecretValue> stayed = entries.resume(last);
    suspended = false;
    try {
      forgetKept(); // What was begun before the checkpoint and has ended since.
      time.reseed();
      if (closed.isDone()) {
        return;
      }
      boolean unused = time.await(restoring.start(stayed, wanted), settings.restore() - waited);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      Restoring.notReloaded(e);
    }
  }

  /** Returns how many values are held. */
  int size() {
    return entries.size();
  }

  /** Returns how many fetches are under way. */
  int flying() {
    return flights.aloft();
  }

  /** Returns how many secrets and labels the ids that are held belong to. */
  int groups() {
    return entries.groups();
  }

  /**
   * Stops the threads, ends every wait with {@link Reason#CLOSED} and forgets all values. Later
   * reads fail with the same reason. A client or source that was handed in is left open. Waits a
   * second at most, for calls under way to take their interrupt; closing twice does nothing.
   */
  @Override
  public void close() {
    if (!closed.complete(null)) {
      return;
    }
    flights.close();
    expecting.forEach(Expected::finish);
    time.close();
    entries.close();
    events.close();
    if (sealer != null) {
      sealer.close();
    }
    if (ownsSource) {
      source.close();
    }
  }

  /** Names the source and how much is held; never a value. */
  @Override
  public String toString() {
    return "SecretCache[%s, %d held%s]"
        .formatted(where, entries.size(), closed.isDone() ? ", closed" : "");
  }
}
