package io.github.evercred.examples.lambda;

import io.github.evercred.examples.lambda.RunnerOptions.UsageException;
import io.github.evercred.testkit.LocalPostgres;
import io.github.evercred.testkit.LocalSecretsManager;
import java.io.PrintStream;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Plays Lambda's part on this machine: it starts the functions, invokes them, freezes them while
 * their secrets rotate, and invokes them again.
 */
public final class LocalRunner {
  private final PrintStream out;
  private final PrintStream err;
  private final String classPath;
  private final Map<String, String> variables;
  private final Consumer<LocalSecretsManager> afterEachStep;

  /**
   * Prepares a run.
   *
   * @param classPath the functions'
   * @param variables of the functions' environment, beside those that are set here
   * @param afterEachStep is shown the secrets after each step
   */
  LocalRunner(
      PrintStream out,
      PrintStream err,
      String classPath,
      Map<String, String> variables,
      Consumer<LocalSecretsManager> afterEachStep) {
    this.out = out;
    this.err = err;
    this.classPath = classPath;
    this.variables = variables;
    this.afterEachStep = afterEachStep;
  }

  /**
   * Runs the cycle and ends the JVM: with 0 if all held, 1 if not, 2 if an option is wrong.
   *
   * @param arguments see {@code --help}
   */
  public static void main(String[] arguments) {
    String classPath = System.getProperty("lambda.classpath");
    if (classPath == null) {
      classPath = System.getProperty("java.class.path");
    }
    LocalRunner runner =
        new LocalRunner(System.out, System.err, classPath, Map.of(), secrets -> {});
    System.exit(runner.run(List.of(arguments)));
  }

  int run(List<String> arguments) {
    try {
      RunnerOptions options = RunnerOptions.parse(arguments);
      if (options.help()) {
        out.print(RunnerOptions.HELP);
        return 0;
      }
      return run(options);
    } catch (UsageException e) {
      err.println("lambda: " + e.getMessage() + ". Try --help.");
      return 2;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      err.println("lambda: interrupted");
      return 1;
    } catch (SQLException | RuntimeException e) {
      err.println("lambda: could not go on: " + e);
      for (Throwable cause = e.getCause(); cause != null; cause = cause.getCause()) {
        err.println("  because of " + cause);
      }
      return 1;
    }
  }

  private int run(RunnerOptions options) throws SQLException, InterruptedException {
    out.println("Starting PostgreSQL and a local Secrets Manager ...");
    try (LocalPostgres postgres = LocalPostgres.start();
        LocalSecretsManager secrets = LocalSecretsManager.start();
        Cycle cycle =
            new Cycle(
                options,
                postgres,
                secrets,
                classPath,
                variables,
                out,
                line -> err.println(line),
                () -> afterEachStep.accept(secrets))) {
      List<String> faults = cycle.play();
      out.println();
      if (faults.isEmpty()) {
        out.println(
            "PASSED: after a freeze of "
                + Cycle.text(options.freeze())
                + " the first invocation of both functions worked with the new version,"
                + cycle.ofRestored());
        return 0;
      }
      out.println("FAILED:");
      faults.forEach(fault -> out.println("  " + fault));
      return 1;
    }
  }
}
