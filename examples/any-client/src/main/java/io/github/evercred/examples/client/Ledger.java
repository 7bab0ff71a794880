package io.github.evercred.examples.client;

import java.io.IOException;
import java.time.Duration;

/** A server with a protocol of its own. */
interface Ledger {

  /**
   * Asks for a balance.
   *
   * @param atMost how long it may take
   */
  String balance(String user, String password, Duration atMost) throws IOException;

  /** An answer that is none. */
  final class Failure extends IOException {
    private static final long serialVersionUID = 1;
    private final String code;

    /** Keeps the code that the server has answered with. */
    Failure(String code) {
      super("The ledger answers: " + code);
      this.code = code;
    }

    String code() {
      return code;
    }
  }
}
