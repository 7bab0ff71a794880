package io.github.evercred.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the SDK never sends, or never shows. */
@Timeout(30)
class ProtocolTest {
  private final LocalSecretsManager secrets = LocalSecretsManager.start();
  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  @AfterEach
  void close() {
    secrets.close();
  }

  private HttpRequest.Builder request() {
    return HttpRequest.newBuilder(secrets.endpoint().resolve("/"))
        .timeout(Duration.ofSeconds(10))
        .header("Content-Type", "application/x-amz-json-1.1");
  }

  private HttpResponse<String> post(String target, String body)
      throws IOException, InterruptedException {
    return http.send(
        request().header("X-Amz-Target", target).POST(BodyPublishers.ofString(body)).build(),
        BodyHandlers.ofString());
  }

  @Test
  void answer_always_isJson11WithRequestIdAndDate() throws Exception {
    secrets.createSecret("a", "one");
    HttpResponse<String> answer = post("secretsmanager.GetSecretValue", "{\"SecretId\":\"a\"}");
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.headers().firstValue("content-type")).contains("application/x-amz-json-1.1");
    assertThat(answer.headers().firstValue("x-amzn-requestid").orElseThrow())
        .matches("[0-9a-f-]{36}");
    assertThat(answer.headers().firstValue("date")).isPresent();
    assertThat(Json.parse(answer.body()))
        .containsKeys("ARN", "Name", "VersionId", "SecretString", "VersionStages", "CreatedDate");
  }

  @Test
  void body_notJson_isASerializationErrorThatQuotesNothing() throws Exception {
    HttpResponse<String> answer = post("secretsmanager.PutSecretValue", "{\"x\": planted}");
    assertThat(answer.statusCode()).isEqualTo(400);
    assertThat(Json.parse(answer.body())).containsEntry("__type", "SerializationException");
    assertThat(answer.body()).doesNotContain("planted");
  }

  @Test
  void member_ofWrongType_isASerializationError() throws Exception {
    assertThat(Json.parse(post("secretsmanager.GetSecretValue", "{\"SecretId\":7}").body()))
        .containsEntry("__type", "SerializationException");
    assertThat(
            Json.parse(post("secretsmanager.BatchGetSecretValue", "{\"SecretIdList\":[1]}").body()))
        .containsEntry("__type", "SerializationException");
    secrets.createSecret("a", "one");
    assertThat(
            post(
                    "secretsmanager.PutSecretValue",
                    "{\"SecretId\":\"a\",\"SecretBinary\":\"*planted*\",\"ClientRequestToken\":\"01234567890123456789012345678901\"}")
                .body())
        .contains("SerializationException")
        .doesNotContain("planted");
  }

  @Test
  void token_missing_isAskedFor() throws Exception {
    secrets.createSecret("a", "one");
    assertThat(
            post("secretsmanager.PutSecretValue", "{\"SecretId\":\"a\",\"SecretString\":\"two\"}")
                .body())
        .contains("InvalidRequestException", "You must provide a ClientRequestToken value.");
  }

  @Test
  void target_absentOrMethodWrong_isAnUnknownOperation() throws Exception {
    HttpResponse<String> get = http.send(request().GET().build(), BodyHandlers.ofString());
    assertThat(get.statusCode()).isEqualTo(400);
    assertThat(get.body()).contains("UnknownOperationException");
    assertThat(post("secretsmanager.Nonsense", "{}").body())
        .contains("UnknownOperationException", "Nonsense");
  }

  @Test
  void body_chunkedAndLarge_isReadWhole() throws Exception {
    secrets.createSecret("a", "one");
    String value = "y".repeat(60_000);
    String body =
        "{\"SecretId\":\"a\",\"ClientRequestToken\":\"01234567890123456789012345678901\",\"SecretString\":\""
            + value
            + "\"}";
    HttpResponse<String> answer =
        http.send(
            request()
                .header("X-Amz-Target", "secretsmanager.PutSecretValue")
                .expectContinue(true)
                .POST(
                    BodyPublishers.ofInputStream(
                        () -> new ByteArrayInputStream(body.getBytes(StandardCharsets.UTF_8))))
                .build(),
            BodyHandlers.ofString());
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(secrets.value("a", "AWSCURRENT")).isEqualTo(value);
  }
}
