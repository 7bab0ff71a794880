package io.github.evercred.examples.rotation;

import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Both applications under load, and their rotations, step by step at the same moments. */
final class Run {
  /** Before the first rotation and after each: time to see that all is well without one. */
  private static final Duration QUIET = Duration.ofSeconds(2);

  private static final Duration WARM_UP = Duration.ofSeconds(2);

  private static final Duration RECYCLE_EVERY = Duration.ofMillis(500);

  /** As long as one request may take with Evercred: its rotationWait, and time for the query. */
  private static final Duration PATIENCE = Duration.ofSeconds(25);

  private final DemoOptions options;
  private final LiveLine live;
  private final WithEvercred evercred;
  private final Side with;
  private final Load withLoad;
  private final Side without;
  private final Load withoutLoad;
  private final Runnable afterEachStep;
  private final long started = System.nanoTime();
  private volatile String step = "warming up";

  Run(
      DemoOptions options,
      LiveLine live,
      WithEvercred evercred,
      Side with,
      Load withLoad,
      Side without,
      Load withoutLoad,
      Runnable afterEachStep) {
    this.options = options;
    this.live = live;
    this.evercred = evercred;
    this.with = with;
    this.withLoad = withLoad;
    this.without = without;
    this.withoutLoad = withoutLoad;
    this.afterEachStep = afterEachStep;
  }

  /** Returns the results with Evercred and those without. */
  List<Results> rotate() throws SQLException, InterruptedException {
    ScheduledExecutorService timer = Executors.newScheduledThreadPool(3, Run::daemon);
    try {
      withLoad.start();
      withoutLoad.start();
      every(timer, RECYCLE_EVERY, withLoad::recyclePool);
      every(timer, RECYCLE_EVERY, withoutLoad::recyclePool);
      every(timer, Duration.ofMillis(live.isRewriting() ? 200 : 1000), this::showStatus);
      pause(WARM_UP);
      withLoad.beginTiming();
      withoutLoad.beginTiming();
      pause(QUIET);
      with.beginRotations();
      without.beginRotations();
      for (int n = 1; n <= options.rotations(); n++) {
        rotateOnce(n + "/" + options.rotations() + " ");
      }
      withLoad.beginStop();
      withoutLoad.beginStop();
      int unanswered = withLoad.awaitStop(PATIENCE);
      int unansweredWithout = withoutLoad.awaitStop(Duration.ofSeconds(1));
      return List.of(
          with.results(withLoad, unanswered), without.results(withoutLoad, unansweredWithout));
    } finally {
      timer.shutdownNow();
      timer.awaitTermination(5, TimeUnit.SECONDS);
    }
  }

  private void rotateOnce(String turn) throws SQLException, InterruptedException {
    with.createSecret();
    without.createSecret();
    done(turn + "createSecret");

    with.setSecret(withLoad);
    without.setSecret(withoutLoad);
    long finishAt = System.nanoTime() + options.window().toNanos();
    // The worst moment: both pools need all of their connections anew.
    withLoad.recyclePool();
    withoutLoad.recyclePool();
    done(turn + "setSecret");

    with.testSecret();
    without.testSecret();
    done(turn + "testSecret");
    pauseUntil(finishAt);

    with.finishSecret(withLoad);
    without.finishSecret(withoutLoad);
    done(turn + "finishSecret");
    pause(QUIET);

    with.endTurn();
    without.endTurn();
  }

  private void done(String nowDone) {
    step = nowDone;
    showStatus();
    afterEachStep.run();
  }

  private void showStatus() {
    live.show(
        String.format(
            Locale.ROOT,
            "%5.1f s  %-16s  Evercred %,d of %,d failed, without %,d of %,d; using %s",
            (System.nanoTime() - started) / 1e9,
            step,
            withLoad.failed(),
            withLoad.requests(),
            withoutLoad.failed(),
            withoutLoad.requests(),
            with.versionName(evercred.versionInUse())));
  }

  private static void every(ScheduledExecutorService timer, Duration period, Runnable task) {
    ScheduledFuture<?> unused =
        timer.scheduleAtFixedRate(task, period.toNanos(), period.toNanos(), TimeUnit.NANOSECONDS);
  }

  private static Thread daemon(Runnable task) {
    Thread thread = new Thread(task, "demo timer");
    thread.setDaemon(true);
    return thread;
  }

  private static void pause(Duration time) throws InterruptedException {
    pauseUntil(System.nanoTime() + time.toNanos());
  }

  private static void pauseUntil(long nanoTime) throws InterruptedException {
    for (long left; (left = nanoTime - System.nanoTime()) > 0; ) {
      if (Thread.interrupted()) {
        throw new InterruptedException();
      }
      LockSupport.parkNanos(left);
    }
  }
}
