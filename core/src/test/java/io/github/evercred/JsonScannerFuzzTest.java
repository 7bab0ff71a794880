package io.github.evercred;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.charset.StandardCharsets;

/** Scans any text: what is found, or refused, is what the parser finds or refuses. */
class JsonScannerFuzzTest {

  @FuzzTest
  void anyText_scanned(byte[] input) {
    JsonScannerTest.assertReadsAsTheParser(new String(input, StandardCharsets.UTF_8));
  }
}
