package io.github.evercred.benchmarks;

import de.erichseifert.vectorgraphics2d.VectorGraphics2D;
import de.erichseifert.vectorgraphics2d.svg.SVGProcessor;
import de.erichseifert.vectorgraphics2d.util.PageSize;
import java.awt.Color;
import java.awt.Rectangle;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.NumberFormat;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.jfree.chart.ChartFactory;
import org.jfree.chart.JFreeChart;
import org.jfree.chart.axis.AxisLocation;
import org.jfree.chart.axis.LogAxis;
import org.jfree.chart.axis.NumberTickUnit;
import org.jfree.chart.plot.CategoryPlot;
import org.jfree.chart.plot.PlotOrientation;
import org.jfree.chart.renderer.category.BarRenderer;
import org.jfree.chart.renderer.category.StandardBarPainter;
import org.jfree.data.category.DefaultCategoryDataset;
import org.jfree.data.general.DatasetUtils;

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

  private static final Pattern ID = Pattern.compile("clip-?\\d+");
  private static final Pattern FONT = Pattern.compile("font-family:&quot;[^&]*&quot;");
  private static final Pattern DECIMALS = Pattern.compile("-?\\d+\\.\\d{2,}");

  private static final int WIDTH = 900;
  private static final List<Color> COLOURS =
      List.of(
          new Color(0x1f77b4),
          new Color(0xff7f0e),
          new Color(0x2ca02c),
          new Color(0xd62728),
          new Color(0x9467bd),
          new Color(0x8c564b));

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
    var data = new DefaultCategoryDataset();
    for (String group : groups) {
      for (String contestant : results.contestants(group)) {
        results
            .find(group, contestant, plot.metric())
            .ifPresent(one -> data.addValue(one.spread().median(), group, contestant));
      }
    }
    JFreeChart chart =
        ChartFactory.createBarChart(
            null,
            null,
            plot.title(),
            data,
            PlotOrientation.HORIZONTAL,
            groups.size() > 1,
            false,
            false);
    chart.setBackgroundPaint(Color.WHITE);
    CategoryPlot area = chart.getCategoryPlot();
    area.setBackgroundPaint(Color.WHITE);
    area.setRangeGridlinePaint(Color.LIGHT_GRAY);
    area.setOutlineVisible(false);
    area.getDomainAxis().setMaximumCategoryLabelWidthRatio(0.4f);
    if (plot.logarithmic()) {
      var axis = new LogAxis(plot.title());
      axis.setSmallestValue(0.1);
      axis.setTickUnit(new NumberTickUnit(1)); // One for each power of ten.
      axis.setNumberFormatOverride(NumberFormat.getInstance(Locale.ROOT));
      axis.setRange(0.1, 1.5 * DatasetUtils.findMaximumRangeValue(data).doubleValue());
      area.setRangeAxis(axis);
    }
    area.setRangeAxisLocation(AxisLocation.BOTTOM_OR_LEFT);
    var bars = (BarRenderer) area.getRenderer();
    bars.setBarPainter(new StandardBarPainter());
    bars.setShadowVisible(false);
    bars.setItemMargin(0.05);
    for (int i = 0; i < groups.size(); i++) {
      bars.setSeriesPaint(i, COLOURS.get(i % COLOURS.size()));
    }
    int height = 90 + data.getColumnCount() * (14 + 12 * groups.size());
    var drawing = new VectorGraphics2D();
    chart.draw(drawing, new Rectangle(WIDTH, height));
    var svg = new ByteArrayOutputStream();
    new SVGProcessor()
        .getDocument(drawing.getCommands(), new PageSize((double) WIDTH, height))
        .writeTo(svg);
    return tidy(svg.toString(StandardCharsets.UTF_8));
  }

  /** Numbers come with many decimals, ids are hash codes, and a font is this machine's or none. */
  private static String tidy(String svg) {
    Map<String, String> ids = new HashMap<>();
    String named =
        ID.matcher(svg)
            .replaceAll(id -> ids.computeIfAbsent(id.group(), its -> "clip" + (ids.size() + 1)));
    return DECIMALS
        .matcher(
            FONT.matcher(named)
                .replaceAll("font-family:sans-serif")
                .replaceFirst("<svg ", "<svg font-family=\"sans-serif\" font-size=\"12px\" "))
        .replaceAll(
            number -> Spread.number(Double.parseDouble(number.group()), 1).replace(",", ""));
  }
}
