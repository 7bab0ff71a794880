package io.github.evercred.examples.rotation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.evercred.examples.rotation.DemoOptions.Strategy;
import io.github.evercred.examples.rotation.DemoOptions.UsageException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DemoOptionsTest {

  private static DemoOptions parse(String line) throws UsageException {
    return DemoOptions.parse(line.isBlank() ? List.of() : List.of(line.split(" ")));
  }

  @Test
  void parse_nothing_isTheDefaults() throws UsageException {
    assertThat(parse(""))
        .isEqualTo(
            new DemoOptions(5, Duration.ofSeconds(3), 16, Strategy.SINGLE_USER, false, false));
  }

  @Test
  void parse_everything_isTaken() throws UsageException {
    assertThat(parse("--rotations 2 --window=1500ms --workers 5 --strategy alternating --plain"))
        .isEqualTo(
            new DemoOptions(2, Duration.ofMillis(1500), 5, Strategy.ALTERNATING, true, false));
    assertThat(parse("--help").help()).isTrue();
    assertThat(parse("-h").help()).isTrue();
  }

  @ParameterizedTest
  @CsvSource({"1s, PT1S", "1000ms, PT1S", "90s, PT1M30S", "10m, PT10M"})
  void parse_windowInItsUnits_isTaken(String text, Duration window) throws UsageException {
    assertThat(parse("--window " + text).window()).isEqualTo(window);
  }

  @ParameterizedTest
  @CsvSource({"2, 1, 1", "5, 3, 2", "16, 8, 8", "64, 32, 32"})
  void workers_ofEitherKind_areHalf(int workers, int pooled, int unpooled) throws UsageException {
    DemoOptions options = parse("--workers " + workers);
    assertThat(options.pooledWorkers()).isEqualTo(pooled);
    assertThat(options.unpooledWorkers()).isEqualTo(unpooled);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--rotations 0 | --rotations must be a whole number from 1 to 1000, not '0'",
        "--rotations 1001 | --rotations must be a whole number from 1 to 1000, not '1001'",
        "--rotations five | --rotations must be a whole number from 1 to 1000, not 'five'",
        "--rotations -1 | --rotations must be a whole number from 1 to 1000, not '-1'",
        "--rotations 99999999999 | --rotations must be a whole number from 1 to 1000, not '99999999999'",
        "--rotations | --rotations needs a value",
        "--rotations= | --rotations needs a value",
        "--workers 1 | --workers must be a whole number from 2 to 64, not '1'",
        "--workers 65 | --workers must be a whole number from 2 to 64, not '65'",
        "--window 999ms | --window must be 1s to 10m, written like 1500ms, 3s or 1m, not '999ms'",
        "--window 601s | --window must be 1s to 10m, written like 1500ms, 3s or 1m, not '601s'",
        "--window 3 | --window must be 1s to 10m, written like 1500ms, 3s or 1m, not '3'",
        "--window -3s | --window must be 1s to 10m, written like 1500ms, 3s or 1m, not '-3s'",
        "--strategy both | --strategy must be single-user or alternating, not 'both'",
        "--plain=yes | --plain takes no value",
        "--help=me | --help takes no value",
        "--workers 4 --workers 8 | --workers is given twice",
        "--speed 3 | unknown option '--speed'",
        "5 | unknown option '5'",
      })
  void parse_whatMakesNoSense_saysWhatIsAllowed(String line, String message) {
    assertThatThrownBy(() -> parse(line)).isInstanceOf(UsageException.class).hasMessage(message);
  }

  @Test
  void help_everyOption_isExplained() {
    assertThat(DemoOptions.HELP)
        .contains("--rotations", "--window", "--workers", "--strategy", "--plain", "--help")
        .contains("1 to 1000", "1s to 10m", "2 to 64");
    assertThat(DemoOptions.HELP.lines()).allMatch(line -> line.length() <= 100);
  }
}
