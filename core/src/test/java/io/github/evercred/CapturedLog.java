package io.github.evercred;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Predicate;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;

/**
 * Everything that anybody logs, at any level, while it is open: java.util.logging, where
 * System.Logger and (in tests) SLF4J end.
 */
final class CapturedLog extends Handler implements AutoCloseable {
  private final Logger root = Logger.getLogger("");
  private final Level before = root.getLevel();
  private final List<LogRecord> records = new CopyOnWriteArrayList<>();

  CapturedLog() {
    setLevel(Level.ALL);
    root.setLevel(Level.ALL);
    root.addHandler(this);
  }

  @Override
  public void publish(LogRecord logged) {
    records.add(logged);
  }

  @Override
  public void flush() {}

  @Override
  public void close() {
    root.removeHandler(this);
    root.setLevel(before);
  }

  /** What our own code has logged at this level or above. */
  List<String> ours(Level least) {
    return records.stream()
        .filter(logged -> "io.github.evercred".equals(logged.getLoggerName()))
        .filter(logged -> logged.getLevel().intValue() >= least.intValue())
        .map(new SimpleFormatter()::formatMessage)
        .toList();
  }

  int size() {
    return records.size();
  }

  /** All of it as text: messages with their parameters, and whole traces. */
  String text() {
    return text(logged -> true);
  }

  /** What is logged where anybody would look: all of ours, and of others what is not debugging. */
  String textOfOursAndWhatOthersTellAtInfo() {
    return text(
        logged ->
            logged.getLoggerName().startsWith("io.github.")
                || logged.getLevel().intValue() >= Level.INFO.intValue());
  }

  private String text(Predicate<LogRecord> which) {
    var formatter = new SimpleFormatter();
    var text = new StringWriter();
    var writer = new PrintWriter(text);
    for (LogRecord logged : records) {
      if (!which.test(logged)) {
        continue;
      }
      writer.println(
          logged.getLoggerName()
              + " "
              + logged.getMessage()
              + " "
              + formatter.formatMessage(logged));
      if (logged.getThrown() != null) {
        logged.getThrown().printStackTrace(writer);
      }
    }
    return text.toString();
  }
}
