package io.github.evercred.integration;

import static org.assertj.core.api.Assertions.assertThat;

import jakarta.persistence.EntityManager;
import jakarta.persistence.EntityManagerFactory;
import jakarta.persistence.Persistence;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.hibernate.dialect.PostgreSQLDialect;
import org.hibernate.engine.spi.SessionFactoryImplementor;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Hibernate ORM with the connections that it makes itself. */
@ExtendWith(Servers.class)
@Timeout(60)
class HibernateTest {

  @ParameterizedTest
  @EnumSource
  void entityManagers_acrossARotation_allWork(
      Form form, Servers.Running servers, @TempDir Path directory) throws Exception {
    Application application = servers.application("hibernate_" + form);
    application.written("META-INF/persistence.xml", form, directory);
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    try (var loader = new URLClassLoader(new URL[] {directory.toUri().toURL()}, before)) {
      thread.setContextClassLoader(loader);
      try (EntityManagerFactory factory = Persistence.createEntityManagerFactory("orders")) {
        acrossARotation(factory, application);
      }
    } finally {
      thread.setContextClassLoader(before);
    }
    Eventually.until(() -> application.sessions() == 0);
  }

  private static void acrossARotation(EntityManagerFactory factory, Application application)
      throws Exception {
    assertThat(factory.unwrap(SessionFactoryImplementor.class).getJdbcServices().getDialect())
        .isInstanceOf(PostgreSQLDialect.class);
    List<EntityManager> open = new ArrayList<>();
    try {
      open.add(using(factory, application));
      long logins = application.logins();
      application.openWindow();
      open.add(using(factory, application));
      open.add(using(factory, application));
      assertThat(application.refused()).isEqualTo(1);
      application.closeWindow();
      open.add(using(factory, application));
      assertThat(application.refused()).isEqualTo(1);
      assertThat(application.logins() - logins).isGreaterThanOrEqualTo(3);
    } finally {
      open.forEach(manager -> manager.getTransaction().rollback());
      open.forEach(EntityManager::close);
    }
  }

  /** In a transaction, so that it keeps its connection. */
  private static EntityManager using(EntityManagerFactory factory, Application application) {
    EntityManager manager = factory.createEntityManager();
    manager.getTransaction().begin();
    assertThat(manager.createNativeQuery("SELECT session_user", String.class).getSingleResult())
        .isEqualTo(application.user());
    return manager;
  }
}
