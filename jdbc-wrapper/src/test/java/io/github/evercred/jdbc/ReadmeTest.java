package io.github.evercred.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.github.evercred.SecretCache;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Driver;
import java.util.Properties;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What the README shows is compiled here, and compared with it. */
class ReadmeTest {
  private static final Path README = Path.of("..", "README.md");
  private static final Path SELF = Path.of("src/test/java/io/github/evercred/jdbc/ReadmeTest.java");

  @SuppressWarnings("unused") // Compiled, not run: it would call AWS.
  static void example() {
    // begin
    SecretCache cache = SecretCache.create();

    EvercredDataSource database = new EvercredDataSource();
    database.setUrl("jdbc:postgresql://db.example.com:5432/orders");
    database.setSecretId("prod/orders/db");
    database.setCache(cache);

    HikariConfig config = new HikariConfig();
    config.setDataSource(database);
    HikariDataSource pool = new HikariDataSource(config);

    String apiKey = cache.get("prod/payment/api").field("key"); // Any other secret: from memory.
    // end
  }

  @Test
  void readme_javaExample_isTheCompiledOne() throws Exception {
    String compiled = between(Files.readString(SELF), "    // begin\n", "    // end\n");

    assertThat(block("java")).isEqualTo(compiled.indent(-4));
  }

  @Test
  void readme_dropInExample_namesADriverThatAcceptsItsUrl() throws Exception {
    var example = new Properties();
    example.load(new StringReader(block("properties")));
    Driver driver =
        Class.forName(example.getProperty("spring.datasource.driver-class-name"))
            .asSubclass(Driver.class)
            .getConstructor()
            .newInstance();

    assertThat(driver.acceptsURL(example.getProperty("spring.datasource.url"))).isTrue();
    assertThat(example).containsKey("spring.datasource.username");
    assertThat(example.stringPropertyNames()).noneMatch(name -> name.contains("password"));
  }

  private static String block(String language) throws Exception {
    return between(Files.readString(README), "```" + language + "\n", "```\n");
  }

  private static String between(String text, String begin, String end) {
    Matcher found =
        Pattern.compile(Pattern.quote(begin) + "(.*?)" + Pattern.quote(end), Pattern.DOTALL)
            .matcher(text);
    assertThat(found.find()).as("something between %s and %s", begin, end).isTrue();
    return found.group(1);
  }
}
