package io.github.evercred;

import org.jspecify.annotations.Nullable;

/**
 * What the entries of all ids of one secret have in common: its ARN, as the source told it, and
 * which version was asked for.
 */
record Alias(String arn, VersionSelector version) {

  // By hand: linking a record's own methods costs the start of a process some milliseconds.

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Alias that && arn.equals(that.arn) && version.equals(that.version);
  }

  @Override
  public int hashCode() {
    return 31 * arn.hashCode() + version.hashCode();
  }
}
