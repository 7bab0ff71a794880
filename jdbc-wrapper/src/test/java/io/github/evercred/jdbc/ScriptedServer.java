package io.github.evercred.jdbc;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicInteger;

/** A server that talks as far as a login and then refuses it: real drivers, any refusal. */
final class ScriptedServer implements AutoCloseable {
  private static final int PROTOCOL_41 = 0x200;
  private static final int SECURE_CONNECTION = 0x8000;
  private static final int PLUGIN_AUTH = 1 << 19;
  private static final int CAPABILITIES = 0x1 | 0x8 | PROTOCOL_41 | SECURE_CONNECTION | PLUGIN_AUTH;

  private interface Talk {
    void with(Socket client) throws IOException;
  }

  final AtomicInteger logins = new AtomicInteger();
  private final ServerSocket socket;

  private ScriptedServer(Talk talk) throws IOException {
    socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    var thread =
        new Thread(
            () -> {
              while (!socket.isClosed()) {
                try (Socket client = socket.accept()) {
                  talk.with(client);
                  logins.incrementAndGet();
                  client.getOutputStream().flush();
                  int unused = client.getInputStream().read();
                } catch (IOException e) {
                  // The client has gone, or the test is over.
                }
              }
            },
            "scripted server");
    thread.setDaemon(true);
    thread.start();
  }

  String address() {
    return "127.0.0.1:" + socket.getLocalPort();
  }

  /** Accepts and is silent. */
  static ScriptedServer silent() throws IOException {
    return new ScriptedServer(client -> {});
  }

  /** Refuses as MySQL and MariaDB do, without TLS. */
  static ScriptedServer mySql(int code, String state) throws IOException {
    return new ScriptedServer(
        client -> {
          client.getOutputStream().write(packet(0, greeting()));
          readPacket(client);
          var error = new ByteArrayOutputStream();
          error.write(0xff);
          error.write(code);
          error.write(code >> 8);
          error.writeBytes(("#" + state + "refused").getBytes(UTF_8));
          client.getOutputStream().write(packet(2, error.toByteArray()));
        });
  }

  /** Does not have the password of a caching_sha2_password account at hand, as MySQL 8. */
  static ScriptedServer mySqlFullAuthentication() throws IOException {
    return new ScriptedServer(
        client -> {
          client.getOutputStream().write(packet(0, greeting()));
          readPacket(client);
          byte[] other =
              "\u00fecaching_sha2_password\00012345678901234567890\0".getBytes(ISO_8859_1);
          client.getOutputStream().write(packet(2, other));
          readPacket(client);
          client.getOutputStream().write(packet(4, new byte[] {1, 4}));
        });
  }

  private static byte[] greeting() {
    var out = new ByteArrayOutputStream();
    out.write(10);
    out.writeBytes("8.0.31\0".getBytes(UTF_8));
    out.writeBytes(new byte[] {1, 0, 0, 0});
    out.writeBytes("12345678\0".getBytes(UTF_8));
    out.write(CAPABILITIES);
    out.write(CAPABILITIES >> 8);
    out.writeBytes(new byte[] {45, 2, 0});
    out.write(CAPABILITIES >> 16);
    out.write(CAPABILITIES >> 24);
    out.write(21);
    out.writeBytes(new byte[10]);
    out.writeBytes("123456789012\0mysql_native_password\0".getBytes(UTF_8));
    return out.toByteArray();
  }

  private static byte[] packet(int number, byte[] content) {
    return ByteBuffer.allocate(content.length + 4)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(content.length | number << 24)
        .put(content)
        .array();
  }

  private static void readPacket(Socket client) throws IOException {
    byte[] head = client.getInputStream().readNBytes(4);
    int length = ByteBuffer.wrap(head).order(ByteOrder.LITTLE_ENDIAN).getInt() & 0xffffff;
    byte[] unused = client.getInputStream().readNBytes(length);
  }

  /** Refuses as PostgreSQL and Redshift do, without TLS. */
  static ScriptedServer postgres(String state, String message) throws IOException {
    return new ScriptedServer(
        client -> {
          var in = new DataInputStream(client.getInputStream());
          byte[] unused = in.readNBytes(in.readInt() - 4);
          byte[] fields = ("SFATAL\0C" + state + "\0M" + message + "\0\0").getBytes(UTF_8);
          client
              .getOutputStream()
              .write(
                  ByteBuffer.allocate(fields.length + 5)
                      .put((byte) 'E')
                      .putInt(fields.length + 4)
                      .put(fields)
                      .array());
        });
  }

  @Override
  public void close() {
    try {
      socket.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
