package io.github.evercred.examples.lambda;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CycleTest {

  @ParameterizedTest
  @CsvSource({
    "PT0.000771S, 0 ms",
    "PT0.0215S, 21 ms",
    "PT1.0005S, 1s",
    "PT1.5S, 1500 ms",
    "PT5S, 5s",
    "PT10.25S, 10.25s",
    "PT1H, 1h"
  })
  void text_ofATime_isShort(Duration time, String text) {
    assertThat(Cycle.text(time)).isEqualTo(text);
  }
}
