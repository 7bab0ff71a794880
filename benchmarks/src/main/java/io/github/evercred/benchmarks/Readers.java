package io.github.evercred.benchmarks;

import io.github.evercred.testkit.Fault;
import io.github.evercred.testkit.LocalSecretsManager;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Threads that read a cached secret once a millisecond each while Secrets Manager is slow, hangs or
 * is down, and the value comes due. As many others read a map in the same JVM: what holds those up
 * is the machine's doing.
 */
final class Readers {
  private static final Duration AGE = Duration.ofSeconds(1);
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final long SLOW_NANOS = 20_000_000;
  private static final List<Library> CONTESTANTS =
      List.of(
          Library.EVERCRED,
          Library.AWS_CACHING,
          Library.AWS_CACHING_TIMED,
          Library.POWERTOOLS,
          Library.POWERTOOLS_TIMED,
          Library.EVERCRED_IDLE);

  private static final List<Library> MOMENTS_CONTESTANTS =
      List.of(Library.EVERCRED, Library.EVERCRED_IDLE);

  private Readers() {}

  private static Map<String, Fault> faults(Form form) {
    Map<String, Fault> faults = new LinkedHashMap<>();
    faults.put("hangs", Fault.hang());
    if (form != Form.MOMENT) {
      faults.put("slow: 300 ms", Fault.latency(Duration.ofMillis(300)));
      faults.put("down: 500", Fault.serverError());
    }
    return faults;
  }

  static Results measure(Form form) throws Exception {
    var collector = new Results.Collector();
    try (LocalSecretsManager secrets = LocalSecretsManager.start()) {
      secrets.createSecret(Place.SECRET_ID, "value");
      for (int round = 0; round < form.of(1, 1, 5); round++) {
        for (var fault : faults(form).entrySet()) {
          for (Library library : form == Form.MOMENT ? MOMENTS_CONTESTANTS : CONTESTANTS) {
            secrets.clearFaults();
            Map<Metric, Double> figures = read(form, secrets, fault.getValue(), library);
            figures.forEach(
                (metric, value) -> collector.add(fault.getKey(), library.title, metric, value));
          }
        }
      }
    }
    return collector.results();
  }

  private static Map<Metric, Double> read(
      Form form, LocalSecretsManager secrets, Fault fault, Library library) throws Exception {
    int millis = form.of(300, 3000, 8000);
    try (Child child =
        Child.start(
            Side.class,
            List.of("-Xms256m", "-Xmx256m"),
            library.name(),
            secrets.endpoint().toString(),
            String.valueOf(form.of(2, 8, 8)),
            String.valueOf(millis))) {
      child.await("ready", PATIENCE);
      if (library == Library.EVERCRED_IDLE) {
        // What was read is refreshed once more when it comes due; then nobody has asked for it.
        TimeUnit.MILLISECONDS.sleep(AGE.toMillis() * 4);
      }
      secrets.resetCalls();
      secrets.inject(fault);
      child.tell("go");
      Map<Metric, Double> figures = child.figures(PATIENCE);
      figures.put(
          Metric.CALLS, (double) secrets.calls().values().stream().mapToInt(count -> count).sum());
      return figures;
    }
  }

  /** The JVM with one contestant. */
  static final class Side {
    private Side() {}

    /** A thread that reads at its pace. Its figures are its own until it has ended. */
    private static final class Paced extends Thread {
      private final Runnable read;
      private final CountDownLatch start;
      private final long nanos;
      private volatile long readSince;
      private volatile boolean ended;
      private int reads;
      private int slow;
      private int failed;
      private long lostNanos;

      Paced(Runnable read, CountDownLatch start, long nanos) {
        this.read = read;
        this.start = start;
        this.nanos = nanos;
        setDaemon(true);
        start();
      }

      @Override
      public void run() {
        try {
          start.await();
        } catch (InterruptedException e) {
          return;
        }
        long end = System.nanoTime() + nanos;
        for (long now = System.nanoTime(); now < end; now = System.nanoTime()) {
          readSince = now;
          try {
            read.run();
          } catch (RuntimeException e) {
            failed++;
          }
          long took = System.nanoTime() - now;
          reads++;
          if (took >= SLOW_NANOS) {
            slow++;
            lostNanos += took;
          }
          LockSupport.parkNanos(1_000_000);
        }
        ended = true;
      }
    }

    /**
     * Reads.
     *
     * @param args a {@link Library}, the address of the local Secrets Manager, the number of
     *     threads, for how many milliseconds
     */
    public static void main(String[] args) throws Exception {
      Library library = Library.valueOf(args[0]);
      int threads = Integer.parseInt(args[2]);
      long nanos = TimeUnit.MILLISECONDS.toNanos(Long.parseLong(args[3]));
      Library.Reader reader = library.open(library.client(URI.create(args[1])), AGE, 1000);
      Library.Reader floor = Library.MAP.open(new FixedSecrets(), AGE, 1000);
      for (int i = 0; i < 1000; i++) {
        reader.read(Place.SECRET_ID);
        floor.read(Place.SECRET_ID);
      }
      var start = new CountDownLatch(1);
      List<Paced> readers = new ArrayList<>();
      List<Paced> floors = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        readers.add(new Paced(() -> reader.read(Place.SECRET_ID), start, nanos));
        floors.add(new Paced(() -> floor.read(Place.SECRET_ID), start, nanos));
      }
      Child.Side.say("ready");
      Child.Side.hear("go");
      long began = System.nanoTime();
      start.countDown();
      for (Paced one : floors) {
        one.join();
      }
      // A read that began in time and is not back half a second later is stuck.
      long left = began + nanos + 500_000_000 - System.nanoTime();
      TimeUnit.NANOSECONDS.sleep(Math.max(0, left));
      Child.Side.tell(figures(readers, floors));
    }

    private static Map<Metric, Double> figures(List<Paced> readers, List<Paced> floors) {
      long now = System.nanoTime();
      double stuck = 0;
      double slow = 0;
      double failed = 0;
      double reads = 0;
      double lost = 0;
      for (Paced one : readers) {
        boolean ended = one.ended; // Before the rest, which it publishes.
        if (!ended) {
          stuck++;
          slow++;
          lost += now - one.readSince;
        }
        slow += one.slow;
        failed += one.failed;
        reads += one.reads;
        lost += one.lostNanos;
      }
      double floor = floors.stream().mapToInt(one -> one.slow).sum();
      long floorLost = floors.stream().mapToLong(one -> one.lostNanos).sum();
      Map<Metric, Double> figures = new EnumMap<>(Metric.class);
      figures.put(Metric.SLOW_BEYOND_FLOOR, Math.max(0, slow - floor));
      figures.put(Metric.SLOW, slow);
      figures.put(Metric.SLOW_FLOOR, floor);
      figures.put(Metric.LOST_SECONDS, Math.max(0, lost - floorLost) / 1e9);
      figures.put(Metric.STUCK, stuck);
      figures.put(Metric.FAILED_READS, failed);
      figures.put(Metric.READS, reads);
      return figures;
    }
  }
}
