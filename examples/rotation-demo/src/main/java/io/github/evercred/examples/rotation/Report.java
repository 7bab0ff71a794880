package io.github.evercred.examples.rotation;

import io.github.evercred.examples.rotation.DemoOptions.Strategy;
import io.github.evercred.examples.rotation.Results.Turn;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.LongSummaryStatistics;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;

/** What came of both applications, side by side, and the verdict. */
final class Report {
  private static final int LISTED_ONE_BY_ONE = 8;

  private final DemoOptions options;
  private final Results with;
  private final Results without;
  private final List<String[]> rows = new ArrayList<>();

  Report(DemoOptions options, Results with, Results without) {
    this.options = options;
    this.with = with;
    this.without = without;
  }

  String table() {
    rows.clear();
    row("", Results::name);
    row("requests", r -> number(r.requests()));
    row("  failed", r -> number(r.failed()));
    row("    of the pool's workers", r -> number(r.pooled().failed()));
    row("    of the workers without a pool", r -> number(r.unpooled().failed()));
    row("  still waiting at the end", r -> number(r.unanswered()));
    row("  answered in: p50", r -> time(r.requestTimes(), 0.5));
    row("    p99", r -> time(r.requestTimes(), 0.99));
    row("    slowest", r -> time(r.requestTimes(), 1));
    row("new logins", r -> number(r.pooled().logins() + r.unpooled().logins()));
    row("  took: p50", r -> time(r.loginTimes(), 0.5));
    row("    p99", r -> time(r.loginTimes(), 0.99));
    row("    slowest", r -> time(r.loginTimes(), 1));
    row("  in each window: by the pool", r -> byRotation(r, Turn::pooledLogins));
    row("    by workers without a pool", r -> byRotation(r, Turn::unpooledLogins));
    row("logins refused, counted by PostgreSQL", r -> number(sum(r, Turn::refused)));
    row("  in each rotation", r -> byRotation(r, Turn::refused));
    row("calls to Secrets Manager", r -> number(r.callsAtStart() + sum(r, Turn::calls)));
    Set<String> operations = new TreeSet<>(with.calls().keySet());
    operations.addAll(without.calls().keySet());
    for (String operation : operations) {
      row("  " + operation, r -> number(r.calls().getOrDefault(operation, 0)));
    }
    row("  at the start", r -> number(r.callsAtStart()));
    row("  in each rotation", r -> byRotation(r, Turn::calls));
    return rendered();
  }

  String legend() {
    return """
        A window is the time from setSecret to finishSecret. Counted in it are logins that began and
        ended there. Times are those of requests and logins that succeeded, the first 2 s excepted."""
        + (options.strategy() == Strategy.SINGLE_USER
            ? ""
            : "\nWithout Evercred the first rotation does no harm: the user it has works until the second.");
  }

  private void row(String label, Function<Results, String> cell) {
    rows.add(new String[] {label, cell.apply(with), cell.apply(without)});
  }

  private String rendered() {
    int[] widths = new int[3];
    for (String[] row : rows) {
      for (int i = 0; i < row.length; i++) {
        widths[i] = Math.max(widths[i], row[i].length());
      }
    }
    String format = "%%-%ds   %%%ds   %%%ds".formatted(widths[0], widths[1], widths[2]);
    return rows.stream()
        .map(row -> String.format(Locale.ROOT, format, row[0], row[1], row[2]))
        .collect(Collectors.joining(System.lineSeparator()));
  }

  private static String number(long number) {
    return String.format(Locale.ROOT, "%,d", number);
  }

  private static String time(Latencies latencies, double share) {
    return latencies.count() == 0 ? "-" : Latencies.text(latencies.percentile(share));
  }

  private static long sum(Results results, ToLongFunction<Turn> figure) {
    return results.rotations().stream().mapToLong(figure).sum();
  }

  private static String byRotation(Results results, ToLongFunction<Turn> figure) {
    if (results.rotations().size() <= LISTED_ONE_BY_ONE) {
      return results.rotations().stream()
          .map(turn -> number(figure.applyAsLong(turn)))
          .collect(Collectors.joining(" "));
    }
    LongSummaryStatistics all = results.rotations().stream().mapToLong(figure).summaryStatistics();
    return number(all.getMin()) + " to " + number(all.getMax());
  }

  /** Returns what went wrong with Evercred; nothing if all is well. */
  List<String> faults() {
    List<String> faults = new ArrayList<>();
    if (with.failed() > 0) {
      faults.add("%,d requests failed".formatted(with.failed()));
    }
    if (with.unanswered() > 0) {
      faults.add("%,d requests were still waiting at the end".formatted(with.unanswered()));
    }
    if (with.rotations().size() < options.rotations()) {
      faults.add(
          "only %d of %d rotations were done"
              .formatted(with.rotations().size(), options.rotations()));
    }
    windowsWithout(Turn::pooledLogins, "the pool", faults);
    windowsWithout(Turn::unpooledLogins, "the workers without a pool", faults);
    return faults;
  }

  private void windowsWithout(ToLongFunction<Turn> logins, String of, List<String> faults) {
    List<String> empty = new ArrayList<>();
    for (int i = 0; i < with.rotations().size(); i++) {
      if (logins.applyAsLong(with.rotations().get(i)) == 0) {
        empty.add(String.valueOf(i + 1));
      }
    }
    if (!empty.isEmpty()) {
      faults.add(
          "no login of %s succeeded inside the window of rotation %s"
              .formatted(of, String.join(", ", empty)));
    }
  }

  String verdict() {
    List<String> faults = faults();
    if (!faults.isEmpty()) {
      return "FAILED: with Evercred " + String.join("; ", faults) + ".";
    }
    String rotations = options.rotations() == 1 ? "1 rotation" : options.rotations() + " rotations";
    return "PASSED: through %s, %s, none of %s requests failed with Evercred; without it %s of %s did."
        .formatted(
            rotations,
            options.strategy() == Strategy.SINGLE_USER ? "single user" : "alternating users",
            number(with.requests()),
            number(without.failed()),
            number(without.requests()));
  }
}
