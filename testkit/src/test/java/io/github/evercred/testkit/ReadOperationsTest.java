package io.github.evercred.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.model.APIErrorType;
import software.amazon.awssdk.services.secretsmanager.model.BatchGetSecretValueResponse;
import software.amazon.awssdk.services.secretsmanager.model.DescribeSecretResponse;
import software.amazon.awssdk.services.secretsmanager.model.Filter;
import software.amazon.awssdk.services.secretsmanager.model.GetSecretValueResponse;
import software.amazon.awssdk.services.secretsmanager.model.InvalidNextTokenException;
import software.amazon.awssdk.services.secretsmanager.model.InvalidParameterException;
import software.amazon.awssdk.services.secretsmanager.model.InvalidRequestException;
import software.amazon.awssdk.services.secretsmanager.model.ResourceNotFoundException;
import software.amazon.awssdk.services.secretsmanager.model.SecretValueEntry;
import software.amazon.awssdk.services.secretsmanager.model.SecretsManagerException;

@Timeout(30)
class ReadOperationsTest {
  private final LocalSecretsManager secrets =
      LocalSecretsManager.builder().region("us-east-1").account("999988887777").start();
  private final SecretsManagerClient client = Clients.of(secrets);

  @AfterEach
  void close() {
    client.close();
    secrets.close();
  }

  private String read(String id) {
    return client.getSecretValue(r -> r.secretId(id)).secretString();
  }

  @Test
  void getSecretValue_noLabelAndNoVersion_answersCurrent() {
    String arn = secrets.createSecret("app/db", "one");

    GetSecretValueResponse answer = client.getSecretValue(r -> r.secretId("app/db"));

    assertThat(answer.arn()).isEqualTo(arn);
    assertThat(arn).matches("arn:aws:secretsmanager:us-east-1:999988887777:secret:app/db-\\w{6}");
    assertThat(answer.name()).isEqualTo("app/db");
    assertThat(answer.secretString()).isEqualTo("one");
    assertThat(answer.versionStages()).containsExactly("AWSCURRENT");
    assertThat(answer.versionId()).isEqualTo(secrets.versionId(arn, "AWSCURRENT").orElseThrow());
    assertThat(answer.createdDate())
        .isBetween(Instant.now().minusSeconds(60), Instant.now().plusSeconds(60));
    assertThat(answer.responseMetadata().requestId()).isNotEqualTo("UNKNOWN");
  }

  @Test
  void getSecretValue_binary_answersTheSameBytes() {
    byte[] bytes = {0, 1, -1, 127};
    secrets.createSecret("bin", bytes);
    GetSecretValueResponse answer = client.getSecretValue(r -> r.secretId("bin"));
    assertThat(answer.secretBinary().asByteArray()).isEqualTo(bytes);
    assertThat(answer.secretString()).isNull();
  }

  @Test
  void getSecretValue_textOutsideAscii_answersTheSameText() {
    secrets.createSecret("text", "päß\u20ac\"\\\n\u0001😀");
    assertThat(read("text")).isEqualTo("päß\u20ac\"\\\n\u0001😀");
  }

  @Test
  void getSecretValue_byLabelAndVersion_answersThatVersion() {
    secrets.createSecret("a", "one");
    String v1 = secrets.versionId("a", "AWSCURRENT").orElseThrow();
    secrets.putSecretValue("a", null, "two");

    assertThat(client.getSecretValue(r -> r.secretId("a").versionId(v1)).secretString())
        .isEqualTo("one");
    assertThat(
            client.getSecretValue(r -> r.secretId("a").versionStage("AWSPREVIOUS")).secretString())
        .isEqualTo("one");
    assertThat(
            client
                .getSecretValue(r -> r.secretId("a").versionId(v1).versionStage("AWSPREVIOUS"))
                .secretString())
        .isEqualTo("one");
    assertThatThrownBy(
            () ->
                client.getSecretValue(
                    r -> r.secretId("a").versionId(v1).versionStage("AWSCURRENT")))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining(
            "You provided a VersionStage that is not associated to the provided VersionId.");
  }

  @Test
  void getSecretValue_nameArnOrPartialArn_findsTheSecret() {
    String arn = secrets.createSecret("app/orders-database", "one");
    assertThat(read("app/orders-database")).isEqualTo("one");
    assertThat(read(arn)).isEqualTo("one");
    assertThat(read(arn.substring(0, arn.length() - 7))).isEqualTo("one");
  }

  @Test
  void getSecretValue_partialArnOfNameLikeACompleteArn_isNotFound() {
    String arn = secrets.createSecret("my-secret", "one"); // "secret" has six letters
    assertThat(read(arn)).isEqualTo("one");
    assertThatThrownBy(() -> read(arn.substring(0, arn.length() - 7)))
        .isInstanceOf(ResourceNotFoundException.class);
  }

  @Test
  void getSecretValue_arnOfOtherRegion_isNotFound() {
    String arn = secrets.createSecret("a", "one");
    assertThatThrownBy(() -> read(arn.replace("us-east-1", "eu-west-1")))
        .isInstanceOf(ResourceNotFoundException.class);
  }

  @Test
  void getSecretValue_unknownSecretLabelOrVersion_isNotFoundInTheServicesWords() {
    secrets.createSecret("a", "one");
    assertThatThrownBy(() -> read("b"))
        .isInstanceOf(ResourceNotFoundException.class)
        .hasMessageContaining("Secrets Manager can't find the specified secret.");
    assertThatThrownBy(() -> client.getSecretValue(r -> r.secretId("a").versionStage("AWSPENDING")))
        .isInstanceOf(ResourceNotFoundException.class)
        .hasMessageContaining(
            "Secrets Manager can't find the specified secret value for staging label: AWSPENDING");
    String none = "0".repeat(32);
    assertThatThrownBy(() -> client.getSecretValue(r -> r.secretId("a").versionId(none)))
        .isInstanceOf(ResourceNotFoundException.class)
        .hasMessageContaining(
            "Secrets Manager can't find the specified secret value for VersionId: " + none);
  }

  @Test
  void getSecretValue_pendingWithoutValue_isNotFound() {
    secrets.createSecret("a", "one");
    String v2 = secrets.startRotation("a");
    assertThatThrownBy(() -> client.getSecretValue(r -> r.secretId("a").versionStage("AWSPENDING")))
        .isInstanceOf(ResourceNotFoundException.class)
        .hasMessageContaining("staging label: AWSPENDING");
    assertThatThrownBy(() -> client.getSecretValue(r -> r.secretId("a").versionId(v2)))
        .isInstanceOf(ResourceNotFoundException.class);
    assertThat(client.describeSecret(r -> r.secretId("a")).versionIdsToStages())
        .containsEntry(v2, List.of("AWSPENDING"));
  }

  @Test
  void getSecretValue_markedForDeletion_isInvalidRequest() {
    secrets.createSecret("a", "one");
    secrets.deleteSecret("a");
    assertThatThrownBy(() -> read("a"))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining(
            "You can't perform this operation on the secret because it was marked for deletion.");
    secrets.restoreSecret("a");
    assertThat(read("a")).isEqualTo("one");
  }

  @Test
  void getSecretValue_idOrVersionOfWrongLength_isValidationError() {
    assertThatThrownBy(() -> read(""))
        .isInstanceOfSatisfying(
            SecretsManagerException.class,
            e -> {
              assertThat(e.awsErrorDetails().errorCode()).isEqualTo("ValidationException");
              assertThat(e.statusCode()).isEqualTo(400);
              assertThat(e.awsErrorDetails().errorMessage()).contains("secretId");
            });
    assertThatThrownBy(() -> client.getSecretValue(r -> r.secretId("a").versionId("short")))
        .hasMessageContaining("versionId");
    assertThatThrownBy(() -> client.getSecretValue(r -> r.secretId("x".repeat(2049))))
        .hasMessageContaining("less than or equal to 2048");
    assertThatThrownBy(() -> client.getSecretValue(r -> {})).hasMessageContaining("not be null");
  }

  @Test
  void describeSecret_afterARotation_showsVersionsAndNoValue() {
    secrets.createSecret("a", "one");
    String v1 = secrets.versionId("a", "AWSCURRENT").orElseThrow();
    String v2 = secrets.putSecretValue("a", null, "two");

    DescribeSecretResponse answer = client.describeSecret(r -> r.secretId("a"));

    assertThat(answer.versionIdsToStages())
        .isEqualTo(Map.of(v1, List.of("AWSPREVIOUS"), v2, List.of("AWSCURRENT")));
    assertThat(answer.name()).isEqualTo("a");
    assertThat(answer.createdDate()).isNotNull();
    assertThat(answer.lastChangedDate()).isNotNull();
    assertThat(answer.lastAccessedDate()).isNull();
    assertThat(answer.kmsKeyId()).isNull();
    read("a");
    assertThat(client.describeSecret(r -> r.secretId("a")).lastAccessedDate())
        .isEqualTo(answer.lastChangedDate().truncatedTo(ChronoUnit.DAYS));
  }

  @Test
  void describeSecret_markedForDeletion_stillAnswers() {
    secrets.createSecret("a", "one");
    secrets.deleteSecret("a");
    assertThat(client.describeSecret(r -> r.secretId("a")).deletedDate())
        .isAfter(Instant.now().plus(Duration.ofDays(29)));
  }

  @Test
  void listSecretVersionIds_deprecatedVersions_areListedOnlyOnRequest() {
    secrets.createSecret("a", "one");
    String v1 = secrets.versionId("a", "AWSCURRENT").orElseThrow();
    secrets.putSecretValue("a", null, "two");
    secrets.putSecretValue("a", null, "three");

    assertThat(client.listSecretVersionIds(r -> r.secretId("a")).versions())
        .hasSize(2)
        .noneMatch(version -> version.versionId().equals(v1));
    var all = client.listSecretVersionIds(r -> r.secretId("a").includeDeprecated(true));
    assertThat(all.versions()).hasSize(3).anyMatch(version -> version.versionId().equals(v1));
    assertThat(all.versions().get(0).kmsKeyIds()).containsExactly("DefaultEncryptionKey");
    assertThat(
            client
                .listSecretVersionIdsPaginator(
                    r -> r.secretId("a").includeDeprecated(true).maxResults(1))
                .stream())
        .hasSize(3);
  }

  @Test
  void batchGetSecretValue_someMissing_answersValuesAndErrorsApart() {
    secrets.createSecret("a", "one");
    secrets.createSecret("b", new byte[] {7});
    secrets.createSecret("gone", "x");
    secrets.deleteSecret("gone");

    BatchGetSecretValueResponse answer =
        client.batchGetSecretValue(r -> r.secretIdList("a", "b", "gone", "none"));

    assertThat(answer.secretValues())
        .extracting(SecretValueEntry::name, SecretValueEntry::secretString)
        .containsExactly(tuple("a", "one"), tuple("b", null));
    assertThat(answer.secretValues().get(1).secretBinary())
        .isEqualTo(SdkBytes.fromByteArray(new byte[] {7}));
    assertThat(answer.errors())
        .extracting(APIErrorType::secretId, APIErrorType::errorCode)
        .containsExactly(
            tuple("gone", "InvalidRequestException"), tuple("none", "ResourceNotFoundException"));
    assertThat(answer.nextToken()).isNull();
  }

  @Test
  void batchGetSecretValue_byFilter_comesInPages() {
    IntStream.range(0, 5).forEach(i -> secrets.createSecret("app/" + i, "v" + i));
    secrets.createSecret("other", "x");
    secrets.createSecret("app/deleted", "x");
    secrets.deleteSecret("app/deleted");
    Filter byName = Filter.builder().key("name").values("app/").build();

    assertThat(client.batchGetSecretValue(r -> r.filters(byName).maxResults(2)).nextToken())
        .isNotNull();
    assertThat(
            client.batchGetSecretValuePaginator(r -> r.filters(byName).maxResults(2)).stream()
                .flatMap(page -> page.secretValues().stream())
                .map(SecretValueEntry::secretString))
        .containsExactly("v0", "v1", "v2", "v3", "v4");
    assertThat(secrets.calls("BatchGetSecretValue")).isEqualTo(1 + 3);
    assertThat(
            client
                .batchGetSecretValue(
                    r -> r.filters(Filter.builder().key("name").values("!app/").build()))
                .secretValues())
        .extracting(SecretValueEntry::name)
        .containsExactly("other");
  }

  @Test
  void batchGetSecretValue_smallPageSize_pagesAListToo() {
    try (LocalSecretsManager small = LocalSecretsManager.builder().batchPageSize(2).start();
        SecretsManagerClient smallClient = Clients.of(small)) {
      small.createSecret("a", "1");
      small.createSecret("b", "2");
      small.createSecret("c", "3");
      assertThat(
              smallClient.batchGetSecretValuePaginator(r -> r.secretIdList("a", "b", "c")).stream()
                  .mapToInt(page -> page.secretValues().size()))
          .containsExactly(2, 1);
    }
  }

  @Test
  void batchGetSecretValue_wrongArguments_areRefused() {
    Filter byName = Filter.builder().key("name").values("a").build();
    assertThatThrownBy(() -> client.batchGetSecretValue(r -> {}))
        .isInstanceOf(InvalidParameterException.class);
    assertThatThrownBy(() -> client.batchGetSecretValue(r -> r.secretIdList("a").filters(byName)))
        .isInstanceOf(InvalidParameterException.class);
    assertThatThrownBy(() -> client.batchGetSecretValue(r -> r.secretIdList("a").maxResults(2)))
        .isInstanceOf(InvalidParameterException.class);
    List<String> many = IntStream.range(0, 21).mapToObj(i -> "s" + i).toList();
    assertThatThrownBy(() -> client.batchGetSecretValue(r -> r.secretIdList(many)))
        .hasMessageContaining("less than or equal to 20");
    assertThatThrownBy(() -> client.batchGetSecretValue(r -> r.filters(byName).maxResults(21)))
        .hasMessageContaining("between 1 and 20");
    assertThatThrownBy(() -> client.batchGetSecretValue(r -> r.filters(byName).nextToken("no")))
        .isInstanceOf(InvalidNextTokenException.class);
  }

  @Test
  void listSecrets_notSpokenHere_isAnUnknownOperation() {
    assertThatThrownBy(() -> client.listSecrets())
        .isInstanceOfSatisfying(
            SecretsManagerException.class,
            e -> {
              assertThat(e.awsErrorDetails().errorCode()).isEqualTo("UnknownOperationException");
              assertThat(e).hasMessageContaining("ListSecrets");
            });
  }
}
