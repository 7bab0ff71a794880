package io.github.evercred;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * What is known of one target: which version it accepts, which it has refused, who is probing it.
 * Every method decides in memory and returns at once; nothing waits or calls out under the lock.
 */
final class TargetState {

  private static final long SECOND = 1_000_000_000L;
  private static final long LATELY = 60 * SECOND;
  private static final long REEXAMINE = 60 * SECOND;
  private static final long WARN_AFTER = 5 * 60 * SECOND;
  private static final long LONGEST_HOLD = 30 * SECOND;
  private static final long LONGEST_LOCK = 60 * SECOND;
  private static final long LONGEST_ROUND = 2 * SECOND;
  private static final int REFUSALS_KEPT = 16;

  /**
   * The version that last worked here, as a prober found it.
   *
   * @param value the version
   * @param label the label under which it was found
   * @param seenCurrent the version that was AWSCURRENT then
   * @param since when
   * @param order the number of the event
   */
  private record Belief(
      SecretValue value, String label, String seenCurrent, long since, long order) {
    boolean isCurrent() {
      return label.equals(VersionSelector.CURRENT.text());
    }
  }

  /** A version that was refused here. */
  private static final class Refusal {
    int count;
    long last;
    long lastOrder;
    long heldUntil;

    /** The labels it had when it was refused, as far as they are known. */
    final Set<String> labels = new HashSet<>();

    /** Whether they are: those of a cached value may be old, so the next fetch tells them. */
    boolean labelsKnown;
  }

  /** The right to probe, held by one caller at a time. */
  static final class Baton {
    final long ends;

    private Baton(long ends) {
      this.ends = ends;
    }
  }

  /** What a login does next. */
  sealed interface Move {}

  /** Use this version. */
  record Try(SecretValue value) implements Move {}

  /** Find out which version works. */
  record Probe(Baton baton) implements Move {}

  /** Wait for the signal, until then at most, and ask again. */
  record Await(CompletableFuture<Void> signal, long until) implements Move {}

  /** Do not try now. */
  record Denied(@Nullable Exception failure, long until, boolean locked) implements Move {}

  /** What an operator should hear; told by the caller, outside the lock. */
  record News(Kind kind, String label, String versionId, long since) {
    enum Kind {
      INCOMPLETE,
      STILL_INCOMPLETE,
      COMPLETE
    }
  }

  private @Nullable Belief belief;
  private boolean warned;

  /**
   * What has not been told yet, the oldest first: one round can complete a rotation and find the
   * next.
   */
  private final ArrayDeque<News> news = new ArrayDeque<>();

  private final Map<String, Refusal> refusals = new LinkedHashMap<>();
  private @Nullable Exception lastRefusal;

  /** A refusal has not been explained yet, so nobody but a prober logs in. */
  private boolean troubled;

  private long troubledAt;
  private long troubledOrder;
  private int rounds;
  private long nextRound;
  private @Nullable Baton baton;
  private long deposed;

  /** What a lock or an uncertain failure leaves to be tried again. */
  private @Nullable SecretValue again;

  private int uncertain;
  private long uncertainOrder;
  private int locks;
  private long lockedOrder;
  private long lockedUntil;

  private long pendingDeniedUntil;
  private boolean pendingDenied;
  private @Nullable String previousRefusedUnder;
  private String lastRound = "";

  /** Numbers what happens here: the clock is too coarse to tell before from after. */
  private long order;

  private final Map<String, Integer> underWay = new HashMap<>();
  private final Map<String, ArrayDeque<Long>> refusedTimes = new HashMap<>();
  private CompletableFuture<Void> signal = new CompletableFuture<>();

  /** Decides what a login does, given what the cache holds as AWSCURRENT. */
  synchronized Move next(SecretValue current, LoginOptions options, long now) {
    boolean bridging = !options.rotationWait().isZero();
    if (locks > 0 && now - lockedUntil < 0) {
      return new Denied(lastRefusal, lockedUntil, true);
    }
    SecretValue candidate = candidate(current, now);
    boolean held = held(candidate, now);
    if (!bridging) {
      return held ? new Denied(lastRefusal, now, false) : new Try(candidate);
    }
    if (baton != null) {
      if (now - baton.ends < 0) {
        return new Await(signal, baton.ends);
      }
      baton = null;
      deposed++;
    }
    Belief believed = belief;
    boolean reexamine =
        believed != null
            && believed.label.equals(VersionSelector.PREVIOUS.text())
            && now - believed.since >= REEXAMINE;
    if (troubled || locks > 0 || held || reexamine) {
      if (now - nextRound < 0) {
        return new Await(signal, nextRound);
      }
      if (!troubled) {
        troubledAt = now;
      }
      baton = new Baton(now + options.probeTimeout().toNanos());
      return new Probe(baton);
    }
    return new Try(candidate);
  }

  /** The believed version, or AWSCURRENT where there is none or it has been overtaken. */
  private SecretValue candidate(SecretValue current, long now) {
    seenAsCurrent(current);
    Belief believed = belief;
    String version = current.versionId();
    if (believed == null) {
      clearTroubleIfNew(version, now);
      return current;
    }
    if (version.equals(believed.value.versionId())) {
      if (!believed.isCurrent()) {
        belief =
            new Belief(
                current, VersionSelector.CURRENT.text(), version, believed.since, believed.order);
        news.add(new News(News.Kind.COMPLETE, VersionSelector.CURRENT.text(), version, 0));
      }
      return current;
    }
    if (!version.equals(believed.seenCurrent) && !lately(version, now)) {
      belief = null;
      if (!believed.isCurrent()) {
        news.add(new News(News.Kind.COMPLETE, VersionSelector.CURRENT.text(), version, 0));
      }
      clearTroubleIfNew(version, now);
      return current;
    }
    if (!believed.isCurrent() && !warned && now - believed.since >= WARN_AFTER) {
      warned = true;
      news.add(
          new News(
              News.Kind.STILL_INCOMPLETE,
              believed.label,
              believed.value.versionId(),
              now - believed.since));
    }
    return believed.value;
  }

  /** A version that has never been refused here needs no probe. */
  private void clearTroubleIfNew(String version, long now) {
    if (troubled && !lately(version, now) && again == null && baton == null) {
      troubled = false;
      rounds = 0;
      nextRound = now;
    }
  }

  private boolean lately(String version, long now) {
    Refusal refusal = refusals.get(version);
    return refusal != null && now - refusal.last < LATELY;
  }

  private boolean held(SecretValue value, long now) {
    Refusal refusal = refusals.get(value.versionId());
    return refusal != null && now - refusal.heldUntil < 0;
  }

  /** A version that gains a label may be tried at once; one that loses it may gain it again. */
  private void seenAsCurrent(SecretValue current) {
    seen(current);
    refusals.forEach(
        (version, refusal) -> {
          if (!version.equals(current.versionId())) {
            refusal.labels.remove(VersionSelector.CURRENT.text());
          }
        });
  }

  private void seen(SecretValue value) {
    Refusal refusal = refusals.get(value.versionId());
    if (refusal != null && !refusal.labels.containsAll(value.labels())) {
      refusal.labels.addAll(value.labels());
      if (refusal.labelsKnown) {
        refusal.heldUntil = refusal.last;
        refusal.count = 0;
      }
    }
  }

  /** Tells whether a prober may try this version now. */
  synchronized boolean mayTry(
      SecretValue value, boolean current, String user, LoginOptions options, long now) {
    if (current) {
      seenAsCurrent(value);
    } else {
      seen(value);
    }
    Refusal refusal = refusals.get(value.versionId());
    if (refusal != null) {
      refusal.labelsKnown = true;
    }
    return !held(value, now) && refusedWithinMinute(user, now) < options.refusedLoginsPerMinute();
  }

  private int refusedWithinMinute(String user, long now) {
    ArrayDeque<Long> times = refusedTimes.get(user);
    if (times == null) {
      return 0;
    }
    while (!times.isEmpty() && now - times.peekFirst() >= 60 * SECOND) {
      times.removeFirst();
    }
    if (times.isEmpty()) {
      refusedTimes.remove(user);
    }
    return times.size();
  }

  /** What to wait for until something changes here. */
  synchronized CompletableFuture<Void> signalled() {
    return signal;
  }

  /**
   * Takes one of the logins that may be under way at once, and numbers it, so that its end can be
   * told from what happened after its start. Returns 0 if there are too many.
   */
  synchronized long begin(String user, int most) {
    int count = underWay.getOrDefault(user, 0);
    if (count >= most) {
      return 0;
    }
    underWay.put(user, count + 1);
    return ++order;
  }

  synchronized void end(String user, boolean limited) {
    underWay.computeIfPresent(user, (name, count) -> count == 1 ? null : count - 1);
    if (limited) {
      signal();
    }
  }

  /**
   * A login worked. Only a prober's may be believed; this one only forgives what came before it.
   */
  synchronized void succeeded(SecretValue value, long begun) {
    Refusal refusal = refusals.get(value.versionId());
    if (refusal != null && begun > refusal.lastOrder) {
      refusals.remove(value.versionId());
      if (troubled && baton == null && begun > troubledOrder) {
        untroubled();
      }
    }
    if (locks > 0 && begun > lockedOrder) {
      locks = 0;
      again = null;
    }
  }

  private void untroubled() {
    troubled = false;
    rounds = 0;
    uncertain = 0;
    again = null;
    signal();
  }

  /**
   * A version was refused. Returns whether that is news: whoever had set out before the first
   * refusal came back, or before a prober found that the version works, adds nothing.
   */
  synchronized boolean refused(
      SecretValue value, String user, long begun, @Nullable Baton by, Exception failure, long now) {
    if (by != null && by != baton) {
      return false;
    }
    Belief believed = belief;
    if (believed != null
        && believed.value.versionId().equals(value.versionId())
        && begun < believed.order) {
      return false;
    }
    lastRefusal = failure;
    Refusal refusal = refusals.get(value.versionId());
    boolean inFlight = by == null && (refusal == null || begun < refusal.lastOrder);
    boolean first = refusal == null;
    if (refusal == null) {
      refusal = new Refusal();
      makeRoom();
      refusals.put(value.versionId(), refusal);
    }
    refusal.labels.addAll(value.labels());
    if (first || !inFlight) {
      refusal.count++;
      refusal.last = now;
      refusal.lastOrder = ++order;
      refusal.heldUntil = now + backOff(refusal.count, SECOND, LONGEST_HOLD);
    }
    if (!inFlight) {
      refusedTimes.computeIfAbsent(user, name -> new ArrayDeque<>()).addLast(now);
    }
    if (by == null && !troubled && isCandidate(value)) {
      troubled = true;
      troubledAt = now;
      troubledOrder = ++order;
      nextRound = now;
      return true;
    }
    return false;
  }

  private boolean isCandidate(SecretValue value) {
    return belief == null || belief.value.versionId().equals(value.versionId());
  }

  private void makeRoom() {
    if (refusals.size() >= REFUSALS_KEPT) {
      refusals.remove(refusals.keySet().iterator().next());
    }
  }

  /**
   * While a rotation is young, AWSCURRENT, once refused, comes right only by a rollback, which
   * moves labels and so ends the hold. Trying it beside AWSPENDING would spend half of the refusals
   * that the target may see.
   */
  synchronized void holdCurrent(SecretValue current, long now) {
    Refusal refusal = refusals.get(current.versionId());
    if (refusal != null) {
      refusal.heldUntil = now + LONGEST_HOLD;
    }
  }

  synchronized void locked(SecretValue value, long begun, Exception failure, long now) {
    if (locks == 0 || begun > lockedOrder) {
      locks++;
      lockedOrder = ++order;
      lockedUntil = now + backOff(locks, 5 * SECOND, LONGEST_LOCK);
      lastRefusal = failure;
      again = value;
      signal();
    }
  }

  synchronized void uncertain(SecretValue value, long begun, Exception failure, long now) {
    if (uncertain == 0 || begun > uncertainOrder) {
      uncertain++;
      uncertainOrder = ++order;
      lastRefusal = failure;
      again = value;
      if (!troubled) {
        troubled = true;
        troubledAt = now;
        troubledOrder = ++order;
      }
      nextRound = now + backOff(uncertain, SECOND, LONGEST_HOLD);
    }
  }

  synchronized @Nullable SecretValue again() {
    return again;
  }

  synchronized void notAgain() {
    again = null;
  }

  synchronized @Nullable SecretValue believed() {
    return belief == null ? null : belief.value;
  }

  synchronized long troubledAt() {
    return troubledAt;
  }

  synchronized @Nullable Exception lastRefusal() {
    return lastRefusal;
  }

  synchronized String lastRound() {
    return lastRound;
  }

  synchronized long takeDeposed() {
    long count = deposed;
    deposed = 0;
    return count;
  }

  synchronized @Nullable News takeNews() {
    return news.poll();
  }

  synchronized boolean holds(Baton holder) {
    return baton == holder;
  }

  synchronized boolean pendingIsDenied(long now) {
    return pendingDenied && now - pendingDeniedUntil < 0;
  }

  synchronized void pendingDenied(long until) {
    pendingDenied = true;
    pendingDeniedUntil = until;
  }

  synchronized boolean previousRefusedUnder(String labels) {
    return labels.equals(previousRefusedUnder);
  }

  synchronized void previousRefused(String labels) {
    previousRefusedUnder = labels;
  }

  /** The prober found what works. A deposed one is not heard. */
  synchronized boolean believe(
      Baton by, SecretValue value, VersionSelector label, String seenCurrent, long now) {
    if (baton != by) {
      return false;
    }
    Belief before = belief;
    Belief after = new Belief(value, label.text(), seenCurrent, now, ++order);
    boolean same = before != null && before.value.versionId().equals(value.versionId());
    if (before != null
        && !before.isCurrent()
        && !same
        && seenCurrent.equals(before.value.versionId())) {
      // AWSCURRENT has caught up, and a next rotation has begun, between two looks at it.
      news.add(new News(News.Kind.COMPLETE, VersionSelector.CURRENT.text(), seenCurrent, 0));
    }
    if (!after.isCurrent() && !(same && before != null && before.label.equals(after.label))) {
      warned = false;
      news.add(new News(News.Kind.INCOMPLETE, after.label, value.versionId(), 0));
    } else if (after.isCurrent() && before != null && !before.isCurrent()) {
      news.add(new News(News.Kind.COMPLETE, after.label, value.versionId(), 0));
    }
    belief = after;
    refusals.remove(value.versionId());
    locks = 0;
    baton = null;
    untroubled();
    return true;
  }

  /** The prober tried all there was, and nothing worked: the next round comes later. */
  synchronized void endRound(Baton by, String summary, long now) {
    if (baton == by) {
      baton = null;
      lastRound = summary;
      if (now - nextRound >= 0) {
        nextRound = now + backOff(++rounds, SECOND / 4, LONGEST_ROUND);
        for (Refusal refusal : refusals.values()) {
          if (now - refusal.heldUntil < 0 && refusal.heldUntil - nextRound < 0) {
            nextRound = refusal.heldUntil; // Something may be tried again by then.
          }
        }
      }
      signal();
    }
  }

  /** The prober ended by anything but a verdict: the next waiter takes over. */
  synchronized void passOn(Baton by) {
    if (baton == by) {
      baton = null;
      signal();
    }
  }

  synchronized void wake() {
    signal();
  }

  private void signal() {
    CompletableFuture<Void> old = signal;
    signal = new CompletableFuture<>();
    old.complete(null);
  }

  /** Doubles from the first to the longest; up to a fifth sooner, so that nothing moves in step. */
  private static long backOff(int count, long first, long longest) {
    long nominal = Math.min(longest, first << Math.min(count - 1, 20));
    return (long) (nominal * (1 - 0.2 * ThreadLocalRandom.current().nextDouble()));
  }

  @Override
  public synchronized String toString() {
    return "TargetState[%s%s%s]"
        .formatted(
            belief == null ? "nothing believed" : "believed " + belief.value.versionId(),
            troubled ? ", troubled" : "",
            baton == null ? "" : ", probed until " + Duration.ofNanos(baton.ends));
  }
}
