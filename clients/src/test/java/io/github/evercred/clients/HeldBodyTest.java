package io.github.evercred.clients;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse.BodySubscriber;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Who gets a body that is held, and when the connection is given up. */
@Timeout(60)
class HeldBodyTest {
  private final HeldBody<String> body = new HeldBody<>();
  private final Connection connection = new Connection();

  /** Counts what is asked of it. */
  private static final class Connection implements Flow.Subscription {
    long requested;
    boolean cancelled;

    @Override
    public void request(long n) {
      requested += n;
    }

    @Override
    public void cancel() {
      cancelled = true;
    }
  }

  /** Writes down what it hears. */
  private static class Receiver implements BodySubscriber<String> {
    final List<String> heard = new ArrayList<>();
    Flow.@Nullable Subscription subscription;

    @Override
    public CompletionStage<String> getBody() {
      return new CompletableFuture<>();
    }

    @Override
    public void onSubscribe(Flow.Subscription given) {
      subscription = given;
      heard.add("subscribed");
    }

    @Override
    public void onNext(List<ByteBuffer> item) {
      heard.add(StandardCharsets.UTF_8.decode(item.get(0)).toString());
    }

    @Override
    public void onError(Throwable thrown) {
      heard.add("error " + thrown.getMessage());
    }

    @Override
    public void onComplete() {
      heard.add("complete");
    }

    void request(long n) {
      Objects.requireNonNull(subscription).request(n);
    }
  }

  private static List<ByteBuffer> item(String text) {
    return List.of(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
  }

  private void handTo(Receiver receiver) {
    CompletionStage<String> unused = body.handTo(receiver);
  }

  @Test
  void body_handedOver_comesAsItIsAskedFor() {
    body.onSubscribe(connection);
    body.onNext(item("one"));
    var receiver = new Receiver();
    handTo(receiver);
    assertThat(receiver.heard).containsExactly("subscribed");

    receiver.request(1);
    assertThat(receiver.heard).containsExactly("subscribed", "one");
    receiver.request(5);
    body.onNext(item("two"));
    body.onComplete();

    assertThat(receiver.heard).containsExactly("subscribed", "one", "two", "complete");
    assertThat(connection.cancelled).isFalse();
  }

  @Test
  void receiver_asksForNothing_isToldAndTheConnectionGivenUp() {
    body.onSubscribe(connection);
    var receiver = new Receiver();
    handTo(receiver);

    receiver.request(0);

    assertThat(receiver.heard)
        .containsExactly("subscribed", "error a subscriber must request more than 0");
    assertThat(connection.cancelled).isTrue();
  }

  @Test
  void receiver_throws_isToldAndTheConnectionGivenUp() {
    body.onSubscribe(connection);
    body.onNext(item("one"));
    var receiver =
        new Receiver() {
          @Override
          public void onNext(List<ByteBuffer> item) {
            throw new IllegalStateException("mine");
          }
        };
    handTo(receiver);

    receiver.request(1);

    assertThat(receiver.heard).containsExactly("subscribed", "error mine");
    assertThat(connection.cancelled).isTrue();
  }

  @Test
  void receiver_cancels_hearsNoMore() {
    body.onSubscribe(connection);
    body.onNext(item("one"));
    var receiver = new Receiver();
    handTo(receiver);

    Objects.requireNonNull(receiver.subscription).cancel();
    body.onComplete();

    assertThat(receiver.heard).containsExactly("subscribed");
    assertThat(connection.cancelled).isTrue();
  }

  @Test
  void connectionThatComesAfterItWasGivenUp_isCancelled() {
    body.discard();
    body.cancel(); // As its time-out does.

    body.onSubscribe(connection);

    assertThat(connection.cancelled).isTrue();
    assertThat(connection.requested).isZero();
  }

  @Test
  void body_discarded_isReadToItsEndIfThatIsNear() {
    body.onSubscribe(connection);
    body.discard();
    for (int i = 0; i < 63; i++) {
      body.onNext(item("x".repeat(1024)));
    }
    assertThat(connection.cancelled).isFalse();
    assertThat(connection.requested).isEqualTo(64);
    body.onNext(item("x".repeat(1024)));

    assertThat(connection.cancelled).isTrue();
  }
}
