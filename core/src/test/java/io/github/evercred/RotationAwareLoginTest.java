package io.github.evercred;

import static io.github.evercred.FakeSource.version;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.github.evercred.FakeTarget.Failed;
import io.github.evercred.FakeTarget.Seen;
import io.github.evercred.SecretException.Reason;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class RotationAwareLoginTest {
  private static final String ID = "orders";
  private static final Target TARGET = new Target("fake", List.of("db:1"), null);
  private static final Duration SECOND = Duration.ofSeconds(1);

  private final FakeTime time = new FakeTime();
  private final FakeSource secrets = new FakeSource();
  private final FakeTarget server = new FakeTarget();
  private final SecretCache cache = SecretCache.builder().source(secrets).build(time);
  private final List<String> heard = java.util.Collections.synchronizedList(new ArrayList<>());
  private final RotationAwareLogin login = new RotationAwareLogin(cache, new Recorder());
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private LoginOptions options = LoginOptions.DEFAULTS;

  private final class Recorder implements RotationListener {
    @Override
    public void refused(Target target, String secretId, String versionId) {
      heard.add("refused " + number(versionId));
    }

    @Override
    public void rotationIncomplete(
        Target target, String secretId, String label, String versionId, Duration since) {
      heard.add("incomplete " + label + " " + number(versionId) + " " + since.toMinutes() + "m");
    }

    @Override
    public void rotationComplete(Target target, String secretId, String versionId) {
      heard.add("complete " + number(versionId));
    }

    private String number(String versionId) {
      return "v" + Integer.parseInt(versionId.substring(30));
    }
  }

  @BeforeEach
  void steady() throws Exception {
    put(1, "AWSCURRENT");
    server.accept("p1");
    assertThat(connect()).endsWith(version(1));
    server.forget();
    secrets.forgetCalls();
    time.advance(SECOND);
  }

  @AfterEach
  void stop() {
    threads.shutdownNow();
    cache.close();
  }

  private void put(int number, String... labels) {
    secrets.put(ID, number, secret("app", "p" + number), labels);
  }

  private static String secret(String user, String password) {
    return "{\"username\":\"%s\",\"password\":\"%s\"}".formatted(user, password);
  }

  private String connect() throws Failed {
    return login.login(TARGET, ID, options, Optional.empty(), server);
  }

  private Future<String> connecting() {
    return threads.submit((Callable<String>) this::connect);
  }

  private List<Future<String>> connecting(int count) {
    List<Future<String>> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      all.add(connecting());
    }
    return all;
  }

  private static String get(Future<String> login) throws Exception {
    return login.get(20, TimeUnit.SECONDS);
  }

  private static Throwable failure(Future<String> login) throws Exception {
    try {
      throw new AssertionError("logged in: " + login.get(20, TimeUnit.SECONDS));
    } catch (ExecutionException e) {
      return e.getCause() == null ? e : e.getCause();
    }
  }

  /**
   * Moves time on in small steps until the future is done. On a busy machine the threads lag behind
   * the time by some seconds, so upper bounds are generous.
   */
  private Duration advanceUntilDone(Future<?> login, Duration limit) {
    Duration step = Duration.ofMillis(50);
    Duration passed = Duration.ZERO;
    while (!login.isDone() && passed.compareTo(limit) < 0) {
      time.advance(step);
      passed = passed.plus(step);
      settle(login);
    }
    return passed;
  }

  /** Gives the threads a moment to reach their next wait in fake time. */
  private void settle(Future<?> login) {
    long end = System.nanoTime() + 2_000_000;
    while (!login.isDone() && System.nanoTime() - end < 0) {
      Thread.onSpinWait();
    }
  }

  private void rotateInto(int number) {
    put(number, "AWSPENDING");
    server.accept("p" + number);
  }

  @Test
  void login_insideWindow_triesCurrentOnceThenPending() throws Exception {
    rotateInto(2);

    assertThat(connect()).endsWith(version(2));
    assertThat(connect()).endsWith(version(2));

    assertThat(server.seen())
        .containsExactly(new Seen("p1", false), new Seen("p2", true), new Seen("p2", true));
    assertThat(secrets.calls()).isEqualTo(2);
    assertThat(heard).containsExactly("refused v1", "incomplete AWSPENDING v2 0m");
  }

  private Optional<VersionInUse> inUse() {
    return login.versionInUse(TARGET, ID, options);
  }

  /** Which version is used, and which of the first three are superseded. */
  private String used() {
    VersionInUse used = inUse().orElseThrow();
    var superseded = new ArrayList<Integer>();
    for (int number = 1; number <= 3; number++) {
      if (used.supersedes(version(number))) {
        superseded.add(number);
      }
    }
    return "v%d, superseded %s"
        .formatted(Integer.parseInt(used.value().versionId().substring(30)), superseded);
  }

  @Test
  void versionInUse_noLoginEver_isCurrentAsCached() {
    var fresh = new RotationAwareLogin(cache);
    put(2, "AWSPENDING");

    VersionInUse used = fresh.versionInUse(TARGET, ID, options).orElseThrow();

    assertThat(used.value().versionId()).isEqualTo(version(1));
    assertThat(used.currentVersionId()).isEqualTo(version(1));
    assertThat(used.supersedes(version(1))).isFalse();
    assertThat(used.supersedes(version(2))).isTrue();
    assertThat(fresh.versionInUse(TARGET, "never read", options)).isEmpty();
    assertThat(used.toString()).doesNotContain("p1");
  }

  @Test
  void versionInUse_duringTheWindow_isWhatWorksAndNeitherIsSuperseded() throws Exception {
    rotateInto(2);
    assertThat(used()).as("nobody has been refused yet").isEqualTo("v1, superseded [2, 3]");

    connect();

    assertThat(used()).isEqualTo("v2, superseded [3]");
    assertThat(login.versionInUse(new Target("fake", List.of("other:1"), null), ID, options))
        .map(v -> v.value().versionId())
        .as("nothing is known of another target")
        .contains(version(1));
    options = options.withCurrentOnly(true);
    assertThat(used()).isEqualTo("v1, superseded [2, 3]");
  }

  @Test
  void versionInUse_afterThePromotion_supersedesTheOld() throws Exception {
    rotateInto(2);
    connect();
    secrets.move(ID, "AWSCURRENT", 2);
    assertThat(used()).as("not seen yet").isEqualTo("v2, superseded [3]");

    time.advance(SECOND);
    cache.refresh(ID);
    assertThat(used()).as("before a login sees it").isEqualTo("v2, superseded [1, 3]");
    connect();
    assertThat(used()).isEqualTo("v2, superseded [1, 3]");
  }

  @Test
  void versionInUse_afterARollback_supersedesTheNew() throws Exception {
    rotateInto(2);
    connect();
    secrets.move(ID, "AWSCURRENT", 2);
    time.advance(SECOND);
    cache.refresh(ID);
    connect();
    secrets.move(ID, "AWSCURRENT", 1);
    server.accept("p1");
    time.advance(SECOND);
    connect();

    assertThat(used()).isEqualTo("v1, superseded [2, 3]");
  }

  @Test
  void versionInUse_pendingCancelled_isWhatWorksWithoutALabel() throws Exception {
    rotateInto(2);
    connect();
    secrets.unlabel(ID, "AWSPENDING");
    time.advance(SECOND);
    cache.refresh(ID);

    assertThat(used()).isEqualTo("v2, superseded [3]");
  }

  @Test
  void versionInUse_alternatingUsers_supersedesTheOtherUsersOnceTheLabelMoved() throws Exception {
    server.accept("p1", "p2");
    secrets.put(ID, 2, secret("app_clone", "p2"), "AWSPENDING");
    connect();
    assertThat(used()).isEqualTo("v1, superseded [2, 3]");

    secrets.move(ID, "AWSCURRENT", 2);
    time.advance(SECOND);
    cache.refresh(ID);
    assertThat(used()).as("before any login").isEqualTo("v2, superseded [1, 3]");

    connect();
    assertThat(used()).isEqualTo("v2, superseded [1, 3]");
    assertThat(server.refused()).isZero();
  }

  /** The target found the old version in a probe before; the label's move overtakes that. */
  @Test
  void versionInUse_alternatingUsersAfterAProbe_followsTheLabel() throws Exception {
    put(2, "AWSCURRENT");
    server.accept("p2");
    connect();
    assertThat(server.refused()).isOne();
    assertThat(used()).isEqualTo("v2, superseded [1, 3]");

    server.accept("p2", "p3");
    secrets.put(ID, 3, secret("app_clone", "p3"), "AWSCURRENT");
    time.advance(SECOND);
    cache.refresh(ID);

    assertThat(used()).isEqualTo("v3, superseded [1, 2]");
    assertThat(connect()).endsWith(version(3));
  }

  @Test
  void versionInUse_oldAnswerAfterThePromotion_staysWithTheNew() throws Exception {
    put(2, "AWSCURRENT");
    server.accept("p2");
    connect();
    secrets.move(ID, "AWSCURRENT", 1);
    time.advance(SECOND);
    cache.refresh(ID);

    assertThat(used()).isEqualTo("v2, superseded [3]");
    assertThat(connect()).endsWith(version(2));
  }

  @Test
  void versionInUse_asked_changesNothing() throws Exception {
    rotateInto(2);
    connect();
    secrets.move(ID, "AWSCURRENT", 2);
    secrets.forgetCalls();
    server.forget();
    time.advance(SECOND);
    cache.refresh(ID);
    secrets.forgetCalls();
    LoginStatistics before = login.statistics();
    List<String> told = List.copyOf(heard);

    for (int i = 0; i < 100; i++) {
      assertThat(used()).isEqualTo("v2, superseded [1, 3]");
    }

    assertThat(login.statistics()).isEqualTo(before);
    assertThat(heard).as("the completion is told by a login").isEqualTo(told);
    assertThat(server.logins()).isZero();
    assertThat(secrets.calls()).isZero();
    connect();
    assertThat(heard).endsWith("complete v2");
  }

  @Test
  void versionInUse_askedInPlaceOfReads_keepsNothingFresh() {
    secrets.forgetCalls();
    cache.get(ID);
    for (int i = 0; i < 120; i++) {
      time.advance(Duration.ofSeconds(30));
      assertThat(used()).as("held, also when it has lapsed").isEqualTo("v1, superseded [2, 3]");
    }
    assertThat(secrets.calls()).as("the refresh that the one read asked for").isLessThan(2);
  }

  @Test
  void versionInUse_whileAWSHangs_answersAtOnce() throws Exception {
    time.advance(Duration.ofMinutes(20));
    server.hold("p1");
    cache.invalidate(ID);
    assertThat(inUse()).as("nothing is cached").isEmpty();
    assertThat(connecting()).isNotNull();
    server.awaitArrived(1);

    assertThat(used()).as("beside a login that hangs").isEqualTo("v1, superseded [2, 3]");
    server.release("p1");
  }

  @Test
  void versionInUse_byArnAndByName_isTheSame() throws Exception {
    rotateInto(2);
    connect();
    String arn = cache.get(ID).arn().orElseThrow();

    assertThat(login.versionInUse(TARGET, arn, options)).isEqualTo(inUse());
  }

  @Test
  void versionInUse_cacheClosed_isEmpty() throws Exception {
    rotateInto(2);
    connect();

    cache.close();

    assertThat(inUse()).isEmpty();
  }

  @Test
  void versionInUse_askedWhileOthersLogIn_isAlwaysOneThatExists() throws Exception {
    rotateInto(2);
    List<Future<String>> logins = connecting(16);
    while (!logins.stream().allMatch(Future::isDone)) {
      assertThat(used()).isIn("v1, superseded [2, 3]", "v2, superseded [3]");
    }
    for (Future<String> one : logins) {
      assertThat(get(one)).endsWith(version(2));
    }
    assertThat(used()).isEqualTo("v2, superseded [3]");
  }

  @Test
  void login_pendingWithoutUse_isNeverTriedFirst() throws Exception {
    put(2, "AWSPENDING");

    assertThat(connect()).endsWith(version(1));

    assertThat(secrets.calls()).isZero();
    assertThat(server.refused()).isZero();
  }

  @Test
  void login_afterFinish_fetchesCurrentOnce() throws Exception {
    put(2, "AWSCURRENT");
    server.accept("p2");

    assertThat(connect()).endsWith(version(2));

    assertThat(server.refused()).isOne();
    assertThat(secrets.calls()).isOne();
    assertThat(heard).containsExactly("refused v1");
  }

  @Test
  void login_promotionSeen_isComplete() throws Exception {
    rotateInto(2);
    connect();
    secrets.move(ID, "AWSCURRENT", 2);
    time.advance(SECOND);
    cache.refresh(ID);

    assertThat(connect()).endsWith(version(2));

    assertThat(heard).endsWith("complete v2");
    assertThat(server.refused()).isOne();
  }

  @Test
  void login_twoRotationsInARow_costsOneRefusalAndTwoCallsEach() throws Exception {
    rotateInto(2);
    connect();
    secrets.move(ID, "AWSCURRENT", 2);
    secrets.unlabel(ID, "AWSPENDING");
    time.advance(Duration.ofSeconds(3));
    rotateInto(3);

    assertThat(connect()).endsWith(version(3));

    assertThat(server.refused("p1")).isOne();
    assertThat(server.refused("p2")).isOne();
    assertThat(server.refused()).isEqualTo(2);
    assertThat(secrets.calls()).isEqualTo(4);
  }

  @Test
  void login_rolledBack_returnsToTheOldVersion() throws Exception {
    rotateInto(2);
    connect();
    secrets.move(ID, "AWSCURRENT", 2);
    time.advance(SECOND);
    cache.refresh(ID);
    connect();
    secrets.move(ID, "AWSCURRENT", 1);
    server.accept("p1");
    time.advance(SECOND);

    assertThat(connect()).endsWith(version(1));

    assertThat(server.refused("p2")).isOne();
    assertThat(server.refused("p1")).isOne(); // From the rotation, not from the rollback.
  }

  @Test
  void login_secretsManagerAnswersNewOldNew_staysWithTheNew() throws Exception {
    put(2, "AWSCURRENT");
    server.accept("p2");
    connect();
    server.forget();
    secrets.move(ID, "AWSCURRENT", 1); // An answer from before the promotion.
    time.advance(SECOND);
    cache.refresh(ID);
    assertThat(cache.get(ID).versionId()).isEqualTo(version(1));

    assertThat(connect()).endsWith(version(2));
    secrets.move(ID, "AWSCURRENT", 2);
    time.advance(SECOND);
    cache.refresh(ID);
    assertThat(connect()).endsWith(version(2));

    assertThat(server.refused()).isZero();
  }

  @Test
  void login_passwordAppliedTenSecondsLate_recoversWithinItsDeadline() throws Exception {
    secrets.createdAt(time.wall());
    put(2, "AWSPENDING");
    server.accept();

    Future<String> waiting = connecting();
    Duration before = advanceUntilDone(waiting, Duration.ofSeconds(10));
    assertThat(before).isEqualTo(Duration.ofSeconds(10));
    server.accept("p2");
    Duration after = advanceUntilDone(waiting, Duration.ofSeconds(10));

    assertThat(get(waiting)).endsWith(version(2));
    assertThat(after).isLessThan(Duration.ofSeconds(9));
    assertThat(server.refused("p1")).isOne();
    assertThat(server.refused("p2")).isBetween(3L, 4L); // Threads lag behind the time.
  }

  @Test
  void login_pendingWithoutValueAtTheProbe_findsItInALaterRound() throws Exception {
    server.accept("p2");
    Future<String> waiting = connecting();
    advanceUntilDone(waiting, SECOND);
    assertThat(waiting).isNotDone();
    rotateInto(2);

    advanceUntilDone(waiting, Duration.ofSeconds(5));

    assertThat(get(waiting)).endsWith(version(2));
  }

  @Test
  void login_laggingReplica_usesPreviousAndReexaminesIt() throws Exception {
    put(2, "AWSCURRENT"); // p1 is still what this replica knows.
    time.advance(SECOND);
    cache.refresh(ID);
    secrets.forgetCalls();
    time.advance(SECOND);

    assertThat(connect()).endsWith(version(1));
    assertThat(heard).containsExactly("refused v2", "incomplete AWSPREVIOUS v1 0m");
    assertThat(server.refused()).isOne();
    connect();
    assertThat(server.refused()).isOne();

    time.advance(Duration.ofSeconds(61));
    assertThat(connect()).endsWith(version(1)); // One caller looks again, and it still lags.
    assertThat(server.refused()).isEqualTo(2);

    server.accept("p2");
    time.advance(Duration.ofSeconds(61));
    assertThat(connect()).endsWith(version(2));
    assertThat(server.refused()).isEqualTo(2);
    assertThat(heard).endsWith("complete v2");
  }

  @Test
  void login_pendingOfTheSameUser_neverTriesPrevious() {
    put(2, "AWSCURRENT");
    put(3, "AWSPENDING");
    server.accept();

    Future<String> waiting = connecting();
    advanceUntilDone(waiting, Duration.ofSeconds(21));

    assertThat(waiting).isDone();
    assertThat(secrets.calls(VersionSelector.PREVIOUS)).isZero();
  }

  @Test
  void login_previousRefused_isTriedOnceUntilLabelsChange() throws Exception {
    put(2, "AWSCURRENT");
    time.advance(SECOND);
    cache.refresh(ID);
    server.accept();
    options = options.withRefusedLoginsPerMinute(LoginOptions.UNLIMITED);

    Future<String> waiting = connecting();
    advanceUntilDone(waiting, Duration.ofSeconds(21));

    assertThat(failure(waiting)).isInstanceOf(Failed.class);
    assertThat(server.refused("p1")).isOne();
    assertThat(secrets.calls(VersionSelector.PREVIOUS)).isOne();
    assertThat(server.refused("p2")).isBetween(4L, 7L); // 0, 1, 3, 7, 15 s, jittered.
  }

  @Test
  void login_pendingDenied_isNotAskedAgainForFiveMinutes() throws Exception {
    server.accept();
    secrets.script(
        request -> {
          if (request.version().equals(VersionSelector.PENDING)) {
            throw new SecretException(Reason.ACCESS_DENIED, "denied", null);
          }
          return null;
        });
    Future<String> waiting = connecting();
    advanceUntilDone(waiting, Duration.ofSeconds(21));
    assertThat(failure(waiting)).hasMessageContaining("AWSPENDING may not be read");
    assertThat(secrets.calls(VersionSelector.PENDING)).isOne();

    secrets.healthy();
    time.advance(Duration.ofMinutes(5));
    rotateInto(2);
    Future<String> later = connecting();
    advanceUntilDone(later, Duration.ofSeconds(21));

    assertThat(get(later)).endsWith(version(2));
  }

  @Test
  void login_allRefused_endsAtTheDeadlineWithTheTargetsOwnFailure() throws Exception {
    server.accept();

    Future<String> waiting = connecting();
    Duration passed = advanceUntilDone(waiting, Duration.ofSeconds(30));

    assertThat(passed).isBetween(Duration.ofSeconds(20), Duration.ofSeconds(24));
    Failed failed = (Failed) failure(waiting);
    assertThat(failed.why().kind()).isEqualTo(LoginFailure.Kind.REFUSED);
    assertThat(failed.why().lastRefusal()).hasMessage("password refused");
    assertThat(failed).hasMessageContainingAll("orders", "db:1", "PT20S", "AWSCURRENT", "PENDING");
    assertThat(failed.getMessage()).doesNotContain("p1");
  }

  @Test
  void login_callersLimitIsShorter_endsThen() throws Exception {
    server.accept();
    Future<String> waiting =
        threads.submit(
            () -> login.login(TARGET, ID, options, Optional.of(Duration.ofSeconds(3)), server));

    Duration passed = advanceUntilDone(waiting, Duration.ofSeconds(30));

    assertThat(passed).isBetween(Duration.ofSeconds(3), Duration.ofSeconds(7));
    assertThat(server.remaining()).allMatch(left -> left.compareTo(Duration.ofSeconds(20)) <= 0);
    // Time may have moved on a little before this login was heard of.
    assertThat(server.remaining().get(1)).isBetween(Duration.ofMillis(1), Duration.ofSeconds(3));
  }

  @Test
  void login_rotationWaitZero_isRefusedAtOnceAndRefreshesInBackground() throws Exception {
    options = options.withRotationWait(Duration.ZERO);
    put(2, "AWSCURRENT");
    server.accept("p2");
    time.advance(SECOND);

    Failed refused = catchThrowableOfType(Failed.class, this::connect);
    assertThat(refused.isServers()).isTrue();
    Failed held = catchThrowableOfType(Failed.class, this::connect);
    Eventually.until(
        () -> cache.get(ID).versionId().equals(version(2)), () -> "no refresh in the background");

    assertThat(held == null || held.why().kind() == LoginFailure.Kind.REFUSED).isTrue();
    assertThat(connect()).endsWith(version(2));
    assertThat(server.refused()).isOne();
  }

  @Test
  void gate_hundredCallersAfterARefusal_oneRefusalAndNoLoginDuringTheProbe() throws Exception {
    rotateInto(2);
    secrets.hold();
    Future<String> prober = connecting();
    secrets.awaitHeld(1);
    assertThat(server.refused("p1")).isOne();

    List<Future<String>> others = connecting(99);
    time.awaitWaiting(100); // 99 at the gate and the prober at its fetch.
    assertThat(server.logins()).isOne();
    secrets.release();

    assertThat(get(prober)).endsWith(version(2));
    for (Future<String> other : others) {
      assertThat(get(other)).endsWith(version(2));
    }
    assertThat(server.refused()).isOne();
    assertThat(secrets.calls()).isEqualTo(2);
    assertThat(login.statistics().probes()).isOne();
  }

  @Test
  void gate_loginsInFlight_areTheOnlyFurtherRefusals() throws Exception {
    rotateInto(2);
    server.hold("p1");
    List<Future<String>> all = connecting(16);
    server.awaitArrived(16);
    server.release("p1");

    for (Future<String> one : all) {
      assertThat(get(one)).endsWith(version(2));
    }

    assertThat(server.refused("p1")).isEqualTo(16);
    assertThat(server.refused("p2")).isZero();
    assertThat(secrets.calls()).isEqualTo(2);
  }

  @Test
  void gate_manyTargetsOfOneSecret_shareFetches() throws Exception {
    rotateInto(2);
    secrets.hold();
    List<Future<String>> all = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      Target target = new Target("fake", List.of("db:" + i), null);
      all.add(threads.submit(() -> login.login(target, ID, options, Optional.empty(), server)));
    }
    Eventually.until(() -> server.refused() == 20, () -> server.refused() + " refused");
    secrets.release();
    CompletableFuture<?> done =
        CompletableFuture.runAsync(
            () -> {
              for (Future<String> one : all) {
                try {
                  get(one);
                } catch (Exception e) {
                  throw new AssertionError(e);
                }
              }
            });
    // However slow the machine is: no time passes while any of them, or a fetch, is on its way.
    for (int i = 0; i < 200 && !done.isDone(); i++) {
      Eventually.until(
          () ->
              time.busy() == 0
                  && time.waiting() + all.stream().filter(Future::isDone).count() >= all.size(),
          () -> time.waiting() + " wait, " + time.busy() + " fetch");
      time.advance(Duration.ofMillis(50));
      settle(done);
    }

    for (Future<String> one : all) {
      assertThat(get(one)).endsWith(version(2));
    }
    assertThat(secrets.calls()).isLessThanOrEqualTo(16); // 40 if none were shared.
  }

  @Test
  void baton_loginThatHangs_isTakenAwayAndWritesNothing() throws Exception {
    rotateInto(2);
    server.hold("p2");
    Future<String> hanging = connecting();
    server.awaitArrived(2); // p1, then p2.
    List<Future<String>> others = connecting(10);
    time.awaitWaiting(10);

    put(3, "AWSPENDING"); // Meanwhile p2 is overtaken, and only p3 works.
    server.accept("p3", "p2");
    time.advance(Duration.ofSeconds(6));
    CompletableFuture<?> any = CompletableFuture.runAsync(() -> await(others));
    advanceUntilDone(any, Duration.ofSeconds(10));
    for (Future<String> other : others) {
      assertThat(get(other)).endsWith(version(3));
    }
    server.release("p2");
    assertThat(get(hanging)).endsWith(version(2)); // Its own connection is good.

    assertThat(connect()).endsWith(version(3)); // What it found is not believed.
    assertThat(login.statistics().deposed()).isOne();
  }

  private static void await(List<Future<String>> logins) {
    for (Future<String> one : logins) {
      try {
        get(one);
      } catch (Exception e) {
        throw new AssertionError(e);
      }
    }
  }

  @Test
  void baton_secretsManagerHangs_noWaiterBeyondItsDeadline() throws Exception {
    server.accept("p2");
    secrets.hold();
    List<Future<String>> all = connecting(5);
    secrets.awaitHeld(1);
    time.awaitWaiting(5);
    CompletableFuture<?> done = CompletableFuture.runAsync(() -> awaitAny(all));

    Duration passed = advanceUntilDone(done, Duration.ofSeconds(30));

    assertThat(passed).isBetween(Duration.ofSeconds(20), Duration.ofSeconds(24));
    for (Future<String> one : all) {
      assertThat(((Failed) failure(one)).why().kind()).isEqualTo(LoginFailure.Kind.REFUSED);
    }
    secrets.release();
  }

  private static void awaitAny(List<Future<String>> logins) {
    Eventually.until(
        () -> logins.stream().allMatch(Future::isDone), () -> "some logins do not end");
  }

  @Test
  void baton_holderInterrupted_passesOnAndNobodyInheritsIt() throws Exception {
    rotateInto(2);
    secrets.hold();
    var prober = new CompletableFuture<@Nullable Throwable>();
    var flag = new CompletableFuture<Boolean>();
    Thread thread =
        new Thread(
            () -> {
              try {
                prober.completeExceptionally(new AssertionError("logged in: " + connect()));
              } catch (Throwable e) {
                flag.complete(Thread.currentThread().isInterrupted());
                prober.complete(e);
              }
            });
    thread.start();
    secrets.awaitHeld(1);
    List<Future<String>> others = connecting(10);
    time.awaitWaiting(11);

    thread.interrupt();
    Throwable failed = prober.get(20, TimeUnit.SECONDS);
    assertThat(failed).isInstanceOf(Failed.class);
    assertThat(((Failed) failed).why().kind()).isEqualTo(LoginFailure.Kind.INTERRUPTED);
    assertThat(flag.get(1, TimeUnit.SECONDS)).isTrue();
    secrets.release();
    CompletableFuture<?> done = CompletableFuture.runAsync(() -> await(others));
    advanceUntilDone(done, Duration.ofSeconds(10));

    for (Future<String> other : others) {
      assertThat(get(other)).endsWith(version(2));
    }
  }

  @Test
  void baton_holderEndsWithAnError_passesOnAndNobodyInheritsIt() throws Exception {
    rotateInto(2);
    server.hold("p2");
    server.throwOnce("p2", new StackOverflowError("in the driver"));
    Future<String> prober = connecting();
    server.awaitArrived(2); // p1, then p2.
    List<Future<String>> others = connecting(10);
    time.awaitWaiting(10);
    server.release("p2");

    assertThat(failure(prober)).isInstanceOf(StackOverflowError.class);
    CompletableFuture<?> done = CompletableFuture.runAsync(() -> await(others));
    advanceUntilDone(done, Duration.ofSeconds(10));
    for (Future<String> other : others) {
      assertThat(get(other)).endsWith(version(2));
    }
    assertThat(server.refused()).isOne();
  }

  @Test
  void baton_cacheClosed_endsEveryWait() throws Exception {
    server.accept("p2");
    secrets.hold();
    List<Future<String>> all = connecting(10);
    secrets.awaitHeld(1);
    time.awaitWaiting(10);

    cache.close();

    for (Future<String> one : all) {
      assertThat(((Failed) failure(one)).why().kind()).isEqualTo(LoginFailure.Kind.CLOSED);
    }
    secrets.release();
  }

  @Test
  void waiterBetweenRounds_cacheClosed_endsAtOnce() throws Exception {
    server.accept();
    Future<String> waiting = connecting();
    Eventually.until(
        () -> login.statistics().probes() == 1 && time.waiting() == 1, () -> "no round ended");

    cache.close();

    assertThat(((Failed) failure(waiting)).why().kind()).isEqualTo(LoginFailure.Kind.CLOSED);
  }

  @Test
  void probe_fetchUnderWaySinceBeforeTheRefusal_isNotTrusted() throws Exception {
    secrets.hold();
    Future<SecretValue> old = threads.submit(() -> cache.refresh(ID));
    secrets.awaitHeld(1);
    put(2, "AWSCURRENT");
    server.accept("p2");
    time.advance(SECOND);

    Future<String> prober = connecting();
    secrets.awaitHeld(2);
    secrets.release();

    assertThat(get(prober)).endsWith(version(2));
    assertThat(old.get(20, TimeUnit.SECONDS).versionId()).isEqualTo(version(2));
  }

  @Test
  void waiter_interrupted_endsAloneWithItsFlagSet() throws Exception {
    rotateInto(2);
    secrets.hold();
    Future<String> prober = connecting();
    secrets.awaitHeld(1);
    var waiter = new CompletableFuture<Throwable>();
    Thread thread =
        new Thread(
            () -> {
              try {
                waiter.completeExceptionally(new AssertionError(connect()));
              } catch (Failed e) {
                waiter.complete(Thread.currentThread().isInterrupted() ? e : new Exception(e));
              }
            });
    thread.start();
    time.awaitWaiting(2);

    thread.interrupt();

    assertThat(((Failed) waiter.get(20, TimeUnit.SECONDS)).why().kind())
        .isEqualTo(LoginFailure.Kind.INTERRUPTED);
    secrets.release();
    assertThat(get(prober)).endsWith(version(2));
  }

  @Test
  void other_failure_isRethrownUntouchedAtOnce() {
    server.failWith("p1", FailureKind.OTHER);

    Failed failed = catchThrowableOfType(Failed.class, this::connect);

    assertThat(failed.isServers()).isTrue();
    assertThat(failed.kind).isEqualTo(FailureKind.OTHER);
    assertThat(secrets.calls()).isZero();
  }

  /** A try that the login's own limit cuts short ends in the driver's time-out, say. */
  @Test
  void other_failureOfATryCutShortAfterARefusal_theRefusalIsWhy() throws Exception {
    server.accept();
    Future<String> waiting =
        threads.submit(
            () -> login.login(TARGET, ID, options, Optional.of(Duration.ofSeconds(3)), server));
    Eventually.until(() -> server.refused("p1") == 1, () -> "not refused");
    server.failWith("p1", FailureKind.OTHER);
    server.hold("p1");
    Duration passed = Duration.ZERO;
    while (server.arrived() == 0 && passed.compareTo(Duration.ofSeconds(3)) < 0) {
      time.advance(Duration.ofMillis(50));
      passed = passed.plusMillis(50);
      settle(waiting);
    }
    server.awaitArrived(1);
    time.advance(Duration.ofSeconds(3));
    server.release("p1");

    Failed failed = (Failed) failure(waiting);

    assertThat(failed.why().kind()).isEqualTo(LoginFailure.Kind.REFUSED);
    assertThat(failed.why().lastRefusal()).hasMessage("password refused");
    assertThat(failed.getSuppressed()).hasSize(1);
    assertThat(failed.getSuppressed()[0]).hasMessage("the server says OTHER");
    assertThat(login.statistics().gaveUp()).isOne();
  }

  /** With time left it is what the caller must see, whatever was refused before. */
  @Test
  void other_failureInTimeAfterARefusal_isRethrownUntouched() throws Exception {
    server.accept();
    Future<String> waiting = connecting();
    Eventually.until(() -> server.refused("p1") == 1, () -> "not refused");
    server.failWith("p1", FailureKind.OTHER);

    advanceUntilDone(waiting, Duration.ofSeconds(10));

    Failed failed = (Failed) failure(waiting);
    assertThat(failed.isServers()).isTrue();
    assertThat(failed).hasMessage("the server says OTHER");
  }

  @Test
  void locked_account_isTriedByOneCallerAfterTheHold() throws Exception {
    server.failWith("p1", FailureKind.LOCKED_OR_DENIED);
    assertThat(catchThrowableOfType(Failed.class, this::connect).isServers()).isTrue();
    for (int i = 0; i < 10; i++) {
      Failed told = catchThrowableOfType(Failed.class, this::connect);
      assertThat(told.why().kind()).isEqualTo(LoginFailure.Kind.LOCKED);
      assertThat(told.why().lastRefusal()).isNotNull();
    }
    assertThat(server.logins()).isOne();

    time.advance(Duration.ofSeconds(5));
    assertThat(catchThrowableOfType(Failed.class, this::connect).isServers()).isTrue();
    assertThat(server.logins()).isEqualTo(2);
    time.advance(Duration.ofSeconds(7)); // Doubled, so not yet.
    assertThat(catchThrowableOfType(Failed.class, this::connect).why().kind())
        .isEqualTo(LoginFailure.Kind.LOCKED);

    server.failWith("p1", null);
    time.advance(Duration.ofSeconds(4));
    assertThat(connect()).endsWith(version(1));
    assertThat(connect()).endsWith(version(1));
  }

  @Test
  void uncertain_failure_triesTheSameVersionAgainAfterASecond() throws Exception {
    server.failWith("p1", FailureKind.UNCERTAIN);
    List<Future<String>> all = connecting(5);
    CompletableFuture<?> done = CompletableFuture.runAsync(() -> awaitAny(all));
    advanceUntilDone(done, Duration.ofMillis(500));
    int logins = server.logins();
    assertThat(logins).isLessThanOrEqualTo(5);
    server.failWith("p1", null);

    advanceUntilDone(done, Duration.ofSeconds(5));

    for (Future<String> one : all) {
      assertThat(get(one)).endsWith(version(1));
    }
    assertThat(secrets.calls()).isZero();
  }

  @Test
  void currentOnly_insideWindow_waitsForThePromotion() throws Exception {
    options = options.withCurrentOnly(true);
    rotateInto(2);
    Future<String> waiting = connecting();
    advanceUntilDone(waiting, Duration.ofSeconds(5));
    assertThat(waiting).isNotDone();
    assertThat(server.refused("p2")).isZero();

    secrets.move(ID, "AWSCURRENT", 2);
    advanceUntilDone(waiting, Duration.ofSeconds(5));

    assertThat(get(waiting)).endsWith(version(2));
    assertThat(secrets.calls(VersionSelector.PENDING)).isZero();
  }

  @Test
  void refusedLoginsPerMinute_reached_noProbeGoesBeyond() {
    server.accept();
    options = options.withRefusedLoginsPerMinute(2).withRotationWait(Duration.ofSeconds(50));

    Future<String> waiting = connecting();
    advanceUntilDone(waiting, Duration.ofSeconds(51));

    assertThat(waiting).isDone();
    assertThat(server.refused()).isEqualTo(3); // The first was in flight.
  }

  @Test
  void refusedLoginsPerMinute_reached_promotionIsTriedAllTheSame() throws Exception {
    server.accept();
    options = options.withRefusedLoginsPerMinute(1).withRotationWait(Duration.ofSeconds(50));
    Future<String> waiting = connecting();
    advanceUntilDone(waiting, Duration.ofSeconds(5));
    assertThat(server.refused("p1")).isEqualTo(2);

    put(2, "AWSCURRENT");
    server.accept("p2");
    Duration after = advanceUntilDone(waiting, Duration.ofSeconds(40));

    assertThat(get(waiting)).endsWith(version(2));
    assertThat(after).isLessThan(Duration.ofSeconds(20));
  }

  @Test
  void loginsAtOnce_two_neverMoreUnderWay() throws Exception {
    options = options.withLoginsAtOnce(2);
    server.hold("p1");
    List<Future<String>> all = connecting(8);
    server.awaitArrived(2);
    time.awaitWaiting(6);
    assertThat(server.arrived()).isEqualTo(2);

    server.release("p1");

    for (Future<String> one : all) {
      assertThat(get(one)).endsWith(version(1));
    }
  }

  @Test
  void login_secretsManagerDownInTheWindow_recoversWhenItIsBack() throws Exception {
    rotateInto(2);
    secrets.failing(Reason.UNAVAILABLE);
    Future<String> waiting = connecting();
    advanceUntilDone(waiting, Duration.ofSeconds(5));
    assertThat(waiting).isNotDone();

    secrets.healthy();
    advanceUntilDone(waiting, Duration.ofSeconds(10));

    assertThat(get(waiting)).endsWith(version(2));
  }

  @Test
  void login_secretWithoutUser_saysWhichField() {
    secrets.put(ID, 2, "{\"password\":\"p2\"}", "AWSCURRENT");
    time.advance(SECOND);
    cache.refresh(ID);

    assertThatThrownBy(this::connect)
        .isInstanceOf(Failed.class)
        .hasMessageContainingAll("orders", "username")
        .satisfies(
            e -> assertThat(((Failed) e).why().kind()).isEqualTo(LoginFailure.Kind.NO_SECRET));
  }

  @Test
  void login_nextRotationBeforeTheLastWasSeenComplete_isToldOfBoth() throws Exception {
    rotateInto(2);
    connect();
    secrets.move(ID, "AWSCURRENT", 2);
    time.advance(SECOND);
    rotateInto(3);

    assertThat(connect()).endsWith(version(3));

    assertThat(heard)
        .containsExactly(
            "refused v1",
            "incomplete AWSPENDING v2 0m",
            "refused v2",
            "complete v2",
            "incomplete AWSPENDING v3 0m");
  }

  @Test
  void login_stuckRotation_warnsAfterFiveMinutesOnce() throws Exception {
    rotateInto(2);
    connect();
    time.advance(Duration.ofMinutes(6));
    connect();
    time.advance(Duration.ofSeconds(10));
    connect();
    connect();

    assertThat(heard)
        .containsExactly(
            "refused v1", "incomplete AWSPENDING v2 0m", "incomplete AWSPENDING v2 6m");
    assertThat(server.refused()).isOne();
  }

  @Test
  void login_idleSinceAFinishedRotation_isNotWarnedOf() throws Exception {
    rotateInto(2);
    connect();
    secrets.move(ID, "AWSCURRENT", 2);
    time.advance(Duration.ofMinutes(6));
    connect(); // The cache still holds v1, and this read has it refreshed.
    Eventually.until(
        () -> cache.get(ID).versionId().equals(version(2)), () -> "no background refresh");
    connect();

    assertThat(heard).containsExactly("refused v1", "incomplete AWSPENDING v2 0m", "complete v2");
  }

  @Test
  void login_laggingReplicaForLong_isWarnedOf() throws Exception {
    put(2, "AWSCURRENT");
    time.advance(SECOND);
    cache.refresh(ID);
    for (int minute = 0; minute < 8; minute++) {
      time.advance(Duration.ofMinutes(1));
      connect();
    }

    assertThat(heard).filteredOn(event -> event.startsWith("incomplete")).hasSize(2);
    assertThat(heard.get(heard.size() - 1)).matches("incomplete AWSPREVIOUS v1 [56]m");
  }

  @Test
  void reexamination_secretsManagerHangs_othersGoOnAndTheProberKeepsWhatWorks() throws Exception {
    put(2, "AWSCURRENT");
    time.advance(SECOND);
    cache.refresh(ID);
    time.advance(SECOND);
    connect();
    time.advance(Duration.ofSeconds(61));
    secrets.hold();
    Future<String> prober = connecting();
    secrets.awaitHeld(1);

    assertThat(connect()).endsWith(version(1)); // Does not wait.
    Duration passed = advanceUntilDone(prober, Duration.ofSeconds(20));

    assertThat(get(prober)).endsWith(version(1));
    assertThat(passed).isLessThan(Duration.ofSeconds(15));
    secrets.release();
  }

  @Test
  void login_refusedOnceWhileARotationIsYoung_triesCurrentAgainWithinAMinute() throws Exception {
    secrets.createdAt(time.wall());
    put(2, "AWSPENDING"); // Not yet known to the server.
    cacheAnew();
    server.throwOnce("p1", new Failed(FailureKind.CREDENTIAL, "a passing refusal", null, null));
    options = options.withRotationWait(Duration.ofSeconds(90));

    Future<String> waiting = connecting();
    Duration passed = advanceUntilDone(waiting, Duration.ofSeconds(90));

    // Held for 30 s, and AWSPENDING has spent the minute's refusals by then.
    assertThat(get(waiting)).endsWith(version(1));
    assertThat(passed).isBetween(Duration.ofSeconds(29), Duration.ofSeconds(75));
  }

  private void cacheAnew() {
    time.advance(SECOND);
    cache.refresh(ID);
    time.advance(SECOND);
  }

  @Test
  void locked_currentMovesToAnotherUser_isUsedAtOnce() throws Exception {
    server.failWith("p1", FailureKind.LOCKED_OR_DENIED);
    assertThat(catchThrowableOfType(Failed.class, this::connect).isServers()).isTrue();
    secrets.put(ID, 2, secret("app_clone", "p2"), "AWSCURRENT");
    server.accept("p2");
    cacheAnew();

    assertThat(connect()).endsWith(version(2));
    assertThat(server.logins()).isEqualTo(2);
  }

  @Test
  void uncertain_currentMoves_isUsedAtOnce() throws Exception {
    server.failWith("p1", FailureKind.UNCERTAIN);
    Future<String> waiting = connecting();
    Eventually.until(() -> time.waiting() == 1, () -> "does not wait");
    put(2, "AWSCURRENT");
    server.accept("p2");
    cacheAnew();
    advanceUntilDone(waiting, Duration.ofSeconds(5));

    assertThat(get(waiting)).endsWith(version(2));
    assertThat(server.refused("p1")).isLessThanOrEqualTo(3);
  }

  @Test
  void gate_longAfterAllWasRefused_stillOneCallerTries() throws Exception {
    server.accept();
    Future<String> first = connecting();
    advanceUntilDone(first, Duration.ofSeconds(21));
    assertThat(failure(first)).isInstanceOf(Failed.class);
    time.advance(Duration.ofMinutes(2));
    long before = server.refused();
    server.hold("p1");

    List<Future<String>> all = connecting(20);
    server.awaitArrived(1);
    time.awaitWaiting(19);
    assertThat(server.arrived()).isOne();
    server.accept("p1");
    server.release("p1");

    for (Future<String> one : all) {
      assertThat(get(one)).endsWith(version(1));
    }
    assertThat(server.refused()).isEqualTo(before);
  }

  @Test
  void currentOnly_refusedForLong_isTriedAgainRarely() {
    options = options.withCurrentOnly(true).withRotationWait(Duration.ofMinutes(10));
    server.accept();

    Future<String> waiting = connecting();
    advanceUntilDone(waiting, Duration.ofSeconds(95));

    assertThat(server.refused()).isBetween(2L, 3L); // 0, 30 and 90 s, jittered.
    cache.close();
  }

  @Test
  void rotationWaitZero_refusedForLong_staysWithinTheBudget() {
    options = options.withRotationWait(Duration.ZERO);
    server.accept();
    for (int i = 0; i < 600; i++) {
      time.advance(Duration.ofMillis(100));
      assertThat(catchThrowableOfType(Failed.class, this::connect)).isNotNull();
    }

    assertThat(server.refused()).isBetween(2L, 6L); // 5 a minute after the first.
  }

  @Test
  void baton_serverRefusesSlowerThanProbeTimeout_refusalsStillCount() throws Exception {
    rotateInto(2);
    server.hold("p1");
    Future<String> slow = connecting();
    server.awaitArrived(1);
    List<Future<String>> others = connecting(3);
    server.awaitArrived(4); // All in flight with p1.
    server.release("p1");
    CompletableFuture<?> done = CompletableFuture.runAsync(() -> awaitAny(others));
    advanceUntilDone(done, Duration.ofSeconds(10));
    assertThat(get(slow)).endsWith(version(2));

    rotateInto(3);
    time.advance(SECOND);
    server.hold("p3");
    Future<String> deposed = connecting();
    server.awaitArrived(2); // p2, then p3 as the prober.
    time.advance(Duration.ofSeconds(6));
    server.accept();
    server.release("p3");
    advanceUntilDone(deposed, Duration.ofSeconds(20));

    assertThat(server.refused("p3")).isBetween(1L, 4L);
  }

  @Test
  void gate_stragglerChosenBeforeTheRefusal_looksAgain() throws Exception {
    rotateInto(2);
    var slow = new CompletableFuture<@Nullable Void>();
    var reached = new CompletableFuture<@Nullable Void>();
    var stalled = new java.util.concurrent.atomic.AtomicInteger();
    CredentialUse<String, Failed> straggler =
        new CredentialUse<>() {
          @Override
          public String use(SecretValue credential, Duration remaining) throws Failed {
            return server.use(credential, remaining);
          }

          @Override
          public FailureKind sort(Exception failure) {
            return server.sort(failure);
          }

          @Override
          public String userName(SecretValue credential) {
            if (stalled.incrementAndGet() == 2) { // Between the choice and the login.
              reached.complete(null);
              slow.join();
            }
            return server.userName(credential);
          }

          @Override
          public Failed failure(LoginFailure failure) {
            return server.failure(failure);
          }
        };
    Future<String> late =
        threads.submit(() -> login.login(TARGET, ID, options, Optional.empty(), straggler));
    reached.get(20, TimeUnit.SECONDS);

    assertThat(connect()).endsWith(version(2));
    slow.complete(null);

    assertThat(get(late)).endsWith(version(2));
    assertThat(server.refused("p1")).isOne();
  }

  @Test
  void giveUp_longAfterAResolvedRefusal_isATimeOut() throws Exception {
    rotateInto(2);
    connect();
    options = options.withLoginsAtOnce(1);
    server.hold("p2");
    Future<String> hanging = connecting();
    server.awaitArrived(1);
    Future<String> waiting = connecting();
    time.awaitWaiting(1);
    advanceUntilDone(waiting, Duration.ofSeconds(21));

    assertThat(((Failed) failure(waiting)).why().kind()).isEqualTo(LoginFailure.Kind.TIMED_OUT);
    server.release("p2");
    assertThat(get(hanging)).endsWith(version(2));
  }

  @Test
  void loginsAtOnce_slotFreedByALoginWithoutLimit_wakesTheWaiter() throws Exception {
    server.hold("p1");
    Future<String> unlimited = connecting();
    server.awaitArrived(1);
    LoginOptions limited = options.withLoginsAtOnce(1);
    Future<String> waiting =
        threads.submit(() -> login.login(TARGET, ID, limited, Optional.empty(), server));
    time.awaitWaiting(1);

    server.release("p1");

    assertThat(get(unlimited)).endsWith(version(1));
    assertThat(get(waiting)).endsWith(version(1));
  }

  @Test
  void locked_endOfALoginFromBeforeTheProof_addsNothing() throws Exception {
    server.hold("p1");
    Future<String> old = connecting();
    server.awaitArrived(1);
    rotateInto(2);
    server.failWith("p1", FailureKind.LOCKED_OR_DENIED);
    put(2, "AWSCURRENT");
    cacheAnew();
    assertThat(connect()).endsWith(version(2));
    server.release("p1");
    assertThat(failure(old)).isInstanceOf(Failed.class);

    server.forget();
    Failed denied = catchThrowableOfType(Failed.class, this::connect);
    assertThat(denied == null || denied.why().kind() == LoginFailure.Kind.LOCKED).isTrue();
    time.advance(Duration.ofSeconds(5));
    assertThat(connect()).endsWith(version(2));
    assertThat(server.refused("p1")).isZero();
  }

  @Test
  void alternatingUsers_pendingNamesThePreviousUser_previousIsNotTried() {
    alternate("app");

    Future<String> waiting = connecting();
    advanceUntilDone(waiting, Duration.ofSeconds(21));

    assertThat(waiting).isDone();
    assertThat(server.refused("p1")).isZero();
    assertThat(server.refused("p3")).isPositive();
  }

  @Test
  void alternatingUsers_pendingNamesAThirdUser_previousIsTried() throws Exception {
    alternate("other");
    server.accept("p1");

    assertThat(connect()).endsWith(version(1));
  }

  private void alternate(String pendingUser) {
    secrets.put(ID, 1, secret("app", "p1"));
    secrets.put(ID, 2, secret("app_clone", "p2"), "AWSCURRENT");
    secrets.put(ID, 3, secret(pendingUser, "p3"), "AWSPENDING");
    time.advance(SECOND);
    cache.refresh(ID);
    time.advance(SECOND);
    server.accept();
  }

  @Test
  void login_pendingIsNotACredential_passesItOver() throws Exception {
    secrets.put(ID, 2, "not JSON", "AWSPENDING");
    server.accept();

    Future<String> waiting = connecting();
    advanceUntilDone(waiting, Duration.ofSeconds(21));

    Failed failed = (Failed) failure(waiting);
    assertThat(failed.why().kind()).isEqualTo(LoginFailure.Kind.REFUSED);
    assertThat(failed).hasMessageContaining("AWSPENDING cannot be used (MALFORMED)");
  }

  @Test
  void listener_thatThrows_doesNotHurtTheLogin() throws Exception {
    var hostile =
        new RotationAwareLogin(
            cache,
            new RotationListener() {
              @Override
              public void refused(Target target, String secretId, String versionId) {
                throw new IllegalStateException("listener");
              }
            });
    rotateInto(2);

    assertThat(hostile.login(TARGET, ID, options, Optional.empty(), server)).endsWith(version(2));
  }

  @Test
  void rotationWaitZero_whileAnotherHoldsTheBaton_goesOnWithWhatIsUnmarked() throws Exception {
    put(2, "AWSCURRENT");
    server.accept("p2");
    server.hold("p2");
    Future<String> prober = connecting();
    server.awaitArrived(2); // p1, then p2 as the prober, which the cache holds by now.
    LoginOptions zero = options.withRotationWait(Duration.ZERO);
    Future<String> other =
        threads.submit(() -> login.login(TARGET, ID, zero, Optional.empty(), server));

    server.awaitArrived(3); // It neither waits nor spins.
    server.release("p2");

    assertThat(get(prober)).endsWith(version(2));
    assertThat(get(other)).endsWith(version(2));
  }

  @Test
  void uncertain_forEver_otherVersionsAreFoundAllTheSame() throws Exception {
    server.failWith("p1", FailureKind.UNCERTAIN);
    put(2, "AWSPENDING");
    server.accept("p2");

    Future<String> waiting = connecting();
    advanceUntilDone(waiting, Duration.ofSeconds(15));

    assertThat(get(waiting)).endsWith(version(2));
    assertThat(server.refused("p1")).isBetween(2L, 4L);
  }

  @Test
  void login_rolledBackInTheWindow_triesCurrentAtOnce() throws Exception {
    secrets.createdAt(time.wall());
    put(2, "AWSPENDING");
    cacheAnew();
    server.accept("p2");
    connect();
    time.advance(Duration.ofSeconds(3));
    secrets.unlabel(ID, "AWSPENDING");
    server.accept("p1"); // The password is put back; AWSCURRENT has never moved.

    assertThat(connect()).endsWith(version(1));
    assertThat(server.refused("p2")).isOne();
  }

  @Test
  void currentOnly_othersBelieveInPending_isNotUsed() {
    rotateInto(2);
    assertThat(catchThrowableOfType(Failed.class, this::connect)).isNull();
    options = options.withCurrentOnly(true).withRotationWait(Duration.ZERO);
    server.forget();

    assertThat(catchThrowableOfType(Failed.class, this::connect)).isNotNull();

    assertThat(server.seen()).noneMatch(seen -> seen.password().equals("p2"));
  }

  @Test
  void listener_thatEndsInAnError_doesNotCostTheConnection() throws Exception {
    var hostile =
        new RotationAwareLogin(
            cache,
            new RotationListener() {
              @Override
              public void refused(Target target, String secretId, String version) {
                throw new AssertionError("in a listener");
              }

              @Override
              public void rotationIncomplete(
                  Target target, String secretId, String label, String version, Duration since) {
                throw new NoClassDefFoundError("in a listener");
              }
            });
    rotateInto(2);

    assertThat(hostile.login(TARGET, ID, options, Optional.empty(), server)).endsWith(version(2));
    assertThat(hostile.statistics().untold()).isEqualTo(2);
  }

  @Test
  void statistics_afterARotation_countWhatHappened() throws Exception {
    rotateInto(2);
    connect();

    assertThat(login.statistics()).isEqualTo(new LoginStatistics(2, 1, 1, 0, 1, 0, 0));
  }

  private String call(FailureKind refusal) throws IOException {
    return login.login(
        TARGET,
        ID,
        options,
        Optional.empty(),
        CredentialUse.of(
            (version, left) -> {
              try {
                return server.use(version, left);
              } catch (Failed e) {
                throw new IOException(e.getMessage(), e);
              }
            },
            e -> e.getCause() instanceof Failed failed && failed.kind == refusal,
            IOException::new));
  }

  @Test
  void useOfACall_insideWindow_goesOnWithPending() throws Exception {
    rotateInto(2);

    assertThat(call(FailureKind.CREDENTIAL)).endsWith(version(2));

    assertThat(server.seen()).containsExactly(new Seen("p1", false), new Seen("p2", true));
  }

  @Test
  void useOfACall_failureThatIsNoRefusal_isRethrownUntouched() {
    rotateInto(2);

    assertThatThrownBy(() -> call(FailureKind.UNCERTAIN))
        .isInstanceOf(IOException.class)
        .cause()
        .isInstanceOfSatisfying(Failed.class, e -> assertThat(e.isServers()).isTrue());
    assertThat(server.logins()).isEqualTo(1);
  }

  @Test
  void useOfACall_nothingIsAccepted_failsWithTheRefusalAsCause() throws Exception {
    server.accept("other");
    Future<String> calling = threads.submit(() -> call(FailureKind.CREDENTIAL));
    advanceUntilDone(calling, Duration.ofMinutes(1));

    assertThat(failure(calling))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("No version of secret 'orders' at fake db:1 was accepted")
        .hasCauseInstanceOf(IOException.class);
  }

  @Test
  void useOfACall_refusedAndSecretsManagerAway_keepsBothCauses() {
    var use = CredentialUse.of((version, left) -> "", e -> true, IOException::new);
    var refusal = new IOException("401");
    var away = new SecretException(Reason.UNAVAILABLE, "away", null);

    assertThat(use.failure(new LoginFailure(LoginFailure.Kind.REFUSED, "all", refusal, away)))
        .hasMessage("all")
        .hasCause(refusal)
        .hasSuppressedException(away);
    assertThat(use.failure(new LoginFailure(LoginFailure.Kind.NO_SECRET, "none", null, away)))
        .hasMessage("none")
        .hasCause(away);
    assertThat(use.failure(new LoginFailure(LoginFailure.Kind.TIMED_OUT, "late", null, null)))
        .hasMessage("late")
        .hasNoCause();
  }
}
