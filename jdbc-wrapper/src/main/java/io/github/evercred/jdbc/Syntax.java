package io.github.evercred.jdbc;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How an engine's URL carries its parameters. */
enum Syntax {
  /** {@code //host/db?name=value&name=value}, percent-encoded. */
  QUERY('?', '&', true),
  /** As {@code QUERY}, with a semicolon in place of either sign: {@code //host/db;name=value}. */
  EITHER('?', '&', true),
  /**
   * {@code //host;name=value;name={a;b}}; braces around a whole value keep a semicolon, and in them
   * a doubled closing one is itself.
   */
  BRACES(';', ';', false),
  /** {@code mem:db;NAME=value\;more}; a backslash keeps a semicolon. */
  BACKSLASH(';', ';', false),
  /** {@code //host:port/db:name=value;name=value;}, the last one with its semicolon too. */
  COLON(':', ';', false);

  private final char first;
  private final char next;
  private final boolean encoded;

  Syntax(char first, char next, boolean encoded) {
    this.first = first;
    this.next = next;
    this.encoded = encoded;
  }

  /** Where the parameters begin in what follows the sub-protocol; -1 if there are none. */
  int start(String rest) {
    int from = 0;
    boolean hasNoAddress = rest.startsWith("//:") && !rest.startsWith("//::");
    if (this == COLON && rest.startsWith("//") && !hasNoAddress) {
      from = rest.indexOf('/', 2); // A colon before it is the port's or an IPv6 address's.
      if (from < 0) {
        return -1;
      }
    }
    int start = rest.indexOf(first, from);
    return start < 0 && this == EITHER ? rest.indexOf(';') : start;
  }

  /** Splits the parameters, as they are written. */
  List<String> split(String parameters) {
    List<String> tokens = new ArrayList<>();
    int begin = 0;
    boolean braces = false;
    int equals = -1;
    for (int i = 0; i < parameters.length(); i++) {
      char c = parameters.charAt(i);
      if (this == BACKSLASH && c == '\\') {
        i++;
      } else if (this == BRACES && braces) {
        if (c == '}') {
          braces = parameters.startsWith("}}", i);
          i += braces ? 1 : 0;
        }
      } else if (isNext(c)) {
        tokens.add(parameters.substring(begin, i));
        begin = i + 1;
        equals = -1;
      } else if (c == '=' && equals < 0) {
        equals = i;
      } else if (this == BRACES && c == '{' && equals >= 0) {
        // Elsewhere in a value the driver refuses it, and in a name it is a letter like any other.
        braces = parameters.substring(equals + 1, i).isBlank();
      }
    }
    tokens.add(parameters.substring(begin));
    return tokens;
  }

  private boolean isNext(char c) {
    return c == next || (this == EITHER && c == ';');
  }

  String join(String address, List<String> tokens) {
    if (tokens.isEmpty()) {
      return address;
    }
    String joined = address + first + String.join(String.valueOf(next), tokens);
    return this == COLON && !tokens.get(tokens.size() - 1).isEmpty() ? joined + next : joined;
  }

  /**
   * Decodes a value. A plus sign stays one: secret names may hold it, and no value of ours holds a
   * space.
   *
   * @return null if it is not written as it must be
   */
  @Nullable String decoded(String value) {
    if (encoded) {
      try {
        return URLDecoder.decode(value.replace("+", "%2B"), StandardCharsets.UTF_8);
      } catch (IllegalArgumentException e) {
        return null;
      }
    }
    String plain = value.strip();
    if (this == BRACES && plain.startsWith("{") && plain.endsWith("}") && plain.length() > 1) {
      return plain.substring(1, plain.length() - 1).replace("}}", "}");
    }
    return this == BACKSLASH ? plain.replace("\\;", ";") : plain;
  }

  /** Writes a value so that the real driver reads it as it is. */
  String encoded(String value) {
    if (encoded) {
      return java.net.URLEncoder.encode(value, StandardCharsets.UTF_8).replace("+", "%20");
    }
    if (this == BRACES) {
      return "{" + value.replace("}", "}}") + "}";
    }
    return this == BACKSLASH ? value.replace("\\", "\\\\").replace(";", "\\;") : value;
  }
}
