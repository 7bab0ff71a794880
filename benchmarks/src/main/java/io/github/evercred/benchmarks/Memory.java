package io.github.evercred.benchmarks;

import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import javax.management.JMException;
import javax.management.ObjectName;

/**
 * What a cached secret takes on the heap: the live bytes after a number of them have been read,
 * less those before, by the JVM's own histogram. Each contestant has a JVM of its own for each
 * number, and a cache of its own for each round in it; the first round loads the classes and does
 * not count.
 */
final class Memory {
  private static final List<Library> CONTESTANTS =
      List.of(Library.MAP, Library.EVERCRED, Library.AWS_CACHING, Library.POWERTOOLS);

  private Memory() {}

  static Results measure(Form form) throws Exception {
    var collector = new Results.Collector();
    int[] numbers = form == Form.MOMENT ? new int[] {1000} : new int[] {10, 10_000};
    for (int number : numbers) {
      String group = String.format(Locale.ROOT, "%,d secrets", number);
      for (Library library : CONTESTANTS) {
        try (Child child =
            Child.start(
                Side.class,
                // Without them garbage may count as live.
                List.of(
                    "-XX:+UseSerialGC",
                    "-XX:MarkSweepAlwaysCompactCount=1",
                    "-XX:SoftRefLRUPolicyMSPerMB=0",
                    "-Xmx512m"),
                library.name(),
                String.valueOf(number),
                String.valueOf(form.of(1, 5, 15)))) {
          child.await("ready", Duration.ofSeconds(30));
          for (int round = 0; round < form.of(1, 5, 15); round++) {
            child
                .figures(Duration.ofSeconds(60))
                .forEach((metric, value) -> collector.add(group, library.title, metric, value));
          }
        }
      }
    }
    return collector.results();
  }

  /** The JVM with one contestant. */
  static final class Side {
    private Side() {}

    /**
     * Measures.
     *
     * @param args a {@link Library}, the number of secrets, the number of rounds
     */
    public static void main(String[] args) throws JMException {
      Library library = Library.valueOf(args[0]);
      int number = Integer.parseInt(args[1]);
      int rounds = Integer.parseInt(args[2]);
      List<Object> kept = new ArrayList<>();
      double unused = bytesPerSecret(library, number, kept);
      Child.Side.say("ready");
      for (int round = 0; round < rounds; round++) {
        Child.Side.tell(Map.of(Metric.BYTES_PER_SECRET, bytesPerSecret(library, number, kept)));
      }
      if (kept.isEmpty()) {
        throw new IllegalStateException("nothing was kept");
      }
    }

    private static double bytesPerSecret(Library library, int number, List<Object> kept)
        throws JMException {
      // Another age for each cache: Evercred warns of caches that are equal.
      Library.Reader reader =
          library.open(new FixedSecrets(), Duration.ofMinutes(60 + kept.size()), number * 2);
      String[] ids = new String[number];
      for (int i = 0; i < number; i++) {
        ids[i] = "prod/service-%d/secret-%d".formatted(kept.size(), i);
      }
      reader.read("prod/first");
      kept.clear();
      kept.add(reader);
      kept.add(ids);
      long before = liveBytes();
      for (String id : ids) {
        reader.read(id);
      }
      return (liveBytes() - before) / (double) number;
    }

    /** After a full collection, which the histogram makes. */
    private static long liveBytes() throws JMException {
      long unused = total(); // Its text is gone when the next one is made.
      return total();
    }

    private static long total() throws JMException {
      String histogram =
          (String)
              ManagementFactory.getPlatformMBeanServer()
                  .invoke(
                      new ObjectName("com.sun.management:type=DiagnosticCommand"),
                      "gcClassHistogram",
                      new Object[] {new String[0]},
                      new String[] {String[].class.getName()});
      String total = histogram.substring(histogram.lastIndexOf("Total")).trim();
      return Long.parseLong(total.split(" +", -1)[2]);
    }
  }
}
