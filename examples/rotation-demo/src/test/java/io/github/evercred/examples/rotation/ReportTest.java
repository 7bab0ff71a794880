package io.github.evercred.examples.rotation;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.examples.rotation.DemoOptions.Strategy;
import io.github.evercred.examples.rotation.Results.Count;
import io.github.evercred.examples.rotation.Results.Turn;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ReportTest {
  private static final Turn GOOD = new Turn(48, 120, 3, 2);

  private static DemoOptions options(int rotations) {
    return new DemoOptions(
        rotations, Duration.ofSeconds(3), 16, Strategy.SINGLE_USER, false, false);
  }

  private static Results with(long failed, int unanswered, List<Turn> turns) {
    Latencies times = new Latencies();
    times.record(5_000_000);
    times.record(120_000_000);
    return new Results(
        "with Evercred",
        new Count(12_000, failed, 300),
        new Count(1_000, 0, 1_000),
        times,
        times,
        List.of(),
        unanswered,
        turns,
        1,
        Map.of("GetSecretValue AWSCURRENT", 3, "GetSecretValue AWSPENDING", 2));
  }

  private static Results without(int rotations) {
    return new Results(
        "without Evercred",
        new Count(800, 16, 16),
        new Count(900, 884, 16),
        new Latencies(),
        new Latencies(),
        List.of("884 x refused"),
        8,
        Collections.nCopies(rotations, new Turn(0, 0, 450, 0)),
        1,
        Map.of("GetSecretValue AWSCURRENT", 1));
  }

  @Test
  void table_twoRotations_showsBothSidesInColumns() {
    Report report = new Report(options(2), with(0, 0, List.of(GOOD, GOOD)), without(2));
    assertThat(report.table())
        .isEqualToNormalizingNewlines(
            """
                                                    with Evercred   without Evercred
            requests                                       13,000              1,700
              failed                                            0                900
                of the pool's workers                           0                 16
                of the workers without a pool                   0                884
              still waiting at the end                          0                  8
              answered in: p50                            5.11 ms                  -
                p99                                        120 ms                  -
                slowest                                    120 ms                  -
            new logins                                      1,300                 32
              took: p50                                   5.11 ms                  -
                p99                                        120 ms                  -
                slowest                                    120 ms                  -
              in each window: by the pool                   48 48                0 0
                by workers without a pool                 120 120                0 0
            logins refused, counted by PostgreSQL               6                900
              in each rotation                                3 3            450 450
            calls to Secrets Manager                            5                  1
              GetSecretValue AWSCURRENT                         3                  1
              GetSecretValue AWSPENDING                         2                  0
              at the start                                      1                  1
              in each rotation                                2 2                0 0""");
  }

  @Test
  void table_manyRotations_showsTheLeastAndTheMost() {
    List<Turn> turns =
        java.util.stream.IntStream.range(0, 20)
            .mapToObj(i -> new Turn(40 + i, 100 + i, i % 5, 2))
            .toList();
    String table = new Report(options(20), with(0, 0, turns), without(20)).table();
    assertThat(table).contains("40 to 59", "100 to 119", "0 to 4", "450 to 450");
  }

  @Test
  void verdict_nothingFailed_passes() {
    Report report = new Report(options(2), with(0, 0, List.of(GOOD, GOOD)), without(2));
    assertThat(report.faults()).isEmpty();
    assertThat(report.verdict())
        .isEqualTo(
            "PASSED: through 2 rotations, single user, none of 13,000 requests failed with"
                + " Evercred; without it 900 of 1,700 did.");
  }

  @Test
  void verdict_requestFailed_fails() {
    Report report = new Report(options(1), with(3, 0, List.of(GOOD)), without(1));
    assertThat(report.verdict()).isEqualTo("FAILED: with Evercred 3 requests failed.");
  }

  @Test
  void verdict_requestUnanswered_fails() {
    Report report = new Report(options(1), with(0, 2, List.of(GOOD)), without(1));
    assertThat(report.verdict())
        .isEqualTo("FAILED: with Evercred 2 requests were still waiting at the end.");
  }

  @Test
  void verdict_windowWithoutLogins_failsAndNamesIt() {
    List<Turn> turns = List.of(GOOD, new Turn(0, 9, 0, 0), new Turn(0, 0, 0, 0));
    Report report = new Report(options(3), with(0, 0, turns), without(3));
    assertThat(report.faults())
        .containsExactly(
            "no login of the pool succeeded inside the window of rotation 2, 3",
            "no login of the workers without a pool succeeded inside the window of rotation 3");
    assertThat(report.verdict()).startsWith("FAILED: with Evercred no login of the pool");
  }

  @Test
  void verdict_rotationsMissing_fails() {
    Report report = new Report(options(2), with(0, 0, List.of(GOOD)), without(1));
    assertThat(report.verdict())
        .isEqualTo("FAILED: with Evercred only 1 of 2 rotations were done.");
  }
}
