package io.github.evercred;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.Entry.Snapshot;
import io.github.evercred.Entry.State;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/**
 * Which answer an entry takes, one decision each. What threads make of them is played by stress.
 */
class EntryTest {
  private static final String ID = "prod/orders/db";
  private static final String ARN = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:x-AbCdEf";
  private static final String OTHER =
      "arn:aws:secretsmanager:eu-west-1:111122223333:secret:x-GhIjKl";
  private static final Freshness FRESHNESS = new Freshness(1L << 40, 1L << 41, 1L << 42, 1L << 42);
  private static final Moment NOW = new Moment(0, 0);

  private final Entry entry = new Entry(new Key(ID, VersionSelector.CURRENT), answer(1, ARN));

  private static Snapshot answer(int flight, String arn) {
    return FRESHNESS.fetched(
        SecretValue.builder(ID, FakeSource.version(flight)).arn(arn).text("v" + flight),
        flight,
        NOW,
        0);
  }

  private String held() {
    return entry.snapshot().value().asString();
  }

  @Test
  void publish_laterFlight_replacesAndReturnsWhatWas() {
    Snapshot was = entry.snapshot();

    assertThat(entry.publish(answer(2, ARN), true)).isSameAs(was);
    assertThat(held()).isEqualTo("v2");
  }

  @Test
  void publish_earlierFlight_isRefused() {
    entry.publish(answer(3, ARN), true);

    assertThat(entry.publish(answer(2, ARN), true)).isNull();
    assertThat(held()).isEqualTo("v3");
  }

  /** The secret was made anew while the earlier answer was on its way. */
  @Test
  void publish_earlierOwnFlightOfAnotherSecret_isRefused() {
    entry.publish(answer(3, OTHER), true);

    assertThat(entry.publish(answer(2, ARN), true)).isNull();
    assertThat(held()).isEqualTo("v3");
  }

  @Test
  void publish_ownFlightOfAnotherSecret_winsOverAnotherIdsLaterAnswer() {
    entry.publish(answer(3, ARN), false);

    assertThat(entry.publish(answer(2, OTHER), true)).isNotNull();
    assertThat(held()).isEqualTo("v2");
  }

  @Test
  void publish_anotherIdsAnswerOfAnotherSecret_isRefused() {
    assertThat(entry.publish(answer(2, OTHER), false)).isNull();
    assertThat(held()).isEqualTo("v1");
  }

  @Test
  void publish_flightBeforeALaterDenial_isRefused() {
    entry.hasHeardFrom(3);

    assertThat(entry.publish(answer(2, ARN), true)).isNull();
    assertThat(entry.publish(answer(4, ARN), true)).isNotNull();
  }

  @Test
  void publish_goneEntry_isRefused() {
    Snapshot last = entry.leave();

    assertThat(last.state()).isEqualTo(State.FRESH);
    assertThat(entry.snapshot().state()).isEqualTo(State.GONE);
    assertThat(entry.publish(answer(2, ARN), true)).isNull();
    assertThat(entry.leave().state()).as("left before").isEqualTo(State.GONE);
  }

  @Test
  void replace_whatIsNotThere_isRefused() {
    Snapshot seen = entry.snapshot();
    entry.publish(answer(2, ARN), true);

    assertThat(entry.replace(seen, seen.in(State.LAPSED))).isFalse();
    assertThat(held()).isEqualTo("v2");
  }

  record Login(String password) {}

  @Test
  void versions_underAnotherIdAfterARefresh_keepPlacesAndWhatWasMade() {
    SecretVersions old = versions();
    List<Login> made = old.all().stream().map(value -> value.as(Login.class)).toList();

    SecretVersions now =
        Objects.requireNonNull(versions().standing().under(ARN).sharing(old.standing()).versions());

    assertThat(now.all()).extracting(SecretValue::secretId).containsExactly(ARN, ARN, ARN);
    assertThat(now.all()).extracting(value -> value.as(Login.class)).isEqualTo(made);
    assertThat(now.current().as(Login.class)).isSameAs(made.get(0));
    assertThat(now.previous().orElseThrow().as(Login.class)).isSameAs(made.get(1));
    assertThat(now.pending().orElseThrow().as(Login.class)).isSameAs(made.get(2));
  }

  private static SecretVersions versions() {
    return new SecretVersions(value(2), Optional.of(value(1)), Optional.of(value(3)));
  }

  private static SecretValue value(int version) {
    return SecretValue.builder(ID, FakeSource.version(version))
        .arn(ARN)
        .text("{\"password\":\"p%d\"}".formatted(version));
  }
}
