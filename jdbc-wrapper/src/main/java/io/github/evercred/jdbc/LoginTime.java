package io.github.evercred.jdbc;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Duration;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * How a driver is told how long a login may take.
 *
 * @param property the property that bounds a login, or at least its connecting; null if there is
 *     none that we know
 * @param unit what its number counts
 * @param whole whether it bounds the whole login, so that a caller who sets it has said how long
 *     any login may take; otherwise it goes on meaning what it means to the driver, and a login is
 *     given it or what is left, whichever is shorter
 * @param read a property for each read, where the first one does not cover them, in the same unit;
 *     set for the login alone, and taken back by {@link java.sql.Connection#setNetworkTimeout}
 */
record LoginTime(@Nullable String property, Unit unit, boolean whole, @Nullable String read) {

  /** What a number counts. */
  enum Unit {
    /** Seconds, fractions allowed. */
    FRACTIONAL_SECONDS(9),
    /** Whole seconds; a rest is rounded up, since zero means none. */
    SECONDS(9),
    MILLISECONDS(6);

    private final int digits;

    Unit(int digits) {
      this.digits = digits;
    }
  }

  static final LoginTime UNKNOWN = new LoginTime(null, Unit.SECONDS, false, null);

  private static final Pattern NUMBER = Pattern.compile("\\d{1,9}(\\.\\d{1,20})?");
  private static final long LEAST_MILLIS = 10;

  /** Reads what a caller gave; zero means none, and null that it is no such number. */
  @Nullable Duration read(String text) {
    String number = text.strip();
    if (!NUMBER.matcher(number).matches()) {
      return null;
    }
    // Rounded up: the shortest time is not none.
    return Duration.ofNanos(
        new BigDecimal(number)
            .movePointRight(unit.digits)
            .setScale(0, RoundingMode.CEILING)
            .longValueExact());
  }

  /** The same for a driver that stands before the one meant: AWS's wrapper reads no fractions. */
  LoginTime inWholeSeconds() {
    return unit == Unit.FRACTIONAL_SECONDS
        ? new LoginTime(property, Unit.SECONDS, whole, read)
        : this;
  }

  String written(Duration time) {
    long millis = Math.max(time.toMillis(), LEAST_MILLIS);
    return switch (unit) {
      case FRACTIONAL_SECONDS -> BigDecimal.valueOf(millis, 3).toPlainString();
      case SECONDS -> Long.toString((millis + 999) / 1000);
      case MILLISECONDS -> Long.toString(millis);
    };
  }
}
