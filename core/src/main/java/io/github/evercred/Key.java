package io.github.evercred;

/** What a value is cached under, and what one flight fetches. */
record Key(String secretId, VersionSelector version) {

  @Override
  public String toString() {
    return "'" + secretId + "' (" + version + ")";
  }
}
