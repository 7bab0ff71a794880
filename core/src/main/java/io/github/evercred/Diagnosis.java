package io.github.evercred;

import java.time.Instant;
import java.util.List;

/** Writes down the state of a cache for people. Knows no value, so it can leak none. */
final class Diagnosis {
  private Diagnosis() {}

  static String of(
      Instant now,
      String where,
      String state,
      Settings settings,
      List<CacheOption.Decided> options,
      SecretCache cache) {
    var text = new StringBuilder();
    line(text, "Evercred, at " + now + "; no value of a secret is in this");
    line(text, "source: " + where);
    line(text, "cache: " + state + (settings.sealing() == null ? "" : ", sealed"));
    SecretCacheHealth health = cache.health();
    line(text, "health: " + health.status());
    line(text, "breaker: " + health.breaker());
    line(text, "last success: " + (health.lastSuccess() == null ? "none" : health.lastSuccess()));
    line(text, "statistics: " + cache.statistics());
    section(text, "options", options);
    section(
        text,
        "listeners",
        settings.listeners().stream().map(listener -> listener.getClass().getName()).toList());
    section(text, "held, at most " + settings.maximumSecrets(), cache.entries.describe());
    section(text, "in trouble", health.troubles());
    section(text, "failures remembered", cache.entries.describeFailures());
    section(text, "under way", cache.flights.describe());
    section(text, "threads of all caches", threads());
    return text.toString();
  }

  private static List<String> threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("evercred-"))
        .map(thread -> thread.getName() + " " + thread.getState())
        .sorted()
        .toList();
  }

  private static void section(StringBuilder text, String title, List<?> lines) {
    line(text, title + " (" + lines.size() + "):");
    lines.forEach(one -> line(text, "  " + one));
  }

  private static void line(StringBuilder text, String line) {
    text.append(line).append('\n');
  }
}
