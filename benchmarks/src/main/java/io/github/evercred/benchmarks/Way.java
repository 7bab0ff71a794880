package io.github.evercred.benchmarks;

import com.zaxxer.hikari.HikariConfig;
import io.github.evercred.jdbc.EvercredDataSource;
import io.github.evercred.jdbc.EvercredDriver;
import io.github.evercred.jdbc.PlainUrlDriver;
import java.sql.Connection;
import java.sql.Driver;
import java.sql.SQLException;
import java.util.Objects;
import java.util.Properties;
import java.util.logging.Level;
import java.util.logging.Logger;

/** By what an application gets its connections. */
public enum Way {
  /** The database's own driver, with user and password. What the others are compared with. */
  BARE,

  /**
   * The same once more: how far it is from {@link #BARE} is what this machine cannot tell apart.
   */
  BARE_AGAIN,

  /** {@link EvercredDriver}, by its URL. */
  DRIVER,

  /** {@link PlainUrlDriver}, by the database's own URL. */
  PLAIN_URL,

  /** {@link EvercredDataSource}. */
  DATA_SOURCE;

  private static final Logger POOLS = Logger.getLogger("com.zaxxer.hikari");

  static {
    POOLS.setLevel(Level.SEVERE); // They tell of each pool that begins and ends.
  }

  /** Returns whose turn it is in an iteration, warm-ups counted. */
  static Way inTurn(int iteration) {
    return values()[iteration % values().length];
  }

  private boolean isBare() {
    return this == BARE || this == BARE_AGAIN;
  }

  /** Logs in, each time. */
  interface Login {
    Connection connect() throws SQLException;
  }

  private String url(Place place) {
    String url = place.url();
    return this == DRIVER ? url.replace("jdbc:", "jdbc:evercred:") : url;
  }

  private String driverClass(Place place) {
    return switch (this) {
      case DRIVER -> EvercredDriver.class.getName();
      case PLAIN_URL -> PlainUrlDriver.class.getName();
      case BARE, BARE_AGAIN, DATA_SOURCE -> place.driverClass();
    };
  }

  /** What is given beside the URL. */
  private Properties properties(Place place) {
    var properties = new Properties();
    if (isBare()) {
      properties.setProperty("user", Place.USER);
      properties.setProperty("password", Place.PASSWORD);
    } else {
      properties.setProperty("user", Place.SECRET_ID);
      properties.setProperty("evercred.endpoint", Place.endpoint());
      if (place == Place.NOWHERE) {
        properties.setProperty("evercred.driverClass", place.driverClass());
      }
    }
    return properties;
  }

  private static EvercredDataSource dataSource(Place place) {
    var source = new EvercredDataSource();
    source.setUrl(place.url());
    source.setSecretId(Place.SECRET_ID);
    source.setEndpoint(Place.endpoint());
    if (place == Place.NOWHERE) {
      source.setOptions("driverClass=" + place.driverClass());
    }
    return source;
  }

  /** Returns what logs in, as a pool would call it. */
  Login login(Place place) {
    if (this == DATA_SOURCE) {
      return dataSource(place)::getConnection;
    }
    Driver driver = newDriver(driverClass(place));
    String url = url(place);
    Properties properties = properties(place);
    return () -> Objects.requireNonNull(driver.connect(url, properties));
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

  /** Returns what a pool of connections to PostgreSQL is made with, as a user would write it. */
  HikariConfig pool(int size) {
    var config = new HikariConfig();
    config.setMaximumPoolSize(size);
    if (this == DATA_SOURCE) {
      config.setDataSource(dataSource(Place.POSTGRESQL));
      return config;
    }
    Properties properties = properties(Place.POSTGRESQL);
    config.setDriverClassName(driverClass(Place.POSTGRESQL));
    config.setJdbcUrl(url(Place.POSTGRESQL));
    config.setUsername((String) properties.remove("user"));
    config.setPassword((String) properties.remove("password"));
    config.setDataSourceProperties(properties);
    return config;
  }
}
