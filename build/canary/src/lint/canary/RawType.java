package canary;

import java.util.List;

/** Wrong: a raw type, only a warning of javac's, which -Werror turns into an error. */
class RawType {
  static int sizeOf(List list) {
    return list.size();
  }
}
