package io.github.evercred.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A rotation of what is no database: here a service that knows one key at a time. */
@Timeout(60)
class TargetRotationTest {
  private static final String ID = "prod/mail/api-key";
  private static final String FIRST = "MaRkErKey-1";

  private final LocalSecretsManager secrets = LocalSecretsManager.start();
  private final Service service = new Service();
  private final Rotation rotation = Rotation.of(secrets, ID, service);

  TargetRotationTest() {
    secrets.createSecret(ID, FIRST);
  }

  @AfterEach
  void close() {
    secrets.close();
  }

  /** Knows one key; notes what it is asked. */
  private static final class Service implements RotationTarget {
    private String key = FIRST;
    private int made = 1;
    private @Nullable String outage;
    private final List<String> asked = new ArrayList<>();

    @Override
    public String newValue(String current) {
      asked.add("new after " + current);
      return "MaRkErKey-" + ++made;
    }

    @Override
    public void set(String current, String pending) {
      if (outage != null) {
        throw new IllegalStateException(outage);
      }
      asked.add("set " + pending + " instead of " + current);
      key = pending;
    }

    @Override
    public void test(String pending) {
      if (!pending.equals(key)) {
        throw new IllegalArgumentException("refused");
      }
      asked.add("tested");
    }

    @Override
    public String toString() {
      return "knows " + key;
    }
  }

  @Test
  void steps_ofATarget_makeSetAndTestWholeValues() throws Exception {
    rotation.createSecret();
    assertThat(service.key).isEqualTo(FIRST);
    assertThat(secrets.value(ID, "AWSPENDING")).isEqualTo("MaRkErKey-2");
    rotation.setSecret();
    assertThat(service.key).isEqualTo("MaRkErKey-2");
    assertThat(secrets.value(ID, "AWSCURRENT")).isEqualTo(FIRST);
    rotation.testSecret();
    rotation.finishSecret();

    assertThat(secrets.value(ID, "AWSCURRENT")).isEqualTo("MaRkErKey-2");
    assertThat(secrets.value(ID, "AWSPREVIOUS")).isEqualTo(FIRST);
    assertThat(service.asked)
        .containsExactly("new after " + FIRST, "set MaRkErKey-2 instead of " + FIRST, "tested");

    rotation.rotate();
    assertThat(secrets.value(ID, "AWSCURRENT")).isEqualTo("MaRkErKey-3").isEqualTo(service.key);
  }

  @Test
  void set_thatFails_leavesTheRotationWhereItWas() throws Exception {
    rotation.createSecret();
    service.outage = "the service is away";

    assertThatIllegalStateException()
        .isThrownBy(rotation::setSecret)
        .withMessage("the service is away");
    assertThat(rotation.step()).isEqualTo(Rotation.Step.CREATED);

    service.outage = null;
    rotation.rotate();
    assertThat(secrets.value(ID, "AWSCURRENT")).isEqualTo("MaRkErKey-2");
    assertThat(service.asked).filteredOn(said -> said.startsWith("new")).hasSize(1);
  }

  @Test
  void test_thatIsRefused_doesNotMoveTheLabel() throws Exception {
    rotation.createSecret();
    rotation.setSecret();
    service.key = "another";

    assertThatExceptionOfType(IllegalArgumentException.class).isThrownBy(rotation::testSecret);
    assertThatIllegalStateException().isThrownBy(rotation::finishSecret);
    assertThat(secrets.value(ID, "AWSCURRENT")).isEqualTo(FIRST);
  }

  @Test
  void rollback_setsTheFormerValue() throws Exception {
    rotation.rotate();
    rotation.rollback();

    assertThat(service.key).isEqualTo(FIRST);
    assertThat(secrets.value(ID, "AWSCURRENT")).isEqualTo(FIRST);
    assertThat(service.asked).endsWith("set " + FIRST + " instead of MaRkErKey-2");
  }

  @Test
  void newValue_thatIsAlreadyThere_isTakenUp() throws Exception {
    String begun = secrets.startRotation(ID);
    secrets.putSecretValue(ID, begun, "MaRkErKey-by-hand", "AWSPENDING");

    assertThat(rotation.rotate()).isEqualTo(begun);
    assertThat(service.key).isEqualTo("MaRkErKey-by-hand");
    assertThat(service.asked).noneMatch(said -> said.startsWith("new"));
  }

  @Test
  void wrongUse_saysWhat() {
    secrets.createSecret("binary", "x".getBytes(StandardCharsets.UTF_8));

    assertThatIllegalStateException()
        .isThrownBy(() -> rotation.jdbcUrl("jdbc:postgresql://localhost/x"))
        .withMessageContaining(ID);
    assertThatIllegalStateException()
        .isThrownBy(Rotation.of(secrets, "binary", service)::createSecret)
        .withMessageContaining("binary");
    assertThatNullPointerException().isThrownBy(() -> Rotation.of(secrets, ID, null));
  }

  @Test
  void text_ofARotation_doesNotAskTheTarget() {
    assertThat(rotation.toString()).contains(ID).doesNotContain("MaRkErKey");
  }
}
