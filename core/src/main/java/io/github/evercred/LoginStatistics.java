package io.github.evercred;

/**
 * What logins have come to, since their {@link RotationAwareLogin} was made.
 *
 * @param succeeded logins that succeeded
 * @param refused uses that the target refused
 * @param probes probes begun
 * @param deposed probes taken away from a holder that took too long
 * @param incomplete times that a target was found to accept AWSPENDING or AWSPREVIOUS instead of
 *     AWSCURRENT
 * @param gaveUp logins that ended at their deadline, or because the target was locked, the secret
 *     could not be had, the thread was interrupted or the cache closed
 * @param untold events that could not be told, because a listener or a log handler failed badly
 */
public record LoginStatistics(
    long succeeded,
    long refused,
    long probes,
    long deposed,
    long incomplete,
    long gaveUp,
    long untold) {}
