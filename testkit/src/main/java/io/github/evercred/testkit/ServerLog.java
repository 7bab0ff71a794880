package io.github.evercred.testkit;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/**
 * What a server writes to its standard error, read as it comes: the figures of logins, and the last
 * lines for error messages. Thread-safe.
 *
 * <p>All threads or processes of a server write to one pipe, and each writes its line before it
 * answers its client. So once a marker that the server was made to log has been read, every refusal
 * that any client knows of has been counted.
 */
abstract class ServerLog {
  private static final String MARKER = "evercred-marker-";
  private static final int TAIL = 40;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Deque<String> tail = new ArrayDeque<>();
  private final Map<String, Long> refused = new HashMap<>();
  private final Map<String, Long> successful = new HashMap<>();
  private final Set<String> markers = new HashSet<>();
  private long nextMarker;
  private boolean ready;
  private boolean portTaken;
  private boolean ended;

  /** Reads until the end, on a daemon thread. */
  Thread read(InputStream in) {
    Thread reader = new Thread(() -> readLines(in), "evercred-testkit-server-log");
    reader.setDaemon(true);
    reader.start();
    return reader;
  }

  private void readLines(InputStream in) {
    try (BufferedReader lines =
        new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        take(line);
      }
    } catch (IOException e) {
      take("(the log could not be read further: " + e + ")");
    } finally {
      update(() -> ended = true);
    }
  }

  void take(String line) {
    update(
        () -> {
          understand(line);
          if (!isChatter(line)) {
            tail.addLast(line);
          }
          if (tail.size() > TAIL) {
            tail.removeFirst();
          }
        });
  }

  /** Calls the methods below if the line says one of those things. */
  abstract void understand(String line);

  /** Whether a line explains nothing and would push out one that does. */
  boolean isChatter(String line) {
    return false;
  }

  final void ready() {
    ready = true;
  }

  final void portTaken() {
    portTaken = true;
  }

  final void refusal(String user) {
    refused.merge(user, 1L, Long::sum);
  }

  final void success(String user) {
    successful.merge(user, 1L, Long::sum);
  }

  /** Takes a text of {@link #newMarker}, alone; false if it is none. */
  final boolean marker(String text) {
    return text.startsWith(MARKER) && markers.add(text);
  }

  private void update(Runnable change) {
    lock.lock();
    try {
      change.run();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Waits until the server accepts connections or is gone; true if it accepts them. */
  boolean awaitReady(Duration atMost) throws InterruptedException {
    await(() -> ready || ended, atMost);
    lock.lock();
    try {
      return ready && !ended;
    } finally {
      lock.unlock();
    }
  }

  /** A text for the server to log, at most 32 characters. */
  String newMarker() {
    lock.lock();
    try {
      return MARKER + ++nextMarker;
    } finally {
      lock.unlock();
    }
  }

  /** Waits until a marker has been read; false if it has not come in time. */
  boolean awaitMarker(String marker, Duration atMost) throws InterruptedException {
    return await(() -> markers.remove(marker), atMost);
  }

  /** Waits until a marker has been read. */
  void requireMarker(String marker, Duration atMost) {
    try {
      if (!awaitMarker(marker, atMost)) {
        throw new IllegalStateException(
            "The server's log has not shown a marker within %s. Its last output was:%n%s"
                .formatted(atMost, tail()));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while waiting for the server's log", e);
    }
  }

  private boolean await(BooleanSupplier condition, Duration atMost) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      long left = atMost.toNanos();
      while (!condition.getAsBoolean()) {
        if (left <= 0) {
          return false;
        }
        left = changed.awaitNanos(left);
      }
      return true;
    } finally {
      lock.unlock();
    }
  }

  long refused(String user) {
    lock.lock();
    try {
      return refused.getOrDefault(user, 0L);
    } finally {
      lock.unlock();
    }
  }

  long successful(String user) {
    lock.lock();
    try {
      return successful.getOrDefault(user, 0L);
    } finally {
      lock.unlock();
    }
  }

  boolean isPortTaken() {
    lock.lock();
    try {
      return portTaken;
    } finally {
      lock.unlock();
    }
  }

  boolean isEnded() {
    lock.lock();
    try {
      return ended;
    } finally {
      lock.unlock();
    }
  }

  /** The last lines, for an error message. Servers are set up to log no statement. */
  String tail() {
    lock.lock();
    try {
      return tail.isEmpty() ? "(nothing)" : String.join("\n", tail);
    } finally {
      lock.unlock();
    }
  }
}
