package io.github.evercred;

/** Where all is logged. Its set-up is left to the first line, which most processes never write. */
final class Log {
  static final System.Logger EVERCRED = System.getLogger("io.github.evercred");

  private Log() {}
}
