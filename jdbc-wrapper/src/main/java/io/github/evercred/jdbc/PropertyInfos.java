package io.github.evercred.jdbc;

import java.sql.DriverPropertyInfo;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Properties;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Describes our options and the real driver's properties, to tools that list them. */
final class PropertyInfos {

  /** What a value of a cache's option looks like. Anything else may be a secret gone astray. */
  private static final Pattern SHOWN =
      Pattern.compile(
          "\\d{1,9}(ms|s|m|h|d)?|PT?[0-9.DHMS]+|unlimited|true|false"
              + "|[a-z]{2,4}(-[a-z]{1,12}){1,3}-\\d{1,2}|https?://[A-Za-z0-9.:-]+/?");

  private PropertyInfos() {}

  /** Reads a URL and properties. */
  interface Planner {
    Plan plan() throws SQLException;
  }

  /** Describes what can be described: a tool may ask again when it knows more. */
  static DriverPropertyInfo[] of(Planner planner, @Nullable Properties info) {
    List<DriverPropertyInfo> described = new ArrayList<>();
    Plan plan = null;
    try {
      plan = planner.plan();
    } catch (SQLException | RuntimeException e) {
      // Not complete, or not ours: our own options are all that can be told.
    }
    Properties given = Plan.copy(info);
    for (Option option : Option.values()) {
      String value =
          plan != null ? plan.value(option) : readable(option, given.getProperty(option.key()));
      described.add(described(option, value));
    }
    for (String name : CacheOptions.names()) {
      Settings.Found found = plan == null ? null : plan.cacheSettings().get(name);
      String text = found == null ? given.getProperty(Option.PREFIX + name) : found.text();
      boolean shown = text != null && SHOWN.matcher(text.strip()).matches();
      var cached = new DriverPropertyInfo(Option.PREFIX + name, shown ? text : null);
      cached.description = CacheOptions.help(name);
      described.add(cached);
    }
    if (plan != null) {
      described.addAll(real(plan));
    }
    return described.toArray(new DriverPropertyInfo[0]);
  }

  private static List<DriverPropertyInfo> real(Plan plan) {
    List<DriverPropertyInfo> described = new ArrayList<>();
    try {
      String url = plan.url().text();
      for (DriverPropertyInfo real :
          plan.url().engine().realDriver(url).getPropertyInfo(url, plan.properties())) {
        if (!Engine.isUser(real.name) && !Engine.isPassword(real.name)) {
          described.add(isSecret(real.name) ? new DriverPropertyInfo(real.name, null) : real);
        }
      }
    } catch (SQLException | RuntimeException e) {
      return List.of(); // The real driver is missing, or does not understand the URL yet.
    }
    return described;
  }

  private static DriverPropertyInfo described(Option option, @Nullable String value) {
    var info = new DriverPropertyInfo(option.key(), value == null ? option.standard : value);
    info.description = option.help;
    info.required = option == Option.SECRET_ID;
    if (option == Option.CURRENT_ONLY) {
      info.choices = new String[] {"false", "true"};
    }
    return info;
  }

  /** What is no value of the option may be anything, put in the wrong place. */
  private static @Nullable String readable(Option option, @Nullable String value) {
    try {
      return value == null ? null : option.valid(option.key(), value);
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  private static boolean isSecret(String name) {
    String lower = name.toLowerCase(Locale.ROOT);
    return lower.contains("password")
        || lower.contains("passphrase")
        || lower.contains("secret")
        || lower.contains("token")
        || lower.contains("pwd")
        || lower.contains("apikey");
  }
}
