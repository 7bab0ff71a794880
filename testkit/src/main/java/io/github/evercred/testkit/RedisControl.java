package io.github.evercred.testkit;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * An administrator's connection to a Redis, kept open so that it can be used when the server takes
 * no more. Thread-safe: one command at a time. It speaks RESP2
 * (https://redis.io/docs/latest/develop/reference/protocol-spec/).
 */
final class RedisControl {
  private static final int PATIENCE_MILLIS = (int) ControlConnection.PATIENCE.toMillis();

  /** The server's answer is an error; its words, less arguments that may be passwords. */
  static final class Refused extends IOException {
    private static final long serialVersionUID = 1;

    Refused(String said) {
      super(
          said.replaceAll(", with args beginning with:.*", "")
              .replaceAll("modifier '[<>#!].*':", "modifier (a password):"));
    }
  }

  private final InetSocketAddress address;
  private final String user;
  private final String password;
  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable Session open;

  RedisControl(InetSocketAddress address, String user, String password) {
    this.address = address;
    this.user = user;
    this.password = password;
  }

  /** Runs a command on the open connection, or on a new one if that has died. */
  String execute(String... command) throws IOException {
    byte[] request = encoded(command);
    lock.lock();
    boolean usable = false;
    try {
      String reply = session().ask(request);
      usable = true;
      return reply;
    } catch (Refused e) {
      usable = true;
      throw e;
    } finally {
      if (!usable) {
        drop();
      }
      lock.unlock();
    }
  }

  /** Logs someone in on a connection of its own, and leaves. */
  void login(String name, String with) throws IOException {
    Session.login(address, name, with).close();
  }

  private Session session() throws IOException {
    Session known = open;
    if (known != null) {
      try {
        known.ask(encoded("PING"));
        return known;
      } catch (Refused e) {
        throw e;
      } catch (IOException e) {
        drop(); // killed, by a test mostly; if it is anything else, a new one tells
      }
    }
    Session fresh = Session.login(address, user, password);
    open = fresh;
    return fresh;
  }

  private void drop() {
    Session known = open;
    open = null;
    if (known != null) {
      known.close();
    }
  }

  void close() {
    lock.lock();
    try {
      drop();
    } finally {
      lock.unlock();
    }
  }

  /** A command as an array of its words. */
  private static byte[] encoded(String... words) {
    ByteArrayOutputStream request = new ByteArrayOutputStream();
    request.writeBytes(utf8("*" + words.length + "\r\n"));
    for (String word : words) {
      byte[] bytes = utf8(Objects.requireNonNull(word, "a word of the command"));
      request.writeBytes(utf8("$" + bytes.length + "\r\n"));
      request.writeBytes(bytes);
      request.writeBytes(utf8("\r\n"));
    }
    return request.toByteArray();
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** One connection that has logged in. */
  private static final class Session {
    private final Socket socket;
    private final InputStream in;

    private Session(Socket socket) throws IOException {
      this.socket = socket;
      this.in = new BufferedInputStream(socket.getInputStream());
    }

    /** Connects and logs in. */
    static Session login(InetSocketAddress address, String user, String password)
        throws IOException {
      byte[] login = encoded("AUTH", user, password);
      Socket socket = new Socket();
      boolean accepted = false;
      try {
        socket.connect(address, PATIENCE_MILLIS);
        socket.setSoTimeout(PATIENCE_MILLIS);
        socket.setTcpNoDelay(true);
        Session session = new Session(socket);
        session.ask(login);
        accepted = true;
        return session;
      } finally {
        if (!accepted) {
          socket.close();
        }
      }
    }

    String ask(byte[] request) throws IOException {
      socket.getOutputStream().write(request);
      String head = line();
      if (head.startsWith("-")) {
        throw new Refused(head.substring(1));
      }
      return reply(head);
    }

    /** What follows a reply's first line, as text; an array has one line per element. */
    private String reply(String head) throws IOException {
      String rest = head.isEmpty() ? "" : head.substring(1);
      return switch (head.isEmpty() ? ' ' : head.charAt(0)) {
        case '+', ':', '-' -> rest;
        case '$' -> bulk(Integer.parseInt(rest));
        case '*' -> {
          StringBuilder all = new StringBuilder();
          for (int i = Integer.parseInt(rest); i > 0; i--) {
            all.append(reply(line())).append(i == 1 ? "" : "\n");
          }
          yield all.toString();
        }
        default -> throw new IOException("The server does not reply as Redis does");
      };
    }

    private String bulk(int length) throws IOException {
      if (length < 0) {
        return ""; // a null
      }
      byte[] bytes = in.readNBytes(length);
      if (bytes.length < length || !line().isEmpty()) {
        throw new EOFException("The server's reply is not whole");
      }
      return new String(bytes, StandardCharsets.UTF_8);
    }

    private String line() throws IOException {
      ByteArrayOutputStream line = new ByteArrayOutputStream();
      for (int one = in.read(); one != '\n'; one = in.read()) {
        if (one < 0) {
          throw new EOFException("The server has closed the connection");
        }
        line.write(one);
      }
      return line.toString(StandardCharsets.UTF_8).stripTrailing();
    }

    void close() {
      try {
        socket.close();
      } catch (IOException e) {
        // It is of no more use either way.
      }
    }
  }
}
