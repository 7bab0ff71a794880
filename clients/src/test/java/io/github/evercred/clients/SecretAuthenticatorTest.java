package io.github.evercred.clients;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.evercred.SecretCache;
import io.github.evercred.SecretException;
import io.github.evercred.testkit.Fault;
import java.io.IOException;
import java.net.Authenticator;
import java.net.Authenticator.RequestorType;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.PasswordAuthentication;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class SecretAuthenticatorTest {
  private static final String FIRST = "pass-one-MARKER";
  private static final String SECOND = "pass-two-MARKER";

  private final HttpSecret secret = new HttpSecret(FIRST);
  private final KeyServer server = new KeyServer("Authorization", basic(FIRST));
  private final ExecutorService threads = Executors.newCachedThreadPool();

  SecretAuthenticatorTest() {
    server.challenge = "Basic realm=\"orders\"";
  }

  @AfterEach
  void stop() {
    threads.shutdownNow();
    server.close();
    secret.close();
  }

  private static String basic(String password) {
    return "Basic "
        + Base64.getEncoder()
            .encodeToString(("app:" + password).getBytes(StandardCharsets.ISO_8859_1));
  }

  private SecretAuthenticator authenticator() {
    return SecretAuthenticator.builder(secret.cache, HttpSecret.ID)
        .server(server.uri(""))
        .allowPlainHttp()
        .build();
  }

  private HttpClient client() {
    return HttpClient.newBuilder().authenticator(authenticator()).build();
  }

  private int status(HttpClient client, String path) throws Exception {
    return client
        .send(HttpRequest.newBuilder(server.uri(path)).build(), BodyHandlers.discarding())
        .statusCode();
  }

  private int status(Authenticator authenticator, String path) throws IOException {
    var connection = (HttpURLConnection) server.uri(path).toURL().openConnection();
    connection.setAuthenticator(authenticator);
    return connection.getResponseCode();
  }

  private void throughTheSteps(Callable<Integer> call, int refused) throws Exception {
    assertThat(call.call()).isEqualTo(200);
    secret.pending(SECOND);
    assertThat(call.call()).isEqualTo(200);
    server.accepted = basic(SECOND);
    assertThat(call.call()).as("in the window").isEqualTo(200);
    assertThat(call.call()).isEqualTo(200);
    secret.promote();
    assertThat(call.call()).isEqualTo(200);
    assertThat(server.refused).hasValue(refused);
    assertThat(server.seen)
        .filteredOn(basic(SECOND)::equals)
        .as("accepted as soon as it is sent")
        .hasSize(3);
  }

  @Test
  void httpClient_throughTheSteps_failsNoCall() throws Exception {
    HttpClient client = client();

    throughTheSteps(() -> status(client, "/a"), 1);
  }

  @Test
  void httpURLConnection_throughTheSteps_failsNoCall() throws Exception {
    SecretAuthenticator authenticator = authenticator();

    // The JDK sends the password that it has kept twice before it asks.
    throughTheSteps(() -> status(authenticator, "/a"), 2);
  }

  @Test
  void proxy_throughTheSteps_failsNoCall() throws Exception {
    try (var proxy = new KeyServer("Proxy-Authorization", basic(FIRST))) {
      secret.manager.createSecret("prod/proxy", secret.manager.value(HttpSecret.ID, "AWSCURRENT"));
      proxy.challenge = "Basic realm=\"out\"";
      proxy.refusal = 407;
      SecretCache secrets = secret.cache;
      var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), proxy.port());
      // recipe: authenticator
      HttpClient client =
          HttpClient.newBuilder()
              .proxy(ProxySelector.of(address))
              .authenticator(
                  SecretAuthenticator.builder(secrets, "prod/proxy")
                      .proxy(address.getHostString(), address.getPort())
                      .build())
              .build();
      // end
      HttpRequest request =
          HttpRequest.newBuilder(URI.create("http://orders.example.com/x")).build();
      for (int step = 0; step < 4; step++) {
        switch (step) {
          case 1 -> secret.pending("prod/proxy", SECOND);
          case 2 -> proxy.accepted = basic(SECOND);
          case 3 -> secret.promote("prod/proxy");
          default -> {}
        }
        assertThat(client.send(request, BodyHandlers.discarding()).statusCode()).isEqualTo(200);
      }
      assertThat(proxy.refused).hasValue(1);
    }
  }

  @Test
  void httpURLConnection_manyAtOnceInTheWindow_failNone() throws Exception {
    SecretAuthenticator authenticator = authenticator();
    assertThat(status(authenticator, "/a")).isEqualTo(200);
    secret.pending(SECOND);
    server.accepted = basic(SECOND);

    List<Future<Integer>> calls = new ArrayList<>();
    for (int i = 0; i < 16; i++) {
      calls.add(threads.submit(() -> status(authenticator, "/a")));
    }

    for (Future<Integer> call : calls) {
      assertThat(call.get(30, TimeUnit.SECONDS)).isEqualTo(200);
    }
  }

  @Test
  void rotation_announcedButNotDone_otherPathsGoOnWithTheOldPassword() throws Exception {
    HttpClient client = client();
    assertThat(status(client, "/a/x")).isEqualTo(200);
    secret.pending(SECOND);

    assertThat(status(client, "/b/x")).isEqualTo(200);
    assertThat(status(client(), "/c/x")).isEqualTo(200);
  }

  @Test
  void rotation_seenFirstInTheWindow_isBridged() throws Exception {
    secret.pending(SECOND);
    server.accepted = basic(SECOND);

    assertThat(status(client(), "/a")).isEqualTo(200);
  }

  @Test
  void rotation_rolledBack_isBridged() throws Exception {
    HttpClient client = client();
    status(client, "/a");
    secret.pending(SECOND);
    server.accepted = basic(SECOND);
    status(client, "/a");
    server.accepted = basic(FIRST);

    assertThat(status(client, "/a")).isEqualTo(200);
  }

  @Test
  void secretsManagerAway_passwordKept_isAnsweredFromMemory() throws Exception {
    HttpClient client = client();
    status(client, "/a");
    secret.manager.inject(Fault.serviceUnavailable());

    assertThat(status(client, "/b/x")).isEqualTo(200);
  }

  private PasswordAuthentication ask(
      Authenticator authenticator, RequestorType type, URI uri, String scheme) throws Exception {
    return authenticator.requestPasswordAuthenticationInstance(
        uri.getHost(), null, uri.getPort(), uri.getScheme(), "r", scheme, uri.toURL(), type);
  }

  @Test
  void question_ofAnotherPlaceTypeOrScheme_isNotAnswered() throws Exception {
    Authenticator authenticator =
        SecretAuthenticator.builder(secret.cache, HttpSecret.ID)
            .server(URI.create("https://API.example.com"))
            .proxy("Proxy.example.com", 3128)
            .build();
    URI api = URI.create("https://api.example.com");
    URI proxy = URI.create("http://proxy.example.com:3128");

    for (URI other :
        List.of(
            proxy,
            URI.create("https://api.example.com:8443"),
            URI.create("http://api.example.com:443"),
            URI.create("https://other.example.com"))) {
      assertThat(ask(authenticator, RequestorType.SERVER, other, "Basic")).isNull();
    }
    assertThat(ask(authenticator, RequestorType.PROXY, api, "Basic")).isNull();
    assertThat(ask(authenticator, RequestorType.SERVER, api, "NTLM")).isNull();
    assertThat(secret.manager.requests()).isEmpty();

    for (PasswordAuthentication answer :
        List.of(
            ask(authenticator, RequestorType.SERVER, api, "Basic"),
            ask(authenticator, RequestorType.SERVER, URI.create(api + ":443"), "basic"),
            ask(authenticator, RequestorType.PROXY, proxy, "Basic"))) {
      assertThat(answer.getUserName()).isEqualTo("app");
      assertThat(answer.getPassword()).isEqualTo(FIRST.toCharArray());
    }
    assertThat(authenticator)
        .hasToString(
            "SecretAuthenticator[secret 'prod/payment/api' for"
                + " https://api.example.com:443, proxy proxy.example.com:3128]");
  }

  @Test
  void secretWithoutTheField_failsTheCallAndSaysWhich() {
    HttpClient client =
        HttpClient.newBuilder()
            .authenticator(
                SecretAuthenticator.builder(secret.cache, HttpSecret.ID)
                    .server(server.uri(""))
                    .allowPlainHttp()
                    .fields("username", "pwd")
                    .build())
            .build();

    assertThatThrownBy(() -> status(client, "/a"))
        .hasRootCauseInstanceOf(SecretException.class)
        .rootCause()
        .hasMessageContaining("pwd")
        .hasMessageNotContaining("MARKER");
  }

  @Test
  void builder_whatCannotBe_isRefused() {
    var builder = SecretAuthenticator.builder(secret.cache, HttpSecret.ID);

    assertThatThrownBy(builder::build).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> builder.proxy("", 1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> builder.proxy("p", 0)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> builder.server(URI.create("https://a/path")))
        .isInstanceOf(IllegalArgumentException.class);
    builder.server(URI.create("http://a"));
    assertThatThrownBy(builder::build)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("allowPlainHttp()");
  }
}
