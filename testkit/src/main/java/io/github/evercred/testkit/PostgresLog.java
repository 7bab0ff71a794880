package io.github.evercred.testkit;

import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A PostgreSQL server's log. A refusal is written before the error goes out, a login ({@code
 * connection ready}, new in PostgreSQL 18) before the client may send its first query.
 */
final class PostgresLog extends ServerLog {
  /** The server's {@code log_line_prefix}: time, process, SQLSTATE, and the user of a session. */
  static final String PREFIX = "%m [%p] %e %q\"%u\": ";

  private static final Pattern SESSION =
      Pattern.compile("\\S+ \\S+ \\S+ \\[\\d+] ([0-9A-Z]{5}) \"(.*?)\": (LOG|FATAL): {2}(.*)");
  private static final Set<String> REFUSALS = Set.of("28P01", "28000");

  @Override
  void understand(String line) {
    Matcher session = SESSION.matcher(line);
    if (session.matches()) {
      count(session.group(1), session.group(2), session.group(3), session.group(4));
    } else if (line.contains("database system is ready to accept connections")) {
      ready();
    } else if (line.contains("could not create any TCP/IP sockets")) {
      portTaken();
    }
  }

  private void count(String state, String user, String severity, String message) {
    if (severity.equals("FATAL") && REFUSALS.contains(state)) {
      refusal(user);
    } else if (message.startsWith("connection ready: ")) {
      success(user);
    } else {
      marker(message);
    }
  }
}
