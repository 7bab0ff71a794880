package io.github.evercred.examples.rotation;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class LiveLineTest {
  private final ByteArrayOutputStream written = new ByteArrayOutputStream();
  private final PrintStream out = new PrintStream(written, true, StandardCharsets.UTF_8);

  private String written() {
    return written.toString(StandardCharsets.UTF_8).replace(System.lineSeparator(), "\n");
  }

  @Test
  void show_onATerminal_rewritesOneLine() {
    LiveLine live = new LiveLine(out, true, 80);
    live.show("a longer line");
    live.show("short");
    assertThat(written()).isEqualTo("\ra longer line\rshort        ");
  }

  @Test
  void show_onANarrowTerminal_staysOnOneLine() {
    LiveLine live = new LiveLine(out, true, 10);
    live.show("0123456789abc");
    assertThat(written()).isEqualTo("\r012345678");
  }

  @Test
  void print_onATerminal_takesThePlaceOfTheLiveLine() {
    LiveLine live = new LiveLine(out, true, 80);
    live.show("live");
    live.print("stays");
    assertThat(written()).isEqualTo("\rlive\r    \rstays\n");
  }

  @Test
  void show_elsewhere_writesPlainLines() {
    LiveLine live = new LiveLine(out, false, 10);
    live.show("one line, whole");
    live.show("two");
    live.print("three");
    assertThat(written()).isEqualTo("one line, whole\ntwo\nthree\n");
  }
}
