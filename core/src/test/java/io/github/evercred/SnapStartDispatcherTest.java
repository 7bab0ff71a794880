package io.github.evercred;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import io.github.evercred.testkit.LocalSecretsManager;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.ref.WeakReference;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A process that Lambda's own implementation of checkpoints tells of one, and what is in its memory
 * then. No snapshot is taken: the heap dump stands for it.
 */
@Timeout(180)
class SnapStartDispatcherTest {
  private static final String ID = "a/secret";
  private static final String LIBRARY = "jni/libaws-lambda-jni.linux-x86_64.so";

  /** More than a plain map holds, so that Caffeine's are looked into, too. */
  private static final int OTHERS = 70;

  @TempDir Path dir;

  /** Does what it is told by a line each, and prints no secret. */
  static final class Child {
    private final SecretCache cache = SecretCache.create();
    private final SecretHandle handle = cache.handle(ID);
    private final Supplier<String> mapped = handle.map(value -> value.field("password") + "!");
    private final RotationAwareLogin login = new RotationAwareLogin(cache);
    private boolean refuses = true;

    public static void main(String[] args) throws Exception {
      if (args.length > 0) {
        System.load(args[0]);
      }
      var child = new Child();
      try (var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
        for (String line = in.readLine(); line != null; line = in.readLine()) {
          System.out.println("-> " + child.answer(line));
        }
      }
      child.cache.close();
    }

    private String answer(String command) throws Exception {
      switch (command) {
        case "use" -> {
          use();
          return "used";
        }
        case "read" -> {
          return fingerprint(cache.get(ID).field("password"))
              + " "
              + fingerprint(handle.get().field("password"));
        }
        case "checkpoint" -> {
          com.amazonaws.services.lambda.crac.Core.getGlobalContext().beforeCheckpoint(null);
          return "held " + cache.size();
        }
        case "collect" -> {
          System.gc();
          return "collected";
        }
        case "try" -> {
          try {
            return "read " + cache.get(ID).versionId();
          } catch (SecretException e) {
            return e.reason() + " " + e.getMessage();
          }
        }
        case "restore" -> {
          com.amazonaws.services.lambda.crac.Core.getGlobalContext().afterRestore(null);
          return "held " + cache.size();
        }
        case "abandon" -> {
          var abandoned = new WeakReference<>(SecretCache.create());
          Eventually.until(
              () -> {
                System.gc();
                return abandoned.refersTo(null);
              },
              () -> "the cache stays");
          return "collected";
        }
        default -> throw new IllegalArgumentException(command);
      }
    }

    /** All that may keep a value. */
    private void use() {
      for (int i = 0; i < OTHERS; i++) {
        cache.get("other" + i);
      }
      cache.get(ID);
      cache.get(ID, VersionSelector.PREVIOUS);
      cache.versions(ID);
      handle.get().as(Map.class);
      Objects.requireNonNull(mapped.get());
      login.login(
          new Target("fake", List.of("db:1"), null),
          ID,
          LoginOptions.DEFAULTS,
          Optional.of(Duration.ofSeconds(20)),
          new CredentialUse<String, IllegalStateException>() {
            @Override
            public String use(SecretValue credential, Duration remaining) {
              if (refuses) {
                refuses = false;
                throw new IllegalStateException("refused");
              }
              return "in with " + credential.versionId();
            }

            @Override
            public FailureKind sort(Exception failure) {
              return FailureKind.CREDENTIAL;
            }

            @Override
            public String userName(SecretValue credential) {
              return credential.field("username");
            }

            @Override
            public IllegalStateException failure(LoginFailure failure) {
              return new IllegalStateException(failure.message());
            }
          });
      // The last answer on the connection.
      cache.invalidate("other1");
      cache.get("other1");
    }
  }

  static String fingerprint(String text) throws Exception {
    return HexFormat.of()
        .formatHex(
            MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
  }

  /** A child, and how to talk to it. */
  private static final class Talk implements AutoCloseable {
    private final Process process;
    private final PrintStream in;
    private final BufferedReader out;
    private final List<String> heard = new ArrayList<>();

    Talk(List<String> arguments, Map<String, String> environment) throws IOException {
      var command = new ArrayList<String>();
      command.add(java("java"));
      command.addAll(arguments);
      var builder = new ProcessBuilder(command).redirectErrorStream(true);
      builder.environment().putAll(environment);
      process = builder.start();
      in = new PrintStream(process.getOutputStream(), true, StandardCharsets.UTF_8);
      out =
          new BufferedReader(
              new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    }

    /** Bounded by the test's own limit, at whose end the child is killed. */
    String ask(String command) throws IOException {
      in.println(command);
      for (String line = out.readLine(); line != null; line = out.readLine()) {
        heard.add(line);
        if (line.startsWith("-> ")) {
          return line.substring("-> ".length());
        }
      }
      throw new AssertionError("The child has ended: " + String.join("\n", heard));
    }

    @Override
    public void close() {
      process.destroyForcibly();
    }
  }

  private static String java(String program) {
    return Path.of(System.getProperty("java.home"), "bin", program).toString();
  }

  private static String classPathWithout(String library) {
    return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator, -1))
        .filter(entry -> library.isEmpty() || !entry.contains(library))
        .collect(Collectors.joining(File.pathSeparator));
  }

  /** Secrets Manager by TLS, as it is. */
  private static final class Front implements AutoCloseable {
    private static final String PASSWORD = "changeit"; // Of a certificate that lives for this test.
    private final HttpsServer server;
    private final HttpClient client = HttpClient.newHttpClient();
    final Path store;

    /** The data keys that KMS has made, and how often it was asked for one again. */
    final List<byte[]> dataKeys = new CopyOnWriteArrayList<>();

    final AtomicInteger decrypts = new AtomicInteger();

    Front(Path dir, LocalSecretsManager behind) throws Exception {
      store = dir.resolve("localhost.p12");
      Process keytool =
          new ProcessBuilder(
                  java("keytool"),
                  "-genkeypair",
                  "-alias",
                  "a",
                  "-keyalg",
                  "EC",
                  "-keystore",
                  store.toString(),
                  "-storepass",
                  PASSWORD,
                  "-storetype",
                  "PKCS12",
                  "-dname",
                  "CN=localhost",
                  "-ext",
                  "san=dns:localhost")
              .redirectErrorStream(true)
              .redirectOutput(dir.resolve("keytool.log").toFile())
              .start();
      assertThat(keytool.waitFor(60, TimeUnit.SECONDS)).isTrue();
      KeyStore keys = KeyStore.getInstance(store.toFile(), PASSWORD.toCharArray());
      var managers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      managers.init(keys, PASSWORD.toCharArray());
      SSLContext tls = SSLContext.getInstance("TLS");
      tls.init(managers.getKeyManagers(), null, null);
      server = HttpsServer.create(new InetSocketAddress("localhost", 0), 0);
      server.setHttpsConfigurator(new HttpsConfigurator(tls));
      server.createContext("/", exchange -> pass(exchange, behind.endpoint()));
      server.start();
    }

    private void pass(HttpExchange exchange, URI to) throws IOException {
      try (exchange) {
        var request =
            HttpRequest.newBuilder(to.resolve("/"))
                .POST(BodyPublishers.ofByteArray(exchange.getRequestBody().readAllBytes()));
        for (String name : List.of("X-Amz-Target", "Content-Type", "Authorization", "X-Amz-Date")) {
          request.header(name, exchange.getRequestHeaders().getFirst(name));
        }
        var answer = client.send(request.build(), BodyHandlers.ofByteArray());
        answer
            .headers()
            .firstValue("Content-Type")
            .ifPresent(type -> exchange.getResponseHeaders().set("Content-Type", type));
        look(exchange.getRequestHeaders().getFirst("X-Amz-Target"), answer.body());
        exchange.sendResponseHeaders(answer.statusCode(), answer.body().length);
        exchange.getResponseBody().write(answer.body());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    private void look(String target, byte[] answer) {
      if (target.endsWith(".GenerateDataKey")) {
        var answered =
            Objects.requireNonNull(JsonFields.parse(new String(answer, StandardCharsets.UTF_8)));
        dataKeys.add(Base64.getDecoder().decode((String) answered.get("Plaintext")));
      } else if (target.endsWith(".Decrypt")) {
        decrypts.incrementAndGet();
      }
    }

    URI endpoint() {
      return URI.create("https://localhost:" + server.getAddress().getPort());
    }

    @Override
    public void close() {
      server.stop(0);
    }
  }

  private Talk start(Front front, LocalSecretsManager secrets, String without, String... more)
      throws IOException {
    return start(front, secrets, without, Map.of(), more);
  }

  private Talk start(
      Front front,
      LocalSecretsManager secrets,
      String without,
      Map<String, String> options,
      String... more)
      throws IOException {
    var arguments =
        new ArrayList<>(
            List.of(
                "-Xmx160m",
                "-XX:TieredStopAtLevel=1",
                "-Dorg.crac.Core.Compat=com.amazonaws.services.lambda.crac",
                "-Daws.accessKeyId=AKIDEXAMPLE",
                "-Daws.secretAccessKey=example",
                "-Djavax.net.ssl.trustStore=" + front.store,
                "-Djavax.net.ssl.trustStorePassword=" + Front.PASSWORD,
                "-cp",
                classPathWithout(without),
                Child.class.getName()));
    arguments.addAll(List.of(more));
    var environment = new HashMap<>(options);
    environment.put("EVERCRED_ENDPOINT", front.endpoint().toString());
    environment.put("EVERCRED_REGION", secrets.region());
    environment.put("AWS_ENDPOINT_URL_KMS", front.endpoint().toString());
    return new Talk(arguments, environment);
  }

  private String library() throws IOException {
    Path file = dir.resolve("lambda.so");
    try (InputStream in =
        Objects.requireNonNull(getClass().getClassLoader().getResourceAsStream(LIBRARY))) {
      Files.copy(in, file);
    }
    return file.toString();
  }

  private static String random() {
    byte[] bytes = new byte[24];
    new SecureRandom().nextBytes(bytes);
    return "marker" + HexFormat.of().formatHex(bytes);
  }

  private static String json(String password) {
    return "{\"username\":\"app\",\"password\":\"" + password + "\"}";
  }

  /** How often a text is in the memory of a process, by how it is written. */
  private Map<String, Integer> found(Talk child, String name, String text, boolean garbageToo)
      throws Exception {
    return found(child, name, writings(text), garbageToo);
  }

  private Map<String, Integer> found(
      Talk child, String name, Map<String, byte[]> wanted, boolean garbageToo) throws Exception {
    Path file = dir.resolve(name + ".hprof");
    var command =
        new ArrayList<>(List.of(java("jcmd"), Long.toString(child.process.pid()), "GC.heap_dump"));
    if (garbageToo) {
      command.add("-all");
    }
    command.add(file.toString());
    Path said = dir.resolve(name + ".log");
    Process jcmd =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(said.toFile()).start();
    assertThat(jcmd.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(said).content().contains("created");
    var found = new LinkedHashMap<String, Integer>();
    try (FileChannel channel = FileChannel.open(file)) {
      MappedByteBuffer dump = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size());
      byte[] all = new byte[dump.remaining()];
      dump.get(all);
      assertThat(count(all, "java/lang/String".getBytes(StandardCharsets.UTF_8))).isPositive();
      wanted.forEach((how, bytes) -> found.put(how, count(all, bytes)));
    }
    Files.delete(file);
    return found;
  }

  private static Map<String, byte[]> writings(String text) {
    var all = new LinkedHashMap<String, byte[]>();
    all.put("UTF-8", text.getBytes(StandardCharsets.UTF_8));
    all.put("UTF-16LE", text.getBytes(StandardCharsets.UTF_16LE));
    all.put("UTF-16BE", text.getBytes(StandardCharsets.UTF_16BE));
    for (int shift = 0; shift < 3; shift++) {
      String padded = "x".repeat(shift) + text;
      String base64 = Base64.getEncoder().encodeToString(padded.getBytes(StandardCharsets.UTF_8));
      // Without the characters at its ends, which depend on what stands beside the text.
      all.put(
          "base64 at " + shift,
          base64.substring(4, base64.length() - 4).getBytes(StandardCharsets.US_ASCII));
    }
    return all;
  }

  private static int count(byte[] all, byte[] wanted) {
    int count = 0;
    for (int i = 0; i <= all.length - wanted.length; i++) {
      if (all[i] == wanted[0]
          && Arrays.equals(all, i, i + wanted.length, wanted, 0, wanted.length)) {
        count++;
      }
    }
    return count;
  }

  @Test
  void snapStart_checkpointAndRestore_noSecretIsInMemoryAndTheNextReadIsNew() throws Exception {
    String marker = random();
    String next = random();
    try (LocalSecretsManager secrets = LocalSecretsManager.start()) {
      secrets.createSecret(ID, json(random()));
      secrets.putSecretValue(ID, null, json(marker), "AWSCURRENT");
      for (int i = 0; i < OTHERS; i++) {
        secrets.createSecret("other" + i, json(marker));
      }
      try (Front front = new Front(dir, secrets);
          Talk child = start(front, secrets, "", library())) {
        assertThat(child.ask("use")).isEqualTo("used");
        assertThat(child.ask("abandon")).isEqualTo("collected");
        assertThat(found(child, "control", marker, false).get("UTF-8"))
            .as("the search finds what is there")
            .isPositive();

        assertThat(child.ask("checkpoint")).isEqualTo("held 0");

        assertThat(child.ask("try")).contains("UNAVAILABLE", "is being checkpointed");
        assertThat(found(child, "live", marker, false)).allSatisfy(this::isNone);
        assertCollected(child, writings(marker));

        secrets.putSecretValue(ID, null, json(next), "AWSCURRENT");
        secrets.resetCalls();
        assertThat(child.ask("restore")).isEqualTo("held " + (OTHERS + 3));
        int calls = secrets.calls().values().stream().mapToInt(Integer::intValue).sum();
        assertThat(calls).as("loaded at the restore").isPositive();
        assertThat(child.ask("read")).isEqualTo(fingerprint(next) + " " + fingerprint(next));
        assertThat(secrets.calls().values().stream().mapToInt(Integer::intValue).sum())
            .as("calls of readers")
            .isEqualTo(calls);
        assertThat(String.join("\n", child.heard)).doesNotContain(marker).doesNotContain(next);
      }
    }
  }

  /** The secrets as {@link #writings}, and each data key as bytes and as KMS has sent it. */
  private static Map<String, byte[]> writings(String text, List<byte[]> keys) {
    Map<String, byte[]> all = writings(text);
    for (int i = 0; i < keys.size(); i++) {
      all.put("key " + i, keys.get(i));
      all.put("key in base64 " + i, Base64.getEncoder().encode(keys.get(i)));
    }
    return all;
  }

  /** The snapshot holds what is sealed, and neither plain text nor key. */
  @Test
  void snapStart_sealedByKms_oneDecryptBringsBackWhatNoSnapshotShows() throws Exception {
    String marker = random();
    String next = random();
    try (LocalSecretsManager secrets = LocalSecretsManager.start()) {
      String kmsKey = secrets.kms().createKey();
      secrets.createSecret(ID, json(random()));
      secrets.putSecretValue(ID, null, json(marker), "AWSCURRENT");
      for (int i = 0; i < OTHERS; i++) {
        secrets.createSecret("other" + i, json(marker));
      }
      try (Front front = new Front(dir, secrets);
          Talk child =
              start(
                  front,
                  secrets,
                  "",
                  Map.of("EVERCRED_SEALED_BY_KMS_KEY", kmsKey, "EVERCRED_APPLICATION", "orders"),
                  library())) {
        assertThat(child.ask("use")).isEqualTo("used");
        assertThat(front.dataKeys).hasSize(1);

        for (int restores = 1; restores <= 2; restores++) {
          assertThat(child.ask("checkpoint")).isEqualTo("held 0");
          Map<String, byte[]> wanted = writings(marker, front.dataKeys);
          assertThat(wanted).hasSizeGreaterThanOrEqualTo(6 + 2 * restores);
          assertThat(found(child, "live", wanted, false)).allSatisfy(this::isNone);
          assertCollected(child, wanted);
          assertThat(child.ask("try")).contains("UNAVAILABLE");
          if (restores == 1) {
            secrets.putSecretValue(ID, null, json(next), "AWSCURRENT");
          }
          int before = front.decrypts.get();

          assertThat(child.ask("restore")).isEqualTo("held " + (OTHERS + 3));

          assertThat(front.decrypts.get() - before).as("keys brought back").isPositive();
          if (restores == 1) {
            assertThat(front.decrypts.get() - before).isEqualTo(1);
          }
          String both = fingerprint(next) + " " + fingerprint(next);
          Eventually.until(() -> ask(child, "read").equals(both), () -> "not revalidated");
          int keys = 1 + restores;
          Eventually.until(
              () -> front.dataKeys.size() == keys, () -> "no data key of its own after a restore");
          assertThat(front.dataKeys).doesNotHaveDuplicates();
        }
        assertThat(String.join("\n", child.heard)).doesNotContain(marker).doesNotContain(next);
      }
    }
  }

  private static String ask(Talk child, String command) {
    try {
      return child.ask(command);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /**
   * The same with garbage. On a machine that is busy the finalizer of a socket may come late, so
   * what it holds is waited for; nothing may stay.
   */
  private void assertCollected(Talk child, Map<String, byte[]> wanted) {
    Eventually.until(
        () -> {
          try {
            return found(child, "all", wanted, true).values().stream().allMatch(n -> n == 0)
                || child.ask("collect").isEmpty();
          } catch (Exception e) {
            throw new AssertionError(e);
          }
        },
        () -> "garbage with what must not be there stays");
  }

  private void isNone(String how, Integer count) {
    assertThat(count).as(how).isZero();
  }

  @Test
  void snapStart_withoutTheLibrary_readsAllTheSame() throws Exception {
    String marker = random();
    try (LocalSecretsManager secrets = LocalSecretsManager.start()) {
      secrets.createSecret(ID, json(marker));
      String without = "org" + File.separator + "crac" + File.separator;
      assertThat(classPathWithout(without)).isNotEqualTo(classPathWithout(""));
      try (Front front = new Front(dir, secrets);
          Talk child = start(front, secrets, without)) {
        assertThat(child.ask("read")).isEqualTo(fingerprint(marker) + " " + fingerprint(marker));
      }
    }
  }
}
