package io.github.evercred.benchmarks;

import io.github.evercred.SecretCache;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClientBuilder;
import software.amazon.lambda.powertools.parameters.secrets.SecretsProvider;

/**
 * A process that reads one secret, in one way, and says how long after its start it had it. Each
 * way is in a class of its own, so that none loads what another needs.
 */
final class FirstSecret {
  static final String ID = "cold/start";
  static final String VALUE = "{\"key\":\"value\"}";
  static final String TOKEN = "cold-start-token";

  private FirstSecret() {}

  /** How the secret is read. */
  private interface Way {
    String read() throws Exception;
  }

  /** What is compared; the arguments of a process name one. */
  enum Contestant {
    /** One request of the JDK's to the agent: the floor. */
    BARE_HTTP("one HTTP request by the JDK"),
    /** {@code SecretCache} by the local agent. */
    EVERCRED_AGENT("Evercred, local agent"),
    /** The SDK's client alone. */
    BARE_SDK("the SDK's client alone"),
    /** The same, which has to look for its credentials, as an application does. */
    BARE_SDK_CHAIN("the SDK's client alone, default credentials"),
    /** {@code SecretCache} by the SDK; it looks for its credentials, too. */
    EVERCRED_SDK("Evercred, SDK"),
    /** The same, from a class-data-sharing archive. */
    EVERCRED_SDK_APPCDS("Evercred, SDK, with an AppCDS archive"),
    /** AWS's caching library. */
    AWS_CACHING("AWS caching library"),
    /** Powertools' parameters. */
    POWERTOOLS("Powertools");

    final String title;

    Contestant(String title) {
      this.title = title;
    }
  }

  private static Way way(Contestant contestant) {
    return switch (contestant) {
      case BARE_HTTP -> new BareHttp();
      case EVERCRED_AGENT, EVERCRED_SDK, EVERCRED_SDK_APPCDS -> new Evercred();
      case BARE_SDK -> new BareSdk();
      case BARE_SDK_CHAIN -> new BareSdkChain();
      case AWS_CACHING -> new AwsCaching();
      case POWERTOOLS -> new Powertools();
    };
  }

  /**
   * Reads.
   *
   * @param args a {@link Contestant}
   */
  public static void main(String[] args) throws Exception {
    // For the default chain.
    System.setProperty("aws.accessKeyId", "AKIDEXAMPLE");
    System.setProperty("aws.secretAccessKey", "example");
    String value = way(Contestant.valueOf(args[0])).read();
    long now = System.currentTimeMillis();
    if (!value.contains("value")) {
      throw new IllegalStateException("not the secret");
    }
    long started = ManagementFactory.getRuntimeMXBean().getStartTime();
    System.out.println("first " + (now - started) + " " + peakKilobytes());
    System.out.flush();
    Runtime.getRuntime().halt(0); // What a library does at its end is another matter.
  }

  /** The most memory that was resident, as Linux tells it; 0 elsewhere. */
  private static long peakKilobytes() throws IOException {
    Path status = Path.of("/proc/self/status");
    if (!Files.isReadable(status)) {
      return 0;
    }
    for (String line : Files.readAllLines(status)) {
      if (line.startsWith("VmHWM:")) {
        return Long.parseLong(line.replaceAll("[^0-9]", ""));
      }
    }
    return 0;
  }

  private static String variable(String name) {
    String value = System.getenv(name);
    if (value == null) {
      throw new IllegalStateException(name + " is not set");
    }
    return value;
  }

  private static final class BareHttp implements Way {
    @Override
    public String read() throws IOException {
      var connection =
          (HttpURLConnection)
              URI.create(
                      "http://127.0.0.1:"
                          + variable("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT")
                          + "/secretsmanager/get?secretId=cold%2Fstart&versionStage=AWSCURRENT")
                  .toURL()
                  .openConnection();
      connection.setRequestProperty("X-Aws-Parameters-Secrets-Token", TOKEN);
      return new String(connection.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  /** By the agent or the SDK, as the environment says. */
  private static final class Evercred implements Way {
    @Override
    public String read() {
      return SecretCache.create().get(ID).asString();
    }
  }

  /** A client as its documentation says it starts fast, and as ours is built. */
  private static SecretsManagerClientBuilder client() {
    return SecretsManagerClient.builder()
        .httpClientBuilder(UrlConnectionHttpClient.builder())
        .endpointOverride(URI.create(variable("COLD_START_ENDPOINT")))
        .region(Region.of("eu-west-1"))
        .credentialsProvider(
            StaticCredentialsProvider.create(AwsBasicCredentials.create("AKIDEXAMPLE", "example")));
  }

  private static final class BareSdk implements Way {
    @Override
    public String read() {
      return client().build().getSecretValue(b -> b.secretId(ID)).secretString();
    }
  }

  private static final class BareSdkChain implements Way {
    @Override
    public String read() {
      return SecretsManagerClient.builder()
          .httpClientBuilder(UrlConnectionHttpClient.builder())
          .endpointOverride(URI.create(variable("COLD_START_ENDPOINT")))
          .region(Region.of("eu-west-1"))
          .build()
          .getSecretValue(b -> b.secretId(ID))
          .secretString();
    }
  }

  private static final class AwsCaching implements Way {
    @Override
    public String read() {
      return new com.amazonaws.secretsmanager.caching.SecretCache(client().build())
          .getSecretString(ID);
    }
  }

  private static final class Powertools implements Way {
    @Override
    public String read() {
      return SecretsProvider.builder().withClient(client().build()).build().get(ID);
    }
  }
}
