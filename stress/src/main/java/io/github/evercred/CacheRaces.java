package io.github.evercred;

import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;
import org.openjdk.jcstress.infra.results.LLI_Result;

/** Races of a whole cache: its flights run in its own threads. */
public final class CacheRaces {
  private CacheRaces() {}

  /** A source whose current version can be set, and whose calls are counted. */
  abstract static class Cached {
    final AtomicInteger calls = new AtomicInteger();
    volatile int current = 1;
    final SecretCache cache =
        Stage.cache(
            request -> {
              calls.incrementAndGet();
              return Stage.value(request.secretId(), current);
            });

    int read(String secretId) {
      return Integer.parseInt(cache.get(secretId).asString());
    }

    /** The version, or why there is none. */
    Object readOrFail() {
      try {
        return read(Stage.NAME);
      } catch (SecretException e) {
        return e.reason();
      }
    }
  }

  /** However many miss at once, one fetch runs. */
  @JCStressTest
  @State
  @Outcome(id = "1, 1, 1", expect = Expect.ACCEPTABLE, desc = "One fetch for both.")
  public static class TwoMisses extends Cached {

    @Actor
    public void one(III_Result seen) {
      seen.r1 = read(Stage.NAME);
    }

    @Actor
    public void other(III_Result seen) {
      seen.r2 = read(Stage.NAME);
    }

    @Arbiter
    public void end(III_Result seen) {
      seen.r3 = calls.get();
      cache.close();
    }
  }

  /** What is under way when a secret is invalidated is not cached. */
  @JCStressTest
  @State
  @Outcome(id = "2", expect = Expect.ACCEPTABLE, desc = "The next read finds the new version.")
  public static class MissAndInvalidate extends Cached {

    @Actor
    public void miss() {
      int unused = read(Stage.NAME);
    }

    @Actor
    public void invalidate() {
      current = 2;
      cache.invalidate(Stage.NAME);
    }

    @Arbiter
    public void end(I_Result seen) {
      seen.r1 = read(Stage.NAME);
      cache.close();
    }
  }

  /** Two ids of one secret that are read for the first time at once do find each other. */
  @JCStressTest
  @State
  @Outcome(id = "2, 2", expect = Expect.ACCEPTABLE, desc = "An answer for one serves both.")
  public static class TwoIds extends Cached {

    @Actor
    public void name() {
      int unused = read(Stage.NAME);
    }

    @Actor
    public void arn() {
      int unused = read(Stage.ARN);
    }

    @Arbiter
    public void end(II_Result seen) {
      current = 2;
      seen.r1 = Integer.parseInt(cache.refresh(Stage.NAME).asString());
      seen.r2 = read(Stage.ARN);
      cache.close();
    }
  }

  /** A reader gets its value or is told that the cache is closed; nothing is left behind. */
  @JCStressTest
  @State
  @Outcome(
      id = {"1, CLOSED, 0", "CLOSED, CLOSED, 0"},
      expect = Expect.ACCEPTABLE,
      desc = "Read before or closed before.")
  public static class MissAndClose extends Cached {

    @Actor
    public void miss(LLI_Result seen) {
      seen.r1 = readOrFail();
    }

    @Actor
    public void close() {
      cache.close();
    }

    @Arbiter
    public void end(LLI_Result seen) {
      seen.r2 = readOrFail();
      seen.r3 = cache.size();
    }
  }
}
