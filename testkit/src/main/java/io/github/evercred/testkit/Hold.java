package io.github.evercred.testkit;

import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Requests held back by a {@link LocalSecretsManager}: accepted and counted, they wait until {@link
 * #release}. A test uses it to fix an order of events without sleeping. Thread-safe.
 *
 * @see LocalSecretsManager#hold
 * @see LocalSecretsManager#holdAnswers
 */
public final class Hold implements AutoCloseable {
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Requests requests;
  private int arrived;
  private int held;
  private boolean released;

  Hold(Requests requests) {
    this.requests = requests;
  }

  /**
   * Waits until {@code n} requests have come to this hold since it was made, released or not.
   *
   * @param n how many
   * @param atMost how long to wait
   * @throws AssertionError if fewer have come by then
   * @throws InterruptedException if the calling thread is interrupted
   */
  public void awaitArrival(int n, Duration atMost) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      long left = atMost.toNanos();
      while (arrived < n) {
        if (left <= 0) {
          throw new AssertionError(
              "Expected %d requests to be held within %s, but %d came (%s)."
                  .formatted(n, atMost, arrived, requests));
        }
        left = changed.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Returns how many requests wait here now.
   *
   * @return the number of held requests
   */
  public int held() {
    lock.lock();
    try {
      return held;
    } finally {
      lock.unlock();
    }
  }

  /** Lets every held request go on and holds no more. Does nothing the second time. */
  public void release() {
    lock.lock();
    try {
      released = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Does the same as {@link #release}. */
  @Override
  public void close() {
    release();
  }

  /** Called by the request's thread. */
  void pass() throws InterruptedException {
    lock.lockInterruptibly();
    try {
      if (released) {
        return;
      }
      arrived++;
      held++;
      changed.signalAll();
      try {
        while (!released) {
          changed.await();
        }
      } finally {
        held--;
      }
    } finally {
      lock.unlock();
    }
  }

  boolean isReleased() {
    lock.lock();
    try {
      return released;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public String toString() {
    return "Hold[%s, held=%d]".formatted(requests, held());
  }
}
