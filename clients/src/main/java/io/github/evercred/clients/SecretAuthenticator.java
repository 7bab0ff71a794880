package io.github.evercred.clients;

import io.github.evercred.OpenSecret;
import io.github.evercred.SecretCache;
import io.github.evercred.SecretException;
import io.github.evercred.SecretValue;
import io.github.evercred.VersionSelector;
import java.net.Authenticator;
import java.net.PasswordAuthentication;
import java.net.URI;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * An {@link Authenticator} that answers with the user and password of a secret, and with the
 * version that works while that secret rotates: for the Basic authentication of proxies and servers
 * by {@link java.net.HttpURLConnection} and {@link java.net.http.HttpClient}.
 *
 * <pre>{@code
 * HttpClient client =
 *     HttpClient.newBuilder()
 *         .proxy(ProxySelector.of(new InetSocketAddress("proxy.example.com", 3128)))
 *         .authenticator(
 *             SecretAuthenticator.builder(secrets, "prod/proxy")
 *                 .proxy("proxy.example.com", 3128)
 *                 .build())
 *         .build();
 * }</pre>
 *
 * <p>Both keep an answer that was accepted and ask again when it is refused, but they do not say
 * which answer that was. So the first question of a place is answered with AWSCURRENT. At each
 * further one AWSCURRENT is fetched anew, at most once a {@code minimumInterval}; if there is an
 * AWSPENDING beside it, the answer is whichever of the two was given there longest ago. AWSPREVIOUS
 * is never an answer.
 *
 * <p><b>What this cannot do.</b> One call at a time goes through a rotation without failing, after
 * one refusal of the old password, or two by {@code HttpURLConnection}, which sends what it has
 * kept twice. Of many at once, some are given the old password again. A {@code HttpURLConnection}
 * then asks again, up to {@code http.maxRedirects} (20) times, which is enough. A {@code
 * HttpClient} has only {@code jdk.httpclient.auth.retrylimit} (3) and {@code
 * jdk.httpclient.redirects.retrylimit} (5) tries for a request: of 8 requests at once one failed,
 * of 16 two, and none with both system properties at 20. For a server {@link SecretHttpClient} is
 * better there, with the header {@code Authorization}: it knows what was refused. Of a rotation
 * that follows another within 15 minutes, a first call may fail. Refusals are not counted here and
 * listeners are not told. Schemes other than Basic are not answered; nor does a {@code HttpClient}
 * ask for a proxy to https, unless {@code jdk.http.auth.tunneling.disabledSchemes} is set to an
 * empty text.
 *
 * <p>Questions from other places, or of the other {@linkplain Authenticator.RequestorType type},
 * are not answered. The JDK keeps user and password in its own memory, and may show them in its log
 * of headers.
 *
 * <p>Instances are thread-safe. A question blocks as {@link SecretCache#get(String)} and {@link
 * SecretCache#refresh} do, for {@code loadTimeout} at most each. The JDK asks an {@code
 * Authenticator} under a lock of that object, so questions are answered one after the other, those
 * of other places included: while Secrets Manager hangs, the last of N threads that ask may wait N
 * times {@code loadTimeout} twice. Where that matters, give each place a client with an
 * authenticator of its own. If there is no secret, the call that asks fails with a {@link
 * SecretException} or with an exception that it is the cause of.
 */
public final class SecretAuthenticator extends Authenticator {
  private static final int MOST_REMEMBERED = 8;

  private final SecretCache cache;
  private final String secretId;
  private final String user;
  private final String password;
  private final Map<Place, Answers> places = new HashMap<>();

  private record Place(RequestorType type, String protocol, String host, int port) {}

  /** The versions that were answers at one place, the one that was so longest ago first. */
  private static final class Answers {
    private final LinkedHashSet<String> given = new LinkedHashSet<>();

    synchronized boolean isEmpty() {
      return given.isEmpty();
    }

    synchronized SecretValue choose(List<SecretValue> candidates) {
      SecretValue chosen =
          candidates.stream()
              .filter(candidate -> !given.contains(candidate.versionId()))
              .findFirst()
              .orElseGet(() -> oldest(candidates));
      given.remove(chosen.versionId());
      given.add(chosen.versionId());
      if (given.size() > MOST_REMEMBERED) {
        given.remove(given.iterator().next());
      }
      return chosen;
    }

    private SecretValue oldest(List<SecretValue> candidates) {
      for (String versionId : given) {
        for (SecretValue candidate : candidates) {
          if (candidate.versionId().equals(versionId)) {
            return candidate;
          }
        }
      }
      return candidates.get(0);
    }
  }

  private SecretAuthenticator(Builder builder) {
    this.cache = builder.cache;
    this.secretId = builder.secretId;
    this.user = builder.user;
    this.password = builder.password;
    builder.places.forEach(place -> places.put(place, new Answers()));
  }

  /**
   * Starts an authenticator.
   *
   * @param cache the cache; goes on belonging to the caller
   * @param secretId name or ARN of the secret
   * @return a builder
   */
  public static Builder builder(SecretCache cache, String secretId) {
    return new Builder(cache, secretId);
  }

  @Override
  protected @Nullable PasswordAuthentication getPasswordAuthentication() {
    Answers answers = places.get(asking());
    if (answers == null || !"basic".equalsIgnoreCase(getRequestingScheme())) {
      return null;
    }
    SecretValue version = answers.choose(candidates(answers.isEmpty()));
    try (OpenSecret open = version.open()) {
      return new PasswordAuthentication(new String(open.field(user)), open.field(password));
    }
  }

  private Place asking() {
    String protocol = Objects.requireNonNullElse(getRequestingProtocol(), "");
    return place(
        getRequestorType(),
        protocol,
        Objects.requireNonNullElse(getRequestingHost(), ""),
        getRequestingPort());
  }

  private static Place place(RequestorType type, String protocol, String host, int port) {
    String scheme = type == RequestorType.PROXY ? "" : protocol.toLowerCase(Locale.ROOT);
    int known = port > 0 ? port : scheme.equals("https") ? 443 : 80;
    return new Place(type, scheme, host.toLowerCase(Locale.ROOT), known);
  }

  private List<SecretValue> candidates(boolean first) {
    SecretValue cached = cache.get(secretId);
    if (first) {
      return List.of(cached);
    }
    var candidates = new ArrayList<SecretValue>();
    try {
      candidates.add(cache.refresh(secretId));
    } catch (SecretException e) {
      candidates.add(cached); // Secrets Manager is away: what is known may still come right.
    }
    try {
      SecretValue pending = cache.get(secretId, VersionSelector.PENDING);
      if (!pending.versionId().equals(candidates.get(0).versionId())) {
        candidates.add(pending);
      }
    } catch (SecretException e) {
      return candidates; // No rotation is under way, or it may not be seen.
    }
    return candidates;
  }

  /** Names the secret and the places. */
  @Override
  public String toString() {
    return "SecretAuthenticator[secret '"
        + secretId
        + "' for "
        + String.join(
            ", ",
            places.keySet().stream()
                .map(
                    place ->
                        (place.type() == RequestorType.PROXY ? "proxy " : place.protocol() + "://")
                            + place.host()
                            + ":"
                            + place.port())
                .sorted()
                .toList())
        + "]";
  }

  /** Makes a {@link SecretAuthenticator}. Not thread-safe. */
  public static final class Builder {
    private final SecretCache cache;
    private final String secretId;
    private final Set<Place> places = new LinkedHashSet<>();
    private String user = "username";
    private String password = "password";
    private boolean plainHttp;

    private Builder(SecretCache cache, String secretId) {
      this.cache = Objects.requireNonNull(cache, "cache");
      this.secretId = Objects.requireNonNull(secretId, "secretId");
    }

    /**
     * Names a server that is answered.
     *
     * @param origin scheme, host and, if it is not the scheme's own, port, {@code
     *     https://api.example.com}
     * @return this builder
     * @throws IllegalArgumentException if it is more than that, or less
     */
    public Builder server(URI origin) {
      Origins.check(origin);
      places.add(
          place(
              RequestorType.SERVER,
              Objects.requireNonNull(origin.getScheme()),
              Objects.requireNonNull(origin.getHost()),
              origin.getPort()));
      return this;
    }

    /**
     * Names a proxy that is answered. The way to a proxy is plain HTTP.
     *
     * @param host its name, as the client's settings have it
     * @param port its port
     * @return this builder
     */
    public Builder proxy(String host, int port) {
      if (host.isEmpty() || port < 1 || port > 65_535) {
        throw new IllegalArgumentException(
            "A proxy has a host and a port of 1 to 65535, not '%s' and %d".formatted(host, port));
      }
      places.add(place(RequestorType.PROXY, "", host, port));
      return this;
    }

    /**
     * Names the members of the secret that hold user and password.
     *
     * @param user the default is {@code username}
     * @param password the default is {@code password}
     * @return this builder
     */
    public Builder fields(String user, String password) {
      this.user = Objects.requireNonNull(user, "user");
      this.password = Objects.requireNonNull(password, "password");
      return this;
    }

    /**
     * Allows servers whose origin begins with {@code http:}, where whoever is on the way can read
     * the password.
     *
     * @return this builder
     */
    public Builder allowPlainHttp() {
      plainHttp = true;
      return this;
    }

    /**
     * Makes the authenticator.
     *
     * @return the authenticator
     * @throws IllegalStateException if no place is named, or one is plain HTTP and that is not
     *     allowed
     */
    public SecretAuthenticator build() {
      if (places.isEmpty()) {
        throw new IllegalStateException("Say who is answered, by server() or proxy()");
      }
      if (!plainHttp && places.stream().anyMatch(place -> place.protocol().equals("http"))) {
        throw new IllegalStateException(Origins.PLAIN);
      }
      return new SecretAuthenticator(this);
    }
  }
}
