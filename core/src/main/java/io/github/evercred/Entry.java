package io.github.evercred;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.Future;
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
    LAPSED
  }

  /**
   * One state of an entry. Times are monotonic nanoseconds.
   *
   * @param value what is served
   * @param flight number of the flight that brought it; a later flight's answer replaces it
   * @param fetched when it was fetched
   * @param attempted when a fetch was last tried
   * @param due when the next refresh is due
   * @param failures refreshes failed in a row
   * @param deniedSince time of the first definitive failure since the last success
   * @param denied whether there was one
   * @param state how a reader treats it
   */
  record Snapshot(
      SecretValue value,
      long flight,
      long fetched,
      long attempted,
      long due,
      int failures,
      long deniedSince,
      boolean denied,
      State state) {

    Snapshot in(State other) {
      return new Snapshot(
          value, flight, fetched, attempted, due, failures, deniedSince, denied, other);
    }

    /** A refresh is under way, and its end decides what is next. */
    Snapshot refreshing(long now, long until) {
      return new Snapshot(
          value, flight, fetched, now, until, failures, deniedSince, denied, State.FRESH);
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

  private @Nullable Future<?> timer;
  private boolean gone;

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
  synchronized void reschedule(java.util.function.Function<Snapshot, @Nullable Future<?>> timers) {
    if (timer != null) {
      timer.cancel(false);
    }
    timer = gone ? null : timers.apply(snapshot);
  }

  /** The entry has left the cache. */
  synchronized void leave() {
    gone = true;
    if (timer != null) {
      timer.cancel(false);
      timer = null;
    }
  }
}
