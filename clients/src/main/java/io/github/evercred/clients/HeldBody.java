package io.github.evercred.clients;

import java.net.http.HttpResponse.BodySubscriber;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The body of a response of which it is not known yet whether anybody will want it. Either another
 * subscriber gets all of it, as it would have from the connection, or it is read to its end so that
 * the connection can be used again; if it is long or does not end, the connection is given up.
 *
 * @param <T> what bodies are made into; of this one nothing is made
 */
final class HeldBody<T> implements BodySubscriber<T>, Flow.Subscription {
  private static final int MOST_HELD = 64 * 1024;
  private static final long MOST_SECONDS = 2;

  /*
   * One item at a time is asked of the connection. All signals pass through drain(), which one
   * thread at a time runs, and which calls nobody while it holds the lock.
   */
  private final Object lock = new Object();
  private final ArrayDeque<List<ByteBuffer>> items = new ArrayDeque<>();
  private final CompletableFuture<Void> ended = new CompletableFuture<>();
  private Flow.@Nullable Subscription connection;
  private @Nullable BodySubscriber<T> receiver;
  private boolean receiverKnowsUs;
  private boolean asked;
  private boolean complete;
  private @Nullable Throwable failure;
  private boolean told;
  private boolean discarded;
  private long held;
  private long demand;
  private boolean draining;
  private boolean drainAgain;

  /** Returns at once, so that a response is there before its body is. */
  @Override
  public CompletionStage<T> getBody() {
    return CompletableFuture.completedStage(null);
  }

  @Override
  public void onSubscribe(Flow.Subscription subscription) {
    boolean givenUp;
    synchronized (lock) {
      connection = subscription;
      givenUp = discarded && told;
    }
    if (givenUp) {
      subscription.cancel();
      return;
    }
    drain();
  }

  @Override
  public void onNext(List<ByteBuffer> item) {
    synchronized (lock) {
      asked = false;
      for (ByteBuffer buffer : item) {
        held += buffer.remaining();
      }
      if (!discarded) {
        items.add(item);
      }
    }
    drain();
  }

  @Override
  public void onError(Throwable thrown) {
    synchronized (lock) {
      complete = true;
      failure = thrown;
    }
    ended.complete(null);
    drain();
  }

  @Override
  public void onComplete() {
    synchronized (lock) {
      complete = true;
    }
    ended.complete(null);
    drain();
  }

  /** Lets somebody have the body. To be called once, and not after {@link #discard}. */
  CompletionStage<T> handTo(BodySubscriber<T> subscriber) {
    synchronized (lock) {
      receiver = subscriber;
    }
    drain();
    return subscriber.getBody();
  }

  /** Nobody wants it: it is read to its end if that is near. */
  void discard() {
    synchronized (lock) {
      discarded = true;
      items.clear();
    }
    drain();
    CompletableFuture<Void> unused =
        ended.copy().orTimeout(MOST_SECONDS, TimeUnit.SECONDS).exceptionally(late -> giveUp());
  }

  private @Nullable Void giveUp() {
    cancel();
    return null;
  }

  @Override
  public void request(long n) {
    synchronized (lock) {
      demand = demand + n < 0 ? Long.MAX_VALUE : demand + n;
    }
    if (n <= 0) {
      fail(new IllegalArgumentException("a subscriber must request more than " + n));
    }
    drain();
  }

  /** The receiver has not kept to the rules: it is told, and the connection is given up. */
  private void fail(Throwable why) {
    Flow.Subscription from;
    synchronized (lock) {
      items.clear();
      complete = true;
      failure = why;
      from = connection;
    }
    if (from != null) {
      from.cancel();
    }
  }

  @Override
  public void cancel() {
    Flow.Subscription from;
    synchronized (lock) {
      discarded = true;
      told = true;
      items.clear();
      from = connection;
    }
    if (from != null) {
      from.cancel();
    }
    ended.complete(null);
  }

  private void drain() {
    synchronized (lock) {
      if (draining) {
        drainAgain = true;
        return;
      }
      draining = true;
    }
    while (true) {
      Runnable next;
      synchronized (lock) {
        next = next();
        if (next == null && !drainAgain) {
          draining = false;
          return;
        }
        drainAgain = false;
      }
      if (next != null) {
        try {
          next.run();
        } catch (RuntimeException | Error e) {
          fail(e);
        }
      }
    }
  }

  /** What is to be done next, outside the lock; null if there is nothing. */
  private @Nullable Runnable next() {
    BodySubscriber<T> to = discarded ? null : receiver;
    Flow.Subscription from = connection;
    if (to != null && !receiverKnowsUs) {
      receiverKnowsUs = true;
      return () -> to.onSubscribe(this);
    }
    if (to != null && demand > 0 && !items.isEmpty()) {
      demand--;
      List<ByteBuffer> item = items.remove();
      return () -> to.onNext(item);
    }
    if (complete) {
      if (to == null || told || !items.isEmpty()) {
        return null;
      }
      told = true;
      Throwable why = failure;
      return why == null ? to::onComplete : () -> to.onError(why);
    }
    boolean wanted = to == null ? held < MOST_HELD : items.isEmpty() && demand > 0;
    if (from != null && !asked && wanted) {
      asked = true;
      return () -> from.request(1);
    }
    if (discarded && !told && held >= MOST_HELD) {
      return this::cancel;
    }
    return null;
  }
}
