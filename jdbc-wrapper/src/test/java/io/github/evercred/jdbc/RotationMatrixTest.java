package io.github.evercred.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.jdbc.MatrixCell.Result;
import io.github.evercred.jdbc.MatrixCell.Strategy;
import io.github.evercred.jdbc.MatrixDatabase.Kind;
import io.github.evercred.testkit.EvercredExtension;
import io.github.evercred.testkit.LocalSecretsManager;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Rotations of real databases' passwords under load, each kind of database with each kind of
 * rotation, with and without a pool, with windows of several lengths. The cells of one database and
 * window run at the same time, with users and secrets of their own.
 */
@ExtendWith(EvercredExtension.class)
@Timeout(90)
class RotationMatrixTest {
  private record Run(MatrixCell cell, int rotations) {}

  private static final List<MatrixCell> SOME = new ArrayList<>();
  private static final List<MatrixCell> ALL = new ArrayList<>();

  static {
    SOME.addAll(cells(Kind.POSTGRESQL, 0, 1));
    SOME.addAll(cells(Kind.MYSQL, 0, 1));
    SOME.addAll(cells(Kind.H2, 0));
    for (Kind kind : Kind.values()) {
      ALL.addAll(cells(kind, 0, 1, 5, 30));
    }
  }

  private static final Map<Kind, MatrixDatabase> DATABASES = new EnumMap<>(Kind.class);
  private static final Map<Run, Future<Result>> RUNS = new LinkedHashMap<>();
  private static final Logger LOG = Logger.getLogger("io.github.evercred");
  private static final MatrixReport REPORT = new MatrixReport();
  private static final ExecutorService EXECUTOR = Executors.newCachedThreadPool();

  private static List<MatrixCell> cells(Kind kind, int... windows) {
    var cells = new ArrayList<MatrixCell>();
    for (int window : windows) {
      for (Strategy strategy : Strategy.values()) {
        for (boolean pooled : new boolean[] {true, false}) {
          cells.add(new MatrixCell(kind, strategy, pooled, Duration.ofSeconds(window)));
        }
      }
    }
    return cells;
  }

  static List<MatrixCell> some() {
    return SOME;
  }

  static List<MatrixCell> all() {
    return ALL;
  }

  @BeforeAll
  static void beQuiet() {
    LOG.setLevel(Level.SEVERE); // Hundreds of rotations, and a cache for each cell.
  }

  @AfterAll
  static void stop() throws SQLException {
    LOG.setLevel(null);
    EXECUTOR.shutdownNow();
    for (MatrixDatabase database : DATABASES.values()) {
      database.close();
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("some")
  void rotations_underLoad_noLoginFails(MatrixCell cell, LocalSecretsManager secrets)
      throws Exception {
    check(cell, result(cell, SOME, 2, secrets));
  }

  /** Takes about ten minutes: {@code make it-full}, which records what it saw. */
  @Tag("full")
  @Timeout(value = 10, unit = TimeUnit.MINUTES)
  @ParameterizedTest(name = "{0}")
  @MethodSource("all")
  void rotations_anyWindow_noLoginFails(MatrixCell cell, LocalSecretsManager secrets)
      throws Exception {
    Result result = result(cell, ALL, 3, secrets);
    check(cell, result);
    REPORT.add(cell, Objects.requireNonNull(DATABASES.get(cell.kind())).version(), result);
    if (Boolean.getBoolean("evercred.docs.update") && REPORT.has(ALL)) {
      REPORT.write();
    }
  }

  @Test
  void document_everyCell_hasARowWithoutAFailure() throws IOException {
    for (MatrixCell cell : ALL) {
      assertThat(MatrixReport.documented(cell))
          .as(cell.toString())
          .singleElement()
          .asString()
          .matches("(?:[^|]*\\|){7} 0 \\|.*"); // Failed, after rotations and connects.
    }
  }

  /** Runs a cell with those that share its database and window, or takes what has come of it. */
  private static Result result(
      MatrixCell cell, List<MatrixCell> all, int rotations, LocalSecretsManager secrets)
      throws Exception {
    MatrixDatabase database = DATABASES.get(cell.kind());
    if (database == null) {
      database = cell.kind().start();
      DATABASES.put(cell.kind(), database);
    }
    if (!RUNS.containsKey(new Run(cell, rotations))) {
      for (MatrixCell each : all) {
        if (each.kind() == cell.kind() && each.window().equals(cell.window())) {
          MatrixDatabase where = database;
          String user = "matrix" + RUNS.size();
          RUNS.put(
              new Run(each, rotations),
              EXECUTOR.submit(() -> each.run(where, secrets, user, rotations)));
        }
      }
    }
    try {
      return Objects.requireNonNull(RUNS.get(new Run(cell, rotations))).get(10, TimeUnit.MINUTES);
    } catch (ExecutionException e) {
      throw new AssertionError(cell + " could not be played", e.getCause());
    }
  }

  private static void check(MatrixCell cell, Result result) {
    String what = cell + " " + result + ": ";
    int rotations = result.rotations();
    assertThat(result.failures()).as(what + "failures").isEmpty();
    assertThat(result.failed()).as(what + "failed").isZero();
    if (!cell.window().isZero()) {
      assertThat(result.inWindows())
          .as(what + "logins in the windows")
          .hasSize(rotations)
          .allMatch(logins -> logins > 0);
    }
    if (cell.strategy() == Strategy.SINGLE_USER) {
      // The old password was really refused each time, and only to those in flight and a probe.
      assertThat(result.refused())
          .as(what + "refused by the server")
          .isBetween((long) rotations, rotations * (MatrixCell.THREADS + 2L));
    } else {
      assertThat(result.refused()).as(what + "refused by the server").isZero();
      assertThat(result.acceptedAsOther())
          .as(what + "logins as the other user")
          .isGreaterThan(rotations);
    }
    assertThat(result.calls())
        .as(what + "calls beside the first and the refreshes")
        .isBetween(0, 4 * rotations);
  }
}
