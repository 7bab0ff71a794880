package io.github.evercred.clients;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.github.evercred.AwsSecretSource;
import io.github.evercred.LoginOptions;
import io.github.evercred.RotationAwareLogin;
import io.github.evercred.SecretCache;
import io.github.evercred.SecretException;
import io.github.evercred.testkit.Hold;
import io.github.evercred.testkit.LocalRedis;
import io.github.evercred.testkit.LocalSecretsManager;
import io.github.evercred.testkit.Requests;
import io.github.evercred.testkit.Rotation;
import io.github.evercred.testkit.RotationTarget;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisConnectionException;
import io.lettuce.core.RedisCredentials;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.cluster.RedisClusterClient;
import io.lettuce.core.protocol.RedisCommand;
import io.lettuce.core.resource.ClientResources;
import io.lettuce.core.resource.DefaultEventLoopGroupProvider;
import io.lettuce.core.tracing.TraceContext;
import io.lettuce.core.tracing.TraceContextProvider;
import io.lettuce.core.tracing.Tracer;
import io.lettuce.core.tracing.TracerProvider;
import io.lettuce.core.tracing.Tracing;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.EventLoopGroup;
import io.netty.util.concurrent.EventExecutorGroup;
import io.netty.util.concurrent.Promise;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/** Lettuce logs in with a cached secret, against a real server. */
@Timeout(60)
class LettuceCredentialsTest {
  private static final String SECRET = "prod/redis";
  private static final String USER = "app";
  private static final String LETTUCE_WIRE_LOG = "io.lettuce.core.protocol.CommandEncoder";
  private static final Duration LIMIT = Duration.ofSeconds(20);

  private static LocalRedis redis;
  private static LocalSecretsManager secrets;
  private static RedisClient client;

  private final List<SecretCache> caches = new ArrayList<>();
  private final SecretCache cache = newCache();
  private final RotationAwareLogin login = new RotationAwareLogin(cache);

  @BeforeAll
  static void start() {
    redis = LocalRedis.start();
    secrets = LocalSecretsManager.start();
    client = RedisClient.create();
  }

  @AfterAll
  static void stop() {
    client.shutdown(0, 2, TimeUnit.SECONDS);
    secrets.close();
    redis.close();
  }

  @AfterEach
  void close() {
    caches.forEach(SecretCache::close);
    secrets.clearFaults();
    secrets.forceDeleteSecret(SECRET);
    redis.execute("ACL", "DELUSER", USER); // With its connections.
    redis.execute("CONFIG", "RESETSTAT");
  }

  private SecretCache newCache() {
    var source =
        SecretsManagerClient.builder()
            .endpointOverride(secrets.endpoint())
            .region(Region.of(secrets.region()))
            .credentialsProvider(
                StaticCredentialsProvider.create(AwsBasicCredentials.create("local", "local")))
            .build();
    SecretCache made = SecretCache.builder().source(AwsSecretSource.of(source)).build();
    caches.add(made);
    return made;
  }

  private static String json(String password) {
    return "{\"username\":\"%s\",\"password\":\"%s\"}".formatted(USER, password);
  }

  private static String passwordOf(String json) {
    return json.substring(json.lastIndexOf(':') + 2, json.length() - 2);
  }

  private static void setPassword(LocalRedis server, String password) {
    server.setUser(USER, password, "~*", "+@all");
  }

  private static RedisURI uri(LocalRedis server) {
    return RedisURI.create(server.uri());
  }

  /** The secret and the server agree. */
  private static void begin(String password) {
    setPassword(redis, password);
    secrets.createSecret(SECRET, json(password));
  }

  /** Loads the secret and the SDK, which may take longer than some limits of logins. */
  private void warm() {
    cache.prefetch(SECRET).orThrow();
  }

  private static Rotation rotation() {
    return Rotation.of(
        secrets,
        SECRET,
        new RotationTarget() {
          @Override
          public String newValue(String current) {
            return json(passwordOf(current) + "+");
          }

          @Override
          public void set(String current, String pending) {
            setPassword(redis, passwordOf(pending));
          }
        });
  }

  private LettuceCredentials credentials(RedisURI uri, LoginOptions options) {
    return new LettuceCredentials(login, SECRET, client, uri, options);
  }

  private LettuceCredentials credentials() {
    return new LettuceCredentials(login, SECRET, client, uri(redis));
  }

  private static StatefulRedisConnection<String, String> connect(LettuceCredentials credentials) {
    RedisURI uri = uri(redis);
    uri.setCredentialsProvider(credentials);
    return client.connect(uri);
  }

  private static String password(RedisCredentials credentials) {
    return new String(credentials.getPassword());
  }

  private static RedisCredentials resolve(LettuceCredentials credentials) {
    return credentials.resolveCredentials().block(LIMIT);
  }

  @Test
  void user_ofTheSecret_logsIn() {
    begin("one");

    try (var connection = connect(credentials())) {
      assertThat(connection.sync().aclWhoami()).isEqualTo(USER);
    }
    assertThat(redis.refusedLogins()).isZero();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"password\":\"shared\"}",
        "{\"username\":\"\",\"password\":\"shared\"}",
        "shared"
      })
  void secret_withoutUser_isThePasswordOfDefault(String secret) {
    redis.setUser("default", "shared", "~*", "+@all");
    secrets.createSecret(SECRET, secret);
    LettuceCredentials credentials = credentials();
    try (var connection = connect(credentials)) {
      assertThat(connection.sync().aclWhoami()).isEqualTo("default");
      assertThat(resolve(credentials).hasUsername()).isFalse();
    } finally {
      redis.execute("ACL", "SETUSER", "default", "off");
    }
    assertThat(redis.refusedLogins()).isZero();
  }

  @Test
  void connections_thatAreDroppedAtEachStep_reconnectThemselves() throws Exception {
    begin("one");
    LettuceCredentials credentials = credentials();
    var connections = new ArrayList<StatefulRedisConnection<String, String>>();
    try {
      for (int i = 0; i < 16; i++) {
        connections.add(connect(credentials));
      }
      Rotation rotation = rotation();
      rotation.createSecret();
      dropped(connections);
      rotation.setSecret();
      dropped(connections);
      rotation.testSecret();
      dropped(connections);
      rotation.finishSecret();
      dropped(connections);

      assertThat(redis.refusedLogins()).as("by the probe alone").isEqualTo(1);
      assertThat(login.statistics().incomplete()).isEqualTo(1);
    } finally {
      connections.forEach(StatefulRedisConnection::close);
    }
  }

  /** Drops them all, and has each do something; a command waits for its reconnect. */
  private static void dropped(List<StatefulRedisConnection<String, String>> connections)
      throws Exception {
    redis.dropConnections(USER);
    for (var connection : connections) {
      assertThat(connection.async().ping().get(20, TimeUnit.SECONDS)).isEqualTo("PONG");
    }
  }

  @Test
  void connect_withinARotation_isAcceptedAtOnce() throws Exception {
    begin("one");
    LettuceCredentials credentials = credentials();
    try (var before = connect(credentials)) {
      Rotation rotation = rotation();
      rotation.createSecret();
      rotation.setSecret();

      try (var within = connect(credentials)) {
        assertThat(within.sync().aclWhoami()).isEqualTo(USER);
      }
      connect(credentials).close();

      assertThat(redis.refusedLogins()).isEqualTo(1);
      assertThat(before.sync().aclWhoami()).as("goes on as it is").isEqualTo(USER);
    }
  }

  @Test
  void clusterClient_withinARotation_isAcceptedAtOnce() throws Exception {
    try (LocalRedis node = LocalRedis.builder().setting("cluster-enabled", "yes").start()) {
      node.execute(
          Stream.concat(
                  Stream.of("CLUSTER", "ADDSLOTS"),
                  IntStream.range(0, 16_384).mapToObj(String::valueOf))
              .toArray(String[]::new));
      setPassword(node, "one+");
      secrets.createSecret(SECRET, json("one"));
      secrets.putSecretValue(SECRET, null, json("one+"), "AWSPENDING");
      RedisURI uri = uri(node);
      RedisClusterClient cluster = RedisClusterClient.create(client.getResources(), uri);
      uri.setCredentialsProvider(new LettuceCredentials(login, SECRET, cluster, uri));
      try (var connection = cluster.connect()) {
        assertThat(connection.sync().aclWhoami()).isEqualTo(USER);
      } finally {
        cluster.shutdown(0, 2, TimeUnit.SECONDS);
      }
      assertThat(node.refusedLogins()).isEqualTo(1);
    }
  }

  @Test
  void rollback_withinARotation_isFollowed() throws Exception {
    begin("one");
    LettuceCredentials credentials = credentials();
    Rotation rotation = rotation();
    rotation.createSecret();
    rotation.setSecret();
    assertThat(password(resolve(credentials))).isEqualTo("one+");

    setPassword(redis, "one");

    assertThat(password(resolve(credentials))).isEqualTo("one");
  }

  @Test
  void storm_whileACheckRuns_sharesTheNext() throws Exception {
    begin("one");
    LettuceCredentials credentials = credentials();
    var asked = new ArrayList<CompletableFuture<RedisCredentials>>();
    try (Hold hold = secrets.hold(Requests.all())) {
      asked.add(credentials.resolveCredentials().toFuture());
      hold.awaitArrival(1, LIMIT);
      for (int i = 0; i < 32; i++) {
        asked.add(credentials.resolveCredentials().toFuture());
      }
      assertThat(asked).as("nobody was made to wait").noneMatch(CompletableFuture::isDone);
      asked.get(1).cancel(true);
      hold.release();
    }

    for (var one : asked) {
      if (!one.isCancelled()) {
        assertThat(password(one.get(20, TimeUnit.SECONDS))).isEqualTo("one");
      }
    }
    assertThat(login.statistics().succeeded()).isEqualTo(2);
  }

  @Test
  void answer_comesInADaemonThreadOfItsOwn() throws Exception {
    begin("one");
    Thread thread =
        credentials()
            .resolveCredentials()
            .map(any -> Thread.currentThread())
            .toFuture()
            .get(20, TimeUnit.SECONDS);

    assertThat(thread.getName()).isEqualTo("evercred-redis-credentials");
    assertThat(thread.isDaemon()).isTrue();
  }

  @Test
  void check_thatIsOver_leavesNoConnection() {
    begin("one");
    warm();
    RedisCredentials unused = resolve(credentials());
    setPassword(redis, "of nobody");
    Throwable refused =
        catchThrowable(
            () ->
                resolve(
                    credentials(
                        uri(redis),
                        LoginOptions.DEFAULTS.withRotationWait(Duration.ofSeconds(2)))));

    assertThat(refused).isInstanceOf(RedisException.class);
    long end = System.nanoTime() + LIMIT.toNanos();
    String clients = redis.execute("CLIENT", "LIST");
    while (clients.lines().count() > 1) { // The administrator's.
      assertThat(System.nanoTime() - end).as(clients).isNegative();
      LockSupport.parkNanos(1_000_000);
      clients = redis.execute("CLIENT", "LIST");
    }
  }

  @Test
  void server_withoutRoomForTheCheck_isLoggedInToUnchecked() {
    begin("one");
    redis.execute("CONFIG", "SET", "maxclients", "2"); // The administrator and one more.
    try (var connection = connect(credentials())) {
      assertThat(connection.sync().aclWhoami()).isEqualTo(USER);
    } finally {
      redis.execute("CONFIG", "SET", "maxclients", "1000");
    }
  }

  @Test
  void server_thatIsSilent_getsCredentialsUnchecked() throws IOException {
    begin("one");
    try (var silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      LettuceCredentials credentials =
          credentials(
              RedisURI.create("127.0.0.1", silent.getLocalPort()),
              LoginOptions.DEFAULTS.withProbeTimeout(Duration.ofSeconds(1)));

      assertThat(password(resolve(credentials))).isEqualTo("one");
    }
  }

  @Test
  void version_thatWasRefused_isNotGivenUnchecked() {
    begin("one");
    warm();
    setPassword(redis, "of nobody");
    RedisClient own = RedisClient.create();
    var credentials =
        new LettuceCredentials(
            login,
            SECRET,
            own,
            uri(redis),
            LoginOptions.DEFAULTS.withRotationWait(Duration.ofSeconds(2)));
    Throwable first = catchThrowable(() -> resolve(credentials));
    own.shutdown(0, 2, TimeUnit.SECONDS);

    assertThat(first).isInstanceOf(RedisException.class);
    assertThatThrownBy(() -> resolve(credentials)).isInstanceOf(RedisException.class);
  }

  @Test
  void server_thatIsAway_getsCredentialsUnchecked() throws IOException {
    begin("one");
    int port;
    try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = taken.getLocalPort();
    }

    LettuceCredentials credentials =
        credentials(RedisURI.create("127.0.0.1", port), LoginOptions.DEFAULTS);

    assertThat(password(resolve(credentials))).isEqualTo("one");
  }

  @Test
  void user_withoutACommand_isLoggedInAllTheSame() {
    begin("one");
    redis.execute("ACL", "SETUSER", USER, "nocommands");

    assertThat(password(resolve(credentials()))).isEqualTo("one");
    assertThat(redis.refusedLogins()).isZero();
  }

  @Test
  void noVersion_thatIsAccepted_isToldWithTheRefusal() {
    begin("one");
    warm();
    setPassword(redis, "of nobody");
    LettuceCredentials credentials =
        credentials(uri(redis), LoginOptions.DEFAULTS.withRotationWait(Duration.ofSeconds(2)));

    assertThatThrownBy(() -> resolve(credentials))
        .isInstanceOf(RedisException.class)
        .hasMessageContaining(SECRET)
        .hasMessageContaining("No version")
        .hasStackTraceContaining("WRONGPASS");
    assertThatThrownBy(() -> connect(credentials)).isInstanceOf(RedisConnectionException.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"username\":\"app\"}",
        "{\"username\":\"app\"",
        "{\"username\":[],\"password\":\"x\"}"
      })
  void secret_thatIsNoCredential_isTold(String secret) {
    secrets.createSecret(SECRET, secret);

    Throwable failure = catchThrowable(() -> resolve(credentials()));

    assertThat(failure)
        .isInstanceOf(RedisException.class)
        .hasCauseInstanceOf(SecretException.class)
        .hasMessageContaining(SECRET);
    assertThat(redis.refusedLogins()).isZero();
  }

  @Test
  void cache_thatIsClosed_isTold() {
    begin("one");
    LettuceCredentials credentials = credentials();
    RedisCredentials unused = resolve(credentials);
    cache.close();

    assertThatThrownBy(() -> resolve(credentials))
        .isInstanceOf(RedisException.class)
        .hasMessageContaining("closed")
        .hasCauseInstanceOf(SecretException.class);
  }

  @Test
  void client_thatIsShutDown_getsCredentialsUnchecked() {
    begin("one");
    RedisClient own = RedisClient.create();
    own.shutdown(0, 2, TimeUnit.SECONDS);

    assertThat(password(resolve(new LettuceCredentials(login, SECRET, own, uri(redis)))))
        .isEqualTo("one");
  }

  @Test
  void uri_asText_waitsForNoCheckAndNamesNobody() {
    RedisURI uri = RedisURI.create("redis://localhost");
    uri.setCredentialsProvider(credentials());

    // There is no such secret.
    assertThat(uri).hasToString("redis://localhost");
    begin("one");
    connect(credentials()).close();
    assertThat(login.statistics().succeeded()).as("one check for one connect").isEqualTo(1);
  }

  @Test
  void uri_ofSentinels_isRefused() {
    begin("one");
    RedisURI uri = RedisURI.create("redis-sentinel://127.0.0.1:26379#mymaster");

    assertThatThrownBy(() -> new LettuceCredentials(login, SECRET, client, uri))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("Sentinel");
  }

  /** What anybody logs, at any level, while it is open. */
  private static final class CapturedLog extends Handler implements AutoCloseable {
    private final Logger root = Logger.getLogger("");
    private final Level before = root.getLevel();
    private final ConcurrentLinkedQueue<LogRecord> records = new ConcurrentLinkedQueue<>();

    CapturedLog() {
      root.setLevel(Level.ALL);
      root.addHandler(this);
    }

    @Override
    public void publish(LogRecord one) {
      records.add(one);
    }

    /** What was said of credentials that are given unchecked. */
    List<LogRecord> ofUnchecked() {
      return records.stream()
          .filter(one -> "io.github.evercred".equals(one.getLoggerName()))
          .filter(one -> one.getMessage().contains("unchecked"))
          .toList();
    }

    @Override
    public void flush() {}

    @Override
    public void close() {
      root.removeHandler(this);
      root.setLevel(before);
    }
  }

  @Test
  void checks_thatCannotBeMade_areToldOnceUntilOneCan() {
    String marker = "m4rker-0f-a-password";
    begin(marker);
    LettuceCredentials credentials = credentials();
    redis.execute("CONFIG", "SET", "maxclients", "1"); // The administrator.
    try (var log = new CapturedLog()) {
      RedisCredentials unused = resolve(credentials);
      unused = resolve(credentials);
      redis.execute("CONFIG", "SET", "maxclients", "1000");
      unused = resolve(credentials);
      redis.execute("CONFIG", "SET", "maxclients", "1");
      unused = resolve(credentials);

      assertThat(log.ofUnchecked())
          .extracting(LogRecord::getLevel)
          .containsExactly(Level.WARNING, Level.FINE, Level.WARNING);
      assertThat(log.ofUnchecked())
          .allSatisfy(
              one ->
                  assertThat(new SimpleFormatter().format(one))
                      .contains(SECRET, "could not be checked", "Caused by")
                      .doesNotContain(marker));
    } finally {
      redis.execute("CONFIG", "SET", "maxclients", "1000");
    }
  }

  @Test
  void failure_ofASharedCheck_isEachOnesOwn() throws Exception {
    LettuceCredentials credentials = credentials(); // There is no such secret.
    var asked = new ArrayList<CompletableFuture<RedisCredentials>>();
    try (Hold hold = secrets.hold(Requests.all())) {
      asked.add(credentials.resolveCredentials().toFuture());
      hold.awaitArrival(1, LIMIT);
      asked.add(credentials.resolveCredentials().toFuture());
      asked.add(credentials.resolveCredentials().toFuture());
      hold.release();
    }
    Throwable one = causeOf(asked.get(1));
    Throwable other = causeOf(asked.get(2));
    begin("one"); // For the clean-up.

    assertThat(one)
        .isInstanceOf(RedisConnectionException.class)
        .hasCauseInstanceOf(SecretException.class)
        .hasMessage(other.getMessage())
        .isNotSameAs(other);
  }

  private static Throwable causeOf(CompletableFuture<?> failed) {
    Throwable thrown = catchThrowable(() -> failed.get(20, TimeUnit.SECONDS));
    return Objects.requireNonNull(thrown.getCause());
  }

  /** Keeps each command that it is told of, as it goes to the server. */
  private static final class Spans extends Tracer implements Tracing {
    private final ConcurrentLinkedQueue<String> commands = new ConcurrentLinkedQueue<>();

    private final class Recorder extends Span {
      @Override
      public Span start(RedisCommand<?, ?, ?> command) {
        ByteBuf bytes = Unpooled.buffer();
        command.encode(bytes);
        commands.add(bytes.toString(StandardCharsets.UTF_8));
        return this;
      }

      @Override
      public Span name(String name) {
        return this;
      }

      @Override
      public Span annotate(String value) {
        return this;
      }

      @Override
      public Span tag(String key, String value) {
        return this;
      }

      @Override
      public Span error(Throwable throwable) {
        return this;
      }

      @Override
      public Span remoteEndpoint(Endpoint endpoint) {
        return this;
      }

      @Override
      public void finish() {}
    }

    @Override
    public Span nextSpan() {
      return new Recorder();
    }

    @Override
    public Span nextSpan(TraceContext traceContext) {
      return new Recorder();
    }

    @Override
    public TracerProvider getTracerProvider() {
      return () -> this;
    }

    @Override
    public TraceContextProvider initialTraceContextProvider() {
      return () -> TraceContext.EMPTY;
    }

    @Override
    public boolean isEnabled() {
      return true;
    }

    @Override
    public boolean includeCommandArgsInSpanTags() {
      return true;
    }

    @Override
    public Endpoint createEndpoint(SocketAddress address) {
      return new Endpoint() {};
    }
  }

  @Test
  void check_ofAClientThatTraces_isInNoSpan() throws Exception {
    String marker = "m4rker-0f-a-password";
    begin(marker);
    var spans = new Spans();
    ClientResources resources = ClientResources.builder().tracing(spans).build();
    RedisClient traced = RedisClient.create(resources);
    try {
      RedisURI uri = uri(redis);
      var credentials = new LettuceCredentials(login, SECRET, traced, uri);
      assertThat(password(resolve(credentials))).isEqualTo(marker);
      assertThat(spans.commands).isEmpty();

      uri.setCredentialsProvider(credentials);
      traced.connect(uri).close();
      assertThat(spans.commands).as("Lettuce's own handshake").anyMatch(c -> c.contains(marker));
    } finally {
      traced.shutdown(0, 2, TimeUnit.SECONDS);
      resources.shutdown(0, 2, TimeUnit.SECONDS).await(20, TimeUnit.SECONDS);
    }
  }

  @Test
  void eventLoops_ofChecks_areGivenBackWhenIdle() throws Exception {
    begin("one");
    var taken = new AtomicInteger();
    var loops =
        new DefaultEventLoopGroupProvider(2) {
          @Override
          public <T extends EventLoopGroup> T allocate(Class<T> type) {
            taken.incrementAndGet();
            return super.allocate(type);
          }

          @Override
          public Promise<Boolean> release(
              EventExecutorGroup group, long quiet, long limit, TimeUnit unit) {
            taken.decrementAndGet();
            return super.release(group, quiet, limit, unit);
          }
        };
    ClientResources resources = ClientResources.builder().eventLoopGroupProvider(loops).build();
    RedisClient own = RedisClient.create(resources);
    try {
      var credentials =
          new LettuceCredentials(
              login, SECRET, own, uri(redis), LoginOptions.DEFAULTS, Duration.ofMillis(20));
      for (int i = 0; i < 3; i++) {
        assertThat(password(resolve(credentials))).isEqualTo("one");
        long end = System.nanoTime() + LIMIT.toNanos();
        while (taken.get() > 0) {
          assertThat(System.nanoTime() - end).isNegative();
          LockSupport.parkNanos(1_000_000);
        }
      }
      assertThat(login.statistics().succeeded()).isEqualTo(3);
    } finally {
      own.shutdown(0, 2, TimeUnit.SECONDS);
      resources.shutdown(0, 2, TimeUnit.SECONDS).await(20, TimeUnit.SECONDS);
      loops.shutdown(0, 2, TimeUnit.SECONDS).await(20, TimeUnit.SECONDS);
    }
  }

  @Test
  void password_throughRefusalsAndRotation_isNowhere() {
    String marker = "m4rker-0f-a-password";
    begin(marker);
    warm();
    var said = new StringWriter();
    var text = new PrintWriter(said, true);
    var log = new CapturedLog();
    try (log) {
      LettuceCredentials credentials =
          credentials(uri(redis), LoginOptions.DEFAULTS.withRotationWait(Duration.ofSeconds(2)));
      connect(credentials).close();
      setPassword(redis, "of nobody");
      catchThrowable(() -> connect(credentials)).printStackTrace(text);
      catchThrowable(() -> resolve(credentials)).printStackTrace(text);
      text.println(credentials);
      text.println(credentials.resolveCredentials());
    }
    var wire = new StringBuilder();
    for (LogRecord one : log.records) {
      String entry = one.getLoggerName() + " " + new SimpleFormatter().format(one);
      if (LETTUCE_WIRE_LOG.equals(one.getLoggerName())) {
        wire.append(entry);
      } else {
        text.println(entry);
      }
    }

    assertThat(said.toString())
        .contains("WRONGPASS", SECRET, "io.lettuce.core")
        .doesNotContain(marker, "*".repeat(marker.length()));
    assertThat(wire).as("the search finds what is there").contains(marker);
  }
}
