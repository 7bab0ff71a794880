package io.github.evercred;

import io.github.evercred.SecretException.Reason;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What an error means that Secrets Manager or KMS answers, and what to say about it. Pure
 * functions.
 *
 * <p>The error code decides, never the status, on which AWS, its documentation and emulators
 * disagree ({@code ResourceNotFoundException} comes with 400 and with 404, {@code
 * InternalServiceError} with 500 and with 400). The text decides only between two meanings of one
 * code. A code that is not known is {@link Reason#INVALID_REQUEST} with a status from 400 to 499,
 * and {@link Reason#UNAVAILABLE} with any other or none, as is an answer without a code.
 *
 * <p>Codes: <a
 * href="https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html">common
 * errors of Secrets Manager</a>; throttling and transient ones: <a
 * href="https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html">quotas</a>
 * and the SDK; <a href="https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html">
 * Decrypt</a> of KMS.
 */
final class AwsErrors {

  private AwsErrors() {}

  /**
   * An error as AWS answered it.
   *
   * @param service who answered, where that is not the service that was asked
   * @param status HTTP status; 0 for an error within a batch, which has none
   * @param code the error's code; empty if there was none
   * @param text the error's message; may be empty
   * @param skewed whether the answer's own date shows that this machine's clock is wrong
   */
  record Answer(@Nullable String service, int status, String code, String text, boolean skewed) {}

  /**
   * What was asked.
   *
   * @param secretId the secret as the caller wrote it; null for a batch as a whole
   * @param current whether the version asked for is AWSCURRENT, which every secret has
   * @param region the client's region, if it is known
   * @param role the role that is assumed to read it, if one is
   */
  record Asked(
      @Nullable String secretId, boolean current, @Nullable String region, @Nullable String role) {

    private @Nullable SecretArn arn() {
      return secretId == null ? null : SecretArn.parse(secretId);
    }

    /** Says how the ARN's region differs from the client's, or returns null if it does not. */
    private @Nullable String otherRegion() {
      SecretArn arn = arn();
      return arn == null || region == null || arn.region().equals(region)
          ? null
          : "The ARN is of region %s, account %s, while this client reads region %s; a replica's ARN names the replica's region"
              .formatted(arn.region(), arn.account(), region);
    }
  }

  /**
   * What KMS was asked.
   *
   * @param operation {@code GenerateDataKey} or {@code Decrypt}
   * @param keyId the key as the caller wrote it
   * @param region the client's region, if it is known
   * @param role the role that is assumed to use it, if one is
   */
  record AskedOfKms(
      String operation, String keyId, @Nullable String region, @Nullable String role) {

    /** Says how the ARN's region differs from the client's, or returns null if it does not. */
    private @Nullable String otherRegion() {
      String[] parts = keyId.split(":", 6);
      return parts.length < 6
              || !parts[0].equals("arn")
              || region == null
              || parts[3].equals(region)
          ? null
          : "The key's ARN is of region %s, while this client calls KMS in %s"
              .formatted(parts[3], region);
    }
  }

  private static final Pattern WHO_AND_WHAT =
      Pattern.compile("User: arn:[^:\\s]*:[^:\\s]*:[^:\\s]*:(\\d+):.* on resource: (\\S+)");

  private static final Pattern SAYS_KMS =
      Pattern.compile("Access to KMS|KMS service key|KMS key|perform: kms:|kms:Decrypt");

  static Reason reason(Answer answer, Asked asked) {
    Reason reason = byCode(answer);
    if (isOfCredentials(answer, reason)) {
      return Reason.AWS_CREDENTIALS;
    }
    return reason == Reason.NOT_FOUND
            && asked.current()
            && !isOfVersion(answer)
            && asked.otherRegion() != null
        ? Reason.WRONG_REGION
        : reason;
  }

  static Reason reason(Answer answer, AskedOfKms asked) {
    Reason reason = byCode(answer);
    if (isOfCredentials(answer, reason)) {
      return Reason.AWS_CREDENTIALS;
    }
    return reason == Reason.ACCESS_DENIED
        ? Reason.KMS_DENIED
        : answer.code().equals("NotFoundException") && asked.otherRegion() != null
            ? Reason.WRONG_REGION
            : reason;
  }

  /**
   * Whoever else answers was asked for credentials on the way. A role that may not be assumed is no
   * denial of the secret or the key.
   */
  private static boolean isOfCredentials(Answer answer, Reason reason) {
    return answer.service() != null && !reason.isTransient();
  }

  private static Reason byCode(Answer answer) {
    String text = answer.text();
    return switch (answer.code()) {
      case "ResourceNotFoundException" -> Reason.NOT_FOUND;
      case "AccessDeniedException", "AccessDenied", "NotAuthorized" ->
          // The text names the caller and the resource, and those may be called anything.
          !text.contains("perform: secretsmanager:") && SAYS_KMS.matcher(text).find()
              ? Reason.KMS_DENIED
              : Reason.ACCESS_DENIED;
      case "DecryptionFailure",
          "EncryptionFailure",
          "DisabledException",
          "KMSInvalidStateException",
          "NotFoundException",
          "IncorrectKeyException",
          "InvalidCiphertextException",
          "InvalidGrantTokenException",
          "InvalidKeyUsageException" ->
          Reason.KEY_UNUSABLE;
      case "InvalidRequestException" ->
          text.contains("marked for deletion")
                  || text.contains("marked deleted")
                  || text.contains("scheduled for deletion")
              ? Reason.MARKED_FOR_DELETION
              : Reason.INVALID_REQUEST;
      case "InvalidParameterException",
          "InvalidNextTokenException",
          "ValidationException",
          "ValidationError" ->
          Reason.INVALID_REQUEST;
      case "ExpiredTokenException",
          "ExpiredToken",
          "UnrecognizedClientException",
          "InvalidClientTokenId",
          "IncompleteSignature",
          "IncompleteSignatureException",
          "MissingAuthenticationToken",
          "MissingAuthenticationTokenException" ->
          Reason.AWS_CREDENTIALS;
      case "InvalidSignatureException", "SignatureDoesNotMatch", "AuthFailure" ->
          // https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html
          text.contains("scoped to a valid region") || text.contains("scoped to a valid Region")
              ? Reason.WRONG_REGION
              : answer.skewed()
                      || text.contains("Signature expired")
                      || text.contains("Signature not yet current")
                  ? Reason.CLOCK_SKEW
                  : Reason.AWS_CREDENTIALS;
      case "RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed" -> Reason.CLOCK_SKEW;
      case "Throttling",
          "ThrottlingException",
          "ThrottledException",
          "ProvisionedThroughputExceededException",
          "SlowDown",
          "TooManyRequestsException",
          "RequestLimitExceeded",
          "BandwidthLimitExceeded",
          "RequestThrottled",
          "RequestThrottledException",
          "EC2ThrottledException",
          "TransactionInProgressException",
          "LimitExceededException" ->
          Reason.THROTTLED;
      case "InternalServiceError",
          "InternalServiceErrorException",
          "InternalServiceFailure",
          "InternalServerError",
          "InternalFailure",
          "InternalError",
          "ServiceUnavailable",
          "ServiceUnavailableException",
          "RequestTimeout",
          "RequestTimeoutException",
          "RequestAbortedException",
          "PriorRequestNotComplete",
          "DependencyTimeoutException",
          "KeyUnavailableException",
          "KMSInternalException" ->
          Reason.UNAVAILABLE;
      default -> byStatus(answer);
    };
  }

  /** Too many requests (429) is said by gateways, too, which have no code for it. */
  private static Reason byStatus(Answer answer) {
    int status = answer.status();
    return status == 429
        ? Reason.THROTTLED
        : status >= 400 && status < 500 && !answer.code().isEmpty()
            ? Reason.INVALID_REQUEST
            : Reason.UNAVAILABLE;
  }

  /** Whether the secret was found and only the version asked for was not. */
  private static boolean isOfVersion(Answer answer) {
    return answer.text().contains("secret value for");
  }

  /** The whole message: who answered what, and a hint at its cause where there is one. */
  static String message(Answer answer, Asked asked, Reason reason) {
    List<String> said = said("Secrets Manager", answer, asked.role(), reason);
    if (answer.service() == null) {
      addHints(said, answer, asked, reason);
    }
    return String.join(". ", said);
  }

  /** As for a secret; {@link #nextStepOfKms} is said by the caller. */
  static String message(Answer answer, AskedOfKms asked, Reason reason) {
    List<String> said = said("KMS", answer, asked.role(), reason);
    if (answer.service() == null) {
      addHints(said, answer, asked, reason);
    }
    return String.join(". ", said);
  }

  private static List<String> said(
      String service, Answer answer, @Nullable String role, Reason reason) {
    var said = new ArrayList<String>();
    said.add(
        "%s answered%s %s%s"
            .formatted(
                answer.service() == null
                    ? service
                    : "The AWS service '" + answer.service() + "', asked for credentials,",
                answer.status() == 0 ? "" : " " + answer.status(),
                answer.code().isEmpty() ? "without a code" : answer.code(),
                answer.text().isEmpty() ? "" : ": " + withoutStop(answer.text())));
    if (answer.service() != null && role != null) {
      said.add(whyNotAssumed(answer, role, reason));
    } else if (answer.service() == null
        && reason == Reason.UNAVAILABLE
        && answer.code().isEmpty()) {
      said.add(
          "Without a code it may not be %s that answered, but a proxy before it"
              .formatted(service));
    }
    return said;
  }

  /** What was refused may have come before the role: a web identity, a role of the profile's. */
  private static String whyNotAssumed(Answer answer, String role, Reason reason) {
    Matcher text = WHO_AND_WHAT.matcher(answer.text());
    boolean ofAnother = text.find() && !text.group(2).equals(role);
    String which = "The option role is " + role;
    return reason != Reason.AWS_CREDENTIALS || ofAnother
        ? which
        : which
            + ": its trust policy must name the caller and match the option externalId, if it asks for one; the caller's own policy must allow sts:AssumeRole on it";
  }

  private static String withoutStop(String text) {
    String stripped = text.strip();
    return stripped.endsWith(".") ? stripped.substring(0, stripped.length() - 1) : stripped;
  }

  private static String signedForAnother(@Nullable String region) {
    return "The client signs for region %s, and its endpoint is not of that region"
        .formatted(region == null ? "unknown" : region);
  }

  private static void addHints(List<String> said, Answer answer, Asked asked, Reason reason) {
    switch (reason) {
      case NOT_FOUND -> said.add(whyNotFound(answer, asked));
      case WRONG_REGION -> {
        String other = asked.otherRegion();
        said.add(
            other != null && answer.code().equals("ResourceNotFoundException")
                ? other
                : signedForAnother(asked.region()));
      }
      case ACCESS_DENIED -> {
        addOtherRegion(said, asked.otherRegion());
        addWhyDenied(said, answer, asked);
      }
      case INVALID_REQUEST -> addOtherRegion(said, asked.otherRegion());
      case KMS_DENIED -> {
        if (answer.text().contains("different AWS account")) {
          said.add(
              "Across accounts a secret must be encrypted with a customer-managed key, whose policy allows kms:Decrypt to the caller");
        } else if (answer.text().contains("not encrypted with the current KMS key")) {
          said.add(
              "This version is still under an earlier key: allow kms:Decrypt on that key, or store the value anew");
        }
      }
      default -> {}
    }
  }

  private static void addHints(List<String> said, Answer answer, AskedOfKms asked, Reason reason) {
    switch (reason) {
      case WRONG_REGION ->
          said.add(
              answer.code().equals("NotFoundException")
                  ? Objects.requireNonNull(asked.otherRegion())
                  : signedForAnother(asked.region()));
      case KMS_DENIED -> addOtherRegion(said, asked.otherRegion());
      case KEY_UNUSABLE -> {
        switch (answer.code()) {
          case "InvalidCiphertextException" ->
              said.add(
                  "The data key is damaged, or was made for another application or purpose: it opens under no other encryption context than its own");
          case "IncorrectKeyException" ->
              said.add(
                  "The data key was made under another key; an alias may have been moved since");
          case "NotFoundException" -> {
            if (!asked.keyId().startsWith("arn:")) {
              said.add(
                  "A key's id or alias is looked for in the caller's own account and region; a key of another account is only found by its ARN");
            }
          }
          default -> {}
        }
      }
      default -> {}
    }
  }

  /** What to do about a failed call of KMS, answered or not. */
  static String nextStepOfKms(String operation, Reason reason) {
    return switch (reason) {
      case KMS_DENIED ->
          "Allow kms:%s on this key to this caller, by the key's policy, or by IAM where that policy leaves it to it; a condition kms:ViaService admits no direct call"
              .formatted(operation);
      case KEY_UNUSABLE ->
          "Look at the key: it must be there, symmetric, enabled, not pending deletion%s"
              .formatted(
                  operation.equals("Decrypt")
                      ? ", and the one that the data key was made under"
                      : "");
      case WRONG_REGION -> "Name a key of the client's region, or set the region to the key's";
      case INVALID_REQUEST -> "Correct the key id as KMS's answer says";
      case MALFORMED -> "Look at what stands between here and AWS";
      default -> reason.nextStep();
    };
  }

  private static void addOtherRegion(List<String> said, @Nullable String other) {
    if (other != null) {
      said.add(other);
    }
  }

  private static String whyNotFound(Answer answer, Asked asked) {
    if (isOfVersion(answer)) {
      return "The secret itself was found: it has no such version, or none with a value";
    }
    String other = asked.otherRegion();
    if (other != null) {
      return other;
    }
    String id = asked.secretId() == null ? "" : asked.secretId();
    if (!id.startsWith("arn:")) {
      return "A name is looked for in the caller's own account; a secret of another account is only found by its ARN";
    }
    SecretArn arn = asked.arn();
    if (arn == null) {
      return "The id starts with 'arn:', but a secret's ARN is arn:<partition>:secretsmanager:<region>:<account>:secret:<name>-<6 characters>";
    }
    return arn.looksComplete()
        ? "If the ARN's last six characters belong to the name, the six that Secrets Manager adds to it are missing; if not, the secret may have been deleted and created again, which changes them. Give the whole ARN as it is now, or the name"
        : "The ARN lacks the hyphen and six characters at its end, and by part of an ARN a secret may not be found: give the whole ARN";
  }

  private static void addWhyDenied(List<String> said, Answer answer, Asked asked) {
    Matcher text = WHO_AND_WHAT.matcher(answer.text());
    boolean told = text.find();
    SecretArn arn = asked.arn();
    if (told && arn != null && !text.group(1).equals(arn.account())) {
      said.add(
          "The caller is of account %s, the secret of account %s: across accounts the secret needs a resource policy that allows the caller, and a customer-managed KMS key whose policy does, too"
              .formatted(text.group(1), arn.account()));
    }
    String resource = told ? text.group(2) : asked.secretId();
    if (resource != null && asked.secretId() != null && !resource.startsWith("arn:")) {
      said.add(
          "Policies are looked at before the secret is looked for: check the name, the region and the account, too");
    }
  }
}
