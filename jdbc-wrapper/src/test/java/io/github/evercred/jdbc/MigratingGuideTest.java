package io.github.evercred.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.AwsSecretSource;
import io.github.evercred.SecretCache;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Driver;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/** What the guides name exists, and what is understood of AWS's driver is named. */
class MigratingGuideTest {
  private static final Path DOCS = Path.of("..", "docs");
  private static final String GUIDE = "migrating-from-aws-secretsmanager-jdbc.md";
  private static final String ROTATION = "rotation.md";
  private static final Path SELF =
      Path.of("src/test/java/io/github/evercred/jdbc/MigratingGuideTest.java");
  private static final Path SETTINGS =
      Path.of("src/main/java/io/github/evercred/jdbc/Settings.java");

  /** What begins like a name of ours. */
  private static final Pattern OUR_CLASS =
      Pattern.compile(
          "(?<![\\w.])(?:Evercred|PlainUrl|Secret|Rotation|Login|AwsSecret|Database)[A-Z]\\w*");

  /** Of AWS's caching library. */
  private static final Set<String> THEIRS = Set.of("SecretCacheConfiguration");

  private static final Pattern OUR_PACKAGE =
      Pattern.compile("io\\.github\\.evercred(?:\\.[a-z]+)*\\.[A-Z]\\w*");

  private String guide = "";

  @BeforeEach
  void readGuide() throws IOException {
    guide = Files.readString(DOCS.resolve(GUIDE));
  }

  @SuppressWarnings("unused") // Compiled, not run: it would call AWS.
  static void example(SecretsManagerClient client) {
    // begin
    SecretCache cache = SecretCache.builder().source(AwsSecretSource.of(client)).build();

    EvercredDataSource database = new EvercredDataSource();
    database.setUrl("jdbc:postgresql://db.example.com:5432/orders");
    database.setSecretId("prod/orders/db");
    database.setCache(cache);

    Driver driver = new EvercredDriver(cache); // Where a driver object is wanted.
    // end
  }

  @Test
  void javaBlocks_all_areTheCompiledOne() throws IOException {
    List<String> compiled =
        found(
            Pattern.compile("^    // begin\n(.*?)^    // end$", Pattern.DOTALL | Pattern.MULTILINE),
            Files.readString(SELF));

    assertThat(blocks("java")).isEqualTo(compiled.stream().map(c -> c.indent(-4)).toList());
  }

  @ParameterizedTest
  @ValueSource(strings = {GUIDE, ROTATION})
  void options_named_exist(String page) throws IOException {
    Set<String> named =
        new TreeSet<>(
            found(
                Pattern.compile("(?<!github\\.)\\b(evercred\\.[A-Za-z]+)"),
                Files.readString(DOCS.resolve(page))));

    assertThat(named)
        .hasSizeGreaterThan(5)
        .allMatch(key -> Option.of(key) != null || CacheOptions.has(key));
  }

  @Test
  void environmentVariables_named_setAnOption() throws SQLException {
    for (String variable : new TreeSet<>(found(Pattern.compile("\\b(EVERCRED_[A-Z_]+)"), guide))) {
      var settings =
          new Settings(
              Map.of(),
              Map.of(),
              Map.of(),
              new Settings.Surroundings(
                  new Properties(), Map.of(variable, "value"), new Properties()));

      assertThat(names().stream().filter(name -> settings.find(name) != null))
          .as(variable)
          .hasSize(1);
    }
  }

  private static List<String> names() {
    List<String> names = new ArrayList<>(CacheOptions.names());
    for (Option option : Option.values()) {
      names.add(option.bareName());
    }
    return names;
  }

  @Test
  void awsNames_understood_areThoseThatAreNamed() throws IOException {
    String settings = Files.readString(SETTINGS);
    Pattern key = Pattern.compile("\\b(drivers\\.[A-Za-z]+)\\b");
    Set<String> understood = new TreeSet<>(found(key, settings));
    Set<String> tabled = new TreeSet<>();
    guide
        .lines()
        .filter(line -> line.startsWith("| `drivers."))
        .forEach(line -> tabled.addAll(found(key, line)));

    assertThat(understood).hasSizeGreaterThanOrEqualTo(4);
    assertThat(tabled).isEqualTo(understood);
    for (String other :
        List.of("AWS_SECRET_JDBC_REGION", "secretsmanager.properties", ".realDriverClass")) {
      assertThat(settings).contains(other);
      assertThat(guide).contains(other);
    }
  }

  @Test
  void awsNames_ofTheTable_work() throws SQLException {
    var system = new Properties();
    system.setProperty("drivers.region", "eu-north-1");
    system.setProperty("drivers.vpcEndpointUrl", "https://vpce.example.com");
    system.setProperty("drivers.mysql.realDriverClass", "example.RealDriver");
    Settings settings = around(system, Map.of("AWS_SECRET_JDBC_REGION", "eu-west-2"));

    assertThat(settings.find("region")).extracting(Settings.Found::text).isEqualTo("eu-north-1");
    assertThat(settings.find("endpoint"))
        .extracting(Settings.Found::text)
        .isEqualTo("https://vpce.example.com");
    assertThat(settings.findDriver("mysql"))
        .extracting(Settings.Found::text)
        .isEqualTo("example.RealDriver");
    system.setProperty("drivers.vpcEndpointRegion", "eu-south-1");
    assertThat(settings.find("region")).extracting(Settings.Found::text).isEqualTo("eu-south-1");
    assertThat(
            around(new Properties(), Map.of("AWS_SECRET_JDBC_REGION", "eu-west-2")).find("region"))
        .extracting(Settings.Found::text)
        .isEqualTo("eu-west-2");
  }

  private static Settings around(Properties system, Map<String, String> environment) {
    return new Settings(
        Map.of(),
        Map.of(),
        Map.of(),
        new Settings.Surroundings(system, environment, new Properties()));
  }

  @ParameterizedTest
  @ValueSource(strings = {GUIDE, ROTATION})
  void classes_named_exist(String page) throws IOException {
    String text = Files.readString(DOCS.resolve(page));
    Set<String> full = new TreeSet<>(found(OUR_PACKAGE, text));
    Set<String> simple = new TreeSet<>(found(OUR_CLASS, text));
    simple.removeAll(THEIRS);

    assertThat(simple).hasSizeGreaterThan(3);
    assertThat(full).allMatch(MigratingGuideTest::exists);
    assertThat(simple)
        .allMatch(
            name ->
                exists("io.github.evercred.jdbc." + name) || exists("io.github.evercred." + name));
  }

  private static boolean exists(String className) {
    try {
      Class<?> unused = Class.forName(className, false, MigratingGuideTest.class.getClassLoader());
      return true;
    } catch (ClassNotFoundException e) {
      return false;
    }
  }

  @Test
  void awsDriverClasses_ofTheTable_areAllSeven() {
    assertThat(
            found(
                Pattern.compile("^\\| `(AWSSecretsManager\\w+Driver)` ", Pattern.MULTILINE), guide))
        .hasSize(7)
        .doesNotHaveDuplicates();
  }

  @Test
  void configurations_after_nameADriverThatTakesTheirUrl() throws Exception {
    List<String> after = new ArrayList<>(blocks("properties"));
    for (String diff : blocks("diff")) {
      String left =
          diff.lines()
              .filter(line -> !line.startsWith("-"))
              .map(line -> line.substring(1))
              .reduce("", (all, line) -> all + line + "\n");
      if (left.contains("driver-class-name")) {
        after.add(left);
      }
    }

    assertThat(after).hasSize(4);
    for (String text : after) {
      var example = new Properties();
      example.load(new StringReader(text));
      String url = example.getProperty("spring.datasource.url");
      Driver driver =
          Class.forName(example.getProperty("spring.datasource.driver-class-name"))
              .asSubclass(Driver.class)
              .getConstructor()
              .newInstance();
      assertThat(driver.acceptsURL(url)).as(url).isTrue();
      assertThat(JdbcUrl.parse(url).engine().name()).isEqualTo("postgresql");
      assertThat(example).containsKey("spring.datasource.username");
      assertThat(example.stringPropertyNames()).noneMatch(name -> name.contains("password"));
    }
  }

  @Test
  void urlWithoutAddress_ofTheTable_keepsItsParameters() throws SQLException {
    String url = "jdbc:evercred:postgresql:///?sslmode=verify-full";
    assertThat(guide).contains("`" + url + "`");

    JdbcUrl parsed = JdbcUrl.parse(url);

    assertThat(parsed.hasNoAddress()).isTrue();
    assertThat(parsed.parameters()).containsEntry("sslmode", "verify-full");
  }

  @ParameterizedTest
  @ValueSource(strings = {GUIDE, ROTATION})
  void links_leadSomewhere(String page) throws IOException {
    for (String link :
        found(Pattern.compile("]\\(([^)]+)\\)"), Files.readString(DOCS.resolve(page)))) {
      if (link.startsWith("https://")) {
        continue;
      }
      int hash = link.indexOf('#');
      String file = hash < 0 ? link : link.substring(0, hash);
      Path target = DOCS.resolve(file.isEmpty() ? page : file);
      assertThat(target).exists();
      if (hash >= 0) {
        assertThat(headings(target)).contains(link.substring(hash + 1));
      }
    }
  }

  private static Set<String> headings(Path page) throws IOException {
    Set<String> headings = new HashSet<>();
    Pattern heading = Pattern.compile("^#+ (.*)$", Pattern.MULTILINE);
    for (String text : found(heading, Files.readString(page))) {
      headings.add(text.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9 -]", "").replace(' ', '-'));
    }
    return headings;
  }

  @Test
  void rotationPage_endsWithThePlaceForWhatIsMeasured() throws IOException {
    String text = Files.readString(DOCS.resolve(ROTATION));
    int measured = text.indexOf("\n## Measured\n");

    assertThat(measured).isPositive();
    assertThat(text.substring(measured))
        .containsSubsequence("<!-- matrix:begin -->", "<!-- matrix:end -->")
        .endsWith("<!-- matrix:end -->\n");
  }

  private List<String> blocks(String language) {
    return found(Pattern.compile("```" + language + "\n(.*?)```\n", Pattern.DOTALL), guide);
  }

  /** The first group of each, or all of it. */
  private static List<String> found(Pattern pattern, String text) {
    return pattern
        .matcher(text)
        .results()
        .map((MatchResult match) -> match.groupCount() == 0 ? match.group() : match.group(1))
        .toList();
  }
}
