package io.github.evercred.benchmarks;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What is measured on, and what else it does meanwhile. */
final class Machine {
  private static final Path STAT = Path.of("/proc/stat");
  private static final Path OWN_STAT = Path.of("/proc/self/stat");
  private static final Path CPUS = Path.of("/proc/cpuinfo");

  private Machine() {}

  static Map<String, Object> description() {
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("cores", Runtime.getRuntime().availableProcessors());
    all.put("processor", processor());
    all.put("system", property("os.name") + " " + property("os.arch"));
    all.put(
        "jdk",
        "%s %s, %s"
            .formatted(
                property("java.runtime.name"),
                property("java.runtime.version"),
                property("java.vendor")));
    return all;
  }

  private static String property(String name) {
    return System.getProperty(name, "?");
  }

  private static String processor() {
    try {
      if (Files.isReadable(CPUS)) {
        return Files.readAllLines(CPUS, StandardCharsets.UTF_8).stream()
            .filter(line -> line.startsWith("model name"))
            .map(line -> line.substring(line.indexOf(':') + 1).trim())
            .findFirst()
            .orElse("?");
      }
    } catch (IOException e) {
      return "? (" + e + ")";
    }
    return "?";
  }

  /**
   * Begins to watch what others use of the processors, those that steal from this machine as a
   * whole among them. Elsewhere than on Linux only the load average is known.
   */
  static Watch watch() throws IOException {
    return new Watch();
  }

  static final class Watch {
    private final long began = System.nanoTime();
    private final double load = ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
    private final boolean known = Files.isReadable(STAT) && Files.isReadable(OWN_STAT);
    private final long[] first = known ? ticks() : new long[2];

    private Watch() throws IOException {}

    /**
     * Returns the share of all processors that others have used: 0.1 is a tenth. Processes that
     * this one has started count as its own once it has waited for their end.
     */
    double others() throws IOException {
      int cores = Runtime.getRuntime().availableProcessors();
      if (!known) {
        return Math.max(0, load / cores);
      }
      long[] now = ticks();
      double seconds = (System.nanoTime() - began) / 1e9;
      double others = (now[0] - first[0] - (now[1] - first[1])) / 100.0;
      return Math.max(0, others / (seconds * cores));
    }

    double seconds() {
      return (System.nanoTime() - began) / 1e9;
    }

    /** In hundredths of a second: all that is not idle, and our own. */
    private static long[] ticks() throws IOException {
      // https://man7.org/linux/man-pages/man5/proc_stat.5.html
      String all = Files.readAllLines(STAT, StandardCharsets.UTF_8).get(0);
      long[] times =
          Arrays.stream(all.trim().split(" +", -1)).skip(1).mapToLong(Long::parseLong).toArray();
      long busy = times[0] + times[1] + times[2] + times[5] + times[6] + times[7];
      // https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: from the state on.
      String own = Files.readString(OWN_STAT, StandardCharsets.UTF_8);
      List<String> fields = List.of(own.substring(own.lastIndexOf(')') + 2).split(" ", -1));
      long ours = fields.subList(11, 15).stream().mapToLong(Long::parseLong).sum();
      return new long[] {busy, ours};
    }
  }
}
