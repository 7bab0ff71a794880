package io.github.evercred;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Plays every race in JVMs of jcstress's own, for as long as its mode says. */
class StressTest {

  @Test
  @Timeout(3600)
  void races_all_endAsTheyMay() throws Exception {
    String mode = System.getProperty("stress.mode", "quick");
    String wanted = System.getProperty("stress.races", "io.github.evercred");
    List<String> races =
        Stream.of(EntryRaces.class, CacheRaces.class)
            .flatMap(of -> Stream.of(of.getClasses()))
            .map(Class::getCanonicalName)
            .filter(race -> race.contains(wanted))
            .toList();
    assertThat(races).as("races whose name contains '%s'", wanted).isNotEmpty();
    Path results = Path.of(System.getProperty("stress.results", "target/jcstress"));
    Files.createDirectories(results);
    try (Stream<Path> old = Files.list(results)) {
      for (Path file : old.toList()) {
        Files.delete(file);
      }
    }
    File log = results.resolve("log.txt").toFile();
    var command =
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            "org.openjdk.jcstress.Main",
            "-m",
            mode,
            "-v",
            "-sc",
            "false",
            "-jvmArgs",
            "-Xmx256m",
            "-strideSize",
            "10", // Each state of a cache begins threads.
            "-t",
            wanted,
            "-r",
            results + "/");
    Process jcstress =
        new ProcessBuilder(command)
            .directory(results.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log)
            .start();
    try {
      assertThat(jcstress.waitFor(3_000, TimeUnit.SECONDS)).as("ended").isTrue();
    } finally {
      jcstress.destroyForcibly();
    }
    String said = Files.readString(log.toPath());
    assertThat(jcstress.exitValue()).as(said).isZero();
    for (String race : races) {
      // One that needs more processors than there are would be left out silently.
      assertThat(results.resolve(race + ".html")).exists();
    }
  }
}
