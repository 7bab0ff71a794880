package io.github.evercred;

import io.github.evercred.Flights.Flight;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One prefetch: batches of secrets, a few at a time. The first goes alone, because it tells whether
 * batches work here; a refused one is fetched one by one, and so are all after it.
 */
final class Prefetch {
  private static final int AT_ONCE = 4;
  private static final int SINGLE_AT_ONCE = 2;

  private final Entries entries;
  private final Flights flights;
  private final int batchSize;
  private final Queue<Key> waiting = new ConcurrentLinkedQueue<>();
  private final Set<String> loaded = ConcurrentHashMap.newKeySet();
  private final Map<String, SecretException> failed = new ConcurrentHashMap<>();
  private volatile boolean singly;

  Prefetch(Entries entries, Flights flights, int batchSize) {
    this.entries = entries;
    this.flights = flights;
    this.batchSize = batchSize;
    this.singly = batchSize < 2;
  }

  CompletableFuture<PrefetchReport> start(Collection<Key> keys) {
    for (Key key : keys) {
      Entry unused = entries.findOrAdopt(key);
      if (entries.usable(key) != null) {
        loaded.add(key.secretId());
      } else {
        waiting.add(key);
      }
    }
    return next()
        .thenCompose(
            first ->
                CompletableFuture.allOf(
                    Stream.generate(this::rest)
                        .limit(AT_ONCE)
                        .toArray(CompletableFuture<?>[]::new)))
        .thenApply(all -> new PrefetchReport(loaded, failed));
  }

  /**
   * Works until nothing waits, in the threads in which flights land: never in those that the
   * application may have filled.
   */
  private CompletableFuture<Void> rest() {
    while (!waiting.isEmpty()) {
      CompletableFuture<Void> step = next();
      if (!step.isDone()) { // Else a long list would end in a deep stack.
        return step.thenCompose(done -> rest());
      }
    }
    return CompletableFuture.completedFuture(null);
  }

  private CompletableFuture<Void> next() {
    var keys = new ArrayList<Key>();
    int most = singly ? SINGLE_AT_ONCE : batchSize;
    while (keys.size() < most) {
      Key key = waiting.poll();
      if (key == null) {
        break;
      }
      if (entries.usable(key) != null) { // Loaded while it waited.
        loaded.add(key.secretId());
        continue;
      }
      try {
        entries.throwRemembered(key);
        keys.add(key);
      } catch (SecretException e) {
        failed.put(key.secretId(), e);
      }
    }
    // A batch of one may be refused by a policy that allows the secret itself, and gains nothing.
    boolean alone = singly || keys.size() == 1;
    return CompletableFuture.allOf(
        flights.batch(keys, alone, this::refused).stream()
            .map(flight -> flight.end.handle((value, thrown) -> landed(flight, thrown)))
            .toArray(CompletableFuture<?>[]::new));
  }

  private void refused(SecretException why) {
    boolean always =
        switch (why.reason()) {
          case ACCESS_DENIED, INVALID_REQUEST, THROTTLED, MALFORMED -> true;
          default -> false; // One secret has spoilt its batch, and the next may do well.
        };
    if (always && !singly) {
      singly = true;
      Log.EVERCRED.log(
          System.Logger.Level.INFO,
          () -> "Secrets are prefetched one by one, not in batches. " + why);
    }
  }

  private @Nullable Void landed(Flight flight, @Nullable Throwable thrown) {
    String secretId = flight.key.secretId();
    if (thrown == null) {
      loaded.add(secretId);
    } else {
      failed.put(secretId, SecretCache.failure(thrown).again(""));
    }
    return null;
  }
}
