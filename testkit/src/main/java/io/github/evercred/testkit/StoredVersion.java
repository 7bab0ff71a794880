package io.github.evercred.testkit;

import java.time.Instant;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** One version of a secret: an id, a value once it has one, and the labels it carries now. */
final class StoredVersion {
  final String id;
  final Instant created;
  final Set<String> labels = new LinkedHashSet<>();
  @Nullable SecretData data;
  @Nullable Instant lastAccessed;

  StoredVersion(String id, Instant created) {
    this.id = id;
    this.created = created;
  }

  List<String> labelList() {
    return List.copyOf(labels);
  }

  @Override
  public String toString() {
    return id + labels;
  }
}
