package io.github.evercred.jdbc;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Reads the list of hosts in a URL of MySQL's or MariaDB's driver: {@code host:port}, {@code
 * address=(host=..)(port=..)} and, for MySQL's, {@code (host=..,port=..)} and a list in brackets.
 */
final class HostList {
  static final Pattern IPV6 = Pattern.compile("\\[[0-9A-Fa-f:.]+(?:%[^\\]\\s]+)?\\]");

  /** A name or an IPv6 address in brackets, and a port. */
  private static final Pattern PLAIN =
      Pattern.compile("(" + IPV6 + "|[^\\s:@/?#%()\\[\\],;=]*)(?::(\\d{0,5}))?");

  private static final Pattern ADDRESS = Pattern.compile("address\\s*=\\s*((?:\\([^()]*\\)\\s*)+)");
  private static final Pattern GROUP = Pattern.compile("\\(([^()]*)\\)");

  /** How a driver writes its lists. */
  enum Form {
    /** Percent-encoded, with {@code (host=..,port=..)} and lists in brackets. */
    CONNECTOR_J,
    /** As it is written. */
    MARIADB
  }

  private HostList() {}

  /**
   * Returns what stands between {@code //} and the next slash; a file's name in brackets counts.
   */
  static String authority(String address) {
    int end = split(address, '/').get(0).length();
    return address.substring(0, end);
  }

  /**
   * Reads each host's keys, whatever their case: {@code host}, {@code port}, and what else is
   * written there.
   *
   * @throws IllegalArgumentException if one cannot be read, or names a user or a password
   */
  static List<Map<String, String>> read(String authority, Form form) {
    if (authority.indexOf('@') >= 0) {
      throw userOrPassword();
    }
    String list = authority;
    if (form == Form.CONNECTOR_J
        && list.startsWith("[")
        && list.endsWith("]")
        && !IPV6.matcher(list).matches()) {
      list = list.substring(1, list.length() - 1);
    }
    List<Map<String, String>> hosts = new ArrayList<>();
    for (String part : split(list, ',')) {
      Map<String, String> host = host(part.strip(), form);
      if (host == null) {
        throw new IllegalArgumentException(
            "host %d cannot be read: write //host:port/database, an IPv6 address in brackets, and no user"
                .formatted(hosts.size() + 1));
      }
      if (host.keySet().stream().anyMatch(k -> Engine.isUser(k) || Engine.isPassword(k))) {
        throw userOrPassword();
      }
      hosts.add(host);
    }
    return hosts;
  }

  private static IllegalArgumentException userOrPassword() {
    return new IllegalArgumentException(
        "a user or a password beside the host would win over the secret: leave it out");
  }

  private static @Nullable Map<String, String> host(String part, Form form) {
    Map<String, String> keys = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    Matcher address = ADDRESS.matcher(part);
    List<String> pairs = new ArrayList<>();
    if (address.matches()) {
      Matcher group = GROUP.matcher(Objects.requireNonNull(address.group(1)));
      while (group.find()) {
        pairs.add(Objects.requireNonNull(group.group(1)));
      }
    } else if (form == Form.CONNECTOR_J && GROUP.matcher(part).matches()) {
      pairs.addAll(List.of(part.substring(1, part.length() - 1).split(",", -1)));
    } else {
      Matcher plain = PLAIN.matcher(decoded(part, form));
      if (!plain.matches()) {
        return null;
      }
      keys.put("host", Objects.requireNonNull(plain.group(1)));
      keys.put("port", Objects.requireNonNullElse(plain.group(2), ""));
      return keys;
    }
    for (String pair : pairs) {
      int equals = pair.indexOf('=');
      if (equals < 0) {
        if (pair.isBlank()) {
          continue;
        }
        return null;
      }
      keys.put(
          decoded(pair.substring(0, equals).strip(), form),
          decoded(pair.substring(equals + 1).strip(), form));
    }
    String name = keys.getOrDefault("host", "");
    if (name.indexOf(':') >= 0 && !name.startsWith("[")) {
      name = "[" + name + "]";
    }
    Matcher plain = PLAIN.matcher(name);
    if (!plain.matches() || plain.group(2) != null) {
      return null;
    }
    keys.put("host", name);
    return keys;
  }

  private static String decoded(String text, Form form) {
    try {
      return form == Form.CONNECTOR_J
          ? URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8)
          : text;
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("the host is not valid percent-encoded text", e);
    }
  }

  /** Splits outside of brackets. */
  private static List<String> split(String text, char separator) {
    List<String> parts = new ArrayList<>();
    int depth = 0;
    int begin = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '(' || c == '[') {
        depth++;
      } else if (c == ')' || c == ']') {
        depth--;
      } else if (c == separator && depth == 0) {
        parts.add(text.substring(begin, i));
        begin = i + 1;
      }
    }
    parts.add(text.substring(begin));
    return parts;
  }

  /** One host and its port, as a target has them. */
  static String hostAndPort(String host, String port) {
    return host.toLowerCase(Locale.ROOT) + ":" + HostPort.port(port);
  }
}
