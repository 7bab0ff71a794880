package io.github.evercred;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.SecretException.Reason;
import java.time.Duration;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A cache with default options and a thousand secrets through days that go wrong. Each secret is
 * read every half a minute; days pass in seconds, in one thread.
 */
@Timeout(120)
class SecretCacheFleetTest {
  private static final int SECRETS = 1_000;
  private static final int READ_EACH = 30;
  private static final Duration SECOND = Duration.ofSeconds(1);
  private static final Duration REFRESH_AFTER = Duration.ofMinutes(5);

  /** The longest that the breaker keeps a call from being made. */
  private static final Duration BREAKER = Duration.ofSeconds(30);

  /** Strongly held, as a logger is otherwise forgotten with its level. */
  private static final Logger LOG = Logger.getLogger("io.github.evercred");

  /** A thousand secrets expire here, and each is warned of. */
  @BeforeAll
  static void beQuiet() {
    LOG.setLevel(Level.OFF);
  }

  @AfterAll
  static void beHeard() {
    LOG.setLevel(null);
  }

  private static final class Fleet implements AutoCloseable {
    final FakeTime time = FakeTime.inCallersThread();
    final FakeSource source = new FakeSource();
    final List<String> ids = IntStream.range(0, SECRETS).mapToObj("fleet/%04d"::formatted).toList();
    final SecretCache cache;

    Fleet() {
      this(options -> options);
    }

    Fleet(UnaryOperator<SecretCacheBuilder> options) {
      cache = options.apply(SecretCache.builder().source(source)).build(time);
      store(1);
      ids.forEach(cache::get);
      pass(REFRESH_AFTER.multipliedBy(3), cache::get); // They no longer come due together.
      source.forgetCalls();
    }

    /** Stores a new current version of all secrets. */
    void store(int version) {
      ids.forEach(id -> source.put(id, version, "v" + version, "AWSCURRENT"));
    }

    /** Lets time pass second by second; in each some of the secrets are read. */
    void pass(Duration span, Consumer<String> read) {
      // In a thread of its own: failures are cheaper to make where the stack is not deep.
      var passing =
          new FutureTask<Boolean>(
              () -> {
                for (long second = 0; second < span.toSeconds(); second++) {
                  time.advance(SECOND);
                  for (int i = (int) (second % READ_EACH); i < SECRETS; i += READ_EACH) {
                    read.accept(ids.get(i));
                  }
                }
                return true;
              });
      Thread thread = new Thread(passing, "fleet");
      thread.setDaemon(true);
      thread.start();
      try {
        assertThat(passing.get(100, TimeUnit.SECONDS)).isTrue();
      } catch (ExecutionException e) {
        throw new AssertionError("failed: " + e.getCause(), e.getCause());
      } catch (InterruptedException | TimeoutException e) {
        throw new AssertionError("still at work", e);
      }
    }

    /** Reads all once, while time moves over the pauses between attempts, and counts outcomes. */
    Map<Reason, Integer> failuresOfAll() {
      var crew =
          Crew.of(
              1,
              () -> {
                Map<Reason, Integer> failures = new EnumMap<>(Reason.class);
                for (String id : ids) {
                  try {
                    cache.get(id);
                  } catch (SecretException e) {
                    failures.merge(e.reason(), 1, Integer::sum);
                  }
                }
                return failures;
              });
      CacheFixture.drive(time, crew);
      return crew.value();
    }

    /** How long ago some values were fetched, the youngest first. */
    List<Duration> ages(List<String> some) {
      return some.stream()
          .map(id -> cache.entry(new Key(id, VersionSelector.CURRENT)))
          .map(entry -> time.now().since(Objects.requireNonNull(entry).snapshot().fetched()))
          .sorted()
          .map(Duration::ofNanos)
          .toList();
    }

    @Override
    public void close() {
      cache.close();
    }
  }

  private static void tell(String what) {
    LOG.getParent().log(Level.INFO, what);
  }

  /** One refresh of each secret in 4.5 to 5 minutes. */
  private static long callsInHealth(Duration span) {
    return SECRETS * span.toSeconds() / REFRESH_AFTER.toSeconds();
  }

  /**
   * The breaker opens at the latest with the tenth failure (5 of the last 10), and then lets one
   * call through after 2, 4, 8, 16 and from then on each 30 s.
   */
  private static long callsInAnOutage(Duration span) {
    return 10 + 4 + span.toSeconds() / BREAKER.toSeconds();
  }

  @Test
  void health_anHour_costsOneCallPerSecretAndPeriod() {
    try (var f = new Fleet()) {
      Duration span = Duration.ofHours(1);

      f.pass(span, f.cache::get);

      tell("calls in an hour of health: " + f.source.calls());
      assertThat((long) f.source.calls())
          .isBetween(callsInHealth(span), callsInHealth(span) * 11 / 10);
    }
  }

  @Test
  void outage_23HoursAndMore_noReadFailsThenAllAreUnavailableUntilItIsOver() {
    try (var f = new Fleet()) {
      Duration span = Duration.ofHours(23);
      f.source.failing(Reason.UNAVAILABLE);

      f.pass(span, f.cache::get); // Throws if one read fails.

      tell("calls in 23 hours of outage: " + f.source.calls());
      assertThat((long) f.source.calls())
          .isLessThanOrEqualTo(callsInAnOutage(span)) // 10 + 4 + 2,760
          .isLessThan(callsInHealth(span) / 50) // 276,000 / 50
          .as("looked for its end all the time")
          .isGreaterThan(span.toMinutes());
      assertThat(f.failuresOfAll()).isEmpty();

      f.time.advance(Duration.ofHours(1)); // Unread, and serveStaleFor has passed.
      assertThat(f.cache.size()).isZero();
      f.source.forgetCalls();
      span = Duration.ofMinutes(15);
      for (long second = 0; second < span.toSeconds(); second += 30) {
        assertThat(f.failuresOfAll()).isEqualTo(Map.of(Reason.UNAVAILABLE, SECRETS));
        f.time.advance(Duration.ofSeconds(30));
      }
      tell("calls in 15 minutes past serveStaleFor: " + f.source.calls());
      assertThat((long) f.source.calls())
          .isLessThanOrEqualTo(callsInAnOutage(span))
          .isGreaterThanOrEqualTo(span.toMinutes());

      f.source.healthy();
      f.time.advance(BREAKER.plusSeconds(30)); // rememberFailureFor holds as long, at most.
      assertThat(f.failuresOfAll()).isEmpty();
      assertThat(f.cache.size()).isEqualTo(SECRETS);
    }
  }

  @Test
  void outage_over_allRecoverWithinRefreshAfter() {
    try (var f = new Fleet()) {
      f.source.failing(Reason.UNAVAILABLE);
      f.pass(Duration.ofHours(1), f.cache::get);
      f.source.healthy();
      f.store(2);
      f.source.forgetCalls();

      f.pass(REFRESH_AFTER, f.cache::get);

      assertThat(f.ids).allMatch(id -> f.cache.get(id).asString().equals("v2"));
      assertThat(f.source.calls())
          .as("each is fetched once, or twice if it was among the first")
          .isBetween(SECRETS, 2 * SECRETS);
      assertThat(f.cache.statistics().stale()).isZero();
    }
  }

  @Test
  void outage_threeHoursThenDenied_eachIsServedAnHourFromItsOwnFirstDenial() {
    try (var f = new Fleet()) {
      f.source.failing(Reason.UNAVAILABLE);
      f.pass(Duration.ofHours(3), f.cache::get);
      Map<String, Long> denied = new HashMap<>();
      f.source.script(
          request -> {
            denied.putIfAbsent(request.secretId(), f.time.nanos());
            throw new SecretException(Reason.ACCESS_DENIED, "as the test says", null);
          });
      long hour = Duration.ofHours(1).toNanos();
      var served = new int[2];

      f.pass(
          Duration.ofMinutes(75),
          id -> {
            Long first = denied.get(id);
            boolean inTime = first == null || f.time.nanos() - first < hour;
            try {
              f.cache.get(id);
              assertThat(inTime).as("served too long").isTrue();
              served[0]++;
            } catch (SecretException e) {
              assertThat(e.reason()).isEqualTo(Reason.ACCESS_DENIED);
              assertThat(inTime).as("not served").isFalse();
              served[1]++;
            }
          });

      assertThat(denied).hasSize(SECRETS);
      assertThat(served[0]).isGreaterThan(SECRETS * 100);
      assertThat(served[1]).isGreaterThan(SECRETS);
      assertThat(f.cache.size()).isZero();
    }
  }

  @Test
  void outage_oneDenialAndOutageAgain_isServedAnHourFromTheDenial() {
    try (var f = new Fleet()) {
      f.source.failing(Reason.UNAVAILABLE);
      f.pass(Duration.ofHours(1), f.cache::get);
      f.source.failing(Reason.ACCESS_DENIED);
      f.pass(BREAKER, f.cache::get); // Reaches a few only.
      assertThat(f.cache.size()).isEqualTo(SECRETS);
      f.source.failing(Reason.UNAVAILABLE);

      f.pass(Duration.ofMinutes(59), f.cache::get);
      assertThat(f.cache.size()).isEqualTo(SECRETS);
      f.time.advance(Duration.ofMinutes(2));
      assertThat(f.cache.size()).isLessThan(SECRETS).isGreaterThan(SECRETS / 2);
    }
  }

  @Test
  void outage_ofHalfOfTheSecrets_theOthersAreRefreshedStill() {
    try (var f = new Fleet()) {
      List<String> sick = f.ids.subList(0, SECRETS / 2);
      List<String> well = f.ids.subList(SECRETS / 2, SECRETS);
      f.source.script(
          request -> {
            if (request.secretId().compareTo(well.get(0)) < 0) {
              throw new SecretException(Reason.UNAVAILABLE, "as the test says", null);
            }
            return null;
          });
      Duration span = Duration.ofHours(4);

      f.pass(span, f.cache::get);

      Duration oldest = f.ages(well).get(well.size() - 1);
      tell(
          "half of them failing for 4 hours: %d calls; the oldest of the others: %s"
              .formatted(f.source.calls(), oldest));
      assertThat((long) f.source.calls()).isLessThan(callsInHealth(span));
      assertThat(oldest)
          .as("each was refreshed, though the breaker is open often")
          .isLessThan(span);
      assertThat(f.ages(sick).get(0)).isGreaterThanOrEqualTo(span);
    }
  }

  @Test
  void throttling_allCalls_isRiddenOutAsAnOutage() {
    try (var f = new Fleet()) {
      Duration span = Duration.ofHours(1);
      f.source.failing(Reason.THROTTLED);

      f.pass(span, f.cache::get);

      tell("calls in an hour of throttling: " + f.source.calls());
      assertThat((long) f.source.calls()).isLessThanOrEqualTo(callsInAnOutage(span));
    }
  }

  /** Less than the 3.3 calls a second that a thousand secrets need. */
  @Test
  void throttling_toACallASecond_usesWhatIsAllowedAndNoReadFails() {
    try (var f = new Fleet()) {
      Duration span = Duration.ofHours(4);
      var throttled = new int[1];
      var last = new long[] {f.time.nanos()};
      f.source.script(
          request -> {
            if (f.time.nanos() - last[0] < SECOND.toNanos()) {
              throttled[0]++;
              throw new SecretException(Reason.THROTTLED, "as the test says", null);
            }
            last[0] = f.time.nanos();
            return null;
          });

      f.pass(span, f.cache::get);

      int answered = f.source.calls() - throttled[0];
      Duration median = f.ages(f.ids).get(SECRETS / 2);
      tell(
          "a call a second allowed, 4 hours: %d calls, %d answered, median age %s"
              .formatted(f.source.calls(), answered, median));
      assertThat((long) f.source.calls()).isLessThan(callsInHealth(span));
      assertThat(answered).isGreaterThan(2 * SECRETS);
      assertThat(median).isLessThan(Duration.ofHours(2));
    }
  }
}
