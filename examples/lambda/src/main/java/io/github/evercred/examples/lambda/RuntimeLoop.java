package io.github.evercred.examples.lambda;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.amazonaws.services.lambda.crac.CheckpointException;
import com.amazonaws.services.lambda.crac.Core;
import com.amazonaws.services.lambda.crac.RestoreException;
import com.amazonaws.services.lambda.runtime.ClientContext;
import com.amazonaws.services.lambda.runtime.CognitoIdentity;
import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.LambdaLogger;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.grack.nanojson.JsonObject;
import com.grack.nanojson.JsonParser;
import com.grack.nanojson.JsonParserException;
import com.grack.nanojson.JsonWriter;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What Lambda's runtime is to a function, in a JVM of its own: it makes the handler, then answers
 * each line on standard input by one on standard output, until the input ends. A line is a JSON
 * object, the event; its answer is one with {@code answer}, or with {@code error}. The first answer
 * says that the handler is made.
 *
 * <p>With SnapStart the lines {@value #CHECKPOINT} and {@value #RESTORE} tell the function of both,
 * as Lambda does. No snapshot is taken.
 */
final class RuntimeLoop {
  static final String CHECKPOINT = "checkpoint";
  static final String RESTORE = "restore";

  private RuntimeLoop() {}

  /**
   * Runs the loop.
   *
   * @param arguments the handler's class
   */
  public static void main(String[] arguments) throws IOException {
    PrintStream answers = System.out;
    // Whatever else is printed is a function's log, and must not get between the answers.
    System.setOut(System.err);
    BufferedReader events = new BufferedReader(new InputStreamReader(System.in, UTF_8));

    RequestHandler<Map<String, String>, Map<String, String>> handler;
    try {
      if ("snap-start".equals(System.getenv("AWS_LAMBDA_INITIALIZATION_TYPE"))) {
        Snapshots.loadLibrary();
      }
      handler = make(arguments[0]);
    } catch (IOException | ReflectiveOperationException | LinkageError e) {
      answer(answers, failure(e));
      return;
    }
    answer(answers, Map.of("answer", Map.of()));
    for (String line = events.readLine(); line != null; line = events.readLine()) {
      answer(
          answers,
          switch (line) {
            case CHECKPOINT -> Snapshots.checkpoint();
            case RESTORE -> Snapshots.restore();
            default -> handle(handler, line);
          });
    }
  }

  @SuppressWarnings("unchecked") // The handlers here are all of this kind.
  private static RequestHandler<Map<String, String>, Map<String, String>> make(String className)
      throws ReflectiveOperationException {
    return (RequestHandler<Map<String, String>, Map<String, String>>)
        Class.forName(className).asSubclass(RequestHandler.class).getConstructor().newInstance();
  }

  private static Map<String, Object> handle(
      RequestHandler<Map<String, String>, Map<String, String>> handler, String line) {
    try {
      JsonObject parsed = JsonParser.object().from(line);
      Map<String, String> event = new LinkedHashMap<>();
      parsed.forEach((name, value) -> event.put(name, String.valueOf(value)));
      return Map.of("answer", handler.handleRequest(event, new Nowhere()));
    } catch (JsonParserException | RuntimeException e) {
      return failure(e);
    }
  }

  private static Map<String, Object> failure(Throwable failure) {
    StringBuilder text = new StringBuilder();
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      text.append(text.isEmpty() ? "" : ", because of ").append(cause);
    }
    return Map.of("error", text.toString());
  }

  private static void answer(PrintStream answers, Map<String, Object> answer) {
    // JSON has no line breaks inside, and a line is written at once.
    answers.println(JsonWriter.string(answer));
    answers.flush();
  }

  /**
   * Lambda's own implementation of checkpoints, from the library that its runtime is made of. A
   * class of its own, because that is not packed with a function and only there with SnapStart.
   */
  private static final class Snapshots {
    private static boolean hasLibrary;

    private Snapshots() {}

    /** For what comes last before a checkpoint: the JVM's cache of host names is cleared. */
    static void loadLibrary() throws IOException {
      if (!System.getProperty("os.name").equals("Linux")) {
        return; // There is none for it, and host names do not matter here.
      }
      String arch = System.getProperty("os.arch").equals("aarch64") ? "aarch_64" : "x86_64";
      UnsatisfiedLinkError failure = null;
      for (String system : List.of("linux", "linux_musl")) {
        String name = "/jni/libaws-lambda-jni." + system + "-" + arch + ".so";
        Path file = Files.createTempFile("lambda", ".so");
        try (InputStream packed = Core.class.getResourceAsStream(name)) {
          if (packed == null) {
            throw new IOException("Lambda's runtime has no " + name);
          }
          Files.copy(packed, file, StandardCopyOption.REPLACE_EXISTING);
          System.load(file.toString());
          hasLibrary = true;
          return;
        } catch (UnsatisfiedLinkError e) { // Built for another C library.
          if (failure != null) {
            e.addSuppressed(failure);
          }
          failure = e;
        } finally {
          Files.delete(file);
        }
      }
      throw failure;
    }

    static Map<String, Object> checkpoint() {
      try {
        Core.getGlobalContext().beforeCheckpoint(null);
      } catch (CheckpointException e) {
        return failure(e);
      } catch (UnsatisfiedLinkError e) {
        if (hasLibrary) {
          return failure(e);
        }
      }
      return Map.of("answer", Map.of());
    }

    static Map<String, Object> restore() {
      try {
        Core.getGlobalContext().afterRestore(null);
        return Map.of("answer", Map.of());
      } catch (RestoreException e) {
        return failure(e);
      }
    }
  }

  /** A context that knows nothing; the handlers ask it nothing. */
  private static final class Nowhere implements Context {

    @Override
    public String getAwsRequestId() {
      return "local";
    }

    @Override
    public String getLogGroupName() {
      return "local";
    }

    @Override
    public String getLogStreamName() {
      return "local";
    }

    @Override
    public String getFunctionName() {
      return Variables.required("AWS_LAMBDA_FUNCTION_NAME");
    }

    @Override
    public String getFunctionVersion() {
      return "$LATEST";
    }

    @Override
    public String getInvokedFunctionArn() {
      return "local";
    }

    @Override
    public @Nullable CognitoIdentity getIdentity() {
      return null;
    }

    @Override
    public @Nullable ClientContext getClientContext() {
      return null;
    }

    @Override
    public int getRemainingTimeInMillis() {
      return 30_000;
    }

    @Override
    public int getMemoryLimitInMB() {
      return 512;
    }

    @Override
    public LambdaLogger getLogger() {
      return new LambdaLogger() {
        @Override
        public void log(String message) {
          System.err.println(message);
        }

        @Override
        public void log(byte[] message) {
          log(new String(message, UTF_8));
        }
      };
    }
  }
}
