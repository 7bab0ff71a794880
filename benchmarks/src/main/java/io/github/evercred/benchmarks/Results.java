package io.github.evercred.benchmarks;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** What a benchmark has measured, in the order in which it is shown. */
final class Results {
  private final List<Measurement> all;

  Results(List<Measurement> all) {
    this.all = List.copyOf(all);
  }

  List<Measurement> all() {
    return all;
  }

  Set<String> groups() {
    return all.stream()
        .map(Measurement::group)
        .collect(Collectors.toCollection(java.util.LinkedHashSet::new));
  }

  Set<String> contestants(String group) {
    return all.stream()
        .filter(one -> one.group().equals(group))
        .map(Measurement::contestant)
        .collect(Collectors.toCollection(java.util.LinkedHashSet::new));
  }

  Set<Metric> metrics() {
    return all.stream()
        .map(Measurement::metric)
        .collect(Collectors.toCollection(() -> java.util.EnumSet.noneOf(Metric.class)));
  }

  Optional<Measurement> find(String group, String contestant, Metric metric) {
    return all.stream()
        .filter(
            one ->
                one.group().equals(group)
                    && one.contestant().equals(contestant)
                    && one.metric() == metric)
        .findFirst();
  }

  /** Beside the contestant that all are compared with; nothing where a ratio says nothing. */
  Optional<Spread> ratio(Measurement of, String base) {
    if (of.metric().use != Metric.Use.RATIO || of.contestant().equals(base)) {
      return Optional.empty();
    }
    return find(of.group(), base, of.metric())
        .filter(floor -> floor.values().stream().allMatch(value -> value > 0))
        .map(floor -> Spread.ratio(of.values(), floor.values()));
  }

  /** Collects values round by round. */
  static final class Collector {
    private record Place(String group, String contestant, Metric metric) {}

    private final Map<Place, List<Double>> values = new LinkedHashMap<>();

    Collector add(String group, String contestant, Metric metric, double value) {
      values
          .computeIfAbsent(new Place(group, contestant, metric), place -> new ArrayList<>())
          .add(value);
      return this;
    }

    /** In the order of groups, then contestants, as they came first. */
    Results results() {
      Map<String, Map<String, List<Measurement>>> sorted = new LinkedHashMap<>();
      values.forEach(
          (place, its) ->
              sorted
                  .computeIfAbsent(place.group(), group -> new LinkedHashMap<>())
                  .computeIfAbsent(place.contestant(), contestant -> new ArrayList<>())
                  .add(new Measurement(place.group(), place.contestant(), place.metric(), its)));
      return new Results(
          sorted.values().stream()
              .flatMap(group -> group.values().stream())
              .flatMap(List::stream)
              .toList());
    }
  }
}
