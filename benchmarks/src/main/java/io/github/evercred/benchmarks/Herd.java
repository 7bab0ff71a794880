package io.github.evercred.benchmarks;

import io.github.evercred.testkit.Fault;
import io.github.evercred.testkit.LocalSecretsManager;
import java.lang.reflect.InvocationTargetException;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Many readers of one secret that nobody has read yet, all at once, while a call takes half a
 * second: as after the start of a process, or when an entry has been dropped.
 */
final class Herd {
  private static final Duration LATENCY = Duration.ofMillis(500);
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final String FLOOR = "bare SDK, one reader";
  private static final List<Library> CONTESTANTS =
      List.of(Library.MAP, Library.EVERCRED, Library.AWS_CACHING, Library.POWERTOOLS);

  private static final List<Library> MOMENTS_CONTESTANTS =
      List.of(Library.EVERCRED, Library.POWERTOOLS);

  private Herd() {}

  static Results measure(Form form) throws Exception {
    int readers = form.of(100, 10_000, 10_000);
    var collector = new Results.Collector();
    String group =
        String.format(
            Locale.ROOT,
            "%,d %s threads",
            readers,
            Runtime.version().feature() >= 21 ? "virtual" : "platform");
    try (LocalSecretsManager secrets = LocalSecretsManager.start()) {
      secrets.createSecret(Place.SECRET_ID, "value");
      secrets.createSecret("other", "value");
      secrets.inject(Fault.latency(LATENCY));
      for (int round = 0; round < form.of(1, 2, 9); round++) {
        read(collector, group, FLOOR, Library.BARE_SDK, 1, secrets);
        for (Library library : form == Form.MOMENT ? MOMENTS_CONTESTANTS : CONTESTANTS) {
          read(collector, group, library.title, library, readers, secrets);
        }
      }
    }
    return collector.results();
  }

  private static void read(
      Results.Collector into,
      String group,
      String title,
      Library library,
      int readers,
      LocalSecretsManager secrets)
      throws Exception {
    try (Child child =
        Child.start(
            Side.class,
            List.of("-Xmx1g", "-Xss512k"),
            library.name(),
            secrets.endpoint().toString(),
            String.valueOf(readers))) {
      child.await("ready", PATIENCE);
      secrets.resetCalls();
      child.tell("go");
      Map<Metric, Double> figures = child.figures(PATIENCE.multipliedBy(2));
      figures.put(
          Metric.HERD_CALLS,
          (double) secrets.calls().values().stream().mapToInt(count -> count).sum());
      figures.forEach((metric, value) -> into.add(group, title, metric, value));
    }
  }

  /** The JVM with one contestant. */
  static final class Side {
    private Side() {}

    /**
     * Reads.
     *
     * @param args a {@link Library}, the address of the local Secrets Manager, the number of
     *     readers
     */
    public static void main(String[] args) throws Exception {
      Library library = Library.valueOf(args[0]);
      Library.Reader reader =
          library.open(library.client(URI.create(args[1])), Duration.ofMinutes(5), 1000);
      reader.read("other"); // The classes are loaded, and a connection is open.
      int readers = Integer.parseInt(args[2]);
      var ready = new CountDownLatch(readers);
      var start = new CountDownLatch(1);
      var done = new CountDownLatch(readers);
      var failed = new AtomicInteger();
      Runnable read =
          () -> {
            ready.countDown();
            try {
              start.await();
              reader.read(Place.SECRET_ID);
            } catch (InterruptedException | RuntimeException e) {
              failed.incrementAndGet();
            } finally {
              done.countDown();
            }
          };
      for (int i = 0; i < readers; i++) {
        start(read);
      }
      ready.await();
      Child.Side.say("ready");
      Child.Side.hear("go");
      long began = System.nanoTime();
      start.countDown();
      boolean all = done.await(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
      double millis = (System.nanoTime() - began) / 1e6;
      Child.Side.tell(
          Map.of(
              Metric.MILLIS,
              millis,
              Metric.FAILED_READS,
              failed.get() + (all ? 0.0 : done.getCount())));
    }

    /** A virtual thread where the JDK has them; this is compiled for 17, which has none. */
    private static void start(Runnable task) throws ReflectiveOperationException {
      if (Runtime.version().feature() < 21) {
        Thread thread = new Thread(task, "reader");
        thread.setDaemon(true);
        thread.start();
        return;
      }
      try {
        Object unused =
            Thread.class.getMethod("startVirtualThread", Runnable.class).invoke(null, task);
      } catch (InvocationTargetException e) {
        throw new IllegalStateException(e.getCause());
      }
    }
  }
}
