package io.github.evercred;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A process that is really stopped and goes on, as a Lambda function is between invocations. */
@Timeout(110)
class SecretCacheStoppedProcessTest {
  private static final Duration STOPPED = Duration.ofSeconds(3);

  /** Reads a secret as soon as it finds that it has been stopped. */
  static final class Child {
    private Child() {}

    public static void main(String[] args) {
      var fetches = new AtomicLong();
      var fetchedAt = new AtomicLong();
      SecretSource source =
          request -> {
            fetchedAt.set(System.nanoTime());
            long number = fetches.incrementAndGet();
            return SecretValue.builder(request.secretId(), FakeSource.version((int) number))
                .text("value");
          };
      try (SecretCache cache =
          SecretCache.builder()
              .source(source)
              .refreshAfter(Duration.ofSeconds(2))
              .revalidateAfter(Duration.ofMillis(2_100))
              .processMayFreeze(true)
              .build()) {
        cache.get("warm/up"); // Classes are loaded, threads are there.
        cache.get("a/secret");
        long begin = System.nanoTime();
        System.out.println("ready");
        long last = begin;
        long stopped = 0;
        while (stopped < STOPPED.toNanos() * 5 / 6) {
          long now = System.nanoTime(); // Once a round, so that no stop falls between two looks.
          stopped = now - last;
          last = now;
          if (now - begin > TimeUnit.SECONDS.toNanos(60)) {
            System.out.println("was not stopped");
            return;
          }
        }
        String version = cache.get("a/secret").versionId();
        long age = System.nanoTime() - fetchedAt.get();
        System.out.printf(
            "%s %d %d %d%n", version, stopped / 1_000_000, age / 1_000_000, fetches.get());
      }
    }
  }

  private static void signal(Process process, String signal) throws Exception {
    Process kill =
        new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid())).inheritIO().start();
    assertThat(kill.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(kill.exitValue()).isZero();
  }

  private static String line(BufferedReader from) {
    try {
      String line = from.readLine();
      return line == null ? "the process has ended" : line;
    } catch (IOException e) {
      return e.toString();
    }
  }

  private static String nextLine(BufferedReader from) throws Exception {
    return CompletableFuture.supplyAsync(() -> line(from)).get(40, TimeUnit.SECONDS);
  }

  @Test
  void process_stoppedAndContinued_firstReadIsRevalidated() throws Exception {
    String java =
        System.getProperty("java.home") + File.separator + "bin" + File.separator + "java";
    Process child =
        new ProcessBuilder(
                java,
                "-Xshare:auto",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Child.class.getName())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (var from =
        new BufferedReader(new InputStreamReader(child.getInputStream(), StandardCharsets.UTF_8))) {
      assertThat(nextLine(from)).isEqualTo("ready");

      signal(child, "STOP");
      assertThat(child.waitFor(STOPPED.toMillis(), TimeUnit.MILLISECONDS)).isFalse();
      signal(child, "CONT");

      String[] told = nextLine(from).split(" ");
      assertThat(told).as(String.join(" ", told)).hasSize(4);
      assertThat(Long.parseLong(told[1])).as("stopped for ms").isGreaterThan(2_100);
      assertThat(told[0]).as("fetched again").isGreaterThan(FakeSource.version(2));
      assertThat(Long.parseLong(told[2])).as("age in ms").isLessThan(STOPPED.toMillis());
      assertThat(child.waitFor(30, TimeUnit.SECONDS)).isTrue();
      assertThat(child.exitValue()).isZero();
    } finally {
      child.destroyForcibly();
    }
  }
}
