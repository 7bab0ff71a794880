package io.github.evercred.clients;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.File;
import java.io.IOException;
import java.lang.reflect.Modifier;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is public, which file names which library, and that no adapter needs another's. */
@Timeout(60)
class ClientsRulesTest {
  private static final Path MAIN = Path.of("src/main/java/io/github/evercred/clients");

  private static List<Path> sources() throws IOException {
    try (Stream<Path> files = Files.list(MAIN)) {
      return files.filter(file -> file.toString().endsWith(".java")).sorted().toList();
    }
  }

  private static boolean matches(Path file, String pattern) {
    try {
      return Pattern.compile(pattern).matcher(Files.readString(file)).find();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static Set<String> filesThatImport(String pattern) throws IOException {
    return sources().stream()
        .filter(file -> matches(file, "(?m)^import (static )?+" + pattern))
        .map(file -> file.getFileName().toString().replace(".java", ""))
        .collect(Collectors.toSet());
  }

  @Test
  void publicTypes_all_areTheseAndFinal() throws Exception {
    var found = new ArrayList<Class<?>>();
    try (Stream<Path> files = Files.list(Path.of("target/classes/io/github/evercred/clients"))) {
      for (String name : files.map(file -> file.getFileName().toString()).toList()) {
        if (name.endsWith(".class") && !name.startsWith("package-info")) {
          Class<?> type = Class.forName("io.github.evercred.clients." + name.replace(".class", ""));
          Class<?> outer = type.getDeclaringClass();
          if (Modifier.isPublic(type.getModifiers())
              && (outer == null || Modifier.isPublic(outer.getModifiers()))) {
            found.add(type);
          }
        }
      }
    }
    assertThat(found)
        .containsExactlyInAnyOrder(
            SecretHttpClient.class,
            SecretHttpClient.Builder.class,
            SecretAuthenticator.class,
            SecretAuthenticator.Builder.class,
            LettuceCredentials.class,
            EvercredConnectionFactory.class,
            EvercredConnectionFactory.Builder.class)
        .allMatch(type -> Modifier.isFinal(type.getModifiers()));
  }

  @Test
  void library_inMain_isNamedByItsOwnAdapterAlone() throws IOException {
    assertThat(filesThatImport("(io\\.lettuce|reactor|io\\.netty)\\."))
        .containsExactly("LettuceCredentials");
    assertThat(filesThatImport("(io\\.r2dbc|org\\.reactivestreams)\\."))
        .containsExactlyInAnyOrder(
            "EvercredConnectionFactory",
            "R2dbcArrival",
            "R2dbcCreation",
            "R2dbcEngine",
            "R2dbcFailures",
            "R2dbcLogin");
    assertThat(
            filesThatImport(
                "(?!java\\.|javax\\.net\\.|org\\.jspecify\\.|io\\.github\\.evercred\\."
                    + "|io\\.lettuce\\.|reactor\\.|io\\.r2dbc\\.|org\\.reactivestreams\\.)"))
        .isEmpty();
  }

  @Test
  void main_forbidden_isNowhere() throws IOException {
    assertThat(sources())
        .isNotEmpty()
        .noneMatch(file -> matches(file, "Thread\\s*\\.\\s*sleep|System\\.(out|err)\\b"));
  }

  /** Loads everything that an adapter's class names, with the libraries of the others missing. */
  @ParameterizedTest
  @CsvSource({
    "SecretHttpClient,          lettuce|netty|reactor|r2dbc",
    "SecretAuthenticator,       lettuce|netty|reactor|r2dbc",
    "LettuceCredentials,        r2dbc",
    "EvercredConnectionFactory, lettuce|netty|reactor-",
  })
  void adapter_withoutTheOthersLibraries_loads(String adapter, String missing) throws Exception {
    try (URLClassLoader loader = without(missing)) {
      Class<?> type = Class.forName("io.github.evercred.clients." + adapter, true, loader);
      assertThat(type.getClassLoader()).isSameAs(loader);
      assertThat(type.getDeclaredMethods()).isNotEmpty();
      assertThat(type.getDeclaredFields()).isNotEmpty();
      assertThat(type.getConstructors()).isNotNull();
    }
  }

  @Test
  void adapter_withoutItsOwnLibrary_doesNotLoad() throws Exception {
    try (URLClassLoader loader = without("lettuce")) {
      assertThatExceptionOfType(NoClassDefFoundError.class)
          .as("the search above would see one that is missing")
          .isThrownBy(
              () -> Class.forName("io.github.evercred.clients.LettuceCredentials", true, loader));
    }
  }

  private static URLClassLoader without(String missing) {
    Pattern left = Pattern.compile("(" + missing + ")[^/]*\\.jar$");
    URL[] urls =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator, -1))
            .filter(entry -> !left.matcher(entry).find())
            .map(ClientsRulesTest::url)
            .toArray(URL[]::new);
    return new URLClassLoader(urls, ClassLoader.getPlatformClassLoader());
  }

  private static URL url(String entry) {
    try {
      return Path.of(entry).toUri().toURL();
    } catch (MalformedURLException e) {
      throw new AssertionError(e);
    }
  }
}
