package io.github.evercred;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A map that grows from a plain one into a bounded one. */
@Timeout(60)
class BoundedTest {

  private final List<Integer> evicted = Collections.synchronizedList(new ArrayList<>());

  private Bounded<Integer, Integer> bySize(long most) {
    return Bounded.bySize(most, evicted::add);
  }

  /** The common pool may have one thread alone, and the reader spins. */
  private static void ofItsOwn(Runnable task) {
    Thread thread = new Thread(task, "bounded-test");
    thread.setDaemon(true);
    thread.start();
  }

  @Test
  void put_aboutTheSizeWhereItIsBounded_losesNothing() {
    Bounded<Integer, Integer> map = bySize(1_000);
    for (int i = 0; i < 200; i++) {
      map.put(i, i);
      for (int j = 0; j <= i; j++) {
        assertThat(map.get(j)).isEqualTo(j);
      }
      assertThat(map.view()).hasSize(i + 1);
    }
    assertThat(evicted).isEmpty();
    assertThat(map.get(7, key -> -1)).isEqualTo(7);
    assertThat(map.get(700, key -> -key)).isEqualTo(-700);
    assertThat(map.remove(7, 8)).isFalse();
    assertThat(map.remove(7, 7)).isTrue();
    map.removeIf(key -> key < 100);
    assertThat(map.view()).hasSize(101);
    map.clear();
    assertThat(map.view()).isEmpty();
  }

  @Test
  void put_overTheBound_evictsAndTells() {
    for (int most : new int[] {1, 3, 64, 65, 100}) {
      evicted.clear();
      Bounded<Integer, Integer> map = bySize(most);
      for (int i = 0; i < 300; i++) {
        map.put(i, i);
      }
      assertThat(map.view()).hasSize(most);
      assertThat(evicted).hasSize(300 - most).doesNotHaveDuplicates();
      assertThat(map.view().keySet()).doesNotContainAnyElementsOf(evicted);
    }
  }

  @Test
  void get_whileItBecomesBounded_findsWhatIsThere() throws Exception {
    for (int round = 0; round < 200; round++) {
      Bounded<Integer, Integer> map = bySize(10_000);
      map.put(-1, 42);
      var done = new AtomicBoolean();
      var missed = ConcurrentHashMap.<Integer>newKeySet();
      CompletableFuture<Void> reader =
          CompletableFuture.runAsync(
              () -> {
                while (!done.get()) {
                  Integer found = map.get(-1);
                  if (found == null) {
                    missed.add(-1);
                  }
                }
              },
              BoundedTest::ofItsOwn);
      CompletableFuture<Void> other =
          CompletableFuture.runAsync(
              () -> {
                for (int i = 1_000; i < 1_060; i++) {
                  map.put(i, i);
                }
              },
              BoundedTest::ofItsOwn);
      for (int i = 0; i < 60; i++) {
        map.put(i, i);
      }
      other.get(20, TimeUnit.SECONDS);
      done.set(true);
      reader.get(20, TimeUnit.SECONDS);

      assertThat(missed).isEmpty();
      assertThat(map.view()).hasSize(121);
    }
  }
}
