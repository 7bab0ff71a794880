package io.github.evercred.examples.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each client through two rotations under load. */
@Timeout(120)
class AnyClientTest {

  static Set<String> names() {
    return AnyClient.scenarios().keySet();
  }

  @ParameterizedTest
  @MethodSource("names")
  void client_throughTwoRotations_failsNoCall(String name) throws Exception {
    try (Scenario scenario = Objects.requireNonNull(AnyClient.scenarios().get(name)).call()) {
      Result result = new Trial(8, 2, Duration.ofMillis(300)).run(scenario);

      System.out.println(Result.HEAD + System.lineSeparator() + result.row());
      assertThat(result.firstFailure()).isNull();
      assertThat(result.failed()).isZero();
      assertThat(result.calls()).isGreaterThan(100);
      // Those in flight when the old credential ends, and a probe or two, for each rotation. At
      // least one, or the workers have noticed nothing; but a verifier accepts the key before, too.
      assertThat(result.refused())
          .isBetween(name.equals("jwt") ? 0L : 2L, name.equals("jwt") ? 0L : 2L * (8 + 2));
      // A signer and a verifier read three versions each, at first and as often as labels move.
      assertThat(result.awsCalls()).isBetween(1, name.equals("jwt") ? 36 : 12);
      if (scenario instanceof RedisScenario redis) {
        System.out.println(redis.repeated() + " commands cut off, and repeated");
        assertThat(redis.repeated())
            .isLessThanOrEqualTo(RedisScenario.mostRepeated(result.calls(), 2, 8));
      }
    }
  }

  @Test
  void name_thatIsNone_isTold() throws Exception {
    var err = new ByteArrayOutputStream();

    int status =
        AnyClient.run(
            List.of("gopher"),
            new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8));

    assertThat(status).isEqualTo(2);
    assertThat(err.toString(StandardCharsets.UTF_8)).contains("gopher").contains("Name some of");
  }
}
