package io.github.evercred.benchmarks;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * Another JVM with one contestant, with which one talks in lines: what it must know by its input,
 * so that no password is among its arguments, and what it has measured by its output. It inherits
 * nothing of the environment by which the SDK or Evercred could be set up.
 */
final class Child implements AutoCloseable {
  private static final int KEPT = 40;
  private static final String END = "";
  private static final String FIGURE = "figure ";
  private static final String DONE = "done";

  private final String name;
  private final Process process;
  private final BufferedWriter input;
  private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();
  private final Deque<String> last = new ArrayDeque<>();

  private Child(String name, Process process) {
    this.name = name;
    this.process = process;
    this.input =
        new BufferedWriter(
            new OutputStreamWriter(process.getOutputStream(), StandardCharsets.UTF_8));
    Thread reader = new Thread(this::read, "output of " + name);
    reader.setDaemon(true);
    reader.start();
  }

  static Child start(Class<?> main, List<String> options, String... arguments) throws IOException {
    List<String> command = java();
    command.addAll(options);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
    command.addAll(Arrays.asList(arguments));
    var builder = new ProcessBuilder(command).redirectErrorStream(true);
    cleanEnvironment(builder);
    String name = main.getName().substring(main.getPackageName().length() + 1);
    return new Child(name + " " + String.join(" ", arguments), builder.start());
  }

  /** The beginning of a command: this JVM's own program. */
  static List<String> java() {
    List<String> command = new ArrayList<>();
    command.add(System.getProperty("java.home") + File.separator + "bin" + File.separator + "java");
    return command;
  }

  /** What would set the SDK, Evercred or the JVM up in another way than the benchmark does. */
  static void cleanEnvironment(ProcessBuilder builder) {
    builder
        .environment()
        .keySet()
        .removeIf(
            variable ->
                variable.startsWith("AWS_")
                    || variable.startsWith("EVERCRED_")
                    || List.of("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS")
                        .contains(variable));
  }

  private void read() {
    try (var output =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      String line = output.readLine();
      while (line != null) {
        if (!line.equals(END)) {
          lines.add(line);
        }
        line = output.readLine();
      }
    } catch (IOException e) {
      lines.add("its output could not be read: " + e);
    } finally {
      lines.add(END);
    }
  }

  void tell(String line) throws IOException {
    input.write(line);
    input.newLine();
    input.flush();
  }

  /** Waits until it says just this. */
  void await(String wanted, Duration atMost) throws IOException, InterruptedException {
    long end = System.nanoTime() + atMost.toNanos();
    String line = next(end);
    while (!line.equals(wanted)) {
      line = next(end);
    }
  }

  /** Waits for its figures. */
  Map<Metric, Double> figures(Duration atMost) throws IOException, InterruptedException {
    Map<Metric, Double> figures = new EnumMap<>(Metric.class);
    long end = System.nanoTime() + atMost.toNanos();
    for (String line = next(end); !line.equals(DONE); line = next(end)) {
      if (line.startsWith(FIGURE)) {
        String[] parts = line.split(" ", -1);
        figures.put(Metric.valueOf(parts[1]), Double.valueOf(parts[2]));
      }
    }
    return figures;
  }

  private String next(long end) throws IOException, InterruptedException {
    String line = lines.poll(Math.max(0, end - System.nanoTime()), TimeUnit.NANOSECONDS);
    if (line == null) {
      throw new IOException("%s took too long; it said: %s".formatted(name, last));
    }
    if (line.equals(END)) {
      throw new IOException("%s ended; it said: %s".formatted(name, last));
    }
    last.addLast(line);
    if (last.size() > KEPT) {
      last.removeFirst();
    }
    return line;
  }

  /** Ends it at once: how a library ends is another matter. */
  @Override
  public void close() {
    process.destroyForcibly();
    try {
      // Its processor time counts as ours only when it has been waited for.
      process.waitFor(10, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** What the child itself does. */
  static final class Side {
    private static final BufferedReader INPUT =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));

    private Side() {}

    static void say(String line) {
      System.out.println(line);
      System.out.flush();
    }

    static String hear() throws IOException {
      String line = INPUT.readLine();
      if (line == null) {
        throw new IOException("nobody listens any more");
      }
      return line;
    }

    static void hear(String wanted) throws IOException {
      String line = hear();
      if (!line.equals(wanted)) {
        throw new IOException("expected '%s'".formatted(wanted));
      }
    }

    static void tell(Map<Metric, Double> figures) {
      figures.forEach((metric, value) -> say(FIGURE + metric.name() + " " + value));
      say(DONE);
    }
  }
}
