package io.github.evercred;

/** What a target's failure says about the credential that was used. */
public enum FailureKind {
  /** The target rejects this credential; another version of the secret may mend it. */
  CREDENTIAL,
  /**
   * The target has locked the account or denies it whatever the password is: more tries do harm.
   * Nobody tries for 5 s, doubling to 60 s; then one caller does.
   */
  LOCKED_OR_DENIED,
  /**
   * The target, or a proxy before it, may be repeating an old refusal: nothing is held against the
   * version, and the same one is tried again after 1 s, doubling to 30 s.
   */
  UNCERTAIN,
  /**
   * Anything that no credential mends: rethrown untouched, at once. Only where it comes when the
   * time of a login that was refused before is over, that refusal is why, and this is suppressed.
   */
  OTHER
}
