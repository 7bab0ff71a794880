package io.github.evercred.benchmarks;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.model.DescribeSecretRequest;
import software.amazon.awssdk.services.secretsmanager.model.DescribeSecretResponse;
import software.amazon.awssdk.services.secretsmanager.model.GetSecretValueRequest;
import software.amazon.awssdk.services.secretsmanager.model.GetSecretValueResponse;

/**
 * A client in whose account every secret exists, for what is measured after the first fetch. Each
 * answer is made of new strings, as one that comes over HTTP is.
 */
final class FixedSecrets implements SecretsManagerClient {
  private static final String ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:";
  private static final String VERSION = "7ad0f1e2-1111-4222-8333-%012d";

  @Override
  public String serviceName() {
    return "secretsmanager";
  }

  @Override
  public void close() {}

  private static String version(String id) {
    return VERSION.formatted(id.hashCode() & 0xffff_ffffL);
  }

  @Override
  public GetSecretValueResponse getSecretValue(GetSecretValueRequest request) {
    String id = request.secretId();
    return GetSecretValueResponse.builder()
        .name(id + "")
        .arn(ARN + id + "-AbCdEf")
        .versionId(version(id))
        .versionStages(List.of("AWSCURRENT"))
        .createdDate(Instant.now())
        .secretString(
            "{\"username\":\"orders\",\"password\":\"%s\",\"host\":\"db.example.com\",\"port\":5432}"
                .formatted(version(id)))
        .build();
  }

  @Override
  public DescribeSecretResponse describeSecret(DescribeSecretRequest request) {
    String id = request.secretId();
    return DescribeSecretResponse.builder()
        .name(id + "")
        .arn(ARN + id + "-AbCdEf")
        .versionIdsToStages(Map.of(version(id), List.of("AWSCURRENT")))
        .createdDate(Instant.now())
        .build();
  }
}
