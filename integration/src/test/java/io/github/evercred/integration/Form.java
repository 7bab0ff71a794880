package io.github.evercred.integration;

/** How a user names our driver and the URL. The files of these tests have the first one. */
enum Form {
  EVERCRED("jdbc:evercred:", "EvercredDriver"),
  AWS("jdbc-secretsmanager:", "EvercredDriver"),
  PLAIN("jdbc:", "PlainUrlDriver");

  private final String prefix;
  private final String driver;

  Form(String prefix, String driver) {
    this.prefix = prefix;
    this.driver = driver;
  }

  String in(String text) {
    return text.replace(EVERCRED.prefix, prefix).replace(EVERCRED.driver, driver);
  }
}
