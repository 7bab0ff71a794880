package io.github.evercred;

import static io.github.evercred.CacheFixture.ID;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.SecretException.Reason;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Current, previous and pending as one view, which must have been true at some time. */
@Timeout(120)
class SecretVersionsTest {

  /** Whose labels move as those of Secrets Manager do; knows every state that it was in. */
  private static final class Labels {
    final FakeSource source;
    final String id;
    final Set<String> states = new HashSet<>();
    private int newest = 1;
    private int current = 1;
    private int previous;
    private int pending;

    Labels(FakeSource source, String id) {
      this.source = source;
      this.id = id;
      put();
      move(2);
    }

    /** Stores the next version, unlabelled. */
    private int put() {
      newest++;
      source.put(id, newest, "value of " + newest);
      source.createdAt(newest, Instant.EPOCH.plusSeconds(newest));
      return newest;
    }

    private void move(int to) {
      if (to != 0 && to != current) {
        previous = current == 1 ? 0 : current;
        current = to;
        source.move(id, "AWSCURRENT", to);
      }
      noteState();
    }

    void create() {
      if (pending == 0 || pending == current) {
        pending = put();
        source.move(id, "AWSPENDING", pending);
      }
      noteState();
    }

    void finish() {
      move(pending);
    }

    void rotate() {
      create();
      finish();
    }

    void rotateAndUnlabel() {
      rotate();
      unlabel();
    }

    void unlabel() {
      pending = 0;
      source.unlabel(id, "AWSPENDING");
      noteState();
    }

    void rollBack() {
      move(previous);
    }

    void putCurrent() {
      move(put());
    }

    private void noteState() {
      states.add(
          text(current, previous == current ? 0 : previous, pending == current ? 0 : pending));
    }

    /** Whether this was a state; a pending version that has just been created may be missing. */
    boolean have(String seen) {
      return states.stream()
          .anyMatch(
              state ->
                  state.equals(seen) || state.replaceAll("pending .*", "pending 0").equals(seen));
    }

    private static String text(int current, int previous, int pending) {
      return "current %d, previous %d, pending %d".formatted(current, previous, pending);
    }

    static String text(SecretVersions seen) {
      return text(
          number(seen.current()),
          seen.previous().map(Labels::number).orElse(0),
          seen.pending().map(Labels::number).orElse(0));
    }

    private static int number(SecretValue value) {
      return Integer.parseInt(value.versionId().substring(24));
    }
  }

  private enum Move {
    CREATE,
    FINISH,
    ROTATE,
    ROTATE_AND_UNLABEL,
    UNLABEL,
    ROLL_BACK,
    PUT_CURRENT;

    void make(Labels labels) {
      switch (this) {
        case CREATE -> labels.create();
        case FINISH -> labels.finish();
        case ROTATE -> labels.rotate();
        case ROTATE_AND_UNLABEL -> labels.rotateAndUnlabel();
        case UNLABEL -> labels.unlabel();
        case ROLL_BACK -> labels.rollBack();
        case PUT_CURRENT -> labels.putCurrent();
      }
    }
  }

  /** A move, and before which of the three calls it comes; 3 is after all of them. */
  private record Step(Move move, int before) {}

  private static List<List<Step>> allOf(int moves, Move... which) {
    var all = new ArrayList<List<Step>>();
    all.add(List.of());
    int from = 0;
    for (int length = 1; length <= moves; length++) {
      int to = all.size();
      for (List<Step> shorter : List.copyOf(all.subList(from, to))) {
        int earliest = shorter.isEmpty() ? 0 : shorter.get(shorter.size() - 1).before();
        for (int before = earliest; before <= 3; before++) {
          for (Move move : which) {
            var longer = new ArrayList<>(shorter);
            longer.add(new Step(move, before));
            all.add(longer);
          }
        }
      }
      from = to;
    }
    return all;
  }

  /** Makes these moves while the three are fetched, and says what is wrong with what is seen. */
  private static @Nullable String tornBy(List<Step> steps, CacheFixture f, int number, Move begun) {
    var labels = new Labels(f.source, "secret" + number);
    labels.rotate();
    begun.make(labels);
    labels.states.clear();
    labels.noteState();
    var calls = new AtomicInteger();
    f.source.script(
        request -> {
          int call = calls.getAndIncrement();
          steps.stream()
              .filter(step -> step.before() == call)
              .forEach(step -> step.move().make(labels));
          return null;
        });
    SecretVersions seen = f.cache.versions(labels.id);
    f.cache.invalidate(labels.id);
    steps.stream().filter(step -> step.before() == 3).forEach(step -> step.move().make(labels));
    String text = Labels.text(seen);
    if (!labels.have(text)) {
      return steps + " after " + begun + ": " + text + " is none of " + labels.states;
    }
    boolean right =
        seen.all().stream()
            .allMatch(value -> value.asString().equals("value of " + Labels.number(value)));
    return right ? null : "wrong values of " + text;
  }

  @ParameterizedTest
  @EnumSource(names = {"UNLABEL", "CREATE", "ROLL_BACK"})
  void view_whateverMovesBetweenTheThreeCalls_isAStateThatWas(Move begun) {
    try (var f = new CacheFixture()) {
      var torn = new ArrayList<String>();
      int number = 0;
      var all = allOf(2, Move.values());
      all.addAll(allOf(3, Move.ROTATE, Move.ROTATE_AND_UNLABEL, Move.ROLL_BACK));
      for (List<Step> steps : all) {
        String what = tornBy(steps, f, number++, begun);
        if (what != null) {
          torn.add(what);
        }
      }
      assertThat(number).isGreaterThan(1_000);
      assertThat(torn).isEmpty();
    }
  }

  @Test
  void view_readByManyWhileOneRotates_isAStateThatWas() {
    var source = new FakeSource();
    try (SecretCache cache =
        SecretCache.builder().source(source).minimumInterval(Duration.ZERO).build()) {
      var labels = new Labels(source, ID);
      labels.rotate();
      var over = new AtomicBoolean();
      var writer =
          Crew.of(
              1,
              () -> {
                Move[] moves = Move.values();
                var random = new java.util.Random(42);
                while (!over.get()) {
                  synchronized (labels) {
                    moves[random.nextInt(moves.length)].make(labels);
                  }
                  cache.invalidate(ID);
                  java.util.concurrent.locks.LockSupport.parkNanos(200_000);
                }
                return true;
              });
      var seen = java.util.concurrent.ConcurrentHashMap.<String>newKeySet();
      var readers =
          Crew.of(
              16,
              () -> {
                for (int i = 0; i < 500; i++) {
                  try {
                    SecretVersions view = cache.versions(ID);
                    assertThat(view.all())
                        .allSatisfy(
                            value ->
                                assertThat(value.asString())
                                    .isEqualTo("value of " + Labels.number(value)));
                    seen.add(Labels.text(view));
                  } catch (SecretException e) {
                    assertThat(e).hasMessageContaining("kept moving");
                  }
                }
                return true;
              });
      assertThat(readers.values()).hasSize(16);
      over.set(true);
      assertThat(writer.value()).isTrue();

      assertThat(seen.size()).as("views seen").isGreaterThan(3);
      synchronized (labels) {
        assertThat(seen).allMatch(labels::have);
      }
    }
  }

  @Test
  void view_ofVersionsWithoutAge_isToldTrueByTheirLabels() {
    try (var f = new CacheFixture()) {
      f.source.put(ID, 2, "two", "AWSPENDING");
      f.source.script(
          request -> {
            if (request.version().equals(VersionSelector.CURRENT)) {
              f.source.script(null);
              f.source.move(ID, "AWSCURRENT", 2);
              f.source.put(ID, 3, "three", "AWSPENDING");
              f.source.move(ID, "AWSCURRENT", 3);
              f.source.unlabel(ID, "AWSPENDING");
            }
            return null;
          });

      SecretVersions seen = f.cache.versions(ID);

      assertThat(Labels.text(seen)).isEqualTo(Labels.text(3, 2, 0));
    }
  }

  @Test
  void view_labelsThatNeverRest_failsAndServesTheLastOne() {
    try (var f = new CacheFixture()) {
      var labels = new Labels(f.source, "busy");
      labels.rotate();
      String before = Labels.text(f.cache.versions("busy"));
      f.time.advance(Duration.ofMinutes(16));
      f.source.script(
          request -> {
            if (request.version().equals(VersionSelector.PREVIOUS)) {
              labels.rotate();
            }
            return null;
          });

      assertThat(Labels.text(f.cache.versions("busy"))).isEqualTo(before);
      f.cache.invalidate("busy");

      assertThat(f.drive(() -> f.cache.versions("busy")).failure())
          .hasMessageContaining("kept moving")
          .extracting(SecretException::reason)
          .isEqualTo(Reason.UNAVAILABLE);
    }
  }

  @Test
  void refresh_nothingMoves_costsThreeCallsAPeriod() {
    try (var f = new CacheFixture()) {
      f.rotate(2, "two");
      f.source.put(ID, 3, "three", "AWSPENDING");
      f.cache.versions(ID);
      assertThat(f.source.calls()).isEqualTo(3);
      f.rest();

      f.passReading(
          Duration.ofHours(1),
          Duration.ofSeconds(1),
          () -> {
            f.cache.versions(ID);
            f.read();
          });

      assertThat(f.source.calls()).isBetween(3 * 12, 3 * 15);
      assertThat(f.source.calls(VersionSelector.CURRENT))
          .as("none for get alone")
          .isEqualTo(f.source.calls(VersionSelector.PENDING));
    }
  }

  @Test
  void refresh_rolledBack_costsThreeCallsOnceThatIsKnown() {
    try (var f = new CacheFixture()) {
      f.source.createdAt(1, Instant.EPOCH);
      f.source.createdAt(2, Instant.EPOCH.plusSeconds(1));
      f.rotate(2, "two");
      f.source.move(ID, "AWSCURRENT", 1);

      assertThat(f.cache.versions(ID).previous().map(SecretValue::asString)).contains("two");
      assertThat(f.source.calls()).as("looked twice").isEqualTo(6);
      f.time.advance(Duration.ofMinutes(16));
      f.cache.versions(ID);

      assertThat(f.source.calls()).isEqualTo(9);
    }
  }

  @Test
  void refreshVersions_whatIsCachedIsOld_fetchesTheThreeOnceAnInterval() {
    try (var f = new CacheFixture()) {
      f.cache.versions(ID);
      f.rotate(2, "two");

      assertThat(Labels.text(f.cache.refreshVersions(ID))).isEqualTo(Labels.text(1, 0, 0));
      assertThat(f.source.calls()).as("within minimumInterval").isEqualTo(3);
      f.time.advance(Duration.ofSeconds(1));

      for (int i = 0; i < 1_000; i++) {
        assertThat(Labels.text(f.cache.refreshVersions(ID))).isEqualTo(Labels.text(2, 1, 0));
      }
      assertThat(Labels.text(f.cache.versions(ID))).isEqualTo(Labels.text(2, 1, 0));
      assertThat(f.read()).isEqualTo("two");
      assertThat(f.source.calls()).isEqualTo(6);
    }
  }

  @Test
  void refreshVersions_nothingCached_fetchesOnce() {
    try (var f = new CacheFixture()) {
      f.rotate(2, "two");

      assertThat(Labels.text(f.cache.refreshVersions(ID))).isEqualTo(Labels.text(2, 1, 0));
      assertThat(f.source.calls()).isEqualTo(3);
    }
  }

  @Test
  void refreshVersions_fiftyThreads_shareTheThreeCalls() {
    try (var f = new CacheFixture()) {
      f.cache.versions(ID);
      f.rotate(2, "two");
      f.time.advance(Duration.ofMinutes(1));
      f.source.hold();

      var callers = Crew.of(50, () -> f.cache.refreshVersions(ID).current().asString());
      f.time.awaitWaiting(50);
      assertThat(f.cache.versions(ID).current().asString())
          .as("nobody else waits")
          .isEqualTo("one");
      f.source.release();

      assertThat(callers.values()).containsOnly("two");
      assertThat(f.source.calls()).isEqualTo(6);
    }
  }

  @Test
  void refreshVersions_fails_throwsAndKeepsWhatIsCached() {
    try (var f = new CacheFixture()) {
      f.cache.versions(ID);
      f.time.advance(Duration.ofSeconds(2));
      f.source.failing(Reason.ACCESS_DENIED);

      assertThat(Crew.of(1, () -> f.cache.refreshVersions(ID)).failure().reason())
          .isEqualTo(Reason.ACCESS_DENIED);
      assertThat(f.cache.versions(ID).current().asString()).isEqualTo("one");
    }
  }

  @Test
  void get_afterVersions_costsNoCallAndIsTheSameVersion() {
    try (var f = new CacheFixture()) {
      f.rotate(2, "two");

      SecretVersions all = f.cache.versions(ID);
      f.source.failing(Reason.UNAVAILABLE);

      assertThat(f.read()).isEqualTo("two").isEqualTo(all.current().asString());
      assertThat(f.cache.get(all.current().arn().orElseThrow()).asString()).isEqualTo("two");
      assertThat(f.source.calls()).isEqualTo(3);
    }
  }

  @Test
  void get_afterARefreshOfVersions_isNoOlderThanThose() {
    try (var f = new CacheFixture()) {
      f.read();
      f.cache.versions(ID);
      f.rotate(2, "two");
      f.time.advance(Duration.ofMinutes(16));

      assertThat(f.cache.versions(ID).current().asString()).isEqualTo("two");

      f.source.hold();
      assertThat(f.read()).isEqualTo("two");
    }
  }

  @Test
  void previousAndPending_absent_areEmpty() {
    try (var f = new CacheFixture()) {
      SecretVersions all = f.cache.versions(ID);

      assertThat(all.current().asString()).isEqualTo("one");
      assertThat(all.previous()).isEmpty();
      assertThat(all.pending()).isEmpty();
      assertThat(all.all()).hasSize(1);
      assertThat(f.source.calls()).isEqualTo(3);
    }
  }

  @Test
  void pending_onTheCurrentVersion_isEmpty() {
    try (var f = new CacheFixture()) {
      f.source.put(ID, 2, "two", "AWSPENDING");
      f.source.move(ID, "AWSCURRENT", 2);

      SecretVersions all = f.cache.versions(ID);

      assertThat(all.pending()).isEmpty();
      assertThat(all.previous().map(SecretValue::asString)).contains("one");
      assertThat(f.source.calls()).isEqualTo(3);
    }
  }

  @Test
  void previous_onTheCurrentVersion_isEmpty() {
    try (var f = new CacheFixture()) {
      f.source.move(ID, "AWSPREVIOUS", 1);

      SecretVersions all = f.cache.versions(ID);

      assertThat(all.previous()).isEmpty();
      assertThat(f.source.calls()).isEqualTo(3);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"ACCESS_DENIED", "KMS_DENIED", "NOT_FOUND", "KEY_UNUSABLE"})
  void pending_notForThisCaller_isEmptyAndNoFailure(Reason reason) {
    try (var f = new CacheFixture()) {
      f.source.put(ID, 2, "two", "AWSPENDING");
      failing(f, VersionSelector.PENDING, reason);

      SecretVersions all = f.cache.versions(ID);

      assertThat(all.pending()).isEmpty();
      assertThat(all.current().asString()).isEqualTo("one");
      assertThat(f.cache.statistics().failures()).isEmpty();
    }
  }

  private static void failing(CacheFixture f, VersionSelector version, Reason reason) {
    f.source.script(
        request -> {
          if (request.version().equals(version)) {
            throw new SecretException(reason, "as the test says", null);
          }
          return null;
        });
  }

  @ParameterizedTest
  @EnumSource(names = {"ACCESS_DENIED", "KMS_DENIED", "THROTTLED", "UNAVAILABLE"})
  void newVersion_cannotBeRead_theLastViewIsServedAndSoIsGet(Reason reason) {
    try (var f = new CacheFixture()) {
      f.source.put(ID, 2, "two", "AWSPENDING");
      f.cache.versions(ID);
      f.read();
      f.source.move(ID, "AWSCURRENT", 2);
      failing(f, VersionSelector.CURRENT, reason);

      f.passReading(
          Duration.ofMinutes(30),
          Duration.ofSeconds(1),
          () -> {
            SecretVersions all = f.drive(() -> f.cache.versions(ID)).value();
            assertThat(all.current().asString()).isEqualTo("one");
            assertThat(all.pending().map(SecretValue::asString)).contains("two");
            assertThat(f.drive(f::read).value()).isEqualTo("one");
          });
      assertThat(f.cache.statistics().stale()).isPositive();
      f.source.healthy();
      f.passReading(Duration.ofMinutes(12), Duration.ofSeconds(1), () -> f.cache.versions(ID));

      assertThat(f.cache.versions(ID).current().asString()).isEqualTo("two");
      assertThat(f.read()).isEqualTo("two");
    }
  }

  @Test
  void versions_denied_areServedToTheirBoundAndThenFail() {
    try (var f = new CacheFixture(o -> o.serveStaleWhenDeniedFor(Duration.ofMinutes(10)))) {
      f.cache.versions(ID);
      f.source.failing(Reason.ACCESS_DENIED);
      f.time.advance(Duration.ofMinutes(16));

      assertThat(f.cache.versions(ID).current().asString()).isEqualTo("one");
      f.time.advance(Duration.ofMinutes(11));

      assertThat(f.drive(() -> f.cache.versions(ID)).failure().reason())
          .isEqualTo(Reason.ACCESS_DENIED);
    }
  }

  @Test
  void versions_outage_areServedToTheirBoundAndThenFail() {
    try (var f = new CacheFixture(o -> o.serveStaleFor(Duration.ofHours(1)))) {
      f.cache.versions(ID);
      f.source.failing(Reason.UNAVAILABLE);
      f.time.advance(Duration.ofMinutes(59));

      assertThat(f.drive(() -> f.cache.versions(ID)).value().current().asString()).isEqualTo("one");
      f.time.advance(Duration.ofMinutes(2));

      assertThat(f.drive(() -> f.cache.versions(ID)).failure().reason())
          .isEqualTo(Reason.UNAVAILABLE);
    }
  }

  @Test
  void versions_manyReaders_shareTheThreeCalls() {
    try (var f = new CacheFixture()) {
      f.source.hold();
      var readers = Crew.of(50, () -> f.cache.versions(ID).current().asString());
      f.time.awaitWaiting(50);
      f.source.release();

      assertThat(readers.values()).containsOnly("one");
      assertThat(f.source.calls()).isEqualTo(3);
    }
  }

  @Test
  void view_findsByIdAndShowsNoValue() {
    try (var f = new CacheFixture()) {
      f.source.put(ID, 1, "MaRkEr1", "AWSCURRENT");
      f.source.put(ID, 2, "MaRkEr2", "AWSCURRENT");
      f.source.put(ID, 3, "MaRkEr3", "AWSPENDING");

      SecretVersions all = f.cache.versions(ID);

      assertThat(all.find(FakeSource.version(3)).map(SecretValue::asString)).contains("MaRkEr3");
      assertThat(all.find(FakeSource.version(9))).isEqualTo(Optional.empty());
      assertThat(all.all().stream().map(SecretValue::asString))
          .containsExactly("MaRkEr2", "MaRkEr1", "MaRkEr3");
      assertThat(all.toString()).doesNotContain("MaRkEr");
    }
  }

  @Test
  void pending_outage_isNoAbsence() {
    try (var f = new CacheFixture()) {
      f.source.script(
          request -> {
            if (request.version().equals(VersionSelector.PENDING)) {
              throw new SecretException(Reason.UNAVAILABLE, "as the test says", null);
            }
            return null;
          });

      assertThat(f.drive(() -> f.cache.versions(CacheFixture.ID)).failure().reason())
          .isEqualTo(Reason.UNAVAILABLE);
    }
  }
}
