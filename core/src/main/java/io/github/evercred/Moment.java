package io.github.evercred;

/**
 * One point in time by both clocks, in nanoseconds. The monotonic clock may stand still while a
 * process is frozen, and the wall clock may be set; so of two moments the larger distance counts.
 *
 * @param mono monotonic
 * @param wall since the epoch
 */
record Moment(long mono, long wall) {

  /** Returns how long ago the other moment was: by the clock that went further. */
  long since(Moment earlier) {
    return Math.max(mono - earlier.mono, wall - earlier.wall);
  }
}
