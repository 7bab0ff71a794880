package io.github.evercred.examples.rotation;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What the demo was asked to do.
 *
 * @param rotations how often the password rotates
 * @param window time between setSecret and finishSecret
 * @param workers threads of each application, about half of them without a pool
 * @param strategy how the password rotates
 * @param plain true for lines that are never rewritten
 * @param help true to explain instead of run
 */
record DemoOptions(
    int rotations, Duration window, int workers, Strategy strategy, boolean plain, boolean help) {

  static final DemoOptions DEFAULTS =
      new DemoOptions(5, Duration.ofSeconds(3), 16, Strategy.SINGLE_USER, false, false);

  static final String HELP =
      """
      Usage: run [options]

      Starts a PostgreSQL and a local Secrets Manager on this machine, puts two applications under
      the same load, one with Evercred and one without, and rotates their passwords again and again.

        --rotations N   how often the passwords rotate, 1 to 1000 (default 5)
        --window D      time between setSecret, when the database takes the new password, and
                        finishSecret, when AWSCURRENT moves to it: 1s to 10m, such as 1500ms,
                        3s or 1m (default 3s)
        --workers N     threads of each application, 2 to 64: half borrow from a HikariCP pool,
                        half open a connection of their own for each request (default 16)
        --strategy S    single-user: the rotation changes the password of the one user (default)
                        alternating: it changes that of a second user, and they swap
        --plain         never rewrite a line; so it is when the output is not a terminal
        --help          print this

      Exit code: 0 if no request failed with Evercred and new logins succeeded inside every window;
      1 if not; 2 if an option is wrong.
      """;

  private static final Pattern DURATION = Pattern.compile("([0-9]{1,9})(ms|s|m)");
  private static final Duration LEAST_WINDOW = Duration.ofSeconds(1);
  private static final Duration MOST_WINDOW = Duration.ofMinutes(10);

  /** How a password rotates. */
  enum Strategy {
    /** One user, whose password changes: the old one is refused from setSecret on. */
    SINGLE_USER,
    /** Two users take turns: the old one goes on working until the rotation after. */
    ALTERNATING;

    String text() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  /** An option is wrong; the message says which and what it may be. */
  static final class UsageException extends Exception {
    private static final long serialVersionUID = 1L;

    UsageException(String message) {
      super(message);
    }
  }

  static DemoOptions parse(List<String> arguments) throws UsageException {
    DemoOptions options = DEFAULTS;
    Set<String> seen = new HashSet<>();
    Deque<String> left = new ArrayDeque<>(arguments);
    while (!left.isEmpty()) {
      String argument = left.removeFirst();
      int equals = argument.startsWith("--") ? argument.indexOf('=') : -1;
      String name = equals < 0 ? argument : argument.substring(0, equals);
      String given = equals < 0 ? null : argument.substring(equals + 1);
      if (!seen.add(name)) {
        throw new UsageException(name + " is given twice");
      }
      options =
          switch (name) {
            case "--rotations" ->
                options.with(number(name, value(name, given, left), 1, 1000), options.workers);
            case "--workers" ->
                options.with(options.rotations, number(name, value(name, given, left), 2, 64));
            case "--window" -> options.with(window(name, value(name, given, left)));
            case "--strategy" -> options.with(strategy(name, value(name, given, left)));
            case "--plain" -> options.flags(flag(name, given), options.help);
            case "--help", "-h" -> options.flags(options.plain, flag(name, given));
            default -> throw new UsageException("unknown option '" + name + "'");
          };
    }
    return options;
  }

  int pooledWorkers() {
    return workers - unpooledWorkers();
  }

  int unpooledWorkers() {
    return workers / 2;
  }

  private DemoOptions with(int newRotations, int newWorkers) {
    return new DemoOptions(newRotations, window, newWorkers, strategy, plain, help);
  }

  private DemoOptions with(Duration newWindow) {
    return new DemoOptions(rotations, newWindow, workers, strategy, plain, help);
  }

  private DemoOptions with(Strategy newStrategy) {
    return new DemoOptions(rotations, window, workers, newStrategy, plain, help);
  }

  private DemoOptions flags(boolean newPlain, boolean newHelp) {
    return new DemoOptions(rotations, window, workers, strategy, newPlain, newHelp);
  }

  private static String value(String name, @Nullable String given, Deque<String> left)
      throws UsageException {
    String value = given == null ? left.pollFirst() : given;
    if (value == null || value.isEmpty()) {
      throw new UsageException(name + " needs a value");
    }
    return value;
  }

  private static boolean flag(String name, @Nullable String given) throws UsageException {
    if (given != null) {
      throw new UsageException(name + " takes no value");
    }
    return true;
  }

  private static int number(String name, String text, int least, int most) throws UsageException {
    if (text.matches("[0-9]{1,9}")) {
      int number = Integer.parseInt(text);
      if (number >= least && number <= most) {
        return number;
      }
    }
    throw new UsageException(
        "%s must be a whole number from %d to %d, not '%s'".formatted(name, least, most, text));
  }

  private static Duration window(String name, String text) throws UsageException {
    Matcher matcher = DURATION.matcher(text);
    if (matcher.matches()) {
      long amount = Long.parseLong(matcher.group(1));
      Duration window =
          switch (matcher.group(2)) {
            case "ms" -> Duration.ofMillis(amount);
            case "s" -> Duration.ofSeconds(amount);
            default -> Duration.ofMinutes(amount);
          };
      if (window.compareTo(LEAST_WINDOW) >= 0 && window.compareTo(MOST_WINDOW) <= 0) {
        return window;
      }
    }
    throw new UsageException(
        "%s must be 1s to 10m, written like 1500ms, 3s or 1m, not '%s'".formatted(name, text));
  }

  private static Strategy strategy(String name, String text) throws UsageException {
    for (Strategy strategy : Strategy.values()) {
      if (strategy.text().equals(text)) {
        return strategy;
      }
    }
    throw new UsageException(
        "%s must be single-user or alternating, not '%s'".formatted(name, text));
  }
}
