/** Pools and tools, set up as users do, before a real PostgreSQL whose password is rotated. */
@NullMarked
package io.github.evercred.integration;

import org.jspecify.annotations.NullMarked;
