package io.github.evercred.examples.rotation;

import io.github.evercred.examples.rotation.DemoOptions.UsageException;
import io.github.evercred.testkit.LocalPostgres;
import io.github.evercred.testkit.LocalSecretsManager;
import java.io.PrintStream;
import java.sql.SQLException;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.function.Supplier;
import javax.sql.DataSource;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/**
 * Rotates the password of an application under load again and again, and of one that keeps the
 * password it read at its start, and counts what fails. {@link WithEvercred} is the part to copy.
 */
public final class RotationDemo {
  static final String WITH = "with Evercred";
  static final String WITHOUT = "without Evercred";

  private final PrintStream out;
  private final PrintStream err;
  private final boolean terminal;
  private final int columns;
  private final Consumer<LocalSecretsManager> afterEachStep;

  /**
   * Prepares a run.
   *
   * @param terminal whether lines may be rewritten
   * @param columns the terminal's width
   * @param afterEachStep is shown the secrets after each step of a rotation
   */
  RotationDemo(
      PrintStream out,
      PrintStream err,
      boolean terminal,
      int columns,
      Consumer<LocalSecretsManager> afterEachStep) {
    this.out = out;
    this.err = err;
    this.terminal = terminal;
    this.columns = columns;
    this.afterEachStep = afterEachStep;
  }

  /**
   * Runs the demo and ends the JVM: with 0 if nothing failed with Evercred, 1 if something did, 2
   * if an option is wrong.
   *
   * @param arguments see {@code --help}
   */
  public static void main(String[] arguments) {
    QuietLogs.install(WITHOUT);
    // System.console() cannot tell: since JDK 22 there is one for a pipe, too. The script can.
    boolean terminal = Boolean.getBoolean("demo.terminal");
    int columns = Math.max(40, Integer.getInteger("demo.columns", 80));
    RotationDemo demo = new RotationDemo(System.out, System.err, terminal, columns, secrets -> {});
    System.exit(demo.run(List.of(arguments)));
  }

  int run(List<String> arguments) {
    try {
      DemoOptions options = DemoOptions.parse(arguments);
      if (options.help()) {
        out.print(DemoOptions.HELP);
        return 0;
      }
      return run(options);
    } catch (UsageException e) {
      err.println("rotation-demo: " + e.getMessage() + ". Try --help.");
      return 2;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      err.println("rotation-demo: interrupted");
      return 1;
    } catch (SQLException | RuntimeException e) {
      err.println("rotation-demo: could not go on: " + e);
      for (Throwable cause = e.getCause(); cause != null; cause = cause.getCause()) {
        err.println("  because of " + cause);
      }
      return 1;
    }
  }

  private int run(DemoOptions options) throws SQLException, InterruptedException {
    LiveLine live = new LiveLine(out, terminal && !options.plain(), columns);
    live.print("Starting PostgreSQL and a local Secrets Manager ...");
    try (LocalPostgres postgres =
            LocalPostgres.builder().maxConnections(20 + 6 * options.workers()).start();
        LocalSecretsManager secrets = LocalSecretsManager.start();
        SecretsManagerClient client = client(secrets)) {
      postgres.execute(
          "CREATE TABLE orders (id serial PRIMARY KEY, open boolean);"
              + " INSERT INTO orders (open) SELECT n % 3 = 0 FROM generate_series(1, 100) n");
      Side with = new Side(postgres, secrets, "app", options.strategy());
      Side without = new Side(postgres, secrets, "plain_app", options.strategy());
      String url = postgres.jdbcUrl("postgres");
      WithoutEvercred plain = new WithoutEvercred(client, without.secretId(), url);
      try (WithEvercred evercred = new WithEvercred(client, with.secretId(), url);
          Load withLoad = load(WITH, evercred::dataSource, options);
          Load withoutLoad = load(WITHOUT, plain::dataSource, options)) {
        live.print(introduction(options));
        Run run =
            new Run(
                options,
                live,
                evercred,
                with,
                withLoad,
                without,
                withoutLoad,
                () -> afterEachStep.accept(secrets));
        return report(options, live, run.rotate());
      }
    }
  }

  /** A client as an application has it, but for the endpoint and the credentials. */
  private static SecretsManagerClient client(LocalSecretsManager secrets) {
    return SecretsManagerClient.builder()
        .endpointOverride(secrets.endpoint())
        .region(Region.of(secrets.region()))
        .credentialsProvider(
            StaticCredentialsProvider.create(AwsBasicCredentials.create("local", "local")))
        .httpClient(UrlConnectionHttpClient.create())
        .build();
  }

  private static Load load(String name, Supplier<DataSource> database, DemoOptions options) {
    return new Load(
        name, database.get(), database.get(), options.pooledWorkers(), options.unpooledWorkers());
  }

  private static String introduction(DemoOptions options) {
    return """

        Two applications run on it, each with its own user and secret, under the same load:
        %d workers on a HikariCP pool, recycled all the time, and %d that log in for each request.
          %-17s asks Evercred for the credential at each login
          %-17s has read the password at its start, as most services do
        Both secrets now rotate %s, by these steps: createSecret, setSecret, testSecret,
        finishSecret. %s
        """
        .formatted(
            options.pooledWorkers(),
            options.unpooledWorkers(),
            WITH,
            WITHOUT,
            options.rotations() == 1 ? "once" : options.rotations() + " times",
            rotation(options));
  }

  private static String rotation(DemoOptions options) {
    String window = options.window().toString().substring(2).toLowerCase(Locale.ROOT);
    return switch (options.strategy()) {
      case SINGLE_USER ->
          """
          The database takes the new password at setSecret, but AWSCURRENT names it
          only %s later, at finishSecret. In between only AWSPENDING works."""
              .formatted(window);
      case ALTERNATING ->
          """
          Two users take turns: setSecret gives a new password to the one that is
          not in use, and AWSCURRENT names it %s later, at finishSecret. The user that was in use
          goes on working until the next rotation."""
              .formatted(window);
    };
  }

  private static int report(DemoOptions options, LiveLine live, List<Results> results) {
    Results with = results.get(0);
    Results without = results.get(1);
    Report report = new Report(options, with, without);
    live.print("");
    live.print(report.table());
    live.print("");
    live.print(report.legend());
    live.print("");
    failures(live, with, Integer.MAX_VALUE);
    failures(live, without, 2);
    live.print(report.verdict());
    return report.faults().isEmpty() ? 0 : 1;
  }

  private static void failures(LiveLine live, Results results, int most) {
    if (!results.failures().isEmpty()) {
      live.print("What failed " + results.name() + ", the first of each kind:");
      results.failures().stream().limit(most).forEach(line -> live.print("  " + line));
      live.print("");
    }
  }
}
