package io.github.evercred.examples.client;

import io.github.evercred.RotationListener;
import io.github.evercred.SecretCache;
import io.github.evercred.testkit.LocalSecretsManager;
import io.github.evercred.testkit.Rotation;
import io.github.evercred.testkit.RotationTarget;
import java.util.function.Supplier;

/** A client, the server that it talks to, and what a rotation changes there. Closed, it is gone. */
interface Scenario extends AutoCloseable {

  /** What the client is, as a row of the report names it. */
  String name();

  String secretId();

  /** The secret's first value. The server accepts it. */
  String firstValue();

  /** What a rotation changes. */
  RotationTarget target();

  /** A rotation of the secret; the target's, unless the scenario knows better. */
  default Rotation rotation(LocalSecretsManager secrets) {
    return Rotation.of(secrets, secretId(), target());
  }

  /**
   * Opens the client.
   *
   * @param caches makes a cache as a process of its own would; whoever calls it need not close it
   * @param listener hears of rotations
   */
  Calls open(Supplier<SecretCache> caches, RotationListener listener) throws Exception;

  /** How many credentials the server has refused so far, by its own count. */
  long refused();

  @Override
  void close();

  /** An open client, used by many threads at once. */
  interface Calls extends AutoCloseable {

    /**
     * Makes one call that needs the credential, and throws if it does not come to what it should.
     */
    void call() throws Exception;

    @Override
    void close();
  }
}
