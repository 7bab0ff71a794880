package io.github.evercred.jdbc;

import io.github.evercred.AwsSecretSource;
import io.github.evercred.RotationAwareLogin;
import io.github.evercred.RotationListener;
import io.github.evercred.SecretCache;
import io.github.evercred.Target;
import java.lang.ref.Reference;
import java.lang.ref.WeakReference;
import java.net.URI;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;
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

  /** Where a shared cache reads. */
  private record Place(@Nullable String region, @Nullable URI endpoint) {}

  /** The source is null where the cache has made it itself, and closes it. */
  private record Shared(SecretCache cache, @Nullable AwsSecretSource source, Logins logins) {}

  /**
   * Weak on both sides. A cache holds its login until it is closed, and the login its listener,
   * which is the Logins; so this entry lives as long as its cache.
   */
  private static final Map<SecretCache, Reference<Logins>> BY_CACHE = new WeakHashMap<>();

  private static final Map<Place, Shared> SHARED = new HashMap<>();

  final RotationAwareLogin login;
  private final List<Reference<RotationListener>> listeners = new CopyOnWriteArrayList<>();

  private Logins(SecretCache cache) {
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
   * Returns the login of the cache that all share who read there. Makes it, but calls nobody.
   *
   * @param region null where the caller names none
   * @param endpoint null where the caller names none; if both are null, the system properties and
   *     environment variables of the cache may name them
   * @throws SQLException if such a property or variable holds what its option does not take
   */
  static Logins shared(@Nullable String region, @Nullable URI endpoint) throws SQLException {
    try {
      synchronized (SHARED) {
        return SHARED.computeIfAbsent(new Place(region, endpoint), Logins::open).logins();
      }
    } catch (IllegalArgumentException | IllegalStateException e) {
      throw Failures.configuration(String.valueOf(e.getMessage()), e);
    }
  }

  private static Shared open(Place place) {
    if (place.region() == null && place.endpoint() == null) {
      SecretCache cache = SecretCache.create();
      return new Shared(cache, null, of(cache));
    }
    AwsSecretSource source = AwsSecretSource.create(place.region(), place.endpoint());
    SecretCache cache = SecretCache.builder().source(source).build();
    return new Shared(cache, source, of(cache));
  }

  /** Closes the shared caches. Whoever logs in after that gets new ones. */
  static void closeShared() {
    List<Shared> open;
    synchronized (SHARED) {
      open = List.copyOf(SHARED.values());
      SHARED.clear();
    }
    for (Shared shared : open) {
      shared.cache().close();
      AwsSecretSource source = shared.source();
      if (source != null) {
        source.close();
      }
    }
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
