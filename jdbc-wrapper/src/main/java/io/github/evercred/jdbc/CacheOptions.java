package io.github.evercred.jdbc;

import io.github.evercred.SecretCacheBuilder;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The cache's options, which may stand wherever a login's may. */
final class CacheOptions {
  private static final Set<String> NAMES = new LinkedHashSet<>(SecretCacheBuilder.optionNames());

  private static final Map<String, String> HELP =
      Map.ofEntries(
          Map.entry("refreshAfter", "Age at which the secret is refreshed in the background (5m)"),
          Map.entry(
              "revalidateAfter",
              "Time without any attempt after which a read refreshes first (15m)"),
          Map.entry(
              "serveStaleFor",
              "How long a cached secret is used while Secrets Manager is away (24h)"),
          Map.entry(
              "serveStaleWhenDeniedFor",
              "How long a cached secret is used after AWS first said no (1h)"),
          Map.entry("loadTimeout", "How long one load of a secret may take, all attempts (5s)"),
          Map.entry("attemptTimeout", "How long one attempt to load may take (2s)"),
          Map.entry("minimumInterval", "Time between forced fetches of one secret (1s)"),
          Map.entry("rememberFailureFor", "How long a first failure to load is remembered (1s)"),
          Map.entry("rememberFailureAtMost", "How long further ones are, doubling (30s)"),
          Map.entry("maximumSecrets", "How many secrets are held (1000)"),
          Map.entry("keepFresh", "Secrets refreshed by a timer even if nobody reads them (none)"),
          Map.entry("processMayFreeze", "Whether reads ask the clocks, as on Lambda (found out)"),
          Map.entry("restoreTimeout", "How long a restored process waits for its secrets (3s)"),
          Map.entry("countHits", "Whether reads from memory are counted (false)"),
          Map.entry("sealed", "Whether secrets are encrypted in memory (false)"),
          Map.entry("sealedByKmsKey", "KMS key under which they are, also in a snapshot (none)"),
          Map.entry("application", "Name of this program in what KMS is told (evercred)"),
          Map.entry("localAgent", "Whether a local agent is read: auto, always, never (auto)"),
          Map.entry("region", "AWS region of the secret (that of its ARN, else the SDK's)"),
          Map.entry(
              "replicaRegions", "Regions read where that one gives no answer, in order (none)"),
          Map.entry("endpoint", "Where Secrets Manager is: a VPC endpoint (the region's own)"),
          Map.entry("profile", "Profile of the shared AWS configuration (the SDK's default)"),
          Map.entry("role", "ARN of an IAM role to assume (none)"),
          Map.entry("externalId", "External id for assuming the role (none)"),
          Map.entry("roleSessionName", "Session name for assuming the role (evercred)"));

  /** A value that its option takes. */
  private record Valid(String name, String text) {}

  /** Those that have been checked: each login comes with them again. */
  private static final Set<Valid> VALID = ConcurrentHashMap.newKeySet();

  private static final int MOST_VALID = 1_000;

  private CacheOptions() {}

  static Set<String> names() {
    return NAMES;
  }

  static boolean has(String key) {
    return key.startsWith(Option.PREFIX) && NAMES.contains(key.substring(Option.PREFIX.length()));
  }

  /**
   * Fails where the cache does not take a value, by the name that the caller knows it by. What was
   * said for the whole JVM is checked when a cache is made with it.
   */
  static void check(String name, Settings.Found found) throws SQLException {
    var checked = new Valid(name, found.text());
    if (VALID.contains(checked)) {
      return;
    }
    try {
      SecretCacheBuilder.requireOption(name, found.text());
      if (VALID.size() < MOST_VALID) {
        VALID.add(checked);
      }
    } catch (IllegalArgumentException e) {
      String message = String.valueOf(e.getMessage());
      throw Failures.configuration(
          message.startsWith(name) ? found.name() + message.substring(name.length()) : message, e);
    }
  }

  static String help(String name) {
    return HELP.getOrDefault(name, "An option of the cache");
  }

  static Set<String> described() {
    return HELP.keySet();
  }

  static String allNames() {
    List<String> all =
        Stream.concat(
                Arrays.stream(Option.values()).map(Option::key),
                NAMES.stream().map(name -> Option.PREFIX + name))
            .toList();
    return all.stream().collect(Collectors.joining(", "));
  }
}
