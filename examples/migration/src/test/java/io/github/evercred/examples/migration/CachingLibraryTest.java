package io.github.evercred.examples.migration;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.amazonaws.secretsmanager.caching.SecretCacheConfiguration;
import io.github.evercred.AwsSecretSource;
import io.github.evercred.SecretCache;
import io.github.evercred.SecretCacheBuilder;
import io.github.evercred.SecretCacheListener;
import io.github.evercred.SecretException;
import io.github.evercred.SecretException.Reason;
import io.github.evercred.SecretVersions;
import io.github.evercred.VersionSelector;
import io.github.evercred.testkit.Fault;
import io.github.evercred.testkit.Hold;
import io.github.evercred.testkit.LocalSecretsManager;
import io.github.evercred.testkit.Requests;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.model.ResourceNotFoundException;
import software.amazon.awssdk.services.secretsmanager.model.SecretsManagerException;

/** What the guide says of AWS's caching library and of Evercred, shown on one Secrets Manager. */
@Timeout(30)
class CachingLibraryTest {
  private static final String API = "prod/payment/api";

  private final LocalSecretsManager secrets = LocalSecretsManager.start();
  private final SecretsManagerClient client = Clients.of(secrets);
  private final List<AutoCloseable> open = new ArrayList<>(List.of(secrets, client));

  @BeforeEach
  void createSecret() {
    secrets.createSecret(API, "first");
  }

  @AfterEach
  void close() throws Exception {
    for (int i = open.size() - 1; i >= 0; i--) {
      open.get(i).close();
    }
  }

  private com.amazonaws.secretsmanager.caching.SecretCache aws(SecretCacheConfiguration options) {
    var cache = new com.amazonaws.secretsmanager.caching.SecretCache(options.withClient(client));
    open.add(cache);
    return cache;
  }

  /** With a TTL of zero every read is one at which the value has just expired. */
  private com.amazonaws.secretsmanager.caching.SecretCache awsExpiring() {
    return aws(new SecretCacheConfiguration().withCacheItemTTL(0));
  }

  private SecretCacheBuilder options() {
    return SecretCache.builder().source(AwsSecretSource.of(client)).minimumInterval(Duration.ZERO);
  }

  private SecretCache evercred(SecretCacheBuilder options) {
    SecretCache cache = options.build();
    open.add(cache);
    return cache;
  }

  @Test
  void configured_both_readTheSameText() {
    var before = AwsCachingBefore.configured(client);
    var after = EvercredAfter.configured(client);
    open.addAll(List.of(before, after));

    assertThat(new EvercredAfter(after).text())
        .isEqualTo(new AwsCachingBefore(before).text())
        .isEqualTo(new EvercredAfter(after).handle())
        .isEqualTo("first");
  }

  @Test
  void binary_both_readTheSameBytes() {
    byte[] stored = {0, 1, -1, 127};
    secrets.createSecret("prod/payment/keystore", stored);

    ByteBuffer before = new AwsCachingBefore(aws(new SecretCacheConfiguration())).binary();
    byte[] after = new EvercredAfter(evercred(options())).binary();

    assertThat(after).isEqualTo(stored);
    assertThat(before).isEqualTo(ByteBuffer.wrap(after));
  }

  @Test
  void fields_jsonSecret_areReadWithoutAParser() {
    secrets.createSecret("prod/orders/db", "{\"username\":\"app\",\"password\":\"pw\"}");

    assertThat(new EvercredAfter(evercred(options())).fields()).isEqualTo("app/pw");
  }

  @Test
  void textReadAsBytes_awsThrowsNullPointer_evercredGivesUtf8() {
    var before = aws(new SecretCacheConfiguration());

    assertThatThrownBy(() -> before.getSecretBinary(API)).isInstanceOf(NullPointerException.class);
    assertThat(evercred(options()).get(API).asBytes()).asString(UTF_8).isEqualTo("first");
  }

  @Test
  void bytesReadAsText_awsReturnsNull_evercredSaysMalformed() {
    secrets.createSecret("binary", new byte[] {1});

    assertThat(aws(new SecretCacheConfiguration()).getSecretString("binary")).isNull();
    SecretCache after = evercred(options());
    assertThat(after.get("binary").isBinary()).isTrue();
    assertThat(reason(() -> after.get("binary").asString())).isEqualTo(Reason.MALFORMED);
  }

  @Test
  void coldRead_awsMakesTwoCalls_evercredOne() {
    var before = aws(new SecretCacheConfiguration()).getSecretString(API);
    assertThat(secrets.calls()).isEqualTo(Map.of("DescribeSecret", 1, "GetSecretValue", 1));

    secrets.resetCalls();
    assertThat(evercred(options()).get(API).asString()).isEqualTo(before);
    assertThat(secrets.calls()).isEqualTo(Map.of("GetSecretValue", 1));
  }

  @Test
  void refreshOfUnchanged_awsDescribes_evercredFetches() throws Exception {
    var before = aws(new SecretCacheConfiguration().withForceRefreshJitterMillis(0));
    before.getSecretString(API);
    SecretCache after = evercred(options());
    after.get(API);
    secrets.resetCalls();

    assertThat(before.refreshNow(API)).isTrue();
    before.getSecretString(API);
    assertThat(secrets.calls()).isEqualTo(Map.of("DescribeSecret", 1));

    secrets.resetCalls();
    after.refresh(API);
    assertThat(secrets.calls()).isEqualTo(Map.of("GetSecretValue", 1));
  }

  @Test
  void refreshOfRotated_awsMakesTwoCalls_evercredOne() throws Exception {
    var before = aws(new SecretCacheConfiguration().withForceRefreshJitterMillis(0));
    before.getSecretString(API);
    SecretCache after = evercred(options());
    after.get(API);
    secrets.putSecretValue(API, null, "second");
    secrets.resetCalls();

    assertThat(before.refreshNow(API)).isTrue();
    assertThat(before.getSecretString(API)).isEqualTo("second");
    assertThat(secrets.calls()).isEqualTo(Map.of("DescribeSecret", 1, "GetSecretValue", 1));

    secrets.resetCalls();
    assertThat(after.refresh(API).asString()).isEqualTo("second");
    assertThat(secrets.calls()).isEqualTo(Map.of("GetSecretValue", 1));
  }

  @Test
  void rotatedWhileNewVersionCannotBeRead_awsThrows_evercredServes() throws Exception {
    var staleServed = new CountDownLatch(1);
    var before = awsExpiring();
    SecretCache after =
        evercred(
            options()
                .refreshAfter(Duration.ofSeconds(1))
                .listener(
                    new SecretCacheListener() {
                      @Override
                      public void servingStale(
                          String id,
                          VersionSelector version,
                          String versionId,
                          Duration age,
                          SecretException why) {
                        staleServed.countDown();
                      }
                    }));
    assertThat(before.getSecretString(API)).isEqualTo(after.get(API).asString());
    secrets.putSecretValue(API, null, "second");
    secrets.inject(Fault.serverError(), Requests.of("GetSecretValue"));

    assertThatExceptionOfType(SecretsManagerException.class)
        .isThrownBy(() -> before.getSecretString(API));

    assertThat(after.get(API).asString()).isEqualTo("first");
    assertThat(staleServed.await(20, TimeUnit.SECONDS))
        .isTrue(); // The refresh has come and failed.
    assertThat(after.get(API).asString()).isEqualTo("first");
    assertThat(after.statistics().stale()).isEqualTo(1);
  }

  @Test
  void readOfExpired_whileAwsHangs_awsWaits_evercredAnswers() throws Exception {
    var before = awsExpiring();
    before.getSecretString(API);
    SecretCache after = evercred(options().refreshAfter(Duration.ofSeconds(1)));
    after.get(API);
    after.get(API); // A value that nobody has read since its fetch is not refreshed by a timer.

    try (Hold evercreds = secrets.hold(Requests.of("GetSecretValue"));
        Hold awss = secrets.hold(Requests.of("DescribeSecret"))) {
      evercreds.awaitArrival(1, Duration.ofSeconds(20)); // The refresh hangs, in the background.
      assertThat(after.get(API).asString()).isEqualTo("first");

      var read = new FutureTask<>(() -> before.getSecretString(API));
      Thread reader = new Thread(read, "reader");
      reader.setDaemon(true);
      reader.start();
      awss.awaitArrival(1, Duration.ofSeconds(20)); // The reader itself asks, and waits.
      assertThat(read.isDone()).isFalse();
      awss.release();
      assertThat(read.get(20, TimeUnit.SECONDS)).isEqualTo("first");
    }
  }

  @Test
  void forcedRefreshFails_awsSaysTrue_evercredThrowsAndKeepsTheValue() throws Exception {
    var before = aws(new SecretCacheConfiguration().withForceRefreshJitterMillis(0));
    before.getSecretString(API);
    SecretCache after = evercred(options());
    after.get(API);
    secrets.inject(Fault.accessDeniedByKms(), Requests.of("GetSecretValue"));

    assertThat(before.refreshNow(API)).isTrue();
    assertThat(reason(() -> after.refresh(API))).isEqualTo(Reason.KMS_DENIED);
    assertThat(after.get(API).asString()).isEqualTo("first");
  }

  @Test
  void accessRevoked_awsServesOn_evercredAsLongAsAllowed() {
    var before = awsExpiring();
    before.getSecretString(API);
    SecretCache after = evercred(options().serveStaleWhenDeniedFor(Duration.ZERO));
    after.get(API);
    secrets.inject(Fault.accessDenied());

    assertThat(before.getSecretString(API)).isEqualTo("first");
    assertThat(secrets.calls("DescribeSecret")).isEqualTo(2); // It has asked, and was refused.
    assertThat(reason(() -> after.refresh(API))).isEqualTo(Reason.ACCESS_DENIED);
    assertThat(reason(() -> after.get(API))).isEqualTo(Reason.ACCESS_DENIED);
  }

  @Test
  void unknownLabel_awsReturnsNull_evercredSaysNotFound() {
    var before = aws(new SecretCacheConfiguration().withVersionStage("AWSCURENT"));

    assertThat(before.getSecretString(API)).isNull();
    SecretCache after = evercred(options());
    assertThat(reason(() -> after.get(API, VersionSelector.label("AWSCURENT"))))
        .isEqualTo(Reason.NOT_FOUND);
  }

  @Test
  void missingSecret_both_tellSo() {
    var before = aws(new SecretCacheConfiguration());
    SecretCache after = evercred(options());

    assertThat(new AwsCachingBefore(before).secretOr("none", "fallback")).isEqualTo("fallback");
    assertThat(new EvercredAfter(after).secretOr("none", "fallback")).isEqualTo("fallback");
    assertThatThrownBy(() -> after.get("none"))
        .isInstanceOf(SecretException.class)
        .hasRootCauseInstanceOf(ResourceNotFoundException.class);
  }

  @Test
  void missingSecretByArnOfAnotherRegion_bothTellSo_evercredWhy() {
    String arn = "arn:aws:secretsmanager:sa-east-1:123456789012:secret:none-a1b2c3";
    var before = aws(new SecretCacheConfiguration());
    SecretCache after = evercred(options());

    assertThat(new AwsCachingBefore(before).secretOr(arn, "fallback")).isEqualTo("fallback");
    assertThat(new EvercredAfter(after).secretOr(arn, "fallback")).isEqualTo("fallback");
    assertThat(reason(() -> after.get(arn))).isEqualTo(Reason.WRONG_REGION);
  }

  @Test
  void deniedSecret_isNoMissingOne_noFallback() {
    secrets.inject(Fault.accessDenied());
    var after = new EvercredAfter(evercred(options()));

    assertThat(reason(() -> after.secretOr("none", "fallback"))).isEqualTo(Reason.ACCESS_DENIED);
  }

  @Test
  void failureTwice_awsThrowsOneInstance_evercredOneEach() {
    var before = aws(new SecretCacheConfiguration());
    SecretCache after = evercred(options());

    assertThat(catchThrowable(() -> before.getSecretString("none")))
        .isSameAs(catchThrowable(() -> before.getSecretString("none")));
    assertThat(catchThrowable(() -> after.get("none")))
        .isNotSameAs(catchThrowable(() -> after.get("none")));
  }

  @Test
  void labels_awsNeedsACacheEach_evercredReadsThemFromOne() {
    secrets.createSecret("prod/tokens/signing-key", "one");
    secrets.putSecretValue("prod/tokens/signing-key", null, "two");
    SecretCache after = evercred(options());

    assertThat(AwsCachingBefore.previous(client)).isEqualTo("one");
    assertThat(new EvercredAfter(after).previous()).isEqualTo("oneone");
    SecretVersions all = after.versions("prod/tokens/signing-key");
    assertThat(all.all()).extracting(version -> version.asString()).containsExactly("two", "one");
  }

  @Test
  void nameThenArn_awsKeepsTwoCopies_evercredFetchesOnce() {
    String arn = secrets.arn(API);
    var before = aws(new SecretCacheConfiguration());
    before.getSecretString(API);
    before.getSecretString(arn);
    assertThat(secrets.calls()).isEqualTo(Map.of("DescribeSecret", 2, "GetSecretValue", 2));

    secrets.resetCalls();
    SecretCache after = evercred(options());
    after.get(API);
    after.get(arn);
    assertThat(secrets.calls()).isEqualTo(Map.of("GetSecretValue", 1));
    assertThat(after.statistics().held()).isEqualTo(2); // Two entries, one content.
  }

  @Test
  void login_afterARotation_bothRecover() throws Exception {
    var before = new AwsCachingBefore(aws(new SecretCacheConfiguration()));
    var after = new EvercredAfter(evercred(options()));
    assertThat(before.logIn(API, "first"::equals)).isTrue();
    assertThat(after.logIn(API, "first"::equals)).isTrue();
    secrets.putSecretValue(API, null, "second");

    assertThat(before.logIn(API, "second"::equals)).isTrue();
    assertThat(after.logIn(API, "second"::equals)).isTrue();
    assertThat(after.logIn(API, "third"::equals)).isFalse();
  }

  @Test
  void hookAndListener_rotation_areBothTold() throws Exception {
    var hook = new AwsCachingBefore.CountingHook();
    var before =
        aws(new SecretCacheConfiguration().withCacheHook(hook).withForceRefreshJitterMillis(0));
    before.getSecretString(API);
    var told = new CountDownLatch(1);
    var log = new EvercredAfter.RotationLog();
    SecretCache after =
        evercred(
            options()
                .listener(log)
                .listener(
                    new SecretCacheListener() {
                      @Override
                      public void rotated(
                          String id, VersionSelector version, String oldId, String newId) {
                        told.countDown();
                      }
                    }));
    after.get(API);
    secrets.putSecretValue(API, null, "second");
    before.refreshNow(API);
    before.getSecretString(API);
    after.refresh(API);

    assertThat(hook.stored.sum()).isEqualTo(4); // Two answers of each kind, untyped.
    assertThat(told.await(20, TimeUnit.SECONDS)).isTrue();
    assertThat(log.rotations.sum()).isEqualTo(1);
    assertThat(log.stale.sum()).isZero();
  }

  @Test
  void close_awsCanStillBeRead_evercredSaysClosed_neitherClosesTheClient() {
    var before = aws(new SecretCacheConfiguration());
    SecretCache after = evercred(options());
    assertThat(before.getSecretString(API)).isEqualTo(after.get(API).asString());
    before.close();
    after.close();

    assertThat(before.getSecretString(API)).isEqualTo("first");
    assertThat(reason(() -> after.get(API))).isEqualTo(Reason.CLOSED);
    assertThat(client.describeSecret(request -> request.secretId(API)).name()).isEqualTo(API);
  }

  @Test
  void facade_hasTheMethodsOfAws_withItsAnswers() throws Exception {
    SecretCache cache = evercred(options());
    var facade = new SecretStrings(cache);
    open.add(facade);

    assertThat(facade.getSecretString(API)).isEqualTo("first");
    assertThat(facade.getSecretBinary(API)).isEqualTo(ByteBuffer.wrap("first".getBytes(UTF_8)));
    secrets.putSecretValue(API, null, "second");
    assertThat(facade.refreshNow(API)).isTrue();
    assertThat(facade.getSecretString(API)).isEqualTo("second");
    secrets.inject(Fault.serverError());
    assertThat(facade.refreshNow(API)).isFalse();
    assertThat(facade.getSecretString(API)).isEqualTo("second");
  }

  @Test
  void facade_interruptedInRefresh_throwsAsAwsDoes() {
    var facade = new SecretStrings(evercred(options()));
    facade.getSecretString(API);

    secrets.inject(Fault.hang());
    Thread.currentThread().interrupt();
    assertThatExceptionOfType(InterruptedException.class).isThrownBy(() -> facade.refreshNow(API));
    assertThat(Thread.currentThread().isInterrupted()).isFalse();
  }

  @Test
  void sideBySide_oneClient_secretsGoOverOneByOne() {
    secrets.createSecret("moved", "value");

    try (var both = new SideBySide(client, "moved"::equals)) {
      assertThat(both.secret("moved")).isEqualTo("value");
      assertThat(secrets.calls()).isEqualTo(Map.of("GetSecretValue", 1));
      assertThat(both.secret(API)).isEqualTo("first");
      assertThat(secrets.calls()).isEqualTo(Map.of("GetSecretValue", 2, "DescribeSecret", 1));
      assertThat(both.agree(API)).isTrue();
      secrets.putSecretValue("moved", null, "other");
      assertThat(both.agree("moved")).isFalse();
    }
    assertThat(client.describeSecret(request -> request.secretId(API)).name()).isEqualTo(API);
  }

  private static Reason reason(Runnable read) {
    SecretException thrown = catchThrowableOfType(SecretException.class, read::run);
    assertThat(thrown).isNotNull();
    return thrown.reason();
  }
}
