package io.github.evercred.testkit;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Secrets Manager's operations: from the members of a request to the members of its answer.
 * Thread-safe; every operation is atomic under the store's monitor.
 */
final class Operations {
  /** The operations spoken here. */
  static final Set<String> NAMES =
      Collections.unmodifiableSet(
          new TreeSet<>(
              List.of(
                  "BatchGetSecretValue",
                  "CreateSecret",
                  "DeleteSecret",
                  "DescribeSecret",
                  "GetSecretValue",
                  "ListSecretVersionIds",
                  "PutSecretValue",
                  "RestoreSecret",
                  "UpdateSecretVersionStage")));

  private final Map<String, Function<Input, Map<String, Object>>> byName =
      Map.of(
          "CreateSecret", this::createSecret,
          "DeleteSecret", this::deleteSecret,
          "DescribeSecret", this::describeSecret,
          "GetSecretValue", this::getSecretValue,
          "ListSecretVersionIds", this::listSecretVersionIds,
          "PutSecretValue", this::putSecretValue,
          "RestoreSecret", this::restoreSecret,
          "UpdateSecretVersionStage", this::updateSecretVersionStage);

  private final SecretStore store;
  private final int batchPageSize;
  private final Map<String, Deque<String>> script = new HashMap<>();

  Operations(SecretStore store, int batchPageSize) {
    this.store = store;
    this.batchPageSize = batchPageSize;
  }

  /**
   * Carries out an operation.
   *
   * @param errors what is wrong with a single secret of a batch; null for nothing
   * @throws ServiceError if the answer is an error
   */
  Map<String, Object> perform(
      String operation, Input input, Function<String, @Nullable ServiceError> errors) {
    synchronized (store) {
      if (operation.equals("BatchGetSecretValue")) {
        return batchGetSecretValue(input, errors);
      }
      Function<Input, Map<String, Object>> method = byName.get(operation);
      if (method == null) {
        throw new ServiceError(
            400,
            "UnknownOperationException",
            "The local Secrets Manager has no operation '%s'; it has %s."
                .formatted(operation, NAMES));
      }
      return method.apply(input);
    }
  }

  /** Makes the next answers for a label come from these versions, one each. */
  void script(String secretId, String label, List<String> versionIds) {
    synchronized (store) {
      StoredSecret secret = store.requireLive(secretId);
      for (String versionId : versionIds) {
        secret.read(versionId, null);
      }
      script
          .computeIfAbsent(scriptKey(secret, label), key -> new ArrayDeque<>())
          .addAll(versionIds);
    }
  }

  private static String scriptKey(StoredSecret secret, String label) {
    return secret.arn + " " + label;
  }

  private Map<String, Object> getSecretValue(Input input) {
    String secretId = input.secretId();
    String versionId = input.versionId("VersionId");
    String label = input.optional("VersionStage", 1, 256);
    StoredSecret secret = store.requireLive(secretId);
    if (versionId == null) {
      String wanted = label == null ? StoredSecret.CURRENT : label;
      Deque<String> scripted = script.get(scriptKey(secret, wanted));
      String next = scripted == null ? null : scripted.poll();
      if (next != null) {
        StoredVersion version = secret.read(next, null);
        // A lagging endpoint shows the label where it used to be.
        List<String> labels =
            version.labels.contains(wanted) ? version.labelList() : List.of(wanted);
        return value(secret, version, labels);
      }
    }
    StoredVersion version = secret.read(versionId, label);
    return value(secret, version, version.labelList());
  }

  private Map<String, Object> value(
      StoredSecret secret, StoredVersion version, List<String> labels) {
    version.lastAccessed = today();
    Map<String, Object> answer = identity(secret);
    answer.put("VersionId", version.id);
    Objects.requireNonNull(version.data).writeTo(answer);
    answer.put("VersionStages", labels);
    answer.put("CreatedDate", seconds(version.created));
    return answer;
  }

  private Map<String, Object> batchGetSecretValue(
      Input input, Function<String, @Nullable ServiceError> errors) {
    List<String> ids = input.strings("SecretIdList", 1, 2048);
    boolean filtered = input.has("Filters");
    if (filtered != ids.isEmpty()) {
      throw ServiceError.invalidParameter(
          "You must specify either Filters or SecretIdList, and not both.");
    }
    if (ids.size() > 20) {
      throw ServiceError.validation(
          "1 validation error detected: Value at 'secretIdList' failed to satisfy constraint: Member must have length less than or equal to 20");
    }
    if (!filtered && input.has("MaxResults")) {
      throw ServiceError.invalidParameter(
          "You can't specify MaxResults with SecretIdList; it goes with Filters.");
    }
    int pageSize = Math.min(batchPageSize, input.number("MaxResults", 1, 20));
    List<String> wanted = ids;
    if (filtered) {
      SecretFilter filter = new SecretFilter(input.inputs("Filters"));
      wanted = store.live().stream().filter(filter).map(secret -> secret.arn).toList();
    }
    int from = offset(input.optional("NextToken", 1, 4096), wanted.size());
    int to = Math.min(wanted.size(), from + pageSize);
    List<Map<String, Object>> values = new ArrayList<>();
    List<Map<String, Object>> failures = new ArrayList<>();
    for (String id : wanted.subList(from, to)) {
      try {
        ServiceError injected = errors.apply(id);
        if (injected != null) {
          throw injected;
        }
        StoredSecret secret = store.requireLive(id);
        StoredVersion version = secret.read(null, null);
        values.add(value(secret, version, version.labelList()));
      } catch (ServiceError e) {
        failures.add(Map.of("SecretId", id, "ErrorCode", e.code(), "Message", e.text()));
      }
    }
    Map<String, Object> answer = new LinkedHashMap<>();
    answer.put("SecretValues", values);
    answer.put("Errors", failures);
    if (to < wanted.size()) {
      answer.put("NextToken", token(to));
    }
    return answer;
  }

  private Map<String, Object> describeSecret(Input input) {
    StoredSecret secret = store.require(input.secretId());
    Map<String, Object> answer = identity(secret);
    putIfPresent(answer, "Description", secret.description);
    putIfPresent(answer, "KmsKeyId", secret.kmsKeyId);
    answer.put("CreatedDate", seconds(secret.created));
    putDate(answer, "LastChangedDate", secret.lastChanged);
    putDate(answer, "LastRotatedDate", secret.lastRotated);
    putDate(answer, "DeletedDate", secret.deletionDate);
    Instant accessed = null;
    Map<String, Object> stages = new TreeMap<>();
    for (StoredVersion version : secret.versions()) {
      if (!version.labels.isEmpty()) {
        stages.put(version.id, version.labelList());
      }
      if (version.lastAccessed != null
          && (accessed == null || version.lastAccessed.isAfter(accessed))) {
        accessed = version.lastAccessed;
      }
    }
    putDate(answer, "LastAccessedDate", accessed);
    answer.put("VersionIdsToStages", stages);
    List<Map<String, Object>> tags = new ArrayList<>();
    secret.tags.forEach((key, value) -> tags.add(Map.of("Key", key, "Value", value)));
    answer.put("Tags", tags);
    return answer;
  }

  private Map<String, Object> listSecretVersionIds(Input input) {
    StoredSecret secret = store.require(input.secretId());
    boolean deprecated = input.flag("IncludeDeprecated");
    List<StoredVersion> versions =
        secret.versions().stream()
            .filter(version -> deprecated || !version.labels.isEmpty())
            .toList();
    int pageSize = input.number("MaxResults", 1, 100);
    int from = offset(input.optional("NextToken", 1, 4096), versions.size());
    int to = Math.min(versions.size(), from + pageSize);
    List<Map<String, Object>> entries = new ArrayList<>();
    for (StoredVersion version : versions.subList(from, to)) {
      Map<String, Object> entry = new LinkedHashMap<>();
      entry.put("VersionId", version.id);
      entry.put("VersionStages", version.labelList());
      entry.put("CreatedDate", seconds(version.created));
      putDate(entry, "LastAccessedDate", version.lastAccessed);
      entry.put(
          "KmsKeyIds", List.of(secret.kmsKeyId == null ? "DefaultEncryptionKey" : secret.kmsKeyId));
      entries.add(entry);
    }
    Map<String, Object> answer = identity(secret);
    answer.put("Versions", entries);
    if (to < versions.size()) {
      answer.put("NextToken", token(to));
    }
    return answer;
  }

  private Map<String, Object> createSecret(Input input) {
    String name = input.required("Name", 1, 512);
    SecretData data = input.data();
    String token = data == null ? null : clientRequestToken(input);
    StoredSecret same = token == null ? null : store.find(name);
    StoredVersion repeated = same == null || token == null ? null : same.version(token);
    StoredSecret secret;
    if (same != null && repeated != null && Objects.equals(repeated.data, data)) {
      secret = same; // the same request once more: the first answer again
    } else {
      secret = store.create(name);
      secret.description = input.optional("Description", 0, 2048);
      secret.kmsKeyId = input.optional("KmsKeyId", 0, 2048);
      for (Input tag : input.inputs("Tags")) {
        secret.tags.put(
            tag.required("Key", 1, 128),
            Objects.requireNonNullElse(tag.optional("Value", 0, 256), ""));
      }
      if (data != null && token != null) {
        secret.put(token, data, List.of(), store.now());
      }
    }
    Map<String, Object> answer = identity(secret);
    putIfPresent(answer, "VersionId", token);
    return answer;
  }

  private Map<String, Object> putSecretValue(Input input) {
    String secretId = input.secretId();
    String token = clientRequestToken(input);
    SecretData data = input.data();
    if (data == null) {
      throw ServiceError.invalidRequest("You must provide either SecretString or SecretBinary.");
    }
    List<String> labels = input.strings("VersionStages", 1, 256);
    StoredSecret secret = store.requireLive(secretId);
    StoredVersion version = secret.put(token, data, labels, store.now());
    Map<String, Object> answer = identity(secret);
    answer.put("VersionId", version.id);
    answer.put("VersionStages", version.labelList());
    return answer;
  }

  private Map<String, Object> updateSecretVersionStage(Input input) {
    String secretId = input.secretId();
    String label = input.required("VersionStage", 1, 256);
    String to = input.versionId("MoveToVersionId");
    String from = input.versionId("RemoveFromVersionId");
    StoredSecret secret = store.requireLive(secretId);
    secret.moveLabel(label, to, from, store.now());
    return identity(secret);
  }

  private Map<String, Object> deleteSecret(Input input) {
    String id = input.secretId();
    boolean force = input.flag("ForceDeleteWithoutRecovery");
    Integer days = input.number("RecoveryWindowInDays");
    if (force && days != null) {
      throw ServiceError.invalidParameter(
          "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.");
    }
    if (days != null && (days < 7 || days > 30)) {
      throw ServiceError.invalidParameter(
          "RecoveryWindowInDays value must be between 7 and 30 days (inclusive).");
    }
    Map<String, Object> answer;
    if (force) {
      // Documented: deleting by force what is not there is no error.
      StoredSecret secret = store.find(id);
      if (secret == null) {
        answer = new LinkedHashMap<>(Map.of("ARN", store.newArn(id), "Name", id));
      } else {
        store.remove(secret);
        answer = identity(secret);
      }
      answer.put("DeletionDate", seconds(store.now()));
    } else {
      StoredSecret secret = store.requireLive(id);
      store.markForDeletion(secret, Duration.ofDays(days == null ? 30 : days));
      answer = identity(secret);
      answer.put("DeletionDate", seconds(Objects.requireNonNull(secret.deletionDate)));
    }
    return answer;
  }

  private Map<String, Object> restoreSecret(Input input) {
    StoredSecret secret = store.require(input.secretId());
    secret.deletionDate = null;
    return identity(secret);
  }

  private static String clientRequestToken(Input input) {
    String token = input.versionId("ClientRequestToken");
    if (token == null) {
      throw ServiceError.invalidRequest(
          "You must provide a ClientRequestToken value. We recommend a UUID-type value.");
    }
    return token;
  }

  private static Map<String, Object> identity(StoredSecret secret) {
    Map<String, Object> answer = new LinkedHashMap<>();
    answer.put("ARN", secret.arn);
    answer.put("Name", secret.name);
    return answer;
  }

  private static String token(int offset) {
    String text = "offset:" + offset;
    return Base64.getUrlEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }

  private static int offset(@Nullable String token, int size) {
    if (token == null) {
      return 0;
    }
    for (int offset = 1; offset < size; offset++) {
      if (token.equals(token(offset))) {
        return offset;
      }
    }
    throw new ServiceError(
        400,
        "InvalidNextTokenException",
        "The NextToken value is invalid: start again without it.");
  }

  private Instant today() {
    return store.now().truncatedTo(ChronoUnit.DAYS);
  }

  private static BigDecimal seconds(Instant instant) {
    return BigDecimal.valueOf(instant.toEpochMilli(), 3);
  }

  private static void putDate(Map<String, Object> answer, String member, @Nullable Instant date) {
    if (date != null) {
      answer.put(member, seconds(date));
    }
  }

  private static void putIfPresent(
      Map<String, Object> answer, String member, @Nullable Object value) {
    if (value != null) {
      answer.put(member, value);
    }
  }
}
