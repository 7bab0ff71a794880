package io.github.evercred;

import static io.github.evercred.CacheFixture.ID;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.evercred.SecretException.Reason;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Collectors;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a flight recording shows, and that it shows no value. */
@Timeout(100)
class JfrEventsTest {
  private static final String PREFIX = "io.github.evercred.";
  private static final List<String> NAMES =
      List.of(
          "Load",
          "Refresh",
          "Rotation",
          "Failure",
          "Stale",
          "Expiry",
          "Eviction",
          "Refusal",
          "RotationIncomplete",
          "RotationComplete");

  @TempDir Path dir;
  private int dumps;

  private static Recording recording() {
    var recording = new Recording();
    NAMES.forEach(name -> recording.enable(PREFIX + name));
    recording.enable("jdk.JavaExceptionThrow").withStackTrace();
    recording.start();
    return recording;
  }

  private Path dump(Recording recording) {
    try {
      Path file = dir.resolve("dump" + dumps++ + ".jfr");
      recording.dump(file);
      return file;
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private List<RecordedEvent> ours(Recording recording) {
    try {
      return RecordingFile.readAllEvents(dump(recording)).stream()
          .filter(event -> event.getEventType().getName().startsWith(PREFIX))
          .toList();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** Events of caches come in a thread of their own, a little later. */
  private List<RecordedEvent> await(Recording recording, String last) {
    Eventually.until(
        () -> ours(recording).stream().anyMatch(event -> is(event, last)),
        () -> "no " + last + " among " + ours(recording));
    return ours(recording);
  }

  private static boolean is(RecordedEvent event, String name) {
    return event.getEventType().getName().equals(PREFIX + name);
  }

  private static RecordedEvent one(List<RecordedEvent> events, String name) {
    return events.stream().filter(event -> is(event, name)).findFirst().orElseThrow();
  }

  private static boolean contains(Path file, String text) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    return new String(bytes, StandardCharsets.ISO_8859_1).contains(text)
        || new String(bytes, StandardCharsets.ISO_8859_1)
            .contains(
                new String(text.getBytes(StandardCharsets.UTF_16LE), StandardCharsets.ISO_8859_1));
  }

  @Test
  void recording_ofARotationAndAnOutage_showsEachAndNoValue() throws Exception {
    try (var recording = recording();
        var o = new Observed(options -> options.listener(JfrEvents.listener()))) {
      o.rotate();
      o.fail(Reason.UNAVAILABLE);
      o.expire();
      List<RecordedEvent> events = await(recording, "Failure");

      assertThat(events.stream().map(e -> e.getEventType().getName().substring(PREFIX.length())))
          .contains(
              "Load",
              "Refresh",
              "Rotation",
              "Stale",
              "Expiry",
              "Failure",
              "Refusal",
              "RotationIncomplete",
              "RotationComplete");
      assertThat(events).allMatch(event -> event.getString("secretId").equals(ID));
      RecordedEvent rotation = one(events, "Rotation");
      assertThat(rotation.getString("oldVersionId")).isEqualTo(FakeSource.version(1));
      assertThat(rotation.getString("versionId")).isEqualTo(FakeSource.version(2));
      assertThat(rotation.getString("version")).isEqualTo("AWSCURRENT");
      RecordedEvent stale = one(events, "Stale");
      assertThat(stale.getString("reason")).isEqualTo("UNAVAILABLE");
      assertThat(stale.getString("versionId")).isEqualTo(FakeSource.version(2));
      // Three attempts, with 100 ms and 200 ms between, half of it more or less.
      assertThat(stale.getDuration("took"))
          .isBetween(Duration.ofMillis(150), Duration.ofMillis(450));
      assertThat(one(events, "Expiry").getDuration("age"))
          .isGreaterThanOrEqualTo(Duration.ofMinutes(10));
      assertThat(one(events, "Failure").getString("reason")).isEqualTo("ACCESS_DENIED");
      RecordedEvent refusal = one(events, "Refusal");
      assertThat(refusal.getString("versionId")).isEqualTo(FakeSource.version(1));
      assertThat(refusal.getString("target")).isEqualTo(Observed.TARGET.toString());
      assertThat(one(events, "RotationIncomplete").getString("label")).isEqualTo("AWSPENDING");

      Path file = dump(recording);
      assertThat(contains(file, ID)).as("the search finds what is there").isTrue();
      assertThat(contains(file, "as the test says")).as("messages of exceptions").isTrue();
      assertThat(contains(file, Observed.MARKER.substring(0, 6))).isFalse();
    }
  }

  @Test
  void load_thatWaited_saysHowLong() {
    try (var recording = recording();
        var f = new CacheFixture(o -> o.listener(JfrEvents.listener()))) {
      f.source.hold();
      Crew<String> reader = Crew.of(1, f::read);
      f.source.awaitHeld(1);
      f.time.advance(Duration.ofMillis(300));
      f.source.release();
      assertThat(reader.value()).isEqualTo("one");

      RecordedEvent load = one(await(recording, "Load"), "Load");
      assertThat(load.getDuration("took")).isEqualTo(Duration.ofMillis(300));
      assertThat(load.getString("versionId")).isEqualTo(FakeSource.version(1));
    }
  }

  @Test
  void eviction_isRecorded() {
    try (var recording = recording();
        var f = new CacheFixture(o -> o.maximumSecrets(1).listener(JfrEvents.listener()))) {
      f.read();
      f.source.put("other", 1, "x", "AWSCURRENT");
      f.cache.get("other");
      assertThat(f.cache.size()).isEqualTo(1);

      assertThat(await(recording, "Eviction")).hasSize(3);
    }
  }

  @Test
  void page_namesEachEventAndEachField() throws IOException {
    String page = Files.readString(Path.of("../docs/observability.md"));
    var found = new TreeSet<String>();
    for (Class<?> type : JfrEvents.class.getDeclaredClasses()) {
      if (jdk.jfr.Event.class.isAssignableFrom(type)) {
        found.add(type.getSimpleName());
        String row =
            page.lines()
                .filter(line -> line.startsWith("| `" + type.getSimpleName() + "` |"))
                .collect(Collectors.joining());
        for (var field : type.getDeclaredFields()) {
          if (!field.isSynthetic() && !field.getName().equals("secretId")) {
            assertThat(row).as("%s", type).contains("`" + field.getName() + "`");
          }
        }
      }
    }
    assertThat(found).containsExactlyInAnyOrderElementsOf(NAMES);
  }
}
