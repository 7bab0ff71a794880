package io.github.evercred;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.http.AbortableInputStream;
import software.amazon.awssdk.http.ExecutableHttpRequest;
import software.amazon.awssdk.http.HttpExecuteRequest;
import software.amazon.awssdk.http.HttpExecuteResponse;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.SdkHttpResponse;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/**
 * Answers a fetch with any status and body: it is a value or a {@link SecretException}, and none
 * quotes a value. The first line of the input is the status and, behind a blank, the error type's
 * header; the rest is the body.
 */
class ResponseFuzzTest {
  private static final AwsSecretSource SOURCE =
      AwsSecretSource.of(
          SecretsManagerClient.builder()
              .region(Region.EU_WEST_1)
              .credentialsProvider(
                  StaticCredentialsProvider.create(AwsBasicCredentials.create("akid", "skey")))
              .overrideConfiguration(o -> o.retryStrategy(AwsRetryStrategy.doNotRetry()))
              .httpClient(new Answering())
              .build());
  private static final SecretRequest REQUEST =
      new SecretRequest("prod/orders/db", VersionSelector.CURRENT, Duration.ofSeconds(30));

  private static volatile Answer answer = new Answer(200, "", new byte[0]);

  @SuppressWarnings("ArrayRecordComponent")
  private record Answer(int status, String errorType, byte[] body) {}

  @FuzzTest
  void anyAnswer_toAFetch(byte[] input) {
    String text = FuzzMarks.planted(new String(input, StandardCharsets.ISO_8859_1));
    int end = text.indexOf('\n');
    String head = text.substring(0, Math.max(end, 0));
    answer =
        new Answer(
            status(head),
            head.length() > 4 ? head.substring(4) : "",
            text.substring(end + 1).getBytes(StandardCharsets.ISO_8859_1));
    try {
      SecretValue value = SOURCE.fetch(REQUEST);
      assertThat(value.asBytes()).isNotNull();
      assertThat(answer.status).isBetween(200, 299);
      if (!FuzzMarks.isIn(value.versionId() + value.labels())) {
        assertThat(FuzzMarks.isIn(value.toString())).isFalse();
      }
    } catch (SecretException e) {
      if (answer.status < 300) {
        // What an error's body says is AWS's message, and is meant to be told.
        FuzzMarks.assertNotIn(e);
      }
      assertThat(e.getMessage()).isNotEmpty();
    }
  }

  private static int status(String head) {
    if (!head.matches("(?s)[2-5][0-9]{2}( .*)?")) {
      return 200;
    }
    return Integer.parseInt(head.substring(0, 3));
  }

  private static final class Answering implements SdkHttpClient {
    @Override
    public ExecutableHttpRequest prepareRequest(HttpExecuteRequest request) {
      return new ExecutableHttpRequest() {
        @Override
        public HttpExecuteResponse call() {
          Answer now = answer;
          var response = SdkHttpResponse.builder().statusCode(now.status);
          if (!now.errorType.isEmpty()) {
            response.putHeader("x-amzn-ErrorType", now.errorType);
          }
          return HttpExecuteResponse.builder()
              .response(response.build())
              .responseBody(AbortableInputStream.create(new ByteArrayInputStream(now.body)))
              .build();
        }

        @Override
        public void abort() {}
      };
    }

    @Override
    public void close() {}
  }
}
