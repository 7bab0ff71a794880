package io.github.evercred;

import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Where a credential is used: what accepts or refuses it as one. Two ways to reach the same place
 * with the same secret are one target, so it holds no user, no URL parameter and no pool.
 *
 * @param engine what kind of target, {@code postgresql} for instance
 * @param hosts host and port of each server, as resolved from the address in use
 * @param database the database, only where logins belong to a database; else null
 */
public record Target(String engine, List<String> hosts, @Nullable String database) {

  /**
   * Checks that engine and hosts are not null, and copies the hosts.
   *
   * @param engine what kind of target
   * @param hosts host and port of each server
   * @param database the database, or null
   */
  public Target {
    Objects.requireNonNull(engine, "engine");
    hosts = List.copyOf(hosts);
  }

  /** Returns the engine, hosts and database. */
  @Override
  public String toString() {
    return engine + " " + String.join(",", hosts) + (database == null ? "" : "/" + database);
  }
}
