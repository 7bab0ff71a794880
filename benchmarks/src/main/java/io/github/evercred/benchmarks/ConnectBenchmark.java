package io.github.evercred.benchmarks;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/**
 * One login and its end, without a pool. The secret is in the cache, as it is but for the first.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class ConnectBenchmark {

  /** By what to log in. */
  @Param public Way way = Way.BARE;

  /** Where to log in. */
  @Param public Place place = Place.NOWHERE;

  private Way.Login login;

  /** Logs in once, so that the secret is cached. */
  @Setup
  public void prepare() throws SQLException {
    login = way.login(place);
    login.connect().close();
  }

  /** What is measured. */
  @Benchmark
  public Connection connect() throws SQLException {
    Connection connection = login.connect();
    connection.close();
    return connection;
  }
}
