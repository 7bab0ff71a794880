package io.github.evercred.examples.lambda;

import io.github.evercred.examples.lambda.LocalFunction.Answer;
import io.github.evercred.testkit.LocalPostgres;
import io.github.evercred.testkit.LocalSecretsManager;
import io.github.evercred.testkit.Rotation;
import java.io.PrintStream;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * Three functions, each with a secret of its own, from their initialisation through invocations, a
 * freeze and a rotation in it, to the first invocations after it. The third has SnapStart: its
 * freeze lies between a checkpoint and a restore. Used by one thread.
 */
final class Cycle implements AutoCloseable {
  static final String API_SECRET = "demo/payment-api";
  static final String SNAPSHOT_SECRET = "demo/shipping-api";
  static final String DATABASE_SECRET = "demo/orders-db";

  private static final String USER = "app";
  private static final String ORDER = "order 4711";
  private static final Map<String, String> EVENT = Map.of("order", ORDER);

  /** The functions' {@code loadTimeout}: the most that a read may wait, as after a freeze. */
  private static final Duration LOAD_TIMEOUT = Duration.ofSeconds(5);

  /** Between the invocations that wait for a restored function to come to the new version. */
  private static final Duration PAUSE = Duration.ofMillis(20);

  private final RunnerOptions options;
  private final LocalPostgres postgres;
  private final LocalSecretsManager secrets;
  private final String classPath;
  private final Map<String, String> variables;
  private final PrintStream out;
  private final Consumer<String> log;
  private final Runnable afterEachStep;
  private final Rotation rotation;
  private final List<LocalFunction> functions = new ArrayList<>();
  private final List<String> faults = new ArrayList<>();
  private final Map<String, String> apiKeys = new HashMap<>();
  private int invocationsToNew;

  Cycle(
      RunnerOptions options,
      LocalPostgres postgres,
      LocalSecretsManager secrets,
      String classPath,
      Map<String, String> variables,
      PrintStream out,
      Consumer<String> log,
      Runnable afterEachStep)
      throws SQLException {
    this.options = options;
    this.postgres = postgres;
    this.secrets = secrets;
    this.classPath = classPath;
    this.variables = variables;
    this.out = out;
    this.log = log;
    this.afterEachStep = afterEachStep;
    String password = UUID.randomUUID().toString();
    postgres.createUser(USER, password);
    for (String secretId : List.of(API_SECRET, SNAPSHOT_SECRET)) {
      secrets.createSecret(secretId, newApiSecret(secretId));
    }
    secrets.createSecret(
        DATABASE_SECRET,
        """
        {"engine": "postgres", "host": "%s", "port": %d, "dbname": "postgres",
         "username": "%s", "password": "%s"}
        """
            .formatted(postgres.host(), postgres.port(), USER, password));
    rotation = Rotation.singleUser(secrets, DATABASE_SECRET, postgres::adminConnection);
  }

  private String newApiSecret(String secretId) {
    String apiKey = UUID.randomUUID().toString();
    apiKeys.put(secretId, apiKey);
    return "{\"key\": \"" + apiKey + "\"}";
  }

  /** Returns what did not hold; nothing if all did. */
  List<String> play() throws SQLException, InterruptedException {
    out.println(
        """

        Three functions run in JVMs of their own. Between invocations each is frozen as a whole, as
        Lambda does it: for %s here, while their secrets rotate. Their revalidateAfter is %s.
        """
            .formatted(text(options.freeze()), text(options.revalidateAfter())));
    LocalFunction api = start(ApiKeyHandler.class, API_SECRET, Map.of());
    LocalFunction database = start(DatabaseHandler.class, DATABASE_SECRET, Map.of());
    LocalFunction snapshot = start(SnapStartHandler.class, SNAPSHOT_SECRET, snapStart());
    afterEachStep.run();

    for (String turn : List.of("first invocation", "second invocation")) {
      invoked(api, turn, api.invoke(EVENT), apiAnswer(API_SECRET));
      invoked(database, turn, database.invoke(EVENT), databaseAnswer());
    }
    done(snapshot, "checkpoint", snapshot.checkpoint());
    afterEachStep.run();

    letRefreshesEnd();
    long thawAt = System.nanoTime() + options.freeze().toNanos();
    for (LocalFunction function : functions) {
      function.freeze();
      row(function.name(), "frozen", "", "");
    }
    Map<String, String> beforeRotation = apiAnswer(SNAPSHOT_SECRET);
    rotateApiKey(API_SECRET);
    rotateDatabase();
    rotateApiKey(SNAPSHOT_SECRET);
    long refused = postgres.refusedLogins(USER);
    pauseUntil(thawAt);

    String turn = "thawed by an invocation";
    inTime(api, invoked(api, turn, api.thaw(EVENT), apiAnswer(API_SECRET)));
    inTime(database, invoked(database, turn, database.thaw(EVENT), databaseAnswer()));
    restore(snapshot, beforeRotation);
    turn = "next invocation";
    invoked(api, turn, api.invoke(EVENT), apiAnswer(API_SECRET));
    invoked(database, turn, database.invoke(EVENT), databaseAnswer());
    invoked(snapshot, turn, snapshot.invoke(EVENT), apiAnswer(SNAPSHOT_SECRET));
    afterEachStep.run();

    refused = postgres.refusedLogins(USER) - refused;
    row("PostgreSQL", "logins refused since the thaw", "", Long.toString(refused));
    if (refused > 0) {
      faults.add("PostgreSQL refused " + refused + " of the logins after the thaw");
    }
    return faults;
  }

  /**
   * A refresh that is under way at a freeze counts as a try for {@code 4 x loadTimeout}, which is
   * nothing beside the 15 minutes of a deployed function, but more than the seconds here. The
   * invocations have asked for one each, and without another nobody asks again.
   */
  private void letRefreshesEnd() throws InterruptedException {
    Duration due = options.refreshAfter();
    if (due.compareTo(options.freeze()) < 0) {
      pauseUntil(System.nanoTime() + due.plusMillis(500).toNanos());
    }
  }

  /** What the variables of a function with SnapStart say beside those of the others. */
  private Map<String, String> snapStart() {
    Map<String, String> environment = new HashMap<>();
    environment.put("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start");
    if (options.kms()) {
      environment.put("EVERCRED_SEALED_BY_KMS_KEY", secrets.kms().createKey());
      environment.put("AWS_ENDPOINT_URL_KMS", secrets.endpoint().toString());
    }
    return environment;
  }

  /**
   * Lets a function go on from its checkpoint, and invokes it until it works with the new version.
   * What is sealed by a KMS key is served while its refresh is under way, so it may be the previous
   * version at first; what is loaded in the restore is the new one.
   */
  private void restore(LocalFunction function, Map<String, String> beforeRotation)
      throws InterruptedException {
    function.thaw();
    int decrypted = secrets.calls("Decrypt");
    done(function, "restored", function.restore());
    decrypted = secrets.calls("Decrypt") - decrypted;
    row("AWS KMS", "calls of Decrypt in it", "", Integer.toString(decrypted));
    int expected = options.kms() ? 1 : 0;
    if (decrypted != expected) {
      faults.add(
          "%s called Decrypt %d times in the restore, not %d"
              .formatted(function.name(), decrypted, expected));
    }

    String turn = "first invocation after it";
    Answer answer = function.invoke(EVENT);
    invocationsToNew = 1;
    if (options.kms() && answer.values().equals(beforeRotation)) {
      row(function.name(), turn, text(answer.time()), answer.value("version") + " (old)");
      long end = System.nanoTime() + LOAD_TIMEOUT.toNanos();
      while (answer.values().equals(beforeRotation) && end - System.nanoTime() > 0) {
        pauseUntil(System.nanoTime() + PAUSE.toNanos());
        answer = function.invoke(EVENT);
        invocationsToNew++;
      }
      turn = "invocation " + invocationsToNew + " after it";
    }
    invoked(function, turn, answer, apiAnswer(SNAPSHOT_SECRET));
  }

  /** Where nothing was at fault: how soon the restored function came to the new version. */
  String ofRestored() {
    return "\nand so did invocation "
        + invocationsToNew
        + " of the function that was restored from its checkpoint.";
  }

  /**
   * Starts a function and waits until its handler is made, as Lambda does before it invokes.
   *
   * @param more variables that the others do not have
   */
  private LocalFunction start(Class<?> handler, String secretId, Map<String, String> more)
      throws InterruptedException {
    Map<String, String> environment = new HashMap<>();
    environment.put("SECRET_ID", secretId);
    environment.put("DATABASE_URL", postgres.jdbcUrl("postgres"));
    environment.put("EVERCRED_LOAD_TIMEOUT", LOAD_TIMEOUT.toString());
    environment.put("EVERCRED_REFRESH_AFTER", options.refreshAfter().toString());
    environment.put("EVERCRED_REVALIDATE_AFTER", options.revalidateAfter().toString());
    // What Lambda sets itself; by the name Evercred sees that the process may freeze.
    environment.put("AWS_LAMBDA_FUNCTION_NAME", handler.getSimpleName());
    environment.put("AWS_REGION", secrets.region());
    // The local Secrets Manager instead of AWS, which takes any credentials.
    environment.put("EVERCRED_ENDPOINT", secrets.endpoint().toString());
    environment.put("AWS_ACCESS_KEY_ID", "local");
    environment.put("AWS_SECRET_ACCESS_KEY", "local");
    environment.putAll(more);
    environment.putAll(variables);
    LocalFunction function =
        LocalFunction.start(
            handler,
            classPath,
            environment,
            line -> log.accept(handler.getSimpleName() + ": " + line));
    functions.add(function);
    Answer made = function.awaitInit();
    if (made.error().isPresent()) {
      throw new IllegalStateException(
          function.name() + " could not initialise: " + made.error().get());
    }
    row(function.name(), "initialised, with its JVM", text(made.time()), "");
    return function;
  }

  /** What the function has to answer with the value that is AWSCURRENT now. */
  private Map<String, String> apiAnswer(String secretId) {
    String apiKey = Objects.requireNonNull(apiKeys.get(secretId));
    return Map.of("signature", Signature.of(ORDER, apiKey), "version", current(secretId));
  }

  /** The same of the other function: with another password it would not be logged in. */
  private Map<String, String> databaseAnswer() {
    return Map.of("user", USER, "version", current(DATABASE_SECRET));
  }

  /** Shows what is no invocation and answers nothing. */
  private void done(LocalFunction function, String turn, Answer answer) {
    row(function.name(), turn, text(answer.time()), answer.error().isPresent() ? "failed" : "");
    answer
        .error()
        .ifPresent(error -> faults.add(function.name() + ", " + turn + ": it failed: " + error));
  }

  /** Shows an invocation, and checks what it has answered. */
  private Answer invoked(
      LocalFunction function, String turn, Answer answer, Map<String, String> expected) {
    String version = answer.value("version");
    boolean isCurrent = version.equals(expected.get("version"));
    boolean failed = answer.error().isPresent();
    row(
        function.name(),
        turn,
        text(answer.time()),
        failed ? "failed" : version + (isCurrent ? "" : " (old)"));
    String fault = null;
    if (failed) {
      fault = "it failed: " + answer.error().get();
    } else if (!isCurrent) {
      fault = "it worked with version " + version + ", not with " + expected.get("version");
    } else if (!answer.values().equals(expected)) {
      fault = "it answered " + answer.values() + ", not " + expected;
    }
    if (fault != null) {
      faults.add(function.name() + ", " + turn + ": " + fault);
    }
    return answer;
  }

  private void inTime(LocalFunction function, Answer answer) {
    if (answer.time().compareTo(LOAD_TIMEOUT) > 0) {
      faults.add(
          "%s took %s after the thaw, longer than loadTimeout (%s)"
              .formatted(function.name(), text(answer.time()), text(LOAD_TIMEOUT)));
    }
  }

  /** The four steps for a key that no database checks: the second and third have nothing to do. */
  private void rotateApiKey(String secretId) {
    String version = secrets.putSecretValue(secretId, null, newApiSecret(secretId), "AWSPENDING");
    afterEachStep.run();
    secrets.moveLabel(secretId, "AWSCURRENT", version);
    secrets.moveLabel(secretId, "AWSPENDING", null);
    row("Secrets Manager", secretId + " rotated", "", current(secretId));
  }

  private void rotateDatabase() throws SQLException {
    rotation.createSecret();
    afterEachStep.run();
    rotation.setSecret();
    afterEachStep.run();
    rotation.testSecret();
    afterEachStep.run();
    rotation.finishSecret();
    afterEachStep.run();
    row("Secrets Manager", DATABASE_SECRET + " rotated", "", current(DATABASE_SECRET));
  }

  private String current(String secretId) {
    return secrets.versionId(secretId, "AWSCURRENT").orElseThrow();
  }

  private void row(String who, String what, String time, String version) {
    out.println(
        String.format(Locale.ROOT, "%-16s  %-29s  %7s  %s", who, what, time, version)
            .stripTrailing());
  }

  static String text(Duration time) {
    long millis = time.toMillis();
    return millis == 0 || (millis < 10_000 && millis % 1000 != 0)
        ? millis + " ms"
        : Duration.ofMillis(millis).toString().substring(2).toLowerCase(Locale.ROOT);
  }

  private static void pauseUntil(long nanoTime) throws InterruptedException {
    for (long left; (left = nanoTime - System.nanoTime()) > 0; ) {
      if (Thread.interrupted()) {
        throw new InterruptedException();
      }
      LockSupport.parkNanos(left);
    }
  }

  @Override
  public void close() {
    functions.forEach(LocalFunction::close);
  }
}
