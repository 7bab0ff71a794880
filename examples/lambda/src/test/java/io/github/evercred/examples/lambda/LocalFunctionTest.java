package io.github.evercred.examples.lambda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.evercred.examples.lambda.LocalFunction.Answer;
import io.github.evercred.testkit.Fault;
import io.github.evercred.testkit.LocalSecretsManager;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class LocalFunctionTest {
  private final List<String> log = new CopyOnWriteArrayList<>();

  private LocalFunction start(Map<String, String> environment) {
    return LocalFunction.start(
        ApiKeyHandler.class, System.getProperty("java.class.path"), environment, log::add);
  }

  private static Map<String, String> environment(LocalSecretsManager secrets) {
    return Map.of(
        "SECRET_ID", "api",
        "AWS_LAMBDA_FUNCTION_NAME", "api",
        "AWS_REGION", secrets.region(),
        "EVERCRED_ENDPOINT", secrets.endpoint().toString(),
        "EVERCRED_REMEMBER_FAILURE_FOR", "0",
        "AWS_ACCESS_KEY_ID", "local",
        "AWS_SECRET_ACCESS_KEY", "local");
  }

  @Test
  void frozen_isStoppedUntilItIsThawed() throws Exception {
    var thread = Executors.newSingleThreadExecutor();
    try (LocalSecretsManager secrets = LocalSecretsManager.start();
        LocalFunction function = start(environment(secrets))) {
      secrets.createSecret("api", "{\"key\": \"k\"}");
      assertThat(function.awaitInit().error()).isEmpty();
      function.freeze();

      Future<Answer> answer = thread.submit(() -> function.invoke(Map.of("order", "1")));
      assertThatThrownBy(() -> answer.get(500, TimeUnit.MILLISECONDS))
          .isInstanceOf(TimeoutException.class);

      function.thaw();
      assertThat(answer.get(20, TimeUnit.SECONDS).value("signature"))
          .isEqualTo(Signature.of("1", "k"));
    } finally {
      thread.shutdownNow();
    }
  }

  @Test
  void handlerThatThrows_isAnErrorOfOneInvocation() throws Exception {
    try (LocalSecretsManager secrets = LocalSecretsManager.start();
        LocalFunction function = start(environment(secrets))) {
      String arn = secrets.createSecret("api", "{\"key\": \"k\"}");
      secrets.inject(Fault.accessDenied());
      assertThat(function.awaitInit().error()).isEmpty(); // Nobody waits for the prefetch.
      assertThat(function.invoke(Map.of()).error().orElse("")).contains("ACCESS_DENIED", "api");

      secrets.clearFaults();
      Answer answer = function.invoke(Map.of());
      assertThat(answer.error()).isEmpty();
      assertThat(answer.value("version"))
          .isEqualTo(secrets.versionId(arn, "AWSCURRENT").orElseThrow());
    }
  }

  @Test
  void missingVariable_failsTheInitialisationAndSaysWhich() throws Exception {
    try (LocalFunction function = start(Map.of("AWS_LAMBDA_FUNCTION_NAME", "api"))) {
      assertThat(function.awaitInit().error().orElse(""))
          .contains("The environment variable SECRET_ID is not set");
    }
  }

  @Test
  void closed_whileFrozen_leavesNoProcess() throws Exception {
    LocalFunction function = start(Map.of("AWS_LAMBDA_FUNCTION_NAME", "api"));
    ProcessHandle process = ProcessHandle.of(function.pid()).orElseThrow();
    function.freeze();

    function.close();

    process.onExit().get(20, TimeUnit.SECONDS);
    assertThat(ProcessHandle.current().descendants().filter(ProcessHandle::isAlive)).isEmpty();
  }
}
