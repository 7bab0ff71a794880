package io.github.evercred;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SecretArnTest {
  private static final String HEAD = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:";

  @ParameterizedTest
  @CsvSource({
    "prod/db-AbCdEf,        true,  prod/db",
    "prod/db,               false, prod/db",
    "orders-master,         true,  orders", // Looks like it, and is not.
    "orders-master-AbCdEf,  true,  orders-master",
    "orders-primary,        false, orders-primary",
    "-AbCdEf,               false, -AbCdEf",
    "db-AbCdE/,             false, db-AbCdE/",
    "db-Ab_dEf,             false, db-Ab_dEf",
  })
  void parse_secretsArn_tellsItsParts(String name, boolean complete, String plain) {
    SecretArn arn = Objects.requireNonNull(SecretArn.parse(HEAD + name));

    assertThat(arn).isEqualTo(new SecretArn("eu-west-1", "111122223333", name));
    assertThat(arn.looksComplete()).isEqualTo(complete);
    assertThat(arn.plainName()).isEqualTo(plain);
  }

  @ParameterizedTest
  @ValueSource(strings = {"aws", "aws-cn", "aws-us-gov", "aws-iso"})
  void parse_otherPartition_isAnArn(String partition) {
    assertThat(SecretArn.parse("arn:" + partition + ":secretsmanager:r:1:secret:x")).isNotNull();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "prod/orders/db",
        "arn:",
        "arn:aws:secretsmanager",
        "arn:aws:secretsmanager:eu-west-1:111122223333",
        "arn:aws:secretsmanager:eu-west-1:111122223333:secret",
        HEAD,
        "arn:aws:secretsmanager::111122223333:secret:x",
        "arn:aws:secretsmanager:eu-west-1::secret:x",
        "arn:aws:ssm:eu-west-1:111122223333:parameter/x",
        "arn:aws:secretsmanager:eu-west-1:111122223333:other:x",
        "ARN:aws:secretsmanager:eu-west-1:111122223333:secret:x",
        "x" + HEAD + "x",
        "::::::::::",
        "\u0000\n",
      })
  void parse_anythingElse_isNull(String text) {
    assertThat(SecretArn.parse(text)).isNull();
  }

  @Test
  void parse_longText_isReadToItsEnd() {
    String name = "-".repeat(2_000);

    SecretArn arn = Objects.requireNonNull(SecretArn.parse(HEAD + name));

    assertThat(arn.name()).isEqualTo(name);
    assertThat(arn.looksComplete()).isFalse();
  }

  @ParameterizedTest
  @CsvSource({
    "db,        db-AbCdEf,     true",
    "db,        db-x-AbCdEf,   false",
    "db,        db2AbCdEf,     false",
    "db,        dx-AbCdEf,     false",
    "db-master, db-master,     false",
    "db-master, db-master-AbCdEf, true",
    "db-AbCdEf, db-AbCdEf,     false",
  })
  void isPart_allButTheLastSeven_isTrue(String id, String arn, boolean part) {
    assertThat(SecretArn.isPart(HEAD + id, HEAD + arn)).isEqualTo(part);
  }

  @Test
  void isPart_whatIsNoArn_isFalse() {
    assertThat(SecretArn.isPart("db", "db-AbCdEf")).isFalse();
  }
}
