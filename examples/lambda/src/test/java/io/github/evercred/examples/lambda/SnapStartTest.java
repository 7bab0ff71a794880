package io.github.evercred.examples.lambda;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.examples.lambda.LocalFunction.Answer;
import io.github.evercred.testkit.Fault;
import io.github.evercred.testkit.LocalSecretsManager;
import io.github.evercred.testkit.Requests;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a function with SnapStart does where KMS fails it. */
@Timeout(60)
class SnapStartTest {
  private static final String ID = "api";
  private static final String OLD = "key-before-the-checkpoint";
  private static final String NEW = "key-after-the-rotation";

  private final List<String> log = new CopyOnWriteArrayList<>();
  private final LocalSecretsManager secrets = LocalSecretsManager.start();
  private final String kmsKey = secrets.kms().createKey();

  @AfterEach
  void stop() {
    secrets.close();
  }

  private LocalFunction start() {
    Map<String, String> environment = new HashMap<>();
    environment.put("SECRET_ID", ID);
    environment.put("AWS_LAMBDA_FUNCTION_NAME", "signer");
    environment.put("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start");
    environment.put("AWS_REGION", secrets.region());
    environment.put("AWS_ENDPOINT_URL_KMS", secrets.endpoint().toString());
    environment.put("AWS_ACCESS_KEY_ID", "local");
    environment.put("AWS_SECRET_ACCESS_KEY", "local");
    environment.put("EVERCRED_ENDPOINT", secrets.endpoint().toString());
    environment.put("EVERCRED_SEALED_BY_KMS_KEY", kmsKey);
    environment.put("EVERCRED_REMEMBER_FAILURE_FOR", "0");
    secrets.createSecret(ID, "{\"key\": \"" + OLD + "\"}");
    return LocalFunction.start(
        SnapStartHandler.class, System.getProperty("java.class.path"), environment, log::add);
  }

  private void checkpointed(LocalFunction function) throws InterruptedException {
    assertThat(function.awaitInit().error()).isEmpty();
    assertThat(function.checkpoint().error()).isEmpty();
    secrets.putSecretValue(ID, null, "{\"key\": \"" + NEW + "\"}", "AWSCURRENT");
  }

  private void assertNew(Answer answer) {
    assertThat(answer.error()).isEmpty();
    assertThat(answer.value("signature")).isEqualTo(Signature.of("1", NEW));
    assertThat(answer.value("version"))
        .isEqualTo(secrets.versionId(ID, "AWSCURRENT").orElseThrow());
  }

  private void assertHidden(Answer... answers) {
    assertThat(log + List.of(answers).toString()).doesNotContain(OLD, NEW);
  }

  /** What is in the snapshot is lost, and nothing else. */
  @Test
  void decryptDenied_secretIsLoadedInTheRestore() throws Exception {
    try (LocalFunction function = start()) {
      checkpointed(function);
      secrets.inject(Fault.accessDenied(), Requests.of("Decrypt"));

      assertThat(function.restore().error()).isEmpty();
      Answer answer = function.invoke(Map.of("order", "1"));

      assertNew(answer);
      assertThat(String.join("\n", log))
          .contains("What was sealed before a checkpoint cannot be opened after it");
      assertHidden(answer);
    }
  }

  /** Without its key nothing can be sealed, so nothing is loaded either. */
  @Test
  void kmsKeyDisabled_invocationsFailWithTheReasonUntilItIsEnabled() throws Exception {
    try (LocalFunction function = start()) {
      checkpointed(function);
      secrets.kms().disableKey(kmsKey);

      assertThat(function.restore().error()).as("Lambda starts the environment").isEmpty();
      Answer failed = function.invoke(Map.of("order", "1"));
      assertThat(failed.error().orElse("")).contains("GenerateDataKey", kmsKey, "is disabled");

      secrets.kms().enableKey(kmsKey);
      Answer answer = function.invoke(Map.of("order", "1"));
      assertNew(answer);
      assertHidden(failed, answer);
    }
  }

  @Test
  void kmsKeyDisabledFromTheBeginning_failsTheInitialisationAndSaysWhy() throws Exception {
    secrets.kms().disableKey(kmsKey);
    try (LocalFunction function = start()) {
      assertThat(function.awaitInit().error().orElse(""))
          .contains("GenerateDataKey", kmsKey, "is disabled");
    }
  }
}
