package io.github.evercred.testkit;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionConfigurationException;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.jupiter.api.extension.TestInstancePostProcessor;

/**
 * A JUnit 5 extension that hands a {@link LocalSecretsManager}, a {@link LocalPostgres}, a {@link
 * LocalMySql}, a {@link LocalMariaDb} and a {@link LocalRedis} to tests.
 *
 * <pre>{@code
 * @ExtendWith(EvercredExtension.class)
 * class OrdersTest {
 *   @Test
 *   void survivesARotation(LocalSecretsManager secrets, LocalPostgres postgres) { ... }
 * }
 * }</pre>
 *
 * <p>Each may be parameters of test methods, lifecycle methods and constructors, or fields, static
 * or not, that are not final and still null. It is started when it is first asked for, once per
 * top-level test class with its nested ones, and closed after the last test. State is not reset
 * between tests: use a secret and a user of its own in each.
 *
 * <p>Needs JUnit 5.13 or later, which is an optional dependency of the test kit: no other class
 * needs it. Thread-safe.
 */
public final class EvercredExtension
    implements ParameterResolver, BeforeAllCallback, TestInstancePostProcessor {
  private static final ExtensionContext.Namespace NAMESPACE =
      ExtensionContext.Namespace.create(EvercredExtension.class);
  private static final Map<Class<?>, Supplier<AutoCloseable>> STARTERS =
      Map.of(
          LocalSecretsManager.class, LocalSecretsManager::start,
          LocalPostgres.class, LocalPostgres::start,
          LocalMySql.class, LocalMySql::start,
          LocalMariaDb.class, LocalMariaDb::start,
          LocalRedis.class, LocalRedis::start);

  /** Makes an extension, as JUnit does. */
  public EvercredExtension() {}

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    return isOurs(parameter.getParameter().getType());
  }

  @Override
  public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    return resolve(parameter.getParameter().getType(), context);
  }

  @Override
  public void beforeAll(ExtensionContext context) {
    inject(context.getRequiredTestClass(), null, context);
  }

  @Override
  public void postProcessTestInstance(Object instance, ExtensionContext context) {
    inject(instance.getClass(), instance, context);
  }

  private static boolean isOurs(Class<?> type) {
    return STARTERS.containsKey(type);
  }

  private static Object resolve(Class<?> type, ExtensionContext context) {
    ExtensionContext.Store store = topLevelClass(context).getStore(NAMESPACE);
    return store.getOrComputeIfAbsent(
        type, key -> Objects.requireNonNull(STARTERS.get(type)).get(), AutoCloseable.class);
  }

  private static ExtensionContext topLevelClass(ExtensionContext context) {
    ExtensionContext top = context;
    while (top.getParent().flatMap(ExtensionContext::getTestClass).isPresent()) {
      top = top.getParent().orElseThrow();
    }
    return top;
  }

  private static void inject(Class<?> type, @Nullable Object instance, ExtensionContext context) {
    for (Class<?> c = type; c != null && c != Object.class; c = c.getSuperclass()) {
      for (Field field : c.getDeclaredFields()) {
        boolean wanted =
            isOurs(field.getType())
                && !Modifier.isFinal(field.getModifiers())
                && Modifier.isStatic(field.getModifiers()) == (instance == null);
        if (wanted) {
          setIfNull(field, instance, context);
        }
      }
    }
  }

  private static void setIfNull(Field field, @Nullable Object instance, ExtensionContext context) {
    try {
      field.setAccessible(true);
      if (field.get(instance) == null) {
        field.set(instance, resolve(field.getType(), context));
      }
    } catch (IllegalAccessException | RuntimeException e) {
      throw new ExtensionConfigurationException(
          "Field %s could not be set. If its module is closed, open it to io.github.evercred.testkit, or use a parameter."
              .formatted(field),
          e);
    }
  }
}
