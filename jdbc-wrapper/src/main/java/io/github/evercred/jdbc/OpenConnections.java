package io.github.evercred.jdbc;

import io.github.evercred.LoginOptions;
import io.github.evercred.SecretValue;
import io.github.evercred.Target;
import io.github.evercred.VersionInUse;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.sql.Connection;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

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
  record Opening(
      Reference<Logins> logins,
      Target target,
      String secretId,
      LoginOptions options,
      String versionId) {

    /** Whether both are of one secret at one place. */
    boolean isLike(Opening other) {
      return logins.refersTo(other.logins.get())
          && target.equals(other.target)
          && secretId.equals(other.secretId);
    }

    /**
     * Reads the secret as a login would, so that a rotation is noticed although nobody logs in.
     * From memory mostly; waits a few seconds at most.
     */
    void read() {
      Logins its = logins.get();
      if (its != null) {
        SecretValue unused = its.cache.get(secretId);
      }
    }

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
    Opening opening = opening(connection);
    return opening != null && opening.isSuperseded();
  }

  /** Returns how a connection was opened; null if Evercred has not opened it. */
  @Nullable Opening opening(Connection connection) {
    return openings.get(new Key(connection, gone));
  }

  /** Whether there may be a superseded connection of the same secret at the same place. */
  boolean anySuperseded(Opening like) {
    expunge();
    return openings.values().stream().anyMatch(o -> o.isLike(like) && o.isSuperseded());
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
