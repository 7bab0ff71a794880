package io.github.evercred.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class CheckTest {

  private static List<String> losses(Map<Suite, Run> latest) throws IOException {
    return Check.losses(Check.record(Canned.runs()), latest);
  }

  private static Measurement get(double... nanos) {
    return Measurement.of("2 threads", "Evercred get(id)", Metric.NANOS, nanos);
  }

  @Test
  void sameRun_hasNoLoss() throws Exception {
    assertThat(losses(Canned.runs())).isEmpty();
  }

  @Test
  void ratio_moreThanAQuarterWorse_isALoss() throws Exception {
    assertThat(losses(Canned.with(Suite.WARM_READ, get(7.2, 7.2, 7.2))))
        .singleElement()
        .asString()
        .startsWith("warm-read | 2 threads | Evercred get(id) | NANOS was 2.800 and is 3.600");
  }

  @Test
  void ratio_aQuarterWorseOrBetter_isNone() throws Exception {
    assertThat(losses(Canned.with(Suite.WARM_READ, get(6.9, 6.9, 6.9)))).isEmpty();
    assertThat(losses(Canned.with(Suite.WARM_READ, get(1, 1, 1)))).isEmpty();
  }

  @Test
  void allTwiceAsSlow_asOnAnotherMachine_isNone() throws Exception {
    Map<Suite, Run> runs = Canned.with(Suite.HERD, millis("ConcurrentHashMap", 200));
    assertThat(losses(runs)).isEmpty();
    runs.put(Suite.HERD, withHerd(runs, millis("Evercred", 260)));
    assertThat(losses(runs)).isEmpty();
  }

  private static Measurement millis(String contestant, double millis) {
    return Measurement.of("10,000 virtual threads", contestant, Metric.MILLIS, millis);
  }

  private static Run withHerd(Map<Suite, Run> runs, Measurement more) {
    Run run = java.util.Objects.requireNonNull(runs.get(Suite.HERD));
    List<Measurement> all = new java.util.ArrayList<>(run.results().all());
    all.removeIf(
        one -> one.contestant().equals(more.contestant()) && one.metric() == more.metric());
    all.add(more);
    return new Run(
        run.suite(),
        run.form(),
        run.began(),
        run.seconds(),
        run.others(),
        run.command(),
        run.machine(),
        run.versions(),
        new Results(all));
  }

  @Test
  void count_oneMoreThanNone_isALossInAnyRound() throws Exception {
    Measurement failed =
        Measurement.of(
            "PostgreSQL, single user, no pool", "Evercred DRIVER", Metric.FAILED_CONNECTS, 0, 1, 0);

    assertThat(losses(Canned.with(Suite.ROTATION, failed)))
        .singleElement()
        .asString()
        .contains("FAILED_CONNECTS was 0.000 and is 1.000");
  }

  @Test
  void count_aTraceOfAllocation_isNone() throws Exception {
    Measurement traces = Measurement.of("2 threads", "Evercred handle", Metric.ALLOCATED, 3);
    Measurement object = Measurement.of("2 threads", "Evercred handle", Metric.ALLOCATED, 16);

    assertThat(losses(Canned.with(Suite.WARM_READ, traces))).isEmpty();
    assertThat(losses(Canned.with(Suite.WARM_READ, object))).hasSize(1);
  }

  @Test
  void peer_thatGotWorse_isNotOurLoss() throws Exception {
    Measurement slower =
        Measurement.of("2 threads", "AWS caching library", Metric.NANOS, 6000, 7000, 8000);

    assertThat(losses(Canned.with(Suite.WARM_READ, slower))).isEmpty();
  }

  @Test
  void benchmark_thatIsMissing_isALoss() throws Exception {
    Map<Suite, Run> runs = Canned.runs();
    runs.remove(Suite.QUERY);

    assertThat(losses(runs))
        .containsExactly(
            "query | 1 thread | Evercred DRIVER | MICROS was recorded and is missing in the latest run");
  }

  @Test
  void benchmark_thatIsNew_isNone() throws Exception {
    Map<Suite, Run> before = Canned.runs();
    before.remove(Suite.QUERY);

    assertThat(Check.losses(Check.record(before), Canned.runs())).isEmpty();
  }
}
