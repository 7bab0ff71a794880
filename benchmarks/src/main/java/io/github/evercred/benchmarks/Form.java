package io.github.evercred.benchmarks;

import java.util.Locale;

/** How long a benchmark may take. */
enum Form {
  /** A few seconds for all: whether it still runs, not what it measures. */
  MOMENT,

  /** Under ten minutes for all, on two cores. */
  SHORT,

  /** As long as it needs: every window, engine and strategy. */
  FULL;

  /** Returns what fits the form. */
  int of(int moment, int small, int full) {
    return switch (this) {
      case MOMENT -> moment;
      case SHORT -> small;
      case FULL -> full;
    };
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
