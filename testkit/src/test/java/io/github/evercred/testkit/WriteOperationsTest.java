package io.github.evercred.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.model.InvalidParameterException;
import software.amazon.awssdk.services.secretsmanager.model.InvalidRequestException;
import software.amazon.awssdk.services.secretsmanager.model.LimitExceededException;
import software.amazon.awssdk.services.secretsmanager.model.ResourceExistsException;
import software.amazon.awssdk.services.secretsmanager.model.ResourceNotFoundException;
import software.amazon.awssdk.services.secretsmanager.model.SecretsManagerException;
import software.amazon.awssdk.services.secretsmanager.model.Tag;

@Timeout(30)
class WriteOperationsTest {
  private static final Instant START = Instant.parse("2026-01-02T03:04:05.678Z");

  private final AtomicReference<Instant> now = new AtomicReference<>(START);
  private final LocalSecretsManager secrets = LocalSecretsManager.builder().clock(now::get).start();
  private final SecretsManagerClient client = Clients.of(secrets);

  @AfterEach
  void close() {
    client.close();
    secrets.close();
  }

  private static String newId() {
    return UUID.randomUUID().toString();
  }

  private String current() {
    return secrets.versionId("a", "AWSCURRENT").orElseThrow();
  }

  @Test
  void createSecret_throughTheSdk_storesAllItIsGiven() {
    var answer =
        client.createSecret(
            r ->
                r.name("a")
                    .secretString("one")
                    .description("orders")
                    .kmsKeyId("alias/orders")
                    .tags(Tag.builder().key("team").value("shop").build()));

    assertThat(answer.versionId()).isEqualTo(current());
    assertThat(secrets.arn("a")).isEqualTo(answer.arn());
    var described = client.describeSecret(r -> r.secretId("a"));
    assertThat(described.description()).isEqualTo("orders");
    assertThat(described.kmsKeyId()).isEqualTo("alias/orders");
    assertThat(described.tags()).containsExactly(Tag.builder().key("team").value("shop").build());
    assertThat(described.createdDate()).isEqualTo(START);
  }

  @Test
  void createSecret_withoutValue_hasNoVersionUntilOneIsPut() {
    assertThat(client.createSecret(r -> r.name("a")).versionId()).isNull();
    assertThatThrownBy(() -> client.getSecretValue(r -> r.secretId("a")))
        .isInstanceOf(ResourceNotFoundException.class)
        .hasMessageContaining("staging label: AWSCURRENT");
    client.putSecretValue(r -> r.secretId("a").secretString("one").versionStages("AWSPENDING"));
    assertThat(secrets.value("a", "AWSCURRENT")).isEqualTo("one"); // the first version is current
  }

  @Test
  void createSecret_sameToken_isIdempotentForTheSameValueOnly() {
    String token = newId();
    var first = client.createSecret(r -> r.name("a").secretString("one").clientRequestToken(token));
    var again = client.createSecret(r -> r.name("a").secretString("one").clientRequestToken(token));
    assertThat(again.arn()).isEqualTo(first.arn());
    assertThatThrownBy(
            () ->
                client.createSecret(r -> r.name("a").secretString("two").clientRequestToken(token)))
        .isInstanceOf(ResourceExistsException.class);
    assertThatThrownBy(() -> client.createSecret(r -> r.name("a").secretString("one")))
        .isInstanceOf(ResourceExistsException.class)
        .hasMessageContaining("the secret a already exists");
  }

  @Test
  void createSecret_badNameOrValue_isRefused() {
    assertThatThrownBy(() -> client.createSecret(r -> r.name("no spaces").secretString("x")))
        .isInstanceOfSatisfying(
            SecretsManagerException.class,
            e -> assertThat(e.awsErrorDetails().errorCode()).isEqualTo("ValidationException"))
        .hasMessageContaining("Invalid name");
    assertThatThrownBy(
            () ->
                client.createSecret(
                    r -> r.name("a").secretString("x").secretBinary(SdkBytes.fromUtf8String("x"))))
        .isInstanceOf(InvalidParameterException.class);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> secrets.createSecret("no spaces", "x"))
        .withMessageStartingWith("ValidationException: Invalid name");
  }

  @Test
  void value_of65536Bytes_isTheLargest() {
    client.createSecret(r -> r.name("a").secretString("x".repeat(65_536)));
    assertThat(client.getSecretValue(r -> r.secretId("a")).secretString()).hasSize(65_536);
    assertThatThrownBy(
            () -> client.putSecretValue(r -> r.secretId("a").secretString("x".repeat(65_537))))
        .hasMessageContaining("secretString")
        .hasMessageNotContaining("xxx");
    assertThatThrownBy(
            () ->
                client.putSecretValue(
                    r -> r.secretId("a").secretBinary(SdkBytes.fromByteArray(new byte[65_537]))))
        .hasMessageContaining("secretBinary");
    assertThatThrownBy(() -> client.putSecretValue(r -> r.secretId("a").secretString("")))
        .hasMessageContaining("between 1 and 65536");
  }

  @Test
  void putSecretValue_noLabels_movesCurrentAndPrevious() {
    secrets.createSecret("a", "one");
    String v1 = current();
    var answer = client.putSecretValue(r -> r.secretId("a").secretString("two"));
    assertThat(answer.versionStages()).containsExactly("AWSCURRENT");
    assertThat(current()).isEqualTo(answer.versionId());
    assertThat(secrets.versionId("a", "AWSPREVIOUS")).contains(v1);
    client.putSecretValue(r -> r.secretId("a").secretString("three"));
    assertThat(secrets.versionId("a", "AWSPREVIOUS")).contains(answer.versionId());
  }

  @Test
  void putSecretValue_tokenIsTheVersionIdAndNeverChangesValue() {
    secrets.createSecret("a", "one");
    String token = newId();
    for (int i = 0; i < 2; i++) {
      assertThat(
              client
                  .putSecretValue(
                      r -> r.secretId("a").secretString("two").clientRequestToken(token))
                  .versionId())
          .isEqualTo(token);
    }
    secrets.putSecretValue("a", null, "three");
    client.putSecretValue(r -> r.secretId("a").secretString("two").clientRequestToken(token));
    assertThat(secrets.value("a", "AWSCURRENT")).isEqualTo("three"); // the repetition moved nothing
    assertThatThrownBy(
            () ->
                client.putSecretValue(
                    r -> r.secretId("a").secretString("other").clientRequestToken(token)))
        .isInstanceOf(ResourceExistsException.class)
        .hasMessageContaining(token)
        .hasMessageNotContaining("other");
  }

  @Test
  void putSecretValue_pendingVersionOfARotation_getsItsValue() {
    secrets.createSecret("a", "one");
    String v1 = current();
    String v2 = secrets.startRotation("a");
    client.putSecretValue(
        r ->
            r.secretId("a").clientRequestToken(v2).secretString("two").versionStages("AWSPENDING"));
    assertThat(secrets.value("a", "AWSPENDING")).isEqualTo("two");
    assertThat(current()).isEqualTo(v1);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> secrets.startRotation("a"))
        .withMessageContaining("A previous rotation isn't complete");
  }

  @Test
  void putSecretValue_nothingOrShortToken_isRefused() {
    secrets.createSecret("a", "one");
    assertThatThrownBy(() -> client.putSecretValue(r -> r.secretId("a")))
        .isInstanceOf(InvalidRequestException.class);
    assertThatThrownBy(
            () ->
                client.putSecretValue(
                    r -> r.secretId("a").secretString("x").clientRequestToken("short")))
        .hasMessageContaining("clientRequestToken");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> secrets.putSecretValue("a", "short", "x"))
        .withMessageContaining("clientRequestToken");
  }

  @Test
  void updateSecretVersionStage_current_takesPreviousAlongBothWays() {
    secrets.createSecret("a", "one");
    String v1 = current();
    String v2 = secrets.putSecretValue("a", null, "two", "AWSPENDING");
    for (String[] move : new String[][] {{v1, v2}, {v2, v1}, {v1, v2}}) {
      client.updateSecretVersionStage(
          r ->
              r.secretId("a")
                  .versionStage("AWSCURRENT")
                  .removeFromVersionId(move[0])
                  .moveToVersionId(move[1]));
      assertThat(current()).isEqualTo(move[1]);
      assertThat(secrets.versionId("a", "AWSPREVIOUS")).contains(move[0]);
    }
    assertThat(secrets.versionId("a", "AWSPENDING")).contains(v2);
    assertThat(client.describeSecret(r -> r.secretId("a")).lastRotatedDate()).isEqualTo(START);
  }

  @Test
  void updateSecretVersionStage_againstTheRules_isRefusedInTheServicesWords() {
    secrets.createSecret("a", "one");
    String v1 = current();
    String v2 = secrets.putSecretValue("a", null, "two", "AWSPENDING");
    assertThatThrownBy(
            () ->
                client.updateSecretVersionStage(
                    r -> r.secretId("a").versionStage("AWSCURRENT").moveToVersionId(v2)))
        .isInstanceOf(InvalidParameterException.class)
        .hasMessageContaining(
            "The parameter RemoveFromVersionId can't be empty. Staging label AWSCURRENT is currently attached to version "
                + v1);
    assertThatThrownBy(
            () ->
                client.updateSecretVersionStage(
                    r ->
                        r.secretId("a")
                            .versionStage("AWSCURRENT")
                            .removeFromVersionId(v2)
                            .moveToVersionId(v2)))
        .isInstanceOf(InvalidParameterException.class)
        .hasMessageContaining("must be set to the version that currently has");
    assertThatThrownBy(
            () ->
                client.updateSecretVersionStage(
                    r -> r.secretId("a").versionStage("AWSCURRENT").removeFromVersionId(v1)))
        .isInstanceOf(InvalidParameterException.class)
        .hasMessageContaining("It can't be completely removed.");
    assertThatThrownBy(
            () ->
                client.updateSecretVersionStage(
                    r -> r.secretId("a").versionStage("mine").moveToVersionId("0".repeat(32))))
        .isInstanceOf(ResourceNotFoundException.class);
    assertThatThrownBy(
            () -> client.updateSecretVersionStage(r -> r.secretId("a").versionStage("mine")))
        .isInstanceOf(InvalidParameterException.class);
    assertThat(current()).isEqualTo(v1);
  }

  @Test
  void updateSecretVersionStage_emptyVersion_cannotBecomeCurrent() {
    secrets.createSecret("a", "one");
    String v2 = secrets.startRotation("a");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> secrets.moveLabel("a", "AWSCURRENT", v2))
        .withMessageContaining(v2);
    assertThat(secrets.value("a", "AWSCURRENT")).isEqualTo("one");
  }

  @Test
  void moveLabel_customLabel_isOnOneVersionAndRemovable() {
    secrets.createSecret("a", "one");
    String v1 = current();
    String v2 = secrets.putSecretValue("a", null, "two", "blue");
    assertThat(secrets.versionId("a", "blue")).contains(v2);
    secrets.moveLabel("a", "blue", v1);
    assertThat(client.describeSecret(r -> r.secretId("a")).versionIdsToStages())
        .containsOnlyKeys(v1);
    secrets.moveLabel("a", "blue", null);
    secrets.moveLabel("a", "blue", null); // absent already: nothing to do
    assertThat(secrets.versionId("a", "blue")).isEmpty();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> secrets.moveLabel("a", "AWSCURRENT", null))
        .withMessageContaining("It can't be completely removed.");
  }

  @Test
  void moveLabel_twentyFirstLabel_isOverTheLimit() {
    secrets.createSecret("a", "one");
    String v1 = current();
    for (int i = 0; i < 19; i++) {
      secrets.moveLabel("a", "label-" + i, v1);
    }
    assertThatThrownBy(
            () ->
                client.updateSecretVersionStage(
                    r -> r.secretId("a").versionStage("one-more").moveToVersionId(v1)))
        .isInstanceOf(LimitExceededException.class);
    secrets.putSecretValue("a", null, "two"); // moving labels still works
    assertThat(secrets.versionId("a", "AWSPREVIOUS")).contains(v1);
  }

  @Test
  void versions_moreThanAHundred_loseTheOldUnlabelledOnes() {
    secrets.createSecret("a", "v");
    String oldest = current();
    for (int i = 0; i < 120; i++) {
      secrets.putSecretValue("a", null, "v" + i);
    }
    assertThat(
            client
                .listSecretVersionIdsPaginator(r -> r.secretId("a").includeDeprecated(true))
                .stream()
                .mapToInt(page -> page.versions().size())
                .sum())
        .isEqualTo(121);
    now.set(START.plus(Duration.ofHours(25)));
    secrets.putSecretValue("a", null, "last");
    assertThat(client.listSecretVersionIds(r -> r.secretId("a").includeDeprecated(true)).versions())
        .hasSize(100)
        .noneMatch(version -> version.versionId().equals(oldest));
  }

  @Test
  void deleteSecret_withWindow_hidesItUntilItIsRestoredOrGone() {
    String arn = secrets.createSecret("a", "one");
    assertThat(client.deleteSecret(r -> r.secretId("a").recoveryWindowInDays(7L)).deletionDate())
        .isEqualTo(START.plus(Duration.ofDays(7)));
    assertThatThrownBy(() -> client.getSecretValue(r -> r.secretId("a")))
        .isInstanceOf(InvalidRequestException.class);
    assertThatThrownBy(() -> client.putSecretValue(r -> r.secretId("a").secretString("x")))
        .isInstanceOf(InvalidRequestException.class);
    assertThatThrownBy(() -> client.createSecret(r -> r.name("a").secretString("x")))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("already scheduled for deletion");
    assertThat(client.restoreSecret(r -> r.secretId("a")).arn()).isEqualTo(arn);
    assertThat(secrets.value("a", "AWSCURRENT")).isEqualTo("one");

    client.deleteSecret(r -> r.secretId("a").recoveryWindowInDays(7L));
    now.set(START.plus(Duration.ofDays(7)));
    assertThatThrownBy(() -> client.getSecretValue(r -> r.secretId("a")))
        .isInstanceOf(ResourceNotFoundException.class);
    assertThatThrownBy(() -> client.restoreSecret(r -> r.secretId("a")))
        .isInstanceOf(ResourceNotFoundException.class);
  }

  @Test
  void deleteSecret_byForce_freesTheNameForAnotherArn() {
    String arn = secrets.createSecret("a", "one");
    client.deleteSecret(r -> r.secretId("a").forceDeleteWithoutRecovery(true));
    String next = secrets.createSecret("a", "two");
    assertThat(next).isNotEqualTo(arn);
    assertThatThrownBy(() -> client.getSecretValue(r -> r.secretId(arn)))
        .isInstanceOf(ResourceNotFoundException.class);
    assertThat(client.getSecretValue(r -> r.secretId(next)).secretString()).isEqualTo("two");
    secrets.forceDeleteSecret("a");
    client.deleteSecret(r -> r.secretId("a").forceDeleteWithoutRecovery(true)); // no error
  }

  @Test
  void deleteSecret_wrongArguments_areRefused() {
    secrets.createSecret("a", "one");
    for (long days : List.of(6L, 31L)) {
      assertThatThrownBy(() -> client.deleteSecret(r -> r.secretId("a").recoveryWindowInDays(days)))
          .isInstanceOf(InvalidParameterException.class);
    }
    assertThatThrownBy(
            () ->
                client.deleteSecret(
                    r -> r.secretId("a").recoveryWindowInDays(7L).forceDeleteWithoutRecovery(true)))
        .isInstanceOf(InvalidParameterException.class);
    assertThatThrownBy(() -> client.deleteSecret(r -> r.secretId("none")))
        .isInstanceOf(ResourceNotFoundException.class);
  }

  @Test
  void builder_badValues_areRefused() {
    LocalSecretsManager.Builder builder = LocalSecretsManager.builder();
    assertThatIllegalArgumentException().isThrownBy(() -> builder.region("Ireland"));
    assertThatIllegalArgumentException().isThrownBy(() -> builder.account("12"));
    assertThatIllegalArgumentException().isThrownBy(() -> builder.batchPageSize(0));
    assertThatIllegalArgumentException().isThrownBy(() -> builder.batchPageSize(21));
    builder.region("us-gov-west-1").region("cn-north-1");
  }
}
