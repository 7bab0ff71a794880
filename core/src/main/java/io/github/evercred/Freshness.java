package io.github.evercred;

import io.github.evercred.Entry.Snapshot;
import io.github.evercred.Entry.State;

/**
 * Every decision about age, as functions of a snapshot and the time. Nothing here reads a clock,
 * waits or changes anything. All fields are nanoseconds.
 *
 * @param refreshAfter age at which a refresh is due
 * @param revalidateAfter time without an attempt after which a value must not be trusted unasked
 * @param serveStaleFor bound from the last success
 * @param serveStaleWhenDeniedFor bound from the first definitive failure since the last success
 */
record Freshness(
    long refreshAfter, long revalidateAfter, long serveStaleFor, long serveStaleWhenDeniedFor) {

  private static final long FIRST_PAUSE = 1_000_000_000L;

  /** What the timer has to do about an entry. */
  enum Step {
    WAIT,
    /** Refresh if somebody has read it, else let it become due. */
    COME_DUE,
    LAPSE,
    EXPIRE
  }

  Snapshot fetched(SecretValue value, long flight, long now, double jitter) {
    // Up to a tenth sooner, so that a fleet that started together does not refresh together.
    long due = now + (long) (refreshAfter * (1 - 0.1 * jitter));
    return new Snapshot(value, flight, now, now, due, 0, 0, false, State.FRESH);
  }

  /** A failed refresh: the value stays, the next attempt is put off, twice as long each time. */
  Snapshot failed(Snapshot old, boolean definitive, long now, double jitter) {
    int failures = old.failures() + 1;
    long pause = Math.min(refreshAfter, FIRST_PAUSE << Math.min(failures - 1, 30));
    return new Snapshot(
        old.value(),
        old.flight(),
        old.fetched(),
        now,
        now + (long) (pause * (1 - 0.25 * jitter)),
        failures,
        definitive && !old.denied() ? now : old.deniedSince(),
        old.denied() || definitive,
        State.FRESH);
  }

  long expiresAt(Snapshot s) {
    long bound = s.fetched() + Math.max(serveStaleFor, refreshAfter);
    if (s.denied()) {
      long deniedBound = s.deniedSince() + serveStaleWhenDeniedFor;
      return deniedBound - bound < 0 ? deniedBound : bound;
    }
    return bound;
  }

  /** When the timer has to look at an entry again. */
  long nextStepAt(Snapshot s) {
    long expires = expiresAt(s);
    long next =
        switch (s.state()) {
          case FRESH -> s.due();
          case DUE -> s.attempted() + revalidateAfter;
          case LAPSED -> expires;
        };
    return next - expires < 0 ? next : expires;
  }

  Step step(Snapshot s, long now) {
    if (now - expiresAt(s) >= 0) {
      return Step.EXPIRE;
    }
    return switch (s.state()) {
      case FRESH -> now - s.due() >= 0 ? Step.COME_DUE : Step.WAIT;
      case DUE -> now - s.attempted() - revalidateAfter >= 0 ? Step.LAPSE : Step.WAIT;
      case LAPSED -> Step.WAIT;
    };
  }
}
