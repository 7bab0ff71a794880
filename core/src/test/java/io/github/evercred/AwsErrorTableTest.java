package io.github.evercred;

import static com.github.tomakehurst.wiremock.client.WireMock.aResponse;
import static com.github.tomakehurst.wiremock.client.WireMock.any;
import static com.github.tomakehurst.wiremock.client.WireMock.anyRequestedFor;
import static com.github.tomakehurst.wiremock.client.WireMock.anyUrl;
import static com.github.tomakehurst.wiremock.core.WireMockConfiguration.options;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.github.tomakehurst.wiremock.WireMockServer;
import com.github.tomakehurst.wiremock.client.ResponseDefinitionBuilder;
import io.github.evercred.SecretException.Reason;
import java.net.URI;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.sts.StsClient;
import software.amazon.awssdk.services.sts.auth.StsAssumeRoleCredentialsProvider;

/**
 * Every error that AWS answers, and what becomes of it: the reason, how often it is tried, which
 * bound of stale serving holds, whether the breaker counts it, what the message says. Through the
 * real SDK and the real cache.
 */
@Timeout(120)
class AwsErrorTableTest {
  private static final String ID = "prod/orders/db";
  private static final String VERSION = FakeSource.version(1);
  private static final Duration ENOUGH = Duration.ofSeconds(20);

  private static final WireMockServer AWS =
      new WireMockServer(options().dynamicPort().bindAddress("127.0.0.1"));
  private static SecretsManagerClient client;
  private static AwsSecretSource source;

  @BeforeAll
  static void start() {
    AWS.start();
    client =
        client(
            StaticCredentialsProvider.create(AwsBasicCredentials.create("AKIDEXAMPLE", "example")));
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

  private static SecretsManagerClient client(AwsCredentialsProvider credentials) {
    return SecretsManagerClient.builder()
        .region(Region.EU_WEST_1)
        .endpointOverride(URI.create("http://127.0.0.1:" + AWS.port()))
        .credentialsProvider(credentials)
        .httpClientBuilder(UrlConnectionHttpClient.builder())
        .overrideConfiguration(o -> o.retryStrategy(AwsRetryStrategy.doNotRetry()))
        .build();
  }

  /** What the cache makes of a failure. */
  private enum Fate {
    /** An answer: one attempt, the bound for denials, a success for the breaker. */
    DEFINITIVE(1, false, false),
    /** The lack of an answer: three attempts, the long bound, a failure for the breaker. */
    TRANSIENT(3, true, true),
    /** An answer that cannot be read: three attempts, the long bound, a success for the breaker. */
    UNREADABLE(3, true, false);

    final int attempts;
    final boolean servedLong;
    final boolean breaks;

    Fate(int attempts, boolean servedLong, boolean breaks) {
      this.attempts = attempts;
      this.servedLong = servedLong;
      this.breaks = breaks;
    }
  }

  /** One line of the table. {@code says} is what the message holds beside code and text. */
  private record Row(int status, String code, String text, Reason reason, Fate fate, String says) {

    ResponseDefinitionBuilder answer() {
      return aResponse()
          .withStatus(status)
          .withHeader("Content-Type", "application/x-amz-json-1.1")
          .withHeader("x-amzn-RequestId", "req-1")
          .withBody(
              status == 200
                  ? text
                  : code.isEmpty()
                      ? "<html>" + text + "</html>"
                      : "{\"__type\":\"%s\",\"message\":\"%s\"}".formatted(code, text));
    }

    @Override
    public String toString() {
      return "%d %s '%s' is %s, %s".formatted(status, code, text, reason, fate);
    }
  }

  private static final String NOT_AUTHORIZED =
      "User: arn:aws:sts::111122223333:assumed-role/app/i-1 is not authorized to perform: ";

  /*
   * status | code | text | reason | fate | the message says, too
   *
   * A code that is not known: INVALID_REQUEST with a status from 400 to 499, else UNAVAILABLE. No code
   * at all: UNAVAILABLE, but THROTTLED with 429.
   */
  private static final String TABLE =
      """
      400|ResourceNotFoundException|Secrets Manager can't find the specified secret.|NOT_FOUND|DEFINITIVE|only found by its ARN
      404|ResourceNotFoundException|Secrets Manager can't find the specified secret.|NOT_FOUND|DEFINITIVE|Check the name, the region and the account
      400|ResourceNotFoundException|Secrets Manager can't find the specified secret value for staging label: AWSCURRENT|NOT_FOUND|DEFINITIVE|The secret itself was found
      400|ResourceNotFoundException|Secrets Manager can't find the specified secret value for VersionId: x|NOT_FOUND|DEFINITIVE|The secret itself was found

      400|AccessDeniedException|$secretsmanager:GetSecretValue on resource: prod/orders/db because no identity-based policy allows the secretsmanager:GetSecretValue action|ACCESS_DENIED|DEFINITIVE|check the name, the region and the account, too
      400|AccessDeniedException|$secretsmanager:GetSecretValue on resource: arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf because no permissions boundary allows the secretsmanager:GetSecretValue action|ACCESS_DENIED|DEFINITIVE|Allow secretsmanager:GetSecretValue on this secret
      400|AccessDeniedException|$secretsmanager:GetSecretValue on resource: prod/KMS-gateway with an explicit deny in a resource-based policy|ACCESS_DENIED|DEFINITIVE|VersionStage
      403|AccessDenied|no|ACCESS_DENIED|DEFINITIVE|Allow secretsmanager:GetSecretValue
      403|NotAuthorized|no|ACCESS_DENIED|DEFINITIVE|Allow secretsmanager:GetSecretValue

      400|AccessDeniedException|Access to KMS is not allowed|KMS_DENIED|DEFINITIVE|Allow kms:Decrypt
      400|AccessDeniedException|Access to KMS is not allowed. This version of secret is not encrypted with the current KMS key|KMS_DENIED|DEFINITIVE|still under an earlier key
      400|AccessDeniedException|You can't access a secret from a different AWS account if you encrypt the secret with the default KMS service key|KMS_DENIED|DEFINITIVE|customer-managed key
      400|AccessDeniedException|$kms:Decrypt on resource: arn:aws:kms:eu-west-1:111122223333:key/1|KMS_DENIED|DEFINITIVE|Allow kms:Decrypt

      400|AccessDeniedException|The ciphertext cannot be read without kms:Decrypt|KMS_DENIED|DEFINITIVE|Allow kms:Decrypt
      400|AccessDeniedException|The caller may not use the KMS key|KMS_DENIED|DEFINITIVE|Allow kms:Decrypt
      400|AccessDeniedException|User: arn:aws:sts::111122223333:assumed-role/KMS-app/x is not authorized to access this resource|ACCESS_DENIED|DEFINITIVE|Allow secretsmanager:GetSecretValue
      403|AccessDenied|User: arn:aws:iam::111122223333:user/KMS is not authorized|ACCESS_DENIED|DEFINITIVE|Allow secretsmanager:GetSecretValue

      400|DecryptionFailure|Secrets Manager can't decrypt the protected secret text using the provided KMS key.|KEY_UNUSABLE|DEFINITIVE|must be enabled
      400|EncryptionFailure|Secrets Manager can't encrypt the protected secret text|KEY_UNUSABLE|DEFINITIVE|must be enabled
      400|DisabledException|arn:aws:kms:x is disabled.|KEY_UNUSABLE|DEFINITIVE|must be enabled
      400|KMSInvalidStateException|arn:aws:kms:x is pending deletion.|KEY_UNUSABLE|DEFINITIVE|pending deletion
      400|NotFoundException|Key 'arn:aws:kms:x' does not exist|KEY_UNUSABLE|DEFINITIVE|KMS key
      400|IncorrectKeyException|the key is another|KEY_UNUSABLE|DEFINITIVE|KMS key
      400|InvalidCiphertextException|null|KEY_UNUSABLE|DEFINITIVE|KMS key
      400|InvalidKeyUsageException|usage|KEY_UNUSABLE|DEFINITIVE|KMS key
      400|InvalidGrantTokenException|grant|KEY_UNUSABLE|DEFINITIVE|KMS key
      500|KeyUnavailableException|retry|UNAVAILABLE|TRANSIENT|network path
      500|KMSInternalException|retry|UNAVAILABLE|TRANSIENT|network path
      500|DependencyTimeoutException|retry|UNAVAILABLE|TRANSIENT|network path

      400|InvalidRequestException|You can't perform this operation on the secret because it was marked for deletion.|MARKED_FOR_DELETION|DEFINITIVE|RestoreSecret
      400|InvalidRequestException|You tried to perform the operation on a secret that's currently marked deleted.|MARKED_FOR_DELETION|DEFINITIVE|RestoreSecret
      400|InvalidRequestException|The secret is scheduled for deletion.|MARKED_FOR_DELETION|DEFINITIVE|RestoreSecret
      400|InvalidRequestException|You provided a VersionStage that is not associated to the provided VersionId.|INVALID_REQUEST|DEFINITIVE|Correct the secret id
      400|InvalidParameterException|bad argument|INVALID_REQUEST|DEFINITIVE|Correct the secret id
      400|ValidationException|bad argument|INVALID_REQUEST|DEFINITIVE|Correct the secret id
      400|ValidationError|bad argument|INVALID_REQUEST|DEFINITIVE|Correct the secret id
      400|InvalidNextTokenException|bad token|INVALID_REQUEST|DEFINITIVE|Correct the secret id

      400|ResourceExistsException|for writers|INVALID_REQUEST|DEFINITIVE|Correct the secret id
      400|PreconditionNotMetException|for writers|INVALID_REQUEST|DEFINITIVE|Correct the secret id
      400|PublicPolicyException|for writers|INVALID_REQUEST|DEFINITIVE|Correct the secret id
      400|MalformedPolicyDocumentException|for writers|INVALID_REQUEST|DEFINITIVE|Correct the secret id
      400|InvalidAction|unknown|INVALID_REQUEST|DEFINITIVE|Correct the secret id
      400|UnknownOperationException|unknown|INVALID_REQUEST|DEFINITIVE|Correct the secret id
      403|OptInRequired|unknown|INVALID_REQUEST|DEFINITIVE|Correct the secret id
      400|SomethingUnheardOf|what now|INVALID_REQUEST|DEFINITIVE|Correct the secret id
      499|SomethingUnheardOf|what now|INVALID_REQUEST|DEFINITIVE|Correct the secret id
      500|SomethingUnheardOf|what now|UNAVAILABLE|TRANSIENT|network path
      501|NotImplemented|what now|UNAVAILABLE|TRANSIENT|network path
      400||not by AWS|UNAVAILABLE|TRANSIENT|a proxy before it
      403||not by AWS|UNAVAILABLE|TRANSIENT|a proxy before it
      407||not by AWS|UNAVAILABLE|TRANSIENT|a proxy before it
      503||not by AWS|UNAVAILABLE|TRANSIENT|a proxy before it
      429||not by AWS|THROTTLED|TRANSIENT|other heavy callers
      429|SomethingUnheardOf|slow down|THROTTLED|TRANSIENT|other heavy callers

      400|Throttling|slow down|THROTTLED|TRANSIENT|other heavy callers
      400|ThrottlingException|Rate exceeded|THROTTLED|TRANSIENT|other heavy callers
      400|ThrottledException|slow down|THROTTLED|TRANSIENT|other heavy callers
      400|ProvisionedThroughputExceededException|slow down|THROTTLED|TRANSIENT|other heavy callers
      503|SlowDown|slow down|THROTTLED|TRANSIENT|other heavy callers
      400|TooManyRequestsException|slow down|THROTTLED|TRANSIENT|other heavy callers
      400|RequestLimitExceeded|slow down|THROTTLED|TRANSIENT|other heavy callers
      400|BandwidthLimitExceeded|slow down|THROTTLED|TRANSIENT|other heavy callers
      400|RequestThrottled|slow down|THROTTLED|TRANSIENT|other heavy callers
      400|RequestThrottledException|slow down|THROTTLED|TRANSIENT|other heavy callers
      400|EC2ThrottledException|slow down|THROTTLED|TRANSIENT|other heavy callers
      400|TransactionInProgressException|slow down|THROTTLED|TRANSIENT|other heavy callers
      400|LimitExceededException|slow down|THROTTLED|TRANSIENT|other heavy callers

      500|InternalServiceError|An unknown error occurred|UNAVAILABLE|TRANSIENT|network path
      400|InternalServiceError|An unknown error occurred|UNAVAILABLE|TRANSIENT|network path
      500|InternalServiceErrorException|fault|UNAVAILABLE|TRANSIENT|network path
      400|InternalServiceFailure|fault|UNAVAILABLE|TRANSIENT|network path
      400|InternalServerError|fault|UNAVAILABLE|TRANSIENT|network path
      400|InternalFailure|fault|UNAVAILABLE|TRANSIENT|network path
      500|InternalFailure|fault|UNAVAILABLE|TRANSIENT|network path
      400|InternalError|fault|UNAVAILABLE|TRANSIENT|network path
      400|ServiceUnavailable|fault|UNAVAILABLE|TRANSIENT|network path
      503|ServiceUnavailable|fault|UNAVAILABLE|TRANSIENT|network path
      503|ServiceUnavailableException|fault|UNAVAILABLE|TRANSIENT|network path
      502|BadGateway|fault|UNAVAILABLE|TRANSIENT|network path
      504|GatewayTimeout|fault|UNAVAILABLE|TRANSIENT|network path
      400|RequestTimeout|slow|UNAVAILABLE|TRANSIENT|network path
      408|RequestTimeoutException|slow|UNAVAILABLE|TRANSIENT|network path
      400|RequestAbortedException|gone|UNAVAILABLE|TRANSIENT|network path
      400|PriorRequestNotComplete|wait|UNAVAILABLE|TRANSIENT|network path

      400|ExpiredTokenException|The security token included in the request is expired|AWS_CREDENTIALS|TRANSIENT|gets its AWS credentials
      403|ExpiredToken|expired|AWS_CREDENTIALS|TRANSIENT|gets its AWS credentials
      400|UnrecognizedClientException|The security token included in the request is invalid.|AWS_CREDENTIALS|TRANSIENT|gets its AWS credentials
      403|InvalidClientTokenId|invalid|AWS_CREDENTIALS|TRANSIENT|gets its AWS credentials
      400|IncompleteSignature|incomplete|AWS_CREDENTIALS|TRANSIENT|gets its AWS credentials
      400|IncompleteSignatureException|incomplete|AWS_CREDENTIALS|TRANSIENT|gets its AWS credentials
      403|MissingAuthenticationToken|missing|AWS_CREDENTIALS|TRANSIENT|gets its AWS credentials
      400|MissingAuthenticationTokenException|missing|AWS_CREDENTIALS|TRANSIENT|gets its AWS credentials
      403|InvalidSignatureException|The request signature we calculated does not match|AWS_CREDENTIALS|TRANSIENT|gets its AWS credentials
      403|SignatureDoesNotMatch|The request signature we calculated does not match|AWS_CREDENTIALS|TRANSIENT|gets its AWS credentials
      403|AuthFailure|not able to validate|AWS_CREDENTIALS|TRANSIENT|gets its AWS credentials
      403|InvalidSignatureException|Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z|CLOCK_SKEW|TRANSIENT|machine's clock
      403|SignatureDoesNotMatch|Signature not yet current: 20260101T001000Z is still later than 20260101T000500Z|CLOCK_SKEW|TRANSIENT|machine's clock
      400|RequestExpired|expired|CLOCK_SKEW|TRANSIENT|machine's clock
      403|RequestInTheFuture|too early|CLOCK_SKEW|TRANSIENT|machine's clock
      403|RequestTimeTooSkewed|skewed|CLOCK_SKEW|TRANSIENT|machine's clock
      403|InvalidSignatureException|Credential should be scoped to a valid Region, not 'eu-west-1'.|WRONG_REGION|DEFINITIVE|signs for region eu-west-1
      403|SignatureDoesNotMatch|Credential should be scoped to a valid region, not 'eu-west-1'. |WRONG_REGION|DEFINITIVE|signs for region eu-west-1

      200|||MALFORMED|UNREADABLE|has no VersionId
      200||<html>|MALFORMED|UNREADABLE|not the JSON
      200||{"VersionId":"v"}|MALFORMED|UNREADABLE|has no value
      """;

  static Stream<Row> rows() {
    return TABLE
        .lines()
        .filter(line -> !line.isBlank())
        .map(line -> line.split("\\|", -1))
        .map(
            c ->
                new Row(
                    Integer.parseInt(c[0]),
                    c[1],
                    c[2].replace("$", NOT_AUTHORIZED),
                    Reason.valueOf(c[3]),
                    Fate.valueOf(c[4]),
                    c[5]));
  }

  private static void answer(ResponseDefinitionBuilder response) {
    AWS.stubFor(any(anyUrl()).willReturn(response));
  }

  private static void answerWell() {
    answer(aResponse().withBody("{\"VersionId\":\"" + VERSION + "\",\"SecretString\":\"x\"}"));
  }

  private static int takeCalls() {
    int calls = AWS.findAll(anyRequestedFor(anyUrl())).size();
    AWS.resetRequests();
    return calls;
  }

  private static SecretException failure(
      AwsSecretSource source, String id, VersionSelector version) {
    Throwable thrown = catchThrowable(() -> source.fetch(new SecretRequest(id, version, ENOUGH)));
    assertThat(thrown).isInstanceOf(SecretException.class);
    return (SecretException) thrown;
  }

  private static SecretCache cache(FakeTime time, UnaryOperator<SecretCacheBuilder> options) {
    // In real time, which these tests do not wait for, an attempt may take 30 s.
    var builder =
        SecretCache.builder()
            .source(source)
            .loadTimeout(Duration.ofSeconds(60), Duration.ofSeconds(30))
            .minimumInterval(Duration.ZERO);
    return options.apply(builder).build(time);
  }

  private static Crew<SecretValue> read(FakeTime time, SecretCache cache, String id) {
    Crew<SecretValue> reader = Crew.of(1, () -> cache.get(id));
    CacheFixture.drive(time, reader);
    return reader;
  }

  /** Nothing under way: the entries' timers are all that is scheduled. */
  private static void rest(FakeTime time, SecretCache cache) {
    Eventually.until(
        () -> time.scheduled() == cache.size(), () -> time.scheduled() + " tasks are scheduled");
  }

  @ParameterizedTest
  @MethodSource("rows")
  void error_fetched_hasAReasonAndIsToldWithoutARetry(Row row) {
    answer(row.answer());

    SecretException failure = failure(source, ID, VersionSelector.CURRENT);

    assertThat(failure.reason()).isEqualTo(row.reason());
    assertThat(takeCalls()).isEqualTo(1);
    if (row.fate() != Fate.UNREADABLE) {
      assertThat(failure)
          .hasMessageContaining("Secrets Manager answered " + row.status())
          .hasMessageContaining(row.code().isEmpty() ? "without a code" : row.code())
          .hasCauseInstanceOf(Exception.class);
      assertThat(failure.requestId()).isEqualTo("req-1");
      String text = row.text().strip().replaceFirst("[.]$", "");
      if (row.code().isEmpty()) {
        assertThat(LeakTest.everythingSaidBy(failure)).doesNotContain(text);
      } else {
        assertThat(failure).hasMessageContaining(text);
      }
    }
    assertThat(failure.getMessage()).doesNotEndWith(".").doesNotContain("..", ". .");
  }

  @ParameterizedTest
  @MethodSource("rows")
  void error_nothingCached_isTriedAsOftenAsItHelpsAndRemembered(Row row) {
    answer(row.answer());
    var time = new FakeTime();
    try (SecretCache cache = cache(time, o -> o)) {
      SecretException first = read(time, cache, ID).failure();
      int calls = takeCalls();
      SecretException second = read(time, cache, ID).failure();

      assertThat(calls).isEqualTo(row.fate().attempts);
      assertThat(takeCalls()).as("remembered").isZero();
      assertThat(first)
          .hasMessageContaining("No new value of secret 'prod/orders/db' (AWSCURRENT)")
          .hasMessageContaining("from eu-west-1")
          .hasMessageContaining(calls == 1 ? "1 attempt in" : calls + " attempts in")
          .hasMessageContaining(row.says())
          .hasMessageContaining(row.reason().nextStep());
      assertThat(first.reason()).isEqualTo(row.reason());
      assertThat(second.reason()).isEqualTo(row.reason());
      assertThat(second).hasMessageContaining("Told again without a call");
    }
  }

  @ParameterizedTest
  @MethodSource("rows")
  void error_valueCached_isServedToTheBoundOfItsKind(Row row) {
    answerWell();
    var time = new FakeTime();
    try (SecretCache cache = cache(time, o -> o.serveStaleWhenDeniedFor(Duration.ofMinutes(10)))) {
      assertThat(read(time, cache, ID).value().asString()).isEqualTo("x");
      answer(row.answer());
      Crew<SecretValue> refresh = Crew.of(1, () -> cache.refresh(ID));
      CacheFixture.drive(time, refresh);
      assertThat(refresh.failure().reason()).isEqualTo(row.reason());

      time.advance(Duration.ofSeconds(599));
      rest(time, cache);
      assertThat(read(time, cache, ID).value().asString()).isEqualTo("x");
      rest(time, cache);
      // Twice: a timer that is set while time moves counts from the later moment.
      time.advance(Duration.ofSeconds(2));
      rest(time, cache);
      time.advance(Duration.ofSeconds(30));
      rest(time, cache);
      Crew<SecretValue> late = read(time, cache, ID);

      if (row.fate().servedLong) {
        assertThat(late.value().asString()).isEqualTo("x");
      } else {
        assertThat(late.failure().reason()).isEqualTo(row.reason());
      }
      rest(time, cache);
    }
  }

  @ParameterizedTest
  @MethodSource("rows")
  void error_tenTimes_opensTheBreakerOnlyIfItIsTheLackOfAnAnswer(Row row) {
    answer(row.answer());
    var time = new FakeTime();
    try (SecretCache cache = cache(time, o -> o.rememberFailureFor(Duration.ZERO, Duration.ZERO))) {
      int calls = 0;
      for (int i = 0; i < 10 && calls < 10; i++) {
        assertThat(read(time, cache, "bad" + i).failure().reason()).isEqualTo(row.reason());
        calls += takeCalls();
      }
      assertThat(calls).isGreaterThanOrEqualTo(10);
      answerWell();

      Crew<SecretValue> other = read(time, cache, "good");

      if (row.fate().breaks) {
        assertThat(other.failure()).hasMessageContaining("not called");
        assertThat(takeCalls()).isZero();
      } else {
        assertThat(other.value().asString()).isEqualTo("x");
        assertThat(takeCalls()).isEqualTo(1);
      }
    }
  }

  @Test
  void table_everyReasonOfAws_isInIt() {
    assertThat(rows().map(Row::reason))
        .containsAll(
            Arrays.stream(Reason.values())
                .filter(
                    reason ->
                        switch (reason) {
                          case CONFIGURATION, MISSING_FIELD, TIMED_OUT, INTERRUPTED, CLOSED ->
                              false;
                          default -> true;
                        })
                .toList());
  }

  private static final String NOT_THERE = "Secrets Manager can't find the specified secret.";

  /** What the id says beside the code. The client is of eu-west-1, the caller of 111122223333. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "arn:aws:secretsmanager:us-east-1:111122223333:secret:db-AbCdEf | AWSCURRENT | ResourceNotFoundException | "
            + NOT_THERE
            + " | WRONG_REGION | is of region us-east-1, account 111122223333, while this client reads region eu-west-1",
        "arn:aws-cn:secretsmanager:cn-north-1:999922223333:secret:db | AWSCURRENT | ResourceNotFoundException | "
            + NOT_THERE
            + " | WRONG_REGION | is of region cn-north-1, account 999922223333",
        // Of another label it may be true that it is not there.
        "arn:aws:secretsmanager:us-east-1:111122223333:secret:db-AbCdEf | AWSPENDING | ResourceNotFoundException | "
            + NOT_THERE
            + " | NOT_FOUND | is of region us-east-1",
        "arn:aws:secretsmanager:us-east-1:111122223333:secret:db-AbCdEf | AWSCURRENT | ResourceNotFoundException | can't find the specified secret value for staging label: AWSCURRENT | NOT_FOUND | The secret itself was found",
        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf | AWSCURRENT | ResourceNotFoundException | "
            + NOT_THERE
            + " | NOT_FOUND | deleted and created again",
        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-master | AWSCURRENT | ResourceNotFoundException | "
            + NOT_THERE
            + " | NOT_FOUND | last six characters belong to the name",
        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/db | AWSCURRENT | ResourceNotFoundException | "
            + NOT_THERE
            + " | NOT_FOUND | lacks the hyphen and six characters",
        "arn:aws:ssm:eu-west-1:111122223333:parameter/db | AWSCURRENT | ResourceNotFoundException | "
            + NOT_THERE
            + " | NOT_FOUND | a secret's ARN is arn:",
        "arn:aws:secretsmanager:eu-west-1:999922223333:secret:db-AbCdEf | AWSCURRENT | AccessDeniedException | "
            + NOT_AUTHORIZED
            + "secretsmanager:GetSecretValue on resource: arn:aws:secretsmanager:eu-west-1:999922223333:secret:db-AbCdEf because no resource-based policy allows the secretsmanager:GetSecretValue action | ACCESS_DENIED | The caller is of account 111122223333, the secret of account 999922223333: across accounts",
        "arn:aws:secretsmanager:us-east-1:111122223333:secret:db-AbCdEf | AWSCURRENT | AccessDeniedException | "
            + NOT_AUTHORIZED
            + "secretsmanager:GetSecretValue on resource: arn:aws:secretsmanager:us-east-1:111122223333:secret:db-AbCdEf | ACCESS_DENIED | is of region us-east-1",
        "arn:aws:secretsmanager:us-east-1:111122223333:secret:db-AbCdEf | AWSCURRENT | InvalidParameterException | invalid | INVALID_REQUEST | is of region us-east-1",
        "db | AWSCURRENT | AccessDeniedException | denied | ACCESS_DENIED | check the name, the region and the account, too",
      })
  void error_idTellsMore_isHintedAt(
      String id, String label, String code, String text, Reason reason, String says) {
    answer(new Row(400, code, text, reason, Fate.DEFINITIVE, says).answer());

    SecretException failure = failure(source, id, VersionSelector.label(label));

    assertThat(failure.reason()).isEqualTo(reason);
    assertThat(failure).hasMessageContaining(says);
  }

  @ParameterizedTest
  @CsvSource({
    "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf, across accounts",
    "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf, is of region",
    "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf, check the name",
    "db, across accounts",
    "db, is of region",
  })
  void error_deniedInTheOwnAccountAndRegion_isNotHintedAtOthers(String id, String hint) {
    answer(
        new Row(
                400,
                "AccessDeniedException",
                NOT_AUTHORIZED + "secretsmanager:GetSecretValue on resource: " + id,
                Reason.ACCESS_DENIED,
                Fate.DEFINITIVE,
                "")
            .answer());

    assertThat(failure(source, id, VersionSelector.CURRENT).getMessage()).doesNotContain(hint);
  }

  /** The answer to the call for credentials, which comes before the call for the secret. */
  @ParameterizedTest
  @CsvSource({
    "403, AccessDenied,            AWS_CREDENTIALS",
    "400, ValidationError,         AWS_CREDENTIALS",
    "400, PackedPolicyTooLarge,    AWS_CREDENTIALS",
    "403, ExpiredToken,            AWS_CREDENTIALS",
    "403, RegionDisabledException, AWS_CREDENTIALS",
    "400, Throttling,              THROTTLED",
    "500, InternalFailure,         UNAVAILABLE",
    "403, RequestExpired,          CLOCK_SKEW",
  })
  void error_ofTheServiceForCredentials_isNoDenialOfTheSecret(
      int status, String code, Reason reason) {
    answer(
        aResponse()
            .withStatus(status)
            .withBody(
                "<ErrorResponse><Error><Code>%s</Code><Message>not authorized to perform: sts:AssumeRole</Message></Error></ErrorResponse>"
                    .formatted(code)));
    try (StsClient sts =
            StsClient.builder()
                .region(Region.EU_WEST_1)
                .endpointOverride(URI.create("http://127.0.0.1:" + AWS.port()))
                .credentialsProvider(
                    StaticCredentialsProvider.create(AwsBasicCredentials.create("A", "b")))
                .httpClientBuilder(UrlConnectionHttpClient.builder())
                .overrideConfiguration(o -> o.retryStrategy(AwsRetryStrategy.doNotRetry()))
                .build();
        StsAssumeRoleCredentialsProvider role =
            StsAssumeRoleCredentialsProvider.builder()
                .stsClient(sts)
                .refreshRequest(r -> r.roleArn("arn:aws:iam::1:role/app").roleSessionName("s"))
                .build();
        SecretsManagerClient assuming = client(role)) {
      SecretException failure = failure(AwsSecretSource.of(assuming), ID, VersionSelector.CURRENT);

      assertThat(failure.reason()).isEqualTo(reason);
      assertThat(failure)
          .hasMessageStartingWith(
              "The AWS service 'Sts', asked for credentials, answered %d %s: not authorized"
                  .formatted(status, code));
    }
  }

  /** In the words of the SDK's own providers. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Unable to load credentials from any of the providers in the chain",
        "Failed to load credentials from IMDS.",
        "Failed to load access key from metadata service.",
        "Profile file contained no credentials for profile 'x'",
        "Cannot fetch credentials from container - neither is set.",
        "The SSO session associated with this profile has expired or is otherwise invalid.",
      })
  void error_providerOfCredentials_isAwsCredentials(String message) {
    try (SecretsManagerClient without =
        client(
            () -> {
              throw SdkClientException.create(message);
            })) {
      SecretException failure = failure(AwsSecretSource.of(without), ID, VersionSelector.CURRENT);

      assertThat(failure.reason()).isEqualTo(Reason.AWS_CREDENTIALS);
      assertThat(failure).hasMessageContaining(message);
    }
  }

  /** What KMS answers, asked for a data key: status | code | text | reason | the message says. */
  private static final String TABLE_OF_KMS =
      """
      400|AccessDeniedException|$kms:GenerateDataKey on resource: arn:aws:kms:eu-west-1:111122223333:key/1 because no identity-based policy allows the kms:GenerateDataKey action|KMS_DENIED|Allow kms:Decrypt on this key to this caller
      400|AccessDeniedException|The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.|KMS_DENIED|kms:ViaService
      400|AccessDeniedException|$kms:Decrypt on resource: arn:aws:kms:eu-west-1:999922223333:key/1 because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access|KMS_DENIED|Allow kms:Decrypt on this key to this caller
      403|AccessDenied|no|KMS_DENIED|Allow kms:Decrypt on this key to this caller
      400|DisabledException|arn:aws:kms:x is disabled.|KEY_UNUSABLE|symmetric, enabled, not pending deletion
      400|KMSInvalidStateException|arn:aws:kms:x is pending deletion.|KEY_UNUSABLE|symmetric, enabled, not pending deletion
      400|NotFoundException|Key 'arn:aws:kms:eu-west-1:111122223333:key/1' does not exist|KEY_UNUSABLE|of another account is only found by its ARN
      400|IncorrectKeyException|The key ID in the request does not identify a CMK that can perform this operation.|KEY_UNUSABLE|made under another key
      400|InvalidCiphertextException||KEY_UNUSABLE|no other encryption context
      400|InvalidKeyUsageException|usage|KEY_UNUSABLE|symmetric
      400|InvalidGrantTokenException|grant|KEY_UNUSABLE|Look at the key
      500|DependencyTimeoutException|The system timed out while trying to fulfill the request.|UNAVAILABLE|network path
      500|KMSInternalException|retry|UNAVAILABLE|network path
      500|KeyUnavailableException|retry|UNAVAILABLE|network path
      503|||UNAVAILABLE|it may not be KMS that answered, but a proxy before it
      400|ThrottlingException|Rate exceeded|THROTTLED|other heavy callers
      400|LimitExceededException|limit|THROTTLED|other heavy callers
      429|||THROTTLED|other heavy callers
      400|ExpiredTokenException|expired|AWS_CREDENTIALS|gets its AWS credentials
      400|UnrecognizedClientException|invalid|AWS_CREDENTIALS|gets its AWS credentials
      403|InvalidSignatureException|Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z|CLOCK_SKEW|machine's clock
      403|InvalidSignatureException|Credential should be scoped to a valid Region, not 'eu-west-1'.|WRONG_REGION|signs for region eu-west-1
      400|ValidationException|1 validation error detected|INVALID_REQUEST|Correct the key id
      400|UnsupportedOperationException|no|INVALID_REQUEST|Correct the key id
      500|SomethingUnheardOf|what now|UNAVAILABLE|network path
      """;

  @ParameterizedTest
  @MethodSource
  void error_ofKms_hasAReasonAndSaysWhatToDo(
      int status, String code, String text, Reason reason, String says) {
    answer(new Row(status, code, text, reason, Fate.DEFINITIVE, says).answer());
    var place =
        new Place(
            Optional.of("eu-west-1"),
            List.of(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            "evercred",
            false);
    Throwable thrown;
    Properties before = System.getProperties();
    var system = new Properties();
    system.putAll(before);
    system.setProperty("aws.endpointUrlKms", "http://127.0.0.1:" + AWS.port());
    system.setProperty("aws.accessKeyId", "AKIDEXAMPLE");
    system.setProperty("aws.secretAccessKey", "example");
    System.setProperties(system);
    try (KmsKeys keys = KmsKeys.of(place, "alias/a", "orders", ENOUGH)) {
      thrown = catchThrowable(() -> keys.decrypt(new byte[] {1}));
    } finally {
      System.setProperties(before);
    }

    assertThat(thrown)
        .isInstanceOfSatisfying(
            SecretException.class,
            e -> {
              assertThat(e.reason()).isEqualTo(reason);
              assertThat(e.requestId()).isEqualTo("req-1");
            })
        .hasMessageStartingWith(
            "Decrypt with KMS key alias/a in eu-west-1 failed: KMS answered %d %s"
                .formatted(status, code.isEmpty() ? "without a code" : code))
        .hasMessageContainingAll(says, text.replaceFirst("[.]$", ""))
        .hasMessageEndingWith(".")
        .hasMessageNotContainingAny("..", ". .", "Secrets Manager", "the secret")
        .hasCauseInstanceOf(AwsServiceException.class);
    assertThat(takeCalls()).isEqualTo(1);
  }

  static Stream<Arguments> error_ofKms_hasAReasonAndSaysWhatToDo() {
    return TABLE_OF_KMS
        .lines()
        .map(line -> line.split("\\|", -1))
        .map(
            c ->
                Arguments.of(
                    Integer.parseInt(c[0]),
                    c[1],
                    c[2].replace("$", NOT_AUTHORIZED),
                    Reason.valueOf(c[3]),
                    c[4]));
  }
}
