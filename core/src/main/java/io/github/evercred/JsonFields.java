package io.github.evercred;

import com.grack.nanojson.JsonObject;
import com.grack.nanojson.JsonParser;
import com.grack.nanojson.JsonParserException;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The one place that knows the JSON parser. */
final class JsonFields {

  /** The parser calls itself for each level, and a secret may hold 65,536 brackets. */
  static final int MAXIMUM_DEPTH = 256;

  private JsonFields() {}

  /** Returns the fields of a JSON object, or null if the text is anything else. */
  static @Nullable Map<String, Object> parse(String json) {
    if (depth(json) > MAXIMUM_DEPTH) {
      return null;
    }
    try {
      return JsonParser.any().withLazyNumbers().from(json) instanceof JsonObject object
          ? object
          : null;
    } catch (JsonParserException e) {
      // Not kept as a cause: its message quotes the text, which is the secret.
      return null;
    }
  }

  private static int depth(String json) {
    int depth = 0;
    int deepest = 0;
    boolean quoted = false;
    for (int i = 0; i < json.length(); i++) {
      switch (json.charAt(i)) {
        case '"' -> quoted = !quoted;
        case '\\' -> i += quoted ? 1 : 0;
        case '{', '[' -> deepest = quoted ? deepest : Math.max(deepest, ++depth);
        case '}', ']' -> depth -= quoted ? 0 : 1;
        default -> {}
      }
    }
    return deepest;
  }
}
