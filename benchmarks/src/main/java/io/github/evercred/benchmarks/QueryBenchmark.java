package io.github.evercred.benchmarks;

import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.infra.BenchmarkParams;

/**
 * One query through a pool of HikariCP's, borrowing and giving back included, at a real PostgreSQL.
 * Connections are the real driver's own, so all ways should take the same time.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class QueryBenchmark {

  /** By what the pool gets its connections. */
  @Param public Way way = Way.BARE;

  private HikariDataSource pool;

  /** Opens a connection for each thread. */
  @Setup
  public void open(BenchmarkParams params) {
    pool = new HikariDataSource(way.pool(params.getThreads()));
  }

  /** Closes them. */
  @TearDown
  public void close() {
    pool.close();
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
