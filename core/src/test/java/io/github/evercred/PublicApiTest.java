package io.github.evercred;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Executable;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * What users can see of this artifact: these types, one package, no library of ours but the SDK,
 * and Micrometer in the one class that is for it.
 */
class PublicApiTest {

  private static final Set<String> PUBLIC =
      Set.of(
          "AwsSecretSource",
          "AwsSecretSource$Builder",
          "CredentialUse",
          "CredentialUse$Call",
          "EvercredMetrics",
          "FailureKind",
          "JfrEvents",
          "LocalAgentSource",
          "LocalAgentSource$Builder",
          "LoginFailure",
          "LoginFailure$Kind",
          "LoginOptions",
          "LoginStatistics",
          "OpenSecret",
          "RotationAwareLogin",
          "RotationListener",
          "PrefetchReport",
          "RegionReport",
          "RegionalSource",
          "RegionalSource$Builder",
          "SecretBatch",
          "SecretCache",
          "SecretCacheBuilder",
          "SecretCacheHealth",
          "SecretCacheHealth$Breaker",
          "SecretCacheHealth$Condition",
          "SecretCacheHealth$Status",
          "SecretCacheHealth$Trouble",
          "SecretCacheListener",
          "SecretCacheStatistics",
          "SecretException",
          "SecretException$Reason",
          "SecretHandle",
          "SecretRequest",
          "SecretSource",
          "SecretValue",
          "SecretValue$Builder",
          "SecretVersions",
          "Target",
          "VersionInUse",
          "VersionSelector");

  private static List<Class<?>> classes() throws IOException, URISyntaxException {
    Path root =
        Path.of(SecretCache.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    try (Stream<Path> files = Files.walk(root)) {
      return files
          .filter(file -> file.toString().endsWith(".class"))
          .map(file -> root.relativize(file).toString().replace('/', '.').replace('\\', '.'))
          .filter(name -> !name.endsWith("-info.class"))
          .<Class<?>>map(name -> load(name.substring(0, name.length() - ".class".length())))
          .toList();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  private static Class<?> load(String name) {
    try {
      return Class.forName(name, false, PublicApiTest.class.getClassLoader());
    } catch (ClassNotFoundException e) {
      throw new AssertionError(e);
    }
  }

  /** Public, and so is all that it is nested in. */
  private static boolean isVisible(Class<?> type) {
    return Modifier.isPublic(type.getModifiers())
        && (type.getEnclosingClass() == null || isVisible(type.getEnclosingClass()));
  }

  @Test
  void publicTypes_areExactlyThese() throws Exception {
    var found = new TreeSet<String>();
    for (Class<?> type : classes()) {
      assertThat(type.getPackageName()).isEqualTo("io.github.evercred");
      if (isVisible(type) && !type.isAnonymousClass()) {
        found.add(type.getName().substring("io.github.evercred.".length()));
      }
    }

    assertThat(found).containsExactlyInAnyOrderElementsOf(PUBLIC);
  }

  @Test
  void publicTypes_areFinalUnlessTheyAreInterfaces() throws Exception {
    for (Class<?> type : classes()) {
      if (isVisible(type) && !type.isInterface()) {
        assertThat(Modifier.isFinal(type.getModifiers())).as("%s is final", type).isTrue();
      }
    }
  }

  @Test
  void publicSignatures_nameNoLibraryButTheSdkClientAndMicrometersRegistry() throws Exception {
    var strangers = new TreeSet<String>();
    for (Class<?> type : classes()) {
      if (!isVisible(type)) {
        continue;
      }
      for (Method method : type.getDeclaredMethods()) {
        if (isOffered(method)) {
          strangers.addAll(strangers(method.getReturnType()));
          strangers.addAll(strangers(method.getParameterTypes()));
        }
      }
      for (Executable constructor : type.getDeclaredConstructors()) {
        if (isOffered(constructor)) {
          strangers.addAll(strangers(constructor.getParameterTypes()));
        }
      }
      for (Field field : type.getDeclaredFields()) {
        if ((field.getModifiers() & (Modifier.PUBLIC | Modifier.PROTECTED)) != 0) {
          strangers.addAll(strangers(field.getType()));
        }
      }
    }

    assertThat(strangers)
        .containsExactly(
            "io.micrometer.core.instrument.MeterRegistry",
            "software.amazon.awssdk.services.secretsmanager.SecretsManagerClient");
  }

  private static boolean isOffered(Executable member) {
    return (member.getModifiers() & (Modifier.PUBLIC | Modifier.PROTECTED)) != 0;
  }

  private static List<String> strangers(Class<?>... types) {
    return Stream.of(types)
        .map(type -> type.isArray() ? type.getComponentType() : type)
        .filter(type -> !type.isPrimitive())
        .map(Class::getName)
        .filter(name -> !name.startsWith("java.") && !name.startsWith("io.github.evercred."))
        .toList();
  }
}
