package io.github.evercred.clients;

import io.github.evercred.Target;
import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

/** The scheme, host and port of an address: how far a secret may go. */
final class Origins {

  /** What is said of an origin that is plain HTTP where that is not allowed. */
  static final String PLAIN =
      "An origin is plain http, where anybody on the way can read the secret. Use https, or"
          + " allowPlainHttp() if the way is safe";

  private Origins() {}

  /** The origin of any address. */
  static Target of(URI uri) {
    String scheme = uri.getScheme() == null ? "" : uri.getScheme().toLowerCase(Locale.ROOT);
    String host = uri.getHost();
    if (host == null || !(scheme.equals("https") || scheme.equals("http"))) {
      throw new IllegalArgumentException(
          "Not an address that begins with https: or http: and a host");
    }
    int port = uri.getPort() >= 0 ? uri.getPort() : scheme.equals("https") ? 443 : 80;
    return new Target(scheme, List.of(host.toLowerCase(Locale.ROOT) + ":" + port), null);
  }

  /** The origin that an address is, and no more. */
  static Target check(URI origin) {
    Target target = of(origin);
    if (!List.of("", "/").contains(Objects.requireNonNullElse(origin.getRawPath(), ""))
        || origin.getRawQuery() != null
        || origin.getRawFragment() != null
        || origin.getRawUserInfo() != null) {
      throw new IllegalArgumentException(
          "An origin is a scheme, a host and a port, nothing more: the secret goes to all of it");
    }
    return target;
  }

  /** As an address. */
  static String text(Target origin) {
    return origin.engine() + "://" + origin.hosts().get(0);
  }
}
