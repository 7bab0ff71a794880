package io.github.evercred.benchmarks;

import java.util.Locale;

/** The benchmarks, in the order in which they run and are shown. */
enum Suite {
  SIZE("what each library brings", "aws-secretsmanager-caching-java") {
    @Override
    Results run(Form form) throws Exception {
      return Size.measure();
    }
  },
  WARM_READ("a read of a cached secret", "ConcurrentHashMap") {
    @Override
    Results run(Form form) throws Exception {
      return WarmRead.measure(form);
    }
  },
  MEMORY("memory for each cached secret", "ConcurrentHashMap") {
    @Override
    Results run(Form form) throws Exception {
      return Memory.measure(form);
    }
  },
  HERD("10,000 readers of one cold secret", "ConcurrentHashMap") {
    @Override
    Results run(Form form) throws Exception {
      return Herd.measure(form);
    }
  },
  READERS("readers while AWS is slow or away", "") {
    @Override
    Results run(Form form) throws Exception {
      return Readers.measure(form);
    }
  },
  ROTATION("new connections through a rotation", "") {
    @Override
    Results run(Form form) throws Exception {
      return RotationRun.measure(form);
    }
  },
  CONNECT("a login", "BARE") {
    @Override
    Results run(Form form) throws Exception {
      return Comparison.of(form).measure(ConnectBenchmark.class, 1);
    }
  },
  QUERY("a query", "BARE") {
    @Override
    Results run(Form form) throws Exception {
      return Comparison.of(form).measure(QueryBenchmark.class, 1, 2);
    }
  },
  COLD_START("the first secret of a process", "AWS caching library") {
    @Override
    Results run(Form form) throws Exception {
      return ColdStart.measure(form);
    }
  };

  final String title;

  /** Whom the others are compared with, by {@link Metric.Use#RATIO}. */
  final String base;

  Suite(String title, String base) {
    this.title = title;
    this.base = base;
  }

  /** Measures, in this process and those that it starts. */
  abstract Results run(Form form) throws Exception;

  static Suite named(String name) {
    for (Suite suite : values()) {
      if (suite.toString().equals(name)) {
        return suite;
      }
    }
    throw new IllegalArgumentException(
        "There is no benchmark '%s': name some of %s"
            .formatted(name, java.util.Arrays.toString(values())));
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
