package io.github.evercred.testkit;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;

/** What the builders of servers have in common. Not thread-safe. */
final class ServerSettings {
  private static final Pattern NAME = Pattern.compile("[a-z_]+(\\.[a-z_]+)?");

  private int maxConnections = 100;
  private Duration startTimeout = Duration.ofSeconds(60);
  private final Map<String, String> own = new LinkedHashMap<>();

  void maxConnections(int connections) {
    if (connections < 1 || connections > 1000) {
      throw new IllegalArgumentException("maxConnections must be 1 to 1000: " + connections);
    }
    this.maxConnections = connections;
  }

  int maxConnections() {
    return maxConnections;
  }

  void startTimeout(Duration timeout) {
    if (timeout.compareTo(Duration.ofSeconds(1)) < 0
        || timeout.compareTo(Duration.ofMinutes(10)) > 0) {
      throw new IllegalArgumentException("startTimeout must be 1 second to 10 minutes: " + timeout);
    }
    this.startTimeout = timeout;
  }

  Duration startTimeout() {
    return startTimeout;
  }

  /** Takes a setting of the server, unless the test kit depends on it. */
  void put(boolean ours, String name, String value) {
    put(NAME, ours, name, value);
  }

  /** The same, for a server whose settings have names of another kind. */
  void put(Pattern names, boolean ours, String name, String value) {
    String lower = name.toLowerCase(Locale.ROOT);
    if (ours || !names.matcher(lower).matches()) {
      throw new IllegalArgumentException(
          "'%s' is not a setting that can be changed here".formatted(name));
    }
    own.put(lower, Objects.requireNonNull(value, "value"));
  }

  void addTo(Map<String, String> all) {
    all.putAll(own);
  }
}
