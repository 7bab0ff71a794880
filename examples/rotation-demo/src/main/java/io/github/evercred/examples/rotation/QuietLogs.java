package io.github.evercred.examples.rotation;

import java.util.logging.ConsoleHandler;
import java.util.logging.Level;
import java.util.logging.LogManager;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;

/**
 * Warnings of everybody in one line each, but for those of the pool without Evercred: its troubles
 * are the point of the demo, and are counted.
 */
final class QuietLogs {

  private QuietLogs() {}

  static void install(String silencedPool) {
    LogManager.getLogManager().reset();
    ConsoleHandler handler = new ConsoleHandler();
    handler.setLevel(Level.WARNING);
    handler.setFilter(logged -> !isOf(silencedPool, logged));
    handler.setFormatter(
        new SimpleFormatter() {
          @Override
          public String format(LogRecord logged) {
            Throwable thrown = logged.getThrown();
            return "%s %s: %s%s%n"
                .formatted(
                    logged.getLevel(),
                    logged.getLoggerName(),
                    formatMessage(logged),
                    thrown == null ? "" : " (" + thrown + ")");
          }
        });
    Logger.getLogger("").addHandler(handler);
  }

  /** HikariCP begins each message with the name of its pool. */
  private static boolean isOf(String pool, LogRecord logged) {
    return String.valueOf(logged.getLoggerName()).startsWith("com.zaxxer.hikari")
        && String.valueOf(logged.getMessage()).startsWith(pool + " ");
  }
}
