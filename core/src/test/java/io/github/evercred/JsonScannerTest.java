package io.github.evercred;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import com.sun.management.ThreadMXBean;
import io.github.evercred.JsonScanner.Found;
import io.github.evercred.JsonScanner.Kind;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The parser is the measure: the scanner finds what it finds, and refuses what it refuses. */
class JsonScannerTest {
  private static final long SEED = 20_240_607;
  private static final int DOCUMENTS = 60_000;

  /** What the tokener of the parser reads at once. */
  private static final int PARSERS_BUFFER = 32 * 1024;

  private static Found find(String json, String name) {
    return JsonScanner.find(json.toCharArray(), name);
  }

  private static String text(String json, String name) {
    Found found = find(json, name);
    assertThat(found.kind).isEqualTo(Kind.TEXT);
    return new String(found.text);
  }

  /** Compares with the parser for each field, some that are not there, and the names. */
  static Kind assertReadsAsTheParser(String text) {
    Map<String, Object> parsed = JsonFields.parse(text);
    SecretValue value = SecretValue.builder("prod/orders/db", FakeSource.version(7)).text(text);
    char[] json = text.toCharArray();

    assertThat(JsonScanner.names(json))
        .isEqualTo(parsed == null ? null : parsed.keySet().stream().sorted().toList());
    var names = new ArrayList<>(List.of("a", "", "absent"));
    if (parsed != null) {
      parsed.keySet().stream().limit(50).forEach(names::add);
    }
    Kind last = Kind.NOT_AN_OBJECT;
    for (String name : names) {
      Found found = JsonScanner.find(json, name);
      String expected = null;
      last = Kind.NOT_AN_OBJECT;
      if (parsed != null) {
        try {
          Optional<String> field = value.optionalField(name);
          last = field.isPresent() ? Kind.TEXT : Kind.ABSENT;
          expected = field.orElse(null);
        } catch (SecretException e) {
          last = Kind.COMPOSITE;
        }
      }
      assertThat(found.kind).isEqualTo(last);
      assertThat(new String(found.text)).isEqualTo(expected == null ? "" : expected);
    }
    assertThat(json).as("is left as it was").isEqualTo(text.toCharArray());
    return last;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        " \t\r\n{ \t\r\n} \t\r\n",
        "{\"a\":\"\"}",
        "{\"a\":\"hunter2\",\"b\":\"x\"}",
        " { \"b\" : \"x\" , \"a\" : \"hunter2\" } ",
        "{\"\":\"of the empty name\"}",
        "{\"a\":null}",
        "{\"a\":true,\"b\":false}",
        "{\"a\":{}}",
        "{\"a\":[]}",
        "{\"a\":{\"a\":\"inner\"}}",
        "{\"b\":{\"a\":\"inner\"}}",
        "{\"b\":[{\"a\":\"inner\"}],\"a\":\"outer\"}",
        "{\"b\":\"a\",\"c\":\"\\\"a\\\":1\"}",
        "{\"a\":[1,[2,{}],{\"b\":[]}]}",
        "{\"aa\":1,\"A\":2}",
        // The same name twice
        "{\"a\":1,\"a\":2}",
        "{\"a\":1,\"a\":null}",
        "{\"a\":null,\"a\":1}",
        "{\"a\":1,\"\\u0061\":[]}",
        "{\"\\u0061\":[],\"a\":\"x\"}",
        // Escapes
        "{\"\\u0061\":\"x\"}",
        "{\"p\\u0061ss\\/\\\"\":\"x\"}",
        "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\\u00fC\\uD83D\\uDE00\"}",
        "{\"a\":\"\\ud800\",\"\\udc00\":\"\\udfff\\ud800\"}",
        "{\"a\":\"\uD83D\uDE00 \uD800 \uDC00 \uFFFF \u007F \u0080 \u2028\"}",
        "{\"a\":\"\\u12\"}",
        "{\"a\":\"\\u12",
        "{\"a\":\"\\u123g\"}",
        "{\"a\":\"\\u-001\"}",
        "{\"a\":\"\\u\uFF11\uFF11\uFF11\uFF11\"}",
        "{\"a\":\"\\U0061\"}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\'\"}",
        "{\"a\":\"\\0\"}",
        "{\"a\":\"\\\n\"}",
        "{\"a\":\"\\",
        "{\"a\":\"\\\"",
        "{\"a\":\"\\n",
        "{\"\\x\":1}",
        "{\"a\\\":1}",
        // Control characters
        "{\"a\":\"\n\"}",
        "{\"a\":\"\t\"}",
        "{\"a\":\"\u0000\"}",
        "{\"a\":\"\u001F\"}",
        "{\"\u001F\":1}",
        // Numbers
        "{\"a\":0}",
        "{\"a\":-0}",
        "{\"a\":5432}",
        "{\"a\":-1.50E+03}",
        "{\"a\":1e5}",
        "{\"a\":1E-5}",
        "{\"a\":0.0e0}",
        "{\"a\":1e999999999}",
        "{\"a\":123456789012345678901234567890}",
        "{\"a\":1e++5}",
        "{\"a\":1e-+5}",
        "{\"a\":1e+++05}",
        "{\"a\":1e+-5}",
        "{\"a\":1e--5}",
        "{\"a\":1e+}",
        "{\"a\":1e-}",
        "{\"a\":1e}",
        "{\"a\":1e5.0}",
        "{\"a\":1e5e5}",
        "{\"a\":1.}",
        "{\"a\":1.e5}",
        "{\"a\":1.5.5}",
        "{\"a\":.5}",
        "{\"a\":+1}",
        "{\"a\":-}",
        "{\"a\":--1}",
        "{\"a\":-+1}",
        "{\"a\":-.5}",
        "{\"a\":-e5}",
        "{\"a\":e5}",
        "{\"a\":01}",
        "{\"a\":-01}",
        "{\"a\":00}",
        "{\"a\":0x1}",
        "{\"a\":1-2}",
        "{\"a\":1 2}",
        "{\"a\":1a}",
        "{\"a\":1\"b\":2}",
        "{\"a\":1_000}",
        "{\"a\":\uFF11}",
        "{\"a\":NaN}",
        "{\"a\":Infinity}",
        "{\"a\":-Infinity}",
        "{\"a\":1",
        "{\"a\":-",
        // Words
        "{\"a\":truE}",
        "{\"a\":True}",
        "{\"a\":tru}",
        "{\"a\":tr",
        "{\"a\":truex}",
        "{\"a\":true1}",
        "{\"a\":true_}",
        "{\"a\":true\u00E9}",
        "{\"a\":true false}",
        "{\"a\":nul}",
        "{\"a\":nullnull}",
        "{\"a\":null\"\"}",
        "{\"a\":falsetto}",
        "{\"a\":undefined}",
        "{\"a\":hunter2}",
        // Structure
        "",
        " ",
        "\u0000",
        "{",
        "}",
        "{\"",
        "{\"a",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":}",
        "{\"a\":,}",
        "{\"a\":\"hunter2}",
        "{\"a\":\"x\"",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{\"a\":1,,\"b\":2}",
        "{,}",
        "{,\"a\":1}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":1;\"b\":2}",
        "{\"a\"=1}",
        "{\"a\"::1}",
        "{\"a\" 1}",
        "{\"a\",1}",
        "{a:1}",
        "{'a':1}",
        "{1:1}",
        "{null:1}",
        "{[]:1}",
        "{\"a\":[}",
        "{\"a\":[1,]}",
        "{\"a\":[,]}",
        "{\"a\":[,1]}",
        "{\"a\":[1 2]}",
        "{\"a\":[1}]",
        "{\"a\":[\"b\":1]}",
        "{\"a\":{1}}",
        "{\"a\":{]}",
        "{\"a\":{\"b\"}}",
        // What stands before and behind
        "{\"a\":1}}",
        "{\"a\":1} {",
        "{\"a\":1}{}",
        "{\"a\":1},",
        "{\"a\":1}x",
        "{\"a\":1}\u0000",
        "\uFEFF{\"a\":1}",
        "{\"a\":1}\uFEFF",
        "\u00A0{\"a\":1}",
        "{\"a\":1}\u00A0",
        "{\u000B\"a\":1}",
        "{\f\"a\":1}",
        "{\u2028\"a\":1}",
        "{/* */\"a\":1}",
        "{\"a\":1} // a",
        "# a\n{\"a\":1}",
        // No object
        "hunter2",
        "\"hunter2\"",
        "12",
        "null",
        "true",
        "[]",
        "[{\"a\":1}]",
        "\uD800",
      })
  void find_anyText_isWhatTheParserReads(String text) {
    assertReadsAsTheParser(text);
  }

  /** These hold whatever the parser does. */
  @Test
  void find_kinds() {
    String json =
        "{\"t\":\"h\\u00fcnter\\\\2\",\"n\":-1.50E+3,\"b\":true,\"x\":null,\"o\":{},\"l\":[]}";

    assertThat(text(json, "t")).isEqualTo("h\u00fcnter\\2");
    assertThat(text(json, "n")).isEqualTo("-1.50E+3");
    assertThat(text(json, "b")).isEqualTo("true");
    assertThat(find(json, "x").kind).isEqualTo(Kind.ABSENT);
    assertThat(find(json, "T").kind).isEqualTo(Kind.ABSENT);
    assertThat(find(json, "o").kind).isEqualTo(Kind.COMPOSITE);
    assertThat(find(json, "l").kind).isEqualTo(Kind.COMPOSITE);
    assertThat(find("[" + json + "]", "t").kind).isEqualTo(Kind.NOT_AN_OBJECT);
  }

  @Test
  void find_nameTwice_lastOneCounts() {
    assertThat(text("{\"a\":1,\"a\":2}", "a")).isEqualTo("2");
    assertThat(text("{\"a\":[],\"\\u0061\":\"x\"}", "a")).isEqualTo("x");
    assertThat(find("{\"a\":1,\"a\":null}", "a").kind).isEqualTo(Kind.ABSENT);
  }

  @Test
  void names_object_areSortedAndOnceEach() {
    assertThat(JsonScanner.names("{\"b\":{\"c\":1},\"\\u0061\":1,\"a\":null,\"\":2}".toCharArray()))
        .containsExactly("", "a", "b");
    assertThat(JsonScanner.names("{}".toCharArray())).isEmpty();
    assertThat(JsonScanner.names("{\"b\":1".toCharArray())).isNull();
  }

  @Test
  @SuppressWarnings("NullAway") // What the test is about.
  void arguments_null_areRefused() {
    assertThatNullPointerException().isThrownBy(() -> JsonScanner.find(null, "a"));
    assertThatNullPointerException().isThrownBy(() -> JsonScanner.find(new char[0], null));
    assertThatNullPointerException().isThrownBy(() -> JsonScanner.names(null));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 254, 255, 256, 257, 300})
  void find_depth_endsWhereTheParsersDoes(int depth) {
    String lists =
        "{\"a\":" + "[".repeat(depth - 1) + "1" + "]".repeat(depth - 1) + ",\"b\":\"{[\"}";
    String objects = "{\"a\":".repeat(depth) + "1" + "}".repeat(depth);

    for (String json : List.of(lists, objects)) {
      Kind inA = assertReadsAsTheParser(json);
      assertThat(inA == Kind.NOT_AN_OBJECT).isEqualTo(depth > 256);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"[", "{\"a\":", "{\"a\":[", "[[]", "[],", "]["})
  void find_65000Brackets_isDoneWithoutExhaustingTheStack(String unit) {
    String many = unit.repeat(65_000 / unit.length());
    assertReadsAsTheParser("{\"a\":" + many);
    assertReadsAsTheParser("{\"a\":[" + many + "1]}");
  }

  /** Ends of buffers are where the parser has most to get wrong. */
  @ParameterizedTest
  @MethodSource("aroundTheParsersBuffer")
  void find_longText_isWhatTheParserReads(int length) {
    for (String tail :
        List.of(
            "\\n\"}", "\\u0061\"}", "\\u006", "\\", "\"}", "\",\"b\":true}", "\",\"b\":-1e++5}")) {
      assertReadsAsTheParser("{\"a\":\"" + "x".repeat(length - 6) + tail);
      assertReadsAsTheParser(" ".repeat(length - 6) + "{\"a\":\"" + tail);
    }
  }

  static int[] aroundTheParsersBuffer() {
    return java.util.stream.IntStream.rangeClosed(PARSERS_BUFFER - 10, PARSERS_BUFFER + 2)
        .toArray();
  }

  /**
   * Whatever the scanner makes on its way is seen in what the thread allocates: room for the text
   * that is returned, and for no second one.
   */
  @Test
  void find_longValue_isCopiedOnceIfItIsWantedAndElseNever() {
    int length = 1_000_000;
    String escaped = "\\u0078".repeat(length);
    char[] json =
        ("{\"a\":\"old"
                + escaped
                + "\",\"a\":\""
                + escaped
                + "\",\"b\":1"
                + "2".repeat(length)
                + "}")
            .toCharArray();
    char[] unfinished = ("{\"a\":\"" + escaped + "\",\"").toCharArray();
    long slack = 50_000;
    long copy = 2L * length;
    for (int warmUp = 0; warmUp < 3; warmUp++) {
      allocated(json, "a");
    }

    assertThat(allocated(json, "a")).isBetween(copy, copy + slack);
    assertThat(allocated(json, "b")).isBetween(copy, copy + slack);
    assertThat(allocated(json, "absent")).isLessThan(slack);
    assertThat(allocated(unfinished, "a")).isLessThan(slack);
    assertThat(JsonScanner.find(json, "a").text).hasSize(length);
  }

  private static long allocated(char[] json, String name) {
    var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long thread = Thread.currentThread().getId();
    long before = threads.getThreadAllocatedBytes(thread);
    Found found = JsonScanner.find(json, name);
    long after = threads.getThreadAllocatedBytes(thread);
    assertThat(found.text).isNotNull();
    return after - before;
  }

  @Test
  void find_randomDocuments_isWhatTheParserReads() {
    var random = new Random(SEED);
    var seen = new EnumMap<Kind, Integer>(Kind.class);
    for (int i = 0; i < DOCUMENTS; i++) {
      String json = document(random);
      try {
        seen.merge(assertReadsAsTheParser(json), 1, Integer::sum);
      } catch (Throwable e) {
        throw new AssertionError("seed %d, document %d: %s".formatted(SEED, i, shown(json)), e);
      }
    }
    for (Kind kind : Kind.values()) {
      assertThat(seen.getOrDefault(kind, 0)).as("%s in %s", kind, seen).isGreaterThan(1_000);
    }
  }

  private static String shown(String json) {
    var shown = new StringBuilder();
    json.chars()
        .forEach(
            c -> {
              if (c >= ' ' && c < 127) {
                shown.append((char) c);
              } else {
                shown.append("<%04x>".formatted(c));
              }
            });
    return shown.toString();
  }

  // A generator of documents: sound ones, and for every second one some damage.

  private static final String[] NAMES = {"a", "a", "\\u0061", "b", "", "\\n", "\uD83D\uDE00", "ab"};

  private static final String[] CHARACTERS = {
    "x",
    "y",
    "\u00FC",
    "\uD83D\uDE00",
    "\uD800",
    "\uFFFF",
    "{",
    "]",
    ",",
    ":",
    "/",
    "'",
    "\u007F",
    "\\\"",
    "\\\\",
    "\\/",
    "\\b",
    "\\f",
    "\\n",
    "\\r",
    "\\t",
    "\\u0000",
    "\\uD83D\\udE00",
    "\\uDfFf",
  };

  private static final String[] PIECES = {
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\u",
    "\\u00",
    "+",
    "-",
    ".",
    "e",
    "E",
    "0",
    "1",
    "true",
    "false",
    "null",
    "t",
    "n",
    " ",
    "\n",
    "\t",
    "\r",
    "\u0000",
    "\f",
    "\u00A0",
    "\uFEFF",
    "\uFF11",
    "\uD800",
    "'",
    "/",
    "#",
    "\"a\":",
    "\"a\":1,",
    ",\"a\":null",
    "NaN",
  };

  private static String document(Random random) {
    var json = new StringBuilder();
    blank(random, json);
    if (random.nextInt(20) == 0) {
      value(random, json, 0);
    } else {
      object(random, json, 0);
    }
    blank(random, json);
    if (random.nextBoolean()) {
      for (int changes = random.nextInt(3); changes >= 0; changes--) {
        damage(random, json);
      }
    }
    return random.nextInt(500) == 0
        ? " ".repeat(PARSERS_BUFFER - random.nextInt(json.length() + 1)) + json
        : json.toString();
  }

  private static void damage(Random random, StringBuilder json) {
    int at = random.nextInt(json.length() + 1);
    int end = Math.min(json.length(), at + random.nextInt(4));
    String piece = pick(random, PIECES);
    switch (random.nextInt(6)) {
      case 0 -> json.delete(at, end);
      case 1 -> json.insert(at, piece);
      case 2 -> json.replace(at, end, piece);
      case 3 -> json.insert(at, json.substring(at, end));
      case 4 -> json.append(piece);
      default -> json.setLength(at);
    }
  }

  private static void value(Random random, StringBuilder json, int depth) {
    switch (random.nextInt(depth < 4 ? 9 : 7)) {
      case 0, 1 -> string(random, json);
      case 2, 3 -> number(random, json);
      case 4 -> json.append("true");
      case 5 -> json.append("false");
      case 6 -> json.append("null");
      case 7 -> object(random, json, depth + 1);
      default -> {
        json.append('[');
        for (int left = random.nextInt(4); left > 0; left--) {
          blank(random, json);
          value(random, json, depth + 1);
          blank(random, json);
          json.append(left > 1 ? "," : "");
        }
        json.append(']');
      }
    }
  }

  private static void object(Random random, StringBuilder json, int depth) {
    json.append('{');
    blank(random, json);
    for (int left = random.nextInt(5); left > 0; left--) {
      blank(random, json);
      json.append('"').append(pick(random, NAMES)).append('"');
      blank(random, json);
      json.append(':');
      blank(random, json);
      value(random, json, depth);
      blank(random, json);
      json.append(left > 1 ? "," : "");
    }
    json.append('}');
  }

  private static void string(Random random, StringBuilder json) {
    json.append('"');
    for (int left = random.nextInt(8); left > 0; left--) {
      json.append(pick(random, CHARACTERS));
    }
    json.append('"');
  }

  private static void number(Random random, StringBuilder json) {
    json.append(random.nextBoolean() ? "-" : "");
    json.append(random.nextInt(3) == 0 ? 0 : random.nextInt(2_000));
    if (random.nextBoolean()) {
      json.append('.').append(random.nextInt(2_000));
    }
    if (random.nextBoolean()) {
      json.append(pick(random, "e", "E", "e+", "E-", "e++", "e-+")).append(random.nextInt(400));
    }
  }

  private static void blank(Random random, StringBuilder json) {
    json.append(pick(random, "", "", "", " ", "\n", "\t", "\r\n"));
  }

  private static String pick(Random random, String... from) {
    return from[random.nextInt(from.length)];
  }
}
