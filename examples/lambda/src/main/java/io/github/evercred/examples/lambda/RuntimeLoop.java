package io.github.evercred.examples.lambda;

import static java.nio.charset.StandardCharsets.UTF_8;

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
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What Lambda's runtime is to a function, in a JVM of its own: it makes the handler, then answers
 * each line on standard input by one on standard output, until the input ends. A line is a JSON
 * object, the event; its answer is one with {@code answer}, or with {@code error}. The first answer
 * says that the handler is made.
 */
final class RuntimeLoop {
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
      handler = make(arguments[0]);
    } catch (ReflectiveOperationException | LinkageError e) {
      answer(answers, failure(e));
      return;
    }
    answer(answers, Map.of("answer", Map.of()));
    for (String line = events.readLine(); line != null; line = events.readLine()) {
      answer(answers, handle(handler, line));
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
