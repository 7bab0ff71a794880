package io.github.evercred.examples.lambda;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.testkit.LocalSecretsManager;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class LocalRunnerTest {
  private static final Pattern HIDDEN =
      Pattern.compile("\"(?:password|key)\"\\s*:\\s*\"((?:[^\"\\\\]|\\\\.)+)\"");

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private final Set<String> secretTexts = new HashSet<>();
  private final StringBuilder processes = new StringBuilder();

  @TempDir Path directory;

  private int run(String... arguments) throws IOException {
    // Every logger of the functions, in full, so that it is searched, too.
    Path logging = directory.resolve("logging.properties");
    Files.writeString(
        logging,
        """
        handlers=java.util.logging.ConsoleHandler
        java.util.logging.ConsoleHandler.level=ALL
        .level=ALL
        """);
    try (PrintStream printed = new PrintStream(out, true, StandardCharsets.UTF_8);
        PrintStream logged = new PrintStream(err, true, StandardCharsets.UTF_8)) {
      return new LocalRunner(
              printed,
              logged,
              System.getProperty("java.class.path"),
              Map.of("JAVA_TOOL_OPTIONS", "-Djava.util.logging.config.file=" + logging),
              this::collect)
          .run(List.of(arguments));
    }
  }

  private void collect(LocalSecretsManager secrets) {
    for (String secretId :
        List.of(Cycle.API_SECRET, Cycle.SNAPSHOT_SECRET, Cycle.DATABASE_SECRET)) {
      for (String label : List.of("AWSCURRENT", "AWSPENDING", "AWSPREVIOUS")) {
        if (secrets.versionId(secretId, label).isPresent()) {
          Matcher matcher = HIDDEN.matcher(secrets.value(secretId, label));
          assertThat(matcher.find()).isTrue();
          secretTexts.add(matcher.group(1));
        }
      }
    }
    ProcessHandle.current()
        .descendants()
        .flatMap(process -> process.info().arguments().stream())
        .forEach(words -> processes.append(String.join(" ", words)));
    // PostgreSQL's own processes come and go; the functions are children of this JVM, and stay.
    ProcessHandle.current().children().forEach(this::lookAtFunction);
  }

  /** The whole command line, which Java does not tell if it is long, and the environment. */
  private void lookAtFunction(ProcessHandle process) {
    Path shown = Path.of("/proc", Long.toString(process.pid()));
    if (!Files.isReadable(shown.resolve("environ"))) {
      return; // Not on Linux.
    }
    try {
      String command = Files.readString(shown.resolve("cmdline"), StandardCharsets.ISO_8859_1);
      if (command.contains(RuntimeLoop.class.getName())) {
        processes.append(command);
        processes.append(Files.readString(shown.resolve("environ"), StandardCharsets.ISO_8859_1));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private String printed() {
    return out.toString(StandardCharsets.UTF_8);
  }

  /** What the runner itself says of troubles, such as that it could not go on. */
  private List<String> troubles() {
    return logged()
        .lines()
        .dropWhile(line -> !line.startsWith("lambda: "))
        .takeWhile(line -> line.startsWith("lambda: ") || line.startsWith("  because of "))
        .toList();
  }

  private String logged() {
    return err.toString(StandardCharsets.UTF_8);
  }

  private void assertHidden() {
    // Three secrets, each with an old value and a new one.
    assertThat(secretTexts).hasSize(6);
    for (String text : secretTexts) {
      assertThat(printed().contains(text)).as("a secret is in the report").isFalse();
      assertThat(logged().lines().filter(line -> line.contains(text)))
          .map(line -> line.replace(text, "<secret>"))
          .as("lines of the functions' log with a secret")
          .isEmpty();
      assertThat(processes.toString().contains(text))
          .as("a secret is in the arguments or the environment of a process")
          .isFalse();
    }
    assertThat(logged()).contains("software.amazon.awssdk", "org.postgresql", "evercred");
    if (Files.isReadable(Path.of("/proc/self/environ"))) {
      assertThat(processes.toString().contains(RuntimeLoop.class.getName())).isTrue();
      for (String id : List.of(Cycle.API_SECRET, Cycle.SNAPSHOT_SECRET)) {
        assertThat(processes.toString().contains("SECRET_ID=" + id)).isTrue();
      }
    }
  }

  /** The versions that a function has answered with, in their order. */
  private List<String> versions(Class<?> handler) {
    return printed()
        .lines()
        .filter(line -> line.startsWith(handler.getSimpleName() + " "))
        .filter(line -> line.contains("invocation"))
        .map(line -> line.replaceAll(".* ms +", ""))
        .toList();
  }

  @Test
  @Timeout(100)
  void run_longFreeze_nextInvocationsWorkWithTheNewVersions() throws Exception {
    int code = run("--freeze", "3s", "--revalidate-after", "2s");

    assertThat(troubles()).isEmpty();
    assertThat(code).as(printed()).isZero();
    assertThat(printed())
        .contains("PASSED: after a freeze of 3s")
        .containsPattern("PostgreSQL +logins refused since the thaw +0\n");
    for (Class<?> handler : List.of(ApiKeyHandler.class, DatabaseHandler.class)) {
      List<String> versions = versions(handler);
      assertThat(versions).as(printed()).hasSize(4);
      assertThat(versions.get(1)).isEqualTo(versions.get(0));
      assertThat(versions.get(2)).isNotEqualTo(versions.get(0));
      assertThat(versions.get(3)).isEqualTo(versions.get(2));
    }
    assertThat(printed())
        .containsPattern("SnapStartHandler +checkpoint +[0-9]")
        .containsPattern("SnapStartHandler +restored +[0-9]")
        .containsPattern("AWS KMS +calls of Decrypt in it +1\n");
    assertThat(versions(SnapStartHandler.class)).as(printed()).hasSizeBetween(2, 3);
    assertHidden();
  }

  @Test
  @Timeout(100)
  void run_withoutKms_restoredFunctionHasTheNewVersionAtOnce() throws Exception {
    int code = run("--freeze", "3s", "--without-kms");

    assertThat(troubles()).isEmpty();
    assertThat(code).as(printed()).isZero();
    assertThat(printed())
        .contains("invocation 1 of the function that was restored")
        .containsPattern("AWS KMS +calls of Decrypt in it +0\n");
    List<String> versions = versions(SnapStartHandler.class);
    assertThat(versions).as(printed()).hasSize(2);
    assertThat(versions.get(1)).isEqualTo(versions.get(0)).doesNotContain("old");
    assertHidden();
  }

  /** What the check of a value's age is for: here it comes too late. */
  @Test
  @Timeout(100)
  void run_freezeShorterThanRevalidateAfter_failsWithTheOldApiKey() throws Exception {
    int code = run("--freeze", "1s", "--revalidate-after", "24h");

    assertThat(troubles()).isEmpty(); // Its exit code would be the same.
    assertThat(code).as(printed()).isEqualTo(1);
    assertThat(printed())
        .contains("FAILED:")
        .containsPattern("ApiKeyHandler, thawed by an invocation: it worked with version ")
        // The login found the new password by itself; a refusal told it to look.
        .doesNotContain("DatabaseHandler, thawed")
        // A restore makes all due, whatever its age.
        .doesNotContain("SnapStartHandler, ")
        .containsPattern("PostgreSQL +logins refused since the thaw +1\n");
    assertHidden();
  }

  @Test
  @Timeout(10)
  void run_wrongOption_endsWithTwoAndStartsNothing() throws Exception {
    assertThat(run("--freeze", "0s")).isEqualTo(2);
    assertThat(printed()).isEmpty();
    assertThat(logged())
        .isEqualToIgnoringNewLines(
            "lambda: --freeze must be 1s to 1h, written like 1500ms, 5s or 2m, not '0s'. Try --help.");
  }

  @Test
  @Timeout(10)
  void run_help_explainsAndStartsNothing() throws Exception {
    assertThat(run("--help")).isZero();
    assertThat(printed()).isEqualTo(RunnerOptions.HELP);
  }
}
