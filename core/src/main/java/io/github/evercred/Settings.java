package io.github.evercred;

import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The options of a cache as its builder has checked them. Lengths of time are nanoseconds.
 *
 * @param freshness the periods that decide about age
 * @param load limit of one load
 * @param attempt limit of one of its attempts
 * @param minimumInterval between forced fetches of one key
 * @param rememberFirst how long a first failure with nothing cached is told again
 * @param rememberMost the most that doubles to
 * @param maximumSecrets entries held
 * @param mayFreeze whether reads look at the wall clock, too
 * @param countHits whether reads that are answered from memory are counted
 * @param restore how long the process waits for its secrets when it has been restored
 * @param keptFresh secret ids that are refreshed without being read
 * @param sealing how what is held is encrypted; null if it is not
 * @param listeners told of what happens, in this order
 */
record Settings(
    Freshness freshness,
    long load,
    long attempt,
    long minimumInterval,
    long rememberFirst,
    long rememberMost,
    long maximumSecrets,
    boolean mayFreeze,
    boolean countHits,
    long restore,
    Set<String> keptFresh,
    @Nullable Sealing sealing,
    List<SecretCacheListener> listeners) {

  /**
   * How a cache encrypts what it holds.
   *
   * @param kmsKeyId the KMS key under which keys can leave the process; null if they cannot
   * @param application what KMS is told that they are for
   */
  record Sealing(@Nullable String kmsKeyId, String application) {}
}
