package io.github.evercred;

import java.net.URI;
import java.net.URISyntaxException;
import java.time.DateTimeException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * One option of a cache: its name, default and range, how it is written as text, and what it has
 * been set to in code. Confined to its builder.
 *
 * @param <T> what it is a choice of
 */
final class CacheOption<T> {

  /** What is as long as this, or longer, is without a bound. */
  static final Duration UNLIMITED = Duration.ofDays(36_500);

  private static final String ENDPOINT =
      "an http or https URL of a host, without user, query or fragment";

  /** Of their own, so that a process that configures nothing compiles none of them. */
  private static final class Shapes {
    static final Pattern AMOUNT = Pattern.compile("(\\d{1,9})(ms|s|m|h|d)");
    static final Pattern REGION_ID = Pattern.compile("[a-z0-9]+(-[a-z0-9]+)+");

    /** What the SDK takes for one; it passes over profiles with other names. */
    static final Pattern PROFILE = Pattern.compile("[A-Za-z0-9_/.%@:+-]+");

    // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
    static final Pattern ROLE =
        Pattern.compile("arn:aws[a-z0-9-]*:iam::[0-9]{12}:role/([!-~]{1,511}/)?[\\w+=,.@-]{1,64}");

    // https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
    static final Pattern EXTERNAL_ID = Pattern.compile("[\\w+=,.@:/-]{2,1224}");
    static final Pattern SESSION_NAME = Pattern.compile("[\\w+=,.@-]{2,64}");

    // https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html
    static final Pattern KMS_KEY = Pattern.compile("[A-Za-z0-9:/_-]{1,2048}");
    static final Pattern APPLICATION = Pattern.compile("[\\w+=,.@:/-]{1,256}");
  }

  final String name;
  final T standard;

  /** As messages tell it. */
  final String range;

  private final String written;
  private final Function<String, T> reader;

  /** Throws what says why a value is not in the range, or with no message if that is all. */
  private final Consumer<T> check;

  private @Nullable T set;

  /** As it was resolved last. */
  private @Nullable Resolved<T> resolved;

  /**
   * What an option is, in the end.
   *
   * @param value its value
   * @param where it came from; null if that is the default
   * @param <T> what it is a choice of
   */
  record Resolved<T>(T value, @Nullable String where) {

    /** For messages. */
    @Override
    public String toString() {
      return "%s, %s".formatted(shown(value), where == null ? "default" : where);
    }
  }

  /**
   * An option as a cache has it.
   *
   * @param name its name
   * @param resolved what it is
   */
  record Decided(String name, Resolved<?> resolved) {

    /** For whoever looks for a mistake. An external id is told nobody. */
    @Override
    public String toString() {
      return name.equals("externalId") && resolved.where() != null
          ? name + " = (not shown), " + resolved.where()
          : name + " = " + resolved;
    }
  }

  private CacheOption(
      String name,
      T standard,
      String range,
      String written,
      Function<String, T> reader,
      Consumer<T> check) {
    this.name = name;
    this.standard = standard;
    this.range = range;
    this.written = written;
    this.reader = reader;
    this.check = check;
  }

  /** A length of time; with {@link #UNLIMITED} as the most it may be anything longer, too. */
  static CacheOption<Duration> period(
      String name, Duration standard, Duration least, Duration most) {
    boolean bounded = most.compareTo(UNLIMITED) < 0;
    return new CacheOption<>(
        name,
        standard,
        least + " to " + shown(most),
        "; write 250ms, 30s, 5m, 24h, 2d or PT5M" + (bounded ? "" : ", or unlimited"),
        CacheOption::duration,
        value -> require(value.compareTo(least) >= 0 && !(bounded && value.compareTo(most) > 0)));
  }

  /** A number of entries. */
  static CacheOption<Long> count(String name, long standard, long least, long most) {
    return new CacheOption<>(
        name,
        standard,
        least + " to " + most + " entries",
        "",
        CacheOption::number,
        value -> require(value >= least && value <= most));
  }

  /** A yes or no. */
  static CacheOption<Boolean> flag(String name, boolean standard) {
    return new CacheOption<>(name, standard, "true or false", "", CacheOption::truth, value -> {});
  }

  /** One of the names of an enum, in lower case. */
  static <E extends Enum<E>> CacheOption<E> choice(String name, E standard) {
    List<String> names =
        Arrays.stream(standard.getDeclaringClass().getEnumConstants())
            .map(one -> one.name().toLowerCase(Locale.ROOT))
            .toList();
    return new CacheOption<>(
        name,
        standard,
        String.join(", ", names.subList(0, names.size() - 1))
            + " or "
            + names.get(names.size() - 1),
        "",
        text -> {
          require(names.contains(text.toLowerCase(Locale.ROOT)));
          return Enum.valueOf(standard.getDeclaringClass(), text.toUpperCase(Locale.ROOT));
        },
        value -> {});
  }

  /** Ids of secrets; no name and no ARN has a comma in it. */
  static CacheOption<Set<String>> ids(String name) {
    return new CacheOption<>(
        name,
        Set.of(),
        "ids of 1 to 2048 characters, none blank",
        "; write them with commas between",
        text -> Set.copyOf(Arrays.stream(text.split(",", -1)).map(String::strip).toList()),
        ids -> ids.forEach(CacheOption::requireId));
  }

  /** An AWS region. */
  static CacheOption<Optional<String>> region(String name) {
    return text(name, "a region's id such as eu-west-1", () -> Shapes.REGION_ID);
  }

  /** AWS regions, in an order. */
  static CacheOption<Optional<List<String>>> regions(String name) {
    return new CacheOption<>(
        name,
        Optional.empty(),
        "regions' ids such as eu-west-1, each once",
        "; write them with commas between",
        text -> Optional.of(Arrays.stream(text.split(",", -1)).map(String::strip).toList()),
        value -> {
          List<String> ids = value.orElse(List.of());
          require(
              !ids.isEmpty()
                  && Set.copyOf(ids).size() == ids.size()
                  && ids.stream().allMatch(id -> Shapes.REGION_ID.matcher(id).matches()));
        });
  }

  /** A profile of the shared AWS config files. */
  static CacheOption<Optional<String>> profile(String name) {
    return text(name, "a profile's name: letters, digits and _-/.%@:+", () -> Shapes.PROFILE);
  }

  /** An IAM role. */
  static CacheOption<Optional<String>> role(String name) {
    return text(
        name,
        "an IAM role's ARN such as arn:aws:iam::123456789012:role/secrets-reader",
        () -> Shapes.ROLE);
  }

  /** What a role's trust policy asks for. A wrong one is not quoted: it may be anything. */
  static CacheOption<Optional<String>> externalId(String name) {
    return new CacheOption<>(
        name,
        Optional.empty(),
        "2 to 1224 letters, digits and _+=,.@:/-",
        "",
        Optional::of,
        value -> {
          String id = value.orElse("");
          if (!Shapes.EXTERNAL_ID.matcher(id).matches()) {
            throw new IllegalArgumentException(
                id.length() < 2 || id.length() > 1224
                    ? "one of %d characters".formatted(id.length())
                    : "one with other characters");
          }
        });
  }

  /** The name of a role's session. */
  static CacheOption<String> sessionName(String name) {
    return new CacheOption<>(
        name,
        "evercred",
        "2 to 64 letters, digits and _+=,.@-",
        "",
        text -> text,
        value -> require(Shapes.SESSION_NAME.matcher(value).matches()));
  }

  /** A key of KMS. */
  static CacheOption<Optional<String>> kmsKey(String name) {
    return text(
        name,
        "a KMS key's id or ARN, or an alias such as alias/evercred: 1 to 2048 letters, digits and :/_-",
        () -> Shapes.KMS_KEY);
  }

  /** What a program is called. */
  static CacheOption<String> application(String name) {
    return new CacheOption<>(
        name,
        "evercred",
        "1 to 256 letters, digits and _+=,.@:/-",
        "",
        text -> text,
        value -> require(Shapes.APPLICATION.matcher(value).matches()));
  }

  private static CacheOption<Optional<String>> text(
      String name, String range, Supplier<Pattern> shape) {
    return new CacheOption<>(
        name,
        Optional.empty(),
        range,
        "",
        Optional::of,
        value -> require(shape.get().matcher(value.orElse("")).matches()));
  }

  /** Where Secrets Manager is. */
  static CacheOption<Optional<URI>> endpoint(String name) {
    return new CacheOption<>(
        name, Optional.empty(), ENDPOINT, "", text -> Optional.of(uri(text)), value -> {});
  }

  /** Sets it in code. */
  void set(T value) {
    requireSettable(value);
    set = value;
  }

  boolean isSet() {
    return set != null;
  }

  /** Fails as {@link #set} would, and sets nothing. */
  void requireSettable(T value) {
    Objects.requireNonNull(value, name);
    if (set != null) {
      // An external id is shared with the owner of a role, and told nobody else.
      String was = name.equals("externalId") ? "" : " to " + shown(set);
      throw new IllegalStateException(name + " was already set" + was);
    }
    try {
      check.accept(value);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "%s must be %s, not %s".formatted(name, range, said(e, shown(value))), e);
    }
  }

  /** Decides: as set in code, else as configured, else the default. */
  Resolved<T> resolve(Configuration configuration) {
    return resolved(decide(configuration));
  }

  /** Takes note of what it is, where another option has had a say. */
  Resolved<T> resolved(Resolved<T> as) {
    resolved = as;
    return as;
  }

  /** What it was resolved to, or null if nobody has asked. */
  @Nullable Decided decided() {
    return resolved == null ? null : new Decided(name, resolved);
  }

  private Resolved<T> decide(Configuration configuration) {
    if (set != null) {
      return new Resolved<>(set, "set in code");
    }
    Configuration.Found found = configuration.find(name);
    if (found == null) {
      return new Resolved<>(standard, null);
    }
    return new Resolved<>(read(found.text(), " (" + found.where() + ")"), found.where());
  }

  /** Fails where it could not be set to what a text says. */
  void requireText(String text) {
    T unused = read(text.strip(), "");
  }

  private T read(String text, String where) {
    try {
      T value = reader.apply(text);
      check.accept(value);
      return value;
    } catch (IllegalArgumentException | DateTimeException | ArithmeticException e) {
      throw new IllegalArgumentException(
          "%s must be %s, not %s%s%s".formatted(name, range, said(e, quoted(text)), where, written),
          e);
    }
  }

  private static String quoted(String text) {
    return "'" + (text.length() > 60 ? text.substring(0, 60) + "..." : text) + "'";
  }

  private static String said(RuntimeException e, String value) {
    String why = e instanceof IllegalArgumentException ? e.getMessage() : null;
    return why == null ? value : why;
  }

  private static String shown(Object value) {
    if (value instanceof Optional<?> given) {
      return given.map(CacheOption::shown).orElse("none");
    }
    if (value instanceof Enum<?> choice) {
      return choice.name().toLowerCase(Locale.ROOT);
    }
    return value instanceof Duration time && time.compareTo(UNLIMITED) >= 0
        ? "unlimited"
        : value.toString();
  }

  private static void require(boolean inRange) {
    if (!inRange) {
      throw new IllegalArgumentException();
    }
  }

  // Limit: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
  private static void requireId(String id) {
    if (id.isBlank() || id.length() > 2048) {
      throw new IllegalArgumentException(
          id.isBlank() ? "a blank one" : "one of " + id.length() + " characters");
    }
  }

  private static long number(String text) {
    try {
      return Long.parseLong(text);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException((String) null);
    }
  }

  static Duration duration(String text) {
    String written = text.toLowerCase(Locale.ROOT);
    Matcher amount = Shapes.AMOUNT.matcher(written);
    if (!amount.matches()) {
      return switch (written) {
        case "0" -> Duration.ZERO;
        case "unlimited" -> UNLIMITED;
        default -> Duration.parse(written);
      };
    }
    long number = Long.parseLong(amount.group(1));
    return switch (amount.group(2)) {
      case "ms" -> Duration.ofMillis(number);
      case "s" -> Duration.ofSeconds(number);
      case "m" -> Duration.ofMinutes(number);
      case "h" -> Duration.ofHours(number);
      default -> Duration.ofDays(number);
    };
  }

  private static boolean truth(String text) {
    return switch (text.toLowerCase(Locale.ROOT)) {
      case "true" -> true;
      case "false" -> false;
      default -> throw new IllegalArgumentException();
    };
  }

  /**
   * Checks an endpoint that is given in code.
   *
   * @throws IllegalArgumentException if it is none; never quotes it, for it may hold a password
   */
  static void requireEndpoint(URI endpoint) {
    try {
      uri(endpoint.toString());
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "endpoint must be %s, not %s".formatted(ENDPOINT, said(e, "what was given")), e);
    }
  }

  private static URI uri(String text) {
    if (text.contains("@") || text.contains("?")) {
      throw new IllegalArgumentException("one with a user or a query"); // Never quoted.
    }
    try {
      URI uri = new URI(text);
      String scheme = uri.getScheme();
      require(
          ("http".equals(scheme) || "https".equals(scheme))
              && uri.getHost() != null
              && uri.getFragment() == null);
      return uri;
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException((String) null);
    }
  }
}
