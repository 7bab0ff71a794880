package io.github.evercred.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.retries.DefaultRetryStrategy;
import software.amazon.awssdk.services.kms.KmsClient;
import software.amazon.awssdk.services.kms.model.DataKeySpec;
import software.amazon.awssdk.services.kms.model.DecryptResponse;
import software.amazon.awssdk.services.kms.model.DisabledException;
import software.amazon.awssdk.services.kms.model.GenerateDataKeyRequest;
import software.amazon.awssdk.services.kms.model.GenerateDataKeyResponse;
import software.amazon.awssdk.services.kms.model.IncorrectKeyException;
import software.amazon.awssdk.services.kms.model.InvalidCiphertextException;
import software.amazon.awssdk.services.kms.model.KmsException;
import software.amazon.awssdk.services.kms.model.KmsInternalException;
import software.amazon.awssdk.services.kms.model.KmsInvalidStateException;
import software.amazon.awssdk.services.kms.model.NotFoundException;

/** The unmodified SDK's KMS client against the stand-in. */
@Timeout(30)
class LocalKmsTest {
  private static final Map<String, String> CONTEXT = Map.of("application", "orders", "cache", "a");

  private final LocalSecretsManager server = LocalSecretsManager.start();
  private final KmsClient client = client(server, Duration.ofSeconds(20));
  private final LocalKms kms = server.kms();
  private final String key = kms.createKey();

  private static KmsClient client(LocalSecretsManager server, Duration socketTimeout) {
    return KmsClient.builder()
        .endpointOverride(server.endpoint())
        .region(Region.of(server.region()))
        .credentialsProvider(
            StaticCredentialsProvider.create(AwsBasicCredentials.create("AKIDEXAMPLE", "example")))
        .httpClientBuilder(UrlConnectionHttpClient.builder().socketTimeout(socketTimeout))
        .overrideConfiguration(o -> o.retryStrategy(DefaultRetryStrategy.doNotRetry()))
        .build();
  }

  @AfterEach
  void close() {
    client.close();
    server.close();
  }

  private GenerateDataKeyResponse generate(String keyId) {
    return client.generateDataKey(
        b -> b.keyId(keyId).keySpec(DataKeySpec.AES_256).encryptionContext(CONTEXT));
  }

  private DecryptResponse decrypt(
      SdkBytes blob, @Nullable String keyId, Map<String, String> context) {
    return client.decrypt(b -> b.ciphertextBlob(blob).keyId(keyId).encryptionContext(context));
  }

  private static void assertRefused(
      ThrowingCallable call, Class<? extends KmsException> type, String code) {
    assertThatExceptionOfType(type)
        .isThrownBy(call)
        .satisfies(
            e -> {
              assertThat(e.statusCode()).isEqualTo(400);
              assertThat(e.awsErrorDetails().errorCode()).isEqualTo(code);
              assertThat(e.requestId()).isNotBlank();
            });
  }

  @Test
  void dataKey_decryptedWithItsContext_isTheSame() {
    GenerateDataKeyResponse made = generate(key);

    assertThat(made.keyId()).isEqualTo(key);
    assertThat(made.plaintext().asByteArray()).hasSize(32);
    DecryptResponse opened = decrypt(made.ciphertextBlob(), key, CONTEXT);
    assertThat(opened.plaintext()).isEqualTo(made.plaintext());
    assertThat(opened.keyId()).isEqualTo(key);
    assertThat(opened.encryptionAlgorithmAsString()).isEqualTo("SYMMETRIC_DEFAULT");
    assertThat(decrypt(made.ciphertextBlob(), null, CONTEXT).plaintext())
        .as("the key's id may be left out")
        .isEqualTo(made.plaintext());
    assertThat(server.calls())
        .containsOnly(Map.entry("GenerateDataKey", 1), Map.entry("Decrypt", 2));
  }

  @Test
  void dataKeys_ofOneKey_differ() {
    GenerateDataKeyResponse one = generate(key);
    GenerateDataKeyResponse other = generate(key);

    assertThat(one.plaintext()).isNotEqualTo(other.plaintext());
    assertThat(one.ciphertextBlob()).isNotEqualTo(other.ciphertextBlob());
  }

  @Test
  void key_byIdArnAliasOrAliasArn_isFound() {
    String alias = kms.createAlias("alias/teams/a", key);
    SdkBytes blob = generate(key).ciphertextBlob();

    assertThat(alias).isEqualTo("arn:aws:kms:eu-west-1:123456789012:alias/teams/a");
    String id = key.substring(key.indexOf('/') + 1);
    for (String name : new String[] {id, key, "alias/teams/a", alias}) {
      assertThat(generate(name).keyId()).as(name).isEqualTo(key);
      assertThat(decrypt(blob, name, CONTEXT).keyId()).as(name).isEqualTo(key);
    }
  }

  @ParameterizedTest
  @CsvSource({"AES_256, , 32", "AES_128, , 16", ", 1, 1", ", 64, 64", ", 1024, 1024"})
  void dataKey_ofSpecOrBytes_isThatLong(
      @Nullable String spec, @Nullable Integer bytes, int expected) {
    GenerateDataKeyResponse made =
        client.generateDataKey(b -> b.keyId(key).keySpec(spec).numberOfBytes(bytes));

    assertThat(made.plaintext().asByteArray()).hasSize(expected);
    assertThat(decrypt(made.ciphertextBlob(), key, Map.of()).plaintext())
        .isEqualTo(made.plaintext());
  }

  @ParameterizedTest
  @CsvSource({", ", "AES_256, 32", "RSA_2048, ", ", 1025", ", 0"})
  void dataKey_ofNeitherBothOrWrongLength_isRefused(
      @Nullable String spec, @Nullable Integer bytes) {
    GenerateDataKeyRequest request =
        GenerateDataKeyRequest.builder().keyId(key).keySpec(spec).numberOfBytes(bytes).build();

    assertRefused(() -> client.generateDataKey(request), KmsException.class, "ValidationException");
  }

  @Test
  void decrypt_otherContext_isInvalidCiphertext() {
    SdkBytes blob = generate(key).ciphertextBlob();

    for (Map<String, String> context :
        List.of(
            Map.<String, String>of(),
            Map.of("application", "orders"),
            Map.of("application", "x", "cache", "a"))) {
      assertRefused(
          () -> decrypt(blob, key, context),
          InvalidCiphertextException.class,
          "InvalidCiphertextException");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 15, 16, 27, 28, 40, 75})
  void decrypt_oneBitChanged_isRefused(int at) {
    byte[] blob = generate(key).ciphertextBlob().asByteArray();
    assertThat(blob).hasSize(76);
    blob[at] ^= 1;

    assertRefused(
        () -> decrypt(SdkBytes.fromByteArray(blob), key, CONTEXT),
        InvalidCiphertextException.class,
        "InvalidCiphertextException");
  }

  @Test
  void decrypt_cutShort_isRefused() {
    SdkBytes blob = SdkBytes.fromByteArray(new byte[20]);

    assertRefused(
        () -> decrypt(blob, null, Map.of()),
        InvalidCiphertextException.class,
        "InvalidCiphertextException");
  }

  @Test
  void decrypt_otherKey_isIncorrectKey() {
    SdkBytes blob = generate(key).ciphertextBlob();
    String other = kms.createKey();

    assertRefused(
        () -> decrypt(blob, other, CONTEXT), IncorrectKeyException.class, "IncorrectKeyException");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "alias/none",
        "00000000-0000-0000-0000-000000000000",
        "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000",
        "arn:aws:kms:us-east-1:123456789012:alias/here"
      })
  void key_unknown_isNotFound(String name) {
    kms.createAlias("alias/here", key);
    SdkBytes blob = generate(key).ciphertextBlob();

    assertRefused(() -> generate(name), NotFoundException.class, "NotFoundException");
    assertRefused(() -> decrypt(blob, name, CONTEXT), NotFoundException.class, "NotFoundException");
  }

  @Test
  void key_disabledAndEnabled_isRefusedInBetween() {
    GenerateDataKeyResponse made = generate(key);

    kms.disableKey(key);
    assertRefused(() -> generate(key), DisabledException.class, "DisabledException");
    assertRefused(
        () -> decrypt(made.ciphertextBlob(), null, CONTEXT),
        DisabledException.class,
        "DisabledException");
    kms.scheduleKeyDeletion(key);
    assertRefused(() -> generate(key), KmsInvalidStateException.class, "KMSInvalidStateException");
    kms.enableKey(key);

    assertThat(decrypt(made.ciphertextBlob(), key, CONTEXT).plaintext())
        .isEqualTo(made.plaintext());
  }

  @Test
  void faults_ofKmsOperations_areThoseOfTheServer() {
    String alias = kms.createAlias("alias/a", key);
    SdkBytes blob = generate(key).ciphertextBlob();
    server.inject(Fault.accessDenied(), Requests.of("Decrypt").secret(key).times(1));
    server.inject(
        Fault.error(500, "KMSInternalException", ""), Requests.of("GenerateDataKey").times(1));

    assertThatThrownBy(() -> decrypt(blob, alias, CONTEXT))
        .isInstanceOf(KmsException.class)
        .hasMessageContaining("is not authorized to perform: kms:Decrypt on resource: " + key);
    assertThatThrownBy(() -> generate(key)).isInstanceOf(KmsInternalException.class);
    assertThat(decrypt(blob, alias, CONTEXT).keyId()).isEqualTo(key);
    assertThat(generate(key).keyId()).isEqualTo(key);
    assertThat(server.calls("Decrypt", key)).as("by the alias").isEqualTo(2);
    assertThat(server.calls("GenerateDataKey")).isEqualTo(3);
  }

  @Test
  void fault_ofSecrets_leavesKmsAlone() {
    server.inject(Fault.accessDenied(), Requests.of("GetSecretValue"));

    assertThat(generate(key).keyId()).isEqualTo(key);
  }

  @Test
  void hang_ofDecrypt_isUpToTheClient() {
    SdkBytes blob = generate(key).ciphertextBlob();
    server.inject(Fault.hang(), Requests.of("Decrypt"));

    try (KmsClient impatient = client(server, Duration.ofMillis(100))) {
      assertThatThrownBy(
              () -> impatient.decrypt(b -> b.ciphertextBlob(blob).encryptionContext(CONTEXT)))
          .isInstanceOf(SdkClientException.class);
    }
  }

  @Test
  void operation_notSpoken_isSaid() {
    assertThatThrownBy(() -> client.describeKey(b -> b.keyId(key)))
        .isInstanceOf(KmsException.class)
        .hasMessageContaining("no operation 'TrentService.DescribeKey'");
  }

  @Test
  void test_wrongKeyOrAlias_isToldAtOnce() {
    assertThatIllegalArgumentException().isThrownBy(() -> kms.disableKey("alias/none"));
    assertThatIllegalArgumentException().isThrownBy(() -> kms.createAlias("none", key));
  }
}
