package io.github.evercred.examples.rotation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LatenciesTest {
  private final Latencies latencies = new Latencies();

  @Test
  void percentile_nothingRecorded_isZero() {
    assertThat(latencies.count()).isZero();
    assertThat(latencies.percentile(0.5)).isZero();
    assertThat(latencies.max()).isZero();
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1, 31, 32, 33, 1_000, 7_654_321, 10_000_000_000L, Long.MAX_VALUE})
  void percentile_oneValue_isThatValue(long value) {
    latencies.record(value);
    assertThat(latencies.percentile(0.5)).isEqualTo(value);
    assertThat(latencies.percentile(1)).isEqualTo(value);
    assertThat(latencies.max()).isEqualTo(value);
  }

  @Test
  void percentile_manyValues_isNeverTooLowAndAtMostThreePercentTooHigh() {
    for (int micros = 1; micros <= 10_000; micros++) {
      latencies.record(micros * 1_000L);
    }
    assertThat(latencies.count()).isEqualTo(10_000);
    assertThat(latencies.percentile(0.5))
        .isGreaterThanOrEqualTo(5_000_000)
        .isCloseTo(5_000_000, withinPercentage(3.2));
    assertThat(latencies.percentile(0.99))
        .isGreaterThanOrEqualTo(9_900_000)
        .isCloseTo(9_900_000, withinPercentage(3.2));
    assertThat(latencies.percentile(1)).isEqualTo(10_000_000);
  }

  @Test
  void percentile_oneSlowAmongManyFast_showsAboveItsShareOnly() {
    for (int i = 0; i < 99; i++) {
      latencies.record(1_000_000);
    }
    latencies.record(500_000_000);
    assertThat(latencies.percentile(0.99)).isCloseTo(1_000_000, withinPercentage(3.2));
    assertThat(latencies.percentile(0.999)).isEqualTo(500_000_000);
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0.00 ms",
    "840000, 0.84 ms",
    "9994000, 9.99 ms",
    "9996000, 10 ms",
    "84200000, 84 ms",
    "999400000, 999 ms",
    "999600000, 1.00 s",
    "12345000000, 12.35 s"
  })
  void text_anyLength_isReadable(long nanos, String text) {
    assertThat(Latencies.text(nanos)).isEqualTo(text);
  }
}
