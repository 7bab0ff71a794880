package io.github.evercred;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Timeout;

/** Reads any text as the ARN of a secret: parts that make up the text again, or nothing. */
@Timeout(60)
class ArnFuzzTest {

  @FuzzTest
  void anyText_asAnArn(byte[] input) {
    String text = new String(input, StandardCharsets.UTF_8);
    SecretArn arn = SecretArn.parse(text);
    if (arn == null) {
      assertThat(SecretArn.isPart(text, text + "-AbCdEf")).isFalse();
      return;
    }
    assertThat(text)
        .startsWith("arn:")
        .endsWith(
            ":secretsmanager:" + arn.region() + ":" + arn.account() + ":secret:" + arn.name());
    assertThat(arn.name()).isNotEmpty();
    assertThat(arn.looksComplete()).isEqualTo(!arn.plainName().equals(arn.name()));
    assertThat(arn.name()).startsWith(arn.plainName());
    assertThat(SecretArn.isPart(text, text + "-AbCdEf")).isTrue();
    assertThat(SecretArn.isPart(text, text)).isFalse();
  }
}
