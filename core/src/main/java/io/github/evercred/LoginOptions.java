package io.github.evercred;

import java.time.Duration;
import java.util.Objects;

/**
 * How a login bridges a rotation. Immutable; each {@code with} method returns a changed copy and
 * checks its value at once.
 */
public final class LoginOptions {

  /** No limit on {@link #loginsAtOnce} or {@link #refusedLoginsPerMinute}. */
  public static final int UNLIMITED = Integer.MAX_VALUE;

  /** The defaults of all options. */
  public static final LoginOptions DEFAULTS =
      new LoginOptions(Duration.ofSeconds(20), Duration.ofSeconds(5), UNLIMITED, 5, false);

  private final Duration rotationWait;
  private final Duration probeTimeout;
  private final int loginsAtOnce;
  private final int refusedLoginsPerMinute;
  private final boolean currentOnly;

  private LoginOptions(
      Duration rotationWait,
      Duration probeTimeout,
      int loginsAtOnce,
      int refusedLoginsPerMinute,
      boolean currentOnly) {
    this.rotationWait = rotationWait;
    this.probeTimeout = probeTimeout;
    this.loginsAtOnce = loginsAtOnce;
    this.refusedLoginsPerMinute = refusedLoginsPerMinute;
    this.currentOnly = currentOnly;
  }

  private static Duration inRange(String name, Duration value, Duration least, Duration most) {
    Objects.requireNonNull(value, name);
    if (value.compareTo(least) < 0 || value.compareTo(most) > 0) {
      throw new IllegalArgumentException(
          "%s must be %s to %s, not %s".formatted(name, least, most, value));
    }
    return value;
  }

  private static int positive(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " must be 1 to unlimited, not " + value);
    }
    return value;
  }

  /**
   * Sets how long one login may bridge a rotation. It covers reading the cache, all waits and all
   * tries, and with them each real login. Where the caller has a login time-out of its own, the
   * smaller holds.
   *
   * @param wait 0 to 10 min; the default is 20 s. With 0 a refusal is final for that login, and
   *     only the caller's own time-out limits it
   * @return a changed copy
   * @throws IllegalArgumentException if it is out of range
   */
  public LoginOptions withRotationWait(Duration wait) {
    return new LoginOptions(
        inRange("rotationWait", wait, Duration.ZERO, Duration.ofMinutes(10)),
        probeTimeout,
        loginsAtOnce,
        refusedLoginsPerMinute,
        currentOnly);
  }

  /**
   * Sets how long one caller may hold the probe of a target before the next waiter takes it.
   *
   * @param timeout 1 s to 1 min; the default is 5 s
   * @return a changed copy
   * @throws IllegalArgumentException if it is out of range
   */
  public LoginOptions withProbeTimeout(Duration timeout) {
    return new LoginOptions(
        rotationWait,
        inRange("probeTimeout", timeout, Duration.ofSeconds(1), Duration.ofMinutes(1)),
        loginsAtOnce,
        refusedLoginsPerMinute,
        currentOnly);
  }

  /**
   * Sets how many logins may be under way at once, per target and user name. A login beyond that
   * waits, to its own deadline. It bounds how many refusals a rotation can cost.
   *
   * @param count 1 to {@link #UNLIMITED}, the default
   * @return a changed copy
   * @throws IllegalArgumentException if it is less than 1
   */
  public LoginOptions withLoginsAtOnce(int count) {
    return new LoginOptions(
        rotationWait,
        probeTimeout,
        positive("loginsAtOnce", count),
        refusedLoginsPerMinute,
        currentOnly);
  }

  /**
   * Sets how many refused logins a target may see within a minute from probes, per user name. Those
   * that were in flight when the first was refused are not counted: nothing can call them back.
   *
   * @param count 1 to {@link #UNLIMITED}; the default is 5
   * @return a changed copy
   * @throws IllegalArgumentException if it is less than 1
   */
  public LoginOptions withRefusedLoginsPerMinute(int count) {
    return new LoginOptions(
        rotationWait,
        probeTimeout,
        loginsAtOnce,
        positive("refusedLoginsPerMinute", count),
        currentOnly);
  }

  /**
   * Sets whether only AWSCURRENT is ever tried: for a proxy that knows no other version, and for a
   * target that locks accounts after very few refusals. A refused login then waits until AWSCURRENT
   * moves. So that a refusal for another reason is not for ever, one caller tries the same version
   * again after 30 s, doubling to 10 minutes.
   *
   * @param only true to try AWSCURRENT only; the default is false
   * @return a changed copy
   */
  public LoginOptions withCurrentOnly(boolean only) {
    return new LoginOptions(rotationWait, probeTimeout, loginsAtOnce, refusedLoginsPerMinute, only);
  }

  /**
   * Returns how long one login may bridge a rotation.
   *
   * @return 0 to 10 min
   */
  public Duration rotationWait() {
    return rotationWait;
  }

  /**
   * Returns how long one caller may hold the probe.
   *
   * @return 1 s to 1 min
   */
  public Duration probeTimeout() {
    return probeTimeout;
  }

  /**
   * Returns how many logins may be under way at once.
   *
   * @return 1 to {@link #UNLIMITED}
   */
  public int loginsAtOnce() {
    return loginsAtOnce;
  }

  /**
   * Returns how many refused logins probes may cost within a minute.
   *
   * @return 1 to {@link #UNLIMITED}
   */
  public int refusedLoginsPerMinute() {
    return refusedLoginsPerMinute;
  }

  /**
   * Tells whether only AWSCURRENT is ever tried.
   *
   * @return true if so
   */
  public boolean currentOnly() {
    return currentOnly;
  }
}
