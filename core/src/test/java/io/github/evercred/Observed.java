package io.github.evercred;

import static io.github.evercred.CacheFixture.ID;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.SecretException.Reason;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * A cache and its logins through a rotation and an outage, for tests of what an operator sees. The
 * passwords hold the marker.
 */
final class Observed implements AutoCloseable {
  static final String MARKER = "MaRkErObs4c9";
  static final Target TARGET = new Target("fake", List.of("db:1"), null);
  private static final String ONE = password(1);
  private static final String TWO = password(2);

  final CacheFixture f;
  final RotationAwareLogin login;
  private final FakeTarget server = new FakeTarget();

  Observed(UnaryOperator<SecretCacheBuilder> options) {
    f =
        new CacheFixture(
            o ->
                options.apply(
                    o.minimumInterval(Duration.ZERO)
                        .serveStaleWhenDeniedFor(Duration.ofMinutes(10))));
    login = new RotationAwareLogin(f.cache, JfrEvents.rotationListener());
    f.source.put(ID, 1, json(ONE), "AWSCURRENT");
    server.accept(ONE);
  }

  private static String password(int number) {
    return MARKER + number;
  }

  private static String json(String password) {
    return "{\"username\":\"orders\",\"password\":\"" + password + "\"}";
  }

  String logIn() throws FakeTarget.Failed {
    return login.login(TARGET, ID, LoginOptions.DEFAULTS, Optional.empty(), server);
  }

  /** A login before it, one in its midst, one after it; the cache reads what is new. */
  void rotate() throws FakeTarget.Failed {
    logIn();
    f.source.put(ID, 2, json(TWO), "AWSPENDING");
    server.accept(TWO);
    logIn();
    f.source.move(ID, "AWSCURRENT", 2);
    f.cache.refresh(ID);
    logIn();
  }

  /** A refresh that fails after all of its attempts. */
  SecretException fail(Reason reason) {
    f.source.failing(reason);
    return f.drive(() -> f.cache.refresh(ID)).failure();
  }

  /** Denied for as long as it is served, and read after that. */
  void expire() {
    assertThat(fail(Reason.ACCESS_DENIED).reason()).isEqualTo(Reason.ACCESS_DENIED);
    // In steps shorter than an attempt: a refresh on the way must be answered, not run out of time.
    f.passReading(Duration.ofMinutes(10), Duration.ofSeconds(1), () -> {});
    f.reasonOfRead();
  }

  void recover() {
    f.source.healthy();
    f.time.advance(Duration.ofSeconds(31));
    f.rest();
    f.drive(() -> f.cache.get(ID)).value();
    f.rest(); // Or what this read has begun would be joined by what comes next.
  }

  @Override
  public void close() {
    f.close();
  }
}
