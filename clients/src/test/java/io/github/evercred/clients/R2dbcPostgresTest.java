package io.github.evercred.clients;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.evercred.AwsSecretSource;
import io.github.evercred.LoginOptions;
import io.github.evercred.RotationAwareLogin;
import io.github.evercred.SecretCache;
import io.github.evercred.testkit.EvercredExtension;
import io.github.evercred.testkit.LocalPostgres;
import io.github.evercred.testkit.LocalSecretsManager;
import io.github.evercred.testkit.Rotation;
import io.r2dbc.pool.ConnectionPool;
import io.r2dbc.pool.ConnectionPoolConfiguration;
import io.r2dbc.spi.Connection;
import io.r2dbc.spi.R2dbcException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/** A real PostgreSQL, its R2DBC driver and r2dbc-pool. */
@ExtendWith(EvercredExtension.class)
@Timeout(120)
class R2dbcPostgresTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private static LocalSecretsManager secrets;
  private static LocalPostgres postgres;

  @BeforeAll
  static void start(LocalSecretsManager itsSecrets, LocalPostgres itsPostgres) {
    secrets = itsSecrets;
    postgres = itsPostgres;
  }

  /** A user, a secret and a cache of its own. */
  private static final class Account implements AutoCloseable {
    final String name;
    final SecretCache cache;
    final RotationAwareLogin login;

    Account(String name, String password) throws Exception {
      this.name = name;
      postgres.createUser(name, password);
      secrets.createSecret(
          name, "{\"username\":\"" + name + "\",\"password\":\"" + password + "\"}");
      var client =
          SecretsManagerClient.builder()
              .endpointOverride(secrets.endpoint())
              .region(Region.of(secrets.region()))
              .credentialsProvider(
                  StaticCredentialsProvider.create(AwsBasicCredentials.create("local", "local")))
              .build();
      cache =
          SecretCache.builder()
              .source(AwsSecretSource.of(client))
              .loadTimeout(PATIENCE, PATIENCE.dividedBy(2))
              .minimumInterval(Duration.ZERO)
              .build();
      login = new RotationAwareLogin(cache);
    }

    EvercredConnectionFactory.Builder builder() {
      return builder(postgres.port(), "postgres");
    }

    EvercredConnectionFactory.Builder builder(int port, String database) {
      return EvercredConnectionFactory.builder(
          login, name, "r2dbc:postgresql://127.0.0.1:%d/%s".formatted(port, database));
    }

    Rotation rotation() {
      return Rotation.singleUser(secrets, name, postgres::adminConnection)
          .jdbcUrl(postgres.jdbcUrl("postgres"));
    }

    @Override
    public void close() {
      cache.close();
    }
  }

  private static Mono<String> user(Connection connection) {
    return Mono.from(connection.createStatement("SELECT current_user").execute())
        .flatMap(result -> Mono.from(result.map(row -> row.get(0, String.class))));
  }

  private static Mono<String> user(io.r2dbc.spi.ConnectionFactory factory) {
    return Mono.usingWhen(
        factory.create(), connection -> user((Connection) connection), Connection::close);
  }

  @Test
  void create_throughARotation_logsInAtEachStep() throws Exception {
    try (var account = new Account("steps", "first")) {
      var factory = account.builder().build();
      Rotation rotation = account.rotation();
      assertThat(user(factory).block(PATIENCE)).isEqualTo("steps");
      rotation.createSecret();
      assertThat(user(factory).block(PATIENCE)).isEqualTo("steps");
      rotation.setSecret();
      assertThat(user(factory).block(PATIENCE)).isEqualTo("steps");
      rotation.testSecret();
      rotation.finishSecret();
      assertThat(user(factory).block(PATIENCE)).isEqualTo("steps");

      assertThat(postgres.refusedLogins("steps")).isEqualTo(1);
      assertThat(factory.statistics().refused()).isEqualTo(1);
      assertThat(factory.statistics().succeeded()).isEqualTo(4);
    }
  }

  @Test
  void pool_openedAnewInTheWindow_failsNobody() throws Exception {
    try (var account = new Account("pooled", "first")) {
      var pool =
          new ConnectionPool(
              ConnectionPoolConfiguration.builder(account.builder().threads(4).build())
                  .maxSize(32)
                  .build());
      Rotation rotation = account.rotation();
      rotation.createSecret();
      rotation.setSecret();
      try {
        // All 32 are opened now, by four at once, and none is given back before.
        List<Connection> all =
            Flux.range(0, 32).flatMap(i -> pool.create(), 32).collectList().block(PATIENCE);

        assertThat(all).hasSize(32);
        assertThat(postgres.refusedLogins("pooled")).isBetween(1L, 5L);
        Flux.fromIterable(Objects.requireNonNull(all))
            .flatMap(Connection::close)
            .blockLast(PATIENCE);
      } finally {
        pool.disposeLater().block(PATIENCE);
      }
      Eventually.until(() -> postgres.sessions("pooled") == 0);
    }
  }

  @Test
  void create_sixtyFourAtOnce_allLogIn() throws Exception {
    try (var account = new Account("crowd", "first")) {
      var factory = account.builder().build();

      List<Connection> all =
          Flux.range(0, 64)
              .flatMap(i -> Mono.<Connection>from(factory.create()), 64)
              .collectList()
              .block(PATIENCE);

      assertThat(all).hasSize(64);
      assertThat(postgres.sessions("crowd")).isEqualTo(64);
      Flux.fromIterable(Objects.requireNonNull(all)).flatMap(Connection::close).blockLast(PATIENCE);
      Eventually.until(() -> postgres.sessions("crowd") == 0);
    }
  }

  /** Whenever it is cancelled, before, during or after the login, no session may stay. */
  @Test
  void cancel_atAnyMoment_leavesNoSession() throws Exception {
    try (var account = new Account("cancelled", "first")) {
      var factory = account.builder().threads(4).build();
      long login = 0;
      for (int i = 0; i < 5; i++) {
        long start = System.nanoTime();
        assertThat(user(factory).block(PATIENCE)).isEqualTo("cancelled");
        login = System.nanoTime() - start;
      }
      int steps = 60;
      for (int i = 0; i < steps; i++) {
        Disposable creation =
            Mono.<Connection>from(factory.create())
                .flatMap(connection -> Mono.from(connection.close()))
                .subscribe(nothing -> {}, failure -> {});
        LockSupport.parkNanos(i * login / steps);
        creation.dispose();
      }

      Eventually.until(() -> postgres.sessions("cancelled") == 0);
      assertThat(user(factory).block(PATIENCE)).isEqualTo("cancelled");
    }
  }

  @Test
  void create_serverAcceptsAndIsSilent_endsInTime() throws Exception {
    try (var account = new Account("silent", "first");
        var server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      assertThat(account.cache.get("silent").versionId()).isNotEmpty(); // Before time counts.
      var factory =
          account
              .builder(server.getLocalPort(), "postgres")
              .loginTimeout(Duration.ofMillis(400))
              .build();

      assertThatThrownBy(() -> user(factory).block(PATIENCE))
          .isInstanceOf(io.r2dbc.spi.R2dbcTimeoutException.class)
          .hasMessageContaining("loginTimeout");
      assertThat(factory.statistics().refused()).isZero();
    }
  }

  @Test
  void create_failureThatNoCredentialMends_isTheDriversOwn() throws Exception {
    try (var account = new Account("other", "first")) {
      var noDatabase = account.builder(postgres.port(), "nosuch").build();
      assertThatThrownBy(() -> user(noDatabase).block(PATIENCE))
          .isInstanceOfSatisfying(
              R2dbcException.class, e -> assertThat(e.getSqlState()).isEqualTo("3D000"));
      postgres.execute("ALTER USER other NOLOGIN");
      var factory = account.builder().build();
      assertThatThrownBy(() -> user(factory).block(PATIENCE))
          .isInstanceOfSatisfying(
              R2dbcException.class, e -> assertThat(e.getSqlState()).isEqualTo("28000"));
      assertThatThrownBy(() -> user(factory).block(PATIENCE))
          .hasMessageContaining("locked or denied the account");
      assertThat(postgres.refusedLogins("other")).as("the second is held back").isEqualTo(1);
    }
  }

  /** Our own logs at their finest: what the driver logs of what it sends is its own. */
  @Test
  void password_inAnyFailure_isNowhere() throws Exception {
    String marker = "XyZZy-7f3a-planted";
    var seen = new CopyOnWriteArrayList<String>();
    var logger = Logger.getLogger("io.github.evercred");
    Level before = logger.getLevel();
    var capture =
        new Handler() {
          @Override
          public void publish(LogRecord record) {
            seen.add(new SimpleFormatter().format(record));
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        };
    logger.addHandler(capture);
    logger.setLevel(Level.ALL);
    try (var account = new Account("leak", "first")) {
      var factory =
          account
              .builder()
              .loginOptions(LoginOptions.DEFAULTS.withRotationWait(Duration.ofMillis(300)))
              .build();
      put(marker + 0, "username");
      put(marker + 1, "username"); // AWSPREVIOUS must not be the password that works.
      var unreachable = account.builder(1, "postgres").build();
      var failures = new ArrayList<Throwable>();
      failures.add(failure(factory));
      failures.add(failure(unreachable));
      put(marker, "user");
      account.cache.refresh("leak");
      failures.add(failure(unreachable));
      seen.add(factory.toString());
      assertThat(failures).doesNotContainNull();
      for (Throwable failure : failures) {
        var text = new StringWriter();
        failure.printStackTrace(new PrintWriter(text));
        seen.add(text.toString());
      }
      Thread.getAllStackTraces().keySet().forEach(thread -> seen.add(thread.getName()));
    } finally {
      logger.removeHandler(capture);
      logger.setLevel(before);
    }

    assertThat(seen).isNotEmpty().noneMatch(text -> text.contains(marker));
  }

  private static void put(String password, String userKey) {
    secrets.putSecretValue(
        "leak",
        null,
        "{\"%s\":\"leak\",\"password\":\"%s\"}".formatted(userKey, password),
        "AWSCURRENT");
  }

  private static @Nullable Throwable failure(EvercredConnectionFactory factory) {
    try {
      user(factory).block(PATIENCE);
      return null;
    } catch (RuntimeException e) {
      return e;
    }
  }
}
