package io.github.evercred.integration;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.netbeans.lib.profiler.heap.Heap;
import org.netbeans.lib.profiler.heap.HeapFactory;
import org.netbeans.lib.profiler.heap.Instance;
import org.netbeans.lib.profiler.heap.JavaClass;
import org.netbeans.lib.profiler.heap.PrimitiveArrayInstance;
import org.netbeans.lib.profiler.heap.Value;

/** A heap dump of another process, and what is found in it. */
final class HeapDump {
  private final Path file;

  private HeapDump(Path file) {
    this.file = file;
  }

  /**
   * Takes one.
   *
   * @param all whether also of what nothing refers to any more
   */
  static HeapDump of(Process process, Path file, boolean all) throws Exception {
    Files.deleteIfExists(file);
    var command = new ArrayList<String>();
    command.add(System.getProperty("java.home") + File.separator + "bin" + File.separator + "jcmd");
    command.addAll(List.of(Long.toString(process.pid()), "GC.heap_dump"));
    if (all) {
      command.add("-all");
    }
    command.add(file.toString());
    Path said = Path.of(file + ".log");
    Process jcmd =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(said.toFile()).start();
    assertThat(jcmd.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(file).as("%s", Files.readString(said)).exists();
    return new HeapDump(file);
  }

  /** Takes any file for one. */
  static HeapDump of(Path file) {
    return new HeapDump(file);
  }

  /** How a text can stand in memory, by name. */
  private static Map<String, byte[]> forms(String text) {
    var forms = new LinkedHashMap<String, byte[]>();
    forms.put("UTF-8", text.getBytes(StandardCharsets.UTF_8));
    forms.put("UTF-16LE", text.getBytes(StandardCharsets.UTF_16LE));
    forms.put("UTF-16BE", text.getBytes(StandardCharsets.UTF_16BE));
    for (int offset = 0; offset < 3; offset++) {
      // As part of a longer text, whose bytes before and behind share its outer characters.
      String base64 =
          Base64.getEncoder()
              .encodeToString(("x".repeat(offset) + text).getBytes(StandardCharsets.UTF_8));
      String inner = base64.substring(4, base64.length() - 4);
      forms.put("base64, " + offset, inner.getBytes(StandardCharsets.US_ASCII));
      forms.put("base64 in UTF-16, " + offset, inner.getBytes(StandardCharsets.UTF_16BE));
    }
    String escaped = text.chars().mapToObj("\\u%04x"::formatted).collect(Collectors.joining());
    forms.put("JSON-escaped", escaped.getBytes(StandardCharsets.US_ASCII));
    return forms;
  }

  /** Returns how often a text stands in the dump, by its form; forms that do not are left out. */
  Map<String, Integer> find(String text) throws IOException {
    byte[] dump = Files.readAllBytes(file);
    var found = new TreeMap<String, Integer>();
    forms(text)
        .forEach(
            (name, form) -> {
              int count = count(dump, form);
              if (count > 0) {
                found.put(name, count);
              }
            });
    return found;
  }

  private static int count(byte[] dump, byte[] form) {
    int count = 0;
    for (int i = 0; i <= dump.length - form.length; i++) {
      if (dump[i] == form[0] && Arrays.equals(dump, i, i + form.length, form, 0, form.length)) {
        count++;
      }
    }
    return count;
  }

  /** Returns who holds a text: for each way to it the classes from the garbage collector's root. */
  List<String> holders(String text) throws IOException {
    Heap heap = HeapFactory.createHeap(file.toFile());
    var ways = new ArrayList<String>();
    for (String type : List.of("byte[]", "char[]")) {
      JavaClass arrays = heap.getJavaClassByName(type);
      for (Object one : arrays.getInstances()) {
        if (one instanceof PrimitiveArrayInstance array
            && array.getLength() >= text.length()
            && holds(array, type, text)) {
          ways.add(way(heap, array));
        }
      }
    }
    return ways.stream().distinct().sorted().toList();
  }

  private static boolean holds(PrimitiveArrayInstance array, String type, String text) {
    var bytes = new StringBuilder();
    for (Object value : array.getValues()) {
      String one = value.toString();
      bytes.append(type.equals("char[]") ? one.charAt(0) : (char) (Integer.parseInt(one) & 0xFF));
    }
    String all = bytes.toString();
    return forms(text).values().stream()
            .anyMatch(form -> all.contains(new String(form, StandardCharsets.ISO_8859_1)))
        || all.contains(text);
  }

  /** The shortest way from a root, soft and weak references too. */
  private static String way(Heap heap, Instance from) {
    var next = new HashMap<Long, Instance>();
    var queue = new ArrayDeque<Instance>();
    queue.add(from);
    while (!queue.isEmpty()) {
      Instance at = queue.remove();
      if (at.isGCRoot()) {
        var way = new ArrayList<String>();
        way.add(heap.getGCRoot(at).getKind());
        for (Instance step = at; step != null; step = next.get(step.getInstanceId())) {
          way.add(step.getJavaClass().getName());
        }
        return String.join(" > ", way);
      }
      for (Object reference : at.getReferences()) {
        Instance holder = ((Value) reference).getDefiningInstance();
        if (holder != null
            && holder.getInstanceId() != from.getInstanceId()
            && next.putIfAbsent(holder.getInstanceId(), at) == null) {
          queue.add(holder);
        }
      }
    }
    return "nobody > " + from.getJavaClass().getName();
  }
}
