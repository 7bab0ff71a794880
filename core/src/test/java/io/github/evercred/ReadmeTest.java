package io.github.evercred;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.testkit.LocalSecretsManager;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the README shows of the cache is compiled here, run, and compared with it. */
@Timeout(60)
class ReadmeTest {
  private static final Path README = Path.of("..", "README.md");
  private static final Path SELF = Path.of("src/test/java/io/github/evercred/ReadmeTest.java");

  private final Map<String, @Nullable String> before = new HashMap<>();
  private int accepted;

  record Login(String username, String password) {}

  private void accept(SecretValue key) {
    accepted += key.asString().startsWith("key") ? 1 : 0;
  }

  private String example() {
    // begin
    SecretCache secrets = SecretCache.create();
    secrets.prefetch("prod/orders/db", "prod/payment/api").orThrow(); // By one call.

    Login login = secrets.get("prod/orders/db").as(Login.class); // Made once per version.

    Supplier<String> apiKey = secrets.handle("prod/payment/api").map(api -> api.field("key"));
    String now = apiKey.get(); // A volatile read, but for the first and after 15 idle minutes.

    SecretVersions keys = secrets.versions("prod/tokens/key"); // As they stood together.
    accept(keys.current());
    keys.previous().ifPresent(this::accept);
    // end
    secrets.close();
    return login.username() + " " + login.password() + " " + now;
  }

  private void property(String name, String value) {
    before.put(name, System.getProperty(name));
    System.setProperty(name, value);
  }

  @AfterEach
  void restoreProperties() {
    before.forEach(
        (name, value) -> {
          if (value == null) {
            System.clearProperty(name);
          } else {
            System.setProperty(name, value);
          }
        });
  }

  @Test
  void readme_cacheExample_worksAsItSays() {
    try (var local = LocalSecretsManager.start()) {
      property("evercred.endpoint", local.endpoint().toString());
      property("aws.accessKeyId", "AKIDEXAMPLE");
      property("aws.secretAccessKey", "example");
      local.createSecret("prod/orders/db", "{\"username\":\"app\",\"password\":\"p1\"}");
      local.createSecret("prod/payment/api", "{\"key\":\"k1\"}");
      String first = FakeSource.version(1);
      String second = FakeSource.version(2);
      local.createSecret("prod/tokens/key", "other");
      local.putSecretValue("prod/tokens/key", first, "key one");
      local.putSecretValue("prod/tokens/key", second, "key two");

      assertThat(example()).isEqualTo("app p1 k1");

      assertThat(accepted).isEqualTo(2);
      assertThat(local.calls("BatchGetSecretValue")).isEqualTo(1);
      assertThat(local.calls("GetSecretValue")).as("the versions").isEqualTo(3);
    }
  }

  @Test
  void readme_cacheExample_isTheCompiledOne() throws Exception {
    var block =
        Pattern.compile("    // begin\n(.*?)    // end\n", Pattern.DOTALL)
            .matcher(Files.readString(SELF));
    assertThat(block.find()).isTrue();

    assertThat(Files.readString(README)).contains("```java\n" + block.group(1).indent(-4) + "```");
  }
}
