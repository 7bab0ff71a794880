package io.github.evercred;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.github.evercred.SecretException.Reason;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.NullUnmarked;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class JsonMappingTest {
  private static final String ID = "prod/orders/db";
  private static final String VERSION = FakeSource.version(7);
  private static final String MARKER = "MaRkEr7f3a";

  private static SecretValue secret(String json) {
    return SecretValue.builder(ID, VERSION).text(json.replace('\'', '"'));
  }

  /** What a failure says, after a look for the marker in all of it. */
  private static SecretException failure(Class<?> type, String json) {
    SecretException failure =
        catchThrowableOfType(SecretException.class, () -> secret(json).as(type));
    assertThat(failure).as("read %s as %s", json, type).isNotNull();
    assertThat(LeakTest.everythingSaidBy(failure)).doesNotContain(MARKER.substring(0, 6));
    assertThat(failure).hasNoCause();
    assertThat(failure.getSuppressed()).isEmpty();
    assertThat(failure)
        .hasMessageContaining("Secret '" + ID + "' (version " + VERSION + ")")
        .hasMessageContaining(type.getTypeName());
    return failure;
  }

  enum Mode {
    READ,
    WRITE {
      @Override
      public String toString() {
        return "w";
      }
    }
  }

  record Login(String username, String password) {}

  @SuppressWarnings("ArrayRecordComponent")
  record Everything(
      String text,
      char[] chars,
      boolean on,
      Boolean off,
      byte tiny,
      Byte tinyBoxed,
      short small,
      Short smallBoxed,
      int port,
      Integer portBoxed,
      long big,
      Long bigBoxed,
      float real,
      Float realBoxed,
      double wide,
      Double wideBoxed,
      char letter,
      Character letterBoxed,
      BigDecimal decimal,
      BigInteger whole,
      Mode mode,
      Optional<String> absent,
      Optional<String> nothing,
      Optional<Integer> present,
      List<String> hosts,
      Set<Integer> ports,
      Map<String, Mode> rights,
      Login login,
      List<Login> logins,
      Object anything) {}

  private static final String EVERYTHING =
      """
      {'text': 'a', 'chars': 'secret', 'on': true, 'off': false, 'tiny': -128, 'tinyBoxed': 127,
       'small': -32768, 'smallBoxed': 32767, 'port': 5432, 'portBoxed': -2147483648,
       'big': 9223372036854775807, 'bigBoxed': 1e3, 'real': 1.5, 'realBoxed': -0.25,
       'wide': 1e300, 'wideBoxed': 0.1, 'letter': 'x', 'letterBoxed': 7, 'decimal': 1.50,
       'whole': 123456789012345678901234567890, 'mode': 'WRITE', 'nothing': null, 'present': 3,
       'hosts': ['a', 'b', 'a'], 'ports': [2, 1, 2], 'rights': {'x': 'READ', 'y': 'WRITE'},
       'login': {'username': 'u', 'password': 'p'}, 'logins': [{'username': 'v', 'password': 'q'}],
       'anything': {'n': null, 't': 'x', 'b': true, 'i': 5, 'd': 1.50, 'h': 12345678901234567890,
                    'l': [1, [null, {}]]},
       'unknown': {'ignored': [1, 2]}}
      """;

  @Test
  void as_recordOfEveryType_isRead() {
    Everything all = secret(EVERYTHING).as(Everything.class);

    assertThat(all.text).isEqualTo("a");
    assertThat(all.chars).isEqualTo("secret".toCharArray());
    assertThat(all.on).isTrue();
    assertThat(all.off).isFalse();
    assertThat(all.tiny).isEqualTo(Byte.MIN_VALUE);
    assertThat(all.tinyBoxed).isEqualTo(Byte.MAX_VALUE);
    assertThat(all.small).isEqualTo(Short.MIN_VALUE);
    assertThat(all.smallBoxed).isEqualTo(Short.MAX_VALUE);
    assertThat(all.port).isEqualTo(5432);
    assertThat(all.portBoxed).isEqualTo(Integer.MIN_VALUE);
    assertThat(all.big).isEqualTo(Long.MAX_VALUE);
    assertThat(all.bigBoxed).isEqualTo(1000);
    assertThat(all.real).isEqualTo(1.5f);
    assertThat(all.realBoxed).isEqualTo(-0.25f);
    assertThat(all.wide).isEqualTo(1e300);
    assertThat(all.wideBoxed).isEqualTo(0.1);
    assertThat(all.letter).isEqualTo('x');
    assertThat(all.letterBoxed).isEqualTo('7');
    assertThat(all.decimal).isEqualTo(new BigDecimal("1.50"));
    assertThat(all.whole).isEqualTo(new BigInteger("123456789012345678901234567890"));
    assertThat(all.mode).isSameAs(Mode.WRITE);
    assertThat(all.absent).isEmpty();
    assertThat(all.nothing).isEmpty();
    assertThat(all.present).contains(3);
    assertThat(all.hosts).containsExactly("a", "b", "a");
    assertThat(all.ports).containsExactly(2, 1);
    assertThat(all.rights).isEqualTo(Map.of("x", Mode.READ, "y", Mode.WRITE));
    assertThat(all.login).isEqualTo(new Login("u", "p"));
    assertThat(all.logins).containsExactly(new Login("v", "q"));
    assertThat(all.anything)
        .asInstanceOf(org.assertj.core.api.InstanceOfAssertFactories.MAP)
        .containsEntry("n", null)
        .containsEntry("t", "x")
        .containsEntry("b", true)
        .containsEntry("i", 5L)
        .containsEntry("d", new BigDecimal("1.50"))
        .containsEntry("h", new BigDecimal("12345678901234567890"))
        .containsEntry("l", List.of(1L, Arrays.asList(null, Map.of())));
  }

  @Test
  void as_collections_cannotBeModified() {
    Everything all = secret(EVERYTHING).as(Everything.class);
    var anything = (Map<?, ?>) all.anything;

    assertThatThrownBy(() -> all.hosts.add("c")).isInstanceOf(UnsupportedOperationException.class);
    assertThatThrownBy(() -> all.ports.add(3)).isInstanceOf(UnsupportedOperationException.class);
    assertThatThrownBy(() -> all.rights.clear()).isInstanceOf(UnsupportedOperationException.class);
    assertThatThrownBy(anything::clear).isInstanceOf(UnsupportedOperationException.class);
    assertThatThrownBy(() -> ((List<?>) Objects.requireNonNull(anything.get("l"))).clear())
        .isInstanceOf(UnsupportedOperationException.class);
  }

  @Test
  void as_mapOrObject_isTheWholeSecret() {
    SecretValue value = secret("{'a': 'b', 'c': [1], 'd': null}");
    var expected = new HashMap<String, @Nullable Object>();
    expected.put("a", "b");
    expected.put("c", List.of(1L));
    expected.put("d", null);

    assertThat(value.as(Object.class)).isEqualTo(expected);
    assertThat((Object) value.as(Map.class)).isEqualTo(expected);
    assertThatThrownBy(() -> value.as(Map.class).clear())
        .isInstanceOf(UnsupportedOperationException.class);
  }

  record Raw(List<?> list, Map<String, ?> map, List<? extends Number> unsupported) {}

  @SuppressWarnings("rawtypes")
  record Loose(List<?> list, Map<String, ?> map, List<? extends Login> logins, Set raw) {}

  @Test
  void as_wildcardsAndRawTypes_areWhatTheyAreBoundedBy() {
    assertThat(
            secret(
                    "{'list': [1], 'map': {'a': 'b'}, 'raw': [true],"
                        + " 'logins': [{'username': 'u', 'password': 'p'}]}")
                .as(Loose.class))
        .isEqualTo(
            new Loose(List.of(1L), Map.of("a", "b"), List.of(new Login("u", "p")), Set.of(true)));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> secret("{}").as(Raw.class))
        .withMessageContaining("unsupported");
  }

  // Parsed once.

  @Test
  void as_twice_isTheSameInstance() {
    SecretValue value = secret("{'username': 'u', 'password': 'p'}");

    assertThat(value.as(Login.class)).isSameAs(value.as(Login.class));
    assertThat(value.under("alias").as(Login.class)).isSameAs(value.as(Login.class));
    assertThat((Object) value.as(Map.class)).isNotSameAs(value.as(Object.class));
  }

  @Test
  void as_refreshedWithTheSameVersion_isTheSameInstance() {
    SecretValue older = secret("{'username': 'u', 'password': 'p'}");
    SecretValue newer = secret("{'username': 'u', 'password': 'p'}");
    Login login = older.as(Login.class);

    assertThat(newer.sharing(older).as(Login.class)).isSameAs(login);
    assertThat(newer.as(Login.class)).isEqualTo(login).isNotSameAs(login);
  }

  static final CyclicBarrier BOTH = new CyclicBarrier(2);
  static final AtomicInteger MADE = new AtomicInteger();

  record Slow(String a) {
    Slow {
      MADE.incrementAndGet();
      try {
        BOTH.await(30, TimeUnit.SECONDS);
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    }
  }

  @Test
  void as_twoThreadsAtOnce_getOneInstance() throws Exception {
    SecretValue value = secret("{'a': 'b'}");
    var one = new FutureTask<>(() -> value.as(Slow.class));
    var two = new FutureTask<>(() -> value.as(Slow.class));
    new Thread(one).start();
    new Thread(two).start();

    Slow first = get(one);
    assertThat(get(two)).isSameAs(first);
    assertThat(MADE).as("both made one").hasValue(2);
    assertThat(value.as(Slow.class)).isSameAs(first);
  }

  private static <T> T get(FutureTask<T> task) throws InterruptedException, ExecutionException {
    try {
      return task.get(30, TimeUnit.SECONDS);
    } catch (java.util.concurrent.TimeoutException e) {
      throw new AssertionError(e);
    }
  }

  // Names.

  record Names(String dbUser, String db_name) {}

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'dbUser': 'a', 'db_name': 'b'}",
        "{'db-user': 'a', 'db-name': 'b'}",
        "{'DB_USER': 'a', 'DBNAME': 'b'}",
        "{'dbUser': 'a', 'db-user': 'x', 'DB_USER': 'y', 'dbName': 'b'}",
        "{'_db__user-': 'a', 'Db-Name': 'b'}",
      })
  void as_namesThatDifferInLooks_areFoundAndTheExactOneFirst(String json) {
    assertThat(secret(json).as(Names.class)).isEqualTo(new Names("a", "b"));
  }

  @Test
  void as_twoNamesAlike_isAnErrorThatNamesBoth() {
    SecretException failure =
        failure(Names.class, "{'db-user': 'MaRkEr7f3a', 'DB_USER': 'MaRkEr7f3a', 'db_name': 'x'}");

    assertThat(failure.reason()).isEqualTo(Reason.MALFORMED);
    assertThat(failure).hasMessageContaining("[DB_USER, db-user]").hasMessageContaining("'dbUser'");
  }

  // What is missing.

  record Outer(String name, Login login) {}

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'name': 'MaRkEr7f3a'}                                       | no field 'login' (Login) | are [name]",
        "{'login': {'username': 'MaRkEr7f3a', 'password': 'x'}}       | no field 'name' (String) | are [login]",
        "{'name': 'x', 'login': {'username': 'MaRkEr7f3a', 'b': 'x'}} | no field 'login.password' | in 'login' are [b, username]",
        "{'name': 'MaRkEr7f3a', 'login': null}                        | null in field 'login'     | Optional",
        "{'name': 'x', 'login': {'username': 'MaRkEr7f3a', 'password': null}} | null in field 'login.password' | Optional",
      })
  void as_recordWithoutAComponent_namesItsPathAndWhatIsThere(
      String json, String missing, String present) {
    SecretException failure = failure(Outer.class, json);

    assertThat(failure.reason()).isEqualTo(Reason.MISSING_FIELD);
    assertThat(failure).hasMessageContaining(missing).hasMessageContaining(present);
  }

  record Lists(Optional<List<String>> list, Optional<Map<String, Integer>> map) {}

  @Test
  void as_nullInAList_isMissing() {
    assertThat(failure(Lists.class, "{'list': ['MaRkEr7f3a', null]}"))
        .hasMessageContaining("null in field 'list[1]' (String)")
        .extracting(SecretException::reason)
        .isEqualTo(Reason.MISSING_FIELD);
    assertThat(failure(Lists.class, "{'map': {'a': 1, 'b': null}}"))
        .hasMessageContaining("null in field 'map.b' (Integer)");
  }

  record Sparse(List<Optional<String>> list) {}

  @Test
  void as_nullWhereAnElementIsOptional_isEmpty() {
    assertThat(secret("{'list': ['a', null]}").as(Sparse.class).list)
        .containsExactly(Optional.of("a"), Optional.empty());
  }

  // What does not fit.

  record Int(int a) {}

  record Tiny(Byte a) {}

  record Small(short a) {}

  record Big(long a) {}

  record Whole(BigInteger a) {}

  record Decimal(BigDecimal a) {}

  record Real(float a) {}

  record Wide(double a) {}

  record Letter(char a) {}

  record Flag(boolean a) {}

  record Text(String a) {}

  @SuppressWarnings("ArrayRecordComponent")
  record Chars(char[] a) {}

  record Choice(Mode a) {}

  record Many(List<Integer> a) {}

  record Distinct(Set<Integer> a) {}

  record Named(Map<String, Integer> a) {}

  record Nested(Login a) {}

  record Any(Object a) {}

  record Perhaps(Optional<Integer> a) {}

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "Int      | 'MaRkEr7f3a'        | text      | a number that fits Integer",
        "Int      | ''                  | text      | a number that fits Integer",
        "Int      | ' 1'                | text      | a number",
        "Int      | '+1'                | text      | a number",
        "Int      | '1.'                | text      | a number",
        "Int      | '.1'                | text      | a number",
        "Int      | '0x1F'              | text      | a number",
        "Int      | '\u0661'            | text      | a number",
        "Int      | 'NaN'               | text      | a number",
        "Int      | '1e99999'           | text      | a number",
        "Int      | 2147483648          | a number  | a number that fits Integer",
        "Int      | 1.5                 | a number  | a number that fits Integer",
        "Int      | 1e999999999         | a number  | a number that fits Integer",
        "Int      | 1e-999              | a number  | a number that fits Integer",
        "Int      | true                | a boolean | a number that fits Integer",
        "Int      | ['MaRkEr7f3a']      | an array  | a single value (Integer)",
        "Int      | {'b': 'MaRkEr7f3a'} | an object | a single value (Integer)",
        "Tiny     | 128                 | a number  | a number that fits Byte",
        "Small    | 32768               | a number  | a number that fits Short",
        "Big      | 9223372036854775808 | a number  | a number that fits Long",
        "Big      | '12345678MaRkEr7f3a'| text      | a number that fits Long",
        "Whole    | 1.5                 | a number  | a number that fits BigInteger",
        "Whole    | 1e999999999         | a number  | a number that fits BigInteger",
        "Decimal  | 1e2147483648        | a number  | a number that fits BigDecimal",
        "Decimal  | 'MaRkEr7f3a'        | text      | a number that fits BigDecimal",
        "Real     | 1e39                | a number  | a number that fits Float",
        "Real     | 'MaRkEr7f3a'        | text      | a number that fits Float",
        "Wide     | 1e309               | a number  | a number that fits Double",
        "Wide     | 'Infinity'          | text      | a number that fits Double",
        "Letter   | 'MaRkEr7f3a'        | text      | a single character",
        "Letter   | ''                  | text      | a single character",
        "Flag     | 'MaRkEr7f3a'        | text      | true or false",
        "Flag     | 1                   | a number  | true or false",
        "Text     | ['MaRkEr7f3a']      | an array  | a single value (String)",
        "Chars    | {'b': 'MaRkEr7f3a'} | an object | a single value (char[])",
        "Choice   | 'MaRkEr7f3a'        | text      | one of [READ, WRITE] (Mode)",
        "Choice   | 'read'              | text      | one of [READ, WRITE] (Mode)",
        "Choice   | 'w'                 | text      | one of [READ, WRITE] (Mode)",
        "Choice   | 0                   | a number  | one of [READ, WRITE] (Mode)",
        "Many     | 'MaRkEr7f3a'        | text      | an array",
        "Many     | {'0': 'MaRkEr7f3a'} | an object | an array",
        "Distinct | 'MaRkEr7f3a'        | text      | an array",
        "Named    | ['MaRkEr7f3a']      | an array  | an object",
        "Nested   | 'MaRkEr7f3a'        | text      | an object (Login)",
        "Nested   | ['MaRkEr7f3a']      | an array  | an object (Login)",
        "Any      | 1e999999999         | a number  | a number of at most 1,000 digits",
        "Perhaps  | 'MaRkEr7f3a'        | text      | a number that fits Integer",
      })
  void as_valueOfAnotherType_saysWhatIsThereAndWhatIsNeeded(
      String type, String value, String found, String needed) throws ClassNotFoundException {
    Class<?> target = Class.forName(JsonMappingTest.class.getName() + "$" + type);

    SecretException failure = failure(target, "{'a': " + value + "}");

    assertThat(failure.reason()).isEqualTo(Reason.MALFORMED);
    assertThat(failure)
        .hasMessageContaining("has " + found + " in field 'a' where " + needed)
        .hasMessageContaining(" is needed");
  }

  @Test
  void as_numberOf65000Digits_isRefusedAndNotQuoted() {
    String digits = "7".repeat(65_000);

    for (String value : List.of(digits, "'" + digits + "'", "1." + digits, "1e" + digits)) {
      assertThat(failure(Whole.class, "{'a': " + value + "}")).hasMessageNotContaining("777");
      assertThat(failure(Wide.class, "{'a': " + value + "}")).hasMessageNotContaining("777");
    }
    assertThat(secret("{'a': " + "7".repeat(1_000) + "}").as(Whole.class).a)
        .isEqualTo(new BigInteger("7".repeat(1_000)));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {"5432", "'5432'", "5432.0", "54.32e2", "'05432'", "'5.432E+3'"})
  void as_wholeNumberHoweverWritten_isRead(String value) {
    assertThat(secret("{'a': " + value + "}").as(Int.class).a).isEqualTo(5432);
    assertThat(secret("{'a': " + value + "}").as(Perhaps.class).a).contains(5432);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {"5432 | 5432", "1.50 | 1.50", "1e3 | 1e3", "true | true", "'' | ''"})
  void as_textFromASingleValue_isAsWritten(String value, String expected) {
    String text = expected.replace("'", "");
    assertThat(secret("{'a': " + value + "}").as(Text.class).a).isEqualTo(text);
    assertThat(secret("{'a': " + value + "}").as(Chars.class).a).isEqualTo(text.toCharArray());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {"true | true", "'true' | true", "'True' | true", "false | false", "'FALSE' | false"})
  void as_booleanHoweverWritten_isRead(String value, boolean expected) {
    assertThat(secret("{'a': " + value + "}").as(Flag.class).a).isEqualTo(expected);
  }

  record Deep(Map<String, List<Nested>> a) {}

  @Test
  void as_wrongDeepInside_namesThePath() {
    assertThat(
            failure(
                Deep.class,
                "{'a': {'x': [{'a': {'username': 'u', 'password': 'p'}},"
                    + " {'a': {'username': ['MaRkEr7f3a'], 'password': 'p'}}]}}"))
        .hasMessageContaining("an array in field 'a.x[1].a.username'");
  }

  // Depth.

  record Chain(Optional<Chain> next, Optional<List<Chain>> more) {}

  @Test
  void as_recursiveType_isReadToTheDepthOfAField() {
    String json = "{'next': ".repeat(200) + "{}" + "}".repeat(200);
    int depth = 0;
    for (Optional<Chain> at = Optional.of(secret(json).as(Chain.class));
        at.isPresent();
        at = at.orElseThrow().next()) {
      depth++;
    }

    assertThat(depth).isEqualTo(201);
    assertThat(failure0("{'next': ".repeat(6_000) + "{}" + "}".repeat(6_000)).reason())
        .isEqualTo(Reason.MALFORMED);
  }

  private static SecretException failure0(String json) {
    SecretException failure =
        catchThrowableOfType(SecretException.class, () -> secret(json).as(Chain.class));
    assertThat(failure).isNotNull();
    return failure;
  }

  @ParameterizedTest
  @ValueSource(strings = {"MaRkEr7f3a", "['MaRkEr7f3a']", "'MaRkEr7f3a'", "{'a': MaRkEr7f3a}"})
  void as_noJsonObject_isMalformed(String text) {
    SecretException failure = failure0(text);

    assertThat(failure.reason()).isEqualTo(Reason.MALFORMED);
    assertThat(LeakTest.everythingSaidBy(failure)).doesNotContain("MaRkEr");
  }

  @Test
  void as_binary_isMalformed() {
    SecretValue bytes = SecretValue.builder(ID, VERSION).bytes(new byte[] {'{', '}'});

    assertThatThrownBy(() -> bytes.as(Chain.class))
        .isInstanceOf(SecretException.class)
        .hasMessageContaining("asBytes()");
  }

  // Classes.

  @NullUnmarked
  static class Base {
    private String inherited;
    protected int port = 5432;
  }

  @NullUnmarked
  static final class Settings extends Base {
    static String shared = "untouched";
    private static final int CONSTANT = 1;
    private transient String skipped = "initial";
    private String password;
    List<String> hosts = List.of("localhost");
    String user = "app";
    private Optional<Integer> limit;
    private Optional<Integer> given = Optional.of(1);
    private Settings inner;

    private Settings() {}
  }

  @Test
  void as_class_setsItsFieldsAndThoseOfItsSuperclasses() {
    Settings settings =
        secret(
                "{'inherited': 'i', 'port': '1', 'password': 'p', 'hosts': ['a'], 'limit': 3,"
                    + " 'shared': 'x', 'skipped': 'x', 'CONSTANT': 7, 'inner': {'user': 'in'}}")
            .as(Settings.class);

    assertThat(((Base) settings).inherited).isEqualTo("i");
    assertThat(settings.port).isEqualTo(1);
    assertThat(settings.password).isEqualTo("p");
    assertThat(settings.hosts).containsExactly("a");
    assertThat(settings.limit).contains(3);
    assertThat(settings.inner.user).isEqualTo("in");
    assertThat(Settings.shared).isEqualTo("untouched");
    assertThat(settings.skipped).isEqualTo("initial");
    assertThat(Settings.CONSTANT).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{'inherited': null, 'port': null, 'password': null, 'hosts': null, 'user': null,"
            + " 'limit': null, 'given': null, 'inner': null}"
      })
  void as_classWithoutFieldsInTheSecret_keepsWhatItBeganWith(String json) {
    Settings settings = secret(json).as(Settings.class);

    assertThat(((Base) settings).inherited).isNull();
    assertThat(settings.port).isEqualTo(5432);
    assertThat(settings.password).isNull();
    assertThat(settings.hosts).containsExactly("localhost");
    assertThat(settings.user).isEqualTo("app");
    assertThat(settings.limit).as("never null").isEmpty();
    assertThat(settings.given).contains(1);
    assertThat(settings.inner).isNull();
  }

  @Test
  void as_wrongFieldOfAClass_namesItsPath() {
    assertThat(failure(Settings.class, "{'inner': {'port': 'MaRkEr7f3a'}}"))
        .hasMessageContaining("text in field 'inner.port' where a number that fits Integer");
  }

  // What a user's code throws.

  record Strict(String a) {
    Strict {
      throw new IllegalArgumentException("bad: " + a, new IllegalStateException(a));
    }
  }

  record Fatal(String a) {
    Fatal {
      throw new AssertionError("bad: " + a);
    }
  }

  record Linked(String a) {
    Linked {
      throw new ExceptionInInitializerError("bad: " + a);
    }
  }

  record Internal(String a) {
    Internal {
      throw new InternalError("bad: " + a);
    }
  }

  static final class Broken {
    Broken() {
      throw new IllegalStateException("MaRkEr7f3a");
    }
  }

  record Unhashable(String a) {
    @Override
    public int hashCode() {
      throw new IllegalStateException("MaRkEr7f3a" + a);
    }

    @Override
    public boolean equals(Object other) {
      return this == other;
    }
  }

  record Hashed(Set<Unhashable> set) {}

  record Around(List<Strict> list) {}

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "Strict | {'a': 'MaRkEr7f3a'}            | Strict, which threw java.lang.IllegalArgumentException",
        "Fatal  | {'a': 'MaRkEr7f3a'}            | Fatal, which threw java.lang.AssertionError",
        "Linked | {'a': 'MaRkEr7f3a'}            | Linked, which threw java.lang.ExceptionInInitializerError",
        "Internal | {'a': 'MaRkEr7f3a'}          | Internal, which threw java.lang.InternalError",
        "Broken | {}                             | Broken, which threw java.lang.IllegalStateException",
        "Hashed | {'set': [{'a': 'MaRkEr7f3a'}]} | in field 'set' by java.util.Set, which threw java.lang.IllegalStateException",
        "Around | {'list': [{'a': 'MaRkEr7f3a'}]}| in field 'list[0]' by",
      })
  void as_constructorThatThrows_isToldByTypeAlone(String type, String json, String expected)
      throws ClassNotFoundException {
    Class<?> target = Class.forName(JsonMappingTest.class.getName() + "$" + type);

    SecretException failure = failure(target, json);

    assertThat(failure.reason()).isEqualTo(Reason.MALFORMED);
    assertThat(failure).hasMessageContaining(expected);
  }

  record Exhausting(String a) {
    Exhausting {
      throw new OutOfMemoryError();
    }
  }

  record Overflowing(String a) {
    Overflowing {
      throw new StackOverflowError();
    }
  }

  @Test
  void as_errorOfTheMachine_isPassedOn() {
    assertThatThrownBy(() -> secret("{'a': 'b'}").as(Overflowing.class))
        .isInstanceOf(StackOverflowError.class);
    assertThatThrownBy(() -> secret("{'a': 'b'}").as(Exhausting.class))
        .isInstanceOf(OutOfMemoryError.class);
  }

  @Test
  void as_failed_isTriedAgain() {
    SecretValue value = secret("{'a': 'b'}");

    assertThatThrownBy(() -> value.as(Strict.class)).isInstanceOf(SecretException.class);
    assertThatThrownBy(() -> value.as(Strict.class)).isInstanceOf(SecretException.class);
  }

  // Types that cannot be.

  record Dated(Optional<Instant> when) {}

  record Arrayed(Optional<String[]> a) {}

  record Keyed(Map<Integer, String> a) {}

  record Numbered(Optional<Number> a) {}

  record Boxed<T>(Optional<T> a) {}

  record Boxing(Optional<Boxed<String>> a) {}

  record Within(Optional<List<Optional<Dated>>> a) {}

  static final class Fixed {
    final String a = String.valueOf(1);
  }

  static final class Needy {
    String a;

    Needy(String a) {
      this.a = a;
    }
  }

  final class Inner {
    String a = JsonMappingTest.this.toString();
  }

  abstract static class Abstract {}

  interface Interface {}

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "Dated     | Dated.when has the type java.time.Instant",
        "Arrayed   | Arrayed.a has the type java.lang.String[]",
        "Keyed     | Keyed.a has the type java.util.Map<java.lang.Integer, java.lang.String>",
        "Numbered  | Numbered.a has the type java.lang.Number",
        "Boxed     | Boxed.a has the type T",
        "Boxing    | Boxed<java.lang.String>",
        "Within    | Dated.when has the type java.time.Instant",
        "Fixed     | Fixed.a is final",
        "Needy     | Needy has no constructor without arguments",
        "Inner     | Inner has no constructor without arguments (an inner class",
        "Abstract  | Abstract has the type",
        "Interface | Interface has the type",
      })
  void as_unsupportedType_isTheProgrammersErrorWhateverTheSecretHolds(String type, String expected)
      throws ClassNotFoundException {
    Class<?> target = Class.forName(JsonMappingTest.class.getName() + "$" + type);

    for (String text : List.of("{}", "{'a': 'MaRkEr7f3a'}", "MaRkEr7f3a")) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> secret(text).as(target))
          .withMessageContaining(expected)
          .withMessageContaining("Supported are records,")
          .withMessageNotContaining("MaRkEr");
    }
  }

  @ParameterizedTest
  @ValueSource(
      classes = {
        String.class,
        int.class,
        Integer.class,
        void.class,
        char[].class,
        String[].class,
        Mode.class,
        List.class,
        Optional.class,
        Runnable.class,
        java.util.Date.class,
        ArrayList.class,
        Record.class,
        Override.class
      })
  void as_typeThatHoldsNoFields_isTheProgrammersError(Class<?> type) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> secret("{'a': 'MaRkEr7f3a'}").as(type))
        .withMessageContaining(type.getTypeName())
        .withMessageContaining("Supported are");
  }

  @Test
  void as_classThatItsModuleDoesNotOpen_saysHowToOpenIt() throws ClassNotFoundException {
    Class<?> closed = Class.forName("sun.security.util.DerOutputStream");

    assertThatIllegalArgumentException()
        .isThrownBy(() -> secret("{}").as(closed))
        .withMessageContaining(closed.getName())
        .withMessageContaining("opens sun.security.util");
  }

  @Test
  void as_null_isRefused() {
    assertThatNullPointerException().isThrownBy(() -> secret("{}").as(nothing()));
  }

  @NullUnmarked
  private static Class<String> nothing() {
    return null;
  }
}
