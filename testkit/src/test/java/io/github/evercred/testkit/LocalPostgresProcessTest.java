package io.github.evercred.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What happens between a PostgreSQL and its JVM, between JVMs, and between users. */
@Timeout(120)
class LocalPostgresProcessTest extends ServerProcessContract {
  LocalPostgresProcessTest() {
    super("postgres", "evercred-postgres", "\n18\\.[^\n]*\n28P01 refused=1");
  }

  @Test
  void unpack_twoJvmsAtOnce_bothStartFromOneDirectory(@TempDir Path temporary) throws Exception {
    open(temporary);
    List<Process> children = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      children.add(child(ChildJvm.classPath(), temporary, "login"));
    }
    for (Process child : children) {
      assertThat(ChildJvm.output(child)).contains("28P01 refused=1");
    }
    Path home;
    try (Stream<Path> left = Files.list(temporary).filter(LocalPostgresProcessTest::isOurs)) {
      home = assertThat(left.toList()).singleElement().actual();
    }
    assertDamagedCopyIsRepaired(temporary, home);
    assertForeignCopyIsRefused(temporary, home);
  }

  private static boolean isOurs(Path path) {
    return String.valueOf(path.getFileName()).startsWith("evercred-");
  }

  private void assertDamagedCopyIsRepaired(Path temporary, Path home) throws Exception {
    Files.delete(home.resolve("bin/postgres"));
    assertThat(ChildJvm.output(child(ChildJvm.classPath(), temporary, "login")))
        .contains("28P01 refused=1");
    assertThat(home.resolve("bin/postgres")).exists();
    try (Stream<Path> left = Files.list(temporary).filter(LocalPostgresProcessTest::isOurs)) {
      assertThat(left).containsExactly(home);
    }
  }

  private void assertForeignCopyIsRefused(Path temporary, Path home) throws Exception {
    Files.setPosixFilePermissions(home, PosixFilePermissions.fromString("rwxrwxrwx"));
    assertThat(ChildJvm.output(child(ChildJvm.classPath(), temporary, "login")))
        .startsWith("refused: " + home + " is not a directory of ours");
  }
}
