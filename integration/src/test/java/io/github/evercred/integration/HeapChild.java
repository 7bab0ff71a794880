package io.github.evercred.integration;

import io.github.evercred.OpenSecret;
import io.github.evercred.SecretCache;
import io.github.evercred.SecretHandle;
import io.github.evercred.SecretValue;
import io.github.evercred.jdbc.EvercredDataSource;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * A process that uses secrets in all ways, keeps all that one may keep, and then stands still to be
 * looked at. It is told nothing secret, and says nothing of it.
 */
final class HeapChild {

  /** What a program would keep. */
  private static final List<Object> KEPT = new ArrayList<>();

  private HeapChild() {}

  public static void main(String[] args) throws Exception {
    try (SecretCache cache = SecretCache.create()) {
      for (int i = 0; i < Integer.parseInt(args[1]); i++) {
        use(cache, args[0] + i);
      }
      if (args.length > 2) {
        logIn(args[2], args[3]);
      }
      System.out.println("ready");
      var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        System.gc();
        System.gc();
        System.out.println("collected");
      }
    }
  }

  private static void use(SecretCache cache, String id) {
    SecretHandle handle = cache.handle(id);
    Supplier<Integer> length = handle.map(value -> value.field("password").length());
    KEPT.add(handle);
    KEPT.add(length);
    SecretValue value = cache.get(id);
    KEPT.add(value);
    int read = length.get() + value.asString().length() + value.asBytes().length;
    try (OpenSecret open = value.open()) {
      read += open.field("password").length + open.chars().length + open.bytes().length;
    }
    KEPT.add(read + value.as(Login.class).port());
    KEPT.add(cache.versions(id).all());
  }

  record Login(String password, int port) {}

  private static void logIn(String url, String secretId) throws Exception {
    var source = new EvercredDataSource();
    source.setUrl(url);
    source.setSecretId(secretId);
    Connection connection = source.getConnection();
    KEPT.add(source);
    KEPT.add(connection);
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("SELECT 1")) {
      row.next();
      KEPT.add(row.getInt(1));
    }
  }
}
