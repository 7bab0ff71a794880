package io.github.evercred;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.SecretException.Reason;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What very many ids, wrong ones above all, cost the secrets that are good. */
@Timeout(120)
class SecretCacheScaleTest {
  private static final int WRONG = 100_000;
  private static final List<String> GOOD =
      IntStream.range(0, 100).mapToObj("good/%03d"::formatted).toList();

  private static FakeSource source() {
    var source = new FakeSource();
    GOOD.forEach(id -> source.put(id, 1, id, "AWSCURRENT"));
    return source;
  }

  private static void assertMissing(SecretCache cache, String id) {
    try {
      SecretValue value = cache.get(id);
      throw new AssertionError("not expected: " + value);
    } catch (SecretException e) {
      assertThat(e.reason()).isEqualTo(Reason.NOT_FOUND);
    }
  }

  private static void assertGood(SecretCache cache) {
    for (String id : GOOD) {
      assertThat(cache.get(id).asString()).isEqualTo(id);
    }
  }

  /** Failures and starts are kept for a thousand ids each; an ARN for each of the good ones. */
  private static void assertBounded(SecretCache cache, FakeTime time) {
    assertThat(cache.size()).isEqualTo(GOOD.size());
    assertThat(cache.entries.remembered()).isLessThanOrEqualTo(1_000 + 1_000 + GOOD.size());
    assertThat(cache.flights.size()).isZero();
    assertThat(time.scheduled()).as("timers").isEqualTo(GOOD.size());
  }

  @Test
  void wrongIds_aHundredThousand_leaveTheGoodOnesCachedAndMemoryBounded() {
    var time = FakeTime.inCallersThread();
    FakeSource source = source();
    try (SecretCache cache =
        SecretCache.builder().source(source).maximumSecrets(GOOD.size()).build(time)) {
      assertGood(cache);

      for (int i = 0; i < WRONG; i++) {
        assertMissing(cache, "wrong/" + i);
      }

      assertBounded(cache, time);
      assertThat(source.calls()).isEqualTo(GOOD.size() + WRONG);
      assertGood(cache);
      assertThat(source.calls()).as("the good ones are cached").isEqualTo(GOOD.size() + WRONG);
    }
  }

  @Test
  void wrongIds_betweenReadsOfGoodOnes_costThemNoCall() {
    var time = FakeTime.inCallersThread();
    FakeSource source = source();
    try (SecretCache cache =
        SecretCache.builder().source(source).maximumSecrets(GOOD.size()).build(time)) {
      assertGood(cache);

      for (int i = 0; i < WRONG; i++) {
        assertMissing(cache, "wrong/" + i);
        String good = GOOD.get(i % GOOD.size());
        assertThat(cache.get(good).asString()).isEqualTo(good);
      }

      assertBounded(cache, time);
      assertThat(source.calls()).isEqualTo(GOOD.size() + WRONG);
    }
  }

  @Test
  void wrongIds_byManyThreads_startNoMoreThreadsThanAllowed() {
    FakeSource source = source();
    try (SecretCache cache = SecretCache.builder().source(source).build()) {
      var next = new AtomicInteger();
      var most = new AtomicInteger();
      var crew =
          Crew.of(
              16,
              () -> {
                for (int i = next.getAndIncrement(); i < 5_000; i = next.getAndIncrement()) {
                  assertMissing(cache, "wrong/" + i);
                  if (i % 500 == 0) {
                    int now = CacheThreads.now("evercred-fetch-").size();
                    most.accumulateAndGet(now, Math::max);
                  }
                }
                return true;
              });

      assertThat(crew.values()).hasSize(16);
      assertGood(cache);
      assertThat(source.calls()).isEqualTo(5_000 + GOOD.size());
      assertThat(most.get()).isBetween(1, 8);
    }
  }

  @Test
  void maximumSecrets1_twoReadInTurn_eachIsRightAndOneIsHeld() {
    var time = FakeTime.inCallersThread();
    FakeSource source = source();
    try (SecretCache cache = SecretCache.builder().source(source).maximumSecrets(1).build(time)) {
      for (int i = 0; i < 1_000; i++) {
        String id = GOOD.get(i % 2);
        assertThat(cache.get(id).asString()).isEqualTo(id);
        assertThat(cache.size()).isEqualTo(1);
        assertThat(time.scheduled()).isEqualTo(1);
      }
    }
  }

  @Test
  void maximumSecrets1_wrongIds_leaveTheOneCached() {
    var time = FakeTime.inCallersThread();
    FakeSource source = source();
    try (SecretCache cache = SecretCache.builder().source(source).maximumSecrets(1).build(time)) {
      String id = GOOD.get(0);
      cache.get(id);

      for (int i = 0; i < 2_000; i++) {
        assertMissing(cache, "wrong/" + i);
        assertThat(cache.get(id).asString()).isEqualTo(id);
      }

      assertThat(source.calls()).isEqualTo(1 + 2_000);
    }
  }

  /** Each answer says that it is of another secret than the answer before. */
  @Test
  void source_answersWithAnotherArnEachTime_isBounded() {
    var time = FakeTime.inCallersThread();
    var number = new AtomicInteger();
    SecretSource source =
        request ->
            SecretValue.builder(request.secretId(), FakeSource.version(1))
                .arn(
                    "arn:aws:secretsmanager:eu-west-1:111122223333:secret:%s-%06d"
                        .formatted(request.secretId(), number.incrementAndGet()))
                .text("value");
    try (SecretCache cache =
        SecretCache.builder().source(source).minimumInterval(java.time.Duration.ZERO).build(time)) {
      for (int i = 0; i < 5_000; i++) {
        String id = GOOD.get(i % GOOD.size());
        assertThat(cache.refresh(id).asString()).isEqualTo("value");
      }

      assertThat(number).hasValue(5_000);
      assertBounded(cache, time);
    }
  }

  /** All ids claim to be one secret: each answer is published to all of them. */
  @Test
  void source_answersWithOneArnForAll_isBounded() {
    var time = FakeTime.inCallersThread();
    SecretSource source =
        request ->
            SecretValue.builder(request.secretId(), FakeSource.version(1))
                .arn("arn:aws:secretsmanager:eu-west-1:111122223333:secret:one-AbCdEf")
                .text("value");
    try (SecretCache cache = SecretCache.builder().source(source).build(time)) {
      for (int i = 0; i < 50; i++) {
        time.advance(java.time.Duration.ofMinutes(1));
        GOOD.forEach(id -> assertThat(cache.get(id).secretId()).isEqualTo(id));
      }

      assertBounded(cache, time);
    }
  }
}
