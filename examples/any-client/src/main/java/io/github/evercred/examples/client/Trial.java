package io.github.evercred.examples.client;

import io.github.evercred.AwsSecretSource;
import io.github.evercred.RotationListener;
import io.github.evercred.SecretCache;
import io.github.evercred.testkit.LocalSecretsManager;
import io.github.evercred.testkit.Rotation;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/** Rotates the credential of a scenario while workers call without a pause. */
final class Trial {
  private static final long PATIENCE_SECONDS = 60;

  private final int workers;
  private final int rotations;
  private final Duration window;

  /**
   * Plans a trial.
   *
   * @param workers threads that call
   * @param rotations how many, one after the other
   * @param window how long each stays between two steps
   */
  Trial(int workers, int rotations, Duration window) {
    this.workers = workers;
    this.rotations = rotations;
    this.window = window;
  }

  Result run(Scenario scenario) throws Exception {
    var open = new ArrayList<AutoCloseable>();
    try (var secrets = LocalSecretsManager.start()) {
      secrets.createSecret(scenario.secretId(), scenario.firstValue());
      try (Scenario.Calls client =
          scenario.open(() -> newCache(secrets, open), new RotationListener() {})) {
        return run(scenario, secrets, client);
      } finally {
        for (AutoCloseable one : open) {
          one.close();
        }
      }
    }
  }

  /** A cache as an application has it, but for the endpoint and the credentials. */
  private static SecretCache newCache(LocalSecretsManager secrets, List<AutoCloseable> open) {
    var client =
        SecretsManagerClient.builder()
            .endpointOverride(secrets.endpoint())
            .region(Region.of(secrets.region()))
            .credentialsProvider(
                StaticCredentialsProvider.create(AwsBasicCredentials.create("local", "local")))
            .build();
    SecretCache cache = SecretCache.builder().source(AwsSecretSource.of(client)).build();
    open.add(cache);
    open.add(client);
    return cache;
  }

  private Result run(Scenario scenario, LocalSecretsManager secrets, Scenario.Calls client)
      throws Exception {
    var crew = new Crew(client, workers);
    crew.start();
    try (crew) {
      crew.awaitFirstCalls();
      Rotation rotation = scenario.rotation(secrets);
      pause();
      for (int i = 0; i < rotations; i++) {
        rotation.createSecret();
        pause();
        rotation.setSecret();
        pause();
        rotation.testSecret();
        pause();
        rotation.finishSecret();
        pause();
      }
    }
    return new Result(
        scenario.name(),
        rotations,
        crew.calls.sum(),
        crew.failed.sum(),
        crew.firstFailure.get(),
        scenario.refused(),
        secrets.requests().size());
  }

  /** Lets the workers call. */
  private void pause() throws InterruptedException {
    boolean unused = new CountDownLatch(1).await(window.toNanos(), TimeUnit.NANOSECONDS);
  }

  /** The workers. */
  private static final class Crew implements AutoCloseable {
    private final Scenario.Calls client;
    private final LongAdder calls = new LongAdder();
    private final LongAdder failed = new LongAdder();
    private final AtomicReference<@Nullable Throwable> firstFailure = new AtomicReference<>();
    private final List<Thread> threads = new ArrayList<>();
    private final CountDownLatch first;
    private volatile boolean stopped;

    Crew(Scenario.Calls client, int workers) {
      this.client = client;
      this.first = new CountDownLatch(workers);
    }

    void start() {
      long workers = first.getCount();
      for (int i = 1; i <= workers; i++) {
        var thread = new Thread(this::work, "worker-" + i);
        thread.setDaemon(true);
        threads.add(thread);
        thread.start();
      }
    }

    /** The first calls load what later ones have. */
    void awaitFirstCalls() throws InterruptedException {
      if (!first.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        throw new IllegalStateException(
            "Not every worker has made a call within " + PATIENCE_SECONDS + " s");
      }
    }

    private void work() {
      while (!stopped) {
        try {
          client.call();
        } catch (Throwable e) { // An error, too, or the worker is gone and nobody knows.
          failed.increment();
          firstFailure.compareAndSet(null, e);
        }
        calls.increment();
        first.countDown();
      }
    }

    /** Lets each end the call that it is in. */
    @Override
    public void close() {
      stopped = true;
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
      for (Thread thread : threads) {
        try {
          thread.join(Math.max(1, TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime())));
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          return; // They are told, and they are daemons.
        }
        if (thread.isAlive()) {
          throw new IllegalStateException(
              "A call has not ended within " + PATIENCE_SECONDS + " s, in " + thread.getName());
        }
      }
    }
  }
}
