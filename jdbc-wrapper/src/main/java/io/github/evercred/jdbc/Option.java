package io.github.evercred.jdbc;

import io.github.evercred.FailureKind;
import io.github.evercred.LoginOptions;
import java.time.DateTimeException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The options of a login. Those of the cache stand beside them and are checked by the cache. */
enum Option {
  SECRET_ID(
      "secretId",
      null,
      "1 to 2048 characters, not blank",
      "Name or ARN of the secret that holds username and password; the user property says the"
          + " same") {
    @Override
    void check(String text) {
      // Limit:
      // https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
      if (text.isBlank() || text.length() > 2048) {
        throw new IllegalArgumentException(text.length() + " characters");
      }
    }
  },
  USERNAME(
      "username",
      null,
      "1 to 128 characters",
      "User name for a secret that is a password and nothing else, or JSON without a user name;"
          + " where the secret names a user, that one logs in") {
    @Override
    void check(String text) {
      if (text.isBlank() || text.length() > 128) {
        throw new IllegalArgumentException();
      }
    }
  },
  USERNAME_KEY("usernameKey", "username", Option.KEY, "Which JSON key holds the user name") {
    @Override
    void check(String text) {
      requireKey(text);
    }
  },
  PASSWORD_KEY("passwordKey", "password", Option.KEY, "Which JSON key holds the password") {
    @Override
    void check(String text) {
      requireKey(text);
    }
  },
  HOST_KEY(
      "hostKey", "host", Option.KEY, "Which JSON key holds the host, where the URL names none") {
    @Override
    void check(String text) {
      requireKey(text);
    }
  },
  PORT_KEY(
      "portKey", "port", Option.KEY, "Which JSON key holds the port, where the URL names no host") {
    @Override
    void check(String text) {
      requireKey(text);
    }
  },
  DBNAME_KEY(
      "dbnameKey",
      "dbname",
      Option.KEY,
      "Which JSON key holds the database, where the URL names no host") {
    @Override
    void check(String text) {
      requireKey(text);
    }
  },
  DRIVER_CLASS(
      "driverClass",
      null,
      "the name of a class that is a java.sql.Driver",
      "The real driver's class, where it is not the usual one of this database") {
    @Override
    void check(String text) {
      if (!CLASS_NAME.matcher(text.strip()).matches()) {
        throw new IllegalArgumentException();
      }
    }
  },
  FAILURES(
      "failures",
      null,
      "pairs such as 390100=credential,28000=locked: vendor codes or SQLSTATEs, each with"
          + " credential, locked, uncertain or other",
      "What codes of a failed login mean, before what is known of this database") {
    @Override
    void check(String text) {
      Map<String, FailureKind> unused = failures(text);
    }
  },
  ROTATION_WAIT(
      "rotationWait",
      "20s",
      "0 to 10m; write 20s, 500ms, 2m or PT20S",
      "How long one login may bridge a rotation; 0 means that a refusal is final") {
    @Override
    LoginOptions apply(LoginOptions options, String text) {
      return options.withRotationWait(duration(text));
    }
  },
  PROBE_TIMEOUT(
      "probeTimeout",
      "5s",
      "1s to 1m; write 5s, 1500ms, 1m or PT5S",
      "How long one login may hold up the others while it looks for the version that works") {
    @Override
    LoginOptions apply(LoginOptions options, String text) {
      return options.withProbeTimeout(duration(text));
    }
  },
  LOGINS_AT_ONCE(
      "loginsAtOnce",
      "unlimited",
      "1 to 2147483647, or unlimited",
      "How many logins may be under way at once, per target and user name") {
    @Override
    LoginOptions apply(LoginOptions options, String text) {
      return options.withLoginsAtOnce(count(text));
    }
  },
  REFUSED_LOGINS_PER_MINUTE(
      "refusedLoginsPerMinute",
      "5",
      "1 to 2147483647, or unlimited",
      "How many refused logins probes may cost within a minute, per target and user name") {
    @Override
    LoginOptions apply(LoginOptions options, String text) {
      return options.withRefusedLoginsPerMinute(count(text));
    }
  },
  CURRENT_ONLY(
      "currentOnly",
      "false",
      "true or false",
      "Never try another version than AWSCURRENT, but wait for it to move (RDS Proxy)") {
    @Override
    LoginOptions apply(LoginOptions options, String text) {
      return switch (text.strip().toLowerCase(Locale.ROOT)) {
        case "true" -> options.withCurrentOnly(true);
        case "false" -> options.withCurrentOnly(false);
        default -> throw new IllegalArgumentException();
      };
    }
  };

  static final String PREFIX = "evercred.";

  private static final String KEY = "1 to 255 characters";

  private static final Pattern CLASS_NAME =
      Pattern.compile("[\\p{L}_$][\\p{L}\\p{N}_$]*(\\.[\\p{L}_$][\\p{L}\\p{N}_$]*)*");
  private static final Pattern AMOUNT = Pattern.compile("(\\d{1,9})(ms|s|m|h)");
  private static final Pattern FAILURE =
      Pattern.compile("\\s*(-?[0-9A-Za-z]{1,10})\\s*=\\s*(\\w+)\\s*");

  /** What follows {@link #PREFIX}. */
  private final String name;

  final @Nullable String standard;
  final String range;
  final String help;

  Option(String name, @Nullable String standard, String range, String help) {
    this.name = name;
    this.standard = standard;
    this.range = range;
    this.help = help;
  }

  String bareName() {
    return name;
  }

  String key() {
    return PREFIX + name;
  }

  static boolean isOurs(String key) {
    return key.regionMatches(true, 0, PREFIX, 0, PREFIX.length());
  }

  /** Returns null for a name that we do not have. Case counts. */
  static @Nullable Option of(String key) {
    for (Option option : values()) {
      if (option.key().equals(key)) {
        return option;
      }
    }
    return null;
  }

  /** Throws if the text is not a value of this option. */
  void check(String text) {
    LoginOptions unused = apply(LoginOptions.DEFAULTS, text);
  }

  /** Returns options with this one set, where it is one of a login's. */
  LoginOptions apply(LoginOptions options, String text) {
    check(text);
    return options;
  }

  private static void requireKey(String text) {
    if (text.isBlank() || text.length() > 255) {
      throw new IllegalArgumentException();
    }
  }

  static String shown(String text) {
    return "'" + (text.length() > 60 ? text.substring(0, 60) + "..." : text) + "'";
  }

  /** Checks a value and says what is wrong with it by the name that the caller knows it by. */
  String valid(String calledName, String text) {
    try {
      check(text);
      return text;
    } catch (IllegalArgumentException | DateTimeException | ArithmeticException e) {
      throw new IllegalArgumentException(
          "%s must be %s; it is %s".formatted(calledName, range, shown(text)), e);
    }
  }

  static LoginOptions loginOptions(Map<Option, String> values) {
    LoginOptions options = LoginOptions.DEFAULTS;
    for (var entry : values.entrySet()) {
      options = entry.getKey().apply(options, entry.getValue());
    }
    return options;
  }

  static Duration duration(String text) {
    String written = text.strip().toLowerCase(Locale.ROOT);
    Matcher amount = AMOUNT.matcher(written);
    if (!amount.matches()) {
      return written.equals("0") ? Duration.ZERO : Duration.parse(written);
    }
    long number = Long.parseLong(amount.group(1));
    return switch (amount.group(2)) {
      case "ms" -> Duration.ofMillis(number);
      case "s" -> Duration.ofSeconds(number);
      case "m" -> Duration.ofMinutes(number);
      default -> Duration.ofHours(number);
    };
  }

  private static int count(String text) {
    String written = text.strip();
    return written.equalsIgnoreCase("unlimited")
        ? LoginOptions.UNLIMITED
        : Integer.parseInt(written);
  }

  /** Reads {@link #FAILURES}: what each vendor code or SQLSTATE means. */
  static Map<String, FailureKind> failures(String text) {
    var kinds = new HashMap<String, FailureKind>();
    for (String pair : text.split(",", -1)) {
      Matcher failure = FAILURE.matcher(pair);
      if (!failure.matches()) {
        throw new IllegalArgumentException();
      }
      FailureKind kind =
          switch (failure.group(2).toLowerCase(Locale.ROOT)) {
            case "credential" -> FailureKind.CREDENTIAL;
            case "locked" -> FailureKind.LOCKED_OR_DENIED;
            case "uncertain" -> FailureKind.UNCERTAIN;
            case "other" -> FailureKind.OTHER;
            default -> throw new IllegalArgumentException();
          };
      kinds.put(failure.group(1).toUpperCase(Locale.ROOT), kind);
    }
    return kinds;
  }
}
