package io.github.evercred;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What fuzz tests plant in their input and look for in what comes out. */
final class FuzzMarks {
  private static final String TEXT = "MaRkEr7f3a";
  private static final String DIGITS = "7300915482";

  private FuzzMarks() {}

  /** Puts a marker for each '$' and a number for each '#': one mutation, and it is a value. */
  static String planted(String input) {
    return input.replace("$", TEXT).replace("#", DIGITS);
  }

  static boolean isIn(String text) {
    return text.contains(TEXT.substring(0, 6)) || text.contains(DIGITS.substring(0, 6));
  }

  /** Names of fields are no secret: messages list them. */
  static boolean isInNames(@Nullable Object json) {
    if (json instanceof Map<?, ?> object) {
      return object.entrySet().stream()
          .anyMatch(field -> isIn(String.valueOf(field.getKey())) || isInNames(field.getValue()));
    }
    return json instanceof List<?> array && array.stream().anyMatch(FuzzMarks::isInNames);
  }

  /** Looks at messages and texts; a stack trace holds nothing else of the input. */
  static void assertNotIn(@Nullable Throwable thrown) {
    for (Throwable at = thrown; at != null; at = at.getCause()) {
      String said = at.getMessage() + " " + at.getLocalizedMessage() + " " + at;
      assertThat(isIn(said)).as("a value is in: %s", said).isFalse();
      for (Throwable suppressed : at.getSuppressed()) {
        assertNotIn(suppressed);
      }
    }
  }
}
