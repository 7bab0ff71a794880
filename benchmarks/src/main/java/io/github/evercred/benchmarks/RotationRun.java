package io.github.evercred.benchmarks;

import com.zaxxer.hikari.HikariDataSource;
import io.github.evercred.testkit.LocalSecretsManager;
import io.github.evercred.testkit.Rotation;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;

/**
 * Applications that connect all the time while the passwords of a real database rotate. Each
 * contestant is a JVM of its own with a user and a secret of its own; all of them at once, so that
 * they go through the same rotations on the same machine.
 */
final class RotationRun {
  private static final Duration PATIENCE = Duration.ofSeconds(90);
  private static final String FIRST_PASSWORD = "the first password";
  private static final List<Way> CONTESTANTS =
      List.of(Way.BARE, Way.DRIVER, Way.AWS_DRIVER, Way.AWS_WRAPPER, Way.AWS_WRAPPER_2);

  private final Form form;
  private final LocalSecretsManager secrets;
  private final Engine engine;
  private final Engine.Running server;
  private final Results.Collector into;
  private int cells;

  private RotationRun(
      Form form,
      LocalSecretsManager secrets,
      Engine engine,
      Engine.Running server,
      Results.Collector into) {
    this.form = form;
    this.secrets = secrets;
    this.engine = engine;
    this.server = server;
    this.into = into;
  }

  /** What is compared in one go. */
  private record Cell(boolean alternating, int windowSeconds, boolean pooled) {
    String title(Engine engine) {
      return "%s, %s, window %d s, %s"
          .formatted(
              engine.title,
              alternating ? "alternating users" : "single user",
              windowSeconds,
              pooled ? "HikariCP" : "no pool");
    }
  }

  /** A contestant in a cell. */
  private record Application(
      String title,
      Database database,
      Rotation rotation,
      Child child,
      Map<Metric, Double> before) {}

  static Results measure(Form form) throws Exception {
    return measure(form, form == Form.FULL ? List.of(Engine.values()) : List.of(Engine.POSTGRESQL));
  }

  static Results measure(Form form, List<Engine> engines) throws Exception {
    var collector = new Results.Collector();
    for (Engine engine : engines) {
      String reason = engine.unavailable().orElse("");
      if (!reason.isEmpty()) {
        System.err.println(engine.title + " is left out: " + reason);
        continue;
      }
      try (LocalSecretsManager secrets = LocalSecretsManager.start();
          Engine.Running server = engine.start()) {
        var run = new RotationRun(form, secrets, engine, server, collector);
        for (Cell cell : cells(form)) {
          run.run(cell);
        }
      }
    }
    return collector.results();
  }

  private static List<Cell> cells(Form form) {
    if (form == Form.MOMENT) {
      return List.of(new Cell(false, 0, false), new Cell(true, 0, true));
    }
    List<Cell> cells = new ArrayList<>();
    for (boolean alternating :
        form == Form.FULL ? new boolean[] {false, true} : new boolean[] {false}) {
      for (int window : form == Form.FULL ? new int[] {0, 3, 30} : new int[] {3}) {
        cells.add(new Cell(alternating, window, false));
        cells.add(new Cell(alternating, window, true));
      }
    }
    return cells;
  }

  private void run(Cell cell) throws Exception {
    cells++;
    List<Application> applications = new ArrayList<>();
    try {
      // One after another: a start takes all that the machine has.
      for (Way way : form == Form.MOMENT ? CONTESTANTS.subList(0, 2) : CONTESTANTS) {
        Application one = start(way, cell);
        applications.add(one);
        one.child().await("ready", PATIENCE);
      }
      for (Application one : applications) {
        one.before().putAll(counted(one));
        one.child().tell("go");
      }
      pause(form.of(200, 2000, 3000));
      for (int i = 0; i < form.of(1, 3, 3); i++) {
        rotate(applications, cell);
        pause(form.of(200, 2000, 3000));
      }
      for (Application one : applications) {
        one.child().tell("stop");
      }
      for (Application one : applications) {
        record(cell, one);
      }
    } finally {
      applications.forEach(one -> one.child().close());
    }
  }

  private static void pause(long millis) throws InterruptedException {
    TimeUnit.MILLISECONDS.sleep(millis);
  }

  private Application start(Way way, Cell cell) throws IOException, SQLException {
    String user = "app_%d_%s".formatted(cells, way.name().toLowerCase(Locale.ROOT));
    String id = "prod/" + user;
    server.users().create(user, FIRST_PASSWORD);
    String unused =
        secrets.createSecret(
            id, "{\"username\":\"%s\",\"password\":\"%s\"}".formatted(user, FIRST_PASSWORD));
    var database =
        new Database(
            server.url(),
            engine.driverClass,
            user,
            FIRST_PASSWORD,
            id,
            secrets.endpoint().toString(),
            secrets.region());
    Rotation rotation =
        (cell.alternating()
                ? Rotation.alternatingUsers(secrets, id, server.admin())
                : Rotation.singleUser(secrets, id, server.admin()))
            .jdbcUrl(server.url());
    Child child =
        Child.start(
            Side.class,
            List.of("-Xms128m", "-Xmx128m", "-XX:TieredStopAtLevel=1"),
            way.name(),
            cell.pooled() ? "pooled" : "unpooled");
    for (String line :
        List.of(
            database.url(),
            database.driverClass(),
            database.user(),
            database.password(),
            database.secretId(),
            database.endpoint(),
            database.region())) {
      child.tell(line);
    }
    String title = way == Way.BARE ? "password in the application" : way.title;
    return new Application(title, database, rotation, child, new EnumMap<>(Metric.class));
  }

  private static void rotate(List<Application> applications, Cell cell) throws Exception {
    for (Application one : applications) {
      String unused = one.rotation().createSecret();
    }
    for (Application one : applications) {
      one.rotation().setSecret();
    }
    TimeUnit.SECONDS.sleep(cell.windowSeconds());
    for (Application one : applications) {
      one.rotation().testSecret();
      one.rotation().finishSecret();
    }
  }

  /** What the servers have counted so far. */
  private Map<Metric, Double> counted(Application one) throws SQLException {
    Database database = one.database();
    double refused =
        server.refused().of(database.user()) + server.refused().of(database.user() + "_clone");
    double calls =
        secrets.calls().keySet().stream()
            .mapToInt(operation -> secrets.calls(operation, database.secretId()))
            .sum();
    return Map.of(Metric.REFUSED_LOGINS, refused, Metric.CALLS, calls);
  }

  private void record(Cell cell, Application one) throws Exception {
    Map<Metric, Double> figures = new LinkedHashMap<>(one.child().figures(PATIENCE));
    counted(one)
        .forEach(
            (metric, value) -> figures.put(metric, value - one.before().getOrDefault(metric, 0.0)));
    figures.forEach((metric, value) -> into.add(cell.title(engine), one.title(), metric, value));
  }

  /** The JVM with one contestant. */
  static final class Side {
    private static final int THREADS = 4;
    private static final int POOL = 4;
    private static final long PACE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
    private static final long CONNECTION_TIMEOUT_MILLIS = 3000;
    private static final long EVICT_MILLIS = 500;

    private Side() {}

    /** A thread that connects at its pace. Its figures are its own until it has ended. */
    private static final class Paced extends Thread {
      private final Way.Login login;
      private final AtomicBoolean stopped;
      private final List<Double> millis = new ArrayList<>();
      private int failed;

      Paced(Way.Login login, AtomicBoolean stopped) {
        this.login = login;
        this.stopped = stopped;
        setDaemon(true);
      }

      @Override
      public void run() {
        while (!stopped.get()) {
          long began = System.nanoTime();
          try (Connection connection = login.connect();
              Statement statement = connection.createStatement()) {
            millis.add((System.nanoTime() - began) / 1e6);
            statement.execute("select 1");
          } catch (SQLException | RuntimeException e) {
            millis.add((System.nanoTime() - began) / 1e6);
            failed++;
          }
          LockSupport.parkNanos(PACE_NANOS);
        }
      }
    }

    /**
     * Connects.
     *
     * @param args a {@link Way}, {@code pooled} or {@code unpooled}; the rest comes in lines
     */
    public static void main(String[] args) throws Exception {
      System.setProperty("aws.accessKeyId", "local");
      System.setProperty("aws.secretAccessKey", "local");
      Way way = Way.valueOf(args[0]);
      var database =
          new Database(
              Child.Side.hear(),
              Child.Side.hear(),
              Child.Side.hear(),
              Child.Side.hear(),
              Child.Side.hear(),
              Child.Side.hear(),
              Child.Side.hear());
      System.setProperty(Place.REGION, database.region());
      var stopped = new AtomicBoolean();
      Way.Login login =
          args[1].equals("pooled") ? pool(way, database, stopped) : way.login(database);
      login.connect().close();
      List<Paced> threads =
          IntStream.range(0, THREADS).mapToObj(i -> new Paced(login, stopped)).toList();
      Child.Side.say("ready");
      Child.Side.hear("go");
      threads.forEach(Thread::start);
      Child.Side.hear("stop");
      stopped.set(true);
      for (Thread thread : threads) {
        thread.join();
      }
      Child.Side.tell(figures(threads));
    }

    /** Sessions are retired all the time, as by their greatest age in a long life. */
    private static Way.Login pool(Way way, Database database, AtomicBoolean stopped) {
      var config = way.pool(database, POOL);
      config.setConnectionTimeout(CONNECTION_TIMEOUT_MILLIS);
      var pool = new HikariDataSource(config);
      Thread evictor =
          new Thread(
              () -> {
                while (!stopped.get()) {
                  LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(EVICT_MILLIS));
                  pool.getHikariPoolMXBean().softEvictConnections();
                }
              },
              "evictor");
      evictor.setDaemon(true);
      evictor.start();
      return pool::getConnection;
    }

    private static Map<Metric, Double> figures(List<Paced> threads) {
      double[] millis =
          threads.stream()
              .flatMap(one -> one.millis.stream())
              .mapToDouble(d -> d)
              .sorted()
              .toArray();
      double failed = threads.stream().mapToInt(one -> one.failed).sum();
      Map<Metric, Double> figures = new EnumMap<>(Metric.class);
      figures.put(Metric.CONNECTS, millis.length - failed);
      figures.put(Metric.FAILED_CONNECTS, failed);
      figures.put(Metric.P99_MILLIS, millis[(int) (millis.length * 0.99)]);
      figures.put(Metric.MAX_MILLIS, Arrays.stream(millis).max().orElse(0));
      return figures;
    }
  }
}
