package io.github.evercred.benchmarks;

import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.infra.BenchmarkParams;

/**
 * One query through a pool of HikariCP's, borrowing and giving back included, at a real PostgreSQL.
 * Connections of Evercred are the real driver's own, so its ways should take the same time as the
 * bare driver.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class QueryBenchmark {

  private final Map<Way, HikariDataSource> pools = new EnumMap<>(Way.class);
  private HikariDataSource pool;
  private int iteration;

  /** Opens a pool for each way, with a connection for each thread. */
  @Setup
  public void open(BenchmarkParams params) {
    for (Way way : Way.values()) {
      pools.put(
          way, new HikariDataSource(way.pool(Place.POSTGRESQL.database(), params.getThreads())));
    }
    takeTurns();
  }

  /** Lets the next way have its turn. */
  @Setup(Level.Iteration)
  public void takeTurns() {
    pool = Objects.requireNonNull(pools.get(Comparison.inTurn(Place.POSTGRESQL, iteration)));
  }

  /** Ends its turn. */
  @TearDown(Level.Iteration)
  public void endTurn() {
    iteration++;
  }

  /** Closes the pools. */
  @TearDown
  public void close() {
    pools.values().forEach(HikariDataSource::close);
  }

  /** What is measured. */
  @Benchmark
  public int selectOne() throws SQLException {
    try (Connection connection = pool.getConnection();
        Statement statement = connection.createStatement();
        ResultSet answer = statement.executeQuery("select 1")) {
      answer.next();
      return answer.getInt(1);
    }
  }
}
