package io.github.evercred.examples.rotation;

import java.util.List;
import java.util.Map;

/**
 * What came of one application.
 *
 * @param name as people read it
 * @param pooled what its workers with a pool did
 * @param unpooled what its workers without one did
 * @param requestTimes of the requests that were answered
 * @param loginTimes of the logins that succeeded
 * @param failures a line for each kind of failure
 * @param unanswered requests that were still waiting when the demo ended
 * @param rotations what each rotation cost
 * @param callsAtStart calls to Secrets Manager before the first rotation
 * @param calls all calls to Secrets Manager, by operation and staging label
 */
record Results(
    String name,
    Count pooled,
    Count unpooled,
    Latencies requestTimes,
    Latencies loginTimes,
    List<String> failures,
    int unanswered,
    List<Turn> rotations,
    int callsAtStart,
    Map<String, Integer> calls) {

  /**
   * Counts of one kind of worker.
   *
   * @param requests that came to an end
   * @param failed those that threw
   * @param logins that succeeded
   */
  record Count(long requests, long failed, long logins) {}

  /**
   * One rotation, from its setSecret until that of the next.
   *
   * @param pooledLogins of the pool, inside the window
   * @param unpooledLogins of the workers without one, inside the window
   * @param refused logins that the database refused, by its own count
   * @param calls to Secrets Manager
   */
  record Turn(long pooledLogins, long unpooledLogins, long refused, int calls) {}

  long requests() {
    return pooled.requests + unpooled.requests;
  }

  long failed() {
    return pooled.failed + unpooled.failed;
  }
}
