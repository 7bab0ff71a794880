package io.github.evercred;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What the ARN of a secret says: {@code
 * arn:<partition>:secretsmanager:<region>:<account>:secret:<name>-<6 characters>} (<a
 * href="https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_iam-permissions.html">
 * permissions reference</a>).
 *
 * <p>The six characters are Secrets Manager's own and change when a secret is deleted and created
 * again. A name may itself end in a hyphen and six characters, so that whether they are there
 * cannot be told from the text alone.
 *
 * @param region the region
 * @param account the account
 * @param name all that follows {@code secret:}, with the six characters where they are there
 */
record SecretArn(String region, String account, String name) {
  private static final Pattern SHAPE =
      Pattern.compile("arn:[^:]+:secretsmanager:([^:]+):([^:]+):secret:(.+)", Pattern.DOTALL);
  private static final Pattern WITH_SUFFIX = Pattern.compile("(.+)-[A-Za-z0-9]{6}", Pattern.DOTALL);
  private static final int SUFFIX = 7;

  /** Returns null for what is not the ARN of a secret. */
  static @Nullable SecretArn parse(String text) {
    Matcher arn = SHAPE.matcher(text);
    return arn.matches() ? new SecretArn(arn.group(1), arn.group(2), arn.group(3)) : null;
  }

  /** Whether the end looks like the six characters, which a name's own end may, too. */
  boolean looksComplete() {
    return WITH_SUFFIX.matcher(name).matches();
  }

  /** The name without what looks like the six characters. */
  String plainName() {
    Matcher split = WITH_SUFFIX.matcher(name);
    return split.matches() ? split.group(1) : name;
  }

  /** Whether an id is an ARN but for its last hyphen and six characters. */
  static boolean isPart(String id, String arn) {
    return arn.length() == id.length() + SUFFIX
        && arn.startsWith(id)
        && arn.charAt(id.length()) == '-'
        && parse(id) != null;
  }
}
