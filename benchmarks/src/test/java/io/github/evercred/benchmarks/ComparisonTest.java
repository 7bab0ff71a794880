package io.github.evercred.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Runs every benchmark for a moment, in this JVM: whether they still run, not what they measure.
 */
@Timeout(120)
class ComparisonTest {
  private static final Comparison MOMENT = new Comparison(0, 0, 1, 50);
  private static final String MICROS = shown(2);

  @Test
  void query_eachWay_hasItsRow() throws Exception {
    String table = MOMENT.table(QueryBenchmark.class, 1, 2);

    assertThat(table.lines()).hasSize(2 + Way.values().length * 2);
    for (int threads = 1; threads <= 2; threads++) {
      assertRows(table, Place.POSTGRESQL, threads);
    }
  }

  @Test
  void connect_eachWay_hasItsRow() throws Exception {
    String table = MOMENT.table(ConnectBenchmark.class, 1);

    assertThat(table.lines()).hasSize(2 + Way.values().length * 2);
    for (Place place : Place.values()) {
      assertRows(table, place, 1);
    }
  }

  private static String shown(int decimals) {
    String number = "-?[0-9]+\\.[0-9]{" + decimals + "}";
    return number + " \\(" + number + " to " + number + "\\)";
  }

  private static void assertRows(String table, Place place, int threads) {
    for (Way way : Way.values()) {
      boolean bare = way == Way.BARE;
      String ratio = bare || place == Place.NOWHERE ? "-" : shown(3);
      assertThat(table)
          .containsPattern(
              "(?m)^\\| %s \\| %d \\| %s \\| %s \\| %s \\| %s \\|$"
                  .formatted(place, threads, way, MICROS, ratio, bare ? "-" : MICROS));
    }
  }
}
