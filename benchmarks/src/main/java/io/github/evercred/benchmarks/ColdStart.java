package io.github.evercred.benchmarks;

import io.github.evercred.benchmarks.FirstSecret.Contestant;
import io.github.evercred.testkit.LocalAgent;
import io.github.evercred.testkit.LocalSecretsManager;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Starts processes that read one secret, each contestant in turn and all of them again: how long
 * after its start a process had it, and how much memory that took.
 *
 * <p>A first run of each, which does not count, finds the jars that it loads classes from; those
 * are its class path. So none has to look through what another needs.
 */
final class ColdStart implements AutoCloseable {
  private static final Pattern TOLD = Pattern.compile("(?m)^first (\\d+) (\\d+)$");
  private static final Pattern JAR = Pattern.compile("source: (?:jar:)?file:([^ !]+(?:\\.jar|/))");

  private final Path work;
  private final LocalSecretsManager secrets = LocalSecretsManager.start();
  private final LocalAgent agent = LocalAgent.before(secrets).token(FirstSecret.TOKEN).start();

  /** What a process told: milliseconds to the secret, and kilobytes. */
  record Told(long millis, long kilobytes) {}

  private ColdStart(Path work) {
    this.work = work;
    secrets.createSecret(FirstSecret.ID, FirstSecret.VALUE);
  }

  static Results measure(Form form) throws Exception {
    try (ColdStart all = new ColdStart(Files.createTempDirectory("cold-start"))) {
      return all.measured(form.of(1, 5, 15), contestants(form));
    }
  }

  /** An archive holds classes of jars only, so a build's own directories leave it out. */
  private static List<Contestant> contestants(Form form) {
    return form == Form.MOMENT
        ? List.of(Contestant.BARE_HTTP, Contestant.EVERCRED_AGENT, Contestant.AWS_CACHING)
        : List.of(Contestant.values());
  }

  private Results measured(int rounds, List<Contestant> contestants) throws Exception {
    Map<Contestant, List<String>> ready = new EnumMap<>(Contestant.class);
    for (Contestant contestant : contestants) {
      ready.put(contestant, prepared(contestant));
    }
    var collector = new Results.Collector();
    for (int round = 0; round < rounds; round++) {
      for (Contestant contestant : contestants) {
        Told told = run(contestant, Objects.requireNonNull(ready.get(contestant)));
        collector.add("", contestant.title, Metric.MILLIS, (double) told.millis());
        if (told.kilobytes() > 0) {
          collector.add("", contestant.title, Metric.PEAK_MB, told.kilobytes() / 1024.0);
        }
      }
    }
    return collector.results();
  }

  /** The options of the JVM: its class path, and its archive if it has one. */
  private List<String> prepared(Contestant contestant) throws Exception {
    Path log = work.resolve(contestant + ".classes");
    Told unused = run(contestant, List.of("-Xlog:class+load:file=" + log, "-cp", wholeClassPath()));
    Set<String> jars = new LinkedHashSet<>();
    Matcher loaded = JAR.matcher(Files.readString(log));
    while (loaded.find()) {
      jars.add(loaded.group(1));
    }
    String classPath = String.join(File.pathSeparator, jars);
    if (contestant != Contestant.EVERCRED_SDK_APPCDS) {
      return List.of("-cp", classPath);
    }
    Path archive = work.resolve("evercred.jsa");
    // The process must end by itself for the archive to be written.
    unused =
        run(
            contestant,
            List.of("-XX:ArchiveClassesAtExit=" + archive, "-Xlog:disable", "-cp", classPath));
    return List.of("-XX:SharedArchiveFile=" + archive, "-cp", classPath);
  }

  /** Without the HTTP clients that a small function leaves out. */
  private static String wholeClassPath() {
    return String.join(
        File.pathSeparator,
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator, -1))
            .filter(entry -> !entry.matches(".*/(apache5?-client|netty-|aws-crt)[^/]*\\.jar"))
            .toList());
  }

  private Told run(Contestant contestant, List<String> options) throws Exception {
    Path said = work.resolve(contestant + ".out");
    List<String> command = Child.java();
    command.add("-XX:TieredStopAtLevel=1"); // As Lambda's managed runtimes do.
    command.addAll(options);
    command.add(FirstSecret.class.getName());
    command.add(contestant.name());
    var process = new ProcessBuilder(command);
    Child.cleanEnvironment(process);
    Map<String, String> environment = process.environment();
    environment.put("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", Integer.toString(agent.port()));
    environment.put("COLD_START_ENDPOINT", secrets.endpoint().toString());
    if (contestant == Contestant.EVERCRED_AGENT) {
      environment.put("AWS_LAMBDA_FUNCTION_NAME", "cold-start");
      environment.put("AWS_SESSION_TOKEN", FirstSecret.TOKEN);
    } else {
      environment.put("EVERCRED_ENDPOINT", secrets.endpoint().toString());
      environment.put("EVERCRED_REGION", "eu-west-1");
    }
    Process started = process.redirectErrorStream(true).redirectOutput(said.toFile()).start();
    try {
      if (!started.waitFor(60, TimeUnit.SECONDS)) {
        throw new IOException(contestant + " did not end within a minute");
      }
    } finally {
      started.destroyForcibly();
    }
    String text = Files.readString(said, StandardCharsets.UTF_8);
    Matcher told = TOLD.matcher(text);
    if (!told.find()) {
      throw new IOException(contestant + " told no figures, but: " + text);
    }
    return new Told(Long.parseLong(told.group(1)), Long.parseLong(told.group(2)));
  }

  @Override
  public void close() throws IOException {
    agent.close();
    secrets.close();
    try (var files = Files.list(work)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(work);
  }
}
