package io.github.evercred.examples.migration;

import io.github.evercred.SecretCache;
import io.github.evercred.SecretException;
import java.nio.ByteBuffer;

/**
 * The methods of AWS's cache over Evercred's, where there are too many callers to change at once.
 */
// begin: facade
public final class SecretStrings implements AutoCloseable {
  private final SecretCache cache;

  public SecretStrings(SecretCache cache) {
    this.cache = cache;
  }

  public String getSecretString(String secretId) {
    return cache.get(secretId).asString();
  }

  public ByteBuffer getSecretBinary(String secretId) {
    return ByteBuffer.wrap(cache.get(secretId).asBytes()).asReadOnlyBuffer();
  }

  public boolean refreshNow(String secretId) throws InterruptedException {
    try {
      cache.refresh(secretId);
      return true;
    } catch (SecretException e) {
      if (e.reason() == SecretException.Reason.INTERRUPTED && Thread.interrupted()) {
        throw new InterruptedException(e.getMessage());
      }
      return false;
    }
  }

  @Override
  public void close() {
    cache.close();
  }
}
// end
