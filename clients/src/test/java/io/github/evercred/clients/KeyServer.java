package io.github.evercred.clients;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** A server on plain HTTP that answers with the request's body where a header is as it must be. */
final class KeyServer implements AutoCloseable {
  static final String NO = "wrong key";

  private final String header;
  private final HttpServer server;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final AtomicReference<@Nullable CountDownLatch> gate = new AtomicReference<>();
  private final CountDownLatch end = new CountDownLatch(1);
  final AtomicInteger refused = new AtomicInteger();
  final AtomicInteger arrived = new AtomicInteger();

  /** Requests whose response has not been written to its end. */
  final AtomicInteger underWay = new AtomicInteger();

  final Set<InetSocketAddress> connections = ConcurrentHashMap.newKeySet();

  /** Requests that came without the header: no refusal of anything. */
  final AtomicInteger without = new AtomicInteger();

  /** What the header said, in the order of arrival. */
  final List<String> seen = new CopyOnWriteArrayList<>();

  /** All headers of the last request. */
  volatile Map<String, List<String>> headers = Map.of();

  volatile String accepted;
  private volatile int passing;
  volatile int status = 200;

  /** Whether another status than 200 is for the right key alone. */
  volatile boolean refuseOthersOnly;

  volatile int refusal = 401;
  volatile byte[] refusalBody = NO.getBytes(StandardCharsets.UTF_8);
  volatile @Nullable String challenge;

  /** Sends the head of a refusal, half of its body, and the rest more slowly than anybody waits. */
  volatile boolean refusalStalls;

  KeyServer(String header, String accepted) {
    this.header = header;
    this.accepted = accepted;
    try {
      server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    server.setExecutor(threads);
    server.createContext("/", this::answer);
    server.start();
  }

  URI uri(String path) {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort() + path);
  }

  int port() {
    return server.getAddress().getPort();
  }

  /** Holds all requests that arrive, until the latch is counted down. */
  CountDownLatch hold() {
    return holdAfter(0);
  }

  /** Holds all requests but the first so many, counted from the start of the server. */
  CountDownLatch holdAfter(int requests) {
    var latch = new CountDownLatch(1);
    passing = requests;
    gate.set(latch);
    return latch;
  }

  private void answer(HttpExchange exchange) throws IOException {
    underWay.incrementAndGet();
    try {
      answerOnce(exchange);
    } finally {
      underWay.decrementAndGet();
    }
  }

  private void answerOnce(HttpExchange exchange) throws IOException {
    try (exchange) {
      connections.add(exchange.getRemoteAddress());
      byte[] body = exchange.getRequestBody().readAllBytes();
      String key = exchange.getRequestHeaders().getFirst(header);
      seen.add(String.valueOf(key));
      headers = exchange.getRequestHeaders();
      boolean right = accepted.equals(key);
      int number = arrived.incrementAndGet();
      CountDownLatch held = gate.get();
      if (held != null && number > passing) {
        await(held);
      }
      if (right || (status != 200 && !refuseOthersOnly)) {
        exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
        exchange.getResponseBody().write(body);
        return;
      }
      (key == null ? without : refused).incrementAndGet();
      String asks = challenge;
      if (asks != null) {
        exchange
            .getResponseHeaders()
            .add(refusal == 407 ? "Proxy-Authenticate" : "WWW-Authenticate", asks);
      }
      byte[] no = refusalBody;
      exchange.sendResponseHeaders(refusal, no.length == 0 ? -1 : no.length);
      if (refusalStalls) {
        exchange.getResponseBody().write(no, 0, no.length / 2);
        exchange.getResponseBody().flush();
        for (int i = no.length / 2; i < no.length && !isOver(); i++) {
          exchange.getResponseBody().write(no, i, 1);
          exchange.getResponseBody().flush(); // Fails once nobody is there.
        }
      } else {
        exchange.getResponseBody().write(no);
      }
    }
  }

  private boolean isOver() throws IOException {
    try {
      return end.await(20, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  private static void await(CountDownLatch latch) throws IOException {
    try {
      if (!latch.await(30, TimeUnit.SECONDS)) {
        throw new IOException("held for too long");
      }
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  @Override
  public void close() {
    end.countDown();
    server.stop(0);
    threads.shutdownNow();
  }
}
