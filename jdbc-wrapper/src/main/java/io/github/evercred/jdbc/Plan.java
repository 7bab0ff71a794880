package io.github.evercred.jdbc;

import io.github.evercred.CredentialUse;
import io.github.evercred.FailureKind;
import io.github.evercred.LoginFailure;
import io.github.evercred.LoginOptions;
import io.github.evercred.RotationAwareLogin;
import io.github.evercred.SecretException;
import io.github.evercred.SecretValue;
import io.github.evercred.Target;
import java.net.URI;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a URL and properties come to: which secret logs in where, and what the real driver is given.
 * Immutable; its properties are copied for each login and never changed.
 */
final class Plan implements CredentialUse<Connection, SQLException> {
  private static final Duration NO_LIMIT = Duration.ofDays(1);

  private static final Pattern ARN =
      Pattern.compile("arn:aws[a-z0-9-]*:secretsmanager:([a-z0-9-]+):\\d{12}:secret:.+");

  private final JdbcUrl url;
  private final Properties properties;
  private final Map<Option, String> values;
  private final LoginOptions options;
  private final Target target;
  private final @Nullable String secretId;
  private final Duration limit;

  private Plan(
      JdbcUrl url,
      Properties properties,
      Map<Option, String> values,
      Target target,
      @Nullable String secretId,
      Duration limit) {
    this.url = url;
    this.properties = properties;
    this.values = values;
    this.options = Option.loginOptions(values);
    this.target = target;
    this.secretId = secretId;
    this.limit = limit;
  }

  /**
   * Reads a URL and properties. A URL parameter wins over the property of its name.
   *
   * @param given not changed
   * @throws SQLException if they do not make sense; without any value that may be a secret
   */
  static Plan of(String text, @Nullable Properties given) throws SQLException {
    JdbcUrl url = JdbcUrl.parse(text);
    Properties properties = copy(given);
    Map<Option, String> values = options(url, properties);
    Object userProperty = null;
    Object passwordProperty = null;
    for (Object key : properties.keySet().toArray()) {
      if (key instanceof String name && Engine.isUser(name)) {
        Object removed = properties.remove(name);
        userProperty = userProperty == null ? removed : userProperty;
      } else if (key instanceof String name && Engine.isPassword(name)) {
        Object removed = properties.remove(name);
        passwordProperty = isGiven(passwordProperty) ? passwordProperty : removed;
      }
    }
    String user = url.taken().get("user");
    if (isGiven(passwordProperty) || isGiven(url.taken().get("password"))) {
      throw Failures.configuration(
          "A password is given beside a secret id: leave the password out, the secret holds it");
    }
    if (user == null && userProperty instanceof String property) {
      user = property;
    }
    String secretId = values.get(Option.SECRET_ID);
    if (user != null && !user.isBlank()) {
      if (secretId != null && !secretId.equals(user)) {
        throw Failures.configuration(
            "%s and user are both given and differ: each names a secret, leave one out"
                .formatted(Option.SECRET_ID.key()));
      }
      secretId = valid(Option.SECRET_ID, "user", user);
    }
    Duration limit = limit(url, properties);
    Target target;
    try {
      Dialect dialect = url.engine().dialect();
      target =
          new Target(
              url.engine().name(),
              dialect.hosts(url, properties),
              dialect.database(url, properties));
    } catch (IllegalArgumentException e) {
      throw Failures.configuration("The URL cannot be read: " + e.getMessage(), e);
    }
    return new Plan(url, properties, values, target, secretId, limit);
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

  private static boolean isGiven(@Nullable Object password) {
    return password != null && !(password instanceof String text && text.isBlank());
  }

  /** Takes our options out of the properties. */
  private static Map<Option, String> options(JdbcUrl url, Properties properties)
      throws SQLException {
    var values = new EnumMap<Option, String>(Option.class);
    for (Object key : properties.keySet().toArray()) {
      if (key instanceof String name && Option.isOurs(name)) {
        String value = Objects.requireNonNull(properties.remove(name)).toString();
        if (!url.taken().containsKey(name)) {
          values.put(known(name), valid(known(name), name, value));
        }
      }
    }
    for (var parameter : url.taken().entrySet()) {
      String name = parameter.getKey();
      if (Option.isOurs(name)) {
        values.put(known(name), valid(known(name), name, parameter.getValue()));
      }
    }
    return values;
  }

  private static Option known(String name) throws SQLException {
    Option option = Option.of(name);
    if (option == null) {
      throw Failures.configuration(
          "There is no option %s; there are %s".formatted(name, Option.names()));
    }
    return option;
  }

  private static String valid(Option option, String name, String value) throws SQLException {
    try {
      return option.valid(name, value);
    } catch (IllegalArgumentException e) {
      throw Failures.configuration(String.valueOf(e.getMessage()), e);
    }
  }

  /** The caller's own login time-out; zero if there is none. It is the real driver's property. */
  private static Duration limit(JdbcUrl url, Properties properties) throws SQLException {
    LoginTime time = url.engine().time();
    String name = time.property();
    Object property = name == null ? null : properties.remove(name);
    String parameter = name == null ? null : url.taken().get(name);
    Object given = parameter == null ? property : parameter;
    if (given == null) {
      return Duration.ZERO;
    }
    String text = given.toString();
    Duration read = time.read(text);
    if (read == null) {
      throw Failures.configuration(
          "%s must be a number of %s, 0 (none) to 999999999; it is '%s'"
              .formatted(
                  name,
                  time.unit() == LoginTime.Unit.MILLISECONDS ? "milliseconds" : "seconds",
                  text.length() > 60 ? text.substring(0, 60) + "..." : text));
    }
    return read;
  }

  /** The same plan with the secret that a caller names. */
  Plan with(String otherSecretId) throws SQLException {
    return otherSecretId.equals(secretId)
        ? this
        : new Plan(
            url, properties, values, target, valid(Option.SECRET_ID, "user", otherSecretId), limit);
  }

  /** The same plan for a row that is not in the table: tests have their own. */
  Plan as(Engine other) {
    return new Plan(url.withEngine(other), properties, values, target, secretId, limit);
  }

  /** Where the secret is: as told, else as its ARN says; null means the SDK's own default. */
  @Nullable String region() {
    String told = values.get(Option.REGION);
    if (told != null || secretId == null) {
      return told;
    }
    Matcher arn = ARN.matcher(secretId);
    return arn.matches() ? arn.group(1) : null;
  }

  @Nullable URI endpoint() {
    String told = values.get(Option.ENDPOINT);
    return told == null ? null : Option.endpoint(told);
  }

  /** Tells whether it says where Secrets Manager is, which only the shared caches heed. */
  boolean choosesCache() {
    return values.containsKey(Option.REGION) || values.containsKey(Option.ENDPOINT);
  }

  JdbcUrl url() {
    return url;
  }

  Target target() {
    return target;
  }

  @Nullable String value(Option option) {
    return option == Option.SECRET_ID ? secretId : values.get(option);
  }

  Properties properties() {
    return copy(properties);
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

  /**
   * Logs in.
   *
   * @param callerSeconds a login time-out beside the one in URL and properties; zero means none
   */
  Connection connect(RotationAwareLogin login, int callerSeconds) throws SQLException {
    String id = requireSecretId();
    url.engine().realDriver(url.text()); // Before the secret is fetched for nothing.
    try {
      return login.login(target, id, options, Optional.of(limit(callerSeconds)), this);
    } catch (SecretException e) {
      throw Failures.of(e);
    }
  }

  /** The smaller of two that are not zero. */
  Duration limit(int callerSeconds) {
    Duration other = Duration.ofSeconds(Math.max(0, callerSeconds));
    boolean ours = !limit.isZero() && (other.isZero() || limit.compareTo(other) < 0);
    return ours ? limit : other;
  }

  @Override
  public Connection use(SecretValue credential, Duration remaining) throws SQLException {
    Properties full = copy(properties);
    full.setProperty("user", credential.field("username"));
    full.setProperty("password", credential.field("password"));
    String loginTimeout = url.engine().time().property();
    if (loginTimeout != null && remaining.compareTo(NO_LIMIT) < 0) {
      full.setProperty(loginTimeout, url.engine().time().written(remaining));
    }
    if (credential.optionalField("ssl").filter("true"::equalsIgnoreCase).isPresent()) {
      url.engine().dialect().raiseTls(url, full, url.engine().realDriver(url.text()));
    }
    Connection connection = url.engine().realDriver(url.text()).connect(url.text(), full);
    if (connection == null) {
      throw Failures.configuration(
          "The driver of %s does not take this URL".formatted(url.engine().name()));
    }
    return connection;
  }

  @Override
  public FailureKind sort(Exception failure) {
    return Failures.sort(failure, url.engine().dialect()::sort);
  }

  /** Reads the password too, so that a secret that lacks it is found out before any login. */
  @Override
  public String userName(SecretValue credential) {
    String unused = credential.field("password");
    return credential.field("username");
  }

  @Override
  public SQLException failure(LoginFailure failure) {
    return Failures.of(failure);
  }

  @Override
  public String toString() {
    return "Plan[secret %s at %s]".formatted(secretId, target);
  }
}
