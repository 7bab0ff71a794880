package io.github.evercred.benchmarks;

import java.awt.Color;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.VectorGraphicsEncoder;
import org.knowm.xchart.VectorGraphicsEncoder.VectorGraphicsFormat;
import org.knowm.xchart.style.Styler.LegendPosition;

/** The plots of a report, as SVG. This is the one file that knows the plotting library. */
final class Plots {
  private static final List<Plot> ALL =
      List.of(
          new Plot(Suite.WARM_READ, Metric.NANOS, "ns per read, logarithmic", "", true),
          new Plot(Suite.READERS, Metric.LOST_SECONDS, "thread-seconds lost", "", false),
          new Plot(
              Suite.ROTATION,
              Metric.FAILED_CONNECTS,
              "failed connects, PostgreSQL, single user",
              "PostgreSQL, single user",
              false),
          new Plot(Suite.COLD_START, Metric.MILLIS, "ms to the first secret", "", false));

  private Plots() {}

  /** What a plot shows: a bar for each contestant and group. */
  private record Plot(
      Suite suite, Metric metric, String title, String groups, boolean logarithmic) {}

  static String file(Suite suite) {
    return "benchmarks-%s.svg".formatted(suite);
  }

  /** Which of them has a plot. */
  static Optional<String> title(Suite suite) {
    return ALL.stream().filter(plot -> plot.suite() == suite).map(Plot::title).findFirst();
  }

  /** Returns whose plots there are now. */
  static Set<Suite> write(Map<Suite, Run> runs, Path directory) throws IOException {
    Set<Suite> written = EnumSet.noneOf(Suite.class);
    for (Plot plot : ALL) {
      Run run = runs.get(plot.suite());
      if (run == null) {
        continue;
      }
      List<String> groups =
          run.results().groups().stream().filter(group -> group.startsWith(plot.groups())).toList();
      if (!groups.isEmpty()) {
        Files.writeString(
            directory.resolve(file(plot.suite())),
            svg(plot, run.results(), groups),
            StandardCharsets.UTF_8);
        written.add(plot.suite());
      }
    }
    return written;
  }

  private static String svg(Plot plot, Results results, List<String> groups) throws IOException {
    List<String> contestants =
        groups.stream().flatMap(group -> results.contestants(group).stream()).distinct().toList();
    CategoryChart chart =
        new CategoryChartBuilder().width(900).height(480).title(plot.title()).build();
    for (String group : groups) {
      List<Double> bars = new ArrayList<>();
      for (String contestant : contestants) {
        bars.add(
            results
                .find(group, contestant, plot.metric())
                .map(one -> one.spread().median())
                // A logarithm has no zero, and a bar that is not there none either.
                .orElse(plot.logarithmic() ? 0.1 : 0));
      }
      chart.addSeries(group.isEmpty() ? plot.metric().title : group, contestants, bars);
    }
    var style = chart.getStyler();
    style.setChartBackgroundColor(Color.WHITE);
    style.setYAxisLogarithmic(plot.logarithmic());
    if (plot.logarithmic()) {
      style.setYAxisMin(0.1);
    } else {
      style.setYAxisMin(0.0);
    }
    style.setXAxisLabelRotation(40);
    style.setLegendPosition(LegendPosition.InsideNW);
    style.setLegendVisible(groups.size() > 1);
    style.setPlotGridVerticalLinesVisible(false);
    var svg = new ByteArrayOutputStream();
    VectorGraphicsEncoder.saveVectorGraphic(chart, svg, VectorGraphicsFormat.SVG);
    return Objects.requireNonNull(svg.toString(StandardCharsets.UTF_8));
  }
}
