package io.github.evercred.examples.client;

import java.io.PrintStream;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.logging.Level;
import java.util.logging.Logger;

/** Runs each client through two rotations under load, and prints what that came to. */
public final class AnyClient {
  private static final int WORKERS = 8;
  private static final int ROTATIONS = 2;
  private static final Duration WINDOW = Duration.ofMillis(500);

  /** Held, or its level would be forgotten with it. */
  private static final Logger LOGS = Logger.getLogger("");

  private AnyClient() {}

  /** Starts servers and all, by the word that names a scenario on the command line. */
  static Map<String, Callable<Scenario>> scenarios() {
    var all = new LinkedHashMap<String, Callable<Scenario>>();
    all.put("http", ApiKeyScenario::new);
    all.put("oauth", OAuthScenario::new);
    all.put("jwt", SignatureScenario::new);
    all.put("own", OwnClientScenario::new);
    all.put("r2dbc", R2dbcPostgres::start);
    all.put("redis", RedisScenario::new);
    return all;
  }

  /**
   * Runs the scenarios that are named, or all.
   *
   * @param arguments names of scenarios
   * @throws InterruptedException if it is interrupted
   */
  public static void main(String[] arguments) throws InterruptedException {
    LOGS.setLevel(Level.WARNING); // Each rotation is told at INFO, in the midst of the table.
    System.exit(run(Arrays.asList(arguments), System.out, System.err));
  }

  static int run(List<String> names, PrintStream out, PrintStream err) throws InterruptedException {
    var all = scenarios();
    for (String name : names) {
      if (!all.containsKey(name)) {
        err.println(
            "any-client: there is no '" + name + "'. Name some of " + all.keySet() + ", or none.");
        return 2;
      }
    }
    out.println(Result.HEAD);
    int faults = 0;
    for (String name : names.isEmpty() ? all.keySet() : names) {
      try (Scenario scenario = Objects.requireNonNull(all.get(name)).call()) {
        Result result = new Trial(WORKERS, ROTATIONS, WINDOW).run(scenario);
        out.println(result.row());
        if (result.failed() > 0) {
          faults++;
          err.println("  the first failure: " + result.firstFailure());
        }
      } catch (InterruptedException e) {
        throw e;
      } catch (Exception e) {
        faults++;
        err.println("any-client: " + name + " could not be run: " + e);
      }
    }
    out.println(faults == 0 ? "PASSED: no call failed." : "FAILED");
    return faults == 0 ? 0 : 1;
  }
}
