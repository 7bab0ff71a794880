package io.github.evercred.examples.lambda;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import io.github.evercred.PrefetchReport;
import io.github.evercred.RotationListener;
import io.github.evercred.SecretCache;
import io.github.evercred.Target;
import io.github.evercred.jdbc.EvercredDataSource;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A function that asks a database who it is.
 *
 * <p>It logs in at each invocation, without a pool. An environment serves one invocation at a time,
 * so a pool could hold one session that is of use; and it would hold it while the environment is
 * frozen, one for each environment that there is, until the server's limit is reached. After a
 * freeze such a session is often dead, too. Where a login costs too much, RDS Proxy holds the
 * sessions outside the functions.
 */
public final class DatabaseHandler
    implements RequestHandler<Map<String, String>, Map<String, String>> {
  private static final String SECRET_ID = Variables.required("SECRET_ID");
  private static final SecretCache SECRETS = SecretCache.create();

  static {
    CompletableFuture<PrefetchReport> unused = SECRETS.prefetchAsync(SECRET_ID);
  }

  private static final VersionAhead AHEAD = new VersionAhead();
  private static final EvercredDataSource DATABASE = database();

  /** Made by Lambda, once per environment. */
  public DatabaseHandler() {}

  /**
   * Logs in and asks for the user.
   *
   * @param event is not looked at
   * @return {@code user}, and {@code version}, the version of the secret that logins use
   * @throws IllegalStateException if the database cannot be asked; the message says why
   */
  @Override
  public Map<String, String> handleRequest(Map<String, String> event, Context context) {
    try (Connection connection = DATABASE.getConnection();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("select current_user")) {
      row.next();
      String ahead = AHEAD.versionId;
      return Map.of(
          "user",
          row.getString(1),
          "version",
          ahead == null ? SECRETS.get(SECRET_ID).versionId() : ahead);
    } catch (SQLException e) {
      throw new IllegalStateException("The database could not be asked: " + e.getMessage(), e);
    }
  }

  private static EvercredDataSource database() {
    EvercredDataSource source = new EvercredDataSource();
    source.setUrl(Variables.required("DATABASE_URL"));
    source.setSecretId(SECRET_ID);
    source.setCache(SECRETS);
    source.setRotationListener(AHEAD);
    return source;
  }

  /** The version that logins use in the middle of a rotation: then it is not AWSCURRENT. */
  private static final class VersionAhead implements RotationListener {
    private volatile @Nullable String versionId;

    @Override
    public void rotationIncomplete(
        Target target, String secretId, String label, String version, Duration since) {
      versionId = version;
    }

    @Override
    public void rotationComplete(Target target, String secretId, String version) {
      versionId = null;
    }
  }
}
