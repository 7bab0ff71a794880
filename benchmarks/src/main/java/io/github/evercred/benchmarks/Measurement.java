package io.github.evercred.benchmarks;

import java.util.List;
import java.util.stream.DoubleStream;

/**
 * What one contestant took in all rounds.
 *
 * @param group what it was compared in, such as {@code 2 threads}
 * @param contestant who
 * @param metric what the values are
 * @param values one for each round, in order, so that those of one round can be compared
 */
record Measurement(String group, String contestant, Metric metric, List<Double> values) {

  Measurement {
    values = List.copyOf(values);
    if (values.isEmpty()) {
      throw new IllegalArgumentException(
          "No values of %s, %s of %s".formatted(metric, group, contestant));
    }
  }

  static Measurement of(String group, String contestant, Metric metric, double... values) {
    return new Measurement(group, contestant, metric, DoubleStream.of(values).boxed().toList());
  }

  Spread spread() {
    return Spread.of(values);
  }
}
