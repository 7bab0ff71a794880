package io.github.evercred.benchmarks;

import java.util.Locale;

/**
 * Where a login goes, and what it needs: with a secret the id and where Secrets Manager is, without
 * one user and password.
 */
record Database(
    String url,
    String driverClass,
    String user,
    String password,
    String secretId,
    String endpoint,
    String region) {

  /** By the name that AWS's driver gives to its own for this database. */
  String awsDriverClass() {
    String engine = url.substring("jdbc:".length(), url.indexOf(':', "jdbc:".length()));
    String name =
        switch (engine.toLowerCase(Locale.ROOT)) {
          case "postgresql" -> "PostgreSQL";
          case "mysql" -> "MySQL";
          case "mariadb" -> "MariaDB";
          default -> throw new IllegalArgumentException("AWS's driver has none for " + engine);
        };
    return "com.amazonaws.secretsmanager.sql.AWSSecretsManager%sDriver".formatted(name);
  }

  /** Not the password. */
  @Override
  public String toString() {
    return url;
  }
}
