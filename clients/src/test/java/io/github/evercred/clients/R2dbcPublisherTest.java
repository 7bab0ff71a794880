package io.github.evercred.clients;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.evercred.FailureKind;
import io.github.evercred.LoginOptions;
import io.github.evercred.RotationAwareLogin;
import io.github.evercred.SecretCache;
import io.github.evercred.SecretException;
import io.github.evercred.SecretSource;
import io.github.evercred.SecretValue;
import io.github.evercred.VersionSelector;
import io.github.evercred.clients.ScriptedR2dbc.Script;
import io.r2dbc.spi.Connection;
import io.r2dbc.spi.ConnectionFactoryOptions;
import io.r2dbc.spi.R2dbcException;
import io.r2dbc.spi.R2dbcNonTransientResourceException;
import io.r2dbc.spi.R2dbcPermissionDeniedException;
import io.r2dbc.spi.R2dbcTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.reactivestreams.Subscriber;
import org.reactivestreams.Subscription;
import reactor.core.publisher.Mono;

/** What a subscriber sees, by a driver that does what the test says. */
@Timeout(60)
class R2dbcPublisherTest {
  private static final String ID = "prod/db";

  private final Map<String, SecretValue> versions = new ConcurrentHashMap<>();
  private final SecretSource source =
      request -> {
        SecretValue value = versions.get(request.version().text());
        if (value == null) {
          throw new SecretException(SecretException.Reason.NOT_FOUND, "no such version", null);
        }
        return value;
      };
  private final SecretCache cache =
      SecretCache.builder().source(source).minimumInterval(Duration.ZERO).build();
  private final RotationAwareLogin login = new RotationAwareLogin(cache);

  R2dbcPublisherTest() {
    put(VersionSelector.CURRENT, "v1", "one");
  }

  private void put(VersionSelector label, String version, String password) {
    versions.put(
        label.text(),
        SecretValue.builder(ID, version)
            .labels(List.of(label.text()))
            .text("{\"username\":\"app\",\"password\":\"" + password + "\"}"));
  }

  @AfterEach
  void close() {
    cache.close();
  }

  private EvercredConnectionFactory.Builder builder(Script script) {
    return EvercredConnectionFactory.builder(login, ID, script.options());
  }

  /** Writes down what it hears, and who says it. */
  private static final class Heard implements Subscriber<Connection> {
    final List<String> signals = new CopyOnWriteArrayList<>();
    final CountDownLatch ended = new CountDownLatch(1);
    private final Consumer<Subscription> onSubscribe;
    volatile @Nullable Throwable failure;
    volatile @Nullable String thread;
    private final AtomicInteger inside = new AtomicInteger();

    Heard(Consumer<Subscription> onSubscribe) {
      this.onSubscribe = onSubscribe;
    }

    private void heard(String signal) {
      signals.add(inside.get() > 1 ? signal + " overtook" : signal);
      thread = Thread.currentThread().getName();
    }

    @Override
    public void onSubscribe(Subscription subscription) {
      inside.incrementAndGet();
      onSubscribe.accept(subscription);
      heard("subscribed");
      inside.decrementAndGet();
    }

    @Override
    public void onNext(Connection connection) {
      inside.incrementAndGet();
      heard("next");
      inside.decrementAndGet();
    }

    @Override
    public void onError(Throwable error) {
      failure = error;
      heard("error");
      ended.countDown();
    }

    @Override
    public void onComplete() {
      heard("complete");
      ended.countDown();
    }

    Heard ended() throws InterruptedException {
      assertThat(ended.await(30, TimeUnit.SECONDS)).as("ended, after %s", signals).isTrue();
      return this;
    }
  }

  @Test
  void create_requestedOnceOrMore_givesOneConnectionAndEnds() throws Exception {
    try (var script = new Script("once", "one")) {
      var heard =
          new Heard(
              subscription -> {
                subscription.request(1);
                subscription.request(Long.MAX_VALUE);
              });

      builder(script).build().create().subscribe(heard);

      assertThat(heard.ended().signals).containsExactly("subscribed", "next", "complete");
      assertThat(heard.thread).startsWith("evercred-r2dbc-");
      assertThat(script.passwords).containsExactly("one");
      assertThat(script.closed).hasValue(0);
    }
  }

  @Test
  void create_notRequested_logsNobodyIn() {
    try (var script = new Script("unasked", "one")) {
      builder(script).build().create().subscribe(new Heard(subscription -> {}));

      assertThat(script.passwords).isEmpty();
      assertThat(login.statistics().succeeded()).isZero();
    }
  }

  /** The login is done while the subscriber is still in onSubscribe, and its signal has to wait. */
  @Test
  void create_requestedInOnSubscribe_signalsOnlyAfterIt() throws Exception {
    try (var script = new Script("serial", "one")) {
      var factory = builder(script).build();
      var first = new Heard(subscription -> subscription.request(1));
      factory.create().subscribe(first);
      first.ended();
      var slow =
          new Heard(
              subscription -> {
                subscription.request(1);
                var other = new Heard(its -> its.request(1)); // Asked later, served first.
                factory.create().subscribe(other);
                try {
                  other.ended();
                } catch (InterruptedException e) {
                  throw new IllegalStateException(e);
                }
              });

      factory.create().subscribe(slow);

      assertThat(slow.ended().signals).containsExactly("subscribed", "next", "complete");
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {0, -1, Long.MIN_VALUE})
  void request_notPositive_isAnErrorAndNoLogin(long n) throws Exception {
    try (var script = new Script("negative", "one")) {
      var heard =
          new Heard(
              subscription -> {
                subscription.request(n);
                subscription.request(1);
              });

      builder(script).build().create().subscribe(heard);

      assertThat(heard.ended().signals).containsExactly("subscribed", "error");
      assertThat(heard.failure)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("3.9");
      assertThat(script.passwords).isEmpty();
    }
  }

  @Test
  void subscribe_twice_logsInTwice() throws Exception {
    try (var script = new Script("twice", "one")) {
      var publisher = builder(script).build().create();

      Connection one = Mono.<Connection>from(publisher).block(Duration.ofSeconds(30));
      Connection two = Mono.<Connection>from(publisher).block(Duration.ofSeconds(30));

      assertThat(one).isNotNull().isNotEqualTo(two);
    }
  }

  @Test
  void subscribe_null_isRefusedAtOnce() {
    try (var script = new Script("null", "one")) {
      var publisher = builder(script).build().create();

      assertThatThrownBy(() -> publisher.subscribe(null)).isInstanceOf(NullPointerException.class);
    }
  }

  @Test
  void subscriber_thatThrowsInOnSubscribe_isNotServed() {
    try (var script = new Script("throws", "one")) {
      var publisher = builder(script).build().create();
      var heard =
          new Heard(
              subscription -> {
                subscription.request(1);
                throw new IllegalStateException("mine");
              });

      assertThatThrownBy(() -> publisher.subscribe(heard)).hasMessage("mine");
      assertThat(script.passwords).isEmpty();
    }
  }

  /** Nobody catches what it throws: it is as if the thread had no more to do. */
  @Test
  void subscriber_thatThrowsInOnNext_isToldOfAndHarmsNobody() throws Exception {
    try (var script = new Script("next", "one")) {
      var factory = builder(script).threads(1).build();
      var told = new CompletableFuture<Throwable>();

      factory
          .create()
          .subscribe(
              new Subscriber<Connection>() {
                @Override
                public void onSubscribe(Subscription subscription) {
                  subscription.request(1);
                }

                @Override
                public void onNext(Connection connection) {
                  Thread.currentThread()
                      .setUncaughtExceptionHandler((thread, failure) -> told.complete(failure));
                  throw new IllegalStateException("mine");
                }

                @Override
                public void onError(Throwable failure) {}

                @Override
                public void onComplete() {}
              });

      assertThat(told.get(30, TimeUnit.SECONDS)).hasMessage("mine");
      assertThat(connect(factory)).isNotNull();
    }
  }

  /** A driver that gives its first connection when it is told to, cancelled or not. */
  private static final class Deaf implements AutoCloseable {
    final CountDownLatch asked = new CountDownLatch(1);
    final CountDownLatch cancelled = new CountDownLatch(1);
    private volatile @Nullable Subscriber<? super Connection> waiting;
    private volatile boolean given;
    final Script script = new Script("deaf", password -> this::subscribe);

    private void subscribe(Subscriber<? super Connection> subscriber) {
      waiting = subscriber;
      subscriber.onSubscribe(
          new Subscription() {
            @Override
            public void request(long n) {
              asked.countDown();
              if (given) {
                subscriber.onNext(script.connection());
              }
            }

            @Override
            public void cancel() {
              cancelled.countDown();
            }
          });
    }

    void give() {
      given = true;
      Objects.requireNonNull(waiting).onNext(script.connection());
    }

    @Override
    public void close() {
      script.close();
    }
  }

  private static void await(CountDownLatch latch) throws InterruptedException {
    assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void cancel_whileTheDriverConnects_freesTheThreadAndClosesWhatComes() throws Exception {
    try (var driver = new Deaf()) {
      var factory = patient(driver.script);
      var subscriptions = new CopyOnWriteArrayList<Subscription>();
      var heard = new Heard(subscriptions::add);
      factory.create().subscribe(heard);
      subscriptions.get(0).request(1);
      await(driver.asked);

      subscriptions.get(0).cancel();
      await(driver.cancelled);
      driver.give();

      assertThat(driver.script.closed).hasValue(1);
      assertThat(heard.signals).containsExactly("subscribed");
      subscriptions.get(0).cancel();
      subscriptions.get(0).request(1);
      subscriptions.get(0).request(-1);
      assertThat(heard.signals).containsExactly("subscribed");
      assertThat(connect(factory)).as("by the one thread there is").isNotNull();
    }
  }

  /** One that ends only when it is cancelled: no time-out of its own does what is to be shown. */
  private EvercredConnectionFactory patient(Script script) {
    Duration tenMinutes = Duration.ofMinutes(10);
    return builder(script)
        .threads(1)
        .loginTimeout(tenMinutes)
        .loginOptions(LoginOptions.DEFAULTS.withRotationWait(tenMinutes))
        .build();
  }

  private static Connection connect(EvercredConnectionFactory factory) {
    return Objects.requireNonNull(
        Mono.<Connection>from(factory.create()).block(Duration.ofSeconds(30)));
  }

  /** The connection is there, and cancelling has won by a hair. */
  @Test
  void cancel_whenTheConnectionIsThere_closesIt() throws Exception {
    var subscriptions = new CopyOnWriteArrayList<Subscription>();
    var cancelled = new CountDownLatch(1);
    var held = new AtomicReference<Script>();
    try (var script =
        new Script(
            "hair",
            password ->
                Mono.fromSupplier(
                    () -> {
                      subscriptions.get(0).cancel();
                      cancelled.countDown();
                      return Objects.requireNonNull(held.get()).connection();
                    }))) {
      held.set(script);
      var heard = new Heard(subscriptions::add);
      builder(script).build().create().subscribe(heard);

      subscriptions.get(0).request(1);

      await(cancelled);
      Eventually.until(() -> script.closed.get() == 1);
      assertThat(heard.signals).containsExactly("subscribed");
    }
  }

  @Test
  void cancel_whileWaitingForAThread_neverLogsIn() throws Exception {
    try (var driver = new Deaf()) {
      var factory = patient(driver.script);
      var subscriptions = new CopyOnWriteArrayList<Subscription>();
      var first = new Heard(subscriptions::add);
      var second = new Heard(subscriptions::add);
      factory.create().subscribe(first);
      subscriptions.get(0).request(1);
      await(driver.asked);
      factory.create().subscribe(second);
      subscriptions.get(1).request(1);

      subscriptions.get(1).cancel();
      driver.give();

      assertThat(first.ended().signals).containsExactly("subscribed", "next", "complete");
      // One more through the same thread: by then the second would have had its turn.
      var third = new Heard(subscription -> subscription.request(1));
      factory.create().subscribe(third);
      third.ended();
      assertThat(second.signals).containsExactly("subscribed");
      assertThat(driver.script.passwords).hasSize(2);
    }
  }

  @Test
  void create_driverHangs_endsInTimeAndClosesWhatComes() throws Exception {
    try (var driver = new Deaf()) {
      var factory = builder(driver.script).threads(1).loginTimeout(Duration.ofSeconds(2)).build();
      var first = new Heard(subscription -> subscription.request(1));
      var second = new Heard(subscription -> subscription.request(1));
      factory.create().subscribe(first);
      factory.create().subscribe(second);

      assertThat(first.ended().failure)
          .isInstanceOf(R2dbcTimeoutException.class)
          .hasMessageContaining("scripted deaf within")
          .hasMessageContaining("rotationWait or loginTimeout");
      // It had no thread, or one for the last moment.
      assertThat(second.ended().failure).isInstanceOf(R2dbcTimeoutException.class);
      await(driver.cancelled);
      driver.give();
      assertThat(driver.script.closed).hasValue(1);
    }
  }

  @Test
  void logIn_waitedForAThreadTooLong_saysWhatToRaise() {
    try (var script = new Script("waited", "one")) {
      var itsLogin = new R2dbcLogin(ID, script.options(), LoginOptions.DEFAULTS, failure -> null);
      Duration timeout = Duration.ofSeconds(3);

      assertThatThrownBy(() -> itsLogin.logIn(login, timeout, timeout))
          .isInstanceOf(R2dbcTimeoutException.class)
          .hasMessageContaining("No thread was free")
          .hasMessageContaining("secret 'prod/db' at scripted waited within PT3S (loginTimeout)");
      assertThat(script.passwords).isEmpty();
    }
  }

  /** So many at once as there are threads, and the caller's own is not one of them. */
  @Test
  void create_sixtyFourAtOnce_allServedByAsManyThreadsAsAllowed() throws Exception {
    var names = ConcurrentHashMap.<String>newKeySet();
    var underWay = new AtomicInteger();
    var most = new AtomicInteger();
    var four = new CountDownLatch(4);
    var held = new AtomicReference<Script>();
    try (var script =
        new Script(
            "crowd",
            password ->
                Mono.fromSupplier(
                    () -> {
                      names.add(Thread.currentThread().getName());
                      most.accumulateAndGet(underWay.incrementAndGet(), Math::max);
                      four.countDown();
                      try {
                        await(four);
                      } catch (InterruptedException e) {
                        throw new IllegalStateException(e);
                      }
                      underWay.decrementAndGet();
                      return Objects.requireNonNull(held.get()).connection();
                    }))) {
      held.set(script);
      var factory = builder(script).threads(4).build();
      var all = new ArrayList<Heard>();
      for (int i = 0; i < 64; i++) {
        var heard = new Heard(subscription -> subscription.request(1));
        all.add(heard);
        factory.create().subscribe(heard);
      }

      for (Heard heard : all) {
        assertThat(heard.ended().signals).containsExactly("subscribed", "next", "complete");
      }
      assertThat(most).hasValue(4);
      assertThat(names).hasSize(4).allMatch(name -> name.startsWith("evercred-r2dbc-"));
      assertThat(factory.statistics().succeeded()).isEqualTo(64);
      assertThat(script.closed).hasValue(0);
    }
  }

  @Test
  void create_inTheWindow_usesPendingAndKeepsToIt() {
    try (var script = new Script("window", "two")) {
      put(VersionSelector.PENDING, "v2", "two");
      var factory = builder(script).build();

      connect(factory);
      connect(factory);

      assertThat(script.passwords).containsExactly("one", "two", "two");
      assertThat(factory.statistics().refused()).isEqualTo(1);
    }
  }

  /** It holds a password, and would do so after the cache is closed, and in a snapshot. */
  @Test
  void driversFactory_onceItHasConnected_isKeptByNobody() throws Exception {
    try (var script = new Script("kept", "two")) {
      put(VersionSelector.PENDING, "v2", "two");
      var factory = builder(script).build();
      connect(factory);
      assertThat(script.factories).as("for metadata, v1 and v2").hasSize(3);

      Eventually.until(
          () -> {
            System.gc();
            return script.factories.stream().allMatch(made -> made.get() == null);
          });

      assertThat(connect(factory)).as("is still in use").isNotNull();
    }
  }

  @Test
  void create_allRefused_saysWhatWasTried() {
    try (var script = new Script("refusing", "none")) {
      put(VersionSelector.PENDING, "v2", "two");
      var factory =
          builder(script)
              .loginOptions(LoginOptions.DEFAULTS.withRotationWait(Duration.ofSeconds(3)))
              .build();

      assertThatThrownBy(() -> connect(factory))
          .isInstanceOf(R2dbcPermissionDeniedException.class)
          .hasMessageContaining("secret 'prod/db' at scripted refusing")
          .hasMessageContaining("AWSPENDING v2")
          .hasRootCauseMessage("refused")
          .satisfies(
              e -> {
                assertThat(((R2dbcException) e).getSqlState()).isEqualTo("28000");
                assertThat(((R2dbcException) e).getErrorCode()).isEqualTo(1);
              });
    }
  }

  @Test
  void create_notWaiting_givesTheDriversOwnRefusal() {
    try (var script = new Script("bare", "none")) {
      var factory =
          builder(script)
              .loginOptions(LoginOptions.DEFAULTS.withRotationWait(Duration.ZERO))
              .build();

      assertThatThrownBy(() -> connect(factory))
          .isInstanceOf(R2dbcPermissionDeniedException.class)
          .hasMessage("refused");
    }
  }

  @Test
  void failures_saidByTheCaller_winOverCodes() {
    try (var script = new Script("told", "none")) {
      var factory = builder(script).failures(e -> FailureKind.OTHER).build();

      assertThatThrownBy(() -> connect(factory)).hasMessage("refused");
      assertThat(factory.statistics().refused()).isZero();
      assertThat(script.passwords).hasSize(1);
    }
  }

  @Test
  void create_driverFails_leavesItAsItIs() {
    var own = new java.io.IOException("the driver's");
    try (var checked = new Script("checked", password -> Mono.error(own));
        var error = new Script("error", password -> Mono.error(new NoClassDefFoundError("x")));
        var thrown =
            new Script(
                "thrown",
                password -> {
                  throw new IllegalStateException("thrown");
                });
        var empty = new Script("empty", password -> Mono.empty())) {
      assertThatThrownBy(() -> connect(builder(checked).build())).hasRootCause(own);
      assertThatThrownBy(() -> connect(builder(thrown).build())).hasMessage("thrown");
      var heard = new Heard(subscription -> subscription.request(1));
      builder(error).build().create().subscribe(heard);
      assertThatCode(heard::ended).doesNotThrowAnyException();
      assertThat(heard.failure).isInstanceOf(NoClassDefFoundError.class);
      assertThatThrownBy(() -> connect(builder(empty).build()))
          .isInstanceOf(R2dbcNonTransientResourceException.class)
          .hasMessageContaining("no connection and no error");
    }
  }

  @Test
  void create_secretWithoutPassword_saysSoAndLogsNobodyIn() {
    try (var script = new Script("member", "one")) {
      versions.put(
          "AWSCURRENT",
          SecretValue.builder(ID, "v3").labels(List.of("AWSCURRENT")).text("{\"username\":\"u\"}"));

      assertThatThrownBy(() -> connect(builder(script).build()))
          .isInstanceOf(R2dbcNonTransientResourceException.class)
          .hasMessageContaining("prod/db")
          .hasMessageContaining("password");
      assertThat(script.passwords).isEmpty();
    }
  }

  @Test
  void create_noSuchSecretOrCacheClosed_saysWhich() {
    try (var script = new Script("gone", "one")) {
      var missing = EvercredConnectionFactory.builder(login, "none", script.options()).build();
      versions.clear();
      assertThatThrownBy(() -> connect(missing))
          .isInstanceOf(R2dbcNonTransientResourceException.class)
          .hasMessageContaining("'none'")
          .hasCauseInstanceOf(SecretException.class);

      cache.close();
      assertThatThrownBy(() -> connect(builder(script).build()))
          .isInstanceOf(R2dbcNonTransientResourceException.class)
          .hasMessageContaining("closed");
    }
  }

  @Test
  void options_withUserOrPassword_areRefusedWithoutQuoting() {
    for (String url :
        List.of("r2dbc:postgresql://marker:marker@h/db", "r2dbc:postgresql://marker@h/db")) {
      assertThatThrownBy(() -> EvercredConnectionFactory.builder(login, ID, url))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("leave it out, secret 'prod/db' holds it")
          .hasMessageNotContaining("marker");
    }
    var password =
        ConnectionFactoryOptions.builder()
            .option(ConnectionFactoryOptions.DRIVER, "postgresql")
            .option(ConnectionFactoryOptions.PASSWORD, "marker")
            .build();
    assertThatThrownBy(() -> EvercredConnectionFactory.builder(login, ID, password))
        .hasMessageContaining("hold a password")
        .hasMessageNotContaining("marker");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "jdbc:postgresql://app:marker@h/db",
        "r2dbc:://app:marker@h/db",
        "r2dbc:postgresql://h/db?password=marker",
        "r2dbc:postgresql://h/db?user=marker",
      })
  void url_unreadable_isRefusedWithoutQuoting(String url) {
    assertThatThrownBy(() -> EvercredConnectionFactory.builder(login, ID, url))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("write r2dbc:driver://host:port/database")
        .hasNoCause()
        .hasMessageNotContaining("marker");
  }

  @Test
  void options_ofAPoolOrOfNoDriver_areRefused() {
    assertThatThrownBy(
            () -> EvercredConnectionFactory.builder(login, ID, "r2dbc:pool:postgresql://h/db"))
        .hasMessageContaining("on top of this factory");
    assertThatThrownBy(
            () ->
                EvercredConnectionFactory.builder(
                    login, ID, ConnectionFactoryOptions.builder().build()))
        .hasMessageContaining("no driver");
    assertThatThrownBy(
            () -> EvercredConnectionFactory.builder(login, ID, "r2dbc:nosuch://h/db").build())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("nosuch");
  }

  @Test
  void settings_outOfRange_areRefused() {
    try (var script = new Script("range", "one")) {
      for (int count : new int[] {0, -1, 1_001}) {
        assertThatThrownBy(() -> builder(script).threads(count))
            .hasMessage("threads must be 1 to 1000, not " + count + ".");
      }
      for (Duration time : List.of(Duration.ZERO, Duration.ofMillis(99), Duration.ofMinutes(11))) {
        assertThatThrownBy(() -> builder(script).loginTimeout(time))
            .hasMessage("loginTimeout must be 100 ms to 10 min, not " + time + ".");
      }
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          r2dbc:postgresql://H.Example/db           | postgresql h.example:5432
          r2dbc:postgresql://h:7/db                 | postgresql h:7
          r2dbc:postgresql:failover://h1:7,h2/db    | postgresql h1:7,h2:5432
          r2dbc:postgresql://[::1]:7/db             | postgresql [::1]:7
          """)
  void target_ofAUrl_isDriverAndHosts(String url, String target) {
    assertThat(EvercredConnectionFactory.builder(login, ID, url).build())
        .hasToString("EvercredConnectionFactory[secret 'prod/db' at " + target + "]");
  }

  @Test
  void metadata_isTheDrivers() {
    try (var script = new Script("metadata", "one")) {
      assertThat(builder(script).build().getMetadata().getName()).isEqualTo("Scripted");
    }
    assertThat(
            EvercredConnectionFactory.builder(login, ID, "r2dbc:postgresql://h/db")
                .build()
                .getMetadata()
                .getName())
        .isEqualTo("PostgreSQL");
  }
}
