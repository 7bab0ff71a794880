package io.github.evercred.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * A median, and between what it lies with 95 % confidence, by rank; of few values, the least and
 * the greatest.
 */
record Spread(double median, double from, double to) {

  static Spread of(List<Double> values) {
    double[] sorted = values.stream().mapToDouble(d -> d).sorted().toArray();
    double middle = (sorted.length - 1) / 2.0;
    double half = 0.98 * Math.sqrt(sorted.length);
    int low = (int) Math.floor(middle);
    int high = (int) Math.ceil(middle);
    return new Spread(
        (sorted[low] + sorted[high]) / 2,
        sorted[(int) Math.max(0, Math.floor(middle - half))],
        sorted[(int) Math.min(sorted.length - 1.0, Math.ceil(middle + half))]);
  }

  /** Of round by round, where both have as many rounds; else of the medians. */
  static Spread ratio(List<Double> values, List<Double> base) {
    if (values.size() != base.size()) {
      double ratio = of(values).median / of(base).median;
      return new Spread(ratio, ratio, ratio);
    }
    List<Double> ratios = new ArrayList<>();
    for (int i = 0; i < values.size(); i++) {
      ratios.add(values.get(i) / base.get(i));
    }
    return of(ratios);
  }

  /** As a cell of a table; one number where nothing differs. */
  String shown(int decimals) {
    int shown = Math.abs(this.median) < 1000 ? decimals : 0;
    String median = number(this.median, shown);
    String from = number(this.from, shown);
    String to = number(this.to, shown);
    return from.equals(to) ? median : "%s (%s to %s)".formatted(median, from, to);
  }

  static String number(double value, int decimals) {
    String text = String.format(Locale.ROOT, "%,." + decimals + "f", value);
    return text.matches("-0(\\.0+)?") ? text.substring(1) : text;
  }
}
