package io.github.evercred;

import io.github.evercred.Entry.Snapshot;
import io.github.evercred.Entry.State;
import io.github.evercred.Flights.Flight;
import io.github.evercred.Flights.Purpose;
import io.github.evercred.SecretException.Reason;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
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
 * <p><b>Memory.</b> At most {@code maximumSecrets} values are held, in clear text on the Java heap,
 * until evicted, expired or {@linkplain #close closed}. They are never written to a log, a message,
 * a {@code toString} or a file. Nothing here accepts or returns null unless it says so.
 */
public final class SecretCache implements AutoCloseable {

  /*
   * A read finds an entry in a map that is bounded by size alone and returns its value. Age is not
   * the reader's business: looking at a clock costs more than the read. A timer, one per entry, moves
   * the entry's state: FRESH (return it), DUE (return it and start a refresh), LAPSED (refresh it
   * first). At the moment a refresh comes due the timer starts it itself if anybody has read the
   * entry since the last one; if nobody has, the entry becomes DUE and later LAPSED, and AWS is
   * spared until the next reader.
   *
   * An entry's snapshot is immutable and replaced by compare-and-set, so no reader sees half of a
   * change. What the timer does next is a pure function of the snapshot (Freshness). Values come from
   * flights (Flights), one per key; a flight publishes before it leaves the map of running flights,
   * and a starting flight looks for what has been published, so that no miss falls between.
   *
   * Memory of failures is kept apart from the values, so that wrong ids push out no good ones.
   */

  private static final System.Logger LOG = System.getLogger("io.github.evercred");
  private static final int MAXIMUM_FAILURES = 1_000;
  private static final long PROBE_INTERVAL = Duration.ofMillis(250).toNanos();

  private final Time time;
  private final SecretSource source;
  private final String where;
  private final boolean ownsSource;
  private final Settings settings;
  private final Freshness freshness;
  private final Flights flights;
  private final Bounded<Object, Entry> entries;
  private final Bounded<Key, Failure> failures;

  /** When a fetch of a key last began, to keep forced ones apart. */
  private final Bounded<Key, Long> begun;

  private final CompletableFuture<Void> closed = new CompletableFuture<>();

  /** A failure with nothing cached, told to everybody who asks until then. */
  private record Failure(SecretException told, int count, long until) {}

  SecretCache(Settings settings, SecretSource source, boolean ownsSource, Time time) {
    this.settings = settings;
    this.freshness = settings.freshness();
    this.source = source;
    this.where = source.description();
    this.ownsSource = ownsSource;
    this.time = time;
    this.entries = Bounded.bySize(settings.maximumSecrets(), Entry::leave);
    this.failures = Bounded.bySize(MAXIMUM_FAILURES, failure -> {});
    this.begun = Bounded.bySize(MAXIMUM_FAILURES, when -> {});
    this.flights = new Flights(time, source, settings.load(), settings.attempt(), new Publisher());
  }

  /**
   * Returns a cache with default options that reads from AWS wherever the SDK's default region and
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
    Entry entry = entries.get(secretId);
    if (entry != null) {
      Snapshot snapshot = entry.snapshot();
      if (snapshot.state() == State.FRESH) {
        entry.markRead();
        return snapshot.value();
      }
    }
    return slowly(key(secretId, VersionSelector.CURRENT), Time.FOREVER);
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
    return slowly(key(secretId, version), Time.FOREVER);
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
    return slowly(key(secretId, version), nanos(atMost));
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
    return refresh(secretId, null);
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
    return refresh(secretId, Objects.requireNonNull(failedVersionId, "failedVersionId"));
  }

  private static long nanos(Duration duration) {
    if (duration.isNegative()) {
      return 0;
    }
    return duration.compareTo(Duration.ofNanos(Time.FOREVER)) > 0
        ? Time.FOREVER
        : duration.toNanos();
  }

  private SecretValue refresh(String secretId, @Nullable String failedVersionId) {
    Key key = key(secretId, VersionSelector.CURRENT);
    Entry entry = entries.get(mapKey(key));
    if (entry == null) {
      return slowly(key, Time.FOREVER);
    }
    Snapshot seen = entry.snapshot();
    SecretValue cached = seen.value();
    if (failedVersionId != null && !cached.versionId().equals(failedVersionId)) {
      return cached;
    }
    if (sinceBegun(key) < settings.minimumInterval() && flights.running(key) == null) {
      return entry.snapshot().value();
    }
    return await(join(key, Purpose.LOAD, () -> newer(key, seen)), Time.FOREVER);
  }

  /** What spares a forced refresh: an answer that came after its caller had looked. */
  private @Nullable SecretValue newer(Key key, Snapshot seen) {
    Entry entry = entries.get(mapKey(key));
    Snapshot now = entry == null ? seen : entry.snapshot();
    return now.flight() > seen.flight() ? now.value() : null;
  }

  /** What spares a load: anything that may be served without waiting. */
  private @Nullable SecretValue usable(Key key) {
    Entry entry = entries.get(mapKey(key));
    return entry == null || entry.snapshot().state() == State.LAPSED
        ? null
        : entry.snapshot().value();
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

  /** AWSCURRENT is found by the id itself, so that reading it makes no garbage. */
  private static Object mapKey(Key key) {
    return key.version().equals(VersionSelector.CURRENT) ? key.secretId() : key;
  }

  private SecretValue slowly(Key key, long atMost) {
    long start = time.nanos();
    Entry entry = entries.get(mapKey(key));
    if (entry == null) {
      return load(key, atMost);
    }
    entry.markRead();
    Snapshot snapshot = entry.snapshot();
    switch (snapshot.state()) {
      case FRESH -> {}
      case DUE -> startRefresh(entry, snapshot);
      case LAPSED -> revalidate(entry, snapshot, atMost);
    }
    Entry now = entries.get(mapKey(key));
    if (now != null) {
      return now.snapshot().value();
    }
    // Gone while we waited: what is left of the one limit.
    return load(key, Math.min(atMost, settings.load()) - (time.nanos() - start));
  }

  private SecretValue load(Key key, long atMost) {
    requireOpen();
    throwRemembered(key);
    return await(
        join(
            key,
            Purpose.LOAD,
            () -> {
              throwRemembered(key);
              return usable(key);
            }),
        atMost);
  }

  private void throwRemembered(Key key) {
    Failure failure = failures.get(key);
    if (failure != null) {
      long left = failure.until() - time.nanos();
      if (left > 0) {
        throw failure
            .told()
            .again(
                "(Told again without a call; the next attempt may begin in %s.)"
                    .formatted(Duration.ofNanos(left)));
      }
    }
  }

  /** One reader starts it; all go on with what they have. */
  private void startRefresh(Entry entry, Snapshot snapshot) {
    long now = time.nanos();
    // Should the flight be lost, the timer comes back for it.
    if (entry.replace(snapshot, snapshot.refreshing(now, now + 4 * settings.load()))) {
      entry.takeRead();
      reschedule(entry);
      join(entry.key, Purpose.REFRESH, () -> null);
    }
  }

  /** Waits for a refresh; if it fails or is late, what is cached may still be served. */
  private void revalidate(Entry entry, Snapshot lapsed, long atMost) {
    try {
      await(join(entry.key, Purpose.LOAD, () -> usable(entry.key)), atMost);
    } catch (SecretException e) {
      switch (e.reason()) {
        case CLOSED, INTERRUPTED -> throw e;
        default -> LOG.log(System.Logger.Level.DEBUG, () -> "Serving what is cached. " + e);
      }
      // Late: the flight goes on, and the next readers do not wait for it.
      long now = time.nanos();
      if (e.reason() != Reason.TIMED_OUT
          && entry.replace(lapsed, lapsed.refreshing(now, now + 4 * settings.load()))) {
        reschedule(entry);
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
        boolean caller = atMost < settings.load();
        throw new SecretException(
            caller ? Reason.TIMED_OUT : Reason.UNAVAILABLE,
            "No value of secret %s from %s within %s (%s). %s. %s."
                .formatted(
                    flight.key,
                    where,
                    Duration.ofNanos(Math.max(limit, 0)),
                    caller ? "the caller's limit" : "loadTimeout",
                    cached(flight.key),
                    (caller ? Reason.TIMED_OUT : Reason.UNAVAILABLE).nextStep()),
            null);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new SecretException(
          Reason.INTERRUPTED, "Interrupted while waiting for secret " + flight.key + ".", e);
    }
    try {
      return flight.end.join();
    } catch (CompletionException e) {
      throw ((SecretException) Objects.requireNonNull(e.getCause())).again("");
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
      if (flight == null || flight.begun - notBefore < 0) {
        long pause = Math.min(PROBE_INTERVAL, settings.minimumInterval()) - sinceBegun(key);
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

  /** Starts a fetch that nobody waits for. */
  void refreshInBackground(String secretId) {
    Key key = key(secretId, VersionSelector.CURRENT);
    if (sinceBegun(key) >= settings.minimumInterval()) {
      join(key, Purpose.REFRESH, () -> null);
    }
  }

  private long sinceBegun(Key key) {
    Long last = begun.get(key);
    return last == null ? Time.FOREVER : time.nanos() - last;
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
  }

  /** Where flights end. */
  private final class Publisher implements Flights.Landing {

    @Override
    public void begins(Flight flight) {
      begun.put(flight.key, flight.begun);
    }

    @Override
    public void fetched(Flight flight, SecretValue value) {
      Key key = flight.key;
      failures.remove(key);
      Entry entry = entries.get(mapKey(key));
      if (entry == null && flight.purpose == Purpose.PROBE && !isCurrent(key)) {
        return; // Only the probe wants AWSPENDING.
      }
      long now = time.nanos();
      Snapshot fresh =
          freshness.fetched(value, flight.number, now, ThreadLocalRandom.current().nextDouble());
      if (entry == null) {
        Entry made = new Entry(key, fresh);
        entry = entries.get(mapKey(key), absent -> made);
      }
      Snapshot old;
      do {
        old = entry.snapshot();
        if (old.flight() > flight.number) {
          return; // An answer that set out later is already here.
        }
      } while (!entry.replace(old, fresh));
      reschedule(entry);
      if (closed.isDone()) {
        entry.leave();
        entries.clear();
      }
    }

    @Override
    public SecretException failed(Flight flight, SecretException failure) {
      Key key = flight.key;
      Reason reason = failure.reason();
      SecretException told = failure;
      if (reason != Reason.CLOSED) {
        Entry entry = entries.get(mapKey(key));
        if (entry != null) {
          failed(entry, flight, !reason.isTransient());
        }
        told =
            new SecretException(
                reason,
                "No new value of secret %s from %s: %s. %d %s in %s. %s. %s."
                    .formatted(
                        key,
                        where,
                        failure.getMessage(),
                        flight.attempts(),
                        flight.attempts() == 1 ? "attempt" : "attempts",
                        Duration.ofNanos(time.nanos() - flight.begun),
                        cached(key),
                        reason.nextStep()),
                failure.requestId(),
                failure);
        if (flight.purpose != Purpose.PROBE && entries.get(mapKey(key)) == null) {
          remember(key, told);
        }
      }
      return told;
    }

    private void failed(Entry entry, Flight flight, boolean definitive) {
      while (true) {
        Snapshot old = entry.snapshot();
        if (old.flight() > flight.number) {
          return;
        }
        Snapshot after =
            freshness.failed(
                old, definitive, time.nanos(), ThreadLocalRandom.current().nextDouble());
        if (entry.replace(old, after)) {
          tick(entry); // This failure may be the one that ends its time.
          return;
        }
      }
    }

    private void remember(Key key, SecretException told) {
      Failure before = failures.get(key);
      int count = before == null ? 0 : Math.min(before.count() + 1, 30);
      long first = settings.rememberFirst();
      long doubled = first << Math.min(count, Long.numberOfLeadingZeros(first) - 1);
      long period = Math.min(settings.rememberMost(), doubled);
      if (period > 0) {
        failures.put(key, new Failure(told, count, time.in(period)));
      }
    }
  }

  private static boolean isCurrent(Key key) {
    return key.version().equals(VersionSelector.CURRENT);
  }

  private String cached(Key key) {
    Entry entry = entries.get(mapKey(key));
    if (entry == null) {
      return "Nothing is cached";
    }
    Snapshot s = entry.snapshot();
    return "Version %s is cached, fetched %s ago"
        .formatted(
            s.value().versionId(), Duration.ofNanos(Math.max(0, time.nanos() - s.fetched())));
  }

  private void reschedule(Entry entry) {
    if (!entry.key.version().isLabel()) {
      return; // A version is immutable.
    }
    entry.reschedule(
        snapshot -> {
          long delay = freshness.nextStepAt(snapshot) - time.nanos();
          try {
            return time.scheduler()
                .schedule(() -> tick(entry), Math.max(delay, 0), TimeUnit.NANOSECONDS);
          } catch (RejectedExecutionException e) {
            return null; // Closed meanwhile.
          }
        });
  }

  /** The timer of one entry. */
  private void tick(Entry entry) {
    Snapshot snapshot = entry.snapshot();
    switch (freshness.step(snapshot, time.nanos())) {
      case WAIT -> {}
      case COME_DUE -> {
        if (entry.takeRead()) {
          startRefresh(entry, snapshot);
          return;
        }
        entry.replace(snapshot, snapshot.in(State.DUE));
      }
      case LAPSE -> entry.replace(snapshot, snapshot.in(State.LAPSED));
      case EXPIRE -> {
        entries.remove(mapKey(entry.key), entry);
        entry.leave();
        if (snapshot.failures() > 0) {
          LOG.log(
              System.Logger.Level.WARNING,
              "Secret {0} could not be refreshed for so long that its cached value is dropped."
                  + " Reads fail until Secrets Manager answers again.",
              entry.key);
        }
        return;
      }
    }
    reschedule(entry);
  }

  /** Returns how many values are held. */
  int size() {
    return entries.view().size();
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
    time.close();
    entries.clear();
    failures.clear();
    if (ownsSource) {
      source.close();
    }
  }

  /** Names the source and how much is held; never a value. */
  @Override
  public String toString() {
    return "SecretCache[%s, %d held%s]"
        .formatted(where, entries.view().size(), closed.isDone() ? ", closed" : "");
  }
}
