package io.github.evercred.jdbc;

import io.github.evercred.LoginOptions;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.DateTimeException;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Our own options, as they stand in a URL or in properties. */
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
  REGION(
      "region",
      null,
      "a region's id such as eu-west-1",
      "AWS region of the secret; by default that of its ARN, else the SDK's") {
    @Override
    void check(String text) {
      if (!REGION_ID.matcher(text).matches()) {
        throw new IllegalArgumentException();
      }
    }
  },
  ENDPOINT(
      "endpoint",
      null,
      "an http or https URL of host and port, without user or query",
      "Where Secrets Manager is: a VPC endpoint or a local stand-in") {
    @Override
    void check(String text) {
      endpoint(text);
    }

    @Override
    String shown(String text) {
      return text.contains("@") ? "a URL with a user" : super.shown(text);
    }
  };

  static final String PREFIX = "evercred.";

  private static final Pattern CLASS_NAME =
      Pattern.compile("[\\p{L}_$][\\p{L}\\p{N}_$]*(\\.[\\p{L}_$][\\p{L}\\p{N}_$]*)*");
  private static final Pattern REGION_ID = Pattern.compile("[a-z0-9]+(-[a-z0-9]+)+");
  private static final Pattern AMOUNT = Pattern.compile("(\\d{1,9})(ms|s|m|h)");

  /** What follows {@link #PREFIX}. */
  private final String name;

  final @Nullable String standard;
  private final String range;
  final String help;

  Option(String name, @Nullable String standard, String range, String help) {
    this.name = name;
    this.standard = standard;
    this.range = range;
    this.help = help;
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

  static String names() {
    return String.join(", ", java.util.Arrays.stream(values()).map(Option::key).toList());
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

  String shown(String text) {
    return "'" + (text.length() > 60 ? text.substring(0, 60) + "..." : text) + "'";
  }

  /** Checks a value and says what is wrong with it by the name that the caller knows it by. */
  String valid(String name, String text) {
    try {
      check(text);
      return text;
    } catch (IllegalArgumentException | DateTimeException | ArithmeticException e) {
      throw new IllegalArgumentException(
          "%s must be %s; it is %s".formatted(name, range, shown(text)), e);
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

  static URI endpoint(String text) {
    try {
      URI uri = new URI(text.strip());
      boolean http = "http".equals(uri.getScheme()) || "https".equals(uri.getScheme());
      if (http
          && uri.getHost() != null
          && uri.getUserInfo() == null
          && uri.getQuery() == null
          && uri.getFragment() == null) {
        return uri;
      }
    } catch (URISyntaxException e) {
      // Said below, without the text that the cause would quote.
    }
    throw new IllegalArgumentException();
  }
}
