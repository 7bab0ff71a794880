package io.github.evercred;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/** Core works without the libraries that are optional, and asks for no others than it says. */
@Timeout(100)
class BareClassPathTest {
  private static final List<String> NEEDED =
      List.of(
          "secretsmanager",
          "url-connection-client",
          "sts",
          "caffeine",
          "resilience4j-circuitbreaker",
          "resilience4j-retry",
          "nanojson",
          "jspecify");

  /** Our own, and what those bring that are needed; no more. */
  private static final List<String> ALLOWED =
      List.of(
          "/core/target/classes",
          "/core/target/test-classes",
          "/software/amazon/awssdk/",
          "/software/amazon/eventstream/",
          "/org/reactivestreams/",
          "/caffeine/",
          "/io/github/resilience4j/",
          "/com/grack/nanojson/",
          "/org/jspecify/",
          "/slf4j-api/");

  @TempDir Path dir;

  /** Reads, fails and tells of it, with every library missing that may be. */
  static final class Child {
    private Child() {}

    public static void main(String[] args) {
      for (String name :
          List.of(
              "io.micrometer.core.instrument.MeterRegistry",
              "org.crac.Resource",
              "software.amazon.awssdk.services.kms.KmsClient")) {
        require(!isThere(name), name + " is on the class path");
      }
      require(isThere("jdk.jfr.Event") == args[0].equals("jfr"), "module jdk.jfr");
      SecretSource source =
          request -> {
            if (request.secretId().equals("absent")) {
              throw new SecretException(SecretException.Reason.NOT_FOUND, "as the test says", null);
            }
            return SecretValue.builder(request.secretId(), "version-1").text("{\"a\":\"b\"}");
          };
      try (SecretCache cache =
          SecretCache.builder().source(source).sealed().listener(JfrEvents.listener()).build()) {
        var login = new RotationAwareLogin(cache, JfrEvents.rotationListener());
        for (int i = 0; i < 200; i++) { // Caffeine takes over.
          require(cache.get("secret" + i).field("a").equals("b"), "the value");
        }
        try {
          cache.get("absent");
          throw new IllegalStateException("not expected");
        } catch (SecretException e) {
          require(e.reason() == SecretException.Reason.NOT_FOUND, "the reason");
        }
        require(cache.health().status() == SecretCacheHealth.Status.DOWN, "the health");
        require(cache.diagnose().contains("'absent'"), "the diagnosis");
        require(cache.statistics().held() == 200, "the statistics");
        require(login.statistics().succeeded() == 0, "the logins");
        System.out.println("all is well");
      }
    }

    private static boolean isThere(String name) {
      try {
        return Class.forName(name) != null;
      } catch (ClassNotFoundException e) {
        return false;
      }
    }

    private static void require(boolean holds, String what) {
      if (!holds) {
        throw new IllegalStateException(what);
      }
    }
  }

  private static String barePath() {
    return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator, -1))
        .filter(
            entry -> {
              String path = entry.replace('\\', '/');
              return !path.contains("/awssdk/kms/") && ALLOWED.stream().anyMatch(path::contains);
            })
        .collect(Collectors.joining(File.pathSeparator));
  }

  @ParameterizedTest
  @ValueSource(strings = {"jfr", "java.base"})
  void core_withoutOptionalLibraries_works(String modules) throws Exception {
    Path said = dir.resolve("said.log");
    var command =
        new ArrayList<>(
            List.of(
                System.getProperty("java.home") + File.separator + "bin" + File.separator + "java",
                "-XX:TieredStopAtLevel=1"));
    if (modules.equals("java.base")) {
      command.addAll(List.of("--limit-modules", "java.base"));
    }
    command.addAll(List.of("-cp", barePath(), Child.class.getName(), modules));
    Process child =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(said.toFile()).start();
    try {
      assertThat(child.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(said).content(StandardCharsets.UTF_8).contains("all is well");
      assertThat(said).content(StandardCharsets.UTF_8).doesNotContain("WARNING");
    } finally {
      child.destroyForcibly();
    }
  }

  /** What users get on their class path with core: these, and what they bring. */
  @Test
  void dependencies_thatAreNotOptional_areThese() throws Exception {
    NodeList all =
        DocumentBuilderFactory.newInstance()
            .newDocumentBuilder()
            .parse(new File("pom.xml"))
            .getElementsByTagName("dependency");
    Map<String, String> found = new TreeMap<>();
    for (int i = 0; i < all.getLength(); i++) {
      Element one = (Element) all.item(i);
      if (text(one, "optional").isEmpty() && !text(one, "scope").equals("test")) {
        found.put(text(one, "artifactId"), "");
      }
    }

    found.remove("pitest-junit5-plugin"); // A plugin's own.
    assertThat(found.keySet()).containsExactlyInAnyOrderElementsOf(NEEDED);
  }

  /** The first: a dependency's own stands before those that it excludes. */
  private static String text(Element dependency, String name) {
    NodeList found = dependency.getElementsByTagName(name);
    return found.getLength() == 0 ? "" : found.item(0).getTextContent();
  }
}
