package io.github.evercred.benchmarks;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.github.evercred.AwsSecretSource;
import io.github.evercred.OpenSecret;
import io.github.evercred.SecretCache;
import io.github.evercred.SecretHandle;
import io.github.evercred.SecretValue;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/**
 * A read of a secret that is cached, by all threads of the same one. Each contestant has a state of
 * its own, so that a JVM has only the one that it measures. {@link WarmRead} names and orders them.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class WarmReadBenchmark {
  private static final String ID = Place.SECRET_ID;
  private static final String FIELD = "password";
  private static final Duration AGE = Duration.ofHours(1);
  private static final int SECRETS = 1000;

  /** The floor of a handle. */
  @State(Scope.Benchmark)
  public static class Field {
    volatile String value = "value";
  }

  /** The floor of a read by id. */
  @State(Scope.Benchmark)
  public static class Floor {
    final Map<String, String> map = new ConcurrentHashMap<>(Map.of(ID, "value"));
  }

  /** What Evercred stands on, without a clock. */
  @State(Scope.Benchmark)
  public static class BySize {
    final Cache<String, String> cache = Caffeine.newBuilder().maximumSize(SECRETS).build();

    /** Fills it. */
    public BySize() {
      cache.put(ID, "value");
    }
  }

  /** The same, which looks at the clock on each read. */
  @State(Scope.Benchmark)
  public static class ByTime {
    final Cache<String, String> cache =
        Caffeine.newBuilder().maximumSize(SECRETS).expireAfterWrite(AGE).build();

    /** Fills it. */
    public ByTime() {
      cache.put(ID, "value");
    }
  }

  private static SecretCache evercred(boolean mayFreeze) {
    SecretCache cache =
        SecretCache.builder()
            .source(AwsSecretSource.of(new FixedSecrets()))
            .processMayFreeze(mayFreeze)
            .build();
    SecretValue unused = cache.get(ID);
    return cache;
  }

  /** Evercred. */
  @State(Scope.Benchmark)
  public static class Evercred {
    final SecretCache cache = evercred(false);
    final SecretHandle handle = cache.handle(ID);
    final Supplier<String> password = handle.map(value -> value.field(FIELD));
  }

  /** Evercred where the process may be frozen, so that each read looks at the age. */
  @State(Scope.Benchmark)
  public static class EvercredFrozen {
    final SecretCache cache = evercred(true);
  }

  /** Evercred, sealed: each read that needs the value decrypts it. */
  @State(Scope.Benchmark)
  public static class EvercredSealed {
    final SecretCache cache =
        SecretCache.builder()
            .source(AwsSecretSource.of(new FixedSecrets()))
            .processMayFreeze(false)
            .sealed()
            .build();

    /** Loads it. */
    public EvercredSealed() {
      SecretValue unused = cache.get(ID);
    }
  }

  /** AWS's library. */
  @State(Scope.Benchmark)
  public static class AwsCaching {
    final Library.Reader reader = Library.AWS_CACHING.open(new FixedSecrets(), AGE, SECRETS);
    final ObjectMapper mapper = new ObjectMapper();
  }

  /** Powertools. */
  @State(Scope.Benchmark)
  public static class Powertools {
    final Library.Reader reader = Library.POWERTOOLS.open(new FixedSecrets(), AGE, SECRETS);
    final ObjectMapper mapper = new ObjectMapper();
  }

  @Benchmark
  public String volatileRead(Field state) {
    return state.value;
  }

  @Benchmark
  public String map(Floor state) {
    return Objects.requireNonNull(state.map.get(ID));
  }

  @Benchmark
  public String caffeineBySize(BySize state) {
    return Objects.requireNonNull(state.cache.getIfPresent(ID));
  }

  @Benchmark
  public String caffeineByTime(ByTime state) {
    return Objects.requireNonNull(state.cache.getIfPresent(ID));
  }

  @Benchmark
  public long nanoTime() {
    return System.nanoTime();
  }

  @Benchmark
  public SecretValue evercredHandle(Evercred state) {
    return state.handle.get();
  }

  @Benchmark
  public SecretValue evercredGet(Evercred state) {
    return state.cache.get(ID);
  }

  @Benchmark
  public SecretValue evercredGetAged(EvercredFrozen state) {
    return state.cache.get(ID);
  }

  @Benchmark
  public String evercredMapped(Evercred state) {
    return state.password.get();
  }

  @Benchmark
  public String evercredField(Evercred state) {
    return state.cache.get(ID).field(FIELD);
  }

  @Benchmark
  public SecretValue evercredSealedGet(EvercredSealed state) {
    return state.cache.get(ID);
  }

  @Benchmark
  public String evercredSealedField(EvercredSealed state) {
    return state.cache.get(ID).field(FIELD);
  }

  @Benchmark
  public int evercredSealedOpen(EvercredSealed state) {
    try (OpenSecret open = state.cache.get(ID).open()) {
      return open.field(FIELD).length;
    }
  }

  @Benchmark
  public String awsCaching(AwsCaching state) {
    return state.reader.read(ID);
  }

  /** As its users do: it gives them text. */
  @Benchmark
  public String awsCachingField(AwsCaching state) throws JsonProcessingException {
    return state.mapper.readTree(state.reader.read(ID)).get(FIELD).asText();
  }

  @Benchmark
  public String powertools(Powertools state) {
    return state.reader.read(ID);
  }

  /** As its users do without a transformer. */
  @Benchmark
  public String powertoolsField(Powertools state) throws JsonProcessingException {
    return state.mapper.readTree(state.reader.read(ID)).get(FIELD).asText();
  }
}
