package io.github.evercred.testkit;

import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** What has been asked of the server, and what a test wants to go wrong. Thread-safe. */
final class Traffic {
  private static final int RECORDED = 10_000;

  /** One request with everything that a {@link Requests} can ask about. */
  record Call(RecordedRequest request, @Nullable String label) {
    boolean isBatch() {
      return request.operation().equals("BatchGetSecretValue");
    }
  }

  /** A fault or a hold with what is left of its limit; guarded by the list that holds it. */
  private static final class Rule<T> {
    final T effect;
    final Requests requests;
    int left;

    Rule(T effect, Requests requests) {
      this.effect = effect;
      this.requests = requests;
      this.left = requests.limit();
    }
  }

  private final UnaryOperator<String> canonicalId;
  private final Object lock = new Object();
  private final Deque<RecordedRequest> recorded = new ArrayDeque<>();
  private final Map<String, Integer> byOperation = new TreeMap<>();
  private final Map<String, Map<String, Integer>> bySecret = new TreeMap<>();
  private final List<Rule<Fault>> faults = new ArrayList<>();
  private final List<Rule<Hold>> holds = new ArrayList<>();
  private final List<Rule<Hold>> answerHolds = new ArrayList<>();
  private final List<Hold> allHolds = new CopyOnWriteArrayList<>();

  /** Ids are compared by what {@code canonicalId} makes of them. */
  Traffic(UnaryOperator<String> canonicalId) {
    this.canonicalId = canonicalId;
  }

  Call record(
      String operation,
      List<String> secretIds,
      @Nullable String label,
      @Nullable String versionId,
      Instant now) {
    RecordedRequest request =
        new RecordedRequest(operation, List.copyOf(secretIds), label, versionId, now);
    synchronized (lock) {
      recorded.addLast(request);
      if (recorded.size() > RECORDED) {
        recorded.removeFirst();
      }
      byOperation.merge(operation, 1, Integer::sum);
      for (String id : secretIds) {
        bySecret.computeIfAbsent(operation, key -> new TreeMap<>()).merge(id, 1, Integer::sum);
      }
    }
    boolean current = label == null && versionId == null && operation.equals("GetSecretValue");
    return new Call(request, current ? StoredSecret.CURRENT : label);
  }

  Map<String, Integer> calls() {
    synchronized (lock) {
      return Collections.unmodifiableMap(new TreeMap<>(byOperation));
    }
  }

  int calls(String operation, String secretId) {
    Map<String, Integer> counts;
    synchronized (lock) {
      counts = Map.copyOf(bySecret.getOrDefault(operation, Map.of()));
    }
    String wanted = canonicalId.apply(secretId);
    return counts.entrySet().stream()
        .filter(count -> canonicalId.apply(count.getKey()).equals(wanted))
        .mapToInt(Map.Entry::getValue)
        .sum();
  }

  List<RecordedRequest> requests() {
    synchronized (lock) {
      return List.copyOf(recorded);
    }
  }

  void reset() {
    synchronized (lock) {
      recorded.clear();
      byOperation.clear();
      bySecret.clear();
    }
  }

  void inject(Fault fault, Requests requests) {
    synchronized (faults) {
      faults.add(new Rule<>(fault, requests));
    }
  }

  void clear(@Nullable Fault fault) {
    synchronized (faults) {
      faults.removeIf(rule -> fault == null || rule.effect == fault);
    }
  }

  /** The fault of a whole request, oldest rule first; null for none. */
  @Nullable Fault fault(Call call) {
    synchronized (faults) {
      return take(
          faults,
          rule ->
              !(call.isBatch() && rule.requests.secretId() != null && rule.effect.isServiceError())
                  && matches(rule.requests, call, call.request().secretIds()));
    }
  }

  /** The error of one secret in a batch; null for none. */
  @Nullable Fault batchFault(Call call, String secretId) {
    synchronized (faults) {
      return take(
          faults,
          rule ->
              rule.requests.secretId() != null
                  && rule.effect.isServiceError()
                  && matches(rule.requests, call, List.of(secretId)));
    }
  }

  Hold hold(Requests requests, boolean answers) {
    Hold hold = new Hold(requests);
    allHolds.add(hold);
    List<Rule<Hold>> rules = answers ? answerHolds : holds;
    synchronized (rules) {
      rules.add(new Rule<>(hold, requests));
    }
    return hold;
  }

  /** The hold that stops this request (or its answer); null for none. */
  @Nullable Hold holdOf(Call call, boolean answers) {
    List<Rule<Hold>> rules = answers ? answerHolds : holds;
    synchronized (rules) {
      rules.removeIf(rule -> rule.effect.isReleased());
      return take(rules, rule -> matches(rule.requests, call, call.request().secretIds()));
    }
  }

  void releaseHolds() {
    allHolds.forEach(Hold::release);
  }

  private interface Selection<T> {
    boolean selects(Rule<T> rule);
  }

  private static <T> @Nullable T take(List<Rule<T>> rules, Selection<T> selection) {
    Rule<T> first = rules.stream().filter(selection::selects).findFirst().orElse(null);
    if (first == null) {
      return null;
    }
    if (first.left != Integer.MAX_VALUE && --first.left == 0) {
      rules.remove(first);
    }
    return first.effect;
  }

  private boolean matches(Requests wanted, Call call, List<String> secretIds) {
    if (wanted.operation() != null && !wanted.operation().equals(call.request().operation())) {
      return false;
    }
    if (wanted.label() != null && !wanted.label().equals(call.label())) {
      return false;
    }
    if (wanted.secretId() == null) {
      return true;
    }
    String secret = canonicalId.apply(wanted.secretId());
    return secretIds.stream().anyMatch(id -> canonicalId.apply(id).equals(secret));
  }
}
