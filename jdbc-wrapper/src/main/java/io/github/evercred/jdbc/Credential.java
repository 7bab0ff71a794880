package io.github.evercred.jdbc;

import io.github.evercred.FailureKind;
import io.github.evercred.SecretException;
import io.github.evercred.SecretValue;
import java.sql.SQLException;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a version of a secret says: user name, password and, where the URL does not, the place. Both
 * of a pair come from one version. Immutable; holds options alone, no value.
 */
final class Credential {
  private final Map<Option, String> options;
  private final Map<String, FailureKind> failures;

  Credential(Map<Option, String> options) {
    this.options = options;
    String told = options.get(Option.FAILURES);
    this.failures = told == null ? Map.of() : Option.failures(told);
  }

  private String key(Option option) {
    return Objects.requireNonNull(options.getOrDefault(option, option.standard));
  }

  /**
   * Returns the user name.
   *
   * @throws SecretException if the secret has none and none was given
   */
  String userName(SecretValue version) {
    String given = options.get(Option.USERNAME);
    if (given == null) {
      return field(version, Option.USERNAME_KEY);
    }
    if (isPlain(version)) {
      return given;
    }
    return version.optionalField(key(Option.USERNAME_KEY)).orElse(given);
  }

  /**
   * Returns the password.
   *
   * @throws SecretException if the secret has none
   */
  String password(SecretValue version) {
    if (options.containsKey(Option.USERNAME) && isPlain(version)) {
      return version.asString();
    }
    return field(version, Option.PASSWORD_KEY);
  }

  /** Whether it is a text that is no JSON object. */
  private boolean isPlain(SecretValue version) {
    if (version.isBinary()) {
      return false;
    }
    try {
      Optional<String> unused = version.optionalField("");
      return false;
    } catch (SecretException e) {
      return e.reason() == SecretException.Reason.MALFORMED;
    }
  }

  private String field(SecretValue version, Option option) {
    try {
      return version.field(key(option));
    } catch (SecretException e) {
      throw new SecretException(e.reason(), e.getMessage() + hint(option), e);
    }
  }

  private static String hint(Option option) {
    return switch (option) {
      case USERNAME_KEY ->
          " Where it stands under another key, say so by %s; where the whole secret is the password, give the user name by %s."
              .formatted(Option.USERNAME_KEY.key(), Option.USERNAME.key());
      case HOST_KEY ->
          " The URL names no host, so the secret must; one that RDS manages holds only user name and password: write jdbc:evercred:<engine>://host:port/database."
              + " Where it stands under another key, say so by %s."
                  .formatted(Option.HOST_KEY.key());
      default -> " Where it stands under another key, say so by %s.".formatted(option.key());
    };
  }

  boolean asksForTls(SecretValue version) {
    return !(options.containsKey(Option.USERNAME) && isPlain(version))
        && version.optionalField("ssl").filter("true"::equalsIgnoreCase).isPresent();
  }

  /**
   * Returns the URL that a version of the secret completes.
   *
   * @param url without an address, perhaps without an engine
   * @throws SQLException if what the secret says cannot stand in a URL; never quotes it
   */
  JdbcUrl place(SecretValue version, JdbcUrl url) throws SQLException {
    JdbcUrl ofEngine = withEngine(version, url);
    Engine engine = ofEngine.engine();
    try {
      String port = version.optionalField(key(Option.PORT_KEY)).orElse("");
      HostPort place =
          HostPort.of(
              field(version, Option.HOST_KEY).strip(),
              port.isBlank() ? engine.defaultPort() : HostPort.port(port));
      String database =
          version.optionalField(key(Option.DBNAME_KEY)).filter(d -> !d.isBlank()).orElse(null);
      return ofEngine.withAddress(engine.dialect().address(place, database, asksForTls(version)));
    } catch (IllegalArgumentException e) {
      throw Failures.configuration(
          "Secret '%s' (version %s) does not say where the database is: %s"
              .formatted(version.secretId(), version.versionId(), e.getMessage()),
          e);
    }
  }

  /** The secret's own engine, where the URL names none; where both do they must agree. */
  private static JdbcUrl withEngine(SecretValue version, JdbcUrl url) throws SQLException {
    String named = version.optionalField("engine").orElse("").strip().toLowerCase(Locale.ROOT);
    Engine its = Engine.ofSecret(named);
    if (!url.isOfAnyEngine()) {
      Engine engine = url.engine();
      if (its != null && !its.isLike(engine)) {
        throw Failures.configuration(
            "Secret '%s' is for engine %s, and the URL for %s: correct one of them"
                .formatted(version.secretId(), its, engine));
      }
      return url;
    }
    if (its == null) {
      throw Failures.configuration(
          ("The URL names no database, and secret '%s' (version %s) has no field 'engine' that is known here"
                  + " (%s): write jdbc:evercred:<engine>: with the secret as user")
              .formatted(version.secretId(), version.versionId(), Engine.secretNames()));
    }
    return url.withEngineOfSecret(its);
  }

  /** What the caller said that a failure means; null if he did not. */
  @Nullable FailureKind told(SQLException failure) {
    if (failures.isEmpty()) {
      return null;
    }
    FailureKind kind = failures.get(Integer.toString(failure.getErrorCode()));
    String state = failure.getSQLState();
    return kind != null || state == null ? kind : failures.get(state.toUpperCase(Locale.ROOT));
  }
}
