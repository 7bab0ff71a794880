package io.github.evercred.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The runner and the processes that it starts. */
@Timeout(120)
class BenchTest {

  /** Says what it hears, and whether its environment is clean. */
  static final class Echo {
    private Echo() {}

    public static void main(String[] args) throws IOException {
      System.getenv().keySet().stream()
          .filter(name -> name.startsWith("AWS_") || name.startsWith("EVERCRED_"))
          .forEach(name -> Child.Side.say("has " + name));
      Child.Side.say("heard " + Child.Side.hear());
      throw new IOException("the end");
    }
  }

  @Test
  void child_linesAndEnd_arriveWithWhatItSaid() throws Exception {
    try (Child child = Child.start(Echo.class, List.of("-XX:TieredStopAtLevel=1"))) {
      child.tell("a line");
      child.await("heard a line", Duration.ofSeconds(60));

      assertThatThrownBy(() -> child.figures(Duration.ofSeconds(60)))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("ended")
          .hasMessageContaining("the end");
    }
  }

  @Test
  void child_thatSaysNothing_isNotWaitedForLonger() throws Exception {
    try (Child child = Child.start(Echo.class, List.of("-XX:TieredStopAtLevel=1"))) {
      assertThatThrownBy(() -> child.await("heard", Duration.ofMillis(1)))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("took too long");
    }
  }

  @Test
  void environment_ofTheSdkAndEvercred_isNotInherited() {
    var builder = new ProcessBuilder("java");
    builder.environment().put("AWS_REGION", "us-east-1");
    builder.environment().put("EVERCRED_REFRESH_AFTER", "1 s");
    builder.environment().put("KEPT", "yes");

    Child.cleanEnvironment(builder);

    assertThat(builder.environment())
        .doesNotContainKeys("AWS_REGION", "EVERCRED_REFRESH_AFTER")
        .containsEntry("KEPT", "yes");
  }

  @Test
  void run_results_areKeptAndReadAgain(@TempDir Path results) throws Exception {
    Run run = new Bench(Form.MOMENT, results).run(Suite.COLD_START);

    assertThat(run.machine()).containsKeys("cores", "jdk");
    assertThat(run.versions()).containsEntry("aws-secretsmanager-caching-java", "2.2.0");
    Run again = Objects.requireNonNull(Run.readAll(results).get(Suite.COLD_START));
    assertThat(again.results().all()).isEqualTo(run.results().all());
    assertThat(again.isDisturbed()).isEqualTo(run.isDisturbed());
    assertThat(again.form()).isEqualTo("moment");
  }

  @Test
  void results_severalRounds_keepTheirMedianAndOrder() {
    Results results =
        new Results.Collector()
            .add("b", "one", Metric.MILLIS, 3)
            .add("a", "two", Metric.MILLIS, 1)
            .add("b", "two", Metric.MILLIS, 6)
            .add("b", "one", Metric.MILLIS, 4)
            .add("b", "two", Metric.MILLIS, 10)
            .results();

    assertThat(results.groups()).containsExactly("b", "a");
    Measurement two = results.find("b", "two", Metric.MILLIS).orElseThrow();
    assertThat(two.spread().shown(1)).isEqualTo("8.0 (6.0 to 10.0)");
    assertThat(results.ratio(two, "one").orElseThrow().shown(2)).isEqualTo("2.25 (2.00 to 2.50)");
    assertThat(results.find("a", "two", Metric.MILLIS).flatMap(a -> results.ratio(a, "one")))
        .isEmpty();
  }

  @Test
  void spread_manyValues_isByRank() {
    List<Double> values =
        java.util.stream.IntStream.rangeClosed(1, 101).mapToObj(i -> (double) i).toList();

    assertThat(Spread.of(values).shown(0)).isEqualTo("51 (41 to 61)");
  }
}
