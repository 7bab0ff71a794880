package canary;

import org.jspecify.annotations.NullMarked;
import org.jspecify.annotations.Nullable;

/** Wrong: reads through a reference that may be null, which NullAway reports. */
@NullMarked
class NullDereference {
  static int lengthOf(@Nullable String text) {
    return text.length();
  }
}
