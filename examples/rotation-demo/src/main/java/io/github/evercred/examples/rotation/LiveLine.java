package io.github.evercred.examples.rotation;

import java.io.PrintStream;

/**
 * Shows where the demo stands: on a terminal in one line that is rewritten, elsewhere line by line.
 * Thread-safe.
 */
final class LiveLine {
  private final PrintStream out;
  private final boolean rewriting;
  private final int columns;
  private int shown;

  LiveLine(PrintStream out, boolean rewriting, int columns) {
    this.out = out;
    this.rewriting = rewriting;
    this.columns = columns;
  }

  boolean isRewriting() {
    return rewriting;
  }

  /** Shows how things are now; replaced by what comes next. */
  synchronized void show(String line) {
    if (!rewriting) {
      out.println(line);
      return;
    }
    // One column stays free: a full line would make some terminals begin the next one.
    String fitting = line.substring(0, Math.min(line.length(), columns - 1));
    out.print("\r" + fitting + " ".repeat(Math.max(0, shown - fitting.length())));
    out.flush();
    shown = fitting.length();
  }

  /** Prints text that stays. */
  synchronized void print(String text) {
    if (shown > 0) {
      out.print("\r" + " ".repeat(shown) + "\r");
      shown = 0;
    }
    out.println(text);
  }
}
