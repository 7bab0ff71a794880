package io.github.evercred.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A real Redis, and what the server itself says of it. */
@Timeout(60)
class LocalRedisTest {
  private static LocalRedis redis;

  @BeforeAll
  static void start() {
    MySqlFamilyContract.assumeAvailable(LocalRedis.unavailable());
    redis = LocalRedis.start();
  }

  @AfterAll
  static void stop() {
    if (redis != null) {
      redis.close();
    }
  }

  @Test
  void setUser_again_replacesThePasswordAndKeepsTheRules() {
    long before = redis.refusedLogins();
    redis.setUser("app", "one two", "~*", "+get");
    redis.login("app", "one two");
    redis.setUser("app", "naïve");
    redis.login("app", "naïve");

    assertThat(redis.refusedLogins()).isEqualTo(before);
    assertThatThrownBy(() -> redis.login("app", "one two"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("Redis refuses AUTH: WRONGPASS");
    assertThatThrownBy(() -> redis.login("nobody", "naïve")).hasMessageContaining("WRONGPASS");
    assertThatThrownBy(() -> redis.login("default", "")).hasMessageContaining("WRONGPASS");
    assertThat(redis.refusedLogins()).isEqualTo(before + 3);
    assertThat(redis.execute("ACL", "LIST")).contains("user app on #").contains("-@all +get");
  }

  @Test
  void dropConnections_ofAUser_dropsThoseAlone() throws Exception {
    redis.setUser("dropped", "p", "+client");
    try (Socket session = new Socket(redis.host(), redis.port())) {
      session.setSoTimeout(20_000);
      session.getOutputStream().write("AUTH dropped p\r\n".getBytes(StandardCharsets.UTF_8));
      assertThat(new String(session.getInputStream().readNBytes(5), StandardCharsets.UTF_8))
          .isEqualTo("+OK\r\n");
      String own = redis.execute("CLIENT", "ID");

      redis.dropConnections("dropped");

      assertThat(session.getInputStream().read()).isEqualTo(-1);
      assertThat(redis.execute("CLIENT", "ID")).isEqualTo(own);
    }
  }

  @Test
  void execute_everyKindOfReply_isText() {
    assertThat(redis.execute("SET", "key", "a\r\nb é")).isEqualTo("OK");
    assertThat(redis.execute("GET", "key")).isEqualTo("a\r\nb é");
    assertThat(redis.execute("GET", "no such key")).isEmpty();
    assertThat(redis.execute("EXISTS", "key")).isEqualTo("1");
    assertThat(redis.execute("CONFIG", "GET", "maxmemory")).isEqualTo("maxmemory\n0");
    assertThat(redis.execute("EVAL", "return {1, {'x', 'y'}, {err = 'e'}}", "0"))
        .isEqualTo("1\nx\ny\ne");
  }

  @Test
  void execute_afterItsConnectionWasKilled_goesOnWithANewOne() {
    String own = redis.execute("CLIENT", "ID");
    redis.execute("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no");

    assertThat(redis.execute("CLIENT", "ID")).isNotEqualTo(own);
  }

  @Test
  void refusal_ofACommand_hasNoPassword() {
    redis.setUser("app", "m4rker");
    for (String[] command :
        new String[][] {
          {"ALC", "SETUSER", "app", ">m4rker"},
          {"ACL", "SETUSER", "app", "<m4rker-2"},
          {"ACL", "SETUSER", "app", "#m4rker"},
        }) {
      Throwable refused = catchThrowable(() -> redis.execute(command));
      assertThat(refused).isInstanceOf(IllegalStateException.class).hasMessageContaining("ERR");
      assertThat(refused).hasStackTraceContaining("Refused");
      assertThat(refused.toString() + refused.getCause()).doesNotContain("m4rker");
    }
    assertThatThrownBy(() -> redis.setUser("app", "p", "+nonsense"))
        .hasMessageContaining("+nonsense");
    assertThat(redis.toString()).isEqualTo("LocalRedis[127.0.0.1:%d]".formatted(redis.port()));
  }

  @Test
  void password_ofTheAdministrator_isInNoFileAndNoArgument() throws Exception {
    Path directory = redis.process().directory();
    try (Stream<Path> files = Files.walk(directory)) {
      assertThat(files.filter(Files::isRegularFile)).containsExactly(directory.resolve("pid"));
    }
    ProcessHandle server = ProcessHandle.of(redis.process().pid()).orElseThrow();
    assertThat(server.info().commandLine().orElse("")).doesNotContain("+@all");
  }

  @ParameterizedTest
  @ValueSource(strings = {"port", "BIND", "user", "loglevel", "no such name"})
  void setting_thatTheTestKitDependsOn_isRefused(String name) {
    assertThatThrownBy(() -> LocalRedis.builder().setting(name, "1"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(name);
  }

  @Test
  void setting_ofTheServer_isTaken() {
    assertThatThrownBy(() -> LocalRedis.builder().setting("maxclients", "9\nport 1"))
        .isInstanceOf(IllegalArgumentException.class);
    try (LocalRedis small = LocalRedis.builder().setting("maxmemory", "3mb").start()) {
      assertThat(small.execute("CONFIG", "GET", "maxmemory")).isEqualTo("maxmemory\n3145728");
    }
  }

  @Test
  void setting_thatIsWrong_isToldInTheServersWords() {
    assertThatThrownBy(() -> LocalRedis.builder().setting("maxmemory", "much").start())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("Redis did not start: it ended by itself")
        .hasMessageContaining("maxmemory much");
  }

  @Test
  void close_twice_leavesNoProcessAndNoDirectory() throws Exception {
    LocalRedis closed = LocalRedis.start();
    long pid = closed.process().pid();
    assertThat(closed.execute("PING")).isEqualTo("PONG");
    closed.close();
    closed.close();

    assertThat(ProcessHandle.of(pid)).isEmpty();
    assertThat(closed.process().directory()).doesNotExist();
    assertThatThrownBy(closed::refusedLogins)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
  }

  @Test
  @ExtendWith(EvercredExtension.class)
  void parameters_ofATest_areOneAndTheSame(LocalRedis first, LocalRedis second) {
    assertThat(first).isSameAs(second);
  }
}
