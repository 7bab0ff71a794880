package io.github.evercred;

import io.github.evercred.LoginFailure.Kind;
import io.github.evercred.SecretException.Reason;
import io.github.evercred.TargetState.Baton;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * Uses a cached secret as a credential, and goes on doing so while the secret rotates.
 *
 * <p>In a single-user rotation the target changes the password some time before AWSCURRENT moves,
 * so for seconds to hours only AWSPENDING works; behind a lagging replica or after a rollback
 * AWSPREVIOUS may be the one. A login tries the version that last worked at its target. Once it is
 * refused, one caller finds out which version works while the others wait instead of sending the
 * same refused password, and all go on with what it found. A rotation so costs the logins that were
 * in flight when the password changed, and one or two more.
 *
 * <p>It knows nothing of any protocol: a {@link CredentialUse} says how to use a credential and
 * what a failure means.
 *
 * <p><b>Threads.</b> Instances are thread-safe. Make one per cache and share it: what one login
 * learns, the others must know. A login runs in its caller's thread and blocks, interruptibly where
 * it waits, for {@code rotationWait} or the caller's own limit at most. Closing the cache ends all
 * waits.
 *
 * <p><b>Memory.</b> 1,000 targets, each dropped after an hour without use; one version of the
 * secret is held for each, in clear text. Nothing here accepts or returns null unless it says so.
 */
public final class RotationAwareLogin {

  /*
   * What is known of a target stands in TargetState, which decides in memory and never blocks. This
   * class is its hands: it asks for the next move, carries it out (use a version, probe, wait) and
   * reports the end. A probe holds a baton. Only its holder writes what is believed; the baton is
   * given back in a finally, taken away by the next waiter when its time is over, and a holder that
   * has lost it is no longer heard, though its own connection, if it got one, is good.
   *
   * One round of a probe tries AWSCURRENT fetched anew, AWSPENDING, AWSPREVIOUS and the version that
   * worked last, leaving out those that were refused a moment ago. A round that finds nothing ends
   * the probe; the next round is anybody's, after a pause.
   */

  private static final int MAXIMUM_TARGETS = 1_000;
  private static final long UNUSED = Duration.ofHours(1).toNanos();
  private static final long DENIAL_REMEMBERED = Duration.ofMinutes(5).toNanos();
  private static final Duration YOUNG_ROTATION = Duration.ofMinutes(15);
  private static final Duration NO_LIMIT = Duration.ofDays(365);

  /** Who is told what is left rounds it down, to milliseconds mostly. */
  private static final long AS_GOOD_AS_OVER = Duration.ofMillis(5).toNanos();

  private final SecretCache cache;
  private final Time time;
  private final RotationListener listener;
  private final Bounded<Identity, TargetState> targets;

  private final LongAdder succeeded = new LongAdder();
  private final LongAdder refused = new LongAdder();
  private final LongAdder probes = new LongAdder();
  private final LongAdder deposed = new LongAdder();
  private final LongAdder incomplete = new LongAdder();
  private final LongAdder gaveUp = new LongAdder();
  private final LongAdder untold = new LongAdder();

  /** A target with its secret: by ARN where it is known, so that aliases of one secret meet. */
  private record Identity(Target target, String secret) {}

  /**
   * Logs in with the secrets of a cache.
   *
   * @param cache the cache; goes on belonging to the caller
   */
  public RotationAwareLogin(SecretCache cache) {
    this(cache, new RotationListener() {});
  }

  /**
   * Logs in with the secrets of a cache, and tells what it learns about rotations.
   *
   * @param cache the cache; goes on belonging to the caller
   * @param listener is told
   */
  public RotationAwareLogin(SecretCache cache, RotationListener listener) {
    this.cache = Objects.requireNonNull(cache, "cache");
    this.listener = Objects.requireNonNull(listener, "listener");
    this.time = cache.time();
    this.targets = Bounded.bySizeAndUse(MAXIMUM_TARGETS, UNUSED, time::nanos);
    CompletableFuture<Void> unused = cache.closing().thenRun(this::forget);
    cache.keeps(this, RotationAwareLogin::forget);
  }

  private void forget() {
    targets.view().values().forEach(TargetState::forget);
    targets.clear();
  }

  /**
   * Logs in.
   *
   * @param <T> what a login gives
   * @param <X> the type of the target's failures
   * @param target where
   * @param secretId name or ARN of the secret that holds the credential
   * @param options how to bridge a rotation
   * @param callerLimit the caller's own login time-out, if it has one; zero means none
   * @param use how to use a credential there
   * @return what {@link CredentialUse#use} returned
   * @throws X the target's own failure, untouched, where no credential mends it; else what {@link
   *     CredentialUse#failure} made
   */
  public <T, X extends Exception> T login(
      Target target,
      String secretId,
      LoginOptions options,
      Optional<Duration> callerLimit,
      CredentialUse<T, X> use)
      throws X {
    Duration own = callerLimit.filter(limit -> !limit.isZero()).orElse(NO_LIMIT);
    Duration bridge = options.rotationWait().isZero() ? NO_LIMIT : options.rotationWait();
    long limit =
        Math.min(own.compareTo(bridge) < 0 ? own.toNanos() : bridge.toNanos(), Time.FOREVER);
    return new Login<T, X>(target, secretId, options, time.in(limit), Duration.ofNanos(limit), use)
        .run();
  }

  /**
   * Tells which version a login would use now, and so which connections were opened with a version
   * that has been replaced. Answers from memory: asks neither the target nor AWS, never waits, and
   * counts neither as a login nor as a read of the secret, so it keeps no secret fresh.
   *
   * @param target where
   * @param secretId name or ARN of the secret that holds the credential, as logins name it
   * @param options as logins there have them
   * @return the version that last worked there, where that is known and AWSCURRENT has not moved
   *     since to one that was not refused there in the last minute, else AWSCURRENT as cached;
   *     empty if nothing is cached or the cache is closed
   */
  public Optional<VersionInUse> versionInUse(Target target, String secretId, LoginOptions options) {
    Objects.requireNonNull(options, "options");
    SecretValue current = cache.held(Objects.requireNonNull(secretId, "secretId"));
    if (current == null) {
      return Optional.empty();
    }
    TargetState state = targets.get(identity(target, secretId, current));
    SecretValue used =
        state == null || options.currentOnly() ? current : state.inUse(current, time.nanos());
    return Optional.of(new VersionInUse(used, current.versionId()));
  }

  private static Identity identity(Target target, String secretId, SecretValue current) {
    return new Identity(Objects.requireNonNull(target, "target"), current.arn().orElse(secretId));
  }

  /**
   * Returns what logins have come to.
   *
   * @return a snapshot
   */
  public LoginStatistics statistics() {
    return new LoginStatistics(
        succeeded.sum(),
        refused.sum(),
        probes.sum(),
        deposed.sum(),
        incomplete.sum(),
        gaveUp.sum(),
        untold.sum());
  }

  /** One login, in its caller's thread. */
  private final class Login<T, X extends Exception> {
    private final Target target;
    private final String secretId;
    private final LoginOptions options;
    private final long deadline;
    private final Duration limit;
    private final CredentialUse<T, X> use;
    private @Nullable Exception ownRefusal;
    private @Nullable SecretException secretFailure;

    /** What came of using one version once: a result, or none and the version was refused. */
    private record Outcome<T>(@Nullable T result, @Nullable FailureKind failed) {}

    Login(
        Target target,
        String secretId,
        LoginOptions options,
        long deadline,
        Duration limit,
        CredentialUse<T, X> use) {
      this.target = target;
      this.secretId = secretId;
      this.options = options;
      this.deadline = deadline;
      this.limit = limit;
      this.use = use;
    }

    T run() throws X {
      TargetState state = null;
      while (true) {
        SecretValue current = current(state);
        if (state == null) {
          state =
              targets.get(
                  identity(target, secretId, current), made -> new TargetState(time::jitter));
        }
        if (time.nanos() - deadline >= 0) {
          throw giveUp(state);
        }
        TargetState.Move move = state.next(current, userOf(current), options, time.nanos());
        if (move instanceof TargetState.Probe probe) {
          probes.increment();
          T result = probe(state, probe, current);
          if (result != null) {
            return result;
          }
          continue;
        }
        tellNews(state);
        if (move instanceof TargetState.Try tried) {
          Outcome<T> outcome = use(state, tried.value(), null, !tried.trial(), deadline);
          T result = outcome.result();
          if (result != null) {
            return result;
          }
          if (options.rotationWait().isZero() && ownRefusal != null) {
            refreshInBackground();
            throw rethrown(ownRefusal);
          }
        } else if (move instanceof TargetState.Await wait) {
          await(state, wait.signal(), wait.until());
        } else if (move instanceof TargetState.Denied denied) {
          throw denied(denied);
        }
      }
    }

    private SecretValue current(@Nullable TargetState state) throws X {
      try {
        return cache.get(
            secretId, VersionSelector.CURRENT, Duration.ofNanos(deadline - time.nanos()));
      } catch (SecretException e) {
        throw noSecret(state, e);
      }
    }

    /**
     * Which user's locks stand against it; a value that names none is found out when it is used.
     */
    private String userOf(SecretValue current) {
      try {
        return use.userName(current);
      } catch (SecretException e) {
        return "";
      }
    }

    /**
     * Uses one version once. A failure that no credential mends leaves as it came.
     *
     * @param unasked whether it is used only because nothing stands against it
     */
    private Outcome<T> use(
        TargetState state,
        SecretValue value,
        @Nullable Baton baton,
        boolean unasked,
        long waitUntil)
        throws X {
      String user;
      try {
        user = use.userName(value);
      } catch (SecretException e) {
        throw noSecret(state, e);
      }
      long begun;
      while (true) {
        CompletableFuture<Void> signal = state.signalled();
        begun = state.begin(value, user, options, unasked);
        if (begun == TargetState.LOOK_AGAIN) {
          return new Outcome<>(null, null);
        }
        if (begun != TargetState.NO_SLOT) {
          break;
        }
        if (options.rotationWait().isZero()) {
          throw ended(
              state,
              Kind.TIMED_OUT,
              "No login with %s: %d are under way (loginsAtOnce), and rotationWait is zero."
                  .formatted(what(), options.loginsAtOnce()),
              null);
        }
        await(state, signal, waitUntil);
        if (time.nanos() - waitUntil >= 0) {
          if (baton != null && time.nanos() - deadline < 0) {
            return new Outcome<>(null, FailureKind.OTHER);
          }
          throw giveUp(state);
        }
      }
      long left = deadline - time.nanos();
      try {
        if (left <= 0) {
          throw giveUp(state);
        }
        T result =
            Objects.requireNonNull(
                use.use(value, Duration.ofNanos(left)), "a use must not return null");
        state.succeeded(value, user, begun);
        succeeded.increment();
        return new Outcome<>(result, null);
      } catch (Exception e) {
        if (left <= 0) {
          throw e;
        }
        return failed(state, value, user, baton, begun, e);
      } finally {
        state.end(user);
      }
    }

    private Outcome<T> failed(
        TargetState state,
        SecretValue value,
        String user,
        @Nullable Baton baton,
        long begun,
        Exception failure)
        throws X {
      FailureKind kind = use.sort(failure);
      long now = time.nanos();
      switch (kind) {
        case CREDENTIAL -> {
          refused.increment();
          ownRefusal = failure;
          if (state.refused(value, user, begun, baton != null, failure, options, now)) {
            try {
              tell(heard -> heard.refused(target, secretId, value.versionId()));
            } catch (RuntimeException | LinkageError | AssertionError e) {
              untold.increment(); // The version that works is still to be found.
              Log.EVERCRED.log(
                  System.Logger.Level.WARNING, "A listener of a rotation failed: mend it", e);
            }
          }
        }
        case UNCERTAIN -> {
          ownRefusal = failure;
          state.uncertain(value, begun, failure, now);
        }
        case LOCKED_OR_DENIED -> {
          state.locked(value, user, begun, failure, now);
          throw rethrown(failure);
        }
        case OTHER -> {
          if (ownRefusal != null && deadline - now < AS_GOOD_AS_OVER) {
            X end = giveUp(state); // This try was cut short by our own limit: that is not why.
            end.addSuppressed(failure);
            throw end;
          }
          throw rethrown(failure);
        }
      }
      return new Outcome<>(null, kind);
    }

    /** One round. Returns the prober's own login, or null if nothing worked. */
    private @Nullable T probe(TargetState state, TargetState.Probe probe, SecretValue cached)
        throws X {
      Baton baton = probe.baton();
      long until = baton.ends - deadline < 0 ? baton.ends : deadline;
      Round round = new Round(state, probe, until, cached);
      boolean done = false;
      try {
        T result = round.run();
        done = true;
        return result;
      } finally {
        if (done && time.nanos() - deadline < 0) {
          state.endRound(baton, round.summary(), time.nanos());
        } else {
          state.passOn(baton);
        }
        tellNews(state);
      }
    }

    private final class Round {
      private final TargetState state;
      private final TargetState.Probe probe;
      private final Baton baton;
      private final long until;
      private final SecretValue cached;
      private final List<String> summary = new ArrayList<>();
      private final Set<String> tried = new HashSet<>();
      private boolean uncertain;

      Round(TargetState state, TargetState.Probe probe, long until, SecretValue cached) {
        this.state = state;
        this.probe = probe;
        this.baton = probe.baton();
        this.until = until;
        this.cached = cached;
      }

      String summary() {
        return String.join(", ", summary);
      }

      @Nullable T run() throws X {
        SecretValue again = probe.again();
        if (again != null) {
          T result = attempt(again, labelOf(again), cached, "the version in use");
          if (result != null) {
            return result;
          }
          uncertain = false; // Another version may be certain.
        }
        SecretValue current = fetch(VersionSelector.CURRENT, probe.refused());
        if (current == null) {
          // Secrets Manager does not answer: what is known already may still come right.
          T result = attempt(cached, VersionSelector.CURRENT, cached, "cached AWSCURRENT");
          return result != null || uncertain ? result : attemptBelieved(cached);
        }
        T result = attempt(current, VersionSelector.CURRENT, current, "AWSCURRENT");
        if (result != null || uncertain || options.currentOnly() || !probe.deeper()) {
          return result;
        }
        result = attemptOthers(current);
        return result != null || uncertain ? result : attemptBelieved(current);
      }

      private @Nullable T attemptOthers(SecretValue current) throws X {
        SecretValue pending = null;
        boolean known = true;
        if (state.pendingIsDenied(time.nanos())) {
          summary.add("AWSPENDING may not be read");
        } else {
          pending = fetch(VersionSelector.PENDING, time.nanos());
          known = pending != null || secretFailure == null;
        }
        boolean rotating = pending != null && !pending.versionId().equals(current.versionId());
        String pendingUser = rotating && pending != null ? user(pending, "AWSPENDING") : null;
        boolean sameUser = pendingUser != null && pendingUser.equals(user(current, "AWSCURRENT"));
        if (pendingUser != null && pending != null) {
          if (sameUser && young(pending)) {
            state.holdCurrent(current);
          }
          T result = attempt(pending, VersionSelector.PENDING, current, "AWSPENDING");
          if (result != null || uncertain) {
            return result;
          }
        }
        String labels = current.versionId() + "/" + (pending == null ? "" : pending.versionId());
        if (!known || sameUser || state.previousRefusedUnder(labels)) {
          return null;
        }
        SecretValue previous = fetch(VersionSelector.PREVIOUS, time.nanos());
        String previousUser = previous == null ? null : user(previous, "AWSPREVIOUS");
        if (previous == null || previousUser == null || previousUser.equals(pendingUser)) {
          return null; // What sets AWSPENDING's password takes the same user's older one away.
        }
        T result = attempt(previous, VersionSelector.PREVIOUS, current, "AWSPREVIOUS");
        if (result == null && !uncertain && tried.contains(previous.versionId())) {
          state.previousRefused(labels);
        }
        return result;
      }

      /** A version that is not what it must be is passed over, for another may be. */
      private @Nullable String user(SecretValue value, String name) {
        try {
          return use.userName(value);
        } catch (SecretException e) {
          summary.add(name + " cannot be used (" + e.reason() + ")");
          return null;
        }
      }

      /** It may carry no label any more, and still be what the target accepts. */
      private @Nullable T attemptBelieved(SecretValue current) throws X {
        SecretValue believed = state.believed();
        return believed == null || options.currentOnly()
            ? null
            : attempt(believed, labelOf(believed), current, "the version that worked last");
      }

      private VersionSelector labelOf(SecretValue value) {
        return value.labels().contains(VersionSelector.PREVIOUS.text())
            ? VersionSelector.PREVIOUS
            : VersionSelector.PENDING;
      }

      private boolean young(SecretValue pending) {
        Instant now = time.wall();
        return pending.createdAt().filter(t -> t.plus(YOUNG_ROTATION).isAfter(now)).isPresent();
      }

      private @Nullable T attempt(
          SecretValue value, VersionSelector label, SecretValue current, String name) throws X {
        if (tried.contains(value.versionId())) {
          return null;
        }
        String what = name + " " + value.versionId();
        String user = user(value, name);
        if (user == null) {
          return null;
        }
        boolean isCurrent = value.versionId().equals(current.versionId());
        if (!state.mayTry(value, isCurrent, user, options, time.nanos())) {
          summary.add(what + " held back");
          return null;
        }
        if (!state.holds(baton)) {
          summary.add("stopped after probeTimeout");
          return null;
        }
        tried.add(value.versionId());
        Outcome<T> outcome = use(state, value, baton, false, until);
        if (outcome.result() != null) {
          VersionSelector found = isCurrent ? VersionSelector.CURRENT : label;
          state.believe(baton, value, user, found, current.versionId(), time.nanos());
          if (cache.isSuspended()) {
            state.forget();
          }
          return outcome.result();
        }
        uncertain = outcome.failed() != FailureKind.CREDENTIAL;
        summary.add(what + (uncertain ? " uncertain" : " refused"));
        return null;
      }

      /** Null if there is none, or if it could not be had: then {@code secretFailure} says why. */
      private @Nullable SecretValue fetch(VersionSelector version, long notBefore) throws X {
        secretFailure = null;
        try {
          // Half of the time left: where Secrets Manager hangs, what is known is still tried.
          long now = time.nanos();
          return cache.fetchAnew(secretId, version, notBefore, now + (until - now) / 2);
        } catch (SecretException e) {
          boolean optional = !version.equals(VersionSelector.CURRENT);
          switch (e.reason()) {
            case CLOSED, INTERRUPTED -> throw noSecret(state, e);
            case NOT_FOUND -> {
              summary.add("no " + version);
              secretFailure = optional ? null : e;
            }
            case ACCESS_DENIED, KMS_DENIED -> {
              summary.add(version + " may not be read");
              if (version.equals(VersionSelector.PENDING)) {
                state.pendingDenied(time.in(DENIAL_REMEMBERED));
              }
              secretFailure = optional ? null : e;
            }
            default -> {
              summary.add(version + " could not be fetched (" + e.reason() + ")");
              secretFailure = e;
            }
          }
          return null;
        }
      }
    }

    /** Waits for a change at the target, until then or this login's deadline. */
    private void await(TargetState state, CompletableFuture<Void> signal, long until) throws X {
      long end = until - deadline < 0 ? until : deadline;
      try {
        // A cache closed before this look has woken nobody who came after; later, it wakes us.
        if (!cache.closing().isDone()) {
          time.await(signal, end - time.nanos());
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw ended(
            state, Kind.INTERRUPTED, "Interrupted while waiting for a rotation of " + what(), null);
      }
      if (cache.closing().isDone()) {
        throw ended(
            state,
            Kind.CLOSED,
            "The cache was closed during a login with " + what(),
            Flights.closedFailure());
      }
    }

    private void refreshInBackground() {
      try {
        cache.refreshInBackground(secretId);
      } catch (SecretException e) {
        secretFailure = e; // Closed meanwhile: the refusal is what the caller must see.
      }
    }

    private String what() {
      return "secret '" + secretId + "' at " + target;
    }

    private X giveUp(TargetState state) {
      Exception refusal = ownRefusal != null ? ownRefusal : state.lastRefusal();
      if (refusal == null) {
        return ended(
            state,
            Kind.TIMED_OUT,
            "No login with %s within %s: the time passed while waiting.".formatted(what(), limit),
            secretFailure);
      }
      String last = state.lastRound();
      return ended(
          state,
          Kind.REFUSED,
          ("No version of %s was accepted within %s. Last round: %s. If a rotation is under way it"
                  + " takes longer than this: raise rotationWait (now %s) or the login time-out. If"
                  + " it persists, compare the secret with the user at the target.")
              .formatted(
                  what(), limit, last.isEmpty() ? "none completed" : last, options.rotationWait()),
          secretFailure);
    }

    private X denied(TargetState.Denied denied) {
      gaveUp.increment();
      Duration left = Duration.ofNanos(Math.max(0, denied.until() - time.nanos()));
      String message =
          denied.locked()
              ? ("The target has locked or denied the account of %s; nobody tries it for another %s,"
                      + " so as not to make it worse. Unlock it at the target.")
                  .formatted(what(), left)
              : "The version of %s in use was refused a moment ago, and rotationWait is zero."
                  .formatted(what());
      return use.failure(
          new LoginFailure(
              denied.locked() ? Kind.LOCKED : Kind.REFUSED, message, denied.failure(), null));
    }

    private X noSecret(@Nullable TargetState state, SecretException e) {
      Kind kind =
          e.reason() == Reason.CLOSED
              ? Kind.CLOSED
              : e.reason() == Reason.INTERRUPTED ? Kind.INTERRUPTED : Kind.NO_SECRET;
      return ended(state, kind, "No login with " + what() + ": " + e.getMessage(), e);
    }

    private X ended(
        @Nullable TargetState state, Kind kind, String message, @Nullable SecretException secret) {
      gaveUp.increment();
      Exception refusal = ownRefusal;
      if (refusal == null && state != null && kind == Kind.REFUSED) {
        refusal = state.lastRefusal();
      }
      return use.failure(new LoginFailure(kind, message, refusal, secret));
    }

    /** The use declares X, so what it threw is X or unchecked. */
    @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
    private X rethrown(Exception failure) throws X {
      throw (X) failure;
    }

    private void tellNews(TargetState state) {
      deposed.add(state.takeDeposed());
      for (TargetState.News news = state.takeNews(); news != null; news = state.takeNews()) {
        try {
          tell(news);
        } catch (RuntimeException | LinkageError | AssertionError e) {
          // Not even a failing log handler or listener may cost a login that has just succeeded.
          untold.increment();
        }
      }
    }

    private void tell(TargetState.News news) {
      Duration since = Duration.ofNanos(news.since());
      switch (news.kind()) {
        case INCOMPLETE -> {
          incomplete.increment();
          log(System.Logger.Level.INFO, "runs on %s version %s", news.label(), news.versionId());
          tell(
              heard ->
                  heard.rotationIncomplete(
                      target, secretId, news.label(), news.versionId(), since));
        }
        case STILL_INCOMPLETE -> {
          log(
              System.Logger.Level.WARNING,
              "has been incomplete for " + since + ", running on %s version %s; finish it",
              news.label(),
              news.versionId());
          tell(
              heard ->
                  heard.rotationIncomplete(
                      target, secretId, news.label(), news.versionId(), since));
        }
        case COMPLETE -> {
          log(
              System.Logger.Level.INFO,
              "is complete: %s is version %s",
              news.label(),
              news.versionId());
          tell(heard -> heard.rotationComplete(target, secretId, news.versionId()));
        }
      }
    }

    private void log(System.Logger.Level level, String text, String label, String versionId) {
      Log.EVERCRED.log(
          level, () -> "Rotation of " + what() + " " + text.formatted(label, versionId));
    }

    private void tell(java.util.function.Consumer<RotationListener> event) {
      try {
        event.accept(listener);
      } catch (RuntimeException e) {
        Log.EVERCRED.log(System.Logger.Level.WARNING, "A rotation listener failed: mend it", e);
      }
    }
  }
}
