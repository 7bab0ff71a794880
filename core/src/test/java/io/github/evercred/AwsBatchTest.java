package io.github.evercred;

import static com.github.tomakehurst.wiremock.client.WireMock.aResponse;
import static com.github.tomakehurst.wiremock.client.WireMock.any;
import static com.github.tomakehurst.wiremock.client.WireMock.anyRequestedFor;
import static com.github.tomakehurst.wiremock.client.WireMock.anyUrl;
import static com.github.tomakehurst.wiremock.client.WireMock.equalTo;
import static com.github.tomakehurst.wiremock.client.WireMock.equalToJson;
import static com.github.tomakehurst.wiremock.client.WireMock.matchingJsonPath;
import static com.github.tomakehurst.wiremock.client.WireMock.post;
import static com.github.tomakehurst.wiremock.client.WireMock.postRequestedFor;
import static com.github.tomakehurst.wiremock.core.WireMockConfiguration.options;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.github.tomakehurst.wiremock.WireMockServer;
import com.github.tomakehurst.wiremock.client.ResponseDefinitionBuilder;
import io.github.evercred.SecretException.Reason;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.logging.Level;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.model.BatchGetSecretValueRequest;
import software.amazon.awssdk.services.secretsmanager.model.BatchGetSecretValueResponse;
import software.amazon.awssdk.services.secretsmanager.model.SecretValueEntry;

/** BatchGetSecretValue by the real SDK against an HTTP server that answers as AWS does. */
@Timeout(60)
class AwsBatchTest {
  private static final String HEAD = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:";
  private static final Duration ENOUGH = Duration.ofSeconds(20);

  private static final WireMockServer AWS =
      new WireMockServer(options().dynamicPort().bindAddress("127.0.0.1"));
  private static SecretsManagerClient client;
  private static AwsSecretSource source;

  @BeforeAll
  static void start() {
    AWS.start();
    client =
        SecretsManagerClient.builder()
            .region(Region.EU_WEST_1)
            .endpointOverride(URI.create("http://127.0.0.1:" + AWS.port()))
            .credentialsProvider(
                StaticCredentialsProvider.create(
                    AwsBasicCredentials.create("AKIDEXAMPLE", "example")))
            .httpClientBuilder(UrlConnectionHttpClient.builder())
            .overrideConfiguration(o -> o.retryStrategy(AwsRetryStrategy.doNotRetry()))
            .build();
    source = AwsSecretSource.of(client);
  }

  @AfterAll
  static void stop() {
    client.close();
    AWS.stop();
  }

  @AfterEach
  void reset() {
    AWS.resetAll();
  }

  private static String arn(String name) {
    return HEAD + name + "-AbCdEf";
  }

  private static String value(String name, String value) {
    return value(arn(name), name, "\"SecretString\":\"" + value + "\"");
  }

  private static String value(String arn, String name, String value) {
    return "{\"ARN\":\"%s\",\"Name\":\"%s\",\"VersionId\":\"%s\",%s,\"VersionStages\":[\"AWSCURRENT\"],\"CreatedDate\":1767225600}"
        .formatted(arn, name, FakeSource.version(1), value);
  }

  private static String error(String id, String code, String message) {
    return "{\"SecretId\":\"%s\",\"ErrorCode\":\"%s\",\"Message\":\"%s\"}"
        .formatted(id, code, message);
  }

  private static String page(String values, String errors, String next) {
    return "{\"SecretValues\":[%s],\"Errors\":[%s]%s}"
        .formatted(values, errors, next.isEmpty() ? "" : ",\"NextToken\":\"" + next + "\"");
  }

  private static ResponseDefinitionBuilder json(String body) {
    return aResponse()
        .withHeader("Content-Type", "application/x-amz-json-1.1")
        .withHeader("x-amzn-RequestId", "req-1")
        .withBody(body);
  }

  private static ResponseDefinitionBuilder failure(int status, String code) {
    return json("{\"__type\":\"" + code + "\",\"message\":\"m\"}").withStatus(status);
  }

  private static void answer(ResponseDefinitionBuilder answer) {
    AWS.stubFor(any(anyUrl()).willReturn(answer));
  }

  private static void answer(String token, ResponseDefinitionBuilder answer) {
    AWS.stubFor(
        post(anyUrl())
            .withRequestBody(matchingJsonPath("$.NextToken", equalTo(token)))
            .willReturn(answer));
  }

  private static SecretBatch fetch(String... ids) {
    return source.fetchBatch(List.of(ids), ENOUGH);
  }

  private static SecretValue valueOf(SecretBatch batch, String id) {
    assertThat(batch.values()).containsKey(id);
    return Objects.requireNonNull(batch.values().get(id));
  }

  private static SecretException failureOf(SecretBatch batch, String id) {
    assertThat(batch.failures()).containsKey(id);
    return Objects.requireNonNull(batch.failures().get(id));
  }

  private static SecretException failureOf(String... ids) {
    Throwable thrown = catchThrowable(() -> fetch(ids));
    assertThat(thrown).isInstanceOf(SecretException.class);
    return (SecretException) thrown;
  }

  @Test
  void batch_twentyIds_areOneCall() {
    List<String> ids = IntStream.range(0, source.batchSize()).mapToObj(i -> "s" + i).toList();
    answer(
        json(page(ids.stream().map(id -> value(id, id)).collect(Collectors.joining(",")), "", "")));

    SecretBatch batch = source.fetchBatch(ids, ENOUGH);

    assertThat(ids).hasSize(20);
    assertThat(batch.values()).containsOnlyKeys(ids);
    assertThat(batch.failures()).isEmpty();
    AWS.verify(1, anyRequestedFor(anyUrl()));
    AWS.verify(
        1,
        postRequestedFor(anyUrl())
            .withHeader("X-Amz-Target", equalTo("secretsmanager.BatchGetSecretValue"))
            .withRequestBody(
                equalToJson(
                    "{\"SecretIdList\":[\"" + String.join("\",\"", ids) + "\"]}", false, false)));
  }

  @Test
  void batch_value_bringsEverything() {
    answer(
        json(
            page(
                value("text", "hünter")
                    + ","
                    + value(arn("bytes"), "bytes", "\"SecretBinary\":\"AAEC\""),
                "",
                "")));

    SecretBatch batch = fetch("text", "bytes");

    SecretValue text = valueOf(batch, "text");
    assertThat(text.secretId()).isEqualTo("text");
    assertThat(text.asString()).isEqualTo("hünter");
    assertThat(text.arn()).contains(arn("text"));
    assertThat(text.versionId()).isEqualTo(FakeSource.version(1));
    assertThat(text.labels()).containsExactly("AWSCURRENT");
    assertThat(text.createdAt()).contains(Instant.parse("2026-01-01T00:00:00Z"));
    assertThat(valueOf(batch, "bytes").asBytes()).containsExactly(0, 1, 2);
  }

  @Test
  void batch_noIds_makesNoCall() {
    SecretBatch batch = source.fetchBatch(List.of(), ENOUGH);

    assertThat(batch.values()).isEmpty();
    assertThat(batch.failures()).isEmpty();
    AWS.verify(0, anyRequestedFor(anyUrl()));
  }

  @Test
  void batch_pages_areAllRead() {
    answer(json(page("", "", "t2"))); // Without any value.
    answer("t2", json(page(value("a", "1"), "", "t3")));
    answer("t3", json(page("", error("b", "ResourceNotFoundException", "m"), "t4")));
    answer("t4", json(page(value("c", "3"), "", "")));

    SecretBatch batch = fetch("a", "b", "c");

    assertThat(batch.values()).containsOnlyKeys("a", "c");
    assertThat(batch.failures()).containsOnlyKeys("b");
    AWS.verify(4, anyRequestedFor(anyUrl()));
    AWS.verify(
        1,
        postRequestedFor(anyUrl())
            .withRequestBody(
                equalToJson("{\"SecretIdList\":[\"a\",\"b\",\"c\"],\"NextToken\":\"t4\"}")));
  }

  @Test
  void batch_arnAndPartOfIt_bothGetTheValue() {
    answer(json(page(value("prod/db", "x"), "", "")));
    String[] ids = {arn("prod/db"), HEAD + "prod/db"};

    SecretBatch batch = fetch(ids);

    assertThat(batch.failures()).isEmpty();
    assertThat(batch.values()).containsOnlyKeys(ids);
    for (String id : ids) {
      assertThat(valueOf(batch, id).secretId()).isEqualTo(id);
      assertThat(valueOf(batch, id).asString()).isEqualTo("x");
    }
  }

  /** Two accounts may each have a secret of this name; a bare name is the caller's own. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void batch_nameAndArnOfAnotherAccount_eachGetsItsOwn(boolean ownFirst) {
    String foreign = "arn:aws:secretsmanager:eu-west-1:999988887777:secret:db-GhIjKl";
    String own = value("db", "own");
    String other = value(foreign, "db", "\"SecretString\":\"other\"");
    answer(json(page(ownFirst ? own + "," + other : other + "," + own, "", "")));

    for (String written :
        List.of(foreign, "arn:aws:secretsmanager:eu-west-1:999988887777:secret:db")) {
      for (List<String> ids : List.of(List.of("db", written), List.of(written, "db"))) {
        SecretBatch batch = source.fetchBatch(ids, ENOUGH);

        assertThat(valueOf(batch, "db").asString()).isEqualTo("own");
        assertThat(valueOf(batch, written).asString()).isEqualTo("other");
      }
    }
  }

  @Test
  void batch_nameOfWhichOnlyAnotherAccountsSecretCame_isNotThatOne() {
    String foreign = "arn:aws:secretsmanager:eu-west-1:999988887777:secret:db-GhIjKl";
    String other = value(foreign, "db", "\"SecretString\":\"other\"");
    answer(json(page(other, "", "")));
    SecretBatch silent = fetch("db", foreign);
    assertThat(silent.values()).containsOnlyKeys(foreign);
    assertThat(silent.failures()).isEmpty();

    answer(json(page(other, error("db", "ResourceNotFoundException", "m"), "")));
    SecretBatch gone = fetch("db", foreign);
    assertThat(gone.values()).containsOnlyKeys(foreign);
    assertThat(gone.failures()).containsOnlyKeys("db");
  }

  @Test
  void batch_nameOfTwoSecretsThatNoArnAsksFor_isLeftOut() {
    String foreign = "arn:aws:secretsmanager:eu-west-1:999988887777:secret:db-GhIjKl";
    answer(
        json(
            page(
                value("db", "own") + "," + value(foreign, "db", "\"SecretString\":\"other\""),
                "",
                "")));

    SecretBatch batch = fetch("db");

    assertThat(batch.values()).isEmpty();
    assertThat(batch.failures()).isEmpty();
  }

  @Test
  void batch_sameSecretTwice_theLaterPageHolds() {
    answer(json(page(value("a", "old"), "", "t2")));
    answer("t2", json(page(value("a", "new"), "", "")));

    assertThat(valueOf(fetch("a"), "a").asString()).isEqualTo("new");
  }

  @Test
  void batch_similarNames_areNotTakenForEachOther() {
    answer(
        json(
            page(
                String.join(",", value("db", "1"), value("db-master", "2"), value("DB", "3")),
                "",
                "")));

    SecretBatch names = fetch("db", "db-master", "DB", "master");

    assertThat(names.values()).containsOnlyKeys("db", "db-master", "DB");
    assertThat(valueOf(names, "db").asString()).isEqualTo("1");
    assertThat(valueOf(names, "db-master").asString()).isEqualTo("2");
    assertThat(valueOf(names, "DB").asString()).isEqualTo("3");
    assertThat(names.failures()).as("neither found nor refused: left out").isEmpty();

    SecretBatch parts = fetch(HEAD + "db", HEAD + "db-master", HEAD + "d");

    assertThat(parts.values()).containsOnlyKeys(HEAD + "db", HEAD + "db-master");
    assertThat(valueOf(parts, HEAD + "db").asString()).isEqualTo("1");
    assertThat(valueOf(parts, HEAD + "db-master").asString()).isEqualTo("2");
    assertThat(parts.failures()).isEmpty();
  }

  /** The secret "db" has the ARN that part of the ARN of a secret "db-AbCdEf" looks like. */
  @Test
  void batch_arnThatIsAlsoPartOfAnother_isItsOwnSecret() {
    String other = value(HEAD + "db-AbCdEf-XyZ123", "db-AbCdEf", "\"SecretString\":\"other\"");
    answer(json(page(value("db", "own") + "," + other, "", "")));
    assertThat(valueOf(fetch(arn("db"), "db-AbCdEf"), arn("db")).asString()).isEqualTo("own");

    answer(json(page(other, error(arn("db"), "ResourceNotFoundException", "m"), "")));
    SecretBatch gone = fetch(arn("db"), HEAD + "db-AbCdEf-XyZ123");
    assertThat(gone.values()).containsOnlyKeys(HEAD + "db-AbCdEf-XyZ123");
    assertThat(gone.failures()).containsOnlyKeys(arn("db"));

    answer(json(page(other, "", "t2")));
    answer("t2", failure(500, "InternalServiceError"));
    SecretBatch half = fetch(arn("db"), HEAD + "db-AbCdEf-XyZ123");
    assertThat(half.values())
        .as("its own may be on the missing page")
        .containsOnlyKeys(HEAD + "db-AbCdEf-XyZ123");
    assertThat(half.failures()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "ResourceNotFoundException, can't find,                         NOT_FOUND",
    "AccessDeniedException,     is not authorized,                  ACCESS_DENIED",
    "AccessDeniedException,     Access to KMS is not allowed,       KMS_DENIED",
    "DecryptionFailure,         can't decrypt,                      KEY_UNUSABLE",
    "InvalidRequestException,   because it was marked for deletion, MARKED_FOR_DELETION",
    "InvalidRequestException,   something else,                     INVALID_REQUEST",
    "InvalidParameterException, bad,                                INVALID_REQUEST",
    "ThrottlingException,       Rate exceeded,                      THROTTLED",
    "InternalServiceError,      fault,                              UNAVAILABLE",
    "SomethingUnheardOf,        what now,                           UNAVAILABLE",
  })
  void batch_errorOfOneSecret_isSortedAsInASingleFetch(String code, String text, Reason reason) {
    answer(json(page(value("good", "x"), error("bad", code, text), "")));

    SecretBatch batch = fetch("good", "bad");

    assertThat(batch.values()).containsOnlyKeys("good");
    SecretException failure = failureOf(batch, "bad");
    assertThat(failure.reason()).isEqualTo(reason);
    assertThat(failure).hasMessageStartingWith("Secrets Manager answered " + code + ": " + text);
    assertThat(failure.requestId()).isEqualTo("req-1");
  }

  @Test
  void batch_errorOfAnArn_belongsToTheIdAsWritten() {
    String elsewhere = "arn:aws:secretsmanager:us-east-1:111122223333:secret:x-AbCdEf";
    answer(
        json(
            page(
                "",
                error(arn("named"), "AccessDeniedException", "no")
                    + ","
                    + error(arn("part"), "AccessDeniedException", "no")
                    + ","
                    + error(elsewhere, "ResourceNotFoundException", "no")
                    + ","
                    + "{\"ErrorCode\":\"X\"},{\"SecretId\":\"bare\"}",
                "")));

    SecretBatch batch = fetch("named", HEAD + "part", elsewhere, "bare", "unheard");

    assertThat(batch.failures()).containsOnlyKeys("named", HEAD + "part", elsewhere, "bare");
    assertThat(failureOf(batch, elsewhere).reason()).isEqualTo(Reason.WRONG_REGION);
    assertThat(failureOf(batch, "bare").reason()).isEqualTo(Reason.UNAVAILABLE);
  }

  @ParameterizedTest
  @ValueSource(strings = {"db", HEAD + "db"})
  void batch_errorThatMayBeOfAnotherId_isNotTakenForIt(String id) {
    String error = error(arn("db"), "AccessDeniedException", "no");
    answer(json(page("", error, "")));
    assertThat(fetch(id, arn("db")).failures()).containsOnlyKeys(arn("db"));

    answer(json(page("", error, "t2")));
    answer("t2", failure(500, "InternalServiceError"));
    assertThat(fetch(id).failures()).as("its own answer may be on the missing page").isEmpty();
  }

  @Test
  void batch_errorOfPartOfAnArn_isNotThatOfABareName() {
    answer(json(page("", error(arn("db"), "AccessDeniedException", "no"), "")));

    assertThat(fetch("db", HEAD + "db").failures()).containsOnlyKeys(HEAD + "db");
  }

  @Test
  void batch_errorsOfTwoSecretsOfOneName_areNotTakenForIt() {
    String foreign = "arn:aws:secretsmanager:eu-west-1:999988887777:secret:db-GhIjKl";
    answer(
        json(
            page(
                "",
                error(arn("db"), "AccessDeniedException", "no")
                    + ","
                    + error(foreign, "ResourceNotFoundException", "no"),
                "")));

    assertThat(fetch("db").failures()).isEmpty();
  }

  @Test
  void batch_valueAndErrorOfOneId_valueHolds() {
    answer(json(page(value("a", "x"), error("a", "InternalServiceError", "m"), "")));

    SecretBatch batch = fetch("a");

    assertThat(batch.values()).containsOnlyKeys("a");
    assertThat(batch.failures()).isEmpty();
  }

  @Test
  void batch_laterPageFails_whatArrivedIsKept() {
    answer(
        json(page(value("a", "MaRkEr7f3a"), error("b", "ResourceNotFoundException", "m"), "t2")));
    answer("t2", failure(500, "InternalServiceError"));

    SecretBatch batch;
    List<String> logged;
    try (var log = new CapturedLog()) {
      batch = fetch("a", "b", "c");
      logged = log.ours(Level.INFO);
    }

    assertThat(batch.values()).containsOnlyKeys("a");
    assertThat(batch.failures()).containsOnlyKeys("b");
    assertThat(logged)
        .singleElement()
        .asString()
        .contains("page", "UNAVAILABLE", "InternalServiceError")
        .doesNotContain("MaRkEr7f3a");
  }

  @Test
  void batch_laterPageFailsBeforeAnythingArrived_fails() {
    answer(json(page("", "", "t2")));
    answer("t2", failure(400, "InvalidNextTokenException"));

    assertThat(failureOf("a").reason()).isEqualTo(Reason.INVALID_REQUEST);
  }

  @ParameterizedTest
  @CsvSource({
    "400, AccessDeniedException, ACCESS_DENIED",
    "400, ThrottlingException,   THROTTLED",
    "500, InternalServiceError,  UNAVAILABLE",
    "400, ValidationException,   INVALID_REQUEST",
    "400, ExpiredTokenException, AWS_CREDENTIALS",
  })
  void batch_refusedAsAWhole_failsWithTheReason(int status, String code, Reason reason) {
    answer(failure(status, code));

    SecretException failure = failureOf("a", "b");

    assertThat(failure.reason()).isEqualTo(reason);
    assertThat(failure).hasMessageContaining(code);
    AWS.verify(1, anyRequestedFor(anyUrl()));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "hunter2", "[\"hunter2\"]", "{\"SecretValues\":hunter2}"})
  void batch_unreadable_isMalformed(String body) {
    answer(json(body));

    Throwable thrown = catchThrowable(() -> fetch("a"));

    if (body.isEmpty()) {
      assertThat(thrown).as("an answer that says nothing of any secret").isNull();
    } else {
      assertThat(thrown)
          .isInstanceOfSatisfying(
              SecretException.class, e -> assertThat(e.reason()).isEqualTo(Reason.MALFORMED));
      assertThat(LeakTest.everythingSaidBy(thrown)).doesNotContain("hunter2");
    }
  }

  @Test
  void batch_oneValueUnreadable_theOthersAreRead() {
    answer(
        json(
            page(
                "{\"Name\":\"a\"},null,{\"Name\":\"b\",\"VersionId\":\"v\"},{}," + value("c", "x"),
                "null",
                "")));

    SecretBatch batch = fetch("a", "b", "c");

    assertThat(batch.values()).containsOnlyKeys("c");
    assertThat(batch.failures()).containsOnlyKeys("a", "b");
    assertThat(batch.failures().values())
        .extracting(SecretException::reason)
        .containsOnly(Reason.MALFORMED);
  }

  @Test
  void batch_pagesWithoutEnd_endWithTheTimeout() {
    answer(json(page("", "", "again")).withFixedDelay(50));
    long begun = System.nanoTime();

    Throwable thrown =
        catchThrowable(() -> source.fetchBatch(List.of("a"), Duration.ofMillis(700)));

    assertThat(thrown)
        .isInstanceOfSatisfying(
            SecretException.class, e -> assertThat(e.reason()).isEqualTo(Reason.UNAVAILABLE))
        .hasMessageContaining("PT0.7S");
    assertThat(Duration.ofNanos(System.nanoTime() - begun))
        .isBetween(Duration.ofMillis(600), Duration.ofSeconds(5));
  }

  @Test
  void batch_laterPageHangs_whatArrivedIsReturnedWithinTheTimeout() {
    answer(json(page(value("a", "x"), "", "t2")));
    answer("t2", json(page(value("b", "x"), "", "")).withFixedDelay(20_000));
    long begun = System.nanoTime();

    SecretBatch batch = source.fetchBatch(List.of("a", "b"), Duration.ofMillis(1_500));

    assertThat(batch.values()).containsOnlyKeys("a");
    assertThat(batch.failures()).isEmpty();
    assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofSeconds(10));
  }

  /** A stand-in for the client that has no more than it needs. */
  private abstract static class StandIn implements SecretsManagerClient {
    @Override
    public String serviceName() {
      return "secretsmanager";
    }

    @Override
    public void close() {}
  }

  @Test
  void batch_standInWithoutTheMethod_isRefusedForGood() {
    AwsSecretSource without = AwsSecretSource.of(new StandIn() {});

    Throwable thrown = catchThrowable(() -> without.fetchBatch(List.of("a"), ENOUGH));

    assertThat(thrown)
        .isInstanceOfSatisfying(
            SecretException.class, e -> assertThat(e.reason()).isEqualTo(Reason.INVALID_REQUEST));
  }

  @Test
  void batch_standInWithoutMetadata_isRead() {
    AwsSecretSource with =
        AwsSecretSource.of(
            new StandIn() {
              @Override
              public BatchGetSecretValueResponse batchGetSecretValue(
                  BatchGetSecretValueRequest request) {
                return BatchGetSecretValueResponse.builder()
                    .secretValues(
                        SecretValueEntry.builder()
                            .name("a")
                            .versionId("v")
                            .secretString("x")
                            .build())
                    .build();
              }
            });

    assertThat(valueOf(with.fetchBatch(List.of("a"), ENOUGH), "a").asString()).isEqualTo("x");
  }

  @Test
  void batch_laterPage_hasWhatIsLeftOfTheTimeout() {
    var limits = new ArrayList<Duration>();
    AwsSecretSource with =
        AwsSecretSource.of(
            new StandIn() {
              @Override
              public BatchGetSecretValueResponse batchGetSecretValue(
                  BatchGetSecretValueRequest request) {
                limits.add(
                    request.overrideConfiguration().orElseThrow().apiCallTimeout().orElseThrow());
                return BatchGetSecretValueResponse.builder()
                    .nextToken(limits.size() < 3 ? "next" : null)
                    .build();
              }
            });

    with.fetchBatch(List.of("a"), ENOUGH);

    assertThat(limits).hasSize(3).isSortedAccordingTo(Comparator.reverseOrder());
    assertThat(limits.get(2)).isPositive().isLessThan(limits.get(0));
    assertThat(limits.get(0)).isLessThan(ENOUGH);
  }
}
