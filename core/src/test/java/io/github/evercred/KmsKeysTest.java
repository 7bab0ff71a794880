package io.github.evercred;

import static com.github.tomakehurst.wiremock.client.WireMock.aResponse;
import static com.github.tomakehurst.wiremock.client.WireMock.any;
import static com.github.tomakehurst.wiremock.client.WireMock.anyRequestedFor;
import static com.github.tomakehurst.wiremock.client.WireMock.anyUrl;
import static com.github.tomakehurst.wiremock.client.WireMock.equalTo;
import static com.github.tomakehurst.wiremock.client.WireMock.equalToJson;
import static com.github.tomakehurst.wiremock.client.WireMock.matching;
import static com.github.tomakehurst.wiremock.client.WireMock.postRequestedFor;
import static com.github.tomakehurst.wiremock.core.WireMockConfiguration.options;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.github.tomakehurst.wiremock.WireMockServer;
import io.github.evercred.KeyMaker.NewKey;
import io.github.evercred.SecretException.Reason;
import io.github.evercred.testkit.Fault;
import io.github.evercred.testkit.LocalSecretsManager;
import io.github.evercred.testkit.Requests;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The real SDK against the test kit's KMS, and where it matters what is said, against WireMock. */
@Timeout(60)
class KmsKeysTest {
  private static final Duration ENOUGH = Duration.ofSeconds(20);
  private static final String ROLE = "arn:aws:iam::111122223333:role/sealer";

  /** Texts of their own in every form that a key could be told in. */
  private static final byte[] MARKER =
      "MaRkEr7f3a-of-a-data-key-32bytes".getBytes(StandardCharsets.US_ASCII);

  private static final WireMockServer HTTP =
      new WireMockServer(options().dynamicPort().bindAddress("127.0.0.1"));
  private static final Map<String, @Nullable String> BEFORE = new HashMap<>();

  private final LocalSecretsManager server = LocalSecretsManager.start();
  private final String key = server.kms().createKey();
  private final List<KmsKeys> opened = new ArrayList<>();

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
    HTTP.start();
  }

  @AfterAll
  static void stop() {
    HTTP.stop();
  }

  @BeforeEach
  void reachTheServer() {
    property("aws.accessKeyId", "AKIDCHAIN");
    property("aws.secretAccessKey", "example");
    property("aws.endpointUrlKms", server.endpoint().toString());
  }

  @AfterEach
  void reset() {
    opened.forEach(KmsKeys::close);
    server.close();
    HTTP.resetAll();
    BEFORE.forEach(KmsKeysTest::restore);
    BEFORE.clear();
  }

  private static URI http() {
    return URI.create("http://127.0.0.1:" + HTTP.port());
  }

  private static Place place(@Nullable String region, @Nullable String role) {
    return new Place(
        Optional.ofNullable(region),
        List.of(),
        Optional.empty(),
        Optional.empty(),
        Optional.ofNullable(role),
        Optional.empty(),
        "evercred",
        false);
  }

  private KmsKeys keys(Place place, String keyId, String application, Duration timeout) {
    KmsKeys keys = KmsKeys.of(place, keyId, application, timeout);
    opened.add(keys);
    return keys;
  }

  private KmsKeys keys(String keyId) {
    return keys(place(server.region(), null), keyId, "orders", ENOUGH);
  }

  /** For WireMock. */
  private KmsKeys keysOverHttp() {
    property("aws.endpointUrlKms", http().toString());
    return keys(place("eu-west-1", null), "alias/a", "orders", ENOUGH);
  }

  private static void answer(String body) {
    HTTP.stubFor(any(anyUrl()).willReturn(aResponse().withBody(body)));
  }

  private static SecretException failure(ThrowingCallable call) {
    Throwable thrown = catchThrowable(call);
    assertThat(thrown).isInstanceOf(SecretException.class);
    return (SecretException) thrown;
  }

  private static byte[] encrypted(NewKey made) {
    return Objects.requireNonNull(made.encrypted());
  }

  @ParameterizedTest
  @ValueSource(strings = {"ARN", "id", "alias", "alias's ARN"})
  void make_thenDecrypt_isTheSameKey(String form) {
    String aliasArn = server.kms().createAlias("alias/evercred", key);
    String keyId =
        switch (form) {
          case "ARN" -> key;
          case "id" -> key.substring(key.indexOf('/') + 1);
          case "alias" -> "alias/evercred";
          default -> aliasArn;
        };
    NewKey made = keys(keyId).make();

    assertThat(made.plain()).hasSize(32);
    byte[] blob = encrypted(made).clone();
    byte[] opened = keys(keyId).decrypt(encrypted(made));
    assertThat(opened).isEqualTo(made.plain());
    assertThat(encrypted(made)).as("not changed").isEqualTo(blob);
    Arrays.fill(opened, (byte) 0);
    assertThat(keys(keyId).decrypt(encrypted(made))).as("a new array").isEqualTo(made.plain());
  }

  @Test
  void make_byManyAtOnce_areDifferentKeysThatAllOpen() {
    KmsKeys keys = keys(key);

    List<NewKey> made = Crew.of(8, keys::make).values();

    assertThat(made.stream().map(one -> HexFormat.of().formatHex(one.plain())).distinct())
        .hasSize(8);
    for (NewKey one : made) {
      assertThat(keys.decrypt(encrypted(one))).isEqualTo(one.plain());
    }
    assertThat(server.calls("GenerateDataKey")).isEqualTo(8);
  }

  @Test
  void requests_carryKeyAndContextAndNothingElse() {
    String plain = Base64.getEncoder().encodeToString(MARKER);
    answer("{\"KeyId\":\"k\",\"Plaintext\":\"" + plain + "\",\"CiphertextBlob\":\"AAECAw==\"}");
    KmsKeys keys = keysOverHttp();

    NewKey made = keys.make();
    byte[] again = keys.decrypt(new byte[] {9, 8, 7});

    assertThat(made.plain()).isEqualTo(MARKER);
    assertThat(made.encrypted()).containsExactly(0, 1, 2, 3);
    assertThat(again).isEqualTo(MARKER);
    String context =
        "\"EncryptionContext\":{\"evercred:application\":\"orders\",\"evercred:purpose\":\"sealed-cache\"}";
    HTTP.verify(
        1,
        postRequestedFor(anyUrl())
            .withHeader("X-Amz-Target", equalTo("TrentService.GenerateDataKey"))
            .withHeader("User-Agent", matching(".*evercred.*"))
            .withRequestBody(
                equalToJson("{\"KeyId\":\"alias/a\",\"KeySpec\":\"AES_256\"," + context + "}")));
    HTTP.verify(
        1,
        postRequestedFor(anyUrl())
            .withHeader("X-Amz-Target", equalTo("TrentService.Decrypt"))
            .withRequestBody(
                equalToJson(
                    "{\"KeyId\":\"alias/a\",\"CiphertextBlob\":\"CQgH\"," + context + "}")));
    HTTP.verify(2, anyRequestedFor(anyUrl()));
  }

  @Test
  void decrypt_madeForAnotherApplication_isRefusedAndSaysWhy() {
    byte[] blob = encrypted(keys(key).make());
    KmsKeys other = keys(place(server.region(), null), key, "billing", ENOUGH);

    SecretException failure = failure(() -> other.decrypt(blob));

    assertThat(failure.reason()).isEqualTo(Reason.KEY_UNUSABLE);
    assertThat(failure)
        .hasMessageStartingWith(
            "Decrypt with KMS key %s in %s failed: KMS answered 400 InvalidCiphertextException. The data key"
                .formatted(key, server.region()))
        .hasMessageContaining("made for another application");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 40})
  void decrypt_damaged_isRefused(int at) {
    byte[] blob = encrypted(keys(key).make());
    blob[at] ^= 1;

    SecretException failure = failure(() -> keys(key).decrypt(blob));

    assertThat(failure.reason()).isEqualTo(Reason.KEY_UNUSABLE);
    assertThat(failure).hasMessageContaining("is damaged");
  }

  @Test
  void decrypt_aliasMoved_isRefusedAndSaysWhy() {
    server.kms().createAlias("alias/evercred", key);
    byte[] blob = encrypted(keys("alias/evercred").make());
    server.kms().createAlias("alias/evercred", server.kms().createKey());

    SecretException failure = failure(() -> keys("alias/evercred").decrypt(blob));

    assertThat(failure.reason()).isEqualTo(Reason.KEY_UNUSABLE);
    assertThat(failure)
        .hasMessageContainingAll(
            "KMS key alias/evercred", "IncorrectKeyException", "alias may have been moved");
    assertThat(keys(key).decrypt(blob)).as("by the key's ARN").hasSize(32);
  }

  @ParameterizedTest
  @ValueSource(strings = {"DisabledException", "KMSInvalidStateException"})
  void anyCall_keyThatCannotBeUsed_isRefusedUntilItCan(String code) {
    KmsKeys keys = keys(key);
    byte[] blob = encrypted(keys.make());
    if (code.equals("DisabledException")) {
      server.kms().disableKey(key);
    } else {
      server.kms().scheduleKeyDeletion(key);
    }

    for (ThrowingCallable call : List.<ThrowingCallable>of(keys::make, () -> keys.decrypt(blob))) {
      SecretException failure = failure(call);
      assertThat(failure.reason()).isEqualTo(Reason.KEY_UNUSABLE);
      assertThat(failure)
          .hasMessageContainingAll(
              key, server.region(), "KMS answered 400 " + code, "enabled, not pending deletion")
          .hasMessageNotContainingAny("..", "secret");
      assertThat(failure.requestId()).isNotBlank();
      assertThat(failure).hasCauseInstanceOf(Exception.class);
    }
    server.kms().enableKey(key);

    assertThat(keys.decrypt(blob)).hasSize(32);
  }

  @ParameterizedTest
  @CsvSource({
    "alias/none,                                     KEY_UNUSABLE, of another account is only found by its ARN",
    "00000000-0000-0000-0000-000000000000,           KEY_UNUSABLE, of another account is only found by its ARN",
    "arn:aws:kms:REGION:111122223333:key/0,          KEY_UNUSABLE, it must be there",
    "arn:aws:kms:ap-south-1:111122223333:key/0,      WRONG_REGION, is of region ap-south-1",
    "arn:aws:kms:ap-south-1:111122223333:alias/none, WRONG_REGION, is of region ap-south-1",
  })
  void make_keyThatIsNone_isRefusedAndSaysWhereItWasLookedFor(
      String keyId, Reason reason, String says) {
    String asked = keyId.replace("REGION", server.region());

    SecretException failure = failure(() -> keys(asked).make());

    assertThat(failure.reason()).isEqualTo(reason);
    assertThat(failure)
        .hasMessageContainingAll(
            "GenerateDataKey with KMS key " + asked + " in " + server.region(), says);
  }

  @Test
  void anyCall_denied_namesThePermission() {
    KmsKeys keys = keys(key);
    byte[] blob = encrypted(keys.make());
    server.inject(Fault.accessDenied());

    SecretException make = failure(keys::make);
    SecretException decrypt = failure(() -> keys.decrypt(blob));

    assertThat(make.reason()).isEqualTo(Reason.KMS_DENIED);
    assertThat(make).hasMessageContainingAll("Allow kms:GenerateDataKey on this key", key);
    assertThat(decrypt.reason()).isEqualTo(Reason.KMS_DENIED);
    assertThat(decrypt).hasMessageContainingAll("Allow kms:Decrypt on this key", key);
  }

  @ParameterizedTest
  @CsvSource({
    "throttling,         THROTTLED,   400 ThrottlingException",
    "serverError,        UNAVAILABLE, 500 InternalServiceError",
    "serviceUnavailable, UNAVAILABLE, 'it may not be KMS that answered'",
    "connectionReset,    UNAVAILABLE, check the network path",
    "malformedBody,      MALFORMED,   the answer is not the JSON that KMS sends",
  })
  void anyCall_noUsableAnswer_isTransientAfterOneAttemptAndOverWithTheFault(
      String fault, Reason reason, String says) {
    KmsKeys keys = keys(key);
    byte[] blob = encrypted(keys.make());
    server.inject(
        switch (fault) {
          case "throttling" -> Fault.throttling();
          case "serverError" -> Fault.serverError();
          case "serviceUnavailable" -> Fault.serviceUnavailable();
          case "connectionReset" -> Fault.connectionReset();
          default -> Fault.malformedBody();
        });
    server.resetCalls();

    for (ThrowingCallable call : List.<ThrowingCallable>of(keys::make, () -> keys.decrypt(blob))) {
      SecretException failure = failure(call);
      assertThat(failure.reason()).isEqualTo(reason);
      assertThat(failure.reason().isTransient()).isTrue();
      assertThat(failure).hasMessageContainingAll(key, server.region(), says);
    }
    assertThat(server.calls()).isEqualTo(Map.of("GenerateDataKey", 1, "Decrypt", 1));
    server.clearFaults();

    assertThat(keys.decrypt(blob)).hasSize(32);
  }

  @Test
  void anyCall_neverAnswered_endsWithItsTimeout() {
    byte[] blob = encrypted(keys(key).make()); // Loads the SDK's classes, too.
    KmsKeys hasty = keys(place(server.region(), null), key, "orders", Duration.ofMillis(700));
    server.inject(Fault.hang(), Requests.all());

    for (ThrowingCallable call :
        List.<ThrowingCallable>of(hasty::make, () -> hasty.decrypt(blob))) {
      long begun = System.nanoTime();
      SecretException failure = failure(call);
      Duration took = Duration.ofNanos(System.nanoTime() - begun);

      assertThat(failure.reason()).isEqualTo(Reason.UNAVAILABLE);
      assertThat(failure).hasMessageContainingAll("no answer within PT0.7S", key);
      assertThat(took).isLessThan(Duration.ofSeconds(15));
      assertThat(Thread.interrupted()).as("interrupt left behind").isFalse();
    }
  }

  @Test
  void close_laterCalls_areClosedAndMakeNone() {
    KmsKeys keys = keys(key);
    byte[] blob = encrypted(keys.make());
    KmsKeys unused = keys(key);
    server.resetCalls();

    keys.close();
    keys.close();
    unused.close();

    assertThat(failure(keys::make).reason()).isEqualTo(Reason.CLOSED);
    assertThat(failure(() -> keys.decrypt(blob)).reason()).isEqualTo(Reason.CLOSED);
    assertThat(failure(unused::make)).hasMessageStartingWith("These keys are closed");
    assertThat(server.calls()).isEmpty();
  }

  @Test
  void of_nothingCalled_touchesNothing() {
    property("aws.region", null);
    KmsKeys keys = keys(place(null, ROLE), "alias/a", "orders", ENOUGH);

    assertThat(keys).hasToString("KmsKeys[alias/a in the default region]");
    assertThat(server.calls()).isEmpty();
  }

  @Test
  void make_noRegion_isConfigurationUntilThereIsOne() {
    property("aws.region", null);
    property("aws.disableEc2Metadata", "true");
    property("aws.configFile", "/nonexistent");
    property("aws.sharedCredentialsFile", "/nonexistent");
    assertThat(System.getenv("AWS_REGION")).as("this test needs a region unset").isNull();
    KmsKeys keys = keys(place(null, null), key, "orders", ENOUGH);

    SecretException failure = failure(keys::make);

    assertThat(failure.reason()).isEqualTo(Reason.CONFIGURATION);
    assertThat(failure).hasMessageContainingAll("in the default region failed", "region");
    property("aws.region", server.region());
    assertThat(keys.make().plain()).hasSize(32);
  }

  /** It is Secrets Manager's, often a stand-in or a proxy that knows no KMS. */
  @Test
  void make_placeHasAnEndpoint_goesToKmsAllTheSame() {
    Place elsewhere =
        new Place(
            Optional.of(server.region()),
            List.of(),
            Optional.of(http()),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            "evercred",
            false);

    assertThat(keys(elsewhere, key, "orders", ENOUGH).make().plain()).hasSize(32);

    HTTP.verify(0, anyRequestedFor(anyUrl()));
  }

  private void stsAnswers(int status, String body) {
    property("aws.endpointUrlSts", http().toString());
    HTTP.stubFor(any(anyUrl()).willReturn(aResponse().withStatus(status).withBody(body)));
  }

  @Test
  void make_withRole_isSignedWithItsCredentials() {
    stsAnswers(
        200,
        """
        <AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
          <AssumeRoleResult>
            <AssumedRoleUser>
              <AssumedRoleId>AROAEXAMPLE:evercred</AssumedRoleId>
              <Arn>arn:aws:sts::111122223333:assumed-role/sealer/evercred</Arn>
            </AssumedRoleUser>
            <Credentials>
              <AccessKeyId>ASIAROLE1</AccessKeyId>
              <SecretAccessKey>example</SecretAccessKey>
              <SessionToken>token-1</SessionToken>
              <Expiration>%s</Expiration>
            </Credentials>
          </AssumeRoleResult>
        </AssumeRoleResponse>"""
            .formatted(Instant.now().plus(Duration.ofHours(1))));
    String plain = Base64.getEncoder().encodeToString(MARKER);
    HTTP.stubFor(
        any(anyUrl())
            .withHeader("X-Amz-Target", matching("TrentService.*"))
            .willReturn(
                aResponse()
                    .withBody(
                        "{\"Plaintext\":\"" + plain + "\",\"CiphertextBlob\":\"AAECAw==\"}")));
    property("aws.endpointUrlKms", http().toString());

    assertThat(keys(place("eu-west-1", ROLE), key, "orders", ENOUGH).make().plain()).hasSize(32);

    HTTP.verify(
        1,
        postRequestedFor(anyUrl())
            .withHeader("X-Amz-Target", matching("TrentService.*"))
            .withHeader(
                "Authorization",
                matching(".*Credential=ASIAROLE1/\\d+/eu-west-1/kms/aws4_request.*"))
            .withHeader("X-Amz-Security-Token", equalTo("token-1")));
  }

  @Test
  void make_roleRefused_isAboutTheCredentialsAndNamesTheRole() {
    stsAnswers(
        403,
        "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>");

    SecretException failure =
        failure(() -> keys(place(server.region(), ROLE), key, "orders", ENOUGH).make());

    assertThat(failure.reason()).isEqualTo(Reason.AWS_CREDENTIALS);
    assertThat(failure)
        .hasMessageContainingAll(
            "The AWS service 'Sts', asked for credentials, answered 403", ROLE, "trust policy");
    assertThat(server.calls()).isEmpty();
  }

  @Test
  void newKey_shown_showsNothing() {
    var made = new NewKey(MARKER.clone(), MARKER.clone());

    assertThat(made.toString()).isEqualTo("NewKey[...]");
  }

  private static List<String> formsOfTheMarker() {
    String hex = HexFormat.of().formatHex(MARKER, 0, 8);
    String base64 = Base64.getEncoder().encodeToString(MARKER);
    String numbers = Arrays.toString(Arrays.copyOf(MARKER, 6)).replaceAll("[\\[\\]]", "");
    return List.of("MaRkEr", base64.substring(0, 8), hex, hex.toUpperCase(Locale.ROOT), numbers);
  }

  /** Answers with the key in them, good and broken, with all logging on. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"Plaintext\":\"%s\",\"CiphertextBlob\":\"AAECAw==\"}",
        "{\"Plaintext\":\"%s\"}",
        "{\"Plaintext\":\"%s\",\"CiphertextBlob\":\"\"}",
        "{\"Plaintext\":\"%sAAAA\",\"CiphertextBlob\":\"AAECAw==\"}",
        "{\"Plaintext\":\"%s",
        "{\"Plaintext\":%s}",
        "{\"Plaintext\":[\"%s\"]}",
        "{\"Plaintext\":{\"%s\":1}}",
        "{\"Plaintext\":\"*%s\"}",
        "{\"Plaintext\":\"AAECAw==\",\"CiphertextBlob\":{\"a\":\"%s\"}}",
        "{\"CiphertextBlob\":\"%s\"}",
        "{\"%s\":",
        "\"%s\"",
        "%s",
      })
  void anyCall_answerWithTheKey_isNeverTold(String body) {
    answer(body.formatted(Base64.getEncoder().encodeToString(MARKER)));
    KmsKeys keys = keysOverHttp();
    var said = new ArrayList<String>();
    boolean broken = false;
    try (var log = new CapturedLog()) {
      for (Callable<?> call :
          List.<Callable<?>>of(keys::make, () -> keys.decrypt(MARKER.clone()))) {
        try {
          Object given = call.call();
          said.add(given instanceof NewKey made ? made.toString() : "");
          assertThat(body).startsWith("{\"Plaintext\":\"%s\"");
        } catch (SecretException e) {
          assertThat(e.reason()).isEqualTo(Reason.MALFORMED);
          assertThat(e)
              .hasMessageContainingAll("KMS key alias/a in eu-west-1 failed", "the answer");
          said.add(LeakTest.everythingSaidBy(e));
          broken = true;
        } catch (Exception e) {
          throw new AssertionError(e);
        }
      }
      said.add(keys.toString());
      // As with secrets: at DEBUG the SDK's own log of retries quotes an answer that is broken.
      said.add(broken ? log.textOfOursAndWhatOthersTellAtInfo() : log.text());
    }

    for (String form : formsOfTheMarker()) {
      assertThat(said).noneMatch(text -> text.contains(form));
    }
  }

  @Test
  void control_aKeyTold_isFound() {
    List<String> forms = formsOfTheMarker();

    assertThat(forms.stream().filter(new String(MARKER, StandardCharsets.US_ASCII)::contains))
        .hasSize(1);
    assertThat(forms.stream().filter(Base64.getEncoder().encodeToString(MARKER)::contains))
        .hasSize(1);
    assertThat(forms.stream().filter(HexFormat.of().formatHex(MARKER)::contains)).hasSize(1);
    assertThat(forms.stream().filter(Arrays.toString(MARKER)::contains)).hasSize(1);
  }

  @Test
  void make_withoutTheKmsArtifact_saysWhatToAddAndNothingElseNeedsIt() throws Exception {
    try (var without = new URLClassLoader(classPathWithoutKms(), platform())) {
      Class<?> place = without.loadClass(Place.class.getName());
      var of =
          without
              .loadClass(KmsKeys.class.getName())
              .getDeclaredMethod("of", place, String.class, String.class, Duration.class);
      of.setAccessible(true);
      var in = place.getDeclaredMethod("in", String.class, URI.class);
      in.setAccessible(true);
      Object keys =
          of.invoke(null, in.invoke(null, "eu-west-1", null), "alias/a", "orders", ENOUGH);

      for (int i = 0; i < 2; i++) {
        assertThatThrownBy(() -> call(keys, "make"))
            .cause()
            .hasMessageStartingWith("GenerateDataKey with KMS key alias/a in eu-west-1 failed: ")
            .hasMessageContainingAll(
                "A KMS key is configured, but software.amazon.awssdk:kms is not on the class path",
                "Add it")
            .extracting(Object::toString)
            .asString()
            .startsWith("SecretException [CONFIGURATION]");
      }
      assertThatThrownBy(() -> call(keys, "decrypt", (Object) new byte[3]))
          .cause()
          .hasMessageContaining("software.amazon.awssdk:kms is not on the class path");
      call(keys, "close");
    }
  }

  private static Object call(Object keys, String method, Object... arguments) throws Exception {
    var called =
        Arrays.stream(keys.getClass().getDeclaredMethods())
            .filter(one -> one.getName().equals(method) && !one.isSynthetic())
            .findAny()
            .orElseThrow();
    called.setAccessible(true);
    return called.invoke(keys, arguments);
  }

  private static URL[] classPathWithoutKms() throws IOException {
    URL[] all =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .map(Path::of)
            .filter(path -> !path.getFileName().toString().matches("kms-[0-9.]+\\.jar"))
            .map(KmsKeysTest::url)
            .toArray(URL[]::new);
    try (var check = new URLClassLoader(all, platform())) {
      assertThatThrownBy(() -> check.loadClass("software.amazon.awssdk.services.kms.KmsClient"))
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
