package io.github.evercred.examples.rotation;

import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;

/** How long things took: counts in buckets that are at most 3 % wide, and the exact maximum. */
final class Latencies {
  private static final int BITS = 5;
  private static final int PER_DOUBLING = 1 << BITS;

  private final AtomicLongArray buckets = new AtomicLongArray(64 * PER_DOUBLING);
  private final AtomicLong max = new AtomicLong();

  void record(long nanos) {
    long value = Math.max(0, nanos);
    buckets.incrementAndGet(bucket(value));
    max.accumulateAndGet(value, Math::max);
  }

  long count() {
    long count = 0;
    for (int i = 0; i < buckets.length(); i++) {
      count += buckets.get(i);
    }
    return count;
  }

  long max() {
    return max.get();
  }

  /** Returns a time that the given share of all did not exceed, or 0 if there are none. */
  long percentile(double share) {
    long rank = (long) Math.ceil(share * count());
    long passed = 0;
    for (int i = 0; i < buckets.length(); i++) {
      passed += buckets.get(i);
      if (passed >= rank && passed > 0) {
        return Math.min(upperEnd(i), max());
      }
    }
    return 0;
  }

  /** Small values have a bucket each; then each doubling has as many, named by its top bits. */
  private static int bucket(long value) {
    if (value < PER_DOUBLING) {
      return (int) value;
    }
    int shift = 63 - Long.numberOfLeadingZeros(value) - BITS;
    return (shift + 1) * PER_DOUBLING + (int) (value >>> shift) - PER_DOUBLING;
  }

  private static long upperEnd(int bucket) {
    if (bucket < PER_DOUBLING) {
      return bucket;
    }
    int shift = bucket / PER_DOUBLING - 1;
    return ((bucket % PER_DOUBLING + PER_DOUBLING + 1L) << shift) - 1;
  }

  /** Writes a time for people: {@code 0.84 ms}, {@code 12.3 ms}, {@code 1.21 s}. */
  static String text(long nanos) {
    double millis = nanos / 1e6;
    return millis < 9.995
        ? String.format(Locale.ROOT, "%.2f ms", millis)
        : millis < 999.5
            ? String.format(Locale.ROOT, "%.0f ms", millis)
            : String.format(Locale.ROOT, "%.2f s", millis / 1e3);
  }
}
