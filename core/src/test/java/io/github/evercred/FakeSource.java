package io.github.evercred;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Secrets Manager in memory: versions, labels that move as the real ones do, calls counted, and a
 * script for what goes wrong. A secret is stored under its name, and answers to its ARN and to its
 * ARN without the suffix, too.
 */
final class FakeSource implements SecretSource {
  private final Map<String, Map<String, String>> values = new HashMap<>();
  private final Map<String, Map<String, String>> labels = new HashMap<>();
  private final List<SecretRequest> calls = new ArrayList<>();
  private @Nullable Function<SecretRequest, @Nullable SecretValue> script;
  private @Nullable CountDownLatch gate;
  private int held;
  private @Nullable Instant createdAt;
  private final Map<String, Instant> created = new HashMap<>();
  private final Map<String, String> suffixes = new HashMap<>();
  private final List<List<String>> batches = new ArrayList<>();
  private @Nullable Function<List<String>, @Nullable SecretBatch> batchScript;
  private int batchSize;

  static String version(int number) {
    return "00000000-0000-0000-0000-%012d".formatted(number);
  }

  /** What all versions say of their creation. */
  synchronized void createdAt(Instant time) {
    createdAt = time;
  }

  /** What one version says of its creation. */
  synchronized void createdAt(int number, Instant time) {
    created.put(version(number), time);
  }

  synchronized String arn(String name) {
    return partialArn(name) + "-" + suffixes.getOrDefault(name, "AbCdEf");
  }

  static String partialArn(String name) {
    return "arn:aws:secretsmanager:eu-west-1:111122223333:secret:" + name;
  }

  /** Deletes a secret for good and makes another of its name, which has another ARN. */
  synchronized void recreate(String name, String suffix, int number, String value) {
    values.remove(name);
    labels.remove(name);
    suffixes.put(name, suffix);
    put(name, number, value, "AWSCURRENT");
  }

  private String name(String id) {
    return values.keySet().stream()
        .filter(name -> id.equals(arn(name)) || id.equals(partialArn(name)))
        .findAny()
        .orElse(id);
  }

  /** Offers batches of so many. */
  synchronized void batchSize(int most) {
    batchSize = most;
  }

  /** Answers batches by a script; where it returns null, as usual. */
  synchronized void batchScript(@Nullable Function<List<String>, @Nullable SecretBatch> script) {
    batchScript = script;
  }

  synchronized List<List<String>> batches() {
    return List.copyOf(batches);
  }

  /** Stores a version and puts labels on it, which leave other versions. */
  synchronized void put(String id, int number, String value, String... labelled) {
    values.computeIfAbsent(id, x -> new HashMap<>()).put(version(number), value);
    for (String label : labelled) {
      move(id, label, number);
    }
  }

  /** Moves a label; moving AWSCURRENT moves AWSPREVIOUS to the version that it leaves. */
  synchronized void move(String id, String label, int number) {
    var moved = labels.computeIfAbsent(id, x -> new HashMap<>());
    String old = moved.put(label, version(number));
    if (label.equals("AWSCURRENT") && old != null && !old.equals(version(number))) {
      moved.put("AWSPREVIOUS", old);
    }
  }

  synchronized void unlabel(String id, String label) {
    labels.getOrDefault(id, Map.of()).remove(label);
  }

  /** Answers by a script; where it returns null, as usual. */
  synchronized void script(@Nullable Function<SecretRequest, @Nullable SecretValue> script) {
    this.script = script;
  }

  void failing(SecretException.Reason reason) {
    script(
        request -> {
          throw new SecretException(reason, "as the test says", null);
        });
  }

  void healthy() {
    script(null);
  }

  /** From now on calls are held until {@link #release}. */
  synchronized void hold() {
    gate = new CountDownLatch(1);
    held = 0;
  }

  synchronized void release() {
    if (gate != null) {
      gate.countDown();
      gate = null;
    }
  }

  synchronized int held() {
    return held;
  }

  void awaitHeld(int count) {
    Eventually.until(() -> held() >= count, () -> held() + " of " + count + " calls held");
  }

  synchronized int calls() {
    return calls.size();
  }

  synchronized long calls(VersionSelector version) {
    return calls.stream().filter(call -> call.version().equals(version)).count();
  }

  synchronized long calls(String id) {
    return calls.stream().filter(call -> call.secretId().equals(id)).count();
  }

  synchronized void forgetCalls() {
    calls.clear();
  }

  @Override
  public SecretValue fetch(SecretRequest request) {
    CountDownLatch closed;
    Function<SecretRequest, @Nullable SecretValue> scripted;
    synchronized (this) {
      calls.add(request);
      closed = enter();
      scripted = script;
    }
    pass(closed);
    SecretValue answer = scripted == null ? null : scripted.apply(request);
    return answer != null ? answer : answer(request);
  }

  @Override
  public synchronized int batchSize() {
    return batchSize;
  }

  @Override
  public SecretBatch fetchBatch(List<String> secretIds, Duration timeout) {
    CountDownLatch closed;
    Function<List<String>, @Nullable SecretBatch> scripted;
    synchronized (this) {
      batches.add(List.copyOf(secretIds));
      closed = enter();
      scripted = batchScript;
    }
    pass(closed);
    SecretBatch answer = scripted == null ? null : scripted.apply(secretIds);
    return answer != null ? answer : batch(secretIds);
  }

  SecretBatch batch(List<String> secretIds) {
    var found = new HashMap<String, SecretValue>();
    var failed = new HashMap<String, SecretException>();
    for (String id : secretIds) {
      try {
        found.put(
            id, answer(new SecretRequest(id, VersionSelector.CURRENT, Duration.ofSeconds(1))));
      } catch (SecretException e) {
        failed.put(id, e);
      }
    }
    return new SecretBatch(found, failed);
  }

  private @Nullable CountDownLatch enter() {
    if (gate != null) {
      held++;
    }
    return gate;
  }

  private static void pass(@Nullable CountDownLatch closed) {
    if (closed != null) {
      try {
        if (!closed.await(30, TimeUnit.SECONDS)) {
          throw new AssertionError("a held call was never released");
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new SecretException(SecretException.Reason.UNAVAILABLE, "interrupted", e);
      }
    }
  }

  synchronized SecretValue answer(SecretRequest request) {
    String id = name(request.secretId());
    String version =
        request.version().isLabel()
            ? labels.getOrDefault(id, Map.of()).get(request.version().text())
            : request.version().text();
    // A map without entries does not accept null.
    String value = version == null ? null : values.getOrDefault(id, Map.of()).get(version);
    if (version == null || value == null) {
      throw new SecretException(
          SecretException.Reason.NOT_FOUND, "can't find " + request.version(), null);
    }
    return value(request.secretId(), id, version, value);
  }

  synchronized SecretValue value(String id, int number) {
    return value(id, id, version(number), values.getOrDefault(id, Map.of()).get(version(number)));
  }

  private SecretValue value(String id, String name, String version, @Nullable String text) {
    List<String> carried =
        labels.getOrDefault(name, Map.of()).entrySet().stream()
            .filter(entry -> entry.getValue().equals(version))
            .map(Map.Entry::getKey)
            .toList();
    if (text == null) {
      throw new IllegalStateException("no such version: " + version);
    }
    return SecretValue.builder(id, version)
        .arn(arn(name))
        .labels(carried)
        .createdAt(created.getOrDefault(version, createdAt))
        .text(text);
  }

  @Override
  public String description() {
    return "eu-west-1";
  }
}
