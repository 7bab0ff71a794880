package io.github.evercred;

/**
 * What the entries of all ids of one secret have in common: its ARN, as the source told it, and
 * which version was asked for.
 */
record Alias(String arn, VersionSelector version) {}
