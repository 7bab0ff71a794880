package io.github.evercred.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.testkit.LocalAgent;
import io.github.evercred.testkit.LocalSecretsManager;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What heap dumps show of a process that has used a hundred secrets and kept all that one may keep,
 * sealed and not. This is what docs/security.md promises.
 */
@ExtendWith(Servers.class)
@Timeout(120)
class SealedHeapDumpTest {
  private static final int SECRETS = 100;
  private static final String TOKEN = "token-7d1c";

  @TempDir Path dir;

  /** In no constant and no argument of the process that is looked at. */
  private final String marker = "mk" + UUID.randomUUID().toString().replace("-", "");

  private final String id = UUID.randomUUID().toString();
  private int dumps;

  @BeforeEach
  void storeSecrets(Servers.Running servers) {
    LocalSecretsManager secrets = servers.secrets();
    for (int i = 0; i < SECRETS; i++) {
      secrets.createSecret(
          id + i, "{\"password\":\"%s \\u00e9\\\"\",\"port\":5432}".formatted(marker));
    }
  }

  private Process start(boolean sealed, List<String> more, int agent, String... args)
      throws Exception {
    var command =
        new ArrayList<>(
            List.of(
                System.getProperty("java.home") + File.separator + "bin" + File.separator + "java",
                "-Xmx64m",
                "-Devercred.sealed=" + sealed,
                "-Daws.accessKeyId=local",
                "-Daws.secretAccessKey=local"));
    command.addAll(more);
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(HeapChild.class.getName(), id, Integer.toString(SECRETS)));
    command.addAll(List.of(args));
    var builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
    if (agent > 0) {
      builder.environment().put("AWS_SESSION_TOKEN", TOKEN);
      builder.environment().put("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", Integer.toString(agent));
    }
    assertThat(String.join(" ", command)).doesNotContain(marker);
    return builder.start();
  }

  private static List<String> place(LocalSecretsManager secrets) {
    return List.of(
        "-Devercred.endpoint=" + secrets.endpoint(), "-Devercred.region=" + secrets.region());
  }

  private HeapDump dump(Process child, boolean all) throws Exception {
    return HeapDump.of(child, dir.resolve(++dumps + ".hprof"), all);
  }

  private void look(Process child, boolean sealed) throws Exception {
    try (BufferedReader said = child.inputReader(StandardCharsets.UTF_8);
        BufferedWriter told = child.outputWriter(StandardCharsets.UTF_8)) {
      assertThat(said.readLine()).isEqualTo("ready");
      if (!sealed) {
        assertThat(dump(child, true).find(marker).get("UTF-8")).isGreaterThanOrEqualTo(SECRETS);
        assertThat(dump(child, false).find(marker).get("UTF-8")).isGreaterThanOrEqualTo(SECRETS);
        return;
      }
      var last = new ArrayList<HeapDump>();
      // The JDK keeps a connection for five seconds, and in its buffer what was read last.
      try {
        Eventually.until(
            () -> {
              told.write("collect\n");
              told.flush();
              assertThat(said.readLine()).isEqualTo("collected");
              last.clear();
              last.add(dump(child, false));
              last.add(dump(child, true));
              return last.get(0).find(marker).isEmpty() && last.get(1).find(marker).isEmpty();
            });
      } catch (AssertionError e) {
        throw new AssertionError("Held by " + last.get(1).holders(marker), e);
      }
    } finally {
      child.destroyForcibly();
    }
  }

  @ParameterizedTest
  @CsvSource({"false", "true"})
  void dump_throughTheSdk_showsSecretsUnlessTheyAreSealed(boolean sealed, Servers.Running servers)
      throws Exception {
    look(start(sealed, place(servers.secrets()), 0), sealed);
  }

  @ParameterizedTest
  @CsvSource({"false", "true"})
  void dump_throughTheAgent_showsSecretsUnlessTheyAreSealed(boolean sealed, Servers.Running servers)
      throws Exception {
    try (LocalAgent agent = LocalAgent.before(servers.secrets()).token(TOKEN).start()) {
      look(start(sealed, List.of("-Devercred.localAgent=always"), agent.port()), sealed);
    }
  }

  @ParameterizedTest
  @CsvSource({"false", "true"})
  void dump_withAnOpenConnection_showsSecretsUnlessTheyAreSealed(
      boolean sealed, Servers.Running servers) throws Exception {
    String user = "heap_" + sealed;
    servers.postgres().createUser(user, marker);
    servers
        .secrets()
        .createSecret(
            id + "db", "{\"username\":\"%s\",\"password\":\"%s\"}".formatted(user, marker));

    look(
        start(
            sealed, place(servers.secrets()), 0, servers.postgres().jdbcUrl("postgres"), id + "db"),
        sealed);
  }

  /** That each form in which a value could stand in memory would be found. */
  @Test
  void search_everyForm_findsIt() throws Exception {
    Map<String, byte[]> written =
        Map.of(
            "UTF-8", ("x" + marker + "x").getBytes(StandardCharsets.UTF_8),
            "UTF-16LE", ("x" + marker + "x").getBytes(StandardCharsets.UTF_16LE),
            "UTF-16BE", ("x" + marker + "x").getBytes(StandardCharsets.UTF_16BE),
            "base64, 0",
                Base64.getEncoder().encode(("abc" + marker + "x").getBytes(StandardCharsets.UTF_8)),
            "base64, 1",
                Base64.getEncoder().encode(("a" + marker + "xy").getBytes(StandardCharsets.UTF_8)),
            "base64, 2",
                Base64.getEncoder().encode(("ab" + marker).getBytes(StandardCharsets.UTF_8)),
            "JSON-escaped",
                marker
                    .chars()
                    .mapToObj("\\u%04x"::formatted)
                    .reduce("", String::concat)
                    .getBytes(StandardCharsets.UTF_8));
    for (Map.Entry<String, byte[]> form : written.entrySet()) {
      Path file = dir.resolve("form");
      Files.write(file, form.getValue());
      assertThat(HeapDump.of(file).find(marker)).containsKey(form.getKey());
    }
    Files.writeString(dir.resolve("form"), marker.substring(1));
    assertThat(HeapDump.of(dir.resolve("form")).find(marker)).isEmpty();
  }
}
