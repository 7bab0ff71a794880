package io.github.evercred.examples.client;

import io.github.evercred.CredentialUse;
import io.github.evercred.LoginOptions;
import io.github.evercred.RotationAwareLogin;
import io.github.evercred.SecretValue;
import io.github.evercred.Target;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Optional;

/** Asks for access tokens by the client credentials grant of OAuth 2.0. */
final class OAuthTokens {
  private final HttpClient client = HttpClient.newHttpClient();
  private final RotationAwareLogin login;
  private final URI endpoint;
  private final Target target;

  OAuthTokens(RotationAwareLogin login, URI endpoint) {
    this.login = login;
    this.endpoint = endpoint;
    int port = endpoint.getPort() > 0 ? endpoint.getPort() : isHttps(endpoint) ? 443 : 80;
    this.target = new Target("oauth", List.of(endpoint.getHost() + ":" + port), null);
  }

  private static boolean isHttps(URI endpoint) {
    return "https".equalsIgnoreCase(endpoint.getScheme());
  }

  /** Returns the answer of the token endpoint. */
  String token() throws IOException {
    // recipe: oauth
    return login.login(
        target, // One for each token endpoint.
        "prod/oauth/client",
        LoginOptions.DEFAULTS,
        Optional.empty(),
        CredentialUse.of(this::request, InvalidClient.class::isInstance, IOException::new));
    // end
  }

  // recipe: oauth-request
  private String request(SecretValue secret, Duration remaining) throws IOException {
    String credentials = encoded(secret, "client_id") + ":" + encoded(secret, "client_secret");
    String basic = Base64.getEncoder().encodeToString(credentials.getBytes(StandardCharsets.UTF_8));
    HttpRequest request =
        HttpRequest.newBuilder(endpoint)
            .timeout(remaining)
            .header("Authorization", "Basic " + basic)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .POST(BodyPublishers.ofString("grant_type=client_credentials"))
            .build();
    HttpResponse<String> response = sent(request);
    if (response.statusCode() == 401 || response.body().contains("\"invalid_client\"")) {
      throw new InvalidClient();
    }
    if (response.statusCode() != 200) {
      throw new IOException("The token endpoint answers " + response.statusCode());
    }
    return response.body();
  }

  // end

  private static String encoded(SecretValue secret, String name) {
    return URLEncoder.encode(secret.field(name), StandardCharsets.UTF_8);
  }

  private HttpResponse<String> sent(HttpRequest request) throws IOException {
    try {
      return client.send(request, BodyHandlers.ofString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw (IOException) new InterruptedIOException("interrupted").initCause(e);
    }
  }

  /** The endpoint does not accept this secret of the client. */
  static final class InvalidClient extends IOException {
    private static final long serialVersionUID = 1L;

    InvalidClient() {
      super("The token endpoint refused the client");
    }
  }
}
