package io.github.evercred.jdbc;

import io.github.evercred.FailureKind;
import java.sql.Driver;
import java.sql.SQLException;
import java.util.List;
import java.util.Objects;
import java.util.Properties;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What Evercred has to know of a database engine: for one that it does not know, or to put right
 * what it knows of one. All of the JVM's drivers and data sources of Evercred use it, from their
 * next login on.
 *
 * <pre>{@code
 * DatabaseEngine.named("snowflake")
 *     .driverClass("net.snowflake.client.jdbc.SnowflakeDriver")
 *     .failures(e -> e.getErrorCode() == 390100 ? FailureKind.CREDENTIAL : null)
 *     .build()
 *     .register();
 * }</pre>
 *
 * <p>An engine without any of this works, too: its driver is looked for with {@link
 * java.sql.DriverManager}, and SQLSTATE class 28 means a refused login. Codes alone can also be
 * given by the option {@code evercred.failures}, the driver by {@code evercred.driverClass}.
 *
 * <p>Immutable and thread-safe. No argument may be null.
 */
public final class DatabaseEngine {
  private final Engine engine;

  private DatabaseEngine(Engine engine) {
    this.engine = engine;
  }

  /**
   * Starts the description of an engine. What is not said stays as it is known, if the engine is
   * one of those that Evercred knows.
   *
   * @param subProtocol what follows {@code jdbc:} in its URLs
   * @return a builder
   * @throws IllegalArgumentException if it cannot be one
   */
  public static Builder named(String subProtocol) {
    return new Builder(subProtocol);
  }

  /** Makes it known in this JVM, in place of what was known of an engine of this name. */
  public void register() {
    Engine.add(engine);
  }

  /** Takes it back: what Evercred itself knows holds again. Does nothing if it is not known. */
  public void deregister() {
    Engine.remove(engine);
  }

  /** Names the engine. */
  @Override
  public String toString() {
    return "DatabaseEngine[" + engine.name() + "]";
  }

  /** Describes an engine. Not thread-safe. No argument may be null. */
  public static final class Builder {
    private static final Pattern NAME = Pattern.compile("[A-Za-z][A-Za-z0-9_+.-]*");

    private final Engine known;
    private List<String> drivers;
    private @Nullable String xaDataSource;
    private Syntax syntax;
    private int defaultPort;
    private LoginTime time;
    private @Nullable String address;
    private @Nullable String tlsProperty;
    private String tlsValue = "";
    private Function<SQLException, @Nullable FailureKind> failures = failure -> null;

    private Builder(String subProtocol) {
      if (!NAME.matcher(subProtocol).matches()
          || subProtocol.equals("jdbc")
          || subProtocol.equals("evercred")) {
        throw new IllegalArgumentException("'%s' is no sub-protocol".formatted(subProtocol));
      }
      this.known = Engine.of(subProtocol);
      this.drivers = known.drivers();
      this.xaDataSource = known.xaDataSource();
      this.syntax = known.syntax();
      this.defaultPort = known.defaultPort();
      this.time = known.time();
    }

    /**
     * Sets the class of the real driver.
     *
     * @param className a {@code java.sql.Driver} with a constructor without arguments
     * @return this builder
     */
    public Builder driverClass(String className) {
      drivers = List.of(className);
      return this;
    }

    /**
     * Sets the class of the real driver's {@code XADataSource}.
     *
     * @param className a class with a constructor without arguments and a setter {@code setUrl}
     * @return this builder
     */
    public Builder xaDataSourceClass(String className) {
      xaDataSource = Objects.requireNonNull(className, "className");
      return this;
    }

    /**
     * Says that parameters in a URL follow semicolons ({@code //host;name=value}) instead of {@code
     * ?} and {@code &}.
     *
     * @return this builder
     */
    public Builder parametersAfterSemicolons() {
      syntax = Syntax.BRACES;
      return this;
    }

    /**
     * Sets the property by which the driver bounds a whole login.
     *
     * @param property the property's name
     * @param milliseconds true if its number counts milliseconds, false for seconds
     * @return this builder
     */
    public Builder loginTimeout(String property, boolean milliseconds) {
      time =
          new LoginTime(
              Objects.requireNonNull(property, "property"),
              milliseconds ? LoginTime.Unit.MILLISECONDS : LoginTime.Unit.SECONDS,
              true,
              null);
      return this;
    }

    /**
     * Sets how a URL is written for a place that a secret names.
     *
     * @param address what stands between sub-protocol and parameters, with {@code {host}}, {@code
     *     {port}} and {@code {dbname}} in it, such as <code>//{host}:{port}/{dbname}</code>
     * @param port the port where the secret names none, 1 to 65535
     * @return this builder
     * @throws IllegalArgumentException if there is no {@code {host}} in it, or the port is out of
     *     range
     */
    public Builder addressFromSecret(String address, int port) {
      if (!address.contains("{host}")) {
        throw new IllegalArgumentException("address must hold {host}: " + address);
      }
      if (port < 1 || port > 65_535) {
        throw new IllegalArgumentException("port must be 1 to 65535, not " + port);
      }
      this.address = address;
      this.defaultPort = port;
      return this;
    }

    /**
     * Sets the property that asks for TLS, for secrets with {@code ssl} true. It is set where
     * neither the URL nor the caller's properties hold it.
     *
     * @param property the property's name
     * @param value its value
     * @return this builder
     */
    public Builder tls(String property, String value) {
      tlsProperty = Objects.requireNonNull(property, "property");
      tlsValue = Objects.requireNonNull(value, "value");
      return this;
    }

    /**
     * Sets what failures mean, asked before what is known of the engine. Each exception in the
     * chains of a failure is shown alone, causes and next exceptions after those they hang on.
     *
     * @param sort returns null for what says nothing; {@link FailureKind#OTHER} is an answer. Must
     *     not throw or block
     * @return this builder
     */
    public Builder failures(Function<SQLException, @Nullable FailureKind> sort) {
      failures = Objects.requireNonNull(sort, "sort");
      return this;
    }

    /**
     * Ends the description.
     *
     * @return the engine, not registered yet
     */
    public DatabaseEngine build() {
      return new DatabaseEngine(
          new Engine(
              known.name(),
              drivers,
              known.artifact(),
              xaDataSource,
              syntax,
              defaultPort,
              time,
              new Described(known.dialect(), address, tlsProperty, tlsValue, failures)));
    }
  }

  /** What a user has said, before what is known. */
  private record Described(
      Dialect known,
      @Nullable String address,
      @Nullable String tlsProperty,
      String tlsValue,
      Function<SQLException, @Nullable FailureKind> failures)
      implements Dialect {
    private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9_$.-]+");

    @Override
    public List<String> hosts(JdbcUrl url, Properties properties) {
      return known.hosts(url, properties);
    }

    @Override
    public @Nullable String database(JdbcUrl url, Properties properties) {
      return known.database(url, properties);
    }

    @Override
    public boolean isPlacedElsewhere(JdbcUrl url, Properties properties) {
      return known.isPlacedElsewhere(url, properties);
    }

    @Override
    public boolean isOneConnection(JdbcUrl url, Properties properties) {
      return known.isOneConnection(url, properties);
    }

    @Override
    public Set<String> otherCredentials() {
      return known.otherCredentials();
    }

    @Override
    public String address(HostPort place, @Nullable String database, boolean tls) {
      if (address == null) {
        return known.address(place, database, tls);
      }
      String name = database == null ? "" : database;
      if (address.contains("{dbname}") && !PLAIN.matcher(name).matches()) {
        throw new IllegalArgumentException(
            "dbname must be letters, digits and any of _ $ . - for this database");
      }
      return address
          .replace("{host}", place.bracketed())
          .replace("{port}", Integer.toString(place.port()))
          .replace("{dbname}", name);
    }

    @Override
    public void raiseTls(JdbcUrl url, Properties properties, Driver driver) throws SQLException {
      if (tlsProperty == null) {
        known.raiseTls(url, properties, driver);
      } else if (!url.parameters().containsKey(tlsProperty)) {
        Object unused = properties.putIfAbsent(tlsProperty, tlsValue);
      }
    }

    @Override
    public @Nullable FailureKind sort(SQLException failure) {
      FailureKind told = failures.apply(failure);
      return told != null ? told : known.sort(failure);
    }
  }
}
