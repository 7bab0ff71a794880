package io.github.evercred.benchmarks;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.results.BenchmarkResult;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * Runs a benchmark and sets each {@link Way} beside the bare driver. The ways take turns, one short
 * iteration each, in the same JVM, and each is compared with the bare driver of the same turn. JMH
 * alone would measure one way for a minute, then the next, and what else the machine does in that
 * minute would look like a difference.
 *
 * @param forks JVMs one after another; 0 is this one, which measures nothing well
 * @param warmups turns before those that count
 * @param turns those that count, in each JVM
 * @param millis how long a way measures in a turn
 */
record Comparison(int forks, int warmups, int turns, int millis) {

  static Comparison of(Form form) {
    return switch (form) {
      case MOMENT -> new Comparison(0, 0, 1, 50);
      case SHORT -> new Comparison(2, 3, 10, 80);
      case FULL -> new Comparison(3, 8, 25, 125);
    };
  }

  /** Returns whose turn it is in an iteration, warm-ups counted. */
  static Way inTurn(Place place, int iteration) {
    List<Way> ways = Way.to(place);
    return ways.get(iteration % ways.size());
  }

  private static Place place(BenchmarkParams params) {
    return params.getParamsKeys().contains("place")
        ? Place.valueOf(params.getParam("place"))
        : Place.POSTGRESQL;
  }

  /** Runs a benchmark with each number of threads. */
  Results measure(Class<?> benchmark, int... threads) throws Exception {
    List<Measurement> measured = new ArrayList<>();
    try (Servers servers = Servers.start()) {
      servers.systemProperties().forEach(System::setProperty);
      for (Place place :
          benchmark == ConnectBenchmark.class
              ? List.of(Place.POSTGRESQL, Place.NOWHERE)
              : List.of(Place.POSTGRESQL)) {
        for (int count : threads) {
          for (RunResult result : run(benchmark, place, servers, count)) {
            String group =
                benchmark == ConnectBenchmark.class ? place.title : WarmRead.group(count);
            measured.addAll(
                measurements(group, place(result.getParams()), result.getBenchmarkResults()));
          }
        }
      }
    }
    return new Results(measured);
  }

  private Collection<RunResult> run(Class<?> benchmark, Place place, Servers servers, int threads)
      throws RunnerException {
    List<String> jvm = new ArrayList<>(List.of("-Xms512m", "-Xmx512m"));
    servers.systemProperties().forEach((name, value) -> jvm.add("-D" + name + "=" + value));
    int ways = Way.to(place).size();
    return new Runner(
            new OptionsBuilder()
                .include("\\b" + benchmark.getSimpleName() + "\\.")
                .param("place", place.name())
                .threads(threads)
                .forks(forks)
                .warmupIterations(warmups * ways)
                .warmupTime(TimeValue.milliseconds(millis))
                .measurementIterations(turns * ways)
                .measurementTime(TimeValue.milliseconds(millis))
                .jvmArgs(jvm.toArray(new String[0]))
                .shouldFailOnError(true)
                .verbosity(VerboseMode.SILENT)
                .build())
        .run();
  }

  private static List<Measurement> measurements(
      String group, Place place, Collection<BenchmarkResult> forks) {
    Map<Way, List<Double>> micros = byWay(place, forks);
    List<Double> bare = Objects.requireNonNull(micros.get(Way.BARE));
    List<Measurement> measurements = new ArrayList<>();
    micros.forEach(
        (way, its) -> {
          measurements.add(new Measurement(group, way.title, Metric.MICROS, its));
          if (way != Way.BARE) {
            List<Double> more = new ArrayList<>();
            for (int turn = 0; turn < its.size(); turn++) {
              more.add(its.get(turn) - bare.get(turn));
            }
            measurements.add(new Measurement(group, way.title, Metric.MICROS_MORE, more));
          }
        });
    return measurements;
  }

  /** What each way took, turn by turn. */
  private static Map<Way, List<Double>> byWay(Place place, Collection<BenchmarkResult> forks) {
    Map<Way, List<Double>> micros = new LinkedHashMap<>();
    for (BenchmarkResult fork : forks) {
      int number = 0; // All turns of the warm-up were whole ones.
      for (IterationResult iteration : fork.getIterationResults()) {
        micros
            .computeIfAbsent(inTurn(place, number++), way -> new ArrayList<>())
            .add(iteration.getPrimaryResult().getScore());
      }
    }
    return micros;
  }
}
