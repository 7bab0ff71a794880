package io.github.evercred;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads any text as fields and as objects: it works or is a {@link SecretException}, and none
 * quotes a value.
 */
class JsonFuzzTest {
  private static final List<Class<?>> TYPES =
      List.of(
          Object.class,
          Map.class,
          JsonMappingTest.Everything.class,
          JsonMappingTest.Settings.class,
          JsonMappingTest.Chain.class,
          JsonMappingTest.Names.class,
          JsonMappingTest.Hashed.class,
          JsonMappingTest.Strict.class,
          JsonMappingTest.Wide.class,
          JsonMappingTest.Whole.class);

  @FuzzTest
  void anyText_asFieldsAndObjects(byte[] input) {
    String text = FuzzMarks.planted(new String(input, StandardCharsets.UTF_8));
    Map<String, Object> json = JsonFields.parse(text);
    SecretValue value = SecretValue.builder("prod/orders/db", FakeSource.version(7)).text(text);
    boolean search = !FuzzMarks.isInNames(json);

    if (json == null) {
      assertThat(attempt(true, () -> value.field("a"))).isNull();
    } else {
      json.keySet().forEach(name -> attempt(search, () -> value.field(name)));
      attempt(search, () -> value.field("absent"));
    }
    for (Class<?> type : TYPES) {
      Object made = attempt(search, () -> value.as(type));
      assertThat(made == null || value.as(type) == made).as("made once").isTrue();
      assertThat(made == null || json != null).as("made of something").isTrue();
    }
    assertThat(value.toString().length()).isLessThan(200);
  }

  private static @Nullable Object attempt(
      boolean search, java.util.function.Supplier<? extends @Nullable Object> read) {
    try {
      return read.get();
    } catch (SecretException e) {
      if (search) {
        FuzzMarks.assertNotIn(e);
      }
      assertThat(e.getCause()).isNull();
      return null;
    }
  }
}
