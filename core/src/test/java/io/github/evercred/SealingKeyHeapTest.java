package io.github.evercred;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** That no heap dump shows the key, not even what nobody refers to any more. */
@Timeout(100)
class SealingKeyHeapTest {

  @TempDir Path dir;

  /** No constant, which would stand in memory by itself. */
  private static byte[] key() {
    byte[] key = new byte[KeyMaker.KEY_BYTES];
    for (int i = 0; i < key.length; i++) {
      key[i] = (byte) (i * i * 37 + 11 * i + 129);
    }
    return key;
  }

  /** Seals and opens a thousand times, and then stands still. */
  static final class Child {
    private Child() {}

    public static void main(String[] args) throws Exception {
      byte[] kept = args[0].equals("control") ? key() : new byte[0];
      var key = new SealingKey(new KeyMaker.NewKey(key(), null));
      byte[] about = {1};
      for (int i = 0; i < 1_000; i++) {
        byte[] nonce = new byte[SealingKey.NONCE_BYTES];
        nonce[0] = (byte) i;
        nonce[1] = (byte) (i >> 8);
        byte[] secret = key.seal(nonce, about, new byte[200]);
        byte[] sealed = Arrays.copyOf(nonce, nonce.length + secret.length);
        System.arraycopy(secret, 0, sealed, nonce.length, secret.length);
        if (key.open(about, sealed).length != 200) {
          throw new IllegalStateException("not what was sealed");
        }
      }
      System.out.println("ready " + kept.length + " " + key.seals());
      if (System.in.read() < 0) {
        System.out.println(key + " " + kept.length);
      }
    }
  }

  private byte[] dump(String mode) throws Exception {
    String bin = System.getProperty("java.home") + File.separator + "bin" + File.separator;
    Path file = dir.resolve(mode + ".hprof");
    // Room for all garbage, so that no collection takes it away.
    Process child =
        new ProcessBuilder(
                bin + "java",
                "-Xms256m",
                "-Xmn200m",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                Child.class.getName(),
                mode)
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader said = child.inputReader(StandardCharsets.UTF_8)) {
      assertThat(said.readLine()).startsWith("ready");
      var command =
          new ArrayList<>(
              List.of(bin + "jcmd", Long.toString(child.pid()), "GC.heap_dump", "-all"));
      command.add(file.toString());
      Path log = dir.resolve("jcmd.log");
      Process jcmd =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start();
      assertThat(jcmd.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(file).as("%s", Files.readString(log)).exists();
    } finally {
      child.destroyForcibly();
    }
    return Files.readAllBytes(file);
  }

  private static int count(byte[] where, byte[] what) {
    int count = 0;
    for (int i = 0; i <= where.length - what.length; i++) {
      if (where[i] == what[0] && Arrays.equals(where, i, i + what.length, what, 0, what.length)) {
        count++;
      }
    }
    return count;
  }

  @ParameterizedTest
  @ValueSource(strings = {"control", "sealing"})
  void dump_withAllGarbage_holdsNoKey(String mode) throws Exception {
    int found = count(dump(mode), key());

    assertThat(found).isEqualTo(mode.equals("control") ? 1 : 0);
  }
}
