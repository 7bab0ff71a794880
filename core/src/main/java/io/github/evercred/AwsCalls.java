package io.github.evercred;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.ProfileCredentialsProvider;
import software.amazon.awssdk.awscore.AwsRequestOverrideConfiguration;
import software.amazon.awssdk.awscore.client.builder.AwsClientBuilder;
import software.amazon.awssdk.awscore.exception.AwsErrorDetails;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.core.client.builder.SdkSyncClientBuilder;
import software.amazon.awssdk.core.client.config.SdkAdvancedClientOption;
import software.amazon.awssdk.core.exception.AbortedException;
import software.amazon.awssdk.core.exception.ApiCallAttemptTimeoutException;
import software.amazon.awssdk.core.exception.ApiCallTimeoutException;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.profiles.ProfileFile;
import software.amazon.awssdk.profiles.ProfileFileLocation;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.utils.SdkAutoCloseable;

/**
 * The calls of one AWS service: builds its client at the first one, as whom a {@link Place} says,
 * sorts whatever comes instead of an answer, and closes what it has built.
 *
 * <p>A client built here makes one attempt a call (who calls retries, and knows when not to) and
 * uses the JDK's {@code HttpURLConnection}. A request's time-out is set on the request, with {@link
 * #limit}, because the SDK has none by default (<a
 * href="https://docs.aws.amazon.com/sdk-for-java/latest/developer-guide/timeouts.html">time-outs</a>).
 *
 * <p>Thread-safe.
 *
 * @param <C> the client
 */
final class AwsCalls<C extends SdkAutoCloseable> implements AutoCloseable {

  /** From the SDK's credential providers, single sign-on and instance metadata among them. */
  private static final Pattern SAYS_CREDENTIALS =
      Pattern.compile(
          "credential|IMDS|metadata service|SSO (session|token)", Pattern.CASE_INSENSITIVE);

  /**
   * What is called, in words.
   *
   * @param name how people call it
   * @param id how the SDK calls it
   * @param afterClose what a call fails with once this is closed
   */
  record Service(String name, String id, String afterClose) {}

  private final Service service;
  private final Supplier<Built<C>> maker;
  private final Function<C, @Nullable String> region;
  private final boolean owned;
  private final AtomicReference<@Nullable FutureTask<Built<C>>> client = new AtomicReference<>();

  /** Held for assignments only. */
  private final Object lock = new Object();

  private boolean closed;
  private @Nullable Built<C> toClose;

  /** Checkpoints so far: a client that was begun before the last is not used after it. */
  private int checkpoints;

  private boolean wasBuilt;

  /** A client, and what was built for its credentials. */
  private record Built<C extends SdkAutoCloseable>(
      C client, @Nullable AssumedRole role, @Nullable SdkAutoCloseable profile) {
    void close() {
      client.close();
      if (role != null) {
        role.close();
      }
      if (profile != null) {
        profile.close();
      }
    }
  }

  private AwsCalls(
      Service service,
      Supplier<Built<C>> maker,
      Function<C, @Nullable String> region,
      boolean owned) {
    this.service = service;
    this.maker = maker;
    this.region = region;
    this.owned = owned;
  }

  /**
   * With a client of one's own.
   *
   * @param region tells the client's region, if it is known
   * @param owned whether it is closed with this
   */
  static <C extends SdkAutoCloseable> AwsCalls<C> with(
      Service service, Supplier<C> client, Function<C, @Nullable String> region, boolean owned) {
    return new AwsCalls<>(service, () -> new Built<>(client.get(), null, null), region, owned);
  }

  /**
   * As whom the place says.
   *
   * @param client builds it with those credentials; null means the SDK's default chain
   * @param region tells the client's region
   */
  static <C extends SdkAutoCloseable> AwsCalls<C> as(
      Service service,
      Place place,
      Function<@Nullable AwsCredentialsProvider, C> client,
      Function<C, @Nullable String> region) {
    return new AwsCalls<>(service, () -> build(place, client), region, true);
  }

  private static <C extends SdkAutoCloseable> Built<C> build(
      Place place, Function<@Nullable AwsCredentialsProvider, C> client) {
    if (isSet("AWS_WEB_IDENTITY_TOKEN_FILE", "aws.webIdentityTokenFile")) {
      requireSts(
          "AWS_WEB_IDENTITY_TOKEN_FILE is set",
          "without it the SDK would use another identity, the node's role");
    }
    if (place.role().isPresent()) {
      requireSts("A role is configured", "a role is assumed with it");
    }
    ProfileCredentialsProvider profile = place.profile().map(AwsCalls::profile).orElse(null);
    AssumedRole role = null;
    try {
      role = place.role().map(arn -> new AssumedRole(place, arn, profile)).orElse(null);
      return new Built<>(client.apply(role == null ? profile : role), role, profile);
    } catch (RuntimeException e) {
      if (role != null) {
        role.close();
      }
      if (profile != null) {
        profile.close();
      }
      throw e;
    }
  }

  private static boolean isSet(String variable, String property) {
    return System.getenv(variable) != null || System.getProperty(property) != null;
  }

  /**
   * Sets what all clients have in common that are built here.
   *
   * @param credentials null means the SDK's default chain
   */
  static <B extends AwsClientBuilder<B, ?> & SdkSyncClientBuilder<B, ?>> B lean(
      B builder, Place place, @Nullable AwsCredentialsProvider credentials) {
    var http = UrlConnectionHttpClient.builder().connectionTimeout(Duration.ofSeconds(2));
    if (place.sealed() || Checkpoints.isAhead()) {
      builder.httpClientBuilder(new Disconnecting(http));
    } else {
      builder.httpClientBuilder(http);
    }
    builder.overrideConfiguration(
        o -> {
          o.retryStrategy(AwsRetryStrategy.doNotRetry())
              .putAdvancedOption(SdkAdvancedClientOption.USER_AGENT_SUFFIX, "evercred");
          place.profile().ifPresent(o::defaultProfileName);
        });
    place.region().map(Region::of).ifPresent(builder::region);
    if (credentials != null) {
      builder.credentialsProvider(credentials);
    }
    return builder;
  }

  /** The SDK would say no more than that there are no credentials, at the first call. */
  private static ProfileCredentialsProvider profile(String name) {
    if (ProfileFile.defaultProfileFile().profile(name).isEmpty()) {
      throw new SecretException(
          SecretException.Reason.CONFIGURATION,
          "there is no profile '%s' in %s or %s: add it, or correct the option profile"
              .formatted(
                  name,
                  ProfileFileLocation.configurationFilePath(),
                  ProfileFileLocation.credentialsFilePath()),
          null);
    }
    return ProfileCredentialsProvider.create(name);
  }

  /**
   * With a web identity (EKS) and without the {@code sts} artifact the SDK's chain goes on to the
   * node's role, silently: another identity than the one that was configured.
   */
  private static void requireSts(String need, String why) {
    require("sts", "software.amazon.awssdk.services.sts.StsClient", need, why);
  }

  /**
   * Fails unless an artifact of the SDK is there. Whatever names its classes must be linked later.
   */
  static void require(String artifact, String type, String need, String why) {
    try {
      Class.forName(type, false, AwsCalls.class.getClassLoader());
    } catch (ClassNotFoundException e) {
      throw new SecretException(
          SecretException.Reason.CONFIGURATION,
          "%s, but software.amazon.awssdk:%s is not on the class path. Add it: %s."
              .formatted(need, artifact, why),
          e);
    }
  }

  static void limit(AwsRequestOverrideConfiguration.Builder call, Duration timeout) {
    call.apiCallTimeout(timeout).apiCallAttemptTimeout(timeout);
  }

  static SecretException noAnswerWithin(Duration timeout, @Nullable Throwable cause) {
    return new SecretException(
        SecretException.Reason.UNAVAILABLE, "no answer within " + timeout, cause);
  }

  /**
   * Makes a call. Blocks, for the time-out where the call has {@linkplain #limit set it}, and as
   * long again for a role's credentials.
   *
   * @param call gets the client
   * @param sorted says what an error means that AWS has answered
   */
  <T> T call(
      Duration timeout,
      Function<C, T> call,
      Function<AwsServiceException, SecretException> sorted) {
    int before = checkpoints();
    try {
      Built<C> built = built();
      AssumedRole assumed = built.role();
      return assumed == null
          ? call.apply(built.client())
          : assumed.within(timeout, () -> call.apply(built.client()));
    } catch (SecretException e) {
      throw e;
    } catch (RuntimeException e) {
      if (isClosed()) {
        throw closedFailure(); // What a closed client throws says less.
      }
      if (owned && checkpoints() != before) {
        throw Flights.checkpointFailure(); // Of another cache that has this source, too.
      }
      throw e instanceof AwsServiceException answer ? sorted.apply(answer) : sorted(e, timeout);
    }
  }

  private RuntimeException sorted(RuntimeException failure, Duration timeout) {
    if (failure instanceof ApiCallTimeoutException
        || failure instanceof ApiCallAttemptTimeoutException) {
      return noAnswerWithin(timeout, failure);
    }
    if (failure instanceof AbortedException) {
      return new SecretException(
          SecretException.Reason.UNAVAILABLE, "the call was stopped", failure);
    }
    if (failure instanceof SdkClientException e) {
      return sorted(e);
    }
    if (failure instanceof UncheckedIOException e) {
      // The SDK lets some of its HTTP client's through; the JSON parser's own quote the text.
      return Objects.requireNonNull(e.getCause()).getClass().getName().startsWith("java.")
          ? new SecretException(SecretException.Reason.UNAVAILABLE, "the connection broke", e)
          : unreadable();
    }
    return isCutOff(failure) ? noAnswerWithin(timeout, failure) : failure;
  }

  /**
   * Whether the SDK disconnected the JDK's connection, as it does when the time is over, while that
   * was at work: then it fails by whatever it meets first, a NullPointerException for one.
   */
  private static boolean isCutOff(RuntimeException failure) {
    StackTraceElement[] trace = failure.getStackTrace();
    return trace.length > 0 && trace[0].getClassName().startsWith("sun.net.www.protocol.http");
  }

  /** What never reached AWS has no code, so its text must do. */
  private SecretException sorted(SdkClientException e) {
    String message = Objects.requireNonNullElse(e.getMessage(), "");
    if (isUnreadable(e)) {
      return unreadable();
    }
    if (SAYS_CREDENTIALS.matcher(message).find()) {
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

  static boolean isUnreadable(SdkClientException e) {
    return e.getMessage() != null && e.getMessage().startsWith("Unable to unmarshall response");
  }

  /**
   * Without a cause: the SDK's message quotes what it could not read, and that may be the value.
   */
  private SecretException unreadable() {
    return new SecretException(
        SecretException.Reason.MALFORMED,
        "the answer is not the JSON that %s sends".formatted(service.name()),
        null);
  }

  /** An error as AWS answered it, for {@link AwsErrors}. */
  AwsErrors.Answer answer(AwsServiceException e) {
    AwsErrorDetails details = e.awsErrorDetails();
    String answering = details == null ? null : details.serviceName();
    return new AwsErrors.Answer(
        answering == null || answering.equalsIgnoreCase(service.id()) ? null : answering,
        e.statusCode(),
        details == null ? "" : Objects.requireNonNullElse(details.errorCode(), ""),
        details == null ? "" : Objects.requireNonNullElse(details.errorMessage(), ""),
        e.isClockSkewException());
  }

  /** Builds the client once; others wait for it. A build that failed is tried again by the next. */
  private Built<C> built() {
    if (isClosed()) {
      throw closedFailure();
    }
    FutureTask<Built<C>> mine;
    FutureTask<Built<C>> building;
    synchronized (lock) {
      int before = checkpoints;
      mine = new FutureTask<>(() -> make(before));
      FutureTask<Built<C>> known = client.get();
      building = known == null ? mine : known;
      client.set(building);
    }
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

  /** Whoever comes second, this or {@link #close}, closes what has been built. */
  private Built<C> make(int before) {
    Built<C> made = maker.get();
    if (!owned) {
      return made;
    }
    boolean over;
    synchronized (lock) {
      over = closed;
      if (!over && checkpoints == before) {
        toClose = made;
        wasBuilt = true;
        return made;
      }
    }
    made.close();
    throw over ? closedFailure() : Flights.checkpointFailure();
  }

  /**
   * Closes the client if it was built here, and what was built for its credentials; the next call
   * builds another.
   *
   * @return how many there were to close; -1 if none is ever built here, one was before, or this is
   *     closed
   */
  int beforeCheckpoint() {
    if (!owned) {
      return -1;
    }
    Built<C> built;
    boolean over;
    synchronized (lock) {
      checkpoints++;
      over = closed || wasBuilt;
      built = toClose;
      toClose = null;
      client.set(null);
    }
    if (built == null) {
      return over ? -1 : 0;
    }
    try {
      built.close();
    } catch (RuntimeException e) {
      Log.EVERCRED.log(
          System.Logger.Level.WARNING,
          "The AWS client could not be closed before a checkpoint; another is built after it.",
          e);
    }
    return 1;
  }

  private int checkpoints() {
    synchronized (lock) {
      return checkpoints;
    }
  }

  private boolean isClosed() {
    synchronized (lock) {
      return closed;
    }
  }

  private SecretException closedFailure() {
    return new SecretException(SecretException.Reason.CLOSED, service.afterClose(), null);
  }

  /** The client's region. Only a failure asks for it, so the client has mostly been built. */
  @Nullable String region() {
    FutureTask<Built<C>> built = client.get();
    try {
      return built == null || !built.isDone() ? null : region.apply(built.get().client());
    } catch (InterruptedException | ExecutionException e) {
      return null; // Not of a task that is done and whose client has made a call.
    }
  }

  /**
   * Closes what has been built, also what is being built at this moment. Later calls fail. Does
   * nothing to a client that is not owned, and nothing when called twice.
   */
  @Override
  public void close() {
    if (!owned) {
      return;
    }
    Built<C> built;
    synchronized (lock) {
      closed = true;
      built = toClose;
      toClose = null;
    }
    if (built != null) {
      built.close();
    }
  }
}
