package io.github.evercred.examples.client;

import io.github.evercred.RotationAwareLogin;
import io.github.evercred.RotationListener;
import io.github.evercred.SecretCache;
import io.github.evercred.clients.SecretHttpClient;
import io.github.evercred.testkit.RotationTarget;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/** An API that knows one key at a time, called through the JDK's client, by either of its ways. */
final class ApiKeyScenario implements Scenario, RotationTarget {
  private static final String SECRET = "prod/payment/api";
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final String first = UUID.randomUUID().toString();
  private final OneKeyServer server =
      new OneKeyServer("X-Api-Key", first, "{\"paid\":true}", "{\"error\":\"no such key\"}");

  @Override
  public String name() {
    return "HTTP API key, JDK";
  }

  @Override
  public String secretId() {
    return SECRET;
  }

  @Override
  public String firstValue() {
    return value(first);
  }

  private static String value(String key) {
    return "{\"key\":\"" + key + "\"}";
  }

  private static String key(String value) {
    return value.substring("{\"key\":\"".length(), value.length() - "\"}".length());
  }

  @Override
  public RotationTarget target() {
    return this;
  }

  @Override
  public String newValue(String current) {
    return value(UUID.randomUUID().toString());
  }

  @Override
  public void set(String current, String pending) {
    server.accept(key(pending));
  }

  static HttpClient client(RotationAwareLogin login, URI address) {
    // recipe: http-client
    HttpClient payments =
        SecretHttpClient.builder(login, "prod/payment/api")
            .origin(address) // https://api.example.com
            .header("X-Api-Key", secret -> secret.field("key"))
            .allowPlainHttp() // Only in this example, whose server runs beside it.
            .wrap(HttpClient.newHttpClient());
    // end
    return payments;
  }

  @Override
  public Calls open(Supplier<SecretCache> caches, RotationListener listener) {
    HttpClient client = client(new RotationAwareLogin(caches.get(), listener), server.uri());
    HttpRequest request =
        HttpRequest.newBuilder(server.uri().resolve("/payments"))
            .timeout(PATIENCE)
            .POST(BodyPublishers.ofString("{\"amount\":1}"))
            .build();
    var count = new AtomicLong();
    return new Calls() {
      @Override
      public void call() throws Exception {
        HttpResponse<String> response =
            count.incrementAndGet() % 2 == 0
                ? client.send(request, BodyHandlers.ofString())
                : client
                    .sendAsync(request, BodyHandlers.ofString())
                    .get(2 * PATIENCE.toSeconds(), TimeUnit.SECONDS);
        if (response.statusCode() != 200 || !response.body().equals("{\"paid\":true}")) {
          throw new IOException("Status " + response.statusCode() + ": " + response.body());
        }
      }

      @Override
      public void close() {}
    };
  }

  @Override
  public long refused() {
    return server.refused();
  }

  @Override
  public void close() {
    server.close();
  }
}
