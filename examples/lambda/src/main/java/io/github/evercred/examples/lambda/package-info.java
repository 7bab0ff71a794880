/**
 * Functions for AWS Lambda that read secrets, and a runner that plays Lambda's part on this
 * machine.
 */
@NullMarked
package io.github.evercred.examples.lambda;

import org.jspecify.annotations.NullMarked;
