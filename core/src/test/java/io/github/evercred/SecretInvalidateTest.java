package io.github.evercred;

import static io.github.evercred.CacheFixture.ID;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.SecretException.Reason;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A secret is forgotten under all of its ids, and what is under way is not cached. */
@Timeout(60)
class SecretInvalidateTest {
  private static final String PARTIAL = FakeSource.partialArn(ID);
  private static final String ARN = PARTIAL + "-AbCdEf";

  @Test
  void nextRead_fetches() {
    try (var f = new CacheFixture()) {
      f.read();
      f.rotate(2, "two");

      f.cache.invalidate(ID);

      assertThat(f.cache.size()).isZero();
      assertThat(f.read()).isEqualTo("two");
      assertThat(f.source.calls()).isEqualTo(2);
    }
  }

  @Test
  void allIdsAndLabels_go_whicheverIdIsNamed() {
    for (String named : List.of(ID, PARTIAL, ARN)) {
      try (var f = new CacheFixture()) {
        f.rotate(2, "two");
        f.source.put("other", 1, "x", "AWSCURRENT");
        f.cache.get("other");
        for (String id : List.of(ID, PARTIAL, ARN)) {
          f.cache.get(id);
          f.cache.get(id, VersionSelector.PREVIOUS);
          f.cache.get(id, VersionSelector.versionId(FakeSource.version(1)));
          f.cache.versions(id);
        }

        f.cache.invalidate(named);

        assertThat(f.cache.size()).as("the other secret").isEqualTo(1);
        assertThat(f.cache.groups()).isEqualTo(1);
      }
    }
  }

  @Test
  void rememberedFailure_isForgotten() {
    try (var f = new CacheFixture()) {
      f.source.failing(Reason.ACCESS_DENIED);
      assertThat(f.reasonOfRead()).isEqualTo(Reason.ACCESS_DENIED);
      f.source.healthy();
      assertThat(f.reasonOfRead()).isEqualTo(Reason.ACCESS_DENIED);

      f.cache.invalidate(ID);

      assertThat(f.read()).isEqualTo("one");
    }
  }

  @Test
  void rememberedFailure_ofTheArn_isForgottenWithTheName() {
    try (var f = new CacheFixture()) {
      f.source.script(
          request -> {
            if (request.secretId().equals(ARN)) {
              throw new SecretException(Reason.ACCESS_DENIED, "as the test says", null);
            }
            return null;
          });
      assertThat(Crew.of(1, () -> f.cache.get(ARN)).failure()).isNotNull();
      f.read();
      f.source.healthy();

      f.cache.invalidate(ID);

      assertThat(f.cache.get(ARN).asString()).isEqualTo("one");
    }
  }

  @Test
  void forcedRefresh_afterIt_isNotHeldBackByTheInterval() {
    try (var f = new CacheFixture()) {
      f.read();
      f.cache.invalidate(ID);
      f.rotate(2, "two");

      assertThat(f.cache.refresh(ID).asString()).isEqualTo("two");
    }
  }

  private volatile @Nullable Thread holding;

  /** Whether the thread that was held has nothing left to do. */
  private boolean isIdle() {
    Thread thread = Objects.requireNonNull(holding);
    return !thread.isAlive()
        || Arrays.stream(thread.getStackTrace())
            .anyMatch(frame -> frame.getMethodName().equals("getTask"));
  }

  /** Holds the first call for an id, which has been answered already. */
  private CountDownLatch answeredAndHeld(CacheFixture f, String id) {
    holding = null;
    var gate = new CountDownLatch(1);
    var first = new AtomicBoolean(true);
    f.source.script(
        request -> {
          if (!request.secretId().equals(id) || !first.getAndSet(false)) {
            return null;
          }
          SecretValue old = f.source.answer(request);
          holding = Thread.currentThread();
          boolean interrupted = false;
          while (true) {
            try {
              assertThat(gate.await(30, TimeUnit.SECONDS)).isTrue();
              break;
            } catch (InterruptedException e) {
              interrupted = true; // As a client does that takes no interrupt.
            }
          }
          if (interrupted) {
            Thread.currentThread().interrupt();
          }
          return old;
        });
    return gate;
  }

  @Test
  void flightUnderWay_isNotJoinedAndNotCached() {
    try (var f = new CacheFixture()) {
      CountDownLatch gate = answeredAndHeld(f, ID);
      Crew<String> before = Crew.of(1, f::read);
      f.awaitCalls(1);
      Eventually.until(() -> holding != null, () -> "no answer yet");
      f.rotate(2, "two");

      f.cache.invalidate(ID);

      assertThat(f.read()).as("a new flight").isEqualTo("two");
      gate.countDown();
      assertThat(before.value()).as("who asked before").isEqualTo("one");
      assertThat(f.read()).isEqualTo("two");
      f.cache.invalidate(ID);
      assertThat(f.source.calls()).isEqualTo(2);
    }
  }

  @Test
  void flightUnderWay_alone_leavesNothingBehind() {
    try (var f = new CacheFixture()) {
      CountDownLatch gate = answeredAndHeld(f, ID);
      Crew<String> before = Crew.of(1, f::read);
      f.awaitCalls(1);
      Eventually.until(() -> holding != null, () -> "no answer yet");

      f.cache.invalidate(ID);
      gate.countDown();

      assertThat(before.value()).isEqualTo("one");
      assertThat(f.cache.size()).isZero();
    }
  }

  @Test
  void flightUnderWay_thatFails_isNotRemembered() {
    try (var f = new CacheFixture()) {
      f.source.failing(Reason.ACCESS_DENIED);
      f.source.hold();
      Crew<String> before = Crew.of(1, f::read);
      f.source.awaitHeld(1);

      f.cache.invalidate(ID);
      f.source.healthy();
      f.source.release();

      assertThat(before.failure().reason()).isEqualTo(Reason.ACCESS_DENIED);
      assertThat(f.read()).isEqualTo("one");
    }
  }

  @Test
  void flightUnderWay_ofTheArn_isNotCachedWhenTheNameIsInvalidated() {
    try (var f = new CacheFixture()) {
      CountDownLatch gate = answeredAndHeld(f, ARN);
      Crew<SecretValue> before = Crew.of(1, () -> f.cache.get(ARN));
      f.awaitCalls(1);
      Eventually.until(() -> holding != null, () -> "no answer yet");
      f.read();
      f.rotate(2, "two");

      f.cache.invalidate(ID);
      gate.countDown();

      assertThat(before.value().asString()).isEqualTo("one");
      assertThat(f.cache.get(ARN).asString()).isEqualTo("two");
      assertThat(f.read()).isEqualTo("two");
    }
  }

  @Test
  void flightUnderWay_ofAnIdThatIsNotKnownYet_isNotCachedEither() {
    try (var f = new CacheFixture()) {
      CountDownLatch gate = answeredAndHeld(f, PARTIAL);
      Crew<SecretValue> before = Crew.of(1, () -> f.cache.get(PARTIAL));
      f.awaitCalls(1);
      Eventually.until(() -> holding != null, () -> "no answer yet");
      f.read();
      f.rotate(2, "two");

      f.cache.invalidate(ID);
      gate.countDown();

      assertThat(before.value().asString()).isEqualTo("one");
      assertThat(f.cache.get(PARTIAL).asString()).isEqualTo("two");
    }
  }

  @Test
  void flightGivenUp_whoseAnswerComesAfterIt_isNotCached() {
    try (var f = new CacheFixture()) {
      CountDownLatch gate = answeredAndHeld(f, ID);
      Crew<String> before = Crew.of(1, f::read);
      f.awaitCalls(1);
      Eventually.until(() -> holding != null, () -> "no answer yet");
      f.time.awaitWaiting(1);
      f.time.advance(Duration.ofSeconds(11));
      assertThat(before.failure().reason()).isEqualTo(Reason.UNAVAILABLE);
      f.rotate(2, "two");

      f.cache.invalidate(ID);
      gate.countDown();
      Eventually.until(this::isIdle, () -> "the late answer");

      assertThat(f.cache.size()).isZero();
      assertThat(f.read()).isEqualTo("two");
    }
  }

  @Test
  void refreshUnderWay_isNotCached() {
    try (var f = new CacheFixture(o -> o.minimumInterval(Duration.ZERO))) {
      f.read();
      f.cache.get(ARN);
      CountDownLatch gate = answeredAndHeld(f, ID);
      Crew<SecretValue> before = Crew.of(1, () -> f.cache.refresh(ID));
      f.awaitCalls(2);
      Eventually.until(() -> holding != null, () -> "no answer yet");
      f.rotate(2, "two");

      f.cache.invalidate(ARN);
      gate.countDown();

      assertThat(before.value().asString()).isEqualTo("one");
      assertThat(f.cache.size()).isZero();
      assertThat(f.cache.get(ARN).asString()).isEqualTo("two");
    }
  }

  @Test
  void handle_afterIt_fetches() {
    try (var f = new CacheFixture()) {
      SecretHandle handle = f.cache.handle(ID);
      handle.get();
      f.rotate(2, "two");

      f.cache.invalidate(ID);

      assertThat(handle.get().asString()).isEqualTo("two");
    }
  }

  @Test
  void closedCache_doesNothing() {
    try (var f = new CacheFixture()) {
      f.read();
      f.cache.close();

      f.cache.invalidate(ID);

      assertThat(f.reasonOfRead()).isEqualTo(Reason.CLOSED);
    }
  }
}
