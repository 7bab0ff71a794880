/** What Evercred costs beside what it stands in for. */
@org.jspecify.annotations.NullMarked
package io.github.evercred.benchmarks;
