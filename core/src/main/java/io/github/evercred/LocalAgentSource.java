package io.github.evercred;

import io.github.evercred.SecretException.Reason;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.HttpURLConnection;
import java.net.Proxy;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Reads secrets from an agent on this machine over HTTP, by the JDK alone: the AWS Parameters and
 * Secrets Lambda Extension, or the AWS Secrets Manager Agent (now AWS Workload Credentials
 * Provider). No class of the AWS SDK is loaded as long as the agent answers, which makes the first
 * secret of a process come several times sooner.
 *
 * <p>The agent has credentials, a region and a cache of its own: what it answers may be as old as
 * its time to live, 5 minutes by default, on top of the age that a cache here allows. A {@linkplain
 * SecretRequest#fresh fresh} answer, as a refused login needs, is asked for with {@code
 * refreshNow=true} where the agent knows that, and else of the fallback.
 *
 * <p>Where the agent does not answer (nothing listens, it is not ready, it takes too long, it or
 * the way to AWS is out of order) the fallback is asked in the time that is left: by default {@link
 * AwsSecretSource#create()}, which is made at that moment. One that hangs takes the whole of its
 * attempt, and the next is the fallback's. For 30 seconds from then on the agent is not asked. What
 * AWS answers through the agent is an answer, also if it says no, and so is the refusal of the
 * token.
 *
 * <p>The protocol: <a
 * href="https://docs.aws.amazon.com/secretsmanager/latest/userguide/retrieving-secrets_lambda.html">
 * the extension's</a>, <a href="https://github.com/aws/aws-workload-credentials-provider">the
 * agent's</a>. It is plain HTTP to 127.0.0.1, never through a proxy.
 *
 * <p>Instances are thread-safe. No argument may be null.
 */
public final class LocalAgentSource implements SecretSource {

  private static final int DEFAULT_PORT = 2773;

  /** A secret has 65,536 bytes at most, each of which may be written with six characters. */
  private static final int LONGEST_ANSWER = 1024 * 1024;

  private static final Path TOKEN_FILE = Path.of("/var/run/awssmatoken");
  private static final long FIRST_PAUSE = Duration.ofMillis(10).toNanos();
  private static final long LONGEST_PAUSE = Duration.ofMillis(160).toNanos();
  private static final long AVOIDED_FOR = Duration.ofSeconds(30).toNanos();

  private final int port;
  private final Supplier<String> token;
  private final boolean refreshNow;
  private final @Nullable Supplier<SecretSource> fallbackMaker;
  private final boolean ownsFallback;
  private final Time time; // Its clocks alone.

  /** Held for assignments only. */
  private final Object lock = new Object();

  private @Nullable SecretSource fallback;
  private boolean closed;
  private volatile @Nullable Moment silentSince;

  /**
   * As built.
   *
   * @param sealed whether what is read is to be sealed, also by the fallback
   */
  LocalAgentSource(Builder builder, Map<String, String> environment, Time time, boolean sealed) {
    this.port = builder.port == 0 ? port(environment) : builder.port;
    this.token = builder.token != null ? builder.token : () -> token(environment);
    Boolean told = builder.refreshNow;
    this.refreshNow = told != null ? told : !environment.containsKey("AWS_LAMBDA_FUNCTION_NAME");
    SecretSource given = builder.fallback;
    this.fallbackMaker =
        !builder.fallsBack ? null : given != null ? () -> given : () -> sdk(sealed);
    this.ownsFallback = given == null;
    this.time = time;
  }

  /** In a method of its own, so that the class is not looked at before it is needed. */
  private static SecretSource sdk(boolean sealed) {
    Place place = Place.in(null, null);
    return new AwsSecretSource(sealed ? place.sealing() : place);
  }

  /**
   * Reads from the agent that the environment speaks of: port {@code
   * PARAMETERS_SECRETS_EXTENSION_HTTP_PORT} or 2773; the token is what the first of {@code
   * AWS_TOKEN}, {@code AWS_SESSION_TOKEN} and {@code AWS_CONTAINER_AUTHORIZATION_TOKEN} holds, or
   * the file that it names by {@code file://}; without any, that of the file {@code
   * /var/run/awssmatoken}, where the agent's installation puts it. Touches nothing until the first
   * fetch.
   *
   * @return a source that closes its fallback with itself
   * @throws IllegalArgumentException if the port in the environment is none
   */
  public static LocalAgentSource create() {
    return builder().build();
  }

  /**
   * Starts a source with options of one's own.
   *
   * @return a builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Whether this process is a Lambda function with the extension: a variable of the extension's is
   * set, or a layer has put a file with such a name where Lambda starts extensions from.
   *
   * @param extensions names of the files in {@code /opt/extensions}
   */
  static boolean isAtHand(Map<String, String> environment, Supplier<List<String>> extensions) {
    return environment.containsKey("AWS_LAMBDA_FUNCTION_NAME")
        && (environment.keySet().stream()
                .anyMatch(name -> name.startsWith("PARAMETERS_SECRETS_EXTENSION_"))
            || extensions.get().stream()
                .map(name -> name.toLowerCase(java.util.Locale.ROOT))
                .anyMatch(name -> name.contains("secrets") || name.contains("workload-cred")));
  }

  /** Returns the names of the extensions of this function. */
  static List<String> extensions() {
    String[] names = new java.io.File("/opt/extensions").list();
    return names == null ? List.of() : List.of(names);
  }

  private static int port(Map<String, String> environment) {
    String variable = "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT";
    String text = environment.getOrDefault(variable, "").strip();
    if (text.isEmpty()) {
      return DEFAULT_PORT;
    }
    try {
      return requirePort(Integer.parseInt(text));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "%s must be a port, 1 to 65535, not '%s'".formatted(variable, text), e);
    }
  }

  private static int requirePort(int port) {
    if (port < 1 || port > 65_535) {
      throw new IllegalArgumentException("The agent's port must be 1 to 65535, not " + port);
    }
    return port;
  }

  private static String token(Map<String, String> environment) {
    for (String variable :
        List.of("AWS_TOKEN", "AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN")) {
      String told = environment.getOrDefault(variable, "").strip();
      if (!told.isEmpty()) {
        return told.startsWith("file://")
            ? read(Path.of(told.substring("file://".length())))
            : told;
      }
    }
    if (Files.isReadable(TOKEN_FILE)) {
      return read(TOKEN_FILE);
    }
    throw new SecretException(
        Reason.CONFIGURATION,
        "There is no token for the local agent: set AWS_TOKEN (or AWS_SESSION_TOKEN, as Lambda does)"
            + " to it or to file://<path>, or make "
            + TOKEN_FILE
            + " readable",
        null);
  }

  private static String read(Path file) {
    try {
      return Files.readString(file).strip();
    } catch (IOException e) {
      throw new SecretException(
          Reason.CONFIGURATION,
          "The token of the local agent cannot be read from %s: make the file readable"
              .formatted(file),
          e);
    }
  }

  @Override
  public SecretValue fetch(SecretRequest request) {
    requireOpen();
    long end = time.in(request.timeout().toNanos());
    boolean mustPassBy = request.fresh() && !refreshNow;
    if (fallbackMaker != null && (mustPassBy || isAvoided())) {
      return fallback().fetch(request);
    }
    try {
      SecretValue value = ask(request, end);
      silentSince = null;
      return value;
    } catch (Silent e) {
      long left = end - time.nanos();
      if (fallbackMaker == null || left <= 0) {
        avoid(e);
        throw new SecretException(e.reason, e.text, e.getCause());
      }
      avoid(e);
      return fallback()
          .fetch(
              new SecretRequest(
                  request.secretId(), request.version(), Duration.ofNanos(left), request.fresh()));
    }
  }

  private boolean isAvoided() {
    Moment since = silentSince;
    return since != null && time.now().since(since) < AVOIDED_FOR;
  }

  private void avoid(Silent why) {
    if (fallbackMaker == null) {
      return;
    }
    if (silentSince == null) {
      Log.EVERCRED.log(
          System.Logger.Level.INFO,
          () -> why.text + ". For 30 s secrets are read by the AWS SDK instead.");
    }
    silentSince = time.now();
  }

  /** The agent gave no answer of AWS's. Never leaves this class. */
  private static final class Silent extends Exception {
    private static final long serialVersionUID = 1;
    final transient Reason reason;
    final String text;

    Silent(Reason reason, String message, @Nullable Throwable cause) {
      super(message, cause);
      this.reason = reason;
      this.text = message;
    }
  }

  /**
   * Asks until there is an answer. The agent may be about to start: for nothing that listens half
   * of the time is waited, where there is a fallback, and all of it for one that says so.
   */
  private SecretValue ask(SecretRequest request, long end) throws Silent {
    long begun = time.nanos();
    long patience = fallbackMaker == null ? end - begun : (end - begun) / 2;
    long pause = FIRST_PAUSE;
    while (true) {
      try {
        return askOnce(request, end);
      } catch (NotReady e) {
        long left = (e.started ? end : begun + patience) - time.nanos();
        if (left <= pause) {
          throw new Silent(Reason.UNAVAILABLE, e.text, e.getCause());
        }
        pause(pause);
        pause = Math.min(2 * pause, LONGEST_PAUSE);
      }
    }
  }

  /** It may be ready soon. */
  private static final class NotReady extends Exception {
    private static final long serialVersionUID = 1;
    final boolean started;
    final String text;

    NotReady(boolean started, String message, @Nullable Throwable cause) {
      super(message, cause);
      this.started = started;
      this.text = message;
    }
  }

  private void pause(long nanos) {
    try {
      boolean unused = time.await(new CompletableFuture<>(), nanos);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new SecretException(Reason.UNAVAILABLE, "the call was stopped", e);
    }
  }

  private SecretValue askOnce(SecretRequest request, long end) throws Silent, NotReady {
    int status;
    String body;
    try {
      HttpURLConnection connection = open(request);
      int millis = (int) Math.max(1, (end - time.nanos()) / 1_000_000);
      connection.setConnectTimeout(millis);
      connection.setReadTimeout(millis);
      status = connection.getResponseCode();
      body = body(connection, status, end);
    } catch (ConnectException e) {
      throw new NotReady(false, "No local agent listens on port " + port, e);
    } catch (IOException e) {
      throw new Silent(
          Reason.UNAVAILABLE,
          "The local agent on port %d did not answer (%s)"
              .formatted(port, e.getClass().getSimpleName()),
          e);
    }
    return status == 200 ? value(request, body) : failed(request, status, body);
  }

  private HttpURLConnection open(SecretRequest request) throws IOException {
    VersionSelector version = request.version();
    String query =
        "http://127.0.0.1:"
            + port
            + "/secretsmanager/get?secretId="
            + encoded(request.secretId())
            + (version.isLabel() ? "&versionStage=" : "&versionId=")
            + encoded(version.text())
            + (request.fresh() && refreshNow ? "&refreshNow=true" : "");
    var connection = (HttpURLConnection) URI.create(query).toURL().openConnection(Proxy.NO_PROXY);
    connection.setInstanceFollowRedirects(false);
    connection.setUseCaches(false);
    connection.setRequestProperty("X-Aws-Parameters-Secrets-Token", requireHeader(token.get()));
    return connection;
  }

  /** Or the JDK would quote it, saying that it is no value of a header. */
  private static String requireHeader(String token) {
    if (token.isEmpty() || token.chars().anyMatch(c -> c < ' ' || c > '~')) {
      throw new SecretException(
          Reason.CONFIGURATION,
          "The token of the local agent is empty or has characters that no header can have",
          null);
    }
    return token;
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }

  private String body(HttpURLConnection connection, int status, long end) throws IOException {
    try (InputStream in =
        status >= 400 ? connection.getErrorStream() : connection.getInputStream()) {
      if (in == null) {
        return "";
      }
      var all = new java.io.ByteArrayOutputStream();
      byte[] buffer = new byte[8 * 1024];
      for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
        all.write(buffer, 0, read);
        if (all.size() > LONGEST_ANSWER) {
          throw new IOException("The answer is longer than " + LONGEST_ANSWER + " bytes");
        }
        if (end - time.nanos() <= 0) {
          throw new IOException("The answer took too long");
        }
      }
      // Nothing stays open that a checkpoint would find. Once the stream is closed it does nothing.
      connection.disconnect();
      return all.toString(StandardCharsets.UTF_8);
    }
  }

  private SecretValue value(SecretRequest request, String body) {
    Map<String, Object> answer = JsonFields.parse(body);
    String versionId = answer == null ? null : text(answer, "VersionId");
    String text = answer == null ? null : text(answer, "SecretString");
    String bytes = answer == null ? null : text(answer, "SecretBinary");
    if (answer == null || versionId == null || (text == null && bytes == null)) {
      throw new SecretException(
          Reason.MALFORMED,
          "the answer of the local agent on port %d is not that of GetSecretValue".formatted(port),
          null);
    }
    var value =
        SecretValue.builder(request.secretId(), versionId)
            .arn(text(answer, "ARN"))
            .labels(labels(answer.get("VersionStages")))
            .createdAt(instant(answer.get("CreatedDate")));
    return text != null ? value.text(text) : value.bytes(decoded(Objects.requireNonNull(bytes)));
  }

  private static @Nullable String text(Map<String, Object> answer, String name) {
    return answer.get(name) instanceof String text ? text : null;
  }

  private static List<String> labels(@Nullable Object member) {
    return member instanceof List<?> list
        ? list.stream().filter(String.class::isInstance).map(String.class::cast).toList()
        : List.of();
  }

  /** The service writes seconds with a fraction, the agent a text as in ISO 8601. */
  private static @Nullable Instant instant(@Nullable Object member) {
    try {
      if (member instanceof Number seconds) {
        return Instant.ofEpochMilli(Math.round(seconds.doubleValue() * 1_000));
      }
      return member instanceof String text ? Instant.parse(text) : null;
    } catch (java.time.DateTimeException e) {
      return null; // Nothing depends on it but the order of versions, where it is known.
    }
  }

  private static byte[] decoded(String base64) {
    try {
      return Base64.getDecoder().decode(base64);
    } catch (IllegalArgumentException e) {
      throw new SecretException(
          Reason.MALFORMED, "SecretBinary in the local agent's answer is not base64", null);
    }
  }

  private SecretValue failed(SecretRequest request, int status, String body)
      throws Silent, NotReady {
    Map<String, Object> members = JsonFields.parse(body);
    String type = members == null ? null : text(members, "__type");
    if (type == null) {
      throw withoutCode(status, body);
    }
    String lower = text(Objects.requireNonNull(members), "message");
    String upper = text(members, "Message");
    var answer =
        new AwsErrors.Answer(
            null,
            status,
            type.substring(type.indexOf('#') + 1),
            Objects.requireNonNullElse(lower != null ? lower : upper, ""),
            false);
    var asked =
        new AwsErrors.Asked(
            request.secretId(), request.version().equals(VersionSelector.CURRENT), null, null);
    Reason reason = AwsErrors.reason(answer, asked);
    String message = AwsErrors.message(answer, asked, reason);
    if (reason == Reason.UNAVAILABLE || reason == Reason.THROTTLED) {
      throw new Silent(reason, message, null); // The SDK may take another way to AWS.
    }
    throw new SecretException(reason, message, null);
  }

  private SecretException withoutCode(int status, String body) throws Silent, NotReady {
    if (status == 400 && body.contains("not ready to serve traffic")) {
      throw new NotReady(true, "The local agent on port " + port + " is not ready yet", null);
    }
    String said = "The local agent on port %d answered %d".formatted(port, status);
    return switch (status) {
      case 401, 403 ->
          new SecretException(
              Reason.AWS_CREDENTIALS,
              said
                  + ": it does not take this token. It takes what AWS_TOKEN (on Lambda"
                  + " AWS_SESSION_TOKEN) held when it was started, or what its token file holds",
              null);
      case 429 -> throw new Silent(Reason.THROTTLED, said + ": too many at once", null);
      default -> {
        if (status >= 400 && status < 500) {
          yield new SecretException(
              Reason.INVALID_REQUEST,
              said + ": something else than the agent may listen there, or an older one",
              null);
        }
        throw new Silent(Reason.UNAVAILABLE, said, null);
      }
    };
  }

  private SecretSource fallback() {
    synchronized (lock) {
      if (closed) {
        throw closedFailure();
      }
      SecretSource made = fallback;
      if (made == null) {
        made = Objects.requireNonNull(fallbackMaker).get(); // Makes no call and builds no client.
        fallback = made;
      }
      return made;
    }
  }

  private void requireOpen() {
    synchronized (lock) {
      if (closed) {
        throw closedFailure();
      }
    }
  }

  private static SecretException closedFailure() {
    return new SecretException(
        Reason.CLOSED,
        "This source of secrets is closed; close it after every cache that reads from it.",
        null);
  }

  /** Nothing is open here between two calls; passes it on to the fallback. */
  @Override
  public void beforeCheckpoint() {
    SecretSource made;
    synchronized (lock) {
      made = fallback;
    }
    silentSince = null;
    if (made != null) {
      made.beforeCheckpoint();
    }
  }

  /** True: the agent has a cache of its own. */
  @Override
  public boolean hasCache() {
    return true;
  }

  @Override
  public String description() {
    return "the local agent on port " + port;
  }

  /**
   * Closes the fallback, if it was made here. Later fetches fail with {@link
   * SecretException.Reason#CLOSED}. Does nothing when called twice.
   */
  @Override
  public void close() {
    SecretSource made;
    synchronized (lock) {
      closed = true;
      made = fallback;
      fallback = null;
    }
    if (made != null && ownsFallback) {
      made.close();
    }
    time.close();
  }

  /**
   * Sets how an agent is reached, and what is done where it does not answer. Each option may be set
   * once. Not thread-safe. No argument may be null.
   */
  public static final class Builder {
    private int port;
    private @Nullable Supplier<String> token;
    private @Nullable Boolean refreshNow;
    private @Nullable SecretSource fallback;
    private boolean fallsBack = true;

    private Builder() {}

    private static void requireUnset(String name, boolean isSet) {
      if (isSet) {
        throw new IllegalStateException(name + " was already set");
      }
    }

    /**
     * Sets the agent's port on 127.0.0.1.
     *
     * @param port 1 to 65535; the default is {@code PARAMETERS_SECRETS_EXTENSION_HTTP_PORT}, or
     *     2773
     * @return this builder
     * @throws IllegalArgumentException if it is out of range
     * @throws IllegalStateException if it was already set
     */
    public Builder port(int port) {
      requireUnset("port", this.port != 0);
      this.port = requirePort(port);
      return this;
    }

    /**
     * Sets what tells the agent that the caller is of this machine.
     *
     * @param token asked at each call, in the thread that fetches; the default is as {@link
     *     #create} says
     * @return this builder
     * @throws IllegalStateException if it, or the file, was already set
     */
    public Builder token(Supplier<String> token) {
      requireUnset("token", this.token != null);
      this.token = Objects.requireNonNull(token, "token");
      return this;
    }

    /**
     * Sets the file that holds the token. It is read at each call, since the agent may write a new
     * one when it starts.
     *
     * @param file such as {@code /var/run/awssmatoken}
     * @return this builder
     * @throws IllegalStateException if it, or the token, was already set
     */
    public Builder tokenFile(Path file) {
      Objects.requireNonNull(file, "file");
      return token(() -> read(file));
    }

    /**
     * Says whether the agent takes {@code refreshNow=true}, which passes its cache by. One that
     * does not answers 400 to what it does not know.
     *
     * @param known whether it does; the default is false in a Lambda function, whose extension is
     *     not documented to, and true elsewhere
     * @return this builder
     * @throws IllegalStateException if it was already set
     */
    public Builder refreshNow(boolean known) {
      requireUnset("refreshNow", this.refreshNow != null);
      this.refreshNow = known;
      return this;
    }

    /**
     * Sets what is asked where the agent does not answer, or must be passed by.
     *
     * @param source stays the caller's, who closes it; the default is {@link
     *     AwsSecretSource#create()}
     * @return this builder
     * @throws IllegalStateException if it was already set, or there is to be none
     */
    public Builder fallback(SecretSource source) {
      requireUnset("fallback", this.fallback != null || !fallsBack);
      this.fallback = Objects.requireNonNull(source, "source");
      return this;
    }

    /**
     * Says that nothing else is asked. A fresh answer is then what the agent has, if it does not
     * take {@code refreshNow}: a rotation can be bridged only once the agent's copy is too old.
     *
     * @return this builder
     * @throws IllegalStateException if a fallback was set
     */
    public Builder withoutFallback() {
      requireUnset("fallback", this.fallback != null);
      this.fallsBack = false;
      return this;
    }

    /**
     * Makes the source. Touches nothing until the first fetch.
     *
     * @return a source; close it after the caches that read from it
     * @throws IllegalArgumentException if the port in the environment is none
     */
    public LocalAgentSource build() {
      return build(System.getenv(), Time.system());
    }

    LocalAgentSource build(Map<String, String> environment, Time time) {
      return build(environment, time, false);
    }

    LocalAgentSource build(Map<String, String> environment, Time time, boolean sealed) {
      return new LocalAgentSource(this, environment, time, sealed);
    }
  }
}
