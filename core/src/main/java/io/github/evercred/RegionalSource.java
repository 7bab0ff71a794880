package io.github.evercred;

import io.github.evercred.SecretException.Reason;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * Reads secrets that are replicated to other regions: from the primary region, and from its
 * replicas while that gives no answer (<a
 * href="https://docs.aws.amazon.com/secretsmanager/latest/userguide/replicate-secrets.html">
 * replicated secrets</a>).
 *
 * <p>A region that does not answer in half of the attempt's time, or fails by the network, by a
 * fault of the service, by throttling or by its credentials, is left for the next one in the same
 * attempt. It is then left alone for 2 s, doubling to 30 s; after that one fetch tries it again
 * while the others go on elsewhere. When no other has an answer, one that is left alone is asked
 * all the same.
 *
 * <p><b>Only the primary can say no.</b> That a secret is not found, marked for deletion or denied
 * is an answer of the primary's, and no other region is asked. A replica's no counts as no answer:
 * the secret may not be replicated there yet, or the policy may name one region alone. The fetch
 * then fails as it would without replicas, and a cache serves what it has.
 *
 * <p><b>A replica may lag, and cannot take back what is known.</b> For a staging label it is heard
 * only with the version that was last had, or with one created after all that were ever had. What
 * the primary says always stands, older or not. What was last had is remembered for some thousand
 * secrets, without values. That there is no such label is believed of a replica for labels other
 * than AWSCURRENT.
 *
 * <p>An ARN of one of the regions is asked for in each region under that region's own ARN, which
 * differs in the region alone. Values have the ARN of the primary's region whoever answered, so
 * that a secret stays one and the same for a cache.
 *
 * <p>Instances are thread-safe. No argument may be null.
 */
public final class RegionalSource implements SecretSource {

  private static final long FIRST_PAUSE = Duration.ofSeconds(2).toNanos();
  private static final long LONGEST_PAUSE = Duration.ofSeconds(30).toNanos();

  /** Each secret and label has two: under its id and under its ARN. */
  private static final int MOST_KNOWN = 10_000;

  /** The primary is the first. */
  private final List<Region> regions;

  private final Time time; // Its clocks alone.

  /** The last version that was had, by the primary's id and by its ARN. Guarded by itself. */
  private final Map<Key, Known> known = new LinkedHashMap<>(16, 0.75f, true);

  private RegionalSource(List<Region> regions, Time time) {
    this.regions = List.copyOf(regions);
    this.time = time;
  }

  /**
   * Reads from some regions with the SDK's default credentials. Touches nothing until the first
   * fetch.
   *
   * @param primary the id of the region whose answers always stand, such as {@code eu-west-1}
   * @param replicas the ids of the others, in the order in which they are asked
   * @return a source that closes its clients with itself
   * @throws IllegalArgumentException if one is no region's id, there is no replica or a region is
   *     named twice
   */
  public static RegionalSource create(String primary, String... replicas) {
    Builder builder = builder().primary(primary, aws(primary));
    for (String replica : replicas) {
      builder.replica(replica, aws(replica));
    }
    return builder.build();
  }

  private static SecretSource aws(String region) {
    return AwsSecretSource.builder().region(region).build();
  }

  /** Reads in the place's own region and in those of its replicas, as the same identity. */
  static RegionalSource in(Place place) {
    String primary = place.region().orElseThrow();
    Builder builder = builder().primary(primary, new AwsSecretSource(place.withoutReplicas()));
    place
        .replicas()
        .forEach(replica -> builder.replica(replica, new AwsSecretSource(place.in(replica))));
    return builder.build();
  }

  /**
   * Starts a source with a source of one's own for each region: other credentials, endpoints or
   * clients.
   *
   * @return a builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /** One region, and whether it is to be asked. */
  private static final class Region {
    final String id;
    final SecretSource source;
    final LongAdder answers = new LongAdder();
    final LongAdder failures = new LongAdder();
    private final AtomicReference<@Nullable Away> away = new AtomicReference<>();

    Region(String id, SecretSource source) {
      this.id = id;
      this.source = source;
    }

    /** Whether its turn has come; who hears yes after a failure is the one who tries it again. */
    boolean isDue(long now) {
      Away since = away.get();
      return since == null
          || (now - since.until >= 0
              && away.compareAndSet(since, new Away(now, now + since.pause, since.pause)));
    }

    void answered(long begun) {
      answers.increment();
      isBack(begun);
    }

    /** It has said something, if only that it does not have what was asked for. */
    void isBack(long begun) {
      Away before = away.get();
      if (before != null && begun - before.since >= 0 && away.compareAndSet(before, null)) {
        Log.EVERCRED.log(System.Logger.Level.INFO, "Region {0} answers again.", id);
      }
    }

    /** Of the calls that were under way together the first to fail counts. */
    void failed(long begun, long now, String why) {
      failures.increment();
      Away before = away.get();
      if (before != null && begun - before.since < 0) {
        return;
      }
      long pause = before == null ? FIRST_PAUSE : Math.min(2 * before.pause, LONGEST_PAUSE);
      if (away.compareAndSet(before, new Away(now, now + pause, pause)) && before == null) {
        Log.EVERCRED.log(
            System.Logger.Level.INFO,
            () ->
                "Region %s gives no answer; until it does, secrets are read from another. %s"
                    .formatted(id, why));
      }
    }

    RegionReport report(long now) {
      Away since = away.get();
      return new RegionReport(
          id,
          answers.sum(),
          failures.sum(),
          Duration.ofNanos(since == null ? 0 : Math.max(0, since.until - now)));
    }
  }

  /**
   * When a region was found away or last tried, until when it is left alone, and how long that is.
   */
  private record Away(long since, long until, long pause) {}

  /**
   * The last version that was had.
   *
   * @param newest when the newest was created that was ever had
   * @param asked when it was asked for
   */
  private record Known(String versionId, @Nullable Instant newest, long asked) {

    /**
     * Whether a version is this one, or has come after all that were had: no rollback is undone.
     */
    boolean allows(SecretValue value) {
      Instant created = value.createdAt().orElse(null);
      return value.versionId().equals(versionId)
          || (created != null && newest != null && created.isAfter(newest));
    }
  }

  /** A region's part in one attempt. */
  private interface Asking<T> {
    /** Returns what it says; null if that is no answer, which others may have. */
    @Nullable T of(Region region, Duration timeout, long begun);
  }

  @Override
  public SecretValue fetch(SecretRequest request) {
    String id = request.secretId();
    var notes = new ArrayList<String>();
    VersionSelector asked = request.version();
    return ask(
        request.timeout(),
        notes,
        asked.isLabel() && !asked.equals(VersionSelector.CURRENT),
        (region, timeout, begun) -> {
          SecretValue value =
              region.source.fetch(
                  new SecretRequest(
                      inRegion(id, region.id), request.version(), timeout, request.fresh()));
          return accepted(region, id, request.version(), value, begun, notes);
        });
  }

  /** The smallest of all regions' batches. */
  @Override
  public int batchSize() {
    return regions.stream().mapToInt(region -> region.source.batchSize()).min().orElse(0);
  }

  /**
   * Fetches the batch from one region. What a replica does not have, or has in an older version
   * only, fails with {@link SecretException.Reason#UNAVAILABLE}; where it denies batches, nothing
   * is returned, and all are fetched one by one.
   */
  @Override
  public SecretBatch fetchBatch(List<String> secretIds, Duration timeout) {
    var notes = new ArrayList<String>();
    return ask(
        timeout,
        notes,
        false,
        (region, share, begun) -> {
          var asked = new LinkedHashMap<String, List<String>>();
          for (String id : secretIds) {
            asked.computeIfAbsent(inRegion(id, region.id), x -> new ArrayList<>()).add(id);
          }
          SecretBatch batch = fetchBatch(region, List.copyOf(asked.keySet()), share);
          var values = new HashMap<String, SecretValue>();
          var failures = new HashMap<String, SecretException>();
          asked.forEach(
              (there, ids) -> {
                SecretValue value = batch.values().get(there);
                SecretException failure = batch.failures().get(there);
                for (String id : ids) {
                  if (value != null) {
                    var why = new ArrayList<String>();
                    SecretValue taken =
                        accepted(region, id, VersionSelector.CURRENT, value, begun, why);
                    if (taken != null) {
                      values.put(id, taken);
                    } else {
                      failures.put(id, unavailable(String.join("; ", why), null));
                    }
                  } else if (failure != null) {
                    failures.put(
                        id,
                        isPrimary(region)
                            ? failure
                            : unavailable(region.id + ": " + failure.getMessage(), failure));
                  }
                }
              });
          return new SecretBatch(values, failures);
        });
  }

  private SecretBatch fetchBatch(Region region, List<String> ids, Duration timeout) {
    try {
      return region.source.fetchBatch(ids, timeout);
    } catch (SecretException e) {
      if (isPrimary(region) && e.reason() == Reason.THROTTLED) {
        // A quota of its own, and a smaller one: one by one they may be had.
        return new SecretBatch(Map.of(), Map.of());
      }
      if (isPrimary(region) || isNoAnswer(e.reason())) {
        throw e;
      }
      return new SecretBatch(Map.of(), Map.of()); // One by one they may be had.
    }
  }

  private boolean isPrimary(Region region) {
    return region == regions.get(0);
  }

  /**
   * Asks one region after the other: first those that are not left alone, then those that are.
   *
   * @param mayBeAbsent whether a replica is believed that there is no such version, while the
   *     primary says nothing: a label other than AWSCURRENT, which most secrets lack most of the
   *     time
   */
  private <T> T ask(Duration timeout, List<String> notes, boolean mayBeAbsent, Asking<T> asking) {
    long end = time.in(timeout.toNanos());
    var left = new ArrayList<>(regions);
    SecretException ofPrimary = null;
    SecretException ofReplica = null;
    boolean answered = false;
    for (boolean dueOnly : new boolean[] {true, false}) {
      for (Region region : List.copyOf(left)) {
        long begun = time.elapsed();
        long remaining = end - time.nanos();
        if (remaining <= 0 || (dueOnly && !region.isDue(begun))) {
          continue;
        }
        left.remove(region);
        long share = left.isEmpty() ? remaining : Math.max(1, remaining / 2);
        long shareEnd = time.in(share);
        try {
          T answer = asking.of(region, Duration.ofNanos(share), begun);
          if (answer != null) {
            region.answered(begun);
            return answer;
          }
          region.failures.increment();
          region.isBack(begun);
          answered = true;
        } catch (RuntimeException e) {
          SecretException failure = sorted(e);
          boolean stopped = Thread.currentThread().isInterrupted();
          if (stopped && shareEnd - time.nanos() > 0) {
            throw failure; // The fetch was given up, which says nothing of the region.
          }
          if (isNoAnswer(failure.reason())) {
            region.failed(begun, time.elapsed(), failure.getMessage());
          } else if (isPrimary(region)
              || failure.reason() == Reason.CLOSED
              || (mayBeAbsent && failure.reason() == Reason.NOT_FOUND)) {
            region.answered(begun);
            throw failure;
          } else {
            region.failures.increment();
            region.isBack(begun);
            answered = true;
          }
          if (stopped) {
            throw failure;
          }
          if (isPrimary(region)) {
            ofPrimary = failure;
          } else {
            ofReplica = failure;
          }
          notes.add(region.id + ": " + failure.getMessage());
        }
      }
    }
    SecretException failure = failure(ofPrimary, ofReplica, notes);
    throw answered ? failure.fromASourceThatAnswers() : failure;
  }

  /** The primary's failure decides, since a replica cannot say no. */
  private SecretException failure(
      @Nullable SecretException ofPrimary,
      @Nullable SecretException ofReplica,
      List<String> notes) {
    String said = "no region has an answer (%s)".formatted(String.join("; ", notes));
    if (ofPrimary == null) {
      return unavailable(
          said + "; " + regions.get(0).id + " was not asked, having failed before", ofReplica);
    }
    var failure = new SecretException(ofPrimary.reason(), said, ofPrimary.requestId(), ofPrimary);
    if (ofReplica != null) {
      failure.addSuppressed(ofReplica);
    }
    return failure;
  }

  private static SecretException sorted(RuntimeException e) {
    return e instanceof SecretException known
        ? known
        : unavailable("the source failed with " + e.getClass().getName(), e);
  }

  private static SecretException unavailable(String message, @Nullable Throwable cause) {
    return new SecretException(Reason.UNAVAILABLE, message, cause);
  }

  /** Credentials too: a role is assumed at the region's own STS. */
  private static boolean isNoAnswer(Reason reason) {
    return reason == Reason.UNAVAILABLE
        || reason == Reason.THROTTLED
        || reason == Reason.AWS_CREDENTIALS;
  }

  /** Returns a value as the primary's, or null if it is one that a lagging replica still has. */
  private @Nullable SecretValue accepted(
      Region region,
      String secretId,
      VersionSelector version,
      SecretValue value,
      long begun,
      List<String> notes) {
    String primary = regions.get(0).id;
    String arn = value.arn().map(told -> inRegion(told, primary)).orElse(null);
    SecretValue taken = value.under(secretId, arn);
    if (!version.isLabel()) {
      return taken; // A version never changes.
    }
    var keys = new ArrayList<Key>(2);
    keys.add(new Key(inRegion(secretId, primary), version));
    if (arn != null) {
      keys.add(new Key(arn, version));
    }
    synchronized (known) {
      for (Key key : keys) {
        Known last = known.get(key);
        if (last != null && !isPrimary(region) && !last.allows(value)) {
          notes.add(
              "%s: it has version %s as %s and lags behind version %s, which was had before"
                  .formatted(region.id, value.versionId(), version, last.versionId));
          return null;
        }
      }
      keys.forEach(key -> note(key, value, begun));
      while (known.size() > MOST_KNOWN) {
        var eldest = known.keySet().iterator();
        eldest.next();
        eldest.remove();
      }
    }
    return taken;
  }

  private void note(Key key, SecretValue value, long asked) {
    Known last = known.get(key);
    if (last == null || (asked - last.asked >= 0 && !last.versionId.equals(value.versionId()))) {
      Instant created = value.createdAt().orElse(null);
      Instant newest = last == null ? created : last.newest;
      if (newest != null && created != null && created.isAfter(newest)) {
        newest = created;
      }
      known.put(key, new Known(value.versionId(), newest, asked));
    }
  }

  /** An ARN of one of these regions as that of another of them; anything else as it is. */
  private String inRegion(String id, String region) {
    if (!id.startsWith("arn:")) {
      return id;
    }
    int partition = id.indexOf(':', "arn:".length());
    String service = ":secretsmanager:";
    if (partition < 0 || !id.startsWith(service, partition)) {
      return id;
    }
    int start = partition + service.length();
    int end = id.indexOf(':', start);
    String its = end < 0 ? "" : id.substring(start, end);
    for (Region one : regions) {
      if (one.id.equals(its)) {
        return id.substring(0, start) + region + id.substring(end);
      }
    }
    return id;
  }

  /**
   * Tells which regions answer.
   *
   * @return a snapshot, the primary first; unmodifiable
   */
  @Override
  public List<RegionReport> regions() {
    long now = time.elapsed();
    return regions.stream().map(region -> region.report(now)).toList();
  }

  @Override
  public boolean hasCache() {
    return regions.stream().anyMatch(region -> region.source.hasCache());
  }

  /** Passes it on to the source of each region; all of them are asked again afterwards. */
  @Override
  public void beforeCheckpoint() {
    regions.forEach(region -> region.away.set(null));
    onEach(SecretSource::beforeCheckpoint);
  }

  @Override
  public String description() {
    return String.join(", else ", regions.stream().map(r -> r.source.description()).toList());
  }

  /** Closes the source of each region. */
  @Override
  public void close() {
    time.close();
    onEach(SecretSource::close);
  }

  /** Also on those after one that throws. */
  private void onEach(java.util.function.Consumer<SecretSource> what) {
    RuntimeException first = null;
    for (Region region : regions) {
      try {
        what.accept(region.source);
      } catch (RuntimeException e) {
        if (first == null) {
          first = e;
        } else {
          first.addSuppressed(e);
        }
      }
    }
    if (first != null) {
      throw first;
    }
  }

  /**
   * Names the regions and the source of each. The source that is made closes them with itself.
   *
   * <p>Not thread-safe. No argument may be null.
   */
  public static final class Builder {
    private final List<Region> replicas = new ArrayList<>();
    private @Nullable Region primary;

    private Builder() {}

    /**
     * Sets the region whose answers always stand: the one that secrets are written in.
     *
     * @param region its id, such as {@code eu-west-1}
     * @param source reads there; it must heed the time-out of its requests, or no time is left for
     *     a replica
     * @return this builder
     * @throws IllegalArgumentException if the id is none, or that of a replica
     * @throws IllegalStateException if it was already set
     */
    public Builder primary(String region, SecretSource source) {
      if (primary != null) {
        throw new IllegalStateException("primary was already set to " + primary.id);
      }
      primary = checked(region, source);
      return this;
    }

    /**
     * Adds a region to which secrets are replicated. They are asked in the order in which they were
     * added.
     *
     * @param region its id, such as {@code eu-central-1}
     * @param source reads there
     * @return this builder
     * @throws IllegalArgumentException if the id is none, or was named before
     */
    public Builder replica(String region, SecretSource source) {
      replicas.add(checked(region, source));
      return this;
    }

    private Region checked(String region, SecretSource source) {
      CacheOption.region("region").set(java.util.Optional.of(region)); // It fails for what is none.
      for (Region other : replicas) {
        requireOther(other, region);
      }
      if (primary != null) {
        requireOther(primary, region);
      }
      return new Region(region, Objects.requireNonNull(source, "source"));
    }

    private static void requireOther(Region other, String region) {
      if (other.id.equals(region)) {
        throw new IllegalArgumentException("Region " + region + " is named twice");
      }
    }

    /**
     * Makes the source. Touches nothing until the first fetch.
     *
     * @return a source; close it after the caches that read from it
     * @throws IllegalStateException if there is no primary or no replica
     */
    public RegionalSource build() {
      return build(Time.system());
    }

    RegionalSource build(Time time) {
      Region first = primary;
      if (first == null || replicas.isEmpty()) {
        throw new IllegalStateException(
            "Set a primary and at least one replica; for one region alone AwsSecretSource will do");
      }
      var all = new ArrayList<Region>();
      all.add(first);
      all.addAll(replicas);
      return new RegionalSource(all, time);
    }
  }
}
