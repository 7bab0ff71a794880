package io.github.evercred.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Runs every benchmark for a moment, in this JVM: whether they still run, not what they measure.
 */
@Timeout(120)
class ComparisonTest {
  private static final Comparison MOMENT = new Comparison(1, 0, 0, 1, 50);
  private static final String MICROS = "[0-9]+\\.[0-9]";

  @Test
  void query_eachWay_hasItsRow() throws Exception {
    String table = MOMENT.table(QueryBenchmark.class, 1, 2);

    assertThat(table.lines()).hasSize(2 + 4 * 2);
    for (int threads = 1; threads <= 2; threads++) {
      assertThat(table).containsPattern(row("POSTGRESQL", threads, Way.BARE, "1"));
      for (Way way : new Way[] {Way.DRIVER, Way.PLAIN_URL, Way.DATA_SOURCE}) {
        assertThat(table).containsPattern(row("POSTGRESQL", threads, way, "[0-9]+\\.[0-9]{3}"));
      }
    }
  }

  @Test
  void connect_eachWay_hasItsRow() throws Exception {
    String table = MOMENT.table(ConnectBenchmark.class, 1);

    assertThat(table.lines()).hasSize(2 + 4 * 2);
    for (Place place : Place.values()) {
      assertThat(table).containsPattern(row(place.name(), 1, Way.BARE, "1"));
      for (Way way : new Way[] {Way.DRIVER, Way.PLAIN_URL, Way.DATA_SOURCE}) {
        assertThat(table).containsPattern(row(place.name(), 1, way, "[0-9]+\\.[0-9]{3}"));
      }
    }
  }

  private static String row(String place, int threads, Way way, String ratio) {
    return "(?m)^\\| %s \\| %d \\| %s \\| %s \\| %s \\|$"
        .formatted(place, threads, way, MICROS, ratio);
  }
}
