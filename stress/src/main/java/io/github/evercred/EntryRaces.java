package io.github.evercred;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;
import org.openjdk.jcstress.infra.results.L_Result;

/** Races for one entry. */
public final class EntryRaces {
  private EntryRaces() {}

  /** Answers are published in the order in which their flights began. */
  @JCStressTest
  @State
  @Outcome(id = "3", expect = Expect.ACCEPTABLE, desc = "The later flight stands.")
  public static class TwoAnswers {
    private final Entry entry = new Entry(Stage.KEY, Stage.snapshot(1));

    @Actor
    public void earlier() {
      entry.publish(Stage.snapshot(2), true);
    }

    @Actor
    public void later() {
      entry.publish(Stage.snapshot(3), true);
    }

    @Arbiter
    public void end(I_Result seen) {
      seen.r1 = (int) entry.snapshot().flight();
    }
  }

  /** A reader sees no way back, though a late answer comes after a later one. */
  @JCStressTest
  @State
  @Outcome(
      id = {"1, 1", "1, 3", "3, 3"},
      expect = Expect.ACCEPTABLE,
      desc = "The late answer is never seen.")
  public static class LateAnswer {
    private final Entry entry = new Entry(Stage.KEY, Stage.snapshot(1));

    @Actor
    public void answers() {
      entry.publish(Stage.snapshot(3), true);
      entry.publish(Stage.snapshot(2), true);
    }

    @Actor
    public void reader(II_Result seen) {
      seen.r1 = (int) entry.snapshot().flight();
      seen.r2 = (int) entry.snapshot().flight();
    }
  }

  /** An entry that has left the cache stays gone, whatever is published to it meanwhile. */
  @JCStressTest
  @State
  @Outcome(id = "GONE", expect = Expect.ACCEPTABLE, desc = "It says that it is gone.")
  public static class AnswerAndEviction {
    private final Entry entry = new Entry(Stage.KEY, Stage.snapshot(1));

    @Actor
    public void answer() {
      entry.publish(Stage.snapshot(2), true);
    }

    @Actor
    public void eviction() {
      Entry.Snapshot unused = entry.leave();
    }

    @Arbiter
    public void end(L_Result seen) {
      seen.r1 = entry.snapshot().state();
    }
  }
}
