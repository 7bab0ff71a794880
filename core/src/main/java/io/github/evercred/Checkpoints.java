package io.github.evercred;

import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.crac.Context;
import org.crac.Core;
import org.crac.Resource;
import org.jspecify.annotations.Nullable;

/**
 * Checkpoints of this process, by AWS Lambda SnapStart or a JDK with CRaC: what a cache is told
 * before and after. The one place that knows {@code org.crac}, which may be missing.
 */
final class Checkpoints {

  private static final long FINALIZER_NANOS = 10_000_000;

  /** Names the implementation that {@code org.crac} calls; on Lambda it is Lambda's own. */
  private static final String IMPLEMENTATION = "org.crac.Core.Compat";

  /**
   * When the first cache heard of the last restore. All hooks run one after the other and share
   * what time there is.
   */
  private static final AtomicReference<@Nullable Long> RESTORED = new AtomicReference<>();

  private Checkpoints() {}

  /**
   * Whether this process may be checkpointed. Without any of these {@code org.crac} does nothing,
   * so it is not even looked for: to look in vain would open each jar of the class path.
   */
  static boolean mayCome() {
    return System.getProperty(IMPLEMENTATION) != null
        || isSnapStart()
        || ModuleLayer.boot().findModule("jdk.crac").isPresent();
  }

  // https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
  private static boolean isSnapStart() {
    return "snap-start".equals(System.getenv("AWS_LAMBDA_INITIALIZATION_TYPE"));
  }

  /** Whether one may still come: what has been restored on Lambda is not checkpointed again. */
  static boolean isAhead() {
    return mayCome() && !(isSnapStart() && RESTORED.get() != null);
  }

  /**
   * Has a cache told of checkpoints.
   *
   * @return what the cache must hold for that, since {@code org.crac} holds it weakly; null if
   *     there are none
   */
  static @Nullable Object tell(SecretCache cache) {
    if (!mayCome()) {
      return null;
    }
    try {
      return Hook.registered(cache);
    } catch (NoClassDefFoundError e) {
      Log.EVERCRED.log(
          isSnapStart() ? System.Logger.Level.WARNING : System.Logger.Level.DEBUG,
          "This process may be checkpointed, and org.crac:crac is not on the class path. Add it, or"
              + " read the first secret after the restore: a cache is not told, and what it holds"
              + " goes into the snapshot.",
          e);
    } catch (RuntimeException | LinkageError e) {
      Log.EVERCRED.log(
          System.Logger.Level.WARNING,
          "org.crac does not work here, so a cache is not told of checkpoints, and what it holds"
              + " goes into a snapshot. Correct "
              + IMPLEMENTATION
              + ", or read the first secret after the restore.",
          e);
    }
    return null;
  }

  /** Of its own, so that {@code org.crac} is not loaded before it is known to be of use. */
  private static final class Hook implements Resource {
    private final SecretCache cache;

    private Hook(SecretCache cache) {
      this.cache = cache;
    }

    static Hook registered(SecretCache cache) {
      var hook = new Hook(cache);
      Core.getGlobalContext().register(hook);
      return hook;
    }

    @Override
    public void beforeCheckpoint(Context<? extends Resource> context) {
      RESTORED.set(null);
      cache.beforeCheckpoint();
      collectGarbage();
    }

    /**
     * What was in clear text is garbage by now, and a snapshot would hold that, too. Sockets have a
     * finalizer on JDK 17 and go with the next collection only; and G1 leaves some regions as they
     * are but in every fourth.
     */
    private static void collectGarbage() {
      for (int i = 0; i < 4; i++) {
        System.gc();
        LockSupport.parkNanos(FINALIZER_NANOS);
      }
    }

    @Override
    public void afterRestore(Context<? extends Resource> context) {
      Long now = cache.time().nanos();
      Long first = RESTORED.compareAndExchange(null, now);
      cache.afterRestore(first == null ? 0 : now - first);
    }
  }
}
