/** A local Secrets Manager, a real PostgreSQL and a four-step rotation for tests. */
@NullMarked
package io.github.evercred.testkit;

import org.jspecify.annotations.NullMarked;
