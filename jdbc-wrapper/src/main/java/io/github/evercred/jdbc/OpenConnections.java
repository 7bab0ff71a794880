package io.github.evercred.jdbc;

import io.github.evercred.LoginOptions;
import io.github.evercred.Target;
import io.github.evercred.VersionInUse;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.sql.Connection;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Which version of a secret each open connection was opened with. Holds connections and caches
 * weakly, so it keeps nothing alive, and is as big as there are connections. Thread-safe.
 */
final class OpenConnections {

  /**
   * How a connection was opened.
   *
   * @param logins by whom; gone when its cache is
   */
  private record Opening(
      Reference<Logins> logins,
      Target target,
      String secretId,
      LoginOptions options,
      String versionId) {

    boolean isSuperseded() {
      Logins its = logins.get();
      if (its == null) {
        return false;
      }
      Optional<VersionInUse> now = its.login.versionInUse(target, secretId, options);
      return now.filter(version -> version.supersedes(versionId)).isPresent();
    }
  }

  /** A key that is equal only to one of the same connection. */
  private static final class Key extends WeakReference<Connection> {
    private final int hash;

    Key(Connection connection, ReferenceQueue<Connection> gone) {
      super(connection, gone);
      this.hash = System.identityHashCode(connection);
    }

    @Override
    public int hashCode() {
      return hash;
    }

    @Override
    public boolean equals(Object other) {
      Connection mine = get();
      return this == other || (other instanceof Key key && mine != null && key.refersTo(mine));
    }
  }

  static final OpenConnections ALL = new OpenConnections();

  private final Map<Key, Opening> openings = new ConcurrentHashMap<>();
  private final ReferenceQueue<Connection> gone = new ReferenceQueue<>();

  OpenConnections() {}

  void add(
      Connection connection,
      Logins logins,
      Target target,
      String secretId,
      LoginOptions options,
      String versionId) {
    expunge();
    openings.put(
        new Key(connection, gone),
        new Opening(new WeakReference<>(logins), target, secretId, options, versionId));
  }

  /** Whether a connection was opened with a version that has been replaced. False if unknown. */
  boolean isSuperseded(Connection connection) {
    Opening opening = openings.get(new Key(connection, gone));
    return opening != null && opening.isSuperseded();
  }

  /** Whether there may be such a connection at all. */
  boolean anySuperseded() {
    expunge();
    return openings.values().stream().anyMatch(Opening::isSuperseded);
  }

  int size() {
    expunge();
    return openings.size();
  }

  private void expunge() {
    for (Reference<?> key = gone.poll(); key != null; key = gone.poll()) {
      openings.remove(key);
    }
  }
}
