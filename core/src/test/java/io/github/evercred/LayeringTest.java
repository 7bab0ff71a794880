package io.github.evercred;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Rules that a search through the sources can check. */
class LayeringTest {
  private static final Path MAIN = Path.of("src/main/java");
  private static final Path TEST = Path.of("src/test/java");

  private static List<String> filesWith(Path root, String pattern) throws IOException {
    Pattern wanted = Pattern.compile(pattern);
    try (Stream<Path> files = Files.walk(root)) {
      return files
          .filter(file -> file.toString().endsWith(".java"))
          .filter(file -> wanted.matcher(read(file)).find())
          .map(file -> file.getFileName().toString())
          .sorted()
          .toList();
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "com.github.benmanes.caffeine, Bounded.java",
    "io.github.resilience4j,       CallPolicy.java",
    "com.grack.nanojson,           JsonFields.java",
    "software.amazon.awssdk,       AssumedRole.java AwsCalls.java AwsSecretSource.java Disconnecting.java KmsKeys.java Priming.java",
    "software.amazon.awssdk.services.secretsmanager, AwsSecretSource.java Priming.java",
    "software.amazon.awssdk.services.sts,            AssumedRole.java",
    "software.amazon.awssdk.services.kms,            KmsKeys.java",
    "org.crac,                     Checkpoints.java",
    "io.micrometer,                EvercredMetrics.java",
    "jdk.jfr,                      JfrEvents.java",
  })
  void library_inMain_isNamedByItsOwnFilesAlone(String library, String files) throws IOException {
    // With a dot behind it: so a name of an artifact or class in a message is not meant.
    assertThat(filesWith(MAIN, "(?m)^import (static )?" + Pattern.quote(library) + "\\."))
        .containsExactly(files.split(" ", -1));
  }

  @Test
  void libraries_inMain_areNoOthers() throws IOException {
    assertThat(
            filesWith(
                MAIN,
                "(?m)^import (static )?(?!java\\.|javax\\.crypto\\.|org\\.jspecify\\.|io\\.github\\.evercred\\."
                    + "|com\\.github\\.benmanes\\.caffeine\\.|io\\.github\\.resilience4j\\."
                    + "|com\\.grack\\.nanojson\\.|software\\.amazon\\.awssdk\\.|org\\.crac\\."
                    + "|io\\.micrometer\\.|jdk\\.jfr\\.)"))
        .isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Thread\\s*\\.\\s*sleep|TimeUnit\\.\\w+\\.sleep",
        "currentTimeMillis|Instant\\s*\\.\\s*now|new Date\\(\\)|LocalDateTime",
        "System\\.(out|err)\\b|printStackTrace\\(\\)",
      })
  void main_forbidden_isNowhere(String pattern) throws IOException {
    assertThat(filesWith(MAIN, pattern)).isEmpty();
  }

  @Test
  void nanoTime_inMain_isReadByTheClockAndByClose() throws IOException {
    assertThat(filesWith(MAIN, "System\\.nanoTime"))
        .containsExactly("Events.java", "Flights.java", "Time.java");
  }

  /**
   * Whatever is random must differ between processes that are restored from one snapshot: the keys
   * and nonces of the sealer are SecureRandom's, which asks the system.
   */
  @Test
  void chance_inMain_isThatOfTimeAndOfTheSealer() throws IOException {
    assertThat(
            filesWith(
                MAIN,
                "ThreadLocalRandom|Math\\.random|SplittableRandom|SecureRandom|RandomBackoff"))
        .containsExactly("Sealer.java", "Time.java");
  }

  @Test
  void tests_sleep_isNowhere() throws IOException {
    assertThat(filesWith(TEST, "Thread[.]sleep\\(|TimeUnit[.]\\w+[.]sleep\\(")).isEmpty();
  }

  @Test
  void tests_skipped_areNone() throws IOException {
    assertThat(filesWith(TEST, "@" + "Disabled|assume(True|That|False)\\(")).isEmpty();
  }

  /** That the search finds what it is asked for. */
  @Test
  void search_whatIsThere_isFound() throws IOException {
    assertThat(filesWith(MAIN, "class SecretCache\\b")).containsExactly("SecretCache.java");
    assertThat(filesWith(MAIN, "(?m)^import java\\.time\\.Duration;")).hasSizeGreaterThan(3);
    assertThat(filesWith(TEST, "currentTimeMillis")).containsExactly("LayeringTest.java");
  }
}
