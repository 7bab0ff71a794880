package io.github.evercred.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What happens between any server and its JVM, and between users. */
@Timeout(120)
abstract class ServerProcessContract {
  static final Path TMP = Path.of(System.getProperty("java.io.tmpdir"));

  private final String engine;
  private final String unpacked;
  private final String login;

  /**
   * @param engine as in a secret
   * @param unpacked how the name of the programs' directory begins
   * @param login what the child prints of a login and a refused one
   */
  ServerProcessContract(String engine, String unpacked, String login) {
    this.engine = engine;
    this.unpacked = unpacked;
    this.login = login;
  }

  final Process child(String classPath, Path tmp, String mode) throws IOException {
    return ChildJvm.start(List.of(), classPath, tmp, engine, mode);
  }

  /** Polls what no event tells, such as the end of a process that is not our child. */
  private static void await(String what, BooleanSupplier condition) throws InterruptedException {
    CountDownLatch never = new CountDownLatch(1);
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as(what).isLessThan(deadline);
      assertThat(never.await(10, TimeUnit.MILLISECONDS)).isFalse();
    }
  }

  private static void assertGone(List<String> greeting) throws Exception {
    int port = Integer.parseInt(greeting.get(0));
    long pid = Long.parseLong(greeting.get(1));
    Path directory = Path.of(greeting.get(2));
    await("the server is gone", () -> ProcessHandle.of(pid).isEmpty());
    await("its data is gone", () -> !Files.exists(directory));
    assertThatThrownBy(() -> new Socket(InetAddress.getLoopbackAddress(), port).close())
        .isInstanceOf(IOException.class);
  }

  private static boolean isRoot(Path ours) throws IOException {
    return Integer.valueOf(0).equals(Files.getAttribute(ours, "unix:uid"));
  }

  static void open(Path directory) throws IOException {
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  @Test
  void jvm_killedForcibly_takesTheServerAndItsDataWithIt() throws Exception {
    Process child = child(ChildJvm.classPath(), TMP, "hold");
    List<String> greeting = ChildJvm.greeting(child);
    assertThat(ProcessHandle.of(Long.parseLong(greeting.get(1)))).isPresent();
    assertThat(Path.of(greeting.get(2))).exists();

    child.destroyForcibly();

    assertThat(child.waitFor(10, TimeUnit.SECONDS)).isTrue();
    assertGone(greeting);
  }

  @Test
  void jvm_endedWithoutClose_takesTheServerAndItsDataWithIt() throws Exception {
    Process child = child(ChildJvm.classPath(), TMP, "exit");
    List<String> greeting = ChildJvm.greeting(child);
    assertThat(child.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertGone(greeting);
  }

  @Test
  void start_asOrdinaryUser_works(@TempDir Path temporary) throws Exception {
    open(temporary);
    Path own = Files.createDirectory(temporary.resolve("own"));
    List<String> prefix = List.of();
    if (isRoot(own)) {
      assumeTrue(
          Stream.of(System.getenv("PATH").split(File.pathSeparator, -1))
              .anyMatch(directory -> Files.isExecutable(Path.of(directory, "setpriv"))),
          "setpriv is missing, so root cannot become an ordinary user here");
      Files.setAttribute(own, "unix:uid", 65534);
      prefix = List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups");
    }
    String classPath =
        ChildJvm.copiedClassPath(Files.createDirectory(temporary.resolve("classes")));

    String output = ChildJvm.output(ChildJvm.start(prefix, classPath, own, engine, "login"));

    assertThat(output).containsPattern(login);
    try (Stream<Path> left = Files.list(own)) {
      assertThat(left).singleElement().asString().matches(".*/" + unpacked + "-[0-9a-f]{8}-\\d+");
    }
  }
}
