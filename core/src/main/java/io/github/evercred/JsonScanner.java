package io.github.evercred;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Finds one top-level field of a JSON object without making a String, or any other copy, of what it
 * passes: only the text that was asked for is copied, once, into an array that the caller wipes.
 *
 * <p>It takes and refuses what {@link JsonFields#parse} does, down to the parser's one leniency, so
 * that a secret reads alike whether it is sealed or not. Nothing is decoded before the whole text
 * has proved to be an object: a text is measured where it stands and then decoded into its final
 * array, so there is no buffer in between that would have to be wiped.
 *
 * <p>It throws nothing but for null, and takes linear time. The array it reads must not be changed
 * meanwhile.
 */
final class JsonScanner {

  enum Kind {
    /** What the parser knows no fields of: malformed, too deep, or another kind of value. */
    NOT_AN_OBJECT,
    /** There is no such field, or it is null. */
    ABSENT,
    /** The field is an object or array. */
    COMPOSITE,
    /** The field is a text, number or boolean. */
    TEXT
  }

  /** What was found. No record, since the text must not get into a {@code toString}. */
  static final class Found {
    final Kind kind;

    /** The field's text, decoded, and the caller's to wipe; empty unless the kind is TEXT. */
    final char[] text;

    private Found(Kind kind, char[] text) {
      this.kind = kind;
      this.text = text;
    }
  }

  private static final char[] NO_TEXT = {};

  /** What {@link #character} and {@link #string} return instead of a character or a length. */
  private static final int END = -1;

  private static final int MALFORMED = -2;

  private final char[] json;
  private final String wanted;
  private final @Nullable Set<String> names;

  /** The next character to read. */
  private int at;

  /** Where the wanted field's value begins and ends, the last such field's as in a map; or -1. */
  private int found = -1;

  private int foundEnd;

  private JsonScanner(char[] json, String wanted, @Nullable Set<String> names) {
    this.json = json;
    this.wanted = wanted;
    this.names = names;
  }

  /** Returns what the field of that name holds; case counts. */
  static Found find(char[] json, String name) {
    var scanner =
        new JsonScanner(
            Objects.requireNonNull(json, "json"), Objects.requireNonNull(name, "name"), null);
    return scanner.isObject() ? scanner.found() : new Found(Kind.NOT_AN_OBJECT, NO_TEXT);
  }

  /** Returns the names of all fields, sorted, or null if the text is no object. */
  static @Nullable List<String> names(char[] json) {
    // Names are no secret, but in a text that is no object what looks like one may be. So first:
    if (!new JsonScanner(Objects.requireNonNull(json, "json"), "", null).isObject()) {
      return null;
    }
    var names = new TreeSet<String>();
    return new JsonScanner(json, "", names).isObject() ? List.copyOf(names) : null;
  }

  private Found found() {
    if (found < 0 || json[found] == 'n') {
      return new Found(Kind.ABSENT, NO_TEXT);
    }
    return switch (json[found]) {
      case '{', '[' -> new Found(Kind.COMPOSITE, NO_TEXT);
      case '"' -> new Found(Kind.TEXT, decoded(found + 1));
      default -> new Found(Kind.TEXT, Arrays.copyOfRange(json, found, foundEnd));
    };
  }

  private boolean isObject() {
    if (!next('{') || !object(1)) {
      return false;
    }
    skipBlanks();
    return at == json.length;
  }

  /** Reads behind the bracket, as the methods below do behind what tells them from the others. */
  private boolean object(int depth) {
    if (next('}')) {
      return true;
    }
    do {
      if (!next('"')) {
        return false;
      }
      int name = at;
      int length = string();
      if (length == MALFORMED || !next(':')) {
        return false;
      }
      skipBlanks();
      int value = at;
      if (!value(depth)) {
        return false;
      }
      if (depth == 1) {
        noteField(name, length, value);
      }
    } while (next(','));
    return next('}');
  }

  private boolean array(int depth) {
    if (next(']')) {
      return true;
    }
    do {
      if (!value(depth)) {
        return false;
      }
    } while (next(','));
    return next(']');
  }

  /** Reads a value that stands in something of that depth. */
  private boolean value(int depth) {
    skipBlanks();
    if (at == json.length) {
      return false;
    }
    return switch (json[at]) {
      case '{' -> depth < JsonFields.MAXIMUM_DEPTH && skip('{') && object(depth + 1);
      case '[' -> depth < JsonFields.MAXIMUM_DEPTH && skip('[') && array(depth + 1);
      case '"' -> skip('"') && string() != MALFORMED;
      case 't' -> word("true");
      case 'f' -> word("false");
      case 'n' -> word("null");
      default -> number();
    };
  }

  private void noteField(int name, int length, int value) {
    int end = at;
    if (names != null) {
      names.add(new String(decoded(name)));
    } else if (isWanted(name, length)) {
      found = value;
      foundEnd = end;
    }
    at = end;
  }

  private boolean isWanted(int name, int length) {
    at = name;
    boolean same = length == wanted.length();
    for (int i = 0; same && i < length; i++) {
      same = character() == wanted.charAt(i);
    }
    return same;
  }

  /** Returns the string that begins there, which has been read before and so is well-formed. */
  private char[] decoded(int start) {
    at = start;
    char[] text = new char[string()];
    at = start;
    for (int i = 0; i < text.length; i++) {
      text[i] = (char) character();
    }
    return text;
  }

  /** Returns the decoded length of the string up to its quote, or MALFORMED. */
  private int string() {
    for (int length = 0; ; length++) {
      int c = character();
      if (c < 0) {
        return c == END ? length : MALFORMED;
      }
    }
  }

  /** Reads a character of a string: decoded, or END for its quote, or MALFORMED. */
  private int character() {
    if (at == json.length) {
      return MALFORMED;
    }
    char c = json[at++];
    if (c == '"') {
      return END;
    }
    if (c != '\\') {
      return c < ' ' ? MALFORMED : c;
    }
    if (at == json.length) {
      return MALFORMED;
    }
    char escape = json[at++];
    return switch (escape) {
      case '"', '\\', '/' -> escape;
      case 'b' -> '\b';
      case 'f' -> '\f';
      case 'n' -> '\n';
      case 'r' -> '\r';
      case 't' -> '\t';
      case 'u' -> hexadecimal();
      default -> MALFORMED;
    };
  }

  private int hexadecimal() {
    int code = 0;
    for (int i = 0; i < 4; i++) {
      // Character.digit alone would take digits of other scripts.
      int digit = at < json.length && json[at] < 128 ? Character.digit(json[at], 16) : -1;
      if (digit < 0) {
        return MALFORMED;
      }
      code = code << 4 | digit;
      at++;
    }
    return code;
  }

  private boolean number() {
    skip('-');
    if ((!skip('0') && !digits()) || (skip('.') && !digits())) {
      return false;
    }
    if (!skip('e') && !skip('E')) {
      return true;
    }
    skip('-');
    while (skip('+')) {
      // The parser takes any number of them, also behind the minus: 1e-++5.
    }
    return digits();
  }

  private boolean digits() {
    int start = at;
    while (at < json.length && json[at] >= '0' && json[at] <= '9') {
      at++;
    }
    return at > start;
  }

  private boolean word(String word) {
    for (int i = 0; i < word.length(); i++) {
      if (!skip(word.charAt(i))) {
        return false;
      }
    }
    return true;
  }

  private boolean next(char c) {
    skipBlanks();
    return skip(c);
  }

  private boolean skip(char c) {
    boolean there = at < json.length && json[at] == c;
    at += there ? 1 : 0;
    return there;
  }

  private void skipBlanks() {
    while (skip(' ') || skip('\n') || skip('\r') || skip('\t')) {}
  }
}
