package io.github.evercred.testkit;

import org.junit.jupiter.api.BeforeAll;

/** What happens between a Redis and its JVM, and between users. */
class LocalRedisProcessTest extends ServerProcessContract {
  LocalRedisProcessTest() {
    super("redis", "evercred-redis", "\nRedis refuses AUTH: WRONGPASS [^\n]* refused=1");
  }

  @BeforeAll
  static void available() {
    MySqlFamilyContract.assumeAvailable(LocalRedis.unavailable());
  }
}
