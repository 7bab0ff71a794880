package io.github.evercred;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.github.evercred.SecretException.Reason;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.Supplier;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A sealed cache reads as any other does, and keeps nothing in clear text. */
@Timeout(60)
class SealedCacheTest {
  private static final String ID = CacheFixture.ID;
  private static final String JSON =
      "{\"username\":\"orders\",\"password\":\"hünter2\",\"port\":5432,\"tls\":true,"
          + "\"old\":null,\"hosts\":[\"a\",\"b\"]}";

  record Login(String username, String password, int port) {}

  /** Counts, and can be made to fail or to wait. */
  static final class Keys implements KeyMaker {
    final AtomicInteger made = new AtomicInteger();
    volatile @Nullable SecretException failing;
    volatile @Nullable CountDownLatch gate;

    @Override
    public NewKey make() {
      made.incrementAndGet();
      SecretException failure = failing;
      if (failure != null) {
        throw failure;
      }
      CountDownLatch closed = gate;
      if (closed != null) {
        try {
          assertThat(closed.await(30, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
      }
      byte[] plain = new byte[KEY_BYTES];
      plain[0] = (byte) made.get();
      return new NewKey(plain, null);
    }

    @Override
    public byte[] decrypt(byte[] encrypted) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void close() {}
  }

  private static CacheFixture sealed() {
    return new CacheFixture(SecretCacheBuilder::sealed);
  }

  private static SecretException failure(ThrowingCallable c) {
    SecretException failure = catchThrowableOfType(SecretException.class, c);
    assertThat(failure).isNotNull();
    return failure;
  }

  private static SecretCache cache(FakeSource source, Sealer sealer) {
    Settings settings = SecretCache.builder().source(source).settings();
    return new SecretCache(settings, source, false, sealer, Time.system());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "a", "hunter2", "hünter2", "日本", "x\uD83D\uDE00y", "lone \uD800", "\0\u00FF"})
  void text_sealed_isReadAsItWas(String text) {
    try (CacheFixture f = sealed()) {
      f.rotate(2, text);
      SecretValue value = f.cache.get(ID);

      assertThat(value.isSealed()).isTrue();
      assertThat(value.isBinary()).isFalse();
      assertThat(value.asString()).isEqualTo(text);
      assertThat(value.asBytes()).isEqualTo(text.getBytes(StandardCharsets.UTF_8));
      try (OpenSecret open = value.open()) {
        assertThat(open.chars()).isEqualTo(text.toCharArray());
        assertThat(open.bytes()).isEqualTo(text.getBytes(StandardCharsets.UTF_8));
      }
    }
  }

  @Test
  void bytes_sealed_areReadAsTheyWere() {
    byte[] bytes = {0, 1, (byte) 0xFF, (byte) 0x80};
    try (CacheFixture f = sealed()) {
      f.source.script(
          request ->
              SecretValue.builder(request.secretId(), "v1").labels(List.of("x")).bytes(bytes));
      SecretValue value = f.cache.get(ID);

      assertThat(value.isBinary()).isTrue();
      assertThat(value.asBytes()).isEqualTo(bytes);
      try (OpenSecret open = value.open()) {
        assertThat(open.bytes()).isEqualTo(bytes);
        assertThat(failure(open::chars).reason()).isEqualTo(Reason.MALFORMED);
      }
      assertThat(failure(value::asString)).hasMessageContaining("holds bytes (SecretBinary)");
      assertThat(failure(() -> value.field("a")))
          .hasMessageContaining("holds bytes (SecretBinary)");
    }
  }

  @Test
  void fields_sealed_areAsOfAPlainValue() {
    try (CacheFixture f = sealed();
        CacheFixture p = new CacheFixture()) {
      f.rotate(2, JSON);
      p.rotate(2, JSON);
      SecretValue value = f.cache.get(ID);
      SecretValue plain = p.cache.get(ID);

      for (String name : List.of("username", "password", "port", "tls", "old", "none")) {
        assertThat(value.optionalField(name)).isEqualTo(plain.optionalField(name));
      }
      for (String name : List.of("old", "none", "hosts")) {
        SecretException same = failure(() -> plain.field(name));
        SecretException mine = failure(() -> value.field(name));
        assertThat(mine).hasMessage(same.getMessage());
        assertThat(mine.reason()).isEqualTo(same.reason());
        try (OpenSecret open = value.open()) {
          assertThat(failure(() -> open.field(name))).hasMessage(same.getMessage());
        }
      }
      Login login = value.as(Login.class);
      assertThat(login.username()).isEqualTo("orders");
      assertThat(login.password()).isEqualTo("hünter2");
      assertThat(login.port()).isEqualTo(5432);
      assertThat(value.as(Login.class)).isNotSameAs(login);
      assertThat(value.as(Object.class)).isEqualTo(plain.as(Object.class));
      assertThat(value.toString()).isEqualTo(plain.toString()).doesNotContain("hünter2");
    }
  }

  @Test
  void noObject_sealed_isToldAsOfAPlainValue() {
    try (CacheFixture f = sealed()) {
      String expected =
          failure(() -> SecretValue.builder(ID, FakeSource.version(1)).text("one").field("a"))
              .getMessage();

      assertThat(failure(() -> f.cache.get(ID).field("a"))).hasMessage(expected);
      assertThat(failure(() -> f.cache.get(ID).as(Map.class))).hasMessage(expected);
    }
  }

  @Test
  void open_closed_isWipedAndSaysSo() {
    try (CacheFixture f = sealed()) {
      f.rotate(2, JSON);
      OpenSecret open = f.cache.get(ID).open();
      char[] chars = open.chars();
      byte[] bytes = open.bytes();
      char[] password = open.field("password");
      assertThat(password).isEqualTo("hünter2".toCharArray());
      assertThat(open.chars()).isSameAs(chars);
      assertThat(open.bytes()).isSameAs(bytes);
      assertThat(open.versionId()).isEqualTo(FakeSource.version(2));
      assertThat(open.toString()).contains(ID, FakeSource.version(2)).doesNotContain("hünter2");

      open.close();
      open.close();

      assertThat(chars).containsOnly('\0');
      assertThat(bytes).containsOnly((byte) 0);
      assertThat(password).containsOnly('\0');
      for (ThrowingCallable call :
          List.<ThrowingCallable>of(open::chars, open::bytes, () -> open.optionalField("a"))) {
        assertThatThrownBy(call)
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("closed");
      }
    }
  }

  @Test
  void open_plainValue_isWipedWithoutHarmToTheValue() {
    try (CacheFixture f = new CacheFixture()) {
      SecretValue value = f.cache.get(ID);
      try (OpenSecret open = value.open()) {
        assertThat(open.chars()).isEqualTo("one".toCharArray());
      }

      assertThat(value.isSealed()).isFalse();
      assertThat(value.asString()).isEqualTo("one");
    }
  }

  @Test
  void rotation_sealed_isSeenByReadersHandlesAndMaps() {
    try (CacheFixture f = sealed()) {
      SecretHandle handle = f.cache.handle(ID);
      var made = new AtomicInteger();
      Supplier<String> mapped = handle.map(value -> value.asString() + made.incrementAndGet());
      assertThat(mapped.get()).isEqualTo("one1");
      assertThat(mapped.get()).isEqualTo("one2"); // Nothing is kept between two reads.

      f.rotate(2, "two");
      f.cache.invalidate(ID);

      assertThat(mapped.get()).isEqualTo("two3");
      assertThat(handle.get().asString()).isEqualTo("two");
    }
  }

  @Test
  void refresh_sameVersion_keepsWhatIsHeld() {
    try (CacheFixture f = sealed()) {
      SecretValue first = f.cache.get(ID);
      f.time.advance(Duration.ofSeconds(2));

      SecretValue second = f.cache.refresh(ID);

      assertThat(f.source.calls()).isEqualTo(2);
      assertThat(second.isSameVersionAs(first)).isTrue();
      f.rotate(1, "one, changed under its id");
      f.time.advance(Duration.ofSeconds(2));
      assertThat(f.cache.refresh(ID).isSameVersionAs(first)).isFalse();
    }
  }

  @Test
  void aliasesVersionsAndBatches_sealed_areAllReadable() {
    try (CacheFixture f = sealed()) {
      f.rotate(2, "two");
      f.source.put(ID, 3, "three", "AWSPENDING");
      f.source.put("other", 1, "more", "AWSCURRENT");
      f.source.batchSize(20);

      assertThat(f.cache.prefetch(ID, "other").loaded()).containsExactlyInAnyOrder(ID, "other");
      assertThat(f.source.batches()).hasSize(1);
      assertThat(f.read()).isEqualTo("two");
      assertThat(f.cache.get("other").asString()).isEqualTo("more");
      SecretValue byArn = f.cache.get(f.source.arn(ID));
      assertThat(byArn.asString()).isEqualTo("two");
      assertThat(byArn.isSealed()).isTrue();
      SecretVersions versions = f.cache.versions(ID);
      assertThat(versions.all()).allMatch(SecretValue::isSealed);
      assertThat(versions.all())
          .extracting(SecretValue::asString)
          .containsExactly("two", "one", "three");
      assertThat(f.cache.get(ID, VersionSelector.versionId(FakeSource.version(1))).asString())
          .isEqualTo("one");
    }
  }

  @Test
  void close_whatReadersHold_canNoLongerBeRead() {
    CacheFixture f = sealed();
    f.rotate(2, JSON);
    SecretValue value = f.cache.get(ID);
    OpenSecret open = value.open();
    SealingKey key = Objects.requireNonNull(value.sealedWith());

    f.close();

    assertThat(key.isWiped()).isTrue();
    assertThat(open.field("username")).isEqualTo("orders".toCharArray());
    open.close();
    for (Function<SecretValue, Object> read :
        List.<Function<SecretValue, Object>>of(
            SecretValue::asString,
            SecretValue::asBytes,
            SecretValue::open,
            v -> v.field("username"),
            v -> v.as(Map.class))) {
      assertThat(failure(() -> read.apply(value)).reason()).isEqualTo(Reason.CLOSED);
    }
    assertThat(value.versionId()).isEqualTo(FakeSource.version(2));
  }

  @Test
  void key_cannotBeHad_nothingIsFetchedAndTheReasonIsTold() {
    var keys = new Keys();
    keys.failing = new SecretException(Reason.KMS_DENIED, "KMS says no", null);
    var source = new FakeSource();
    source.put(ID, 1, "one", "AWSCURRENT");
    try (SecretCache cache = cache(source, new Sealer(keys))) {
      SecretException told = failure(() -> cache.get(ID));
      assertThat(told.reason()).isEqualTo(Reason.KMS_DENIED);
      assertThat(told).hasMessageContaining("KMS says no");
      assertThat(source.calls()).isZero();

      source.put("other", 1, "more", "AWSCURRENT");
      assertThat(failure(() -> cache.get("other")).reason()).isEqualTo(Reason.KMS_DENIED);
      assertThat(keys.made).as("asked once a second, not once a secret").hasValue(1);

      keys.failing = null;
      Eventually.until(() -> isRead(cache), () -> "the refusal is never forgotten");
    }
  }

  private static boolean isRead(SecretCache cache) {
    try {
      return cache.get(ID).asString().equals("one");
    } catch (SecretException e) {
      return false;
    }
  }

  @Test
  void close_ownSource_isClosedWithIt() {
    var closed = new AtomicInteger();
    var source =
        new SecretSource() {
          @Override
          public SecretValue fetch(SecretRequest request) {
            return SecretValue.builder(request.secretId(), "v").text("x");
          }

          @Override
          public void close() {
            closed.incrementAndGet();
          }
        };
    Settings settings = SecretCache.builder().source(source).settings();
    SecretCache own = new SecretCache(settings, source, true, new Sealer(), Time.system());
    SecretCache handedIn = new SecretCache(settings, source, false, new Sealer(), Time.system());
    assertThat(own.get(ID).asString() + handedIn.get(ID).asString()).isEqualTo("xx");

    handedIn.close();
    assertThat(closed).hasValue(0);
    own.close();
    assertThat(closed).hasValue(1);
  }

  @Test
  void key_manyFirstReaders_isMadeOnce() {
    var keys = new Keys();
    keys.gate = new CountDownLatch(1);
    var source = new FakeSource();
    for (int i = 0; i < 8; i++) {
      source.put("s" + i, 1, "value " + i, "AWSCURRENT");
    }
    try (SecretCache cache = cache(source, new Sealer(keys))) {
      var number = new AtomicInteger();
      Crew<String> crew = Crew.of(8, () -> cache.get("s" + number.getAndIncrement()).asString());
      Eventually.until(() -> keys.made.get() == 1 && cache.flying() == 8, () -> "no readers");

      keys.gate.countDown();

      assertThat(crew.values()).hasSize(8).allMatch(text -> text.startsWith("value "));
      assertThat(keys.made).hasValue(1);
    }
  }

  /** Whoever waits for another thread's call to KMS does so no longer than for his own. */
  @Test
  void key_madeByAHangingCall_isWaitedForWithinTheAttempt() {
    var keys = new Keys();
    CountDownLatch gate = new CountDownLatch(1);
    keys.gate = gate;
    var sealer = new Sealer(keys);
    Crew<SealingKey> first = Crew.of(1, () -> sealer.key(Duration.ofSeconds(30)));
    Eventually.until(() -> keys.made.get() == 1, () -> "not begun");

    SecretException late = failure(() -> sealer.key(Duration.ofMillis(50)));

    assertThat(late.reason()).isEqualTo(Reason.UNAVAILABLE);
    assertThat(late).hasMessageContaining("within PT0.05S");
    gate.countDown();
    assertThat(first.value()).isSameAs(sealer.key(Duration.ofMillis(50)));
  }

  @Test
  void key_usedOftenEnough_isFollowedByAnother() {
    var keys = new Keys();
    var source = new FakeSource();
    for (int i = 0; i < 5; i++) {
      source.put("s" + i, 1, "value " + i, "AWSCURRENT");
    }
    try (SecretCache cache = cache(source, new Sealer(keys, 2))) {
      List<SecretValue> values = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        values.add(cache.get("s" + i));
      }

      assertThat(keys.made).hasValue(3);
      for (int i = 0; i < 5; i++) {
        assertThat(values.get(i).asString()).isEqualTo("value " + i);
      }
    }
  }

  @Test
  void key_madeWhileTheSealerCloses_isWiped() {
    var keys = new Keys();
    CountDownLatch gate = new CountDownLatch(1);
    keys.gate = gate;
    var sealer = new Sealer(keys);
    Crew<SealingKey> making = Crew.of(1, () -> sealer.key(Duration.ofSeconds(30)));
    Eventually.until(() -> keys.made.get() == 1, () -> "not begun");

    sealer.close();
    gate.countDown();

    assertThat(making.value().isWiped()).isTrue();
    assertThat(
            failure(
                    () ->
                        sealer
                            .key(Duration.ofSeconds(1))
                            .seal(new byte[12], new byte[0], new byte[1]))
                .reason())
        .isEqualTo(Reason.CLOSED);
  }
}
