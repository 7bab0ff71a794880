package io.github.evercred;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.core.client.config.SdkAdvancedClientOption;
import software.amazon.awssdk.core.exception.AbortedException;
import software.amazon.awssdk.core.exception.ApiCallAttemptTimeoutException;
import software.amazon.awssdk.core.exception.ApiCallTimeoutException;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.model.GetSecretValueRequest;
import software.amazon.awssdk.services.secretsmanager.model.GetSecretValueResponse;

/**
 * Reads secrets from AWS Secrets Manager through the AWS SDK for Java v2. The one place that knows
 * the SDK.
 *
 * <p>One {@code GetSecretValue} a fetch, with {@code VersionStage} or {@code VersionId} sent, so
 * that {@code secretsmanager:GetSecretValue} (and {@code kms:Decrypt} for a customer-managed key)
 * is the whole policy and may name the label. {@code DescribeSecret} is never called.
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

  private final Supplier<SecretsManagerClient> maker;
  private final AtomicReference<@Nullable FutureTask<SecretsManagerClient>> client =
      new AtomicReference<>();
  private final String description;
  private final boolean owned;

  private AwsSecretSource(Supplier<SecretsManagerClient> maker, String description, boolean owned) {
    this.maker = maker;
    this.description = description;
    this.owned = owned;
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
   */
  public static AwsSecretSource create(@Nullable String region, @Nullable URI endpoint) {
    String description =
        endpoint != null
            ? endpoint.toString()
            : Objects.requireNonNullElse(region, "the default region");
    return new AwsSecretSource(() -> build(region, endpoint), description, true);
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
    return new AwsSecretSource(() -> client, region(client), false);
  }

  private static String region(SecretsManagerClient client) {
    try {
      Region region = client.serviceClientConfiguration().region();
      return region == null ? "the given client" : region.id();
    } catch (UnsupportedOperationException e) {
      return "the given client"; // A stand-in for the client that implements no more than it needs.
    }
  }

  private static SecretsManagerClient build(@Nullable String region, @Nullable URI endpoint) {
    requireStsForWebIdentity();
    var builder =
        SecretsManagerClient.builder()
            .httpClientBuilder(
                UrlConnectionHttpClient.builder().connectionTimeout(Duration.ofSeconds(2)))
            .overrideConfiguration(
                o ->
                    o.retryStrategy(AwsRetryStrategy.doNotRetry())
                        .putAdvancedOption(SdkAdvancedClientOption.USER_AGENT_SUFFIX, "evercred"));
    if (region != null) {
      builder.region(Region.of(region));
    }
    if (endpoint != null) {
      builder.endpointOverride(endpoint);
    }
    return builder.build();
  }

  /**
   * With a web identity (EKS) and without the {@code sts} artifact the SDK's chain goes on to the
   * node's role, silently: another identity than the one that was configured.
   */
  private static void requireStsForWebIdentity() {
    boolean webIdentity =
        System.getenv("AWS_WEB_IDENTITY_TOKEN_FILE") != null
            || System.getProperty("aws.webIdentityTokenFile") != null;
    if (webIdentity) {
      try {
        Class.forName(
            "software.amazon.awssdk.services.sts.StsClient",
            false,
            AwsSecretSource.class.getClassLoader());
      } catch (ClassNotFoundException e) {
        throw new SecretException(
            SecretException.Reason.CONFIGURATION,
            "AWS_WEB_IDENTITY_TOKEN_FILE is set, but software.amazon.awssdk:sts is not on the class"
                + " path. Add it: without it the SDK would use another identity, the node's role.",
            e);
      }
    }
  }

  @Override
  public SecretValue fetch(SecretRequest request) {
    Duration timeout = request.timeout();
    var call =
        GetSecretValueRequest.builder()
            .secretId(request.secretId())
            .overrideConfiguration(o -> o.apiCallTimeout(timeout).apiCallAttemptTimeout(timeout));
    VersionSelector version = request.version();
    if (version.isLabel()) {
      call.versionStage(version.text());
    } else {
      call.versionId(version.text());
    }
    try {
      return value(request, client().getSecretValue(call.build()));
    } catch (AwsServiceException e) {
      throw sorted(e);
    } catch (ApiCallTimeoutException | ApiCallAttemptTimeoutException e) {
      throw new SecretException(
          SecretException.Reason.UNAVAILABLE, "no answer within " + timeout, e);
    } catch (AbortedException e) {
      throw new SecretException(SecretException.Reason.UNAVAILABLE, "the call was stopped", e);
    } catch (SdkClientException e) {
      throw sorted(e);
    } catch (UncheckedIOException e) {
      // The SDK lets some of its HTTP client's through; the JSON parser's own quote the text.
      throw Objects.requireNonNull(e.getCause()).getClass().getName().startsWith("java.")
          ? new SecretException(SecretException.Reason.UNAVAILABLE, "the connection broke", e)
          : unreadable();
    }
  }

  /** Builds the client once; others wait for it. A build that failed is tried again by the next. */
  private SecretsManagerClient client() {
    FutureTask<SecretsManagerClient> mine = new FutureTask<>(maker::get);
    FutureTask<SecretsManagerClient> building =
        client.updateAndGet(other -> other == null ? mine : other);
    if (building == mine) {
      mine.run();
    }
    try {
      return building.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new SecretException(
          SecretException.Reason.UNAVAILABLE, "interrupted while the AWS client was built", e);
    } catch (ExecutionException e) {
      client.compareAndSet(building, null);
      Throwable cause = e.getCause();
      if (cause instanceof SecretException configuration) {
        throw configuration.again("");
      }
      throw new SecretException(
          SecretException.Reason.CONFIGURATION,
          "the AWS client could not be built: " + (cause == null ? e : cause).getMessage(),
          cause);
    }
  }

  private static SecretValue value(SecretRequest request, GetSecretValueResponse response) {
    // No field of the response is required by the service's model.
    if (response.versionId() == null
        || (response.secretString() == null && response.secretBinary() == null)) {
      throw new SecretException(
          SecretException.Reason.MALFORMED,
          "the answer has no %s".formatted(response.versionId() == null ? "VersionId" : "value"),
          null);
    }
    var value =
        SecretValue.builder(request.secretId(), response.versionId())
            .arn(response.arn())
            .labels(response.versionStages())
            .createdAt(response.createdDate());
    return response.secretString() != null
        ? value.text(response.secretString())
        : value.bytes(response.secretBinary().asByteArrayUnsafe());
  }

  /**
   * Sorts by error code, never by status: emulators and AWS disagree on it. The text decides only
   * between two meanings of one code.
   */
  private static SecretException sorted(AwsServiceException e) {
    String code = e.awsErrorDetails() == null ? null : e.awsErrorDetails().errorCode();
    String text = e.awsErrorDetails() == null ? null : e.awsErrorDetails().errorMessage();
    String said = text == null ? "" : text;
    var reason =
        switch (code == null ? "" : code) {
          case "ResourceNotFoundException" -> SecretException.Reason.NOT_FOUND;
          case "AccessDeniedException", "AccessDenied" ->
              // The first names the resource, and that may be called anything.
              !said.contains("perform: secretsmanager:")
                      && (said.contains("KMS") || said.contains("kms:"))
                  ? SecretException.Reason.KMS_DENIED
                  : SecretException.Reason.ACCESS_DENIED;
          case "DecryptionFailure" -> SecretException.Reason.KEY_UNUSABLE;
          case "InvalidRequestException" ->
              said.contains("marked for deletion")
                  ? SecretException.Reason.MARKED_FOR_DELETION
                  : SecretException.Reason.INVALID_REQUEST;
          case "InvalidParameterException", "ValidationException" ->
              SecretException.Reason.INVALID_REQUEST;
          case "ExpiredTokenException",
              "ExpiredToken",
              "UnrecognizedClientException",
              "InvalidClientTokenId",
              "IncompleteSignature",
              "IncompleteSignatureException",
              "MissingAuthenticationToken",
              "MissingAuthenticationTokenException" ->
              SecretException.Reason.AWS_CREDENTIALS;
          case "InvalidSignatureException",
              "SignatureDoesNotMatch",
              "RequestExpired",
              "RequestInTheFuture",
              "RequestTimeTooSkewed" ->
              e.isClockSkewException()
                      || said.contains("Signature expired")
                      || said.contains("Signature not yet current")
                  ? SecretException.Reason.CLOCK_SKEW
                  : SecretException.Reason.AWS_CREDENTIALS;
          case "LimitExceededException" -> SecretException.Reason.THROTTLED;
          default ->
              e.isThrottlingException()
                  ? SecretException.Reason.THROTTLED
                  : e.statusCode() >= 400
                          && e.statusCode() < 500
                          && code != null
                          && !isTransient(code)
                      ? SecretException.Reason.INVALID_REQUEST
                      : SecretException.Reason.UNAVAILABLE;
        };
    return new SecretException(
        reason,
        "Secrets Manager answered %s %s%s"
            .formatted(
                e.statusCode(),
                code == null ? "without a code" : code,
                said.isEmpty() ? "" : ": " + said),
        e.requestId(),
        e);
  }

  // https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html
  private static boolean isTransient(String code) {
    return switch (code) {
      case "RequestTimeout",
          "RequestTimeoutException",
          "PriorRequestNotComplete",
          "InternalError" ->
          true;
      default -> false;
    };
  }

  private static SecretException sorted(SdkClientException e) {
    String message = Objects.requireNonNullElse(e.getMessage(), "");
    if (message.startsWith("Unable to unmarshall response")) {
      return unreadable();
    }
    if (message.startsWith("Unable to load credentials")) {
      return new SecretException(SecretException.Reason.AWS_CREDENTIALS, message, e);
    }
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof IOException || cause instanceof UncheckedIOException) {
        return new SecretException(SecretException.Reason.UNAVAILABLE, message, e);
      }
    }
    return new SecretException(
        SecretException.Reason.CONFIGURATION, "the AWS SDK could not make the call: " + message, e);
  }

  /**
   * Without a cause: the SDK's message quotes what it could not read, and that may be the value.
   */
  private static SecretException unreadable() {
    return new SecretException(
        SecretException.Reason.MALFORMED,
        "the answer is not the JSON that Secrets Manager sends",
        null);
  }

  @Override
  public String description() {
    return description;
  }

  /** Closes the client if it was built here and has been built. */
  @Override
  public void close() {
    FutureTask<SecretsManagerClient> built = client.get();
    if (owned && built != null && built.isDone()) {
      client().close();
    }
  }
}
