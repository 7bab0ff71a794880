package io.github.evercred.clients;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;

/** Waits in real time for what another thread is about to do, with a hard limit. */
final class Eventually {
  private static final Duration LIMIT = Duration.ofSeconds(20);

  private Eventually() {}

  static void until(Callable<Boolean> condition) throws Exception {
    atMost(LIMIT, condition);
  }

  static void atMost(Duration limit, Callable<Boolean> condition) throws Exception {
    long end = System.nanoTime() + limit.toNanos();
    while (!condition.call()) {
      if (System.nanoTime() - end > 0) {
        throw new AssertionError("Not within " + limit);
      }
      LockSupport.parkNanos(Duration.ofMillis(5).toNanos());
    }
  }
}
