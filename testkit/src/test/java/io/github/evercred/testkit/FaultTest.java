package io.github.evercred.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.model.DecryptionFailureException;
import software.amazon.awssdk.services.secretsmanager.model.InternalServiceErrorException;
import software.amazon.awssdk.services.secretsmanager.model.SecretsManagerException;

@Timeout(30)
class FaultTest {
  private final LocalSecretsManager secrets = LocalSecretsManager.start();
  private final SecretsManagerClient client = Clients.of(secrets);
  private final ExecutorService threads = Executors.newCachedThreadPool();

  @AfterEach
  void close() {
    client.close();
    secrets.close();
    threads.shutdownNow();
  }

  private String read(String id) {
    return client.getSecretValue(r -> r.secretId(id)).secretString();
  }

  private SecretsManagerException failure(String id) {
    try {
      read(id);
    } catch (SecretsManagerException e) {
      return e;
    }
    throw new AssertionError("the call succeeded");
  }

  @Test
  void errors_injected_haveTheServicesCodesAndStatuses() {
    secrets.createSecret("a", "one");

    secrets.inject(Fault.throttling(), Requests.next(1));
    SecretsManagerException throttled = failure("a");
    assertThat(throttled.isThrottlingException()).isTrue();
    assertThat(throttled.statusCode()).isEqualTo(400);
    assertThat(throttled.awsErrorDetails().errorMessage()).isEqualTo("Rate exceeded");

    secrets.inject(Fault.serverError(), Requests.next(1));
    assertThat(failure("a")).isInstanceOf(InternalServiceErrorException.class);

    secrets.inject(Fault.serviceUnavailable(), Requests.next(1));
    SecretsManagerException unavailable = failure("a");
    assertThat(unavailable.statusCode()).isEqualTo(503);
    assertThat(unavailable.awsErrorDetails().errorCode()).isNull();

    secrets.inject(Fault.accessDeniedByKms(), Requests.next(1));
    SecretsManagerException kms = failure("a");
    assertThat(kms.awsErrorDetails().errorCode()).isEqualTo("AccessDeniedException");
    assertThat(kms.awsErrorDetails().errorMessage()).isEqualTo("Access to KMS is not allowed");

    secrets.inject(Fault.accessDenied(), Requests.next(1));
    assertThat(failure("a").awsErrorDetails().errorMessage())
        .matches(
            "User: arn:aws:sts::123456789012:assumed-role/\\S+ is not authorized to perform: secretsmanager:GetSecretValue on resource: a because no identity-based policy allows the secretsmanager:GetSecretValue action");

    secrets.inject(Fault.decryptionFailure(), Requests.next(1));
    assertThat(failure("a")).isInstanceOf(DecryptionFailureException.class);

    secrets.inject(Fault.error(403, "ExpiredTokenException", "expired"), Requests.next(1));
    SecretsManagerException expired = failure("a");
    assertThat(expired.statusCode()).isEqualTo(403);
    assertThat(expired.awsErrorDetails().errorCode()).isEqualTo("ExpiredTokenException");
    assertThat(expired.requestId()).isNotNull();

    assertThat(read("a")).isEqualTo("one");
    assertThat(secrets.calls("GetSecretValue")).isEqualTo(8);
  }

  @Test
  void accessDenied_secretThatDoesNotExist_isDeniedBeforeItIsLookedFor() {
    secrets.inject(Fault.accessDenied());
    assertThat(failure("none").awsErrorDetails().errorCode()).isEqualTo("AccessDeniedException");
  }

  @Test
  void throttling_twice_isRetriedByTheSdk() {
    secrets.createSecret("a", "one");
    secrets.inject(Fault.throttling(), Requests.of("GetSecretValue").times(2));
    try (SecretsManagerClient retrying = Clients.retrying(secrets)) {
      assertThat(retrying.getSecretValue(r -> r.secretId("a")).secretString()).isEqualTo("one");
    }
    assertThat(secrets.calls("GetSecretValue", "a")).isEqualTo(3);
  }

  @Test
  void malformedBody_injected_cannotBeParsedByTheSdk() {
    secrets.createSecret("a", "one");
    secrets.inject(Fault.malformedBody(), Requests.next(1));
    assertThatThrownBy(() -> read("a")).isInstanceOf(SdkClientException.class);
    assertThat(read("a")).isEqualTo("one");
  }

  @Test
  void connectionReset_injected_isATcpReset() throws Exception {
    secrets.createSecret("a", "one");
    secrets.inject(Fault.connectionReset());
    assertThatThrownBy(() -> read("a"))
        .isInstanceOf(SdkClientException.class)
        .hasRootCauseInstanceOf(IOException.class);
    try (Socket socket =
        new Socket(InetAddress.getLoopbackAddress(), secrets.endpoint().getPort())) {
      socket
          .getOutputStream()
          .write(
              "POST / HTTP/1.1\r\nX-Amz-Target: secretsmanager.GetSecretValue\r\nContent-Length: 2\r\n\r\n{}"
                  .getBytes(StandardCharsets.UTF_8));
      InputStream in = socket.getInputStream();
      assertThatThrownBy(in::read)
          .isInstanceOf(SocketException.class)
          .hasMessageContaining("reset");
    }
  }

  @Test
  void latency_injected_delaysTheRightAnswer() {
    secrets.createSecret("a", "one");
    secrets.inject(Fault.latency(Duration.ofMillis(300)), Requests.next(1));
    long start = System.nanoTime();
    assertThat(read("a")).isEqualTo("one");
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThan(Duration.ofMillis(290));
  }

  @Test
  void latency_longerThanTheClientWaits_timesOut() {
    secrets.createSecret("a", "one");
    secrets.inject(Fault.serverError().after(Duration.ofSeconds(20)), Requests.next(1));
    try (SecretsManagerClient hasty = Clients.of(secrets, Duration.ofMillis(200))) {
      assertThatThrownBy(() -> hasty.getSecretValue(r -> r.secretId("a")))
          .isInstanceOf(SdkClientException.class)
          .hasMessageContaining("timed out");
    }
  }

  @Test
  void hang_manyRequests_blocksNoOther() throws Exception {
    secrets.createSecret("a", "one");
    secrets.createSecret("b", "two");
    secrets.inject(Fault.hang(), Requests.of("GetSecretValue").secret("a"));
    List<Future<String>> hanging = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      hanging.add(
          threads.submit(
              () -> {
                try (SecretsManagerClient own = Clients.of(secrets)) {
                  return own.getSecretValue(r -> r.secretId("a")).secretString();
                }
              }));
    }
    Hold marker = secrets.hold(Requests.of("GetSecretValue").secret("b").times(1));
    Future<String> held = threads.submit(() -> read("b"));
    marker.awaitArrival(1, Duration.ofSeconds(10));
    assertThat(read("b")).isEqualTo("two");
    marker.release();
    assertThat(held.get(10, TimeUnit.SECONDS)).isEqualTo("two");
    assertThat(hanging).noneMatch(Future::isDone);

    secrets.close();

    for (Future<String> one : hanging) {
      assertThatThrownBy(() -> one.get(10, TimeUnit.SECONDS))
          .isInstanceOf(ExecutionException.class)
          .hasCauseInstanceOf(SdkClientException.class);
    }
  }

  @Test
  void close_requestsHeldAndDelayed_endsThemAndFreesThePort() throws Exception {
    secrets.createSecret("a", "one");
    Hold hold = secrets.hold(Requests.of("GetSecretValue"));
    Future<String> held = threads.submit(() -> read("a"));
    hold.awaitArrival(1, Duration.ofSeconds(10));
    int port = secrets.endpoint().getPort();

    secrets.close();
    secrets.close();

    assertThatThrownBy(() -> held.get(10, TimeUnit.SECONDS)).isInstanceOf(ExecutionException.class);
    assertThatThrownBy(() -> new Socket(InetAddress.getLoopbackAddress(), port).close())
        .isInstanceOf(IOException.class);
  }

  @Test
  void inject_severalFaults_befallRequestsInOrder() {
    secrets.createSecret("a", "one");
    secrets.inject(Fault.throttling(), Requests.next(2));
    secrets.inject(Fault.error(400, "Second", "x"), Requests.next(1));
    assertThat(failure("a").awsErrorDetails().errorCode()).isEqualTo("ThrottlingException");
    assertThat(failure("a").awsErrorDetails().errorCode()).isEqualTo("ThrottlingException");
    assertThat(failure("a").awsErrorDetails().errorCode()).isEqualTo("Second");
    assertThat(read("a")).isEqualTo("one");
  }

  @Test
  void inject_forOperationSecretAndLabel_sparesTheRest() {
    String arn = secrets.createSecret("a", "one");
    secrets.createSecret("b", "two");
    Fault fault = Fault.serverError();
    secrets.inject(fault, Requests.of("GetSecretValue").secret("a").label("AWSCURRENT"));

    assertThat(read("b")).isEqualTo("two");
    assertThat(client.describeSecret(r -> r.secretId("a")).name()).isEqualTo("a");
    String v1 = secrets.versionId("a", "AWSCURRENT").orElseThrow();
    assertThat(client.getSecretValue(r -> r.secretId("a").versionId(v1)).secretString())
        .isEqualTo("one");
    assertThatThrownBy(() -> read("a")).isInstanceOf(InternalServiceErrorException.class);
    assertThatThrownBy(() -> read(arn)).isInstanceOf(InternalServiceErrorException.class);
    assertThatThrownBy(() -> client.getSecretValue(r -> r.secretId(arn).versionStage("AWSCURRENT")))
        .isInstanceOf(InternalServiceErrorException.class);

    secrets.clear(fault);
    assertThat(read("a")).isEqualTo("one");
  }

  @Test
  void clearFaults_standingFault_restoresService() {
    secrets.createSecret("a", "one");
    secrets.inject(Fault.serverError());
    secrets.inject(Fault.throttling());
    assertThat(failure("a").statusCode()).isEqualTo(500);
    assertThat(failure("a").statusCode()).isEqualTo(500);
    secrets.clearFaults();
    assertThat(read("a")).isEqualTo("one");
  }

  @Test
  void inject_errorForOneSecretOfABatch_isThatSecretsEntry() {
    secrets.createSecret("a", "one");
    secrets.createSecret("b", "two");
    secrets.inject(Fault.accessDenied(), Requests.of("BatchGetSecretValue").secret("b"));
    var answer = client.batchGetSecretValue(r -> r.secretIdList("a", "b"));
    assertThat(answer.secretValues()).hasSize(1);
    assertThat(answer.errors())
        .singleElement()
        .satisfies(
            error -> {
              assertThat(error.secretId()).isEqualTo("b");
              assertThat(error.errorCode()).isEqualTo("AccessDeniedException");
              assertThat(error.message()).contains("secretsmanager:GetSecretValue on resource: b");
            });
    secrets.clearFaults();
    secrets.inject(Fault.accessDenied(), Requests.of("BatchGetSecretValue"));
    assertThatThrownBy(() -> client.batchGetSecretValue(r -> r.secretIdList("a", "b")))
        .hasMessageContaining("not authorized to perform: secretsmanager:BatchGetSecretValue");
  }

  @Test
  void hold_request_seesSecretsAsTheyAreAtRelease() throws Exception {
    secrets.createSecret("a", "one");
    Hold hold = secrets.hold(Requests.of("GetSecretValue"));
    Future<String> held = threads.submit(() -> read("a"));
    hold.awaitArrival(1, Duration.ofSeconds(10));
    assertThat(hold.held()).isEqualTo(1);
    assertThat(secrets.calls("GetSecretValue")).isEqualTo(1);
    secrets.putSecretValue("a", null, "two");
    hold.release();
    assertThat(held.get(10, TimeUnit.SECONDS)).isEqualTo("two");
    assertThat(read("a")).isEqualTo("two"); // holds no more
  }

  @Test
  void holdAnswers_request_deliversTheOldValueLate() throws Exception {
    secrets.createSecret("a", "one");
    try (Hold hold = secrets.holdAnswers(Requests.of("GetSecretValue").times(1))) {
      Future<String> held = threads.submit(() -> read("a"));
      hold.awaitArrival(1, Duration.ofSeconds(10));
      secrets.putSecretValue("a", null, "two");
      assertThat(read("a")).isEqualTo("two");
      assertThat(held).isNotDone();
      hold.release();
      assertThat(held.get(10, TimeUnit.SECONDS)).isEqualTo("one");
    }
  }

  @Test
  void awaitArrival_tooFewRequests_failsInTime() {
    Hold hold = secrets.hold(Requests.of("GetSecretValue"));
    assertThatThrownBy(() -> hold.awaitArrival(2, Duration.ofMillis(50)))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("Expected 2 requests to be held within PT0.05S, but 0 came");
  }

  @Test
  void answerNext_scripted_answersNewOldNew() {
    secrets.createSecret("a", "one");
    String v1 = secrets.versionId("a", "AWSCURRENT").orElseThrow();
    String v2 = secrets.putSecretValue("a", null, "two");
    secrets.answerNext("a", "AWSCURRENT", v2, v1, v2, v1);

    assertThat(read("a")).isEqualTo("two");
    var old = client.getSecretValue(r -> r.secretId("a").versionStage("AWSCURRENT"));
    assertThat(old.secretString()).isEqualTo("one");
    assertThat(old.versionStages()).containsExactly("AWSCURRENT");
    assertThat(read("a")).isEqualTo("two");
    secrets.inject(Fault.throttling(), Requests.next(1));
    failure("a"); // a failed request uses none up
    assertThat(client.getSecretValue(r -> r.secretId("a").versionId(v2)).secretString())
        .isEqualTo("two");
    assertThat(read("a")).isEqualTo("one");
    assertThat(read("a")).isEqualTo("two");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> secrets.answerNext("a", "AWSCURRENT", "0".repeat(32)));
  }

  @Test
  void calls_byOperationAndSecret_areCountedAndReset() {
    String arn = secrets.createSecret("a", "one");
    secrets.createSecret("b", "two");
    read("a");
    read(arn);
    read("b");
    client.describeSecret(r -> r.secretId("a"));
    client.batchGetSecretValue(r -> r.secretIdList("a", "b", "none"));
    assertThatCode(() -> secrets.value("a", "AWSCURRENT")).doesNotThrowAnyException();

    assertThat(secrets.calls())
        .isEqualTo(Map.of("GetSecretValue", 3, "DescribeSecret", 1, "BatchGetSecretValue", 1));
    assertThat(secrets.calls("GetSecretValue", "a")).isEqualTo(2);
    assertThat(secrets.calls("GetSecretValue", arn)).isEqualTo(2);
    assertThat(secrets.calls("BatchGetSecretValue", "none")).isEqualTo(1);
    assertThat(secrets.calls("ListSecrets")).isZero();
    secrets.resetCalls();
    assertThat(secrets.calls()).isEmpty();
    assertThat(secrets.requests()).isEmpty();
    assertThat(secrets.calls("GetSecretValue", "a")).isZero();
  }

  @Test
  void requests_recorded_tellWhatWasAskedAndNeverAValue() {
    secrets.createSecret("a", "planted-4711");
    String v1 = secrets.versionId("a", "AWSCURRENT").orElseThrow();
    read("a");
    client.getSecretValue(r -> r.secretId("a").versionId(v1).versionStage("AWSCURRENT"));
    String v2 =
        client
            .putSecretValue(
                r -> r.secretId("a").secretString("planted-4711-b").versionStages("AWSPENDING"))
            .versionId();

    List<RecordedRequest> requests = secrets.requests();
    assertThat(requests)
        .extracting(RecordedRequest::operation)
        .containsExactly("GetSecretValue", "GetSecretValue", "PutSecretValue");
    assertThat(requests.get(0).label()).isNull();
    assertThat(requests.get(0).secretIds()).containsExactly("a");
    assertThat(requests.get(1).label()).isEqualTo("AWSCURRENT");
    assertThat(requests.get(1).versionId()).isEqualTo(v1);
    assertThat(requests.get(2).label()).isEqualTo("AWSPENDING");
    assertThat(requests.get(2).versionId()).isEqualTo(v2);
    assertThat(requests.toString() + secrets + Fault.throttling() + Requests.all())
        .doesNotContain("4711");
  }

  @Test
  void concurrentReads_manyThreads_allGetTheirAnswer() throws Exception {
    for (int i = 0; i < 10; i++) {
      secrets.createSecret("s" + i, "value" + i);
    }
    List<Future<Boolean>> readers = new ArrayList<>();
    for (int t = 0; t < 16; t++) {
      int offset = t;
      readers.add(
          threads.submit(
              () -> {
                boolean right = true;
                for (int i = 0; i < 20; i++) {
                  int wanted = (offset + i) % 10;
                  right &= read("s" + wanted).equals("value" + wanted);
                }
                return right;
              }));
    }
    for (Future<Boolean> reader : readers) {
      assertThat(reader.get(20, TimeUnit.SECONDS)).isTrue();
    }
    assertThat(secrets.calls("GetSecretValue")).isEqualTo(16 * 20);
  }

  @Test
  void threads_ofTheServer_areNamedDaemons() {
    secrets.createSecret("a", "one");
    read("a");
    assertThat(Thread.getAllStackTraces().keySet())
        .filteredOn(thread -> thread.getName().startsWith("evercred-testkit-http-"))
        .isNotEmpty()
        .allMatch(Thread::isDaemon);
  }

  @Test
  void arguments_thatCanNeverWork_areRefusedAtOnce() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Requests.of("GetSecretvalue"))
        .withMessageContaining("GetSecretValue");
    assertThatIllegalArgumentException().isThrownBy(() -> Requests.next(0));
    assertThatIllegalArgumentException().isThrownBy(() -> Fault.error(200, "x", "y"));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Fault.latency(Duration.ofMillis(-1)))
        .withMessageContaining("PT-0.001S");
  }
}
