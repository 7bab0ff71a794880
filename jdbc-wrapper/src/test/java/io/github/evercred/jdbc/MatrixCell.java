package io.github.evercred.jdbc;

import io.github.evercred.SecretCache;
import io.github.evercred.testkit.LocalSecretsManager;
import io.github.evercred.testkit.Rotation;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;

/**
 * One way to rotate under one kind of load.
 *
 * @param window from setSecret to finishSecret; with zero they follow each other at once
 */
record MatrixCell(MatrixDatabase.Kind kind, Strategy strategy, boolean pooled, Duration window) {
  static final int THREADS = 8;
  private static final String CALL = "GetSecretValue";
  private static final int SOME = 2 * THREADS;

  /** How the secret rotates. */
  enum Strategy {
    SINGLE_USER("single user"),
    ALTERNATING_USERS("alternating users");

    private final String title;

    Strategy(String title) {
      this.title = title;
    }

    @Override
    public String toString() {
      return title;
    }
  }

  /**
   * What came of it.
   *
   * @param connects how many logins the application asked for
   * @param failed how many logins and queries failed
   * @param failures the first of them
   * @param refused how many logins the server refused, by its own count
   * @param acceptedAsOther how many it accepted from the other of two users
   * @param calls to Secrets Manager, beside the first read and the refreshes
   * @param slowest the longest that a login took
   * @param inWindows how many logins there were in each window
   */
  record Result(
      int rotations,
      long connects,
      long failed,
      List<Throwable> failures,
      long refused,
      long acceptedAsOther,
      int calls,
      Duration slowest,
      List<Long> inWindows) {}

  @Override
  public String toString() {
    return "%s, %s, %s, window %d s"
        .formatted(kind, strategy, pooled ? "HikariCP" : "no pool", window.toSeconds());
  }

  /**
   * Rotates so many times under load.
   *
   * @param user a name of its own, also for the secret
   */
  Result run(MatrixDatabase database, LocalSecretsManager secrets, String user, int rotations)
      throws Exception {
    database.users().create(user, "first");
    secrets.createSecret(user, FakeSecrets.login(user, "first"));
    Rotation rotation =
        (strategy == Strategy.SINGLE_USER
                ? Rotation.singleUser(secrets, user, database.admin()::open)
                : Rotation.alternatingUsers(secrets, user, database.admin()::open))
            .jdbcUrl(database.url());
    var inWindows = new ArrayList<Long>();
    int refreshes = 0;
    try (SecretCache cache = cache(secrets);
        var load = new LoginLoad(source(database, user, cache), "SELECT 1", THREADS, pooled)) {
      load.more(SOME);
      load.beginTiming();
      for (int i = 0; i < rotations; i++) {
        rotation.createSecret();
        load.more(SOME);
        rotation.setSecret();
        inWindows.add(stayInWindow(load, rotation));
        load.more(SOME);
        refreshes += refresh(cache, secrets, user, rotation.versionId());
        load.pace(LoginLoad.HARD);
        load.more(SOME);
      }
      load.stop();
      String other = user + "_clone";
      return new Result(
          rotations,
          load.connects(),
          load.failed(),
          load.failures(),
          database.counts().refused().of(user) + database.counts().refused().of(other),
          database.counts().accepted().of(other),
          secrets.calls(CALL, user) - 1 - refreshes,
          load.slowest(),
          inWindows);
    }
  }

  /** Stands in the window and closes it. Returns how many logins have been in it. */
  private long stayInWindow(LoginLoad load, Rotation rotation) throws Exception {
    long opened = System.nanoTime();
    long before = load.connects();
    if (!window.isZero()) {
      load.more(SOME);
      load.pace(LoginLoad.STEADY);
      Eventually.atMost(
          window.plusSeconds(1), () -> System.nanoTime() - opened >= window.toNanos());
    }
    rotation.testSecret();
    rotation.finishSecret();
    return load.connects() - before + load.underWay();
  }

  /**
   * Brings the refresh forward that comes within minutes after a rotation. Returns how many calls
   * it made: none if a login has just fetched that version.
   */
  private static int refresh(
      SecretCache cache, LocalSecretsManager secrets, String user, String version)
      throws Exception {
    int before = secrets.calls(CALL, user);
    Eventually.until(() -> cache.refresh(user).versionId().equals(version));
    return secrets.calls(CALL, user) - before;
  }

  private static SecretCache cache(LocalSecretsManager secrets) {
    var properties = new Properties();
    properties.setProperty("evercred.endpoint", secrets.endpoint().toString());
    return SecretCache.builder().properties(properties).build();
  }

  private static EvercredDataSource source(MatrixDatabase database, String user, SecretCache cache)
      throws Exception {
    var source = new EvercredDataSource();
    source.setUrl(database.url());
    source.setSecretId(user);
    source.setCache(cache);
    if (database.driverClass() != null) {
      source.setDriverClass(database.driverClass());
    }
    return source;
  }
}
