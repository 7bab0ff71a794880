package canary;

import org.jspecify.annotations.NullMarked;
import org.jspecify.annotations.Nullable;

/** Correct: it must compile, or a mistake beside it would prove nothing. */
@NullMarked
class Control {
  static int lengthOf(@Nullable String text) {
    return text == null ? 0 : text.length();
  }
}
