package io.github.evercred.testkit;

/**
 * An answer of Secrets Manager that is an error. Over HTTP it becomes the error's code and message;
 * a caller of the Java API sees it as an {@link IllegalArgumentException} with both.
 */
final class ServiceError extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  private final int status;
  private final String code;
  private final String text;

  ServiceError(int status, String code, String text) {
    super(code + ": " + text);
    this.status = status;
    this.code = code;
    this.text = text;
  }

  int status() {
    return status;
  }

  /** The value of {@code __type}. */
  String code() {
    return code;
  }

  String text() {
    return text;
  }

  static ServiceError notFound(String text) {
    return new ServiceError(400, "ResourceNotFoundException", text);
  }

  static ServiceError secretNotFound() {
    return notFound("Secrets Manager can't find the specified secret.");
  }

  static ServiceError invalidRequest(String text) {
    return new ServiceError(400, "InvalidRequestException", text);
  }

  static ServiceError markedForDeletion() {
    return invalidRequest(
        "You can't perform this operation on the secret because it was marked for deletion.");
  }

  static ServiceError invalidParameter(String text) {
    return new ServiceError(400, "InvalidParameterException", text);
  }

  static ServiceError validation(String text) {
    return new ServiceError(400, "ValidationException", text);
  }

  static ServiceError exists(String text) {
    return new ServiceError(400, "ResourceExistsException", text);
  }
}
