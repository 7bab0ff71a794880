package io.github.evercred.testkit;

import org.junit.jupiter.api.BeforeAll;

/** What happens between a MySql and its JVM, and between users. */
class LocalMySqlProcessTest extends ServerProcessContract {
  LocalMySqlProcessTest() {
    super("mysql", "evercred-mysqld", "\n8\\.0\\.[^\n]*\n28000 refused=1");
  }

  @BeforeAll
  static void available() {
    MySqlFamilyContract.assumeAvailable(LocalMySql.unavailable());
  }
}
