package io.github.evercred.jdbc;

import io.github.evercred.LoginOptions;
import io.github.evercred.SecretException;
import io.github.evercred.SecretValue;
import io.github.evercred.Target;
import io.github.evercred.VersionInUse;
import io.github.evercred.VersionSelector;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a URL, properties and all other settings come to: which secret logs in where, and what the
 * real driver is given. Immutable; its properties are copied for each login and never changed.
 */
final class Plan {
  private static final Pattern ARN =
      Pattern.compile("arn:aws[a-z0-9-]*:secretsmanager:([a-z0-9-]+):\\d{12}:secret:.+");

  private static final Duration LEAST = Duration.ofMillis(1);

  /** What a look at the secret may take: the default of {@code loadTimeout}. */
  private static final Duration LOOK = Duration.ofSeconds(5);

  /** Values that turn nothing on; the last two are SQL Server's names for a plain login. */
  private static final Set<String> OFF = Set.of("false", "0", "no", "sqlpassword", "notspecified");

  /** The URL without what is ours; without an address where the secret says where it is. */
  private final JdbcUrl url;

  private final Properties properties;
  private final Map<Option, String> values;
  private final LoginOptions options;
  private final Map<String, Settings.Found> cacheSettings;
  private final Settings settings;
  private final @Nullable String secretId;
  private final Limits limits;
  private final Credential credential;

  /** Null where it depends on the secret. */
  private final @Nullable Target target;

  /**
   * What bounds a login besides {@code rotationWait}.
   *
   * @param whole the caller's own login time-out; zero if there is none
   * @param each what one try of the real driver may take by its own property; zero if it is not set
   * @param readIsTheCallers whether the caller bounds reads for himself
   */
  private record Limits(Duration whole, Duration each, boolean readIsTheCallers) {}

  private Plan(
      JdbcUrl url,
      Properties properties,
      Map<Option, String> values,
      Map<String, Settings.Found> cacheSettings,
      Settings settings,
      @Nullable String secretId,
      Limits limits,
      @Nullable Target target) {
    this.url = url;
    this.properties = properties;
    this.values = values;
    this.options = Option.loginOptions(values);
    this.cacheSettings = cacheSettings;
    this.settings = settings;
    this.secretId = secretId;
    this.limits = limits;
    this.credential = new Credential(values);
    this.target = target;
  }

  /** Reads a URL and properties, with what holds for the whole JVM. */
  static Plan of(String text, @Nullable Properties given) throws SQLException {
    return of(JdbcUrl.parse(text), given, Map.of(), Settings.Surroundings.here());
  }

  /**
   * Reads a URL, properties and setters, in the order that {@link Settings} has.
   *
   * @param given not changed
   * @param setters options by their bare name, checked by nobody yet
   * @throws SQLException if they do not make sense; without any value that may be a secret
   */
  static Plan of(
      JdbcUrl url,
      @Nullable Properties given,
      Map<String, String> setters,
      Settings.Surroundings surroundings)
      throws SQLException {
    Properties properties = copy(given);
    var ours = new HashMap<String, String>();
    Object userProperty = null;
    boolean password = isGiven(url.taken().get("password"));
    for (Object key : properties.keySet().toArray()) {
      if (!(key instanceof String name)) {
        continue;
      }
      if (Option.isOurs(name)) {
        ours.put(name, Objects.requireNonNull(properties.remove(name)).toString());
      } else if (Engine.isUser(name)) {
        Object removed = properties.remove(name);
        userProperty = isGiven(userProperty) ? userProperty : removed;
        if (userProperty != null && !(userProperty instanceof CharSequence)) {
          throw Failures.configuration(
              "The property %s must be text: the name or ARN of a secret".formatted(name));
        }
      } else if (Engine.isPassword(name)) {
        password |= isGiven(properties.remove(name));
      }
    }
    if (password) {
      throw Failures.configuration(
          "A password is given beside a secret id: leave the password out, the secret holds it");
    }
    var settings = new Settings(url.taken(), ours, setters, surroundings);
    requireKnown(settings);
    Map<Option, String> values = values(settings);
    String secretId = secretId(url, userProperty, settings.find(Option.SECRET_ID.bareName()));
    JdbcUrl real = withDriver(url, settings);
    requireNoOtherCredentials(real, properties);
    Limits limits = limits(real, properties);
    return new Plan(
        real,
        properties,
        values,
        cacheSettings(settings, secretId),
        settings,
        secretId,
        limits,
        isInSecret(real, properties) ? null : target(real, properties));
  }

  /** The driver must log in with what the secret says, or not at all. */
  private static void requireNoOtherCredentials(JdbcUrl url, Properties properties)
      throws SQLException {
    Set<String> others = url.engine().dialect().otherCredentials();
    var said = new HashMap<String, Object>(url.parameters());
    properties.forEach((name, value) -> said.put(name.toString(), value));
    for (var setting : said.entrySet()) {
      boolean on =
          isGiven(setting.getValue())
              && !OFF.contains(setting.getValue().toString().strip().toLowerCase(Locale.ROOT));
      if (on && others.contains(setting.getKey().toLowerCase(Locale.ROOT))) {
        throw Failures.configuration(
            "%s makes the driver log in with something else than the secret: leave it out, or use the real driver without a secret"
                .formatted(setting.getKey()));
      }
    }
  }

  private static boolean isInSecret(JdbcUrl url, Properties properties) {
    return url.hasNoAddress() && !url.engine().dialect().isPlacedElsewhere(url, properties);
  }

  private static Target target(JdbcUrl url, Properties properties) throws SQLException {
    Dialect dialect = url.engine().dialect();
    try {
      return new Target(
          url.engine().name(), dialect.hosts(url, properties), dialect.database(url, properties));
    } catch (IllegalArgumentException e) {
      throw Failures.configuration("The URL cannot be read: " + e.getMessage(), e);
    }
  }

  /**
   * Copies properties flat: some drivers walk entries and do not see defaults. Keys and values that
   * are no text stay.
   */
  static Properties copy(@Nullable Properties given) {
    var copy = new Properties();
    if (given != null) {
      for (String name : given.stringPropertyNames()) {
        copy.setProperty(name, Objects.requireNonNull(given.getProperty(name)));
      }
      copy.putAll(given);
    }
    return copy;
  }

  private static boolean isGiven(@Nullable Object value) {
    return value != null && !(value instanceof String text && text.isBlank());
  }

  /** A name that nobody knows was meant for us: in the URL, in properties and in setters. */
  private static void requireKnown(Settings settings) throws SQLException {
    for (var said : List.of(settings.url(), settings.properties())) {
      for (String name : said.keySet()) {
        if (Option.isOurs(name) && Option.of(name) == null && !CacheOptions.has(name)) {
          throw Failures.configuration(
              "There is no option %s; there are %s".formatted(name, CacheOptions.allNames()));
        }
      }
    }
  }

  private static Map<Option, String> values(Settings settings) throws SQLException {
    var values = new EnumMap<Option, String>(Option.class);
    for (Option option : Option.values()) {
      Settings.Found found = settings.find(option.bareName());
      if (found != null) {
        values.put(option, valid(option, found.name(), found.text()));
      }
    }
    return values;
  }

  private static String valid(Option option, String name, String value) throws SQLException {
    try {
      return option.valid(name, value);
    } catch (IllegalArgumentException e) {
      throw Failures.configuration(String.valueOf(e.getMessage()), e);
    }
  }

  /** A user is always nearer than what is said for the whole JVM. */
  private static @Nullable String secretId(
      JdbcUrl url, @Nullable Object userProperty, Settings.@Nullable Found told)
      throws SQLException {
    String user = url.taken().get("user");
    if (!isGiven(user) && userProperty != null) {
      user = userProperty.toString();
    }
    if (user == null || user.isBlank()) {
      return told == null ? null : valid(Option.SECRET_ID, told.name(), told.text());
    }
    if (told != null && told.own() && !told.text().equals(user)) {
      throw Failures.configuration(
          "%s and user are both given and differ: each names a secret, leave one out"
              .formatted(Option.SECRET_ID.key()));
    }
    return valid(Option.SECRET_ID, "user", user);
  }

  private static JdbcUrl withDriver(JdbcUrl url, Settings settings) throws SQLException {
    Settings.Found found = url.isOfAnyEngine() ? null : settings.findDriver(url.engine().name());
    return found == null
        ? url
        : url.withEngine(
            url.engine()
                .withDriver(valid(Option.DRIVER_CLASS, found.name(), found.text()).strip()));
  }

  /**
   * What the cache is to be made with. An ARN names its region, if this connection says none; a
   * local agent that is to be read has a region of its own.
   */
  private static Map<String, Settings.Found> cacheSettings(
      Settings settings, @Nullable String secretId) throws SQLException {
    var found = new LinkedHashMap<String, Settings.Found>();
    for (String name : CacheOptions.names()) {
      Settings.Found setting = settings.find(name);
      if (setting != null) {
        if (setting.own()) {
          CacheOptions.check(name, setting);
        }
        found.put(name, setting);
      }
    }
    Matcher arn = secretId == null ? null : ARN.matcher(secretId);
    Settings.Found region = found.get("region");
    Settings.Found agent = found.get("localAgent");
    if (arn != null
        && arn.matches()
        && (region == null || !region.own())
        && (agent == null || !agent.text().strip().equalsIgnoreCase("always"))) {
      found.put(
          "region", new Settings.Found(Objects.requireNonNull(arn.group(1)), "the ARN", false));
    }
    return found;
  }

  /** The caller's own time-outs, by the real driver's properties. */
  private static Limits limits(JdbcUrl url, Properties properties) throws SQLException {
    LoginTime time = url.engine().time();
    String read = time.read();
    boolean readIsTheCallers =
        read != null
            && (url.has(read)
                || properties.keySet().stream().anyMatch(k -> read.equalsIgnoreCase(k.toString()))
                || System.getProperty(read) != null // Oracle's driver looks there.
                || url.address().toLowerCase(Locale.ROOT).contains(read.toLowerCase(Locale.ROOT)));
    String name = time.property();
    Object property = null;
    for (Object key : properties.keySet().toArray()) {
      if (key instanceof String known && url.engine().isTime(known)) {
        Object removed = properties.remove(known);
        property = property == null || known.equals(name) ? removed : property;
      }
    }
    String parameter = name == null ? null : url.taken().get(name);
    Object given = parameter == null ? property : parameter;
    Duration told = given == null ? Duration.ZERO : time.read(given.toString());
    if (told == null) {
      throw Failures.configuration(
          "%s must be a number of %s, 0 (none) to 999999999; it is %s"
              .formatted(
                  name,
                  time.unit() == LoginTime.Unit.MILLISECONDS ? "milliseconds" : "seconds",
                  Option.shown(String.valueOf(given))));
    }
    return time.whole()
        ? new Limits(told, Duration.ZERO, readIsTheCallers)
        : new Limits(Duration.ZERO, told, readIsTheCallers);
  }

  /** The same plan with the secret that a caller names. */
  Plan with(String otherSecretId) throws SQLException {
    if (otherSecretId.equals(secretId)) {
      return this;
    }
    String valid = valid(Option.SECRET_ID, "user", otherSecretId);
    return new Plan(
        url, properties, values, cacheSettings(settings, valid), settings, valid, limits, target);
  }

  /** The same plan for a row that is not in the table: tests have their own. */
  Plan as(Engine other) {
    return new Plan(
        url.withEngine(other),
        properties,
        values,
        cacheSettings,
        settings,
        secretId,
        limits,
        target);
  }

  /** What the cache is to be made with, by the bare name of each option. */
  Map<String, Settings.Found> cacheSettings() {
    return cacheSettings;
  }

  Settings settings() {
    return settings;
  }

  JdbcUrl url() {
    return url;
  }

  LoginOptions options() {
    return options;
  }

  /** Null as long as only the secret knows. */
  @Nullable Target target() {
    return target;
  }

  @Nullable String value(Option option) {
    return option == Option.SECRET_ID ? secretId : values.get(option);
  }

  Properties properties() {
    return copy(properties);
  }

  /** Whether reads that the caller has bounded himself are to be left alone. */
  boolean readIsTheCallers() {
    return limits.readIsTheCallers();
  }

  /**
   * Fails where there is no secret to log in with: the real driver would try the name of the user
   * who runs this process.
   */
  String requireSecretId() throws SQLException {
    if (secretId == null) {
      throw Failures.configuration(
          "There is no secret to log in with: give its name or ARN as user or as "
              + Option.SECRET_ID.key());
    }
    return secretId;
  }

  /** Logs in by the real driver. */
  Connection connect(Logins logins, int callerSeconds) throws SQLException {
    return login(logins, callerSeconds, RealLogin::connect);
  }

  /**
   * Logs in.
   *
   * @param callerSeconds a login time-out beside the one in URL and properties; zero means none
   * @param opener what a login is
   */
  <T> T login(Logins logins, int callerSeconds, RealLogin.Opener<T> opener) throws SQLException {
    String id = requireSecretId();
    Duration limit = limit(callerSeconds);
    try {
      if (target == null) {
        return loginWhereTheSecretSays(logins, id, patience(limit), opener);
      }
      url.engine().realDriver(url.text()); // Before the secret is fetched for nothing.
      return login(logins, id, target, limit, opener);
    } catch (SecretException e) {
      throw Failures.of(e);
    }
  }

  private <T> T login(
      Logins logins, String id, Target where, Duration limit, RealLogin.Opener<T> opener)
      throws SQLException {
    return logins.login.login(
        where, id, options, Optional.of(limit), new RealLogin<>(this, where, opener, logins));
  }

  /**
   * A login is for one place. If the secret has come to name another one meanwhile, the login is
   * made anew there; it may have failed because the old place is gone.
   */
  private <T> T loginWhereTheSecretSays(
      Logins logins, String id, Duration patience, RealLogin.Opener<T> opener) throws SQLException {
    long begun = System.nanoTime();
    Target where = at(logins.cache.get(id, VersionSelector.CURRENT, patience)).target();
    while (true) {
      Duration left = patience.minusNanos(System.nanoTime() - begun);
      try {
        return login(logins, id, where, left.compareTo(LEAST) < 0 ? LEAST : left, opener);
      } catch (SQLException e) {
        left = patience.minusNanos(System.nanoTime() - begun);
        Target now = left.compareTo(LEAST) < 0 ? where : placeNow(logins, id, where, left, e);
        if (now.equals(where)) {
          throw e;
        }
        where = now;
      }
    }
  }

  /** Where the secret says now, looked up anew now and then; what it was where it cannot be had. */
  private Target placeNow(
      Logins logins, String id, Target before, Duration left, SQLException failed) {
    try {
      SecretValue current =
          left.compareTo(LOOK) > 0 && logins.looksAnew(id)
              ? logins.cache.refresh(id)
              : logins.cache.get(id, VersionSelector.CURRENT, left);
      return at(current).target();
    } catch (SecretException | SQLException e) {
      failed.addSuppressed(e);
      return before;
    }
  }

  /** User name and password of the version that logins use now; waits only where none is cached. */
  EvercredDataSource.Pair pairInUse(Logins logins, int callerSeconds) throws SQLException {
    try {
      SecretValue current =
          logins.cache.get(
              requireSecretId(), VersionSelector.CURRENT, patience(limit(callerSeconds)));
      SecretValue used =
          logins
              .login
              .versionInUse(at(current).target(), requireSecretId(), options)
              .map(VersionInUse::value)
              .orElse(current);
      return new EvercredDataSource.Pair(credential.userName(used), credential.password(used));
    } catch (SecretException e) {
      throw Failures.of(e);
    }
  }

  /** How long a whole login may take: the smaller of what bridges a rotation and the caller's. */
  private Duration patience(Duration limit) {
    Duration wait = options.rotationWait();
    if (wait.isZero()) {
      return limit.isZero() ? Duration.ofDays(1) : limit;
    }
    return limit.isZero() || wait.compareTo(limit) < 0 ? wait : limit;
  }

  /** The smaller of two that are not zero. */
  Duration limit(int callerSeconds) {
    Duration other = Duration.ofSeconds(Math.max(0, callerSeconds));
    Duration whole = limits.whole();
    boolean ours = !whole.isZero() && (other.isZero() || whole.compareTo(other) < 0);
    return ours ? whole : other;
  }

  /** What the caller lets one try of the real driver take; zero if he does not say. */
  Duration each() {
    return limits.each();
  }

  /** What one try of the real driver may take: what is left, or the caller's own for each try. */
  Duration each(Duration remaining) {
    Duration each = limits.each();
    return each.isZero() || remaining.compareTo(each) < 0 ? remaining : each;
  }

  /** A place to log in to: a URL with an address. */
  record Place(JdbcUrl url, Target target) {}

  /** Where a version of the secret logs in. */
  Place at(SecretValue version) throws SQLException {
    if (target != null) {
      return new Place(url, target);
    }
    JdbcUrl placed = credential.place(version, url);
    if (url.isOfAnyEngine()) {
      placed = withDriver(placed, settings);
    }
    return new Place(placed, target(placed, properties));
  }

  Credential credential() {
    return credential;
  }

  @Override
  public String toString() {
    return "Plan[secret %s at %s]"
        .formatted(secretId, target == null ? "the place that it names" : target);
  }
}
