package io.github.evercred.testkit;

import java.sql.SQLException;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A rotation of one secret in Secrets Manager's four steps, on a real database, or with {@link #of}
 * on anything else that has credentials: {@link #createSecret}, {@link #setSecret}, {@link
 * #testSecret}, {@link #finishSecret}. Each can be called alone, so that a test can stand in the
 * window between two of them; {@link #rotate} does all four. Once finished, the same object can
 * rotate again.
 *
 * <p>The steps, the statements and the secret's shape are those of the rotation functions that AWS
 * publishes for single and for alternating users. Three things differ: the administrator's
 * connection changes the password also for a single user; no step tries a login that may be
 * refused, so that the database's refused logins are the application's alone; and {@link
 * #finishSecret} takes AWSPENDING away unless told to {@linkplain #keepPendingLabel leave it}, as
 * AWS allows both.
 *
 * <p>Of databases, PostgreSQL, MySQL, MariaDB and H2 are supported; the administrator's connection
 * tells which it is. The secret's value is a JSON object with {@code username} and {@code
 * password}; {@code engine}, if there, must fit: {@code postgres} or {@code aurora-postgresql},
 * {@code mysql} or {@code aurora-mysql}, {@code mariadb}, {@code h2}; {@code host}, {@code port}
 * and {@code dbname} say where to log in, unless {@link #jdbcUrl} does. The database's own driver
 * is needed. With MySQL and MariaDB a user who is created is one for any host ({@code '%'}), and a
 * password is changed for every host that the user has. H2's users are in upper case, as its logins
 * are.
 *
 * <p><b>Threads.</b> Instances are thread-safe; steps run one at a time. <b>Blocking.</b> Steps
 * wait for the database or target. <b>Errors.</b> A step out of order, and a secret of another
 * shape, is an {@link IllegalStateException}; the database's or target's errors are thrown as they
 * are, and leave the rotation where it was. No argument may be null. Nothing prints a password.
 */
public final class Rotation {
  /** How far a rotation has come. */
  public enum Step {
    /** No step has been done, or all have been taken back. */
    NOT_STARTED,
    /** AWSPENDING has a value; the database does not know it yet. */
    CREATED,
    /** The database accepts AWSPENDING: with a single user, and AWSPENDING only. */
    SET,
    /** A login with AWSPENDING has succeeded. */
    TESTED,
    /** AWSCURRENT is the new version. */
    FINISHED
  }

  private final LocalSecretsManager secrets;
  private final String secretId;
  private final Rotated rotated;
  private boolean keepPendingLabel;
  private Step step = Step.NOT_STARTED;
  private @Nullable String versionId;
  private @Nullable String previousVersionId;

  /** What is changed: by the ids of versions, so that messages can name them. */
  interface Rotated {
    String newValue(String current);

    void set(String current, String pending) throws SQLException;

    void test(String pending) throws SQLException;

    void setBack(String from, String to) throws SQLException;
  }

  private Rotation(LocalSecretsManager secrets, String secretId, Rotated rotated) {
    this.secrets = Objects.requireNonNull(secrets, "secrets");
    this.secretId = Objects.requireNonNull(secretId, "secretId");
    this.rotated = rotated;
  }

  /**
   * Returns a rotation that changes the password of the secret's user. From {@link #setSecret} to
   * {@link #finishSecret} the database refuses what AWSCURRENT says.
   *
   * @param secrets where the secret is
   * @param secretId name or ARN
   * @param admin opens the administrator's connections
   * @return a rotation, not started
   */
  public static Rotation singleUser(
      LocalSecretsManager secrets, String secretId, AdminConnections admin) {
    return new Rotation(secrets, secretId, new RotatedDatabase(secrets, secretId, admin, false));
  }

  /**
   * Returns a rotation between two users, {@code name} and {@code name_clone}: each turn gives the
   * other one a new password and creates it if need be, with the rights of the first. What
   * AWSCURRENT said stays valid until the turn after.
   *
   * @param secrets where the secret is
   * @param secretId name or ARN
   * @param admin opens the administrator's connections
   * @return a rotation, not started
   */
  public static Rotation alternatingUsers(
      LocalSecretsManager secrets, String secretId, AdminConnections admin) {
    return new Rotation(secrets, secretId, new RotatedDatabase(secrets, secretId, admin, true));
  }

  /**
   * Returns a rotation of something that is no database: an API key, a Redis user, a signing key.
   * The secret's value is any text.
   *
   * @param secrets where the secret is
   * @param secretId name or ARN
   * @param target says what the steps do; called by one step at a time
   * @return a rotation, not started
   */
  public static Rotation of(LocalSecretsManager secrets, String secretId, RotationTarget target) {
    return new Rotation(secrets, secretId, new RotatedTarget(secrets, secretId, target));
  }

  /**
   * Sets the database that {@link #testSecret} logs in to. Without it the secret's own host, port
   * and database are used.
   *
   * @param url without user and password
   * @return this rotation
   * @throws IllegalStateException if it is no database that rotates
   */
  public synchronized Rotation jdbcUrl(String url) {
    Objects.requireNonNull(url, "url");
    if (!(rotated instanceof RotatedDatabase database)) {
      throw new IllegalStateException(
          "A JDBC URL is of no use here: '%s' rotates at %s".formatted(secretId, rotated));
    }
    database.jdbcUrl(url);
    return this;
  }

  /**
   * Leaves AWSPENDING on the new version when the rotation is finished, beside AWSCURRENT, as AWS's
   * own functions may.
   *
   * @return this rotation
   */
  public synchronized Rotation keepPendingLabel() {
    this.keepPendingLabel = true;
    return this;
  }

  /**
   * Returns how far the rotation has come.
   *
   * @return the last step done
   */
  public synchronized Step step() {
    return step;
  }

  /**
   * Returns the version that this rotation makes or has made last.
   *
   * @return the version id
   * @throws IllegalStateException if no rotation has begun
   */
  public synchronized String versionId() {
    if (versionId == null) {
      throw new IllegalStateException(
          "The rotation of '%s' has not begun: call createSecret() first".formatted(secretId));
    }
    return versionId;
  }

  /**
   * First step: puts AWSPENDING on a new version and gives it what the target makes, or
   * AWSCURRENT's JSON with a new random password of 32 characters, and with the other user if users
   * alternate. A rotation that is already begun in Secrets Manager is taken up: its version id, and
   * its value if it has one.
   *
   * @return the new version id
   * @throws IllegalStateException if the secret's value does not have the right shape
   */
  public synchronized String createSecret() {
    if (step != Step.NOT_STARTED && step != Step.FINISHED) {
      return versionId();
    }
    String current = requireVersion(StoredSecret.CURRENT);
    Optional<String> begun =
        secrets.versionId(secretId, StoredSecret.PENDING).filter(id -> !id.equals(current));
    String pending;
    if (begun.isPresent() && secrets.hasValue(secretId, begun.get())) {
      pending = begun.get();
    } else {
      String value = rotated.newValue(current);
      pending = begun.orElseGet(() -> secrets.startRotation(secretId));
      secrets.putSecretValue(secretId, pending, value, StoredSecret.PENDING);
    }
    versionId = pending;
    previousVersionId = current;
    step = Step.CREATED;
    return pending;
  }

  /**
   * Second step: makes the database accept AWSPENDING. A single user's old password is refused from
   * now on; alternating users: the other user is created, or gets a new password.
   *
   * @throws SQLException if the database refuses
   * @throws IllegalStateException if {@link #createSecret} has not been called
   */
  public synchronized void setSecret() throws SQLException {
    require(Step.CREATED, "setSecret", "createSecret");
    if (step == Step.FINISHED) {
      return;
    }
    rotated.set(requireVersion(StoredSecret.CURRENT), versionId());
    reach(Step.SET);
  }

  /**
   * Third step: logs in with AWSPENDING and asks the time. It is a login like any other, and the
   * database counts it.
   *
   * @throws SQLException if the database refuses the login
   * @throws IllegalStateException if {@link #setSecret} has not been called, or if neither the
   *     secret nor {@link #jdbcUrl} says where the database is
   */
  public synchronized void testSecret() throws SQLException {
    require(Step.SET, "testSecret", "setSecret");
    if (step == Step.FINISHED) {
      return;
    }
    rotated.test(versionId());
    reach(Step.TESTED);
  }

  /**
   * Last step: moves AWSCURRENT to the new version; AWSPREVIOUS goes to the one it leaves.
   *
   * @throws IllegalStateException if {@link #testSecret} has not been called
   */
  public synchronized void finishSecret() {
    require(Step.TESTED, "finishSecret", "testSecret");
    if (step == Step.FINISHED) {
      return;
    }
    String version = versionId();
    secrets.moveLabel(secretId, StoredSecret.CURRENT, version);
    if (!keepPendingLabel) {
      removePendingLabel(version);
    }
    step = Step.FINISHED;
  }

  /**
   * Does all four steps, or those that are left of a rotation already begun.
   *
   * @return the new version id
   * @throws SQLException if the database refuses
   * @throws IllegalStateException as the steps do
   */
  public synchronized String rotate() throws SQLException {
    String version = createSecret();
    if (step.compareTo(Step.SET) < 0) {
      setSecret();
    }
    if (step.compareTo(Step.TESTED) < 0) {
      testSecret();
    }
    finishSecret();
    return version;
  }

  /**
   * Gives a begun rotation up: AWSPENDING is removed, and the database stays as it is. After {@link
   * #setSecret} of a single user no label then names the valid password, as when a rotation is
   * cancelled half-way in AWS.
   *
   * @throws IllegalStateException if no rotation is under way
   */
  public synchronized void cancel() {
    if (step == Step.NOT_STARTED || step == Step.FINISHED) {
      throw new IllegalStateException(
          "No rotation of '%s' is under way (%s): there is nothing to cancel"
              .formatted(secretId, step));
    }
    removePendingLabel(versionId());
    step = Step.NOT_STARTED;
  }

  /**
   * Takes a rotation back, wherever it stands, as an operator does: the database gets the password
   * of the version that was AWSCURRENT before, AWSCURRENT goes back to it if it has moved, and
   * AWSPENDING is removed. A user created for alternation stays, with its new password.
   *
   * @throws SQLException if the database refuses; no label has moved then
   * @throws IllegalStateException if no rotation has begun
   */
  public synchronized void rollback() throws SQLException {
    String previous = previousVersionId;
    if (step == Step.NOT_STARTED || previous == null) {
      throw new IllegalStateException(
          "No rotation of '%s' has begun: there is nothing to roll back".formatted(secretId));
    }
    if (step.compareTo(Step.CREATED) > 0) {
      rotated.setBack(versionId(), previous);
    }
    if (step == Step.FINISHED) {
      secrets.moveLabel(secretId, StoredSecret.CURRENT, previous);
    }
    removePendingLabel(versionId());
    step = Step.NOT_STARTED;
  }

  @Override
  public synchronized String toString() {
    return "Rotation[%s, %s, %s]".formatted(secretId, rotated, step);
  }

  private void require(Step least, String wanted, String before) {
    if (step.compareTo(least) < 0) {
      throw new IllegalStateException(
          "%s() of '%s' comes after %s(), and the rotation is only %s"
              .formatted(wanted, secretId, before, step));
    }
  }

  private void reach(Step reached) {
    if (step.compareTo(reached) < 0) {
      step = reached;
    }
  }

  private String requireVersion(String label) {
    return secrets
        .versionId(secretId, label)
        .orElseThrow(
            () ->
                new IllegalStateException(
                    "Secret '%s' has no version labelled %s".formatted(secretId, label)));
  }

  private void removePendingLabel(String version) {
    if (secrets.versionId(secretId, StoredSecret.PENDING).filter(version::equals).isPresent()) {
      secrets.moveLabel(secretId, StoredSecret.PENDING, null);
    }
  }
}
