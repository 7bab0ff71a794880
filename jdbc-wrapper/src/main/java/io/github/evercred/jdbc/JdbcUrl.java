package io.github.evercred.jdbc;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A JDBC URL as the real driver gets it, and the parameters that were taken out of it.
 *
 * @param engine whose URL it is
 * @param head all before the address: {@code jdbc:}, drivers in between, the sub-protocol
 * @param address what stands between the sub-protocol and the parameters
 * @param kept the parameters that stay, as they are written
 * @param parameters the same, decoded where they can be, by name
 * @param taken those that the real driver does not see, decoded: ours, and those that we set
 *     ourselves; the last ones by lower-case name
 */
record JdbcUrl(
    Engine engine,
    String head,
    String address,
    List<String> kept,
    Map<String, String> parameters,
    Map<String, String> taken) {

  /** The prefix that users of AWS's driver have in their configuration. */
  private static final String AWS_PREFIX = "jdbc-secretsmanager:";

  /** For tools that insist on a URL that begins with {@code jdbc:}. */
  private static final String PREFIX = "jdbc:evercred:";

  private static final Pattern SUB_PROTOCOL = Pattern.compile("([A-Za-z][A-Za-z0-9_+.-]*):");

  /** Where a secret says all of host, port and database. */
  private static final Set<String> NO_ADDRESS = Set.of("", "//", "///", "thin:", "thin:@");

  /**
   * Drivers that stand before another one, whose URL begins with their name. Their class, so that
   * they need not be registered.
   */
  private static final Map<String, String> LAYERS =
      Map.of(
          "aws-wrapper", "software.amazon.jdbc.Driver",
          "p6spy", "com.p6spy.engine.spy.P6SpyDriver",
          "otel", "io.opentelemetry.instrumentation.jdbc.OpenTelemetryDriver");

  /** What we must not overlook, written as only the real driver would understand it. */
  private static final Pattern OVERLOOKED =
      Pattern.compile(
          "(?i)(?:[?&;,:]\\s*evercred\\.\\w*|[?&;,(:/]\\s*(?:user|username|uid|password|password1|pwd))\\s*=");

  static boolean isOurs(@Nullable String url) {
    return url != null && (url.startsWith(AWS_PREFIX) || url.startsWith(PREFIX));
  }

  /**
   * Parses a URL with or without a prefix of ours.
   *
   * @throws SQLException without the URL's text, which may hold a password
   */
  static JdbcUrl parse(String url) throws SQLException {
    String plain =
        url.startsWith(AWS_PREFIX)
            ? url.substring(AWS_PREFIX.length())
            : url.startsWith(PREFIX)
                ? url.substring(PREFIX.length())
                : url.startsWith("jdbc:") ? url.substring("jdbc:".length()) : "";
    if (isOurs(url) && (plain.isEmpty() || plain.startsWith("?"))) {
      return parse(Engine.ANY, "jdbc:", plain);
    }
    int layers = 0;
    @Nullable String layer = null;
    Matcher name = SUB_PROTOCOL.matcher(plain);
    while (true) {
      name.region(layers, plain.length());
      if (!name.lookingAt() || name.group(1).equals("jdbc") || name.group(1).equals("evercred")) {
        throw Failures.configuration(
            "The URL does not name a database: write %spostgresql://host:port/database or the same after %s"
                .formatted(PREFIX, AWS_PREFIX));
      }
      if (!isLayer(name.group(1), plain.substring(name.end()))) {
        break;
      }
      layer = layer == null ? name.group(1) : layer;
      layers = name.end();
    }
    Engine engine = Engine.of(name.group(1));
    if (layer != null) {
      engine = behind(engine, layer);
    }
    return parse(engine, "jdbc:" + plain.substring(0, name.end()), plain.substring(name.end()));
  }

  /** A secret's name or ARN instead of a URL, as AWS's driver takes it. */
  static JdbcUrl ofSecret(String secretId) {
    return new JdbcUrl(
        Engine.ANY, "jdbc:", "", List.of(), Map.of(), Map.of(Option.SECRET_ID.key(), secretId));
  }

  private static boolean isLayer(String name, String rest) {
    if (Engine.known(name) != null) {
      return false;
    }
    Matcher next = SUB_PROTOCOL.matcher(rest);
    return next.lookingAt()
        && (LAYERS.containsKey(name)
            || Engine.known(next.group(1)) != null
            || LAYERS.containsKey(next.group(1)));
  }

  /** The engine behind another driver: its URL and its failures, but not its driver. */
  private static Engine behind(Engine engine, String layer) {
    String driver = LAYERS.get(layer);
    return new Engine(
        engine.name(),
        driver == null ? List.of() : List.of(driver),
        "",
        null,
        engine.syntax(),
        engine.defaultPort(),
        engine.time().inWholeSeconds(),
        engine.dialect());
  }

  private static JdbcUrl parse(Engine engine, String head, String rest) throws SQLException {
    Syntax syntax = engine.syntax();
    int start = syntax.start(rest);
    String address = start < 0 ? rest : rest.substring(0, start);
    var parameters = new LinkedHashMap<String, String>();
    var taken = new LinkedHashMap<String, String>();
    List<String> kept = new ArrayList<>();
    for (String token : start < 0 ? List.<String>of() : syntax.split(rest.substring(start + 1))) {
      int equals = token.indexOf('=');
      String name = (equals < 0 ? token : token.substring(0, equals)).strip();
      String value = equals < 0 ? "" : token.substring(equals + 1);
      String decoded = syntax.decoded(value);
      String ours = taken(engine, name);
      if (ours == null) {
        kept.add(token);
        parameters.put(name, decoded == null ? value : decoded);
        continue;
      }
      if (decoded == null) {
        throw Failures.configuration(
            "URL parameter %s is not a valid percent-encoded text".formatted(name));
      }
      if (taken.put(ours, decoded) != null) {
        throw Failures.configuration("URL parameter %s is given twice".formatted(name));
      }
    }
    if (!taken.isEmpty()) {
      kept.removeIf(String::isEmpty); // Otherwise they stay as they were written.
    }
    var parsed = new JdbcUrl(engine, head, address, List.copyOf(kept), parameters, taken);
    if (OVERLOOKED.matcher(parsed.text()).find()) {
      throw Failures.configuration(
          "The URL holds a user, a password or an evercred option where this database's URL has no parameters: give it as a property");
    }
    return parsed;
  }

  /** The name under which a parameter is taken out, or null if it stays. */
  private static @Nullable String taken(Engine engine, String name) {
    if (Option.isOurs(name)) {
      return name;
    }
    if (Engine.isUser(name)) {
      return "user";
    }
    if (Engine.isPassword(name)) {
      return "password";
    }
    return engine.isTime(name) ? engine.time().property() : null;
  }

  /** The real driver's URL. */
  String text() {
    return head + engine.syntax().join(address, kept);
  }

  /** Whether a secret must say where the database is. */
  boolean hasNoAddress() {
    return NO_ADDRESS.contains(address);
  }

  /** Whether another driver stands before the engine's own. */
  boolean isBehindAnother() {
    return head.indexOf(':') != head.lastIndexOf(':', head.length() - 2);
  }

  /** Whether a parameter of this name is there, in any case. */
  boolean has(String parameter) {
    return parameters.keySet().stream().anyMatch(parameter::equalsIgnoreCase);
  }

  /** Whether the engine, too, is what the secret says. */
  boolean isOfAnyEngine() {
    return engine.name().isEmpty();
  }

  JdbcUrl withEngineOfSecret(Engine its) {
    return new JdbcUrl(its, head + its.name() + ":", address, kept, parameters, taken);
  }

  JdbcUrl withAddress(String other) {
    return new JdbcUrl(engine, head, other, kept, parameters, taken);
  }

  JdbcUrl withEngine(Engine other) {
    return new JdbcUrl(other, head, address, kept, parameters, taken);
  }

  /** Names the engine alone: the rest may hold a password. */
  @Override
  public String toString() {
    return "jdbc:" + engine.name() + ":...";
  }
}
