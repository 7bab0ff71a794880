package io.github.evercred.examples.lambda;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.amazonaws.services.lambda.crac.Core;
import com.grack.nanojson.JsonObject;
import com.grack.nanojson.JsonParser;
import com.grack.nanojson.JsonParserException;
import com.grack.nanojson.JsonWriter;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One execution environment of a function: a JVM of its own that runs {@link RuntimeLoop}. It can
 * be frozen and thawed as Lambda does it, with every thread of it. Used by one thread.
 */
final class LocalFunction implements AutoCloseable {
  /** As long as an invocation may take: the time-out in template.yaml. */
  static final Duration TIMEOUT = Duration.ofSeconds(30);

  /** As long as Lambda lets the hooks of a restore take. */
  static final Duration RESTORE_TIMEOUT = Duration.ofSeconds(10);

  /**
   * Stops a process and lets it go on when the input ends, so also when this JVM has been killed: a
   * stopped process would stay for ever. A Ctrl-C reaches this shell, too, and must not end it
   * before.
   */
  private static final String FREEZE =
      "trap '' INT HUP TERM; kill -STOP \"$1\" && echo frozen && read -r end; kill -CONT \"$1\"";

  private final String name;
  private final Process process;
  private final long started;

  /** What the loop has answered; empty when its output has ended. */
  private final BlockingQueue<Optional<String>> lines = new LinkedBlockingQueue<>();

  private final Thread logReader;
  private @Nullable Process freezer;

  /**
   * What came of an invocation, or of the initialisation.
   *
   * @param time until the answer was there
   * @param values what the handler returned
   * @param error what it threw; empty if it did not
   */
  record Answer(Duration time, Map<String, String> values, Optional<String> error) {

    String value(String name) {
      return values.getOrDefault(name, "");
    }
  }

  private LocalFunction(String name, Process process, long started, Consumer<String> log) {
    this.name = name;
    this.process = process;
    this.started = started;
    read(
        name + " answers",
        process.getInputStream(),
        line -> lines.add(Optional.of(line)),
        () -> lines.add(Optional.empty()));
    logReader = read(name + " log", process.getErrorStream(), log, () -> {});
  }

  /**
   * Starts the JVM; {@link #awaitInit} waits for it.
   *
   * @param handler the function's class
   * @param classPath as the JVM takes it
   * @param environment all variables that it has; with {@code AWS_LAMBDA_INITIALIZATION_TYPE} as of
   *     SnapStart it can be told of a checkpoint
   * @param log is given what the function prints, in a thread of its own
   */
  static LocalFunction start(
      Class<?> handler, String classPath, Map<String, String> environment, Consumer<String> log) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    // As Lambda starts it.
    command.addAll(
        List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Xmx256m", "-cp"));
    if ("snap-start".equals(environment.get("AWS_LAMBDA_INITIALIZATION_TYPE"))) {
      command.add(classPath + File.pathSeparator + runtimeLibrary());
      command.add("-Dorg.crac.Core.Compat=" + Core.class.getPackageName());
    } else {
      command.add(classPath);
    }
    command.addAll(List.of(RuntimeLoop.class.getName(), handler.getName()));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().clear();
    builder.environment().putAll(environment);
    long started = System.nanoTime();
    try {
      return new LocalFunction(handler.getSimpleName(), builder.start(), started, log);
    } catch (IOException e) {
      throw new UncheckedIOException("No JVM could be started for " + handler.getSimpleName(), e);
    }
  }

  /** What Lambda puts beside the function; here it is on this JVM's class path. */
  private static Path runtimeLibrary() {
    try {
      return Path.of(Core.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException("Lambda's runtime library is not in a file", e);
    }
  }

  String name() {
    return name;
  }

  long pid() {
    return process.pid();
  }

  /** Waits until the handler is made; the time is from the start of the JVM. */
  Answer awaitInit() throws InterruptedException {
    return await(started, TIMEOUT);
  }

  Answer invoke(Map<String, String> event) throws InterruptedException {
    return say(JsonWriter.string(event), TIMEOUT);
  }

  /** Tells it that a snapshot is about to be taken of it. */
  Answer checkpoint() throws InterruptedException {
    return say(RuntimeLoop.CHECKPOINT, TIMEOUT);
  }

  /** Tells it that it was restored from a snapshot. */
  Answer restore() throws InterruptedException {
    return say(RuntimeLoop.RESTORE, RESTORE_TIMEOUT);
  }

  private Answer say(String line, Duration timeout) throws InterruptedException {
    long sent = System.nanoTime();
    send(line);
    return await(sent, timeout);
  }

  /** Stops all threads of the function, until it is thawed. */
  void freeze() {
    if (freezer != null) {
      throw new IllegalStateException(name + " is frozen already");
    }
    try {
      Process shell =
          new ProcessBuilder("sh", "-c", FREEZE, "freezer", Long.toString(process.pid()))
              .redirectErrorStream(true)
              .start();
      freezer = shell;
      String said =
          new BufferedReader(new InputStreamReader(shell.getInputStream(), UTF_8)).readLine();
      if (!"frozen".equals(said)) {
        throw new IllegalStateException(name + " could not be frozen: " + said);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(name + " could not be frozen", e);
    }
  }

  /** Sends an event to a frozen function, then lets it go on: so an invocation thaws it. */
  Answer thaw(Map<String, String> event) throws InterruptedException {
    send(JsonWriter.string(event));
    long thawed = System.nanoTime();
    thaw();
    return await(thawed, TIMEOUT);
  }

  /** Lets it go on, without an event. */
  void thaw() throws InterruptedException {
    Process shell = freezer;
    if (shell == null) {
      throw new IllegalStateException(name + " is not frozen");
    }
    freezer = null;
    try {
      shell.getOutputStream().close();
    } catch (IOException e) {
      throw new UncheckedIOException(name + " could not be thawed", e);
    }
    if (!shell.waitFor(10, TimeUnit.SECONDS) || shell.exitValue() != 0) {
      throw new IllegalStateException(name + " could not be thawed");
    }
  }

  private void send(String line) {
    try {
      OutputStream input = process.getOutputStream();
      input.write((line + "\n").getBytes(UTF_8));
      input.flush();
    } catch (IOException e) {
      throw new UncheckedIOException(name + " has ended before its time", e);
    }
  }

  private Answer await(long since, Duration timeout) throws InterruptedException {
    Optional<String> line = lines.poll(timeout.toNanos(), TimeUnit.NANOSECONDS);
    Duration time = Duration.ofNanos(System.nanoTime() - since);
    if (line == null) {
      throw new IllegalStateException(name + " did not answer within " + timeout);
    }
    if (line.isEmpty()) {
      throw new IllegalStateException(name + " has ended before its time; see what it printed");
    }
    try {
      JsonObject answer = JsonParser.object().from(line.get());
      Map<String, String> values = new LinkedHashMap<>();
      if (answer.get("answer") instanceof Map<?, ?> returned) {
        returned.forEach((key, value) -> values.put(String.valueOf(key), String.valueOf(value)));
      }
      return new Answer(time, values, Optional.ofNullable(answer.getString("error")));
    } catch (JsonParserException e) {
      throw new IllegalStateException(name + " gave an answer that is no JSON object", e);
    }
  }

  private static Thread read(
      String thread, InputStream stream, Consumer<String> line, Runnable atEnd) {
    Thread reader =
        new Thread(
            () -> {
              try (BufferedReader text = new BufferedReader(new InputStreamReader(stream, UTF_8))) {
                text.lines().forEach(line);
              } catch (IOException | UncheckedIOException e) {
                line.accept("(the output ends here: " + e + ")");
              } finally {
                atEnd.run();
              }
            },
            thread);
    reader.setDaemon(true);
    reader.start();
    return reader;
  }

  /** Ends the JVM, frozen or not, and waits until all that it has printed is read. */
  @Override
  public void close() {
    try {
      if (freezer != null) {
        thaw();
      }
      process.getOutputStream().close();
      process.waitFor(5, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IOException | RuntimeException e) {
      System.getLogger(LocalFunction.class.getName())
          .log(System.Logger.Level.DEBUG, name + " had to be killed", e);
    } finally {
      process.destroyForcibly();
    }
    try {
      logReader.join(5_000);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
