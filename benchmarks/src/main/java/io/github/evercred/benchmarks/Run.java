package io.github.evercred.benchmarks;

import com.grack.nanojson.JsonArray;
import com.grack.nanojson.JsonObject;
import com.grack.nanojson.JsonParser;
import com.grack.nanojson.JsonParserException;
import com.grack.nanojson.JsonWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One run of one benchmark, as it is kept in a file.
 *
 * @param suite which
 * @param form how long it was
 * @param began when, by ISO 8601
 * @param seconds how long it took
 * @param others the share of the processors that others used meanwhile
 * @param command what repeats it
 * @param machine what it ran on
 * @param versions of what was measured
 * @param results what was measured
 */
record Run(
    Suite suite,
    String form,
    String began,
    double seconds,
    double others,
    String command,
    Map<String, Object> machine,
    Map<String, Object> versions,
    Results results) {

  /** More than this share of the processors used by others is a disturbance. */
  private static final double BORNE = 0.05;

  boolean isDisturbed() {
    return others > BORNE;
  }

  String json() {
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("benchmark", suite.toString());
    all.put("form", form);
    all.put("began", began);
    all.put("seconds", Math.round(seconds));
    all.put("usedByOthers", Math.round(others * 1000) / 1000.0);
    all.put("disturbed", isDisturbed());
    all.put("command", command);
    all.put("machine", machine);
    all.put("versions", versions);
    all.put("measurements", measurements(results));
    return JsonWriter.indent("  ").string().value(all).done() + "\n";
  }

  static List<Map<String, Object>> measurements(Results results) {
    List<Map<String, Object>> measurements = new ArrayList<>();
    for (Measurement one : results.all()) {
      Map<String, Object> members = new LinkedHashMap<>();
      members.put("group", one.group());
      members.put("contestant", one.contestant());
      members.put("metric", one.metric().name());
      members.put("unit", one.metric().title);
      members.put("values", one.values());
      measurements.add(members);
    }
    return measurements;
  }

  static Run parse(String json) throws IOException {
    JsonObject all = object(json);
    return new Run(
        Suite.named(all.getString("benchmark")),
        all.getString("form"),
        all.getString("began"),
        all.getDouble("seconds"),
        all.getDouble("usedByOthers"),
        all.getString("command"),
        all.getObject("machine"),
        all.getObject("versions"),
        results(all.getArray("measurements")));
  }

  static JsonObject object(String json) throws IOException {
    try {
      return JsonParser.object().from(json);
    } catch (JsonParserException e) {
      throw new IOException("not the JSON of a benchmark", e);
    }
  }

  static Results results(JsonArray measurements) {
    List<Measurement> results = new ArrayList<>();
    for (Object one : measurements) {
      JsonObject members = (JsonObject) one;
      List<Double> values = new ArrayList<>();
      for (Object value : members.getArray("values")) {
        values.add(((Number) value).doubleValue());
      }
      results.add(
          new Measurement(
              members.getString("group"),
              members.getString("contestant"),
              Metric.valueOf(members.getString("metric")),
              values));
    }
    return new Results(results);
  }

  /** All that lie in a directory, in the order of the suites. */
  static Map<Suite, Run> readAll(Path directory) throws IOException {
    Map<Suite, Run> runs = new EnumMap<>(Suite.class);
    for (Suite suite : Suite.values()) {
      Path file = file(directory, suite);
      if (Files.exists(file)) {
        runs.put(suite, parse(Files.readString(file, StandardCharsets.UTF_8)));
      }
    }
    return runs;
  }

  void write(Path directory) throws IOException {
    Files.createDirectories(directory);
    Files.writeString(file(directory, suite), json(), StandardCharsets.UTF_8);
  }

  private static Path file(Path directory, Suite suite) {
    return directory.resolve(suite + ".json");
  }
}
