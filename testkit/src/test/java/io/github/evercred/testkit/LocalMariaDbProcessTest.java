package io.github.evercred.testkit;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;

/** What happens between a MariaDb and its JVM, and between users. */
@Tag("mariadb")
class LocalMariaDbProcessTest extends ServerProcessContract {
  LocalMariaDbProcessTest() {
    super("mariadb", "evercred-mariadbd", "\n11\\.4\\.[^\n]*\n28000 refused=1");
  }

  @BeforeAll
  static void available() {
    MySqlFamilyContract.assumeAvailable(LocalMariaDb.unavailable());
  }
}
