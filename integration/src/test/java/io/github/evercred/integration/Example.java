package io.github.evercred.integration;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Objects;

/** What docs/tools.md shows: files of its own, and regions of the tests' code. */
final class Example {
  private Example() {}

  static String file(String name) {
    try (InputStream stream =
        Objects.requireNonNull(Example.class.getResourceAsStream("/tools/" + name), name)) {
      return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
