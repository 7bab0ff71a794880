package io.github.evercred.examples.client;

import io.github.evercred.SecretCache;
import io.github.evercred.SecretException;
import io.github.evercred.SecretValue;
import io.github.evercred.SecretVersions;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The keys to accept signatures of: AWSCURRENT and AWSPREVIOUS. Never AWSPENDING, with which nobody
 * signs: it may still fail its test. A signature that names a version that is neither may come from
 * a process that has seen the label move earlier; so the labels are looked at once, as often as
 * {@code minimumInterval} allows, before it is refused.
 *
 * <p>Thread-safe. A key is made once for each version. Three at most are kept, in clear text.
 */
final class AcceptedKeys<K> {
  private static final int MOST_KEPT = 3;

  // recipe: accepted-keys
  private final SecretCache cache;
  private final String secretId;
  private final Function<SecretValue, K> maker;
  private final Map<String, K> made = new ConcurrentHashMap<>();

  AcceptedKeys(SecretCache cache, String secretId, Function<SecretValue, K> maker) {
    this.cache = cache;
    this.secretId = secretId;
    this.maker = maker;
  }

  /**
   * Returns what a check makes of the first key that it accepts.
   *
   * @param versionId the version that the signature names; null to try both
   * @param check returns empty if the signature is not of this key
   * @throws SecretException if a key cannot be had or made, so that there is no saying
   */
  <R> Optional<R> find(@Nullable String versionId, Function<K, Optional<R>> check) {
    SecretVersions known = cache.versions(secretId);
    Optional<R> found = find(known, versionId, check);
    if (found.isPresent() || (versionId != null && candidates(known, versionId).size() > 0)) {
      return found; // What a version holds never changes.
    }
    return find(cache.refreshVersions(secretId), versionId, check);
  }

  private <R> Optional<R> find(
      SecretVersions versions, @Nullable String versionId, Function<K, Optional<R>> check) {
    for (SecretValue version : candidates(versions, versionId)) {
      Optional<R> found = check.apply(key(version, versions));
      if (found.isPresent()) {
        return found;
      }
    }
    return Optional.empty();
  }

  private static List<SecretValue> candidates(SecretVersions versions, @Nullable String versionId) {
    return Stream.concat(Stream.of(versions.current()), versions.previous().stream())
        .filter(version -> versionId == null || version.versionId().equals(versionId))
        .toList();
  }

  private K key(SecretValue version, SecretVersions among) {
    K key = made.computeIfAbsent(version.versionId(), id -> maker.apply(version));
    if (made.size() > MOST_KEPT) {
      made.keySet().retainAll(among.all().stream().map(SecretValue::versionId).toList());
    }
    return key;
  }
  // end
}
