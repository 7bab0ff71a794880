package io.github.evercred.jdbc;

import java.io.IOException;
import java.io.InputStream;
import java.sql.SQLException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.WeakHashMap;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Where options are looked for. The first place that holds one decides: URL parameter, property,
 * setter of a data source, system property, environment variable, the file {@code
 * secretsmanager.properties} on the class path. The last three also know the names of AWS's driver,
 * each after our own.
 *
 * @param url what was taken out of the URL
 * @param properties ours among the caller's
 * @param setters what was set on a data source
 * @param surroundings what holds for the whole JVM
 */
record Settings(
    Map<String, String> url,
    Map<String, String> properties,
    Map<String, String> setters,
    Surroundings surroundings) {

  /** Names of environment variables, made once. */
  private static final Map<String, String> VARIABLES = new ConcurrentHashMap<>();

  /**
   * A value, as it is written.
   *
   * @param text not blank
   * @param name the name that the caller knows it by
   * @param own whether it was said of this connection, not of the whole JVM
   */
  record Found(String text, String name, boolean own) {}

  /** What holds for the whole JVM. */
  record Surroundings(Properties system, Map<String, String> environment, Properties file) {
    private static final String FILE = "secretsmanager.properties";

    /** What was read of the file, by the class loader that found it. */
    private static final Map<ClassLoader, Properties> FILES = new WeakHashMap<>();

    /** Reads the file once for a class loader. */
    static Surroundings here() throws SQLException {
      Properties file = new Properties();
      for (ClassLoader loader : Engine.loaders()) {
        Properties found = file(loader);
        if (!found.isEmpty()) {
          file = found;
          break;
        }
      }
      return new Surroundings(System.getProperties(), System.getenv(), file);
    }

    private static Properties file(ClassLoader loader) throws SQLException {
      synchronized (FILES) {
        Properties known = FILES.get(loader);
        if (known != null) {
          return known;
        }
      }
      Properties read = new Properties();
      try (InputStream in = loader.getResourceAsStream(FILE)) {
        if (in != null) {
          read.load(in);
        }
      } catch (IOException | IllegalArgumentException e) {
        throw Failures.configuration(
            FILE + " on the class path cannot be read: mend it or take it away", e);
      }
      synchronized (FILES) {
        FILES.put(loader, read);
      }
      return read;
    }
  }

  /**
   * Finds an option.
   *
   * @param name without prefix
   * @return null if it stands nowhere
   */
  @Nullable Found find(String name) {
    String key = Option.PREFIX + name;
    Found found = found(url.get(key), "", key, true);
    found = found != null ? found : found(properties.get(key), "", key, true);
    found = found != null ? found : found(setters.get(name), "", name, true);
    return found != null ? found : findAround(name, key);
  }

  /** What is said for the whole JVM. */
  private @Nullable Found findAround(String name, String key) {
    Found found = inSystem(key);
    for (String theirs : found != null ? List.<String>of() : awsNames(name)) {
      found = found != null ? found : inSystem(theirs);
    }
    if (found != null) {
      return found;
    }
    found = variable(variableName(name));
    if (found == null && name.equals("region")) {
      found = variable("AWS_SECRET_JDBC_REGION");
    }
    return found != null ? found : findInFile(name, key);
  }

  private @Nullable Found inSystem(String key) {
    return found(surroundings.system().getProperty(key), "system property ", key, false);
  }

  private @Nullable Found variable(String name) {
    return found(surroundings.environment().get(name), "environment variable ", name, false);
  }

  private @Nullable Found findInFile(String name, String key) {
    Properties file = surroundings.file();
    Found found = inFile(file, key);
    for (String theirs : found != null ? List.<String>of() : awsNames(name)) {
      found = found != null ? found : inFile(file, theirs);
    }
    return found;
  }

  private static @Nullable Found inFile(Properties file, String key) {
    Found found = found(file.getProperty(key), "", key, false);
    return found == null
        ? null
        : new Found(found.text(), key + " in secretsmanager.properties", false);
  }

  /** As {@code SecretCacheBuilder} names them: {@code EVERCRED_REFRESH_AFTER}. */
  private static String variableName(String name) {
    return VARIABLES.computeIfAbsent(
        name, n -> "EVERCRED_" + n.replaceAll("([A-Z])", "_$1").toUpperCase(Locale.ROOT));
  }

  /**
   * What AWS's driver calls an option, among system properties and in the file (<a
   * href="https://github.com/aws/aws-secretsmanager-jdbc#configuration">its README</a>).
   */
  private static List<String> awsNames(String name) {
    return switch (name) {
      case "region" -> List.of("drivers.vpcEndpointRegion", "drivers.region");
      case "endpoint" -> List.of("drivers.vpcEndpointUrl");
      default -> List.of();
    };
  }

  /** The real driver's class as users of AWS's driver have named it for an engine. */
  @Nullable Found findDriver(String engine) {
    Found found = find(Option.DRIVER_CLASS.bareName());
    if (found == null) {
      String theirs = "drivers." + engine + ".realDriverClass";
      found = inSystem(theirs);
      found = found != null ? found : inFile(surroundings.file(), theirs);
    }
    return found;
  }

  /**
   * Fails where AWS's driver was told to use post-quantum TLS: its HTTP client is another one, and
   * going on with less than was asked for must not happen silently.
   */
  void requireNoPostQuantumTls() throws SQLException {
    String theirs = "drivers.postQuantumTlsEnabled";
    String told =
        surroundings.system().getProperty(theirs, surroundings.file().getProperty(theirs, ""));
    if (told.strip().equalsIgnoreCase("true")) {
      throw Failures.configuration(
          theirs
              + " is true, and the HTTP client here (the JDK's) has no post-quantum TLS: take it away, or give an EvercredDataSource a cache whose Secrets Manager client has (aws-crt-client with postQuantumTlsEnabled)");
    }
  }

  /** Most places hold nothing, at each login, so a name is made only where there is something. */
  private static @Nullable Found found(
      @Nullable String text, String kind, String name, boolean own) {
    return text == null || text.isBlank() ? null : new Found(text, kind + name, own);
  }
}
