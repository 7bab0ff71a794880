package io.github.evercred.examples.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What docs/recipes.md shows is compiled, and compared with it: each block of Java names a region
 * of a source file, which a test runs.
 */
class RecipesTest {
  private static final Path PAGE = Path.of("..", "..", "docs", "recipes.md");
  private static final List<Path> SOURCES =
      List.of(Path.of("src"), Path.of("..", "..", "clients", "src"));
  private static final Pattern SHOWN =
      Pattern.compile("<!-- recipe: (\\S+) -->\n```java\n(.*?)```\n", Pattern.DOTALL);
  private static final Pattern REGION =
      Pattern.compile("^ *// recipe: (\\S+)\n(.*?)^ *// end$", Pattern.DOTALL | Pattern.MULTILINE);

  private String page = "";

  @BeforeEach
  void readPage() throws IOException {
    page = Files.readString(PAGE);
  }

  @Test
  void javaBlocks_all_areTheCompiledOnes() throws IOException {
    Map<String, String> shown = new TreeMap<>();
    for (MatchResult block : found(SHOWN, page)) {
      assertThat(shown.put(block.group(1), block.group(2))).as(block.group(1)).isNull();
    }

    Map<String, String> compiled = compiled();
    assertThat(shown.keySet()).isEqualTo(compiled.keySet()).isNotEmpty();
    shown.forEach((name, code) -> assertThat(code).as(name).isEqualTo(compiled.get(name)));
    assertThat(found(Pattern.compile("```java"), page)).hasSameSizeAs(shown.keySet());
  }

  private static Map<String, String> compiled() throws IOException {
    Map<String, String> regions = new HashMap<>();
    for (Path root : SOURCES) {
      try (Stream<Path> files = Files.walk(root)) {
        for (Path file : files.filter(path -> path.toString().endsWith(".java")).toList()) {
          for (MatchResult region : found(REGION, Files.readString(file))) {
            String text = region.group(2).stripTrailing().stripIndent() + "\n";
            assertThat(regions.put(region.group(1), text)).as(region.group(1)).isNull();
          }
        }
      }
    }
    return regions;
  }

  @Test
  void links_ofThePage_leadSomewhere() {
    Set<String> headings = new HashSet<>();
    for (MatchResult heading : found(Pattern.compile("^#+ (.*)$", Pattern.MULTILINE), page)) {
      headings.add(
          heading
              .group(1)
              .toLowerCase(Locale.ROOT)
              .replaceAll("[^a-z0-9 -]", "")
              .replace(' ', '-'));
    }
    for (MatchResult link : found(Pattern.compile("]\\(([^)]+)\\)"), page)) {
      String target = link.group(1);
      if (target.startsWith("#")) {
        assertThat(headings).contains(target.substring(1));
      } else if (!target.startsWith("https://")) {
        assertThat(PAGE.resolveSibling(target.replaceFirst("#.*", ""))).exists();
      }
    }
  }

  private static List<MatchResult> found(Pattern pattern, String text) {
    return pattern.matcher(text).results().toList();
  }
}
