package io.github.evercred.benchmarks;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;
import org.openjdk.jmh.util.ListStatistics;

/**
 * Runs a benchmark for each {@link Way}, in turns, and sets them beside the bare driver. JMH alone
 * would run all forks of one way, then all of the next, and take what the machine does meanwhile
 * for a difference. Here each round has a fork of each, of which the best iteration counts, and
 * ratios are made within a round.
 *
 * @param rounds how often everything is run
 * @param forks 1 for a JVM for each measurement, 0 for this one, which measures nothing well
 * @param warmups iterations before those that count
 * @param iterations those that count
 * @param millis how long an iteration takes
 */
record Comparison(int rounds, int forks, int warmups, int iterations, int millis) {
  private static final Comparison USUAL = new Comparison(5, 1, 8, 12, 125);

  /** What a row of the table is about, but for the way. */
  private record Case(String place, int threads) {

    static Case of(BenchmarkParams params) {
      boolean placed = params.getParamsKeys().contains("place");
      return new Case(
          placed ? params.getParam("place") : Place.POSTGRESQL.name(), params.getThreads());
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
    Map<Case, Map<Way, List<Double>>> micros = new LinkedHashMap<>();
    try (Servers servers = Servers.start()) {
      servers.systemProperties().forEach(System::setProperty);
      for (int round = 0; round < rounds; round++) {
        System.err.printf("%s: round %d of %d%n", benchmark.getSimpleName(), round + 1, rounds);
        for (int count : threads) {
          for (Way way : inTurn(round)) {
            for (RunResult result : run(benchmark, servers, way, count)) {
              micros
                  .computeIfAbsent(Case.of(result.getParams()), any -> new LinkedHashMap<>())
                  .computeIfAbsent(way, any -> new ArrayList<>())
                  .add(best(result));
            }
          }
        }
      }
    }
    return table(micros);
  }

  /** None is always the first, nor always after the same one as the machine warms up. */
  private static List<Way> inTurn(int round) {
    List<Way> ways = new ArrayList<>(List.of(Way.values()));
    Collections.rotate(ways, round);
    return ways;
  }

  private Collection<RunResult> run(Class<?> benchmark, Servers servers, Way way, int threads)
      throws RunnerException {
    List<String> jvm = new ArrayList<>(List.of("-Xms256m", "-Xmx256m"));
    servers.systemProperties().forEach((name, value) -> jvm.add("-D" + name + "=" + value));
    return new Runner(
            new OptionsBuilder()
                .include("\\b" + benchmark.getSimpleName() + "\\.")
                .param("way", way.name())
                .threads(threads)
                .forks(forks)
                .warmupIterations(warmups)
                .warmupTime(TimeValue.milliseconds(millis))
                .measurementIterations(iterations)
                .measurementTime(TimeValue.milliseconds(millis))
                .jvmArgs(jvm.toArray(new String[0]))
                .shouldFailOnError(true)
                .verbosity(VerboseMode.SILENT)
                .build())
        .run();
  }

  /** What an iteration took that was disturbed least: other work on the machine only adds time. */
  private static double best(RunResult result) {
    return result.getBenchmarkResults().stream()
        .flatMap(fork -> fork.getIterationResults().stream())
        .mapToDouble(iteration -> iteration.getPrimaryResult().getScore())
        .min()
        .orElseThrow();
  }

  private static String table(Map<Case, Map<Way, List<Double>>> micros) {
    var table = new StringBuilder();
    table.append("| place | threads | way | µs | of BARE | µs more |\n|---|---|---|---|---|---|\n");
    micros.forEach(
        (which, ways) -> {
          List<Double> bare = Objects.requireNonNull(ways.get(Way.BARE));
          for (Way way : Way.values()) {
            List<Double> its = Objects.requireNonNull(ways.get(way));
            List<Double> ratios = new ArrayList<>();
            List<Double> more = new ArrayList<>();
            for (int round = 0; round < its.size(); round++) {
              ratios.add(its.get(round) / bare.get(round));
              more.add(its.get(round) - bare.get(round));
            }
            // Of what takes no time at all, a ratio says nothing.
            boolean hasRatio = which.place().equals(Place.POSTGRESQL.name());
            table.append(
                "| %s | %d | %s | %s | %s | %s |\n"
                    .formatted(
                        which.place(),
                        which.threads(),
                        way,
                        shown(its, "%.2f"),
                        way == Way.BARE || !hasRatio ? "-" : shown(ratios, "%.3f"),
                        way == Way.BARE ? "-" : shown(more, "%.2f")));
          }
        });
    return table.toString();
  }

  /** The mean of all rounds, with 95 % confidence where there are at least three. */
  private static String shown(List<Double> values, String format) {
    var all = new ListStatistics();
    values.forEach(all::addValue);
    String mean = String.format(Locale.ROOT, format, all.getMean());
    return values.size() < 3
        ? mean
        : mean + " ± " + String.format(Locale.ROOT, format, all.getMeanErrorAt(0.95));
  }
}
