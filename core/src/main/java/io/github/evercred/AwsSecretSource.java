package io.github.evercred;

import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.model.APIErrorType;
import software.amazon.awssdk.services.secretsmanager.model.BatchGetSecretValueResponse;
import software.amazon.awssdk.services.secretsmanager.model.GetSecretValueRequest;
import software.amazon.awssdk.services.secretsmanager.model.GetSecretValueResponse;
import software.amazon.awssdk.services.secretsmanager.model.SecretValueEntry;

/**
 * Reads secrets from AWS Secrets Manager through the AWS SDK for Java v2. The one place that knows
 * its client.
 *
 * <p>One {@code GetSecretValue} a fetch, with {@code VersionStage} or {@code VersionId} sent, so
 * that {@code secretsmanager:GetSecretValue} (and {@code kms:Decrypt} for a customer-managed key)
 * is the whole policy and may name the label. {@code DescribeSecret} is never called. Many at once
 * are fetched with {@code BatchGetSecretValue}, where the policy allows that.
 *
 * <p>A client built here makes one attempt a call (the cache retries, and knows when not to), uses
 * the JDK's {@code HttpURLConnection} and is built at the first fetch, in a thread of the cache. On
 * any client, also one handed in, the request's time-out is set on the request, because the SDK has
 * none by default (<a
 * href="https://docs.aws.amazon.com/sdk-for-java/latest/developer-guide/timeouts.html">time-outs</a>).
 *
 * <p>Instances are thread-safe. No argument may be null.
 */
public final class AwsSecretSource implements SecretSource {

  private static final AwsCalls.Service SERVICE =
      new AwsCalls.Service(
          "Secrets Manager",
          "SecretsManager",
          "This source of secrets is closed; close it after every cache that reads from it.");

  private final AwsCalls<SecretsManagerClient> aws;
  private final String description;
  private final @Nullable String role;
  private final Time time = Time.system(); // Its clock alone.

  AwsSecretSource(Supplier<SecretsManagerClient> maker, String description, boolean owned) {
    this.aws = AwsCalls.with(SERVICE, maker, AwsSecretSource::region, owned);
    this.description = description;
    this.role = null;
  }

  AwsSecretSource(Place place) {
    this.aws =
        AwsCalls.as(
            SERVICE, place, credentials -> build(place, credentials), AwsSecretSource::region);
    this.description = place.description();
    this.role = place.role().orElse(null);
  }

  /**
   * Reads with the SDK's default region and credentials. Touches neither until the first fetch.
   *
   * @return a source that closes its client with itself
   */
  public static AwsSecretSource create() {
    return create(null, null);
  }

  /**
   * Reads from one region, or from an endpoint of one's own, with the SDK's default credentials.
   *
   * @param region the region's id, such as {@code eu-west-1}; null means the SDK's default region
   * @param endpoint a VPC endpoint or a local stand-in; null means the region's own
   * @return a source that closes its client with itself
   * @throws IllegalArgumentException if the endpoint is no {@code http} or {@code https} URL of a
   *     host, or has a user, a query or a fragment
   */
  public static AwsSecretSource create(@Nullable String region, @Nullable URI endpoint) {
    if (endpoint != null) {
      CacheOption.requireEndpoint(endpoint);
    }
    return new AwsSecretSource(Place.in(region, endpoint));
  }

  /**
   * Starts a source with credentials of one's own choice.
   *
   * @return a builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Reads with a client that the caller has built and goes on owning. Its retries, if it makes any,
   * happen within the time-out of one attempt; a client that makes one attempt a call serves best.
   *
   * @param client the client
   * @return a source that never closes the client
   */
  public static AwsSecretSource of(SecretsManagerClient client) {
    Objects.requireNonNull(client, "client");
    return new AwsSecretSource(
        () -> client, Objects.requireNonNullElse(region(client), "the given client"), false);
  }

  private static @Nullable String region(SecretsManagerClient client) {
    try {
      Region region = client.serviceClientConfiguration().region();
      return region == null ? null : region.id();
    } catch (UnsupportedOperationException e) {
      return null; // A stand-in for the client that implements no more than it needs.
    }
  }

  private static SecretsManagerClient build(
      Place place, @Nullable AwsCredentialsProvider credentials) {
    var builder = AwsCalls.lean(SecretsManagerClient.builder(), place, credentials);
    place.endpoint().ifPresent(builder::endpointOverride);
    return builder.build();
  }

  @Override
  public SecretValue fetch(SecretRequest request) {
    VersionSelector version = request.version();
    var asked = GetSecretValueRequest.builder().secretId(request.secretId());
    if (version.isLabel()) {
      asked.versionStage(version.text());
    } else {
      asked.versionId(version.text());
    }
    boolean current = version.equals(VersionSelector.CURRENT);
    Duration timeout = request.timeout();
    GetSecretValueResponse answer =
        call(
            request.secretId(),
            current,
            timeout,
            c ->
                c.getSecretValue(
                    asked.overrideConfiguration(o -> AwsCalls.limit(o, timeout)).build()));
    return value(
        request.secretId(),
        answer.arn(),
        answer.versionId(),
        answer.versionStages(),
        answer.createdDate(),
        answer.secretString(),
        answer.secretBinary());
  }

  /**
   * Twenty, the limit of {@code BatchGetSecretValue} (<a
   * href="https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_BatchGetSecretValue.html">
   * its reference</a>).
   */
  @Override
  public int batchSize() {
    return 20;
  }

  /**
   * Fetches with {@code BatchGetSecretValue}, all pages within one time-out. Needs {@code
   * secretsmanager:BatchGetSecretValue} on all resources beside {@code
   * secretsmanager:GetSecretValue} on each secret; without it this fails as a whole with {@link
   * SecretException.Reason#ACCESS_DENIED}. If a page fails, what came before it is returned, and
   * the failure is logged.
   */
  @Override
  public SecretBatch fetchBatch(List<String> secretIds, Duration timeout) {
    var pages = new Pages(secretIds);
    long end = time.in(timeout.toNanos());
    try {
      while (pages.more) {
        Duration left = Duration.ofNanos(end - time.nanos());
        if (left.isNegative() || left.isZero()) {
          throw AwsCalls.noAnswerWithin(timeout, null);
        }
        pages.add(
            call(
                null,
                true,
                timeout,
                c ->
                    c.batchGetSecretValue(
                        b ->
                            b.secretIdList(secretIds)
                                .nextToken(pages.token)
                                .overrideConfiguration(o -> AwsCalls.limit(o, left)))));
      }
    } catch (UnsupportedOperationException e) { // From a stand-in that has no such method.
      throw new SecretException(
          SecretException.Reason.INVALID_REQUEST, "the client has no BatchGetSecretValue", e);
    } catch (SecretException e) {
      if (pages.values.isEmpty() && pages.errors.isEmpty()) {
        throw e;
      }
      Log.EVERCRED.log(
          System.Logger.Level.INFO,
          () ->
              "A page of BatchGetSecretValue failed; what it would have brought is fetched one by"
                  + " one. "
                  + e);
    }
    return pages.sorted();
  }

  /** What the pages of one batch have brought, and to which of the ids it belongs. */
  private final class Pages {
    private final List<String> ids;
    private final List<SecretValueEntry> values = new ArrayList<>();
    private final Map<APIErrorType, @Nullable String> errors = new LinkedHashMap<>();
    private @Nullable String token;
    private boolean more;

    Pages(List<String> ids) {
      this.ids = ids;
      this.more = !ids.isEmpty();
    }

    void add(BatchGetSecretValueResponse page) {
      values.addAll(page.secretValues());
      var metadata = page.responseMetadata(); // None from a stand-in for the client.
      String requestId = metadata == null ? null : metadata.requestId();
      page.errors().forEach(error -> errors.put(error, requestId));
      token = page.nextToken();
      more = token != null && !token.isEmpty();
    }

    SecretBatch sorted() {
      var found = new HashMap<String, SecretValue>();
      var failed = new HashMap<String, SecretException>();
      for (String id : ids) {
        try {
          SecretValueEntry entry = valueOf(id);
          APIErrorType error = entry == null ? errorOf(id) : null;
          if (entry != null) {
            found.put(
                id,
                value(
                    id,
                    entry.arn(),
                    entry.versionId(),
                    entry.versionStages(),
                    entry.createdDate(),
                    entry.secretString(),
                    entry.secretBinary()));
          } else if (error != null) {
            failed.put(id, failure(id, error));
          }
        } catch (SecretException e) {
          failed.put(id, e);
        }
      }
      return new SecretBatch(found, failed);
    }

    private @Nullable SecretValueEntry valueOf(String id) {
      SecretValueEntry exact = last(values, entry -> id.equals(entry.arn()));
      if (exact == null) {
        exact =
            onlyOne(
                values,
                SecretValueEntry::arn,
                entry -> id.equals(entry.name()) && !isClaimed(entry.arn()));
      }
      if (exact != null || last(errors.keySet(), error -> id.equals(error.secretId())) != null) {
        return exact;
      }
      // What looks like a whole ARN is taken for part of one only when no page is missing.
      SecretArn arn = SecretArn.parse(id);
      return arn == null || (more && arn.looksComplete())
          ? null
          : last(values, entry -> entry.arn() != null && SecretArn.isPart(id, entry.arn()));
    }

    /** A bare name is the caller's own; by ARN another account's of that name may be asked for. */
    private boolean isClaimed(@Nullable String arn) {
      return arn != null
          && ids.stream().anyMatch(id -> id.equals(arn) || SecretArn.isPart(id, arn));
    }

    /** The last, unless they are of several secrets. */
    private static <T> @Nullable T onlyOne(
        Collection<T> all, Function<T, @Nullable String> arn, Predicate<T> wanted) {
      List<T> found = all.stream().filter(one -> one != null && wanted.test(one)).toList();
      return found.stream().map(arn).distinct().count() == 1 ? found.get(found.size() - 1) : null;
    }

    private @Nullable APIErrorType errorOf(String id) {
      APIErrorType exact = last(errors.keySet(), error -> id.equals(error.secretId()));
      // Its own answer may be on a page that is missing.
      return exact != null || more
          ? exact
          : onlyOne(
              errors.keySet(), APIErrorType::secretId, error -> mayBeOf(error.secretId(), id));
    }

    private boolean mayBeOf(@Nullable String failed, String id) {
      if (failed == null) {
        return false;
      }
      if (SecretArn.isPart(id, failed)) {
        return !ids.contains(failed);
      }
      SecretArn arn = SecretArn.parse(failed);
      return arn != null && id.equals(arn.plainName()) && !isClaimed(failed);
    }

    private SecretException failure(String id, APIErrorType error) {
      return failureOf(
          new AwsErrors.Answer(
              null,
              0,
              Objects.requireNonNullElse(error.errorCode(), ""),
              Objects.requireNonNullElse(error.message(), ""),
              false),
          new AwsErrors.Asked(id, true, aws.region(), role),
          errors.get(error),
          null);
    }
  }

  /** The last, since a later page is newer. */
  private static <T> @Nullable T last(Collection<T> all, Predicate<T> wanted) {
    T found = null;
    for (T one : all) {
      if (one != null && wanted.test(one)) {
        found = one;
      }
    }
    return found;
  }

  private <T> T call(
      @Nullable String secretId,
      boolean current,
      Duration timeout,
      Function<SecretsManagerClient, T> call) {
    return aws.call(
        timeout,
        call,
        e ->
            failureOf(
                aws.answer(e),
                new AwsErrors.Asked(secretId, current, aws.region(), role),
                e.requestId(),
                e));
  }

  private static SecretValue value(
      String secretId,
      @Nullable String arn,
      @Nullable String versionId,
      List<String> labels,
      @Nullable Instant createdAt,
      @Nullable String text,
      @Nullable SdkBytes bytes) {
    // No field of an answer is required by the service's model.
    if (versionId == null || (text == null && bytes == null)) {
      throw new SecretException(
          SecretException.Reason.MALFORMED,
          "the answer has no %s".formatted(versionId == null ? "VersionId" : "value"),
          null);
    }
    var value =
        SecretValue.builder(secretId, versionId).arn(arn).labels(labels).createdAt(createdAt);
    return bytes == null || text != null
        ? value.text(Objects.requireNonNull(text))
        : value.bytes(bytes.asByteArrayUnsafe());
  }

  private static SecretException failureOf(
      AwsErrors.Answer answer,
      AwsErrors.Asked asked,
      @Nullable String requestId,
      @Nullable Throwable cause) {
    SecretException.Reason reason = AwsErrors.reason(answer, asked);
    return new SecretException(reason, AwsErrors.message(answer, asked, reason), requestId, cause);
  }

  @Override
  public String description() {
    return description;
  }

  /**
   * Closes the client if it was built here, and what was built for its credentials; the next fetch
   * builds another. If none was built yet, {@linkplain #prime primes} what that will need. Does
   * nothing to a client that was handed in.
   */
  @Override
  public void beforeCheckpoint() {
    if (aws.beforeCheckpoint() == 0) {
      prime();
    }
  }

  /**
   * Goes once through all that a fetch needs, so that it is loaded and the next one is quicker: a
   * client is built, requests are signed with made-up credentials, a value and an error are read
   * from answers that stand here. Nobody is called, and nothing is left open and no thread running.
   * Meant for the time before a checkpoint (AWS Lambda SnapStart, CRaC), where a cache does it
   * itself if its source has not fetched anything; costs about what the first fetch does. Never
   * throws: what fails is logged.
   */
  public static void prime() {
    try {
      Priming.run();
    } catch (RuntimeException | LinkageError e) {
      Log.EVERCRED.log(
          System.Logger.Level.INFO,
          "Reading secrets could not be primed; the first fetch will load what it needs.",
          e);
    }
  }

  /**
   * Closes the client if it was built here, also one that is being built at this moment, and with
   * it what was built for its credentials. Later fetches fail with {@link
   * SecretException.Reason#CLOSED}. Does nothing to a client that was handed in, and nothing when
   * called twice.
   */
  @Override
  public void close() {
    aws.close();
  }

  /**
   * Sets where a source reads and as whom. Each option may be set once and is checked at once; what
   * is not set is as the SDK has it. Options of a cache's configuration are not looked at here.
   *
   * <p>Not thread-safe. No argument may be null.
   */
  public static final class Builder {
    private final PlaceOptions options = new PlaceOptions();

    private Builder() {}

    /**
     * Sets the region, of STS too where a role is assumed.
     *
     * @param id the region's id, such as {@code eu-west-1}; the default is the SDK's: {@code
     *     AWS_REGION}, then the profile's
     * @return this builder
     * @throws IllegalArgumentException if it does not look like one
     * @throws IllegalStateException if it was already set
     */
    public Builder region(String id) {
      options.region.set(Optional.of(id));
      return this;
    }

    /**
     * Sets where Secrets Manager is. STS is found as the SDK finds it.
     *
     * @param url a VPC endpoint or a local stand-in; the default is the region's own
     * @return this builder
     * @throws IllegalArgumentException if it is no {@code http} or {@code https} URL of a host, or
     *     has a user, a query or a fragment
     * @throws IllegalStateException if it was already set
     */
    public Builder endpoint(URI url) {
      CacheOption.requireEndpoint(url);
      options.endpoint.set(Optional.of(url));
      return this;
    }

    /**
     * Sets the profile of the shared AWS config files whose credentials are used, and no others.
     * Its region counts where none is set. It must exist at the first fetch.
     *
     * @param name its name; the default is the SDK's chain of credentials
     * @return this builder
     * @throws IllegalArgumentException if no profile can be called that
     * @throws IllegalStateException if it was already set
     */
    public Builder profile(String name) {
      options.profile.set(Optional.of(name));
      return this;
    }

    /**
     * Sets an IAM role that is assumed, with the credentials of the profile or of the SDK's chain.
     * Needs {@code software.amazon.awssdk:sts}, which comes with this library, and a policy that
     * allows {@code sts:AssumeRole}. It is assumed at the first fetch and again in the last five
     * minutes of its session, in the thread that fetches.
     *
     * @param arn {@code arn:<partition>:iam::<account>:role/<path and name>}
     * @return this builder
     * @throws IllegalArgumentException if it is no ARN of a role
     * @throws IllegalStateException if it was already set
     */
    public Builder role(String arn) {
      options.role.set(Optional.of(arn));
      return this;
    }

    /**
     * Sets the external id that the role's trust policy asks for.
     *
     * @param id 2 to 1224 letters, digits and {@code _+=,.@:/-}
     * @return this builder
     * @throws IllegalArgumentException if it is something else
     * @throws IllegalStateException if it was already set
     */
    public Builder externalId(String id) {
      options.externalId.set(Optional.of(id));
      return this;
    }

    /**
     * Sets the name of the role's session, by which CloudTrail tells who it was.
     *
     * @param name 2 to 64 letters, digits and {@code _+=,.@-}; the default is {@code evercred}
     * @return this builder
     * @throws IllegalArgumentException if it is something else
     * @throws IllegalStateException if it was already set
     */
    public Builder roleSessionName(String name) {
      options.roleSessionName.set(name);
      return this;
    }

    /**
     * Makes the source. Touches nothing until the first fetch.
     *
     * @return a source that closes all that it builds with itself
     * @throws IllegalStateException if {@code externalId} or {@code roleSessionName} is set without
     *     {@code role}
     */
    public AwsSecretSource build() {
      return new AwsSecretSource(
          options.resolve(new Configuration(Map.of(), new Properties(), Map.of())));
    }
  }
}
