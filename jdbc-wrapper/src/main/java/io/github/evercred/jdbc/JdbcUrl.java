package io.github.evercred.jdbc;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A JDBC URL as the real driver gets it, and the parameters that were taken out of it.
 *
 * @param engine whose URL it is
 * @param text the real driver's URL; what stays in it stays as it was written
 * @param address what stands between the sub-protocol and the parameters
 * @param parameters those that stay, decoded where they can be
 * @param taken those that the real driver does not see: ours, and those that we set ourselves
 */
record JdbcUrl(
    Engine engine,
    String text,
    String address,
    Map<String, String> parameters,
    Map<String, String> taken) {

  /** The prefix that users of AWS's driver have in their configuration. */
  private static final String AWS_PREFIX = "jdbc-secretsmanager:";

  /** For tools that insist on a URL that begins with {@code jdbc:}. */
  private static final String PREFIX = "jdbc:evercred:";

  private static final Pattern SUB_PROTOCOL = Pattern.compile("jdbc:([A-Za-z][A-Za-z0-9_+.-]*):");

  /** What we must not overlook, written as only the real driver would understand it. */
  private static final Pattern OVERLOOKED =
      Pattern.compile("(?i)(?:[?&;,]\\s*evercred\\.\\w*\\s*=|;\\s*(?:user|password)\\s*=)");

  static boolean isOurs(@Nullable String url) {
    return url != null && (url.startsWith(AWS_PREFIX) || url.startsWith(PREFIX));
  }

  /**
   * Parses a URL with or without a prefix of ours.
   *
   * @throws SQLException without the URL's text, which may hold a password
   */
  static JdbcUrl parse(String url) throws SQLException {
    String plain =
        url.startsWith(AWS_PREFIX)
            ? "jdbc:" + url.substring(AWS_PREFIX.length())
            : url.startsWith(PREFIX) ? "jdbc:" + url.substring(PREFIX.length()) : url;
    Matcher start = SUB_PROTOCOL.matcher(plain);
    if (!start.lookingAt() || start.group(1).equals("jdbc") || start.group(1).equals("evercred")) {
      throw Failures.configuration(
          "The URL does not name a database: write %spostgresql://host:port/database or the same after %s"
              .formatted(PREFIX, AWS_PREFIX));
    }
    Engine engine = Engine.of(start.group(1));
    int query = plain.indexOf('?');
    String address = plain.substring(start.end(), query < 0 ? plain.length() : query);
    var parameters = new LinkedHashMap<String, String>();
    var taken = new LinkedHashMap<String, String>();
    List<String> kept = new ArrayList<>();
    for (String token : query < 0 ? new String[0] : plain.substring(query + 1).split("&", -1)) {
      int equals = token.indexOf('=');
      String name = equals < 0 ? token : token.substring(0, equals);
      String value = equals < 0 ? "" : token.substring(equals + 1);
      if (!Option.isOurs(name) && !engine.takes(name)) {
        kept.add(token);
        parameters.put(name, decoded(value, value));
        continue;
      }
      String decoded = decoded(value, null);
      if (decoded == null) {
        throw Failures.configuration(
            "URL parameter %s is not a valid percent-encoded text".formatted(name));
      }
      if (taken.put(name, decoded) != null) {
        throw Failures.configuration("URL parameter %s is given twice".formatted(name));
      }
    }
    String text =
        taken.isEmpty()
            ? plain
            : plain.substring(0, query) + (kept.isEmpty() ? "" : "?" + String.join("&", kept));
    if (OVERLOOKED.matcher(text).find()) {
      throw Failures.configuration(
          "The URL holds a user, a password or an evercred option after a semicolon or comma: give it as a property");
    }
    return new JdbcUrl(engine, text, address, parameters, taken);
  }

  /**
   * Decodes percent signs only. A plus sign stays one: secret names may hold it, and no value of
   * ours holds a space.
   */
  private static @Nullable String decoded(String value, @Nullable String otherwise) {
    try {
      return URLDecoder.decode(value.replace("+", "%2B"), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      return otherwise;
    }
  }

  /** Names the engine alone: the rest may hold a password. */
  @Override
  public String toString() {
    return "jdbc:" + engine.name() + ":...";
  }
}
