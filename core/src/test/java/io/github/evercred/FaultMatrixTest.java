package io.github.evercred;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.FaultBench.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What every fault does to a reader at every moment in the life of a cached secret, as {@code
 * docs/faults.md} says it. {@code make faults} rewrites that file.
 */
@Timeout(300)
class FaultMatrixTest {
  private static final Path DOCUMENT = Path.of("..", "docs", "faults.md");
  private static final String UPDATE = "evercred.docs.update";
  private static final String[] CREDENTIALS = {"aws.accessKeyId", "aws.secretAccessKey"};

  /** When, in the life of what is cached, calls begin to go wrong. */
  private enum Moment {
    COLD(
        "Nothing is cached",
        """
        The first read of a process, or of a secret. It makes up to three attempts where trying again
        may help, and one where AWS has said no. The failure is remembered (`rememberFailureFor`), so
        the read after it makes no call.
        """),
    FRESH(
        "Cached, and younger than `refreshAfter`",
        """
        A read is answered from memory, and no fault can touch it.
        """),
    DUE(
        "`refreshAfter` has passed, and somebody reads it",
        """
        The background refresh that would have brought the new version meets the fault, with one
        attempt. Reads go on from memory, and the next attempt is put off by a second, doubling.
        """),
    LAPSED(
        "Nobody has read it for `revalidateAfter`",
        """
        What is cached is not trusted unasked: the first read waits for a refresh. If that fails, it
        gets the cached value after all, and the reads after it do not wait.
        """),
    FORCED(
        "A refresh is forced",
        """
        A login with the cached version was refused, and its caller asks for a newer one:
        `refreshUnless(id, version)`. That ends with the reason if it fails. What is cached stays: the
        read after it is a `get`.
        """),
    FORCED_AGAIN(
        "A refresh is forced once more, right after one that met the fault",
        """
        The next refused login asks, too. Within `minimumInterval` (1 s) after the last fetch began it
        gets the cached value at once, so that a pool of refused logins does not become a storm of
        calls.
        """);

    private final String title;
    private final String text;

    Moment(String title, String text) {
      this.title = title;
      this.text = text;
    }
  }

  @BeforeAll
  static void giveCredentials() {
    for (String name : CREDENTIALS) {
      System.setProperty(name, "local");
    }
  }

  @AfterAll
  static void takeCredentials() {
    for (String name : CREDENTIALS) {
      System.clearProperty(name);
    }
  }

  @Test
  void fault_atAnyMoment_doesAsDocumented() throws IOException {
    List<String> measured = document();
    if (Boolean.getBoolean(UPDATE)) {
      Files.writeString(DOCUMENT, String.join("\n", measured) + "\n");
    }

    assertThat(difference(Files.readAllLines(DOCUMENT), measured))
        .as(
            "docs/faults.md (-) and what happens now (+). If that is meant, `make faults`"
                + " rewrites the file; look at its diff.")
        .isEmpty();
  }

  @Test
  void difference_oneCell_showsItsSectionAndBothLines() {
    assertThat(
            difference(
                List.of("## One", "| hang | old |", "## Two", "| hang | old |", "| 5xx | old |"),
                List.of("## One", "| hang | old |", "## Two", "| hang | new |", "| 5xx | old |")))
        .containsExactly("## Two", "- | hang | old |", "+ | hang | new |");
  }

  private static List<String> document() {
    var lines = new ArrayList<String>();
    lines.addAll(
        """
        # What faults do to a reader

        <!-- Measured and compared by FaultMatrixTest; `make faults` rewrites this file. -->

        What a read of a secret gets while something is wrong between a process and Secrets Manager. Every
        line below is measured in every build and compared with this file: a cache with its default
        options and the real AWS SDK client, over HTTP, against the test kit's `LocalSecretsManager`, which
        fails on demand.

        How to read the tables:

        - **The read** got the value, or a `SecretException` with this `reason()`. Wherever something is
          cached, the secret has rotated since: *cached* is the version from before, *new* the one that
          AWSCURRENT has moved to.
        - **Waited**: whether the reading thread had to wait for AWS, and for what. *No* means that it
          returned while the call, if there was one, was still unanswered. The pauses between attempts come
          to less than half a second.
        - **Calls**: the requests that arrived at Secrets Manager, for the read and for all that it set off.
        - **A read right after**: the same for the next read, once nothing is under way any more.

        Two seconds after the fault has ended, a read returns the version that is then current, in every
        case but one: a copy that is still fresh is kept until it is due. That holds after a fault as short
        as these, which makes two fetches in a row fail at most. After a longer one the next attempt
        decides, and each failure puts it off further: to `refreshAfter` at most, or to 30 s
        (`rememberFailureAtMost`) where nothing is cached. A refresh that the breaker held back comes after
        one to two minutes.

        The cache's time is simulated. The SDK's time-out of one attempt is real, but half a second instead
        of two; when it passes, the cache's time moves on by two. So *slow, 3 s* stands for any answer that
        comes after the time-out of its attempt, though within `loadTimeout`.

        | fault | what Secrets Manager does |
        |---|---|
        """
            .lines()
            .toList());
    for (FaultScenario fault : FaultScenario.values()) {
      lines.add("| %s | %s |".formatted(fault.title, fault.means));
    }
    for (Moment moment : Moment.values()) {
      lines.add("");
      lines.add("## " + moment.title);
      lines.add("");
      lines.addAll(moment.text.lines().toList());
      lines.add("");
      lines.add("| fault | the read | waited | calls | a read right after | waited | calls |");
      lines.add("|---|---|---|---|---|---|---|");
      for (FaultScenario fault : FaultScenario.values()) {
        lines.add(row(moment, fault));
      }
    }
    return lines;
  }

  private static String row(Moment moment, FaultScenario fault) {
    try (var bench = new FaultBench(fault)) {
      Outcome first = first(moment, bench);
      Outcome second = bench.read();
      bench.endFault("new");
      if (moment == Moment.FRESH) {
        bench.readWhenDue();
      }
      bench.pass(
          Duration.ofSeconds(2)); // The attempt after one failure comes in 1 s, after two in 2.
      assertThat(bench.read().got()).as("%s, %s, afterwards", moment, fault).isEqualTo("new");

      return "| %s | %s | %s |".formatted(fault.title, cell(moment, first), cell(moment, second));
    }
  }

  /** Brings about the moment and the fault, and reads. */
  private static Outcome first(Moment moment, FaultBench bench) {
    if (moment != Moment.COLD) {
      bench.fill();
    }
    switch (moment) {
      case COLD, FRESH -> {}
      case FORCED, FORCED_AGAIN -> bench.pass(Duration.ofMinutes(1));
      case LAPSED -> bench.pass(Duration.ofMinutes(15));
      case DUE -> bench.read(); // So that the timer refreshes it.
    }
    bench.rotate();
    bench.beginFault();
    return switch (moment) {
      case COLD, FRESH, LAPSED -> bench.read();
      case DUE -> bench.readWhenDue();
      case FORCED -> bench.force();
      case FORCED_AGAIN -> {
        bench.force();
        yield bench.force();
      }
    };
  }

  private static String cell(Moment moment, Outcome read) {
    String got;
    if (read.failed() != null) {
      got = "`" + read.failed() + "`";
    } else if (moment == Moment.COLD) {
      got = "the value";
    } else {
      got = "old".equals(read.got()) ? "the cached value" : "the new value";
    }
    return "%s | %s | %d".formatted(got, waited(read), read.calls());
  }

  private static String waited(Outcome read) {
    if (!read.waited()) {
      return "no";
    }
    if (read.took().equals(Duration.ofSeconds(5))) {
      return "5 s (`loadTimeout`)";
    }
    String answers =
        read.calls() == 1 ? "for the answer" : "for %d answers".formatted(read.calls());
    // The pauses between attempts are random, and take less.
    return read.took().compareTo(Duration.ofMillis(500)) < 0
        ? answers
        : "%s, %d s".formatted(answers, read.took().toSeconds());
  }

  /** The lines that are in one list only, under the heading of their section. */
  private static List<String> difference(List<String> before, List<String> now) {
    Map<String, List<String>> then = sections(before);
    Map<String, List<String>> today = sections(now);
    var headings = new LinkedHashSet<>(then.keySet());
    headings.addAll(today.keySet());
    var difference = new ArrayList<String>();
    for (String heading : headings) {
      var gone = new ArrayList<>(then.getOrDefault(heading, List.of()));
      var come = new ArrayList<>(today.getOrDefault(heading, List.of()));
      today.getOrDefault(heading, List.of()).forEach(gone::remove);
      then.getOrDefault(heading, List.of()).forEach(come::remove);
      if (!gone.isEmpty() || !come.isEmpty()) {
        difference.add(heading);
        gone.forEach(line -> difference.add("- " + line));
        come.forEach(line -> difference.add("+ " + line));
      }
    }
    return difference;
  }

  /** The lines by the heading that they stand under. */
  private static Map<String, List<String>> sections(List<String> lines) {
    var sections = new LinkedHashMap<String, List<String>>();
    String heading = "";
    for (String line : lines) {
      if (line.startsWith("#")) {
        heading = line;
      }
      sections.computeIfAbsent(heading, absent -> new ArrayList<>()).add(line);
    }
    return sections;
  }
}
