package io.github.evercred.clients;

import static com.github.tomakehurst.wiremock.client.WireMock.any;
import static com.github.tomakehurst.wiremock.client.WireMock.anyUrl;
import static com.github.tomakehurst.wiremock.client.WireMock.temporaryRedirect;
import static com.github.tomakehurst.wiremock.core.WireMockConfiguration.options;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.tomakehurst.wiremock.WireMockServer;
import io.github.evercred.LoginOptions;
import io.github.evercred.RotationAwareLogin;
import io.github.evercred.SecretException;
import io.github.evercred.SecretValue;
import io.github.evercred.Target;
import io.github.evercred.testkit.Requests;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.Authenticator;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class SecretHttpClientTest {
  private static final String HEADER = "X-Api-Key";
  private static final String FIRST = "key-one-MARKER";
  private static final String SECOND = "key-two-MARKER";
  private static final LoginOptions IMPATIENT =
      LoginOptions.DEFAULTS.withRotationWait(Duration.ofMillis(150));

  private final HttpSecret secret = new HttpSecret(FIRST);
  private final KeyServer server = new KeyServer(HEADER, FIRST);
  private final HttpClient plain = HttpClient.newHttpClient();
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final AtomicInteger tasks = new AtomicInteger();

  @AfterEach
  void stop() {
    threads.shutdownNow();
    server.close();
    secret.close();
  }

  /** Loads the secret and what that needs, which may take longer than some limits here. */
  private void warm() {
    secret.cache.prefetch(HttpSecret.ID).orThrow();
  }

  private SecretHttpClient client(UnaryOperator<SecretHttpClient.Builder> more) {
    return more.apply(
            SecretHttpClient.builder(secret.login, HttpSecret.ID)
                .origin(server.uri(""))
                .header(HEADER, value -> value.field("key"))
                .allowPlainHttp())
        .wrap(plain);
  }

  private SecretHttpClient client() {
    return client(builder -> builder);
  }

  private HttpRequest get(String path) {
    return HttpRequest.newBuilder(server.uri(path)).build();
  }

  private HttpRequest post(String body) {
    return HttpRequest.newBuilder(server.uri("/echo")).POST(BodyPublishers.ofString(body)).build();
  }

  private HttpResponse<String> call(HttpClient client) throws Exception {
    return client.send(post("hello"), BodyHandlers.ofString());
  }

  private void rotateIntoWindow() {
    secret.pending(SECOND);
    server.accepted = SECOND;
  }

  @Test
  void send_throughTheSteps_goesOnWithWhatWorks() throws Exception {
    HttpClient client = client();
    assertThat(call(client).body()).isEqualTo("hello");
    secret.pending(SECOND);
    assertThat(call(client).statusCode()).isEqualTo(200);
    server.accepted = SECOND;
    assertThat(call(client).body()).as("sent again with its body").isEqualTo("hello");
    assertThat(call(client).statusCode()).isEqualTo(200);
    secret.promote();
    assertThat(call(client).statusCode()).isEqualTo(200);

    assertThat(server.refused).hasValue(1);
    assertThat(server.seen).containsExactly(FIRST, FIRST, FIRST, SECOND, SECOND, SECOND);
    assertThat(secret.statistics().succeeded()).isEqualTo(5);
    assertThat(secret.statistics().refused()).isEqualTo(1);
    assertThat(secret.statistics().incomplete()).isEqualTo(1);
  }

  @Test
  void send_manyAtOnceInTheWindow_failsNoneAndIsRefusedForThoseInFlight() throws Exception {
    HttpClient client = client();
    call(client);
    rotateIntoWindow();

    List<Future<Integer>> calls = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      calls.add(threads.submit(() -> call(client).statusCode()));
    }

    for (Future<Integer> call : calls) {
      assertThat(call.get(30, TimeUnit.SECONDS)).isEqualTo(200);
    }
    assertThat(secret.statistics().probes()).isEqualTo(1);
    assertThat(secret.login.versionInUse(target(), HttpSecret.ID, LoginOptions.DEFAULTS))
        .hasValueSatisfying(
            used -> assertThat(used.value().versionId()).isEqualTo(secret.version("AWSPENDING")));
  }

  private Target target() {
    return new Target("http", List.of("127.0.0.1:" + server.port()), null);
  }

  @Test
  void send_nothingWorks_returnsTheLastRefusalUntouchedAndAsksTheHandlerOnce() throws Exception {
    warm();
    server.accepted = "another";
    byte[] body = new byte[1_000_000];
    Arrays.fill(body, (byte) 'x');
    server.refusalBody = body;
    var asked = new AtomicInteger();
    BodyHandler<byte[]> handler =
        info -> {
          asked.incrementAndGet();
          return BodyHandlers.ofByteArray().apply(info);
        };

    HttpResponse<byte[]> response =
        client(builder -> builder.options(IMPATIENT)).send(post("hello"), handler);

    assertThat(response.statusCode()).isEqualTo(401);
    assertThat(response.body()).isEqualTo(body);
    assertThat(asked).hasValue(1);
    assertThat(secret.statistics().gaveUp()).isEqualTo(1);
  }

  @Test
  void send_nothingWorks_givesTheBodyToEveryKindOfHandler() throws Exception {
    warm();
    server.accepted = "another";

    try (InputStream body = refused(BodyHandlers.ofInputStream())) {
      assertThat(body).asString(StandardCharsets.UTF_8).isEqualTo(KeyServer.NO);
    }
    assertThat(refused(BodyHandlers.ofLines())).containsExactly(KeyServer.NO);
    assertThat(refused(BodyHandlers.ofString())).isEqualTo(KeyServer.NO);
    assertThat(refused(BodyHandlers.replacing("mine"))).isEqualTo("mine");
    assertThat(refused(BodyHandlers.buffering(BodyHandlers.ofByteArray(), 3)))
        .asString(StandardCharsets.UTF_8)
        .isEqualTo(KeyServer.NO);
    server.refusalBody = new byte[0];
    assertThat(refused(BodyHandlers.ofString())).isEmpty();
  }

  /** By a login that has seen nothing yet. */
  private <T> T refused(BodyHandler<T> handler) throws Exception {
    HttpResponse<T> response =
        SecretHttpClient.builder(new RotationAwareLogin(secret.cache), HttpSecret.ID)
            .origin(server.uri(""))
            .header(HEADER, value -> value.field("key"))
            .allowPlainHttp()
            .options(IMPATIENT)
            .wrap(plain)
            .send(get("/"), handler);
    assertThat(response.statusCode()).isEqualTo(401);
    return response.body();
  }

  @Test
  void send_rotationWaitZero_returnsTheFirstRefusalAtOnce() throws Exception {
    server.accepted = "another";

    HttpResponse<String> response =
        call(
            client(
                builder -> builder.options(LoginOptions.DEFAULTS.withRotationWait(Duration.ZERO))));

    assertThat(response.statusCode()).isEqualTo(401);
    assertThat(response.body()).isEqualTo(KeyServer.NO);
    assertThat(server.arrived).hasValue(1);
  }

  @Test
  void send_noSecret_failsWithWhy() {
    secret.manager.forceDeleteSecret(HttpSecret.ID);

    assertThatThrownBy(() -> call(client()))
        .isExactlyInstanceOf(IOException.class)
        .hasMessageContaining(HttpSecret.ID)
        .hasCauseInstanceOf(SecretException.class);
    assertThat(server.arrived).hasValue(0);
  }

  @Test
  void send_cacheClosed_failsWithWhy() {
    secret.cache.close();

    assertThatThrownBy(() -> call(client()))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("closed");
  }

  @Test
  void send_secretWithoutTheField_saysWhich() {
    assertThatThrownBy(
            () -> call(client(builder -> builder.header(HEADER, value -> value.field("none")))))
        .isInstanceOf(SecretException.class)
        .hasMessageContaining("none")
        .hasMessageNotContaining("MARKER");
  }

  @Test
  void send_secretThatIsNoHeader_saysSoWithoutIt() {
    assertThatThrownBy(
            () ->
                call(client(builder -> builder.header(HEADER, value -> value.field("key") + "\n"))))
        .isInstanceOf(SecretException.class)
        .hasMessageContaining("line break")
        .hasNoCause()
        .hasMessageNotContaining("MARKER");
  }

  @Test
  void send_otherOrigin_isRefusedBeforeAnything() {
    HttpClient client = client();

    for (String uri :
        List.of(
            "http://127.0.0.2:" + server.port() + "/",
            "http://127.0.0.1:1/",
            "https://127.0.0.1:" + server.port() + "/")) {
      HttpRequest request = HttpRequest.newBuilder(URI.create(uri)).build();
      assertThatThrownBy(() -> client.send(request, BodyHandlers.discarding()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("to http://127.0.0.1:" + server.port() + " only");
      assertThatThrownBy(() -> client.sendAsync(request, BodyHandlers.discarding()))
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThat(secret.manager.requests()).isEmpty();
  }

  @Test
  void send_redirectToAnotherHost_isAnAnswerAndNothingIsSentThere() throws Exception {
    var elsewhere = new WireMockServer(options().dynamicPort());
    var redirecting = new WireMockServer(options().dynamicPort());
    elsewhere.start();
    redirecting.start();
    try {
      redirecting.stubFor(
          any(anyUrl()).willReturn(temporaryRedirect(elsewhere.baseUrl() + "/stolen")));
      URI from = URI.create(redirecting.baseUrl());
      HttpClient client = client(builder -> builder.origin(from));

      HttpResponse<String> response =
          client.send(HttpRequest.newBuilder(from).build(), BodyHandlers.ofString());

      assertThat(response.statusCode()).isEqualTo(302);
      assertThat(elsewhere.getAllServeEvents()).isEmpty();
      assertThat(redirecting.getAllServeEvents())
          .singleElement()
          .satisfies(e -> assertThat(e.getRequest().getHeader(HEADER)).isEqualTo(FIRST));
    } finally {
      redirecting.stop();
      elsewhere.stop();
    }
  }

  @Test
  void wrap_clientThatFollowsRedirects_isRefused() {
    var following = HttpClient.newBuilder().followRedirects(HttpClient.Redirect.NORMAL).build();

    assertThatThrownBy(
            () ->
                SecretHttpClient.builder(secret.login, HttpSecret.ID)
                    .origin(URI.create("https://api.example.com"))
                    .header(HEADER, SecretValue::asString)
                    .wrap(following))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("Redirect.NEVER");
  }

  @Test
  void wrap_plainHttpThatIsNotAllowed_isRefused() {
    assertThatThrownBy(
            () ->
                SecretHttpClient.builder(secret.login, HttpSecret.ID)
                    .origin(server.uri(""))
                    .header(HEADER, SecretValue::asString)
                    .wrap(plain))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("allowPlainHttp()");
  }

  @Test
  void builder_withoutAPlaceOrAHeader_isRefused() {
    var builder = SecretHttpClient.builder(secret.login, HttpSecret.ID);
    assertThatThrownBy(() -> builder.wrap(plain)).isInstanceOf(IllegalStateException.class);
    for (String origin : List.of("https://a.example/path", "a.example", "ftp://a", "https://u@a")) {
      assertThatThrownBy(() -> builder.origin(URI.create(origin)))
          .as(origin)
          .isInstanceOf(IllegalArgumentException.class);
    }
    for (String header : List.of("", "two words", "Host")) {
      assertThatThrownBy(() -> builder.header(header, SecretValue::asString))
          .as(header)
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void origins_spelledOtherwise_areTheSame() {
    var client =
        SecretHttpClient.builder(secret.login, HttpSecret.ID)
            .origin(URI.create("HTTPS://API.example.com/"))
            .origin(URI.create("https://api.example.com:443"))
            .header("Authorization", value -> "Bearer " + value.field("key"))
            .wrap(plain);

    assertThat(client)
        .hasToString(
            "SecretHttpClient[Authorization of secret 'prod/payment/api' for"
                + " https://api.example.com:443]");
  }

  @Test
  void send_forbidden_isAnAnswer() throws Exception {
    server.accepted = "another";
    server.refusal = 403;

    assertThat(call(client()).statusCode()).isEqualTo(403);
    assertThat(secret.statistics().refused()).isZero();
  }

  @Test
  void send_forbiddenThatIsARefusal_findsTheVersionThatWorks() throws Exception {
    HttpClient client = client(builder -> builder.refusedWhen(info -> info.statusCode() == 403));
    server.refusal = 403;
    call(client);
    rotateIntoWindow();

    assertThat(call(client).statusCode()).isEqualTo(200);
    assertThat(secret.statistics().refused()).isEqualTo(1);
  }

  @Test
  void send_serverError_saysNothingOfTheSecret() throws Exception {
    server.status = 503;

    assertThat(call(client()).statusCode()).isEqualTo(503);
    assertThat(call(client()).body()).isEqualTo("hello");
    assertThat(secret.statistics().succeeded()).isZero();
    assertThat(secret.statistics().gaveUp()).isZero();
  }

  @Test
  void response_ofAnyKind_showsNoSecret() throws Exception {
    warm();
    HttpClient client = client(builder -> builder.options(IMPATIENT));
    HttpResponse<String> good = call(client);
    server.accepted = "another";
    HttpResponse<String> bad = call(client);

    for (HttpResponse<String> response : List.of(good, bad)) {
      assertThat(response.request().headers().map()).doesNotContainKey(HEADER);
      assertThat(response.previousResponse()).isEmpty();
      assertThat(response + " " + response.request() + client + response.headers())
          .doesNotContain("MARKER");
      assertThat(response.uri()).isEqualTo(server.uri("/echo"));
      assertThat(response.version()).isEqualTo(HttpClient.Version.HTTP_1_1);
      assertThat(response.sslSession()).isEmpty();
    }
  }

  @Test
  void send_ownHeaderOfThatName_isReplacedAndOthersStay() throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(server.uri("/"))
            .header("x-api-key", "mine")
            .header("X-Other", "stays")
            .build();

    assertThat(client().send(request, BodyHandlers.discarding()).statusCode()).isEqualTo(200);
    assertThat(server.headers)
        .containsEntry("X-api-key", List.of(FIRST))
        .containsEntry("X-other", List.of("stays"));
    assertThat(request.headers().firstValue(HEADER)).hasValue("mine");
  }

  @Test
  void send_timeoutOfTheRequest_endsTheWaitAndReturnsTheRefusal() throws Exception {
    warm();
    server.accepted = "another";
    HttpRequest request =
        HttpRequest.newBuilder(server.uri("/")).timeout(Duration.ofSeconds(1)).build();

    long begun = System.nanoTime();
    assertThat(client().send(request, BodyHandlers.ofString()).statusCode()).isEqualTo(401);

    assertThat(Duration.ofNanos(System.nanoTime() - begun))
        .as("rotationWait is 20 s")
        .isLessThan(Duration.ofSeconds(15));
  }

  @Test
  void send_serverThatHangs_timesOutAsTheRequestSays() {
    CountDownLatch gate = server.hold();
    HttpRequest request =
        HttpRequest.newBuilder(server.uri("/")).timeout(Duration.ofMillis(300)).build();

    assertThatThrownBy(() -> client().send(request, BodyHandlers.ofString()))
        .isInstanceOf(HttpTimeoutException.class);
    gate.countDown();
  }

  @Test
  void send_secretsManagerThatHangs_timesOutAsTheRequestSays() {
    try (var hold = secret.manager.hold(Requests.all())) {
      HttpRequest request =
          HttpRequest.newBuilder(server.uri("/")).timeout(Duration.ofMillis(300)).build();

      assertThatThrownBy(() -> client().send(request, BodyHandlers.ofString()))
          .isInstanceOf(HttpTimeoutException.class)
          .hasMessageContaining("time-out has passed");
      assertThat(hold).isNotNull();
    }
  }

  @Test
  void send_refusalsThatNobodyReads_leaveNoConnectionBehind() throws Exception {
    HttpClient client = client();
    for (int i = 0; i < 4; i++) {
      String key = "key-" + i;
      secret.pending(key);
      server.accepted = key;
      try (InputStream body = client.send(post("hello"), BodyHandlers.ofInputStream()).body()) {
        assertThat(body).asString(StandardCharsets.UTF_8).isEqualTo("hello");
      }
      secret.promote();
    }

    assertThat(server.refused).hasValue(4);
    assertThat(server.connections).hasSizeLessThan(3);
  }

  @Test
  void send_refusalWhoseBodyDoesNotEnd_isNotWaitedForAndItsConnectionGivenUp() throws Exception {
    HttpClient client = client();
    call(client);
    server.refusalBody = new byte[20_000];
    server.refusalStalls = true;
    rotateIntoWindow();

    assertThat(call(client).statusCode()).isEqualTo(200);
    Eventually.until(() -> server.underWay.get() == 0);
  }

  @Test
  void send_refusalThatIsLong_isNotReadToItsEndAndItsConnectionGivenUp() throws Exception {
    HttpClient client = client();
    call(client);
    server.refusalBody = new byte[20_000_000];
    rotateIntoWindow();

    assertThat(call(client).statusCode()).isEqualTo(200);
    Eventually.until(() -> server.underWay.get() == 0);
  }

  @Test
  void send_nextTryHangs_saysSoSinceTheServerMayHaveDoneIt() throws Exception {
    HttpClient client = client();
    call(client);
    rotateIntoWindow();
    CountDownLatch gate = server.holdAfter(2);
    HttpRequest request =
        HttpRequest.newBuilder(server.uri("/")).timeout(Duration.ofSeconds(4)).build();

    assertThatThrownBy(() -> client.send(request, BodyHandlers.ofString()))
        .isInstanceOf(HttpTimeoutException.class);
    gate.countDown();
  }

  @Test
  void send_nextTryIsAnsweredTooLateForAnother_returnsThatAnswerAndAsksTheHandlerOnce()
      throws Exception {
    HttpClient client =
        client(
            builder ->
                builder.options(LoginOptions.DEFAULTS.withRotationWait(Duration.ofSeconds(3))));
    call(client);
    rotateIntoWindow();
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(3_100);
    CountDownLatch gate = server.holdAfter(2);
    var asked = new AtomicInteger();
    Future<HttpResponse<String>> response =
        threads.submit(
            () ->
                client.send(
                    post("hello"),
                    info -> {
                      asked.incrementAndGet();
                      return BodyHandlers.ofString().apply(info);
                    }));
    Eventually.until(() -> server.arrived.get() == 3);
    server.status = 503;
    Eventually.until(() -> System.nanoTime() - end > 0);

    gate.countDown();

    assertThat(response.get(30, TimeUnit.SECONDS).statusCode()).isEqualTo(503);
    assertThat(response.get().body()).isEqualTo("hello");
    assertThat(asked).hasValue(1);
  }

  @Test
  void send_pendingThatIsOfAnotherShape_isPassedOver() throws Exception {
    HttpClient client =
        client(
            builder ->
                builder.options(LoginOptions.DEFAULTS.withRotationWait(Duration.ofSeconds(2))));
    call(client);
    secret.pendingMalformed("{\"other\":\"MARKER\"}");
    server.accepted = "another";

    HttpResponse<String> response = call(client);

    assertThat(response.statusCode()).isEqualTo(401);
    assertThat(response.body()).isEqualTo(KeyServer.NO);
  }

  @Test
  void send_refusedForOthersAMomentAgo_failsWithWhyAndWithoutTheSecret() throws Exception {
    server.accepted = "another";
    HttpClient client =
        client(builder -> builder.options(LoginOptions.DEFAULTS.withRotationWait(Duration.ZERO)));
    assertThat(call(client).statusCode()).isEqualTo(401);

    assertThatThrownBy(() -> call(client))
        .isExactlyInstanceOf(IOException.class)
        .hasMessageContaining("refused a moment ago")
        .hasRootCauseMessage("The server refused the secret with status 401")
        .satisfies(e -> assertThat(stackTrace(e)).doesNotContain("MARKER"));
  }

  @Test
  void send_interrupted_endsInterrupted() throws Exception {
    server.accepted = "another";
    HttpClient client = client();
    var caller = new CompletableFuture<Thread>();
    Future<String> ended =
        threads.submit(
            () -> {
              caller.complete(Thread.currentThread());
              try {
                return "status " + call(client).statusCode();
              } catch (InterruptedException e) {
                return "interrupted, flag " + Thread.currentThread().isInterrupted();
              }
            });
    Eventually.until(() -> server.refused.get() > 0);

    caller.get(10, TimeUnit.SECONDS).interrupt();

    assertThat(ended.get(10, TimeUnit.SECONDS)).isEqualTo("interrupted, flag false");
  }

  private SecretHttpClient counted() {
    return client(
        builder ->
            builder.executor(
                task -> {
                  tasks.incrementAndGet();
                  threads.execute(task);
                }));
  }

  private static <T> T got(CompletableFuture<T> future) throws Exception {
    return future.get(30, TimeUnit.SECONDS);
  }

  @Test
  void sendAsync_throughTheSteps_goesOnWithWhatWorks() throws Exception {
    HttpClient client = client();
    for (int step = 0; step < 4; step++) {
      switch (step) {
        case 1 -> secret.pending(SECOND);
        case 2 -> server.accepted = SECOND;
        case 3 -> secret.promote();
        default -> {}
      }
      List<CompletableFuture<HttpResponse<String>>> calls = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        calls.add(client.sendAsync(post("hello " + i), BodyHandlers.ofString()));
      }
      for (int i = 0; i < 20; i++) {
        HttpResponse<String> response = got(calls.get(i));
        assertThat(response.statusCode()).as("step %d", step).isEqualTo(200);
        assertThat(response.body()).isEqualTo("hello " + i);
        assertThat(response.request().headers().map()).doesNotContainKey(HEADER);
      }
    }
    assertThat(server.refused).hasValueBetween(1, 21);
    assertThat(secret.statistics().incomplete()).isEqualTo(1);
  }

  @Test
  void sendAsync_whileAllIsWell_takesNoThread() throws Exception {
    HttpClient client = counted();

    Eventually.until(
        () -> {
          int before = tasks.get();
          got(client.sendAsync(get("/"), BodyHandlers.discarding()));
          return before > 0 && tasks.get() == before;
        });
  }

  @Test
  void sendAsync_refusedWithoutAThread_goesOnWithWhatWorks() throws Exception {
    HttpClient client = counted();
    AtomicInteger refused = server.refused;
    for (int i = 0; i < 3; i++) {
      String key = "key-" + i;
      got(client.sendAsync(get("/"), BodyHandlers.discarding()));
      secret.pending(key);
      server.accepted = key;
      int before = refused.get();
      HttpResponse<String> response = got(client.sendAsync(post("again"), BodyHandlers.ofString()));

      assertThat(response.statusCode()).isEqualTo(200);
      assertThat(response.body()).isEqualTo("again");
      assertThat(refused.get() - before).as("refused once, whoever sent it").isEqualTo(1);
      secret.promote();
      secret.cache.refresh(HttpSecret.ID);
    }
    assertThat(secret.statistics().refused()).isEqualTo(refused.get());
  }

  @Test
  void sendAsync_serverOrSecretsManagerHangs_returnsAtOnce() throws Exception {
    HttpClient client = client();
    CompletableFuture<HttpResponse<Void>> cold;
    try (var hold = secret.manager.hold(Requests.all())) {
      cold = client.sendAsync(get("/"), BodyHandlers.discarding());
      hold.awaitArrival(1, Duration.ofSeconds(10));
      assertThat(cold).isNotDone();
    }
    assertThat(got(cold).statusCode()).isEqualTo(200);
    CountDownLatch gate = server.hold();
    var warm = client.sendAsync(get("/"), BodyHandlers.discarding());
    assertThat(warm).isNotDone();
    gate.countDown();
    assertThat(got(warm).statusCode()).isEqualTo(200);
  }

  @Test
  void sendAsync_nothingWorks_returnsTheLastRefusal() throws Exception {
    warm();
    server.accepted = "another";
    HttpClient client = client(builder -> builder.options(IMPATIENT));

    HttpResponse<String> response = got(client.sendAsync(get("/"), BodyHandlers.ofString()));

    assertThat(response.statusCode()).isEqualTo(401);
    assertThat(response.body()).isEqualTo(KeyServer.NO);
  }

  @Test
  void sendAsync_withoutAnAnswer_failsAsSendDoes() {
    secret.manager.forceDeleteSecret(HttpSecret.ID);

    assertThatThrownBy(() -> got(client().sendAsync(get("/"), BodyHandlers.ofString())))
        .isInstanceOf(ExecutionException.class)
        .cause()
        .isInstanceOf(IOException.class)
        .hasCauseInstanceOf(SecretException.class);
  }

  @Test
  void sendAsync_cancelled_endsTheWait() throws Exception {
    server.accepted = "another";
    var ended = new CountDownLatch(1);
    HttpClient client =
        client(
            builder ->
                builder
                    .options(LoginOptions.DEFAULTS.withRotationWait(Duration.ofMinutes(10)))
                    .executor(
                        task ->
                            threads.execute(
                                () -> {
                                  task.run();
                                  ended.countDown();
                                })));
    CompletableFuture<HttpResponse<String>> call =
        client.sendAsync(get("/"), BodyHandlers.ofString());
    Eventually.until(() -> secret.statistics().refused() > 0);

    assertThat(call.cancel(true)).isTrue();

    assertThat(ended.await(30, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void sendAsync_executorThatTakesNothing_failsWithWhy() {
    HttpClient client =
        client(
            builder ->
                builder.executor(
                    task -> {
                      throw new RejectedExecutionException("full");
                    }));

    assertThatThrownBy(() -> got(client.sendAsync(get("/"), BodyHandlers.ofString())))
        .cause()
        .isInstanceOf(IOException.class)
        .hasMessageContaining("executor");
  }

  @Test
  void sendAsync_manyToAServerThatIsSlow_takeOneThread() throws Exception {
    HttpClient client = counted();
    warm();
    CountDownLatch gate = server.hold();
    var calls = new ArrayList<CompletableFuture<HttpResponse<String>>>();

    // The first has a login of its own; the secret is in use from then on, or once it has begun.
    calls.add(client.sendAsync(post("first"), BodyHandlers.ofString()));
    Eventually.until(() -> server.arrived.get() == 1);
    for (int i = 0; i < 60; i++) {
      calls.add(client.sendAsync(post("hello"), BodyHandlers.ofString()));
    }

    assertThat(tasks).as("of a second or two, not of 61 requests").hasValueLessThan(5);
    gate.countDown();
    for (CompletableFuture<HttpResponse<String>> call : calls) {
      assertThat(got(call).statusCode()).isEqualTo(200);
    }
  }

  /** Whoever was refused and comes late must not hold old news against what is accepted again. */
  @Test
  void sendAsync_manyRefusedForAMoment_allGoOnSoonAfter() throws Exception {
    HttpClient client = client();
    got(client.sendAsync(get("/"), BodyHandlers.discarding()));
    CountDownLatch gate = server.hold();
    server.accepted = "another"; // Decided when a request arrives.
    var calls = new ArrayList<CompletableFuture<HttpResponse<String>>>();
    for (int i = 0; i < 20; i++) {
      calls.add(client.sendAsync(post("hello"), BodyHandlers.ofString()));
    }
    Eventually.until(() -> server.arrived.get() == 21);
    server.accepted = FIRST;
    gate.countDown();

    for (CompletableFuture<HttpResponse<String>> call : calls) {
      assertThat(got(call).statusCode()).isEqualTo(200);
    }
    // Those of one hold, which a login may have taken for news; not five, which bar a version.
    assertThat(secret.statistics().refused()).isLessThan(5);
  }

  @Test
  void sendAsync_serverError_isNoSuccessAfterARefusal() throws Exception {
    HttpClient client = client();
    got(client.sendAsync(get("/"), BodyHandlers.discarding()));
    rotateIntoWindow();
    server.refuseOthersOnly = true;
    server.status = 503;
    for (int i = 0; i < 10; i++) {
      assertThat(got(client.sendAsync(get("/"), BodyHandlers.discarding())).statusCode())
          .isEqualTo(503);
    }

    assertThat(server.refused).as("of ten, none of which succeeded").hasValueLessThan(5);
  }

  @Test
  void sendAsync_loginsAtOnceIsBounded_keepsToIt() throws Exception {
    HttpClient client =
        client(
            builder ->
                builder
                    .options(LoginOptions.DEFAULTS.withLoginsAtOnce(2))
                    .executor(
                        task -> {
                          tasks.incrementAndGet();
                          threads.execute(task);
                        }));
    for (int i = 0; i < 5; i++) {
      got(client.sendAsync(get("/"), BodyHandlers.discarding()));
    }

    assertThat(tasks).hasValue(5);
    assertThat(secret.statistics().succeeded()).isEqualTo(5);
  }

  @Test
  void sendAsync_executorThatBreaks_failsWithThat() {
    HttpClient client =
        client(
            builder ->
                builder.executor(
                    task -> {
                      throw new IllegalStateException("broken");
                    }));

    assertThatThrownBy(() -> got(client.sendAsync(get("/"), BodyHandlers.ofString())))
        .hasRootCauseInstanceOf(IllegalStateException.class)
        .hasRootCauseMessage("broken");
  }

  @Test
  void sendAsync_timeoutOfTheRequest_holdsWhileItWaitsForAThread() {
    HttpClient client = client(builder -> builder.executor(task -> {}));
    HttpRequest request =
        HttpRequest.newBuilder(server.uri("/")).timeout(Duration.ofMillis(300)).build();

    assertThatThrownBy(() -> got(client.sendAsync(request, BodyHandlers.ofString())))
        .cause()
        .isInstanceOf(HttpTimeoutException.class)
        .hasMessageContaining("before it was sent");
    assertThat(server.arrived).hasValue(0);
  }

  @Test
  void sendAsync_cancelledWhileItWaitsForAThread_leavesNoConnectionBehind() throws Exception {
    var taking = new AtomicBoolean(true);
    HttpClient client =
        client(
            builder ->
                builder.executor(
                    task -> {
                      tasks.incrementAndGet();
                      if (taking.get()) {
                        threads.execute(task);
                      }
                    }));
    got(client.sendAsync(get("/"), BodyHandlers.discarding()));
    server.refusalBody = new byte[20_000_000];
    rotateIntoWindow();
    taking.set(false);
    int before = tasks.get();
    CompletableFuture<HttpResponse<String>> call =
        client.sendAsync(get("/"), BodyHandlers.ofString());
    Eventually.until(() -> tasks.get() > before);

    assertThat(call.cancel(true)).isTrue();

    Eventually.until(() -> server.underWay.get() == 0);
  }

  @Test
  void sendAsync_withPushes_sendsTheSame() throws Exception {
    HttpClient client = client();
    call(client);
    rotateIntoWindow();

    var response =
        got(
            client.sendAsync(
                post("hello"), BodyHandlers.ofString(), (initiating, pushed, acceptor) -> {}));

    assertThat(response.body()).isEqualTo("hello");
  }

  @Test
  void wrap_clientWithAnAuthenticator_isRefused() {
    HttpClient asking = HttpClient.newBuilder().authenticator(new Authenticator() {}).build();

    assertThatThrownBy(
            () ->
                SecretHttpClient.builder(secret.login, HttpSecret.ID)
                    .origin(URI.create("https://api.example.com"))
                    .header("Authorization", SecretValue::asString)
                    .wrap(asking))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("Authenticator");
  }

  @Test
  void client_asksForSettings_tellsThoseOfTheWrapped() {
    HttpClient client = client();

    assertThat(client.version()).isEqualTo(plain.version());
    assertThat(client.followRedirects()).isEqualTo(HttpClient.Redirect.NEVER);
    assertThat(client.sslContext()).isSameAs(plain.sslContext());
    assertThat(client.sslParameters()).isNotNull();
    assertThat(client.cookieHandler()).isEmpty();
    assertThat(client.connectTimeout()).isEmpty();
    assertThat(client.proxy()).isEmpty();
    assertThat(client.authenticator()).isEmpty();
    assertThat(client.executor()).isEmpty();
  }

  private static String stackTrace(Throwable e) {
    var text = new StringWriter();
    e.printStackTrace(new PrintWriter(text));
    return text.toString();
  }
}
