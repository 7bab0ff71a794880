package io.github.evercred;

import java.util.Set;
import java.util.stream.Collectors;

/** The threads that caches have started and that are alive. */
final class CacheThreads {
  private CacheThreads() {}

  static Set<Thread> now(String prefix) {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith(prefix))
        .collect(Collectors.toSet());
  }
}
