package io.github.evercred;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Threads that a test starts at one moment, and what became of each. */
final class Crew<T> {
  private final List<FutureTask<T>> tasks = new ArrayList<>();
  private final List<Thread> threads = new ArrayList<>();

  private Crew() {}

  static <T> Crew<T> of(int count, Callable<T> work) {
    var crew = new Crew<T>();
    var start = new CountDownLatch(1);
    for (int i = 0; i < count; i++) {
      var task =
          new FutureTask<T>(
              () -> {
                start.await();
                return work.call();
              });
      Thread thread = new Thread(task, "crew-" + i);
      thread.setDaemon(true);
      thread.start();
      crew.tasks.add(task);
      crew.threads.add(thread);
    }
    start.countDown();
    return crew;
  }

  boolean isDone() {
    return tasks.stream().allMatch(FutureTask::isDone);
  }

  List<Thread> threads() {
    return threads;
  }

  /** What all have returned; fails if one has thrown. */
  List<T> values() {
    var values = new ArrayList<T>();
    for (FutureTask<T> task : tasks) {
      values.add(end(task));
    }
    return values;
  }

  T value() {
    return values().get(0);
  }

  private static <T> T end(FutureTask<T> task) {
    try {
      return task.get(30, TimeUnit.SECONDS);
    } catch (InterruptedException | TimeoutException e) {
      throw new AssertionError("still at work", e);
    } catch (ExecutionException e) {
      throw new AssertionError("failed: " + e.getCause(), e.getCause());
    }
  }

  /** What all have thrown; fails if one has not, or something else. */
  List<SecretException> failures() {
    var failures = new ArrayList<SecretException>();
    for (FutureTask<T> task : tasks) {
      try {
        T value = task.get(30, TimeUnit.SECONDS);
        throw new AssertionError("not expected: " + value);
      } catch (InterruptedException | TimeoutException e) {
        throw new AssertionError("still at work", e);
      } catch (ExecutionException e) {
        if (!(e.getCause() instanceof SecretException failure)) {
          throw new AssertionError("another failure: " + e.getCause(), e.getCause());
        }
        failures.add(failure);
      }
    }
    return failures;
  }

  SecretException failure() {
    return failures().get(0);
  }
}
