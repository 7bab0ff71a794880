package io.github.evercred.examples.client;

import io.github.evercred.RotationAwareLogin;
import io.github.evercred.RotationListener;
import io.github.evercred.SecretCache;
import io.github.evercred.clients.LettuceCredentials;
import io.github.evercred.testkit.LocalRedis;
import io.github.evercred.testkit.RotationTarget;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisConnectionException;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * Redis through Lettuce: connections that workers share, and that the server drops at every step
 * and now and then between, so that Lettuce reconnects while only AWSPENDING works.
 */
final class RedisScenario implements Scenario, RotationTarget {
  private static final String SECRET = "prod/redis";
  private static final String USER = "app";
  private static final int CONNECTIONS = 4;
  private static final int CALLS_PER_DROP = 1_000;
  private static final int MOST_TRIES = 3;

  /** Lettuce tells of every reconnect at INFO, and there are hundreds. */
  private static final Logger LETTUCE = Logger.getLogger("io.lettuce.core.protocol");

  private final LocalRedis redis = LocalRedis.start();
  private final String first = UUID.randomUUID().toString();
  private final AtomicLong repeated = new AtomicLong();

  RedisScenario() {
    LETTUCE.setLevel(Level.WARNING);
    redis.setUser(USER, first, "~*", "+@all");
  }

  @Override
  public String name() {
    return "Redis, Lettuce";
  }

  @Override
  public String secretId() {
    return SECRET;
  }

  @Override
  public String firstValue() {
    return value(first);
  }

  private static String value(String password) {
    return "{\"username\":\"%s\",\"password\":\"%s\"}".formatted(USER, password);
  }

  private static String passwordOf(String value) {
    return value.substring(value.lastIndexOf(':') + 2, value.length() - 2);
  }

  @Override
  public RotationTarget target() {
    return this;
  }

  @Override
  public String newValue(String current) {
    redis.dropConnections(USER);
    return value(UUID.randomUUID().toString());
  }

  @Override
  public void set(String current, String pending) {
    redis.setUser(USER, passwordOf(pending));
    redis.dropConnections(USER);
  }

  @Override
  public void test(String pending) {
    redis.login(USER, passwordOf(pending));
    redis.dropConnections(USER);
  }

  private static RedisURI uri(String address, RedisClient client, RotationAwareLogin login) {
    // recipe: lettuce
    RedisURI uri = RedisURI.create(address); // rediss://cache.example.com:6379
    uri.setCredentialsProvider(new LettuceCredentials(login, "prod/redis", client, uri));
    // end
    return uri;
  }

  @Override
  public Calls open(Supplier<SecretCache> caches, RotationListener listener) {
    var login = new RotationAwareLogin(caches.get(), listener);
    RedisClient client = RedisClient.create();
    RedisURI uri = uri(redis.uri().toString(), client, login);
    List<StatefulRedisConnection<String, String>> connections = new ArrayList<>();
    for (int i = 0; i < CONNECTIONS; i++) {
      connections.add(client.connect(uri));
    }
    var made = new AtomicLong();
    return new Calls() {
      @Override
      public void call() {
        if (made.incrementAndGet() % CALLS_PER_DROP == 0) {
          redis.dropConnections(USER);
        }
        String who =
            userOf(connections.get(ThreadLocalRandom.current().nextInt(CONNECTIONS)).sync());
        if (!USER.equals(who)) {
          throw new IllegalStateException("The server takes us for " + who);
        }
      }

      @Override
      public void close() {
        client.shutdown(0, 2, TimeUnit.SECONDS);
      }
    };
  }

  /**
   * Lettuce repeats what was not answered, unless the socket was reset: then it cannot know, and
   * leaves it to the application.
   */
  private String userOf(RedisCommands<String, String> redis) {
    for (int tries = 1; ; tries++) {
      try {
        return redis.aclWhoami();
      } catch (RedisException e) {
        if (!isCutOff(e) || tries == MOST_TRIES) {
          throw e;
        }
        repeated.incrementAndGet();
      }
    }
  }

  /** Whether the connection broke under a command; a failed connect or login is none of these. */
  private static boolean isCutOff(RedisException failure) {
    String why = failure.getCause() instanceof IOException cause ? cause.getMessage() : null;
    return !(failure instanceof RedisConnectionException)
        && why != null
        && (why.contains("Connection reset") || why.contains("Broken pipe"));
  }

  /** How many commands were repeated, because a dropped connection cut them off. */
  long repeated() {
    return repeated.get();
  }

  /** How many may have been, of so many calls: all that were under way at a drop. */
  static long mostRepeated(long calls, int rotations, int workers) {
    return workers * (calls / CALLS_PER_DROP + 3L * rotations);
  }

  @Override
  public long refused() {
    return redis.refusedLogins();
  }

  @Override
  public void close() {
    redis.close();
  }
}
