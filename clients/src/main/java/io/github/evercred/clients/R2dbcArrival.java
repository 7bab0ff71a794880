package io.github.evercred.clients;

import io.r2dbc.spi.Connection;
import io.r2dbc.spi.R2dbcNonTransientResourceException;
import io.r2dbc.spi.R2dbcTimeoutException;
import io.r2dbc.spi.R2dbcTransientResourceException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscriber;
import org.reactivestreams.Subscription;

/**
 * Waits for the one connection that a driver is to give. A connection that comes when nobody waits
 * any more is closed.
 */
final class R2dbcArrival implements Subscriber<Connection> {
  private final AtomicReference<@Nullable Subscription> subscription = new AtomicReference<>();
  private final CompletableFuture<Connection> arrived = new CompletableFuture<>();

  private R2dbcArrival() {}

  /**
   * Returns the connection.
   *
   * @param where for messages
   * @throws Exception what the driver signals, as it is, or an R2dbcException of our own
   */
  static Connection await(Publisher<? extends Connection> driver, Duration remaining, Object where)
      throws Exception {
    R2dbcArrival arrival = new R2dbcArrival();
    driver.subscribe(arrival);
    try {
      return arrival.arrived.get(remaining.toNanos(), TimeUnit.NANOSECONDS);
    } catch (ExecutionException e) {
      throw untouched(e);
    } catch (TimeoutException e) {
      arrival.giveUp();
      throw new R2dbcTimeoutException(
          "The driver gave no connection to %s within %s: the database or the network is slow or hangs. Raise rotationWait or loginTimeout if it is only slow."
              .formatted(where, remaining),
          R2dbcFailures.UNABLE_TO_CONNECT,
          e);
    } catch (InterruptedException e) {
      arrival.giveUp();
      Thread.currentThread().interrupt();
      throw new R2dbcTransientResourceException(
          "Interrupted while connecting to " + where + ".", R2dbcFailures.UNABLE_TO_CONNECT, e);
    }
  }

  /** The driver's own failure, and not one of ours around it. */
  private static Exception untouched(ExecutionException e) {
    Throwable cause = e.getCause();
    if (cause instanceof Error error) {
      throw error;
    }
    return cause instanceof Exception failure ? failure : e;
  }

  private void giveUp() {
    if (!arrived.cancel(false) && !arrived.isCompletedExceptionally()) {
      close(arrived.join()); // It has arrived in this moment.
    }
    Subscription driver = subscription.get();
    if (driver != null) {
      driver.cancel();
    }
  }

  @Override
  public void onSubscribe(Subscription driver) {
    if (!subscription.compareAndSet(null, driver)) {
      driver.cancel();
      return;
    }
    driver.request(1);
    if (arrived.isCancelled()) {
      driver.cancel();
    }
  }

  @Override
  public void onNext(Connection connection) {
    if (!arrived.complete(connection)) {
      close(connection);
    }
  }

  @Override
  public void onError(Throwable failure) {
    arrived.completeExceptionally(failure);
  }

  @Override
  public void onComplete() {
    if (!arrived.isDone()) {
      arrived.completeExceptionally(
          new R2dbcNonTransientResourceException(
              "The driver gave no connection and no error.", R2dbcFailures.UNABLE_TO_CONNECT));
    }
  }

  /** Closes a connection that nobody wants. Does not wait for it. */
  static void close(Connection connection) {
    connection
        .close()
        .subscribe(
            new Subscriber<Void>() {
              @Override
              public void onSubscribe(Subscription closing) {
                closing.request(Long.MAX_VALUE);
              }

              @Override
              public void onNext(Void nothing) {}

              @Override
              public void onError(Throwable failure) {
                System.getLogger("io.github.evercred")
                    .log(
                        System.Logger.Level.DEBUG,
                        "A connection that nobody waits for could not be closed",
                        failure);
              }

              @Override
              public void onComplete() {}
            });
  }
}
