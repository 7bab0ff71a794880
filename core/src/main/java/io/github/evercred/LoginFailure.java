package io.github.evercred;

import org.jspecify.annotations.Nullable;

/**
 * Why a login ended without success, other than by the target's own untouched failure.
 *
 * @param kind what ended it
 * @param message what happened, what was tried and what to do; without any value
 * @param lastRefusal what the target last said to a login like this one, perhaps to another thread;
 *     null if it said nothing
 * @param secretFailure why the secret could not be had; null if it could
 */
public record LoginFailure(
    Kind kind,
    String message,
    @Nullable Exception lastRefusal,
    @Nullable SecretException secretFailure) {

  /** What ended a login. */
  public enum Kind {
    /** No version of the secret was accepted before the deadline. */
    REFUSED,
    /** The target has locked or denied the account, and it is not yet time to try again. */
    LOCKED,
    /** The deadline passed before anything was tried. */
    TIMED_OUT,
    /** The secret could not be had. */
    NO_SECRET,
    /** The thread was interrupted while it waited; its interrupt flag is set again. */
    INTERRUPTED,
    /** The cache was closed. */
    CLOSED
  }
}
