package io.github.evercred.jdbc;

import java.util.Locale;
import java.util.regex.Pattern;

/**
 * A host and a port that came from a secret, checked so that nothing else can hide in them.
 *
 * @param host a name, an IPv4 address, or an IPv6 address without brackets
 * @param port 1 to 65535
 */
record HostPort(String host, int port) {
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252})");
  private static final Pattern IPV6 = Pattern.compile("[0-9A-Fa-f:]{2,39}(?:[0-9.]{0,15})");

  /** Throws {@link IllegalArgumentException} without quoting the value: it is a secret's. */
  static HostPort of(String host, int port) {
    String bare =
        host.startsWith("[") && host.endsWith("]") ? host.substring(1, host.length() - 1) : host;
    boolean address = bare.indexOf(':') >= 0;
    if (!(address ? IPV6 : NAME).matcher(bare).matches()) {
      throw new IllegalArgumentException(
          "host must be one host name or IP address, and nothing else");
    }
    if (port < 1 || port > 65_535) {
      throw new IllegalArgumentException("port must be 1 to 65535");
    }
    return new HostPort(bare, port);
  }

  /** Reads a port as secrets have it, a number or a text. */
  static int port(String text) {
    try {
      int port = Integer.parseInt(text.strip());
      if (port >= 1 && port <= 65_535) {
        return port;
      }
    } catch (NumberFormatException e) {
      // Said below, without the text.
    }
    throw new IllegalArgumentException("a port must be 1 to 65535");
  }

  /** As a URL has it, an IPv6 address in brackets. */
  String bracketed() {
    return host.indexOf(':') >= 0 ? "[" + host + "]" : host;
  }

  /** {@code host:port}, as a target has it. */
  @Override
  public String toString() {
    return bracketed().toLowerCase(Locale.ROOT) + ":" + port;
  }
}
