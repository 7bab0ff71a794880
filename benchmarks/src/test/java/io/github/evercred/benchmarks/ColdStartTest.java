package io.github.evercred.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.benchmarks.ColdStart.Told;
import io.github.evercred.benchmarks.FirstSecret.Contestant;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The table; the processes are left to the benchmark. */
class ColdStartTest {

  private static List<Told> tell(long... millis) {
    return java.util.Arrays.stream(millis).mapToObj(ms -> new Told(ms, 2_048 * ms)).toList();
  }

  @Test
  void table_medians_areBesideThatOfAwsAndAboveTheFloor() {
    Map<Contestant, List<Told>> told = new EnumMap<>(Contestant.class);
    for (Contestant contestant : Contestant.values()) {
      told.put(contestant, tell(600, 400, 500));
    }
    told.put(Contestant.BARE_HTTP, tell(60, 70, 40));
    told.put(Contestant.EVERCRED_AGENT, tell(130, 110, 1_000, 120));

    assertThat(ColdStart.table(told))
        .contains("| BARE_HTTP | 60 (40 to 70) | 0.12 | 0.12 | 0 | 120 |")
        .contains("| EVERCRED_AGENT | 125 (110 to 1000) | 0.25 | 0.25 | 65 | 260 |")
        .contains("| AWS_CACHING | 500 (400 to 600) | 1.00 | 1.00 | 440 | 1000 |");
  }
}
