package io.github.evercred.benchmarks;

/** What is measured; less is better for all of them but {@link #CONNECTS}. */
enum Metric {
  NANOS("ns", 1, Use.RATIO),
  ALLOCATED("bytes allocated", 0, Use.COUNT),
  MICROS("µs", 2, Use.RATIO),
  MICROS_MORE("µs more", 2, Use.SHOWN),
  MILLIS("ms", 0, Use.RATIO),
  PEAK_MB("peak MB", 0, Use.SHOWN),
  SLOW_BEYOND_FLOOR("slow reads beyond the floor's", 0, Use.COUNT),
  SLOW("slow reads", 0, Use.SHOWN),
  SLOW_FLOOR("slow reads of the floor", 0, Use.SHOWN),
  LOST_SECONDS("thread-seconds lost", 2, Use.SHOWN),
  STUCK("threads stuck at the end", 0, Use.COUNT),
  FAILED_READS("failed reads", 0, Use.COUNT),
  READS("reads", 0, Use.SHOWN),
  CALLS("calls to AWS", 0, Use.SHOWN),
  HERD_CALLS("calls", 0, Use.COUNT),
  CONNECTS("connects", 0, Use.SHOWN),
  FAILED_CONNECTS("failed connects", 0, Use.COUNT),
  REFUSED_LOGINS("refused logins", 0, Use.SHOWN),
  P99_MILLIS("p99 ms", 1, Use.SHOWN),
  MAX_MILLIS("max ms", 0, Use.SHOWN),
  JARS("jars", 0, Use.SHOWN),
  KILOBYTES("kB", 0, Use.RATIO),
  OWN_KILOBYTES("own kB", 1, Use.SHOWN),
  TRANSITIVE("transitive dependencies", 0, Use.SHOWN),
  BYTES_PER_SECRET("bytes per secret", 0, Use.RATIO);

  /** How it is shown, and compared with another run. */
  enum Use {
    /** Beside the same of the contestant that all are compared with. */
    RATIO,
    /** As it is: one more is one too many. */
    COUNT,
    /** As it is, and not compared with another run: it differs from run to run. */
    SHOWN
  }

  final String title;
  final int decimals;
  final Use use;

  Metric(String title, int decimals, Use use) {
    this.title = title;
    this.decimals = decimals;
    this.use = use;
  }
}
