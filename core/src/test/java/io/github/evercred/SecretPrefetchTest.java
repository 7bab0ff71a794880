package io.github.evercred;

import static io.github.evercred.CacheFixture.ID;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.github.evercred.SecretException.Reason;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.logging.Level;
import java.util.stream.IntStream;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Many secrets at once, in batches and one by one. */
@Timeout(60)
class SecretPrefetchTest {

  private static CacheFixture fixture(int batchSize) {
    var f = new CacheFixture();
    f.source.batchSize(batchSize);
    return f;
  }

  private static String[] ids(CacheFixture f, int count) {
    return IntStream.range(0, count)
        .mapToObj(
            i -> {
              f.source.put("secret" + i, 1, "value " + i, "AWSCURRENT");
              return "secret" + i;
            })
        .toArray(String[]::new);
  }

  private static PrefetchReport prefetch(CacheFixture f, String... ids) {
    return f.drive(() -> f.cache.prefetch(ids)).value();
  }

  private static void assertCached(CacheFixture f, String... ids) {
    f.source.failing(Reason.UNAVAILABLE);
    f.source.batchScript(
        asked -> {
          throw new AssertionError("another batch");
        });
    assertThat(ids)
        .allSatisfy(
            id -> assertThat(f.cache.get(id).asString()).isEqualTo(id.replace("secret", "value ")));
  }

  private static @Nullable Reason reason(PrefetchReport report, String id) {
    SecretException failure = report.failed().get(id);
    return failure == null ? null : failure.reason();
  }

  private static SecretException failure(Reason reason) {
    return new SecretException(reason, "as the test says", null);
  }

  @Test
  void fortyFive_takeThreeBatches() {
    try (var f = fixture(20)) {
      String[] ids = ids(f, 45);

      PrefetchReport report = prefetch(f, ids);

      assertThat(report.loaded()).containsExactlyInAnyOrder(ids);
      assertThat(report.isComplete()).isTrue();
      assertThat(report.orThrow()).isSameAs(report);
      assertThat(f.source.batches().stream().map(List::size)).containsExactlyInAnyOrder(20, 20, 5);
      assertThat(f.source.batches().stream().flatMap(List::stream)).doesNotHaveDuplicates();
      assertThat(f.source.calls()).isZero();
      assertThat(f.cache.statistics().calls()).isEqualTo(3);
      assertThat(f.cache.statistics().loaded()).isEqualTo(45);
      assertCached(f, ids);
    }
  }

  @Test
  void aThousand_areAllLoadedWithoutADeepStack() {
    try (var f = fixture(3)) {
      String[] ids = ids(f, 1_000);

      assertThat(prefetch(f, ids).loaded()).hasSize(1_000);

      assertThat(f.source.batches()).hasSize(333);
      assertThat(f.source.calls()).as("the last, alone").isEqualTo(1);
    }
  }

  @Test
  void errorsOfSingleSecrets_areKeptApart() {
    try (var f = fixture(20)) {
      String[] ids = ids(f, 4);
      f.source.batchScript(
          asked -> {
            var found = new HashMap<>(f.source.batch(asked).values());
            found.remove("secret1");
            found.remove("secret2");
            return new SecretBatch(
                found,
                Map.of(
                    "secret1",
                    failure(Reason.ACCESS_DENIED),
                    "secret2",
                    failure(Reason.KMS_DENIED)));
          });

      PrefetchReport report = prefetch(f, ids[0], ids[1], ids[2], ids[3], "absent");

      assertThat(report.loaded()).containsExactlyInAnyOrder("secret0", "secret3");
      assertThat(reason(report, "secret1")).isEqualTo(Reason.ACCESS_DENIED);
      assertThat(reason(report, "secret2")).isEqualTo(Reason.KMS_DENIED);
      assertThat(reason(report, "absent")).isEqualTo(Reason.NOT_FOUND);
      assertThat(report.failed().get("secret1")).hasMessageContaining("'secret1'");
      assertThat(report.isComplete()).isFalse();
      assertThat(f.source.calls("secret1")).as("AWS has answered").isZero();
      assertThat(f.cache.get("secret3").asString()).isEqualTo("value 3");
    }
  }

  @Test
  void idsLeftOutByTheBatch_areFetchedSingly() {
    try (var f = fixture(20)) {
      String[] ids = ids(f, 5);
      f.source.batchScript(asked -> f.source.batch(asked.subList(0, 3)));

      assertThat(prefetch(f, ids).loaded()).containsExactlyInAnyOrder(ids);

      assertThat(f.source.calls()).isEqualTo(2);
      assertCached(f, ids);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"UNAVAILABLE", "THROTTLED"})
  void failureOfOneThatMayPass_isFetchedSingly(Reason reason) {
    try (var f = fixture(20)) {
      String[] ids = ids(f, 5);
      f.source.batchScript(
          asked ->
              new SecretBatch(
                  f.source.batch(asked.subList(1, 5)).values(),
                  Map.of("secret0", failure(reason))));

      assertThat(prefetch(f, ids).loaded()).containsExactlyInAnyOrder(ids);

      assertThat(f.source.calls()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"ACCESS_DENIED", "INVALID_REQUEST", "THROTTLED", "MALFORMED"})
  void batch_refused_allAreFetchedSingly(Reason reason) {
    try (var log = new CapturedLog();
        var f = fixture(20)) {
      String[] ids = ids(f, 45);
      f.source.batchScript(
          asked -> {
            throw failure(reason);
          });

      PrefetchReport report = prefetch(f, ids);

      assertThat(log.ours(Level.INFO))
          .singleElement(InstanceOfAssertFactories.STRING)
          .contains("one by one", "as the test says");
      assertThat(report.loaded()).containsExactlyInAnyOrder(ids);
      assertThat(f.source.batches()).as("not again").hasSize(reason.isTransient() ? 3 : 1);
      assertThat(f.source.calls()).isEqualTo(45);
      assertThat(f.cache.statistics().failures()).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"NOT_FOUND", "KMS_DENIED", "KEY_UNUSABLE", "MARKED_FOR_DELETION"})
  void batch_spoiltByOneSecret_costsTheOthersNothing(Reason reason) {
    try (var f = fixture(20)) {
      String[] ids = ids(f, 45);
      f.source.batchScript(
          asked -> {
            if (asked.contains("secret3")) {
              throw failure(reason);
            }
            return null;
          });
      f.source.script(
          request -> {
            if (request.secretId().equals("secret3")) {
              throw failure(reason);
            }
            return null;
          });

      PrefetchReport report = prefetch(f, ids);

      assertThat(report.failed()).containsOnlyKeys("secret3");
      assertThat(reason(report, "secret3")).isEqualTo(reason);
      assertThat(report.loaded()).hasSize(44);
      assertThat(f.source.batches()).as("the others go on in batches").hasSize(3);
      assertThat(f.source.calls()).isEqualTo(20);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"UNAVAILABLE", "AWS_CREDENTIALS"})
  void batch_unavailable_allFailWithThatAndCallsAreBounded(Reason reason) {
    try (var f = fixture(20)) {
      String[] ids = ids(f, 200);
      f.source.failing(reason);
      f.source.batchScript(
          asked -> {
            throw failure(reason);
          });

      PrefetchReport report = prefetch(f, ids);

      assertThat(report.loaded()).isEmpty();
      assertThat(report.failed()).hasSize(200);
      assertThat(report.failed().values())
          .allSatisfy(failure -> assertThat(failure.reason()).isEqualTo(reason));
      assertThat(f.source.batches().size() + f.source.calls()).isLessThanOrEqualTo(14);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void sourceWithoutBatches_loadsSingly(int batchSize) {
    try (var f = fixture(batchSize)) {
      String[] ids = ids(f, 45);

      assertThat(prefetch(f, ids).loaded()).containsExactlyInAnyOrder(ids);

      assertThat(f.source.batches()).isEmpty();
      assertThat(f.source.calls()).isEqualTo(45);
      assertCached(f, ids);
    }
  }

  @Test
  void readersMeanwhile_shareTheFetch() {
    try (var f = fixture(20)) {
      String[] ids = ids(f, 3);
      f.source.hold();
      var report = Crew.of(1, () -> f.cache.prefetch(ids));
      f.source.awaitHeld(1);
      var readers = Crew.of(20, () -> f.cache.get("secret1").asString());
      f.time.awaitWaiting(21);
      f.source.release();

      assertThat(readers.values()).containsOnly("value 1");
      assertThat(report.value().isComplete()).isTrue();
      assertThat(f.source.calls()).isZero();
      assertThat(f.source.batches()).hasSize(1);
    }
  }

  @Test
  void fetchUnderWay_isShared() {
    try (var f = fixture(20)) {
      String[] ids = ids(f, 3);
      f.source.hold();
      var reader = Crew.of(1, () -> f.cache.get("secret1").asString());
      f.source.awaitHeld(1);
      var report = Crew.of(1, () -> f.cache.prefetch(ids));
      f.source.awaitHeld(2);
      f.source.release();

      assertThat(reader.value()).isEqualTo("value 1");
      assertThat(report.value().loaded()).containsExactlyInAnyOrder(ids);
      assertThat(f.source.batches()).containsExactly(List.of("secret0", "secret2"));
    }
  }

  @Test
  void whatIsCached_isLeftAsItIs() {
    try (var f = fixture(20)) {
      String[] ids = ids(f, 3);
      SecretValue cached = f.cache.get("secret1");
      f.source.put("secret1", 2, "newer", "AWSCURRENT");

      assertThat(prefetch(f, ids).loaded()).containsExactlyInAnyOrder(ids);

      assertThat(f.source.batches()).containsExactly(List.of("secret0", "secret2"));
      assertThat(f.cache.get("secret1")).isSameAs(cached);
      f.source.forgetCalls();
      assertThat(prefetch(f, ids).isComplete()).isTrue();
      assertThat(f.source.batches()).hasSize(1);
    }
  }

  @Test
  void arnOfWhatIsCached_costsNoCall() {
    try (var f = fixture(20)) {
      f.read();

      assertThat(prefetch(f, f.source.arn(ID)).loaded()).containsExactly(f.source.arn(ID));

      assertThat(f.source.batches()).isEmpty();
      assertThat(f.source.calls()).isEqualTo(1);
    }
  }

  /** A policy that allows the secret alone would refuse the batch, at every start of a function. */
  @Test
  void oneAlone_isFetchedAsAReadFetchesIt() {
    try (var f = fixture(20)) {
      assertThat(prefetch(f, ID).loaded()).containsExactly(ID);

      assertThat(f.source.batches()).isEmpty();
      assertThat(f.source.calls()).isEqualTo(1);
    }
  }

  @Test
  void lapsedValues_areFetched() {
    try (var f = fixture(20)) {
      f.read();
      f.rotate(2, "two");
      f.time.advance(Duration.ofMinutes(16));

      assertThat(prefetch(f, ID).isComplete()).isTrue();

      assertThat(f.read()).isEqualTo("two");
      assertThat(f.source.calls()).isEqualTo(2);
    }
  }

  @Test
  void rememberedFailures_areToldWithoutACall() {
    try (var f = fixture(20)) {
      assertThat(prefetch(f, "absent").isComplete()).isFalse();

      PrefetchReport report = prefetch(f, "absent");

      assertThat(reason(report, "absent")).isEqualTo(Reason.NOT_FOUND);
      assertThat(f.source.calls()).isEqualTo(1);
    }
  }

  @Test
  void duplicates_areFetchedOnce() {
    try (var f = fixture(20)) {
      ids(f, 2);

      assertThat(prefetch(f, "secret0", "secret1", "secret0", "secret1").loaded())
          .containsExactlyInAnyOrder("secret0", "secret1");

      assertThat(f.source.batches()).containsExactly(List.of("secret0", "secret1"));
    }
  }

  @Test
  void nameAndArnOfOneSecret_areBothLoadedUnderTheirIds() {
    try (var f = fixture(20)) {
      String arn = f.source.arn(ID);

      assertThat(prefetch(f, ID, arn).loaded()).containsExactlyInAnyOrder(ID, arn);

      assertThat(f.cache.get(ID).secretId()).isEqualTo(ID);
      assertThat(f.cache.get(arn).secretId()).isEqualTo(arn);
      assertThat(f.cache.groups()).isEqualTo(1);
    }
  }

  @Test
  void moreThanMaximumSecrets_isAnError() {
    try (var f = new CacheFixture(o -> o.maximumSecrets(3))) {
      assertThatThrownBy(() -> f.cache.prefetch("a", "b", "c", "d"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("maximumSecrets is 3");
      assertThatThrownBy(() -> f.cache.prefetchAsync("a", "b", "c", "d"))
          .isInstanceOf(IllegalArgumentException.class);
      assertThat(f.source.calls()).isZero();
      ids(f, 3);
      assertThat(prefetch(f, "secret0", "secret1", "secret2", "secret0").loaded()).hasSize(3);
    }
  }

  @Test
  void none_isComplete() {
    try (var f = fixture(20)) {
      assertThat(prefetch(f).isComplete()).isTrue();
      assertThat(f.source.batches()).isEmpty();
    }
  }

  @Test
  void source_hangs_endsByItself() {
    try (var f = fixture(20)) {
      String[] ids = ids(f, 3);
      f.source.hold();
      var report = Crew.of(1, () -> f.cache.prefetch(ids));
      f.source.awaitHeld(1);
      f.time.advance(Duration.ofSeconds(11));

      assertThat(report.value().failed()).hasSize(3);
      assertThat(reason(report.value(), "secret0")).isEqualTo(Reason.UNAVAILABLE);
    }
  }

  @Test
  void close_meanwhile_endsTheWaitWithClosed() {
    try (var f = fixture(20)) {
      String[] ids = ids(f, 45);
      f.source.hold();
      var waiting = Crew.of(1, () -> f.cache.prefetch(ids));
      CompletableFuture<PrefetchReport> async = f.cache.prefetchAsync(ids);
      f.source.awaitHeld(1);

      f.cache.close();

      assertThat(waiting.failure().reason()).isEqualTo(Reason.CLOSED);
      Eventually.until(async::isDone, () -> "no end");
      assertThat(SecretCache.failure(catchThrowableOfType(CompletionException.class, async::join)))
          .extracting(SecretException::reason)
          .isEqualTo(Reason.CLOSED);
    }
  }

  @Test
  void closedCache_failsWithClosed() {
    try (var f = fixture(20)) {
      String[] ids = ids(f, 2);
      f.cache.close();

      assertThat(Crew.of(1, () -> f.cache.prefetch(ids)).failure().reason())
          .isEqualTo(Reason.CLOSED);
      assertThat(f.source.batches()).isEmpty();
    }
  }

  @Test
  void interrupt_endsTheWaitAndTheFetchesGoOn() {
    try (var f = fixture(20)) {
      String[] ids = ids(f, 2);
      f.source.hold();
      var waiting =
          Crew.of(
              1,
              () -> {
                try {
                  return f.cache.prefetch(ids);
                } catch (SecretException e) {
                  assertThat(Thread.currentThread().isInterrupted()).isTrue();
                  throw e;
                }
              });
      f.time.awaitWaiting(1);
      waiting.threads().get(0).interrupt();

      assertThat(waiting.failure().reason()).isEqualTo(Reason.INTERRUPTED);
      f.source.awaitHeld(1);
      f.source.release();
      f.rest();
      assertCached(f, ids);
    }
  }

  @Test
  void orThrow_namesOneAndKeepsTheOthersAndNoValue() {
    try (var f = fixture(20)) {
      f.source.put("good", 1, "MaRkEr", "AWSCURRENT");

      PrefetchReport report = prefetch(f, "good", "absent1", "absent2");

      assertThat(report.toString()).doesNotContain("MaRkEr");
      SecretException thrown = catchThrowableOfType(SecretException.class, report::orThrow);
      assertThat(thrown.reason()).isEqualTo(Reason.NOT_FOUND);
      assertThat(thrown).hasMessageContaining("'absent1'").hasMessageContaining("2 of 3 failed");
      assertThat(thrown.getSuppressed()).hasSize(1);
      assertThat(thrown.getSuppressed()[0]).hasMessageContaining("'absent2'");
      assertThat(LeakTest.everythingSaidBy(thrown)).doesNotContain("MaRkEr");
      assertThat(catchThrowableOfType(SecretException.class, report::orThrow).getSuppressed())
          .as("again")
          .hasSize(1);
    }
  }

  @Test
  void futures_areNotHeldUpByWhatDependsOnOthers() {
    try (var f = fixture(2)) {
      String[] ids = ids(f, 40);
      var go = new CompletableFuture<String>();
      var stages = new ArrayList<CompletableFuture<String>>();
      f.source.hold();
      for (int i = 0; i < 12; i++) {
        stages.add(f.cache.getAsync("secret0").thenApply(value -> go.join()));
      }
      f.source.release();

      assertThat(prefetch(f, ids).loaded()).hasSize(40);
      go.complete("go");
      Eventually.until(() -> stages.stream().allMatch(CompletableFuture::isDone), () -> "stages");
    }
  }
}
