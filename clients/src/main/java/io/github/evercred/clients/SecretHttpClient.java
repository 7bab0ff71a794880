package io.github.evercred.clients;

import io.github.evercred.CredentialUse;
import io.github.evercred.FailureKind;
import io.github.evercred.LoginFailure;
import io.github.evercred.LoginOptions;
import io.github.evercred.RotationAwareLogin;
import io.github.evercred.SecretException;
import io.github.evercred.SecretValue;
import io.github.evercred.Target;
import io.github.evercred.VersionInUse;
import java.io.IOException;
import java.net.Authenticator;
import java.net.CookieHandler;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
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
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.function.Predicate;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSession;
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

  private static final int TOO_MANY_REQUESTS = 429;
  private static final int UNAUTHORIZED = 401;
  private static final int ASYNC_THREADS = 64;
  private static final int ASYNC_QUEUE = 10_000;

  /** How long requests go on without a login, which keeps the secret fresh and tells of changes. */
  private static final long STEADY_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final HttpClient wrapped;
  private final RotationAwareLogin login;
  private final String secretId;
  private final LoginOptions options;
  private final String header;
  private final Function<? super SecretValue, String> value;
  private final Set<Target> origins;
  private final Predicate<? super ResponseInfo> refused;
  private final Executor executor;

  /** What was last seen of each origin. */
  private final Map<Target, Seen> seen = new ConcurrentHashMap<>();

  /**
   * Either when a request last set out to have a login of its own, or when something was refused.
   *
   * @param refused whether something was, and no request that began later has been accepted since
   */
  private record Seen(boolean refused, long at) {}

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
    var exchange = new Exchange<>(request, handler, null);
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
    return new Exchange<>(request, handler, null).start();
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
    return new Exchange<>(request, handler, pushes).start();
  }

  /** One request of the user's, sent once or several times. */
  private final class Exchange<T> implements CredentialUse<HttpResponse<T>, Exception> {
    private final HttpRequest request;
    private final BodyHandler<T> handler;
    private final @Nullable PushPromiseHandler<T> pushes;
    private final Target target;
    private final long begun = System.nanoTime();
    private boolean async;

    /** The last one of this request; its body is still held. */
    private @Nullable Refusal<T> refusal;

    /** Whether that was of a try that no login knows of. */
    private boolean untold;

    /** What the last try came to, if it was neither accepted nor refused. */
    private @Nullable Exception outcome;

    /** Why a version cannot be made into a header. */
    private @Nullable SecretException unfit;

    /** The body of a refusal that was returned. */
    private volatile @Nullable HeldBody<T> returned;

    Exchange(HttpRequest request, BodyHandler<T> handler, @Nullable PushPromiseHandler<T> pushes) {
      this.request = Objects.requireNonNull(request, "request");
      this.handler = Objects.requireNonNull(handler, "handler");
      this.pushes = pushes;
      this.target = Origins.of(request.uri());
      if (!origins.contains(target)) {
        throw new IllegalArgumentException(
            "This client adds a secret to its requests, so it sends them to %s only, not to %s"
                .formatted(names(), Origins.text(target)));
      }
    }

    /** In the caller's thread. */
    CompletionStage<HttpResponse<T>> run() throws IOException, InterruptedException {
      HttpResponse<T> response;
      try {
        if (left().filter(Duration::isNegative).isPresent()) {
          throw timedOut(null);
        }
        response = login.login(target, secretId, options, left(), this);
      } catch (Undecided e) {
        response = e.response(this);
      } catch (Refused | NoLogin e) {
        if (Thread.interrupted()) {
          throw interrupted(e);
        }
        if (outcome instanceof Undecided last) {
          return CompletableFuture.completedStage(last.response(this));
        }
        if (outcome instanceof IOException last) {
          throw last; // It came after any refusal, and the server may have done what was asked.
        }
        Refusal<T> last = refusal;
        refusal = null;
        if (last != null) {
          returned = last.body();
          return last.handOver(request, handler);
        }
        if (unfit != null && e instanceof NoLogin none && none.secretFailure == unfit) {
          throw unfit;
        }
        throw left().filter(Duration::isNegative).isPresent()
            ? timedOut(e)
            : new IOException(e.getMessage(), e.getCause());
      } catch (InterruptedException e) {
        boolean unused = Thread.interrupted(); // As it is when it is thrown.
        throw e;
      } catch (IOException | RuntimeException e) {
        throw e;
      } catch (Exception e) {
        throw new IOException(e); // No try throws any other.
      } finally {
        discard();
      }
      if (async) {
        settle();
      }
      return CompletableFuture.completedStage(response);
    }

    /** Requests may go on without a login of their own. */
    private void settle() {
      // What began before a refusal may have been the last that was accepted.
      seen.computeIfPresent(
          target,
          (origin, last) ->
              last.refused() && begun - last.at() >= 0 ? new Seen(false, begun) : last);
    }

    private void unsettle() {
      seen.put(target, new Seen(true, System.nanoTime()));
    }

    /** Never in the caller's thread. */
    CompletableFuture<HttpResponse<T>> start() {
      async = true;
      var result = new CompletableFuture<HttpResponse<T>>();
      SecretValue version = steadyVersion();
      if (version == null) {
        runLater(result);
        return result;
      }
      var held = new AtomicReference<@Nullable Refusal<T>>();
      CompletableFuture<HttpResponse<T>> sent = sendAsync(version, held);
      cancelWith(result, () -> sent.cancel(true));
      CompletableFuture<?> unused =
          sent.handle(
              (response, failure) -> {
                Refusal<T> refused = held.get();
                if (failure != null) {
                  result.completeExceptionally(unwrapped(failure));
                } else if (refused != null) {
                  unsettle();
                  refusal = refused.of(version, response);
                  untold = true;
                  runLater(result);
                } else {
                  result.complete(new Answer<>(response, request));
                }
                return null;
              });
      return result;
    }

    /** The version to go on with, or null if this request is to have a login of its own. */
    private @Nullable SecretValue steadyVersion() {
      if (options.loginsAtOnce() != LoginOptions.UNLIMITED) {
        return null; // Only a login keeps to that.
      }
      var now = new Seen(false, begun);
      Seen last = seen.putIfAbsent(target, now);
      if (last == null || last.refused()) {
        return null;
      }
      long age = begun - last.at(); // Negative after a restore on another machine.
      if ((age < 0 || age >= STEADY_NANOS) && seen.replace(target, last, now)) {
        return null; // One of all that see it: the others go on.
      }
      return login.versionInUse(target, secretId, options).map(VersionInUse::value).orElse(null);
    }

    private void runLater(CompletableFuture<HttpResponse<T>> result) {
      var queued = new CompletableFuture<@Nullable Void>();
      var task =
          new FutureTask<@Nullable Void>(
              () -> {
                if (!queued.complete(null)) {
                  return null; // Cancelled, or too late.
                }
                try {
                  CompletionStage<HttpResponse<T>> stage = run();
                  CompletionStage<?> unused =
                      stage.whenComplete(
                          (response, failure) -> {
                            if (failure == null) {
                              result.complete(response);
                            } else {
                              result.completeExceptionally(unwrapped(failure));
                            }
                          });
                  if (result.isCancelled()) {
                    abandon();
                  }
                } catch (Throwable e) {
                  result.completeExceptionally(e);
                }
                return null;
              });
      CompletableFuture<?> unused =
          queued.whenComplete(
              (started, why) -> {
                if (why != null) {
                  discard();
                  result.completeExceptionally(
                      why instanceof TimeoutException ? timedOut(null) : why);
                }
              });
      cancelWith(
          result,
          () -> {
            queued.cancel(false);
            task.cancel(true);
            abandon();
          });
      left().ifPresent(left -> queued.orTimeout(left.toNanos(), TimeUnit.NANOSECONDS));
      try {
        executor.execute(task);
      } catch (RejectedExecutionException e) {
        queued.completeExceptionally(
            new IOException(
                "Too many requests wait for a thread; give the client an executor of its own", e));
      } catch (RuntimeException | Error e) { // No thread to be had, for instance.
        queued.completeExceptionally(e);
      }
    }

    /** Nobody reads what was returned. */
    void abandon() {
      HeldBody<T> body = returned;
      if (body != null) {
        body.cancel();
      }
    }

    private void cancelWith(CompletableFuture<?> result, Runnable cancelling) {
      CompletableFuture<?> unused =
          result.handle(
              (response, failure) -> {
                if (failure instanceof CancellationException) {
                  cancelling.run();
                }
                return null;
              });
    }

    @Override
    public FailureKind sort(Exception failure) {
      return failure instanceof Refused ? FailureKind.CREDENTIAL : FailureKind.OTHER;
    }

    /** Names no user, but finds out whether a version can be used, before it is. */
    @Override
    public String userName(SecretValue version) {
      try {
        headerOf(version);
        return "";
      } catch (SecretException e) {
        unfit = e;
        throw e;
      }
    }

    @Override
    public Exception failure(LoginFailure failure) {
      return new NoLogin(failure);
    }

    /** One try. */
    @Override
    public HttpResponse<T> use(SecretValue version, Duration remaining)
        throws IOException, InterruptedException {
      outcome = null;
      Refusal<T> known = refusal;
      if (untold && known != null) {
        untold = false;
        if (known.versionId().equals(version.versionId())) {
          throw new Refused(known.response().statusCode());
        }
      }
      var held = new AtomicReference<@Nullable Refusal<T>>();
      HttpResponse<T> response;
      try {
        response = sent(version, held);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt(); // Whatever the login makes of it.
        throw e;
      } catch (IOException e) {
        outcome = e;
        throw e;
      }
      Refusal<T> refused = held.get();
      if (refused != null) {
        unsettle();
        discard(); // Not before: it is the answer if this try does not come to one.
        refusal = refused.of(version, response);
        throw new Refused(response.statusCode());
      }
      var answer = new Answer<>(response, request);
      if (response.statusCode() >= 500 || response.statusCode() == TOO_MANY_REQUESTS) {
        var undecided = new Undecided(this, answer);
        outcome = undecided;
        throw undecided;
      }
      return answer;
    }

    private HttpResponse<T> sent(SecretValue version, AtomicReference<@Nullable Refusal<T>> held)
        throws IOException, InterruptedException {
      if (pushes == null) {
        return wrapped.send(with(version), sorting(held));
      }
      CompletableFuture<HttpResponse<T>> sent = sendAsync(version, held);
      try {
        return sent.get();
      } catch (InterruptedException e) {
        sent.cancel(true);
        throw e;
      } catch (ExecutionException e) {
        throw e.getCause() instanceof IOException cause ? cause : new IOException(e.getCause());
      }
    }

    private CompletableFuture<HttpResponse<T>> sendAsync(
        SecretValue version, AtomicReference<@Nullable Refusal<T>> held) {
      PushPromiseHandler<T> promised = pushes;
      HttpRequest with;
      try {
        with = with(version);
      } catch (HttpTimeoutException | RuntimeException e) {
        return CompletableFuture.failedFuture(e);
      }
      return promised == null
          ? wrapped.sendAsync(with, sorting(held))
          : wrapped.sendAsync(
              with,
              sorting(held),
              (initiating, pushed, acceptor) ->
                  promised.applyPushPromise(request, pushed, acceptor));
    }

    /** Holds the body of a refusal, and gives that of any other response to the user's handler. */
    private BodyHandler<T> sorting(AtomicReference<@Nullable Refusal<T>> held) {
      return info -> {
        if (!refused.test(info)) {
          return handler.apply(info);
        }
        var body = new HeldBody<T>();
        held.set(new Refusal<>("", null, info, body));
        return body;
      };
    }

    private String headerOf(SecretValue version) {
      String text = value.apply(version);
      if (text == null || !text.chars().allMatch(SecretHttpClient::mayStandInAHeader)) {
        // The JDK would say so, too, and quote it.
        throw new SecretException(
            SecretException.Reason.MALFORMED,
            ("What is made of version %s of secret '%s' cannot be the value of header %s: it is null"
                    + " or has a line break or another character that no header may have")
                .formatted(version.versionId(), secretId, header),
            null);
      }
      return text;
    }

    private HttpRequest with(SecretValue version) throws HttpTimeoutException {
      String text = headerOf(version);
      var with = HttpRequest.newBuilder(request, (name, other) -> !name.equalsIgnoreCase(header));
      with.setHeader(header, text);
      Optional<Duration> left = left();
      if (left.isPresent()) {
        if (left.get().isNegative()) {
          throw timedOut(null);
        }
        with.timeout(left.get());
      }
      return with.build();
    }

    /** What is left of the request's own time-out; never zero, which would mean none. */
    private Optional<Duration> left() {
      return request
          .timeout()
          .map(timeout -> timeout.minusNanos(System.nanoTime() - begun))
          .map(left -> left.isZero() ? Duration.ofNanos(-1) : left);
    }

    private HttpTimeoutException timedOut(@Nullable Exception why) {
      var timedOut =
          new HttpTimeoutException(
              why == null
                  ? "The request's time-out has passed before it was sent"
                  : "The request's time-out has passed. " + why.getMessage());
      if (why != null) {
        timedOut.initCause(why.getCause());
      }
      return timedOut;
    }

    private void discard() {
      Refusal<T> last = refusal;
      refusal = null;
      if (last != null) {
        last.body().discard();
      }
    }
  }

  private static InterruptedException interrupted(Exception why) {
    var interrupted = new InterruptedException(why.getMessage());
    interrupted.initCause(why.getCause());
    return interrupted;
  }

  private static Throwable unwrapped(Throwable failure) {
    Throwable cause = failure.getCause();
    return failure instanceof CompletionException && cause != null ? cause : failure;
  }

  private static boolean mayStandInAHeader(int c) {
    return (c >= ' ' && c <= 0xFF && c != 0x7F) || c == '\t';
  }

  private String names() {
    return String.join(", ", origins.stream().map(Origins::text).sorted().toList());
  }

  /** A response that refuses a version, and its body, which nobody has seen yet. */
  private record Refusal<T>(
      String versionId, @Nullable HttpResponse<T> head, ResponseInfo info, HeldBody<T> body) {

    Refusal<T> of(SecretValue version, HttpResponse<T> response) {
      return new Refusal<>(version.versionId(), response, info, body);
    }

    HttpResponse<T> response() {
      return Objects.requireNonNull(head);
    }

    CompletionStage<HttpResponse<T>> handOver(HttpRequest request, BodyHandler<T> handler) {
      HttpResponse<T> response = response();
      HttpResponse.BodySubscriber<T> subscriber;
      try {
        subscriber = handler.apply(info);
      } catch (RuntimeException | Error e) {
        body.discard();
        throw e;
      }
      return body.handTo(subscriber).thenApply(made -> new Answer<>(response, request, made));
    }
  }

  /** A status that refuses. It is remembered for the target, so it holds no response. */
  private static final class Refused extends IOException {
    private static final long serialVersionUID = 1L;

    Refused(int status) {
      super("The server refused the secret with status " + status);
    }
  }

  /** A response that says nothing of the version it was sent with. */
  private static final class Undecided extends IOException {
    private static final long serialVersionUID = 1L;
    private final transient Object exchange;
    private final transient HttpResponse<?> response;

    Undecided(Object exchange, HttpResponse<?> response) {
      super("Status " + response.statusCode());
      this.exchange = exchange;
      this.response = response;
    }

    /** Returns what that exchange has put in. */
    @SuppressWarnings("unchecked")
    <T> HttpResponse<T> response(Exchange<T> of) {
      if (exchange != of) {
        throw new IllegalStateException("another exchange's response", this);
      }
      return (HttpResponse<T>) response;
    }
  }

  /** No version works, or none could be had. */
  private static final class NoLogin extends Exception {
    private static final long serialVersionUID = 1L;

    private final transient @Nullable SecretException secretFailure;

    NoLogin(LoginFailure why) {
      super(why.message(), why.lastRefusal() != null ? why.lastRefusal() : why.secretFailure());
      secretFailure = why.secretFailure();
    }
  }

  /** A response, without the header in its requests. */
  private static final class Answer<T> implements HttpResponse<T> {
    private final HttpResponse<T> response;
    private final HttpRequest request;
    private final T body;

    Answer(HttpResponse<T> response, HttpRequest request) {
      this(response, request, response.body());
    }

    Answer(HttpResponse<T> response, HttpRequest request, T body) {
      this.response = response;
      this.request = request;
      this.body = body;
    }

    @Override
    public int statusCode() {
      return response.statusCode();
    }

    @Override
    public HttpRequest request() {
      return request;
    }

    @Override
    public Optional<HttpResponse<T>> previousResponse() {
      return response.previousResponse().map(previous -> new Answer<>(previous, request));
    }

    @Override
    public HttpHeaders headers() {
      return response.headers();
    }

    @Override
    public T body() {
      return body;
    }

    @Override
    public Optional<SSLSession> sslSession() {
      return response.sslSession();
    }

    @Override
    public URI uri() {
      return response.uri();
    }

    @Override
    public Version version() {
      return response.version();
    }

    @Override
    public String toString() {
      return response.toString();
    }
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
