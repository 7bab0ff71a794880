package io.github.evercred;

import java.util.List;
import java.util.Set;

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
 * @param keptFresh secret ids that are refreshed without being read
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
    Set<String> keptFresh,
    List<SecretCacheListener> listeners) {}
