/** Races of the cache's package-private parts, so in its package. */
@org.jspecify.annotations.NullMarked
package io.github.evercred;
