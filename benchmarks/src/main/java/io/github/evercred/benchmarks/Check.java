package io.github.evercred.benchmarks;

import com.grack.nanojson.JsonObject;
import com.grack.nanojson.JsonWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Compares what Evercred reached in the latest run with the run that is recorded. Ratios are
 * compared, not times: another machine has other times, and much the same ratios. What is counted,
 * such as failed connects, is compared as it is.
 */
final class Check {
  private static final double BORNE = 1.25;

  /** Of what is counted, half an event is none. */
  private static final double BORNE_EVENTS = 0.5;

  /** Less than the least object comes from elsewhere. */
  private static final double BORNE_BYTES = 8;

  private static final Path RECORDED = Path.of("benchmarks", "recorded");

  private Check() {}

  /**
   * Compares, or records.
   *
   * @param args nothing, or {@code record}
   */
  public static void main(String[] args) throws IOException {
    Map<Suite, Run> runs = Run.readAll(Bench.RESULTS);
    if (runs.isEmpty()) {
      System.err.printf("There are no results in %s: run make bench first.%n", Bench.RESULTS);
      System.exit(1);
    }
    Path file = RECORDED.resolve(form(runs) + ".json");
    List<Suite> disturbed =
        runs.values().stream().filter(Run::isDisturbed).map(Run::suite).toList();
    if (!disturbed.isEmpty()) {
      System.err.println("Disturbed by other work: " + disturbed);
    }
    if (args.length > 0 && args[0].equals("record")) {
      Files.createDirectories(RECORDED);
      Files.writeString(file, record(runs), StandardCharsets.UTF_8);
      System.out.println("Recorded in " + file);
      return;
    }
    if (!Files.exists(file)) {
      System.err.printf("Nothing is recorded in %s: make bench-record records a run.%n", file);
      System.exit(1);
    }
    List<String> losses = losses(Files.readString(file, StandardCharsets.UTF_8), runs);
    losses.forEach(System.err::println);
    if (!losses.isEmpty()) {
      System.exit(1);
    }
    System.out.println("No loss beside " + file);
  }

  private static String form(Map<Suite, Run> runs) throws IOException {
    List<String> forms = runs.values().stream().map(Run::form).distinct().toList();
    if (forms.size() > 1) {
      throw new IOException(
          "The results in %s are of several forms, %s: run one of make bench and make bench-full"
              .formatted(Bench.RESULTS, forms));
    }
    return forms.get(0);
  }

  /** What is recorded of a run, as JSON. */
  static String record(Map<Suite, Run> runs) {
    Map<String, Object> recorded = new LinkedHashMap<>();
    runs.values().stream()
        .findFirst()
        .ifPresent(
            first -> {
              recorded.put("began", first.began());
              recorded.put("machine", first.machine());
              recorded.put("versions", first.versions());
            });
    recorded.put("figures", figures(runs));
    return JsonWriter.indent("  ").string().value(recorded).done() + "\n";
  }

  /** What is worse than recorded, and what is no longer there. */
  static List<String> losses(String recorded, Map<Suite, Run> runs) throws IOException {
    JsonObject before = Run.object(recorded).getObject("figures");
    Map<String, Double> now = figures(runs);
    List<String> losses = new ArrayList<>();
    for (String name : before.keySet()) {
      double was = before.getDouble(name);
      Double is = now.get(name);
      if (is == null) {
        losses.add(name + " was recorded and is missing in the latest run");
      } else if (is > was * BORNE && is > was + borneMore(name)) {
        losses.add(
            String.format(
                Locale.ROOT, "%s was %.3f and is %.3f, more than a quarter worse", name, was, is));
      }
    }
    return losses;
  }

  private static double borneMore(String name) {
    Metric metric = Metric.valueOf(name.substring(name.lastIndexOf(' ') + 1));
    return metric == Metric.ALLOCATED
        ? BORNE_BYTES
        : metric.use == Metric.Use.COUNT ? BORNE_EVENTS : 0;
  }

  /** Evercred's ratios and counts, by name. */
  private static Map<String, Double> figures(Map<Suite, Run> runs) {
    Map<String, Double> figures = new LinkedHashMap<>();
    for (Run run : runs.values()) {
      for (Measurement one : run.results().all()) {
        if (one.contestant().startsWith("Evercred")) {
          figure(run, one)
              .ifPresent(
                  value ->
                      figures.put(
                          "%s | %s | %s | %s"
                              .formatted(
                                  run.suite(), one.group(), one.contestant(), one.metric().name()),
                          Math.round(value * 1000) / 1000.0));
        }
      }
    }
    return figures;
  }

  private static Optional<Double> figure(Run run, Measurement one) {
    return switch (one.metric().use) {
      case RATIO -> run.results().ratio(one, run.suite().base).map(Spread::median);
      // The worst round: a median would hide one that failed.
      case COUNT -> one.values().stream().max(Double::compare);
      case SHOWN -> Optional.empty();
    };
  }
}
