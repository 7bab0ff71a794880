package io.github.evercred;

import java.time.Duration;
import java.util.Map;

/**
 * What a {@link SecretCache} has done since it was made, and holds now. The counts are read one
 * after the other while the cache goes on, so they may be apart by what happened meanwhile.
 *
 * @param hits reads through the cache that were answered from memory; 0 unless {@code countHits} is
 *     set, and without those through a {@code SecretHandle}
 * @param misses reads that had to wait for a fetch
 * @param calls calls to the source, each attempt counted. What AWS counts may be more: the pages of
 *     a batch are one call here, and the retries that a client which was handed in makes itself are
 *     not seen
 * @param loaded fetches that filled an empty entry
 * @param refreshed refreshes that found the version that was cached
 * @param rotated refreshes that found another version
 * @param failures fetches that failed after all of their attempts, by reason
 * @param evicted values dropped for size
 * @param expired values dropped because they might be served no longer
 * @param eventsDropped events that a listener did not hear, because too many were waiting for it;
 *     an event that two missed counts twice
 * @param held values held now
 * @param stale how many of those are served now because refreshing them failed
 * @param oldest how long ago the oldest of them was fetched; zero if none is held. Versions that
 *     were asked for by their id do not age and are left out
 */
public record SecretCacheStatistics(
    long hits,
    long misses,
    long calls,
    long loaded,
    long refreshed,
    long rotated,
    Map<SecretException.Reason, Long> failures,
    long evicted,
    long expired,
    long eventsDropped,
    int held,
    int stale,
    Duration oldest) {

  /**
   * Copies the map.
   *
   * @param hits see the record
   * @param misses see the record
   * @param calls see the record
   * @param loaded see the record
   * @param refreshed see the record
   * @param rotated see the record
   * @param failures see the record
   * @param evicted see the record
   * @param expired see the record
   * @param eventsDropped see the record
   * @param held see the record
   * @param stale see the record
   * @param oldest see the record
   */
  public SecretCacheStatistics {
    failures = Map.copyOf(failures);
  }
}
