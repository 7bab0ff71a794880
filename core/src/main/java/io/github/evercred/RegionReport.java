package io.github.evercred;

import java.time.Duration;
import java.util.Objects;

/**
 * What one region has come to in a {@link RegionalSource}, at one moment.
 *
 * @param region the region's id
 * @param answers fetches and batches that were answered by this region; a no of the primary is an
 *     answer
 * @param failures calls to this region after which another was asked: it gave no answer in time, or
 *     as a replica said no or had an older version
 * @param avoidedFor how long it is still left alone because it gave no answer; zero if it is asked
 */
public record RegionReport(String region, long answers, long failures, Duration avoidedFor) {

  /**
   * Checks that nothing is null.
   *
   * @param region the region's id
   * @param answers what it answered
   * @param failures what it did not
   * @param avoidedFor how long it is left alone
   */
  public RegionReport {
    Objects.requireNonNull(region, "region");
    Objects.requireNonNull(avoidedFor, "avoidedFor");
  }
}
