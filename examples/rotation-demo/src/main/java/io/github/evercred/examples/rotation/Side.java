package io.github.evercred.examples.rotation;

import io.github.evercred.examples.rotation.DemoOptions.Strategy;
import io.github.evercred.examples.rotation.Load.Tally;
import io.github.evercred.examples.rotation.Load.Window;
import io.github.evercred.examples.rotation.Results.Count;
import io.github.evercred.examples.rotation.Results.Turn;
import io.github.evercred.testkit.LocalPostgres;
import io.github.evercred.testkit.LocalSecretsManager;
import io.github.evercred.testkit.RecordedRequest;
import io.github.evercred.testkit.Rotation;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * One of the two applications, with the database user, the secret and the rotation that are its
 * own, so that neither learns from the other. Measures what each rotation costs it. Used by one
 * thread, but for {@link #versionName}.
 */
final class Side {
  private final LocalPostgres postgres;
  private final LocalSecretsManager secrets;
  private final String user;
  private final String secretId;
  private final Rotation rotation;
  private final List<String> versions = new ArrayList<>();
  private final List<Turn> turns = new ArrayList<>();
  private @Nullable Window window;
  private long refusedBefore;
  private int callsAtStart;
  private int callsBefore;

  /** Makes the user, who may read the orders, and the secret with its password. */
  Side(LocalPostgres postgres, LocalSecretsManager secrets, String user, Strategy strategy)
      throws SQLException {
    this.postgres = postgres;
    this.secrets = secrets;
    this.user = user;
    this.secretId = "demo/" + user;
    String password = UUID.randomUUID().toString();
    postgres.createUser(user, password);
    postgres.execute("GRANT SELECT ON orders TO " + user);
    secrets.createSecret(
        secretId,
        """
        {"engine": "postgres", "host": "%s", "port": %d, "dbname": "postgres",
         "username": "%s", "password": "%s"}
        """
            .formatted(postgres.host(), postgres.port(), user, password));
    this.rotation =
        strategy == Strategy.ALTERNATING
            ? Rotation.alternatingUsers(secrets, secretId, postgres::adminConnection)
            : Rotation.singleUser(secrets, secretId, postgres::adminConnection);
    secrets.versionId(secretId, "AWSCURRENT").ifPresent(versions::add);
  }

  String secretId() {
    return secretId;
  }

  /** What has been called up to now is no rotation's. */
  void beginRotations() throws SQLException {
    callsAtStart = calls();
    callsBefore = callsAtStart;
    refusedBefore = refused();
  }

  void createSecret() {
    String version = rotation.createSecret();
    synchronized (versions) {
      versions.add(version);
    }
  }

  void setSecret(Load load) throws SQLException {
    rotation.setSecret();
    load.openWindow();
  }

  void testSecret() throws SQLException {
    rotation.testSecret();
  }

  void finishSecret(Load load) {
    window = load.closeWindow();
    rotation.finishSecret();
  }

  /** Closes the account of one rotation. */
  void endTurn() throws SQLException {
    Window closed = window;
    if (closed == null) {
      throw new IllegalStateException("finishSecret comes first");
    }
    long refused = refused();
    int calls = calls();
    turns.add(
        new Turn(
            closed.pooledLogins.sum(),
            closed.unpooledLogins.sum(),
            refused - refusedBefore,
            calls - callsBefore));
    refusedBefore = refused;
    callsBefore = calls;
    window = null;
  }

  /** Names a version for people: {@code v3 (AWSPENDING)}, with the label that it carries now. */
  String versionName(String versionId) {
    int number;
    synchronized (versions) {
      number = versions.indexOf(versionId) + 1;
    }
    for (String label : List.of("AWSCURRENT", "AWSPENDING", "AWSPREVIOUS")) {
      if (secrets.versionId(secretId, label).equals(Optional.of(versionId))) {
        return "v%d (%s)".formatted(number, label);
      }
    }
    return "v" + number;
  }

  Results results(Load load, int unanswered) {
    Map<String, Integer> byLabel = new TreeMap<>();
    for (RecordedRequest request : secrets.requests()) {
      if (request.secretIds().contains(secretId)) {
        String label = request.label() == null ? "AWSCURRENT" : request.label();
        byLabel.merge(request.operation() + " " + label, 1, Integer::sum);
      }
    }
    return new Results(
        load.name,
        count(load.pooled),
        count(load.unpooled),
        load.requestTimes,
        load.loginTimes,
        load.failures.lines(),
        unanswered,
        List.copyOf(turns),
        callsAtStart,
        byLabel);
  }

  private static Count count(Tally tally) {
    return new Count(tally.requests.sum(), tally.failed.sum(), tally.logins.sum());
  }

  /** By the database's own count, for both users where two take turns. */
  private long refused() throws SQLException {
    return postgres.refusedLogins(user) + postgres.refusedLogins(user + "_clone");
  }

  private int calls() {
    int calls = 0;
    for (String operation : secrets.calls().keySet()) {
      calls += secrets.calls(operation, secretId);
    }
    return calls;
  }
}
