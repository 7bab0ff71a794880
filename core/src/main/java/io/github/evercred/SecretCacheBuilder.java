package io.github.evercred;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Sets the options of a {@link SecretCache}. Each may be set once and is checked at once; {@link
 * #build} checks how they fit together. Nothing is corrected silently.
 *
 * <p>An option that is not set here is looked up when the cache is built, once: in the {@linkplain
 * #properties properties} handed in, then as a system property ({@code evercred.refreshAfter}),
 * then as an environment variable ({@code EVERCRED_REFRESH_AFTER}); otherwise it has its default.
 * The first place that holds more than blanks decides; later ones are not looked at. So {@link
 * #loadTimeout} and {@link #rememberFailureFor} are two options each there ({@code loadTimeout} and
 * {@code attemptTimeout}, {@code rememberFailureFor} and {@code rememberFailureAtMost}). A length
 * of time is written {@code 250ms}, {@code 30s}, {@code 5m}, {@code 24h}, {@code 2d} or as in ISO
 * 8601 ({@code PT5M}), and {@code unlimited} where that is allowed; ids of secrets have commas
 * between them. {@code region}, {@code replicaRegions}, {@code endpoint}, {@code profile}, {@code
 * role}, {@code externalId} and {@code roleSessionName} can be given in the same way, for the
 * source that a cache makes itself; in code that is a {@link #source} from {@link
 * AwsSecretSource#builder()} or {@link RegionalSource}. Where {@link #source} is set they are an
 * error among the properties handed in, and ignored elsewhere.
 *
 * <p>Not thread-safe. No argument may be null.
 */
public final class SecretCacheBuilder {

  private final CacheOption<Duration> refreshAfter =
      CacheOption.period(
          "refreshAfter", Duration.ofMinutes(5), Duration.ofSeconds(1), Duration.ofDays(1));
  private final CacheOption<Duration> revalidateAfter =
      CacheOption.period(
          "revalidateAfter", Duration.ofMinutes(15), Duration.ofSeconds(1), CacheOption.UNLIMITED);
  private final CacheOption<Duration> serveStaleFor =
      CacheOption.period(
          "serveStaleFor", Duration.ofHours(24), Duration.ZERO, CacheOption.UNLIMITED);
  private final CacheOption<Duration> serveStaleWhenDeniedFor =
      CacheOption.period(
          "serveStaleWhenDeniedFor", Duration.ofHours(1), Duration.ZERO, CacheOption.UNLIMITED);
  private final CacheOption<Duration> loadTimeout =
      CacheOption.period(
          "loadTimeout", Duration.ofSeconds(5), Duration.ofMillis(50), Duration.ofMinutes(1));
  private final CacheOption<Duration> attemptTimeout =
      CacheOption.period(
          "attemptTimeout", Duration.ofSeconds(2), Duration.ofMillis(50), Duration.ofMinutes(1));
  private final CacheOption<Duration> minimumInterval =
      CacheOption.period(
          "minimumInterval", Duration.ofSeconds(1), Duration.ZERO, Duration.ofMinutes(1));
  private final CacheOption<Duration> rememberFailureFor =
      CacheOption.period(
          "rememberFailureFor", Duration.ofSeconds(1), Duration.ZERO, Duration.ofMinutes(5));
  private final CacheOption<Duration> rememberFailureAtMost =
      CacheOption.period(
          "rememberFailureAtMost", Duration.ofSeconds(30), Duration.ZERO, Duration.ofMinutes(5));
  private final CacheOption<Long> maximumSecrets =
      CacheOption.count("maximumSecrets", 1_000, 1, 1_000_000);
  private final CacheOption<Set<String>> keepFresh = CacheOption.ids("keepFresh");
  private final CacheOption<Boolean> processMayFreeze = CacheOption.flag("processMayFreeze", false);
  private final CacheOption<Duration> restoreTimeout =
      CacheOption.period(
          "restoreTimeout", Duration.ofSeconds(3), Duration.ZERO, Duration.ofSeconds(8));
  private final CacheOption<Boolean> countHits = CacheOption.flag("countHits", false);

  private final CacheOption<Boolean> sealed = CacheOption.flag("sealed", false);
  private final CacheOption<Optional<String>> sealedByKmsKey = CacheOption.kmsKey("sealedByKmsKey");
  private final CacheOption<String> application = CacheOption.application("application");

  private final CacheOption<UseAgent> localAgent = CacheOption.choice("localAgent", UseAgent.AUTO);

  /** When a cache reads from a local agent. */
  enum UseAgent {
    /** In a Lambda function that has the extension. */
    AUTO,
    ALWAYS,
    NEVER
  }

  /** For the source that the cache makes itself; in code one says source(...) instead. */
  private final PlaceOptions place = new PlaceOptions();

  private final List<CacheOption<?>> options =
      with(
          place.all(),
          refreshAfter,
          revalidateAfter,
          serveStaleFor,
          serveStaleWhenDeniedFor,
          loadTimeout,
          attemptTimeout,
          minimumInterval,
          rememberFailureFor,
          rememberFailureAtMost,
          maximumSecrets,
          keepFresh,
          processMayFreeze,
          restoreTimeout,
          countHits,
          sealed,
          sealedByKmsKey,
          application,
          localAgent);
  private final List<SecretCacheListener> listeners = new ArrayList<>();
  private @Nullable SecretSource source;
  private @Nullable Map<String, String> handed;
  private final Properties system;
  private final Map<String, String> environment;

  SecretCacheBuilder() {
    this(System.getProperties(), System.getenv());
  }

  SecretCacheBuilder(Properties system, Map<String, String> environment) {
    this.system = system;
    this.environment = environment;
  }

  private static List<CacheOption<?>> with(List<CacheOption<?>> last, CacheOption<?>... first) {
    return Stream.concat(Stream.of(first), last.stream()).toList();
  }

  /** All that can be configured, for the test of the manual. */
  List<CacheOption<?>> options() {
    return options;
  }

  /**
   * Returns the names of all options that can be given as text: each as the property {@code
   * evercred.<name>} and as an environment variable. For who reads properties in which options of a
   * cache stand beside others.
   *
   * @return the names without {@code evercred.}, such as {@code refreshAfter}; always the same, in
   *     the order of the manual; unmodifiable
   */
  public static List<String> optionNames() {
    return new SecretCacheBuilder(new Properties(), Map.of()).names();
  }

  /**
   * Checks the text of an option before there is a builder, for who takes options one by one. How
   * two options fit together is only checked by {@link #build}.
   *
   * @param name one of {@link #optionNames}
   * @param text what the option is to be, written as a property is
   * @throws IllegalArgumentException if there is no such option, or it does not take that text; the
   *     message says what it takes
   */
  public static void requireOption(String name, String text) {
    Objects.requireNonNull(text, name);
    for (CacheOption<?> option : new SecretCacheBuilder(new Properties(), Map.of()).options) {
      if (option.name.equals(name)) {
        option.requireText(text);
        return;
      }
    }
    throw new IllegalArgumentException(
        "There is no option %s; there are %s".formatted(name, optionNames()));
  }

  private List<String> names() {
    return options.stream().map(option -> option.name).toList();
  }

  private static void requireUnset(String name, @Nullable Object set) {
    if (set != null) {
      throw new IllegalStateException(name + " was already set to " + set);
    }
  }

  /** Sets neither if one is wrong, so that the call can be made again. */
  private static void setBoth(
      CacheOption<Duration> one, Duration first, CacheOption<Duration> other, Duration second) {
    one.requireSettable(first);
    other.set(second);
    one.set(first);
  }

  /**
   * Sets where secrets come from. The default is {@link AwsSecretSource#create()}, or one for the
   * {@code region}, {@code replicaRegions}, {@code endpoint}, {@code profile} and {@code role} that
   * are configured. A source that is set here is not closed with the cache.
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
   * Reads from a local agent, as {@link LocalAgentSource#create()} does: the AWS Parameters and
   * Secrets Lambda Extension, or the AWS Secrets Manager Agent. Where it does not answer, the AWS
   * SDK is used. Without this it is done in a Lambda function (the variable {@code
   * AWS_LAMBDA_FUNCTION_NAME} is set) that has the extension (a variable whose name begins with
   * {@code PARAMETERS_SECRETS_EXTENSION_} is set, or {@code /opt/extensions} has a file with {@code
   * secrets} in its name), unless a source, region, endpoint, profile or role is set, or the option
   * {@code localAgent} is {@code never}.
   *
   * @return this builder
   * @throws IllegalStateException if it was already set
   */
  public SecretCacheBuilder localAgent() {
    localAgent.set(UseAgent.ALWAYS);
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
    revalidateAfter.set(time);
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
    serveStaleFor.set(age);
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
    serveStaleWhenDeniedFor.set(time);
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
    setBoth(loadTimeout, load, attemptTimeout, attempt);
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
    setBoth(rememberFailureFor, first, rememberFailureAtMost, atMost);
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
    maximumSecrets.set(count);
    return this;
  }

  /**
   * Names secrets that are refreshed by a timer also when nobody reads them, from their first read
   * or prefetch on. Others are refreshed only while they are read. Meant for a secret that is read
   * seldom and must not make its reader wait. One that has been dropped (expired, evicted,
   * invalidated) is kept fresh again from its next read on.
   *
   * @param secretIds names or ARNs, as they are read: 1 to 2048 characters each, not blank; the
   *     default is none
   * @return this builder
   * @throws IllegalArgumentException if one is blank or too long
   * @throws IllegalStateException if it was already set
   */
  public SecretCacheBuilder keepFresh(String... secretIds) {
    keepFresh.set(Set.copyOf(Arrays.asList(secretIds)));
    return this;
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
    processMayFreeze.set(mayFreeze);
    return this;
  }

  // https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
  static boolean mayFreeze(Map<String, String> environment, Predicate<String> hasModule) {
    return environment.containsKey("AWS_LAMBDA_FUNCTION_NAME") || hasModule.test("jdk.crac");
  }

  /**
   * Sets how long a process that has been restored from a checkpoint (AWS Lambda SnapStart, CRaC)
   * waits until the secrets that were held before are loaded again. What is not loaded by then is
   * loaded in the background. Caches of one process wait at the same time. Lambda gives all hooks
   * of a restore 10 s together (<a
   * href="https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks-java.html">hooks</a>).
   *
   * @param time 0 to 8 s; 0 means not to wait; the default is 3 s
   * @return this builder
   * @throws IllegalArgumentException if it is out of range
   * @throws IllegalStateException if it was already set
   */
  public SecretCacheBuilder restoreTimeout(Duration time) {
    restoreTimeout.set(time);
    return this;
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
    countHits.set(count);
    return this;
  }

  /**
   * Encrypts what the cache holds: AES-256-GCM under a key of its own, which lies outside the Java
   * heap. A value is decrypted at each read that needs it, and nothing of it is kept; {@link
   * SecretValue#open} hands it out in arrays that can be wiped. So a heap dump shows no secret that
   * this cache keeps. What the AWS SDK, a driver or the program itself keep is their own; the
   * project's page on security names it.
   *
   * @return this builder
   * @throws IllegalStateException if it was already set
   */
  public SecretCacheBuilder sealed() {
    sealed.set(true);
    return this;
  }

  /**
   * Encrypts what the cache holds as {@link #sealed()} does, under data keys of AWS KMS ({@code
   * kms:GenerateDataKey}; <a
   * href="https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html">its
   * reference</a>). Then what is sealed may stay in a snapshot of the process (Lambda SnapStart,
   * CRaC): the key leaves memory before it, and one {@code kms:Decrypt} brings it back afterwards.
   * Needs {@code software.amazon.awssdk:kms} on the class path, and both permissions. The key is
   * made with the first fetch, which fails where it cannot be had.
   *
   * @param keyId a symmetric key: its id, ARN, alias ({@code alias/evercred}) or alias ARN. In an
   *     ARN's region; else in that of the source, or the SDK's default where a {@link #source} was
   *     set
   * @return this builder
   * @throws IllegalArgumentException if it is none of these
   * @throws IllegalStateException if it was already set
   */
  public SecretCacheBuilder sealedByKmsKey(String keyId) {
    sealedByKmsKey.set(Optional.of(keyId));
    return this;
  }

  /**
   * Says what the program is called, for the encryption context of its data keys ({@code
   * evercred:application}): a policy can be bound to it, and CloudTrail shows it in clear text.
   *
   * @param name 1 to 256 letters, digits and {@code _+=,.@:/-}; the default is the environment
   *     variable {@code AWS_LAMBDA_FUNCTION_NAME}, or {@code evercred}
   * @return this builder
   * @throws IllegalArgumentException if it has other characters
   * @throws IllegalStateException if it was already set
   */
  public SecretCacheBuilder application(String name) {
    application.set(name);
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
   * Hands in properties with values of options that are not set in code, such as {@code
   * evercred.refreshAfter}. They come before system properties and the environment. A name that
   * begins with {@code evercred.} must be exactly that of an option. An option under another
   * spelling, such as {@code EVERCRED_REFRESH_AFTER}, is an error, too: here it would not be read.
   * All other properties and those of the JDBC driver are left alone. They are copied now, together
   * with their defaults.
   *
   * @param properties the properties
   * @return this builder
   * @throws IllegalArgumentException if one that begins with {@code evercred.} is unknown, an
   *     option is under another spelling (case, '-', '_' and '.' aside it would be one), or the
   *     value of one is not text
   * @throws IllegalStateException if they were already set
   */
  public SecretCacheBuilder properties(Properties properties) {
    if (handed != null) {
      throw new IllegalStateException("properties was already set");
    }
    handed = Configuration.handed(properties, names());
    return this;
  }

  /**
   * Makes the cache. No thread is started and no call is made before the first read.
   *
   * <p>A second cache with equal options and an equal source, made while the first is open, is
   * warned of once in the log: a cache is meant to be made once and shared.
   *
   * @return a new cache
   * @throws IllegalArgumentException if a property or environment variable holds what its option
   *     does not take
   * @throws IllegalStateException if two options do not fit together
   */
  public SecretCache build() {
    return build(Time.system(), EqualCaches.inThisJvm());
  }

  SecretCache build(Time time) {
    return build(time, new EqualCaches());
  }

  SecretCache build(Time time, EqualCaches others) {
    Configuration configuration = configuration();
    configuration.warnOfNearNames(names());
    Settings settings = settings(configuration);
    SecretSource given = source;
    if (given != null) {
      if (localAgent.isSet()) {
        throw new IllegalStateException("localAgent and source are two sources: set one of them");
      }
      requireNoPlaceHanded(configuration);
      SecretCache cache =
          new SecretCache(
              settings,
              decided(),
              given,
              false,
              sealer(settings, Place.in(null, null).sealing()),
              time);
      others.made(cache, settings, null, given);
      return cache;
    }
    Place asked = place.resolve(configuration);
    Place where = settings.sealing() == null ? asked : asked.sealing();
    boolean fromAgent = readsFromAgent(configuration, where);
    SecretSource own =
        fromAgent
            ? LocalAgentSource.builder()
                .build(environment, Time.system(), settings.sealing() != null)
            : where.replicas().isEmpty() ? new AwsSecretSource(where) : RegionalSource.in(where);
    SecretCache cache =
        new SecretCache(settings, decided(), own, true, sealer(settings, where), time);
    others.made(cache, settings, fromAgent ? null : where, own);
    return cache;
  }

  /** What has been looked at, for {@link SecretCache#diagnose()}. */
  private List<CacheOption.Decided> decided() {
    var all = new ArrayList<CacheOption.Decided>();
    for (CacheOption<?> option : options) {
      CacheOption.Decided decided = option.decided();
      if (decided != null) {
        all.add(decided);
      }
    }
    return all;
  }

  private static @Nullable Sealer sealer(Settings settings, Place where) {
    Settings.Sealing sealing = settings.sealing();
    if (sealing == null) {
      return null;
    }
    String key = sealing.kmsKeyId();
    return key == null
        ? new Sealer()
        : new Sealer(
            KmsKeys.of(
                inRegionOf(key, where),
                key,
                sealing.application(),
                Duration.ofNanos(settings.attempt())));
  }

  /** A key that is named by its ARN can be used in its own region alone. */
  private static Place inRegionOf(String key, Place where) {
    String[] parts = key.split(":", -1);
    boolean isArn = parts.length > 5 && parts[0].equals("arn") && !parts[3].isEmpty();
    return isArn ? where.in(parts[3]) : where;
  }

  private Settings.@Nullable Sealing sealing(Configuration from) {
    var on = sealed.resolve(from);
    var kmsKey = sealedByKmsKey.resolve(from);
    var named = application.resolve(from);
    if (kmsKey.value().isPresent() && on.where() != null && !on.value()) {
      throw new IllegalStateException(
          "sealedByKmsKey (%s) seals, but sealed is %s: leave one of them out"
              .formatted(kmsKey.where(), on));
    }
    // What stands around in the JVM may be another cache's.
    if (kmsKey.value().isEmpty()
        && (application.isSet() || from.findHanded(application.name) != null)) {
      throw new IllegalStateException(
          "application (%s) is for the data keys of sealedByKmsKey, which is not set"
              .formatted(named.where()));
    }
    if (!on.value() && kmsKey.value().isEmpty()) {
      return null;
    }
    String function = environment.get("AWS_LAMBDA_FUNCTION_NAME");
    return new Settings.Sealing(
        kmsKey.value().orElse(null),
        named.where() == null && function != null && !function.isBlank()
            ? function
            : named.value());
  }

  private boolean readsFromAgent(Configuration configuration, Place where) {
    var chosen = localAgent.resolve(configuration);
    boolean elsewhere = place.isAnySet(configuration);
    if (chosen.value() == UseAgent.ALWAYS && elsewhere) {
      throw new IllegalStateException(
          "localAgent (%s) reads with the agent's own region and role, but there is %s: leave one of them out"
              .formatted(chosen, where));
    }
    return chosen.value() == UseAgent.ALWAYS
        || (chosen.value() == UseAgent.AUTO
            && !elsewhere
            && LocalAgentSource.isAtHand(environment, LocalAgentSource::extensions));
  }

  private Configuration configuration() {
    return new Configuration(handed == null ? Map.of() : handed, system, environment);
  }

  /** Decides what every option is. */
  Settings settings() {
    return settings(configuration());
  }

  private Settings settings(Configuration from) {
    var refresh = refreshAfter.resolve(from);
    var revalidate = revalidateAfter.resolve(from);
    Duration thrice = refresh.value().multipliedBy(3);
    if (revalidate.where() == null && revalidate.value().compareTo(thrice) < 0) {
      revalidate = revalidateAfter.resolved(new CacheOption.Resolved<>(thrice, null));
    }
    var load = loadTimeout.resolve(from);
    var attempt = attemptTimeout.resolve(from);
    var first = rememberFailureFor.resolve(from);
    var most = rememberFailureAtMost.resolve(from);
    requireOrder(refreshAfter, refresh, revalidateAfter, revalidate, false);
    requireOrder(attemptTimeout, attempt, loadTimeout, load, true);
    requireOrder(rememberFailureFor, first, rememberFailureAtMost, most, true);
    var maximum = maximumSecrets.resolve(from);
    var kept = keepFresh.resolve(from);
    if (kept.value().size() > maximum.value()) {
      throw new IllegalStateException(
          "keepFresh (%d ids, %s) must not be more than maximumSecrets (%s)"
              .formatted(kept.value().size(), kept.where(), maximum));
    }
    var freeze = processMayFreeze.resolve(from);
    return new Settings(
        new Freshness(
            nanos(refresh),
            nanos(revalidate),
            nanos(serveStaleFor.resolve(from)),
            nanos(serveStaleWhenDeniedFor.resolve(from))),
        nanos(load),
        nanos(attempt),
        nanos(minimumInterval.resolve(from)),
        nanos(first),
        nanos(most),
        maximum.value(),
        freeze.where() == null
            ? mayFreeze(environment, name -> ModuleLayer.boot().findModule(name).isPresent())
            : freeze.value(),
        countHits.resolve(from).value(),
        nanos(restoreTimeout.resolve(from)),
        kept.value(),
        sealing(from),
        List.copyOf(listeners));
  }

  /** Some lengths of time that mean "without a bound" are longer than the longest we count. */
  private static long nanos(CacheOption.Resolved<Duration> time) {
    Duration value = time.value();
    return (value.compareTo(CacheOption.UNLIMITED) > 0 ? CacheOption.UNLIMITED : value).toNanos();
  }

  private static void requireOrder(
      CacheOption<Duration> shorter,
      CacheOption.Resolved<Duration> less,
      CacheOption<Duration> longer,
      CacheOption.Resolved<Duration> more,
      boolean equalAllowed) {
    int order = less.value().compareTo(more.value());
    if (order > 0 || (order == 0 && !equalAllowed)) {
      throw new IllegalStateException(
          "%s (%s) must be %s than %s (%s)"
              .formatted(
                  shorter.name, less, equalAllowed ? "not longer" : "shorter", longer.name, more));
    }
  }

  /** Handed in on purpose, it must not go unheard; what stands around in the JVM may. */
  private void requireNoPlaceHanded(Configuration configuration) {
    for (CacheOption<?> option : place.all()) {
      Configuration.Found found = configuration.findHanded(option.name);
      if (found != null) {
        throw new IllegalStateException(
            "%s (%s) is for the source that the cache makes itself, but source was set in code"
                .formatted(option.name, found.where()));
      }
    }
  }
}
