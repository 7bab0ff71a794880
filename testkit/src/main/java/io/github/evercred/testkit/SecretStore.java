package io.github.evercred.testkit;

import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * All secrets of one account and region: names, ARNs, creation and deletion. Its users hold its
 * monitor over every call and every use of what it returns.
 */
final class SecretStore {
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9/_+=.@!-]{1,512}");
  private static final Pattern COMPLETE = Pattern.compile(".+-[A-Za-z0-9]{6}");
  private static final String ALPHABET =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

  private final SecureRandom random = new SecureRandom();
  private final Map<String, StoredSecret> byName = new TreeMap<>();
  private final String arnPrefix;
  private final InstantSource clock;

  SecretStore(String region, String account, InstantSource clock) {
    this.arnPrefix = "arn:aws:secretsmanager:" + region + ":" + account + ":secret:";
    this.clock = clock;
  }

  Instant now() {
    return clock.instant();
  }

  StoredSecret create(String name) {
    if (!NAME.matcher(name).matches()) {
      throw ServiceError.validation(
          "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!");
    }
    purge();
    StoredSecret known = byName.get(name);
    if (known != null && known.deletionDate != null) {
      throw ServiceError.invalidRequest(
          "You can't create this secret because a secret with this name is already scheduled for deletion.");
    }
    if (known != null) {
      throw ServiceError.exists(
          "The operation failed because the secret %s already exists.".formatted(name));
    }
    StoredSecret secret = new StoredSecret(name, newArn(name), now());
    byName.put(name, secret);
    return secret;
  }

  /** All secrets by name, those marked for deletion excepted. */
  List<StoredSecret> live() {
    purge();
    List<StoredSecret> live = new ArrayList<>(byName.values());
    live.removeIf(secret -> secret.deletionDate != null);
    return live;
  }

  /** The secret of a name, ARN or partial ARN, marked for deletion or not; null if none. */
  @Nullable StoredSecret find(String id) {
    purge();
    if (!id.startsWith("arn:")) {
      return byName.get(id);
    }
    if (!id.startsWith(arnPrefix)) {
      return null;
    }
    for (StoredSecret secret : byName.values()) {
      if (secret.arn.equals(id)) {
        return secret;
      }
    }
    String name = id.substring(arnPrefix.length());
    // The partial-ARN trap of the real service: a name that ends in a hyphen and six characters
    // looks like a complete ARN, so the secret is not found without its suffix.
    return COMPLETE.matcher(name).matches() ? null : byName.get(name);
  }

  StoredSecret require(String id) {
    StoredSecret secret = find(id);
    if (secret == null) {
      throw ServiceError.secretNotFound();
    }
    return secret;
  }

  /** As {@link #require}, and not marked for deletion. */
  StoredSecret requireLive(String id) {
    StoredSecret secret = require(id);
    if (secret.deletionDate != null) {
      throw ServiceError.markedForDeletion();
    }
    return secret;
  }

  void remove(StoredSecret secret) {
    byName.remove(secret.name);
  }

  void markForDeletion(StoredSecret secret, Duration recoveryWindow) {
    secret.deletionDate = now().plus(recoveryWindow);
  }

  String newArn(String name) {
    StringBuilder arn = new StringBuilder(arnPrefix).append(name).append('-');
    for (int i = 0; i < 6; i++) {
      arn.append(ALPHABET.charAt(random.nextInt(ALPHABET.length())));
    }
    return arn.toString();
  }

  private void purge() {
    Instant now = now();
    byName
        .values()
        .removeIf(secret -> secret.deletionDate != null && !secret.deletionDate.isAfter(now));
  }
}
