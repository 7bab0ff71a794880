package io.github.evercred;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Waits in real time for what another thread is about to do, with a hard limit. */
final class Eventually {
  private static final Duration LIMIT = Duration.ofSeconds(20);

  private Eventually() {}

  static void until(BooleanSupplier condition, Supplier<String> otherwise) {
    atMost(LIMIT, condition, otherwise);
  }

  static void atMost(Duration limit, BooleanSupplier condition, Supplier<String> otherwise) {
    long end = System.nanoTime() + limit.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - end > 0) {
        throw new AssertionError("Not within " + limit + ": " + otherwise.get());
      }
      LockSupport.parkNanos(100_000);
    }
  }
}
