package io.github.evercred.examples.lambda;

/** The function's environment variables, which template.yaml sets. */
final class Variables {
  private Variables() {}

  static String required(String name) {
    String value = System.getenv(name);
    if (value == null || value.isBlank()) {
      throw new IllegalStateException(
          "The environment variable " + name + " is not set; template.yaml shows what it is for");
    }
    return value;
  }
}
