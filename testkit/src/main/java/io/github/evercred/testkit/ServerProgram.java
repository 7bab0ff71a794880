package io.github.evercred.testkit;

import java.io.IOException;
import java.nio.file.Path;

/**
 * How one kind of server is launched. The pieces of shell may use the variables {@code $home}, the
 * unpacked programs, {@code $work}, the server's own directory, which is also the current one, and
 * {@code $password}, the administrator's, of letters and digits.
 */
interface ServerProgram {
  /** What messages call it. */
  String name();

  /** How the names of its directories begin. */
  String directoryPrefix();

  /** Returns the programs' directory. */
  Path unpacked(int uid) throws IOException;

  boolean refusesRoot();

  /** How the names of environment variables begin that must not reach it. */
  String environmentPrefix();

  /** Commands that prepare {@code $work/data} and set {@code $status}. */
  String preparation();

  /** One command that runs the server in the foreground; it gets redirections appended. */
  String command(int port);

  /** The signal that stops it at once, whatever its clients do. */
  String stopSignal();

  /** The file with its process id, relative to its directory. */
  String pidFile();

  ServerLog newLog();
}
