package io.github.evercred.clients;

import static io.r2dbc.spi.ConnectionFactoryOptions.DATABASE;
import static io.r2dbc.spi.ConnectionFactoryOptions.DRIVER;
import static io.r2dbc.spi.ConnectionFactoryOptions.HOST;
import static io.r2dbc.spi.ConnectionFactoryOptions.PASSWORD;
import static io.r2dbc.spi.ConnectionFactoryOptions.PORT;
import static io.r2dbc.spi.ConnectionFactoryOptions.USER;

import io.github.evercred.CredentialUse;
import io.github.evercred.FailureKind;
import io.github.evercred.LoginFailure;
import io.github.evercred.LoginOptions;
import io.github.evercred.RotationAwareLogin;
import io.github.evercred.SecretValue;
import io.github.evercred.Target;
import io.r2dbc.spi.Connection;
import io.r2dbc.spi.ConnectionFactories;
import io.r2dbc.spi.ConnectionFactory;
import io.r2dbc.spi.ConnectionFactoryMetadata;
import io.r2dbc.spi.ConnectionFactoryOptions;
import io.r2dbc.spi.R2dbcException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** How a version of a secret is used at a database, by its R2DBC driver. Thread-safe. */
final class R2dbcLogin implements CredentialUse<Connection, Exception> {
  private final String secretId;
  private final ConnectionFactoryOptions options;
  private final LoginOptions loginOptions;
  private final Function<R2dbcException, @Nullable FailureKind> failures;
  private final R2dbcEngine engine;
  private final Target target;
  private final ConnectionFactoryMetadata metadata;

  R2dbcLogin(
      String secretId,
      ConnectionFactoryOptions options,
      LoginOptions loginOptions,
      Function<R2dbcException, @Nullable FailureKind> failures) {
    this.secretId = secretId;
    this.options = options;
    this.loginOptions = loginOptions;
    this.failures = failures;
    String driver = text(DRIVER, options);
    engine = R2dbcEngine.of(driver);
    String database = engine.hasLoginsOfDatabases() ? text(DATABASE, options) : "";
    target =
        new Target(driver.toLowerCase(Locale.ROOT), hosts(), database.isEmpty() ? null : database);
    // Nobody logs in with this: it shows what the driver thinks of the options before anybody does.
    metadata = driver("unknown", "unknown").getMetadata();
  }

  /** Reads a URL. What the parser says of a bad one quotes it, and it may hold a password. */
  static ConnectionFactoryOptions parse(String url) {
    Objects.requireNonNull(url, "url");
    try {
      return ConnectionFactoryOptions.parse(url);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "The URL cannot be read: write r2dbc:driver://host:port/database, without user and password.");
    }
  }

  static ConnectionFactoryOptions checked(ConnectionFactoryOptions options, String secretId) {
    for (var given : List.of(USER, PASSWORD)) {
      if (options.hasOption(given)) {
        throw new IllegalArgumentException(
            "The options or the URL hold a %s: leave it out, secret '%s' holds it."
                .formatted(given.name(), secretId));
      }
    }
    switch (text(DRIVER, options)) {
      case "" -> throw new IllegalArgumentException("The options name no driver.");
      case "pool" ->
          throw new IllegalArgumentException(
              "The driver is r2dbc-pool, which would keep one version of the secret: leave pool out of the URL, and build a ConnectionPool on top of this factory.");
      case "proxy" ->
          throw new IllegalArgumentException(
              "The driver is r2dbc-proxy, which hides the real one: leave proxy out of the URL, and wrap this factory by ProxyConnectionFactory.");
      default -> {
        return options;
      }
    }
  }

  private static String text(io.r2dbc.spi.Option<?> option, ConnectionFactoryOptions options) {
    Object value = options.getValue(option);
    return value == null ? "" : value.toString();
  }

  /** Each host with its port; several may stand in one text. What has no host is a place here. */
  private List<String> hosts() {
    String port = text(PORT, options);
    String otherwise = port.isEmpty() ? engine.defaultPort() : port;
    List<String> hosts = new ArrayList<>();
    for (String host : text(HOST, options).split(",", -1)) {
      String name = host.strip().toLowerCase(Locale.ROOT);
      boolean hasPort = name.indexOf(':', name.lastIndexOf(']') + 1) >= 0;
      hosts.add(
          name.isEmpty()
              ? "local"
              : hasPort || otherwise.isEmpty() ? name : name + ":" + otherwise);
    }
    return hosts;
  }

  ConnectionFactoryMetadata metadata() {
    return metadata;
  }

  Connection logIn(RotationAwareLogin login, Duration timeout, Duration waited) throws Exception {
    Duration left = timeout.minus(waited);
    if (left.isNegative() || left.isZero()) {
      throw R2dbcFailures.of(
          new LoginFailure(
              LoginFailure.Kind.TIMED_OUT,
              "No thread was free for a login with %s within %s (loginTimeout): others wait for the database or a rotation. If it is neither, raise the number of threads."
                  .formatted(this, timeout),
              null,
              null));
    }
    return login.login(target, secretId, loginOptions, Optional.of(left), this);
  }

  @Override
  public Connection use(SecretValue version, Duration remaining) throws Exception {
    // A factory holds the password, so none is kept: it would be in memory after the cache is
    // closed,
    // and in a snapshot.
    ConnectionFactory driver = driver(version.field("username"), version.field("password"));
    return R2dbcArrival.await(driver.create(), remaining, target);
  }

  private ConnectionFactory driver(String user, String password) {
    return ConnectionFactories.get(
        options.mutate().option(USER, user).option(PASSWORD, password).build());
  }

  @Override
  public FailureKind sort(Exception failure) {
    return R2dbcFailures.sort(
        failure,
        said -> {
          FailureKind told = failures.apply(said);
          return told != null ? told : engine.sort(said);
        });
  }

  /** Reads the password too, so that a secret that lacks it is found out before any login. */
  @Override
  public String userName(SecretValue version) {
    String unused = version.field("password");
    return version.field("username");
  }

  @Override
  public Exception failure(LoginFailure failure) {
    return R2dbcFailures.of(failure);
  }

  @Override
  public String toString() {
    return "secret '" + secretId + "' at " + target;
  }
}
