package io.github.evercred;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.DoubleSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What is known of one target: which version it accepts, which versions it has refused, which users
 * it has locked, who is probing it. Every method decides in memory and returns at once; nothing
 * waits or calls out under the lock.
 */
final class TargetState {

  /*
   * The candidate is the believed version, or AWSCURRENT where there is none or it has been
   * overtaken. While nothing stands against the candidate, everybody uses it and nothing is written.
   * A refusal leaves a mark on its version, and from then on one caller at a time, who holds the
   * baton, finds out what works; the others wait. The mark goes when the version works, and a
   * candidate without a mark ends the trouble, whatever it was. So there is no state "in trouble"
   * that could outlast its cause.
   *
   * Ends of logins arrive in any order. What began before the newest proof about its version, or
   * before the mark it would make, adds nothing; events are numbered, because clocks are too coarse.
   */

  private static final long SECOND = 1_000_000_000L;
  private static final long LATELY = 60 * SECOND;
  private static final long REEXAMINE = 60 * SECOND;
  private static final long WARN_AFTER = 5 * 60 * SECOND;
  private static final long OVERDUE = 10 * SECOND;
  private static final long LONGEST_HOLD = 30 * SECOND;
  private static final long LONGEST_HOLD_CURRENT_ONLY = 10 * 60 * SECOND;
  private static final long LONGEST_LOCK = 60 * SECOND;
  private static final long LONGEST_ROUND = 2 * SECOND;
  private static final int KEPT = 16;

  /**
   * The version that last worked here, as a prober found it.
   *
   * @param value the version
   * @param user the user it logs in as
   * @param label the label under which it was found
   * @param seenCurrent the version that was AWSCURRENT then
   * @param since when it was first found under that label
   * @param examined when it was last found to work
   * @param order the number of that event
   */
  private record Belief(
      SecretValue value,
      String user,
      String label,
      String seenCurrent,
      long since,
      long examined,
      long order) {

    boolean isCurrent() {
      return label.equals(VersionSelector.CURRENT.text());
    }

    boolean isPrevious() {
      return label.equals(VersionSelector.PREVIOUS.text());
    }

    boolean is(SecretValue other) {
      return value.versionId().equals(other.versionId());
    }
  }

  /** What stands against a version: that it was refused here, or that its refusal may be old. */
  private static final class Mark {
    boolean uncertain;
    int count;
    long last;
    long lastOrder;

    /** Not to be tried before. */
    long until;

    /** The labels it had when it was refused, as far as they are known. */
    final Set<String> labels = new HashSet<>();

    /** Whether they are: those of a cached value may be old, so the next fetch tells them. */
    boolean labelsKnown;
  }

  /** An account that the target has locked or denies. */
  private static final class Lock {
    int count;
    long until;
    long order;
    @Nullable Exception failure;
  }

  /** The right to probe, held by one caller at a time. */
  static final class Baton {
    final long ends;

    /** What it examines still works, so the others need not wait. */
    private final boolean othersGoOn;

    private Baton(long ends, boolean othersGoOn) {
      this.ends = ends;
      this.othersGoOn = othersGoOn;
    }
  }

  /** What a login does next. */
  sealed interface Move {}

  /**
   * Use this version.
   *
   * @param trial whether it is used although something stands against it
   */
  record Try(SecretValue value, boolean trial) implements Move {}

  /**
   * Find out which version works.
   *
   * @param again what to try first, before anything is fetched
   * @param deeper whether to go on to the other labels although that is uncertain again
   * @param refused when the candidate was refused
   */
  record Probe(Baton baton, @Nullable SecretValue again, boolean deeper, long refused)
      implements Move {}

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

    static News complete(String versionId) {
      return new News(Kind.COMPLETE, VersionSelector.CURRENT.text(), versionId, 0);
    }
  }

  private @Nullable Belief belief;
  private boolean warned;
  private @Nullable Long overdueSince;

  /** Not told yet, the oldest first: one round can complete a rotation and find the next. */
  private final ArrayDeque<News> news = new ArrayDeque<>();

  private final Map<String, Mark> marks = new LinkedHashMap<>();
  private final Map<String, Lock> locks = new LinkedHashMap<>();
  private long unlockedOrder;
  private @Nullable Exception lastRefusal;
  private String lastRound = "";

  private @Nullable Baton baton;
  private long deposed;
  private int rounds;
  private long nextRound;

  private long pendingDeniedUntil;
  private boolean pendingDenied;
  private @Nullable String previousRefusedUnder;

  private long order;
  private final Map<String, Integer> underWay = new HashMap<>();
  private boolean slotWanted;
  private final Map<String, ArrayDeque<Long>> refusedTimes = new LinkedHashMap<>();
  private CompletableFuture<Void> signal = new CompletableFuture<>();

  private final DoubleSupplier jitter;

  /**
   * Knows nothing yet.
   *
   * @param jitter at random, 0 to 1
   */
  TargetState(DoubleSupplier jitter) {
    this.jitter = jitter;
  }

  /**
   * Decides what a login does.
   *
   * @param current what the cache holds as AWSCURRENT
   * @param currentUser the user it logs in as
   */
  synchronized Move next(SecretValue current, String currentUser, LoginOptions options, long now) {
    SecretValue candidate = candidate(current, now);
    if (options.currentOnly()) {
      candidate = current; // Whatever others have found to work.
    }
    String user = belief != null && belief.is(candidate) ? belief.user : currentUser;
    Mark mark = marks.get(candidate.versionId());
    Lock lock = locks.get(user);
    if (lock != null && now - lock.until < 0) {
      return new Denied(lock.failure, lock.until, true);
    }
    if (options.rotationWait().isZero()) {
      return unbridged(candidate, user, mark, lock, options, now);
    }
    if (baton != null && now - baton.ends >= 0) {
      baton = null;
      deposed++;
    }
    if (mark == null && lock == null) {
      if (baton == null || baton.othersGoOn) {
        rounds = 0;
        nextRound = now;
      }
      if (baton == null
          && belief != null
          && belief.isPrevious()
          && now - belief.examined >= REEXAMINE) {
        belief = examined(belief, now);
        baton = new Baton(now + options.probeTimeout().toNanos(), true);
        return new Probe(baton, null, true, now);
      }
      return baton == null || baton.othersGoOn
          ? new Try(candidate, false)
          : new Await(signal, baton.ends);
    }
    if (baton != null) {
      return new Await(signal, baton.ends);
    }
    boolean uncertain = mark != null && mark.uncertain;
    long ready = uncertain && mark != null && mark.until - nextRound > 0 ? mark.until : nextRound;
    if (now - ready < 0) {
      return new Await(signal, ready);
    }
    baton = new Baton(now + options.probeTimeout().toNanos(), false);
    SecretValue again = uncertain || lock != null ? candidate : null;
    boolean deeper = mark == null || !mark.uncertain || mark.count >= 2;
    return new Probe(baton, again, deeper, mark == null ? now : mark.last);
  }

  /** Without waiting and probing: what is marked is tried by one caller each time its hold ends. */
  private Move unbridged(
      SecretValue candidate,
      String user,
      @Nullable Mark mark,
      @Nullable Lock lock,
      LoginOptions options,
      long now) {
    if (mark == null && lock == null) {
      return new Try(candidate, false);
    }
    boolean held = mark != null && now - mark.until < 0;
    if (held || refusedWithinMinute(user, now) >= options.refusedLoginsPerMinute()) {
      return new Denied(lastRefusal, now, false);
    }
    if (mark != null) {
      mark.until = now + hold(mark.count + 1, options);
    }
    if (lock != null) {
      lock.until = now + backOff(lock.count + 1, 5 * SECOND, LONGEST_LOCK);
    }
    return new Try(candidate, true);
  }

  private static Belief examined(Belief old, long now) {
    return new Belief(old.value, old.user, old.label, old.seenCurrent, old.since, now, old.order);
  }

  /** The believed version, or AWSCURRENT where there is none or it has been overtaken. */
  private SecretValue candidate(SecretValue current, long now) {
    seenAsCurrent(current);
    Belief believed = belief;
    String version = current.versionId();
    if (believed == null) {
      return current;
    }
    if (believed.is(current)) {
      if (!believed.isCurrent()) {
        belief =
            new Belief(
                current,
                believed.user,
                VersionSelector.CURRENT.text(),
                version,
                now,
                now,
                believed.order);
        news.add(News.complete(version));
      }
      return current;
    }
    if (isOvertaken(believed, version, now)) {
      belief = null;
      if (!believed.isCurrent()) {
        news.add(News.complete(version));
      }
      return current;
    }
    if (!believed.isCurrent() && !warned && now - believed.since >= WARN_AFTER) {
      if (overdueSince == null) {
        overdueSince = now; // What the cache holds may be as old; this read has it refreshed.
      }
      if (now - overdueSince < OVERDUE) {
        return believed.value;
      }
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

  /** Whether AWSCURRENT has moved since, to a version of which nothing bad is known. */
  private boolean isOvertaken(Belief believed, String current, long now) {
    return !current.equals(believed.seenCurrent) && !refusedLately(current, now);
  }

  /** The version that the next login will choose; nothing comes of asking. */
  synchronized SecretValue inUse(SecretValue current, long now) {
    Belief believed = belief;
    return believed == null
            || believed.is(current)
            || isOvertaken(believed, current.versionId(), now)
        ? current
        : believed.value;
  }

  private boolean refusedLately(String version, long now) {
    Mark mark = marks.get(version);
    return mark != null && !mark.uncertain && now - mark.last < LATELY;
  }

  /** A version that gains a label may be tried at once; one that loses it may gain it again. */
  private void seenAsCurrent(SecretValue current) {
    seen(current);
    marks.forEach(
        (version, mark) -> {
          if (!version.equals(current.versionId())) {
            mark.labels.remove(VersionSelector.CURRENT.text());
          }
        });
  }

  private void seen(SecretValue value) {
    Mark mark = marks.get(value.versionId());
    if (mark != null && !mark.labels.containsAll(value.labels())) {
      mark.labels.addAll(value.labels());
      if (mark.labelsKnown) {
        mark.until = mark.last;
        mark.count = 0;
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
    Mark mark = marks.get(value.versionId());
    if (mark != null) {
      mark.labelsKnown = true;
    }
    Lock lock = locks.get(user);
    return (mark == null || now - mark.until >= 0)
        && (lock == null || now - lock.until >= 0)
        && refusedWithinMinute(user, now) < options.refusedLoginsPerMinute();
  }

  private int refusedWithinMinute(String user, long now) {
    ArrayDeque<Long> times = refusedTimes.get(user);
    if (times == null) {
      return 0;
    }
    while (!times.isEmpty() && now - times.peekFirst() >= 60 * SECOND) {
      times.removeFirst();
    }
    return times.size();
  }

  /** What to wait for until something changes here. */
  synchronized CompletableFuture<Void> signalled() {
    return signal;
  }

  /** There are as many logins under way as there may be. */
  static final long NO_SLOT = 0;

  /** Something has come to stand against this version since it was chosen. */
  static final long LOOK_AGAIN = -1;

  /**
   * Takes one of the logins that may be under way at once, and numbers it, so that its end can be
   * told from what happened after its start.
   *
   * @param unasked whether it is used only because nothing stands against it
   * @return the number, {@link #NO_SLOT} or {@link #LOOK_AGAIN}
   */
  synchronized long begin(SecretValue value, String user, LoginOptions options, boolean unasked) {
    boolean waits = !options.rotationWait().isZero();
    if (unasked
        && (marks.containsKey(value.versionId())
            || locks.containsKey(user)
            || (waits && baton != null && !baton.othersGoOn))) {
      return LOOK_AGAIN;
    }
    int count = underWay.getOrDefault(user, 0);
    if (count >= options.loginsAtOnce()) {
      slotWanted = true;
      return NO_SLOT;
    }
    underWay.put(user, count + 1);
    return ++order;
  }

  synchronized void end(String user) {
    underWay.computeIfPresent(user, (name, count) -> count == 1 ? null : count - 1);
    if (slotWanted) {
      slotWanted = false;
      signal();
    }
  }

  /** A login worked. What it forgives is what came before it; only a prober's is believed. */
  synchronized void succeeded(SecretValue value, String user, long begun) {
    Mark mark = marks.get(value.versionId());
    if (mark != null && begun > mark.lastOrder) {
      marks.remove(value.versionId());
      forgetRefusal();
    }
    Lock lock = locks.get(user);
    if (lock != null && begun > lock.order) {
      unlock(user);
    }
  }

  private void forgetRefusal() {
    lastRefusal = null;
    lastRound = "";
    signal();
  }

  private void unlock(String user) {
    locks.remove(user);
    unlockedOrder = ++order;
  }

  /** Whether a login began before the newest proof that its version works. */
  private boolean overtaken(SecretValue value, long begun) {
    return belief != null && belief.is(value) && begun < belief.order;
  }

  /**
   * A version was refused. Returns whether that is news: the first refusal of what all were using.
   *
   * @param probing whether a prober used it, still holding the baton or not
   */
  synchronized boolean refused(
      SecretValue value,
      String user,
      long begun,
      boolean probing,
      Exception failure,
      LoginOptions options,
      long now) {
    if (overtaken(value, begun)) {
      return false;
    }
    lastRefusal = failure;
    Mark mark = marks.get(value.versionId());
    boolean first = mark == null;
    boolean inFlight = !probing && (mark == null || begun < mark.lastOrder);
    if (mark == null) {
      mark = new Mark();
      makeRoom(marks);
      marks.put(value.versionId(), mark);
    }
    mark.labels.addAll(value.labels());
    if (first || mark.uncertain || !inFlight) {
      mark.count = mark.uncertain ? 1 : mark.count + 1;
      mark.uncertain = false;
      mark.last = now;
      mark.lastOrder = ++order;
      mark.until = now + hold(mark.count, options);
    }
    if (!inFlight) {
      refusedWithinMinute(user, now); // Drops what is older.
      ArrayDeque<Long> times = refusedTimes.get(user);
      if (times == null) {
        times = new ArrayDeque<>();
        makeRoom(refusedTimes);
        refusedTimes.put(user, times);
      }
      times.addLast(now);
    }
    if (first && belief != null && belief.is(value)) {
      // The target has changed since it refused the others, so they may be tried again.
      for (Mark other : marks.values()) {
        if (!other.equals(mark)) {
          other.until = other.last;
          other.count = 0;
        }
      }
    }
    return first && !probing && (belief == null || belief.is(value));
  }

  /** Where only AWSCURRENT is tried, it is because the target bears few refusals. */
  private long hold(int count, LoginOptions options) {
    return options.currentOnly()
        ? backOff(count, LONGEST_HOLD, LONGEST_HOLD_CURRENT_ONLY)
        : backOff(count, SECOND, LONGEST_HOLD);
  }

  private static void makeRoom(Map<String, ?> map) {
    if (map.size() >= KEPT) {
      map.remove(map.keySet().iterator().next());
    }
  }

  /**
   * While a rotation is young, AWSCURRENT, once refused, mostly comes right by a rollback, which
   * shows in the believed version's refusal or in moved labels, and both end the hold. Trying it as
   * often as AWSPENDING would spend half of the refusals that the target may see.
   */
  synchronized void holdCurrent(SecretValue current) {
    Mark mark = marks.get(current.versionId());
    if (mark != null && mark.count > 0 && mark.last + LONGEST_HOLD - mark.until > 0) {
      mark.until = mark.last + LONGEST_HOLD;
    }
  }

  synchronized void locked(
      SecretValue value, String user, long begun, Exception failure, long now) {
    Lock lock = locks.get(user);
    if (begun < unlockedOrder
        || (lock != null && begun < lock.order)
        || (belief != null && belief.user.equals(user) && begun < belief.order)) {
      return;
    }
    if (lock == null) {
      lock = new Lock();
      makeRoom(locks);
      locks.put(user, lock);
    }
    lock.count++;
    lock.order = ++order;
    lock.until = now + backOff(lock.count, 5 * SECOND, LONGEST_LOCK);
    lock.failure = failure;
    signal();
  }

  synchronized void uncertain(SecretValue value, long begun, Exception failure, long now) {
    Mark mark = marks.get(value.versionId());
    if (overtaken(value, begun) || (mark != null && begun < mark.lastOrder)) {
      return;
    }
    if (mark == null) {
      mark = new Mark();
      makeRoom(marks);
      marks.put(value.versionId(), mark);
    }
    mark.count = mark.uncertain ? mark.count + 1 : 1;
    mark.uncertain = true;
    mark.last = now;
    mark.lastOrder = ++order;
    mark.until = now + backOff(mark.count, SECOND, LONGEST_HOLD);
    lastRefusal = failure;
  }

  synchronized @Nullable SecretValue believed() {
    return belief == null ? null : belief.value;
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
  synchronized void believe(
      Baton by,
      SecretValue value,
      String user,
      VersionSelector label,
      String seenCurrent,
      long now) {
    if (baton != by) {
      return;
    }
    Belief before = belief;
    boolean same = before != null && before.is(value) && before.label.equals(label.text());
    Belief after =
        new Belief(
            value,
            user,
            label.text(),
            seenCurrent,
            same && before != null ? before.since : now,
            now,
            ++order);
    if (before != null
        && !before.isCurrent()
        && !same
        && (after.isCurrent() || seenCurrent.equals(before.value.versionId()))) {
      // Also where a next rotation has begun between two looks at AWSCURRENT.
      news.add(News.complete(seenCurrent));
    }
    if (!after.isCurrent() && !same) {
      warned = false;
      overdueSince = null;
      news.add(new News(News.Kind.INCOMPLETE, after.label, value.versionId(), 0));
    }
    belief = after;
    marks.remove(value.versionId());
    unlock(user);
    baton = null;
    rounds = 0;
    forgetRefusal();
  }

  /** The prober tried all there was, and nothing worked: the next round comes later. */
  synchronized void endRound(Baton by, String summary, long now) {
    if (baton == by) {
      baton = null;
      lastRound = summary;
      nextRound = now + backOff(++rounds, SECOND / 4, LONGEST_ROUND);
      for (Mark mark : marks.values()) {
        if (now - mark.until < 0 && mark.until - nextRound < 0) {
          nextRound = mark.until; // Something may be tried again by then.
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

  /** Holds no value any more, and wakes who waits. */
  synchronized void forget() {
    belief = null;
    signal();
  }

  private void signal() {
    CompletableFuture<Void> old = signal;
    signal = new CompletableFuture<>();
    old.complete(null);
  }

  /** Doubles from the first to the longest; up to a fifth sooner, so that nothing moves in step. */
  private long backOff(int count, long first, long longest) {
    long nominal = Math.min(longest, first << Math.min(count - 1, 20));
    return (long) (nominal * (1 - 0.2 * jitter.getAsDouble()));
  }

  @Override
  public synchronized String toString() {
    return "TargetState[%s, %d versions and %d users marked%s]"
        .formatted(
            belief == null ? "nothing believed" : "believed " + belief.value.versionId(),
            marks.size(),
            locks.size(),
            baton == null ? "" : ", probed");
  }
}
