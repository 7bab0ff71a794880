package io.github.evercred.testkit;

import com.grack.nanojson.JsonObject;
import com.grack.nanojson.JsonParser;
import com.grack.nanojson.JsonParserException;
import com.grack.nanojson.JsonWriter;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads and writes JSON objects as plain maps that keep the order of their members. */
final class Json {
  private Json() {}

  /**
   * Returns the members of a JSON object: strings, numbers, booleans, lists, maps and nulls.
   *
   * @throws IllegalArgumentException if the text is not a JSON object; the message gives the
   *     position only, and there is no cause, because the parser's own message quotes the text,
   *     which may be a secret
   */
  static Map<String, @Nullable Object> parse(String text) {
    try {
      JsonObject parsed = JsonParser.object().from(text);
      return parsed;
    } catch (JsonParserException e) {
      throw new IllegalArgumentException(
          "not a JSON object (line %d, character %d)"
              .formatted(e.getLinePosition(), e.getCharPosition()));
    }
  }

  static String write(Map<String, ? extends @Nullable Object> members) {
    return JsonWriter.string(members);
  }
}
