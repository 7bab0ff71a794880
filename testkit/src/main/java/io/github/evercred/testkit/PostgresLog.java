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
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a PostgreSQL server writes to its standard error, read as it comes: the figures of logins,
 * and the last lines for error messages. Thread-safe.
 *
 * <p>A server process writes its line before it answers its client: a refusal before the error goes
 * out, a login ({@code connection ready}, new in PostgreSQL 18) before the client may send its
 * first query. All of them write to one pipe. So once a marker that the server was told to log has
 * been read, every login that any client knows of has been counted.
 */
final class PostgresLog {
  /** The server's {@code log_line_prefix}: time, process, SQLSTATE, and the user of a session. */
  static final String PREFIX = "%m [%p] %e %q\"%u\": ";

  private static final Pattern SESSION =
      Pattern.compile("\\S+ \\S+ \\S+ \\[\\d+] ([0-9A-Z]{5}) \"(.*?)\": (LOG|FATAL): {2}(.*)");
  private static final Set<String> REFUSALS = Set.of("28P01", "28000");
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
    Thread reader = new Thread(() -> readLines(in), "evercred-testkit-postgres-log");
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
    Matcher session = SESSION.matcher(line);
    update(
        () -> {
          if (session.matches()) {
            count(session.group(1), session.group(2), session.group(3), session.group(4));
          } else if (line.contains("database system is ready to accept connections")) {
            ready = true;
          } else if (line.contains("could not create any TCP/IP sockets")) {
            portTaken = true;
          }
          tail.addLast(line);
          if (tail.size() > TAIL) {
            tail.removeFirst();
          }
        });
  }

  private void count(String state, String user, String severity, String message) {
    if (severity.equals("FATAL") && REFUSALS.contains(state)) {
      refused.merge(user, 1L, Long::sum);
    } else if (message.startsWith("connection ready: ")) {
      successful.merge(user, 1L, Long::sum);
    } else if (message.startsWith(MARKER)) {
      markers.add(message);
    }
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

  /** A text to be logged by the server as a message of its own. */
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

  /** The last lines, for an error message. The server is set up to log no statement. */
  String tail() {
    lock.lock();
    try {
      return tail.isEmpty() ? "(nothing)" : String.join("\n", tail);
    } finally {
      lock.unlock();
    }
  }
}
