package io.github.evercred.clients;

import io.github.evercred.LoginOptions;
import io.github.evercred.RotationAwareLogin;
import io.github.evercred.SecretException;
import io.github.evercred.SecretValue;
import io.github.evercred.Target;
import java.io.IOException;
import java.net.Authenticator;
import java.net.CookieHandler;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.PushPromiseHandler;
import java.net.http.HttpResponse.ResponseInfo;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.Predicate;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import org.jspecify.annotations.Nullable;

/**
 * An {@link HttpClient} that adds a header made of a secret to each request, and goes on while that
 * secret rotates: an API key, a bearer token, Basic credentials, or whatever a function makes of
 * it.
 *
 * <pre>{@code
 * HttpClient api =
 *     SecretHttpClient.builder(new RotationAwareLogin(secrets), "prod/payment/api")
 *         .origin(URI.create("https://api.example.com"))
 *         .header("X-Api-Key", secret -> secret.field("key"))
 *         .wrap(HttpClient.newHttpClient());
 * }</pre>
 *
 * <p>A response with status 401 is a refusal of the secret's version. Then {@link
 * RotationAwareLogin} finds the version that works, with one request trying while the others to the
 * same origin wait, and the request is sent again. If none works, {@code send} returns the last 401
 * that this request got, as it came; if it got none, it fails with an {@link IOException}. So 401
 * must mean the secret: where a server answers so for other reasons, too, {@link
 * Builder#refusedWhen} has to tell them apart, or one such request makes the others wait. 5xx and
 * 429 say nothing of a version.
 *
 * <p><b>Where the secret goes.</b> To the {@linkplain Builder#origin origins} that are named, and
 * nowhere else: a request to another fails with an {@link IllegalArgumentException}. When the JDK's
 * client follows a redirect, it sends such a header on to whatever host that names (seen with
 * 17.0.15 and 25.0.3), so a client that follows redirects cannot be wrapped: 3xx is an answer. The
 * header is not on the {@link HttpResponse#request() request} of a response. The JDK's own log of
 * headers, {@code jdk.httpclient.HttpClient.log=headers}, does show it.
 *
 * <p><b>Requests.</b> A request may be sent several times, but only after a refusal. Its body must
 * be one that can be published again, as all that {@link HttpRequest.BodyPublishers} makes are,
 * except {@code ofInputStream} with a supplier that returns the same stream, and {@code
 * fromPublisher} of what can be subscribed to once. A header of that name that it has itself is
 * replaced. Its {@link HttpRequest#timeout() time-out} holds for the whole, all tries and waits; a
 * {@link HttpTimeoutException} says that it has passed. Without one a try takes as long as the
 * wrapped client lets it, and a request that was refused is sent again only within {@link
 * LoginOptions#rotationWait}, from its beginning or, with {@code sendAsync}, from the moment that
 * it has a thread. What the last try came to is what is returned or thrown; only where there was
 * none after a refusal is it that. The body handler is asked for the response that is returned, and
 * for no other.
 *
 * <p><b>Threads.</b> Instances are thread-safe. {@code send} blocks its caller. {@code sendAsync}
 * never does: while all is well it takes no thread. One request a second, and every one while the
 * secret is not loaded yet or a refusal has not been followed by a success, needs a thread until
 * its response is there: one of the {@linkplain Builder#executor executor}. So {@linkplain
 * io.github.evercred.SecretCache#prefetch load the secret} before a burst. Cancelling its future
 * cancels the request. Responses, futures and executors are otherwise those of the wrapped client
 * (but for what JDKs after 17 have added to responses), which is not closed with this one; this one
 * need not be closed. WebSockets are not supported.
 *
 * <p>The {@linkplain RotationAwareLogin#statistics statistics} of the login count the requests that
 * were sent as logins: all of {@code send}, and those of {@code sendAsync} that took a thread.
 * Nothing here accepts or returns null.
 */
public final class SecretHttpClient extends HttpClient {

  private static final int UNAUTHORIZED = 401;
  private static final int ASYNC_THREADS = 64;
  private static final int ASYNC_QUEUE = 10_000;

  final HttpClient wrapped;
  final RotationAwareLogin login;
  final String secretId;
  final LoginOptions options;
  final String header;
  final Function<? super SecretValue, String> value;
  final Set<Target> origins;
  final Predicate<? super ResponseInfo> refused;
  final Executor executor;

  /** What was last seen of each origin. */
  final Map<Target, Seen> seen = new ConcurrentHashMap<>();

  /**
   * Either when a request last set out to have a login of its own, or when something was refused.
   *
   * @param refused whether something was, and no request that began later has been accepted since
   */
  record Seen(boolean refused, long at) {}

  private SecretHttpClient(Builder builder, HttpClient wrapped, HeaderValue header) {
    this.wrapped = wrapped;
    this.login = builder.login;
    this.secretId = builder.secretId;
    this.options = builder.options;
    this.header = header.name();
    this.value = header.value();
    this.origins = Set.copyOf(builder.origins);
    this.refused = builder.refused;
    Executor given = builder.executor;
    this.executor = given == null ? threads() : given;
  }

  /**
   * Starts a client.
   *
   * @param login finds the version that works; one for all that use the cache
   * @param secretId name or ARN of the secret
   * @return a builder
   */
  public static Builder builder(RotationAwareLogin login, String secretId) {
    return new Builder(login, secretId);
  }

  private static Executor threads() {
    var number = new AtomicInteger();
    var threads =
        new ThreadPoolExecutor(
            ASYNC_THREADS,
            ASYNC_THREADS,
            10,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(ASYNC_QUEUE),
            task -> {
              var thread = new Thread(task, "evercred-http-" + number.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
    threads.allowCoreThreadTimeOut(true);
    return threads;
  }

  /**
   * Sends a request with the version of the secret that works, and waits for its response.
   *
   * @throws IOException the wrapped client's own; or if there is neither a version that works nor a
   *     refusal to return
   * @throws InterruptedException if the thread was interrupted
   * @throws IllegalArgumentException if the request is not to an origin of this client
   * @throws SecretException if the secret is not what the header's function takes it for
   */
  @Override
  public <T> HttpResponse<T> send(HttpRequest request, BodyHandler<T> handler)
      throws IOException, InterruptedException {
    var exchange = new SecretHttpExchange<>(this, request, handler, null);
    CompletionStage<HttpResponse<T>> response = exchange.run();
    try {
      return response.toCompletableFuture().get();
    } catch (InterruptedException e) {
      exchange.abandon();
      throw e;
    } catch (ExecutionException e) {
      throw new IOException("The body of a refusal could not be read", e.getCause());
    }
  }

  /**
   * Sends a request with the version of the secret that works.
   *
   * @throws IllegalArgumentException if the request is not to an origin of this client
   */
  @Override
  public <T> CompletableFuture<HttpResponse<T>> sendAsync(
      HttpRequest request, BodyHandler<T> handler) {
    return new SecretHttpExchange<>(this, request, handler, null).start();
  }

  /**
   * Sends a request with the version of the secret that works. What is pushed with a refusal is
   * pushed, too.
   *
   * @throws IllegalArgumentException if the request is not to an origin of this client
   */
  @Override
  public <T> CompletableFuture<HttpResponse<T>> sendAsync(
      HttpRequest request, BodyHandler<T> handler, @Nullable PushPromiseHandler<T> pushes) {
    return new SecretHttpExchange<>(this, request, handler, pushes).start();
  }

  String names() {
    return String.join(", ", origins.stream().map(Origins::text).sorted().toList());
  }

  @Override
  public Optional<CookieHandler> cookieHandler() {
    return wrapped.cookieHandler();
  }

  @Override
  public Optional<Duration> connectTimeout() {
    return wrapped.connectTimeout();
  }

  @Override
  public Redirect followRedirects() {
    return wrapped.followRedirects();
  }

  @Override
  public Optional<ProxySelector> proxy() {
    return wrapped.proxy();
  }

  @Override
  public SSLContext sslContext() {
    return wrapped.sslContext();
  }

  @Override
  public SSLParameters sslParameters() {
    return wrapped.sslParameters();
  }

  @Override
  public Optional<Authenticator> authenticator() {
    return wrapped.authenticator();
  }

  @Override
  public Version version() {
    return wrapped.version();
  }

  @Override
  public Optional<Executor> executor() {
    return wrapped.executor();
  }

  /** Names the secret, the header and the origins; no value. */
  @Override
  public String toString() {
    return "SecretHttpClient[" + header + " of secret '" + secretId + "' for " + names() + "]";
  }

  private record HeaderValue(String name, Function<? super SecretValue, String> value) {}

  /** Makes a {@link SecretHttpClient}. Not thread-safe; may be used again. */
  public static final class Builder {
    private final RotationAwareLogin login;
    private final String secretId;
    private final Set<Target> origins = new LinkedHashSet<>();
    private @Nullable HeaderValue header;
    private LoginOptions options = LoginOptions.DEFAULTS;
    private Predicate<? super ResponseInfo> refused = info -> info.statusCode() == UNAUTHORIZED;
    private boolean plainHttp;
    private @Nullable Executor executor;

    private Builder(RotationAwareLogin login, String secretId) {
      this.login = Objects.requireNonNull(login, "login");
      this.secretId = Objects.requireNonNull(secretId, "secretId");
    }

    /**
     * Names where the secret may go. At least one is needed; the secret's versions are tried at
     * each by itself.
     *
     * @param origin scheme, host and, if it is not the scheme's own, port, {@code
     *     https://api.example.com}
     * @return this builder
     * @throws IllegalArgumentException if it is more than that, or less
     */
    public Builder origin(URI origin) {
      origins.add(Origins.check(origin));
      return this;
    }

    /**
     * Names the header and says how its value is made of the secret.
     *
     * @param name the header, {@code Authorization} for instance
     * @param value makes the value, {@code secret -> "Bearer " + secret.field("token")}; called for
     *     each request, and by many threads at once
     * @return this builder
     * @throws IllegalArgumentException if there can be no such header
     */
    public Builder header(String name, Function<? super SecretValue, String> value) {
      var unused = HttpRequest.newBuilder().header(name, "");
      this.header = new HeaderValue(name, Objects.requireNonNull(value, "value"));
      return this;
    }

    /**
     * Sets how a rotation is bridged.
     *
     * @param options the options; with a bound on {@code loginsAtOnce} every request of {@code
     *     sendAsync} takes a thread
     * @return this builder
     */
    public Builder options(LoginOptions options) {
      this.options = Objects.requireNonNull(options, "options");
      return this;
    }

    /**
     * Sets which responses refuse the secret. The default is status 401; not 403, which means as a
     * rule that the secret is right and the request is not allowed.
     *
     * @param refused must not block; called once for each response, in a thread of the wrapped
     *     client
     * @return this builder
     */
    public Builder refusedWhen(Predicate<? super ResponseInfo> refused) {
      this.refused = Objects.requireNonNull(refused, "refused");
      return this;
    }

    /**
     * Allows origins that begin with {@code http:}, where whoever is on the way can read the
     * secret.
     *
     * @return this builder
     */
    public Builder allowPlainHttp() {
      plainHttp = true;
      return this;
    }

    /**
     * Sets where {@code sendAsync} runs what blocks. The default is up to 64 daemon threads, which
     * end when they have been idle for 10 s; while all are taken, 10,000 requests wait for one, and
     * a request beyond that fails with an {@link IOException}. An executor with a virtual thread
     * for each task does well, too.
     *
     * @param executor goes on belonging to the caller
     * @return this builder
     */
    public Builder executor(Executor executor) {
      this.executor = Objects.requireNonNull(executor, "executor");
      return this;
    }

    /**
     * Makes the client.
     *
     * @param client sends the requests; goes on belonging to the caller
     * @return the client
     * @throws IllegalStateException if no origin or no header is named, or one is plain HTTP and
     *     that is not allowed
     * @throws IllegalArgumentException if the client follows redirects, or has an {@link
     *     Authenticator}: it would hide refusals
     */
    public SecretHttpClient wrap(HttpClient client) {
      HeaderValue made = header;
      if (origins.isEmpty() || made == null) {
        throw new IllegalStateException("Say where the secret goes, by origin() and header()");
      }
      if (!plainHttp && origins.stream().anyMatch(origin -> origin.engine().equals("http"))) {
        throw new IllegalStateException(Origins.PLAIN);
      }
      if (client.followRedirects() != Redirect.NEVER) {
        throw new IllegalArgumentException(
            "The client follows redirects and could send the secret to another host. Build it with"
                + " followRedirects(HttpClient.Redirect.NEVER), which is the default");
      }
      if (client.authenticator().isPresent()) {
        throw new IllegalArgumentException(
            "The client has an Authenticator, so the JDK answers a 401 itself, or fails where it"
                + " comes without WWW-Authenticate, and a refusal of the secret is not seen");
      }
      return new SecretHttpClient(this, client, made);
    }
  }
}
