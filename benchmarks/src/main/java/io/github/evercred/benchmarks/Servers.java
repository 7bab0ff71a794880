package io.github.evercred.benchmarks;

import io.github.evercred.testkit.LocalPostgres;
import io.github.evercred.testkit.LocalSecretsManager;
import java.sql.SQLException;
import java.util.Map;

/**
 * The servers of a run: one PostgreSQL and one Secrets Manager, in or beside the process that
 * compares, for all the JVMs that measure. So all of them log in at the same place.
 */
final class Servers implements AutoCloseable {
  private final LocalPostgres postgres;
  private final LocalSecretsManager secrets;

  private Servers(LocalPostgres postgres, LocalSecretsManager secrets) {
    this.postgres = postgres;
    this.secrets = secrets;
  }

  static Servers start() throws SQLException {
    var servers = new Servers(LocalPostgres.start(), LocalSecretsManager.start());
    servers.postgres.createUser(Place.USER, Place.PASSWORD);
    servers.secrets.createSecret(
        Place.SECRET_ID,
        "{\"username\":\"%s\",\"password\":\"%s\"}".formatted(Place.USER, Place.PASSWORD));
    return servers;
  }

  /** The system properties by which a JVM that measures finds them. */
  Map<String, String> systemProperties() {
    return Map.of(
        Place.URL,
        postgres.jdbcUrl("postgres"),
        Place.ENDPOINT,
        secrets.endpoint().toString(),
        Place.REGION,
        secrets.region(),
        "aws.accessKeyId",
        "local",
        "aws.secretAccessKey",
        "local");
  }

  @Override
  public void close() {
    secrets.close();
    postgres.close();
  }
}
