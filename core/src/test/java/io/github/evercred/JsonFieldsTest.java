package io.github.evercred;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonFieldsTest {

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "hunter2",
        "\"hunter2\"",
        "12",
        "null",
        "true",
        "[]",
        "[{\"a\":1}]",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":hunter2}",
        "{\"a\":\"hunter2}",
        "{\"a\":\"\\u12\"}",
        "{\"a\":\"\\",
        "{\"a\":1}}",
        "{\"a\":1} {",
        "{\"a\":-}",
        "{\"a\":1e}",
        "{'a':1}",
        "{a:1}",
        "\uD800",
      })
  void parse_noJsonObject_isNull(String text) {
    assertThat(JsonFields.parse(text)).isNull();
  }

  @Test
  void parse_emptyObject_hasNoFields() {
    assertThat(JsonFields.parse(" {} ")).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"[", "{\"a\":", "{\"a\":[", "[[]", "]["})
  void parse_65000Brackets_isNullWithoutExhaustingTheStack(String unit) {
    assertThat(JsonFields.parse("{\"a\":" + unit.repeat(65_000 / unit.length()))).isNull();
    assertThat(JsonFields.parse("{\"a\":" + "[".repeat(32_000) + "]".repeat(32_000) + "}"))
        .isNull();
  }

  @Test
  void parse_bracketsInText_doNotCountAsDepth() {
    String text = "{[".repeat(20_000);

    assertThat(
            JsonFields.parse("{\"a\":\"\\\"" + text + "\",\"b\":\"\\\\\",\"c\":\"" + text + "\"}"))
        .containsEntry("a", "\"" + text)
        .containsEntry("b", "\\")
        .containsEntry("c", text);
  }

  @Test
  void parse_depthOf200_isRead() {
    String json = "{\"a\":" + "[".repeat(200) + "]".repeat(200) + ",\"b\":1}";

    assertThat(JsonFields.parse(json)).containsKey("b");
  }

  /** Whatever the parser makes of damaged text, it must not come out as an exception. */
  @Test
  void parse_damagedText_neverThrows() {
    String good =
        "{\"user\":\"app\",\"password\":\"h\\u00fcnter\\\\2\",\"port\":5432,\"on\":true,\"x\":null,"
            + "\"n\":-1.5e+3,\"o\":{\"a\":[1,{\"b\":\"\\uD83D\\uDE00\"}]}}";
    char[] alphabet = "{}[]\",:\\u0e+-.tfn \t\u0000\uD800\uDC00x9'/".toCharArray();
    var random = new Random(42);
    int read = 0;
    for (int i = 0; i < 50_000; i++) {
      var text = new StringBuilder(good);
      for (int change = random.nextInt(3); change >= 0; change--) {
        int at = random.nextInt(text.length());
        switch (random.nextInt(4)) {
          case 0 -> text.setLength(at + 1);
          case 1 -> text.deleteCharAt(at);
          case 2 -> text.insert(at, alphabet[random.nextInt(alphabet.length)]);
          default -> text.setCharAt(at, alphabet[random.nextInt(alphabet.length)]);
        }
        if (text.length() == 0) {
          break;
        }
      }
      read += JsonFields.parse(text.toString()) == null ? 0 : 1;
    }
    assertThat(read).as("some damage is still JSON, most is not").isBetween(100, 45_000);
  }
}
