package io.github.evercred;

import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.kms.KmsClient;
import software.amazon.awssdk.services.kms.model.DataKeySpec;
import software.amazon.awssdk.services.kms.model.DecryptResponse;
import software.amazon.awssdk.services.kms.model.GenerateDataKeyResponse;
import software.amazon.awssdk.utils.SdkAutoCloseable;

/**
 * Data keys of AWS KMS: one {@code GenerateDataKey} makes one, one {@code Decrypt} opens it again,
 * in another process too. The one place that knows the SDK's KMS client, which needs the optional
 * artifact {@code software.amazon.awssdk:kms}.
 *
 * <p>The caller needs {@code kms:GenerateDataKey} and {@code kms:Decrypt} on the key. Both calls
 * carry the same encryption context, {@code evercred:application} and {@code evercred:purpose}, so
 * a policy can be bound to it and a data key of one application does not open in another. The
 * context is no secret and must hold none: CloudTrail shows it in clear text (<a
 * href="https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html">encryption
 * context</a>). {@code Decrypt} names the key as well, so a data key made under another one is
 * refused, also once an alias has been moved.
 *
 * <p>KMS is where the SDK finds it: at the region's endpoint, or at {@code AWS_ENDPOINT_URL_KMS} or
 * {@code aws.endpointUrlKms}. An endpoint of the {@link Place} is Secrets Manager's and not asked.
 * One attempt a call; whoever calls retries. The client is built at the first call.
 *
 * <p><b>What stays in memory.</b> The array that is handed out is the SDK's own, of its response,
 * so whoever wipes it wipes both. What the SDK made on the way cannot be reached: the answer's
 * text, the key as base64 in a {@code String}, and the array that this was decoded into. They are
 * garbage when the call returns and stay in the heap until they are collected and overwritten. An
 * interceptor that is on the class path for KMS clients sees the response, too, and the SDK's log
 * of retries quotes, at DEBUG, an answer that cannot be read.
 *
 * <p>Thread-safe.
 */
final class KmsKeys implements KeyMaker {

  private static final AwsCalls.Service SERVICE =
      new AwsCalls.Service(
          "KMS", "Kms", "These keys are closed; close them after every cache that uses them.");

  private final AwsCalls<Client> aws;
  private final String keyId;
  private final String where;
  private final @Nullable String role;
  private final Duration attemptTimeout;

  private KmsKeys(Place place, String keyId, String application, Duration attemptTimeout) {
    Map<String, String> context =
        Map.of("evercred:application", application, "evercred:purpose", "sealed-cache");
    this.aws =
        AwsCalls.as(
            SERVICE,
            place,
            credentials -> open(place, credentials, keyId, context),
            Client::region);
    this.keyId = keyId;
    this.where = place.region().orElse("the default region");
    this.role = place.role().orElse(null);
    this.attemptTimeout = attemptTimeout;
  }

  /**
   * Touches nothing until the first call.
   *
   * @param place region and identity; its endpoint is not used
   * @param keyId a symmetric key: its id or {@code alias/<name>} in the caller's own account, or
   *     the ARN of either in any
   * @param application goes into the encryption context, so it must be the same wherever a data key
   *     is to be opened, and no secret
   * @param attemptTimeout how long a call may take, and as long again the one for a role's
   *     credentials; positive
   */
  static KmsKeys of(Place place, String keyId, String application, Duration attemptTimeout) {
    return new KmsKeys(place, keyId, application, attemptTimeout);
  }

  private static Client open(
      Place place,
      @Nullable AwsCredentialsProvider credentials,
      String keyId,
      Map<String, String> context) {
    AwsCalls.require(
        "kms",
        "software.amazon.awssdk.services.kms.KmsClient",
        "A KMS key is configured",
        "data keys are made and opened with it");
    return new Client(place, credentials, keyId, context);
  }

  @Override
  public NewKey make() {
    return call("GenerateDataKey", client -> client.generateDataKey(attemptTimeout));
  }

  @Override
  public byte[] decrypt(byte[] encrypted) {
    Objects.requireNonNull(encrypted, "encrypted");
    return call("Decrypt", client -> client.decrypt(encrypted, attemptTimeout));
  }

  private <T> T call(String operation, Function<Client, T> call) {
    try {
      return aws.call(attemptTimeout, call, e -> sorted(e, operation));
    } catch (SecretException e) {
      if (e.reason() == SecretException.Reason.CLOSED) {
        throw e;
      }
      String region = aws.region();
      String said = e.getMessage();
      throw new SecretException(
          e.reason(),
          "%s with KMS key %s in %s failed: %s%s %s."
              .formatted(
                  operation,
                  keyId,
                  region == null ? where : region,
                  said,
                  said.endsWith(".") ? "" : ".",
                  AwsErrors.nextStepOfKms(operation, e.reason())),
          e.requestId(),
          e.getCause()); // Not itself: it says the same.
    }
  }

  private SecretException sorted(AwsServiceException e, String operation) {
    AwsErrors.Answer answer = aws.answer(e);
    var asked = new AwsErrors.AskedOfKms(operation, keyId, aws.region(), role);
    SecretException.Reason reason = AwsErrors.reason(answer, asked);
    return new SecretException(reason, AwsErrors.message(answer, asked, reason), e.requestId(), e);
  }

  @Override
  public void beforeCheckpoint() {
    int unused = aws.beforeCheckpoint();
  }

  @Override
  public void close() {
    aws.close();
  }

  @Override
  public String toString() {
    return "KmsKeys[%s in %s]".formatted(keyId, where);
  }

  /**
   * The SDK's client. A class of its own, whose methods have no type of {@code kms} in them: so
   * nothing looks for that artifact before it is known to be there.
   */
  private static final class Client implements SdkAutoCloseable {
    private final KmsClient kms;
    private final String keyId;
    private final Map<String, String> context;

    Client(
        Place place,
        @Nullable AwsCredentialsProvider credentials,
        String keyId,
        Map<String, String> context) {
      this.kms = AwsCalls.lean(KmsClient.builder(), place, credentials).build();
      this.keyId = keyId;
      this.context = context;
    }

    String region() {
      return kms.serviceClientConfiguration().region().id();
    }

    NewKey generateDataKey(Duration timeout) {
      GenerateDataKeyResponse answer =
          kms.generateDataKey(
              b ->
                  b.keyId(keyId)
                      .keySpec(DataKeySpec.AES_256)
                      .encryptionContext(context)
                      .overrideConfiguration(o -> AwsCalls.limit(o, timeout)));
      byte[] plain = key(answer.plaintext());
      SdkBytes encrypted = answer.ciphertextBlob();
      if (encrypted == null || encrypted.asByteArrayUnsafe().length == 0) {
        Arrays.fill(plain, (byte) 0);
        throw malformed("CiphertextBlob");
      }
      return new NewKey(plain, encrypted.asByteArrayUnsafe());
    }

    byte[] decrypt(byte[] encrypted, Duration timeout) {
      SdkBytes blob = SdkBytes.fromByteArrayUnsafe(encrypted);
      DecryptResponse answer =
          kms.decrypt(
              b ->
                  b.keyId(keyId)
                      .ciphertextBlob(blob)
                      .encryptionContext(context)
                      .overrideConfiguration(o -> AwsCalls.limit(o, timeout)));
      return key(answer.plaintext());
    }

    /** No field of an answer is required by the service's model. */
    private static byte[] key(@Nullable SdkBytes plaintext) {
      byte[] plain = plaintext == null ? new byte[0] : plaintext.asByteArrayUnsafe();
      if (plain.length != KEY_BYTES) {
        Arrays.fill(plain, (byte) 0);
        throw malformed("Plaintext of 32 bytes");
      }
      return plain;
    }

    private static SecretException malformed(String missing) {
      return new SecretException(
          SecretException.Reason.MALFORMED, "the answer has no " + missing, null);
    }

    @Override
    public void close() {
      kms.close();
    }
  }
}
