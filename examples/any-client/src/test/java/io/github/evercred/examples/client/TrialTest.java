package io.github.evercred.examples.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.RotationListener;
import io.github.evercred.SecretCache;
import io.github.evercred.testkit.RotationTarget;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A trial counts what it says it counts. */
@Timeout(60)
class TrialTest {

  /** A server that knows one key, and a client that takes AWSCURRENT and hopes. */
  private static final class Hopeful implements Scenario, RotationTarget {
    private static final String ID = "hopeful";
    private final AtomicLong refused = new AtomicLong();
    private final boolean byError;
    private volatile String key = "one";

    Hopeful(boolean byError) {
      this.byError = byError;
    }

    @Override
    public String name() {
      return ID;
    }

    @Override
    public String secretId() {
      return ID;
    }

    @Override
    public String firstValue() {
      return "one";
    }

    @Override
    public RotationTarget target() {
      return this;
    }

    @Override
    public String newValue(String current) {
      return current + "+";
    }

    @Override
    public void set(String current, String pending) {
      key = pending;
    }

    @Override
    public Calls open(Supplier<SecretCache> caches, RotationListener listener) {
      SecretCache cache = caches.get();
      return new Calls() {
        @Override
        public void call() {
          if (!cache.get(ID).asString().equals(key)) {
            refused.incrementAndGet();
            if (byError) {
              throw new AssertionError("refused");
            }
            throw new IllegalStateException("refused");
          }
        }

        @Override
        public void close() {}
      };
    }

    @Override
    public long refused() {
      return refused.get();
    }

    @Override
    public void close() {}
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void client_thatDoesNotFollow_isSeenToFail(boolean byError) throws Exception {
    try (var scenario = new Hopeful(byError)) {
      Result result = new Trial(2, 1, Duration.ofMillis(100)).run(scenario);

      assertThat(result.failed()).as("each worker goes on").isGreaterThan(2);
      assertThat(result.failed()).isLessThan(result.calls());
      assertThat(result.refused()).isEqualTo(result.failed());
      assertThat(result.firstFailure()).hasMessage("refused");
      assertThat(result.awsCalls())
          .as("the first load, tried again where it was slow")
          .isBetween(1, 3);
      assertThat(result.row()).hasSameSizeAs(Result.HEAD);
    }
  }
}
