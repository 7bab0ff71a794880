package io.github.evercred;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.testkit.LocalSecretsManager;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What priming loads, and that it calls nobody. */
@Timeout(100)
class PrimingTest {
  @TempDir Path dir;

  /** Primes, and then reads one secret. */
  static final class Child {
    private Child() {}

    public static void main(String[] args) {
      if (args.length > 0) {
        AwsSecretSource.prime();
        Eventually.until(
            () ->
                Thread.getAllStackTraces().keySet().stream()
                    .noneMatch(
                        thread ->
                            thread.getName().startsWith("sdk-")
                                || thread.getName().startsWith("evercred-")),
            () -> "a thread is left");
      }
      Primed.mark();
      try (SecretCache cache = SecretCache.create()) {
        System.out.println("read " + cache.get("a/secret").field("name"));
      }
    }
  }

  /** Is loaded between the two. */
  static final class Primed {
    private Primed() {}

    static void mark() {
      System.out.println("primed");
    }
  }

  private record Loaded(List<String> before, List<String> after) {
    long ofTheSdk() {
      return after.stream().filter(line -> line.contains(" software.amazon.awssdk.")).count();
    }
  }

  private Loaded loaded(LocalSecretsManager secrets, String... arguments) throws Exception {
    Path log = dir.resolve("classes" + arguments.length + ".log");
    Path said = dir.resolve("said.log");
    var command =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "-Xlog:class+load:file=" + log,
            "-Daws.accessKeyId=AKIDEXAMPLE",
            "-Daws.secretAccessKey=example",
            "-cp",
            System.getProperty("java.class.path"),
            Child.class.getName());
    command.command().addAll(List.of(arguments));
    command.environment().put("EVERCRED_ENDPOINT", secrets.endpoint().toString());
    command.environment().put("EVERCRED_REGION", secrets.region());
    Process child = command.redirectErrorStream(true).redirectOutput(said.toFile()).start();
    try {
      assertThat(child.waitFor(60, TimeUnit.SECONDS)).isTrue();
    } finally {
      child.destroyForcibly();
    }
    assertThat(said)
        .content(StandardCharsets.UTF_8)
        .isEqualTo("primed%nread a name%n".formatted()); // And nothing was logged.
    List<String> lines = Files.readAllLines(log);
    int primed = 0;
    while (!lines.get(primed).contains("PrimingTest$Primed ")) {
      primed++;
    }
    return new Loaded(lines.subList(0, primed), lines.subList(primed, lines.size()));
  }

  @Test
  void prime_opensNoSocketAndLoadsWhatTheFirstFetchNeeds() throws Exception {
    try (LocalSecretsManager secrets = LocalSecretsManager.start()) {
      secrets.createSecret("a/secret", "{\"name\":\"a name\"}");

      Loaded unprimed = loaded(secrets);
      Loaded primed = loaded(secrets, "prime");

      assertThat(primed.before()).noneMatch(line -> line.contains("sun.nio.ch.NioSocketImpl"));
      assertThat(primed.after()).anyMatch(line -> line.contains("sun.nio.ch.NioSocketImpl"));
      assertThat(unprimed.ofTheSdk()).isGreaterThan(500);
      assertThat(primed.ofTheSdk()).isLessThan(unprimed.ofTheSdk() / 10);
      System.out.println("classes of the SDK: " + unprimed.ofTheSdk() + " " + primed.ofTheSdk());
    }
  }

  @Test
  void prime_twice_logsNothing() {
    try (var log = new CapturedLog()) {
      AwsSecretSource.prime();
      AwsSecretSource.prime();

      assertThat(log.ours(java.util.logging.Level.FINEST)).isEmpty();
    }
  }
}
