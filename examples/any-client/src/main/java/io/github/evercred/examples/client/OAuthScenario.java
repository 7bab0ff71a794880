package io.github.evercred.examples.client;

import io.github.evercred.RotationAwareLogin;
import io.github.evercred.RotationListener;
import io.github.evercred.SecretCache;
import io.github.evercred.testkit.RotationTarget;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.UUID;
import java.util.function.Supplier;

/** A token endpoint that knows one secret of a client at a time. */
final class OAuthScenario implements Scenario, RotationTarget {
  private static final String PREFIX = "{\"client_id\":\"orders\",\"client_secret\":\"";
  private static final String SUFFIX = "\"}";
  private static final String TOKEN = "{\"access_token\":\"t\",\"token_type\":\"Bearer\"}";

  private final String first = UUID.randomUUID().toString();
  private final OneKeyServer server =
      new OneKeyServer("Authorization", basic(first), TOKEN, "{\"error\":\"invalid_client\"}");

  @Override
  public String name() {
    return "OAuth client secret";
  }

  @Override
  public String secretId() {
    return "prod/oauth/client";
  }

  @Override
  public String firstValue() {
    return PREFIX + first + SUFFIX;
  }

  private static String basic(String clientSecret) {
    byte[] credentials = ("orders:" + clientSecret).getBytes(StandardCharsets.UTF_8);
    return "Basic " + Base64.getEncoder().encodeToString(credentials);
  }

  @Override
  public RotationTarget target() {
    return this;
  }

  @Override
  public String newValue(String current) {
    return PREFIX + UUID.randomUUID() + SUFFIX;
  }

  @Override
  public void set(String current, String pending) {
    server.accept(basic(pending.substring(PREFIX.length(), pending.length() - SUFFIX.length())));
  }

  @Override
  public Calls open(Supplier<SecretCache> caches, RotationListener listener) {
    var tokens = new OAuthTokens(new RotationAwareLogin(caches.get(), listener), server.uri());
    return new Calls() {
      @Override
      public void call() throws Exception {
        String token = tokens.token();
        if (!token.equals(TOKEN)) {
          throw new IllegalStateException("No token");
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
