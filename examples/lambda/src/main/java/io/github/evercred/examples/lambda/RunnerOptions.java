package io.github.evercred.examples.lambda;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What the runner was asked to do.
 *
 * @param freeze how long the functions are frozen
 * @param revalidateAfter the functions' option of that name
 * @param kms whether the function with SnapStart seals its secrets by a KMS key
 * @param help true to explain instead of run
 */
record RunnerOptions(Duration freeze, Duration revalidateAfter, boolean kms, boolean help) {

  static final RunnerOptions DEFAULTS =
      new RunnerOptions(Duration.ofSeconds(5), Duration.ofSeconds(2), true, false);

  static final String HELP =
      """
      Usage: run [options]

      Starts a PostgreSQL and a local Secrets Manager on this machine, runs three Lambda functions
      in JVMs of their own, freezes them as Lambda does between invocations, rotates their secrets
      meanwhile, and checks that the first invocation after it works with the new versions. The
      third function has SnapStart: it is told of a checkpoint before the freeze and of a restore
      after it.

        --freeze D            how long the functions are frozen: 1s to 1h, such as 1500ms, 5s or 2m
                              (default 5s)
        --without-kms         the function with SnapStart has no KMS key to seal its secret with: so
                              the secret is not in the snapshot and loaded in the restore
        --revalidate-after D  the functions' EVERCRED_REVALIDATE_AFTER: 2s to 24h (default 2s; in a
                              deployed function it is 15m). With one longer than the freeze the
                              API key is the old one after it, and the run fails
        --help                print this

      Exit code: 0 if all held; 1 if not; 2 if an option is wrong.
      """;

  private static final Pattern DURATION = Pattern.compile("([0-9]{1,9})(ms|s|m|h)");

  /** An option is wrong; the message says which and what it may be. */
  static final class UsageException extends Exception {
    private static final long serialVersionUID = 1L;

    UsageException(String message) {
      super(message);
    }
  }

  static RunnerOptions parse(List<String> arguments) throws UsageException {
    RunnerOptions options = DEFAULTS;
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
            case "--freeze" -> {
              Duration freeze = duration(name, given, left, 1, "1s to 1h", Duration.ofHours(1));
              yield new RunnerOptions(freeze, options.revalidateAfter, options.kms, options.help);
            }
            case "--revalidate-after" -> {
              Duration after = duration(name, given, left, 2, "2s to 24h", Duration.ofHours(24));
              yield new RunnerOptions(options.freeze, after, options.kms, options.help);
            }
            case "--without-kms" -> {
              requireNoValue(name, given);
              yield new RunnerOptions(options.freeze, options.revalidateAfter, false, options.help);
            }
            case "--help", "-h" -> {
              requireNoValue(name, given);
              yield new RunnerOptions(options.freeze, options.revalidateAfter, options.kms, true);
            }
            default -> throw new UsageException("unknown option '" + name + "'");
          };
    }
    return options;
  }

  /** As an option of a cache has it; a refresh must come due before a revalidation. */
  Duration refreshAfter() {
    return revalidateAfter.dividedBy(2);
  }

  private static void requireNoValue(String name, @Nullable String given) throws UsageException {
    if (given != null) {
      throw new UsageException(name + " takes no value");
    }
  }

  private static Duration duration(
      String name,
      @Nullable String given,
      Deque<String> left,
      int leastSeconds,
      String range,
      Duration most)
      throws UsageException {
    String text = given == null ? left.pollFirst() : given;
    if (text == null || text.isEmpty()) {
      throw new UsageException(name + " needs a value");
    }
    Matcher matcher = DURATION.matcher(text);
    if (matcher.matches()) {
      long amount = Long.parseLong(matcher.group(1));
      Duration duration =
          switch (matcher.group(2)) {
            case "ms" -> Duration.ofMillis(amount);
            case "s" -> Duration.ofSeconds(amount);
            case "m" -> Duration.ofMinutes(amount);
            default -> Duration.ofHours(amount);
          };
      if (duration.compareTo(Duration.ofSeconds(leastSeconds)) >= 0
          && duration.compareTo(most) <= 0) {
        return duration;
      }
    }
    throw new UsageException(
        "%s must be %s, written like 1500ms, 5s or 2m, not '%s'".formatted(name, range, text));
  }
}
