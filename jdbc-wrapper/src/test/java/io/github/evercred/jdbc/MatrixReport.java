package io.github.evercred.jdbc;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The table of the matrix in {@code docs/rotation.md}, between its two markers. */
final class MatrixReport {
  private static final Path DOCUMENT = Path.of("..", "docs", "rotation.md");
  private static final String BEGIN = "<!-- matrix:begin -->";
  private static final String END = "<!-- matrix:end -->";

  private final Map<MatrixCell, String> rows = new LinkedHashMap<>();

  void add(MatrixCell cell, String version, MatrixCell.Result result) {
    rows.put(
        cell,
        String.format(
            Locale.ROOT,
            "| %s %s | %s | %d | %d | %d | %d | %d | %d ms |",
            cell.kind(),
            version,
            howAndHowLong(cell),
            result.rotations(),
            result.connects(),
            result.failed(),
            result.refused(),
            result.calls(),
            result.slowest().toMillis()));
  }

  private static String howAndHowLong(MatrixCell cell) {
    return "%s | %s | %d s"
        .formatted(cell.strategy(), cell.pooled() ? "HikariCP" : "none", cell.window().toSeconds());
  }

  /** The rows of a cell that the document has. */
  static List<String> documented(MatrixCell cell) throws IOException {
    return Files.readAllLines(DOCUMENT).stream()
        .filter(line -> line.startsWith("| " + cell.kind() + " "))
        .filter(line -> line.contains(" | " + howAndHowLong(cell) + " | "))
        .toList();
  }

  boolean has(Collection<MatrixCell> cells) {
    return rows.keySet().containsAll(cells);
  }

  void write() throws IOException {
    List<String> document = Files.readAllLines(DOCUMENT);
    int begin = document.indexOf(BEGIN);
    int end = document.indexOf(END);
    if (begin < 0 || end < begin) {
      throw new IOException(DOCUMENT + " has lost its markers: " + BEGIN + " and " + END);
    }
    var written = new ArrayList<>(document.subList(0, begin + 1));
    written.add("");
    written.addAll(lines());
    written.add("");
    written.addAll(document.subList(end, document.size()));
    Files.writeString(DOCUMENT, String.join("\n", written) + "\n");
  }

  private List<String> lines() {
    var lines = new ArrayList<String>();
    lines.addAll(
        """
        On JDK %s with %d cores, %s. Each row is an application of %d threads that log in all the time, by
        a pool of %d or each for itself, and a secret that rotates under it. *Window*: from `setSecret` to
        `finishSecret`. *Failed*: logins and queries. *Refused*: by the server's own count; for H2, which
        keeps none, by its driver's. *Calls*: to Secrets Manager, beside the first read and one refresh
        after each rotation. The four rows of one database and window ran at the same time.

        | database | rotation | pool | window | rotations | connects | failed | refused | calls | slowest connect |
        |---|---|---|---|---|---|---|---|---|---|
        """
            .formatted(
                Runtime.version().feature(),
                Runtime.getRuntime().availableProcessors(),
                LocalDate.now(ZoneOffset.UTC),
                MatrixCell.THREADS,
                MatrixCell.THREADS)
            .lines()
            .toList());
    lines.addAll(rows.values());
    return lines;
  }
}
