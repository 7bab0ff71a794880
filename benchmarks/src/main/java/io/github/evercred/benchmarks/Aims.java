package io.github.evercred.benchmarks;

import io.github.evercred.benchmarks.FirstSecret.Contestant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.DoublePredicate;
import java.util.function.ToDoubleFunction;

/** What Evercred is to reach, and whether it did. The worst of what an aim is about decides. */
final class Aims {
  private static final List<String> READS =
      List.of("Evercred handle", "Evercred get(id)", "Evercred get(id), age checked on each read");

  private final Map<Suite, Run> runs;
  private final List<Aim> all = new ArrayList<>();

  /**
   * An aim.
   *
   * @param text what is to be reached
   * @param value what was; nothing if it was not measured
   * @param reached whether that is enough
   */
  record Aim(String text, Optional<String> value, boolean reached) {
    String verdict() {
      return value.isEmpty() ? "not measured" : reached ? "reached" : "**not reached**";
    }
  }

  private Aims(Map<Suite, Run> runs) {
    this.runs = runs;
  }

  static List<Aim> of(Map<Suite, Run> runs) {
    return new Aims(runs).all();
  }

  private List<Aim> all() {
    atMost(
        "a handle's read takes at most 2 x a volatile read",
        2,
        2,
        worstRatio("Evercred handle", "volatile read"));
    atMost(
        "`get(id)` takes at most 1.5 x a Caffeine read bounded by size",
        1.5,
        2,
        worstRatio("Evercred get(id)", "Caffeine, bounded by size"));
    atMost(
        "`get(id)` with the age checked on each read takes at most 1.1 x a Caffeine read bounded by time",
        1.1,
        2,
        worstRatio(
            "Evercred get(id), age checked on each read", "Caffeine, bounded by size and time"));
    aim(
        "`get(id)` is at least 50 x faster than AWS's caching library, with 2 threads",
        0,
        ratio("2 threads", Library.AWS_CACHING.title, "Evercred get(id)"),
        times -> times >= 50);
    atMost(
        "a read allocates nothing (bytes)",
        0.5,
        0,
        worst(Suite.WARM_READ, Metric.ALLOCATED, READS));
    atMost(
        "no slow read beyond the floor's in any fault, when a value comes due",
        0,
        0,
        worst(Suite.READERS, Metric.SLOW_BEYOND_FLOOR, List.of(Library.EVERCRED.title)));
    atMost(
        "one call for a herd of 10,000",
        1,
        0,
        worst(Suite.HERD, Metric.HERD_CALLS, List.of(Library.EVERCRED.title)));
    atMost(
        "no connect fails, in any cell of the rotation",
        0,
        0,
        worst(Suite.ROTATION, Metric.FAILED_CONNECTS, List.of(Way.DRIVER.title)));
    atMost(
        "the first secret by a local agent takes at most 0.25 x what AWS's caching library takes",
        0.25,
        2,
        ratio(
            Suite.COLD_START,
            Metric.MILLIS,
            "",
            Contestant.EVERCRED_AGENT.title,
            Contestant.AWS_CACHING.title));
    atMost(
        "the first secret by the SDK takes at most 1.03 x what the SDK's client alone takes",
        1.03,
        2,
        ratio(
            Suite.COLD_START,
            Metric.MILLIS,
            "",
            Contestant.EVERCRED_SDK.title,
            Contestant.BARE_SDK_CHAIN.title));
    atMost(
        "with an AppCDS archive at most 0.6 x what AWS's caching library takes without",
        0.6,
        2,
        ratio(
            Suite.COLD_START,
            Metric.MILLIS,
            "",
            Contestant.EVERCRED_SDK_APPCDS.title,
            Contestant.AWS_CACHING.title));
    aim(
        "a login costs less than 2 % more than PostgreSQL's own (of the bare driver's)",
        3, overBare(Suite.CONNECT, Place.POSTGRESQL.title, Spread::median), ratio -> ratio < 1.02);
    aim(
        "a query costs 1.00 of what it costs by the bare driver (where the ratio's interval begins)",
        2,
        worstQuery(),
        from -> from < 1.005);
    atMost(
        "the published jars come to less than 300 kB",
        300,
        1,
        worst(Suite.SIZE, Metric.OWN_KILOBYTES, List.of(Size.PUBLISHED)));
    return all;
  }

  private void atMost(String text, double limit, int decimals, OptionalDouble value) {
    aim(text, decimals, value, its -> its <= limit);
  }

  private void aim(String text, int decimals, OptionalDouble value, DoublePredicate enough) {
    Optional<String> shown =
        value.isPresent()
            ? Optional.of(Spread.number(value.getAsDouble(), decimals))
            : Optional.empty();
    all.add(new Aim(text, shown, value.isPresent() && enough.test(value.getAsDouble())));
  }

  private Optional<Results> results(Suite suite) {
    return Optional.ofNullable(runs.get(suite)).map(Run::results);
  }

  /** The greatest of all values, so that no single one is hidden by a median. */
  private OptionalDouble worst(Suite suite, Metric metric, List<String> contestants) {
    return results(suite).stream()
        .flatMap(results -> results.all().stream())
        .filter(one -> one.metric() == metric && contestants.contains(one.contestant()))
        .flatMapToDouble(one -> one.values().stream().mapToDouble(d -> d))
        .max();
  }

  private OptionalDouble ratio(String group, String of, String to) {
    return ratio(Suite.WARM_READ, Metric.NANOS, group, of, to);
  }

  private OptionalDouble ratio(Suite suite, Metric metric, String group, String of, String to) {
    Optional<Results> results = results(suite);
    Optional<Measurement> value = results.flatMap(its -> its.find(group, of, metric));
    Optional<Measurement> base = results.flatMap(its -> its.find(group, to, metric));
    return value.isPresent() && base.isPresent()
        ? OptionalDouble.of(Spread.ratio(value.get().values(), base.get().values()).median())
        : OptionalDouble.empty();
  }

  private OptionalDouble worstRatio(String of, String to) {
    return results(Suite.WARM_READ).stream()
        .flatMap(results -> results.groups().stream())
        .flatMapToDouble(group -> ratio(group, of, to).stream())
        .max();
  }

  private OptionalDouble overBare(Suite suite, String group, ToDoubleFunction<Spread> which) {
    Optional<Results> results = results(suite);
    return results.stream()
        .flatMap(its -> its.all().stream())
        .filter(one -> one.group().equals(group) && one.contestant().startsWith("Evercred"))
        .flatMap(one -> results.flatMap(its -> its.ratio(one, suite.base)).stream())
        .mapToDouble(which)
        .max();
  }

  /** Noise is as large as what is looked for: a ratio whose interval has 1.00 in it is 1.00. */
  private OptionalDouble worstQuery() {
    return results(Suite.QUERY).stream()
        .flatMap(results -> results.groups().stream())
        .flatMapToDouble(group -> overBare(Suite.QUERY, group, Spread::from).stream())
        .max();
  }
}
