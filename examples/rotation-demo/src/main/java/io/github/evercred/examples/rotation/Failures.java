package io.github.evercred.examples.rotation;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Failed requests, grouped by what kind of failure it was, with the first of each. Thread-safe. */
final class Failures {
  private static final int KINDS_KEPT = 20;
  private static final String OTHERS = "others";

  private final Map<String, Group> groups = new LinkedHashMap<>();

  private static final class Group {
    final String first;
    long count;

    Group(String first) {
      this.first = first;
    }
  }

  /** Counts a failure. Keeps texts only: an exception could hold on to whatever it came from. */
  synchronized void add(String where, String when, Throwable failure) {
    String key = where + " " + kind(failure);
    if (!groups.containsKey(key) && groups.size() >= KINDS_KEPT) {
      key = OTHERS;
    }
    groups.computeIfAbsent(key, k -> new Group("%s, %s: %s".formatted(where, when, text(failure))))
        .count++;
  }

  /** Returns a line for each kind, the first to happen first. */
  synchronized List<String> lines() {
    List<String> lines = new ArrayList<>();
    groups.forEach((kind, group) -> lines.add("%,d x %s".formatted(group.count, group.first)));
    return lines;
  }

  private static String kind(Throwable failure) {
    StringBuilder kind = new StringBuilder();
    for (Throwable t = failure; t != null; t = t.getCause()) {
      kind.append(t.getClass().getName());
      if (t instanceof SQLException sql) {
        kind.append(' ').append(sql.getSQLState());
      }
    }
    return kind.toString();
  }

  private static String text(Throwable failure) {
    StringBuilder text = new StringBuilder();
    for (Throwable t = failure; t != null; t = t.getCause()) {
      text.append(text.isEmpty() ? "" : System.lineSeparator() + "      because of ")
          .append(t.getClass().getSimpleName());
      if (t instanceof SQLException sql) {
        text.append(" [").append(Objects.requireNonNullElse(sql.getSQLState(), "-")).append(']');
      }
      text.append(": ").append(t.getMessage());
    }
    return text.toString();
  }
}
