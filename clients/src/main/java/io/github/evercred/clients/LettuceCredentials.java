package io.github.evercred.clients;

import io.github.evercred.CredentialUse;
import io.github.evercred.FailureKind;
import io.github.evercred.LoginFailure;
import io.github.evercred.LoginOptions;
import io.github.evercred.OpenSecret;
import io.github.evercred.RotationAwareLogin;
import io.github.evercred.SecretException;
import io.github.evercred.SecretValue;
import io.github.evercred.Target;
import io.github.evercred.VersionInUse;
import io.lettuce.core.AbstractRedisClient;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.MaintNotificationsConfig;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisConnectionException;
import io.lettuce.core.RedisCredentials;
import io.lettuce.core.RedisCredentialsProvider;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisFuture;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.StatefulConnection;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.protocol.ProtocolVersion;
import io.lettuce.core.resource.ClientResources;
import io.lettuce.core.tracing.Tracing;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.CharBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Credentials for Lettuce from a cached secret, which the server accepts also while the secret
 * rotates. Lettuce asks for them on every connect and on every reconnect of its own, so its
 * connections come back within a rotation, too, and commands that it queued meanwhile are answered.
 *
 * <pre>{@code
 * RedisURI uri = RedisURI.create("rediss://cache.example.com:6379");
 * RedisClient client = RedisClient.create();
 * uri.setCredentialsProvider(new LettuceCredentials(login, "prod/redis", client, uri));
 * StatefulRedisConnection<String, String> redis = client.connect(uri);
 * }</pre>
 *
 * <p>The secret is a JSON object with {@code password} and, unless it is that of the user {@code
 * default}, {@code username}, as <a
 * href="https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/User-Secrets-Manager.html">
 * ElastiCache's</a> are; or a text that begins with no brace, which is the password of {@code
 * default} as it stands.
 *
 * <p><b>The check.</b> A server changes a password without a word, so that what worked a moment ago
 * may be refused now, and a refused connect is an error for its caller. So before credentials are
 * given away a connection of our own logs in with them and is closed again. Connections that ask
 * while one check runs share the next one, so a storm of reconnects costs a few. A rotation costs
 * one refused login per process, and those of handshakes that were checked just before it. Where
 * the check could not be made (no connection to be had, no answer) the credentials are given
 * unchecked, and Lettuce's own connection will say why. The first of these is logged as a warning
 * of the logger {@code io.github.evercred}, those that follow at DEBUG until a check succeeds.
 *
 * <p>Sessions that are open stay as they are: Redis lets them go on after their password was taken
 * away, and where a server drops them Lettuce reconnects. So no credentials are streamed, and
 * Lettuce's {@code ReauthenticateBehavior} changes nothing here.
 *
 * <p>Nothing here writes a password anywhere. Lettuce does, in every command that it sends, to its
 * logger {@code io.lettuce.core.protocol.CommandEncoder} at level TRACE: leave that off. And where
 * the client's resources trace, each span of Lettuce's own handshake holds its arguments, the
 * password among them, unless told otherwise: {@code BraveTracing} by {@code
 * excludeCommandArgsFromSpanTags()}, {@code MicrometerTracing} by what it is made with (its default
 * leaves them out). Checks are never traced.
 *
 * <p><b>Threads.</b> Instances are thread-safe; one serves all connections to one server or
 * cluster. {@link #resolveCredentials} never blocks: checks are made one at a time in a daemon
 * thread of this instance, which ends when it was not needed for 10 s, and gives the event loops
 * that it shares with the client back. Neither the client nor its resources nor the cache are ever
 * closed here. Nothing here accepts or returns null.
 *
 * <p>Lettuce 7.0 or newer; tested with 7.7.
 */
public final class LettuceCredentials implements RedisCredentialsProvider {

  private static final Duration IDLE = Duration.ofSeconds(10);
  private static final String DEFAULT_USER = "default";
  private static final RedisCredentials NONE = RedisCredentials.just(null, (char[]) null);
  private static final StackWalker STACK =
      StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE);

  private final RotationAwareLogin login;
  private final String secretId;
  private final AbstractRedisClient client;
  private final RedisURI uri;
  private final LoginOptions options;
  private final Target target;
  private final ThreadPoolExecutor checks;

  /** The versions that were refused since one was accepted: none of them is given unchecked. */
  private final Set<String> refused = ConcurrentHashMap.newKeySet();

  /** Whether the log has it that credentials are given unchecked. */
  private final AtomicBoolean told = new AtomicBoolean();

  /** The check that has not begun yet; whoever asks now is answered by it. */
  private final AtomicReference<CompletableFuture<RedisCredentials>> next = new AtomicReference<>();

  /**
   * Uses a secret at a server, with the default options of logins.
   *
   * @param login logs in with the secrets of a cache
   * @param secretId name or ARN of the secret
   * @param client a {@code RedisClient} or {@code RedisClusterClient}; the connections that check
   *     credentials use its resources and its options, those of TLS for instance. Goes on belonging
   *     to the caller
   * @param uri the server, or a cluster's configuration endpoint or one of its nodes; copied as it
   *     stands, without credentials. A node that takes up a new password later than this one
   *     refuses it until then, and Lettuce tries again
   * @throws IllegalArgumentException if the URI names no server, but Sentinels
   */
  public LettuceCredentials(
      RotationAwareLogin login, String secretId, AbstractRedisClient client, RedisURI uri) {
    this(login, secretId, client, uri, LoginOptions.DEFAULTS);
  }

  /**
   * Uses a secret at a server.
   *
   * @param login logs in with the secrets of a cache
   * @param secretId name or ARN of the secret
   * @param client a client whose resources and options are used; see {@linkplain
   *     #LettuceCredentials(RotationAwareLogin, String, AbstractRedisClient, RedisURI) above}
   * @param uri the server, or a cluster's configuration endpoint or one of its nodes; copied as it
   *     stands, without credentials
   * @param options how to bridge a rotation. One check takes {@code probeTimeout} at most, and the
   *     URI's own time-out limits the whole, as it limits Lettuce's handshake
   * @throws IllegalArgumentException if the URI names no server, but Sentinels
   */
  public LettuceCredentials(
      RotationAwareLogin login,
      String secretId,
      AbstractRedisClient client,
      RedisURI uri,
      LoginOptions options) {
    this(login, secretId, client, uri, options, IDLE);
  }

  LettuceCredentials(
      RotationAwareLogin login,
      String secretId,
      AbstractRedisClient client,
      RedisURI uri,
      LoginOptions options,
      Duration idle) {
    this.login = Objects.requireNonNull(login, "login");
    this.secretId = Objects.requireNonNull(secretId, "secretId");
    this.client = Objects.requireNonNull(client, "client");
    this.options = Objects.requireNonNull(options, "options");
    String place = uri.getSocket() != null ? uri.getSocket() : uri.getHost();
    if (place == null) {
      throw new IllegalArgumentException(
          "The URI names Sentinels and no server: give the master's own address, at which credentials are checked");
    }
    this.target =
        new Target(
            "redis", List.of(uri.getSocket() != null ? place : place + ":" + uri.getPort()), null);
    this.uri = anonymous(uri);
    this.checks =
        new ThreadPoolExecutor(
            1,
            1,
            idle.toMillis(),
            TimeUnit.MILLISECONDS,
            new LinkedBlockingQueue<>(),
            work -> new CheckThread(work, client.getResources()));
    checks.allowCoreThreadTimeOut(true);
  }

  /** The same server, where nothing is sent before the login. */
  private static RedisURI anonymous(RedisURI uri) {
    ImmediateRedisCredentialsProvider nobody = () -> NONE;
    RedisURI copy = RedisURI.builder(uri).withAuthentication(nobody).withDatabase(0).build();
    copy.setClientName("");
    copy.setLibraryName("");
    copy.setLibraryVersion("");
    return copy;
  }

  /**
   * Returns credentials that the server accepts.
   *
   * @return the credentials, asked for anew by each subscriber, or a {@link RedisException} that
   *     says why there are none, with the server's refusal or the {@link SecretException} as its
   *     cause; after {@code rotationWait} at the latest, and what was left of the check before.
   *     None at once for {@link RedisURI#toString}, which asks for them only to mask them
   */
  @Override
  public Mono<RedisCredentials> resolveCredentials() {
    if (STACK.getCallerClass() == RedisURI.class) {
      // It waits for the answer on every connect, be it in a thread of the event loop, without
      // which a check gets none either: https://github.com/redis/lettuce/issues/3603.
      return Mono.just(NONE);
    }
    // A copy, because a subscriber that is cancelled cancels its future.
    return Mono.fromFuture(() -> nextCheck().copy()).onErrorMap(LettuceCredentials::ownCopy);
  }

  /** Whoever shares a check may change what it is thrown, as Reactor does. */
  private static RedisException ownCopy(Throwable shared) {
    return new RedisConnectionException(
        String.valueOf(shared.getMessage()),
        shared instanceof RedisException ? shared.getCause() : shared);
  }

  private CompletableFuture<RedisCredentials> nextCheck() {
    while (true) {
      CompletableFuture<RedisCredentials> waiting = next.get();
      if (waiting != null) {
        return waiting;
      }
      var made = new CompletableFuture<RedisCredentials>();
      if (next.compareAndSet(null, made)) {
        try {
          checks.execute(this::check);
        } catch (Throwable e) { // No thread to be had: nobody may wait for this one.
          next.compareAndSet(made, null);
          made.completeExceptionally(e);
        }
        return made;
      }
    }
  }

  private void check() {
    // From here on it would not know of a change that comes before the next to ask.
    CompletableFuture<RedisCredentials> asked = next.getAndSet(null);
    try {
      asked.complete(checked());
    } catch (Throwable e) {
      asked.completeExceptionally(e);
    }
  }

  private RedisCredentials checked() {
    try {
      return login.login(target, secretId, options, Optional.of(uri.getTimeout()), new Check());
    } catch (NotChecked e) {
      SecretValue inUse =
          login
              .versionInUse(target, secretId, options)
              .map(VersionInUse::value)
              .orElseThrow(() -> e);
      if (refused.contains(inUse.versionId())) {
        throw e;
      }
      RedisCredentials unchecked = credentials(inUse);
      tell(e);
      return unchecked;
    }
  }

  /** Tells once that nothing is checked, until something is: reconnects may be many. */
  private void tell(NotChecked failure) {
    System.getLogger("io.github.evercred")
        .log(
            told.getAndSet(true) ? System.Logger.Level.DEBUG : System.Logger.Level.WARNING,
            "%s: those of secret '%s' are given to Lettuce unchecked. Further ones at DEBUG, until a check succeeds."
                .formatted(failure.getMessage(), secretId),
            failure);
  }

  /**
   * Reads the credentials of one version; the password is no {@code String} on the way.
   *
   * @throws SecretException if it does not hold what it must
   */
  private static RedisCredentials credentials(SecretValue version) {
    try (OpenSecret secret = version.open()) {
      char[] text = secret.chars();
      if (!beginsWithBrace(text)) {
        return RedisCredentials.just(null, text);
      }
      char[] user = secret.optionalField("username").orElse(new char[0]);
      return RedisCredentials.just(
          user.length == 0 ? null : new String(user), secret.field("password"));
    }
  }

  private static boolean beginsWithBrace(char[] text) {
    int i = 0;
    while (i < text.length && Character.isWhitespace(text[i])) {
      i++;
    }
    return i < text.length && text[i] == '{';
  }

  /** Names the secret and the server; never a value. */
  @Override
  public String toString() {
    return "LettuceCredentials[secret '%s' at %s]".formatted(secretId, target);
  }

  /** The server did not say what it thinks of the credentials. */
  private static final class NotChecked extends RedisConnectionException {
    private static final long serialVersionUID = 1L;

    NotChecked(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /**
   * A check logs in by a command of its own, on a connection that is open: in a handshake Lettuce
   * can lose the refusal behind the closing that follows it, when one overtakes the other.
   */
  private ClientOptions checkOptions() {
    return ClientOptions.copyOf(client.getOptions())
        .mutate()
        .autoReconnect(false)
        .protocolVersion(ProtocolVersion.RESP2)
        .pingBeforeActivateConnection(false)
        .maintNotificationsConfig(MaintNotificationsConfig.disabled())
        .build();
  }

  private static RedisFuture<String> auth(
      RedisAsyncCommands<String, String> redis, RedisCredentials credentials) {
    CharBuffer password = CharBuffer.wrap(credentials.getPassword());
    return credentials.hasUsername()
        ? redis.auth(credentials.getUsername(), password)
        : redis.auth(password);
  }

  /** Makes checks by a client of its own, which ends with it and gives its event loops back. */
  private static final class CheckThread extends Thread {
    private final ClientResources resources;
    private @Nullable RedisClient checker;

    CheckThread(Runnable work, ClientResources resources) {
      super(work, "evercred-redis-credentials");
      setDaemon(true);
      this.resources = resources;
    }

    RedisClient checker() {
      RedisClient made = checker;
      if (made == null) {
        made = RedisClient.create(untraced(resources));
        checker = made;
      }
      return made;
    }

    @Override
    public void run() {
      try {
        super.run();
      } finally {
        RedisClient made = checker;
        if (made != null) {
          var unused = made.shutdownAsync();
        }
      }
    }

    /**
     * The same resources without tracing, since a span may hold the arguments of a command, which
     * are the password. What {@code mutate()} makes of them has event loops that nobody ends.
     */
    private static ClientResources untraced(ClientResources resources) {
      return (ClientResources)
          Proxy.newProxyInstance(
              ClientResources.class.getClassLoader(),
              new Class<?>[] {ClientResources.class},
              (proxy, method, arguments) -> {
                if (method.getName().equals("tracing")) {
                  return Tracing.disabled();
                }
                try {
                  return method.invoke(resources, arguments);
                } catch (InvocationTargetException e) {
                  throw e.getCause();
                }
              });
    }
  }

  /** Logs in over a connection of its own, and leaves. */
  private final class Check implements CredentialUse<RedisCredentials, RedisException> {
    @Override
    public RedisCredentials use(SecretValue version, Duration remaining) {
      RedisCredentials credentials = credentials(version);
      Duration probe = options.probeTimeout();
      Duration limit = remaining.compareTo(probe) < 0 ? remaining : probe;
      RedisURI place = RedisURI.builder(uri).withTimeout(limit).build();
      CompletableFuture<StatefulRedisConnection<String, String>> opened = null;
      try {
        RedisClient checker = ((CheckThread) Thread.currentThread()).checker();
        checker.setOptions(checkOptions());
        opened = checker.connectAsync(StringCodec.UTF8, place).toCompletableFuture();
        opened
            .thenCompose(connection -> auth(connection.async(), credentials))
            .get(limit.toNanos(), TimeUnit.NANOSECONDS);
        refused.clear();
        told.set(false);
        return credentials;
      } catch (ExecutionException e) {
        Throwable cause = e.getCause() == null ? e : e.getCause();
        if (isRefusal(cause)) {
          refused.add(version.versionId());
          throw new RedisConnectionException(target + " refused the credentials", cause);
        }
        throw new NotChecked("Credentials could not be checked at " + target, cause);
      } catch (TimeoutException e) {
        throw new NotChecked(
            "Credentials could not be checked at %s within %s".formatted(target, limit), e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new NotChecked("Interrupted while credentials were checked at " + target, e);
      } catch (RuntimeException e) {
        // The client itself refuses, after its shutdown for instance.
        throw new NotChecked("Credentials could not be checked at " + target, e);
      } finally {
        if (opened != null) {
          var unused = opened.thenCompose(StatefulConnection::closeAsync); // Even if it comes late.
        }
      }
    }

    @Override
    public FailureKind sort(Exception failure) {
      return isRefusal(failure) ? FailureKind.CREDENTIAL : FailureKind.OTHER;
    }

    @Override
    public String userName(SecretValue version) {
      RedisCredentials credentials = credentials(version);
      return credentials.hasUsername() ? credentials.getUsername() : DEFAULT_USER;
    }

    @Override
    public RedisException failure(LoginFailure failure) {
      return new RedisConnectionException(
          failure.message(),
          failure.lastRefusal() != null ? failure.lastRefusal() : failure.secretFailure());
    }
  }

  /**
   * Whether the server refused the user with this password. From Redis 6 on it says <a
   * href="https://redis.io/docs/latest/develop/reference/errors/common/wrongpass/">WRONGPASS</a>,
   * also to an unknown or disabled user; before that, <a
   * href="https://github.com/redis/redis/blob/5.0.14/src/server.c">ERR invalid password</a>. <a
   * href="https://redis.io/docs/latest/develop/reference/errors/common/noperm/">NOPERM</a> is about
   * a command of one who is logged in, <a
   * href="https://redis.io/docs/latest/develop/reference/errors/common/noauth/">NOAUTH</a> about
   * one who sent no password, and neither can come of these; no other version mends them.
   */
  private static boolean isRefusal(Throwable failure) {
    for (Throwable e = failure; e != null; e = e.getCause()) {
      String message = e instanceof RedisCommandExecutionException ? e.getMessage() : null;
      if (message != null
          && (message.startsWith("WRONGPASS") || message.startsWith("ERR invalid password"))) {
        return true;
      }
    }
    return false;
  }
}
