package io.github.evercred.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.time.Duration;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * AWS Secrets Manager on 127.0.0.1, for tests: it speaks the service's JSON 1.1 protocol to an
 * unmodified AWS SDK, keeps secrets in memory, follows the service's rules of versions and staging
 * labels, counts what it is asked, and fails on demand.
 *
 * <pre>{@code
 * try (LocalSecretsManager secrets = LocalSecretsManager.start()) {
 *   secrets.createSecret("orders/db", "{\"username\":\"app\",\"password\":\"p1\"}");
 *   SecretsManagerClient client = SecretsManagerClient.builder()
 *       .endpointOverride(secrets.endpoint())
 *       .region(Region.of(secrets.region()))
 *       .credentialsProvider(any static credentials)
 *       .build();
 * }
 * }</pre>
 *
 * <p><b>Operations.</b> {@code GetSecretValue}, {@code BatchGetSecretValue}, {@code
 * DescribeSecret}, {@code ListSecretVersionIds}, {@code CreateSecret}, {@code PutSecretValue},
 * {@code UpdateSecretVersionStage}, {@code DeleteSecret}, {@code RestoreSecret}. Shapes, limits and
 * codes follow the service's API reference; error texts are those that clients of the service have
 * recorded. Secrets are found by name, by ARN, and by ARN without its suffix, with the service's
 * trap: a name that ends in a hyphen and six characters is not found by a partial ARN.
 *
 * <p><b>Not checked.</b> Signatures, credentials and policies: any request is accepted. Use {@link
 * Fault#accessDenied} to be refused.
 *
 * <p><b>Threads.</b> Instances are thread-safe. Every connection has a daemon thread of its own, so
 * a request that hangs holds up no other. Except for {@link #start} and {@link #close} no method
 * touches the network.
 *
 * <p><b>Errors.</b> Where the service would answer with an error, the methods here throw {@link
 * IllegalArgumentException} with its code and text. No argument may be null unless it says so.
 *
 * <p>Values are held in clear text, and printed by no {@code toString} and in no message.
 */
public final class LocalSecretsManager implements AutoCloseable {
  private static final String TARGET_PREFIX = "secretsmanager.";
  private static final String KMS_PREFIX = "TrentService.";

  private final String region;
  private final String account;
  private final InstantSource clock;
  private final SecretStore store;
  private final Operations operations;
  private final LocalKms kms;
  private final Traffic traffic;
  private final HttpEndpoint http;
  private final CountDownLatch closed = new CountDownLatch(1);

  private LocalSecretsManager(Builder builder) {
    this.region = builder.region;
    this.account = builder.account;
    this.clock = builder.clock;
    this.store = new SecretStore(region, account, clock);
    this.operations = new Operations(store, builder.batchPageSize);
    this.kms = new LocalKms(region, account);
    this.traffic = new Traffic(this::canonicalId);
    try {
      this.http = new HttpEndpoint(this::handle);
    } catch (IOException e) {
      throw new UncheckedIOException(
          "The local Secrets Manager could not open a port on 127.0.0.1", e);
    }
  }

  /**
   * Starts one in region {@code eu-west-1} and account {@code 123456789012}.
   *
   * @return a running server; close it
   * @throws UncheckedIOException if no port on 127.0.0.1 can be opened
   */
  public static LocalSecretsManager start() {
    return builder().start();
  }

  /**
   * Returns a builder, to start one with other settings.
   *
   * @return a new builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Returns where it listens, for the SDK's {@code endpointOverride}.
   *
   * @return such as {@code http://127.0.0.1:40123}
   */
  public URI endpoint() {
    return URI.create("http://127.0.0.1:" + http.port());
  }

  /**
   * Returns the KMS keys that the same endpoint serves.
   *
   * @return the keys; none at first
   */
  public LocalKms kms() {
    return kms;
  }

  /**
   * Returns the region in its ARNs.
   *
   * @return such as {@code eu-west-1}
   */
  public String region() {
    return region;
  }

  /**
   * Creates a secret with a first version, which becomes AWSCURRENT.
   *
   * @param name 1 to 512 of the characters that the service allows
   * @param value 1 to 65,536 bytes of UTF-8
   * @return its ARN
   */
  public String createSecret(String name, String value) {
    return createSecret(name, SecretData.of(value));
  }

  /**
   * Creates a binary secret with a first version, which becomes AWSCURRENT.
   *
   * @param name 1 to 512 of the characters that the service allows
   * @param value 1 to 65,536 bytes; copied
   * @return its ARN
   */
  public String createSecret(String name, byte[] value) {
    return createSecret(name, SecretData.of(value));
  }

  private String createSecret(String name, SecretData data) {
    synchronized (store) {
      StoredSecret secret = store.create(name);
      secret.put(UUID.randomUUID().toString(), data, List.of(), clock.instant());
      return secret.arn;
    }
  }

  /**
   * Stores a new version as {@code PutSecretValue} does. Without labels it becomes AWSCURRENT, and
   * the version that was becomes AWSPREVIOUS.
   *
   * @param secretId name or ARN
   * @param versionId 32 to 64 characters, or null for a random one; that of a version without a
   *     value gives it this value
   * @param value 1 to 65,536 bytes of UTF-8
   * @param labels where to move these staging labels, or none
   * @return the version id
   */
  public String putSecretValue(
      String secretId, @Nullable String versionId, String value, String... labels) {
    return putSecretValue(secretId, versionId, SecretData.of(value), List.of(labels));
  }

  /**
   * Stores a new binary version, otherwise as {@link #putSecretValue(String, String, String,
   * String...)}.
   *
   * @param secretId name or ARN
   * @param versionId 32 to 64 characters, or null for a random one
   * @param value 1 to 65,536 bytes; copied
   * @param labels where to move these staging labels, or none
   * @return the version id
   */
  public String putSecretValue(
      String secretId, @Nullable String versionId, byte[] value, String... labels) {
    return putSecretValue(secretId, versionId, SecretData.of(value), List.of(labels));
  }

  private String putSecretValue(
      String secretId, @Nullable String versionId, SecretData data, List<String> labels) {
    String id = versionId == null ? UUID.randomUUID().toString() : versionId;
    new Input(Map.of("ClientRequestToken", id)).versionId("ClientRequestToken");
    synchronized (store) {
      return store.requireLive(secretId).put(id, data, labels, clock.instant()).id;
    }
  }

  /**
   * Begins a rotation as {@code RotateSecret} does before it calls the rotation function: a new
   * version id carries AWSPENDING and has no value yet, so reading it is {@code
   * ResourceNotFoundException}.
   *
   * @param secretId name or ARN
   * @return the new version id
   * @throws IllegalArgumentException also if AWSPENDING is on another version than AWSCURRENT: a
   *     previous rotation is not complete
   */
  public String startRotation(String secretId) {
    synchronized (store) {
      return store
          .requireLive(secretId)
          .startRotation(UUID.randomUUID().toString(), clock.instant())
          .id;
    }
  }

  /**
   * Moves or removes a staging label as {@code UpdateSecretVersionStage} does, from wherever it is.
   * Moving AWSCURRENT moves AWSPREVIOUS to the version it leaves.
   *
   * @param secretId name or ARN
   * @param label the staging label
   * @param toVersionId where to; null removes the label, which AWSCURRENT does not allow
   */
  public void moveLabel(String secretId, String label, @Nullable String toVersionId) {
    synchronized (store) {
      StoredSecret secret = store.requireLive(secretId);
      StoredVersion holder = secret.labelled(label);
      if (holder != null || toVersionId != null) {
        secret.moveLabel(label, toVersionId, holder == null ? null : holder.id, clock.instant());
      }
    }
  }

  /**
   * Returns the version that carries a label, with or without a value.
   *
   * @param secretId name or ARN
   * @param label the staging label
   * @return its version id, or empty if no version has the label
   */
  public Optional<String> versionId(String secretId, String label) {
    synchronized (store) {
      return Optional.ofNullable(store.require(secretId).labelled(label))
          .map(version -> version.id);
    }
  }

  /**
   * Returns the string value of the version that carries a label. It counts as no call.
   *
   * @param secretId name or ARN
   * @param label the staging label
   * @return the value
   * @throws IllegalArgumentException also if the value is binary
   */
  public String value(String secretId, String label) {
    synchronized (store) {
      StoredVersion version = store.requireLive(secretId).read(null, label);
      String value = Objects.requireNonNull(version.data).string();
      if (value == null) {
        throw new IllegalArgumentException(
            "The value of secret '%s' (%s) is binary, not a string".formatted(secretId, label));
      }
      return value;
    }
  }

  /** The string value of a version, by its id; null if it is binary. */
  @Nullable String valueOfVersion(String secretId, String versionId) {
    synchronized (store) {
      StoredVersion version = store.requireLive(secretId).read(versionId, null);
      return Objects.requireNonNull(version.data).string();
    }
  }

  /** Whether a version exists and has a value. */
  boolean hasValue(String secretId, String versionId) {
    synchronized (store) {
      StoredVersion version = store.requireLive(secretId).version(versionId);
      return version != null && version.data != null;
    }
  }

  /**
   * Returns a secret's ARN.
   *
   * @param secretId name or ARN, complete or partial
   * @return the complete ARN
   */
  public String arn(String secretId) {
    synchronized (store) {
      return store.require(secretId).arn;
    }
  }

  /**
   * Marks a secret for deletion, with a recovery window of 30 days: reading it is {@code
   * InvalidRequestException} until it is restored.
   *
   * @param secretId name or ARN
   */
  public void deleteSecret(String secretId) {
    synchronized (store) {
      store.markForDeletion(store.requireLive(secretId), Duration.ofDays(30));
    }
  }

  /**
   * Deletes a secret without recovery: a secret created under the same name gets another ARN.
   *
   * @param secretId name or ARN
   */
  public void forceDeleteSecret(String secretId) {
    synchronized (store) {
      store.remove(store.require(secretId));
    }
  }

  /**
   * Takes back a secret's mark for deletion.
   *
   * @param secretId name or ARN
   */
  public void restoreSecret(String secretId) {
    synchronized (store) {
      store.require(secretId).deletionDate = null;
    }
  }

  /**
   * Makes every request fail until {@link #clearFaults} or {@link #clear}.
   *
   * @param fault what happens instead of the answer
   */
  public void inject(Fault fault) {
    inject(fault, Requests.all());
  }

  /**
   * Makes chosen requests fail, from now on. Of several faults that match a request, the one
   * injected first befalls it, and only that one counts it. Failed requests are counted as calls.
   *
   * @param fault what happens instead of the answer
   * @param requests which requests, and how many
   */
  public void inject(Fault fault, Requests requests) {
    traffic.inject(
        Objects.requireNonNull(fault, "fault"), Objects.requireNonNull(requests, "requests"));
  }

  /**
   * Takes back every injection of this very fault object. Requests that it already holds up stay
   * so.
   *
   * @param fault the object that was injected
   */
  public void clear(Fault fault) {
    traffic.clear(Objects.requireNonNull(fault, "fault"));
  }

  /** Takes back every fault. Requests that already hang stay so until their client gives up. */
  public void clearFaults() {
    traffic.clear(null);
  }

  /**
   * Holds chosen requests back: each is accepted and counted, then waits until {@link Hold#release}
   * and is only then looked at. It sees faults and secrets as they are at that time.
   *
   * @param requests which requests, and how many
   * @return the hold
   */
  public Hold hold(Requests requests) {
    return traffic.hold(Objects.requireNonNull(requests, "requests"), false);
  }

  /**
   * Holds the answers of chosen requests back: each is answered from the secrets as they are now,
   * but the answer is sent only after {@link Hold#release}. That is how an old value arrives late.
   *
   * @param requests which requests, and how many
   * @return the hold
   */
  public Hold holdAnswers(Requests requests) {
    return traffic.hold(Objects.requireNonNull(requests, "requests"), true);
  }

  /**
   * Scripts the next answers of {@code GetSecretValue} for a label, one version each, as an
   * eventually consistent service may give them: {@code v2, v1, v2}. After these, the label's real
   * place counts again. Requests by version id, failed requests and batches use none up.
   *
   * @param secretId name or ARN
   * @param label the staging label asked for
   * @param versionIds versions that have a value, in order
   */
  public void answerNext(String secretId, String label, String... versionIds) {
    operations.script(secretId, label, List.of(versionIds));
  }

  /**
   * Returns how many requests have been accepted, by operation, failed ones included.
   *
   * @return a snapshot
   */
  public Map<String, Integer> calls() {
    return traffic.calls();
  }

  /**
   * Returns how many requests for an operation have been accepted, failed ones included.
   *
   * @param operation such as {@code GetSecretValue}
   * @return the number of calls
   */
  public int calls(String operation) {
    return traffic.calls().getOrDefault(operation, 0);
  }

  /**
   * Returns how many requests for an operation have named a secret, failed ones included. A batch
   * counts for every secret that it lists.
   *
   * @param operation such as {@code GetSecretValue}
   * @param secretId name or ARN; requests that write it the other way count too
   * @return the number of calls
   */
  public int calls(String operation, String secretId) {
    return traffic.calls(operation, secretId);
  }

  /**
   * Returns the last 10,000 requests, oldest first.
   *
   * @return a snapshot
   */
  public List<RecordedRequest> requests() {
    return traffic.requests();
  }

  /** Sets every count to zero and forgets the recorded requests. */
  public void resetCalls() {
    traffic.reset();
  }

  /**
   * Frees the port and ends every request, hanging ones too: their clients see the connection end.
   * Does nothing the second time.
   */
  @Override
  public void close() {
    closed.countDown();
    http.close();
    traffic.releaseHolds();
  }

  @Override
  public String toString() {
    return "LocalSecretsManager[%s, %s]".formatted(endpoint(), region);
  }

  private String canonicalId(String id) {
    synchronized (store) {
      StoredSecret secret = store.find(id);
      return secret == null ? kms.canonicalId(id) : secret.arn;
    }
  }

  private HttpEndpoint.Reply handle(HttpEndpoint.Request request) throws InterruptedException {
    String target = request.headers().getOrDefault("x-amz-target", "");
    String operation = operation(target);
    try {
      if (!request.method().equals("POST") || operation.isEmpty()) {
        throw new ServiceError(
            400,
            "UnknownOperationException",
            "Send POST with a header X-Amz-Target: secretsmanager.<operation>.");
      }
      Map<String, @Nullable Object> members;
      try {
        members = Json.parse(request.body());
      } catch (IllegalArgumentException e) {
        throw new ServiceError(400, "SerializationException", "The body is " + e.getMessage());
      }
      return handle(operation, members);
    } catch (ServiceError e) {
      return errorAnswer(e);
    }
  }

  /** The operation's name alone if the service named before it has it; else the whole target. */
  private static String operation(String target) {
    String prefix = target.startsWith(KMS_PREFIX) ? KMS_PREFIX : TARGET_PREFIX;
    if (!target.startsWith(prefix)) {
      return target;
    }
    String name = target.substring(prefix.length());
    return LocalKms.NAMES.contains(name) == prefix.equals(KMS_PREFIX) ? name : target;
  }

  /** Answers as over the wire, with all faults and counts, for whoever stands before it. */
  HttpEndpoint.Reply handle(String operation, Map<String, @Nullable Object> members)
      throws InterruptedException {
    Traffic.Call call = record(operation, members);
    Hold hold = traffic.holdOf(call, false);
    if (hold != null) {
      hold.pass();
    }
    Fault fault = traffic.fault(call);
    HttpEndpoint.Reply reply;
    if (fault == null) {
      reply = perform(call, members);
    } else {
      closed.await(fault.delay().toNanos(), TimeUnit.NANOSECONDS);
      reply = reply(fault, call, members);
    }
    Hold answerHold = traffic.holdOf(call, true);
    if (answerHold != null) {
      answerHold.pass();
    }
    return reply;
  }

  private Traffic.Call record(String operation, Map<String, @Nullable Object> members) {
    List<String> ids = new ArrayList<>();
    addStrings(ids, members.get("SecretId"));
    addStrings(ids, members.get("SecretIdList"));
    addStrings(ids, members.get("KeyId"));
    if (operation.equals("CreateSecret")) {
      addStrings(ids, members.get("Name"));
    }
    List<String> labels = new ArrayList<>();
    addStrings(labels, members.get("VersionStage"));
    addStrings(labels, members.get("VersionStages"));
    List<String> versions = new ArrayList<>();
    addStrings(versions, members.get("VersionId"));
    addStrings(versions, members.get("ClientRequestToken"));
    addStrings(versions, members.get("MoveToVersionId"));
    return traffic.record(
        operation,
        ids,
        labels.size() == 1 ? labels.get(0) : null,
        versions.isEmpty() ? null : versions.get(0),
        clock.instant());
  }

  private static void addStrings(List<String> strings, @Nullable Object member) {
    if (member instanceof String string) {
      strings.add(string);
    } else if (member instanceof List<?> list) {
      list.forEach(element -> addStrings(strings, element));
    }
  }

  private HttpEndpoint.Reply reply(
      Fault fault, Traffic.Call call, Map<String, @Nullable Object> members) {
    return switch (fault.kind()) {
      case NONE -> perform(call, members);
      case HANG -> new HttpEndpoint.Hang();
      case RESET -> new HttpEndpoint.Reset();
      case MALFORMED -> answer(200, "application/x-amz-json-1.1", "{\"ARN\":\"arn:aws:secr");
      case NOT_JSON -> answer(fault.status(), "text/plain", fault.message());
      case ERROR, ACCESS_DENIED -> {
        String operation = call.request().operation();
        List<String> ids = call.request().secretIds();
        String id = ids.isEmpty() ? null : ids.get(0);
        yield errorAnswer(
            fault.serviceError(
                operation,
                id != null && LocalKms.NAMES.contains(operation) ? kms.canonicalId(id) : id,
                account));
      }
    };
  }

  private HttpEndpoint.Reply perform(Traffic.Call call, Map<String, @Nullable Object> members) {
    String operation = call.request().operation();
    try {
      Input input = new Input(members);
      Map<String, Object> answer =
          LocalKms.NAMES.contains(operation)
              ? kms.perform(operation, input)
              : operations.perform(operation, input, id -> batchError(call, id));
      return answer(200, "application/x-amz-json-1.1", Json.write(answer));
    } catch (ServiceError e) {
      return errorAnswer(e);
    }
  }

  private @Nullable ServiceError batchError(Traffic.Call call, String secretId) {
    Fault fault = traffic.batchFault(call, secretId);
    return fault == null ? null : fault.serviceError("GetSecretValue", secretId, account);
  }

  private HttpEndpoint.Answer errorAnswer(ServiceError error) {
    // The service writes the text's member with either spelling, depending on the error.
    Map<String, Object> members = new LinkedHashMap<>();
    members.put("__type", error.code());
    members.put(error.code().equals("AccessDeniedException") ? "Message" : "message", error.text());
    return answer(error.status(), "application/x-amz-json-1.1", Json.write(members));
  }

  private HttpEndpoint.Answer answer(int status, String contentType, String body) {
    Map<String, String> headers = new LinkedHashMap<>();
    headers.put("x-amzn-RequestId", UUID.randomUUID().toString());
    headers.put("Content-Type", contentType);
    headers.put(
        "Date",
        DateTimeFormatter.RFC_1123_DATE_TIME.format(clock.instant().atOffset(ZoneOffset.UTC)));
    return new HttpEndpoint.Answer(status, headers, body);
  }

  /** Settings of a {@link LocalSecretsManager}. Not thread-safe. */
  public static final class Builder {
    private static final Pattern REGION = Pattern.compile("[a-z]{2,}(-[a-z]+)+-[0-9]+");
    private static final Pattern ACCOUNT = Pattern.compile("[0-9]{12}");

    private String region = "eu-west-1";
    private String account = "123456789012";
    private InstantSource clock = InstantSource.system();
    private int batchPageSize = 20;

    private Builder() {}

    /**
     * Sets the region in ARNs. The default is {@code eu-west-1}.
     *
     * @param region such as {@code us-east-1}
     * @return this builder
     * @throws IllegalArgumentException if it does not look like a region
     */
    public Builder region(String region) {
      this.region = requireMatch(REGION, region, "region, such as eu-west-1");
      return this;
    }

    /**
     * Sets the account in ARNs. The default is {@code 123456789012}.
     *
     * @param account twelve digits
     * @return this builder
     * @throws IllegalArgumentException if it is not twelve digits
     */
    public Builder account(String account) {
      this.account = requireMatch(ACCOUNT, account, "account of twelve digits");
      return this;
    }

    /**
     * Sets the clock of dates and recovery windows. The default is the system's.
     *
     * @param clock thread-safe
     * @return this builder
     */
    public Builder clock(InstantSource clock) {
      this.clock = Objects.requireNonNull(clock, "clock");
      return this;
    }

    /**
     * Sets how many secrets at most one answer of {@code BatchGetSecretValue} holds, to make a
     * small batch come in pages. The default is 20, the service's own limit.
     *
     * @param secrets 1 to 20
     * @return this builder
     * @throws IllegalArgumentException if it is out of range
     */
    public Builder batchPageSize(int secrets) {
      if (secrets < 1 || secrets > 20) {
        throw new IllegalArgumentException("batchPageSize must be 1 to 20: " + secrets);
      }
      this.batchPageSize = secrets;
      return this;
    }

    /**
     * Starts the server.
     *
     * @return a running server; close it
     * @throws UncheckedIOException if no port on 127.0.0.1 can be opened
     */
    public LocalSecretsManager start() {
      return new LocalSecretsManager(this);
    }

    private static String requireMatch(Pattern pattern, String value, String what) {
      if (!pattern.matcher(value).matches()) {
        throw new IllegalArgumentException("not a " + what + ": '" + value + "'");
      }
      return value;
    }
  }
}
