package io.github.evercred;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.function.UnaryOperator;

/** A cache on a fake source and fake time, and how to wait until it has come to rest. */
final class CacheFixture implements AutoCloseable {
  static final String ID = "prod/orders/db";

  /** Between the second attempt and the third: 200 ms, and up to half as much again. */
  private static final Duration LONGEST_PAUSE = Duration.ofMillis(300);

  final FakeTime time = new FakeTime();
  final FakeSource source = new FakeSource();
  final SecretCache cache;

  CacheFixture() {
    this(options -> options);
  }

  CacheFixture(UnaryOperator<SecretCacheBuilder> options) {
    source.put(ID, 1, "one", "AWSCURRENT");
    cache = options.apply(SecretCache.builder().source(source)).build(time);
  }

  /** Stores a new current version. */
  void rotate(int version, String value) {
    source.put(ID, version, value, "AWSCURRENT");
  }

  String read() {
    return cache.get(ID).asString();
  }

  /** For what goes on reading whatever comes. */
  String readOrFail() {
    try {
      return read();
    } catch (SecretException e) {
      return e.toString();
    }
  }

  SecretException.Reason reasonOfRead() {
    return reason(ID);
  }

  SecretException.Reason reason(String id) {
    try {
      SecretValue value = cache.get(id);
      throw new AssertionError("not expected: " + value);
    } catch (SecretException e) {
      return e.reason();
    }
  }

  /**
   * Waits until no flight is under way: then the timers of the cached labels are all that is
   * scheduled. Not for a cache that holds explicit versions, which have no timer.
   */
  void rest() {
    Eventually.until(
        () -> time.scheduled() == cache.size(),
        () -> time.scheduled() + " tasks for " + cache.size() + " entries");
  }

  /**
   * Moves time to where the one cached secret is due, which is at random within a tenth, and no
   * further once that has started a refresh: it has ended, or the source holds it.
   */
  void comeDue() {
    int calls = source.calls();
    time.advance(Duration.ofSeconds(270));
    for (int i = 0; i < 30 && source.calls() == calls; i++) {
      time.advance(Duration.ofSeconds(1));
      Eventually.until(
          () -> time.scheduled() == cache.size() || source.held() > 0, () -> "no end of a refresh");
    }
  }

  void awaitScheduled(int tasks) {
    Eventually.until(
        () -> time.scheduled() == tasks, () -> time.scheduled() + " tasks instead of " + tasks);
  }

  void awaitCalls(int calls) {
    Eventually.until(
        () -> source.calls() >= calls, () -> source.calls() + " of " + calls + " calls");
  }

  /**
   * Moves time over the pauses between attempts until a crew is done. Everything else that is
   * scheduled is later than those, so no time-out passes however slow this machine is.
   */
  <T> Crew<T> drive(Crew<T> crew) {
    drive(time, crew);
    return crew;
  }

  static void drive(FakeTime time, Crew<?> crew) {
    Eventually.until(
        () -> {
          if (crew.isDone()) {
            return true;
          }
          time.untilNext()
              .filter(next -> next.compareTo(LONGEST_PAUSE) <= 0)
              .ifPresent(time::advance);
          return false;
        },
        () -> "still at work, next in " + time.untilNext());
  }

  /** Does something that retries, to its end, while time moves. */
  <T> Crew<T> drive(Callable<T> work) {
    return drive(Crew.of(1, work));
  }

  /** Lets a span pass in which somebody reads often, and nothing is ever left under way. */
  void passReading(Duration span, Duration step, Runnable read) {
    for (Duration passed = Duration.ZERO; passed.compareTo(span) < 0; passed = passed.plus(step)) {
      time.advance(step);
      rest();
      read.run();
      rest();
    }
  }

  @Override
  public void close() {
    source.release();
    cache.close();
  }
}
