package io.github.evercred;

import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Notices a second cache that is equal to an open one. The commonest reason for "caching does not
 * work" is a cache that is made for each call.
 *
 * <p>Thread-safe. Holds caches and sources weakly, so it keeps neither them nor a class loader; a
 * cache that is closed or collected does not count. What it holds is bounded.
 */
final class EqualCaches {

  /** Caches of further kinds are not watched. */
  private static final int MAXIMUM_KINDS = 1_000;

  private static final EqualCaches IN_THIS_JVM = new EqualCaches();

  private final List<Kind> kinds = new ArrayList<>();

  static EqualCaches inThisJvm() {
    return IN_THIS_JVM;
  }

  /** Caches that are equal. Of those that have been warned of none is held. */
  private static final class Kind {
    private final Settings settings;
    private final @Nullable Place place;
    private final WeakReference<SecretSource> source;
    private final List<WeakReference<SecretCache>> open = new ArrayList<>(2);
    private boolean warned;

    Kind(Settings settings, @Nullable Place place, SecretSource source) {
      this.settings = settings;
      this.place = place;
      this.source = new WeakReference<>(source);
    }

    boolean is(Settings otherSettings, @Nullable Place otherPlace, SecretSource otherSource) {
      return (place == null ? source.refersTo(otherSource) : place.equals(otherPlace))
          && settings.equals(otherSettings);
    }

    /** Whether nothing would be lost by forgetting it. */
    boolean isOver() {
      open.removeIf(
          reference -> {
            SecretCache cache = reference.get();
            return cache == null || cache.closing().isDone();
          });
      return open.isEmpty() && (!warned || (place == null && source.refersTo(null)));
    }
  }

  /**
   * Takes note of a new cache, and warns if it is the second of its kind, once for each kind.
   *
   * @param cache the cache
   * @param settings its options
   * @param place where it reads if it has made its source itself, else null
   * @param source its source
   */
  void made(SecretCache cache, Settings settings, @Nullable Place place, SecretSource source) {
    int count = add(cache, withoutListeners(settings), place, source);
    if (count > 1) {
      Log.EVERCRED.log(
          System.Logger.Level.WARNING,
          "{0} caches with equal options and an equal source ({1}) are open in this JVM. Each has"
              + " its own copies, threads and calls to AWS, so what one has read does the other no"
              + " good. Make one SecretCache, share it, and close it when the application ends.",
          count,
          source.description());
    }
  }

  private synchronized int add(
      SecretCache cache, Settings settings, @Nullable Place place, SecretSource source) {
    kinds.removeIf(Kind::isOver);
    Kind kind = null;
    for (Kind known : kinds) {
      if (known.is(settings, place, source)) {
        kind = known;
      }
    }
    if (kind == null) {
      if (kinds.size() >= MAXIMUM_KINDS) {
        return 0;
      }
      kind = new Kind(settings, place, source);
      kinds.add(kind);
    }
    if (kind.warned) {
      return 0;
    }
    kind.open.add(new WeakReference<>(cache));
    int count = kind.open.size();
    if (count > 1) {
      kind.warned = true;
      kind.open.clear();
    }
    return count;
  }

  /** Returns how many kinds are held. */
  synchronized int size() {
    return kinds.size();
  }

  /** They belong to their program, whose class loader must not be held, and say nothing of use. */
  private static Settings withoutListeners(Settings s) {
    return new Settings(
        s.freshness(),
        s.load(),
        s.attempt(),
        s.minimumInterval(),
        s.rememberFirst(),
        s.rememberMost(),
        s.maximumSecrets(),
        s.mayFreeze(),
        s.countHits(),
        s.restore(),
        s.keptFresh(),
        s.sealing(),
        List.of());
  }
}
