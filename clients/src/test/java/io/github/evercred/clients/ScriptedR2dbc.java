package io.github.evercred.clients;

import io.r2dbc.spi.Connection;
import io.r2dbc.spi.ConnectionFactory;
import io.r2dbc.spi.ConnectionFactoryMetadata;
import io.r2dbc.spi.ConnectionFactoryOptions;
import io.r2dbc.spi.ConnectionFactoryProvider;
import io.r2dbc.spi.Option;
import io.r2dbc.spi.R2dbcPermissionDeniedException;
import java.lang.ref.WeakReference;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Mono;

/** An R2DBC driver, found as others are, that does what a test says. */
public final class ScriptedR2dbc implements ConnectionFactoryProvider {
  private static final Option<String> SCRIPT = Option.valueOf("script");
  private static final Map<String, Script> SCRIPTS = new ConcurrentHashMap<>();

  /** What one test has its driver do. */
  static final class Script implements AutoCloseable {
    private final String name;
    private final Function<String, Publisher<Connection>> create;
    final List<WeakReference<ConnectionFactory>> factories = new CopyOnWriteArrayList<>();
    final AtomicInteger closed = new AtomicInteger();
    final List<String> passwords = new CopyOnWriteArrayList<>();

    /**
     * Has the driver do something.
     *
     * @param create makes what a factory gives, of the password
     */
    Script(String name, Function<String, Publisher<Connection>> create) {
      this.name = name;
      this.create = create;
      SCRIPTS.put(name, this);
    }

    /** A server that accepts one password. */
    Script(String name, String accepted) {
      this.name = name;
      this.create =
          password ->
              password.equals(accepted)
                  ? Mono.fromSupplier(this::connection)
                  : Mono.error(new R2dbcPermissionDeniedException("refused", "28000", 1));
      SCRIPTS.put(name, this);
    }

    ConnectionFactoryOptions options() {
      return ConnectionFactoryOptions.builder()
          .option(ConnectionFactoryOptions.DRIVER, "scripted")
          .option(ConnectionFactoryOptions.HOST, name)
          .option(SCRIPT, name)
          .build();
    }

    /** A connection that can be closed, and no more. */
    Connection connection() {
      return (Connection)
          Proxy.newProxyInstance(
              Connection.class.getClassLoader(),
              new Class<?>[] {Connection.class},
              (proxy, method, arguments) ->
                  switch (method.getName()) {
                    case "close" -> Mono.<Void>fromRunnable(closed::incrementAndGet);
                    case "hashCode" -> System.identityHashCode(proxy);
                    case "equals" -> proxy == arguments[0];
                    case "toString" -> "connection of " + name;
                    default -> throw new UnsupportedOperationException(method.getName());
                  });
    }

    @Override
    public void close() {
      SCRIPTS.remove(name);
    }
  }

  /** Made by the service loader. */
  public ScriptedR2dbc() {}

  @Override
  public ConnectionFactory create(ConnectionFactoryOptions options) {
    Script script = Objects.requireNonNull(SCRIPTS.get((String) options.getRequiredValue(SCRIPT)));
    String password = options.getRequiredValue(ConnectionFactoryOptions.PASSWORD).toString();
    var made =
        new ConnectionFactory() {
          @Override
          public Publisher<? extends Connection> create() {
            script.passwords.add(password);
            return script.create.apply(password);
          }

          @Override
          public ConnectionFactoryMetadata getMetadata() {
            return () -> "Scripted";
          }
        };
    script.factories.add(new WeakReference<>(made));
    return made;
  }

  @Override
  public boolean supports(ConnectionFactoryOptions options) {
    return "scripted".equals(options.getValue(ConnectionFactoryOptions.DRIVER));
  }

  @Override
  public String getDriver() {
    return "scripted";
  }
}
