package io.github.evercred.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.lang.reflect.Modifier;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What must stay true of the module as a whole. */
@Timeout(30)
class TestkitRulesTest {
  private static final Path CLASSES = Path.of("target/classes/io/github/evercred/testkit");

  private static List<String> classNames() throws IOException {
    try (Stream<Path> files = Files.list(CLASSES)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.endsWith(".class"))
          .map(name -> "io.github.evercred.testkit." + name.replace(".class", ""))
          .sorted()
          .toList();
    }
  }

  @Test
  void publicTypes_ofThePackage_areTheseOnly() throws Exception {
    List<String> publicTypes = new ArrayList<>();
    for (String name : classNames()) {
      Class<?> type = Class.forName(name, false, getClass().getClassLoader());
      boolean visible = true;
      for (Class<?> c = type; c != null; c = c.getEnclosingClass()) {
        visible &= Modifier.isPublic(c.getModifiers());
      }
      if (visible) {
        publicTypes.add(name.substring(name.lastIndexOf('.') + 1));
      }
    }
    assertThat(publicTypes)
        .containsExactly(
            "AdminConnections",
            "EvercredExtension",
            "Fault",
            "Hold",
            "LocalAgent",
            "LocalAgent$Builder",
            "LocalKms",
            "LocalMariaDb",
            "LocalMariaDb$Builder",
            "LocalMySql",
            "LocalMySql$Builder",
            "LocalPostgres",
            "LocalPostgres$Builder",
            "LocalRedis",
            "LocalRedis$Builder",
            "LocalSecretsManager",
            "LocalSecretsManager$Builder",
            "RecordedRequest",
            "Requests",
            "Rotation",
            "Rotation$Step",
            "RotationTarget");
  }

  @Test
  void everyClassButTheExtension_withoutJUnit_loadsAndWorks() throws Exception {
    URL[] classPath =
        Stream.of(System.getProperty("java.class.path").split(File.pathSeparator, -1))
            .filter(entry -> !entry.contains("junit") && !entry.contains("test-classes"))
            .map(TestkitRulesTest::url)
            .toArray(URL[]::new);
    try (URLClassLoader bare =
        new URLClassLoader(classPath, ClassLoader.getPlatformClassLoader())) {
      for (String name : classNames()) {
        if (!name.endsWith("EvercredExtension") && !name.endsWith("package-info")) {
          Class<?> type = Class.forName(name, true, bare);
          assertThat(type.getDeclaredMethods()).isNotNull(); // resolves every signature
        }
      }
      Class<?> type = bare.loadClass(LocalSecretsManager.class.getName());
      try (AutoCloseable started = (AutoCloseable) type.getMethod("start").invoke(null)) {
        assertThat(started).asString().startsWith("LocalSecretsManager[http://127.0.0.1:");
      }
    }
  }

  private static URL url(String entry) {
    try {
      return Path.of(entry).toUri().toURL();
    } catch (java.net.MalformedURLException e) {
      throw new IllegalArgumentException(entry, e);
    }
  }

  @Test
  void sources_ofTheModule_keepTheHouseRules() throws Exception {
    Map<Path, String> sources = sources("src/main/java");
    assertThat(importers(sources, "com.grack.nanojson")).containsExactly("Json.java");
    assertThat(importers(sources, "org.apache.commons")).containsExactly("Archive.java");
    assertThat(importers(sources, "org.junit")).containsExactly("EvercredExtension.java");
    assertThat(importers(sources, "software.amazon")).isEmpty();
    for (String driver : List.of("com.mysql", "org.mariadb", "org.h2", "redis.")) {
      assertThat(importers(sources, driver)).isEmpty();
    }
    assertThat(importers(sources, "org.postgresql")).containsExactly("PostgresDialect.java");
    for (String banned :
        List.of(
            "System." + "out",
            "Thread." + "sleep",
            "currentTime" + "Millis",
            "Instant." + "now(")) {
      assertThat(sources).noneSatisfy((file, text) -> assertThat(text).contains(banned));
    }
    assertThat(sources("src/test/java"))
        .noneSatisfy((file, text) -> assertThat(text).contains("Thread." + "sleep"));
  }

  private static Map<Path, String> sources(String root) throws IOException {
    try (Stream<Path> files = Files.walk(Path.of(root))) {
      return files
          .filter(file -> file.toString().endsWith(".java"))
          .collect(Collectors.toMap(Path::getFileName, TestkitRulesTest::read));
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static List<String> importers(Map<Path, String> sources, String prefix) {
    return sources.entrySet().stream()
        .filter(source -> source.getValue().contains("import " + prefix))
        .map(source -> source.getKey().toString())
        .toList();
  }
}
