package io.github.evercred;

import org.jspecify.annotations.Nullable;

/** What a value is cached under, and what one flight fetches. */
record Key(String secretId, VersionSelector version) {

  @Override
  public String toString() {
    return "'" + secretId + "' (" + version + ")";
  }

  // By hand: linking a record's own methods costs the start of a process some milliseconds.

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Key that
        && secretId.equals(that.secretId)
        && version.equals(that.version);
  }

  @Override
  public int hashCode() {
    return 31 * secretId.hashCode() + version.hashCode();
  }
}
