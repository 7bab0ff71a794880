package io.github.evercred.clients;

import io.github.evercred.CredentialUse;
import io.github.evercred.FailureKind;
import io.github.evercred.LoginFailure;
import io.github.evercred.LoginOptions;
import io.github.evercred.SecretException;
import io.github.evercred.SecretValue;
import io.github.evercred.Target;
import io.github.evercred.VersionInUse;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.PushPromiseHandler;
import java.net.http.HttpResponse.ResponseInfo;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** One request of a {@link SecretHttpClient}'s user, sent once or several times. Used once. */
final class SecretHttpExchange<T> implements CredentialUse<HttpResponse<T>, Exception> {
  private static final int TOO_MANY_REQUESTS = 429;

  /** How long requests go on without a login, which keeps the secret fresh and tells of changes. */
  private static final long STEADY_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** How long a refusal counts as news: for less than a login holds one against a version. */
  private static final long NEWS_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

  private final SecretHttpClient client;
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

  /** When that refusal came. */
  private long refusedAt;

  /** What the last try came to, if it was neither accepted nor refused. */
  private @Nullable Exception outcome;

  /** Why a version cannot be made into a header. */
  private @Nullable SecretException unfit;

  /** The body of a refusal that was returned. */
  private volatile @Nullable HeldBody<T> returned;

  SecretHttpExchange(
      SecretHttpClient client,
      HttpRequest request,
      BodyHandler<T> handler,
      @Nullable PushPromiseHandler<T> pushes) {
    this.client = client;
    this.request = Objects.requireNonNull(request, "request");
    this.handler = Objects.requireNonNull(handler, "handler");
    this.pushes = pushes;
    this.target = Origins.of(request.uri());
    if (!client.origins.contains(target)) {
      throw new IllegalArgumentException(
          "This client adds a secret to its requests, so it sends them to %s only, not to %s"
              .formatted(client.names(), Origins.text(target)));
    }
  }

  /** In the caller's thread. */
  CompletionStage<HttpResponse<T>> run() throws IOException, InterruptedException {
    HttpResponse<T> response;
    try {
      if (left().filter(Duration::isNegative).isPresent()) {
        throw timedOut(null);
      }
      response = client.login.login(target, client.secretId, client.options, left(), this);
    } catch (Undecided e) {
      return CompletableFuture.completedStage(e.response(this));
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
    client.seen.computeIfPresent(
        target,
        (origin, last) ->
            last.refused() && begun - last.at() >= 0
                ? new SecretHttpClient.Seen(false, begun)
                : last);
  }

  private void unsettle() {
    client.seen.put(target, new SecretHttpClient.Seen(true, System.nanoTime()));
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
                refusedAt = System.nanoTime();
                untold = true;
                runLater(result);
              } else {
                result.complete(new SecretHttpAnswer<>(response, request));
              }
              return null;
            });
    return result;
  }

  /** The version to go on with, or null if this request is to have a login of its own. */
  private @Nullable SecretValue steadyVersion() {
    if (client.options.loginsAtOnce() != LoginOptions.UNLIMITED) {
      return null; // Only a login keeps to that.
    }
    var now = new SecretHttpClient.Seen(false, begun);
    SecretHttpClient.Seen last = client.seen.putIfAbsent(target, now);
    if (last == null || last.refused()) {
      return null;
    }
    long age = begun - last.at(); // Far below 0 after a restore on another machine.
    if (Math.abs(age) >= STEADY_NANOS && client.seen.replace(target, last, now)) {
      return null; // One of all that see it: the others go on.
    }
    return client
        .login
        .versionInUse(target, client.secretId, client.options)
        .map(VersionInUse::value)
        .orElse(null);
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
      client.executor.execute(task);
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
      // Old news says nothing of now: it would be held against what may be accepted again.
      if (known.versionId().equals(version.versionId())
          && System.nanoTime() - refusedAt < NEWS_NANOS) {
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
    var answer = new SecretHttpAnswer<>(response, request);
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
      return client.wrapped.send(with(version), sorting(held));
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
        ? client.wrapped.sendAsync(with, sorting(held))
        : client.wrapped.sendAsync(
            with,
            sorting(held),
            (initiating, pushed, acceptor) -> promised.applyPushPromise(request, pushed, acceptor));
  }

  /** Holds the body of a refusal, and gives that of any other response to the user's handler. */
  private BodyHandler<T> sorting(AtomicReference<@Nullable Refusal<T>> held) {
    return info -> {
      if (!client.refused.test(info)) {
        return handler.apply(info);
      }
      var body = new HeldBody<T>();
      held.set(new Refusal<>("", null, info, body));
      return body;
    };
  }

  private String headerOf(SecretValue version) {
    String text = client.value.apply(version);
    if (text == null || !text.chars().allMatch(SecretHttpExchange::mayStandInAHeader)) {
      // The JDK would say so, too, and quote it.
      throw new SecretException(
          SecretException.Reason.MALFORMED,
          ("What is made of version %s of secret '%s' cannot be the value of header %s: it is null"
                  + " or has a line break or another character that no header may have")
              .formatted(version.versionId(), client.secretId, client.header),
          null);
    }
    return text;
  }

  private HttpRequest with(SecretValue version) throws HttpTimeoutException {
    String text = headerOf(version);
    var with =
        HttpRequest.newBuilder(request, (name, other) -> !name.equalsIgnoreCase(client.header));
    with.setHeader(client.header, text);
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
      return body.handTo(subscriber)
          .thenApply(made -> new SecretHttpAnswer<>(response, request, made));
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
    <T> HttpResponse<T> response(SecretHttpExchange<T> of) {
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
}
