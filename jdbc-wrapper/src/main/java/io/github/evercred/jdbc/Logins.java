package io.github.evercred.jdbc;

import io.github.evercred.LoginOptions;
import io.github.evercred.RotationAwareLogin;
import io.github.evercred.RotationListener;
import io.github.evercred.SecretCache;
import io.github.evercred.SecretValue;
import io.github.evercred.Target;
import java.lang.ref.Reference;
import java.lang.ref.WeakReference;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.WeakHashMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The one login of a cache: whatever logs in with the secrets of a cache shares what is known of
 * its targets, so that two hundred data sources cost one probe.
 *
 * <p>It is the listener of its own {@link RotationAwareLogin} and passes everything on to whoever
 * listens. Listeners are held weakly; the data source they were given to holds them.
 */
final class Logins implements RotationListener {

  /** A cache that all share who have the same settings for it. It closes its source itself. */
  private record Shared(SecretCache cache, Logins logins) {}

  /**
   * Weak on both sides. A cache holds its login until it is closed, and the login its listener,
   * which is the Logins; so this entry lives as long as its cache.
   */
  private static final Map<SecretCache, Reference<Logins>> BY_CACHE = new WeakHashMap<>();

  private static final Map<Map<String, String>, Shared> SHARED = new HashMap<>();

  private static final long LOOK_AGAIN = Duration.ofSeconds(30).toNanos();

  final SecretCache cache;
  final RotationAwareLogin login;

  /** When each secret was last looked at; as many as there are secrets with a place in them. */
  private final Map<String, Long> looked = new ConcurrentHashMap<>();

  private final List<Reference<RotationListener>> listeners = new CopyOnWriteArrayList<>();

  private Logins(SecretCache cache) {
    this.cache = cache;
    login = new RotationAwareLogin(cache, this);
  }

  /** Returns the login of a cache that somebody else closes. */
  static Logins of(SecretCache cache) {
    synchronized (BY_CACHE) {
      Reference<Logins> known = BY_CACHE.get(cache);
      Logins logins = known == null ? null : known.get();
      if (logins == null) {
        logins = new Logins(cache);
        BY_CACHE.put(cache, new WeakReference<>(logins));
      }
      return logins;
    }
  }

  /**
   * Returns the login for a plan.
   *
   * @param own a cache of the caller's; null means the one that is shared
   * @throws SQLException if the plan says how to make a cache although there is one, or says what
   *     makes no sense
   */
  static Logins of(Plan plan, @Nullable SecretCache own) throws SQLException {
    if (own == null) {
      plan.settings().requireNoPostQuantumTls();
      return shared(plan.cacheSettings());
    }
    for (Settings.Found said : plan.cacheSettings().values()) {
      if (said.own()) {
        throw Failures.configuration(
            "%s belongs to the cache that was given: leave it out, and set it there"
                .formatted(said.name()));
      }
    }
    return of(own);
  }

  /**
   * Returns the login of the cache that all share who have these settings for it. Makes it, but
   * calls nobody.
   *
   * @param settings what was said, by the bare name of each option
   * @throws SQLException if one is what its option does not take
   */
  static Logins shared(Map<String, Settings.Found> settings) throws SQLException {
    var key = new TreeMap<String, String>();
    settings.forEach((name, found) -> key.put(name, found.text().strip()));
    try {
      synchronized (SHARED) {
        Shared known = SHARED.get(key);
        if (known == null) {
          var properties = new Properties();
          key.forEach((name, text) -> properties.setProperty(Option.PREFIX + name, text));
          SecretCache cache = SecretCache.builder().properties(properties).build();
          known = new Shared(cache, of(cache));
          SHARED.put(Map.copyOf(key), known);
        }
        return known.logins();
      }
    } catch (IllegalArgumentException | IllegalStateException e) {
      String message = String.valueOf(e.getMessage());
      for (var setting : settings.entrySet()) {
        message =
            message.replace(
                "property %s%s handed to the builder".formatted(Option.PREFIX, setting.getKey()),
                setting.getValue().name());
      }
      throw Failures.configuration(message, e);
    }
  }

  /** Returns each cache that somebody has logged in with, and what logs in. */
  static Map<SecretCache, RotationAwareLogin> all() {
    var all = new HashMap<SecretCache, RotationAwareLogin>();
    synchronized (BY_CACHE) {
      BY_CACHE.forEach(
          (cache, known) -> {
            Logins logins = known.get();
            if (logins != null) {
              all.put(cache, logins.login);
            }
          });
    }
    return Map.copyOf(all);
  }

  /** Closes the shared caches. Whoever logs in after that gets new ones. */
  static void closeShared() {
    List<Shared> open;
    synchronized (SHARED) {
      open = List.copyOf(SHARED.values());
      SHARED.clear();
    }
    synchronized (BY_CACHE) {
      open.forEach(shared -> BY_CACHE.remove(shared.cache()));
    }
    for (Shared shared : open) {
      shared.cache().close();
    }
  }

  /** Takes note of a connection, and of the version of the secret that has opened it. */
  void opened(Connection connection, Target target, LoginOptions options, SecretValue version) {
    OpenConnections.ALL.add(
        connection, this, target, version.secretId(), options, version.versionId());
  }

  /**
   * Whether it is time to look anew where a secret says that its database is, after a login there
   * has failed: at most every half minute, so that an outage of the database is none of AWS's.
   */
  boolean looksAnew(String secretId) {
    long now = System.nanoTime();
    Long last = looked.putIfAbsent(secretId, now);
    // A clock that went back is another machine's: the process has been restored there.
    boolean isTime = last != null && (now - last >= LOOK_AGAIN || now - last < 0);
    return last == null || (isTime && looked.replace(secretId, last, now));
  }

  /** Adds a listener, once however often it is added. */
  void add(RotationListener listener) {
    synchronized (listeners) {
      listeners.removeIf(held -> held.refersTo(null));
      if (listeners.stream().noneMatch(held -> held.refersTo(listener))) {
        listeners.add(new WeakReference<>(listener));
      }
    }
  }

  /** Returns how many listeners there still are. */
  long listening() {
    return listeners.stream().filter(held -> !held.refersTo(null)).count();
  }

  @Override
  public void refused(Target target, String secretId, String versionId) {
    tell(listener -> listener.refused(target, secretId, versionId));
  }

  @Override
  public void rotationIncomplete(
      Target target, String secretId, String label, String versionId, Duration since) {
    tell(listener -> listener.rotationIncomplete(target, secretId, label, versionId, since));
  }

  @Override
  public void rotationComplete(Target target, String secretId, String versionId) {
    tell(listener -> listener.rotationComplete(target, secretId, versionId));
  }

  /** Tells all, also when one of them fails; who called logs that. */
  private void tell(Consumer<RotationListener> event) {
    RuntimeException failed = null;
    for (Reference<RotationListener> held : listeners) {
      RotationListener listener = held.get();
      if (listener != null) {
        try {
          event.accept(listener);
        } catch (RuntimeException e) {
          if (failed == null) {
            failed = e;
          } else if (failed != e) {
            failed.addSuppressed(e);
          }
        }
      }
    }
    if (failed != null) {
      throw failed;
    }
  }
}
