package io.github.evercred.testkit;

import java.sql.SQLException;

class MySqlRotationTest extends MySqlFamilyRotationContract {
  MySqlRotationTest() {
    super("mysql", LocalMySql.unavailable());
  }

  @Override
  int longest() {
    return 32;
  }

  @Override
  void defaultRole(String role, String user) throws SQLException {
    execute("SET DEFAULT ROLE %s TO %s".formatted(role, user));
  }
}
