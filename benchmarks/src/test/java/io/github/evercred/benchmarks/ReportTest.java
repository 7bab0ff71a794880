package io.github.evercred.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportTest {
  private static final Set<Suite> ALL = EnumSet.allOf(Suite.class);
  private static final Pattern PLOT = Pattern.compile("]\\(([a-z-]+\\.svg)\\)");

  private static final String README =
      """
      # Title

      <!-- benchmarks: written by make bench -->
      what was here before
      <!-- benchmarks: end -->

      the rest
      """;

  private static String page(Map<Suite, Run> runs) throws IOException {
    return new Report(runs, ALL).page();
  }

  @Test
  void page_ratios_standBesideAbsoluteValues() throws Exception {
    assertThat(page(Canned.runs()))
        .contains("| Evercred get(id) | 6.0 (5.0 to 7.0) | 2.80 (2.50 to 3.00) | 0 |")
        .contains("| contestant | ns | of ConcurrentHashMap | bytes allocated |")
        .contains("| AWS caching library | 700.0 (600.0 to 800.0) | 320 (300 to 350) |");
  }

  @Test
  void page_machineVersionsAndRuns_areStated() throws Exception {
    assertThat(page(Canned.runs()))
        .contains("2 cores of a processor, Linux, a JDK.")
        .contains("Versions: evercred 0.1.0.")
        .contains("| a query | short | 2026-11-25T12:00:00Z | 12 s | 1 % of the processors |")
        .doesNotContain("{{");
  }

  @Test
  void page_disturbedRun_saysSoWhereItsFiguresAre() throws Exception {
    String page = page(Canned.runs());

    assertThat(page)
        .contains("12 s | 30 % of the processors: **disturbed** |")
        .containsOnlyOnce("**This run was disturbed**: others used 30 % of the processors.");
  }

  @Test
  void page_benchmarkThatDidNotRun_isNotLeftOut() throws Exception {
    assertThat(page(Canned.runs())).contains("## Memory\n\n*Not part of the latest run.*\n");
  }

  @Test
  void page_plots_onlyThoseThatThereAre() throws Exception {
    assertThat(page(Canned.runs())).contains("](benchmarks-warm-read.svg)");
    assertThat(new Report(Canned.runs(), Set.of()).page()).doesNotContain(".svg");
  }

  @Test
  void aims_allReached_areSaidToBe() throws Exception {
    List<Aims.Aim> aims = Aims.of(Canned.runs());

    assertThat(aims).hasSize(14).allMatch(Aims.Aim::reached);
    assertThat(page(Canned.runs()))
        .contains("50 x faster than AWS's caching library, with 2 threads | 114 | reached |");
  }

  @Test
  void aims_oneFailedConnectInAnyCell_isNotReached() throws Exception {
    Map<Suite, Run> runs =
        Canned.with(
            Suite.ROTATION,
            Measurement.of(
                "PostgreSQL, single user, no pool",
                "Evercred DRIVER",
                Metric.FAILED_CONNECTS,
                0,
                0,
                1));

    assertThat(page(runs))
        .contains("| no connect fails, in any cell of the rotation | 1 | **not reached** |");
  }

  @Test
  void aims_slowerThanItsFloorAllows_isNotReached() throws Exception {
    Map<Suite, Run> runs =
        Canned.with(
            Suite.WARM_READ, Measurement.of("2 threads", "Evercred handle", Metric.NANOS, 1.1));

    assertThat(Aims.of(runs)).filteredOn(aim -> !aim.reached()).hasSize(1);
    assertThat(page(runs)).contains("at most 2 x a volatile read | 2.20 | **not reached** |");
  }

  @Test
  void aims_notMeasured_areNotReached() throws Exception {
    List<Aims.Aim> aims = Aims.of(new EnumMap<>(Suite.class));

    assertThat(aims).hasSize(14).noneMatch(Aims.Aim::reached);
    assertThat(aims).allMatch(aim -> aim.verdict().equals("not measured"));
  }

  @Test
  void readme_betweenTheMarkers_isReplacedAndNothingElse() throws Exception {
    String readme = new Report(Canned.runs(), ALL).readme(README);

    assertThat(readme)
        .startsWith("# Title\n\n<!-- benchmarks: written by make bench -->\n")
        .endsWith("<!-- benchmarks: end -->\n\nthe rest\n")
        .contains("| a read of a cached secret, 2 threads, ns | 6.0 | 700.0 | 150.0 |")
        .contains("| connects that failed: PostgreSQL, single user, no pool | 0 | 58 | 387 | 472 |")
        .doesNotContain("before");
    assertThat(new Report(Canned.runs(), ALL).readme(readme)).isEqualTo(readme);
  }

  @Test
  void readme_withoutMarkers_isRefused() throws Exception {
    var report = new Report(Canned.runs(), ALL);

    assertThatThrownBy(() -> report.readme("# Title\n"))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("benchmarks: written by make bench");
  }

  @Test
  void write_allOfAProject_isThere(@TempDir Path project) throws Exception {
    Files.createDirectories(project.resolve("docs"));
    Files.writeString(project.resolve("README.md"), README);

    Report.write(Canned.runs(), project);

    String page = Files.readString(project.resolve("docs/benchmarks.md"));
    assertThat(page).contains("# Benchmarks");
    List<String> plots = PLOT.matcher(page).results().map(plot -> plot.group(1)).toList();
    assertThat(plots).hasSize(4);
    for (String plot : plots) {
      assertThat(project.resolve("docs").resolve(plot)).content().contains("<svg", ">Evercred");
    }
    assertThat(project.resolve("README.md")).content().contains("| 0 | 58 | 387 | 472 |");
  }

  @Test
  void projectsOwnReadme_hasTheMarkers() throws Exception {
    String readme = Files.readString(Path.of("..", "README.md"));

    assertThat(new Report(Canned.runs(), ALL).readme(readme)).contains("| 0 | 58 | 387 | 472 |");
  }
}
