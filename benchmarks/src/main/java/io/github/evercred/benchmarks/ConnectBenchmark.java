package io.github.evercred.benchmarks;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * One login and its end, without a pool. The secret is in the cache, as it is but for the first.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class ConnectBenchmark {

  /** Where to log in. */
  @Param public Place place = Place.NOWHERE;

  private final Map<Way, Way.Login> logins = new EnumMap<>(Way.class);
  private Way.Login login;
  private int iteration;

  /** Logs in once by each way, so that the secret is cached. */
  @Setup
  public void prepare() throws SQLException {
    for (Way way : Way.to(place)) {
      Way.Login its = way.login(place.database());
      its.connect().close();
      logins.put(way, its);
    }
    takeTurns();
  }

  /** Lets the next way have its turn. */
  @Setup(Level.Iteration)
  public void takeTurns() {
    login = Objects.requireNonNull(logins.get(Comparison.inTurn(place, iteration)));
  }

  /** Ends its turn. */
  @TearDown(Level.Iteration)
  public void endTurn() {
    iteration++;
  }

  /** What is measured. */
  @Benchmark
  public Connection connect() throws SQLException {
    Connection connection = login.connect();
    connection.close();
    return connection;
  }
}
