package io.github.evercred;

import io.github.evercred.SecretException.Reason;
import java.lang.invoke.MethodType;
import java.lang.reflect.AccessibleObject;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.lang.reflect.WildcardType;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Makes records and objects from the fields of a JSON object, as {@link SecretValue#as} promises.
 *
 * <p>An exception from here names types and fields. It never quotes a value and has no cause, since
 * a cause would: {@link NumberFormatException} does, and what a constructor throws may.
 */
final class JsonMapping {

  private static final Set<Class<?>> SCALARS =
      Set.of(
          String.class,
          char[].class,
          Character.class,
          Boolean.class,
          Byte.class,
          Short.class,
          Integer.class,
          Long.class,
          Float.class,
          Double.class,
          BigDecimal.class,
          BigInteger.class);

  private static final Set<Class<?>> CONTAINERS =
      Set.of(Optional.class, List.class, Set.class, Map.class);

  /** So short that no arithmetic takes long; that with {@code 1e999999999} would. */
  private static final Pattern NUMBER =
      Pattern.compile("-?[0-9]{1,1000}(\\.[0-9]{1,1000})?([eE][+-]?[0-9]{1,3})?");

  private final String secret;
  private final Class<?> root;

  private JsonMapping(String secret, Class<?> root) {
    this.secret = secret;
    this.root = root;
  }

  /**
   * Looks at a type as a whole, so that a mistake in it shows in the first test and not with the
   * first secret that has the field.
   *
   * @throws IllegalArgumentException if objects cannot be made of it
   */
  static void requireSupported(Class<?> type) {
    if (isScalar(type) || type.isEnum() || (CONTAINERS.contains(type) && type != Map.class)) {
      throw unsupported(type.getTypeName(), "cannot hold the fields of a JSON object");
    }
    check(type, type.getTypeName(), new HashSet<>());
  }

  /**
   * Makes an object.
   *
   * @param json what {@link JsonFields#parse} returned
   * @param type one that is supported
   * @param secret how messages name the secret and its version
   */
  static <T> T read(Map<String, Object> json, Class<T> type, String secret) {
    // As a map of anything, which may hold null; a Map<String, T> of a record may not.
    Class<?> made = type == Map.class ? Object.class : type;
    return type.cast(new JsonMapping(secret, type).value(json, made, ""));
  }

  private static void check(Type type, String where, Set<Class<?>> seen) {
    Shape shape = Shape.of(type, where);
    Class<?> raw = shape.raw;
    if (CONTAINERS.contains(raw)) {
      check(shape.element, where, seen);
    } else if (!isScalar(raw) && !raw.isEnum() && raw != Object.class && seen.add(raw)) {
      if (raw.isRecord()) {
        canonical(raw);
        for (RecordComponent component : raw.getRecordComponents()) {
          check(component.getGenericType(), within(raw, component.getName()), seen);
        }
      } else {
        plain(raw, where);
        for (Field field : fields(raw)) {
          String name = within(field.getDeclaringClass(), field.getName());
          if (Modifier.isFinal(field.getModifiers())) {
            throw unsupported(name, "is final and so cannot be set; make the class a record");
          }
          check(field.getGenericType(), name, seen);
        }
      }
    }
  }

  /** A type without its arguments, and what it holds if it is a container. */
  private record Shape(Class<?> raw, Type element) {

    static Shape of(Type type, String where) {
      if (type instanceof Class<?> raw) {
        return new Shape(raw, Object.class);
      }
      if (type instanceof WildcardType wildcard) {
        return of(wildcard.getUpperBounds()[0], where);
      }
      if (type instanceof ParameterizedType generic
          && generic.getRawType() instanceof Class<?> raw
          && CONTAINERS.contains(raw)) {
        Type[] arguments = generic.getActualTypeArguments();
        if (raw != Map.class || arguments[0] == String.class) {
          return new Shape(raw, arguments[arguments.length - 1]);
        }
      }
      throw unsupported(where, "has the type " + type.getTypeName());
    }
  }

  private static boolean isScalar(Class<?> type) {
    return SCALARS.contains(wrapped(type));
  }

  private static Class<?> wrapped(Class<?> type) {
    return MethodType.methodType(type).wrap().returnType();
  }

  private static Constructor<?> canonical(Class<?> type) {
    Class<?>[] components =
        Arrays.stream(type.getRecordComponents())
            .map(RecordComponent::getType)
            .toArray(Class<?>[]::new);
    try {
      return opened(type.getDeclaredConstructor(components), type);
    } catch (NoSuchMethodException e) {
      throw new AssertionError("a record without its canonical constructor", e);
    }
  }

  private static Constructor<?> plain(Class<?> type, String where) {
    if (type.isInterface()
        || type.isArray()
        || Modifier.isAbstract(type.getModifiers())
        || type.getName().startsWith("java.")) {
      throw unsupported(where, "has the type " + type.getTypeName());
    }
    try {
      return opened(type.getDeclaredConstructor(), type);
    } catch (NoSuchMethodException e) {
      throw unsupported(
          type.getTypeName(),
          "has no constructor without arguments (an inner class never has one)");
    }
  }

  /** The fields to be set, those of superclasses included; every one is open. */
  private static List<Field> fields(Class<?> type) {
    var fields = new ArrayList<Field>();
    for (Class<?> at = type;
        at != null && !at.getName().startsWith("java.");
        at = at.getSuperclass()) {
      for (Field field : at.getDeclaredFields()) {
        if ((field.getModifiers() & (Modifier.STATIC | Modifier.TRANSIENT)) == 0
            && !field.isSynthetic()) {
          fields.add(opened(field, at));
        }
      }
    }
    return fields;
  }

  private static <M extends AccessibleObject> M opened(M member, Class<?> type) {
    try {
      member.setAccessible(true);
      return member;
    } catch (InaccessibleObjectException e) {
      throw new IllegalArgumentException(
          "%s is in a module that does not open it. Add \"opens %s;\" to its module-info."
              .formatted(type.getTypeName(), type.getPackageName()),
          e);
    }
  }

  private static String within(Class<?> type, String member) {
    return type.getTypeName() + "." + member;
  }

  private static IllegalArgumentException unsupported(String where, String what) {
    return new IllegalArgumentException(
        ("A secret cannot be read as it: %s %s. Supported are records, classes with a constructor"
                + " without arguments and no final fields, and in them also String, char[],"
                + " primitives, their wrappers, BigDecimal, BigInteger, enums, Object, Optional<T>,"
                + " List<T>, Set<T> and Map<String, T>.")
            .formatted(where, what));
  }

  private Object value(@Nullable Object json, Type type, String path) {
    Shape shape = Shape.of(type, path);
    Class<?> raw = shape.raw;
    if (raw == Optional.class) {
      return json == null ? Optional.empty() : Optional.of(value(json, shape.element, path));
    }
    if (json == null) {
      throw failure(
          Reason.MISSING_FIELD,
          "has null in field '%s' (%s)".formatted(path, raw.getSimpleName()),
          "Give it a value, or declare it as Optional");
    }
    if (raw == Object.class) {
      return anything(json, path);
    }
    if (raw == List.class) {
      return Collections.unmodifiableList(elements(json, shape.element, path));
    }
    if (raw == Set.class) {
      List<Object> elements = elements(json, shape.element, path);
      // The elements' own hashCode and equals run here.
      return guarded(raw, path, () -> Collections.unmodifiableSet(new LinkedHashSet<>(elements)));
    }
    if (raw == Map.class) {
      var map = new LinkedHashMap<String, Object>();
      object(json, "an object", path)
          .forEach(
              (key, field) -> {
                String name = String.valueOf(key);
                map.put(name, value(field, shape.element, below(path, name)));
              });
      return Collections.unmodifiableMap(map);
    }
    if (raw.isEnum()) {
      return constant(json, raw, path);
    }
    if (isScalar(raw)) {
      return scalar(json, wrapped(raw), path);
    }
    Map<?, ?> fields = object(json, "an object (%s)".formatted(raw.getSimpleName()), path);
    return raw.isRecord() ? record(fields, raw, path) : instance(fields, raw, path);
  }

  private Object record(Map<?, ?> json, Class<?> type, String path) {
    RecordComponent[] components = type.getRecordComponents();
    Object[] arguments = new Object[components.length];
    for (int i = 0; i < components.length; i++) {
      String name = components[i].getName();
      String field = match(json, name, path);
      if (field == null && components[i].getType() != Optional.class) {
        throw failure(
            Reason.MISSING_FIELD,
            "has no field '%s' (%s)"
                .formatted(below(path, name), components[i].getType().getSimpleName()),
            "Its fields%s are %s; case, '-' and '_' do not count. Add the field, or declare it as"
                    .formatted(path.isEmpty() ? "" : " in '" + path + "'", names(json))
                + " Optional");
      }
      arguments[i] =
          value(
              field == null ? null : json.get(field),
              components[i].getGenericType(),
              below(path, field == null ? name : field));
    }
    Constructor<?> constructor = canonical(type);
    return guarded(type, path, () -> constructor.newInstance(arguments));
  }

  private Object instance(Map<?, ?> json, Class<?> type, String path) {
    Constructor<?> constructor = plain(type, path);
    Object instance = guarded(type, path, constructor::newInstance);
    for (Field field : fields(type)) {
      String name = match(json, field.getName(), path);
      Object found = name == null ? null : json.get(name);
      try {
        if (found != null) {
          field.set(instance, value(found, field.getGenericType(), below(path, field.getName())));
        } else if (field.getType() == Optional.class && field.get(instance) == null) {
          field.set(instance, Optional.empty());
        }
      } catch (IllegalAccessException e) {
        throw new AssertionError("a field that was opened", e);
      }
    }
    return instance;
  }

  /** The JSON field for a Java name: the same one, else the one that differs in looks only. */
  private @Nullable String match(Map<?, ?> json, String name, String path) {
    if (json.containsKey(name)) {
      return name;
    }
    List<String> alike =
        names(json).stream().filter(field -> folded(field).equals(folded(name))).toList();
    if (alike.size() > 1) {
      throw failure(
          Reason.MALFORMED,
          "has the fields %s%s, each of which could be '%s'"
              .formatted(alike, path.isEmpty() ? "" : " in '" + path + "'", name),
          "Name one of them exactly so");
    }
    return alike.isEmpty() ? null : alike.get(0);
  }

  private static String folded(String name) {
    return name.replace("-", "").replace("_", "").toLowerCase(Locale.ROOT);
  }

  private static List<String> names(Map<?, ?> json) {
    return json.keySet().stream().map(String::valueOf).sorted().toList();
  }

  private List<Object> elements(Object json, Type type, String path) {
    if (!(json instanceof List<?> array)) {
      throw wrong(json, "an array", path);
    }
    var elements = new ArrayList<Object>(array.size());
    for (Object element : array) {
      elements.add(value(element, type, path + "[" + elements.size() + "]"));
    }
    return elements;
  }

  private Map<?, ?> object(Object json, String needed, String path) {
    if (!(json instanceof Map<?, ?> object)) {
      throw wrong(json, needed, path);
    }
    return object;
  }

  /** Copies, because what the parser made is shared and can be changed. */
  private Object anything(Object json, String path) {
    if (json instanceof Map<?, ?> object) {
      var copy = new LinkedHashMap<String, @Nullable Object>();
      object.forEach(
          (name, field) ->
              copy.put(
                  String.valueOf(name),
                  field == null ? null : anything(field, below(path, String.valueOf(name)))));
      return Collections.unmodifiableMap(copy);
    }
    if (json instanceof List<?> array) {
      var copy = new ArrayList<@Nullable Object>(array.size());
      for (Object element : array) {
        copy.add(element == null ? null : anything(element, path + "[" + copy.size() + "]"));
      }
      return Collections.unmodifiableList(copy);
    }
    if (json instanceof Number) {
      BigDecimal number = number(json, "a number of at most 1,000 digits", path);
      try {
        return number.longValueExact();
      } catch (ArithmeticException e) {
        return number;
      }
    }
    return json;
  }

  private Object constant(Object json, Class<?> type, String path) {
    for (Object constant : type.getEnumConstants()) {
      if (json instanceof String && ((Enum<?>) constant).name().equals(json)) {
        return constant;
      }
    }
    throw wrong(
        json,
        "one of %s (%s)"
            .formatted(
                Arrays.stream(type.getEnumConstants()).map(c -> ((Enum<?>) c).name()).toList(),
                type.getSimpleName()),
        path);
  }

  private Object scalar(Object json, Class<?> type, String path) {
    if (json instanceof Map || json instanceof List) {
      throw wrong(json, "a single value (%s)".formatted(type.getSimpleName()), path);
    }
    String written = json.toString();
    if (type == String.class) {
      return written;
    }
    if (type == char[].class) {
      return written.toCharArray();
    }
    if (type == Character.class) {
      if (written.length() != 1) {
        throw wrong(json, "a single character", path);
      }
      return written.charAt(0);
    }
    if (type == Boolean.class) {
      if (!written.equalsIgnoreCase("true") && !written.equalsIgnoreCase("false")) {
        throw wrong(json, "true or false", path);
      }
      return Boolean.valueOf(written);
    }
    String needed = "a number that fits %s".formatted(type.getSimpleName());
    BigDecimal number = number(json, needed, path);
    try {
      if (type == Byte.class) {
        return number.byteValueExact();
      } else if (type == Short.class) {
        return number.shortValueExact();
      } else if (type == Integer.class) {
        return number.intValueExact();
      } else if (type == Long.class) {
        return number.longValueExact();
      } else if (type == BigInteger.class) {
        return number.toBigIntegerExact();
      } else if (type == BigDecimal.class) {
        return number;
      }
    } catch (ArithmeticException e) {
      throw wrong(json, needed, path);
    }
    double real = type == Float.class ? number.floatValue() : number.doubleValue();
    if (Double.isInfinite(real)) {
      throw wrong(json, needed, path);
    }
    return type == Float.class ? (Object) (float) real : (Object) real;
  }

  private BigDecimal number(Object json, String needed, String path) {
    String written = json.toString();
    if (json instanceof Boolean || !NUMBER.matcher(written).matches()) {
      throw wrong(json, needed, path);
    }
    return new BigDecimal(written);
  }

  /** Runs code of the user's. Only the type is told of what it throws: a message may quote. */
  private Object guarded(Class<?> type, String path, Callable<Object> code) {
    Throwable thrown;
    try {
      return code.call();
    } catch (InvocationTargetException e) {
      thrown = e.getTargetException();
    } catch (Throwable e) {
      thrown = e;
    }
    // Of the machine's own. Other errors may be made from the value: their messages may quote it.
    if (thrown instanceof OutOfMemoryError || thrown instanceof StackOverflowError) {
      throw (Error) thrown;
    }
    throw failure(
        Reason.MALFORMED,
        "is refused%s by %s, which threw %s"
            .formatted(
                path.isEmpty() ? "" : " in field '" + path + "'",
                type.getTypeName(),
                thrown.getClass().getName()),
        "Its message is left out, since it may quote the secret");
  }

  private SecretException wrong(Object json, String needed, String path) {
    String found =
        json instanceof Map
            ? "an object"
            : json instanceof List
                ? "an array"
                : json instanceof Number
                    ? "a number"
                    : json instanceof Boolean ? "a boolean" : "text";
    return failure(
        Reason.MALFORMED,
        "has %s in field '%s' where %s is needed".formatted(found, path, needed),
        "Change the secret or the type");
  }

  private SecretException failure(Reason reason, String what, String nextStep) {
    return new SecretException(
        reason,
        "%s cannot be read as %s: it %s. %s.".formatted(secret, root.getTypeName(), what, nextStep),
        null);
  }

  private static String below(String path, String name) {
    return path.isEmpty() ? name : path + "." + name;
  }
}
