package io.github.evercred.examples.migration;

/**
 * A user name and a password.
 *
 * @param username the user
 * @param password the password
 */
record Login(String username, String password) {
  /** Names the user alone: a record would print the password, too. */
  @Override
  public String toString() {
    return "Login[" + username + "]";
  }
}
