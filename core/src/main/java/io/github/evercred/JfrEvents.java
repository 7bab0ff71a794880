package io.github.evercred;

import java.time.Duration;
import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;
import org.jspecify.annotations.Nullable;

/**
 * Writes what caches and logins do into recordings of JDK Flight Recorder: add {@link #listener()}
 * to a cache, and hand {@link #rotationListener()} to its logins. The names of the events begin
 * with {@code io.github.evercred.}; they hold ids of secrets and versions, reasons and times, never
 * a value. While nothing is being recorded an event costs next to nothing.
 *
 * <p>In a runtime without the module {@code jdk.jfr} there are no recordings, and the listeners do
 * nothing. Thread-safe.
 */
@SuppressWarnings("UnusedVariable") // JFR reads the fields of events.
public final class JfrEvents {

  /*
   * The classes that extend jdk.jfr.Event are loaded by the first event that is told, so whoever
   * does not ask for them, or has no such module, never meets them.
   *
   * A flight is over when it is told, and JFR sets no begin after the fact: an event's own duration
   * is zero, and the field "took" says how long the fetch lasted.
   */

  private JfrEvents() {}

  /**
   * Returns a listener that records what a cache does.
   *
   * @return a listener for any number of caches
   */
  public static SecretCacheListener listener() {
    return isPossible() ? new Cache(0) : new SecretCacheListener() {};
  }

  /**
   * Returns a listener that records what logins learn. It does not block.
   *
   * @return a listener for any number of logins
   */
  public static RotationListener rotationListener() {
    return isPossible() ? new Logins() : new RotationListener() {};
  }

  private static boolean isPossible() {
    return ModuleLayer.boot().findModule("jdk.jfr").isPresent();
  }

  /** Records what a cache does. */
  static final class Cache implements SecretCacheListener {
    private final long took;

    private Cache(long took) {
      this.took = took;
    }

    /** Returns one for an event that has lasted so long, in nanoseconds. */
    Cache lasting(long nanos) {
      return new Cache(nanos);
    }

    @Override
    public void loaded(String secretId, VersionSelector version, String versionId) {
      var event = new Load();
      if (event.shouldCommit()) {
        event.secretId = secretId;
        event.version = version.toString();
        event.versionId = versionId;
        event.took = took;
        event.commit();
      }
    }

    @Override
    public void refreshed(String secretId, VersionSelector version, String versionId) {
      var event = new Refresh();
      if (event.shouldCommit()) {
        event.secretId = secretId;
        event.version = version.toString();
        event.versionId = versionId;
        event.took = took;
        event.commit();
      }
    }

    @Override
    public void rotated(
        String secretId, VersionSelector version, String oldVersionId, String newVersionId) {
      var event = new Rotation();
      if (event.shouldCommit()) {
        event.secretId = secretId;
        event.version = version.toString();
        event.oldVersionId = oldVersionId;
        event.versionId = newVersionId;
        event.took = took;
        event.commit();
      }
    }

    @Override
    public void failed(String secretId, VersionSelector version, SecretException failure) {
      var event = new Failure();
      if (event.shouldCommit()) {
        event.secretId = secretId;
        event.version = version.toString();
        event.reason = failure.reason().name();
        event.requestId = failure.requestId();
        event.took = took;
        event.commit();
      }
    }

    @Override
    public void servingStale(
        String secretId,
        VersionSelector version,
        String versionId,
        Duration age,
        SecretException failure) {
      var event = new Stale();
      if (event.shouldCommit()) {
        event.secretId = secretId;
        event.version = version.toString();
        event.versionId = versionId;
        event.age = age.toNanos();
        event.reason = failure.reason().name();
        event.requestId = failure.requestId();
        event.took = took;
        event.commit();
      }
    }

    @Override
    public void expired(String secretId, VersionSelector version, String versionId, Duration age) {
      var event = new Expiry();
      if (event.shouldCommit()) {
        event.secretId = secretId;
        event.version = version.toString();
        event.versionId = versionId;
        event.age = age.toNanos();
        event.commit();
      }
    }

    @Override
    public void evicted(String secretId, VersionSelector version, String versionId) {
      var event = new Eviction();
      if (event.shouldCommit()) {
        event.secretId = secretId;
        event.version = version.toString();
        event.versionId = versionId;
        event.commit();
      }
    }
  }

  /** Records what logins learn. */
  private static final class Logins implements RotationListener {

    @Override
    public void refused(Target target, String secretId, String versionId) {
      var event = new Refusal();
      if (event.shouldCommit()) {
        event.secretId = secretId;
        event.target = target.toString();
        event.versionId = versionId;
        event.commit();
      }
    }

    @Override
    public void rotationIncomplete(
        Target target, String secretId, String label, String versionId, Duration since) {
      var event = new RotationIncomplete();
      if (event.shouldCommit()) {
        event.secretId = secretId;
        event.target = target.toString();
        event.label = label;
        event.versionId = versionId;
        event.age = since.toNanos();
        event.commit();
      }
    }

    @Override
    public void rotationComplete(Target target, String secretId, String versionId) {
      var event = new RotationComplete();
      if (event.shouldCommit()) {
        event.secretId = secretId;
        event.target = target.toString();
        event.versionId = versionId;
        event.commit();
      }
    }
  }

  @Name("io.github.evercred.Load")
  @Label("Secret Loaded")
  @Description("A value that was not cached was fetched")
  @Category("Evercred")
  @StackTrace(false)
  private static final class Load extends Event {
    @Label("Secret Id")
    @Nullable String secretId;

    @Label("Asked For")
    @Nullable String version;

    @Label("Version Id")
    @Nullable String versionId;

    @Label("Took")
    @Timespan(Timespan.NANOSECONDS)
    long took;
  }

  @Name("io.github.evercred.Refresh")
  @Label("Secret Refreshed")
  @Description("A refresh found the version that was cached")
  @Category("Evercred")
  @StackTrace(false)
  private static final class Refresh extends Event {
    @Label("Secret Id")
    @Nullable String secretId;

    @Label("Asked For")
    @Nullable String version;

    @Label("Version Id")
    @Nullable String versionId;

    @Label("Took")
    @Timespan(Timespan.NANOSECONDS)
    long took;
  }

  @Name("io.github.evercred.Rotation")
  @Label("Secret Rotated")
  @Description("A refresh found another version than was cached")
  @Category("Evercred")
  @StackTrace(false)
  private static final class Rotation extends Event {
    @Label("Secret Id")
    @Nullable String secretId;

    @Label("Asked For")
    @Nullable String version;

    @Label("Old Version Id")
    @Nullable String oldVersionId;

    @Label("Version Id")
    @Nullable String versionId;

    @Label("Took")
    @Timespan(Timespan.NANOSECONDS)
    long took;
  }

  @Name("io.github.evercred.Failure")
  @Label("Secret Fetch Failed")
  @Description("A fetch failed and nothing is cached")
  @Category("Evercred")
  @StackTrace(false)
  private static final class Failure extends Event {
    @Label("Secret Id")
    @Nullable String secretId;

    @Label("Asked For")
    @Nullable String version;

    @Label("Reason")
    @Nullable String reason;

    @Label("Request Id")
    @Nullable String requestId;

    @Label("Took")
    @Timespan(Timespan.NANOSECONDS)
    long took;
  }

  @Name("io.github.evercred.Stale")
  @Label("Stale Secret Served")
  @Description("A fetch failed and what is cached is served on")
  @Category("Evercred")
  @StackTrace(false)
  private static final class Stale extends Event {
    @Label("Secret Id")
    @Nullable String secretId;

    @Label("Asked For")
    @Nullable String version;

    @Label("Version Id")
    @Nullable String versionId;

    @Label("Age")
    @Timespan(Timespan.NANOSECONDS)
    long age;

    @Label("Reason")
    @Nullable String reason;

    @Label("Request Id")
    @Nullable String requestId;

    @Label("Took")
    @Timespan(Timespan.NANOSECONDS)
    long took;
  }

  @Name("io.github.evercred.Expiry")
  @Label("Secret Expired")
  @Description("A value was dropped because it may be served no longer")
  @Category("Evercred")
  @StackTrace(false)
  private static final class Expiry extends Event {
    @Label("Secret Id")
    @Nullable String secretId;

    @Label("Asked For")
    @Nullable String version;

    @Label("Version Id")
    @Nullable String versionId;

    @Label("Age")
    @Timespan(Timespan.NANOSECONDS)
    long age;
  }

  @Name("io.github.evercred.Eviction")
  @Label("Secret Evicted")
  @Description("A value was dropped for size")
  @Category("Evercred")
  @StackTrace(false)
  private static final class Eviction extends Event {
    @Label("Secret Id")
    @Nullable String secretId;

    @Label("Asked For")
    @Nullable String version;

    @Label("Version Id")
    @Nullable String versionId;
  }

  @Name("io.github.evercred.Refusal")
  @Label("Login Refused")
  @Description("A target refused the version that it was believed to accept")
  @Category("Evercred")
  @StackTrace(false)
  private static final class Refusal extends Event {
    @Label("Secret Id")
    @Nullable String secretId;

    @Label("Target")
    @Nullable String target;

    @Label("Version Id")
    @Nullable String versionId;
  }

  @Name("io.github.evercred.RotationIncomplete")
  @Label("Rotation Incomplete")
  @Description("A target accepts a version that is not AWSCURRENT")
  @Category("Evercred")
  @StackTrace(false)
  private static final class RotationIncomplete extends Event {
    @Label("Secret Id")
    @Nullable String secretId;

    @Label("Target")
    @Nullable String target;

    @Label("Staging Label")
    @Nullable String label;

    @Label("Version Id")
    @Nullable String versionId;

    @Label("Age")
    @Timespan(Timespan.NANOSECONDS)
    long age;
  }

  @Name("io.github.evercred.RotationComplete")
  @Label("Rotation Complete")
  @Description("AWSCURRENT has caught up with what a target accepts")
  @Category("Evercred")
  @StackTrace(false)
  private static final class RotationComplete extends Event {
    @Label("Secret Id")
    @Nullable String secretId;

    @Label("Target")
    @Nullable String target;

    @Label("Version Id")
    @Nullable String versionId;
  }
}
