package io.github.evercred.jdbc;

import static java.nio.charset.StandardCharsets.UTF_16LE;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Speaks as much TDS as a login takes, without TLS: a protocol stub, no database. It reads what the
 * driver sends as user and password, and answers with what a test says. To any statement it answers
 * with the number 1.
 *
 * <p>Written after <a
 * href="https://learn.microsoft.com/openspecs/windows_protocols/ms-tds/b46a581a-39de-4745-b076-ec4dbb7d13ec">MS-TDS</a>.
 */
final class TdsStub implements AutoCloseable {
  private static final int PRELOGIN = 0x12;
  private static final int LOGIN7 = 0x10;

  /** Version 16.0, and encryption that is not supported. */
  private static final byte[] PRELOGIN_ANSWER = {
    0, 0, 11, 0, 6, 1, 0, 17, 0, 1, (byte) 0xFF, 16, 0, 0, 0, 0, 0, 2
  };

  record Login(String user, String password, String database) {}

  /** An error as a server sends it. */
  record ServerError(int number, int severity, String text) {}

  final List<Login> logins = new CopyOnWriteArrayList<>();
  private final ServerSocket socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());

  /** No errors mean that the login is accepted; null means silence. */
  private final Function<Login, @Nullable List<ServerError>> script;

  TdsStub(Function<Login, @Nullable List<ServerError>> script) throws IOException {
    this.script = script;
    start(
        () -> {
          while (true) {
            Socket client = socket.accept();
            start(() -> serve(client));
          }
        });
  }

  /** Accepts one password, and refuses any other as SQL Server does. */
  static TdsStub accepting(String password) throws IOException {
    return new TdsStub(
        login ->
            login.password().equals(password)
                ? List.of()
                : List.of(
                    new ServerError(18456, 14, "Login failed for user '" + login.user() + "'.")));
  }

  int port() {
    return socket.getLocalPort();
  }

  private interface Work {
    void run() throws IOException;
  }

  private static void start(Work work) {
    var thread =
        new Thread(
            () -> {
              try {
                work.run();
              } catch (IOException e) {
                // The other side, or the test, has closed it.
              }
            },
            "tds");
    thread.setDaemon(true);
    thread.start();
  }

  private void serve(Socket client) throws IOException {
    try (client) {
      var in = new DataInputStream(client.getInputStream());
      while (true) {
        var message = new ByteArrayOutputStream();
        int type;
        boolean last;
        do {
          type = in.readUnsignedByte();
          last = (in.readUnsignedByte() & 1) == 1;
          int length = in.readUnsignedShort();
          in.readInt();
          message.write(in.readNBytes(length - 8));
        } while (!last);
        byte[] answer = answer(type, message.toByteArray());
        if (answer == null) {
          in.read(); // Until the driver hangs up.
          return;
        }
        ByteBuffer packet = ByteBuffer.allocate(8 + answer.length).put((byte) 4).put((byte) 1);
        packet.putShort((short) (8 + answer.length)).putInt(1 << 8).put(answer);
        client.getOutputStream().write(packet.array());
      }
    }
  }

  private byte @Nullable [] answer(int type, byte[] message) {
    if (type == PRELOGIN) {
      return PRELOGIN_ANSWER;
    }
    ByteBuffer out = ByteBuffer.allocate(4_000).order(ByteOrder.LITTLE_ENDIAN);
    if (type != LOGIN7) {
      // One column of four bytes, one row, done.
      out.put((byte) 0x81).putShort((short) 1).putInt(0).putShort((short) 0).put((byte) 0x38);
      text(out, "").put((byte) 0xD1).putInt(1);
      return done(out, 0x10);
    }
    Login login = login(ByteBuffer.wrap(message).order(ByteOrder.LITTLE_ENDIAN));
    logins.add(login);
    List<ServerError> errors = script.apply(login);
    if (errors == null) {
      return null;
    }
    for (ServerError error : errors) {
      ByteBuffer body = ByteBuffer.allocate(1_000).order(ByteOrder.LITTLE_ENDIAN);
      body.putInt(error.number()).put((byte) 1).put((byte) error.severity());
      body.putShort((short) error.text().length()).put(error.text().getBytes(UTF_16LE));
      text(text(body, "stub"), "").putInt(1);
      out.put((byte) 0xAA).putShort((short) body.position()).put(body.flip());
    }
    if (errors.isEmpty()) {
      ByteBuffer body = ByteBuffer.allocate(100);
      text(body.put((byte) 1).putInt(0x74000004), "stub").putInt(16 << 24);
      out.put((byte) 0xAD).putShort((short) body.position()).put(body.flip());
    }
    return done(out, errors.isEmpty() ? 0 : 2);
  }

  private static ByteBuffer text(ByteBuffer out, String text) {
    return out.put((byte) text.length()).put(text.getBytes(UTF_16LE));
  }

  private static byte[] done(ByteBuffer out, int status) {
    out.put((byte) 0xFD).putShort((short) status).putShort((short) 0).putLong(1);
    byte[] bytes = new byte[out.position()];
    out.flip().get(bytes);
    return bytes;
  }

  /** The password's bytes have their halves changed and are then xored. */
  private static Login login(ByteBuffer message) {
    byte[] password = field(message, 44);
    for (int i = 0; i < password.length; i++) {
      int plain = (password[i] ^ 0xA5) & 0xFF;
      password[i] = (byte) (plain << 4 | plain >> 4);
    }
    return new Login(
        new String(field(message, 40), UTF_16LE),
        new String(password, UTF_16LE),
        new String(field(message, 68), UTF_16LE));
  }

  private static byte[] field(ByteBuffer message, int at) {
    byte[] bytes = new byte[2 * message.getShort(at + 2)];
    message.get(message.getShort(at), bytes);
    return bytes;
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
