package io.github.evercred.integration;

import io.github.evercred.testkit.LocalPostgres;
import io.github.evercred.testkit.LocalSecretsManager;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/** One PostgreSQL and one Secrets Manager for all test classes, closed after the last one. */
final class Servers implements ParameterResolver {
  private static final ExtensionContext.Namespace NAMESPACE =
      ExtensionContext.Namespace.create(Servers.class);

  record Running(LocalPostgres postgres, LocalSecretsManager secrets) implements AutoCloseable {

    static Running start() {
      return new Running(LocalPostgres.start(), LocalSecretsManager.start());
    }

    /** A user of the database, with a schema of its own, whose password is in a secret. */
    Application application(String name) throws Exception {
      return new Application(name, this);
    }

    @Override
    public void close() {
      try (secrets) {
        postgres.close();
      }
    }
  }

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    return parameter.getParameter().getType() == Running.class;
  }

  @Override
  public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    return context
        .getRoot()
        .getStore(NAMESPACE)
        .getOrComputeIfAbsent(Running.class, key -> Running.start(), Running.class);
  }
}
