package io.github.evercred.examples.lambda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.evercred.examples.lambda.RunnerOptions.UsageException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RunnerOptionsTest {

  private static RunnerOptions parse(String line) throws UsageException {
    return RunnerOptions.parse(line.isBlank() ? List.of() : List.of(line.split(" ")));
  }

  @Test
  void parse_nothing_isTheDefaultsWithAFreezeThatMatters() throws UsageException {
    assertThat(parse("")).isEqualTo(RunnerOptions.DEFAULTS);
    assertThat(RunnerOptions.DEFAULTS.freeze())
        .isGreaterThan(RunnerOptions.DEFAULTS.revalidateAfter());
  }

  @Test
  void parse_everything_isTaken() throws UsageException {
    assertThat(parse("--freeze 1500ms --without-kms --revalidate-after=24h"))
        .isEqualTo(new RunnerOptions(Duration.ofMillis(1500), Duration.ofHours(24), false, false));
    assertThat(parse("--help").help()).isTrue();
    assertThat(parse("-h").help()).isTrue();
  }

  @ParameterizedTest
  @CsvSource({"2s, PT1S", "24h, PT12H"})
  void refreshAfter_ofAnyRevalidateAfter_isWithinItsRange(String text, Duration refresh)
      throws UsageException {
    assertThat(parse("--revalidate-after " + text).refreshAfter()).isEqualTo(refresh);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--freeze 999ms | --freeze must be 1s to 1h, written like 1500ms, 5s or 2m, not '999ms'",
        "--freeze 61m | --freeze must be 1s to 1h, written like 1500ms, 5s or 2m, not '61m'",
        "--freeze 5 | --freeze must be 1s to 1h, written like 1500ms, 5s or 2m, not '5'",
        "--freeze | --freeze needs a value",
        "--freeze= | --freeze needs a value",
        "--revalidate-after 1s | --revalidate-after must be 2s to 24h, written like 1500ms, 5s or 2m, not '1s'",
        "--revalidate-after 25h | --revalidate-after must be 2s to 24h, written like 1500ms, 5s or 2m, not '25h'",
        "--help=me | --help takes no value",
        "--without-kms=no | --without-kms takes no value",
        "--freeze 2s --freeze 3s | --freeze is given twice",
        "--speed 3 | unknown option '--speed'",
      })
  void parse_whatMakesNoSense_saysWhatIsAllowed(String line, String message) {
    assertThatThrownBy(() -> parse(line)).isInstanceOf(UsageException.class).hasMessage(message);
  }

  @Test
  void help_everyOption_isExplained() {
    assertThat(RunnerOptions.HELP)
        .contains(
            "--freeze", "--revalidate-after", "--without-kms", "--help", "1s to 1h", "2s to 24h");
    assertThat(RunnerOptions.HELP.lines()).allMatch(line -> line.length() <= 100);
  }
}
