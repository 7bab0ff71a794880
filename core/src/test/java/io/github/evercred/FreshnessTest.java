package io.github.evercred;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.Entry.Snapshot;
import io.github.evercred.Entry.State;
import io.github.evercred.Freshness.Step;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The arithmetic of age, as tables. Times are minutes or seconds after the fetch. */
class FreshnessTest {
  private static final SecretValue VALUE =
      SecretValue.builder("prod/orders/db", FakeSource.version(1)).text("one");

  /** Shortly before the monotonic clock overflows, which every comparison must survive. */
  private static final Moment FETCHED =
      new Moment(Long.MAX_VALUE - Duration.ofMinutes(2).toNanos(), 1_000_000_000L);

  private static final Freshness FRESHNESS =
      freshness(Duration.ofMinutes(5), Duration.ofHours(24), Duration.ofHours(1));

  private static Freshness freshness(Duration refresh, Duration stale, Duration denied) {
    return new Freshness(
        refresh.toNanos(), Duration.ofMinutes(15).toNanos(), stale.toNanos(), denied.toNanos());
  }

  private static Moment at(Duration age) {
    return new Moment(FETCHED.mono() + age.toNanos(), FETCHED.wall() + age.toNanos());
  }

  private static Duration age(Moment time) {
    return Duration.ofNanos(time.since(FETCHED));
  }

  /** The age at which a snapshot may be served no longer. */
  private static Duration expiry(Freshness freshness, Snapshot snapshot) {
    return Duration.ofNanos(freshness.left(snapshot, FETCHED));
  }

  private static Snapshot fetched() {
    return FRESHNESS.fetched(VALUE, 7, FETCHED, 0);
  }

  @ParameterizedTest
  @CsvSource({"0, PT5M", "0.5, PT4M45S", "1, PT4M30S"})
  void fetched_jitter_bringsDueForwardByATenthAtMost(double jitter, Duration due) {
    Snapshot snapshot = FRESHNESS.fetched(VALUE, 7, FETCHED, jitter);

    assertThat(Duration.ofNanos(snapshot.pause())).isEqualTo(due);
    assertThat(snapshot.value()).isSameAs(VALUE);
    assertThat(snapshot.flight()).isEqualTo(7);
    assertThat(snapshot.state()).isEqualTo(State.FRESH);
    assertThat(snapshot.deniedSince()).isNull();
    assertThat(snapshot.failures()).isZero();
  }

  @ParameterizedTest
  @CsvSource({
    "FRESH,  PT0S,    WAIT",
    "FRESH,  PT4M59S, WAIT",
    "FRESH,  PT5M,    COME_DUE",
    "FRESH,  PT14M59S, COME_DUE",
    "FRESH,  PT15M,   LAPSE", // the timer was late
    "FRESH,  PT23H,   LAPSE",
    "FRESH,  PT24H,   EXPIRE",
    "DUE,    PT5M,    WAIT",
    "DUE,    PT14M59S, WAIT",
    "DUE,    PT15M,   LAPSE",
    "DUE,    PT24H,   EXPIRE",
    "LAPSED, PT15M,   WAIT",
    "LAPSED, PT23H59M59S, WAIT",
    "LAPSED, PT24H,   EXPIRE",
  })
  void step_stateAndAge_decideWhatIsNext(State state, Duration age, Step expected) {
    assertThat(FRESHNESS.step(fetched().in(state), at(age))).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({
    "PT0S,   PT0S,    WAIT",
    "PT0S,   PT6M,    COME_DUE",
    "PT6M,   PT0S,    COME_DUE",
    "PT6M,   -P365D,  COME_DUE",
    "-PT6M,  PT16M,   LAPSE",
    "PT0S,   PT1H,    LAPSE",
    "PT1H,   PT0S,    LAPSE",
    "PT1H,   -PT1H,   LAPSE",
    "PT1M,   PT24H,   EXPIRE",
    "PT24H,  -P365D,  EXPIRE",
    "PT0S,   -P365D,  WAIT",
  })
  void step_clocksDisagree_theOneThatWentFurtherCounts(
      Duration mono, Duration wall, Step expected) {
    var now = new Moment(FETCHED.mono() + mono.toNanos(), FETCHED.wall() + wall.toNanos());

    assertThat(FRESHNESS.step(fetched(), now)).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({
    "0,  0,   PT2M, 1",
    "0,  1,   PT1M, 1",
    "3,  0.5, PT1M30S, 3",
    "9,  0,   PT4M16S, 9",
    "20, 1,   PT5M, 20",
  })
  void uncalled_afterFailures_isPutOffAMinuteOrTwoOrAsTheFailuresSay(
      int failures, double jitter, Duration pause, int counted) {
    Snapshot snapshot = fetched();
    for (int i = 0; i < failures; i++) {
      snapshot = FRESHNESS.failed(snapshot, false, FETCHED, 0);
    }

    Snapshot after = FRESHNESS.uncalled(snapshot, at(Duration.ofMinutes(7)), jitter);

    assertThat(Duration.ofNanos(after.pause())).isEqualTo(pause);
    assertThat(after.failures()).isEqualTo(counted);
    assertThat(age(after.attempted())).isEqualTo(Duration.ofMinutes(7));
    assertThat(after.value()).isSameAs(VALUE);
    assertThat(after.state()).isEqualTo(State.FRESH);
  }

  @Test
  void uncalled_shortRefreshAfter_isPutOffNoLonger() {
    Freshness brief = freshness(Duration.ofSeconds(10), Duration.ofHours(24), Duration.ZERO);

    assertThat(Duration.ofNanos(brief.uncalled(fetched(), FETCHED, 0).pause()))
        .isEqualTo(Duration.ofSeconds(10));
  }

  @ParameterizedTest
  @CsvSource({"FRESH, PT5M", "DUE, PT15M", "LAPSED, PT24H"})
  void nextStepAt_state_isWhenItsStepComes(State state, Duration age) {
    Snapshot snapshot = fetched().in(state);

    assertThat(Duration.ofNanos(FRESHNESS.untilNextStep(snapshot, FETCHED))).isEqualTo(age);
    assertThat(FRESHNESS.step(snapshot, at(age))).isNotEqualTo(Step.WAIT);
    assertThat(FRESHNESS.step(snapshot, at(age.minusNanos(1)))).isEqualTo(Step.WAIT);
  }

  @ParameterizedTest
  @CsvSource({
    "1, PT1S",
    "2, PT2S",
    "3, PT4S",
    "4, PT8S",
    "9, PT4M16S",
    "10, PT5M",
    "11, PT5M",
    "40, PT5M",
    "1000, PT5M",
  })
  void failed_inARow_doublesThePauseUpToRefreshAfter(int failures, Duration pause) {
    Snapshot snapshot = fetched();
    for (int i = 0; i < failures; i++) {
      snapshot = FRESHNESS.failed(snapshot, false, FETCHED, 0);
    }

    assertThat(Duration.ofNanos(snapshot.pause())).isEqualTo(pause);
    assertThat(snapshot.failures()).isEqualTo(failures);
  }

  @ParameterizedTest
  @CsvSource({"0, PT1S", "0.5, PT0.875S", "1, PT0.75S"})
  void failed_jitter_shortensThePauseByAQuarterAtMost(double jitter, Duration pause) {
    assertThat(Duration.ofNanos(FRESHNESS.failed(fetched(), false, FETCHED, jitter).pause()))
        .isEqualTo(pause);
  }

  @Test
  void failed_any_keepsTheValueAndItsAge() {
    Snapshot lapsed = fetched().in(State.LAPSED);

    Snapshot after = FRESHNESS.failed(lapsed, true, at(Duration.ofHours(2)), 0);

    assertThat(after.value()).isSameAs(VALUE);
    assertThat(after.flight()).isEqualTo(7);
    assertThat(age(after.fetched())).isEqualTo(Duration.ZERO);
    assertThat(age(after.attempted())).isEqualTo(Duration.ofHours(2));
    assertThat(after.state()).as("readers do not wait for the next attempt").isEqualTo(State.FRESH);
  }

  @ParameterizedTest
  @ValueSource(strings = {"PT1S", "PT1H", "PT23H"})
  void expiresAt_transientFailures_isServeStaleForAfterTheLastSuccess(Duration failedAt) {
    Snapshot failed = FRESHNESS.failed(fetched(), false, at(failedAt), 0);

    assertThat(expiry(FRESHNESS, failed)).isEqualTo(Duration.ofHours(24));
  }

  @ParameterizedTest
  @CsvSource({
    "PT5M,      PT1H5M",
    "PT3H,      PT4H",
    "PT23H30M,  PT24H", // the other bound comes first
  })
  void expiresAt_denied_isServeStaleWhenDeniedForAfterTheFirst(Duration first, Duration expires) {
    Snapshot denied = FRESHNESS.failed(fetched(), true, at(first), 0);
    Snapshot again = FRESHNESS.failed(denied, true, at(first.plusMinutes(50)), 0);
    Snapshot andOutage = FRESHNESS.failed(again, false, at(first.plusMinutes(55)), 0);

    assertThat(expiry(FRESHNESS, denied)).isEqualTo(expires);
    assertThat(expiry(FRESHNESS, again)).isEqualTo(expires);
    assertThat(expiry(FRESHNESS, andOutage)).isEqualTo(expires);
  }

  @Test
  void expiresAt_outageBeforeTheFirstDenial_doesNotCount() {
    Snapshot snapshot = fetched();
    for (int hour = 1; hour <= 3; hour++) {
      snapshot = FRESHNESS.failed(snapshot, false, at(Duration.ofHours(hour)), 0);
    }

    snapshot = FRESHNESS.failed(snapshot, true, at(Duration.ofHours(3)), 0);

    assertThat(expiry(FRESHNESS, snapshot)).isEqualTo(Duration.ofHours(4));
  }

  @Test
  void fetched_afterADenial_forgetsIt() {
    Snapshot after = FRESHNESS.fetched(VALUE, 8, at(Duration.ofHours(2)), 0);

    assertThat(expiry(FRESHNESS, after)).isEqualTo(Duration.ofHours(26));
  }

  @Test
  void nextStepAt_retryLaterThanTheBound_isTheBound() {
    Freshness strict = freshness(Duration.ofMinutes(5), Duration.ofHours(24), Duration.ZERO);

    Snapshot denied = strict.failed(fetched(), true, at(Duration.ofMinutes(5)), 0);

    assertThat(strict.untilNextStep(denied, at(Duration.ofMinutes(5)))).isZero();
    assertThat(strict.step(denied, at(Duration.ofMinutes(5)))).isEqualTo(Step.EXPIRE);
  }

  @ParameterizedTest
  @ValueSource(strings = {"PT0S", "PT1M", "PT5M"})
  void expiresAt_serveStaleForWithinRefreshAfter_isRefreshAfter(Duration stale) {
    Freshness strict = freshness(Duration.ofMinutes(5), stale, Duration.ZERO);

    assertThat(expiry(strict, fetched())).isEqualTo(Duration.ofMinutes(5));
  }

  @Test
  void expiresAt_unlimited_isNeverReached() {
    Duration century = Duration.ofDays(36_500);
    Freshness lenient = freshness(Duration.ofMinutes(5), century, century);
    Snapshot denied = lenient.failed(fetched(), true, at(Duration.ofMinutes(5)), 0);

    assertThat(lenient.step(denied, at(Duration.ofDays(30_000)))).isNotEqualTo(Step.EXPIRE);
    assertThat(lenient.untilNextStep(fetched().in(State.LAPSED), FETCHED)).isPositive();
  }

  @ParameterizedTest
  @CsvSource({"FRESH, PT2M, PT3M", "DUE, PT6M, PT9M", "LAPSED, PT20M, PT23H40M"})
  void untilNextStep_laterMoment_isWhatIsLeft(State state, Duration age, Duration left) {
    assertThat(Duration.ofNanos(FRESHNESS.untilNextStep(fetched().in(state), at(age))))
        .isEqualTo(left);
  }
}
