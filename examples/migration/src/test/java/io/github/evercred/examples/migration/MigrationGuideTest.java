package io.github.evercred.examples.migration;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import com.amazonaws.secretsmanager.caching.SecretCacheConfiguration;
import io.github.evercred.AwsSecretSource;
import io.github.evercred.SecretCache;
import io.github.evercred.testkit.LocalSecretsManager;
import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import software.amazon.lambda.powertools.parameters.secrets.SecretsProvider;

/** What the guide shows is compiled in this module, and compared with it. */
class MigrationGuideTest {
  private static final Path GUIDE =
      Path.of("..", "..", "docs", "migrating-from-aws-secretsmanager-caching-java.md");
  private static final Pattern SHOWN =
      Pattern.compile("<!-- code: (\\S+) -->\n```java\n(.*?)```\n", Pattern.DOTALL);
  private static final Pattern REGION =
      Pattern.compile("^ *// begin: (\\S+)\n(.*?)^ *// end$", Pattern.DOTALL | Pattern.MULTILINE);

  private String guide = "";

  @BeforeEach
  void readGuide() throws IOException {
    guide = Files.readString(GUIDE);
  }

  @Test
  void javaBlocks_all_areTheCompiledOnes() throws IOException {
    Map<String, String> shown = new HashMap<>();
    for (MatchResult block : found(SHOWN, guide)) {
      assertThat(shown.put(block.group(1), block.group(2))).as(block.group(1)).isNull();
    }

    Map<String, String> compiled = compiled();
    assertThat(shown.keySet()).isEqualTo(compiled.keySet()).hasSizeGreaterThan(20);
    shown.forEach((name, code) -> assertThat(code).as(name).isEqualTo(compiled.get(name)));
    assertThat(found(Pattern.compile("```java"), guide)).hasSameSizeAs(shown.keySet());
  }

  private static Map<String, String> compiled() throws IOException {
    Map<String, String> regions = new HashMap<>();
    try (Stream<Path> files = Files.walk(Path.of("src", "main", "java"))) {
      for (Path file : files.filter(path -> path.toString().endsWith(".java")).toList()) {
        for (MatchResult region : found(REGION, Files.readString(file))) {
          String text = region.group(2).stripTrailing().stripIndent() + "\n";
          assertThat(regions.put(region.group(1), text)).as(region.group(1)).isNull();
        }
      }
    }
    return regions;
  }

  @Test
  void dependencies_before_areThoseOfTheBuild() throws IOException {
    String build = Files.readString(Path.of("..", "..", "pom.xml"));
    Pattern dependency =
        Pattern.compile(
            "<artifactId>(\\S+)</artifactId>\n  <version>(\\S+)</version>\n</dependency>");
    Map<String, String> shown = new HashMap<>();
    for (MatchResult block : found(dependency, guide)) {
      shown.put(block.group(1), block.group(2));
    }

    assertThat(shown)
        .containsOnlyKeys(
            "aws-secretsmanager-caching-java", "evercred-core", "powertools-parameters-secrets");
    assertThat(build)
        .contains("<aws-caching.version>" + shown.get("aws-secretsmanager-caching-java") + "<")
        .contains("<powertools.version>" + shown.get("powertools-parameters-secrets") + "<")
        .contains("<version>" + shown.get("evercred-core"));
  }

  @Test
  void policies_allow_theCallsThatAreMade() {
    List<MatchResult> policies = found(Pattern.compile("```json\n(.*?)```", Pattern.DOTALL), guide);
    assertThat(policies).hasSize(2);

    try (var secrets = LocalSecretsManager.start();
        var client = Clients.of(secrets);
        var before =
            new com.amazonaws.secretsmanager.caching.SecretCache(
                new SecretCacheConfiguration().withClient(client));
        var after = SecretCache.builder().source(AwsSecretSource.of(client)).build()) {
      secrets.createSecret("id", "value");
      assertThat(before.getSecretString("id")).isEqualTo("value");
      assertThat(actions(policies.get(0).group(1))).isEqualTo(secrets.calls().keySet());
      secrets.resetCalls();
      assertThat(after.get("id").asString()).isEqualTo("value");
      assertThat(actions(policies.get(1).group(1))).isEqualTo(secrets.calls().keySet());
    }
  }

  private static Set<String> actions(String policy) {
    Set<String> actions = new HashSet<>();
    for (MatchResult action : found(Pattern.compile("\"secretsmanager:(\\w+)\""), policy)) {
      actions.add(action.group(1));
    }
    return actions;
  }

  @Test
  void tables_nameEveryPublicMethodOfBefore() {
    String tables = guide.lines().filter(line -> line.startsWith("|")).collect(joining("\n"));
    Set<String> unnamed = new TreeSet<>();
    Stream.of(
            com.amazonaws.secretsmanager.caching.SecretCache.class,
            SecretCacheConfiguration.class,
            SecretsProvider.class)
        .flatMap(type -> Arrays.stream(type.getMethods()))
        .filter(method -> method.getDeclaringClass() != Object.class)
        .filter(method -> Modifier.isPublic(method.getModifiers()) && !method.isBridge())
        .map(MigrationGuideTest::inGuide)
        .filter(name -> !tables.contains("`" + name) && !tables.contains("." + name))
        .forEach(unnamed::add);

    assertThat(unnamed).isEmpty();
    assertThat(com.amazonaws.secretsmanager.caching.SecretCache.class.getConstructors()).hasSize(4);
  }

  /** An option is named once, for its getter, its setter and its chained setter. */
  private static String inGuide(Method method) {
    String name = method.getName();
    if (method.getDeclaringClass() != SecretCacheConfiguration.class) {
      return name + "(";
    }
    String option = name.replaceFirst("^(get|set|with|is)", "");
    return Character.toLowerCase(option.charAt(0)) + option.substring(1) + "`";
  }

  @Test
  void links_ofTheGuide_leadSomewhere() {
    Set<String> headings = new HashSet<>();
    for (MatchResult heading : found(Pattern.compile("^#+ (.*)$", Pattern.MULTILINE), guide)) {
      headings.add(
          heading
              .group(1)
              .toLowerCase(Locale.ROOT)
              .replaceAll("[^a-z0-9 -]", "")
              .replace(' ', '-'));
    }
    for (MatchResult link : found(Pattern.compile("]\\(([^)]+)\\)"), guide)) {
      String target = link.group(1);
      if (target.startsWith("#")) {
        assertThat(headings).contains(target.substring(1));
      } else if (!target.startsWith("https://docs.aws.amazon.com/")) {
        assertThat(GUIDE.resolveSibling(target)).exists();
      }
    }
  }

  private static List<MatchResult> found(Pattern pattern, String text) {
    return pattern.matcher(text).results().toList();
  }
}
