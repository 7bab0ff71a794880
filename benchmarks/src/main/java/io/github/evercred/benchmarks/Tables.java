package io.github.evercred.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** What was measured, as a table in Markdown: a ratio stands beside its absolute value. */
final class Tables {
  private Tables() {}

  static String table(Run run) {
    return table(run.results(), run.suite().base);
  }

  static String table(Results results, String base) {
    boolean grouped = results.groups().size() > 1;
    Set<Metric> metrics = results.metrics();
    List<String> head = new ArrayList<>();
    if (grouped) {
      head.add("");
    }
    head.add("contestant");
    for (Metric metric : metrics) {
      head.add(metric.title);
      if (metric.use == Metric.Use.RATIO) {
        head.add("of " + base);
      }
    }
    var table = new StringBuilder();
    row(table, head);
    row(table, head.stream().map(column -> "---").toList());
    for (String group : results.groups()) {
      for (String contestant : results.contestants(group)) {
        List<String> cells = new ArrayList<>();
        if (grouped) {
          cells.add(group);
        }
        cells.add(contestant);
        for (Metric metric : metrics) {
          var found = results.find(group, contestant, metric);
          cells.add(found.map(one -> one.spread().shown(metric.decimals)).orElse(""));
          if (metric.use == Metric.Use.RATIO) {
            cells.add(
                found
                    .flatMap(one -> results.ratio(one, base))
                    .map(ratio -> ratio.shown(ratio.median() < 10 ? 2 : 0))
                    .orElse(""));
          }
        }
        row(table, cells);
      }
    }
    return table.toString();
  }

  private static void row(StringBuilder table, List<String> cells) {
    table.append(cells.stream().collect(Collectors.joining(" | ", "| ", " |\n")));
  }
}
