package io.github.evercred;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a {@link SecretCache} is at one moment; never a value. Immutable and thread-safe.
 *
 * <p>{@link Status#STALE} is no reason to restart a process or to take it out of service: it works,
 * and would be worse off without what it holds.
 *
 * @param status the worst of all secrets
 * @param breaker whether the source is called at all
 * @param lastSuccess when a fetch last succeeded; null if none has
 * @param troubles what cannot be had or refreshed, the longest first
 */
public record SecretCacheHealth(
    Status status, Breaker breaker, @Nullable Instant lastSuccess, List<Trouble> troubles) {

  /** How the whole cache is. */
  public enum Status {
    /** All that is held is as fresh as the options ask for. */
    UP,
    /** All that is asked for can be read, some of it only because the last good value is served. */
    STALE,
    /** Something that is asked for cannot be read, or the cache is closed or being checkpointed. */
    DOWN
  }

  /** Whether the source is called. */
  public enum Breaker {
    /** It is. */
    CLOSED,
    /** One call is let through, to see whether the source is back. */
    HALF_OPEN,
    /** It is not, because its last calls failed. The next call after a wait of 30 s at most. */
    OPEN
  }

  /** What is the matter with one secret. */
  public enum Condition {
    /** Refreshing it fails; the last good value is served. */
    STALE,
    /** Refreshing it has failed for so long that its value was dropped: reads fail. */
    EXPIRED,
    /** Nothing is held and nothing can be had: reads fail. */
    FAILING
  }

  /**
   * One secret that cannot be had or refreshed. One of which nothing is held is left out ten
   * minutes after the last attempt, since nobody asks for it any more.
   *
   * @param secretId name or ARN, as the caller wrote it
   * @param version what was asked for
   * @param condition what is the matter
   * @param since when the first of consecutive failures was told
   * @param reason why the last attempt failed
   * @param versionId the version that is served, or was until it expired; null if there is none
   */
  public record Trouble(
      String secretId,
      VersionSelector version,
      Condition condition,
      Instant since,
      SecretException.Reason reason,
      @Nullable String versionId) {}

  /**
   * Copies the list.
   *
   * @param status see the record
   * @param breaker see the record
   * @param lastSuccess see the record
   * @param troubles see the record
   */
  public SecretCacheHealth {
    troubles = List.copyOf(troubles);
  }
}
