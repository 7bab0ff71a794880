package io.github.evercred;

import java.net.URI;
import java.util.List;
import java.util.Optional;

/** The options of a source that is made here. Confined to their builder. */
final class PlaceOptions {
  final CacheOption<Optional<String>> region = CacheOption.region("region");
  final CacheOption<Optional<List<String>>> replicaRegions = CacheOption.regions("replicaRegions");
  final CacheOption<Optional<URI>> endpoint = CacheOption.endpoint("endpoint");
  final CacheOption<Optional<String>> profile = CacheOption.profile("profile");
  final CacheOption<Optional<String>> role = CacheOption.role("role");
  final CacheOption<Optional<String>> externalId = CacheOption.externalId("externalId");
  final CacheOption<String> roleSessionName = CacheOption.sessionName("roleSessionName");

  List<CacheOption<?>> all() {
    return List.of(region, replicaRegions, endpoint, profile, role, externalId, roleSessionName);
  }

  /**
   * Decides what every one is.
   *
   * @throws IllegalArgumentException if one is configured as what it does not take
   * @throws IllegalStateException if one is given that says nothing without a role, or replicas
   *     without another region
   */
  Place resolve(Configuration from) {
    var assumed = role.resolve(from);
    var external = externalId.resolve(from);
    var session = roleSessionName.resolve(from);
    if (assumed.value().isEmpty()) {
      requireAbsent(externalId, external);
      requireAbsent(roleSessionName, session);
    }
    var primary = region.resolve(from);
    var replicas = replicaRegions.resolve(from);
    requireOthers(primary, replicas);
    return new Place(
        primary.value(),
        replicas.value().orElse(List.of()),
        endpoint.resolve(from).value(),
        profile.resolve(from).value(),
        assumed.value(),
        external.value(),
        session.value(),
        false);
  }

  /** The SDK's default is where the process runs, which need not be where secrets are written. */
  private void requireOthers(
      CacheOption.Resolved<Optional<String>> primary,
      CacheOption.Resolved<Optional<List<String>>> replicas) {
    if (replicas.value().isEmpty()) {
      return;
    }
    if (primary.value().isEmpty()) {
      throw new IllegalStateException(
          "%s (%s) needs the primary region, but region is not set"
              .formatted(replicaRegions.name, replicas));
    }
    if (replicas.value().get().contains(primary.value().get())) {
      throw new IllegalStateException(
          "%s (%s) has the region itself (%s): name others"
              .formatted(replicaRegions.name, replicas, primary));
    }
  }

  /** Whether any is given, in code or elsewhere. */
  boolean isAnySet(Configuration from) {
    for (CacheOption<?> option : all()) {
      if (option.resolve(from).where() != null) {
        return true;
      }
    }
    return false;
  }

  private static void requireAbsent(CacheOption<?> option, CacheOption.Resolved<?> resolved) {
    if (resolved.where() != null) {
      throw new IllegalStateException(
          "%s (%s) is for a role that is assumed, but role is not set"
              .formatted(option.name, resolved.where()));
    }
  }
}
