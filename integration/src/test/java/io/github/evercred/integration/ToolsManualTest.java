package io.github.evercred.integration;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What docs/tools.md shows is what the other tests here run. */
class ToolsManualTest {
  private static final Path FILES = Path.of("src", "test", "resources", "tools");
  private static final Pattern SHOWN =
      Pattern.compile("<!-- (file|code): (\\S+) -->\n```\\w+\n(.*?)```\n", Pattern.DOTALL);

  private String manual = "";

  @BeforeEach
  void readManual() throws IOException {
    manual = Files.readString(Path.of("..", "docs", "tools.md"));
  }

  private Map<String, String> shown(String kind) {
    Map<String, String> shown = new TreeMap<>();
    for (MatchResult block : found(SHOWN)) {
      if (block.group(1).equals(kind)) {
        assertThat(shown.put(block.group(2), block.group(3))).as(block.group(2)).isNull();
      }
    }
    return shown;
  }

  @Test
  void files_all_areThoseOfTheTests() throws IOException {
    Map<String, String> run = new TreeMap<>();
    try (Stream<Path> files = Files.list(FILES)) {
      for (Path file : files.toList()) {
        run.put(FILES.relativize(file).toString(), Files.readString(file));
      }
    }

    assertThat(shown("file")).isEqualTo(run).hasSizeGreaterThan(15);
  }

  @Test
  void code_all_isTheCompiledOne() {
    assertThat(shown("code")).isEqualTo(Example.regions()).isNotEmpty();
  }

  @Test
  void blocks_all_areCompared() {
    assertThat(found(Pattern.compile("^```\\w+$", Pattern.MULTILINE))).hasSameSizeAs(found(SHOWN));
  }

  @Test
  void versions_all_areThoseOfTheBuild() throws IOException {
    String build = Files.readString(Path.of("..", "pom.xml"));
    List<MatchResult> versions = found(Pattern.compile("^## .* (\\d\\S*)$", Pattern.MULTILINE));

    assertThat(versions)
        .hasSizeGreaterThan(12)
        .allSatisfy(version -> assertThat(build).contains("version>" + version.group(1) + "</"));
  }

  private List<MatchResult> found(Pattern pattern) {
    return pattern.matcher(manual).results().toList();
  }
}
