package io.github.evercred.integration;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** What docs/tools.md shows: files of its own, and regions of the tests' code. */
final class Example {
  private static final Path SOURCES = Path.of("src/test/java/io/github/evercred/integration");
  private static final Pattern REGION =
      Pattern.compile("^ *// begin: (\\S+)\n(.*?)^ *// end$", Pattern.DOTALL | Pattern.MULTILINE);

  private Example() {}

  static String file(String name) {
    try (InputStream stream =
        Objects.requireNonNull(Example.class.getResourceAsStream("/tools/" + name), name)) {
      return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The code between {@code // begin: name} and {@code // end}. */
  static String region(String name) {
    String region = regions().get(name);
    return Objects.requireNonNull(region, name);
  }

  static Map<String, String> regions() {
    Map<String, String> regions = new TreeMap<>();
    try (Stream<Path> sources = Files.list(SOURCES)) {
      for (Path source : sources.toList()) {
        Matcher found = REGION.matcher(Files.readString(source));
        while (found.find()) {
          regions.put(found.group(1), found.group(2).stripTrailing().stripIndent() + "\n");
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return regions;
  }
}
