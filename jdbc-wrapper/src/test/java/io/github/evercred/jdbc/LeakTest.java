package io.github.evercred.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.RotationListener;
import io.github.evercred.Target;
import io.github.evercred.testkit.EvercredExtension;
import io.github.evercred.testkit.Fault;
import io.github.evercred.testkit.LocalPostgres;
import io.github.evercred.testkit.LocalSecretsManager;
import io.github.evercred.testkit.Requests;
import io.github.evercred.testkit.Rotation;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.sql.Connection;
import java.sql.DriverPropertyInfo;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogManager;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Plants a password that can be told from everything else, goes every way that fails, and searches
 * whatever a user or operator could see: all logs, exceptions with all that hangs on them, the
 * texts of our objects, property descriptions, listener arguments and thread names.
 */
@ExtendWith(EvercredExtension.class)
@Timeout(120)
class LeakTest {
  private static final String MARKER = "XyZZy-7f3a-planted";

  private final List<String> seen = new CopyOnWriteArrayList<>();
  private volatile boolean oursAlone;

  /** Listeners are held weakly. */
  private final List<RotationListener> held = new CopyOnWriteArrayList<>();

  private final Logger root = Logger.getLogger("");
  private final Level level = Objects.requireNonNull(root.getLevel());
  private final List<Handler> handlers = List.of(root.getHandlers());
  private final Handler capture =
      new Handler() {
        private final SimpleFormatter formatter = new SimpleFormatter();

        @Override
        public void publish(LogRecord record) {
          String logger = String.valueOf(record.getLoggerName());
          if (oursAlone && !logger.startsWith("io.github.evercred")) {
            return;
          }
          seen.add(logger + ": " + formatter.format(record));
          if (record.getParameters() != null) {
            seen.add(Arrays.deepToString(record.getParameters()));
          }
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
      };

  @BeforeEach
  void captureAllLogs() {
    handlers.forEach(root::removeHandler);
    capture.setLevel(Level.ALL);
    root.addHandler(capture);
    root.setLevel(Level.FINEST);
    Collections.list(LogManager.getLogManager().getLoggerNames()).stream()
        .map(Logger::getLogger)
        .filter(logger -> logger != root && !logger.getName().startsWith("org.junit"))
        .forEach(logger -> logger.setLevel(null));
  }

  @AfterEach
  void restoreLogs() {
    root.removeHandler(capture);
    root.setLevel(level);
    handlers.forEach(root::addHandler);
  }

  private void see(Throwable failure) {
    var text = new StringWriter();
    failure.printStackTrace(new PrintWriter(text));
    seen.add(text.toString());
    Set<Throwable> known = Collections.newSetFromMap(new IdentityHashMap<>());
    List<Throwable> left = new ArrayList<>(List.of(failure));
    while (!left.isEmpty()) {
      Throwable next = left.remove(0);
      if (known.add(next)) {
        seen.add(next + " " + next.getMessage() + " " + next.getLocalizedMessage());
        left.addAll(Arrays.asList(next.getSuppressed()));
        if (next.getCause() != null) {
          left.add(next.getCause());
        }
        if (next instanceof SQLException sql && sql.getNextException() != null) {
          left.add(sql.getNextException());
        }
      }
    }
  }

  private void seeThreads() {
    Thread.getAllStackTraces().keySet().forEach(thread -> seen.add(thread.toString()));
  }

  /** What a test itself hands to PostgreSQL's driver, that driver logs at FINE and below. */
  private interface Step {
    void run() throws Exception;
  }

  private void unlogged(Step step) throws Exception {
    oursAlone = true;
    try {
      step.run();
    } finally {
      oursAlone = false;
    }
  }

  /** Goes a way that must fail. */
  private void fails(String way, Callable<Connection> login) {
    try {
      login.call().close();
    } catch (Exception e) {
      see(e);
      seeThreads();
      return;
    }
    throw new AssertionError(way + " did not fail");
  }

  private List<String> leaks() {
    return seen.stream().filter(text -> text.contains(MARKER)).toList();
  }

  @Test
  void search_plantedInEachPlace_findsIt() throws Exception {
    Logger.getLogger("org.example.planted").log(Level.FINEST, "{0}", MARKER);
    assertThat(leaks()).hasSize(2);
    System.getLogger("org.example.planted2").log(System.Logger.Level.TRACE, MARKER);
    assertThat(leaks()).hasSize(3);
    org.slf4j.LoggerFactory.getLogger("org.example.planted3").trace(MARKER);
    assertThat(leaks()).hasSize(4);
    var outer = new SQLException("outer");
    outer.setNextException(new SQLException("next", new IllegalStateException(MARKER)));
    see(outer);
    assertThat(leaks()).hasSizeGreaterThan(4);
    seen.clear();
    var thread = new Thread(this::seeThreads, MARKER);
    thread.start();
    thread.join(10_000);
    assertThat(leaks()).isNotEmpty();
  }

  @Test
  void login_everyWayThatFails_leaksNothing(LocalSecretsManager secrets, LocalPostgres postgres)
      throws Exception {
    var driver = new EvercredDriver();
    String url = postgres.jdbcUrl("postgres").replace("jdbc:", "jdbc:evercred:");
    Properties given = new Properties();
    given.setProperty("user", "leak");
    given.setProperty("evercred.endpoint", secrets.endpoint().toString());
    given.setProperty("evercred.rotationWait", "400ms");
    unlogged(() -> postgres.createUser("leak", MARKER));
    secrets.createSecret("leak", FakeSecrets.login("leak", MARKER));

    // What works, and a rotation.
    Properties patient = with(given, "evercred.rotationWait", "20s");
    Objects.requireNonNull(driver.connect(url, patient)).close();
    Rotation rotation =
        Rotation.singleUser(secrets, "leak", postgres::adminConnection)
            .jdbcUrl(postgres.jdbcUrl("postgres"));
    rotation.createSecret();
    secrets.putSecretValue(
        "leak", rotation.versionId() + "-b", FakeSecrets.login("leak", MARKER + "2"), "AWSPENDING");
    unlogged(() -> postgres.execute("ALTER ROLE leak PASSWORD '" + MARKER + "2'"));
    Objects.requireNonNull(driver.connect(url, patient)).close();
    List<String> told = new CopyOnWriteArrayList<>();
    var heard =
        new RotationListener() {
          @Override
          public void refused(Target target, String secretId, String versionId) {
            told.add(target + secretId + versionId);
          }

          @Override
          public void rotationComplete(Target target, String secretId, String versionId) {
            told.add(target + secretId + versionId);
          }

          @Override
          public void rotationIncomplete(
              Target target, String secretId, String label, String versionId, Duration since) {
            told.add(target + secretId + label + versionId + since);
          }
        };
    Logins.shared(
            Map.of("endpoint", new Settings.Found(secrets.endpoint().toString(), "a test", true)))
        .add(heard);
    held.add(heard);

    // What the database says no to.
    fails("database", () -> driver.connect(url.replace("/postgres", "/nowhere"), given));
    postgres.execute("ALTER ROLE leak PASSWORD 'another'");
    fails("refused", () -> driver.connect(url, given));
    Properties atOnce = Plan.copy(given);
    atOnce.setProperty("evercred.rotationWait", "0");
    fails("refused at once", () -> driver.connect(url, atOnce));
    unlogged(() -> postgres.createUser("leak_nologin", MARKER));
    postgres.execute("ALTER ROLE leak_nologin NOLOGIN");
    secrets.createSecret("leak/nologin", FakeSecrets.login("leak_nologin", MARKER));
    fails("denied", () -> driver.connect(url, with(given, "user", "leak/nologin")));
    fails("denied again", () -> driver.connect(url, with(given, "user", "leak/nologin")));
    fails("TLS", () -> driver.connect(url + "?sslmode=require", given));
    String quiet;
    try (var silent = new ServerSocket(0, 9, InetAddress.getLoopbackAddress())) {
      quiet = "jdbc:evercred:postgresql://127.0.0.1:" + silent.getLocalPort() + "/db";
      fails("silent", () -> driver.connect(quiet, given));
    }
    fails("refused port", () -> driver.connect(quiet, given));

    // Secrets of another shape.
    int number = 0;
    for (String value :
        List.of(
            MARKER,
            "{\"username\":\"leak\",\"secret\":\"" + MARKER + "\"}",
            "{\"password\":\"" + MARKER + "\"}",
            "{\"username\":\"leak\",\"password\":{\"x\":\"" + MARKER + "\"}}",
            "{\"username\":\"leak\",\"password\":\"" + MARKER,
            "{\"username\":\"leak\",\"password\":\""
                + MARKER
                + "\",\"ssl\":[\""
                + MARKER
                + "\"]}")) {
      String id = "leak/shape" + number++;
      secrets.createSecret(id, value);
      fails(id, () -> driver.connect(url, with(given, "user", id)));
    }
    secrets.createSecret("leak/binary", MARKER.getBytes(java.nio.charset.StandardCharsets.UTF_8));
    fails("binary", () -> driver.connect(url, with(given, "user", "leak/binary")));

    // Secrets Manager's own trouble.
    for (Fault fault :
        List.of(
            Fault.malformedBody(),
            Fault.serverError(),
            Fault.throttling(),
            Fault.accessDenied(),
            Fault.accessDeniedByKms(),
            Fault.decryptionFailure(),
            Fault.connectionReset(),
            Fault.serviceUnavailable(),
            Fault.hang())) {
      String id = "leak/fault" + number++;
      secrets.createSecret(id, FakeSecrets.login("leak", MARKER));
      secrets.inject(fault, Requests.all().secret(id));
      fails(fault.toString(), () -> driver.connect(url, with(given, "user", id)));
    }

    // What a caller writes in the wrong place.
    fails("password", () -> driver.connect(url, with(given, "password", MARKER)));
    fails("URL password", () -> driver.connect(url + "?password=" + MARKER, given));
    fails("unknown option", () -> driver.connect(url, with(given, "evercred.password", MARKER)));
    fails(
        "user in host",
        () -> driver.connect("jdbc:evercred:postgresql://u:" + MARKER + "@h/db", given));
    fails(
        "semicolon",
        () -> driver.connect("jdbc:evercred:postgresql://h/db;password=" + MARKER, given));
    fails(
        "endpoint",
        () -> driver.connect(url, with(given, "evercred.endpoint", "http://u:" + MARKER + "@h")));
    String nobody = "jdbc:evercred:nobody:u/" + MARKER + "@h?x=" + MARKER;
    unlogged(() -> fails("no driver", () -> driver.connect(nobody, given)));

    // What describes us.
    Properties secretive = with(given, "sslpassword", MARKER);
    for (DriverPropertyInfo info : driver.getPropertyInfo(url, secretive)) {
      seen.add(info.name + info.value + info.description + Arrays.toString(info.choices));
    }
    var dataSource = new EvercredDataSource();
    dataSource.setProperties(secretive);
    dataSource.setUrl(postgres.jdbcUrl("postgres") + "?sslpassword=" + MARKER);
    seen.add(dataSource.toString());
    unlogged(() -> fails("data source", dataSource::getConnection));
    fails("data source password", () -> dataSource.getConnection("leak", MARKER));
    seen.add(dataSource.toString());
    Plan plan = Plan.of(url, secretive);
    seen.add(plan.toString() + plan.url() + plan.url().engine() + plan.target());

    assertThat(told).isNotEmpty();
    seen.addAll(told);
    assertThat(seen).anyMatch(text -> text.contains("org.postgresql"));
    assertThat(seen).anyMatch(text -> text.contains("software.amazon.awssdk"));
    assertThat(leaks()).isEmpty();
  }

  private static Properties with(Properties given, String name, String value) {
    Properties copy = Plan.copy(given);
    copy.setProperty(name, value);
    return copy;
  }
}
