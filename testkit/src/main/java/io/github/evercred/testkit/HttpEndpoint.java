package io.github.evercred.testkit;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A small HTTP/1.1 server on 127.0.0.1: one daemon thread per connection, so that one that waits
 * holds up no other. It is not the JDK's own server because that cannot reset a connection.
 */
final class HttpEndpoint implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(HttpEndpoint.class.getName());
  private static final int MAX_HEAD = 64 * 1024;
  private static final int MAX_BODY = 2 * 1024 * 1024;

  /** One request: header names are in lower case. */
  record Request(String method, String path, Map<String, String> headers, String body) {}

  /** What to do with a request. */
  sealed interface Reply permits Answer, Hang, Reset {}

  /** Answer it. */
  record Answer(int status, Map<String, String> headers, String body) implements Reply {}

  /** Leave it unanswered until the client goes away. */
  record Hang() implements Reply {}

  /** Reset its connection. */
  record Reset() implements Reply {}

  /** Called on the connection's own thread. */
  interface Handler {
    Reply handle(Request request) throws InterruptedException;
  }

  private final ServerSocket server;
  private final Handler handler;
  private final ExecutorService threads;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private volatile boolean closed;

  HttpEndpoint(Handler handler) throws IOException {
    this.handler = handler;
    AtomicInteger number = new AtomicInteger();
    this.threads =
        Executors.newCachedThreadPool(
            task -> {
              Thread thread = new Thread(task, "evercred-testkit-http-" + number.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
    this.server = new ServerSocket();
    server.bind(new InetSocketAddress(InetAddress.getByAddress(new byte[] {127, 0, 0, 1}), 0), 512);
    threads.execute(this::accept);
  }

  int port() {
    return server.getLocalPort();
  }

  private void accept() {
    while (!closed) {
      try {
        Socket socket = server.accept();
        open.add(socket);
        if (closed) {
          reset(socket);
        } else {
          threads.execute(() -> serve(socket));
        }
      } catch (IOException | RejectedExecutionException e) {
        if (!closed) {
          LOG.log(System.Logger.Level.DEBUG, "A connection could not be accepted", e);
        }
      }
    }
  }

  private void serve(Socket socket) {
    try (socket) {
      socket.setTcpNoDelay(true);
      InputStream in = new BufferedInputStream(socket.getInputStream());
      OutputStream out = socket.getOutputStream();
      for (Request request = read(in, out); request != null; request = read(in, out)) {
        Reply reply = handler.handle(request);
        if (reply instanceof Reset) {
          reset(socket);
          return;
        } else if (reply instanceof Hang) {
          in.transferTo(OutputStream.nullOutputStream());
          return;
        } else if (reply instanceof Answer answer) {
          write(answer, out);
        }
        if ("close".equalsIgnoreCase(request.headers().get("connection"))) {
          return;
        }
      }
    } catch (IOException e) {
      LOG.log(System.Logger.Level.DEBUG, "A client went away", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // only close() interrupts: the thread ends here
    } finally {
      open.remove(socket);
    }
  }

  /** Closes with a TCP RST, as SO_LINGER with no time does. */
  private static void reset(Socket socket) throws IOException {
    socket.setSoLinger(true, 0);
    socket.close();
  }

  private static void write(Answer answer, OutputStream out) throws IOException {
    byte[] body = answer.body().getBytes(StandardCharsets.UTF_8);
    StringBuilder head = new StringBuilder("HTTP/1.1 ").append(answer.status()).append(" -\r\n");
    answer
        .headers()
        .forEach((name, value) -> head.append(name).append(": ").append(value).append("\r\n"));
    head.append("Content-Length: ").append(body.length).append("\r\n\r\n");
    ByteArrayOutputStream whole = new ByteArrayOutputStream();
    whole.writeBytes(head.toString().getBytes(StandardCharsets.ISO_8859_1));
    whole.writeBytes(body);
    whole.writeTo(out); // one packet, so that no delayed acknowledgement comes in between
    out.flush();
  }

  private static @Nullable Request read(InputStream in, OutputStream out) throws IOException {
    String requestLine = readLine(in);
    if (requestLine == null) {
      return null;
    }
    String[] parts = requestLine.split(" ", -1);
    if (parts.length != 3) {
      throw new IOException("not an HTTP request line");
    }
    Map<String, String> headers = new LinkedHashMap<>();
    for (String line = readLine(in); line != null && !line.isEmpty(); line = readLine(in)) {
      int colon = line.indexOf(':');
      if (colon > 0) {
        headers.put(
            line.substring(0, colon).trim().toLowerCase(Locale.ROOT),
            line.substring(colon + 1).trim());
      }
    }
    if ("100-continue".equalsIgnoreCase(headers.get("expect"))) {
      out.write("HTTP/1.1 100 Continue\r\n\r\n".getBytes(StandardCharsets.ISO_8859_1));
      out.flush();
    }
    byte[] body;
    if ("chunked".equalsIgnoreCase(headers.get("transfer-encoding"))) {
      body = readChunks(in);
    } else {
      body = readBytes(in, parseLength(headers.getOrDefault("content-length", "0"), 10));
    }
    return new Request(
        parts[0], parts[1], Map.copyOf(headers), new String(body, StandardCharsets.UTF_8));
  }

  private static byte[] readChunks(InputStream in) throws IOException {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    while (true) {
      String line = readLine(in);
      if (line == null) {
        throw new IOException("the body ended too early");
      }
      int length = parseLength(line.split(";", 2)[0].trim(), 16);
      body.writeBytes(readBytes(in, length));
      if (body.size() > MAX_BODY) {
        throw new IOException("the body is longer than " + MAX_BODY + " bytes");
      }
      String end = readLine(in);
      while (length == 0 && end != null && !end.isEmpty()) {
        end = readLine(in); // trailers
      }
      if (length == 0) {
        return body.toByteArray();
      }
    }
  }

  private static int parseLength(String text, int radix) throws IOException {
    try {
      int length = Integer.parseInt(text, radix);
      if (length >= 0 && length <= MAX_BODY) {
        return length;
      }
    } catch (NumberFormatException e) {
      throw new IOException("not a length", e);
    }
    throw new IOException("the body must be 0 to " + MAX_BODY + " bytes");
  }

  private static byte[] readBytes(InputStream in, int length) throws IOException {
    byte[] bytes = in.readNBytes(length);
    if (bytes.length < length) {
      throw new IOException("the body ended too early");
    }
    return bytes;
  }

  private static @Nullable String readLine(InputStream in) throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (int b = in.read(); b != '\n'; b = in.read()) {
      if (b < 0) {
        return null;
      }
      if (line.size() > MAX_HEAD) {
        throw new IOException("a line of the head is longer than " + MAX_HEAD + " bytes");
      }
      if (b != '\r') {
        line.write(b);
      }
    }
    return line.toString(StandardCharsets.ISO_8859_1);
  }

  /** Frees the port and ends every connection, whatever it waits for. */
  @Override
  public void close() {
    closed = true;
    try {
      server.close();
    } catch (IOException e) {
      LOG.log(System.Logger.Level.DEBUG, "The server socket did not close cleanly", e);
    }
    for (Socket socket : open) {
      try {
        socket.close();
      } catch (IOException e) {
        LOG.log(System.Logger.Level.DEBUG, "A connection did not close cleanly", e);
      }
    }
    threads.shutdownNow();
  }
}
