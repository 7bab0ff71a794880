package canary;

/** Wrong: makes an exception and drops it, which Error Prone reports as DeadException. */
class ForgottenThrow {
  static void requirePositive(int number) {
    if (number <= 0) {
      new IllegalArgumentException("not positive: " + number);
    }
  }
}
