package io.github.evercred;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Sets the options of a {@link SecretCache}. Each may be set once and is checked at once; {@link
 * #build} checks how they fit together. Nothing is corrected silently.
 *
 * <p>Not thread-safe. No argument may be null.
 */
public final class SecretCacheBuilder {

  private static final Duration UNLIMITED = Duration.ofDays(36_500);

  private final Period refreshAfter =
      new Period("refreshAfter", Duration.ofMinutes(5), Duration.ofSeconds(1), Duration.ofDays(1));
  private final Period revalidateAfter =
      new Period("revalidateAfter", Duration.ofMinutes(15), Duration.ofSeconds(1), UNLIMITED);
  private final Period serveStaleFor =
      new Period("serveStaleFor", Duration.ofHours(24), Duration.ZERO, UNLIMITED);
  private final Period serveStaleWhenDeniedFor =
      new Period("serveStaleWhenDeniedFor", Duration.ofHours(1), Duration.ZERO, UNLIMITED);
  private final Period loadTimeout =
      new Period(
          "loadTimeout", Duration.ofSeconds(5), Duration.ofMillis(50), Duration.ofMinutes(1));
  private final Period attemptTimeout =
      new Period(
          "attemptTimeout", Duration.ofSeconds(2), Duration.ofMillis(50), Duration.ofMinutes(1));
  private final Period minimumInterval =
      new Period("minimumInterval", Duration.ofSeconds(1), Duration.ZERO, Duration.ofMinutes(1));
  private final Period rememberFailureFor =
      new Period("rememberFailureFor", Duration.ofSeconds(1), Duration.ZERO, Duration.ofMinutes(5));
  private final Period rememberFailureAtMost =
      new Period(
          "rememberFailureFor, at most",
          Duration.ofSeconds(30),
          Duration.ZERO,
          Duration.ofMinutes(5));
  private @Nullable Long maximumSecrets;
  private @Nullable Set<String> keptFresh;
  private @Nullable Boolean processMayFreeze;
  private @Nullable Boolean countHits;
  private final List<SecretCacheListener> listeners = new ArrayList<>();
  private @Nullable SecretSource source;

  SecretCacheBuilder() {}

  /** One option that is a length of time. */
  private static final class Period {
    private final String name;
    private final Duration standard;
    private final Duration least;
    private final Duration most;
    private @Nullable Duration set;

    Period(String name, Duration standard, Duration least, Duration most) {
      this.name = name;
      this.standard = standard;
      this.least = least;
      this.most = most;
    }

    void set(Duration value) {
      Objects.requireNonNull(value, name);
      requireUnset(name, set);
      if (value.compareTo(least) < 0 || value.compareTo(most) > 0) {
        throw new IllegalArgumentException(
            "%s must be %s to %s, not %s"
                .formatted(name, least, most.equals(UNLIMITED) ? "unlimited" : most, value));
      }
      set = value;
    }

    Duration get() {
      return set == null ? standard : set;
    }
  }

  private static void requireUnset(String name, @Nullable Object set) {
    if (set != null) {
      throw new IllegalStateException(name + " was already set to " + set);
    }
  }

  /** Some lengths of time that mean "without a bound" are longer than the longest we count. */
  private static Duration bounded(Duration value) {
    return value.compareTo(UNLIMITED) > 0 ? UNLIMITED : value;
  }

  /**
   * Sets where secrets come from. The default is {@link AwsSecretSource#create()}. A source that is
   * set here is not closed with the cache.
   *
   * @param source the source
   * @return this builder
   * @throws IllegalStateException if it was already set
   */
  public SecretCacheBuilder source(SecretSource source) {
    requireUnset("source", this.source);
    this.source = Objects.requireNonNull(source, "source");
    return this;
  }

  /**
   * Sets the age at which a background refresh starts. Shorter notices a rotation sooner and costs
   * one call per secret, process and period. Up to a tenth is taken off at random, so that a fleet
   * does not refresh in step.
   *
   * @param age 1 s to 24 h; the default is 5 minutes
   * @return this builder
   * @throws IllegalArgumentException if it is out of range
   * @throws IllegalStateException if it was already set
   */
  public SecretCacheBuilder refreshAfter(Duration age) {
    refreshAfter.set(age);
    return this;
  }

  /**
   * Sets the time without any attempt to refresh after which a read refreshes before it answers,
   * waiting {@code loadTimeout} at most.
   *
   * @param time longer than {@code refreshAfter}; the default is 15 minutes, or three times {@code
   *     refreshAfter} where that is longer
   * @return this builder
   * @throws IllegalArgumentException if it is out of range
   * @throws IllegalStateException if it was already set
   */
  public SecretCacheBuilder revalidateAfter(Duration time) {
    revalidateAfter.set(bounded(time));
    return this;
  }

  /**
   * Sets how long after its last successful fetch a value may be served while refreshing fails in a
   * way that may pass (time-out, throttling, a fault of the service).
   *
   * @param age 0 to unlimited; the default is 24 hours. Below {@code refreshAfter} it means that a
   *     value is dropped the moment it comes due
   * @return this builder
   * @throws IllegalArgumentException if it is negative
   * @throws IllegalStateException if it was already set
   */
  public SecretCacheBuilder serveStaleFor(Duration age) {
    serveStaleFor.set(bounded(age));
    return this;
  }

  /**
   * Sets how long a value may be served after AWS first said no (access denied, secret gone, key
   * unusable).
   *
   * @param time 0 to unlimited, from the first such answer since the last success; the default is 1
   *     hour
   * @return this builder
   * @throws IllegalArgumentException if it is negative
   * @throws IllegalStateException if it was already set
   */
  public SecretCacheBuilder serveStaleWhenDeniedFor(Duration time) {
    serveStaleWhenDeniedFor.set(bounded(time));
    return this;
  }

  /**
   * Sets the limits of one load and of each of its attempts. They are set on each request, so they
   * hold for a client that was handed in, too.
   *
   * @param load 50 ms to 60 s, all attempts together; the default is 5 s
   * @param attempt 50 ms to 60 s, not longer than {@code load}; the default is 2 s
   * @return this builder
   * @throws IllegalArgumentException if one is out of range
   * @throws IllegalStateException if they were already set
   */
  public SecretCacheBuilder loadTimeout(Duration load, Duration attempt) {
    loadTimeout.set(load);
    attemptTimeout.set(attempt);
    return this;
  }

  /**
   * Sets the time between forced fetches of one secret. A forced refresh within it gets the cached
   * value at once. A login that was refused waits for 250 ms, or this if it is shorter.
   *
   * @param interval 0 to 1 min; the default is 1 s
   * @return this builder
   * @throws IllegalArgumentException if it is out of range
   * @throws IllegalStateException if it was already set
   */
  public SecretCacheBuilder minimumInterval(Duration interval) {
    minimumInterval.set(interval);
    return this;
  }

  /**
   * Sets how long a failure is told to every reader without a call, where nothing is cached. It
   * doubles with each further failure.
   *
   * @param first 0 to 5 min; the default is 1 s
   * @param atMost 0 to 5 min, not shorter than {@code first}; the default is 30 s
   * @return this builder
   * @throws IllegalArgumentException if one is out of range
   * @throws IllegalStateException if they were already set
   */
  public SecretCacheBuilder rememberFailureFor(Duration first, Duration atMost) {
    rememberFailureFor.set(first);
    rememberFailureAtMost.set(atMost);
    return this;
  }

  /**
   * Sets how many values are held; the least used are evicted beyond that.
   *
   * @param count 1 to 1,000,000; the default is 1,000
   * @return this builder
   * @throws IllegalArgumentException if it is out of range
   * @throws IllegalStateException if it was already set
   */
  public SecretCacheBuilder maximumSecrets(long count) {
    requireUnset("maximumSecrets", maximumSecrets);
    if (count < 1 || count > 1_000_000) {
      throw new IllegalArgumentException(
          "maximumSecrets must be 1 to 1000000 entries, not " + count);
    }
    maximumSecrets = count;
    return this;
  }

  /**
   * Names secrets that are refreshed by a timer also when nobody reads them, from their first read
   * or prefetch on. Others are refreshed only while they are read. Meant for a secret that is read
   * seldom and must not make its reader wait.
   *
   * @param secretIds names or ARNs, as they are read: 1 to 2048 characters each, not blank; the
   *     default is none
   * @return this builder
   * @throws IllegalArgumentException if one is blank or too long
   * @throws IllegalStateException if it was already set
   */
  public SecretCacheBuilder keepFresh(String... secretIds) {
    requireUnset("keepFresh", keptFresh);
    keptFresh = checkedIds(List.of(secretIds));
    return this;
  }

  private static Set<String> checkedIds(List<String> ids) {
    for (String id : ids) {
      // Limit:
      // https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
      if (id.isBlank() || id.length() > 2048) {
        throw new IllegalArgumentException(
            "keepFresh takes ids of 1 to 2048 characters that are not blank; one has "
                + id.length());
      }
    }
    return Set.copyOf(ids);
  }

  /**
   * Says whether the process may be frozen for a while and go on later (AWS Lambda, CRaC, a virtual
   * machine that is suspended), so that its first read can come before any timer. Each read then
   * compares the clocks, the monotonic and the wall clock, with the age of what is cached, which
   * costs some tens of nanoseconds.
   *
   * @param mayFreeze whether it may; the default is true where the environment variable {@code
   *     AWS_LAMBDA_FUNCTION_NAME} is set or the JDK has CRaC (module {@code jdk.crac}), otherwise
   *     false
   * @return this builder
   * @throws IllegalStateException if it was already set
   */
  public SecretCacheBuilder processMayFreeze(boolean mayFreeze) {
    requireUnset("processMayFreeze", processMayFreeze);
    processMayFreeze = mayFreeze;
    return this;
  }

  // https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
  static boolean mayFreeze(Map<String, String> environment, Predicate<String> hasModule) {
    return environment.containsKey("AWS_LAMBDA_FUNCTION_NAME") || hasModule.test("jdk.crac");
  }

  /**
   * Says whether reads that are answered from memory are counted, at the cost of a counter per
   * read. All other figures are kept in any case.
   *
   * @param count whether they are; the default is false
   * @return this builder
   * @throws IllegalStateException if it was already set
   */
  public SecretCacheBuilder countHits(boolean count) {
    requireUnset("countHits", countHits);
    countHits = count;
    return this;
  }

  /**
   * Adds a listener. Several are told in the order in which they were added.
   *
   * @param listener told of what the cache does
   * @return this builder
   */
  public SecretCacheBuilder listener(SecretCacheListener listener) {
    listeners.add(Objects.requireNonNull(listener, "listener"));
    return this;
  }

  /**
   * Makes the cache. No thread is started and no call is made before the first read.
   *
   * @return a new cache
   * @throws IllegalStateException if two options do not fit together
   */
  public SecretCache build() {
    return build(Time.system());
  }

  SecretCache build(Time time) {
    Duration refresh = refreshAfter.get();
    Duration revalidate = revalidateAfter.get();
    if (revalidateAfter.set == null && revalidate.compareTo(refresh.multipliedBy(3)) < 0) {
      revalidate = refresh.multipliedBy(3);
    }
    requireOrder("refreshAfter", refresh, "revalidateAfter", revalidate, false);
    requireOrder("attemptTimeout", attemptTimeout.get(), "loadTimeout", loadTimeout.get(), true);
    requireOrder(
        "rememberFailureFor",
        rememberFailureFor.get(),
        rememberFailureAtMost.name,
        rememberFailureAtMost.get(),
        true);
    var settings =
        new Settings(
            new Freshness(
                refresh.toNanos(),
                revalidate.toNanos(),
                serveStaleFor.get().toNanos(),
                serveStaleWhenDeniedFor.get().toNanos()),
            loadTimeout.get().toNanos(),
            attemptTimeout.get().toNanos(),
            minimumInterval.get().toNanos(),
            rememberFailureFor.get().toNanos(),
            rememberFailureAtMost.get().toNanos(),
            maximumSecrets == null ? 1_000 : maximumSecrets,
            processMayFreeze == null
                ? mayFreeze(
                    System.getenv(), name -> ModuleLayer.boot().findModule(name).isPresent())
                : processMayFreeze,
            countHits != null && countHits,
            keptFresh == null ? Set.of() : keptFresh,
            List.copyOf(listeners));
    return new SecretCache(
        settings, source == null ? AwsSecretSource.create() : source, source == null, time);
  }

  private static void requireOrder(
      String shorter, Duration less, String longer, Duration more, boolean equalAllowed) {
    int order = less.compareTo(more);
    if (order > 0 || (order == 0 && !equalAllowed)) {
      throw new IllegalStateException(
          "%s (%s) must be %s than %s (%s)"
              .formatted(shorter, less, equalAllowed ? "not longer" : "shorter", longer, more));
    }
  }
}
