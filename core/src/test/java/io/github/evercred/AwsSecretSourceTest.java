package io.github.evercred;

import static com.github.tomakehurst.wiremock.client.WireMock.aResponse;
import static com.github.tomakehurst.wiremock.client.WireMock.any;
import static com.github.tomakehurst.wiremock.client.WireMock.anyRequestedFor;
import static com.github.tomakehurst.wiremock.client.WireMock.anyUrl;
import static com.github.tomakehurst.wiremock.client.WireMock.equalTo;
import static com.github.tomakehurst.wiremock.client.WireMock.equalToJson;
import static com.github.tomakehurst.wiremock.client.WireMock.postRequestedFor;
import static com.github.tomakehurst.wiremock.client.WireMock.urlEqualTo;
import static com.github.tomakehurst.wiremock.core.WireMockConfiguration.options;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.github.tomakehurst.wiremock.WireMockServer;
import com.github.tomakehurst.wiremock.client.ResponseDefinitionBuilder;
import com.github.tomakehurst.wiremock.http.Fault;
import io.github.evercred.SecretException.Reason;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.mockito.Mockito;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.model.GetSecretValueRequest;

/** The real SDK against an HTTP server that answers as Secrets Manager does. */
@Timeout(60)
class AwsSecretSourceTest {
  private static final String ID = "prod/orders/db";
  private static final String VERSION = FakeSource.version(1);
  private static final String ARN =
      "arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/orders/db-AbCdEf";
  private static final Duration ENOUGH = Duration.ofSeconds(20);

  private static final WireMockServer AWS =
      new WireMockServer(options().dynamicPort().bindAddress("127.0.0.1"));
  private static final Map<String, @Nullable String> BEFORE = new HashMap<>();

  private final AwsSecretSource source =
      AwsSecretSource.create("eu-west-1", URI.create("http://127.0.0.1:" + AWS.port()));

  private static void property(String name, @Nullable String value) {
    BEFORE.putIfAbsent(name, System.getProperty(name));
    if (value == null) {
      System.clearProperty(name);
    } else {
      System.setProperty(name, value);
    }
  }

  private static void restoreProperties() {
    BEFORE.forEach(
        (name, value) -> {
          if (value == null) {
            System.clearProperty(name);
          } else {
            System.setProperty(name, value);
          }
        });
  }

  @BeforeAll
  static void start() {
    property("aws.accessKeyId", "AKIDEXAMPLE");
    property("aws.secretAccessKey", "example");
    AWS.start();
  }

  @AfterAll
  static void stop() {
    AWS.stop();
    restoreProperties();
  }

  @AfterEach
  void reset() {
    source.close();
    AWS.resetAll();
  }

  private static void answer(ResponseDefinitionBuilder response) {
    AWS.stubFor(any(anyUrl()).willReturn(response));
  }

  private static void answerJson(String body) {
    answer(aResponse().withHeader("Content-Type", "application/x-amz-json-1.1").withBody(body));
  }

  private static void answerError(int status, String code, String message) {
    answer(
        aResponse()
            .withStatus(status)
            .withHeader("Content-Type", "application/x-amz-json-1.1")
            .withHeader("x-amzn-RequestId", "req-1")
            .withBody("{\"__type\":\"%s\",\"message\":\"%s\"}".formatted(code, message)));
  }

  private static String body(String value) {
    return "{\"ARN\":\"%s\",\"Name\":\"%s\",\"VersionId\":\"%s\",%s,\"VersionStages\":[\"AWSCURRENT\",\"blue\"],\"CreatedDate\":1767225600.25}"
        .formatted(ARN, ID, VERSION, value);
  }

  private SecretValue fetch() {
    return source.fetch(new SecretRequest(ID, VersionSelector.CURRENT, ENOUGH));
  }

  private SecretException failure() {
    Throwable thrown = catchThrowable(this::fetch);
    assertThat(thrown).isInstanceOf(SecretException.class);
    return (SecretException) thrown;
  }

  private static void assertNotEchoed(Throwable failure, String marker) {
    assertThat(LeakTest.everythingSaidBy(failure)).doesNotContain(marker);
  }

  @Test
  void fetch_label_sendsGetSecretValueWithTheStageAndNothingElse() {
    answerJson(body("\"SecretString\":\"hunter2\""));

    fetch();

    AWS.verify(
        1,
        postRequestedFor(urlEqualTo("/"))
            .withHeader("X-Amz-Target", equalTo("secretsmanager.GetSecretValue"))
            .withRequestBody(
                equalToJson("{\"SecretId\":\"prod/orders/db\",\"VersionStage\":\"AWSCURRENT\"}")));
    AWS.verify(1, anyRequestedFor(anyUrl()));
    assertThat(AWS.getAllServeEvents().get(0).getRequest().getHeader("User-Agent"))
        .contains("evercred");
  }

  @Test
  void fetch_otherLabel_sendsThatStage() {
    answerJson(body("\"SecretString\":\"hunter2\""));

    source.fetch(new SecretRequest(ID, VersionSelector.label("blue"), ENOUGH));

    AWS.verify(
        1,
        postRequestedFor(anyUrl())
            .withRequestBody(
                equalToJson("{\"SecretId\":\"prod/orders/db\",\"VersionStage\":\"blue\"}")));
  }

  @Test
  void fetch_versionId_sendsTheIdAndNoStage() {
    answerJson(body("\"SecretString\":\"hunter2\""));

    source.fetch(new SecretRequest(ARN, VersionSelector.versionId(VERSION), ENOUGH));

    AWS.verify(
        1,
        postRequestedFor(anyUrl())
            .withRequestBody(
                equalToJson("{\"SecretId\":\"" + ARN + "\",\"VersionId\":\"" + VERSION + "\"}")));
  }

  @Test
  void fetch_text_bringsEverything() {
    answerJson(body("\"SecretString\":\"{\\\"user\\\":\\\"hünter\\\"}\""));

    SecretValue value = fetch();

    assertThat(value.secretId()).as("as the caller wrote it").isEqualTo(ID);
    assertThat(value.versionId()).isEqualTo(VERSION);
    assertThat(value.arn()).contains(ARN);
    assertThat(value.labels()).containsExactly("AWSCURRENT", "blue");
    assertThat(value.createdAt()).contains(Instant.parse("2026-01-01T00:00:00.250Z"));
    assertThat(value.field("user")).isEqualTo("hünter");
  }

  @Test
  void fetch_binary_bringsTheBytes() {
    answerJson(body("\"SecretBinary\":\"AAECAw==\""));

    SecretValue value = fetch();

    assertThat(value.isBinary()).isTrue();
    assertThat(value.asBytes()).containsExactly(0, 1, 2, 3);
  }

  @Test
  void fetch_emptyText_isAValue() {
    answerJson(body("\"SecretString\":\"\""));

    assertThat(fetch().asString()).isEmpty();
  }

  @Test
  void fetch_onlyWhatMustBe_isAValue() {
    answerJson("{\"VersionId\":\"" + VERSION + "\",\"SecretString\":\"x\"}");

    SecretValue value = fetch();

    assertThat(value.arn()).isEmpty();
    assertThat(value.createdAt()).isEmpty();
    assertThat(value.labels()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(ints = {500, 502, 503, 504, 403, 407})
  void fetch_errorWithoutJson_isUnavailableAndNotEchoed(int status) {
    answer(
        aResponse()
            .withStatus(status)
            .withHeader("Content-Type", "text/html")
            .withBody("<html>hunter2</html>"));

    SecretException failure = failure();

    assertThat(failure.reason()).isEqualTo(Reason.UNAVAILABLE);
    assertNotEchoed(failure, "hunter2");
    AWS.verify(1, anyRequestedFor(anyUrl()));
  }

  static Stream<Arguments> malformed() {
    return Stream.of(
            "",
            "hunter2",
            "\"hunter2\"",
            "[\"hunter2\"]",
            "<html>hunter2</html>",
            "{\"SecretString\":hunter2}",
            "{\"SecretString\":\"hunter2",
            "{\"SecretString\":\"hunter2\"",
            "{\"SecretString\":\"hunter2\"}",
            "{\"SecretString\":\"\\hunter2\",\"VersionId\":\"v\"}",
            "{\"hunter2\":",
            "{\"VersionId\":\"hunter2\"}",
            "{\"VersionId\":\"v\",\"SecretString\":null,\"Name\":\"hunter2\"}",
            "{\"VersionId\":\"v\",\"SecretBinary\":\"*hunter2*\"}",
            "{\"VersionId\":\"v\",\"SecretString\":\"x\",\"CreatedDate\":\"hunter2\"}",
            "{\"VersionId\":\"v\",\"SecretString\":\"x\",\"CreatedDate\":{\"hunter2\":1}}",
            "{\"VersionId\":\"v\",\"SecretString\":\"x\",\"CreatedDate\":1e99999}",
            "{\"VersionId\":\"v\",\"SecretBinary\":{\"a\":\"hunter2\"}}",
            "{\"VersionId\":{\"a\":\"hunter2\"},\"SecretString\":[\"hunter2\"]}",
            "{\"VersionId\":\"v\",\"SecretString\":{\"a\":\"hunter2\"}}",
            "{\"VersionId\":\"v\",\"SecretString\":\"hunter2\",\"VersionStages\":\"hunter2\"}",
            "{\"VersionId\":\"v\",\"SecretString\":\"hunter2\",\"VersionStages\":{\"a\":\"hunter2\"}}",
            "{\"VersionId\":\"v\",\"SecretString\":\"hunter2\",\"VersionStages\":[{\"a\":\"hunter2\"}]}",
            "{\"VersionId\":\"v\",\"SecretString\":\"x\"} hunter2",
            "{\"VersionId\":\"v\",\"SecretString\":\"hunter2" + "[".repeat(5_000),
            "{\"VersionId\":\"v\",\"hunter2\":" + "[".repeat(5_000))
        .map(Arguments::of);
  }

  /** Some are read all the same (the SDK is lenient); none may be quoted. */
  @ParameterizedTest
  @MethodSource("malformed")
  void fetch_malformedAnswer_isMalformedAndNeverEchoed(String body) {
    answerJson(body);

    Throwable thrown = catchThrowable(this::fetch);

    if (thrown != null) {
      assertThat(thrown)
          .isInstanceOfSatisfying(
              SecretException.class, e -> assertThat(e.reason()).isEqualTo(Reason.MALFORMED));
      assertNotEchoed(thrown, "hunter2");
      assertNotEchoed(thrown, "hunter");
    } else {
      assertThat(body).contains("\"VersionId\":\"v\"").contains("\"SecretString\"");
    }
  }

  @Test
  void fetch_connectionRefused_isUnavailable() throws IOException {
    int port;
    try (var free = new ServerSocket(0)) {
      port = free.getLocalPort();
    }
    try (var nobody = AwsSecretSource.create("eu-west-1", URI.create("http://127.0.0.1:" + port))) {
      Throwable thrown =
          catchThrowable(
              () -> nobody.fetch(new SecretRequest(ID, VersionSelector.CURRENT, ENOUGH)));

      assertThat(thrown)
          .isInstanceOfSatisfying(
              SecretException.class, e -> assertThat(e.reason()).isEqualTo(Reason.UNAVAILABLE));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"CONNECTION_RESET_BY_PEER", "EMPTY_RESPONSE"})
  void fetch_connectionBreaks_isUnavailable(Fault fault) {
    answer(aResponse().withFault(fault));

    SecretException failure = failure();

    assertThat(failure.reason()).isEqualTo(Reason.UNAVAILABLE);
  }

  @ParameterizedTest
  @ValueSource(strings = {"MALFORMED_RESPONSE_CHUNK", "RANDOM_DATA_THEN_CLOSE"})
  void fetch_garbage_isTransient(Fault fault) {
    answer(aResponse().withFault(fault));

    assertThat(failure().reason().isTransient()).isTrue();
  }

  @Test
  void fetch_slowAnswer_endsWithTheRequestsTimeout() {
    answer(aResponse().withBody(body("\"SecretString\":\"x\"")).withFixedDelay(20_000));

    assertEndsAtTheTimeout();
  }

  @Test
  void fetch_trickleOfAnAnswer_endsWithTheRequestsTimeout() {
    answer(
        aResponse().withBody(body("\"SecretString\":\"x\"")).withChunkedDribbleDelay(100, 20_000));

    assertEndsAtTheTimeout();
  }

  private void assertEndsAtTheTimeout() {
    long begun = System.nanoTime();
    Throwable thrown =
        catchThrowable(
            () ->
                source.fetch(
                    new SecretRequest(ID, VersionSelector.CURRENT, Duration.ofMillis(700))));
    Duration took = Duration.ofNanos(System.nanoTime() - begun);

    assertThat(thrown)
        .isInstanceOfSatisfying(
            SecretException.class, e -> assertThat(e.reason()).isEqualTo(Reason.UNAVAILABLE))
        .hasMessageContaining("PT0.7S");
    assertThat(took).isBetween(Duration.ofMillis(600), Duration.ofSeconds(5));
    assertThat(Thread.interrupted()).as("interrupt left behind").isFalse();
    AWS.verify(1, anyRequestedFor(anyUrl()));
  }

  private static SecretsManagerClient handedIn() {
    return SecretsManagerClient.builder()
        .region(Region.EU_CENTRAL_1)
        .endpointOverride(URI.create("http://127.0.0.1:" + AWS.port()))
        .credentialsProvider(
            StaticCredentialsProvider.create(AwsBasicCredentials.create("AKIDEXAMPLE", "example")))
        .httpClientBuilder(UrlConnectionHttpClient.builder())
        .overrideConfiguration(o -> o.retryStrategy(AwsRetryStrategy.doNotRetry()))
        .build();
  }

  @Test
  void of_clientHandedIn_isUsedTimedAndNotClosed() {
    answer(aResponse().withBody(body("\"SecretString\":\"x\"")).withFixedDelay(20_000));
    try (SecretsManagerClient client = handedIn()) {
      AwsSecretSource given = AwsSecretSource.of(client);
      assertThat(given.description()).isEqualTo("eu-central-1");
      Throwable late =
          catchThrowable(
              () ->
                  given.fetch(
                      new SecretRequest(ID, VersionSelector.CURRENT, Duration.ofMillis(500))));
      assertThat(late).hasMessageContaining("PT0.5S");

      given.close();
      answerJson(body("\"SecretString\":\"open\""));
      assertThat(
              client
                  .getSecretValue(GetSecretValueRequest.builder().secretId(ID).build())
                  .secretString())
          .isEqualTo("open");
    }
  }

  @Test
  void close_clientHandedIn_isNeverTouched() {
    SecretsManagerClient client = Mockito.mock(SecretsManagerClient.class);
    Mockito.when(client.serviceClientConfiguration())
        .thenThrow(new UnsupportedOperationException());
    AwsSecretSource given = AwsSecretSource.of(client);

    given.close();
    try (SecretCache cache = SecretCache.builder().source(given).build()) {
      assertThat(cache.toString()).contains("the given client");
    }

    Mockito.verify(client, Mockito.never()).close();
  }

  private static Reason reasonOf(ThrowingCallable fetch) {
    Throwable thrown = catchThrowable(fetch);
    assertThat(thrown).isInstanceOf(SecretException.class);
    return ((SecretException) thrown).reason();
  }

  @Test
  void close_builtHere_laterFetchesAreClosedAndMakeNoCall() {
    answerJson(body("\"SecretString\":\"x\""));
    fetch();

    source.close();
    source.close();

    assertThat(failure().reason()).isEqualTo(Reason.CLOSED);
    assertThat(reasonOf(() -> source.fetchBatch(List.of(ID), ENOUGH))).isEqualTo(Reason.CLOSED);
    AWS.verify(1, anyRequestedFor(anyUrl()));
  }

  @Test
  void close_nothingBuilt_nothingIsBuiltLater() {
    var built = new AtomicInteger();
    var unused =
        new AwsSecretSource(
            () -> {
              built.incrementAndGet();
              return handedIn();
            },
            "test",
            true);

    unused.close();

    assertThat(reasonOf(() -> unused.fetch(new SecretRequest(ID, VersionSelector.CURRENT, ENOUGH))))
        .isEqualTo(Reason.CLOSED);
    assertThat(built).hasValue(0);
  }

  @Test
  void close_clientIsBeingBuilt_isClosedOnceItIs() throws Exception {
    SecretsManagerClient client = Mockito.mock(SecretsManagerClient.class);
    var building = new CountDownLatch(1);
    var go = new CountDownLatch(1);
    var slow =
        new AwsSecretSource(
            () -> {
              building.countDown();
              awaitQuietly(go);
              return client;
            },
            "test",
            true);
    var fetching =
        Crew.of(2, () -> slow.fetch(new SecretRequest(ID, VersionSelector.CURRENT, ENOUGH)));
    assertThat(building.await(20, TimeUnit.SECONDS)).isTrue();

    slow.close();
    go.countDown();

    assertThat(fetching.failures()).extracting(SecretException::reason).containsOnly(Reason.CLOSED);
    Mockito.verify(client).close();
    Mockito.verifyNoMoreInteractions(client);
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void close_whileACallIsUnderWay_whatTheClosedClientThrowsIsClosed() {
    SecretsManagerClient client = Mockito.mock(SecretsManagerClient.class);
    var closing = new AwsSecretSource(() -> client, "test", true);
    Mockito.when(client.getSecretValue(Mockito.any(GetSecretValueRequest.class)))
        .thenAnswer(
            call -> {
              closing.close();
              throw new IllegalStateException("Connection pool shut down");
            });

    assertThat(
            reasonOf(() -> closing.fetch(new SecretRequest(ID, VersionSelector.CURRENT, ENOUGH))))
        .isEqualTo(Reason.CLOSED);
  }

  /** The SDK disconnects at its time-out, whatever the JDK's connection is about to do. */
  @Test
  void fetch_connectionCutOffUnderTheJdk_isNoAnswerInTime() {
    var met = new NullPointerException("because \"this.http\" is null");
    met.setStackTrace(
        new StackTraceElement[] {
          new StackTraceElement(
              "sun.net.www.protocol.http.HttpURLConnection", "getOutputStream0", null, 1)
        });
    SecretsManagerClient client = Mockito.mock(SecretsManagerClient.class);
    Mockito.when(client.getSecretValue(Mockito.any(GetSecretValueRequest.class)))
        .thenAnswer(
            call -> {
              throw met;
            });

    Throwable thrown =
        catchThrowable(
            () ->
                new AwsSecretSource(() -> client, "test", true)
                    .fetch(new SecretRequest(ID, VersionSelector.CURRENT, ENOUGH)));

    assertThat(thrown)
        .isInstanceOfSatisfying(
            SecretException.class, e -> assertThat(e.reason()).isEqualTo(Reason.UNAVAILABLE))
        .hasMessageContaining("no answer within")
        .hasCause(met);
  }

  @Test
  void create_nothingFetched_touchesNothing() {
    try (var unused = AwsSecretSource.create()) {
      assertThat(unused.description()).isEqualTo("the default region");
    }
    AWS.verify(0, anyRequestedFor(anyUrl()));
    assertThat(source.description()).isEqualTo("http://127.0.0.1:" + AWS.port());
    assertThat(AwsSecretSource.create("eu-west-3", null).description()).isEqualTo("eu-west-3");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "https://user:MaRkEr7f3a@host",
        "https://MaRkEr7f3a@host:8443/path",
        "https://host/?token=MaRkEr7f3a",
        "https://host/#MaRkEr7f3a",
        "ftp://MaRkEr7f3a",
        "//MaRkEr7f3a",
        "mailto:MaRkEr7f3a",
      })
  void create_endpointThatIsNone_isRefusedAndNotQuoted(String endpoint) {
    Throwable thrown =
        catchThrowable(() -> AwsSecretSource.create("eu-west-1", URI.create(endpoint)));

    assertThat(thrown)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("endpoint must be an http or https URL");
    assertThat(LeakTest.everythingSaidBy(thrown)).doesNotContain("MaRkEr7f3a");
  }

  @Test
  void fetch_noRegion_isConfigurationAndTriedAgain() {
    property("aws.region", null);
    property("aws.disableEc2Metadata", "true");
    property("aws.configFile", "/nonexistent");
    property("aws.sharedCredentialsFile", "/nonexistent");
    assertThat(System.getenv("AWS_REGION")).as("this test needs a region unset").isNull();
    answerJson(body("\"SecretString\":\"x\""));
    try (var lost = AwsSecretSource.create(null, URI.create("http://127.0.0.1:" + AWS.port()))) {
      var request = new SecretRequest(ID, VersionSelector.CURRENT, ENOUGH);
      Throwable first = catchThrowable(() -> lost.fetch(request));
      Throwable second = catchThrowable(() -> lost.fetch(request));

      assertThat(first)
          .isInstanceOfSatisfying(
              SecretException.class, e -> assertThat(e.reason()).isEqualTo(Reason.CONFIGURATION))
          .hasMessageContaining("region");
      assertThat(second).isInstanceOf(SecretException.class).isNotSameAs(first);

      property("aws.region", "eu-west-1");
      assertThat(lost.fetch(request).asString()).isEqualTo("x");
    } finally {
      restoreProperties();
      property("aws.accessKeyId", "AKIDEXAMPLE");
      property("aws.secretAccessKey", "example");
    }
  }

  @Test
  void fetch_noCredentials_isAwsCredentials() {
    property("aws.accessKeyId", null);
    property("aws.secretAccessKey", null);
    property("aws.disableEc2Metadata", "true");
    property("aws.configFile", "/nonexistent");
    property("aws.sharedCredentialsFile", "/nonexistent");
    try {
      assertThat(failure().reason()).isEqualTo(Reason.AWS_CREDENTIALS);
    } finally {
      restoreProperties();
      property("aws.accessKeyId", "AKIDEXAMPLE");
      property("aws.secretAccessKey", "example");
    }
  }

  @Test
  void fetch_callersThread_isLeftUninterruptedAndErrorsPass() {
    SecretsManagerClient client = Mockito.mock(SecretsManagerClient.class);
    Mockito.when(client.serviceClientConfiguration())
        .thenThrow(new UnsupportedOperationException());
    Mockito.when(client.getSecretValue(Mockito.any(GetSecretValueRequest.class)))
        .thenThrow(new NoClassDefFoundError("gone"));

    Throwable thrown =
        catchThrowable(
            () ->
                AwsSecretSource.of(client)
                    .fetch(new SecretRequest(ID, VersionSelector.CURRENT, ENOUGH)));

    assertThat(thrown).isInstanceOf(NoClassDefFoundError.class);
  }

  @Test
  void cache_throughTheSdk_retriesOnlyItself() {
    answerError(503, "ServiceUnavailable", "down");
    try (SecretCache cache = SecretCache.builder().source(source).build()) {
      Throwable thrown = catchThrowable(() -> cache.get(ID));

      assertThat(thrown)
          .isInstanceOf(SecretException.class)
          .hasMessageContaining("3 attempts")
          .hasMessageContaining("503");
      AWS.verify(3, anyRequestedFor(anyUrl()));
    }
  }
}
