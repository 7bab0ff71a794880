package io.github.evercred.testkit;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.JarURLConnection;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.function.Predicate;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.compressors.xz.XZCompressorInputStream;
import org.jspecify.annotations.Nullable;

/**
 * Takes wanted files out of archives, readable by everyone, and none of them outside of a
 * directory.
 */
final class Archive {
  static final Set<PosixFilePermission> EXECUTABLE = PosixFilePermissions.fromString("rwxr-xr-x");
  static final Set<PosixFilePermission> READABLE = PosixFilePermissions.fromString("rw-r--r--");

  private Archive() {}

  /** Unpacks a tar archive, compressed by xz or gzip as its name says. */
  static void untar(URL archive, Path directory, Predicate<String> wanted) throws IOException {
    try (InputStream raw = new BufferedInputStream(archive.openStream(), 1 << 16);
        TarArchiveInputStream tar =
            new TarArchiveInputStream(
                archive.getPath().endsWith("xz")
                    ? new XZCompressorInputStream(raw)
                    : new GZIPInputStream(raw, 1 << 16))) {
      for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
        if (!wanted.test(entry.getName())) {
          continue;
        }
        Path target = target(directory, entry.getName());
        if (entry.isDirectory()) {
          makeDirectories(directory, target);
          continue;
        }
        if (entry.isSymbolicLink()) {
          Path pointsTo = Path.of(entry.getLinkName());
          inside(directory, target.resolveSibling(pointsTo));
          Files.createSymbolicLink(target, pointsTo);
        } else {
          write(tar, target, (entry.getMode() & 0100) != 0);
        }
      }
    }
  }

  /** Copies the wanted entries below a folder of a jar, of which one entry's URL is known. */
  static void unjar(
      URL entryOfIt, String folder, Path directory, Predicate<String> wanted, String executables)
      throws IOException {
    if (!(entryOfIt.openConnection() instanceof JarURLConnection connection)) {
      throw new IOException("This must be in a jar on the class path: " + entryOfIt);
    }
    connection.setUseCaches(false);
    try (JarFile jar = connection.getJarFile()) {
      for (JarEntry entry : (Iterable<JarEntry>) jar.stream()::iterator) {
        String name = entry.getName();
        if (entry.isDirectory() || !name.startsWith(folder)) {
          continue;
        }
        name = name.substring(folder.length());
        if (wanted.test(name)) {
          try (InputStream in = jar.getInputStream(entry)) {
            write(in, target(directory, name), name.startsWith(executables));
          }
        }
      }
    }
  }

  private static Path target(Path directory, String name) throws IOException {
    Path target = inside(directory, directory.resolve(name));
    makeDirectories(directory, target.getParent());
    return target;
  }

  /** Writes a new file. */
  static void write(InputStream in, Path target, boolean executable) throws IOException {
    Files.copy(in, target);
    Files.setPosixFilePermissions(target, executable ? EXECUTABLE : READABLE);
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
}
