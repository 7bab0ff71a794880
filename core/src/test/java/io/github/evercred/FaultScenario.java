package io.github.evercred;

import io.github.evercred.testkit.Fault;
import io.github.evercred.testkit.LocalSecretsManager;
import java.time.Duration;

/** One way in which calls to Secrets Manager go wrong, as {@code docs/faults.md} lists it. */
enum FaultScenario {
  SLOW_1S("slow, 1 s", "the right answer after 1 s, within the 2 s of an attempt"),
  SLOW_3S("slow, 3 s", "the right answer after 3 s, later than the 2 s of an attempt"),
  HANG("hang", "the request is accepted and never answered"),
  RESET("connection reset", "the connection is reset once the request has been read"),
  SERVER_ERROR("5xx", "500 `InternalServiceError`"),
  NOT_JSON("503, not JSON", "503 with a text instead of JSON, as a load balancer sends it"),
  THROTTLING("throttling", "400 `ThrottlingException`"),
  MALFORMED("malformed", "200 with JSON that breaks off in the middle"),
  ACCESS_DENIED("access denied", "400 `AccessDeniedException`, no policy allows `GetSecretValue`"),
  KMS_DENIED("denied by KMS", "400 `AccessDeniedException`, the caller may not use the KMS key"),
  KEY_UNUSABLE("key unusable", "400 `DecryptionFailure`, the KMS key cannot decrypt"),
  DELETED("deleted", "400 `InvalidRequestException`, the secret is marked for deletion"),
  GONE("gone", "400 `ResourceNotFoundException`, there is no such secret");

  /** How the document calls it. */
  final String title;

  /** What Secrets Manager does. */
  final String means;

  FaultScenario(String title, String means) {
    this.title = title;
    this.means = means;
  }

  /** By how much the right answer is late, within the limit of an attempt. */
  Duration late() {
    return this == SLOW_1S ? Duration.ofSeconds(1) : Duration.ZERO;
  }

  /** Whether no call is answered within the limit of an attempt. */
  boolean outlastsAttempts() {
    return this == SLOW_3S || this == HANG;
  }

  void begin(LocalSecretsManager secrets, String id) {
    switch (this) {
      case SLOW_1S -> {} // Its caller holds the answer back.
      case SLOW_3S -> secrets.inject(Fault.latency(Duration.ofSeconds(3)));
      case HANG -> secrets.inject(Fault.hang());
      case RESET -> secrets.inject(Fault.connectionReset());
      case SERVER_ERROR -> secrets.inject(Fault.serverError());
      case NOT_JSON -> secrets.inject(Fault.serviceUnavailable());
      case THROTTLING -> secrets.inject(Fault.throttling());
      case MALFORMED -> secrets.inject(Fault.malformedBody());
      case ACCESS_DENIED -> secrets.inject(Fault.accessDenied());
      case KMS_DENIED -> secrets.inject(Fault.accessDeniedByKms());
      case KEY_UNUSABLE -> secrets.inject(Fault.decryptionFailure());
      case DELETED -> secrets.deleteSecret(id);
      case GONE -> secrets.forceDeleteSecret(id);
    }
  }

  /** Ends it, with the given value as the current one. */
  void end(LocalSecretsManager secrets, String id, String current) {
    switch (this) {
      case DELETED -> secrets.restoreSecret(id);
      case GONE -> secrets.createSecret(id, current);
      default -> secrets.clearFaults();
    }
  }
}
