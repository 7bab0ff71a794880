package io.github.evercred.jdbc;

import io.github.evercred.FailureKind;
import java.sql.Driver;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import org.jspecify.annotations.Nullable;

/** What is peculiar to Amazon Redshift, whose driver and server descend from PostgreSQL's. */
final class Redshift implements Dialect {
  private static final String DEFAULT_PORT = "5439";
  private final Postgres postgres = new Postgres();

  static Engine row() {
    return new Engine(
        "redshift",
        List.of("com.amazon.redshift.Driver", "com.amazon.redshift.jdbc.Driver"),
        "com.amazon.redshift:redshift-jdbc42",
        "com.amazon.redshift.xa.RedshiftXADataSource",
        Syntax.EITHER,
        5439,
        // Measured with 2.3.0 against a socket that accepts and is silent: loginTimeout=1.5 ends
        // after 1.5 s. connectTimeout=1 still waits after 12 s.
        new LoginTime("loginTimeout", LoginTime.Unit.FRACTIONAL_SECONDS, true, null),
        new Redshift());
  }

  /** As PostgreSQL's, but parameters are {@code host} and {@code port} alone, in any case. */
  @Override
  public List<String> hosts(JdbcUrl url, Properties properties) {
    String address = url.address();
    if (address.startsWith("iam:") || "true".equalsIgnoreCase(given("iamAuth", url, properties))) {
      throw new IllegalArgumentException(
          "a login by IAM takes no user and password: write redshift://host:port/database, or use the real driver without a secret");
    }
    List<String> names = new ArrayList<>();
    List<String> ports = new ArrayList<>();
    boolean hasAuthority = Postgres.readAuthority(address, DEFAULT_PORT, names, ports);
    String host = hasAuthority ? parameter("host", url) : given("host", url, properties);
    String port = hasAuthority ? parameter("port", url) : given("port", url, properties);
    return Postgres.join(
        host == null ? names : List.of(host.split(",", -1)),
        port == null ? ports : List.of(port.split(",", -1)));
  }

  private static @Nullable String parameter(String name, JdbcUrl url) {
    for (var parameter : url.parameters().entrySet()) {
      if (parameter.getKey().equalsIgnoreCase(name)) {
        return parameter.getValue();
      }
    }
    return null;
  }

  private static @Nullable String given(String name, JdbcUrl url, Properties properties) {
    String value = parameter(name, url);
    for (String property : properties.stringPropertyNames()) {
      if (value == null && property.equalsIgnoreCase(name)) {
        value = properties.getProperty(property);
      }
    }
    return value;
  }

  @Override
  public boolean isPlacedElsewhere(JdbcUrl url, Properties properties) {
    return given("host", url, properties) != null;
  }

  @Override
  public String address(HostPort place, @Nullable String database, boolean tls) {
    return postgres.address(place, database, tls);
  }

  /**
   * Sets nothing unless the driver is of version 1: without a word of the caller's the driver asks
   * for TLS and verifies the certificate. {@code sslmode=require} is no value of its.
   */
  @Override
  public void raiseTls(JdbcUrl url, Properties properties, Driver driver) {
    for (String name : new String[] {"ssl", "sslmode", "authMech"}) {
      if (given(name, url, properties) != null) {
        return;
      }
    }
    if (driver.getMajorVersion() < 2) {
      properties.setProperty("ssl", "true");
    }
  }

  /** Redshift says 28000 to a wrong password. */
  @Override
  public @Nullable FailureKind sort(SQLException failure) {
    return postgres.sort(failure);
  }
}
