package io.github.evercred.testkit;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;

/**
 * The {@code Filters} of a batch: all of them must match, each by any of its values; a value that
 * begins with {@code !} excludes. Names and tags match by prefix and case, descriptions by prefix
 * without case. No local secret has a replica or an owning service.
 */
final class SecretFilter implements Predicate<StoredSecret> {
  private static final Set<String> KEYS =
      Set.of(
          "description", "name", "tag-key", "tag-value", "primary-region", "owning-service", "all");

  private final Map<String, List<String>> values = new LinkedHashMap<>();

  SecretFilter(List<Input> filters) {
    if (filters.isEmpty() || filters.size() > 10) {
      throw ServiceError.validation(
          "1 validation error detected: Value at 'filters' failed to satisfy constraint: Member must have length between 1 and 10, inclusive");
    }
    for (Input filter : filters) {
      String key = filter.required("Key", 1, 64);
      if (!KEYS.contains(key)) {
        throw ServiceError.validation(
            "1 validation error detected: Value '%s' at 'filters.1.member.key' failed to satisfy constraint: Member must satisfy enum value set: %s"
                .formatted(key, new TreeSet<>(KEYS)));
      }
      List<String> wanted = filter.strings("Values", 1, 512);
      if (wanted.isEmpty() || wanted.size() > 10) {
        throw ServiceError.invalidParameter("A filter must have 1 to 10 values: " + key);
      }
      values.computeIfAbsent(key, k -> new ArrayList<>()).addAll(wanted);
    }
  }

  @Override
  public boolean test(StoredSecret secret) {
    return values.entrySet().stream()
        .allMatch(
            filter ->
                filter.getValue().stream()
                    .anyMatch(
                        value ->
                            value.startsWith("!")
                                ? !matches(secret, filter.getKey(), value.substring(1))
                                : matches(secret, filter.getKey(), value)));
  }

  private static boolean matches(StoredSecret secret, String key, String value) {
    return switch (key) {
      case "name" -> secret.name.startsWith(value);
      case "description" -> described(secret, value);
      case "tag-key" -> secret.tags.keySet().stream().anyMatch(tag -> tag.startsWith(value));
      case "tag-value" -> secret.tags.values().stream().anyMatch(tag -> tag.startsWith(value));
      case "all" ->
          secret.name.startsWith(value)
              || described(secret, value)
              || matches(secret, "tag-key", value)
              || matches(secret, "tag-value", value);
      default -> false;
    };
  }

  private static boolean described(StoredSecret secret, String value) {
    return secret.description != null
        && secret.description.toLowerCase(Locale.ROOT).startsWith(value.toLowerCase(Locale.ROOT));
  }
}
