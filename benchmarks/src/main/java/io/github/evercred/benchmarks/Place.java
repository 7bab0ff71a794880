package io.github.evercred.benchmarks;

import java.util.Objects;

/** Where a login goes. */
public enum Place {
  /** A real PostgreSQL on this machine, with a password by SCRAM. */
  POSTGRESQL("PostgreSQL"),

  /** No database: a driver whose connections are there at once. What is left is the way there. */
  NOWHERE("nowhere");

  static final String URL = "benchmarks.url";
  static final String ENDPOINT = "benchmarks.endpoint";
  static final String REGION = "aws.region";
  static final String USER = "bench";
  static final String PASSWORD = "a password of some length";
  static final String SECRET_ID = "prod/orders/database";

  final String title;

  Place(String title) {
    this.title = title;
  }

  Database database() {
    boolean nowhere = this == NOWHERE;
    return new Database(
        nowhere ? "jdbc:postgresql://db.example.com:5432/orders" : property(URL),
        nowhere ? NoDatabase.class.getName() : "org.postgresql.Driver",
        USER,
        PASSWORD,
        SECRET_ID,
        property(ENDPOINT),
        property(REGION));
  }

  private static String property(String name) {
    return Objects.requireNonNull(
        System.getProperty(name),
        "No system property %s: run benchmarks by Comparison, which starts the servers"
            .formatted(name));
  }
}
