/** An in-process cache of AWS Secrets Manager secrets that stays usable while they rotate. */
@NullMarked
package io.github.evercred;

import org.jspecify.annotations.NullMarked;
