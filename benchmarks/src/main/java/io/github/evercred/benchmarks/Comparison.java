package io.github.evercred.benchmarks;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.DoubleStream;
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
  private static final Comparison USUAL = new Comparison(3, 8, 25, 125);

  /** What a row of the table is about, but for the way. */
  private record Case(Place place, int threads) {

    static Case of(BenchmarkParams params) {
      boolean placed = params.getParamsKeys().contains("place");
      return new Case(
          placed ? Place.valueOf(params.getParam("place")) : Place.POSTGRESQL, params.getThreads());
    }
  }

  /**
   * Compares.
   *
   * @param args the class of a benchmark, such as {@code QueryBenchmark}
   */
  public static void main(String[] args) throws Exception {
    switch (args.length == 1 ? args[0] : "") {
      case "QueryBenchmark" -> System.out.println(USUAL.table(QueryBenchmark.class, 1, 2));
      case "ConnectBenchmark" -> System.out.println(USUAL.table(ConnectBenchmark.class, 1));
      default -> {
        System.err.println("Name one of QueryBenchmark, ConnectBenchmark.");
        System.exit(2);
      }
    }
  }

  /** Runs a benchmark with each number of threads, and returns a table in Markdown. */
  String table(Class<?> benchmark, int... threads) throws Exception {
    Map<Case, Collection<BenchmarkResult>> measured = new LinkedHashMap<>();
    try (Servers servers = Servers.start()) {
      servers.systemProperties().forEach(System::setProperty);
      for (int count : threads) {
        for (RunResult result : run(benchmark, servers, count)) {
          measured.put(Case.of(result.getParams()), result.getBenchmarkResults());
        }
      }
    }
    return table(measured);
  }

  private Collection<RunResult> run(Class<?> benchmark, Servers servers, int threads)
      throws RunnerException {
    List<String> jvm = new ArrayList<>(List.of("-Xms512m", "-Xmx512m"));
    servers.systemProperties().forEach((name, value) -> jvm.add("-D" + name + "=" + value));
    return new Runner(
            new OptionsBuilder()
                .include("\\b" + benchmark.getSimpleName() + "\\.")
                .threads(threads)
                .forks(forks)
                .warmupIterations(warmups * Way.values().length)
                .warmupTime(TimeValue.milliseconds(millis))
                .measurementIterations(turns * Way.values().length)
                .measurementTime(TimeValue.milliseconds(millis))
                .jvmArgs(jvm.toArray(new String[0]))
                .shouldFailOnError(true)
                .verbosity(VerboseMode.SILENT)
                .build())
        .run();
  }

  private static String table(Map<Case, Collection<BenchmarkResult>> measured) {
    var table = new StringBuilder();
    table.append("| place | threads | way | µs | of BARE | µs more |\n|---|---|---|---|---|---|\n");
    measured.forEach(
        (which, forks) -> {
          Map<Way, List<Double>> micros = byWay(forks);
          double[] bare = numbers(micros, Way.BARE);
          for (Way way : Way.values()) {
            double[] its = numbers(micros, way);
            double[] ratios = new double[its.length];
            double[] more = new double[its.length];
            for (int turn = 0; turn < its.length; turn++) {
              ratios[turn] = its[turn] / bare[turn];
              more[turn] = its[turn] - bare[turn];
            }
            // Of what takes no time at all, a ratio says nothing.
            boolean hasRatio = way != Way.BARE && which.place() == Place.POSTGRESQL;
            table.append(
                "| %s | %d | %s | %s | %s | %s |\n"
                    .formatted(
                        which.place(),
                        which.threads(),
                        way,
                        shown(its, "%.2f"),
                        hasRatio ? shown(ratios, "%.3f") : "-",
                        way == Way.BARE ? "-" : shown(more, "%.2f")));
          }
        });
    return table.toString();
  }

  /** What each way took, turn by turn. */
  private static Map<Way, List<Double>> byWay(Collection<BenchmarkResult> forks) {
    Map<Way, List<Double>> micros = new LinkedHashMap<>();
    for (BenchmarkResult fork : forks) {
      int number = 0; // All turns of the warm-up were whole ones.
      for (IterationResult iteration : fork.getIterationResults()) {
        micros
            .computeIfAbsent(Way.inTurn(number++), way -> new ArrayList<>())
            .add(iteration.getPrimaryResult().getScore());
      }
    }
    return micros;
  }

  private static double[] numbers(Map<Way, List<Double>> micros, Way way) {
    return Objects.requireNonNull(micros.get(way)).stream().mapToDouble(d -> d).toArray();
  }

  /** The median, and between what it lies with 95 % confidence, by rank. */
  private static String shown(double[] values, String format) {
    double[] sorted = DoubleStream.of(values).sorted().toArray();
    double half = 0.98 * Math.sqrt(sorted.length);
    int from = (int) Math.max(0, Math.floor((sorted.length - 1) / 2.0 - half));
    int to = (int) Math.min(sorted.length - 1.0, Math.ceil((sorted.length - 1) / 2.0 + half));
    return String.format(
        Locale.ROOT,
        "%1$s (%1$s to %1$s)".replace("%1$s", format),
        sorted[sorted.length / 2],
        sorted[from],
        sorted[to]);
  }
}
