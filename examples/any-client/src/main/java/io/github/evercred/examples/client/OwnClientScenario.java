package io.github.evercred.examples.client;

import io.github.evercred.RotationAwareLogin;
import io.github.evercred.RotationListener;
import io.github.evercred.SecretCache;
import io.github.evercred.Target;
import io.github.evercred.testkit.RotationTarget;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;

/** A client of one's own, and a server that accepts one password at a time. */
final class OwnClientScenario implements Scenario, RotationTarget, Ledger {
  static final Target TARGET = new Target("ledger", List.of("ledger.example.com:4711"), null);

  private final LongAdder refused = new LongAdder();
  private final AtomicInteger passwords = new AtomicInteger();
  private volatile String accepted = firstValue();

  @Override
  public String name() {
    return "client of one's own";
  }

  @Override
  public String secretId() {
    return "prod/ledger";
  }

  private static String value(int number) {
    return "{\"username\":\"app\",\"password\":\"password-" + number + "\"}";
  }

  @Override
  public String firstValue() {
    return value(0);
  }

  @Override
  public RotationTarget target() {
    return this;
  }

  @Override
  public String newValue(String current) {
    return value(passwords.incrementAndGet());
  }

  @Override
  public void set(String current, String pending) {
    accepted = pending;
  }

  @Override
  public String balance(String user, String password, Duration atMost) throws Failure {
    if (!accepted.equals("{\"username\":\"" + user + "\",\"password\":\"" + password + "\"}")) {
      refused.increment();
      throw new Failure("wrong-password");
    }
    return "12.50";
  }

  @Override
  public Calls open(Supplier<SecretCache> caches, RotationListener listener) {
    var login = new RotationAwareLogin(caches.get(), listener);
    var client = new OwnClient(login, this, TARGET, secretId());
    return new Calls() {
      @Override
      public void call() throws Exception {
        var unused = client.balance();
      }

      @Override
      public void close() {}
    };
  }

  @Override
  public long refused() {
    return refused.sum();
  }

  @Override
  public void close() {}
}
