package io.github.evercred.testkit;

/**
 * What a {@link Rotation} changes that is no database: says how it makes, sets and tests a
 * credential. The texts are whole values of the secret.
 *
 * <p>Methods are called one at a time, in the thread that does the step, and may block. What they
 * throw fails the step and reaches its caller; an error of a checked type has to be wrapped, and
 * should name no value. Nothing is null.
 */
public interface RotationTarget {

  /**
   * Makes the value of a new version, for {@link Rotation#createSecret}.
   *
   * @param current the value that carries AWSCURRENT
   * @return the new value; the target need not accept it yet
   */
  String newValue(String current);

  /**
   * Makes the target accept a value, for {@link Rotation#setSecret}, and refuse the other, if it
   * knows only one at a time. {@link Rotation#rollback} calls it with the two exchanged, and a step
   * that is done again calls it again.
   *
   * @param current the value that has been accepted
   * @param pending the value to accept from now on
   */
  void set(String current, String pending);

  /**
   * Uses a value as an application does, for {@link Rotation#testSecret}, and throws if it is
   * refused. Does nothing unless overridden.
   *
   * @param pending the value to use
   */
  default void test(String pending) {}
}
