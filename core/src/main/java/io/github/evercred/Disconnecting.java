package io.github.evercred;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import software.amazon.awssdk.http.AbortableInputStream;
import software.amazon.awssdk.http.ExecutableHttpRequest;
import software.amazon.awssdk.http.HttpExecuteRequest;
import software.amazon.awssdk.http.HttpExecuteResponse;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.utils.AttributeMap;

/**
 * Makes HTTP clients that close each connection after its answer. The JDK would keep it for five
 * seconds, and with TLS that holds the last answer in clear text, where a checkpoint or a heap dump
 * would find it.
 */
record Disconnecting(SdkHttpClient.Builder<?> kept)
    implements SdkHttpClient.Builder<Disconnecting> {

  @Override
  public SdkHttpClient buildWithDefaults(AttributeMap defaults) {
    SdkHttpClient client = kept.buildWithDefaults(defaults);
    return new SdkHttpClient() {
      @Override
      public ExecutableHttpRequest prepareRequest(HttpExecuteRequest request) {
        return closing(client.prepareRequest(request));
      }

      @Override
      public String clientName() {
        return client.clientName();
      }

      @Override
      public void close() {
        client.close();
      }
    };
  }

  private static ExecutableHttpRequest closing(ExecutableHttpRequest request) {
    return new ExecutableHttpRequest() {
      @Override
      public HttpExecuteResponse call() throws IOException {
        HttpExecuteResponse response = request.call();
        return HttpExecuteResponse.builder()
            .response(response.httpResponse())
            .responseBody(
                response
                    .responseBody()
                    .map(body -> AbortableInputStream.create(closing(body, request), body))
                    .orElse(null))
            .build();
      }

      @Override
      public void abort() {
        request.abort();
      }
    };
  }

  private static InputStream closing(InputStream body, ExecutableHttpRequest request) {
    return new FilterInputStream(body) {
      @Override
      public void close() throws IOException {
        try {
          request.abort(); // Disconnects; once the stream is closed it would do nothing.
        } finally {
          super.close();
        }
      }
    };
  }
}
