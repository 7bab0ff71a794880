package io.github.evercred;

import io.github.evercred.Entry.Snapshot;
import io.github.evercred.Flights.Purpose;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Fills a cache again after a restore of its process: what stayed in the snapshot, sealed, is held
 * again once its key is back, and the rest is loaded ahead. Thread-safe; one restore at a time.
 */
final class Restoring {
  private final Entries entries;
  private final Flights flights;
  private final SecretSource source;
  private final @Nullable Sealer sealer;
  private final Time time;
  private final BiConsumer<Entry, Snapshot> refresh;

  /** Done when no key of what has stayed in a snapshot is still to come. */
  private volatile CompletableFuture<?> keyIsBack = CompletableFuture.completedFuture(null);

  /**
   * Takes what it works with.
   *
   * @param sealer null if nothing is sealed
   * @param refresh starts a refresh
   */
  Restoring(
      Entries entries,
      Flights flights,
      SecretSource source,
      @Nullable Sealer sealer,
      Time time,
      BiConsumer<Entry, Snapshot> refresh) {
    this.entries = entries;
    this.flights = flights;
    this.source = source;
    this.sealer = sealer;
    this.time = time;
    this.refresh = refresh;
  }

  /**
   * Waits for a key that was asked for after an earlier checkpoint, and would come into the
   * snapshot of the next.
   *
   * @param atMost nanoseconds
   * @return whether none is still to come
   */
  boolean hasKeys(long atMost) {
    try {
      return time.await(keyIsBack, atMost);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return keyIsBack.isDone();
    }
  }

  /**
   * Brings back what has stayed in a snapshot, and loads the rest ahead.
   *
   * @param stayed what has stayed, sealed
   * @param wanted what was held before; is changed
   * @return done when that has ended, well or not; what went wrong is logged by then
   */
  CompletableFuture<Void> start(List<SecretValue> stayed, Set<Key> wanted) {
    return (stayed.isEmpty() ? reload(wanted) : bringBack(stayed, wanted))
        .whenComplete(
            (nothing, thrown) -> {
              if (thrown != null) {
                notReloaded(thrown);
              }
            });
  }

  /** Gets the key of what has stayed, and loads the rest; or all, if the key is not to be had. */
  private CompletableFuture<Void> bringBack(List<SecretValue> stayed, Set<Key> wanted) {
    CompletableFuture<@Nullable Throwable> key =
        CompletableFuture.runAsync(
                () -> Objects.requireNonNull(sealer).reopen(stayed),
                time.threads("evercred-restore-", 1, 1))
            .handle((nothing, thrown) -> thrown);
    keyIsBack = key;
    return key.thenCompose(
        thrown -> {
          if (thrown != null) {
            entries.forgetStayed();
            Log.EVERCRED.log(
                System.Logger.Level.WARNING,
                "What was sealed before a checkpoint cannot be opened after it, and is loaded"
                    + " anew.",
                thrown instanceof CompletionException ? thrown.getCause() : thrown);
          }
          // What has lapsed is loaded with the rest, and readers wait for that.
          for (Entry entry : entries.takeBack()) {
            refresh.accept(entry, entry.snapshot());
            wanted.remove(entry.key);
          }
          return reload(wanted);
        });
  }

  static void notReloaded(Throwable thrown) {
    Log.EVERCRED.log(
        System.Logger.Level.WARNING,
        "Secrets are not loaded ahead after a restore; each is loaded when it is read.",
        thrown);
  }

  private CompletableFuture<Void> reload(Set<Key> keys) {
    var current = new HashSet<Key>();
    var all = new ArrayList<CompletableFuture<Void>>();
    for (Key key : keys) {
      if (key.version().equals(VersionSelector.CURRENT)) {
        current.add(key);
      } else if (key.version().isLabel()) {
        all.add(
            flights
                .join(key, Purpose.LOAD, () -> entries.usable(key))
                .end
                .handle(
                    (value, thrown) -> {
                      if (thrown != null) {
                        notReloaded(key, SecretCache.failure(thrown));
                      }
                      return null;
                    }));
      }
    }
    if (!current.isEmpty()) {
      all.add(
          new Prefetch(entries, flights, source.batchSize())
              .start(current)
              .thenAccept(
                  report ->
                      report
                          .failed()
                          .forEach(
                              (id, failure) ->
                                  notReloaded(new Key(id, VersionSelector.CURRENT), failure))));
    }
    return CompletableFuture.allOf(all.toArray(CompletableFuture<?>[]::new));
  }

  private static void notReloaded(Key key, SecretException failure) {
    Log.EVERCRED.log(
        System.Logger.Level.WARNING,
        "Secret {0} could not be loaded after a restore ({1}); the next read tries again. {2}",
        key,
        failure.reason(),
        failure.getMessage());
  }
}
