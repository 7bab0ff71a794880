package io.github.evercred.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Runs every benchmark for a moment: whether it still runs and has every contestant, not what it
 * measures. {@link Size} needs the jars of the other modules, which a test does not have.
 */
@Timeout(120)
class SuiteTest {

  private static Results run(Suite suite) throws Exception {
    return suite.run(Form.MOMENT);
  }

  private static double value(Results results, String group, String contestant, Metric metric) {
    return results.find(group, contestant, metric).orElseThrow().spread().median();
  }

  @Test
  void warmRead_eachContestant_isMeasured() throws Exception {
    Results results = run(Suite.WARM_READ);

    Set<String> contestants = results.contestants("2 threads");
    assertThat(contestants)
        .hasSize(17)
        .contains("Evercred handle", "Evercred get(id)", "AWS caching library", "Powertools");
    for (String contestant : contestants) {
      assertThat(value(results, "2 threads", contestant, Metric.NANOS)).isPositive();
      assertThat(results.find("2 threads", contestant, Metric.ALLOCATED)).isPresent();
    }
  }

  @Test
  void memory_eachLibrary_takesSome() throws Exception {
    Results results = run(Suite.MEMORY);

    assertThat(results.contestants("1,000 secrets")).hasSize(4);
    for (String contestant : results.contestants("1,000 secrets")) {
      assertThat(value(results, "1,000 secrets", contestant, Metric.BYTES_PER_SECRET))
          .as(contestant)
          .isBetween(150.0, 10_000.0);
    }
  }

  @Test
  void herd_evercred_makesOneCall() throws Exception {
    Results results = run(Suite.HERD);

    String group = results.groups().iterator().next();
    assertThat(group).startsWith("100 ");
    assertThat(results.contestants(group)).hasSize(3);
    assertThat(value(results, group, "Evercred", Metric.HERD_CALLS)).isEqualTo(1);
    assertThat(value(results, group, "Evercred", Metric.FAILED_READS)).isZero();
    assertThat(value(results, group, "bare SDK, one reader", Metric.HERD_CALLS)).isEqualTo(1);
    assertThat(value(results, group, "Powertools", Metric.HERD_CALLS)).isGreaterThan(1);
  }

  @Test
  void readers_whileAwsHangs_thoseOfAnIdleCacheAreStuck() throws Exception {
    Results results = run(Suite.READERS);

    assertThat(value(results, "hangs", "Evercred", Metric.READS)).isPositive();
    assertThat(value(results, "hangs", "Evercred", Metric.FAILED_READS)).isZero();
    // It waits for the time-out of a load, which is later than the end of this moment.
    assertThat(value(results, "hangs", "Evercred, past revalidateAfter", Metric.STUCK))
        .isEqualTo(2);
  }

  @Test
  void rotation_evercred_failsNoConnect() throws Exception {
    Results results = run(Suite.ROTATION);

    assertThat(results.groups())
        .containsExactly(
            "PostgreSQL, single user, window 0 s, no pool",
            "PostgreSQL, alternating users, window 0 s, HikariCP");
    for (String group : results.groups()) {
      assertThat(results.contestants(group)).hasSize(2);
      for (String contestant : results.contestants(group)) {
        assertThat(value(results, group, contestant, Metric.CONNECTS)).as(contestant).isPositive();
      }
      assertThat(value(results, group, "Evercred DRIVER", Metric.FAILED_CONNECTS)).isZero();
    }
    assertThat(
            value(
                results,
                "PostgreSQL, single user, window 0 s, no pool",
                "password in the application",
                Metric.FAILED_CONNECTS))
        .isPositive();
  }

  @Test
  void connect_eachWay_isMeasuredWhereItCanGo() throws Exception {
    Results results = run(Suite.CONNECT);

    assertThat(results.contestants("PostgreSQL")).hasSize(Way.values().length);
    assertThat(results.contestants("nowhere")).hasSize(5).contains("Evercred DATA_SOURCE");
  }

  @Test
  void query_eachWay_isMeasured() throws Exception {
    Results results = run(Suite.QUERY);

    for (String group : Set.of("1 thread", "2 threads")) {
      assertThat(results.contestants(group)).hasSize(Way.values().length);
    }
  }

  @Test
  void coldStart_eachContestant_readsItsSecret() throws Exception {
    Results results = run(Suite.COLD_START);

    assertThat(results.contestants("")).hasSize(3);
  }
}
