package io.github.evercred.benchmarks;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * The jars that a library brings when it is the only dependency of an application, as Maven
 * resolves them: for a peer by a project made for that, for Evercred's modules by their own.
 */
final class Size {
  private static final Path WORK = Path.of("benchmarks", "target", "size");
  private static final String COPY =
      "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";
  private static final List<String> MODULES = List.of("core", "jdbc-wrapper", "testkit");
  private static final Map<String, String> TITLES =
      Map.of("core", "Evercred core", "jdbc-wrapper", "Evercred JDBC");
  static final String PUBLISHED = "Evercred, all published jars";

  /** The peers: Maven's group, artifact. */
  private static final Map<String, String> PEERS = peers();

  private Size() {}

  private static Map<String, String> peers() {
    Map<String, String> peers = new LinkedHashMap<>();
    peers.put("aws-secretsmanager-caching-java", "com.amazonaws.secretsmanager");
    peers.put("powertools-parameters-secrets", "software.amazon.lambda");
    peers.put("aws-secretsmanager-jdbc", "com.amazonaws.secretsmanager");
    peers.put("aws-advanced-jdbc-wrapper", "software.amazon.jdbc");
    return peers;
  }

  static Results measure() throws IOException, InterruptedException {
    var collector = new Results.Collector();
    for (String module : MODULES) {
      String title = TITLES.get(module);
      if (title == null) {
        continue; // The test kit is not part of an application.
      }
      List<Path> all = new ArrayList<>(jars(Path.of(module, "target", "brings")));
      if (all.isEmpty()) {
        throw new IOException(
            "%s/target/brings has no jars: run by make bench, which puts them there"
                .formatted(module));
      }
      Path own = own(module);
      all.add(own);
      add(collector, title, own, all);
    }
    resolvePeers();
    for (String peer : PEERS.keySet()) {
      List<Path> all = jars(WORK.resolve(peer).resolve("jars"));
      Path own =
          all.stream()
              .filter(jar -> Objects.toString(jar.getFileName()).startsWith(peer + "-"))
              .findFirst()
              .orElseThrow(() -> new IOException("Maven has not found " + peer));
      add(collector, peer, own, all);
    }
    double published = 0;
    for (String module : MODULES) {
      published += Files.size(own(module)) / 1024.0;
    }
    collector.add("", PUBLISHED, Metric.OWN_KILOBYTES, published);
    return collector.results();
  }

  private static void add(Results.Collector into, String title, Path own, List<Path> all)
      throws IOException {
    double bytes = 0;
    for (Path jar : all) {
      bytes += Files.size(jar);
    }
    into.add("", title, Metric.JARS, all.size())
        .add("", title, Metric.TRANSITIVE, all.size() - 1)
        .add("", title, Metric.KILOBYTES, bytes / 1024)
        .add("", title, Metric.OWN_KILOBYTES, Files.size(own) / 1024.0);
  }

  private static Path own(String module) throws IOException {
    return jars(Path.of(module, "target")).stream()
        .filter(
            jar -> !Objects.toString(jar.getFileName()).matches(".*-(sources|javadoc|tests)\\.jar"))
        .findFirst()
        .orElseThrow(() -> new IOException("%s has no jar: run by make bench".formatted(module)));
  }

  private static List<Path> jars(Path directory) throws IOException {
    if (!Files.isDirectory(directory)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(directory)) {
      return files
          .filter(file -> file.toString().endsWith(".jar"))
          // An optional dependency, which a user of the module does not get.
          .filter(file -> !Objects.toString(file.getFileName()).startsWith("HikariCP-"))
          .sorted()
          .toList();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  /** One project for each peer, so that none takes part in choosing another's versions. */
  private static void resolvePeers() throws IOException, InterruptedException {
    Map<String, Object> versions = Bench.versions();
    var modules = new StringBuilder();
    for (var peer : PEERS.entrySet()) {
      modules.append("<module>%s</module>".formatted(peer.getKey()));
      write(
          WORK.resolve(peer.getKey()),
          "size-of-" + peer.getKey(),
          "jar",
          "<dependencies><dependency><groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version></dependency></dependencies>"
              .formatted(peer.getValue(), peer.getKey(), versions.get(peer.getKey())));
    }
    write(WORK, "sizes", "pom", "<modules>%s</modules>".formatted(modules));
    Process maven =
        new ProcessBuilder(
                "./mvnw",
                "-B",
                "-ntp",
                "-q",
                "-f",
                WORK.resolve("pom.xml").toString(),
                COPY,
                "-DincludeScope=runtime",
                "-DoutputDirectory=jars")
            .inheritIO()
            .start();
    if (!maven.waitFor(5, TimeUnit.MINUTES)) {
      maven.destroyForcibly();
      throw new IOException("Maven took too long to find the peers' jars");
    }
    if (maven.exitValue() != 0) {
      throw new IOException("Maven could not find the peers' jars");
    }
  }

  private static void write(Path directory, String artifact, String packaging, String rest)
      throws IOException {
    Files.createDirectories(directory);
    Files.writeString(
        directory.resolve("pom.xml"),
        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion><groupId>io.github.evercred.size</groupId><artifactId>%s</artifactId><version>1</version><packaging>%s</packaging>%s</project>%n"
            .formatted(artifact, packaging, rest),
        StandardCharsets.UTF_8);
  }
}
