package io.github.evercred;

import static io.github.evercred.CacheFixture.ID;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.evercred.SecretException.Reason;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a caller is told, how long it waits, and what a misbehaving source does to it. */
@Timeout(60)
class SecretCacheFailureTest {

  @Test
  void message_nothingCached_saysAllThereIsToKnow() {
    try (var f = new CacheFixture()) {
      f.source.script(
          request -> {
            f.time.advance(Duration.ofMillis(300));
            throw new SecretException(Reason.ACCESS_DENIED, "no policy allows it", "req-1", null);
          });

      SecretException failure =
          Crew.of(1, () -> f.cache.get(ID, VersionSelector.PENDING)).failure();

      assertThat(failure.getMessage())
          .contains("'" + ID + "'")
          .contains("AWSPENDING")
          .contains("eu-west-1")
          .contains("no policy allows it")
          .contains("1 attempt in PT0.3S")
          .contains("Nothing is cached")
          .contains(Reason.ACCESS_DENIED.nextStep());
      assertThat(failure.requestId()).isEqualTo("req-1");
      assertThat(failure).hasToString("SecretException [ACCESS_DENIED]: " + failure.getMessage());
    }
  }

  @Test
  void message_somethingCached_saysItsVersionAndAge() {
    try (var f = new CacheFixture()) {
      f.read();
      f.time.advance(Duration.ofMinutes(4));
      f.source.failing(Reason.KMS_DENIED);

      SecretException failure = Crew.of(1, () -> f.cache.refresh(ID)).failure();

      assertThat(failure)
          .hasMessageContaining(
              "Version " + FakeSource.version(1) + " is cached, fetched PT4M ago");
    }
  }

  @Test
  void message_toldAgain_saysWhenTheNextAttemptMayBegin() {
    try (var f = new CacheFixture()) {
      SecretException first = Crew.of(1, () -> f.cache.get("absent")).failure();
      f.time.advance(Duration.ofMillis(400));
      SecretException again = Crew.of(1, () -> f.cache.get("absent")).failure();
      f.time.advance(Duration.ofMillis(400));
      SecretException third = Crew.of(1, () -> f.cache.get("absent")).failure();

      assertThat(first.getMessage()).doesNotContain("Told again");
      assertThat(again.getMessage()).startsWith(first.getMessage()).contains("in PT0.6S");
      assertThat(third.getMessage()).startsWith(first.getMessage()).contains("in PT0.2S");
      assertThat(third.getMessage()).containsOnlyOnce("Told again");
    }
  }

  @Test
  void waiters_oneFlightFails_eachThrowsItsOwnInstanceOfTheSameReason() {
    try (var f = new CacheFixture()) {
      var cause = new IOException("reset");
      f.source.script(
          request -> {
            throw new SecretException(Reason.ACCESS_DENIED, "denied", "req-1", cause);
          });
      f.source.hold();
      var crew = Crew.of(20, f::read);
      f.time.awaitWaiting(20);
      f.source.release();

      assertThat(crew.failures())
          .doesNotHaveDuplicates()
          .allSatisfy(
              e -> {
                assertThat(e.reason()).isEqualTo(Reason.ACCESS_DENIED);
                assertThat(e.requestId()).isEqualTo("req-1");
                assertThat(e).hasRootCause(cause);
                assertThat(e.getStackTrace())
                    .as("its own stack, not the fetch thread's")
                    .anyMatch(frame -> frame.getMethodName().equals("read"));
              });
      assertThat(f.source.calls()).isEqualTo(1);
    }
  }

  @Test
  void get_callersLimitPasses_isTimedOutAndTheFlightGoesOn() {
    try (var f = new CacheFixture()) {
      f.source.hold();
      var hasty =
          Crew.of(1, () -> f.cache.get(ID, VersionSelector.CURRENT, Duration.ofMillis(700)));
      f.source.awaitHeld(1);
      f.time.awaitWaiting(1);
      f.time.advance(Duration.ofMillis(699));
      assertThat(hasty.isDone()).isFalse();
      f.time.advance(Duration.ofMillis(1));

      SecretException failure = hasty.failure();
      assertThat(failure.reason()).isEqualTo(Reason.TIMED_OUT);
      assertThat(failure)
          .hasMessageContaining("'" + ID + "' (AWSCURRENT)")
          .hasMessageContaining("eu-west-1")
          .hasMessageContaining("PT0.7S")
          .hasMessageContaining("Nothing is cached")
          .hasMessageContaining(Reason.TIMED_OUT.nextStep());

      f.source.release();
      f.rest();
      Eventually.until(() -> f.cache.size() == 1, () -> "not published");
      assertThat(f.read()).isEqualTo("one");
      assertThat(f.source.calls()).isEqualTo(1);
    }
  }

  @Test
  void get_limitLongerThanLoadTimeout_isUnavailableAtLoadTimeout() {
    try (var f = new CacheFixture()) {
      f.source.hold();
      var patient =
          Crew.of(1, () -> f.cache.get(ID, VersionSelector.CURRENT, Duration.ofDays(99_999_999)));
      f.source.awaitHeld(1);
      f.time.awaitWaiting(1);
      f.time.advance(Duration.ofSeconds(5));

      assertThat(patient.failure().reason()).isEqualTo(Reason.UNAVAILABLE);
    }
  }

  @Test
  void get_noTimeAtAll_doesNotWait() {
    try (var f = new CacheFixture()) {
      f.source.hold();

      SecretException failure =
          Crew.of(1, () -> f.cache.get(ID, VersionSelector.CURRENT, Duration.ofSeconds(-3)))
              .failure();

      assertThat(failure.reason()).isEqualTo(Reason.TIMED_OUT);
    }
  }

  @Test
  void get_interruptedWhileWaiting_isInterruptedAndTheFlagStands() {
    try (var f = new CacheFixture()) {
      f.source.hold();
      var flag = new AtomicBoolean();
      var reader =
          Crew.of(
              1,
              () -> {
                try {
                  return f.cache.get(ID);
                } finally {
                  flag.set(Thread.currentThread().isInterrupted());
                }
              });
      f.source.awaitHeld(1);
      f.time.awaitWaiting(1);

      reader.threads().get(0).interrupt();

      SecretException failure = reader.failure();
      assertThat(failure.reason()).isEqualTo(Reason.INTERRUPTED);
      assertThat(failure).hasMessageContaining(ID).hasCauseInstanceOf(InterruptedException.class);
      assertThat(flag).isTrue();
      f.source.release();
      f.rest();
      Eventually.until(() -> f.cache.size() == 1, () -> "the flight ended with its waiter");
    }
  }

  @Test
  void get_cachedAndInterrupted_returnsTheValue() {
    try (var f = new CacheFixture()) {
      f.read();
      var crew =
          Crew.of(
              1,
              () -> {
                Thread.currentThread().interrupt();
                return f.read() + Thread.currentThread().isInterrupted();
              });

      assertThat(crew.value()).isEqualTo("onetrue");
    }
  }

  private static SecretException failureOf(CacheFixture f, Supplier<SecretValue> source) {
    f.source.script(request -> source.get());
    return f.drive(f::read).failure();
  }

  @Test
  void sourceThrows_runtimeException_isUnavailableWithItsCause() {
    try (var f = new CacheFixture()) {
      var thrown = new IllegalStateException("pool shut down");

      SecretException failure =
          failureOf(
              f,
              () -> {
                throw thrown;
              });

      assertThat(failure.reason()).isEqualTo(Reason.UNAVAILABLE);
      assertThat(failure)
          .hasMessageContaining("java.lang.IllegalStateException")
          .hasMessageContaining("3 attempts")
          .hasRootCause(thrown);
    }
  }

  @Test
  void sourceThrows_error_isUnavailableAndTheNextFetchWorks() {
    var before = Thread.getDefaultUncaughtExceptionHandler();
    var uncaught = new ConcurrentLinkedQueue<Throwable>();
    Thread.setDefaultUncaughtExceptionHandler((thread, e) -> uncaught.add(e));
    try (var f = new CacheFixture()) {
      var thrown = new NoClassDefFoundError("software/amazon/awssdk/Something");

      SecretException failure =
          failureOf(
              f,
              () -> {
                throw thrown;
              });

      assertThat(failure.reason()).isEqualTo(Reason.UNAVAILABLE);
      assertThat(failure).hasMessageContaining("NoClassDefFoundError").hasRootCause(thrown);
      assertThat(f.source.calls()).as("an Error is not tried again").isEqualTo(1);
      Eventually.until(() -> uncaught.contains(thrown), () -> "told to nobody else: " + uncaught);
      f.source.healthy();
      f.time.advance(Duration.ofSeconds(1));
      assertThat(f.read()).isEqualTo("one");
    } finally {
      Thread.setDefaultUncaughtExceptionHandler(before);
    }
  }

  @Test
  void breakerOpen_read_isToldWhatHoldsItOpen() {
    try (var f = new CacheFixture(o -> o.rememberFailureFor(Duration.ZERO, Duration.ZERO))) {
      f.source.script(
          request -> {
            throw new SecretException(Reason.AWS_CREDENTIALS, "token expired", "req-1", null);
          });
      for (int i = 0; i < 4; i++) {
        f.drive(f::read);
      }

      SecretException told = f.drive(f::read).failure();

      assertThat(told).hasMessageContainingAll("not called", "token expired", "0 attempts");
      assertThat(told.reason()).isEqualTo(Reason.AWS_CREDENTIALS);
      assertThat(told.requestId()).as("this read made no request").isNull();
      assertThat(told).hasRootCauseMessage("token expired");
      assertThat(told)
          .rootCause()
          .isInstanceOfSatisfying(
              SecretException.class, root -> assertThat(root.requestId()).isEqualTo("req-1"));
    }
  }

  @Test
  void sourceThrows_error_leavesTheBreakerUsable() {
    var before = Thread.getDefaultUncaughtExceptionHandler();
    Thread.setDefaultUncaughtExceptionHandler((thread, e) -> {});
    try (var f = new CacheFixture(o -> o.rememberFailureFor(Duration.ZERO, Duration.ZERO))) {
      for (int i = 0; i < 10; i++) {
        assertThat(
                failureOf(
                    f,
                    () -> {
                      throw new StackOverflowError();
                    }))
            .isNotNull();
      }
      assertThat(f.drive(f::read).failure()).hasMessageContaining("not called");
      f.time.advance(Duration.ofMillis(2_001));
      f.source.healthy();
      assertThat(f.read()).isEqualTo("one");
    } finally {
      Thread.setDefaultUncaughtExceptionHandler(before);
    }
  }

  @Test
  void sourceReturns_null_isUnavailable() {
    SecretSource source = nullSource();
    var time = new FakeTime();
    try (SecretCache cache = SecretCache.builder().source(source).build(time)) {
      var reader = Crew.of(1, () -> cache.get(ID));
      CacheFixture.drive(time, reader);

      assertThat(reader.failure().reason()).isEqualTo(Reason.UNAVAILABLE);
      assertThat(reader.failure()).hasRootCauseMessage("the source returned null");
    }
  }

  @SuppressWarnings("NullAway") // What the test is about.
  private static SecretSource nullSource() {
    return request -> null;
  }

  @Test
  void callersFailure_nullArguments_areRejected() {
    try (var f = new CacheFixture()) {
      assertNullRejected(() -> f.cache.get(nothing()));
      assertNullRejected(() -> f.cache.get(ID, nothing()));
      assertNullRejected(() -> f.cache.get(ID, VersionSelector.CURRENT, nothing()));
      assertNullRejected(() -> f.cache.refresh(nothing()));
      assertNullRejected(() -> f.cache.refreshUnless(ID, nothing()));
      assertNullRejected(() -> f.cache.refreshVersions(nothing()));
      assertThat(f.source.calls()).isZero();
    }
  }

  private static void assertNullRejected(ThrowingCallable call) {
    assertThatThrownBy(call).isInstanceOf(NullPointerException.class);
  }

  @SuppressWarnings({"NullAway", "TypeParameterUnusedInFormals"}) // What the test is about.
  private static <T> T nothing() {
    return (T) null;
  }

  @Test
  void sourceThrows_checkedException_isUnavailableWithItsCause() {
    try (var f = new CacheFixture()) {
      var thrown = new IOException("reset");

      SecretException failure = failureOf(f, () -> SecretCacheFailureTest.sneakily(thrown));

      assertThat(failure.reason()).isEqualTo(Reason.UNAVAILABLE);
      assertThat(failure).hasMessageContaining("java.io.IOException").hasRootCause(thrown);
    }
  }

  /** What a source in Kotlin or with Lombok can do without declaring it. */
  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
  private static <T, X extends Throwable> T sneakily(Throwable thrown) throws X {
    throw (X) thrown;
  }

  @Test
  void get_limitBelowAnythingCountable_doesNotWait() {
    try (var f = new CacheFixture()) {
      f.source.hold();

      SecretException failure =
          Crew.of(
                  1,
                  () ->
                      f.cache.get(ID, VersionSelector.CURRENT, Duration.ofSeconds(Long.MIN_VALUE)))
              .failure();

      assertThat(failure.reason()).isEqualTo(Reason.TIMED_OUT);
    }
  }

  @Test
  void missingSecret_longPeriodAndManyFailures_isRememberedStill() {
    Duration period = Duration.ofMinutes(5);
    try (var f = new CacheFixture(o -> o.rememberFailureFor(period, period))) {
      for (int i = 0; i < 70; i++) {
        for (int reader = 0; reader < 3; reader++) {
          assertThat(Crew.of(1, () -> f.cache.get("absent")).failure()).isNotNull();
        }
        assertThat(f.source.calls()).isEqualTo(i + 1);
        f.time.advance(period);
      }
    }
  }

  @Test
  void serveStaleWhenDeniedFor0_lapsedAndDenied_isTheDenial() {
    for (int i = 0; i < 10; i++) {
      try (var f = new CacheFixture(o -> o.serveStaleWhenDeniedFor(Duration.ZERO))) {
        f.read();
        f.time.advance(Duration.ofMinutes(16));
        f.source.failing(Reason.ACCESS_DENIED);

        assertThat(f.reasonOfRead()).isEqualTo(Reason.ACCESS_DENIED);
      }
    }
  }

  @Test
  void serveStaleWhenDeniedFor0_dueAndDenied_isDroppedAtOnce() {
    try (var f = new CacheFixture(o -> o.serveStaleWhenDeniedFor(Duration.ZERO))) {
      f.read();
      f.read();
      f.source.failing(Reason.ACCESS_DENIED);
      f.comeDue();
      assertThat(f.source.calls()).isEqualTo(2);

      // Nobody moves the time on: the denial itself must drop it.
      Eventually.until(() -> f.cache.size() == 0, () -> "held still");
      assertThat(f.reasonOfRead()).isEqualTo(Reason.ACCESS_DENIED);
    }
  }

  /** Readers come while the flight starts, fails and is remembered. */
  @Test
  void missingSecret_readersAtAnyMoment_makeOneCall() {
    for (int round = 0; round < 300; round++) {
      try (var f = new CacheFixture()) {
        var crew = Crew.of(8, () -> f.cache.get("absent"));

        assertThat(crew.failures()).allMatch(e -> e.reason() == Reason.NOT_FOUND);
        assertThat(f.source.calls()).as("round %d", round).isEqualTo(1);
      }
    }
  }
}
