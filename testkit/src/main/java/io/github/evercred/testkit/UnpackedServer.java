package io.github.evercred.testkit;

import java.io.IOException;
import java.io.InputStream;
import java.net.JarURLConnection;
import java.net.URL;
import java.net.URLConnection;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileSystemException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/**
 * A server's programs, unpacked once per version and user from the class path.
 *
 * <p>They go to a directory under {@code java.io.tmpdir} whose name holds the archive's checksum
 * and the user's id. A JVM unpacks into a directory of its own and renames it: of several at once
 * one wins, and none sees half a tree. The temporary directory is shared with others, so a
 * directory is used only if it is ours, no one else can write to it, and nothing has been cleaned
 * out of it.
 */
final class UnpackedServer {
  private static final String MANIFEST = "evercred-manifest.txt";

  /** Puts a server's files into an empty directory. */
  @FunctionalInterface
  interface Filler {
    void fill(Path directory) throws IOException;
  }

  private UnpackedServer() {}

  /**
   * Returns the directory with the files, unpacked now if need be.
   *
   * @param server its name in that of the directory
   * @param archive what the checksum is taken of
   * @param uid the user whose directory it must be
   */
  static synchronized Path of(String server, URL archive, int uid, Filler filler)
      throws IOException {
    Path parent = Path.of(System.getProperty("java.io.tmpdir")).toAbsolutePath();
    Path home = parent.resolve("evercred-%s-%s-%d".formatted(server, fingerprint(archive), uid));
    if (!isUsable(home, uid)) {
      unpack(server, filler, parent, home, uid);
    }
    return home;
  }

  /** The archive's CRC-32: free where it is an entry of a jar. */
  private static String fingerprint(URL resource) throws IOException {
    URLConnection connection = resource.openConnection();
    long crc = connection instanceof JarURLConnection jar ? jar.getJarEntry().getCrc() : -1;
    if (crc == -1) {
      CRC32 sum = new CRC32();
      try (InputStream in = resource.openStream()) {
        byte[] buffer = new byte[1 << 16];
        for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
          sum.update(buffer, 0, n);
        }
      }
      crc = sum.getValue();
    }
    return "%08x".formatted(crc);
  }

  private static boolean isUsable(Path home, int uid) throws IOException {
    if (!Files.exists(home, LinkOption.NOFOLLOW_LINKS)) {
      return false;
    }
    Set<PosixFilePermission> permissions =
        Files.isDirectory(home, LinkOption.NOFOLLOW_LINKS)
            ? Files.getPosixFilePermissions(home, LinkOption.NOFOLLOW_LINKS)
            : Set.of();
    if (!Archive.EXECUTABLE.equals(permissions)
        || !Integer.valueOf(uid).equals(Files.getAttribute(home, "unix:uid"))) {
      throw new IllegalStateException(
          "%s is not a directory of ours with permissions rwxr-xr-x, so its programs are not run. Remove it, or set -Djava.io.tmpdir to a directory of your own."
              .formatted(home));
    }
    Path manifest = home.resolve(MANIFEST);
    if (!Files.isRegularFile(manifest)) {
      return false;
    }
    for (String line : Files.readAllLines(manifest)) {
      if (!Files.exists(home.resolve(line), LinkOption.NOFOLLOW_LINKS)) {
        return false; // something cleans old files out of temporary directories
      }
    }
    return true;
  }

  private static void unpack(String server, Filler filler, Path parent, Path home, int uid)
      throws IOException {
    Path fresh = Files.createTempDirectory(parent, "evercred-%s-unpacking-".formatted(server));
    try {
      filler.fill(fresh);
      writeManifest(fresh);
      Files.setPosixFilePermissions(fresh, Archive.EXECUTABLE);
      if (Files.exists(home, LinkOption.NOFOLLOW_LINKS) && !isUsable(home, uid)) {
        Path broken = Files.createTempDirectory(parent, "evercred-%s-broken-".formatted(server));
        Path tree = broken.resolve("tree");
        moveIfAbsent(home, tree);
        if (isUsable(tree, uid)) {
          moveIfAbsent(tree, home); // another JVM had mended it a moment before
        }
        deleteTree(broken);
      }
      moveIfAbsent(fresh, home);
    } finally {
      deleteTree(fresh);
    }
    if (!isUsable(home, uid)) {
      throw new IllegalStateException(
          "A server could not be unpacked to %s: files vanish from it. Set -Djava.io.tmpdir to another directory."
              .formatted(home));
    }
  }

  private static void writeManifest(Path directory) throws IOException {
    List<String> manifest;
    try (Stream<Path> files = Files.walk(directory)) {
      manifest =
          files
              .filter(file -> !Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS))
              .map(file -> directory.relativize(file).toString())
              .sorted()
              .toList();
    }
    Path list = directory.resolve(MANIFEST);
    Files.write(list, manifest);
    Files.setPosixFilePermissions(list, Archive.READABLE);
  }

  /** Renames a directory; if another JVM has been faster, its result stands. */
  private static void moveIfAbsent(Path from, Path to) throws IOException {
    try {
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException e) {
      throw e;
    } catch (FileSystemException e) {
      boolean lost =
          Files.exists(to, LinkOption.NOFOLLOW_LINKS)
              || !Files.exists(from, LinkOption.NOFOLLOW_LINKS);
      if (!lost) {
        throw e;
      }
    }
  }

  /** Deletes a directory with all that is in it; does nothing if there is none. */
  static void deleteTree(Path directory) throws IOException {
    if (!Files.exists(directory, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    Files.walkFileTree(
        directory,
        new SimpleFileVisitor<Path>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.deleteIfExists(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
            if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
              throw e;
            }
            return FileVisitResult.CONTINUE; // gone meanwhile
          }

          @Override
          public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException e)
              throws IOException {
            if (e != null && Files.exists(visited, LinkOption.NOFOLLOW_LINKS)) {
              throw e;
            }
            Files.deleteIfExists(visited);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
