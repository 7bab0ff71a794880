package io.github.evercred.testkit;

import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The error log of MySQL and MariaDB, which has a line for each refused login, written before the
 * error goes out, and no statements. A login with a marker for a user name, which is refused, is
 * how a marker gets into it.
 */
final class MySqlLog extends ServerLog {
  // MySQL writes two lines about an account that is blocked, and only one has this advice.
  private static final Pattern REFUSAL =
      Pattern.compile(
          "] Access denied for user '(.*)'@'[^']*'(?: \\(using password: (?:YES|NO)\\)|\\. Account is locked\\.|\\. Account is blocked .* Use FLUSH PRIVILEGES .*)$");
  private static final Pattern EXPIRED =
      Pattern.compile("] Password for the account '(.*)'@'[^']*' has expired\\. ");

  /** MySQL's log has this much of a name at most. */
  private static final int NAME_BYTES = 48;

  private final boolean namesAreCut;

  MySqlLog(boolean namesAreCut) {
    this.namesAreCut = namesAreCut;
  }

  @Override
  long refused(String user) {
    byte[] name = user.getBytes(StandardCharsets.UTF_8);
    return super.refused(
        namesAreCut && name.length > NAME_BYTES
            ? new String(name, 0, NAME_BYTES, StandardCharsets.UTF_8)
            : user);
  }

  @Override
  boolean isChatter(String line) {
    return line.contains("Shutting down plugin");
  }

  @Override
  void understand(String line) {
    Matcher refusal = REFUSAL.matcher(line);
    Matcher expired = EXPIRED.matcher(line);
    if (refusal.find()) {
      String user = refusal.group(1);
      if (!marker(user)) {
        refusal(user);
      }
    } else if (expired.find()) {
      refusal(expired.group(1));
    } else if (line.contains(": ready for connections.")) {
      ready();
    } else if (line.contains("Bind on TCP/IP port")) {
      portTaken();
    }
  }
}
