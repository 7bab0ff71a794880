package io.github.evercred;

import static com.github.tomakehurst.wiremock.client.WireMock.aResponse;
import static com.github.tomakehurst.wiremock.client.WireMock.any;
import static com.github.tomakehurst.wiremock.client.WireMock.anyRequestedFor;
import static com.github.tomakehurst.wiremock.client.WireMock.anyUrl;
import static com.github.tomakehurst.wiremock.core.WireMockConfiguration.options;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.github.tomakehurst.wiremock.WireMockServer;
import com.github.tomakehurst.wiremock.client.ResponseDefinitionBuilder;
import com.github.tomakehurst.wiremock.verification.LoggedRequest;
import io.github.evercred.SecretException.Reason;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The real SDK against servers that answer as STS and Secrets Manager do: as whom is a secret read.
 */
@Timeout(60)
class AssumedRoleTest {
  private static final String ID = "prod/orders/db";
  private static final String ROLE = "arn:aws:iam::111122223333:role/teams/a/secrets-reader";
  private static final Duration ENOUGH = Duration.ofSeconds(20);
  private static final SecretRequest REQUEST =
      new SecretRequest(ID, VersionSelector.CURRENT, ENOUGH);

  /** Within the last two minutes it is not left to chance whether they are renewed. */
  private static final Duration ABOUT_TO_EXPIRE = Duration.ofSeconds(100);

  private static final WireMockServer STS =
      new WireMockServer(options().dynamicPort().bindAddress("127.0.0.1"));
  private static final WireMockServer SECRETS =
      new WireMockServer(options().dynamicPort().bindAddress("127.0.0.1"));
  private static final Map<String, @Nullable String> BEFORE = new HashMap<>();

  @TempDir Path files;

  private static void property(String name, @Nullable String value) {
    if (!BEFORE.containsKey(name)) {
      BEFORE.put(name, System.getProperty(name));
    }
    restore(name, value);
  }

  private static void restore(String name, @Nullable String value) {
    if (value == null) {
      System.clearProperty(name);
    } else {
      System.setProperty(name, value);
    }
  }

  @BeforeAll
  static void start() {
    STS.start();
    SECRETS.start();
  }

  @AfterAll
  static void stop() {
    STS.stop();
    SECRETS.stop();
  }

  @BeforeEach
  void answer() {
    property("aws.accessKeyId", "AKIDCHAIN");
    property("aws.secretAccessKey", "example");
    property("aws.endpointUrlSts", "http://127.0.0.1:" + STS.port());
    property("aws.configFile", files.resolve("config").toString());
    property("aws.sharedCredentialsFile", files.resolve("credentials").toString());
    SECRETS.stubFor(
        any(anyUrl())
            .willReturn(aResponse().withBody("{\"VersionId\":\"v\",\"SecretString\":\"x\"}")));
    assume("ASIAROLE1", Duration.ofHours(1));
  }

  @AfterEach
  void reset() {
    STS.resetAll();
    SECRETS.resetAll();
    BEFORE.forEach(AssumedRoleTest::restore);
    BEFORE.clear();
  }

  private static void assume(String accessKeyId, Duration lifetime) {
    answerOfSts(
        aResponse()
            .withBody(
                """
                <AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
                  <AssumeRoleResult>
                    <AssumedRoleUser>
                      <AssumedRoleId>AROAEXAMPLE:evercred</AssumedRoleId>
                      <Arn>arn:aws:sts::111122223333:assumed-role/secrets-reader/evercred</Arn>
                    </AssumedRoleUser>
                    <Credentials>
                      <AccessKeyId>%s</AccessKeyId>
                      <SecretAccessKey>example</SecretAccessKey>
                      <SessionToken>token-of-%s</SessionToken>
                      <Expiration>%s</Expiration>
                    </Credentials>
                  </AssumeRoleResult>
                </AssumeRoleResponse>"""
                    .formatted(accessKeyId, accessKeyId, Instant.now().plus(lifetime))));
  }

  private static void answerOfSts(ResponseDefinitionBuilder answer) {
    STS.stubFor(any(anyUrl()).willReturn(answer));
  }

  private static void refuse(String code, String message) {
    answerOfSts(
        aResponse()
            .withStatus(403)
            .withBody(
                "<ErrorResponse><Error><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>"
                    .formatted(code, message)));
  }

  private static AwsSecretSource source(UnaryOperator<AwsSecretSource.Builder> options) {
    return options
        .apply(AwsSecretSource.builder().endpoint(URI.create("http://127.0.0.1:" + SECRETS.port())))
        .build();
  }

  private static AwsSecretSource assuming() {
    return source(b -> b.region("eu-west-1").role(ROLE));
  }

  private static SecretException failure(ThrowingCallable call) {
    SecretException failure = catchThrowableOfType(SecretException.class, call);
    assertThat(failure).isNotNull();
    return failure;
  }

  private static List<LoggedRequest> requests(WireMockServer server) {
    return server.findAll(anyRequestedFor(anyUrl()));
  }

  /** Who signed, and for which region and service, of all requests in their order. */
  private static List<String> signers(WireMockServer server) {
    return requests(server).stream()
        .map(request -> request.getHeader("Authorization"))
        .map(
            header ->
                header.replaceFirst(".*Credential=(\\w+)/\\d+/([^/]+)/([^/]+)/.*", "$1 $2 $3"))
        .toList();
  }

  private static Map<String, String> form(LoggedRequest request) {
    var fields = new TreeMap<String, String>();
    for (String field : request.getBodyAsString().split("&", -1)) {
      String[] pair = field.split("=", 2);
      fields.put(pair[0], URLDecoder.decode(pair[1], StandardCharsets.UTF_8));
    }
    return fields;
  }

  private void write(String file, String... lines) throws IOException {
    Files.write(files.resolve(file), List.of(lines));
  }

  @Test
  void fetch_withRole_isSignedWithItsCredentials() {
    try (var source = assuming()) {
      assertThat(source.fetch(REQUEST).asString()).isEqualTo("x");
    }

    assertThat(signers(STS)).containsExactly("AKIDCHAIN eu-west-1 sts");
    assertThat(signers(SECRETS)).containsExactly("ASIAROLE1 eu-west-1 secretsmanager");
    assertThat(requests(SECRETS).get(0).getHeader("X-Amz-Security-Token"))
        .isEqualTo("token-of-ASIAROLE1");
    assertThat(form(requests(STS).get(0)))
        .containsEntry("Action", "AssumeRole")
        .containsEntry("RoleArn", ROLE)
        .containsEntry("RoleSessionName", "evercred")
        .doesNotContainKeys("ExternalId", "DurationSeconds", "Policy");
    assertThat(requests(STS).get(0).getHeader("User-Agent")).contains("evercred");
  }

  @Test
  void fetch_withExternalIdAndSessionName_sendsThem() {
    try (var source =
        source(
            b -> b.region("eu-west-3").role(ROLE).externalId("a/b:1").roleSessionName("orders"))) {
      source.fetch(REQUEST);
    }

    assertThat(form(requests(STS).get(0)))
        .containsEntry("ExternalId", "a/b:1")
        .containsEntry("RoleSessionName", "orders");
    assertThat(signers(STS)).containsExactly("AKIDCHAIN eu-west-3 sts");
  }

  @Test
  void fetch_noRegion_readsAndAssumesInTheDefaultOne() {
    property("aws.region", "eu-south-2");
    try (var source = source(b -> b.role(ROLE))) {
      source.fetch(REQUEST);
    }

    assertThat(signers(STS)).containsExactly("AKIDCHAIN eu-south-2 sts");
    assertThat(signers(SECRETS)).containsExactly("ASIAROLE1 eu-south-2 secretsmanager");
  }

  @Test
  void fetch_credentialsInTheirLastMinutes_renewsThemBeforeTheyExpire() {
    try (var source = assuming()) {
      assume("ASIAROLE1", ABOUT_TO_EXPIRE);
      source.fetch(REQUEST);
      assume("ASIAROLE2", Duration.ofHours(1));
      source.fetch(REQUEST);
      source.fetch(REQUEST);
    }

    assertThat(signers(SECRETS))
        .extracting(signer -> signer.split(" ", -1)[0])
        .containsExactly("ASIAROLE1", "ASIAROLE2", "ASIAROLE2");
    assertThat(requests(STS)).hasSize(2);
  }

  @Test
  void fetch_renewalRefused_goesOnWithWhatIsValid() {
    try (var source = assuming()) {
      assume("ASIAROLE1", ABOUT_TO_EXPIRE);
      source.fetch(REQUEST);
      refuse("AccessDenied", "no");

      assertThat(source.fetch(REQUEST).asString()).isEqualTo("x");
    }
    assertThat(requests(STS)).hasSizeGreaterThan(1);
  }

  @Test
  void fetch_roleRefused_isAboutTheCredentialsAndNamesTheRole() {
    refuse(
        "AccessDenied",
        "User: arn:aws:iam::444455556666:user/app is not authorized to perform: sts:AssumeRole on"
            + " resource: "
            + ROLE);
    try (var source = assuming()) {
      SecretException failure = failure(() -> source.fetch(REQUEST));

      assertThat(failure.reason()).isEqualTo(Reason.AWS_CREDENTIALS);
      assertThat(failure)
          .hasMessageStartingWith("The AWS service 'Sts', asked for credentials, answered 403")
          .hasMessageContainingAll(
              "The option role is " + ROLE, "trust policy", "externalId", "sts:AssumeRole on it");
      assertThat(requests(SECRETS)).isEmpty();

      assume("ASIAROLE1", Duration.ofHours(1));
      assertThat(source.fetch(REQUEST).asString()).as("mended outside").isEqualTo("x");
    }
  }

  @Test
  void fetch_whatIsBehindTheRoleIsRefused_saysNothingOfItsTrust() {
    refuse(
        "AccessDenied",
        "User: arn:aws:iam::444455556666:user/app is not authorized to perform: sts:AssumeRole on"
            + " resource: arn:aws:iam::111122223333:role/of-the-profile");
    try (var source = assuming()) {
      assertThat(failure(() -> source.fetch(REQUEST)))
          .hasMessageContaining("The option role is " + ROLE)
          .hasMessageNotContaining("trust policy");
    }
  }

  @Test
  void fetch_secretDeniedToTheRole_isADenialOfTheSecret() {
    SECRETS.stubFor(
        any(anyUrl())
            .willReturn(
                aResponse()
                    .withStatus(400)
                    .withBody("{\"__type\":\"AccessDeniedException\",\"message\":\"no\"}")));
    try (var source = assuming()) {
      SecretException failure = failure(() -> source.fetch(REQUEST));

      assertThat(failure.reason()).isEqualTo(Reason.ACCESS_DENIED);
      assertThat(failure).hasMessageNotContaining("trust policy");
    }
  }

  @Test
  void fetch_stsIsAway_isAboutTheCredentialsOfTheRole() {
    int port = STS.port();
    property("aws.endpointUrlSts", "http://127.0.0.1:1");
    assertThat(port).isNotEqualTo(1);
    try (var source = assuming()) {
      SecretException failure = failure(() -> source.fetch(REQUEST));

      assertThat(failure.reason()).isEqualTo(Reason.AWS_CREDENTIALS);
      assertThat(failure).hasMessageContaining("No credentials of role " + ROLE + " from STS: ");
    }
  }

  @Test
  void fetch_stsNeverAnswers_endsWithTheRequestsTimeout() {
    try (var source = assuming()) {
      source.fetch(REQUEST); // Loads the SDK's classes.
    }
    answerOfSts(aResponse().withFixedDelay(40_000));
    try (var source = assuming()) {
      long begun = System.nanoTime();
      SecretException failure =
          failure(
              () ->
                  source.fetch(
                      new SecretRequest(ID, VersionSelector.CURRENT, Duration.ofMillis(700))));
      Duration took = Duration.ofNanos(System.nanoTime() - begun);

      assertThat(failure.reason()).isEqualTo(Reason.AWS_CREDENTIALS);
      assertThat(failure).hasMessageContainingAll(ROLE, "700 millis");
      assertThat(took).isBetween(Duration.ofMillis(600), Duration.ofSeconds(5));
    }
    assertThat(Thread.interrupted()).as("interrupt left behind").isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "<AssumeRoleResponse/>",
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>b</SecretAccessKey></Credentials></AssumeRoleResult></AssumeRoleResponse>",
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>b</SecretAccessKey><SessionToken>c</SessionToken></Credentials></AssumeRoleResult></AssumeRoleResponse>",
        "<html>",
        "<AssumeRoleResponse><AssumeRoleResult>",
        "none",
        "",
      })
  void fetch_answerWithoutCredentials_isTransientAndNamesTheRole(String body) {
    answerOfSts(aResponse().withBody(body));
    try (var source = assuming()) {
      SecretException failure = failure(() -> source.fetch(REQUEST));

      assertThat(failure.reason()).isEqualTo(Reason.AWS_CREDENTIALS);
      assertThat(failure).hasMessageContaining(ROLE);
    }
    assertThat(requests(SECRETS)).isEmpty();
  }

  @Test
  void fetch_withProfile_usesItsCredentialsAndRegionAndNoOthers() throws Exception {
    property("aws.region", null);
    assertThat(System.getenv("AWS_REGION")).as("this test needs a region unset").isNull();
    write("config", "[profile orders]", "region = eu-north-1");
    write(
        "credentials", "[orders]", "aws_access_key_id = AKIDPROFILE", "aws_secret_access_key = x");
    try (var source = source(b -> b.profile("orders"))) {
      source.fetch(REQUEST);
    }

    assertThat(signers(SECRETS)).containsExactly("AKIDPROFILE eu-north-1 secretsmanager");
    assertThat(requests(STS)).isEmpty();
  }

  @Test
  void fetch_withProfileAndRole_assumesItWithTheProfilesCredentials() throws Exception {
    write("config", "[profile orders]", "region = eu-north-1");
    write(
        "credentials", "[orders]", "aws_access_key_id = AKIDPROFILE", "aws_secret_access_key = x");
    try (var source = source(b -> b.region("eu-west-1").profile("orders").role(ROLE))) {
      source.fetch(REQUEST);
    }

    assertThat(signers(STS)).containsExactly("AKIDPROFILE eu-west-1 sts");
    assertThat(signers(SECRETS)).containsExactly("ASIAROLE1 eu-west-1 secretsmanager");
  }

  @Test
  void fetch_profileThatIsNone_isConfigurationUntilItIsThere() throws Exception {
    write("credentials", "[other]", "aws_access_key_id = AKIDOTHER", "aws_secret_access_key = x");
    try (var source = source(b -> b.region("eu-west-1").profile("orders").role(ROLE))) {
      SecretException failure = failure(() -> source.fetch(REQUEST));

      assertThat(failure.reason()).isEqualTo(Reason.CONFIGURATION);
      assertThat(failure)
          .hasMessageContainingAll(
              "there is no profile 'orders' in ",
              files.resolve("config").toString(),
              files.resolve("credentials").toString());
      assertThat(requests(STS)).isEmpty();

      write(
          "credentials",
          "[orders]",
          "aws_access_key_id = AKIDPROFILE",
          "aws_secret_access_key = x");
      assertThat(source.fetch(REQUEST).asString()).isEqualTo("x");
    }
  }

  @Test
  void fetch_profileWithoutCredentials_isAboutTheCredentials() throws Exception {
    write("config", "[profile orders]", "region = eu-north-1");
    try (var source = source(b -> b.profile("orders"))) {
      SecretException failure = failure(() -> source.fetch(REQUEST));

      assertThat(failure.reason()).isEqualTo(Reason.AWS_CREDENTIALS);
      assertThat(failure).hasMessageContaining("'orders'");
    }
  }

  @Test
  void build_nothingFetched_touchesNothing() {
    property("aws.configFile", "/nonexistent");
    try (var source = source(b -> b.profile("orders").role(ROLE))) {
      assertThat(source.description())
          .isEqualTo("http://127.0.0.1:" + SECRETS.port() + " with profile orders as " + ROLE);
    }
    assertThat(AwsSecretSource.builder().region("eu-west-3").build().description())
        .isEqualTo("eu-west-3");
    assertThat(AwsSecretSource.builder().build().description()).isEqualTo("the default region");
    assertThat(requests(STS)).isEmpty();
  }

  @Test
  void close_afterFetches_leavesNoThreadAndAssumesNoMore() throws Exception {
    write(
        "credentials", "[orders]", "aws_access_key_id = AKIDPROFILE", "aws_secret_access_key = x");
    Set<Thread> before = Thread.getAllStackTraces().keySet();
    var source = source(b -> b.region("eu-west-1").profile("orders").role(ROLE));
    assume("ASIAROLE1", ABOUT_TO_EXPIRE);
    source.fetch(REQUEST);
    source.fetch(REQUEST);
    int calls = requests(STS).size();

    source.close();

    assertThat(failure(() -> source.fetch(REQUEST)).reason()).isEqualTo(Reason.CLOSED);
    assertThat(requests(STS)).hasSize(calls);
    Eventually.until(() -> started(before).isEmpty(), () -> "threads left: " + started(before));
  }

  /** The server's own threads and the JDK's idle ones aside. */
  private static List<String> started(Set<Thread> before) {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> !before.contains(thread) && thread.isAlive())
        .map(Thread::getName)
        .filter(name -> !name.startsWith("qtp") && !name.startsWith("Keep-Alive"))
        .toList();
  }

  @Test
  void cache_roleInProperties_isAssumedForItsOwnSource() {
    var properties = new Properties();
    properties.setProperty("evercred.endpoint", "http://127.0.0.1:" + SECRETS.port());
    properties.setProperty("evercred.role", ROLE);
    var system = new Properties();
    system.setProperty("evercred.externalId", "by-system-property");
    var environment =
        Map.of(
            "EVERCRED_ROLE", "arn:aws:iam::111122223333:role/overridden",
            "EVERCRED_EXTERNAL_ID", "overridden",
            "EVERCRED_ROLE_SESSION_NAME", "by-environment",
            "EVERCRED_REGION", "eu-west-2");
    try (SecretCache cache =
        new SecretCacheBuilder(system, environment).properties(properties).build()) {
      assertThat(requests(STS)).isEmpty();
      assertThat(cache.get(ID).asString()).isEqualTo("x");
      assertThat(cache.toString()).contains(" as " + ROLE);
    }

    assertThat(form(requests(STS).get(0)))
        .containsEntry("RoleArn", ROLE)
        .containsEntry("ExternalId", "by-system-property")
        .containsEntry("RoleSessionName", "by-environment");
    assertThat(signers(SECRETS)).containsExactly("ASIAROLE1 eu-west-2 secretsmanager");
  }

  @Test
  void cache_roleRefused_saysWhatToDo() {
    refuse("AccessDenied", "no");
    try (SecretCache cache = SecretCache.builder().source(assuming()).build()) {
      assertThat(failure(() -> cache.get(ID)))
          .hasMessageContainingAll("3 attempts", ROLE, "gets its AWS credentials");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "region,          EU West,    a region's id",
    "profile,         a b,        a profile's name",
    "profile,         '',         a profile's name",
    "role,            admin,      an IAM role's ARN",
    "role,            arn:aws:iam::1:role/a, an IAM role's ARN",
    "role,            arn:aws:iam::111122223333:user/a, an IAM role's ARN",
    "role,            arn:aws:sts::111122223333:assumed-role/a/b, an IAM role's ARN",
    "role,            arn:aws:iam::111122223333:role/, an IAM role's ARN",
    "role,            arn:aws:iam::111122223333:role/a b, an IAM role's ARN",
    "role,            arn:aws:iam:eu-west-1:111122223333:role/a, an IAM role's ARN",
    "role,            ' arn:aws:iam::111122223333:role/a', an IAM role's ARN",
    "roleSessionName, a,          2 to 64 letters",
    "roleSessionName, a b,        2 to 64 letters",
    "roleSessionName, ü1,         2 to 64 letters",
  })
  void builder_wrongValue_isRejectedAndToldWithTheRange(String option, String text, String range) {
    assertThatThrownBy(() -> set(AwsSecretSource.builder(), option, text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(option + " must be ")
        .hasMessageContainingAll(range, ", not " + text);
  }

  @ParameterizedTest
  @CsvSource({"1, one of 1 characters", "hunter2 or so, one with other characters"})
  void builder_wrongExternalId_isRejectedAndNotQuoted(String text, String said) {
    assertThatThrownBy(() -> set(AwsSecretSource.builder(), "externalId", text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("externalId must be 2 to 1224 letters, digits and _+=,.@:/-, not " + said);
  }

  @Test
  void builder_lengths_areThoseOfSts() {
    var builder = AwsSecretSource.builder();
    assertThatThrownBy(() -> builder.externalId("x".repeat(1_225)))
        .hasMessageContaining("one of 1225 characters");
    assertThatThrownBy(() -> builder.roleSessionName("x".repeat(65)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> builder.role("arn:aws:iam::111122223333:role/" + "x".repeat(65)))
        .isInstanceOf(IllegalArgumentException.class);

    builder
        .externalId("x".repeat(1_224))
        .roleSessionName("x".repeat(64))
        .role("arn:aws-us-gov:iam::111122223333:role/a/b/" + "x".repeat(64))
        .build()
        .close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"externalId", "roleSessionName"})
  void builder_partOfARoleWithoutOne_isRejected(String option) {
    var builder = AwsSecretSource.builder();
    set(builder, option, "orders");

    assertThatThrownBy(builder::build)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContainingAll(option + " (set in code)", "role is not set");
  }

  @Test
  void builder_optionTwice_isRejected() {
    var builder = AwsSecretSource.builder().role(ROLE);

    assertThatThrownBy(() -> builder.role(ROLE))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("role was already set to " + ROLE);
  }

  @Test
  void builder_endpointThatIsNone_isRefusedAndNotQuoted() {
    assertThatThrownBy(() -> AwsSecretSource.builder().endpoint(URI.create("https://hunter2@host")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageNotContaining("hunter2");
  }

  private static void set(AwsSecretSource.Builder builder, String option, String text) {
    var unused =
        switch (option) {
          case "region" -> builder.region(text);
          case "profile" -> builder.profile(text);
          case "role" -> builder.role(text);
          case "externalId" -> builder.externalId(text);
          default -> builder.roleSessionName(text);
        };
  }

  @Test
  void fetch_withoutTheStsArtifact_worksUnlessARoleIsConfigured() throws Exception {
    try (var withoutSts = new URLClassLoader(classPathWithoutSts(), platform())) {
      Class<?> source = withoutSts.loadClass(AwsSecretSource.class.getName());
      Class<?> selector = withoutSts.loadClass(VersionSelector.class.getName());
      Class<?> request = withoutSts.loadClass(SecretRequest.class.getName());
      Object asked =
          request
              .getConstructor(String.class, selector, Duration.class)
              .newInstance(ID, selector.getField("CURRENT").get(null), ENOUGH);
      URI endpoint = URI.create("http://127.0.0.1:" + SECRETS.port());
      Object plain =
          source.getMethod("create", String.class, URI.class).invoke(null, "eu-west-1", endpoint);

      Object value = source.getMethod("fetch", request).invoke(plain, asked);
      assertThat(value.getClass().getMethod("asString").invoke(value)).isEqualTo("x");

      Object builder = source.getMethod("builder").invoke(null);
      builder.getClass().getMethod("role", String.class).invoke(builder, ROLE);
      Object assuming = builder.getClass().getMethod("build").invoke(builder);
      assertThatThrownBy(() -> source.getMethod("fetch", request).invoke(assuming, asked))
          .cause()
          .hasMessageContainingAll(
              "A role is configured, but software.amazon.awssdk:sts is not on the class path",
              "Add it");
    }
  }

  private static URL[] classPathWithoutSts() throws IOException {
    URL[] all =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .map(Path::of)
            .filter(path -> !path.getFileName().toString().matches("sts-[0-9.]+\\.jar"))
            .map(AssumedRoleTest::url)
            .toArray(URL[]::new);
    try (var check = new URLClassLoader(all, platform())) {
      assertThatThrownBy(() -> check.loadClass("software.amazon.awssdk.services.sts.StsClient"))
          .isInstanceOf(ClassNotFoundException.class);
    }
    return all;
  }

  private static ClassLoader platform() {
    return ClassLoader.getPlatformClassLoader();
  }

  private static URL url(Path path) {
    try {
      return path.toUri().toURL();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
