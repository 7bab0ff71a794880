package io.github.evercred.testkit;

import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One secret with its versions, and Secrets Manager's rules of staging labels. Not thread-safe: the
 * {@link SecretStore}'s monitor guards it.
 *
 * <p>The rules, as the API reference of PutSecretValue and UpdateSecretVersionStage gives them: a
 * label is on at most one version; wherever AWSCURRENT goes, AWSPREVIOUS goes to the version that
 * it left; a label that sits elsewhere is moved only by naming the version it is taken from; a
 * version's value never changes. AWS does not document what happens when AWSCURRENT is moved to a
 * version without a value; here that is refused.
 */
final class StoredSecret {
  static final String CURRENT = "AWSCURRENT";
  static final String PREVIOUS = "AWSPREVIOUS";
  static final String PENDING = "AWSPENDING";

  private static final int MAX_LABELS = 20;
  private static final int KEPT_VERSIONS = 100;
  private static final Duration KEPT_FOR = Duration.ofHours(24);

  final String name;
  final String arn;
  final Instant created;
  final Map<String, String> tags = new LinkedHashMap<>();
  @Nullable String description;
  @Nullable String kmsKeyId;
  @Nullable Instant lastChanged;
  @Nullable Instant lastRotated;
  @Nullable Instant deletionDate;
  private final Map<String, StoredVersion> versions = new LinkedHashMap<>();

  StoredSecret(String name, String arn, Instant created) {
    this.name = name;
    this.arn = arn;
    this.created = created;
  }

  Collection<StoredVersion> versions() {
    return Collections.unmodifiableCollection(versions.values());
  }

  @Nullable StoredVersion version(String id) {
    return versions.get(id);
  }

  @Nullable StoredVersion labelled(String label) {
    for (StoredVersion version : versions.values()) {
      if (version.labels.contains(label)) {
        return version;
      }
    }
    return null;
  }

  /** The version that GetSecretValue answers with; it has a value. */
  StoredVersion read(@Nullable String versionId, @Nullable String label) {
    if (versionId == null) {
      String wanted = label == null ? CURRENT : label;
      StoredVersion version = labelled(wanted);
      if (version == null || version.data == null) {
        throw ServiceError.notFound(
            "Secrets Manager can't find the specified secret value for staging label: " + wanted);
      }
      return version;
    }
    StoredVersion version = versions.get(versionId);
    if (version == null || version.data == null) {
      throw ServiceError.notFound(
          "Secrets Manager can't find the specified secret value for VersionId: " + versionId);
    }
    if (label != null && !version.labels.contains(label)) {
      throw ServiceError.invalidRequest(
          "You provided a VersionStage that is not associated to the provided VersionId.");
    }
    return version;
  }

  /** Stores a value; with no labels given it becomes AWSCURRENT. */
  StoredVersion put(String versionId, SecretData data, List<String> labels, Instant now) {
    StoredVersion known = versions.get(versionId);
    if (known != null && known.data != null) {
      if (known.data.equals(data)) {
        return known; // a repeated request changes nothing, not even labels
      }
      throw ServiceError.exists(
          "You can't use ClientRequestToken %s because that value is already in use for a version of secret %s."
              .formatted(versionId, arn));
    }
    boolean first = versions.values().stream().allMatch(version -> version.data == null);
    StoredVersion version = known == null ? new StoredVersion(versionId, now) : known;
    version.data = data;
    versions.put(versionId, version);
    if (labels.isEmpty() || first) {
      attach(CURRENT, version);
    }
    for (String label : labels) {
      attach(label, version);
    }
    lastChanged = now;
    dropOldVersions(now);
    return version;
  }

  /** Does what RotateSecret does before it calls createSecret: AWSPENDING on an empty version. */
  StoredVersion startRotation(String versionId, Instant now) {
    StoredVersion pending = labelled(PENDING);
    if (pending != null && !pending.labels.contains(CURRENT)) {
      throw ServiceError.invalidRequest(
          "A previous rotation isn't complete. That rotation will be reattempted.");
    }
    StoredVersion version = new StoredVersion(versionId, now);
    versions.put(versionId, version);
    attach(PENDING, version);
    return version;
  }

  /** UpdateSecretVersionStage. */
  void moveLabel(String label, @Nullable String to, @Nullable String from, Instant now) {
    StoredVersion holder = labelled(label);
    if (to == null && from == null) {
      throw ServiceError.invalidParameter(
          "You must specify MoveToVersionId, RemoveFromVersionId or both for staging label %s."
              .formatted(label));
    }
    if (to == null && label.equals(CURRENT)) {
      throw ServiceError.invalidParameter(
          "You can only move staging label AWSCURRENT to a different secret version. It can't be completely removed.");
    }
    if (from != null && (holder == null || !holder.id.equals(from))) {
      throw ServiceError.invalidParameter(
          to == null
              ? "Version stage %s not found in version %s".formatted(label, from)
              : "When you move staging label %1$s, if you specify RemoveFromVersionId, it must be set to the version that currently has the staging label %1$s."
                  .formatted(label));
    }
    if (to == null) {
      Objects.requireNonNull(holder).labels.remove(label);
    } else {
      StoredVersion target = versions.get(to);
      if (target == null || (label.equals(CURRENT) && target.data == null)) {
        throw ServiceError.notFound(
            "Secrets Manager can't find the specified secret version: " + to);
      }
      if (holder != null && holder != target && from == null) {
        throw ServiceError.invalidParameter(
            "The parameter RemoveFromVersionId can't be empty. Staging label %s is currently attached to version %s, so you must explicitly reference that version in RemoveFromVersionId."
                .formatted(label, holder.id));
      }
      attach(label, target);
      if (label.equals(CURRENT) && target.labels.contains(PENDING)) {
        lastRotated = now;
      }
    }
    lastChanged = now;
  }

  private void attach(String label, StoredVersion target) {
    StoredVersion holder = labelled(label);
    if (holder == target) {
      return;
    }
    if (holder == null && !label.equals(PREVIOUS) && labelCount() >= MAX_LABELS) {
      throw new ServiceError(
          400,
          "LimitExceededException",
          "You can't attach more than %d staging labels to the versions of a secret."
              .formatted(MAX_LABELS));
    }
    if (holder != null) {
      holder.labels.remove(label);
    }
    target.labels.add(label);
    if (holder != null && label.equals(CURRENT)) {
      attach(PREVIOUS, holder);
    }
  }

  private long labelCount() {
    return versions.values().stream().mapToLong(version -> version.labels.size()).sum();
  }

  /** Unlabelled versions go when there are more than 100, but never within 24 hours. */
  private void dropOldVersions(Instant now) {
    int excess = versions.size() - KEPT_VERSIONS;
    if (excess > 0) {
      versions.values().stream()
          .filter(version -> version.labels.isEmpty())
          .filter(version -> version.created.plus(KEPT_FOR).isBefore(now))
          .sorted(Comparator.comparing(version -> version.created))
          .limit(excess)
          .map(version -> version.id)
          .toList()
          .forEach(versions::remove);
    }
  }
}
