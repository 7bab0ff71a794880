package io.github.evercred;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.AbortableInputStream;
import software.amazon.awssdk.http.ExecutableHttpRequest;
import software.amazon.awssdk.http.HttpExecuteRequest;
import software.amazon.awssdk.http.HttpExecuteResponse;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.SdkHttpResponse;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/**
 * Goes once through all that a fetch needs, with an HTTP client that answers in place of Secrets
 * Manager, the same way each time.
 */
final class Priming implements SdkHttpClient {
  private static final String SECRET =
      "{\"ARN\":\"arn:aws:secretsmanager:us-east-1:000000000000:secret:primed-000000\","
          + "\"Name\":\"primed\",\"VersionId\":\"00000000-0000-0000-0000-000000000000\","
          + "\"SecretString\":\"{\\\"username\\\":\\\"primed\\\"}\","
          + "\"VersionStages\":[\"AWSCURRENT\"],\"CreatedDate\":1.7E9}";
  private static final String ERROR =
      "{\"__type\":\"ResourceNotFoundException\",\"Message\":\"primed\"}";

  private final AtomicInteger calls = new AtomicInteger();

  static void run() {
    UrlConnectionHttpClient.builder().build().close(); // Its classes; it opens nothing.
    Place place = Place.in("us-east-1", null);
    var nobody = StaticCredentialsProvider.create(AwsBasicCredentials.create("primed", "primed"));
    try (var source =
        new AwsSecretSource(
            () ->
                AwsCalls.lean(SecretsManagerClient.builder(), place, nobody)
                    .httpClientBuilder(null) // The SDK takes one of both.
                    .httpClient(new Priming())
                    .build(),
            "nowhere",
            true)) {
      var request = new SecretRequest("primed", VersionSelector.CURRENT, Duration.ofSeconds(10));
      String unused = source.fetch(request).field("username");
      try {
        String none = source.fetch(request).versionId();
        throw new IllegalStateException("an answer instead of an error, of version " + none);
      } catch (SecretException e) {
        // As it must be.
      }
    }
  }

  @Override
  public ExecutableHttpRequest prepareRequest(HttpExecuteRequest request) {
    boolean first = calls.getAndIncrement() == 0;
    return new ExecutableHttpRequest() {
      @Override
      public HttpExecuteResponse call() {
        return HttpExecuteResponse.builder()
            .response(
                SdkHttpResponse.builder()
                    .statusCode(first ? 200 : 400)
                    .putHeader("Content-Type", "application/x-amz-json-1.1")
                    .build())
            .responseBody(
                AbortableInputStream.create(
                    new ByteArrayInputStream(
                        (first ? SECRET : ERROR).getBytes(StandardCharsets.UTF_8))))
            .build();
      }

      @Override
      public void abort() {}
    };
  }

  @Override
  public void close() {}
}
