package io.github.evercred;

import static com.github.tomakehurst.wiremock.client.WireMock.aResponse;
import static com.github.tomakehurst.wiremock.client.WireMock.any;
import static com.github.tomakehurst.wiremock.client.WireMock.anyUrl;
import static com.github.tomakehurst.wiremock.client.WireMock.matching;
import static com.github.tomakehurst.wiremock.core.WireMockConfiguration.options;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.github.tomakehurst.wiremock.WireMockServer;
import io.github.evercred.SecretException.Reason;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/**
 * Plants a marker as the value of secrets, drives what can go wrong with all logging on, and looks
 * for the marker in whatever comes out.
 */
@Timeout(60)
class LeakTest {
  private static final String MARKER = "MaRkEr7f3a";
  private static final String ID = CacheFixture.ID;

  /** Messages, texts and traces of a throwable and of all that hang from it. */
  static String everythingSaidBy(Throwable thrown) {
    var text = new StringWriter();
    var writer = new PrintWriter(text);
    collect(thrown, writer, Collections.newSetFromMap(new IdentityHashMap<>()));
    return text.toString();
  }

  private static void collect(Throwable thrown, PrintWriter into, Set<Throwable> seen) {
    if (!seen.add(thrown)) {
      return;
    }
    into.println(thrown.getMessage());
    into.println(thrown.getLocalizedMessage());
    into.println(thrown);
    thrown.printStackTrace(into);
    if (thrown.getCause() != null) {
      collect(thrown.getCause(), into, seen);
    }
    for (Throwable suppressed : thrown.getSuppressed()) {
      collect(suppressed, into, seen);
    }
  }

  private static boolean leaks(String text) {
    return text.contains(MARKER) || text.contains(MARKER.substring(0, 6));
  }

  private final List<String> said = new ArrayList<>();

  private void expectFailure(ThrowingCallable call) {
    Throwable thrown = catchThrowable(call);
    assertThat(thrown).as("a failure path that does not fail").isNotNull();
    said.add(everythingSaidBy(thrown));
  }

  private void assertNothingLeaked(String logged) {
    Thread.getAllStackTraces().keySet().forEach(thread -> said.add(thread.getName()));
    said.add(logged);
    assertThat(said.stream().filter(LeakTest::leaks).map(LeakTest::where)).isEmpty();
  }

  private static String where(String text) {
    int at = text.indexOf(MARKER.substring(0, 6));
    return text.substring(Math.max(0, at - 300), Math.min(text.length(), at + 50));
  }

  @Test
  void control_aLeakAnywhere_isFound() {
    var hidden = new IllegalStateException("harmless", new RuntimeException(MARKER));
    var suppressed = new IllegalStateException("harmless");
    suppressed.addSuppressed(new RuntimeException("token '" + MARKER + "'"));
    try (var log = new CapturedLog()) {
      System.getLogger("io.github.evercred").log(System.Logger.Level.TRACE, "x {0}", MARKER);
      LoggerFactory.getLogger("some.library").trace("y {}", MARKER);

      assertThat(leaks(everythingSaidBy(hidden))).isTrue();
      assertThat(leaks(everythingSaidBy(suppressed))).isTrue();
      assertThat(log.text().split(MARKER, -1)).hasSizeGreaterThan(2);
      assertThat(leaks("truncated " + MARKER.substring(0, 7))).isTrue();
    }
  }

  @Test
  void cache_everyFailurePath_leaksNothing() {
    try (var log = new CapturedLog();
        var f =
            new CacheFixture(
                o ->
                    o.serveStaleFor(Duration.ofMinutes(10))
                        .serveStaleWhenDeniedFor(Duration.ofMinutes(10)))) {
      f.source.put(ID, 1, "{\"password\":\"" + MARKER + "\"}", "AWSCURRENT");
      f.source.put("plain", 1, MARKER, "AWSCURRENT");
      f.source.put("broken", 1, "{\"password\":\"" + MARKER, "AWSCURRENT");
      f.source.put("nested", 1, "{\"a\":{\"b\":\"" + MARKER + "\"}}", "AWSCURRENT");

      SecretValue value = f.cache.get(ID);
      assertThat(leaks(value.asString())).as("the marker is planted").isTrue();
      said.add(value.toString());
      said.add(f.cache.toString());
      said.add(new SecretRequest(ID, VersionSelector.CURRENT, Duration.ofSeconds(1)).toString());
      said.add(
          SecretValue.builder(ID, "v").bytes(MARKER.getBytes(StandardCharsets.UTF_8)).toString());
      expectFailure(() -> value.field("absent"));
      expectFailure(() -> f.cache.get("plain").field("password"));
      expectFailure(() -> f.cache.get("broken").field("password"));
      expectFailure(() -> f.cache.get("nested").field("a"));

      for (Reason reason : Reason.values()) {
        f.source.failing(reason);
        f.time.advance(Duration.ofSeconds(30));
        f.rest();
        expectFailure(() -> f.drive(() -> f.cache.get("cold" + reason)).value());
        expectFailure(() -> f.drive(() -> f.cache.refresh(ID)).value());
      }
      f.source.script(
          request -> {
            throw new IllegalStateException("as a broken source says");
          });
      f.time.advance(Duration.ofSeconds(31));
      expectFailure(() -> f.drive(() -> f.cache.get("other")).value());
      f.passReading(Duration.ofMinutes(9), Duration.ofSeconds(1), () -> f.drive(f::readOrFail));
      f.time.advance(Duration.ofMinutes(10));
      expectFailure(() -> f.drive(f::read).value());
      f.cache.close();
      expectFailure(f::read);
      said.add(f.cache.toString());

      assertThat(log.size()).as("something was logged").isPositive();
      assertNothingLeaked(log.text());
    }
  }

  private static final WireMockServer AWS =
      new WireMockServer(options().dynamicPort().bindAddress("127.0.0.1"));

  @BeforeAll
  static void start() {
    AWS.start();
  }

  @AfterAll
  static void stop() {
    AWS.stop();
  }

  private static SecretsManagerClient client() {
    return SecretsManagerClient.builder()
        .region(Region.EU_WEST_1)
        .endpointOverride(URI.create("http://127.0.0.1:" + AWS.port()))
        .credentialsProvider(
            StaticCredentialsProvider.create(AwsBasicCredentials.create("AKIDEXAMPLE", "example")))
        .httpClientBuilder(UrlConnectionHttpClient.builder())
        .overrideConfiguration(o -> o.retryStrategy(AwsRetryStrategy.doNotRetry()))
        .build();
  }

  private static SecretCache cache(SecretsManagerClient client) {
    return SecretCache.builder().source(AwsSecretSource.of(client)).build();
  }

  @Test
  void sdk_goodAnswer_leaksNothingAtAnyLevel() {
    AWS.stubFor(
        any(anyUrl())
            .willReturn(
                aResponse().withBody("{\"VersionId\":\"v\",\"SecretString\":\"" + MARKER + "\"}")));
    try (var log = new CapturedLog();
        SecretsManagerClient client = client();
        SecretCache cache = cache(client)) {
      SecretValue value = cache.get(ID);
      assertThat(leaks(value.asString())).isTrue();
      said.add(value.toString());
      said.add(cache.toString());

      assertThat(log.text()).as("the SDK logs").contains("software.amazon.awssdk");
      assertNothingLeaked(log.text());
    }
  }

  /**
   * The SDK logs the exception of its own JSON parser at DEBUG, with the word that it could not
   * read, before we see it. What we throw and log must not repeat it.
   */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "%s",
        "{\"SecretString\":%s}",
        "{\"VersionId\":\"v\",\"SecretString\":\"%s",
        "{\"SecretString\":\"%s\"}",
        "{\"VersionId\":\"v\",\"SecretBinary\":\"*%s\"}",
        "{\"VersionId\":\"v\",\"SecretString\":\"x\",\"CreatedDate\":\"%s\"}",
      })
  void sdk_malformedAnswer_isNotRepeated(String body) {
    AWS.stubFor(any(anyUrl()).willReturn(aResponse().withBody(body.formatted(MARKER))));
    try (var log = new CapturedLog();
        SecretsManagerClient client = client();
        SecretCache cache = cache(client)) {
      expectFailure(() -> cache.get(ID));
      said.add(cache.toString());

      assertNothingLeaked(log.textOfOursAndWhatOthersTellAtInfo());
    }
  }

  /**
   * Errors that are none: what cannot be read is not repeated, nor is what stands beside a code.
   */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "%s",
        "<html>%s</html>",
        "{\"__type\":\"X\",\"message\":%s}",
        "{\"__type\":\"X\",\"message\":\"x\"} %s",
        "{\"__type\":\"X\",\"SecretString\":\"%s\"}",
        "{\"__type\":\"ResourceNotFoundException\",\"SecretString\":{\"a\":\"%s\"}}",
        "{\"__type\":\"InternalServiceError\",\"SecretBinary\":\"*%s\"}",
        "{\"SecretString\":\"%s\"}",
      })
  void sdk_malformedError_isNotRepeated(String body) {
    for (int status : new int[] {400, 403, 500}) {
      AWS.stubFor(
          any(anyUrl())
              .willReturn(aResponse().withStatus(status).withBody(body.formatted(MARKER))));
      try (var log = new CapturedLog();
          SecretsManagerClient client = client();
          SecretCache cache = cache(client)) {
        expectFailure(() -> cache.get(ID));
        said.add(cache.toString());

        assertNothingLeaked(log.textOfOursAndWhatOthersTellAtInfo());
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "%s",
        "{\"SecretValues\":%s}",
        "{\"SecretValues\":\"%s\"}",
        "{\"SecretValues\":[{\"SecretString\":\"%s",
        "{\"SecretValues\":[{\"Name\":\"prod/orders/db\",\"SecretString\":\"%s\"}]}",
        "{\"SecretValues\":[{\"Name\":\"prod/orders/db\",\"SecretBinary\":\"*%s\"}]}",
        "{\"SecretValues\":[{\"Name\":\"prod/orders/db\",\"VersionId\":\"v\",\"SecretString\":\"x\",\"CreatedDate\":\"%s\"}]}",
        "{\"SecretValues\":[],\"Errors\":[{\"SecretId\":%s}]}",
      })
  void sdk_malformedBatch_isNotRepeated(String body) {
    AWS.stubFor(any(anyUrl()).willReturn(aResponse().withBody(body.formatted(MARKER))));
    try (var log = new CapturedLog();
        SecretsManagerClient client = client()) {
      SecretException failure;
      try {
        failure =
            AwsSecretSource.of(client)
                .fetchBatch(List.of(ID), Duration.ofSeconds(20))
                .failures()
                .get(ID);
      } catch (SecretException e) {
        failure = e;
      }
      assertThat(failure).as("a failure path that does not fail").isNotNull();
      said.add(everythingSaidBy(Objects.requireNonNull(failure)));

      assertNothingLeaked(log.textOfOursAndWhatOthersTellAtInfo());
    }
  }

  private static final String ROLE = "arn:aws:iam::111122223333:role/secrets-reader";
  private static final List<String> CREDENTIALS =
      List.of("aws.accessKeyId", "aws.secretAccessKey", "aws.endpointUrlSts", "aws.configFile");

  private static String credentials(String secretKey, String token, String expiration) {
    return "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>%s</SecretAccessKey><SessionToken>%s</SessionToken>%s</Credentials></AssumeRoleResult></AssumeRoleResponse>"
        .formatted(secretKey, token, expiration);
  }

  /** STS and Secrets Manager are one server here: the answers differ by what they are for. */
  private void readWithRole(String answerOfSts, boolean succeeds) {
    CREDENTIALS.forEach(name -> assertThat(System.getProperty(name)).isNull());
    System.setProperty("aws.accessKeyId", "AKIDEXAMPLE");
    System.setProperty("aws.secretAccessKey", "example" + MARKER);
    System.setProperty("aws.endpointUrlSts", "http://127.0.0.1:" + AWS.port());
    System.setProperty("aws.configFile", "/nonexistent");
    AWS.stubFor(any(anyUrl()).willReturn(aResponse().withBody(answerOfSts)));
    AWS.stubFor(
        any(anyUrl())
            .withHeader("X-Amz-Target", matching("secretsmanager.*"))
            .willReturn(aResponse().withBody("{\"VersionId\":\"v\",\"SecretString\":\"x\"}")));
    AwsSecretSource.Builder options =
        AwsSecretSource.builder()
            .region("eu-west-1")
            .endpoint(URI.create("http://127.0.0.1:" + AWS.port()))
            .role(ROLE)
            .externalId(MARKER);
    try (var source = options.build();
        SecretCache cache = SecretCache.builder().source(source).build()) {
      if (succeeds) {
        assertThat(cache.get(ID).asString()).isEqualTo("x");
      } else {
        expectFailure(() -> cache.get(ID));
      }
      said.add(cache.toString());
      said.add(source.description());
    } finally {
      CREDENTIALS.forEach(System::clearProperty);
      AWS.resetAll();
    }
  }

  @Test
  void role_assumed_itsSecretsAreNotTold() {
    try (var log = new CapturedLog()) {
      readWithRole(
          credentials(MARKER, MARKER, "<Expiration>2099-01-01T00:00:00Z</Expiration>"), true);

      assertThat(log.text()).as("the SDK logs").contains("software.amazon.awssdk");
      assertNothingLeaked(log.textOfOursAndWhatOthersTellAtInfo());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "%s",
        "<html>%s</html>",
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><SecretAccessKey>%s",
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><SecretAccessKey>&%s;</SecretAccessKey></Credentials></AssumeRoleResult></AssumeRoleResponse>",
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>%1$s</SecretAccessKey><SessionToken>%1$s</SessionToken></Credentials></AssumeRoleResult></AssumeRoleResponse>",
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>%1$s</SecretAccessKey><SessionToken>%1$s</SessionToken><Expiration>%1$s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>",
        "<AssumeRoleResponse><AssumeRoleResult><%1$s></AssumeRoleResult></AssumeRoleResponse>",
      })
  void role_malformedCredentials_areNotRepeated(String answer) {
    try (var log = new CapturedLog()) {
      readWithRole(answer.formatted(MARKER), false);

      assertNothingLeaked(log.textOfOursAndWhatOthersTellAtInfo());
    }
  }

  /** A file of credentials that is broken in its lines of secrets. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "[orders]\naws_access_key_id = A\naws_secret_access_key %s",
        "[orders]\n%s",
        "[orders %s\naws_access_key_id = A",
        "%s",
        "[orders]\naws_secret_access_key = %s",
        "[orders]\naws_session_token = %s",
      })
  void profile_brokenFile_isNotRepeated(String text, @TempDir Path files) throws IOException {
    Path file = Files.writeString(files.resolve("credentials"), text.formatted(MARKER));
    System.setProperty("aws.sharedCredentialsFile", file.toString());
    System.setProperty("aws.configFile", "/nonexistent");
    try (var log = new CapturedLog();
        var source = AwsSecretSource.builder().region("eu-west-1").profile("orders").build();
        SecretCache cache = SecretCache.builder().source(source).build()) {
      expectFailure(() -> cache.get(ID));

      assertNothingLeaked(log.textOfOursAndWhatOthersTellAtInfo());
    } finally {
      System.clearProperty("aws.sharedCredentialsFile");
      System.clearProperty("aws.configFile");
    }
  }

  @Test
  void sdk_goodBatch_leaksNothingAtAnyLevel() {
    AWS.stubFor(
        any(anyUrl())
            .willReturn(
                aResponse()
                    .withBody(
                        "{\"SecretValues\":[{\"Name\":\"prod/orders/db\",\"VersionId\":\"v\",\"SecretString\":\"%s\"}]}"
                            .formatted(MARKER))));
    try (var log = new CapturedLog();
        SecretsManagerClient client = client()) {
      SecretBatch batch =
          AwsSecretSource.of(client).fetchBatch(List.of(ID), Duration.ofSeconds(20));
      assertThat(batch.values()).containsOnlyKeys(ID);
      said.add(batch.toString());

      assertNothingLeaked(log.text());
    }
  }
}
