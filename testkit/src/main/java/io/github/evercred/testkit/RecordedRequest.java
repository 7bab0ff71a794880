package io.github.evercred.testkit;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One request that a {@link LocalSecretsManager} accepted, as its sender wrote it. It never holds a
 * secret's value. Immutable.
 *
 * @param operation such as {@code GetSecretValue}
 * @param secretIds the ids in the request: none, one, or those of a batch; unmodifiable
 * @param label the staging label in the request; null if it named none or several
 * @param versionId the version id, client request token or target version in the request; null if
 *     it had none
 * @param time when it was accepted, by the server's clock
 */
public record RecordedRequest(
    String operation,
    List<String> secretIds,
    @Nullable String label,
    @Nullable String versionId,
    Instant time) {}
