package io.github.evercred;

import java.util.Map;

/**
 * What one {@linkplain SecretSource#fetchBatch batch} came to. An id that was asked for and is in
 * neither map is fetched on its own.
 *
 * @param values what was found, by the id as it was asked for
 * @param failures why others were not, by the id as it was asked for
 */
public record SecretBatch(Map<String, SecretValue> values, Map<String, SecretException> failures) {

  /**
   * Copies both maps.
   *
   * @param values what was found, by the id as it was asked for
   * @param failures why others were not, by the id as it was asked for
   */
  public SecretBatch {
    values = Map.copyOf(values);
    failures = Map.copyOf(failures);
  }
}
