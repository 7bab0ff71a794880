package io.github.evercred.testkit;

import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The members of one request, checked for type and length as the service's model has them. */
final class Input {
  private final Map<String, @Nullable Object> members;

  Input(Map<String, @Nullable Object> members) {
    this.members = members;
  }

  boolean has(String member) {
    return members.get(member) != null;
  }

  String required(String member, int min, int max) {
    String value = optional(member, min, max);
    if (value == null) {
      throw violation("null", member, "Member must not be null");
    }
    return value;
  }

  @Nullable String optional(String member, int min, int max) {
    String value = typed(member, String.class);
    return value == null ? null : checked(value, member, min, max);
  }

  /** A secret id: a name or an ARN, 1 to 2,048 characters. */
  String secretId() {
    return required("SecretId", 1, 2048);
  }

  @Nullable String versionId(String member) {
    return optional(member, 32, 64);
  }

  boolean flag(String member) {
    Boolean value = typed(member, Boolean.class);
    return value != null && value;
  }

  @Nullable Integer number(String member) {
    Number value = typed(member, Number.class);
    return value == null ? null : value.intValue();
  }

  int number(String member, int min, int max) {
    Integer value = number(member);
    if (value == null) {
      return max;
    }
    if (value < min || value > max) {
      throw violation(
          "'" + value + "'", member, "Member must have value between " + min + " and " + max);
    }
    return value;
  }

  List<String> strings(String member, int min, int max) {
    List<String> strings = new ArrayList<>();
    for (Object element : list(member)) {
      if (!(element instanceof String string)) {
        throw wrongType(member);
      }
      strings.add(checked(string, member, min, max));
    }
    return strings;
  }

  List<Input> inputs(String member) {
    List<Input> inputs = new ArrayList<>();
    for (Object element : list(member)) {
      if (!(element instanceof Map<?, ?> map)) {
        throw wrongType(member);
      }
      Map<String, @Nullable Object> copy = new LinkedHashMap<>();
      map.forEach((key, value) -> copy.put((String) Objects.requireNonNull(key), value));
      inputs.add(new Input(copy));
    }
    return inputs;
  }

  /** The value in {@code SecretString} or {@code SecretBinary}; null if there is neither. */
  @Nullable SecretData data() {
    String string = typed("SecretString", String.class);
    String binary = typed("SecretBinary", String.class);
    if (string != null && binary != null) {
      throw ServiceError.invalidParameter(
          "You can't specify both a binary secret value and a string secret value in the same secret.");
    }
    if (string != null) {
      return SecretData.of(string);
    }
    if (binary == null) {
      return null;
    }
    byte[] bytes;
    try {
      bytes = Base64.getDecoder().decode(binary);
    } catch (IllegalArgumentException e) {
      throw wrongType("SecretBinary"); // the cause would quote the value
    }
    return SecretData.of(bytes);
  }

  /** Bytes in Base64; the member must be there. */
  byte[] bytes(String member) {
    String text = typed(member, String.class);
    if (text == null) {
      throw violation("null", member, "Member must not be null");
    }
    try {
      return Base64.getDecoder().decode(text);
    } catch (IllegalArgumentException e) {
      throw wrongType(member); // the cause would quote the value
    }
  }

  /** A map of texts; empty if the member is not there. */
  Map<String, String> texts(String member) {
    Map<String, String> texts = new LinkedHashMap<>();
    Map<?, ?> map = typed(member, Map.class);
    if (map != null) {
      map.forEach(
          (key, value) -> {
            if (!(key instanceof String name) || !(value instanceof String text)) {
              throw wrongType(member);
            }
            texts.put(name, text);
          });
    }
    return texts;
  }

  private List<?> list(String member) {
    List<?> list = typed(member, List.class);
    return list == null ? List.of() : list;
  }

  private <T> @Nullable T typed(String member, Class<T> type) {
    Object value = members.get(member);
    if (value != null && !type.isInstance(value)) {
      throw wrongType(member);
    }
    return type.cast(value);
  }

  private static String checked(String value, String member, int min, int max) {
    if (value.length() < min) {
      throw violation(
          "'" + value + "'", member, "Member must have length greater than or equal to " + min);
    }
    if (value.length() > max) {
      throw violation(
          "'" + value + "'", member, "Member must have length less than or equal to " + max);
    }
    return value;
  }

  private static ServiceError violation(String value, String member, String constraint) {
    return ServiceError.validation(
        "1 validation error detected: Value %s at '%s' failed to satisfy constraint: %s"
            .formatted(
                value,
                member.substring(0, 1).toLowerCase(Locale.ROOT) + member.substring(1),
                constraint));
  }

  private static ServiceError wrongType(String member) {
    return new ServiceError(
        400, "SerializationException", "The member " + member + " has a wrong type.");
  }
}
