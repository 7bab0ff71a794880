package io.github.evercred.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Modifier;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class PublicApiTest {

  @Test
  void publicTypes_all_areThese() throws Exception {
    assertThat(classes())
        .filteredOn(type -> Modifier.isPublic(type.getModifiers()))
        .containsExactlyInAnyOrder(
            EvercredDriver.class,
            PlainUrlDriver.class,
            EvercredDataSource.class,
            EvercredXADataSource.class,
            DatabaseEngine.class,
            DatabaseEngine.Builder.class,
            EvercredHikari.class,
            EvercredHikari.Retirement.class);
  }

  @Test
  void publicTypes_all_areFinal() throws Exception {
    assertThat(classes())
        .filteredOn(type -> Modifier.isPublic(type.getModifiers()) && !type.isInterface())
        .allMatch(type -> Modifier.isFinal(type.getModifiers()));
  }

  private static List<Class<?>> classes()
      throws IOException, URISyntaxException, ClassNotFoundException {
    Path root =
        Path.of(
            Objects.requireNonNull(
                    EvercredDriver.class.getProtectionDomain().getCodeSource().getLocation())
                .toURI());
    try (Stream<Path> files = Files.walk(root)) {
      List<String> names =
          files
              .filter(file -> file.toString().endsWith(".class"))
              .map(file -> root.relativize(file).toString().replace('/', '.'))
              .map(name -> name.substring(0, name.length() - ".class".length()))
              .filter(name -> !name.endsWith("package-info"))
              .toList();
      List<Class<?>> found = new java.util.ArrayList<>();
      for (String name : names) {
        found.add(Class.forName(name, false, EvercredDriver.class.getClassLoader()));
      }
      return found;
    }
  }
}
