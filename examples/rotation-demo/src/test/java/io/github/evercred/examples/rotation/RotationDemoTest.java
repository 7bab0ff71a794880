package io.github.evercred.examples.rotation;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.testkit.LocalSecretsManager;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class RotationDemoTest {
  private static final Pattern PASSWORD =
      Pattern.compile("\"password\"\\s*:\\s*\"((?:[^\"\\\\]|\\\\.)+)\"");

  private final ByteArrayOutputStream written = new ByteArrayOutputStream();
  private final Set<String> passwords = new HashSet<>();

  private final StringWriter logged = new StringWriter();

  /** Every logger there is: the driver's, the pool's, the SDK's and ours. */
  private final Logger root = Logger.getLogger("");

  private final Handler[] usual = root.getHandlers();
  private final Level usualLevel = root.getLevel();
  private final StringWriter seenInTheJvm = new StringWriter();

  private final Handler everything =
      new Handler() {
        @Override
        public synchronized void publish(LogRecord record) {
          logged.append(record.getLoggerName() + " " + record.getMessage());
          logged.append(Arrays.toString(record.getParameters()) + "\n");
          if (record.getThrown() != null) {
            record.getThrown().printStackTrace(new PrintWriter(logged, true));
          }
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
      };

  @BeforeEach
  void captureLogs() {
    for (Handler handler : usual) {
      root.removeHandler(handler);
    }
    everything.setLevel(Level.ALL);
    root.setLevel(Level.ALL);
    root.addHandler(everything);
  }

  @AfterEach
  void releaseLogs() {
    root.removeHandler(everything);
    root.setLevel(usualLevel);
    for (Handler handler : usual) {
      root.addHandler(handler);
    }
  }

  /** A thread dump, the system properties, and the arguments of the processes that were started. */
  private void lookAround() {
    for (ThreadInfo thread : ManagementFactory.getThreadMXBean().dumpAllThreads(true, true)) {
      seenInTheJvm.append(thread.toString());
    }
    seenInTheJvm.append(System.getProperties().toString());
    ProcessHandle.current()
        .descendants()
        .forEach(
            process -> {
              seenInTheJvm.append(process.info().toString());
              process
                  .info()
                  .arguments()
                  .ifPresent(words -> seenInTheJvm.append(String.join(" ", words)));
            });
  }

  private int run(String... arguments) {
    try (PrintStream out = new PrintStream(written, true, StandardCharsets.UTF_8)) {
      return new RotationDemo(out, out, false, 80, this::collectPasswords).run(List.of(arguments));
    }
  }

  private void collectPasswords(LocalSecretsManager secrets) {
    lookAround();
    for (String secretId : List.of("demo/app", "demo/plain_app")) {
      for (String label : List.of("AWSCURRENT", "AWSPENDING", "AWSPREVIOUS")) {
        if (secrets.versionId(secretId, label).isPresent()) {
          Matcher matcher = PASSWORD.matcher(secrets.value(secretId, label));
          assertThat(matcher.find()).isTrue();
          passwords.add(matcher.group(1));
        }
      }
    }
  }

  /** Without showing it. */
  private void assertHidden(String password) {
    assertThat(written().contains(password)).as("a password is in the output").isFalse();
    assertThat(logged.toString().lines().filter(line -> line.contains(password)))
        .map(line -> line.replace(password, "<password>"))
        .as("lines of the log with a password")
        .isEmpty();
    assertThat(seenInTheJvm.toString().contains(password))
        .as("a password is in a thread dump, a system property or a process's arguments")
        .isFalse();
  }

  private String written() {
    return written.toString(StandardCharsets.UTF_8);
  }

  /** Takes the two cells of a row of the table apart. */
  private List<String> row(String label) {
    Matcher row =
        Pattern.compile("(?m)^" + Pattern.quote(label) + " {2,}(.+?) {2,}(.+?)$")
            .matcher(written());
    assertThat(row.find()).as("%s in %s", label, written()).isTrue();
    return List.of(row.group(1), row.group(2));
  }

  private static long number(String cell) {
    return Long.parseLong(cell.replace(",", ""));
  }

  @Test
  @Timeout(100)
  void run_singleUser_failsOnlyWithoutEvercredAndShowsNoPassword() {
    int code = run("--rotations", "2", "--window", "1s", "--workers", "4");

    assertThat(code).as(written()).isZero();
    assertThat(row("  failed").get(0)).isEqualTo("0");
    assertThat(number(row("  failed").get(1))).isPositive();
    assertThat(row("  still waiting at the end").get(0)).isEqualTo("0");
    assertThat(written()).contains("PASSED: through 2 rotations, single user");
    assertThat(passwords).hasSize(6);
    assertThat(passwords).allSatisfy(this::assertHidden);
    assertThat(logged.toString())
        .contains("runs on AWSPENDING version", "password authentication failed")
        .contains("org.postgresql", "software.amazon.awssdk"); // So they are searched, too.
    assertThat(seenInTheJvm.toString()).contains("evercred-timer", "java.io.tmpdir", "postgres");
  }

  @Test
  @Timeout(100)
  void run_alternating_failsOnlyWithoutEvercredAndShowsNoPassword() {
    int code =
        run("--rotations", "2", "--window", "1s", "--workers", "4", "--strategy", "alternating");

    assertThat(code).as(written()).isZero();
    assertThat(row("  failed").get(0)).isEqualTo("0");
    assertThat(number(row("  failed").get(1))).isPositive();
    assertThat(written()).contains("PASSED: through 2 rotations, alternating users");
    assertThat(passwords).hasSize(6);
    assertThat(passwords).allSatisfy(this::assertHidden);
  }

  @Test
  @Timeout(10)
  void run_wrongOption_endsWithTwoAndStartsNothing() {
    assertThat(run("--workers", "1")).isEqualTo(2);
    assertThat(written())
        .isEqualToIgnoringNewLines(
            "rotation-demo: --workers must be a whole number from 2 to 64, not '1'. Try --help.");
  }

  @Test
  @Timeout(10)
  void run_help_explainsAndStartsNothing() {
    assertThat(run("--help")).isZero();
    assertThat(written()).isEqualTo(DemoOptions.HELP);
  }
}
