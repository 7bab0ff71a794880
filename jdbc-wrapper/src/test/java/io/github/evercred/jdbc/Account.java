package io.github.evercred.jdbc;

import io.github.evercred.LoginStatistics;
import io.github.evercred.RotationListener;
import io.github.evercred.SecretCache;
import io.github.evercred.Target;
import io.github.evercred.testkit.LocalPostgres;
import io.github.evercred.testkit.LocalSecretsManager;
import io.github.evercred.testkit.RecordedRequest;
import io.github.evercred.testkit.Rotation;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Properties;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A user of a real server with a secret of the same name and a cache of its own, who has logged in
 * once. What is counted, is counted since then.
 */
final class Account implements AutoCloseable {
  final String name;
  final LocalSecretsManager secrets;
  final LocalPostgres postgres;
  final SecretCache cache;
  final List<String> heard = new CopyOnWriteArrayList<>();
  private final RotationListener listener = new Heard();
  private final int callsBefore;
  private final long loginsBefore;

  private final class Heard implements RotationListener {
    @Override
    public void rotationIncomplete(
        Target target, String secretId, String label, String versionId, Duration since) {
      heard.add("incomplete " + label + " " + versionId);
    }

    @Override
    public void rotationComplete(Target target, String secretId, String versionId) {
      heard.add("complete " + versionId);
    }
  }

  Account(String name, LocalSecretsManager secrets, LocalPostgres postgres) throws SQLException {
    this(name, secrets, postgres, Duration.ofSeconds(30));
  }

  Account(String name, LocalSecretsManager secrets, LocalPostgres postgres, Duration load)
      throws SQLException {
    this(name, secrets, postgres, load, false);
  }

  /**
   * Makes user and secret, and logs in.
   *
   * @param load how long a fetch may take, of which one attempt may take half: for exact counts so
   *     long that not even a busy machine makes a second attempt. Nothing paces a refresh
   * @param sealed whether its cache is
   */
  Account(
      String name,
      LocalSecretsManager secrets,
      LocalPostgres postgres,
      Duration load,
      boolean sealed)
      throws SQLException {
    this.name = name;
    this.secrets = secrets;
    this.postgres = postgres;
    postgres.createUser(name, "first");
    secrets.createSecret(name, FakeSecrets.login(name, "first"));
    var properties = new Properties();
    properties.setProperty("evercred.region", secrets.region());
    properties.setProperty("evercred.sealed", Boolean.toString(sealed));
    properties.setProperty("evercred.endpoint", secrets.endpoint().toString());
    cache =
        SecretCache.builder()
            .properties(properties)
            .loadTimeout(load, load.dividedBy(2))
            .minimumInterval(Duration.ZERO)
            .build();
    Logins.of(cache).add(listener); // Held weakly there.
    connect().close();
    callsBefore = secrets.calls("GetSecretValue", name);
    loginsBefore = postgres.successfulLogins(name);
  }

  Rotation singleUser() {
    return Rotation.singleUser(secrets, name, postgres::adminConnection)
        .jdbcUrl(postgres.jdbcUrl("postgres"));
  }

  Connection connect(String... properties) throws SQLException {
    return connectTo(postgres, properties);
  }

  Connection connectTo(LocalPostgres server, String... more) throws SQLException {
    return connectToUrl(url(server), more);
  }

  Connection connectToUrl(String url, String... more) throws SQLException {
    var properties = new Properties();
    properties.setProperty("user", name);
    for (int i = 0; i < more.length; i += 2) {
      properties.setProperty(more[i], more[i + 1]);
    }
    return Objects.requireNonNull(new EvercredDriver(cache).connect(url, properties));
  }

  /** A data source with this account's cache and listener, for a pool or a caller's own limits. */
  EvercredDataSource dataSource() {
    var dataSource = new EvercredDataSource();
    dataSource.setUrl(url(postgres));
    dataSource.setSecretId(name);
    dataSource.setCache(cache);
    return dataSource;
  }

  static String url(LocalPostgres server) {
    return server.jdbcUrl("postgres").replace("jdbc:", "jdbc:evercred:") + "?sslmode=disable";
  }

  /** Logs in so many times, one after the other. */
  void connectTimes(int count) throws SQLException {
    for (int i = 0; i < count; i++) {
      connect().close();
    }
  }

  /** Logs in and asks the server as whom. */
  String loggedInAs() throws SQLException {
    try (Connection connection = connect();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("SELECT current_user")) {
      row.next();
      return row.getString(1);
    }
  }

  /** Has the cache see where AWSCURRENT is now, as it does by itself after some minutes. */
  void seesCurrent() {
    cache.refresh(name);
  }

  long refused() throws SQLException {
    return postgres.refusedLogins(name);
  }

  /** Of this account's user name, those of a rotation's own test among them. */
  long successful() throws SQLException {
    return postgres.successfulLogins(name) - loginsBefore;
  }

  /** Calls to Secrets Manager. */
  int calls() {
    return secrets.calls("GetSecretValue", name) - callsBefore;
  }

  /** Calls to Secrets Manager that asked for a label. */
  long calls(String label) {
    return secrets.requests().stream()
        .filter(request -> request.secretIds().contains(name) && label.equals(request.label()))
        .map(RecordedRequest::operation)
        .filter("GetSecretValue"::equals)
        .count();
  }

  LoginStatistics statistics() {
    return Logins.of(cache).login.statistics();
  }

  @Override
  public void close() {
    cache.close();
  }
}
