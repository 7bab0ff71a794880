package io.github.evercred.benchmarks;

import com.grack.nanojson.JsonWriter;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/**
 * Runs benchmarks one after another, each in a process of its own with those that it starts, and
 * keeps what they measured in {@code benchmarks/target/results}. Once all have run it has the page
 * written, of those that could.
 */
final class Bench {
  static final Path RESULTS = Path.of("benchmarks", "target", "results");

  private final Form form;
  private final Path results;

  Bench(Form form, Path results) {
    this.form = form;
    this.results = results;
  }

  /**
   * Runs.
   *
   * @param args {@code short} or {@code full}, then the names of benchmarks; all of them if there
   *     is none
   */
  public static void main(String[] args) throws Exception {
    if (args.length == 0) {
      System.err.println("Name a form, short or full, and some of " + List.of(Suite.values()));
      System.exit(2);
    }
    Form form = Form.valueOf(args[0].toUpperCase(Locale.ROOT));
    List<Suite> wanted =
        args.length == 1
            ? List.of(Suite.values())
            : Arrays.stream(args).skip(1).map(Suite::named).toList();
    var bench = new Bench(form, RESULTS);
    List<Suite> failed = new ArrayList<>();
    for (Suite suite : wanted) {
      try {
        Run run = bench.run(suite);
        System.out.printf(
            Locale.ROOT,
            "%n%s, %s form, %.0f s%s%n%n%s",
            suite.title,
            form,
            run.seconds(),
            run.isDisturbed() ? ", DISTURBED by other work" : "",
            Tables.table(run));
      } catch (IOException e) {
        // One that cannot run here must not cost the figures of the others.
        System.err.println(suite + " failed: " + e.getMessage());
        failed.add(suite);
      }
    }
    if (args.length == 1) {
      Report.write(Run.readAll(RESULTS), Path.of(""));
    }
    if (!failed.isEmpty()) {
      System.err.println("Without figures: " + failed);
      System.exit(1);
    }
  }

  Run run(Suite suite) throws IOException, InterruptedException {
    Files.createDirectories(results);
    Path file = results.resolve(suite + ".measured");
    String began = Instant.now().truncatedTo(ChronoUnit.SECONDS).toString();
    Machine.Watch watch = Machine.watch();
    List<String> command = Child.java();
    command.addAll(
        List.of(
            "-cp",
            System.getProperty("java.class.path"),
            One.class.getName(),
            suite.toString(),
            form.name(),
            file.toString()));
    var builder = new ProcessBuilder(command).inheritIO();
    Child.cleanEnvironment(builder);
    Process process = builder.start();
    try {
      if (!process.waitFor(form.of(2, 10, 120), TimeUnit.MINUTES)) {
        throw new IOException(suite + " took too long");
      }
    } finally {
      process.destroyForcibly();
    }
    if (process.exitValue() != 0) {
      throw new IOException(suite + " ended with " + process.exitValue());
    }
    Results measured =
        Run.results(
            Run.object(Files.readString(file, StandardCharsets.UTF_8)).getArray("measurements"));
    Files.delete(file);
    Run run =
        new Run(
            suite,
            form.toString(),
            began,
            watch.seconds(),
            watch.others(),
            form == Form.FULL ? "make bench-full" : "make bench",
            Machine.description(),
            versions(),
            measured);
    run.write(results);
    return run;
  }

  static Map<String, Object> versions() throws IOException {
    Properties properties = new Properties();
    try (InputStream file = Bench.class.getResourceAsStream("versions.properties")) {
      properties.load(Objects.requireNonNull(file, "versions.properties"));
    }
    Map<String, Object> versions = new TreeMap<>();
    properties.forEach((name, version) -> versions.put((String) name, version));
    return versions;
  }

  /** One benchmark, in its own process. */
  static final class One {
    private One() {}

    /**
     * Runs.
     *
     * @param args the benchmark, the form, the file to write
     */
    public static void main(String[] args) throws Exception {
      Results results = Suite.named(args[0]).run(Form.valueOf(args[1]));
      Files.writeString(
          Path.of(args[2]),
          JsonWriter.string(Map.of("measurements", Run.measurements(results))),
          StandardCharsets.UTF_8);
      System.exit(0); // Whatever threads a peer has left.
    }
  }
}
