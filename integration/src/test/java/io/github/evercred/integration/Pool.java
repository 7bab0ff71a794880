package io.github.evercred.integration;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.mchange.v2.c3p0.ComboPooledDataSource;
import com.mchange.v2.c3p0.cfg.C3P0Config;
import com.mchange.v2.c3p0.cfg.C3P0ConfigXmlUtils;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.agroal.api.AgroalDataSource;
import io.agroal.api.AgroalDataSource.FlushMode;
import io.agroal.api.configuration.AgroalDataSourceConfiguration;
import io.agroal.api.configuration.supplier.AgroalDataSourceConfigurationSupplier;
import io.agroal.api.configuration.supplier.AgroalPropertiesReader;
import io.agroal.api.security.NamePrincipal;
import java.io.ByteArrayInputStream;
import java.sql.SQLException;
import java.util.List;
import java.util.Objects;
import java.util.Properties;
import java.util.function.Supplier;
import javax.sql.DataSource;
import org.apache.commons.dbcp2.BasicDataSource;
import org.apache.commons.dbcp2.BasicDataSourceFactory;

/** A pool of at most {@value #SIZE} connections, made from a file. */
enum Pool {
  HIKARI("hikari.properties") {
    @Override
    Running start(Application application, Form form) {
      return hikari(properties(application, form));
    }
  },
  HIKARI_DATA_SOURCE("hikari-data-source.properties") {
    @Override
    Running start(Application application, Form form) {
      return hikari(properties(application, form));
    }
  },
  TOMCAT_JDBC("tomcat-jdbc.properties") {
    @Override
    Running start(Application application, Form form) throws Exception {
      DataSource made =
          new org.apache.tomcat.jdbc.pool.DataSourceFactory()
              .createDataSource(properties(application, form));
      var pool = (org.apache.tomcat.jdbc.pool.DataSource) made;
      return new Running(pool, pool::purge, pool::close);
    }
  },
  DBCP("dbcp.properties") {
    @Override
    Running start(Application application, Form form) throws Exception {
      BasicDataSource pool = BasicDataSourceFactory.createDataSource(properties(application, form));
      return new Running(pool, pool::restart, pool::close);
    }
  },
  C3P0("c3p0-config.xml") {
    @Override
    Running start(Application application, Form form) throws Exception {
      // What it does at its first use with a c3p0-config.xml on the class path.
      String xml = form.in(application.file(file));
      C3P0Config.setMainConfig(
          C3P0ConfigXmlUtils.extractXmlConfigFromInputStream(
              new ByteArrayInputStream(xml.getBytes(UTF_8)), false));
      var pool = new ComboPooledDataSource();
      return new Running(pool, pool::softResetAllUsers, pool::close);
    }
  },
  AGROAL("agroal.properties") {
    @Override
    Running start(Application application, Form form) throws Exception {
      return agroal(
          new AgroalPropertiesReader().readProperties(properties(application, form)), application);
    }
  },
  AGROAL_DATA_SOURCE("agroal-data-source.properties") {
    @Override
    Running start(Application application, Form form) throws Exception {
      return agroal(
          new AgroalPropertiesReader().readProperties(properties(application, form)), application);
    }
  },
  P6SPY("p6spy.properties") {
    @Override
    Running start(Application application, Form form) {
      return hikari(properties(application, form));
    }
  },
  AWS_WRAPPER("aws-wrapper.properties") {
    @Override
    Running start(Application application, Form form) {
      return hikari(properties(application, form));
    }
  },
  /** As Quarkus hands its properties to Agroal; Quarkus itself does not run here. */
  QUARKUS("quarkus.properties") {
    @Override
    Running start(Application application, Form form) throws Exception {
      Properties quarkus = properties(application, form);
      Class<?> driver = Class.forName(value(quarkus, "jdbc.driver"));
      var configuration = new AgroalDataSourceConfigurationSupplier();
      configuration
          .connectionPoolConfiguration()
          .maxSize(Integer.parseInt(value(quarkus, "jdbc.max-size")))
          .connectionFactoryConfiguration()
          .connectionProviderClass(driver)
          .jdbcUrl(value(quarkus, "jdbc.url"))
          .principal(new NamePrincipal(value(quarkus, "username")));
      return agroal(configuration, application);
    }
  };

  static final int SIZE = 4;

  final String file;

  Pool(String file) {
    this.file = file;
  }

  /** Makes a pool open new connections from now on. */
  interface Flush {
    void run() throws Exception;
  }

  /** Ends a pool. */
  interface End {
    void run() throws SQLException;
  }

  /** A pool at work. */
  record Running(DataSource dataSource, Flush flush, End end) implements AutoCloseable {
    @Override
    public void close() throws SQLException {
      end.run();
    }
  }

  abstract Running start(Application application, Form form) throws Exception;

  Properties properties(Application application, Form form) {
    return application.properties(file, form);
  }

  /** The forms to be tried: all of them where the file is in the first one. */
  List<Form> forms() {
    return Example.file(file).contains("EvercredDriver")
        ? List.of(Form.values())
        : List.of(Form.EVERCRED);
  }

  private static String value(Properties quarkus, String name) {
    String key = "quarkus.datasource." + name;
    return Objects.requireNonNull(quarkus.getProperty(key), key);
  }

  private static Running hikari(Properties properties) {
    var pool = new HikariDataSource(new HikariConfig(properties));
    return new Running(pool, () -> pool.getHikariPoolMXBean().softEvictConnections(), pool::close);
  }

  private static Running agroal(
      Supplier<AgroalDataSourceConfiguration> configuration, Application application)
      throws SQLException {
    AgroalDataSource pool = AgroalDataSource.from(configuration);
    return new Running(
        pool,
        () -> {
          pool.flush(FlushMode.GRACEFUL);
          // In the background; nothing wakes a borrower that meets it half-way.
          Eventually.until(() -> application.sessions() == 0);
        },
        pool::close);
  }
}
