package io.github.evercred;

import java.util.Map;
import java.util.Set;

/**
 * What a {@linkplain SecretCache#prefetch prefetch} came to.
 *
 * @param loaded ids whose secrets are cached now
 * @param failed why the others are not, by id
 */
public record PrefetchReport(Set<String> loaded, Map<String, SecretException> failed) {

  /**
   * Copies both.
   *
   * @param loaded ids whose secrets are cached now
   * @param failed why the others are not, by id
   */
  public PrefetchReport {
    loaded = Set.copyOf(loaded);
    failed = Map.copyOf(failed);
  }

  /**
   * Tells whether all were loaded.
   *
   * @return true if none failed
   */
  public boolean isComplete() {
    return failed.isEmpty();
  }

  /**
   * Throws if any failed, for a service that must not start without its secrets.
   *
   * @return this report, if all were loaded
   * @throws SecretException with the reason of one of the failures, and the others suppressed in it
   */
  public PrefetchReport orThrow() {
    SecretException first = null;
    for (Map.Entry<String, SecretException> failure :
        failed.entrySet().stream().sorted(Map.Entry.comparingByKey()).toList()) {
      if (first == null) {
        first =
            failure
                .getValue()
                .again(
                    "(%d of %d failed.)".formatted(failed.size(), failed.size() + loaded.size()));
      } else {
        first.addSuppressed(failure.getValue());
      }
    }
    if (first != null) {
      throw first;
    }
    return this;
  }
}
