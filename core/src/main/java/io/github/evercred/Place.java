package io.github.evercred;

import java.net.URI;
import java.util.Optional;

/**
 * Where a source that is made here reads, and as whom.
 *
 * @param region its region; empty means the SDK's default
 * @param endpoint its endpoint; empty means the region's own
 * @param profile whose credentials it begins with; empty means the SDK's default chain
 * @param role the ARN of the role that it assumes, if it does
 * @param externalId what the role's trust policy asks for, if it does
 * @param roleSessionName how the role's session is called
 */
record Place(
    Optional<String> region,
    Optional<URI> endpoint,
    Optional<String> profile,
    Optional<String> role,
    Optional<String> externalId,
    String roleSessionName) {

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
