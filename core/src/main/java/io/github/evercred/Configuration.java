package io.github.evercred;

import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Where an option is looked up that is not set in code: properties handed to the builder, system
 * properties, environment, in this order. What is empty or blank counts as absent, so that a
 * template that fills in nothing sets nothing.
 */
final class Configuration {

  private static final String PREFIX = "evercred.";

  /** Options of logins and of the JDBC driver, which may stand in the same properties. */
  private static final Set<String> OTHERS =
      Set.of(
          "secretId",
          "username",
          "usernameKey",
          "passwordKey",
          "hostKey",
          "portKey",
          "dbnameKey",
          "driverClass",
          "failures",
          "rotationWait",
          "probeTimeout",
          "loginsAtOnce",
          "refusedLoginsPerMinute",
          "currentOnly");

  /** Names that have been warned of in this JVM. */
  private static final Set<String> WARNED = ConcurrentHashMap.newKeySet();

  private final Map<String, String> handed;
  private final Properties system;
  private final Map<String, String> environment;

  /** A value as it is written, without surrounding blanks, and what to call its place. */
  record Found(String text, String where) {}

  Configuration(Map<String, String> handed, Properties system, Map<String, String> environment) {
    this.handed = handed;
    this.system = system;
    this.environment = environment;
  }

  static String propertyName(String option) {
    return PREFIX + option;
  }

  static String environmentName(String option) {
    var name = new StringBuilder("EVERCRED_");
    for (int i = 0; i < option.length(); i++) {
      char c = option.charAt(i);
      name.append(Character.isUpperCase(c) ? "_" : "").append(Character.toUpperCase(c));
    }
    return name.toString();
  }

  @Nullable Found find(String option) {
    String property = propertyName(option);
    String variable = environmentName(option);
    Found found = findHanded(option);
    if (found == null) {
      found = found(system.getProperty(property), "system property " + property);
    }
    return found == null
        ? found(environment.get(variable), "environment variable " + variable)
        : found;
  }

  @Nullable Found findHanded(String option) {
    String property = propertyName(option);
    return found(handed.get(property), "property " + property + " handed to the builder");
  }

  private static @Nullable Found found(@Nullable String text, String where) {
    return text == null || text.isBlank() ? null : new Found(text.strip(), where);
  }

  Map<String, String> environment() {
    return environment;
  }

  /**
   * Copies what is ours out of properties that a caller has handed in, their defaults included.
   *
   * @throws IllegalArgumentException if they hold one of ours that nobody knows, or that is no text
   */
  static Map<String, String> handed(Properties properties, Collection<String> options) {
    properties.forEach(
        (key, value) -> {
          if (key instanceof String name && isOurs(name, options) && !(value instanceof String)) {
            throw new IllegalArgumentException(
                "Property %s must be text, not a %s".formatted(name, value.getClass().getName()));
          }
        });
    var copied = new HashMap<String, String>();
    for (String name : properties.stringPropertyNames()) {
      if (isOurs(name, options)) {
        requireKnown(name, options);
        copied.put(name, properties.getProperty(name));
      }
    }
    return copied;
  }

  private static boolean isOurs(String name, Collection<String> options) {
    return name.regionMatches(true, 0, PREFIX, 0, PREFIX.length())
        || options.stream().anyMatch(o -> plain(propertyName(o)).equals(plain(name)));
  }

  private static void requireKnown(String name, Collection<String> options) {
    if (name.startsWith(PREFIX)) {
      String option = name.substring(PREFIX.length());
      if (options.contains(option) || OTHERS.contains(option)) {
        return;
      }
    }
    throw new IllegalArgumentException(
        "There is no property %s; %s".formatted(name, nearest(name, options)));
  }

  private static String nearest(String name, Collection<String> options) {
    String written = plain(name);
    int tolerated = Math.max(2, (written.length() - plain(PREFIX).length()) / 3);
    List<String> near =
        options.stream()
            .map(Configuration::propertyName)
            .filter(known -> distance(plain(known), written) <= tolerated)
            .sorted(Comparator.comparingInt(known -> distance(plain(known), written)))
            .limit(3)
            .toList();
    return near.isEmpty()
        ? "there are " + String.join(", ", options.stream().map(o -> PREFIX + o).sorted().toList())
        : "did you mean " + String.join(" or ", near) + "?";
  }

  /** How many characters must be put in, taken out or changed to get from one to the other. */
  private static int distance(String from, String to) {
    int[] row = new int[to.length() + 1];
    for (int j = 0; j <= to.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= from.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= to.length(); j++) {
        int changed = diagonal + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(changed, 1 + Math.min(row[j], row[j - 1]));
      }
    }
    return row[to.length()];
  }

  /**
   * Warns, once in a JVM, of each system property and environment variable that is not read but
   * whose name is that of an option except for case, '-', '_' and '.'.
   */
  void warnOfNearNames(Collection<String> options) {
    var meant = new HashMap<String, String>();
    options.forEach(option -> meant.put(plain(propertyName(option)), option));
    for (String name : system.stringPropertyNames()) {
      String option = meant.get(plain(name));
      if (option != null) {
        warnUnlessEqual("System property", name, propertyName(option));
      }
    }
    for (String name : environment.keySet()) {
      String option = meant.get(plain(name));
      if (option != null) {
        warnUnlessEqual("Environment variable", name, environmentName(option));
      }
    }
  }

  private static void warnUnlessEqual(String what, String name, String right) {
    if (!name.equals(right) && WARNED.add(what + name)) {
      Log.EVERCRED.log(
          System.Logger.Level.WARNING, "{0} {1} is not read; did you mean {2}?", what, name, right);
    }
  }

  /** What is left of a name without case and punctuation. */
  private static String plain(String name) {
    var plain = new StringBuilder(name.length());
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      if (c != '-' && c != '_' && c != '.') {
        plain.append(Character.toLowerCase(c));
      }
    }
    return plain.toString();
  }
}
