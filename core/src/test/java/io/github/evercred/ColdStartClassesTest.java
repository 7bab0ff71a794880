package io.github.evercred;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.testkit.LocalAgent;
import io.github.evercred.testkit.LocalSecretsManager;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Which libraries a process loads for its first secret. */
@Timeout(100)
class ColdStartClassesTest {
  private static final String TOKEN = "token-55d0e3";

  @TempDir Path dir;

  /** Reads one secret with what the environment says. */
  static final class Child {
    private Child() {}

    public static void main(String[] args) {
      try (SecretCache cache = SecretCache.create()) {
        System.out.println("read " + cache.get("a/secret").field("name"));
      }
    }
  }

  private List<String> loaded(Map<String, String> environment, String classPath) throws Exception {
    Path log = dir.resolve("classes.log");
    Path said = dir.resolve("said.log");
    var command =
        new ProcessBuilder(
            System.getProperty("java.home") + File.separator + "bin" + File.separator + "java",
            "-XX:TieredStopAtLevel=1",
            "-Xlog:class+load:file=" + log,
            "-Daws.accessKeyId=AKIDEXAMPLE",
            "-Daws.secretAccessKey=example",
            "-cp",
            classPath,
            Child.class.getName());
    command.environment().putAll(environment);
    command.redirectErrorStream(true).redirectOutput(said.toFile());
    Process child = command.start();
    try {
      assertThat(child.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(said).content(StandardCharsets.UTF_8).contains("read a name");
    } finally {
      child.destroyForcibly();
    }
    try (var lines = Files.lines(log)) {
      return lines.toList();
    }
  }

  private static String classPath() {
    return System.getProperty("java.class.path");
  }

  private static String classPathWithout(String library) {
    String all = classPath();
    String left =
        Arrays.stream(all.split(File.pathSeparator, -1))
            .filter(entry -> !entry.contains(library))
            .collect(Collectors.joining(File.pathSeparator));
    assertThat(left).isNotEqualTo(all);
    return left;
  }

  @Test
  void firstSecret_throughTheAgent_needsNoLibraryButTheParser() throws Exception {
    try (LocalSecretsManager secrets = LocalSecretsManager.start();
        LocalAgent agent = LocalAgent.before(secrets).token(TOKEN).start()) {
      secrets.createSecret("a/secret", "{\"name\":\"a name\"}");
      Map<String, String> environment =
          Map.of(
              "AWS_LAMBDA_FUNCTION_NAME",
              "f",
              "AWS_SESSION_TOKEN",
              TOKEN,
              "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT",
              Integer.toString(agent.port()));

      List<String> classes = loaded(environment, classPath());

      assertThat(classes)
          .anyMatch(line -> line.contains("io.github.evercred.LocalAgentSource"))
          .noneMatch(line -> line.contains("software.amazon.awssdk"))
          .noneMatch(line -> line.contains("io.github.evercred.AwsSecretSource "))
          .noneMatch(line -> line.contains("io.github.resilience4j"))
          .noneMatch(line -> line.contains("com.github.benmanes.caffeine"))
          .noneMatch(line -> line.contains("org.crac"))
          .noneMatch(line -> line.contains("io.github.evercred.Checkpoints$Hook"))
          .noneMatch(line -> line.contains("io.micrometer"))
          .noneMatch(line -> line.contains("jdk.jfr"))
          .noneMatch(line -> line.contains("io.github.evercred.JfrEvents"))
          .noneMatch(line -> line.contains("io.github.evercred.SecretCacheHealth"))
          .noneMatch(line -> line.contains("io.github.evercred.Diagnosis"))
          .noneMatch(line -> line.contains("java.util.logging"))
          .noneMatch(line -> line.contains("java.lang.runtime.ObjectMethods"));
      assertThat(loaded(environment, classPathWithout("awssdk")))
          .anyMatch(line -> line.contains("io.github.evercred.LocalAgentSource"));
    }
  }

  /** That the search finds what it looks for. */
  @Test
  void firstSecret_throughTheSdk_needsItsClasses() throws Exception {
    try (LocalSecretsManager secrets = LocalSecretsManager.start()) {
      secrets.createSecret("a/secret", "{\"name\":\"a name\"}");

      assertThat(
              loaded(
                  Map.of(
                      "EVERCRED_ENDPOINT", secrets.endpoint().toString(),
                      "EVERCRED_REGION", secrets.region()),
                  classPath()))
          .anyMatch(line -> line.contains("software.amazon.awssdk"))
          .anyMatch(line -> line.contains("io.github.evercred.AwsSecretSource "))
          .noneMatch(line -> line.contains("io.github.resilience4j"))
          .noneMatch(line -> line.contains("com.github.benmanes.caffeine"))
          .noneMatch(line -> line.contains("org.crac"))
          .noneMatch(line -> line.contains("software.amazon.awssdk.services.sts"))
          .noneMatch(line -> line.contains("software.amazon.awssdk.services.kms"));
    }
  }
}
