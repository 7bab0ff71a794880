package io.github.evercred.clients;

import io.r2dbc.spi.Connection;
import java.util.Objects;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscriber;
import org.reactivestreams.Subscription;

/**
 * One subscriber's connection: the subscription, and the login that serves it. Whoever takes the
 * subscriber out of its reference ends it: with a signal or, when it cancels, without.
 */
final class R2dbcCreation implements Subscription {

  /** Logs in, in the thread that calls it. */
  interface Login {
    /**
     * Returns a connection that the caller is to close.
     *
     * @param begun the {@link System#nanoTime} from which time-outs count
     */
    Connection logIn(long begun) throws Exception;
  }

  private final AtomicReference<@Nullable Subscriber<? super Connection>> subscriber;
  private final ThreadPoolExecutor threads;
  private final Login login;
  private final AtomicBoolean requested = new AtomicBoolean();

  /** A request, and the end of onSubscribe: signals must not overtake it. */
  private final AtomicInteger missing = new AtomicInteger(2);

  /** Only this knows when its thread is interrupted for it, and not for whoever has it next. */
  private final FutureTask<@Nullable Void> task = new FutureTask<>(this::run, null);

  private volatile long begun;
  private volatile @Nullable Throwable mistake;

  private R2dbcCreation(
      Subscriber<? super Connection> subscriber, ThreadPoolExecutor threads, Login login) {
    this.subscriber = new AtomicReference<>(subscriber);
    this.threads = threads;
    this.login = login;
  }

  static void begin(
      Subscriber<? super Connection> subscriber, ThreadPoolExecutor threads, Login login) {
    R2dbcCreation creation =
        new R2dbcCreation(Objects.requireNonNull(subscriber, "subscriber"), threads, login);
    boolean accepted = false;
    try {
      subscriber.onSubscribe(creation);
      accepted = true;
    } finally {
      if (!accepted) {
        creation.cancel(); // It threw, which it must not: there is nobody to serve.
      }
    }
    creation.proceed();
  }

  @Override
  public void request(long n) {
    IllegalArgumentException wrong = null;
    if (n <= 0) {
      wrong =
          new IllegalArgumentException(
              "A subscriber must request more than 0 connections, not %d (Reactive Streams 3.9)."
                  .formatted(n));
      mistake = wrong;
    }
    if (requested.compareAndSet(false, true)) {
      begun = System.nanoTime();
      proceed();
    } else if (wrong != null && missing.get() == 0) { // Else it is told once onSubscribe is over.
      fail(wrong);
    }
  }

  private void fail(Throwable why) {
    Subscriber<? super Connection> told = end();
    if (told != null) {
      told.onError(why);
    }
  }

  @Override
  public void cancel() {
    Subscriber<? super Connection> unused = end();
  }

  /** Returns the subscriber, if nobody has ended this before, and stops the login. */
  private @Nullable Subscriber<? super Connection> end() {
    Subscriber<? super Connection> known = subscriber.getAndSet(null);
    if (known != null) {
      task.cancel(true);
      threads.remove(task);
    }
    return known;
  }

  private void proceed() {
    if (missing.decrementAndGet() > 0 || subscriber.get() == null) {
      return;
    }
    Throwable wrong = mistake;
    if (wrong != null) {
      fail(wrong);
      return;
    }
    try {
      threads.execute(task);
    } catch (RuntimeException | Error e) { // No more threads, for instance.
      fail(e);
    }
  }

  private void run() {
    Connection connection;
    try {
      connection = login.logIn(begun);
    } catch (Throwable e) { // Even if a class is missing: else the subscriber waits for ever.
      Subscriber<? super Connection> told = subscriber.getAndSet(null);
      if (told != null) {
        signal(() -> told.onError(e));
      }
      return;
    }
    Subscriber<? super Connection> told = subscriber.getAndSet(null);
    if (told == null) {
      R2dbcArrival.close(connection);
      return;
    }
    signal(
        () -> {
          told.onNext(connection);
          told.onComplete();
        });
  }

  /** A subscriber must not throw. One that does is a bug that must be seen, in no future. */
  private static void signal(Runnable signals) {
    try {
      signals.run();
    } catch (RuntimeException | Error e) {
      Thread thread = Thread.currentThread();
      thread.getUncaughtExceptionHandler().uncaughtException(thread, e);
    }
  }
}
