package io.github.evercred;

import io.github.evercred.Entry.Snapshot;
import io.github.evercred.Entry.State;
import org.jspecify.annotations.Nullable;

/**
 * Every decision about age, as functions of a snapshot and the time. Nothing here reads a clock,
 * waits or changes anything. All fields are nanoseconds. An age is that by the clock that went
 * further.
 *
 * @param refreshAfter age at which a refresh is due
 * @param revalidateAfter time without an attempt after which a value must not be trusted unasked
 * @param serveStaleFor bound from the last success
 * @param serveStaleWhenDeniedFor bound from the first definitive failure since the last success
 */
record Freshness(
    long refreshAfter, long revalidateAfter, long serveStaleFor, long serveStaleWhenDeniedFor) {

  private static final long FIRST_PAUSE = 1_000_000_000L;
  private static final long UNCALLED_PAUSE = 120 * FIRST_PAUSE;

  /** What has to be done about an entry. */
  enum Step {
    WAIT,
    /** Refresh if somebody has read it, else let it become due. */
    COME_DUE,
    LAPSE,
    EXPIRE
  }

  Snapshot fetched(SecretValue value, long flight, Moment now, double jitter) {
    // Up to a tenth sooner, so that a fleet that started together does not refresh together.
    long pause = (long) (refreshAfter * (1 - 0.1 * jitter));
    return new Snapshot(value, flight, now, now, pause, 0, null, State.FRESH);
  }

  /** A failed refresh: the value stays, the next attempt is put off, twice as long each time. */
  Snapshot failed(Snapshot old, boolean definitive, Moment now, double jitter) {
    int failures = old.failures() + 1;
    Moment denied = definitive && old.deniedSince() == null ? now : old.deniedSince();
    return failed(old, now, (long) (backOff(failures) * (1 - 0.25 * jitter)), failures, denied);
  }

  /**
   * A refresh that ended without a call, because the breaker let none through. That says nothing of
   * this secret and has cost nobody anything: the next attempt comes after one to two minutes,
   * unless the secret's own failures put it off for longer.
   */
  Snapshot uncalled(Snapshot old, Moment now, double jitter) {
    int failures = Math.max(1, old.failures());
    long pause = (long) (Math.min(refreshAfter, UNCALLED_PAUSE) * (1 - 0.5 * jitter));
    return failed(old, now, Math.max(pause, backOff(failures)), failures, old.deniedSince());
  }

  private long backOff(int failures) {
    return Math.min(refreshAfter, FIRST_PAUSE << Math.min(failures - 1, 30));
  }

  private static Snapshot failed(
      Snapshot old, Moment now, long pause, int failures, @Nullable Moment denied) {
    return new Snapshot(
        old.value(), old.flight(), old.fetched(), now, pause, failures, denied, State.FRESH);
  }

  /** How long the value may still be served. */
  long left(Snapshot s, Moment now) {
    long left = Math.max(serveStaleFor, refreshAfter) - now.since(s.fetched());
    Moment denied = s.deniedSince();
    return denied == null ? left : Math.min(left, serveStaleWhenDeniedFor - now.since(denied));
  }

  /** How long it is until the timer has to look at an entry again. */
  long untilNextStep(Snapshot s, Moment now) {
    long idle = now.since(s.attempted());
    long left = left(s, now);
    return switch (s.state()) {
      case FRESH -> Math.min(left, s.pause() - idle);
      case DUE -> Math.min(left, revalidateAfter - idle);
      case LAPSED, GONE -> left;
    };
  }

  Step step(Snapshot s, Moment now) {
    if (left(s, now) <= 0) {
      return Step.EXPIRE;
    }
    long idle = now.since(s.attempted());
    return switch (s.state()) {
      // A pause may be longer than revalidateAfter: that of a refresh that is under way.
      case FRESH ->
          idle < s.pause() ? Step.WAIT : idle < revalidateAfter ? Step.COME_DUE : Step.LAPSE;
      case DUE -> idle < revalidateAfter ? Step.WAIT : Step.LAPSE;
      case LAPSED, GONE -> Step.WAIT;
    };
  }
}
