package io.github.evercred.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The AWS Parameters and Secrets Lambda Extension, or the AWS Secrets Manager Agent, on 127.0.0.1,
 * for tests: it speaks their HTTP protocol, keeps answers for as long as told, and fetches them
 * from a {@link LocalSecretsManager}, whose faults it passes on.
 *
 * <p>{@code GET /secretsmanager/get?secretId=...}, with {@code versionStage} or {@code versionId},
 * and {@code refreshNow} where that is switched on; a parameter that is not known is answered with
 * 400, and a wrong token with 403. Only what succeeds is kept.
 *
 * <p>Instances are thread-safe. No argument may be null. A value is printed nowhere.
 */
public final class LocalAgent implements AutoCloseable {
  private static final Set<String> PARAMETERS = Set.of("secretId", "versionStage", "versionId");

  private final LocalSecretsManager secrets;
  private final String token;
  private final Duration timeToLive;
  private final InstantSource clock;
  private final boolean refreshNow;
  private final AtomicInteger notReady;
  private final AtomicInteger requests = new AtomicInteger();
  private final Map<Map<String, String>, Kept> kept = new ConcurrentHashMap<>();
  private final HttpEndpoint http;

  private record Kept(HttpEndpoint.Answer answer, Instant until) {}

  private LocalAgent(Builder builder) {
    this.secrets = builder.secrets;
    this.token = builder.token;
    this.timeToLive = builder.timeToLive;
    this.clock = builder.clock;
    this.refreshNow = builder.refreshNow;
    this.notReady = new AtomicInteger(builder.notReady);
    try {
      this.http = new HttpEndpoint(this::handle);
    } catch (IOException e) {
      throw new UncheckedIOException("The local agent could not open a port on 127.0.0.1", e);
    }
  }

  /**
   * Starts settings of an agent.
   *
   * @param secrets where it fetches
   * @return a builder
   */
  public static Builder before(LocalSecretsManager secrets) {
    return new Builder(Objects.requireNonNull(secrets, "secrets"));
  }

  /**
   * Returns the port that it listens on.
   *
   * @return the port
   */
  public int port() {
    return http.port();
  }

  /**
   * Returns how many requests have been answered, whatever the answer.
   *
   * @return the number
   */
  public int requests() {
    return requests.get();
  }

  /** Frees the port, and ends every connection. */
  @Override
  public void close() {
    http.close();
  }

  /** Names the port; never a value or the token. */
  @Override
  public String toString() {
    return "LocalAgent[port " + http.port() + "]";
  }

  private HttpEndpoint.Reply handle(HttpEndpoint.Request request) throws InterruptedException {
    requests.incrementAndGet();
    if (notReady.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
      return text(400, "not ready to serve traffic, please wait");
    }
    if (!request.method().equals("GET")) {
      return text(405, "GET only");
    }
    if (!token.equals(request.headers().get("x-aws-parameters-secrets-token"))) {
      return text(403, "Bad token");
    }
    String[] parts = request.path().split("\\?", 2);
    if (!parts[0].equals("/secretsmanager/get")) {
      return text(404, "Not found");
    }
    Map<String, String> asked = parameters(parts.length == 2 ? parts[1] : "");
    String forced = refreshNow ? asked.remove("refreshNow") : null;
    if (!PARAMETERS.containsAll(asked.keySet()) || !asked.containsKey("secretId")) {
      return text(400, "Unknown or missing parameters");
    }
    Kept known = kept.get(asked);
    if (!"true".equals(forced) && known != null && clock.instant().isBefore(known.until())) {
      return known.answer();
    }
    return fetched(asked);
  }

  private HttpEndpoint.Reply fetched(Map<String, String> asked) throws InterruptedException {
    Map<String, @Nullable Object> members = new LinkedHashMap<>();
    asked.forEach(
        (name, value) ->
            members.put(Character.toUpperCase(name.charAt(0)) + name.substring(1), value));
    HttpEndpoint.Reply reply = secrets.handle("GetSecretValue", members);
    if (reply instanceof HttpEndpoint.Answer answer && answer.status() == 200) {
      kept.put(asked, new Kept(answer, clock.instant().plus(timeToLive)));
    }
    return reply;
  }

  private static Map<String, String> parameters(String query) {
    Map<String, String> parameters = new HashMap<>();
    for (String pair : query.split("&", -1)) {
      String[] parts = pair.split("=", 2);
      parameters.put(
          parts[0], parts.length == 2 ? URLDecoder.decode(parts[1], StandardCharsets.UTF_8) : "");
    }
    return parameters;
  }

  private static HttpEndpoint.Answer text(int status, String body) {
    return new HttpEndpoint.Answer(status, Map.of("Content-Type", "text/plain"), body);
  }

  /** Settings of a {@link LocalAgent}. Not thread-safe. */
  public static final class Builder {
    private final LocalSecretsManager secrets;
    private String token = "local-agent-token";
    private Duration timeToLive = Duration.ofMinutes(5);
    private InstantSource clock = InstantSource.system();
    private boolean refreshNow;
    private int notReady;

    private Builder(LocalSecretsManager secrets) {
      this.secrets = secrets;
    }

    /**
     * Sets the token that requests must bring.
     *
     * @param token the default is {@code local-agent-token}
     * @return this builder
     */
    public Builder token(String token) {
      this.token = Objects.requireNonNull(token, "token");
      return this;
    }

    /**
     * Sets how long an answer is kept.
     *
     * @param time the default is 5 minutes
     * @return this builder
     * @throws IllegalArgumentException if it is negative
     */
    public Builder timeToLive(Duration time) {
      if (time.isNegative()) {
        throw new IllegalArgumentException("timeToLive must not be negative: " + time);
      }
      this.timeToLive = time;
      return this;
    }

    /**
     * Sets the clock of what is kept. The default is the system's.
     *
     * @param clock thread-safe
     * @return this builder
     */
    public Builder clock(InstantSource clock) {
      this.clock = Objects.requireNonNull(clock, "clock");
      return this;
    }

    /**
     * Says whether it takes {@code refreshNow}, as the Secrets Manager Agent does. The default is
     * false, as in the Lambda extension.
     *
     * @param known whether it does
     * @return this builder
     */
    public Builder refreshNow(boolean known) {
      this.refreshNow = known;
      return this;
    }

    /**
     * Makes it say to so many requests that it is not ready, as the extension does while a function
     * initialises.
     *
     * @param first the number; the default is 0
     * @return this builder
     * @throws IllegalArgumentException if it is negative
     */
    public Builder notReadyFor(int first) {
      if (first < 0) {
        throw new IllegalArgumentException("notReadyFor must not be negative: " + first);
      }
      this.notReady = first;
      return this;
    }

    /**
     * Starts the agent.
     *
     * @return a running agent; close it
     * @throws UncheckedIOException if no port on 127.0.0.1 can be opened
     */
    public LocalAgent start() {
      return new LocalAgent(this);
    }
  }
}
