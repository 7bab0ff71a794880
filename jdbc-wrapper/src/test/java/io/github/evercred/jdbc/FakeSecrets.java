package io.github.evercred.jdbc;

import io.github.evercred.SecretCache;
import io.github.evercred.SecretException;
import io.github.evercred.SecretRequest;
import io.github.evercred.SecretSource;
import io.github.evercred.SecretValue;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** Secrets Manager in memory: a value for each secret and label. */
final class FakeSecrets implements SecretSource {
  private final Map<String, SecretValue> values = new ConcurrentHashMap<>();
  final AtomicInteger calls = new AtomicInteger();

  static String login(String user, String password) {
    return "{\"username\":\"" + user + "\",\"password\":\"" + password + "\"}";
  }

  /** Puts a version under a label. */
  FakeSecrets put(String id, String label, String version, String value) {
    values.put(
        id + " " + label, SecretValue.builder(id, version).labels(List.of(label)).text(value));
    return this;
  }

  FakeSecrets put(String id, String value) {
    return put(id, "AWSCURRENT", "v1", value);
  }

  SecretCache cache() {
    return SecretCache.builder().source(this).minimumInterval(Duration.ofMillis(1)).build();
  }

  @Override
  public SecretValue fetch(SecretRequest request) {
    calls.incrementAndGet();
    SecretValue value = values.get(request.secretId() + " " + request.version().text());
    if (value == null) {
      throw new SecretException(SecretException.Reason.NOT_FOUND, "no such secret", null);
    }
    return value;
  }
}
