package io.github.evercred.benchmarks;

import java.io.IOException;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** Runs that never were, by way of their JSON, in which every aim is reached. */
final class Canned {
  private final Map<Suite, Run> runs = new EnumMap<>(Suite.class);

  private Canned() {}

  static Map<Suite, Run> runs() throws IOException {
    var canned = new Canned();
    canned.add(
        Suite.WARM_READ,
        0.01,
        Measurement.of("2 threads", "volatile read", Metric.NANOS, 0.5, 0.5, 0.6),
        Measurement.of("2 threads", "ConcurrentHashMap", Metric.NANOS, 2, 2, 2.5),
        Measurement.of("2 threads", "Caffeine, bounded by size", Metric.NANOS, 4, 4, 5),
        Measurement.of("2 threads", "Caffeine, bounded by size and time", Metric.NANOS, 33, 33, 34),
        Measurement.of("2 threads", "Evercred handle", Metric.NANOS, 0.8, 0.9, 0.7),
        Measurement.of("2 threads", "Evercred handle", Metric.ALLOCATED, 0.0001),
        Measurement.of("2 threads", "Evercred get(id)", Metric.NANOS, 6, 5, 7),
        Measurement.of("2 threads", "Evercred get(id)", Metric.ALLOCATED, 0.0002),
        Measurement.of(
            "2 threads", "Evercred get(id), age checked on each read", Metric.NANOS, 30, 31, 29),
        Measurement.of("2 threads", "AWS caching library", Metric.NANOS, 600, 700, 800),
        Measurement.of("2 threads", "Powertools", Metric.NANOS, 140, 150, 160));
    canned.add(
        Suite.HERD,
        0.01,
        Measurement.of("10,000 virtual threads", "ConcurrentHashMap", Metric.MILLIS, 100),
        Measurement.of("10,000 virtual threads", "Evercred", Metric.MILLIS, 130),
        Measurement.of("10,000 virtual threads", "Evercred", Metric.HERD_CALLS, 1),
        Measurement.of("10,000 virtual threads", "AWS caching library", Metric.HERD_CALLS, 2),
        Measurement.of("10,000 virtual threads", "Powertools", Metric.HERD_CALLS, 10_000));
    canned.add(
        Suite.READERS,
        0.3,
        Measurement.of("hangs", "Evercred", Metric.SLOW_BEYOND_FLOOR, 0),
        Measurement.of("hangs", "Evercred", Metric.LOST_SECONDS, 0),
        Measurement.of("hangs", "AWS caching library", Metric.LOST_SECONDS, 32.125),
        Measurement.of("hangs", "Powertools", Metric.LOST_SECONDS, 32));
    canned.add(
        Suite.ROTATION,
        0.01,
        Measurement.of(
            "PostgreSQL, single user, no pool", "Evercred DRIVER", Metric.FAILED_CONNECTS, 0),
        Measurement.of(
            "PostgreSQL, single user, no pool", "AWS driver", Metric.FAILED_CONNECTS, 58),
        Measurement.of(
            "PostgreSQL, single user, no pool",
            "AWS wrapper, awsSecretsManager",
            Metric.FAILED_CONNECTS,
            387),
        Measurement.of(
            "PostgreSQL, single user, no pool",
            "AWS wrapper, awsSecretsManager2",
            Metric.FAILED_CONNECTS,
            472));
    canned.add(
        Suite.CONNECT,
        0.01,
        Measurement.of("PostgreSQL", "BARE", Metric.MICROS, 5000, 6000),
        Measurement.of("PostgreSQL", "Evercred DRIVER", Metric.MICROS, 5050, 6060));
    canned.add(
        Suite.QUERY,
        0.01,
        Measurement.of("1 thread", "BARE", Metric.MICROS, 44, 50),
        Measurement.of("1 thread", "Evercred DRIVER", Metric.MICROS, 44, 50));
    canned.add(
        Suite.COLD_START,
        0.01,
        Measurement.of("", "Evercred, local agent", Metric.MILLIS, 90),
        Measurement.of("", "the SDK's client alone, default credentials", Metric.MILLIS, 490),
        Measurement.of("", "Evercred, SDK", Metric.MILLIS, 500),
        Measurement.of("", "Evercred, SDK, with an AppCDS archive", Metric.MILLIS, 250),
        Measurement.of("", "AWS caching library", Metric.MILLIS, 465));
    canned.add(
        Suite.SIZE,
        0.01,
        Measurement.of("", "Evercred, all published jars", Metric.OWN_KILOBYTES, 250));
    return canned.runs;
  }

  private void add(Suite suite, double others, Measurement... measurements) throws IOException {
    var run =
        new Run(
            suite,
            "short",
            "2026-11-25T12:00:00Z",
            12,
            others,
            "make bench",
            Map.of("cores", 2, "processor", "a processor", "system", "Linux", "jdk", "a JDK"),
            Map.of("evercred", "0.1.0"),
            new Results(List.of(measurements)));
    runs.put(suite, Run.parse(run.json()));
  }

  /** The same with another value. */
  static Map<Suite, Run> with(Suite suite, Measurement other) throws IOException {
    Map<Suite, Run> runs = runs();
    runs.computeIfPresent(
        suite,
        (its, run) ->
            new Run(
                run.suite(),
                run.form(),
                run.began(),
                run.seconds(),
                run.others(),
                run.command(),
                run.machine(),
                run.versions(),
                new Results(
                    run.results().all().stream().map(one -> replaced(one, other)).toList())));
    return runs;
  }

  private static Measurement replaced(Measurement one, Measurement other) {
    return one.group().equals(other.group())
            && one.contestant().equals(other.contestant())
            && one.metric() == other.metric()
        ? other
        : one;
  }
}
