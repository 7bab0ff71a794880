package io.github.evercred.examples.client;

import org.jspecify.annotations.Nullable;

/**
 * What rotations came to.
 *
 * @param name the scenario
 * @param rotations how many there were
 * @param calls all calls, those that failed among them
 * @param failed the calls that failed
 * @param firstFailure the first of these
 * @param refused credentials that the server refused
 * @param awsCalls requests to Secrets Manager
 */
record Result(
    String name,
    int rotations,
    long calls,
    long failed,
    @Nullable Throwable firstFailure,
    long refused,
    int awsCalls) {

  static final String HEAD =
      "%-22s %10s %8s %8s %9s %13s"
          .formatted("client", "rotations", "calls", "failed", "refused", "calls to AWS");

  /** A row under {@link #HEAD}. */
  String row() {
    return "%-22s %10d %8d %8d %9d %13d"
        .formatted(name, rotations, calls, failed, refused, awsCalls);
  }
}
