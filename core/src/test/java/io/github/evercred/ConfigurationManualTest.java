package io.github.evercred;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** That docs/configuration.md says what the builder does. */
class ConfigurationManualTest {
  private static final Path MANUAL = Path.of("../docs/configuration.md");

  private final Properties system = new Properties();
  private final SecretCacheBuilder builder = new SecretCacheBuilder(system, Map.of());

  /** One row of its table, without the marks of code. */
  private record Row(
      String option,
      String property,
      String variable,
      String standard,
      String range,
      String unit,
      String meaning) {}

  private static List<Row> rows() throws IOException {
    return Files.readAllLines(MANUAL).stream()
        .filter(line -> line.startsWith("| `"))
        .map(line -> line.replace("`", "").split("\\|", -1))
        .map(cells -> Arrays.stream(cells).map(String::strip).toList())
        .peek(cells -> assertThat(cells).as("cells of %s", cells).hasSize(9))
        .map(c -> new Row(c.get(1), c.get(2), c.get(3), c.get(4), c.get(5), c.get(6), c.get(7)))
        .toList();
  }

  @Test
  void table_optionsOfTheBuilder_areAllThereOnce() throws IOException {
    Set<String> wanted =
        Arrays.stream(SecretCacheBuilder.class.getDeclaredMethods())
            .filter(method -> Modifier.isPublic(method.getModifiers()))
            .map(Method::getName)
            .filter(
                name ->
                    !Set.of("build", "properties", "optionNames", "requireOption").contains(name))
            .collect(Collectors.toCollection(TreeSet::new));
    builder.options().forEach(option -> wanted.add(option.name));

    assertThat(rows()).extracting(Row::option).containsExactlyInAnyOrderElementsOf(wanted);
    assertThat(rows()).allSatisfy(row -> assertThat(row.meaning()).endsWith("."));
  }

  @Test
  void optionNames_areTheRowsThatCanBeConfiguredInTheirOrder() throws IOException {
    assertThat(SecretCacheBuilder.optionNames())
        .containsExactlyElementsOf(
            rows().stream().filter(r -> !r.property().isEmpty()).map(Row::option).toList())
        .isUnmodifiable();
  }

  /** Every method that sets one option is named as the option is. */
  @Test
  void builder_options_areAllLookedUp() {
    Set<String> onlyInCode =
        Set.of("source", "listener", "properties", "build", "optionNames", "requireOption");
    assertThat(SecretCacheBuilder.class.getDeclaredMethods())
        .filteredOn(method -> Modifier.isPublic(method.getModifiers()))
        .extracting(Method::getName)
        .filteredOn(name -> !onlyInCode.contains(name))
        .isSubsetOf(builder.options().stream().map(option -> option.name).toList());
  }

  @Test
  void table_namesDefaultsAndRanges_areThoseOfTheBuilder() throws IOException {
    for (Row row : rows()) {
      Optional<CacheOption<?>> option =
          builder.options().stream().filter(o -> o.name.equals(row.option())).findFirst();
      if (option.isPresent()) {
        assertSame(row, option.get());
      } else {
        assertThat(row.property() + row.variable()).as("%s is in code only", row).isEmpty();
      }
    }
  }

  private static void assertSame(Row row, CacheOption<?> option) {
    assertThat(row.property()).isEqualTo(Configuration.propertyName(option.name));
    assertThat(row.variable()).isEqualTo(Configuration.environmentName(option.name));
    String[] range = row.range().split(" to ", -1);
    if (option.standard instanceof Duration standard) {
      assertThat(row.unit()).as("%s", row).isEqualTo("time");
      assertThat(CacheOption.duration(row.standard())).as("%s", row).isEqualTo(standard);
      String most = range[1].equals("unlimited") ? "unlimited" : iso(range[1]);
      assertThat(iso(range[0]) + " to " + most).as("%s", row).isEqualTo(option.range);
    } else if (option.standard instanceof Long standard) {
      assertThat(row.standard()).as("%s", row).isEqualTo(standard.toString());
      assertThat(row.range() + " " + row.unit()).as("%s", row).isEqualTo(option.range);
    } else if (option.standard instanceof Boolean standard) {
      assertThat(row.standard())
          .as("%s", row)
          .isEqualTo(option.name.equals("processMayFreeze") ? "detected" : standard.toString());
      assertThat(row.range()).as("%s", row).isEqualTo(option.range);
    } else if (option.standard instanceof Enum<?> standard) {
      assertThat(row.standard()).as("%s", row).isEqualToIgnoringCase(standard.name());
      assertThat(row.range()).as("%s", row).isEqualTo(option.range);
    } else if (option.standard instanceof Set<?> standard) {
      assertThat(standard).isEmpty();
      assertThat(row.standard()).as("%s", row).isEqualTo("none");
      assertThat(option.range).contains(row.range().split(" each", 2)[0]);
    } else if (option.standard instanceof String standard) {
      assertThat(row.standard()).as("%s", row).isEqualTo(standard);
      assertThat(row.range()).as("%s", row).isEqualTo(option.range);
    } else {
      assertThat(option.standard).isEqualTo(Optional.empty());
      assertThat(row.standard()).as("%s", row).matches("none|.*'s");
      assertThat(option.range).as("%s", row).startsWith(row.range());
    }
  }

  private static String iso(String text) {
    return CacheOption.duration(text).toString();
  }

  /** The ranges that messages tell are those that are checked. */
  @Test
  void table_edgesOfRanges_areWhatIsAccepted() throws IOException {
    for (Row row : rows()) {
      if (row.unit().equals("time") || row.unit().equals("entries")) {
        String[] range = row.range().split(" to ", -1);
        system.clear();
        resolve(row, range[0]);
        resolve(row, range[1]);
        assertRejected(row, row.unit().equals("time") ? "-PT0.001S" : "0");
        if (!range[0].equals("0") && row.unit().equals("time")) {
          assertRejected(row, CacheOption.duration(range[0]).minusNanos(1).toString());
        }
        if (!range[1].equals("unlimited")) {
          assertRejected(
              row,
              row.unit().equals("time")
                  ? CacheOption.duration(range[1]).plusNanos(1).toString()
                  : range[1] + "0");
        }
      }
    }
  }

  private void assertRejected(Row row, String text) {
    assertThatThrownBy(() -> resolve(row, text))
        .as("%s = %s", row.option(), text)
        .isInstanceOf(IllegalArgumentException.class);
  }

  private void resolve(Row row, String text) {
    system.setProperty(row.property(), text);
    CacheOption<?> option =
        builder.options().stream().filter(o -> o.name.equals(row.option())).findFirst().get();
    assertThat(option.resolve(new Configuration(Map.of(), system, Map.of())).where())
        .isEqualTo("system property " + row.property());
  }

  @Test
  void messages_inTheManual_areWhatIsSaid() throws IOException {
    String manual = Files.readString(MANUAL);
    assertThatThrownBy(
            () ->
                new SecretCacheBuilder(system, Map.of("EVERCRED_REFRESH_AFTER", "10 minutes"))
                    .settings())
        .satisfies(e -> assertThat(manual).contains("\n" + e.getMessage() + "\n"));

    system.setProperty("evercred.loadTimeout", "1s");
    assertThatThrownBy(builder::settings)
        .satisfies(e -> assertThat(manual).contains("\n" + e.getMessage() + "\n"));
  }
}
