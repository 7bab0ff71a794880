package io.github.evercred;

import static com.github.tomakehurst.wiremock.client.WireMock.aResponse;
import static com.github.tomakehurst.wiremock.client.WireMock.any;
import static com.github.tomakehurst.wiremock.client.WireMock.anyUrl;
import static com.github.tomakehurst.wiremock.core.WireMockConfiguration.options;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.github.tomakehurst.wiremock.WireMockServer;
import io.github.evercred.SecretException.Reason;
import io.github.evercred.testkit.Fault;
import io.github.evercred.testkit.LocalAgent;
import io.github.evercred.testkit.LocalSecretsManager;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The local agent's protocol, and what is done where it does not answer. */
@Timeout(30)
class LocalAgentSourceTest {
  private static final String TOKEN = "token-83b1c7";
  private static final String ID = "prod/a+b=c/db";
  private static final Duration ENOUGH = Duration.ofSeconds(5);
  private static final Duration LITTLE = Duration.ofMillis(400);

  private final LocalSecretsManager secrets = LocalSecretsManager.start();
  private final List<SecretRequest> fallen = Collections.synchronizedList(new ArrayList<>());
  private final SecretSource fallback =
      request -> {
        fallen.add(request);
        return SecretValue.builder(request.secretId(), "of-the-fallback").text("else");
      };
  private final List<AutoCloseable> open = new ArrayList<>(List.of(secrets));

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable one : open) {
      one.close();
    }
  }

  private LocalAgent agent(LocalAgent.Builder builder) {
    LocalAgent agent = builder.token(TOKEN).start();
    open.add(agent);
    return agent;
  }

  private LocalAgentSource source(LocalAgentSource.Builder builder, int port) {
    LocalAgentSource source = builder.port(port).token(() -> TOKEN).build();
    open.add(source);
    return source;
  }

  private LocalAgentSource alone(int port) {
    return source(LocalAgentSource.builder().withoutFallback(), port);
  }

  private static SecretRequest asks(VersionSelector version, Duration timeout, boolean fresh) {
    return new SecretRequest(ID, version, timeout, fresh);
  }

  private static SecretValue current(SecretSource source) {
    return source.fetch(asks(VersionSelector.CURRENT, ENOUGH, false));
  }

  private static SecretException failure(SecretSource source, Duration timeout) {
    return catchThrowableOfType(
        SecretException.class, () -> source.fetch(asks(VersionSelector.CURRENT, timeout, false)));
  }

  /** No server of a test's can ever stand there, as it may at a port that was just free. */
  private static int nobodysPort() {
    return 1;
  }

  private WireMockServer stub(int status, String body) {
    WireMockServer server = new WireMockServer(options().dynamicPort().bindAddress("127.0.0.1"));
    server.start();
    open.add(server::stop);
    server.stubFor(any(anyUrl()).willReturn(aResponse().withStatus(status).withBody(body)));
    return server;
  }

  @Test
  void fetch_textBytesLabelsAndVersions_areWhatSecretsManagerHas() {
    String arn = secrets.createSecret(ID, "{\"password\":\"p\\u00e4ss\"}");
    secrets.createSecret("bytes", new byte[] {0, -1, 5});
    LocalAgentSource source = alone(agent(LocalAgent.before(secrets)).port());

    SecretValue value = current(source);

    assertThat(value.secretId()).isEqualTo(ID);
    assertThat(value.arn()).contains(arn);
    assertThat(value.labels()).containsExactly("AWSCURRENT");
    assertThat(value.createdAt()).isPresent();
    assertThat(value.field("password")).isEqualTo("p\u00e4ss");
    assertThat(source.fetch(asks(VersionSelector.versionId(value.versionId()), ENOUGH, false)))
        .extracting(SecretValue::versionId)
        .isEqualTo(value.versionId());
    assertThat(source.fetch(new SecretRequest("bytes", VersionSelector.CURRENT, ENOUGH)).asBytes())
        .containsExactly(0, -1, 5);
  }

  @Test
  void fetch_noSuchLabel_isSortedAsAwsSaysIt() {
    secrets.createSecret(ID, "value");
    LocalAgentSource source =
        source(
            LocalAgentSource.builder().fallback(fallback),
            agent(LocalAgent.before(secrets)).port());

    assertThatThrownBy(() -> source.fetch(asks(VersionSelector.PENDING, ENOUGH, false)))
        .isInstanceOfSatisfying(
            SecretException.class, e -> assertThat(e.reason()).isEqualTo(Reason.NOT_FOUND))
        .hasMessageContaining("The secret itself was found");
    assertThat(fallen).as("an answer is an answer").isEmpty();
  }

  @Test
  void fetch_accessDenied_isNotTriedElsewhere() {
    secrets.createSecret(ID, "value");
    secrets.inject(Fault.accessDenied());
    LocalAgentSource source =
        source(
            LocalAgentSource.builder().fallback(fallback),
            agent(LocalAgent.before(secrets)).port());

    assertThat(failure(source, ENOUGH).reason()).isEqualTo(Reason.ACCESS_DENIED);
    assertThat(fallen).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "401, Bad token,                                 AWS_CREDENTIALS",
    "403, Bad token,                                 AWS_CREDENTIALS",
    "400, Unknown parameter,                         INVALID_REQUEST",
    "404, Not found,                                 INVALID_REQUEST",
    "429, Too many,                                  THROTTLED",
    "500, '',                                        UNAVAILABLE",
    "502, network,                                   UNAVAILABLE",
    "504, timeout,                                   UNAVAILABLE",
    "400, '{\"__type\":\"ThrottlingException\"}',    THROTTLED",
    "400, '{\"__type\":\"x#ResourceNotFoundException\",\"message\":\"m\"}', NOT_FOUND",
    "400, '{\"__type\":\"DecryptionFailure\"}',      KEY_UNUSABLE",
    "500, '{\"__type\":\"InternalServiceError\"}',   UNAVAILABLE",
    "200, '{\"VersionId\":\"v\"}',                   MALFORMED",
    "200, 'SECRET',                                  MALFORMED",
    "200, '{\"VersionId\":\"v\",\"SecretBinary\":\"*\"}', MALFORMED",
    "302, '',                                        UNAVAILABLE",
  })
  void fetch_anyAnswer_hasItsReason(int status, String body, Reason reason) {
    SecretException failure = failure(alone(stub(status, body).port()), ENOUGH);

    assertThat(failure.reason()).isEqualTo(reason);
    assertThat(failure).hasMessageNotContaining(TOKEN).hasMessageNotContaining("SECRET");
  }

  @ParameterizedTest
  @CsvSource({"429, true", "500, true", "504, true", "403, false", "404, false"})
  void fetch_whatIsNoAnswer_isAskedOfTheFallback(int status, boolean falls) {
    LocalAgentSource source =
        source(LocalAgentSource.builder().fallback(fallback), stub(status, "no").port());

    if (falls) {
      assertThat(current(source).versionId()).isEqualTo("of-the-fallback");
    } else {
      assertThat(failure(source, ENOUGH)).isNotNull();
    }
    assertThat(fallen).hasSize(falls ? 1 : 0);
  }

  @Test
  void fetch_notReadyAtFirst_isAskedAgain() {
    secrets.createSecret(ID, "value");
    LocalAgent agent = agent(LocalAgent.before(secrets).notReadyFor(4));
    LocalAgentSource source = source(LocalAgentSource.builder().fallback(fallback), agent.port());

    assertThat(current(source).asString()).isEqualTo("value");
    assertThat(agent.requests()).isEqualTo(5);
    assertThat(fallen).isEmpty();
  }

  @Test
  void fetch_neverReadyWithoutFallback_endsInItsTime() {
    LocalAgent agent = agent(LocalAgent.before(secrets).notReadyFor(1_000));

    SecretException failure = failure(alone(agent.port()), LITTLE);

    assertThat(failure.reason()).isEqualTo(Reason.UNAVAILABLE);
    assertThat(failure).hasMessageContaining("not ready yet");
    assertThat(agent.requests()).isBetween(2, 40);
  }

  @Test
  void fetch_nobodyListens_isAskedOfTheFallbackAndRemembered() {
    int port = nobodysPort();
    LocalAgentSource source = source(LocalAgentSource.builder().fallback(fallback), port);

    assertThat(source.fetch(asks(VersionSelector.CURRENT, LITTLE, false)).versionId())
        .isEqualTo("of-the-fallback");
    assertThat(fallen.get(0).timeout()).isLessThan(LITTLE);
    source.fetch(asks(VersionSelector.CURRENT, LITTLE, false));
    assertThat(fallen.get(1).timeout()).as("asked at once").isEqualTo(LITTLE);
  }

  @Test
  void fetch_agentComesBack_isAskedAgainAfterHalfAMinute() {
    secrets.createSecret(ID, "value");
    Fault broken = Fault.serverError();
    secrets.inject(broken);
    LocalAgent agent = agent(LocalAgent.before(secrets));
    FakeTime time = new FakeTime();
    open.add(time);
    LocalAgentSource source =
        LocalAgentSource.builder()
            .port(agent.port())
            .token(() -> TOKEN)
            .fallback(fallback)
            .build(Map.of(), time);
    open.add(source);

    assertThat(current(source).versionId()).isEqualTo("of-the-fallback");
    secrets.clear(broken);
    time.advance(Duration.ofSeconds(29));
    assertThat(current(source).versionId()).isEqualTo("of-the-fallback");
    assertThat(agent.requests()).isEqualTo(1);
    time.advance(Duration.ofSeconds(2));
    assertThat(current(source).asString()).isEqualTo("value");
  }

  @Test
  void fetch_hangingAgent_leavesInItsTime() {
    secrets.createSecret(ID, "value");
    secrets.inject(Fault.hang());

    SecretException failure = failure(alone(agent(LocalAgent.before(secrets)).port()), LITTLE);

    assertThat(failure.reason()).isEqualTo(Reason.UNAVAILABLE);
    assertThat(failure).hasMessageContaining("did not answer");
  }

  @Test
  void fetch_withinTheAgentsTimeToLive_isItsCopyUnlessFresh() {
    secrets.createSecret(ID, "one");
    LocalAgent agent = agent(LocalAgent.before(secrets).refreshNow(true));
    LocalAgentSource source =
        source(LocalAgentSource.builder().refreshNow(true).withoutFallback(), agent.port());
    String first = current(source).versionId();
    String second = secrets.putSecretValue(ID, null, "two");

    assertThat(current(source).versionId()).isEqualTo(first);
    assertThat(source.fetch(asks(VersionSelector.CURRENT, ENOUGH, true)).versionId())
        .isEqualTo(second);
  }

  @Test
  void fetch_freshOfTheExtension_isAskedOfTheFallback() {
    secrets.createSecret(ID, "one");
    LocalAgentSource source =
        source(
            LocalAgentSource.builder().refreshNow(false).fallback(fallback),
            agent(LocalAgent.before(secrets)).port());

    assertThat(source.fetch(asks(VersionSelector.CURRENT, ENOUGH, true)).versionId())
        .isEqualTo("of-the-fallback");
    assertThat(current(source).asString()).as("the agent is not avoided").isEqualTo("one");
  }

  @Test
  void refresh_throughTheCache_isFreshAndALoadIsNot() {
    secrets.createSecret(ID, "one");
    LocalAgent agent = agent(LocalAgent.before(secrets).refreshNow(true));
    LocalAgentSource source =
        source(LocalAgentSource.builder().refreshNow(true).withoutFallback(), agent.port());
    try (SecretCache cache =
        SecretCache.builder().source(source).minimumInterval(Duration.ZERO).build()) {
      String first = cache.get(ID).versionId();
      String second = secrets.putSecretValue(ID, null, "two");

      assertThat(cache.refreshUnless(ID, first).versionId()).isEqualTo(second);
      assertThat(cache.get(ID).versionId()).isEqualTo(second);
      assertThat(secrets.calls("GetSecretValue")).isEqualTo(2);
    }
  }

  /** Whoever forces a refresh must not get what a fetch brings that may be answered by a copy. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void forced_whileAnotherFetchRuns_makesOneOfItsOwn(boolean afterARefusal) throws Exception {
    var begun = new CountDownLatch(1);
    var released = new CountDownLatch(1);
    var fetches = new AtomicInteger();
    SecretSource copying =
        new SecretSource() {
          @Override
          public SecretValue fetch(SecretRequest request) {
            if (fetches.incrementAndGet() == 2) {
              begun.countDown();
              try {
                released.await(20, TimeUnit.SECONDS);
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            }
            return SecretValue.builder(request.secretId(), request.fresh() ? "now" : "copy")
                .text("value");
          }

          @Override
          public boolean hasCache() {
            return true;
          }
        };
    try (SecretCache cache =
        SecretCache.builder().source(copying).minimumInterval(Duration.ZERO).build()) {
      assertThat(cache.get(ID).versionId()).isEqualTo("copy");
      long refused = cache.time().nanos();
      cache.refreshInBackground(ID);
      assertThat(begun.await(10, TimeUnit.SECONDS)).isTrue();

      SecretValue forced =
          afterARefusal
              ? cache.fetchAnew(
                  ID,
                  VersionSelector.CURRENT,
                  refused,
                  cache.time().in(Duration.ofSeconds(10).toNanos()))
              : cache.refresh(ID);
      assertThat(forced.versionId()).isEqualTo("now");
      released.countDown();
      assertThat(cache.get(ID).versionId()).isEqualTo("now");
    }
  }

  @Test
  void token_file_isReadAtEachFetch(@TempDir Path dir) throws Exception {
    secrets.createSecret(ID, "value");
    LocalAgent agent = agent(LocalAgent.before(secrets));
    Path file = Files.writeString(dir.resolve("token"), "an older one");
    try (LocalAgentSource source =
        LocalAgentSource.builder()
            .port(agent.port())
            .withoutFallback()
            .build(Map.of("AWS_TOKEN", "file://" + file), Time.system())) {
      assertThat(failure(source, ENOUGH).reason()).isEqualTo(Reason.AWS_CREDENTIALS);
      Files.writeString(file, TOKEN + "\n");
      assertThat(current(source).asString()).isEqualTo("value");
    }
    try (LocalAgentSource source =
        LocalAgentSource.builder()
            .port(agent.port())
            .tokenFile(dir.resolve("absent"))
            .withoutFallback()
            .build()) {
      assertThat(failure(source, ENOUGH))
          .hasMessageContaining("make the file readable")
          .extracting(SecretException::reason)
          .isEqualTo(Reason.CONFIGURATION);
    }
  }

  @Test
  void token_withALineBreak_isRefusedAndNotQuoted() {
    try (LocalAgentSource source =
        LocalAgentSource.builder()
            .port(1)
            .token(() -> TOKEN + "\r\nHost: elsewhere")
            .withoutFallback()
            .build()) {
      assertThat(failure(source, ENOUGH))
          .hasMessageNotContaining(TOKEN)
          .extracting(SecretException::reason)
          .isEqualTo(Reason.CONFIGURATION);
    }
  }

  @Test
  void environment_onLambda_decidesPortTokenAndRefreshNow() {
    secrets.createSecret(ID, "value");
    LocalAgent agent = agent(LocalAgent.before(secrets));
    Map<String, String> lambda =
        Map.of(
            "AWS_LAMBDA_FUNCTION_NAME",
            "f",
            "AWS_SESSION_TOKEN",
            TOKEN,
            "AWS_CONTAINER_AUTHORIZATION_TOKEN",
            "not this one",
            "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT",
            Integer.toString(agent.port()));
    try (LocalAgentSource source =
        LocalAgentSource.builder().fallback(fallback).build(lambda, Time.system())) {
      assertThat(current(source).asString()).isEqualTo("value");
      assertThat(source.fetch(asks(VersionSelector.CURRENT, ENOUGH, true)).versionId())
          .as("no refreshNow there")
          .isEqualTo("of-the-fallback");
      assertThat(source.description()).contains(Integer.toString(agent.port()));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "AWS_LAMBDA_FUNCTION_NAME, PARAMETERS_SECRETS_EXTENSION_LOG_LEVEL, '',                     true",
    "AWS_LAMBDA_FUNCTION_NAME, HOME,                                   '',                     false",
    "AWS_LAMBDA_FUNCTION_NAME, HOME,                                   a-Secrets-extension,    true",
    "AWS_LAMBDA_FUNCTION_NAME, HOME,                                   insights,               false",
    "HOME,                     PARAMETERS_SECRETS_EXTENSION_LOG_LEVEL, a-secrets-extension,    false",
  })
  void isAtHand_onlyInAFunctionWithTheExtension(
      String one, String other, String file, boolean expected) {
    assertThat(LocalAgentSource.isAtHand(Map.of(one, "1", other, "1"), () -> List.of(file)))
        .isEqualTo(expected);
  }

  @Test
  void builder_wrongOrTwice_isRefused() {
    assertThatThrownBy(() -> LocalAgentSource.builder().port(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("1 to 65535");
    assertThatThrownBy(() -> LocalAgentSource.builder().port(1).port(2))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> LocalAgentSource.builder().withoutFallback().fallback(fallback))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(
            () ->
                LocalAgentSource.builder()
                    .build(Map.of("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", "x"), Time.system()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT");
  }

  @Test
  void close_thenFetch_saysClosed() {
    LocalAgentSource source = alone(1);
    source.close();
    source.close();

    assertThat(failure(source, ENOUGH).reason()).isEqualTo(Reason.CLOSED);
  }

  @Test
  void cacheBuilder_localAgentBesideAnotherPlace_isRefused() {
    java.util.Properties region = new java.util.Properties();
    region.setProperty("evercred.region", "eu-west-1");
    assertThatThrownBy(() -> SecretCache.builder().localAgent().properties(region).build())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("localAgent")
        .hasMessageContaining("eu-west-1");
    assertThatThrownBy(() -> SecretCache.builder().localAgent().source(fallback).build())
        .isInstanceOf(IllegalStateException.class);
  }

  @ParameterizedTest
  @CsvSource({
    "true,  auto,   true",
    "true,  never,  false",
    "false, auto,   false",
    "false, always, true",
  })
  void cacheBuilder_environment_choosesTheSource(boolean lambda, String option, boolean agent) {
    Map<String, String> environment = new java.util.HashMap<>();
    environment.put("EVERCRED_LOCAL_AGENT", option);
    if (lambda) {
      environment.put("AWS_LAMBDA_FUNCTION_NAME", "f");
      environment.put("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", "4711");
    }
    try (SecretCache cache =
        new SecretCacheBuilder(new java.util.Properties(), environment).build(Time.system())) {
      assertThat(cache.toString()).contains(agent ? "local agent" : "default region");
    }
  }
}
