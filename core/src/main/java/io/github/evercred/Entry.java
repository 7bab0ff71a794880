package io.github.evercred;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What is cached under one key: an immutable snapshot that is replaced as a whole, and whether
 * anybody has read it since it was last refreshed.
 */
final class Entry {

  /** How a reader treats the value. The timer moves it on, not the reader. */
  enum State {
    /** Served at once. Also while a refresh runs or has failed: nothing to do before the next. */
    FRESH,
    /** Served at once; the reader starts a refresh, since none ran while nobody read. */
    DUE,
    /** Nobody has tried to refresh it for long: the reader refreshes it before it answers. */
    LAPSED,
    /** No longer in the cache. Who still holds the entry must look again. */
    GONE
  }

  /**
   * One state of an entry.
   *
   * @param value what is served
   * @param flight number of the flight that brought it; a later flight's answer replaces it
   * @param fetched when it was fetched
   * @param attempted when a fetch was last tried
   * @param pause how long after that the next refresh is due, in nanoseconds
   * @param failures refreshes failed in a row
   * @param deniedSince time of the first definitive failure since the last success, if there was
   *     one
   * @param state how a reader treats it
   */
  record Snapshot(
      SecretValue value,
      long flight,
      Moment fetched,
      Moment attempted,
      long pause,
      int failures,
      @Nullable Moment deniedSince,
      State state) {

    Snapshot in(State other) {
      return new Snapshot(value, flight, fetched, attempted, pause, failures, deniedSince, other);
    }

    /** No longer held, and so is its value: whoever still has the entry must not hold that. */
    Snapshot gone() {
      return with(value.emptied()).in(State.GONE);
    }

    /** A refresh is under way, and its end decides what is next; or this long has passed. */
    Snapshot refreshing(Moment now, long atMost) {
      return new Snapshot(value, flight, fetched, now, atMost, failures, deniedSince, State.FRESH);
    }

    Snapshot pausing(long nanos) {
      return new Snapshot(value, flight, fetched, attempted, nanos, failures, deniedSince, state);
    }

    Snapshot with(SecretValue other) {
      return other == value
          ? this
          : new Snapshot(other, flight, fetched, attempted, pause, failures, deniedSince, state);
    }

    /** Without the failures, which were another id's; this one has still to try for itself. */
    Snapshot forgiven() {
      return failures == 0
          ? this
          : new Snapshot(value, flight, fetched, attempted, pause, 0, null, State.DUE);
    }

    /** The same for another id of the same secret. */
    Snapshot under(String secretId) {
      return with(value.under(secretId));
    }
  }

  private static final VarHandle SNAPSHOT;
  private static final VarHandle READ;

  static {
    try {
      var lookup = MethodHandles.lookup();
      SNAPSHOT = lookup.findVarHandle(Entry.class, "snapshot", Snapshot.class);
      READ = lookup.findVarHandle(Entry.class, "read", boolean.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  final Key key;
  private volatile Snapshot snapshot;

  @SuppressWarnings("unused") // Through READ.
  private boolean read;

  /** The latest flight for this very key that has landed here. */
  private final AtomicLong own = new AtomicLong();

  private @Nullable Future<?> timer;
  private @Nullable Alias alias;

  Entry(Key key, Snapshot snapshot) {
    this.key = key;
    this.snapshot = snapshot;
  }

  Snapshot snapshot() {
    return snapshot;
  }

  boolean replace(Snapshot old, Snapshot now) {
    return SNAPSHOT.compareAndSet(this, old, now);
  }

  /**
   * Publishes an answer, unless a later one is here.
   *
   * @param isOwn whether this entry's own id was asked for, and not another id of the same secret
   * @return what it has replaced; null if it was not published
   */
  @Nullable Snapshot publish(Snapshot fresh, boolean isOwn) {
    long number = fresh.flight();
    if (isOwn) {
      hasHeardFrom(number);
    }
    while (true) {
      Snapshot old = snapshot;
      if (old.state() == State.GONE || own.get() > number) {
        return null;
      }
      // Another id's later answer does not count once this id turns out to be another secret's.
      // Nor is one taken while this entry is about to leave that id's group.
      boolean sameSecret = old.value().arn().equals(fresh.value().arn());
      if (sameSecret ? old.flight() > number : !isOwn) {
        return null;
      }
      SecretValue value = fresh.value().sharing(old.value());
      if (replace(old, fresh.with(value))) {
        return old;
      }
    }
  }

  /** What earlier flights for this very key bring from now on is out of date. */
  void hasHeardFrom(long flight) {
    own.accumulateAndGet(flight, Math::max);
  }

  /** Writes only once, so that readers do not fight over the cache line. */
  void markRead() {
    if (!(boolean) READ.getOpaque(this)) {
      READ.setOpaque(this, true);
    }
  }

  boolean takeRead() {
    boolean was = (boolean) READ.getOpaque(this);
    READ.setOpaque(this, false);
    return was;
  }

  /** Puts the timer where the present snapshot wants it: there is one at most. */
  synchronized void reschedule(Function<Snapshot, @Nullable Future<?>> timers) {
    Future<?> old = timer;
    Snapshot now = snapshot;
    timer = now.state() == State.GONE ? null : timers.apply(now);
    if (old != null) {
      old.cancel(false);
    }
  }

  /**
   * Tells what the present snapshot is an alias of, and what the one before was, which may be the
   * same.
   */
  synchronized void relate(BiConsumer<@Nullable Alias, @Nullable Alias> change) {
    Snapshot now = snapshot;
    String arn = now.state() == State.GONE ? null : now.value().arn().orElse(null);
    Alias is = arn == null ? null : new Alias(arn, key.version());
    Alias was = alias;
    alias = is;
    change.accept(was, is);
  }

  /** The entry leaves the cache; returns the last that it held. */
  Snapshot leave() {
    Snapshot last;
    do {
      last = snapshot;
    } while (last.state() != State.GONE && !replace(last, last.gone()));
    reschedule(nothing -> null);
    return last;
  }
}
