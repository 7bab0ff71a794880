package io.github.evercred;

import java.net.URI;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Where a source that is made here reads, and as whom.
 *
 * @param region its region; empty means the SDK's default
 * @param replicas the regions that are asked where that one gives no answer
 * @param endpoint its endpoint; empty means the region's own
 * @param profile whose credentials it begins with; empty means the SDK's default chain
 * @param role the ARN of the role that it assumes, if it does
 * @param externalId what the role's trust policy asks for, if it does
 * @param roleSessionName how the role's session is called
 * @param sealed whether what is read is to be sealed, so that no connection may keep it
 */
record Place(
    Optional<String> region,
    List<String> replicas,
    Optional<URI> endpoint,
    Optional<String> profile,
    Optional<String> role,
    Optional<String> externalId,
    String roleSessionName,
    boolean sealed) {

  /** With the SDK's default credentials; null means the SDK's own choice. */
  static Place in(@Nullable String region, @Nullable URI endpoint) {
    return new Place(
        Optional.ofNullable(region),
        List.of(),
        Optional.ofNullable(endpoint),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        new PlaceOptions().roleSessionName.standard,
        false);
  }

  /** The same in another region alone, at the region's own endpoint. */
  Place in(String other) {
    return new Place(
        Optional.of(other),
        List.of(),
        Optional.empty(),
        profile,
        role,
        externalId,
        roleSessionName,
        sealed);
  }

  /** The same in its first region alone. */
  Place withoutReplicas() {
    return new Place(
        region, List.of(), endpoint, profile, role, externalId, roleSessionName, sealed);
  }

  /** The same for what is to be sealed. */
  Place sealing() {
    return new Place(region, replicas, endpoint, profile, role, externalId, roleSessionName, true);
  }

  /** For messages. */
  String description() {
    return endpoint.map(URI::toString).orElse(region.orElse("the default region"))
        + profile.map(name -> " with profile " + name).orElse("")
        + role.map(arn -> " as " + arn).orElse("");
  }

  /** Leaves the external id out, which is between those two accounts. */
  @Override
  public String toString() {
    return "Place[%s]".formatted(description());
  }
}
