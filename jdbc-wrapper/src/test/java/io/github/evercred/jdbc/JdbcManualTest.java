package io.github.evercred.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;

/** That the manual's tables say what the code does. */
class JdbcManualTest {
  private static final Path DOCS = Path.of("..", "docs");

  /** One line of the table for each option. */
  private static List<String> expected() {
    List<String> lines = new ArrayList<>();
    for (Option option : Option.values()) {
      String variable =
          "EVERCRED_" + option.bareName().replaceAll("([A-Z])", "_$1").toUpperCase(Locale.ROOT);
      String standard = option.standard == null ? "none" : "`" + option.standard + "`";
      lines.add(
          "| `%s` | `%s` | `%s` | %s | %s | %s. |"
              .formatted(
                  option.bareName(),
                  option.key(),
                  variable,
                  option == Option.SECRET_ID ? "the user" : standard,
                  option.range,
                  option.help));
    }
    return lines;
  }

  @Test
  void table_options_areThoseOfTheCode() throws IOException {
    List<String> lines = Files.readAllLines(DOCS.resolve("jdbc.md"));
    int head =
        lines.indexOf("| option | property | environment variable | default | range | meaning |");
    assertThat(head).isPositive();
    List<String> rows =
        lines.subList(head + 2, lines.size()).stream().takeWhile(l -> l.startsWith("|")).toList();
    assertThat(rows).containsExactlyElementsOf(expected());
  }

  @Test
  void engines_all_haveASection() throws IOException {
    String text = Files.readString(DOCS.resolve("engines.md"));
    for (Engine engine : Engine.table()) {
      assertThat(text).as(engine.name()).contains(engine.name() + ":", engine.artifact());
      assertThat(engine.drivers()).allSatisfy(driver -> assertThat(text).contains(driver));
      assertThat(text).contains(String.valueOf(engine.xaDataSource()));
      assertThat(text).as(engine.name()).contains(String.valueOf(engine.defaultPort()));
      String time = engine.time().property();
      if (time != null) {
        assertThat(text).as(engine.name()).contains("`" + time + "`");
      }
    }
  }

  @Test
  void setters_eachOption_isThereOnBothDataSources() {
    for (Class<?> type : List.of(EvercredDataSource.class, EvercredXADataSource.class)) {
      List<String> setters =
          Arrays.stream(type.getMethods())
              .map(m -> m.getName())
              .filter(n -> n.startsWith("set"))
              .toList();
      for (Option option : Option.values()) {
        String name = option.bareName();
        assertThat(setters)
            .contains("set" + name.substring(0, 1).toUpperCase(Locale.ROOT) + name.substring(1));
      }
    }
  }
}
