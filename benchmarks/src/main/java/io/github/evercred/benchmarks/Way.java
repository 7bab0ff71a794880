package io.github.evercred.benchmarks;

import com.zaxxer.hikari.HikariConfig;
import io.github.evercred.jdbc.EvercredDataSource;
import io.github.evercred.jdbc.EvercredDriver;
import io.github.evercred.jdbc.PlainUrlDriver;
import java.sql.Connection;
import java.sql.Driver;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Properties;
import java.util.logging.Level;
import java.util.logging.Logger;

/** By what an application gets its connections. */
public enum Way {
  /** The database's own driver, with user and password. What the others are compared with. */
  BARE("BARE"),

  /**
   * The same once more: how far it is from {@link #BARE} is what this machine cannot tell apart.
   */
  BARE_AGAIN("BARE_AGAIN"),

  /** {@link EvercredDriver}, by its URL. */
  DRIVER("Evercred DRIVER"),

  /** {@link PlainUrlDriver}, by the database's own URL. */
  PLAIN_URL("Evercred PLAIN_URL"),

  /** {@link EvercredDataSource}. */
  DATA_SOURCE("Evercred DATA_SOURCE"),

  /** AWS's driver, aws-secretsmanager-jdbc. */
  AWS_DRIVER("AWS driver"),

  /** AWS's advanced wrapper with its plug-in awsSecretsManager, and no other. */
  AWS_WRAPPER("AWS wrapper, awsSecretsManager"),

  /** AWS's advanced wrapper with its plug-in awsSecretsManager2, and no other. */
  AWS_WRAPPER_2("AWS wrapper, awsSecretsManager2");

  /** They tell of each pool that begins and ends, and of each login that fails. */
  private static final List<Logger> QUIET =
      List.of(Logger.getLogger("com.zaxxer.hikari"), Logger.getLogger("software.amazon"));

  static {
    QUIET.forEach(logger -> logger.setLevel(Level.OFF));
  }

  final String title;

  Way(String title) {
    this.title = title;
  }

  /** Those that can go somewhere, in the order of their turns. */
  static List<Way> to(Place place) {
    return place == Place.POSTGRESQL
        ? List.of(values())
        // The others look at the connections that they are given.
        : Arrays.stream(values()).filter(way -> way.isBare() || way.isEvercred()).toList();
  }

  private boolean isBare() {
    return this == BARE || this == BARE_AGAIN;
  }

  boolean isEvercred() {
    return this == DRIVER || this == PLAIN_URL || this == DATA_SOURCE;
  }

  /** Logs in, each time. */
  interface Login {
    Connection connect() throws SQLException;
  }

  private String url(Database database) {
    String prefix =
        switch (this) {
          case DRIVER -> "jdbc:evercred:";
          case AWS_DRIVER -> "jdbc-secretsmanager:";
          case AWS_WRAPPER, AWS_WRAPPER_2 -> "jdbc:aws-wrapper:";
          case BARE, BARE_AGAIN, PLAIN_URL, DATA_SOURCE -> "jdbc:";
        };
    return prefix + database.url().substring("jdbc:".length());
  }

  private String driverClass(Database database) {
    return switch (this) {
      case DRIVER -> EvercredDriver.class.getName();
      case PLAIN_URL -> PlainUrlDriver.class.getName();
      case AWS_DRIVER -> database.awsDriverClass();
      case AWS_WRAPPER, AWS_WRAPPER_2 -> software.amazon.jdbc.Driver.class.getName();
      case BARE, BARE_AGAIN, DATA_SOURCE -> database.driverClass();
    };
  }

  /** What is given beside the URL. */
  private Properties properties(Database database) {
    var properties = new Properties();
    switch (this) {
      case BARE, BARE_AGAIN -> {
        properties.setProperty("user", database.user());
        properties.setProperty("password", database.password());
      }
      case DRIVER, PLAIN_URL, DATA_SOURCE -> {
        properties.setProperty("user", database.secretId());
        properties.setProperty("evercred.endpoint", database.endpoint());
        if (database.driverClass().equals(NoDatabase.class.getName())) {
          properties.setProperty("evercred.driverClass", database.driverClass());
        }
      }
      case AWS_DRIVER -> {
        properties.setProperty("user", database.secretId());
        // It reads where Secrets Manager is when it is made, and nowhere else.
        System.setProperty("drivers.vpcEndpointUrl", database.endpoint());
        System.setProperty("drivers.vpcEndpointRegion", database.region());
      }
      case AWS_WRAPPER, AWS_WRAPPER_2 -> {
        properties.setProperty(
            "wrapperPlugins", this == AWS_WRAPPER ? "awsSecretsManager" : "awsSecretsManager2");
        properties.setProperty("secretsManagerSecretId", database.secretId());
        properties.setProperty("secretsManagerEndpoint", database.endpoint());
        properties.setProperty("secretsManagerRegion", database.region());
      }
    }
    return properties;
  }

  private static EvercredDataSource dataSource(Database database) {
    var source = new EvercredDataSource();
    source.setUrl(database.url());
    source.setSecretId(database.secretId());
    source.setEndpoint(database.endpoint());
    if (database.driverClass().equals(NoDatabase.class.getName())) {
      source.setOptions("driverClass=" + database.driverClass());
    }
    return source;
  }

  /** Returns what logs in, as a pool would call it. */
  Login login(Database database) {
    if (this == DATA_SOURCE) {
      return dataSource(database)::getConnection;
    }
    String url = url(database);
    Properties properties = properties(database);
    Driver driver = newDriver(driverClass(database));
    return () -> {
      var copy = new Properties(); // AWS's wrapper adds to what it is given.
      copy.putAll(properties);
      return Objects.requireNonNull(driver.connect(url, copy));
    };
  }

  private static Driver newDriver(String className) {
    try {
      return Class.forName(className)
          .asSubclass(Driver.class)
          .getDeclaredConstructor()
          .newInstance();
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Returns what a pool of connections is made with, as a user would write it. */
  HikariConfig pool(Database database, int size) {
    var config = new HikariConfig();
    config.setMaximumPoolSize(size);
    if (this == DATA_SOURCE) {
      config.setDataSource(dataSource(database));
      return config;
    }
    Properties properties = properties(database);
    config.setDriverClassName(driverClass(database));
    config.setJdbcUrl(url(database));
    config.setUsername((String) properties.remove("user"));
    config.setPassword((String) properties.remove("password"));
    config.setDataSourceProperties(properties);
    return config;
  }
}
