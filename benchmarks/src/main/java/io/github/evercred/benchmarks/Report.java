package io.github.evercred.benchmarks;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Writes {@code docs/benchmarks.md} with its plots, and what stands between two markers in the
 * README, of the results of the latest run. The text around the figures is a resource.
 */
final class Report {
  private static final String BEGIN = "<!-- benchmarks: written by make bench -->";
  private static final String END = "<!-- benchmarks: end -->";
  private static final Pattern PLACE = Pattern.compile("\\{\\{([a-z]+)(?::([a-z-]+))?}}");

  private final Map<Suite, Run> runs;
  private final Set<Suite> plotted;

  Report(Map<Suite, Run> runs, Set<Suite> plotted) {
    this.runs = runs;
    this.plotted = plotted;
  }

  /** Writes all, in the directory of a project. */
  static void write(Map<Suite, Run> runs, Path project) throws IOException {
    if (runs.isEmpty()) {
      throw new IOException("There are no results in %s: run make bench".formatted(Bench.RESULTS));
    }
    var report = new Report(runs, plot(runs, project.resolve("docs")));
    Files.writeString(project.resolve("docs/benchmarks.md"), report.page(), StandardCharsets.UTF_8);
    Path readme = project.resolve("README.md");
    Files.writeString(
        readme,
        report.readme(Files.readString(readme, StandardCharsets.UTF_8)),
        StandardCharsets.UTF_8);
  }

  /** None where it cannot: a JDK draws no text on a machine without a font. */
  private static Set<Suite> plot(Map<Suite, Run> runs, Path docs) throws IOException {
    try {
      return Plots.write(runs, docs);
    } catch (InternalError | NoClassDefFoundError | NullPointerException e) {
      System.err.println(
          "No plots: this machine has no font for them; install fontconfig and one, such as DejaVu ("
              + e
              + ")");
      return Set.of();
    }
  }

  String page() throws IOException {
    String template;
    try (InputStream resource = Report.class.getResourceAsStream("benchmarks.md")) {
      template =
          new String(
              Objects.requireNonNull(resource, "benchmarks.md").readAllBytes(),
              StandardCharsets.UTF_8);
    }
    return PLACE
        .matcher(template)
        .replaceAll(
            place ->
                Matcher.quoteReplacement(
                    filled(place.group(1), Optional.ofNullable(place.group(2)))));
  }

  private String filled(String what, Optional<String> suite) {
    return switch (what) {
      case "machine" -> machine();
      case "versions" -> versions();
      case "runs" -> runs();
      case "aims" -> aims();
      case "table" -> table(Suite.named(suite.orElseThrow()));
      case "plot" -> plot(Suite.named(suite.orElseThrow()));
      default -> throw new IllegalArgumentException("The template has an unknown {{" + what + "}}");
    };
  }

  private String machine() {
    return String.join(
        "; ",
        runs.values().stream()
            .map(
                run ->
                    "%s cores of %s, %s, %s"
                        .formatted(
                            text(run.machine(), "cores"),
                            text(run.machine(), "processor"),
                            text(run.machine(), "system"),
                            text(run.machine(), "jdk")))
            .distinct()
            .toList());
  }

  private static String text(Map<String, Object> members, String name) {
    Object value = members.get(name);
    return value instanceof Number number
        ? String.valueOf(number.intValue())
        : String.valueOf(value);
  }

  private String versions() {
    Map<String, Object> all = new TreeMap<>();
    runs.values().forEach(run -> all.putAll(run.versions()));
    List<String> shown = new ArrayList<>();
    all.forEach((name, version) -> shown.add(name + " " + version));
    return String.join(", ", shown);
  }

  private String runs() {
    var table =
        new StringBuilder(
            "| benchmark | form | began | took | used by others |\n|---|---|---|---|---|\n");
    for (Run run : runs.values()) {
      table.append(
          String.format(
              Locale.ROOT,
              "| %s | %s | %s | %.0f s | %s |%n",
              run.suite().title,
              run.form(),
              run.began(),
              run.seconds(),
              share(run)));
    }
    return table.toString().stripTrailing();
  }

  private static String share(Run run) {
    return String.format(
        Locale.ROOT,
        "%.0f %% of the processors%s",
        run.others() * 100,
        run.isDisturbed() ? ": **disturbed**" : "");
  }

  private String aims() {
    var table = new StringBuilder("| aim | measured | |\n|---|---|---|\n");
    for (Aims.Aim aim : Aims.of(runs)) {
      table.append(
          "| %s | %s | %s |\n".formatted(aim.text(), aim.value().orElse(""), aim.verdict()));
    }
    return table.toString().stripTrailing();
  }

  private String table(Suite suite) {
    Run run = runs.get(suite);
    if (run == null) {
      return "*Not part of the latest run.*";
    }
    String disturbed =
        run.isDisturbed()
            ? "**This run was disturbed**: others used %s.\n\n"
                .formatted(share(run).replace(": **disturbed**", ""))
            : "";
    return disturbed + Tables.table(run).stripTrailing();
  }

  private String plot(Suite suite) {
    return plotted.contains(suite)
        ? "![%s](%s)".formatted(Plots.title(suite).orElse(suite.title), Plots.file(suite))
        : "";
  }

  /** The README with the latest figures between its markers. */
  String readme(String readme) throws IOException {
    int begin = readme.indexOf(BEGIN);
    int end = readme.indexOf(END);
    if (begin < 0 || end < begin) {
      throw new IOException("README.md has no line '%s' with '%s' after it".formatted(BEGIN, END));
    }
    return readme.substring(0, begin + BEGIN.length()) + "\n" + summary() + readme.substring(end);
  }

  private String summary() {
    var rows = new StringBuilder();
    row(
        rows,
        "a read of a cached secret, 2 threads, ns",
        Suite.WARM_READ,
        "2 threads",
        Metric.NANOS,
        List.of("Evercred get(id)", Library.AWS_CACHING.title, Library.POWERTOOLS.title));
    row(
        rows,
        "thread-seconds lost by 8 readers while Secrets Manager hangs",
        Suite.READERS,
        "hangs",
        Metric.LOST_SECONDS,
        libraries());
    row(
        rows,
        "reads that failed while it is down",
        Suite.READERS,
        "down: 500",
        Metric.FAILED_READS,
        libraries());
    for (String group :
        results(Suite.HERD).map(its -> List.copyOf(its.groups())).orElse(List.of())) {
      row(
          rows,
          "calls for one cold secret, " + group,
          Suite.HERD,
          group,
          Metric.HERD_CALLS,
          libraries());
    }
    String readers =
        rows.isEmpty()
            ? ""
            : "\n| | Evercred | AWS caching library | Powertools |\n|---|---|---|---|\n" + rows;
    rows = new StringBuilder();
    for (String cell :
        results(Suite.ROTATION).map(its -> List.copyOf(its.groups())).orElse(List.of())) {
      row(
          rows,
          "connects that failed: " + cell,
          Suite.ROTATION,
          cell,
          Metric.FAILED_CONNECTS,
          List.of(
              Way.DRIVER.title,
              Way.AWS_DRIVER.title,
              Way.AWS_WRAPPER.title,
              Way.AWS_WRAPPER_2.title));
    }
    String connects =
        rows.isEmpty()
            ? ""
            : "\n| | Evercred | AWS driver | AWS wrapper | its second plug-in |\n|---|---|---|---|---|\n"
                + rows;
    return readers
        + connects
        + "\nMeasured side by side; [how, on what, and the rest](docs/benchmarks.md).\n";
  }

  private static List<String> libraries() {
    return List.of(Library.EVERCRED.title, Library.AWS_CACHING.title, Library.POWERTOOLS.title);
  }

  private Optional<Results> results(Suite suite) {
    return Optional.ofNullable(runs.get(suite)).map(Run::results);
  }

  private void row(
      StringBuilder rows,
      String title,
      Suite suite,
      String group,
      Metric metric,
      List<String> contestants) {
    List<String> cells = new ArrayList<>();
    for (String contestant : contestants) {
      results(suite)
          .flatMap(its -> its.find(group, contestant, metric))
          .ifPresent(one -> cells.add(Spread.number(one.spread().median(), metric.decimals)));
    }
    if (cells.size() == contestants.size()) {
      rows.append("| %s | %s |\n".formatted(title, String.join(" | ", cells)));
    }
  }
}
