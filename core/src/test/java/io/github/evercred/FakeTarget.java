package io.github.evercred;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A server with passwords: accepts some, refuses the rest, counts both, and can be told to lock, to
 * be uncertain, to break, or to hold a login open.
 */
final class FakeTarget implements CredentialUse<String, FakeTarget.Failed> {

  /** What the server says; its kind is what {@link #sort} reads back. */
  static final class Failed extends Exception {
    private static final long serialVersionUID = 1L;
    final FailureKind kind;
    private final transient @Nullable LoginFailure why;

    Failed(
        FailureKind kind, String message, @Nullable LoginFailure why, @Nullable Throwable cause) {
      super(message, cause);
      this.kind = kind;
      this.why = why;
    }

    LoginFailure why() {
      if (why == null) {
        throw new AssertionError("the server's own failure, not one of the login's", this);
      }
      return why;
    }

    boolean isServers() {
      return why == null;
    }
  }

  /** One login as the server saw it. */
  record Seen(String password, boolean accepted) {}

  private final Set<String> accepted = new HashSet<>();
  private final List<Seen> seen = new ArrayList<>();
  private final Map<String, CountDownLatch> gates = new HashMap<>();
  private final Map<String, FailureKind> failures = new HashMap<>();
  private final Map<String, Throwable> thrown = new HashMap<>();
  private final List<Duration> remaining = new ArrayList<>();
  private int arrived;

  synchronized void accept(String... passwords) {
    accepted.clear();
    accepted.addAll(List.of(passwords));
  }

  /** Fails logins with this password in a way of its own; null makes it normal again. */
  synchronized void failWith(String password, @Nullable FailureKind kind) {
    if (kind == null) {
      failures.remove(password);
    } else {
      failures.put(password, kind);
    }
  }

  synchronized void throwOnce(String password, Throwable failure) {
    thrown.put(password, failure);
  }

  /** Holds every login with this password open, before it is judged. */
  synchronized void hold(String password) {
    gates.put(password, new CountDownLatch(1));
    arrived = 0;
  }

  synchronized void release(String password) {
    CountDownLatch gate = gates.remove(password);
    if (gate != null) {
      gate.countDown();
    }
  }

  synchronized int arrived() {
    return arrived;
  }

  void awaitArrived(int count) {
    Eventually.until(() -> arrived() >= count, () -> arrived() + " of " + count + " arrived");
  }

  synchronized long refused(String password) {
    return seen.stream().filter(s -> !s.accepted() && s.password().equals(password)).count();
  }

  synchronized long refused() {
    return seen.stream().filter(s -> !s.accepted()).count();
  }

  synchronized int logins() {
    return seen.size();
  }

  synchronized List<Seen> seen() {
    return List.copyOf(seen);
  }

  synchronized void forget() {
    seen.clear();
  }

  synchronized List<Duration> remaining() {
    return List.copyOf(remaining);
  }

  @Override
  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
  public String use(SecretValue credential, Duration left) throws Failed {
    String password = credential.field("password");
    CountDownLatch gate;
    synchronized (this) {
      remaining.add(left);
      gate = gates.get(password);
      arrived++;
    }
    if (gate != null) {
      try {
        if (!gate.await(30, TimeUnit.SECONDS)) {
          throw new AssertionError("a held login was never released");
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new Failed(FailureKind.OTHER, "interrupted in the driver", null, e);
      }
    }
    synchronized (this) {
      Throwable once = thrown.remove(password);
      if (once != null) {
        FakeTarget.<RuntimeException>sneak(once);
      }
      FailureKind special = failures.get(password);
      if (special != null) {
        seen.add(new Seen(password, false));
        throw new Failed(special, "the server says " + special, null, null);
      }
      boolean good = accepted.contains(password);
      seen.add(new Seen(password, good));
      if (!good) {
        throw new Failed(FailureKind.CREDENTIAL, "password refused", null, null);
      }
      return "connection with " + credential.versionId();
    }
  }

  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
  private static <E extends Throwable> void sneak(Throwable failure) throws E {
    throw (E) failure;
  }

  @Override
  public FailureKind sort(Exception failure) {
    return failure instanceof Failed failed ? failed.kind : FailureKind.OTHER;
  }

  @Override
  public String userName(SecretValue credential) {
    return credential.field("username");
  }

  @Override
  public Failed failure(LoginFailure failure) {
    Throwable cause =
        failure.lastRefusal() != null ? failure.lastRefusal() : failure.secretFailure();
    return new Failed(FailureKind.OTHER, failure.message(), failure, cause);
  }
}
