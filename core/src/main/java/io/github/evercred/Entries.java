package io.github.evercred;

import io.github.evercred.Entry.Snapshot;
import io.github.evercred.Entry.State;
import io.github.evercred.Flights.Flight;
import io.github.evercred.Flights.Purpose;
import io.github.evercred.Freshness.Step;
import io.github.evercred.SecretException.Reason;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * What a cache holds: the entries, their timers, the failures that are remembered, and which ids
 * are one secret. Flights end here.
 *
 * <p>Each id that callers use has an entry of its own, and is fetched as they wrote it. Entries
 * whose last answers named one ARN belong together: an answer for one is published to all of them,
 * a failure to the one alone. An id whose answer names another ARN than before (a secret deleted
 * and made anew) leaves its group.
 *
 * <p>Memory of failures is kept apart from the values, so that wrong ids push out no good ones.
 */
final class Entries implements Flights.Landing {
  private static final long MAXIMUM_FAILURES = 1_000;

  /** How long after the last attempt at what is not held its failure is still told. */
  private static final long TROUBLE_TOLD_FOR = Duration.ofMinutes(10).toNanos();

  private final Time time;
  private final Settings settings;
  private final Freshness freshness;
  private final Events events;
  private final String where;
  private final BiConsumer<Entry, Snapshot> refresh;
  private final Bounded<Object, Entry> entries;
  private final Bounded<Key, Failure> failures;

  /** When a fetch of a key last began, to keep forced ones apart. */
  private final Bounded<Key, Moment> begun;

  /** Keys whose last fetch failed, for who asks how the cache is. */
  private final Bounded<Key, Failing> failing;

  private volatile @Nullable Moment lastSuccess;

  /** Keys whose own last answer was no: what is cached under another id is not for them. */
  private final Bounded<Key, Boolean> denied;

  /**
   * The last flight that had begun when a secret was invalidated, by its ids and its ARN. What
   * flights up to that bring is not cached, whichever id they were for and however late they are.
   */
  private final Bounded<String, Long> invalidated;

  /** Entries that are one secret. Changed under the lock of a bin; nothing waits there. */
  private final ConcurrentHashMap<Alias, Set<Entry>> aliases = new ConcurrentHashMap<>();

  private volatile boolean closed;

  /** While the process is being checkpointed. */
  private volatile boolean suspended;

  /** The last flight before the last checkpoint: what comes of those up to it is not cached. */
  private volatile long lastBefore;

  /** What may be in a snapshot. */
  private final List<Staying> staying = new ArrayList<>();

  private record Staying(Key key, Snapshot snapshot) {}

  /** A failure with nothing cached, told to everybody who asks until then. */
  private record Failure(SecretException told, long flight, int count, Moment since, long period) {}

  /** Since when, and why; of what is not held any more, that it was. */
  private record Failing(Moment since, Moment last, Reason reason, @Nullable String expired) {}

  /**
   * Holds nothing yet.
   *
   * @param refresh starts a background refresh, if that is still wanted
   */
  Entries(
      Settings settings,
      String where,
      Time time,
      Events events,
      BiConsumer<Entry, Snapshot> refresh) {
    this.settings = settings;
    this.freshness = settings.freshness();
    this.where = where;
    this.time = time;
    this.events = events;
    this.refresh = refresh;
    this.entries = Bounded.bySize(settings.maximumSecrets(), this::evicted);
    long most = Math.max(MAXIMUM_FAILURES, settings.maximumSecrets());
    this.failures = Bounded.bySize(most, failure -> {});
    this.begun = Bounded.bySize(most, when -> {});
    this.invalidated = Bounded.bySize(most, flight -> {});
    this.denied = Bounded.bySize(most, is -> {});
    this.failing = Bounded.bySize(most, is -> {});
  }

  /** AWSCURRENT is found by the id itself, so that reading it makes no garbage. */
  private static Object mapKey(Key key) {
    return key.version().equals(VersionSelector.CURRENT) ? key.secretId() : key;
  }

  /** Finds the entry of AWSCURRENT. */
  @Nullable Entry find(String secretId) {
    return entries.get(secretId);
  }

  @Nullable Entry find(Key key) {
    return entries.get(mapKey(key));
  }

  /**
   * Finds an entry, or makes one of what is cached under another id, if this one is the ARN that
   * came with it.
   */
  @Nullable Entry findOrAdopt(Key key) {
    Entry entry = find(key);
    if (entry != null && entry.snapshot().state() != State.GONE) {
      return entry;
    }
    if (!key.secretId().startsWith("arn:") || denied.get(key) != null) {
      return null;
    }
    for (Entry other : kin(new Alias(key.secretId(), key.version()))) {
      Snapshot snapshot = other.snapshot();
      State state = state(other, snapshot);
      if (state == State.FRESH || state == State.DUE) {
        return hold(new Entry(key, snapshot.under(key.secretId()).forgiven()));
      }
    }
    return null;
  }

  /** Puts an entry where there is none, and returns the one that is there then. */
  private Entry hold(Entry made) {
    Entry entry = entries.get(mapKey(made.key), absent -> made);
    if (entry == made) {
      relate(made);
      reschedule(made);
      if (closed || suspended) {
        clear();
      }
    }
    return entry;
  }

  private Set<Entry> kin(@Nullable Alias alias) {
    Set<Entry> kin = alias == null ? null : aliases.get(alias);
    return kin == null ? Set.of() : kin;
  }

  /** Moves an entry to the group that its present value belongs to. */
  private void relate(Entry entry) {
    entry.relate(
        (was, is) -> {
          if (was != null && !was.equals(is)) {
            aliases.computeIfPresent(
                was,
                (alias, group) -> {
                  group.remove(entry);
                  return group.isEmpty() ? null : group;
                });
          }
          if (is != null && !is.equals(was)) {
            aliases.compute(
                is,
                (alias, group) -> {
                  Set<Entry> all = group == null ? ConcurrentHashMap.newKeySet() : group;
                  all.add(entry);
                  return all;
                });
          }
        });
  }

  /**
   * How a reader has to treat an entry. Where the process may be frozen the timer may be late, and
   * both clocks are asked. A version asked for by id is immutable.
   */
  State state(Entry entry, Snapshot snapshot) {
    if (!settings.mayFreeze() || !entry.key.version().isLabel()) {
      return snapshot.state();
    }
    return switch (freshness.step(snapshot, time.now())) {
      case WAIT -> snapshot.state();
      case COME_DUE -> State.DUE;
      case LAPSE -> State.LAPSED;
      case EXPIRE -> {
        boolean unused = expire(entry, snapshot);
        yield State.GONE;
      }
    };
  }

  /** Whatever may be served without waiting. */
  @Nullable SecretValue usable(Key key) {
    Entry entry = find(key);
    if (entry == null) {
      return null;
    }
    Snapshot snapshot = entry.snapshot();
    State state = state(entry, snapshot);
    return state == State.FRESH || state == State.DUE ? snapshot.value() : null;
  }

  /**
   * What is held, also when a reader would have it refreshed first; under another id, if this one
   * is the ARN that came with it. Nothing is marked as read, adopted or refreshed.
   */
  @Nullable SecretValue held(Key key) {
    Entry own = find(key);
    SecretValue value = own == null ? null : held(own);
    if (value != null || !key.secretId().startsWith("arn:") || denied.get(key) != null) {
      return value;
    }
    for (Entry other : kin(new Alias(key.secretId(), key.version()))) {
      value = held(other);
      if (value != null) {
        return value;
      }
    }
    return null;
  }

  private @Nullable SecretValue held(Entry entry) {
    Snapshot snapshot = entry.snapshot();
    return state(entry, snapshot) == State.GONE ? null : snapshot.value();
  }

  /** An answer that came after its caller had looked. */
  @Nullable SecretValue newer(Key key, Snapshot seen) {
    Entry entry = find(key);
    Snapshot now = entry == null ? seen : entry.snapshot();
    return now.flight() > seen.flight() && now.state() != State.GONE ? now.value() : null;
  }

  /** Notes that a fetch is under way, should it be lost, the timer comes back for it. */
  boolean refreshing(Entry entry, Snapshot snapshot) {
    if (!entry.replace(snapshot, snapshot.refreshing(time.now(), 4 * settings.load()))) {
      return false;
    }
    reschedule(entry);
    return true;
  }

  /** Whether another id of the same secret is being fetched, whose answer will serve this one. */
  boolean kinIsFetched(Entry entry, Predicate<Key> isFetched) {
    Key key = entry.key;
    if (key.version().equals(VersionSelector.CURRENT)
        && isFetched.test(new Key(key.secretId(), VersionSelector.ALL))) {
      return true; // It brings AWSCURRENT, too.
    }
    String arn = entry.snapshot().value().arn().orElse(null);
    if (arn == null) {
      return false;
    }
    for (Entry other : kin(new Alias(arn, entry.key.version()))) {
      if (other != entry && isFetched.test(other.key)) {
        return true;
      }
    }
    return false;
  }

  long sinceBegun(Key key) {
    Moment last = begun.get(key);
    return last == null ? Time.FOREVER : time.now().since(last);
  }

  void throwRemembered(Key key) {
    Failure failure = failures.get(key);
    if (failure != null) {
      long left = failure.period() - time.now().since(failure.since());
      if (left > 0) {
        throw failure
            .told()
            .again(
                "(Told again without a call; the next attempt may begin in %s.)"
                    .formatted(Duration.ofNanos(left)));
      }
    }
  }

  @Override
  public void begins(Flight flight) {
    begun.put(flight.key, time.now());
  }

  @Override
  public @Nullable SecretVersions known(Key key) {
    Entry entry = find(key);
    return entry == null ? null : entry.snapshot().value().versions();
  }

  @Override
  public void fetched(Flight flight, SecretValue value) {
    Key key = flight.key;
    lastSuccess = time.now();
    Failure later = failures.get(key);
    if (isForgotten(flight, value)
        || (later != null
            && later.flight() > flight.number
            && !later.told().reason().isTransient())) {
      return; // AWS has said no since this one set out.
    }
    failures.remove(key);
    denied.remove(key);
    failing.remove(key);
    Entry entry = find(key);
    if (entry == null
        && flight.purpose == Purpose.PROBE
        && !key.version().equals(VersionSelector.CURRENT)) {
      return; // Only the probe wants AWSPENDING.
    }
    Snapshot fresh = freshness.fetched(value, flight.number, answered(flight), time.jitter());
    long took = time.nanos() - flight.begun;
    publish(key, fresh, true, took);
    SecretVersions all = value.versions();
    if (all != null) {
      publish(
          new Key(key.secretId(), VersionSelector.CURRENT),
          forAnother(fresh.with(all.current())),
          false,
          took);
    }
    if (isForgotten(flight, value)) { // Meanwhile.
      forget(made -> made.snapshot().flight() == flight.number);
    }
  }

  /**
   * When an answer was given. One that is read so late lay in its socket while the process was
   * frozen, or its caller hung: it is no younger than its question.
   */
  private Moment answered(Flight flight) {
    Moment now = time.now();
    return now.since(flight.began) < 2 * settings.load() ? now : flight.began;
  }

  private boolean isForgotten(Flight flight, SecretValue value) {
    return isForgotten(flight, flight.key.secretId())
        || value.arn().filter(arn -> isForgotten(flight, arn)).isPresent();
  }

  private boolean isForgotten(Flight flight, String id) {
    Long last = invalidated.get(id);
    return suspended
        || flight.isForgotten()
        || flight.number <= lastBefore
        || (last != null && flight.number <= last);
  }

  /** Later than the one that was fetched, so that they do not come due together. */
  private Snapshot forAnother(Snapshot fresh) {
    return fresh.pausing(freshness.refreshAfter());
  }

  private void publish(Key key, Snapshot fresh, boolean counts, long took) {
    Entry entry = find(key);
    Snapshot old = entry == null ? null : entry.publish(fresh, true);
    if (entry == null || entry.snapshot().state() == State.GONE) {
      if (entry != null) {
        entries.remove(mapKey(key), entry);
      }
      Entry made = new Entry(key, fresh);
      entry = hold(made);
      if (entry == made) {
        if (counts) {
          events.loaded.increment();
        }
        String versionId = fresh.value().versionId(); // The value itself must not wait there.
        events.tell(took, listener -> listener.loaded(key.secretId(), key.version(), versionId));
      } else {
        old = entry.publish(fresh, true);
      }
    }
    if (old != null) {
      published(entry, old, fresh, counts, took);
    }
    for (Entry other : kin(alias(key, fresh))) {
      if (other != entry) {
        Snapshot before = other.publish(forAnother(fresh.under(other.key.secretId())), false);
        if (before != null) {
          published(other, before, fresh, false, took);
        }
      }
    }
  }

  private static @Nullable Alias alias(Key key, Snapshot snapshot) {
    return snapshot.value().arn().map(arn -> new Alias(arn, key.version())).orElse(null);
  }

  private void published(Entry entry, Snapshot old, Snapshot fresh, boolean counts, long took) {
    relate(entry);
    reschedule(entry);
    Key key = entry.key;
    String before = old.value().versionId();
    String now = fresh.value().versionId();
    if (before.equals(now)) {
      if (counts) {
        events.refreshed.increment();
      }
      events.tell(took, listener -> listener.refreshed(key.secretId(), key.version(), now));
    } else {
      if (counts) {
        events.rotated.increment();
      }
      events.tell(took, listener -> listener.rotated(key.secretId(), key.version(), before, now));
      if (key.version().equals(VersionSelector.CURRENT)) {
        refreshVersions(key.secretId(), now);
      }
    }
  }

  /** What versions(id) shows must not stay behind what get(id) shows until it comes due itself. */
  private void refreshVersions(String secretId, String currentId) {
    Entry all = find(new Key(secretId, VersionSelector.ALL));
    Snapshot snapshot = all == null ? null : all.snapshot();
    if (all == null || snapshot == null || snapshot.value().versionId().equals(currentId)) {
      return;
    }
    switch (snapshot.state()) {
      case FRESH -> refresh.accept(all, snapshot);
      case DUE -> { // Nobody reads it now; who does next waits for it.
        if (all.replace(snapshot, snapshot.in(State.LAPSED))) {
          reschedule(all);
        }
      }
      case LAPSED, GONE -> {}
    }
  }

  @Override
  public SecretException failed(Flight flight, SecretException failure) {
    Key key = flight.key;
    Reason reason = failure.reason();
    if (reason == Reason.CLOSED || flight.isGrounded()) {
      return failure;
    }
    if (!reason.isTransient() && !flight.isForgotten()) {
      denied.put(key, true);
    }
    Entry entry = find(key);
    if (!flight.isLost()) {
      isFailing(flight, entry == null ? null : entry.snapshot(), reason);
    }
    Snapshot kept = entry == null || flight.isLost() ? null : failed(entry, flight, reason);
    var told =
        new SecretException(
            reason,
            "No new value of secret %s from %s: %s. %d %s in %s. %s. %s."
                .formatted(
                    key,
                    where,
                    sentence(failure.getMessage()),
                    flight.attempts(),
                    flight.attempts() == 1 ? "attempt" : "attempts",
                    Duration.ofNanos(time.nanos() - flight.begun),
                    cached(key),
                    reason.nextStep()),
            failure.requestId(),
            failure);
    events.failed(reason);
    if (flight.isLost()) {
      return told; // It was no attempt at a time that counts: the next reader makes one.
    }
    long took = time.nanos() - flight.begun;
    if (kept != null) {
      Duration age = age(kept);
      String versionId = kept.value().versionId();
      events.tell(
          took,
          listener -> listener.servingStale(key.secretId(), key.version(), versionId, age, told));
    } else if (flight.purpose != Purpose.PROBE && !flight.isForgotten()) {
      remember(flight, told);
      events.tell(took, listener -> listener.failed(key.secretId(), key.version(), told));
    }
    return told;
  }

  /** Takes note of a failure, before anything comes of it. */
  private void isFailing(Flight flight, @Nullable Snapshot held, Reason reason) {
    Key key = flight.key;
    boolean isHeld = held != null && held.state() != State.GONE;
    if ((reason == Reason.NOT_FOUND && isOptional(key.version()))
        || (!isHeld && (flight.purpose == Purpose.PROBE || flight.isForgotten()))) {
      return;
    }
    Moment now = time.now();
    Failing before = failing.get(key);
    boolean goesOn =
        before != null
            && ((held != null && isHeld)
                ? held.failures() > 0
                : now.since(before.last()) < TROUBLE_TOLD_FOR);
    failing.put(
        key,
        before != null && goesOn
            ? new Failing(before.since(), now, reason, before.expired())
            : new Failing(now, now, reason, null));
  }

  /** Without its stop, since more is said after it. */
  private static String sentence(String text) {
    return text.endsWith(".") ? text.substring(0, text.length() - 1) : text;
  }

  /** Returns what is served on, or null if nothing is. */
  private @Nullable Snapshot failed(Entry entry, Flight flight, Reason reason) {
    while (true) {
      Snapshot old = entry.snapshot();
      if (old.state() == State.GONE) {
        return null;
      }
      if (old.flight() > flight.number) {
        return old;
      }
      if (reason == Reason.NOT_FOUND && isOptional(entry.key.version())) {
        if (drop(entry, old)) { // Not a denial: the label has been taken off.
          return null;
        }
        continue;
      }
      if (!reason.isTransient()) {
        entry.hasHeardFrom(flight.number);
      }
      double jitter = time.jitter();
      Snapshot after =
          flight.wasHeldBack()
              ? freshness.uncalled(old, time.now(), jitter)
              : freshness.failed(old, !reason.isTransient(), time.now(), jitter);
      if (entry.replace(old, after)) {
        tick(entry); // This failure may be the one that ends its time.
        return entry.snapshot().state() == State.GONE ? null : after;
      }
    }
  }

  /** A label that a secret may well be without. */
  private static boolean isOptional(VersionSelector version) {
    return version.isLabel()
        && !version.equals(VersionSelector.CURRENT)
        && !version.equals(VersionSelector.ALL);
  }

  private void remember(Flight flight, SecretException told) {
    Key key = flight.key;
    Failure before = failures.get(key);
    int count = before == null ? 0 : Math.min(before.count() + 1, 30);
    long first = settings.rememberFirst();
    long doubled = first << Math.min(count, Long.numberOfLeadingZeros(first) - 1);
    long period = Math.min(settings.rememberMost(), doubled);
    if (period > 0) {
      failures.put(key, new Failure(told, flight.number, count, time.now(), period));
    }
  }

  String cached(Key key) {
    Entry entry = find(key);
    if (entry == null) {
      return "Nothing is cached";
    }
    Snapshot s = entry.snapshot();
    return "Version %s is cached, fetched %s ago".formatted(s.value().versionId(), age(s));
  }

  private Duration age(Snapshot snapshot) {
    return Duration.ofNanos(Math.max(0, time.now().since(snapshot.fetched())));
  }

  private void reschedule(Entry entry) {
    if (!entry.key.version().isLabel()) {
      return; // A version is immutable.
    }
    entry.reschedule(
        snapshot -> {
          long delay = freshness.untilNextStep(snapshot, time.now());
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
    switch (freshness.step(snapshot, time.now())) {
      case WAIT -> {}
      case COME_DUE -> {
        boolean read = entry.takeRead();
        if (read || isKeptFresh(entry.key)) {
          Entry unused = find(entry.key); // Reads by a handle do not show in the map's own order.
          refresh.accept(entry, snapshot);
          return;
        }
        entry.replace(snapshot, snapshot.in(State.DUE));
      }
      case LAPSE -> entry.replace(snapshot, snapshot.in(State.LAPSED));
      case EXPIRE -> {
        if (expire(entry, snapshot)) {
          return;
        }
      }
    }
    reschedule(entry);
  }

  private boolean isKeptFresh(Key key) {
    return key.version().equals(VersionSelector.CURRENT)
        && settings.keptFresh().contains(key.secretId());
  }

  /** Drops a value that may be served no longer, as {@link #drop}, and warns of it. */
  private boolean expire(Entry entry, Snapshot snapshot) {
    boolean dropped = drop(entry, snapshot);
    Failing failed = dropped && snapshot.failures() > 0 ? failing.get(entry.key) : null;
    if (failed != null) {
      String versionId = snapshot.value().versionId();
      failing.put(entry.key, new Failing(failed.since(), time.now(), failed.reason(), versionId));
    }
    if (dropped && snapshot.failures() > 0) {
      Log.EVERCRED.log(
          System.Logger.Level.WARNING,
          "Secret {0} {1} for so long that its cached value is dropped. Reads fail until a fetch"
              + " succeeds; their exceptions say what stands against it.",
          entry.key,
          snapshot.deniedSince() == null ? "could not be refreshed" : "has been denied");
    }
    return dropped;
  }

  /** Drops a value, unless a newer one has come meanwhile; returns whether it has not. */
  private boolean drop(Entry entry, Snapshot snapshot) {
    if (!entry.replace(snapshot, snapshot.gone())) {
      return false;
    }
    if (entries.remove(mapKey(entry.key), entry)) { // Else it was evicted this moment.
      leave(entry);
      events.expired.increment();
      Key key = entry.key;
      Duration age = age(snapshot);
      String versionId = snapshot.value().versionId();
      events.tell(listener -> listener.expired(key.secretId(), key.version(), versionId, age));
    }
    return true;
  }

  /** Called inside the map, so nothing here may call it. */
  private void evicted(Entry entry) {
    Snapshot last = leave(entry);
    events.evicted.increment();
    Key key = entry.key;
    String versionId = last.value().versionId();
    events.tell(listener -> listener.evicted(key.secretId(), key.version(), versionId));
  }

  private Snapshot leave(Entry entry) {
    Snapshot last = entry.leave();
    relate(entry);
    return last;
  }

  /** Drops all versions of a secret under all of its ids, and what is remembered of them. */
  void invalidate(String secretId, ToLongFunction<Predicate<Key>> stopFlights) {
    Set<String> ids = new HashSet<>(List.of(secretId));
    Set<String> arns = new HashSet<>(List.of(secretId));
    for (Entry entry : entries.view().values()) {
      if (entry.key.secretId().equals(secretId)) {
        entry.snapshot().value().arn().ifPresent(arns::add);
      }
    }
    for (Entry entry : entries.view().values()) {
      if (entry.snapshot().value().arn().filter(arns::contains).isPresent()) {
        ids.add(entry.key.secretId());
      }
    }
    ids.addAll(arns);
    long last = stopFlights.applyAsLong(key -> ids.contains(key.secretId()));
    ids.forEach(id -> invalidated.put(id, last));
    forget(
        entry ->
            ids.contains(entry.key.secretId())
                || entry.snapshot().value().arn().filter(arns::contains).isPresent());
    synchronized (staying) {
      staying.removeIf(
          stayed ->
              ids.contains(stayed.key().secretId())
                  || stayed.snapshot().value().arn().filter(arns::contains).isPresent());
    }
    failures.removeIf(key -> ids.contains(key.secretId()));
    begun.removeIf(key -> ids.contains(key.secretId()));
    denied.removeIf(key -> ids.contains(key.secretId()));
    failing.removeIf(key -> ids.contains(key.secretId()));
  }

  private void forget(Predicate<Entry> which) {
    for (Entry entry : entries.view().values()) {
      if (which.test(entry)) {
        entries.remove(mapKey(entry.key), entry);
        leave(entry);
      }
    }
  }

  int size() {
    return entries.view().size();
  }

  /** How many secrets the ids that are held belong to. */
  int groups() {
    return aliases.size();
  }

  /** How much is remembered beside the entries: of failures, of starts, of what is one secret. */
  int remembered() {
    return failures.view().size() + begun.view().size() + aliases.size();
  }

  int stale() {
    int stale = 0;
    for (Entry entry : entries.view().values()) {
      stale += entry.snapshot().failures() > 0 ? 1 : 0;
    }
    return stale;
  }

  /** How long ago the oldest value that is refreshed was fetched; zero if there is none. */
  Duration oldest() {
    Duration oldest = Duration.ZERO;
    for (Entry entry : entries.view().values()) {
      Snapshot snapshot = entry.snapshot();
      if (entry.key.version().isLabel() && snapshot.state() != State.GONE) {
        Duration age = age(snapshot);
        oldest = age.compareTo(oldest) > 0 ? age : oldest;
      }
    }
    return oldest;
  }

  /** How long ago what is held was fetched, or null if nothing is. */
  @Nullable Duration age(Key key) {
    Entry entry = find(key);
    Snapshot snapshot = entry == null ? null : entry.snapshot();
    return snapshot == null || snapshot.state() == State.GONE ? null : age(snapshot);
  }

  /** Whether what is held is served because refreshing it failed. */
  boolean isStale(Key key) {
    Entry entry = find(key);
    return entry != null && entry.snapshot().failures() > 0;
  }

  /** When a fetch last succeeded, by the wall clock of now; null if none has. */
  @Nullable Instant lastSuccess() {
    Moment last = lastSuccess;
    return last == null ? null : wall(last);
  }

  private Instant wall(Moment moment) {
    return time.wall().minusNanos(Math.max(0, time.now().since(moment)));
  }

  /** What cannot be had or refreshed now, the longest first. */
  List<SecretCacheHealth.Trouble> troubles() {
    var all = new ArrayList<SecretCacheHealth.Trouble>();
    Moment now = time.now();
    for (Map.Entry<Key, Failing> one : failing.view().entrySet()) {
      Key key = one.getKey();
      Failing failed = one.getValue();
      Entry entry = find(key);
      Snapshot held = entry == null ? null : entry.snapshot();
      SecretCacheHealth.Condition condition;
      String versionId;
      if (held != null && held.state() != State.GONE) {
        if (held.failures() == 0) {
          continue; // Another id of this secret has brought an answer.
        }
        condition = SecretCacheHealth.Condition.STALE;
        versionId = held.value().versionId();
      } else if (now.since(failed.last()) >= TROUBLE_TOLD_FOR) {
        continue; // Nobody asks for it any more.
      } else {
        versionId = failed.expired();
        condition =
            versionId == null
                ? SecretCacheHealth.Condition.FAILING
                : SecretCacheHealth.Condition.EXPIRED;
      }
      all.add(
          new SecretCacheHealth.Trouble(
              key.secretId(),
              key.version(),
              condition,
              wall(failed.since()),
              failed.reason(),
              versionId));
    }
    all.sort(
        Comparator.comparing(SecretCacheHealth.Trouble::since)
            .thenComparing(SecretCacheHealth.Trouble::secretId));
    return all;
  }

  /** Describes what is held, a line each; never a value. */
  List<String> describe() {
    var lines = new ArrayList<String>();
    for (Entry entry : entries.view().values()) {
      Snapshot s = entry.snapshot();
      lines.add(
          "%s: version %s, labels %s, fetched %s ago, %s, %d failures in a row"
              .formatted(
                  entry.key,
                  s.value().versionId(),
                  s.value().labels().stream().sorted().toList(),
                  age(s),
                  s.state(),
                  s.failures()));
    }
    lines.sort(null);
    return lines;
  }

  /**
   * Describes the failures that are told again without a call, a line each. Their messages are left
   * out: a source of the user's own may have written them.
   */
  List<String> describeFailures() {
    var lines = new ArrayList<String>();
    for (Map.Entry<Key, Failure> one : failures.view().entrySet()) {
      Failure failure = one.getValue();
      long ago = time.now().since(failure.since());
      lines.add(
          "%s: %s, %d in a row, the last %s ago, request id %s, %s"
              .formatted(
                  one.getKey(),
                  failure.told().reason(),
                  failure.count() + 1,
                  Duration.ofNanos(ago),
                  failure.told().requestId() == null ? "none" : failure.told().requestId(),
                  ago < failure.period()
                      ? "told again for " + Duration.ofNanos(failure.period() - ago)
                      : "the next read tries again"));
    }
    lines.sort(null);
    return lines;
  }

  /**
   * Forgets everything, because the process is being checkpointed, and holds nothing until {@link
   * #resume}. May be called again meanwhile, for what has come between.
   *
   * @param mayStay which values may be in the snapshot: they are put aside, and nobody reads them
   *     before they come back
   * @return the labels of secrets that were held
   */
  Set<Key> beforeCheckpoint(Predicate<SecretValue> mayStay) {
    suspended = true;
    var held = new HashSet<Key>();
    for (Entry entry : entries.view().values()) {
      Snapshot snapshot = entry.snapshot();
      if (snapshot.state() != State.GONE) {
        if (entry.key.version().isLabel()) {
          held.add(entry.key);
        }
        if (mayStay.test(snapshot.value())) {
          synchronized (staying) {
            staying.add(new Staying(entry.key, snapshot));
          }
        }
      }
    }
    clear();
    failures.clear();
    begun.clear();
    denied.clear();
    failing.clear();
    invalidated.clear();
    return held;
  }

  /**
   * Holds values again.
   *
   * @param last the last flight that has begun
   * @return what has stayed, and can be {@linkplain #takeBack taken back}
   */
  List<SecretValue> resume(long last) {
    lastBefore = last;
    suspended = false;
    var stayed = new ArrayList<SecretValue>();
    synchronized (staying) {
      for (Staying one : staying) {
        SecretValue value = one.snapshot().value();
        SecretVersions versions = value.versions();
        stayed.addAll(versions == null ? List.of(value) : versions.all());
      }
    }
    return stayed;
  }

  /**
   * Holds again what has stayed, where nothing has come meanwhile and it is not too old to be
   * served. It is due, or has lapsed if its time in the snapshot was long enough for that.
   *
   * @return the entries of those that are due
   */
  List<Entry> takeBack() {
    Moment now = time.now();
    var back = new ArrayList<Entry>();
    synchronized (staying) {
      for (Staying stayed : staying) {
        Snapshot due = stayed.snapshot().in(State.DUE);
        boolean isLabel = stayed.key().version().isLabel(); // Any other is immutable.
        Step step = isLabel ? freshness.step(due, now) : Step.WAIT;
        if (step != Step.EXPIRE) {
          State state = !isLabel ? State.FRESH : step == Step.LAPSE ? State.LAPSED : State.DUE;
          Entry entry = new Entry(stayed.key(), due.in(state));
          if (hold(entry) == entry && state == State.DUE) {
            back.add(entry);
          }
        }
      }
      staying.clear();
    }
    return back;
  }

  void forgetStayed() {
    synchronized (staying) {
      staying.clear();
    }
  }

  void close() {
    closed = true;
    clear();
    failures.clear();
    failing.clear();
  }

  private void clear() {
    forget(entry -> true);
  }
}
