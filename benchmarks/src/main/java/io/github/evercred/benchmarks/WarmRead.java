package io.github.evercred.benchmarks;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.BenchmarkResult;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * Runs {@link WarmReadBenchmark}: in each round every contestant once, in a JVM of its own, since
 * what else a JVM has compiled would be part of a time as short as these.
 */
final class WarmRead {
  /** The methods, with what they are called, in the order in which they are shown. */
  private static final Map<String, String> CONTESTANTS = contestants();

  private WarmRead() {}

  private static Map<String, String> contestants() {
    Map<String, String> titles = new LinkedHashMap<>();
    titles.put("volatileRead", "volatile read");
    titles.put("map", Library.MAP.title);
    titles.put("caffeineBySize", "Caffeine, bounded by size");
    titles.put("caffeineByTime", "Caffeine, bounded by size and time");
    titles.put("nanoTime", "System.nanoTime()");
    titles.put("evercredHandle", "Evercred handle");
    titles.put("evercredMapped", "Evercred handle, JSON field");
    titles.put("evercredGet", "Evercred get(id)");
    titles.put("evercredGetAged", "Evercred get(id), age checked on each read");
    titles.put("evercredField", "Evercred get(id), JSON field");
    titles.put("evercredSealedGet", "Evercred sealed, get(id)");
    titles.put("evercredSealedField", "Evercred sealed, JSON field");
    titles.put("evercredSealedOpen", "Evercred sealed, opened, JSON field as char[]");
    titles.put("awsCaching", Library.AWS_CACHING.title);
    titles.put("awsCachingField", Library.AWS_CACHING.title + ", JSON field");
    titles.put("powertools", Library.POWERTOOLS.title);
    titles.put("powertoolsField", Library.POWERTOOLS.title + ", JSON field");
    return titles;
  }

  static String group(int threads) {
    return threads == 1 ? "1 thread" : threads + " threads";
  }

  static Results measure(Form form) throws RunnerException {
    int rounds = form.of(1, 2, 6);
    int[] threads = form == Form.MOMENT ? new int[] {2} : new int[] {1, 2, 8};
    Map<Integer, Results.Collector> collected = new LinkedHashMap<>();
    for (int round = 0; round < rounds; round++) {
      for (int count : threads) {
        Map<String, BenchmarkResult> measured = new LinkedHashMap<>();
        for (RunResult result : run(form, count)) {
          BenchmarkParams params = result.getParams();
          String method = params.getBenchmark();
          for (BenchmarkResult fork : result.getBenchmarkResults()) {
            measured.put(method.substring(method.lastIndexOf('.') + 1), fork);
          }
        }
        Results.Collector into = collected.computeIfAbsent(count, its -> new Results.Collector());
        CONTESTANTS.forEach(
            (method, title) ->
                add(
                    into,
                    group(count),
                    title,
                    Objects.requireNonNull(measured.get(method), method)));
      }
    }
    return new Results(
        collected.values().stream().flatMap(one -> one.results().all().stream()).toList());
  }

  private static void add(
      Results.Collector into, String group, String contestant, BenchmarkResult fork) {
    for (IterationResult iteration : fork.getIterationResults()) {
      into.add(group, contestant, Metric.NANOS, iteration.getPrimaryResult().getScore());
    }
    Result<?> allocated =
        Objects.requireNonNull(fork.getSecondaryResults().get("gc.alloc.rate.norm"));
    into.add(group, contestant, Metric.ALLOCATED, allocated.getScore());
  }

  private static Iterable<RunResult> run(Form form, int threads) throws RunnerException {
    boolean moment = form == Form.MOMENT;
    return new Runner(
            new OptionsBuilder()
                .include("\\b" + WarmReadBenchmark.class.getSimpleName() + "\\.")
                .threads(threads)
                .forks(moment ? 0 : 1)
                .warmupIterations(form.of(0, 2, 5))
                .warmupTime(TimeValue.milliseconds(form.of(20, 200, 500)))
                .measurementIterations(form.of(1, 3, 5))
                .measurementTime(TimeValue.milliseconds(form.of(20, 150, 500)))
                .addProfiler(GCProfiler.class)
                .jvmArgs("-Xms512m", "-Xmx512m")
                .shouldFailOnError(true)
                .verbosity(VerboseMode.SILENT)
                .build())
        .run();
  }
}
