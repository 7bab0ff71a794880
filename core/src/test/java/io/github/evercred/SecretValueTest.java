package io.github.evercred;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.github.evercred.SecretException.Reason;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SecretValueTest {
  private static final String ID = "prod/orders/db";
  private static final String VERSION = FakeSource.version(7);

  private static SecretValue text(String text) {
    return SecretValue.builder(ID, VERSION).text(text);
  }

  private static SecretException failure(org.assertj.core.api.ThrowableAssert.ThrowingCallable c) {
    SecretException failure = catchThrowableOfType(SecretException.class, c);
    assertThat(failure).isNotNull();
    return failure;
  }

  @Test
  void builder_everythingSet_isTold() {
    Instant created = Instant.parse("2026-01-01T00:00:00Z");
    SecretValue value =
        SecretValue.builder(ID, VERSION)
            .arn("arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/orders/db-AbCdEf")
            .labels(List.of("AWSCURRENT", "blue"))
            .createdAt(created)
            .text("hünter2");

    assertThat(value.secretId()).isEqualTo(ID);
    assertThat(value.versionId()).isEqualTo(VERSION);
    assertThat(value.arn().orElseThrow()).endsWith("-AbCdEf");
    assertThat(value.labels()).containsExactly("AWSCURRENT", "blue");
    assertThat(value.createdAt()).contains(created);
    assertThat(value.isBinary()).isFalse();
    assertThat(value.asString()).isEqualTo("hünter2");
    assertThat(value.asBytes()).isEqualTo("hünter2".getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void builder_nothingSet_isEmpty() {
    SecretValue value = text("x");

    assertThat(value.arn()).isEmpty();
    assertThat(value.createdAt()).isEmpty();
    assertThat(value.labels()).isEmpty();
  }

  @Test
  void labels_changedByTheCaller_areNotOurs() {
    var labels = new ArrayList<>(List.of("AWSCURRENT"));
    SecretValue value = SecretValue.builder(ID, VERSION).labels(labels).text("x");

    labels.add("AWSPENDING");

    assertThat(value.labels()).containsExactly("AWSCURRENT");
    assertThatThrownBy(() -> value.labels().add("AWSPENDING"))
        .isInstanceOf(UnsupportedOperationException.class);
  }

  @Test
  void bytes_changedByTheCaller_areNotOurs() {
    byte[] given = {1, 2, 3};
    SecretValue value = SecretValue.builder(ID, VERSION).bytes(given);

    given[0] = 9;
    value.asBytes()[1] = 9;

    assertThat(value.asBytes()).containsExactly(1, 2, 3);
    assertThat(value.isBinary()).isTrue();
  }

  @Test
  void asString_binary_isMalformedAndSaysHowToReadIt() {
    SecretValue value = SecretValue.builder(ID, VERSION).bytes(new byte[] {1});

    SecretException asText = failure(value::asString);
    assertThat(asText.reason()).isEqualTo(Reason.MALFORMED);
    assertThat(asText).hasMessageContaining(ID).hasMessageContaining("asBytes()");
    assertThat(failure(() -> value.field("user")).reason()).isEqualTo(Reason.MALFORMED);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "text    | app",
        "empty   | ''",
        "umlaut  | hünter😀",
        "escaped | a\"b\\c/",
        "integer | 5432",
        "big     | 123456789012345678901234567890",
        "decimal | 1.50",
        "power   | 1e3",
        "yes     | true",
        "no      | false",
        "twice   | second",
      })
  void field_singleValue_isReturnedAsWritten(String name, String expected) {
    SecretValue value =
        text(
            "{\"text\":\"app\",\"empty\":\"\",\"umlaut\":\"h\\u00fcnter😀\","
                + "\"escaped\":\"a\\\"b\\\\c\\/\",\"integer\":5432,"
                + "\"big\":123456789012345678901234567890,\"decimal\":1.50,\"power\":1e3,"
                + "\"yes\":true,\"no\":false,\"twice\":\"first\",\"twice\":\"second\"}");

    assertThat(value.field(name)).isEqualTo(expected);
    assertThat(value.optionalField(name)).contains(expected);
  }

  @ParameterizedTest
  @ValueSource(strings = {"absent", "User", "nothing"})
  void field_missingOrNull_namesTheSecretAndItsFieldsButNoValue(String name) {
    SecretValue value = text("{\"user\":\"hunter2\",\"pass\":\"hunter3\",\"nothing\":null}");

    SecretException failure = failure(() -> value.field(name));

    assertThat(failure.reason()).isEqualTo(Reason.MISSING_FIELD);
    assertThat(failure)
        .hasMessageContaining("'" + ID + "'")
        .hasMessageContaining(VERSION)
        .hasMessageContaining("'" + name + "'")
        .hasMessageContaining("[nothing, pass, user]")
        .hasMessageNotContaining("hunter")
        .hasNoCause();
    assertThat(value.optionalField(name)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"object", "array"})
  void field_objectOrArray_isMalformedWithoutTheValue(String name) {
    SecretValue value =
        text("{\"object\":{\"a\":\"hunter2\"},\"array\":[\"hunter2\"],\"b\":\"c\"}");

    SecretException failure = failure(() -> value.field(name));

    assertThat(failure.reason()).isEqualTo(Reason.MALFORMED);
    assertThat(failure).hasMessageContaining("'" + name + "'").hasMessageNotContaining("hunter");
    assertThat(failure(() -> value.optionalField(name)).reason()).isEqualTo(Reason.MALFORMED);
    assertThat(value.field("b")).isEqualTo("c");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "hunter2",
        "\"hunter2\"",
        "[\"hunter2\"]",
        "{\"a\":hunter2}",
        "{\"a\":\"hunter2",
        "{\"hunter2\"}",
        "{\"a\":\"\\hunter2\"}",
        "{} hunter2",
      })
  void field_noJsonObject_isMalformedAndNeverEchoed(String json) {
    SecretException failure = failure(() -> text(json).field("a"));

    assertThat(failure.reason()).isEqualTo(Reason.MALFORMED);
    assertThat(failure)
        .hasMessageContaining("'" + ID + "'")
        .hasMessageContaining("asString()")
        .hasMessageNotContaining("hunter")
        .hasMessageNotContaining(json.length() + " char")
        .hasMessageContaining("is not a JSON object. ")
        .hasNoCause();
  }

  @Test
  void field_65000Brackets_isMalformed() {
    SecretValue value = text("{\"a\":" + "[".repeat(65_000));

    assertThat(failure(() -> value.field("a")).reason()).isEqualTo(Reason.MALFORMED);
  }

  @Test
  void toString_anyKind_hidesTheValueAndItsLength() {
    SecretValue one =
        SecretValue.builder(ID, VERSION).labels(List.of("AWSCURRENT")).text("hunter2");
    SecretValue longer =
        SecretValue.builder(ID, VERSION).labels(List.of("AWSCURRENT")).text("hunter2".repeat(99));
    SecretValue bytes =
        SecretValue.builder(ID, VERSION).labels(List.of("AWSCURRENT")).bytes(new byte[] {104, 117});

    assertThat(one.toString())
        .contains(ID, VERSION, "AWSCURRENT")
        .doesNotContain("hunter")
        .isEqualTo(longer.toString())
        .isEqualTo(bytes.toString());
  }

  @Test
  void equals_sameContent_isIdentity() {
    SecretValue one = text("a");

    assertThat(one.equals(text("a"))).isFalse();
  }

  private static SecretValue.Builder known(String id, String version, String label) {
    return SecretValue.builder(id, version)
        .arn("arn:" + label)
        .labels(List.of(label))
        .createdAt(Instant.ofEpochSecond(label.length()));
  }

  @Test
  void under_anotherId_isTheSameVersionButForTheId() {
    SecretValue value = known(ID, VERSION, "AWSCURRENT").text("{\"a\":\"b\"}");

    SecretValue other = value.under("alias");

    assertThat(other.secretId()).isEqualTo("alias");
    assertThat(other.versionId()).isEqualTo(VERSION);
    assertThat(other.arn()).contains("arn:AWSCURRENT");
    assertThat(other.labels()).containsExactly("AWSCURRENT");
    assertThat(other.createdAt()).isEqualTo(value.createdAt()).isPresent();
    assertThat(other.field("a")).isSameAs(value.field("a"));
    assertThat(failure(() -> other.field("x"))).hasMessageContaining("'alias'");
    assertThat(value.secretId()).isEqualTo(ID);
  }

  @Test
  void under_itsOwnId_isItself() {
    SecretValue value = text("x");

    assertThat(value.under(ID)).isSameAs(value);
  }

  @Test
  void sharing_sameVersion_keepsTheContentAndTakesTheRestFromTheNewer() {
    SecretValue older = known("alias", VERSION, "AWSPENDING").text("{\"a\":\"b\"}");
    SecretValue newer = known(ID, VERSION, "AWSCURRENT").text("{\"a\":\"b\"}");
    String read = older.field("a");

    SecretValue shared = newer.sharing(older);

    assertThat(newer.field("a")).as("parsed on its own").isEqualTo(read).isNotSameAs(read);
    assertThat(shared.field("a")).isSameAs(read);
    assertThat(shared.secretId()).isEqualTo(ID);
    assertThat(shared.arn()).contains("arn:AWSCURRENT");
    assertThat(shared.labels()).containsExactly("AWSCURRENT");
    assertThat(shared.createdAt()).isEqualTo(newer.createdAt());
    assertThat(shared.sharing(older)).isSameAs(shared);
  }

  @Test
  void sharing_bytesOfTheSameVersion_keepsTheContent() {
    SecretValue older = SecretValue.builder(ID, VERSION).bytes(new byte[] {1, 2});
    SecretValue newer = SecretValue.builder(ID, VERSION).bytes(new byte[] {1, 2});

    assertThat(newer.sharing(older)).isNotSameAs(newer);
    assertThat(newer.sharing(older).asBytes()).containsExactly(1, 2);
  }

  @Test
  void sharing_anythingElse_isItself() {
    SecretValue value = text("a");

    assertThat(value.sharing(value)).isSameAs(value);
    assertThat(value.sharing(text("b"))).isSameAs(value);
    assertThat(value.sharing(SecretValue.builder(ID, VERSION).bytes(new byte[] {'a'})))
        .isSameAs(value);
    assertThat(value.sharing(SecretValue.builder(ID, FakeSource.version(8)).text("a")))
        .isSameAs(value);
  }
}
